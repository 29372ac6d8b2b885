// Package plan decides. [Compile] turns the admin's checked folder into
// [Rules]; [Rules.Decide] says what an event changes, and why, line by line;
// [Record], [Keep] and [Replay] make any decision again from what it saw. The
// package is pure: the same rules, instant, view and event give the same
// changes, to the byte. How a decision is made stands in sync/README.md.
package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// deciding is one call of Decide: what it looks at and what it wants changed.
type deciding struct {
	r   *Rules
	v   View
	now time.Time
	c   state.Changes
	id  string // of this decision

	read, asked time.Time // when the record was asked for, and the first answer; zero: unknown
	carrierRead time.Time // when the carrier was asked for
	since       time.Time // when what is decided about happened, as far as the CRM tells
	saidAt      time.Time // when a person said what is heard of the record late; zero: the reading shows it
	ordered     bool      // an operator asked for it
	onlySeen    bool      // who gets something that is only observed is looked for
	via         string    // how we heard of the record that is decided about; blank: it is something else

	settling *state.Intent   // the write that is being settled
	back     map[string]bool // types whose handoff ended with the record, which is back
	carrier  connectors.Ref  // what a timer's handoff is on, where it was read just before

	not map[string]bool // who is not to have it again

	selves []connectors.Ref // other records of the same CRM that have the person's address

	without string // somebody who is taken for gone, to find the runner-up
}

// Decide says what an event changes. It looks at nothing but now, the view and
// the event, so the same three always give the same answer. The error means
// that the view is damaged; what the rules have against something is never an
// error, it stands in the changes with its reason.
//
// Changes with Needs or a Wait hold nothing else: the event is to be decided
// again with the answers, or later. Only an observed record leads to them.
func (r *Rules) Decide(now time.Time, v View, ev Event) (state.Changes, error) {
	d := &deciding{r: r, v: v, now: now.UTC().Round(0), id: r.decisionID(now, ev)}
	d.since = d.now
	switch ev := ev.(type) {
	case Observed:
		d.since = d.bounded(ev.Record.ModifiedAt)
		d.observed(ev)
	case Fired:
		d.since = d.bounded(ev.Timer.Due)
		d.fired(ev)
	case Delivered:
		if !ev.Intent.Moves.IsZero() {
			d.since = ev.Intent.Moves
		}
		d.delivered(ev)
	case Undo:
		d.ordered = true
		d.undo(ev)
	case Reassign:
		d.ordered = true
		d.reassign(ev)
	}
	if !d.stopped() {
		d.makeNexts()
		d.showNexts()
		d.metLate()
		d.tallies()
		d.samples()
	}
	if err := v.Err(); err != nil {
		return state.Changes{}, fmt.Errorf("decide: %w", err)
	}
	switch {
	case len(d.c.Needs) > 0:
		return state.Changes{Needs: d.c.Needs, Why: d.c.Why}, nil
	case d.c.Wait != "":
		return state.Changes{Wait: d.c.Wait}, nil
	}
	return d.c, nil
}

// stopped reports whether deciding has to stop: a question has to be answered
// first, or it is too early.
func (d *deciding) stopped() bool { return len(d.c.Needs) > 0 || d.c.Wait != "" }

func (d *deciding) observed(ev Observed) {
	rec := &ev.Record
	d.read, d.asked, d.via = ev.Read, ev.Asked, ev.Via
	c := d.r.byConn[rec.Ref.Conn]
	if c == nil {
		return
	}
	if rec.Noun == nounActivity {
		d.activity(c, rec)
		return
	}
	if rec.Noun == nounUsage {
		d.signalled(c, ev)
		return
	}
	prev, seen := d.v.Record(rec.Ref)
	if seen && prev.Version > rec.Version && rec.Version != "" {
		if rec = lateMerged(rec, &prev); rec == nil {
			return
		}
	}
	if seen && prev.Deleted && !rec.Deleted && fromBefore(ev, prev.Read) {
		return
	}
	if len(d.v.Handoffs(rec.Ref)) > 0 {
		rec.Read = ev.Read
	}
	d.c.Records = append(d.c.Records, *rec)
	if rec.Noun == "" {
		return
	}
	d.absorb(rec)
	d.sameByID(rec)
	carried := d.aboutNow(rec)
	if rec.Deleted || !rec.MovedTo.IsZero() {
		if d.gone(rec, carried); d.stopped() {
			return
		}
		d.lastWord(rec, ev)
		d.livesAsTwin(rec, carried, ev)
		return
	}
	if seen && prev.Deleted {
		d.restored(rec, carried)
	}
	if carried = d.followed(rec, carried, ev); d.stopped() {
		return
	}
	carried = d.begunNow(rec, carried)
	d.rated(rec, &prev)
	if seen {
		d.rematched(c, rec, &prev, carried)
	}
	d.teaches(c, rec, &prev, seen, carried)
	d.twins(c, rec, &prev, seen)
	d.countedOnPeople(c, rec)
	f := d.r.facts(d.now, d.v, rec)
	taken := d.starts(f, ev, carried)
	if d.stopped() {
		return
	}
	if d.aroundIt(f, ev); d.stopped() {
		return
	}
	if d.awaited(c, rec, ev); d.stopped() {
		return
	}
	d.tellsBack(f)
	d.stranger(c, rec, &prev)
	if !taken && (seen || d.madeSince(c, rec)) {
		d.unmatched(c, rec, &prev)
	}
}

// begunNow is what a record carries with what this decision has begun on it: what
// was handed over again takes in a buyer who asks again in the same reading.
func (d *deciding) begunNow(rec *state.Record, carried []state.Handoff) []state.Handoff {
	for _, h := range d.c.Handoffs {
		known := slices.ContainsFunc(carried, func(o state.Handoff) bool { return o.ID == h.ID })
		if !known && h.Stage.Open() && (h.Record == rec.Ref || h.Target == rec.Ref) {
			carried = append(slices.Clip(carried), h)
		}
	}
	return carried
}

// fromBefore reports whether a reading is older than one that was asked for at an instant,
// as far as is known: one that has waited its turn, and whose CRM does not say when it was
// made, is as old as our hearing of it.
func fromBefore(ev Observed, read time.Time) bool {
	at := ev.Read
	if at.IsZero() {
		at = ev.Came
	}
	return at.Before(read)
}

// lateMerged is an older reading than the one we have, of a record that was merged into
// another, which was read first; nil: of one that tells nothing new.
func lateMerged(rec, prev *state.Record) *state.Record {
	if prev.MovedTo.IsZero() || len(prev.Fields) > 0 {
		return nil
	}
	late := *rec
	late.Version, late.MovedTo = prev.Version, prev.MovedTo
	return &late
}

// followed is what has become of the handoffs that a record carries, now that it
// was read.
func (d *deciding) followed(rec *state.Record, carried []state.Handoff, ev Observed) []state.Handoff {
	rec, ev.Says = d.unheard(rec, ev.Says)
	if d.stopped() {
		return carried
	}
	for i, h := range carried {
		if d.follow(rec, h, ev); d.stopped() {
			break
		}
		if h.Record == rec.Ref {
			if d.seenAnew(d.current(h)); d.stopped() {
				break
			}
		}
		if now := d.current(h); now.Stage != h.Stage {
			carried = slices.Clone(carried)
			carried[i] = now
		}
	}
	return carried
}

// starts begins what a record asks for, and looks again at what waits for it. It reports
// whether a type has taken the record.
func (d *deciding) starts(f *facts, ev Observed, carried []state.Handoff) (taken bool) {
	for _, t := range d.r.byNoun[place{f.rec.Ref.Conn, f.rec.Noun}] {
		taken = d.consider(t, f, ev, carried) || taken
		if d.wake(t, f.rec); d.stopped() {
			break
		}
	}
	return taken
}

// absorb moves the handoffs of records that were merged into this one, and notes that
// they are nobody of their own any more. The CRM may never speak of those again.
func (d *deciding) absorb(rec *state.Record) {
	for _, old := range rec.Absorbed {
		d.untwin(old)
		if known, ok := d.v.Record(old); !ok || known.MovedTo.IsZero() {
			d.c.Records = append(d.c.Records, state.Record{Ref: old, Noun: rec.Noun, Version: rec.Version, MovedTo: rec.Ref})
		}
		if was := d.v.Handoffs(old); len(was) > 0 {
			d.gone(&state.Record{Ref: old, MovedTo: rec.Ref}, was)
		} else {
			d.accountMoved(old, rec.Ref)
		}
	}
}

// aboutNow are the handoffs of a record, those that have just moved to it
// included.
func (d *deciding) aboutNow(rec *state.Record) []state.Handoff {
	all := slices.Clone(d.v.Handoffs(rec.Ref))
	for _, h := range d.c.Handoffs {
		if (h.Record == rec.Ref || h.Target == rec.Ref) && !slices.ContainsFunc(all, func(o state.Handoff) bool { return o.ID == h.ID }) {
			all = append(all, h)
		}
	}
	return all
}

// unmatched lists a signal field that was filled and that no type takes (1.7).
func (d *deciding) unmatched(c *conn, rec, prev *state.Record) {
	for _, w := range c.signals[rec.Noun] {
		if v := rec.Fields[w]; v != "" && v != prev.Fields[w] {
			d.list(listUnmatched, rec.Ref.Conn+" "+rec.Noun+"."+w+" "+quote(v), "no handoff type takes it; last seen on "+rec.Ref.String())
		}
	}
}

// madeSince reports whether a record was made after its connection went live.
func (d *deciding) madeSince(c *conn, rec *state.Record) bool {
	known, ok := d.v.Conn(c.name)
	return ok && !rec.CreatedAt.Before(known.Live)
}

// put remembers a handoff, in place of what this deciding said of it before.
func (d *deciding) put(h state.Handoff) {
	if i := slices.IndexFunc(d.c.Handoffs, func(o state.Handoff) bool { return o.ID == h.ID }); i >= 0 {
		d.c.Handoffs[i] = h
		return
	}
	d.c.Handoffs = append(d.c.Handoffs, h)
}

// current is a handoff as this deciding has left it.
func (d *deciding) current(h state.Handoff) state.Handoff {
	if i := slices.IndexFunc(d.c.Handoffs, func(o state.Handoff) bool { return o.ID == h.ID }); i >= 0 {
		return d.c.Handoffs[i]
	}
	return h
}

func (d *deciding) why(rule, format string, args ...any) state.Reason {
	return state.Reason{Rule: rule, Text: fmt.Sprintf(format, args...)}
}

func (d *deciding) because(reasons ...state.Reason) { d.c.Why = append(d.c.Why, reasons...) }

func (d *deciding) list(list, subject, text string) {
	d.c.Listings = append(d.c.Listings, state.Listing{List: list, Subject: subject, Text: text, Count: 1, First: d.now, Last: d.now})
}

func (d *deciding) audit(action, subject string, detail map[string]string) {
	for k, v := range detail {
		if v == "" {
			delete(detail, k)
		}
	}
	d.c.Audit = append(d.c.Audit, state.AuditRow{
		At: d.now, Actor: actor, Action: action, Subject: subject, Rules: d.r.digest, Detail: detail,
	})
}

// bounded is an instant a CRM told us, which is never later than now; now
// where it told none.
func (d *deciding) bounded(t time.Time) time.Time {
	if t.IsZero() || t.After(d.now) {
		return d.now
	}
	return t.UTC()
}

// user is a person as a connection knows them.
func (d *deciding) user(c *conn, who string) (connectors.User, bool) {
	if c == nil || who == "" {
		return connectors.User{}, false
	}
	return d.v.UserByEmail(c.name, who)
}

// text is an instant as a CRM takes it; nil for none.
func text(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}
