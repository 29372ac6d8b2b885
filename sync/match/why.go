package match

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/state"
)

// none says why there is no account.
func (q Query) none(candidates []Account) string {
	if len(q.Keys()) == 0 && q.Link.IsZero() {
		return "No account: nothing is known of the person that could identify a company."
	}
	if slices.ContainsFunc(candidates, func(a Account) bool { return len(a.Via) == 1 && a.Via[0] == ByGeneric }) {
		if q.Domain == "" {
			return "No account: the telephone number is that of several accounts that have nothing to do with each other, so it says nothing."
		}
		return "No account: " + q.Domain + " is the domain of several accounts that have nothing to do with each other, so it says nothing."
	}
	if slices.ContainsFunc(candidates, func(a Account) bool { return len(a.Denied) > 0 }) {
		return "No account: a person has looked and said that it is none of those that share a key."
	}
	if len(candidates) > 0 {
		return "No account: those that share a key are deleted, merged, in another country or found in a way that is switched off."
	}
	return "No account is linked to the person or shares the e-mail address, host, domain or company name."
}

// found says what led to an account.
func (q Query) found(r rank) string {
	return fmt.Sprintf("%s: %s.", label(r.account.Record), q.evidence(r))
}

func (q Query) evidence(r rank) string {
	switch r.via {
	case ByLink:
		return "the CRM links the person to it"
	case ByEmail:
		return "somebody with the same e-mail address belongs to it"
	case ByHost:
		return "its domain is " + q.Host + ", as in the e-mail address"
	case ByDomain:
		if r.account.Confirmed == "domain:"+q.Domain {
			return "a person has said that " + q.Domain + " is its domain"
		}
		return "it shares the domain " + q.Domain + " with the e-mail address"
	case ByPeople:
		return fmt.Sprintf("%d of its people have addresses of %s", r.account.Colleagues, q.Domain)
	case ByPhone:
		return "it has the same telephone number"
	case ByGeneric:
	case ByName:
		if r.account.Confirmed == "name:"+q.Name {
			return fmt.Sprintf("a person has said that %q is its name", q.Name)
		}
		return fmt.Sprintf("it has the same company name, %q", q.Name)
	}
	return "it was found"
}

// why tells of winner, runner-up and what decided between them.
func (q Query) why(first, second rank, res Result) []string {
	out := []string{q.found(first)}
	next := "Second was " + label(second.account.Record) + ": " + q.evidence(second)
	if res.Step == "" {
		return q.others(append(out, fmt.Sprintf("%s, which is weaker.", next)), res)
	}
	out = append(out, next+".", fmt.Sprintf("Decided by %s: %s.", res.Step, q.decided(res.Step, first, second)))
	out = q.others(out, res)
	if res.Review {
		out = append(out, "That says little about whose buyer this is, so a person should look.")
	}
	return out
}

// others names who else was not picked, and by what.
func (q Query) others(out []string, res Result) []string {
	if len(res.Losers) < 2 {
		return out
	}
	var names []string
	for _, l := range res.Losers[1:] {
		by := l.Step
		if by == "" {
			by = "weaker"
		}
		names = append(names, label(l.Account.Record)+": "+by)
	}
	return append(out, "Behind them: "+strings.Join(names, "; ")+".")
}

func (q Query) decided(step string, first, second rank) string {
	a, b := first.account, second.account
	x, y := name(a.Record), name(b.Record)
	if x == y {
		x, y = a.Record.Ref.ID, b.Record.Ref.ID
	}
	switch step {
	case "closest host":
		return fmt.Sprintf("%s is closer to %s than %s", shown(a.Record, wordDomain), q.Host, shown(b.Record, wordDomain))
	case "same country":
		return fmt.Sprintf("the person is in %s, %s in %s, %s in %s", q.Country, x, shown(a.Record, wordCountry), y, shown(b.Record, wordCountry))
	case "customer":
		return fmt.Sprintf("%s is a customer, %s is not", x, y)
	case "open deal":
		return fmt.Sprintf("%s has an open deal, %s has none", x, y)
	case "named account":
		return fmt.Sprintf("%s is a named account, %s is not", x, y)
	case "confirmed":
		return fmt.Sprintf("a person has said so of %s, nobody of %s", x, y)
	case "named owner":
		return fmt.Sprintf("a person owns %s, none owns %s", x, y)
	case "parent company":
		return fmt.Sprintf("%s stands above others or alone, %s belongs to %s", x, y, above(b.Record))
	case "subsidiary":
		return fmt.Sprintf("%s belongs to %s, %s to none", x, above(a.Record), y)
	case "recent activity":
		return fmt.Sprintf("something last happened with %s %s, with %s %s", x, when(lastActivity(a.Record)), y, when(lastActivity(b.Record)))
	case "most people":
		return fmt.Sprintf("we know %d people of %s and %d of %s", a.People, x, b.People, y)
	case "oldest":
		return fmt.Sprintf("%s was created %s, %s %s", x, day(a.Record.CreatedAt), y, day(b.Record.CreatedAt))
	}
	return fmt.Sprintf("%s comes before %s", a.Record.Ref.ID, b.Record.Ref.ID)
}

func label(r state.Record) string {
	if n := r.Fields[wordName]; n != "" {
		return n + " (" + r.Ref.String() + ")"
	}
	return r.Ref.String()
}

func name(r state.Record) string {
	if n := r.Fields[wordName]; n != "" {
		return n
	}
	return r.Ref.ID
}

func shown(r state.Record, word string) string {
	if v := r.Fields[word]; v != "" {
		return v
	}
	return "an unknown " + word
}

func when(text string) string {
	if text == "" {
		return "nobody knows when"
	}
	return "on " + text
}

func day(t time.Time) string {
	if t.IsZero() {
		return "on an unknown day"
	}
	return "on " + t.UTC().Format(time.RFC3339)
}
