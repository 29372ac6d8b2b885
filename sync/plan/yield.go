package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// A person wins. Who changed an owner is read in the field's
// trail, and only when it matters:
//
//	before our write stands   a person: it is not written. A program: written over what it left
//	between reading and write a person: put back, once, and left alone from then on
//	after our write           a person: left to them. A program: written once more, then left as it is
//
// A hand that the CRM does not name is a person's.

// takenMeanwhile leaves a handoff that waits, for context or for somebody who
// is free, to a person who has given the record to somebody.
func (d *deciding) takenMeanwhile(t *typ, rec *state.Record, h state.Handoff) {
	c := d.r.byConn[rec.Ref.Conn]
	name, ok := c.m.WriteName(rec.Ref.Kind, t.becomes)
	now := rec.Fields[t.becomes]
	if !ok {
		return
	}
	if h.Stake == nil {
		h.Stake = &state.Stake{Field: name, Was: now, Over: rec.ModifiedAt}
		d.put(h)
		return
	}
	if now == h.Stake.Was || rec.ModifiedAt.Before(h.Stake.Over) {
		return
	}
	who := d.r.facts(d.now, d.v, rec).user(c, now)
	if who != "" {
		tr, asked := d.trail(rec, *h.Stake)
		if !asked {
			return
		}
		if hand, byPerson := changedBy(tr, now, "", h.Stake.Over); byPerson {
			h.Stake = ceded(h.Stake, now)
			d.supersede(h, who, hand.By, nil)
			return
		}
	}
	h.Stake = &state.Stake{Field: name, Was: now, Over: rec.ModifiedAt}
	d.put(h)
}

// trail is what the owner field of a record has held since the reading that
// our write of it rests on, and those that it came over unread. Where nobody has
// asked since we wrote, deciding stops for the answer.
func (d *deciding) trail(rec *state.Record, s state.Stake) (state.Trail, bool) {
	field, wrote := s.Field, s.Stamp
	for s.Under != nil {
		s = *s.Under
	}
	n := state.Need{Conn: rec.Ref.Conn, Past: state.Past{Kind: rec.Ref.Kind, ID: rec.Ref.ID, Field: field, Since: s.Over.UTC(), Wrote: wrote.UTC()}}
	tr, asked := d.v.Trail(n)
	if !asked {
		d.c.Needs = append(d.c.Needs, n)
		d.because(d.why("", "asking %s who changed %s of %s", rec.Ref.Conn, field, rec.Ref))
	}
	return tr, asked
}

// byHand reports whether a hand counts as a person's.
func byHand(a connectors.Actor) bool {
	return a == connectors.ActorPerson || a == connectors.ActorUnknown
}

// beforeUs looks at a record whose owner we are about to write: somebody may
// have changed it since it was decided. It reports whether that settles the
// handoff for now.
func (d *deciding) beforeUs(t *typ, rec *state.Record, h state.Handoff, read time.Time) bool {
	s, e := h.Stake, h.Effects[stepAssign]
	if s == nil || e.State != sent || e.Ref != rec.Ref || h.Stage != state.Assigned || rec.ModifiedAt.Before(s.Over) {
		return false
	}
	now := rec.Fields[t.becomes]
	if (now == s.Value && len(h.Holders) > 0 || carries(rec, h)) && d.stoodUnanswered(t, rec, h, read) {
		return true
	}
	switch {
	case now == s.Was || attempted(h, now):
		return d.overlooked(rec, h, now) || d.givenBack(rec, d.current(h))
	case now == s.Value:
		return false
	}
	c := d.r.byConn[rec.Ref.Conn]
	who := d.r.facts(d.now, d.v, rec).user(c, now)
	tr, asked := d.trail(rec, *s)
	if !asked {
		return true
	}
	hand, byPerson := changedBy(tr, now, "", s.Over)
	if who != "" && byPerson {
		h.Stake = ceded(s, now)
		d.supersede(h, who, hand.By, nil)
		return true
	}
	i, waits := d.v.Intent(e.Key)
	if !waits {
		return false
	}
	d.because(d.why("", "%s was set to %q meanwhile by %s, which is nobody's decision", s.Field, now, handOf(hand)))
	d.drop(e.Key)
	i.AtRisk = who != ""
	h.Stake = &state.Stake{Field: s.Field, Value: s.Value, Was: now, Over: rec.ModifiedAt, Under: s.Under}
	d.put(d.again(h, i, rec.Ref, map[string]any{s.Field: blankNil(now)}, rec.Version))
	return false
}

func ceded(s *state.Stake, to string) *state.Stake {
	if s == nil {
		return nil
	}
	out := *s
	out.Ceded = to
	return &out
}

// changedBy is who made a field what it is now, and whether a person has had a
// hand in it since an instant and since it was ours. A value that the trail
// does not explain is a person's.
func changedBy(tr state.Trail, now, ours string, since time.Time) (hand connectors.FieldValue, byPerson bool) {
	if tr.Unseen || len(tr.Values) == 0 {
		return hand, true
	}
	found := false
	for _, v := range tr.Values {
		value := valueOf(v)
		if ours != "" && value == ours || v.At.Before(since) || v.At.Equal(since) && value != now {
			break
		}
		if value == now && !found {
			hand, found = v, true
		}
		byPerson = byPerson || byHand(v.Actor)
	}
	return hand, byPerson || !found
}

// sinceRead is whom a person has given a record to after the reading at hand,
// which may have waited its turn: whose it is by now stands in the trail.
func sinceRead(tr state.Trail, rec *state.Record) (connectors.FieldValue, bool) {
	if len(tr.Values) == 0 {
		return connectors.FieldValue{}, false
	}
	last := tr.Values[0]
	return last, byHand(last.Actor) && last.At.After(rec.ModifiedAt)
}

func valueOf(v connectors.FieldValue) string {
	if v.Value == nil {
		return ""
	}
	return fmt.Sprint(v.Value)
}

// handOf names who set a value, as far as the CRM does.
func handOf(v connectors.FieldValue) string {
	switch {
	case v.By != "":
		return v.By
	case v.Actor != connectors.ActorUnknown:
		return string(v.Actor)
	}
	return "somebody"
}

// overlooked finds out whether a person has changed the owner between the
// reading that our write rests on and the write, and puts their value back. It
// reports whether that settles the handoff for now.
func (d *deciding) overlooked(rec *state.Record, h state.Handoff, now string) bool {
	v, found, asked := d.cameBetween(rec, &h, now)
	switch {
	case !asked:
		return true
	case !found:
		return false
	}
	who := d.cede(rec, &h, v)
	d.supersede(h, who, v.By, &rec.Version)
	return true
}

// overlookedTillEnd is overlooked for a handoff that was completed before the record was
// read: it was theirs by then, and is not done.
func (d *deciding) overlookedTillEnd(rec *state.Record, h state.Handoff, now string) {
	v, found, asked := d.cameBetween(rec, &h, now)
	if !asked || !found {
		return
	}
	who := d.cede(rec, &h, v)
	if not, err := handoff.NotDone(h); err == nil {
		d.supersede(not, who, v.By, &rec.Version)
	}
}

// cameBetween is a person's change of the owner between the reading that our write
// rests on and the write, or one that it came over unread. It is looked for once;
// asked is false where the CRM has to say so first. Where the record shows the
// earlier write still, the handoff is as of that one.
func (d *deciding) cameBetween(rec *state.Record, h *state.Handoff, now string) (v connectors.FieldValue, found, asked bool) {
	s := h.Stake
	if s == nil || s.Ceded != "" {
		return v, false, true
	}
	waits := s.Under != nil && now == s.Under.Value && now != s.Value
	if waits {
		s = s.Under
	}
	if now != s.Value || checked(*s) || h.Written.IsZero() && !waits {
		return v, false, true
	}
	tr, asked := d.trail(rec, *s)
	if !asked {
		return v, false, false
	}
	told := true
	for at := s; at != nil && !found; at = at.Under {
		if at.Checked || at.Over.IsZero() {
			continue
		}
		if v, found = between(tr, *at); !found && d.unfiled(tr, *at, rec) {
			return v, false, false
		}
		if !found && !explains(tr, at.Stood) {
			v, found = d.stoodThere(rec, *h, *at)
		}
		found = found && valueOf(v) != now
		told = told && (found || files(tr, *at) || at.Stood != nil)
	}
	known := *h.Stake
	if waits && found {
		known, h.Written = *s, s.Stamp
	}
	known.Checked, known.Under = known.Checked || !waits || found, nil
	h.Stake = &known
	if !found {
		if !told {
			d.untold(tr, *s, rec)
		}
		d.put(*h)
	}
	return v, found, true
}

// checked reports whether nothing is left to find out about a write of the owner, nor
// about those that it came over.
func checked(s state.Stake) bool {
	return (s.Checked || s.Over.IsZero()) && s.Under == nil
}

// unread is the write of the owner that the next one comes over, where it is not
// known yet who may have come before it: the record was not read since, or the answer
// has named somebody. Nil: none.
func unread(s *state.Stake, since bool) *state.Stake {
	switch {
	case s == nil || s.Ceded != "":
		return nil
	case s.Stamp.IsZero() || s.Checked || s.Over.IsZero() || since && s.Stood == nil:
		return s.Under
	}
	return s
}

// cede notes who had come before our write, and whom the record is given back
// to.
func (d *deciding) cede(rec *state.Record, h *state.Handoff, v connectors.FieldValue) (who string) {
	who = d.r.facts(d.now, d.v, rec).user(d.r.byConn[rec.Ref.Conn], valueOf(v))
	h.Stake.Ceded = valueOf(v)
	d.because(d.why("", "%s changed %s at %s, while our write was on its way: put back", handOf(v), h.Stake.Field, v.At.Format(time.RFC3339Nano)))
	d.audit("put back", h.ID, map[string]string{"owner": who, "was": h.Owner, "by": handOf(v), "at": v.At.Format(time.RFC3339Nano)})
	return who
}

// crossed reports whether a reading that is older than our write of the owner
// shows what somebody else had put there: the two crossed on the way.
func crossed(s *state.Stake, rec *state.Record, owner string) bool {
	return s != nil && owner != s.Was && owner != s.Value && !rec.ModifiedAt.Before(s.Over)
}

// between is the latest value that a person gave a field after the reading and
// before our write. What stands in a trail that does not show that write yet
// came before it. Where the CRM did not tell when ours stood, it is the last of ours.
func between(tr state.Trail, s state.Stake) (connectors.FieldValue, bool) {
	ours := !files(tr, s)
	for _, v := range tr.Values {
		value := valueOf(v)
		switch {
		case !ours:
			ours = isOurs(v, s)
		case !s.Stamp.IsZero() && v.At.After(s.Stamp):
		case v.At.Before(s.Over), v.At.Equal(s.Over) && value == s.Was:
			return connectors.FieldValue{}, false
		case byHand(v.Actor) && value != s.Value:
			return v, true
		}
	}
	return connectors.FieldValue{}, false
}

// reversed deals with a record whose owner is no longer ours. It reports
// whether that settles the handoff: a person has it, or that has to be asked.
func (d *deciding) reversed(t *typ, rec *state.Record, h state.Handoff, now, who string, read time.Time) bool {
	if h.Stake == nil {
		h.Stake = d.stakeOf(h)
	}
	s := h.Stake
	if s == nil { // written before there were trails
		d.supersede(h, who, rec.ModifiedBy, nil)
		return true
	}
	if s.Ceded == now && h.Frozen != "" {
		return false
	}
	if e, again := h.Effects[stepRewrite]; again && e.State == sent {
		return false // on its way
	}
	tr, asked := d.trail(rec, *s)
	if !asked {
		return true
	}
	hand, byPerson := changedBy(tr, now, s.Value, s.Over)
	if _, gives := d.givesBack(t, rec, h); gives && byPerson && now == "" { // they have taken themselves off what they give back
		h.Stake = tookOff(*s, now, rec.ModifiedAt)
		d.put(h)
		return false
	}
	if byPerson || d.anothers(rec, h, now) {
		by := rec.ModifiedBy
		if hand.By != "" {
			by = hand.By
		}
		if last, later := sinceRead(tr, rec); later {
			who, by = d.r.facts(d.now, d.v, rec).user(d.r.byConn[rec.Ref.Conn], valueOf(last)), last.By
		}
		d.supersede(h, who, by, nil)
		return true
	}
	d.audit("reversed", h.ID, map[string]string{"owner": who, "was": h.Owner, "by": handOf(hand), "sort": string(hand.Actor)})
	if e, again := h.Effects[stepRewrite]; !again || e.State == handoff.Refused && !wroteSince(tr, *s) {
		d.rewrite(rec, h, now, who, handOf(hand), read)
		return false
	}
	h.Frozen = handOf(hand) + " sets the owner"
	h.Stake = ceded(s, now)
	d.because(d.why("", "%s has set the owner to %q again: it is left so, and nothing here writes it any more", handOf(hand), now))
	d.list(listReversed, h.ID, fmt.Sprintf("%s: %s keeps setting the owner of %s to %s, where %s is the receiver; it is left so. Tell that program to leave the field alone, or give it the authority",
		h.Type, handOf(hand), rec.Ref, orNobody(who), h.Owner))
	d.put(h)
	return false
}

// tookOff is what we have written as the owner, where somebody else, or nobody, stands
// there now whom nobody has chosen: who comes next is written over them.
func tookOff(s state.Stake, now string, over time.Time) *state.Stake {
	since := s.Stamp
	if since.IsZero() {
		since = s.Over
	}
	return &state.Stake{Field: s.Field, Value: s.Value, Was: now, Over: over, Stamp: since, Checked: true, Under: unread(&s, true)}
}

// wroteSince reports whether a trail shows the owner that we wrote once more, after the
// reading that this rests on: a write whose answer was lost may seem to have come too late.
func wroteSince(tr state.Trail, s state.Stake) bool {
	return slices.ContainsFunc(tr.Values, func(v connectors.FieldValue) bool { return valueOf(v) == s.Value && v.At.After(s.Over) })
}

func orNobody(who string) string {
	if who == "" {
		return "nobody"
	}
	return who
}

// anothers reports whether another handoff of ours gave the record its owner.
func (d *deciding) anothers(rec *state.Record, h state.Handoff, now string) bool {
	for _, o := range d.aboutNow(rec) {
		if o.ID != h.ID && o.Target == rec.Ref && o.Stake != nil && o.Stake.Value == now && !o.Stake.Stamp.IsZero() {
			return true
		}
	}
	return false
}

// rewrite writes the owner once more, after a program took it away.
func (d *deciding) rewrite(rec *state.Record, h state.Handoff, now, who, by string, read time.Time) {
	s := h.Stake
	d.because(d.why("", "%s set the owner to %q: written once more", by, now))
	w := connectors.Write{Ref: rec.Ref, Set: map[string]any{s.Field: s.Value}, IfVersion: rec.Version, Key: key(h, stepRewrite, "set "+rec.Version)}
	h.Stake = tookOff(*s, now, rec.ModifiedAt)
	d.put(d.intendSeen(h, stepRewrite, w, seen{expect: map[string]any{s.Field: blankNil(now)}, read: read, over: rec.ModifiedAt, atRisk: who != ""}))
}

// putBackOver settles a write of the owner that arrived after its handoff had
// been left to a person: what they had set is put back.
func (d *deciding) putBackOver(h state.Handoff, ev Delivered) state.Handoff {
	s := h.Stake
	if h.Stage != state.Superseded || s == nil || s.Ceded == "" || s.Ceded == s.Value || h.Effects[stepRestore].Key != "" {
		return h
	}
	d.because(d.why("", "%s was written over by a write that was on its way: put back", s.Field))
	d.audit("put back", h.ID, map[string]string{"was": h.Owner})
	return d.restore(h, ev.Version, map[string]any{})
}

// restore plans the one write that gives a person back what they had set,
// unless somebody has changed it again.
func (d *deciding) restore(h state.Handoff, version string, set map[string]any) state.Handoff {
	s := h.Stake
	set[s.Field] = blankNil(s.Ceded)
	w := connectors.Write{Ref: h.Target, Set: set, IfVersion: version, Key: key(h, stepRestore, "set")}
	return d.intendSeen(h, stepRestore, w, seen{expect: map[string]any{s.Field: blankNil(s.Value)}, atRisk: true})
}
