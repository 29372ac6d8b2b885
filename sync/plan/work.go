package plan

import (
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/normalize"
)

// What people do about a record comes in two ways: as activities, each once,
// and as counters that a CRM keeps on the record itself. Both end up in
// [state.Work], which is all that the rules ask about. What we do ourselves is
// never work: our own tasks are known by their keys (1.15).

// nounActivity is the noun of what people do about records. No mapping names
// it, and it is not remembered as a record.
const nounActivity = "activity"

// The values of the words of an activity.
const (
	actTask    = "task"
	actCall    = "call"
	actEmail   = "email"
	actMeeting = "meeting"

	actStarted   = "started"
	actDeferred  = "deferred"
	actDone      = "done"
	actCancelled = "cancelled"

	towardsUs = "us"

	outcomeHeld   = "held"
	outcomeNoShow = "no_show"
)

// act is one activity as the rules see it.
type act struct {
	id       string
	typ      string
	state    string
	at, made time.Time
	owner    string // by e-mail
	maker    string // by e-mail: who put it there, else whose it is
	towards  string
	outcome  string
	key      string
	links    []connectors.Ref
}

// activityRecord is an activity as a record: its words as they come, the times
// in UTC.
func activityRecord(o connectors.Object) state.Record {
	rec := state.Record{
		Ref: o.Ref, Noun: nounActivity, Version: o.Version, CreatedAt: o.CreatedAt.UTC(), ModifiedAt: o.ModifiedAt.UTC(),
		Deleted: o.Deleted, Links: slices.Clone(o.Links), Fields: map[string]string{},
	}
	for _, w := range []string{
		connectors.ActType, connectors.ActState, connectors.ActAt, connectors.ActMade, connectors.ActOwner,
		connectors.ActMadeBy, connectors.ActTowards, connectors.ActOutcome, connectors.ActKey,
	} {
		is := "text"
		if w == connectors.ActAt || w == connectors.ActMade {
			is = isDatetime
		}
		if v, ok := normalize.Value(normalize.Field{Noun: nounActivity, Word: w, IsA: is}, o.Fields[w], ""); ok && v != "" {
			rec.Fields[w] = v
		}
	}
	return rec
}

// act reads an activity.
func (d *deciding) act(c *conn, rec *state.Record) act {
	f := d.r.facts(d.now, d.v, rec)
	a := act{
		id: rec.Ref.String(), typ: rec.Fields[connectors.ActType], state: rec.Fields[connectors.ActState],
		owner: f.user(c, rec.Fields[connectors.ActOwner]), maker: f.user(c, rec.Fields[connectors.ActMadeBy]),
		towards: rec.Fields[connectors.ActTowards], outcome: rec.Fields[connectors.ActOutcome],
		key: rec.Fields[connectors.ActKey], links: rec.Links,
	}
	if rec.Fields[connectors.ActMadeBy] == "" {
		a.maker = a.owner
	}
	a.at, _, _ = instant(rec.Fields[connectors.ActAt])
	a.made, _, _ = instant(rec.Fields[connectors.ActMade])
	if a.made.IsZero() {
		a.made = rec.CreatedAt
	}
	return a
}

// activity takes in something that somebody did or plans. Only what concerns a
// handoff is remembered.
func (d *deciding) activity(c *conn, rec *state.Record) {
	a := d.act(c, rec)
	if a.key != "" {
		if h, ok := d.v.HandoffOfTask(a.key); ok && !rec.Deleted {
			d.ownTask(d.current(h), a)
		}
		return
	}
	if rec.Deleted {
		return
	}
	for _, x := range d.concerned(c, rec) {
		h := d.current(x.h)
		t := d.r.byName[h.Type]
		if t == nil {
			continue
		}
		if len(d.restores(h)) > 0 && (!x.loose || a.owner == had(h)) {
			d.contactInWait(t, h, a)
			continue
		}
		if who := had(h); who != "" && (h.Stage.Open() || d.counting(h)) && (!x.loose || a.owner == who) {
			if d.readFirst(h, a) {
				return
			}
			d.worked(t, d.current(h), a)
			if d.stopped() {
				return
			}
		}
		d.proven(t, d.current(h), a, x.loose)
	}
}

// concern is a handoff that an activity may be about. Loosely, when only the
// account says so: then it counts if the receiver did it.
type concern struct {
	h     state.Handoff
	loose bool
}

// concerned are the handoffs that still want something done, or whose attempts
// are still counted, and that an activity is about: by their record, by who
// that is elsewhere, or by their account where the activity names nothing of
// their own noun.
func (d *deciding) concerned(c *conn, rec *state.Record) []concern {
	var out []concern
	add := func(loose bool, hs ...state.Handoff) {
		for _, h := range hs {
			known := slices.ContainsFunc(out, func(o concern) bool { return o.h.ID == h.ID })
			if !known && !h.Observed && (had(h) != "" || h.Stage == state.Held) && (h.Stage.Open() || d.counting(h) || h.Stage == state.Completed && !milestonesDone(h) || len(d.restores(h)) > 0) {
				out = append(out, concern{h, loose})
			}
		}
	}
	nouns := map[string]bool{}
	for _, link := range rec.Links {
		nouns[c.m.Noun(link.Kind)] = true
		add(false, d.v.Handoffs(link)...)
		if same, ok := d.v.Same(link); ok {
			for _, other := range same.Refs {
				if other != link {
					add(false, d.v.Handoffs(other)...)
				}
			}
		}
	}
	for _, account := range d.accountsOf(c, rec.Links, nouns) {
		for _, h := range d.v.HandoffsAt(account) {
			if t := d.r.byName[h.Type]; t != nil && !nouns[t.about] {
				add(true, h)
			}
		}
		if !nouns[nounCompany] {
			add(true, d.ofCompany(account)...)
		}
	}
	return out
}

// accountsOf are the accounts that an activity is about: those it names, else
// those of the people it names.
func (d *deciding) accountsOf(c *conn, links []connectors.Ref, nouns map[string]bool) []connectors.Ref {
	var out []connectors.Ref
	for _, link := range links {
		switch c.m.Noun(link.Kind) {
		case nounCompany:
			out = append(out, link)
		case nounPerson:
			if nouns[nounCompany] {
				continue
			}
			for _, account := range d.companiesOf(c, link) {
				if !slices.Contains(out, account) {
					out = append(out, account)
				}
			}
		}
	}
	return out
}

// counting reports whether the attempts of a handoff that is done are still
// counted.
func (d *deciding) counting(h state.Handoff) bool {
	return h.Stage == state.Completed && d.now.Before(h.Due[clockAttempts])
}

// ownTask is news of a task that we made. Ticking it off is a person's doing
// and no contact with the buyer.
func (d *deciding) ownTask(h state.Handoff, a act) {
	t := d.r.byName[h.Type]
	step := ""
	for s, e := range h.Effects {
		if e.Key == a.key {
			step = s
		}
	}
	if a.state == actStarted && step == stepTask && t != nil && !h.Observed {
		d.begun(t, h, a)
		return
	}
	if step == stepTask && t != nil && !h.Observed {
		if h = d.deferred(t, h, a); a.state == actDeferred {
			return
		}
	}
	if ratingOf(step) != nil {
		d.rateTicked(h, step, a)
		return
	}
	if t == nil || h.Observed || a.state != actDone || !h.Stage.Open() && (h.Stage != state.Completed || step == stepTask) {
		return
	}
	if step == stepReview {
		d.reviewTicked(h, a.owner)
		return
	}
	if step != stepTask {
		d.ticked(t, h, step, a)
		return
	}
	w := workOf(h)
	if !w.Ticked.IsZero() || had(h) == "" || staleTask(h, a) {
		return
	}
	w.Ticked, w.Heard, w.Hand = d.now, d.now, a.owner
	h.Work = &w
	d.audit("task done", h.ID, map[string]string{"by": a.owner})
	d.put(h)
	d.acted(t, h)
}

// begun is news that somebody works on the task that we made: that accepts
// where ticking it off would, and completes nothing.
func (d *deciding) begun(t *typ, h state.Handoff, a act) {
	w := workOf(h)
	if h.Stage != state.Assigned || had(h) == "" || !w.Started.IsZero() || staleTask(h, a) {
		return
	}
	w.Started, w.Heard, w.Hand = d.now, d.now, a.owner
	h.Work = &w
	d.audit("task started", h.ID, map[string]string{"by": a.owner})
	d.put(h)
	d.acted(t, h)
}

// tookTask is who has last ticked off, begun or put off the task of a handoff, and did not
// keep it: the task shows that until it is the next one's. Nil: nobody.
func tookTask(h state.Handoff) *state.Holder {
	for n, past := range slices.Backward(h.Holders) {
		switch did := past.Did; {
		case past.Why == whyReturned: // the next one gets a task of their own
			return nil
		case did != nil && (!did.Ticked.IsZero() || !did.Started.IsZero() || !did.Deferred.IsZero()):
			return &h.Holders[n]
		}
	}
	return nil
}

// staleTask reports whether a task shows still what somebody did with it before they lost the
// handoff.
func staleTask(h state.Handoff, a act) bool {
	past := tookTask(h)
	return past != nil && a.owner != h.Owner && a.owner == past.Who
}

// deferred is news that somebody has put off the task that we made, or has taken it up
// again. Where the type says so, it gives the handoff back.
func (d *deciding) deferred(t *typ, h state.Handoff, a act) state.Handoff {
	w := workOf(h)
	puts := a.state == actDeferred
	if !h.Stage.Open() || had(h) == "" || puts != w.Deferred.IsZero() || staleTask(h, a) {
		return h
	}
	if w.Deferred, w.Heard, w.Hand = (time.Time{}), d.now, a.owner; puts {
		w.Deferred = d.now
		d.audit("task deferred", h.ID, map[string]string{"by": a.owner})
	}
	h.Work = &w
	d.put(h)
	if rec := d.recordOf(t, h); puts && h.Written.IsZero() {
		d.keptBy(t, rec, h, Observed{})
	} else if puts {
		d.returns(t, rec, h)
	}
	return d.current(h)
}

// workOf is a copy of the work on a handoff, to be changed.
func workOf(h state.Handoff) state.Work {
	if h.Work == nil {
		return state.Work{Base: -1}
	}
	w := *h.Work
	w.Seen = slices.Clone(w.Seen)
	return w
}

// mostSeen bounds what is remembered of the activities counted.
const mostSeen = 50

// worked takes one activity into the work on a handoff.
func (d *deciding) worked(t *typ, h state.Handoff, a act) {
	w := workOf(h)
	before := w
	switch {
	case a.planned():
		d.plannedNext(h, &w, a)
	case a.towards == towardsUs:
		if !a.at.Before(h.AssignedAt) && w.Reply.IsZero() {
			w.Reply, w.Heard = d.bounded(a.at), d.now
		}
	case a.contact():
		d.contacted(t, h, &w, a)
	}
	if sameWork(before, w) {
		return
	}
	h.Work = &w
	d.put(h)
	d.acted(t, h)
}

// acted moves a handoff on as far as what was just done about it allows. Who stands there
// until the next owner does keeps it by that; what others do counts once that one stands.
func (d *deciding) acted(t *typ, h state.Handoff) {
	rec := d.recordOf(t, h)
	if h.Written.IsZero() {
		d.keptBy(t, rec, h, Observed{})
		return
	}
	d.advance(t, rec, h)
}

// had is who has a handoff: its owner, or who stands in the CRM until they do. Blank:
// nobody yet.
func had(h state.Handoff) string {
	if n := standing(h); h.Written.IsZero() && n >= 0 {
		return h.Holders[n].Who
	}
	return h.Owner
}

func sameWork(a, b state.Work) bool {
	return len(a.Seen) == len(b.Seen) && a.Count == b.Count && a.Base == b.Base && a.First.Equal(b.First) && a.Next.Equal(b.Next) &&
		a.Met.Equal(b.Met) && a.Last.Equal(b.Last) && a.Reply.Equal(b.Reply) && a.Opened.Equal(b.Opened) && a.Type == b.Type && a.By == b.By
}

// planned reports whether an activity is a next action rather than one that
// has been taken: a task, done or not, and a call or a meeting that is to come.
func (a *act) planned() bool {
	return a.state != actCancelled && (a.typ == actTask || a.state != actDone)
}

// contact reports whether it is an attempt to reach the buyer.
func (a *act) contact() bool {
	return a.state == actDone && a.outcome != actCancelled && slices.Contains([]string{actCall, actEmail, actMeeting}, a.typ)
}

// plannedNext notes the next action that somebody of the receivers has planned
// since the assignment, or since somebody who had accepted it lost it.
func (d *deciding) plannedNext(h state.Handoff, w *state.Work, a act) {
	since := h.AssignedAt
	if lost, ok := lostAt(h); ok {
		since = lost
	}
	if w.Next.IsZero() && !a.made.Before(since) && d.receives(h, a.maker) {
		w.Next, w.Maker, w.Heard = d.bounded(a.made), a.maker, d.now
	}
}

// contacted counts a contact by the receivers since the assignment, each once.
// Where a CRM knows whole minutes only, one in the minute of the assignment
// counts if it was logged since.
func (d *deciding) contacted(t *typ, h state.Handoff, w *state.Work, a act) {
	since := h.AssignedAt
	if !a.made.Before(since) {
		since = since.Truncate(time.Minute)
	}
	if a.at.IsZero() || a.at.Before(since) || !d.receives(h, a.owner) || slices.Contains(w.Seen, a.id) {
		return
	}
	at := d.bounded(a.at)
	if at.Before(h.AssignedAt) {
		at = h.AssignedAt
	}
	w.Seen = append(w.Seen, a.id)
	w.Seen = w.Seen[max(0, len(w.Seen)-mostSeen):]
	w.Count = max(w.Count, len(w.Seen))
	w.Heard = d.now
	if at.After(w.Last) {
		w.Last = at
	}
	if a.typ == actMeeting && a.outcome != outcomeNoShow && w.Met.IsZero() {
		w.Met = at
	}
	if w.First.IsZero() && t.touch(a, h.Owner) {
		w.First, w.Type, w.By = at, a.typ, a.owner
	}
}

// receives reports whether somebody is one of those a handoff was given to:
// its owner, their backup, or a colleague of the team the owner was drawn from.
// The giver never is.
func (d *deciding) receives(h state.Handoff, who string) bool {
	switch {
	case who == "" || who == h.Giver && who != h.Owner:
		return false
	case who == h.Owner || who == h.Backup:
		return true
	}
	team := d.r.teams[h.Team]
	return team != nil && slices.ContainsFunc(team.members, func(m member) bool { return m.who == who })
}

// recordOf is the record by which a handoff is judged: the one that carries it
// as last read, if that was after our own writes, and else one that says
// nothing.
func (d *deciding) recordOf(t *typ, h state.Handoff) *state.Record {
	for _, ref := range []connectors.Ref{h.Target, h.Record} {
		if rec, ok := d.v.Record(ref); ok && age(&rec, h) >= 0 {
			return &rec
		}
	}
	return &state.Record{Ref: h.Target, Noun: t.about}
}
