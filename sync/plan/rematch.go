package plan

import (
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// rematched looks for the account of open handoffs anew, after something has
// changed that it was found by: the address, the company's name, the country,
// the link. Whoever has the handoff keeps it: an owner is moved by the rules'
// own `reassign`, and what they would do now is listed.
func (d *deciding) rematched(c *conn, rec, prev *state.Record, carried []state.Handoff) {
	if rec.Noun != nounPerson || samePerson(rec, prev) && c.belongs(rec) == c.belongs(prev) {
		return
	}
	for _, h := range carried {
		if h = d.current(h); h.Stage.Open() && !h.Observed {
			d.rematch(h)
		}
	}
}

func (d *deciding) rematch(h state.Handoff) {
	t, f, ok := d.matter(h)
	if !ok {
		return
	}
	if to := d.r.byConn[h.Target.Conn]; to != nil {
		f.to = to
		if land, known := d.v.Record(h.Target); known && h.Target != h.Record {
			f.land = &land
		}
	}
	a := f.account()
	if f.wait != "" {
		return // the accounts are still being read: nothing can be said
	}
	now := connectors.Ref{}
	if a.record != nil {
		now = a.record.Ref
	}
	if now == h.Account {
		return
	}
	d.because(append([]state.Reason{d.why("", "its account was %s and is %s", orNoAccount(h.Account), orNoAccount(now))}, a.why...)...)
	d.audit("rematched", h.ID, map[string]string{"was": orNoAccount(h.Account), "account": orNoAccount(now), "why": sentence(a.why)})
	h.Account = now
	h.Why = append(slices.Clone(h.Why), d.why("", "since then its account is %s", orNoAccount(now)))
	d.put(h)
	if h.Stage != state.Assigned || d.stopped() {
		return
	}
	c := d.owner(t, f, h)
	if c.owner != "" && c.pool == nil && c.owner != h.Owner {
		d.list(listRematched, h.ID, h.Type+": "+h.Owner+" has it; by the account it has now it would be "+c.owner+"'s ("+c.where+"). Reassign it, or leave it")
	}
}

func orNoAccount(ref connectors.Ref) string {
	if ref.IsZero() {
		return "none"
	}
	return ref.String()
}
