package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
	"github.com/handoffd/handoffd/sync/route"
)

// returning is what a type says about giving back.
type returning struct {
	given    bool
	when     cond
	required bool // a reason has to be given
	then     string
	reasons  []string
	askAfter time.Duration
	pos      mappings.Pos
}

// What happens to what came back.
const (
	thenGiver = "return_to_giver" // the giver has it again, with a task
	thenQueue = "queue"           // it waits in the team's line and is drawn again
	thenNext  = "next_owner"      // it is handed over again, to somebody else
)

// askAfter is how long a reason may follow the return before it is asked for.
const askAfter = 10 * time.Minute

// usualReasons are those a return may have where a type names none.
func usualReasons() []string {
	return []string{"Procedural", "Clerical", "Definitional", "Too early", "Too late", "Duplicate", "Other"}
}

func (c *compiler) returning(t *typ, d *mappings.Handoff, all []*conn) {
	t.returned = returning{
		given: !d.ReturnedWhen.IsZero(), when: c.cond(d.ReturnedWhen, all, true), required: d.OnReturnReason.S != "optional",
		then: d.OnReturnThen.S, reasons: usualReasons(), askAfter: askAfter, pos: d.ReturnedWhen.Pos,
	}
	if !t.returned.given {
		t.returned.pos = t.pos
	}
	if len(d.OnReturnReasons) > 0 {
		t.returned.reasons = nil
		for _, r := range d.OnReturnReasons {
			t.returned.reasons = append(t.returned.reasons, r.S)
		}
	}
	if !d.OnReturnAsk.IsZero() {
		t.returned.askAfter = plain(d.OnReturnAsk)
	}
}

// ReturnReasons are the reasons for which a handoff of a type may be returned,
// as a picklist has them.
func (r *Rules) ReturnReasons(typ string) []string {
	if t := r.byName[typ]; t != nil {
		return slices.Clone(t.returned.reasons)
	}
	return nil
}

// returns takes back what the receiver gives back. It reports whether they do.
func (d *deciding) returns(t *typ, rec *state.Record, h state.Handoff) bool {
	if !t.returned.given || h.Stage != state.Assigned && h.Stage != state.Accepted && h.Stage != state.Touched {
		return false
	}
	f := d.judged(rec, h)
	if rec.Fields[ownID] == "" && age(rec, h) == 0 || !t.returned.when.holds(f) || f.wait != "" {
		return false
	}
	handled, asked := d.handledSince(t, rec, h)
	if !asked {
		return true
	}
	if handled {
		d.because(d.why("", "a person has set the owner of %s since it was written: it is left so", rec.Ref))
		h.Stake = ceded(h.Stake, h.Stake.Value)
	}
	r := state.Return{By: h.Owner, At: d.bounded(rec.ModifiedAt), Rule: routedBy(h)}
	if who := f.user(f.conn, rec.ModifiedBy); d.receives(h, who) {
		r.By = who
	}
	r.Reason, r.Note = t.returned.reason(rec)
	r.To = d.takesBack(t, h)
	if r.To == "" {
		r.To = h.Owner
		d.list(listUnowned, h.ID, h.Type+": returned by "+r.By+", and nobody is there to take it back")
	}
	done, err := handoff.Return(h, r)
	if err != nil {
		return false
	}
	why := d.why(where(t.returned.pos), "returned by %s: %s", r.By, orNone(r.Reason))
	d.because(why)
	detail := map[string]string{"by": r.By, "to": r.To, "reason": r.Reason, "rule": r.Rule, "then": t.returned.then}
	if by := h.Due[clockReturn]; !by.IsZero() && r.At.After(by) {
		detail["late"] = by.Format(time.RFC3339)
		done.Late = withInstant(done.Late, clockReturn, r.At)
		d.list(listReturned, h.ID, fmt.Sprintf("%s: returned by %s at %s, after %s (%s)", h.Type, r.By, r.At.Format(time.RFC3339), by.Format(time.RFC3339), orNone(r.Reason)))
	}
	d.audit("returned", h.ID, detail)
	d.quiet(done)
	d.withdraw(done)
	done = d.settled(done)
	d.credit(h)
	d.put(done)
	if !d.goesOn(t, rec, done, why) {
		d.put(d.giveBack(t, rec, h, done))
	}
	done = d.current(done)
	d.put(d.closeTask(done))
	if r.Reason == "" && t.returned.required {
		d.c.Timers = append(d.c.Timers, state.Timer{ID: timerID(h.ID, clockReason, 0), Handoff: h.ID, Clock: clockReason, Due: d.now.Add(t.returned.askAfter)})
	}
	return true
}

func withInstant(m map[string]time.Time, k string, at time.Time) map[string]time.Time {
	out := maps.Clone(m)
	if out == nil {
		out = map[string]time.Time{}
	}
	out[k] = at
	return out
}

func orNone(reason string) string {
	if reason == "" {
		return "no reason given"
	}
	return reason
}

// reason is what the receiver wrote: a reason of the list in its own spelling,
// else their words.
func (r *returning) reason(rec *state.Record) (reason, note string) {
	reason, note = strings.TrimSpace(rec.Fields[ownReturnReason]), rec.Fields[ownReturnNote]
	if i := slices.IndexFunc(r.reasons, func(s string) bool { return strings.EqualFold(s, reason) }); i >= 0 {
		reason = r.reasons[i]
	}
	return reason, note
}

// routedBy is the rule that gave a handoff its owner (G7).
func routedBy(h state.Handoff) string {
	if n := len(h.Why); n > 0 {
		return h.Why[n-1].Rule
	}
	return ""
}

// takesBack is who answers for what comes back: the giver, or who leads the
// team; and the other of the two where there is none.
func (d *deciding) takesBack(t *typ, h state.Handoff) string {
	manager := ""
	if team := d.r.teams[h.Team]; team != nil {
		manager = team.manager
	}
	all := []string{h.Giver, manager}
	if t.returned.then == thenQueue || t.returned.then == thenNext {
		all = []string{manager, h.Giver}
	}
	if p := d.r.people[h.Owner]; p != nil {
		all = append(all, p.manager)
	}
	for _, who := range all {
		if who != "" && who != h.Owner {
			return who
		}
	}
	return ""
}

// credit gives the turn back to who was drawn and has returned it.
func (d *deciding) credit(h state.Handoff) {
	team := d.r.teams[h.Team]
	if team == nil || !strings.Contains(routedBy(h), ownerRule) {
		return
	}
	i := slices.IndexFunc(team.members, func(m member) bool { return m.who == h.Owner })
	pool, ok := d.v.Pool(h.Team)
	if j := slices.IndexFunc(d.c.Pools, func(p state.Pool) bool { return p.Team == h.Team }); j >= 0 {
		pool, ok = d.c.Pools[j], true
	}
	if !ok || i < 0 {
		return
	}
	d.c.Pools = append(d.c.Pools, route.CreditOf(pool, h.Tier, h.Owner, team.members[i].weight))
	d.audit(route.ActionCredited, h.ID, map[string]string{"owner": h.Owner, route.DetailTeam: h.Team, "tier": h.Tier})
}

// giveBack writes a return: the owner and handoffd's own fields in one write,
// and one task for who has it again.
func (d *deciding) giveBack(t *typ, rec *state.Record, was, h state.Handoff) state.Handoff {
	set := map[string]any{
		ownStatus: statusReturned, ownAccountable: h.Accountable,
		ownQuality: qualityReturned + ": " + orNone(h.Returned.Reason),
	}
	if h.Record != h.Target && h.Record.ID != "" && d.shows(h.Record, was) {
		h = d.intend(h, stepReturn+stepHere, connectors.Write{Ref: h.Record, Set: maps.Clone(set), Key: key(h, stepReturn+stepHere, "set")})
	}
	if !d.shows(h.Target, was) {
		set = map[string]any{}
	}
	c := d.r.byConn[h.Target.Conn]
	at := rec
	if rec.Ref != h.Target {
		if known, ok := d.v.Record(h.Target); ok {
			at = &known
		}
	}
	h = d.writeReturn(t, c, at, h, set)
	return d.taskFor(h, c, stepGiverTask, h.Accountable, d.cameBack(at, h), h.Returned.Note)
}

// writeReturn gives the record back to whoever takes it, unless somebody has
// changed its owner meanwhile. Where the receiver stands in a field of their
// own, beside the owner, it is cleared.
func (d *deciding) writeReturn(t *typ, c *conn, at *state.Record, h state.Handoff, set map[string]any) state.Handoff {
	name, ok := c.m.WriteName(h.Target.Kind, t.becomes)
	u, known := d.user(c, h.Accountable)
	w := connectors.Write{Ref: h.Target, Set: set, Key: key(h, stepReturn, "set")}
	standing, over, version, hidden := lastKnown(t, h, at)
	held := at.Ref == h.Target && ok && d.r.facts(d.now, d.v, at).user(c, standing) == h.Owner && !d.elsewhereOwned(t, c, h.Target)
	var to any
	if t.becomes == wordOwner {
		to = u.ID
	}
	left := h.Stake != nil && h.Stake.Ceded != "" && h.Stake.Ceded == standing
	if !held || left || t.becomes == wordOwner && (!known || !u.Active || u.ID == standing) || d.sharesReceiver(t, h) {
		if t.becomes == wordOwner && (!known || !u.Active) {
			d.list(listUnowned, h.ID, h.Type+": "+h.Accountable+" can own nothing in "+c.name+", so "+h.Owner+" stays the owner of what was returned")
		}
		if len(set) == 0 {
			return h
		}
		return d.intend(h, stepReturn, w)
	}
	set[name] = to
	w.IfVersion = version
	read := d.readOf(at)
	if hidden {
		read = time.Time{}
	}
	return d.intendSeen(h, stepReturn, w, seen{expect: map[string]any{name: blankNil(standing)}, read: read, over: over, atRisk: true})
}

// readOf is when a record was asked for; zero where nobody knows.
func (d *deciding) readOf(at *state.Record) time.Time {
	if len(d.c.Records) > 0 && d.c.Records[0].Ref == at.Ref {
		return d.read
	}
	return time.Time{}
}

// sharesReceiver reports whether another open handoff has put the same person into the
// same field: they keep it.
func (d *deciding) sharesReceiver(t *typ, h state.Handoff) bool {
	return slices.ContainsFunc(d.sharing(h.Target, h), func(o state.Handoff) bool {
		other := d.r.byName[o.Type]
		return other != nil && other.becomes == t.becomes && o.Owner == h.Owner
	})
}

// titleOf names a record to a person.
func (d *deciding) titleOf(rec *state.Record) string { return titled(rec) }

// taskFor plans a task for a person beside the receiver's own.
func (d *deciding) taskFor(h state.Handoff, c *conn, step, who, subject, body string) state.Handoff {
	set := map[string]any{
		connectors.TaskSubject: subject, connectors.TaskBody: body, connectors.TaskZone: d.r.calendarOf(who).Zone().String(),
		connectors.TaskPriority: "high", connectors.TaskType: "todo", connectors.TaskStatus: "open", connectors.TaskDue: text(d.now.Add(time.Hour)),
	}
	if body == "" {
		delete(set, connectors.TaskBody)
	}
	if u, ok := d.user(c, who); ok {
		set[connectors.TaskOwner] = u.ID
	}
	w := connectors.Write{Ref: connectors.Ref{Conn: c.name, Kind: connectors.Task}, Set: set, Key: key(h, step, "create")}
	if h.Target.ID != "" {
		w.Links = append(w.Links, h.Target)
		if h.Account.Conn == c.name && h.Account != h.Target {
			w.Links = append(w.Links, h.Account)
		}
	}
	return d.intend(h, step, w)
}

// goesOn hands over again what came back where the type says so: at once to
// the next owner, or by way of the team's line. It reports whether it did.
func (d *deciding) goesOn(t *typ, rec *state.Record, old state.Handoff, why state.Reason) bool {
	switch t.returned.then {
	case thenNext:
		return d.handOn(t, rec, old, why)
	case thenQueue:
		return d.backInLine(t, rec, old, why)
	}
	return false
}

// handOn hands a returned handoff over again, where the type says so to
// somebody who has not had it. It reports whether it began.
func (d *deciding) handOn(t *typ, rec *state.Record, old state.Handoff, why state.Reason) bool {
	f, h, tier := d.onceMore(t, rec, old, why)
	if tier == nil {
		return false
	}
	d.not = d.hadIt(t, h)
	d.assign(t, f, h, tier)
	d.not = nil
	return d.current(h).Stage.Open()
}

// backInLine puts what came back into the team's line: who leads it answers
// for it, until it is drawn again like anything that waits there. Whoever has
// had it is passed over.
func (d *deciding) backInLine(t *typ, rec *state.Record, old state.Handoff, why state.Reason) bool {
	team := d.r.teams[old.Team]
	f, h, tier := d.onceMore(t, rec, old, why)
	if tier == nil || team == nil || team.manager == "" {
		return false
	}
	line := d.why(where(t.returned.pos), "returned by %s: waits in the line of %s", old.Returned.By, team.name)
	d.queue(t, f, h, tier, choice{team: team, waits: true, why: []state.Reason{line}})
	return true
}

// onceMore is the handoff that follows one that came back, with the facts it is
// decided on; a nil tier says that these are not known.
func (d *deciding) onceMore(t *typ, rec *state.Record, old state.Handoff, why state.Reason) (*facts, state.Handoff, *tier) {
	from, ok := d.v.Record(old.Record)
	if rec.Ref == old.Record {
		from, ok = *rec, true
	}
	if !ok {
		return nil, old, nil
	}
	f := d.r.facts(d.now, d.v, &from)
	if t.deliver != nil {
		f.to = t.deliver
		land, ok := d.v.Record(old.Target)
		if rec.Ref == old.Target {
			land, ok = *rec, true
		}
		if !ok {
			return nil, old, nil
		}
		f.land = &land
	}
	tier := d.r.tiers[old.Tier]
	if f.account(); tier == nil || f.wait != "" {
		return nil, old, nil
	}
	h := handoff.Detect(handoff.New{
		ID: state.Digest("after", old.ID), Type: t.name, Rules: d.r.digest, Giver: old.Giver, Record: old.Record, Target: old.Target,
		Account: old.Account, Signal: old.Signals[len(old.Signals)-1], Observed: old.Observed, At: d.now,
	})
	h.Follows, h.Holders = old.ID, d.holders(old, "returned")
	h.Why = append(started(old), why)
	d.id = state.Digest("decision", h.ID)
	return f, h, tier
}

// hadIt are those who are passed over because they have given it back; nobody
// where the giver hands it over again.
func (d *deciding) hadIt(t *typ, h state.Handoff) map[string]bool {
	if h.Follows == "" || t.returned.then != thenNext && t.returned.then != thenQueue {
		return nil
	}
	not := map[string]bool{}
	for _, x := range h.Holders {
		not[x.Who] = true
	}
	return not
}

// follows is the handoff of the same type that came back from this record
// last; blank: none did.
func (d *deciding) follows(h state.Handoff) string {
	last := state.Handoff{}
	for _, o := range d.v.Handoffs(h.Record) {
		if o.ID != h.ID && o.Type == h.Type && o.Stage == state.Returned && o.ClosedAt.After(last.ClosedAt) {
			last = o
		}
	}
	return last.ID
}

// handedOverAgain takes the giver's word that what came back is ready: they set
// handoff_status to Assigned once more. It starts a handoff that follows the
// returned one, and anybody may receive it. Where the buyer has come again
// meanwhile, that handoff is open already, though its write may be on its way.
func (d *deciding) handedOverAgain(t *typ, rec *state.Record, h state.Handoff) bool {
	if h.Stage != state.Returned || rec.Ref != h.Target || rec.Fields[ownID] != h.ID && (rec.Fields[ownID] != "" || !d.stillShown(rec, h)) || rec.Fields[ownStatus] != statusAssigned {
		return false
	}
	if e := h.Effects[stepReturn]; e.State != handoff.Done || age(rec, h) <= 0 || d.hasOwn(h.Record, h) {
		return false
	}
	if _, exists := d.v.Handoff(state.Digest("after", h.ID)); exists {
		return false
	}
	why := d.why(where(t.returned.pos), "handed over again by %s", h.Accountable)
	d.because(why)
	if e := h.Effects[stepGiverTask]; e.Key != "" {
		d.put(d.choreDone(h, stepGiverTask))
	}
	return d.handOn(t, rec, h, why)
}

// holders are those who have had a handoff, its present owner now included.
func (d *deciding) holders(h state.Handoff, why string) []state.Holder {
	return append(slices.Clone(h.Holders), state.Holder{Who: h.Owner, Since: h.AssignedAt, Until: d.now, Why: why})
}

// explained takes in the reason of a handoff that came back without one.
func (d *deciding) explained(t *typ, rec *state.Record, h state.Handoff) {
	if d.handedOverAgain(t, rec, h) || h.Stage != state.Returned || h.Returned == nil || h.Returned.Reason != "" || !d.stillShown(rec, h) {
		return
	}
	reason, note := t.returned.reason(rec)
	done, err := handoff.Explain(h, reason, note)
	if err != nil {
		return
	}
	d.audit("reason given", h.ID, map[string]string{"by": h.Returned.By, "reason": reason, "rule": h.Returned.Rule})
	d.c.Cancel = append(d.c.Cancel, timerID(h.ID, clockReason, 0))
	done = d.choreDone(done, stepAskReason)
	done = d.giverLearns(rec, done)
	if id := rec.Fields[ownID]; id == h.ID || id == "" {
		done = d.intend(done, stepReturn, connectors.Write{Ref: rec.Ref, Set: map[string]any{ownQuality: qualityReturned + ": " + reason}, Key: key(h, stepReturn, "reason")})
	}
	d.put(done)
}

// giverLearns brings the giver's task up to date with a reason that came later.
func (d *deciding) giverLearns(rec *state.Record, h state.Handoff) state.Handoff {
	e := h.Effects[stepGiverTask]
	if e.Key == "" {
		return h
	}
	set := map[string]any{connectors.TaskSubject: d.cameBack(rec, h)}
	if h.Returned.Note != "" {
		set[connectors.TaskBody] = h.Returned.Note
	}
	if i, waits := d.waiting(e.Key); waits && e.State == sent {
		all := maps.Clone(i.Write.Set)
		maps.Copy(all, set)
		d.rewaiting(e.Key, all)
		return h
	}
	if e.State == handoff.Done && e.Ref.ID != "" {
		return d.choreNow(h, stepGiverTask, e.Ref, set)
	}
	return h
}

// cameBack is the subject of the giver's task.
func (d *deciding) cameBack(rec *state.Record, h state.Handoff) string {
	return fmt.Sprintf("Returned by %s: %s. %s", h.Returned.By, orNone(h.Returned.Reason), d.titleOf(rec))
}

// stillShown reports whether what people write on a record is about a handoff
// that is over: its id stands there, or that of the one that followed it. Where
// no id can be read, it is about what came back last, unless something is open.
func (d *deciding) stillShown(rec *state.Record, h state.Handoff) bool {
	id := rec.Fields[ownID]
	switch id {
	case h.ID:
		return true
	case "":
		return rec.Ref == h.Target && age(rec, h) > 0 && !slices.ContainsFunc(d.aboutNow(rec), func(o state.Handoff) bool {
			return o.ID != h.ID && !o.Observed && (o.Stage.Open() || o.ClosedAt.After(h.ClosedAt))
		})
	}
	next, ok := d.v.Handoff(id)
	return ok && next.Follows == h.ID
}

// askReason asks who has returned a handoff why, once.
func (d *deciding) askReason(h state.Handoff) {
	if h.Stage != state.Returned || h.Returned == nil || h.Returned.Reason != "" || !h.Returned.Asked.IsZero() || h.Observed {
		return
	}
	c := d.r.byConn[h.Target.Conn]
	if c == nil || h.Target.ID == "" {
		return
	}
	r := *h.Returned
	r.Asked = d.now
	h.Returned = &r
	subject := "Why was it returned?"
	if rec, ok := d.v.Record(h.Target); ok {
		subject += " " + d.titleOf(&rec)
	}
	d.audit("asked for a reason", h.ID, map[string]string{"of": r.By})
	d.list(listReturned, h.ID, h.Type+": returned by "+r.By+" without a reason")
	d.put(d.taskFor(h, c, stepAskReason, r.By, subject, "It went back without a reason. Please choose one in the field for the return reason, so that "+r.To+" can mend it."))
}

// asks counts what the receiver asks because the context does not say it, and
// puts each question to the giver once (2.46, 3.32).
func (d *deciding) asks(t *typ, rec *state.Record, h state.Handoff) {
	said := strings.TrimSpace(rec.Fields[ownGaps])
	if said == "" || !d.speaksOf(rec, h) || !h.Stage.Open() {
		return
	}
	digest := state.Digest("gap", said)[:12]
	w := workOf(h)
	if w.Gap == digest {
		return
	}
	w.Gap, w.Heard = digest, d.now
	h.Work, h.Questions = &w, h.Questions+1
	asked := h.Giver
	if h.Support != "" {
		asked = h.Support
	}
	d.because(d.why(where(t.pos), "%s asks what the context does not say", h.Owner))
	detail := map[string]string{"by": h.Owner, "of": asked, "questions": fmt.Sprint(h.Questions)}
	if by := h.Due[clockReturn]; !by.IsZero() && d.now.After(by) {
		detail["late"] = by.Format(time.RFC3339)
	}
	d.audit("question", h.ID, detail)
	if asked != "" && asked != h.Owner {
		h = d.taskFor(h, d.r.byConn[h.Target.Conn], fmt.Sprintf("%s %d", stepGapTask, h.Questions), asked, h.Owner+" asks about "+d.titleOf(rec), said)
	}
	d.put(d.intend(h, stepGaps, connectors.Write{Ref: rec.Ref, Set: map[string]any{ownQuestions: float64(h.Questions)}, Key: key(h, stepGaps, fmt.Sprint(h.Questions))}))
}

// contestReturn settles the write of a return that came upon a change: who has
// given the record to somebody else meanwhile is left alone, anything else is
// written again on the new version.
func (d *deciding) contestReturn(h state.Handoff, ev Delivered) {
	i := ev.Intent
	rec, ok := d.v.Record(i.Write.Ref)
	t, c := d.r.byName[h.Type], d.r.byConn[i.Write.Ref.Conn]
	if t == nil || c == nil {
		d.put(h)
		return
	}
	name, _ := c.m.WriteName(i.Write.Ref.Kind, t.becomes)
	w := i.Write
	w.Key = key(h, stepReturn, "set "+rec.Version)
	newer, expect := ok && rec.Version > i.Write.IfVersion, i.Expect
	if now := blankNil(rec.Fields[t.becomes]); newer && now != nil && now == w.Set[name] {
		expect = map[string]any{name: now} // it stands already: the answer was lost
	} else if newer && now != i.Expect[name] {
		d.put(d.stillTell(h, i))
		return
	}
	if newer {
		w.IfVersion = rec.Version
	}
	h = d.intendSeen(h, stepReturn, w, seen{expect: expect, atRisk: true})
	if n := len(d.c.Intents) - 1; !newer && n >= 0 && h.Frozen == "" {
		d.c.Intents[n].Due = d.now.Add(againAfter)
	}
	d.put(h)
}

// firedLate does what a timer was set for that speaks of handoffs which may be
// over, and reports whether it was one of those.
func (d *deciding) firedLate(h state.Handoff, clock string) bool {
	switch clock {
	case clockReason:
		d.askReason(h)
	case clockTried:
		d.attemptsOver(h)
	default:
		return false
	}
	return true
}
