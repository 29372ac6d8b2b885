package match

import (
	"cmp"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// Result is the account that was picked, and why.
type Result struct {
	Account  *Account // nil: no match
	RunnerUp *Account // who would be picked if Account were not there
	Via      Via      // what found Account
	Step     string   // the tie step that decided; "" if none was needed
	// Losers are those that were not picked, the runner-up first, at most
	// MaxLosers.
	Losers []Lost
	// Review says that only an arbitrary step tells several accounts apart,
	// and that the admin wants a person to look.
	Review bool
	Why    []string // sentences: the winner, the runner-up, what decided, the others
}

// Lost is a candidate that was not picked.
type Lost struct {
	Account *Account
	Step    string // the tie step by which it came after the winner; "": it was found in a weaker way
}

// MaxLosers is how many of those that were not picked are named.
const MaxLosers = 5

// Pick orders the candidates and answers the first, or none. The order is
// total and looks at each candidate alone, so it does not matter in what order
// they come, and without the winner the runner-up is picked.
//
// First comes what found the account:
//
//	link     the CRM itself, or a person in it, says so
//	email    an account of somebody with the same address
//	host     the account's domain is the host of the address
//	domain   both have the same registrable domain, or a person has said that it is the account's
//	people   several of the account's people have addresses of that domain
//	phone    both have the same telephone number
//	name     both have the same normalized company name, or a person has said that it is the account's
//
// So a link that a person has made is never overridden. Among equals the first
// of the steps of c.Ties that tells two apart decides, and the lowest id (the
// shorter, then the smaller) where none does.
//
// With IfSeveral "review", Review is set when winner and runner-up were both
// found by domain, by people, by phone or by name, and only a step that settles no review
// tells them apart (see [Tie]). A link, an address or an exact host is evidence
// enough by itself.
//
// Passed over are deleted and merged accounts, those of other connections, those
// that no way in c found, and those found by a domain or a name that a person has
// said is not theirs.
func Pick(q Query, candidates []Account, c Config) Result {
	order := c.ties()
	ranked := make([]rank, 0, len(candidates))
	for i := range candidates {
		if r, ok := rankOf(q, &candidates[i], c, order); ok {
			ranked = append(ranked, r)
		}
	}
	if len(ranked) == 0 {
		return Result{Why: []string{q.none(candidates)}}
	}
	slices.SortFunc(ranked, compare)
	ranked = once(ranked)
	first := ranked[0]
	res := Result{Account: first.account, Via: first.via}
	for _, r := range ranked[1:min(len(ranked), 1+MaxLosers)] {
		lost := Lost{Account: r.account}
		if r.level == first.level {
			lost.Step = deciding(first, r, order).String()
		}
		res.Losers = append(res.Losers, lost)
	}
	if len(ranked) == 1 {
		res.Why = []string{q.found(first)}
		return res
	}
	second := ranked[1]
	res.RunnerUp = second.account
	if first.via == second.via {
		step := deciding(first, second, order)
		res.Step = step.String()
		res.Review = c.IfSeveral == "review" && !step.settles() && reviewed(first.via)
	}
	res.Why = q.why(first, second, res)
	return res
}

// reviewed reports whether a way leaves room for a person's judgement.
func reviewed(v Via) bool { return v == ByDomain || v == ByPeople || v == ByPhone || v == ByName }

// once leaves each account its best rank; ranked is in order.
func once(ranked []rank) []rank {
	out := ranked[:0]
	for _, r := range ranked {
		if !slices.ContainsFunc(out, func(o rank) bool { return o.account.Record.Ref == r.account.Record.Ref }) {
			out = append(out, r)
		}
	}
	return out
}

// rank is a candidate with what its place depends on: small comes first.
type rank struct {
	account *Account
	via     Via
	level   int
	ties    [tieCount]int64 // in the order of the configuration
}

var ways = [...]Via{ByLink, ByEmail, ByHost, ByDomain, ByPeople, ByPhone, ByName}

func rankOf(q Query, a *Account, c Config, order []Tie) (rank, bool) {
	rec := &a.Record
	if rec.Deleted || !rec.MovedTo.IsZero() || q.Conn != "" && rec.Ref.Conn != q.Conn {
		return rank{}, false
	}
	r := rank{account: a}
	for i, v := range ways {
		if !foundBy(q, a, v) || a.denied(v) {
			continue
		}
		s, on := c.step(v)
		if !on || s.SameCountry && differ(q.Country, rec.Fields[wordCountry]) {
			continue
		}
		r.via, r.level = v, i
		for n, t := range order {
			r.ties[n] = t.of(q, a)
		}
		return r, true
	}
	return rank{}, false
}

func foundBy(q Query, a *Account, v Via) bool {
	return v == ByLink && !q.Link.IsZero() && a.Record.Ref == q.Link || slices.Contains(a.Via, v)
}

// denied reports whether a person has said that what is found in a way is not
// the account's.
func (a *Account) denied(v Via) bool {
	return slices.ContainsFunc(a.Denied, func(key string) bool {
		return KeyVia(key) == v || v == ByPeople && KeyVia(key) == ByDomain
	})
}

func differ(a, b string) bool { return a != "" && b != "" && a != b }

func no(b bool) int64 {
	if b {
		return 0
	}
	return 1
}

// closeness is how much of a host an account's host covers: its length where
// the host is it or lies under it, 0 otherwise.
func closeness(host, account string) int64 {
	if host == "" || account == "" {
		return 0
	}
	if host == account || strings.HasSuffix(host, account) && host[len(host)-len(account)-1] == '.' {
		return int64(len(account))
	}
	return 0
}

func compare(a, b rank) int {
	if c := cmp.Compare(a.level, b.level); c != 0 {
		return c
	}
	if c := slices.Compare(a.ties[:], b.ties[:]); c != 0 {
		return c
	}
	return compareRefs(a.account.Record.Ref, b.account.Record.Ref)
}

// compareRefs puts shorter ids first, which is the order of numbers, and says
// nothing else about ids of one length.
func compareRefs(a, b connectors.Ref) int {
	return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Conn, b.Conn))
}

// deciding is the step that tells two ranks of one level apart.
func deciding(a, b rank, order []Tie) Tie {
	for i, t := range order {
		if a.ties[i] != b.ties[i] {
			return t
		}
	}
	return lowestID
}
