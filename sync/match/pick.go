package match

import (
	"cmp"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/sync/normalize"
)

// Result is the account that was picked, and why.
type Result struct {
	Account  *Account // nil: no match
	RunnerUp *Account // who would be picked if Account were not there
	Via      Via      // what found Account
	Step     string   // the tie step that decided; "" if none was needed
	// Review says that only an arbitrary step tells several accounts apart,
	// and that the admin wants a person to look.
	Review bool
	Why    []string // sentences: the winner, the runner-up, what decided
}

// Pick orders the candidates and answers the first, or none. The order is
// total and looks at each candidate alone, so it does not matter in what order
// they come, and without the winner the runner-up is picked.
//
// First comes what found the account:
//
//	link     the CRM itself says so
//	email    an account of somebody with the same address
//	host     the account's domain is the host of the address
//	domain   both have the same registrable domain
//	name     both have the same normalized company name
//
// Among equals the first of these steps that tells two apart decides:
//
//	step             first comes                                   settles a review
//	closest host     the longest host that the address is under    yes
//	same country     the person's country, then unknown, then else yes
//	customer         is_customer                                   yes
//	open deal        at least one open deal                        yes
//	named account    named_account                                 yes
//	has owner        anybody owns it                               yes
//	most people      more of its people known                      no
//	oldest           created first; unknown last                   no
//	lowest id        the shorter, then the smaller id              no
//
// With IfSeveral "review", Review is set when winner and runner-up were both
// found by domain, or both by name, and only a step that settles no review
// tells them apart: people count, age and id say nothing of whose buyer this
// is. A link, an address or an exact host is evidence enough by itself.
//
// Passed over are deleted and merged accounts, those of other connections, and
// those that no way in c found.
func Pick(q Query, candidates []Account, c Config) Result {
	ranked := make([]rank, 0, len(candidates))
	for i := range candidates {
		if r, ok := rankOf(q, &candidates[i], c); ok {
			ranked = append(ranked, r)
		}
	}
	if len(ranked) == 0 {
		return Result{Why: []string{q.none(len(candidates))}}
	}
	// Only the first two are asked for; the same account twice is one.
	first := slices.MinFunc(ranked, compare)
	res := Result{Account: first.account, Via: first.via}
	var second *rank
	for i := range ranked {
		r := &ranked[i]
		if r.account.Record.Ref != first.account.Record.Ref && (second == nil || compare(*r, *second) < 0) {
			second = r
		}
	}
	if second == nil {
		res.Why = []string{q.found(first)}
		return res
	}
	res.RunnerUp = second.account
	if first.via == second.via {
		s := deciding(first, *second)
		res.Step = steps[s].name
		res.Review = c.IfSeveral == "review" && !steps[s].settles && (first.via == ByDomain || first.via == ByName)
	}
	res.Why = q.why(first, *second, res)
	return res
}

// rank is a candidate with what its place depends on: small comes first.
type rank struct {
	account *Account
	via     Via
	level   int
	ties    [len(steps)]int64
}

// step names one place of the tie order.
type tie struct {
	name    string
	settles bool
}

var steps = [...]tie{
	{"closest host", true},
	{"same country", true},
	{"customer", true},
	{"open deal", true},
	{"named account", true},
	{"has owner", true},
	{"most people", false},
	{"oldest", false},
	{"lowest id", false},
}

var ways = [...]Via{ByLink, ByEmail, ByHost, ByDomain, ByName}

func rankOf(q Query, a *Account, c Config) (rank, bool) {
	rec := &a.Record
	if rec.Deleted || !rec.MovedTo.IsZero() || q.Conn != "" && rec.Ref.Conn != q.Conn {
		return rank{}, false
	}
	r := rank{account: a}
	for i, v := range ways {
		if !foundBy(q, a, v) {
			continue
		}
		s, on := c.step(v)
		if !on || s.SameCountry && differ(q.Country, rec.Fields[wordCountry]) {
			continue
		}
		r.via, r.level = v, i
		r.ties = tiesOf(q, a)
		return r, true
	}
	return rank{}, false
}

func foundBy(q Query, a *Account, v Via) bool {
	return v == ByLink && !q.Link.IsZero() && a.Record.Ref == q.Link || slices.Contains(a.Via, v)
}

func differ(a, b string) bool { return a != "" && b != "" && a != b }

func tiesOf(q Query, a *Account) [len(steps)]int64 {
	f := a.Record.Fields
	country := int64(1)
	switch {
	case differ(q.Country, f[wordCountry]):
		country = 2
	case q.Country != "" && f[wordCountry] != "":
		country = 0
	}
	created := int64(1<<63 - 1)
	if t := a.Record.CreatedAt; !t.IsZero() {
		created = t.Unix()
	}
	return [len(steps)]int64{
		-closeness(q.Host, normalize.HostOf(f[wordDomain])),
		country,
		no(f[wordCustomer] == "yes"),
		no(len(a.Deals) > 0),
		no(f[wordNamed] == "yes"),
		no(f[wordOwner] != ""),
		-int64(a.People),
		created,
		0, // the id, which is no number
	}
}

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
func deciding(a, b rank) int {
	for i := range a.ties {
		if a.ties[i] != b.ties[i] {
			return i
		}
	}
	return len(steps) - 1
}
