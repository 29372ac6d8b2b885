package plan

import (
	"cmp"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
	"github.com/handoffd/handoffd/sync/normalize"
)

// What we wrote on a record is a memory of its own: it outlives our state. A
// record may carry a handoff that we know nothing of, because the state is
// empty, an older copy, or one of two (L7). Then what stands there counts:
//
//	the handoff we are about to start     adopted as it stands
//	another of the type, still open       adopted; the signal is taken to be its own
//	another, assigned after the signal    adopted as ended: somebody has dealt with it
//	anything else                         listed, and counted
//
// Adopting picks no owner. The one task has a derived key, so it is looked for,
// or refused by the CRM, before there could be a second.

// foreignLimit is how many unknown handoffs of a connection mean that it is
// our memory that is wrong, and nothing is written until somebody has looked.
const foreignLimit = 5

const listForeign = "foreign"

// handedOver are the own fields that are read back.
func handedOver() []string {
	return []string{ownID, ownStatus, ownType, ownAccountable, ownAssignedAt, ownAcceptBy, ownTouchBy}
}

// memory are the own fields that are read of a kind: of those that may carry a
// handoff.
func (r *Rules) memory(c *conn, kind connectors.Kind) []string {
	noun := c.m.Noun(kind)
	read := slices.Concat(handedOver(), []string{ownReturnReason, ownReturnNote, ownGaps, connectors.WorkOwnedAt}, connectors.WorkFields())
	if r.reports.sample != nil {
		read = append(read, ownGivenRating, ownTakenRating)
	}
	for _, t := range r.types {
		if t.about == noun && (t.deliver == c || slices.Contains(t.on, c)) {
			return read
		}
	}
	if noun == nounPerson && c.peopleCount {
		return countedWords()
	}
	return nil
}

// countedWords are the counts that are kept of records that carry no handoff:
// for the brief of one to come, and of people for a handoff about their company.
func countedWords() []string {
	return []string{connectors.WorkFirstAt, connectors.WorkFirstType, connectors.WorkLastAt, connectors.WorkCount}
}

// unmapped are those of them that the mapping does not name itself.
func (r *Rules) unmapped(c *conn, kind connectors.Kind) []string {
	mapped := c.m.Fields(kind)
	return slices.DeleteFunc(r.memory(c, kind), func(name string) bool { return slices.Contains(mapped, name) })
}

// fields are the CRM's fields to read for a kind, sorted.
func (r *Rules) fields(c *conn, kind connectors.Kind) []string {
	mapped := c.m.Fields(kind)
	if mapped == nil {
		return nil
	}
	all := append(mapped, r.memory(c, kind)...)
	slices.Sort(all)
	return slices.Compact(all)
}

// recall puts what was read back of a handoff into the record, under
// handoffd's own names. Of one that carries none only what the CRM counts
// on it is kept.
func (r *Rules) recall(c *conn, o connectors.Object, rec *state.Record) {
	words := countedWords()
	if id, _ := o.Fields[ownID].(string); id != "" {
		words = r.memory(c, o.Ref.Kind)
	}
	for _, name := range words {
		is := "text"
		switch name {
		case ownAssignedAt, ownAcceptBy, ownTouchBy, connectors.WorkFirstAt, connectors.WorkReachedAt, connectors.WorkLastAt, connectors.WorkNextAt, connectors.WorkOwnedAt:
			is = isDatetime
		case connectors.WorkCount:
			is = isNumber
		case connectors.WorkOpened:
			is = "yes_no"
		}
		v, ok := normalize.Value(normalize.Field{Word: name, IsA: is}, o.Fields[name], "")
		if !ok || v == "" || rec.Fields[name] != "" {
			continue
		}
		if rec.Fields == nil {
			rec.Fields = map[string]string{}
		}
		rec.Fields[name] = v
	}
}

// stranger notices a handoff on a record that we know nothing of. Many of them
// hold back what would be written.
func (d *deciding) stranger(c *conn, rec, prev *state.Record) {
	id := rec.Fields[ownID]
	if id == "" || id == prev.Fields[ownID] {
		return
	}
	if _, known := d.v.Handoff(id); known || d.puts(id) {
		return
	}
	text := "the record carries handoff " + id + ", which this state does not know"
	if s := rec.Fields[ownStatus]; s != "" {
		text += "; it says " + s
	}
	d.list(listForeign, rec.Ref.String(), text)
	known, ok := d.v.Conn(c.name)
	if at := fieldTime(rec, ownAssignedAt); !ok || !at.IsZero() && at.Before(known.Approved) {
		return
	}
	known.Foreign++
	d.c.Conns = append(d.c.Conns, known)
	if known.Foreign == foreignLimit {
		why := c.name + " holds handoffs that this state does not know: it is empty, an older copy, or one of two"
		d.c.Reconcile = append(d.c.Reconcile, state.Reconcile{Conn: c.name, Why: why, At: d.now})
		d.audit("reconcile only", c.name, map[string]string{"why": why})
	}
}

// puts reports whether this deciding has put the handoff.
func (d *deciding) puts(id string) bool {
	return slices.ContainsFunc(d.c.Handoffs, func(h state.Handoff) bool { return h.ID == id })
}

// fieldTime is an instant that was read back; zero where there is none.
func fieldTime(rec *state.Record, name string) time.Time {
	at, _, _ := instant(rec.Fields[name])
	return at
}

// adopted takes over the handoff that a record carries already, where that is
// what the signal would start. It reports whether there was one.
func (d *deciding) adopted(t *typ, f *facts, s signal, id string, tier *tier) bool {
	at := f.rec
	if f.land != nil {
		at = f.land
	}
	carried, status := at.Fields[ownID], at.Fields[ownStatus]
	if carried == "" || status == "" || t.deliver != nil && f.land == nil {
		return false // only announced: who waits has no owner yet
	}
	if _, known := d.v.Handoff(carried); known || carried != id && at.Fields[ownType] != t.name {
		return false
	}
	open := status == statusAssigned || status == statusAccepted
	if assigned := fieldTime(at, ownAssignedAt); carried != id && !open && assigned.Add(time.Second).Before(s.at) {
		return false // a new signal, after all that had ended
	}
	h := handoff.Detect(handoff.New{
		ID: carried, Type: t.name, Rules: d.r.digest, Giver: d.giver(t, f), Record: f.rec.Ref, Target: at.Ref,
		Signal:   state.Signal{Trigger: s.version, Record: f.rec.Ref, At: s.at, Came: d.now},
		Observed: d.r.observes(t, f.rec.Ref), At: d.now,
	})
	if a := f.account().record; a != nil {
		h.Account = a.Ref
	}
	d.standing(t, f, h, at, tier)
	return true
}

// standing is an adopted handoff: its owner, stage and deadlines are those
// that stand on the record.
func (d *deciding) standing(t *typ, f *facts, h state.Handoff, at *state.Record, tier *tier) {
	c, status := d.r.byConn[at.Ref.Conn], at.Fields[ownStatus]
	owner := cmp.Or(f.user(c, at.Fields[t.becomes]), at.Fields[ownAccountable])
	why := d.why(where(t.pos), "%s carries this handoff already, as %s, and we have no memory of it: it is adopted as it stands", at.Ref, status)
	d.because(why)
	d.audit("adopted as it stands", h.ID, map[string]string{"record": at.Ref.String(), "owner": owner, "status": status})
	assigned, err := handoff.Assign(h, handoff.Assignment{
		Owner: owner, Accountable: cmp.Or(at.Fields[ownAccountable], owner), Decision: d.id, Why: []state.Reason{why},
		At: cmp.Or(fieldTime(at, ownAssignedAt), d.now),
		Clocks: handoff.Clocks{
			Tier: tier.name, Rank: tier.rank, AcceptBy: fieldTime(at, ownAcceptBy), TouchBy: fieldTime(at, ownTouchBy),
		},
	})
	if err != nil { // nobody owns it
		refused, _ := handoff.Refuse(h, []state.Reason{why}, "it stands in the CRM without an owner", d.now)
		d.list(listUnowned, h.ID, t.name+": "+refused.Note)
		d.put(refused)
		return
	}
	h = handoff.Stands(assigned, d.now)
	if name, ok := c.m.WriteName(at.Ref.Kind, t.becomes); ok && !d.elsewhereOwned(t, c, state.Handoff{}, at.Ref) {
		h = handoff.Remember(h, map[string]any{name: nil})
	}
	h = d.rememberBefore(t, f, h)
	h = handoff.Track(h, stepAssign, state.Effect{Key: key(h, stepAssign, "set"), Ref: at.Ref, Version: at.Version, At: d.now, State: handoff.Done})
	switch {
	case h.Observed:
		d.observe(h)
		return
	case status == statusAssigned:
		h = d.stillAssigned(t, f, h, tier)
	case status == statusAccepted:
		if accepted, err := handoff.Accept(h, owner, d.now); err == nil {
			h = accepted
		}
	default:
		if over, err := handoff.Supersede(h, "", "it had ended as "+status, d.now); err == nil {
			h = over
		}
	}
	d.put(d.reviewedStill(f, h))
}

// reviewedStill takes up what the steward is asked about an adopted handoff that
// is open: the task may be there, and is looked for before it is made. Where it was
// named when another record was to carry it, only the answer in the CRM counts.
func (d *deciding) reviewedStill(f *facts, h state.Handoff) state.Handoff {
	if !h.Stage.Open() {
		return h
	}
	n := len(d.c.Intents)
	asked := d.review(f, h)
	if h.Record != h.Target || len(f.rec.Absorbed) > 0 {
		d.c.Intents = d.c.Intents[:n]
		h.Review = asked.Review
		return h
	}
	for i := range d.c.Intents[n:] {
		d.c.Intents[n+i].State, d.c.Intents[n+i].SentAt = state.Sending, d.now
	}
	return asked
}

// stillAssigned sets the clock of an adopted handoff going again, and sees to
// its task. What was due before is told once more: twice rather than never.
func (d *deciding) stillAssigned(t *typ, f *facts, h state.Handoff, tier *tier) state.Handoff {
	h = d.clocksAgain(t, f, h, tier)
	if h.Record != h.Target || len(f.rec.Absorbed) > 0 {
		return h // its task was named when another record was to carry it
	}
	c := choice{owner: h.Owner, because: "adopted as it stood", where: where(t.pos)}
	h = d.writeTask(t, f, h, tier, d.brief(t, f, h, tier, c), "")
	i := &d.c.Intents[len(d.c.Intents)-1]
	i.State, i.SentAt = state.Sending, d.now // it may be there: it is looked for before it is made
	return h
}
