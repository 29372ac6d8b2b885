package plan

import (
	"fmt"
	"strings"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
	"github.com/handoffd/handoffd/sync/normalize"
)

// Where no exact way leads to an account, those that are alike are weighed
// (package match). Enough is taken, less is for a person to look at, and until
// they have, the buyer is handed over as somebody without an account.

// lead is what is known of a person for finding accounts that are alike; ok is
// false where it is nothing.
func (f *facts) lead(q match.Query) (match.Lead, bool) {
	if f.rec.Noun != nounPerson {
		return match.Lead{}, false
	}
	l := match.Lead{Company: f.employer(), Country: f.rec.Fields[wordCountry]}
	if q.Domain != "" {
		l.Email = f.rec.Fields[wordEmail]
	}
	return l, l.Company != "" || l.Email != ""
}

// employer is the company as the person typed it. What only repeats the host
// of their address is no name.
func (f *facts) employer() string {
	typed := f.rec.Fields[wordCompanyName]
	if host := normalize.HostOf(f.rec.Fields[wordEmail]); host != "" && strings.Contains(typed, ".") && (normalize.HostOf(typed) == host || normalize.HostOf(typed) == normalize.Registrable(host)) {
		return ""
	}
	return typed
}

// similar looks for an account that is alike. It reports whether there is
// anything to say of one.
func (f *facts) similar(c *conn, q match.Query) bool {
	step, on := c.match.Alike()
	l, known := f.lead(q)
	if !on || !known {
		return false
	}
	w := &c.weights
	found := f.v.Alike(c.name, l, w)
	found = barring(found, func(a *match.Account) bool {
		is := a.Record.Fields[wordCountry]
		return len(a.Denied) > 0 || step.SameCountry && q.Country != "" && is != "" && is != q.Country
	})
	judged := w.Judge(found.Near)
	if judged.Decision == match.None {
		return false
	}
	first := &found.Accounts[judged.Order[0]]
	if first.Record.Ref.ID == "" {
		return false // gone since it was filed
	}
	sure := judged.Needed
	if step.SureAt > 0 {
		sure = max(sure, match.Sureness(step.SureAt))
	}
	why := resemblance(w, found, judged, sure)
	if judged.Decision == match.Auto && judged.Certainty >= sure {
		f.found.record, f.found.conn, f.found.deals, f.found.why = &first.Record, c, first.Deals, why
		return true
	}
	f.found.conn, f.found.review = c, true
	f.found.why = append(why, state.Reason{Text: "That is not enough to say whose buyer this is, so a person should look, and no account is assumed."})
	for _, at := range judged.Order {
		if a := found.Accounts[at].Record; a.Ref.ID != "" {
			f.found.suspects = append(f.found.suspects, a)
		}
	}
	return true
}

// barring leaves out accounts that cannot be meant: of another country, or that a
// person has said are not.
func barring(found match.Alike, barred func(*match.Account) bool) match.Alike {
	out := match.Alike{Near: found.Near}
	out.Near.Found = nil
	for i, a := range found.Accounts {
		if !barred(&a) {
			out.Near.Found = append(out.Near.Found, found.Near.Found[i])
			out.Accounts = append(out.Accounts, a)
		}
	}
	return out
}

// resemblance says what speaks for the first and who comes behind it.
func resemblance(w *match.Weights, found match.Alike, j match.Judged, needed float64) []state.Reason {
	at := j.Order[0]
	out := []state.Reason{{Text: fmt.Sprintf("%s is alike: %s.", accountName(found.Accounts[at].Record), found.Near.Found[at].Say())}}
	if len(j.Order) > 1 {
		next := j.Order[1]
		text := fmt.Sprintf("Second was %s, %.1f points behind.", accountName(found.Accounts[next].Record), j.Margin)
		if j.Step != "" {
			text = fmt.Sprintf("Second was %s, as likely; decided by %s.", accountName(found.Accounts[next].Record), j.Step)
		}
		out = append(out, state.Reason{Text: text})
	}
	return append(out, state.Reason{Text: fmt.Sprintf("%.1f points, %.1f are enough (weights %s).", j.Certainty, needed, w.Version)})
}

// unsure says why a person has to look.
func (a *finding) unsure() string {
	if a.record == nil {
		return "an account may be theirs"
	}
	return "several accounts fit"
}

func accountName(r state.Record) string { return titled(&r) + " (" + r.Ref.String() + ")" }
