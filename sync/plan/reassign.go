package plan

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// Reassign is an operator's order to give an open handoff to whoever has it
// after a reorganisation. Its clocks stay as they are: no deadline moves.
type Reassign struct {
	Handoff string `json:"handoff"`
	// To is "rules" (the owner list as it stands now), the place of one of its
	// lines ("handoffs/demo.yaml:41"), a team, or a person by e-mail.
	To string `json:"to"`
	By string `json:"by"`
	// Rule is what the order rests on, where nobody gave it by hand.
	Rule string `json:"rule,omitempty"`
}

// ToRules is the [Reassign.To] that asks the owner list again.
const ToRules = "rules"

const (
	stepReassign = "reassign" // another owner, by an operator's order
	listReassign = "reassign"
)

// IsToRules reports whether an order asks the owner list again.
func IsToRules(to string) bool { return strings.EqualFold(to, ToRules) }

// NoneHas says what is wrong with FIELD=VALUE of an order that fits no handoff:
// no type, team, tier, stage or person is called so, or no mapping has the
// field; "" for nothing.
func (r *Rules) NoneHas(name, value string) string {
	var known []string
	what := name
	switch name {
	case "type":
		known, what = r.Types(), "handoff type"
	case "team":
		known = slices.Collect(maps.Keys(r.teams))
	case "tier":
		known = slices.Collect(maps.Keys(r.tiers))
	case "owner":
		known, what = slices.Collect(maps.Keys(r.people)), "person"
	case "stage":
		for _, s := range []state.Stage{state.Held, state.Queued, state.Assigned, state.Accepted, state.Touched} {
			known = append(known, string(s))
		}
		what = "stage of an open handoff"
	default:
		return r.noField(name)
	}
	if value == "" || slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, value) }) {
		return ""
	}
	slices.Sort(known)
	list := "it can be " + strings.Join(known[:min(len(known), mostListed)], ", ")
	if len(known) > mostListed {
		list += " and others"
	}
	return "there is no " + what + " " + quote(value) + "; " + didYouMean(value, known, list)
}

// mostListed is how many names stand in one line.
const mostListed = 8

// noField says that no mapping has a field.
func (r *Rules) noField(name string) string {
	noun, w, _ := strings.Cut(name, ".")
	if _, ok := word(r.conns, field{noun, w}); ok {
		return ""
	}
	var known []string
	for _, c := range r.conns {
		for _, n := range mappings.Nouns() {
			for _, other := range c.m.Words(n) {
				known = append(known, n+"."+other)
			}
		}
	}
	return name + " is mapped nowhere; " + didYouMean(name, known, "the words stand in mappings/")
}

// CanReassign says what is wrong with a [Reassign.To]; "" for nothing.
func (r *Rules) CanReassign(to string) string {
	switch {
	case IsToRules(to), r.people[strings.ToLower(to)] != nil, r.teams[to] != nil:
		return ""
	}
	for _, t := range r.types {
		if t.lineAt(to) != nil {
			return ""
		}
	}
	var known []string
	for name := range r.teams {
		known = append(known, name)
	}
	for who := range r.people {
		known = append(known, who)
	}
	return "--to " + to + " is neither rules, nor a line of an owner list, nor in teams.yaml or people.yaml; " + didYouMean(to, known, "write it like --to sdr_us")
}

// lineAt is the line of the owner list at a place; nil: it is none of it.
func (t *typ) lineAt(place string) *ownerLine {
	for i := range t.lines {
		if at, _, _ := strings.Cut(t.lines[i].where, ownerRule); at == place {
			return &t.lines[i]
		}
	}
	return nil
}

// reassign gives an open handoff to somebody else. Where nobody else is to have
// it, nothing changes.
func (d *deciding) reassign(ev Reassign) {
	h, ok := d.v.Handoff(ev.Handoff)
	if !ok || h.Observed {
		return
	}
	t := d.r.byName[h.Type]
	rec, known := d.v.Record(h.Record)
	if t == nil || !known {
		d.because(d.why("", "its type or its record is gone"))
		return
	}
	yes, asked := d.theirs(t, h, true)
	if !asked {
		return
	}
	if yes {
		if h.Stake.Ceded == "" {
			h.Stake = ceded(h.Stake, h.Stake.Value)
			d.put(h)
		}
		d.because(d.why("", "a person has set its owner by hand since it was assigned: %s keeps it", orNobody(h.Owner)))
		d.list(listReassign, h.ID, h.Type+": not given to "+ev.To+" by order of "+ev.By+", because a person has set its owner by hand since it was assigned")
		return
	}
	rec = withoutUs(t, rec, h)
	f := d.r.facts(d.now, d.v, &rec)
	if t.deliver != nil {
		f.to = t.deliver
		if land, ok := d.v.Record(h.Target); ok {
			land = withoutUs(t, land, h)
			f.land = &land
		}
	}
	c := d.chooseAgain(t, f, h, ev.To)
	if f.wait != "" {
		d.because(d.why("", "%s", f.wait))
		return
	}
	if c.owner == "" || c.owner == h.Owner {
		d.because(c.why...)
		if c.owner == "" {
			d.because(d.why("", "nobody is free, so %s keeps it", orNobody(h.Owner)))
		}
		return
	}
	if ev.Rule != "" {
		c.where = ev.Rule
	}
	d.handTo(t, h, c, ev)
}

// withoutUs is a record with the owner it had before a handoff: whom it was given to
// by us does not own it already.
func withoutUs(t *typ, rec state.Record, h state.Handoff) state.Record {
	for s := h.Stake; s != nil && rec.Ref == h.Target; s = s.Under {
		if now := rec.Fields[t.becomes]; now == s.Value || slices.Contains(s.Tried, now) {
			rec.Fields = maps.Clone(rec.Fields)
			rec.Fields[t.becomes], _ = h.Before[s.Field].(string)
			break
		}
	}
	return rec
}

// chooseAgain is who an order names. A receiver who is in the team that the
// rules come to keeps what they have.
func (d *deciding) chooseAgain(t *typ, f *facts, h state.Handoff, to string) choice {
	c := choice{}
	switch l := t.lineAt(to); {
	case l != nil:
		d.answer(l, t, f, h, &c)
	case IsToRules(to):
		for i := range t.lines {
			l := &t.lines[i]
			if !l.when.holds(f) {
				c.note(l, "not here, because %s", l.when.say(f))
				continue
			}
			if d.answer(l, t, f, h, &c) {
				break
			}
		}
	case d.r.teams[to] != nil:
		d.answer(&ownerLine{use: "team " + to, rule: mappings.RoundRobin, where: "reassign --to " + to, team: d.r.teams[to]}, t, f, h, &c)
	default:
		who := strings.ToLower(to)
		d.answer(&ownerLine{use: "person " + who, rule: mappings.PersonRule, where: "reassign --to " + who, who: who}, t, f, h, &c)
	}
	if c.owner != "" && c.team != nil && c.pool != nil && c.team.has(h.Owner) {
		if out, _ := d.out(h.Owner, f.to, 0); out == "" {
			c.owner = h.Owner
			c.why = append(c.why, d.why(c.where, "%s is in %s, and keeps it", h.Owner, c.team.name))
		}
	}
	return c
}

// answer asks one line of an owner list. It reports whether it decides.
func (d *deciding) answer(l *ownerLine, t *typ, f *facts, h state.Handoff, c *choice) bool {
	c.where = l.where
	if l.pools() {
		return d.pool(l, f, h, c)
	}
	return d.named(l, t, f, h, c)
}

func (t *team) has(who string) bool {
	for _, m := range t.members {
		if m.who == who {
			return true
		}
	}
	return false
}

// handTo moves a handoff to its next owner: in our state, on the record and on
// its task.
func (d *deciding) handTo(t *typ, h state.Handoff, c choice, ev Reassign) {
	target := d.r.byConn[h.Target.Conn]
	u, ok := d.user(target, c.owner)
	if !ok {
		d.because(d.why(c.where, "%s is no user of %s", c.owner, h.Target.Conn))
		return
	}
	team := ""
	if c.team != nil {
		team = c.team.name
	}
	why := d.why(c.where, "%s: %s, by order of %s; %s had it", c.owner, c.because, ev.By, orNobody(h.Owner))
	moved, err := handoff.Reassign(h, handoff.Turnover{
		Owner: c.owner, Team: team, Backup: d.backupFor(c), Why: why, At: d.now,
	})
	if err != nil {
		d.because(d.why("", "%v", err))
		return
	}
	moved = d.stoodThen(moved, h)
	if strings.HasPrefix(moved.Frozen, frozenLoop) {
		moved.Frozen = "" // whoever orders it has looked
	}
	if c.pool != nil {
		d.c.Pools = append(d.c.Pools, *c.pool)
	}
	d.because(why)
	d.audit("reassigned", h.ID, c.drawn(map[string]string{
		"owner": c.owner, "was": h.Owner, "by": ev.By, "rule": c.where, "accept_by": timeText(moved), "type": h.Type, "tier": h.Tier,
	}))
	d.put(d.itemsTo(d.writeTurnover(t, moved, u.ID, c, target), h.Owner))
}

// timeText is the deadline of a handoff, for the audit trail.
func timeText(h state.Handoff) string {
	if s, ok := text(h.AcceptBy).(string); ok {
		return s
	}
	return ""
}

// writeTurnover plans the write of the next owner, on the record as it was last
// read: it is read again before it leaves, and a person who came first wins.
func (d *deciding) writeTurnover(t *typ, h state.Handoff, owner string, c choice, to *conn) state.Handoff {
	if h.Target.ID == "" || h.Written.IsZero() {
		return d.redirect(t, h, owner, to)
	}
	rec, _ := d.v.Record(h.Target)
	return d.writeNext(t, h, owner, c, to, &rec)
}

// writeNext is writeTurnover on a record that shows the owner before.
func (d *deciding) writeNext(t *typ, h state.Handoff, owner string, c choice, to *conn, at *state.Record) state.Handoff {
	elsewhere := d.elsewhereOwned(t, to, h, h.Target)
	if elsewhere {
		d.toldOnly(h, h.Target, h.Owner)
	}
	name, ok := to.m.WriteName(h.Target.Kind, t.becomes)
	set := map[string]any{
		ownAccountable: h.Accountable, ownRule: c.where, ownDecision: d.id,
		ownWhy: c.owner + ": " + c.because + ", reassigned", ownBackup: blankNil(h.Backup),
	}
	w := connectors.Write{Ref: h.Target, Set: set, Key: key(h, stepReassign, "set "+d.id)}
	var s seen
	if ok && !elsewhere {
		var before stood
		var tried []string
		h, before, tried = d.inPlace(h, name, w, lastKnown(t, h, at), stepRewrite, stepReassign)
		set[name] = owner
		w.IfVersion = before.version
		h.Stake = &state.Stake{Field: name, Value: owner, Was: before.who, Over: before.since, Tried: tried, Under: unread(h.Stake, !before.hidden)}
		s = before.seen(name, time.Time{}, before.who != "")
	}
	return d.passTask(d.intendSeen(h, stepReassign, w, s), owner)
}

// inPlace takes back the writes of the owner that another one comes in place of
// before they were done: unanswered, or refused and left to an operator. It answers the
// handoff without them, who stands there but for them, and what they may have put there
// all the same: they may be on their way.
func (d *deciding) inPlace(h state.Handoff, field string, next connectors.Write, before stood, steps ...string) (state.Handoff, stood, []string) {
	s, withdrawn, left, version := h.Stake, false, false, ""
	var tried []string
	for _, step := range steps {
		e := h.Effects[step]
		i, waits := d.waiting(e.Key)
		v, set := i.Write.Set[field].(string)
		if !waits || !set || e.State == handoff.Done || e.Key == next.Key || i.Write.Ref != next.Ref {
			continue
		}
		if _, out := d.v.Intent(e.Key); out { // what was only planned until now is nowhere yet
			left = true
			if i.State != state.Parked || i.Attempts > 0 {
				tried = append(tried, v)
			}
		}
		d.drop(e.Key)
		h, withdrawn, version = handoff.Forget(h, step), true, i.Write.IfVersion
	}
	if !withdrawn || s == nil {
		return h, before, nil
	}
	if before.since.Before(s.Over) { // what was read is older than what they rest on
		before = stood{who: s.Was, since: s.Over, version: version}
	}
	before.hidden = before.hidden || left
	return h, before, append(slices.Clone(s.Tried), tried...)
}

// attempted reports whether an earlier write of ours may have put an owner there.
func attempted(h state.Handoff, owner string) bool {
	return h.Stake != nil && slices.Contains(h.Stake.Tried, owner)
}

// redirect gives a handoff whose first owner does not stand in the CRM to the next
// one. A write of a record that is there has one in its place: it may be on its way,
// or the CRM has refused it. A record that is being made may be there already: it is
// passed on when that is known ([deciding.madeFor]).
func (d *deciding) redirect(t *typ, h state.Handoff, owner string, to *conn) state.Handoff {
	if h.Target.ID != "" {
		return d.writePassed(t, h)
	}
	i, waits := d.v.Intent(h.Effects[stepCreate].Key)
	rec, known := d.v.Record(h.Record)
	if tier := d.r.tiers[h.Tier]; waits && i.Handoff == h.ID && i.State != state.Sending && known && tier != nil {
		set := maps.Clone(i.Write.Set)
		if !i.InDoubt {
			f, c := d.r.facts(d.now, d.v, &rec), chosenBefore(h)
			f.to = to
			delete(set, ownBackup)
			maps.Copy(set, d.owned(t, h, to, i.Write.Ref.Kind, d.carried(t, f, h, tier, c, d.brief(t, f, h, tier, c))))
		}
		h = d.renew(h, i, set)
	}
	return d.passedHere(d.passTask(h, owner), "set "+h.Owner+ownedBy(h))
}

// renew gives a create another content. What was refused is tried anew; where an
// earlier attempt may have come through, it is looked for first.
func (d *deciding) renew(h state.Handoff, i state.Intent, set map[string]any) state.Handoff {
	i.Write.Set = set
	if i.State == state.Parked {
		i.State, i.Due, i.Attempts, i.Error, i.Class = state.Ready, d.now, 0, "", ""
		if i.InDoubt {
			i.State, i.Looked = state.Sending, 0
		}
		e := h.Effects[i.Step]
		e.State, e.At, e.Error = sent, d.now, ""
		h = handoff.Track(h, i.Step, e)
	}
	d.c.Intents = slices.DeleteFunc(d.c.Intents, func(o state.Intent) bool { return o.Write.Key == i.Write.Key })
	d.c.Intents = append(d.c.Intents, i)
	return h
}

// madeFor passes on a record that was made for one owner while its handoff went to
// another: nobody has set its owner by hand.
func (d *deciding) madeFor(h state.Handoff, ev Delivered) state.Handoff {
	t, to := d.r.byName[h.Type], d.r.byConn[ev.Ref.Conn]
	if t == nil || to == nil || !h.Stage.Open() {
		return h
	}
	name, _ := to.m.WriteName(ev.Ref.Kind, t.becomes)
	made, wrote := ev.Intent.Write.Set[name].(string)
	u, known := d.user(to, h.Owner)
	if !wrote || !known || made == u.ID || slices.Contains(ev.Skipped, name) {
		return h
	}
	at := state.Record{Ref: ev.Ref, Noun: t.about, Version: ev.Version, ModifiedAt: ev.Stamp, Fields: map[string]string{t.becomes: made}}
	h.Stake = &state.Stake{Field: name, Value: made, Stamp: ev.Stamp}
	return d.writeNext(t, h, u.ID, chosenBefore(h), to, &at)
}

// underway reports whether an order's write of the owner has not been answered, or was
// refused and waits for an operator, and the record still shows who stood there before,
// or what an earlier order put there: that is nobody's doing.
func underway(h state.Handoff, now string) bool {
	s := h.Stake
	if s == nil {
		return false
	}
	switch h.Effects[stepReassign].State {
	case sent:
		return now == s.Was || attempted(h, now)
	case handoff.Refused:
		return now != s.Value && (now == s.Was || attempted(h, now))
	}
	return false
}

// shownStill is who had a handoff before an order that does not stand in the CRM yet, where
// the record shows them: what is said there is theirs. Blank: it is as any other.
func (d *deciding) shownStill(t *typ, rec *state.Record, h state.Handoff) string {
	now, n := rec.Fields[t.becomes], len(h.Holders)-1
	if rec.Ref != h.Target || n < 0 || !underway(h, now) {
		return ""
	}
	if who := d.r.facts(d.now, d.v, rec).user(d.r.byConn[rec.Ref.Conn], now); who != h.Owner && who == h.Holders[n].Who {
		return who
	}
	return ""
}
