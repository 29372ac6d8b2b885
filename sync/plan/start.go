package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
	"github.com/handoffd/handoffd/sync/match"
)

// consider asks one type about a record. It reports whether the type takes the
// record's signal, now or before.
func (d *deciding) consider(t *typ, f *facts, ev Observed, carried []state.Handoff) bool {
	s := d.look(t, f, ev.Came)
	if d.back[t.name] && s.holds {
		s = d.anew(s, f)
	}
	switch {
	case d.stopped() || d.waits(f):
		return false
	case !s.fresh:
		d.remember(t, f, s, d.asBefore(t, f, s))
		return s.holds
	case ev.Via == viaBackfill:
		d.remember(t, f, s, s.version)
		return true
	}
	d.take(t, f, s, ev, carried)
	return true
}

// take does with a signal that is news what is to be done with it: it belongs to
// a handoff that is there, or starts one.
func (d *deciding) take(t *typ, f *facts, s signal, ev Observed, carried []state.Handoff) {
	related := d.related(f.rec, carried)
	elsewhere := d.copied(f.rec.Ref, related)
	if !d.back[t.name] { // else what came here has ended in the bin
		elsewhere = slices.Concat(elsewhere, movedHere(t, f.rec.Ref, carried))
	}
	if h, ok := sameSignal(s, f.rec.Ref, elsewhere, d.now); ok {
		d.remember(t, f, s, s.version)
		d.because(d.why(where(t.pos), "the same signal is handed over already, as %s from %s", h.ID, h.Record))
		return
	}
	if h, ok := d.startedByGroup(t, f, s); ok {
		d.remember(t, f, s, s.version)
		d.because(d.why(where(t.pos), "the same group is handed over already, as %s from %s", h.ID, h.Record))
		return
	}
	if d.never(f) || d.joined(t, f, s, slices.Concat(carried, related)) {
		if !d.stopped() {
			d.remember(t, f, s, s.version)
		}
		return
	}
	if !f.said.IsZero() || !d.settles(t, f, &s) {
		d.begin(t, f, s, ev)
	}
}

// asBefore is the version to keep of a signal that is no news. One that was
// held back stays so; on first sight it is held back where the record itself
// shows that only_if does not hold yet.
func (d *deciding) asBefore(t *typ, f *facts, s signal) string {
	held := strings.HasPrefix(s.prev.Version, heldBack)
	if s.first {
		held = t.onlyIfLocal && !t.onlyIf.holds(f)
	}
	if s.holds && held {
		return heldBack + strings.TrimPrefix(s.version, heldBack)
	}
	return s.version
}

// related are the handoffs a record carries for another, and those of who it
// is elsewhere, and in the same CRM once more.
func (d *deciding) related(rec *state.Record, carried []state.Handoff) []state.Handoff {
	var out []state.Handoff
	for _, h := range carried {
		if h.Record != rec.Ref {
			out = append(out, h)
		}
	}
	same, _ := d.v.Same(rec.Ref)
	for _, other := range slices.Concat(same.Refs, d.selves) {
		if other == rec.Ref || d.noLonger(rec, other) {
			continue
		}
		for _, h := range d.v.Handoffs(other) {
			if !slices.ContainsFunc(slices.Concat(out, carried), func(o state.Handoff) bool { return o.ID == h.ID }) {
				out = append(out, h)
			}
		}
	}
	return out
}

// copied leaves out what another record of the same person in the same CRM has
// started: what that one says is no copy of what this one says.
func (d *deciding) copied(ref connectors.Ref, related []state.Handoff) []state.Handoff {
	return slices.DeleteFunc(slices.Clone(related), func(h state.Handoff) bool {
		if h.Record == ref || h.Target == ref || h.Record.Conn != ref.Conn {
			return false
		}
		other, known := d.v.Record(h.Record)
		return known && !other.Deleted && other.MovedTo.IsZero()
	})
}

// noLonger reports whether another record of the same CRM, which was once taken for
// the same person's, is alive and says that it is not.
func (d *deciding) noLonger(rec *state.Record, other connectors.Ref) bool {
	if other.Conn != rec.Ref.Conn || rec.Noun != nounPerson {
		return false
	}
	o, known := d.v.Record(other)
	return known && !o.Deleted && o.MovedTo.IsZero() && match.SamePerson(*rec, o, nil) != match.SharedAddress
}

// movedHere are the handoffs of a type that came to a record when theirs was
// merged into it, or converted.
func movedHere(t *typ, ref connectors.Ref, carried []state.Handoff) []state.Handoff {
	var out []state.Handoff
	for _, h := range carried {
		if h.Record == ref && h.Type == t.name && len(h.Earlier) > 0 {
			out = append(out, h)
		}
	}
	return out
}

// How far apart the two CRMs may date one signal (one CRM dates it once), and how long
// an undated one on a record that a handoff has reached counts as that handoff's own.
const (
	sameInstant = time.Minute
	sameUndated = 24 * time.Hour
)

// sameSignal finds the handoff that a signal has led to already, on the record
// it was copied from.
func sameSignal(s signal, ref connectors.Ref, related []state.Handoff, now time.Time) (state.Handoff, bool) {
	for _, h := range related {
		if !s.dated {
			if (h.Record != ref || len(h.Earlier) > 0) && now.Sub(h.DetectedAt) < sameUndated {
				return h, true
			}
			continue
		}
		for _, known := range h.Signals {
			date := parts(known.Trigger)[dateTag]
			if date != "" && known.Record.Conn == ref.Conn {
				if date == parts(s.version)[dateTag] {
					return h, true
				}
				continue
			}
			if !s.at.After(known.At.Add(sameInstant)) {
				return h, true
			}
		}
	}
	return state.Handoff{}, false
}

// never reports whether the record is one that nothing starts for, and lists
// it.
func (d *deciding) never(f *facts) bool {
	for i := range d.r.never {
		n := &d.r.never[i]
		if !n.when.holds(f) || d.waits(f) {
			if d.stopped() {
				return true
			}
			continue
		}
		reason := d.why(where(n.pos), "%s: %s", n.name, n.when.say(f))
		d.because(reason)
		d.list(listNever, f.rec.Ref.String(), reason.Text)
		return true
	}
	return d.waits(f)
}

// waits stops deciding when a fact cannot be known yet.
func (d *deciding) waits(f *facts) bool {
	if f.wait != "" {
		d.c.Wait = f.wait
	}
	return d.c.Wait != ""
}

// joined adds the signal to an open handoff of the same type, if there is one.
func (d *deciding) joined(t *typ, f *facts, s signal, all []state.Handoff) bool {
	i := slices.IndexFunc(all, func(h state.Handoff) bool { return h.Type == t.name && d.takesMore(d.current(h)) })
	if i < 0 {
		return false
	}
	d.join(t, f, s, d.current(all[i]))
	return true
}

// joinFor is how long after its acceptance a handoff takes in further signals.
// A buyer who comes back later is somebody's work anew.
const joinFor = 14 * 24 * time.Hour

func (d *deciding) takesMore(h state.Handoff) bool {
	return h.Stage.Open() && (h.AcceptedAt.IsZero() || d.now.Sub(h.AcceptedAt) < joinFor)
}

// begin starts a handoff, or says what keeps it from starting.
func (d *deciding) begin(t *typ, f *facts, s signal, ev Observed) {
	g := d.r.facts(d.now, d.v, f.rec)
	g.news, g.usage, g.said = f.news, f.usage, f.said
	if t.deliver != nil {
		if t.onlyIfLocal && !t.onlyIf.holds(f) {
			d.heldBack(t, f, s, listOtherwise, d.why(where(t.onlyIfPos), "%s", t.onlyIf.say(f)))
			return // without asking the other CRM anything
		}
		g.to = t.deliver
		if d.landing(t, g); d.stopped() || d.landedOn(t, g, s) {
			return
		}
	}
	if d.meets(g) {
		return
	}
	if kept, reason := d.keptBack(t, g); kept != "" || d.waits(g) {
		d.heldBack(t, g, s, kept, reason)
		return
	}
	tier, reason := d.tier(t, g)
	if d.waits(g) {
		return
	}
	if tier == nil || tier.none {
		d.heldBack(t, g, s, listLowTier, reason)
		return
	}
	if g.account(); d.waits(g) || f.said.IsZero() && d.waitsItsTurn(t, g, s) {
		return
	}
	id, exists := d.identify(t, g, s)
	if !exists && !d.adopted(t, g, s, id, tier) {
		d.start(t, g, s, ev, id, tier, reason)
	}
	if !d.stopped() {
		d.remember(t, g, s, s.version)
	}
}

// landedOn joins the signal to the handoff of the same type that the record
// over there carries already: one person has one, whichever record asked.
func (d *deciding) landedOn(t *typ, f *facts, s signal) bool {
	if w := f.landWith; w != nil && d.joined(t, f, s, []state.Handoff{*w}) {
		if !d.stopped() {
			d.same(f.rec.Ref, w.Record, sameEmail)
			d.remember(t, f, s, s.version)
		}
		return true
	}
	if f.land == nil || !d.joined(t, f, s, d.v.Handoffs(f.land.Ref)) {
		return false
	}
	if !d.stopped() {
		d.same(f.rec.Ref, f.land.Ref, f.landBy)
		d.remember(t, f, s, s.version)
	}
	return true
}

// identify derives the handoff's name from type, record and trigger version. A
// signal without a date that went away and came back is another one.
func (d *deciding) identify(t *typ, f *facts, s signal) (id string, exists bool) {
	id = state.Digest(t.name, f.spokeFor().String(), s.version)
	h, exists := d.v.Handoff(id)
	if exists && s.again && !h.Stage.Open() {
		id = state.Digest(t.name, f.spokeFor().String(), s.version, s.prev.At.Format(time.RFC3339Nano))
		_, exists = d.v.Handoff(id)
	}
	return id, exists
}

// keptBack names the list of what keeps a signal from starting, "" for none.
func (d *deciding) keptBack(t *typ, f *facts) (list string, why state.Reason) {
	if !t.onlyIf.holds(f) {
		return listOtherwise, d.why(where(t.onlyIfPos), "%s", t.onlyIf.say(f))
	}
	return "", state.Reason{}
}

// heldBack keeps a signal that cannot start yet: any later change of the
// record looks at it again. What the type sets otherwise is set once.
func (d *deciding) heldBack(t *typ, f *facts, s signal, list string, why state.Reason) {
	version := heldBack + s.version
	if d.stopped() || version == s.prev.Version {
		return
	}
	d.remember(t, f, s, version)
	d.because(why)
	if list == listOtherwise {
		d.otherwise(t, f, s)
		list = t.listAs
	}
	if list != "" {
		d.list(list, f.rec.Ref.String(), t.name+": "+why.Text)
	}
}

// tier picks how fast, by the first row that fits.
func (d *deciding) tier(t *typ, f *facts) (*tier, state.Reason) {
	if i := d.r.imports; i.tier != nil && i.when.holds(f) {
		return i.tier, d.why(where(i.pos), "tier %s: an import, %s", i.tier.name, i.when.say(f))
	}
	for _, row := range t.tiers {
		if row.when.holds(f) {
			text := "tier " + row.tier.name
			if row.when.kind != always {
				text += ": " + row.when.say(f)
			}
			return row.tier, d.why(where(row.pos), "%s", text)
		}
	}
	return nil, d.why(where(t.pos), "no tier fits")
}

// start makes the handoff: somebody owns it, or somebody is accountable until
// somebody does.
func (d *deciding) start(t *typ, f *facts, s signal, ev Observed, id string, tier *tier, tierWhy state.Reason) {
	target := f.rec.Ref
	if t.deliver != nil {
		target = connectors.Ref{Conn: t.deliver.name}
		if f.land != nil {
			target = f.land.Ref
		}
	}
	h := handoff.Detect(handoff.New{
		ID: id, Type: t.name, Rules: d.r.digest, Giver: d.giver(t, f), Record: f.rec.Ref, Target: target,
		Signal:   state.Signal{Trigger: s.version, Record: f.rec.Ref, At: s.at, Came: d.bounded(ev.Came)},
		Observed: d.r.observes(t, f.rec.Ref), At: d.now,
	})
	if a := f.account().record; a != nil {
		h.Account = a.Ref
	}
	h.Follows = d.follows(h)
	h.Why = append([]state.Reason{d.why(where(s.spoke[0].pos), "%s", s.spokeText(f)), tierWhy}, f.account().why...)
	h = d.noCall(t, f, d.lateIntake(t, f, h, s, tier))
	if d.untouchable(t, f, h) {
		return
	}
	d.unprepared(t, h)
	d.afterPreparation(t, h)
	if h, ready := d.prepare(t, f, h, tier); ready {
		d.assign(t, f, h, tier)
	}
}

// giver is who gives: the person a giving team names, or whoever owns the deal
// or company that is handed over.
func (d *deciding) giver(t *typ, f *facts) string {
	if t.giver != nil && t.giver.accountable != "" {
		return t.giver.accountable
	}
	if t.about == nounPerson {
		return ""
	}
	return f.user(f.conn, f.rec.Fields[wordOwner])
}
