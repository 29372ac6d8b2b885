package plan

import (
	"slices"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
)

// twins lists a company that is new, or has another name or domain, where the
// same CRM has one that looks like the same: the host of their websites is the
// same, or their names are, and nothing speaks against it. While there are two,
// a buyer may be found to be either's. Nothing is ever merged by us.
func (d *deciding) twins(c *conn, rec, prev *state.Record, seen bool) {
	if rec.Noun != nounCompany || c.speaks != nil {
		return
	}
	free := func(domain string) bool { return d.r.freeMail[domain] }
	q := match.Twins(*rec, free)
	if before := match.Twins(*prev, free); seen && !prev.Deleted && before.Host == q.Host && before.Name == q.Name {
		return
	}
	if known, ok := d.v.Conn(c.name); !ok || !known.Mirror {
		return // of what was there before us only what changes is looked at
	}
	for _, a := range d.v.Candidates(q) {
		what := sharedBy(q, a)
		if a.Record.Ref == rec.Ref || what == "" || match.Related(*rec, a.Record) {
			continue
		}
		d.list(listDuplicates, rec.Ref.String(), accountName(*rec)+" and "+accountName(a.Record)+" have "+what+
			" in common. If they are one company, merge them in "+c.name+"; if one is part of the other, note it there")
	}
}

// sharedBy is what makes a candidate look like the same company; "" nothing.
func sharedBy(q match.Query, a match.Account) string {
	if slices.Contains(a.Via, match.ByGeneric) {
		return ""
	}
	theirs := match.Twins(a.Record, nil)
	switch {
	case slices.Contains(a.Via, match.ByHost) && theirs.Host == q.Host:
		return "the website " + q.Host
	case !slices.Contains(a.Via, match.ByName) || theirs.Name != q.Name,
		theirs.Country != "" && q.Country != "" && theirs.Country != q.Country,
		theirs.Domain != "" && q.Domain != "" && theirs.Domain != q.Domain:
		return ""
	}
	return "their name"
}
