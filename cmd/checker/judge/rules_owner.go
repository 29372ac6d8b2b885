package judge

import (
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// owned is A4: somebody answers for every handoff at every moment, and the CRM
// shows whom we decided on, or somebody a person chose later.
func owned(f *Facts) (int, []Offence, string) {
	var broken []Offence
	for _, h := range f.Handoffs {
		for _, m := range f.Lives[h.ID] {
			if bad := m.unowned(); bad != "" {
				broken = append(broken, offend(h.ID, "%s: at %s %s", h.Record, clock(m.At), bad))
				break
			}
		}
		if bad := momentOf(h).unowned(); bad != "" {
			broken = append(broken, offend(h.ID, "%s: at the end %s", h.Record, bad))
		}
		if life := f.Lives[h.ID]; len(life) > 0 {
			if last := life[len(life)-1]; last.Owner != h.Owner || last.Accountable != h.Accountable {
				broken = append(broken, offend(h.ID, "%s: %s and %s answer for it, and %s and %s were decided", h.Record, h.Owner, h.Accountable, last.Owner, last.Accountable))
			}
		}
	}
	broken = append(append(broken, f.given()...), f.shown()...)
	return len(f.Handoffs), broken, f.Missing[worldFile]
}

// unowned says what is wrong with who answers for a handoff; "" nothing.
func (m Moment) unowned() string {
	switch {
	case !m.Stage.Open() || m.Stage == state.Detected:
	case m.Accountable == "":
		return "nobody is accountable while it is " + string(m.Stage)
	case m.Stage != state.Queued && m.Stage != state.Held && m.Owner == "":
		return "nobody owns it while it is " + string(m.Stage)
	}
	return ""
}

func momentOf(h state.Handoff) Moment {
	m := Moment{
		At: h.DetectedAt, Stage: h.Stage, Observed: h.Observed, Owner: h.Owner, Accountable: h.Accountable,
		AssignBy: h.AssignBy, AcceptBy: h.AcceptBy, TouchBy: h.TouchBy, Signals: len(h.Signals),
		written: !h.Written.IsZero(), breached: !h.BreachedAt.IsZero(),
	}
	for _, e := range h.Effects {
		if e.State == "done" {
			m.done++
		}
	}
	return m
}

// given looks at whom we gave records to, at every moment: they had a handoff
// about it or answered for one by then, or the record had been theirs before.
func (f *Facts) given() []Offence {
	about := map[connectors.Ref][]state.Handoff{}
	for _, h := range f.Handoffs {
		for _, ref := range f.lived(append(slices.Clone(h.Earlier), h.Record, h.Target)...) {
			about[ref] = append(about[ref], h)
		}
	}
	var broken []Offence
	for ref, o := range f.Objects {
		for field, moves := range byField(o.Owners) {
			for i, m := range moves {
				who := f.Users[ref.Conn][m.To].Email
				names := func(x Moment) bool {
					return (x.Owner == who || x.Accountable == who) && !x.At.After(m.At.Add(callSlack))
				}
				decided := func(h state.Handoff) bool {
					return text(h.Before[field]) == m.To || slices.ContainsFunc(f.Lives[h.ID], names)
				}
				had := func(p Move) bool { return p.From == m.To || p.To == m.To }
				named := slices.ContainsFunc(f.Lives[m.Handoff], names) // it may have been merged, or be gone before it was known
				if !m.Ours || m.To == "" || named || slices.ContainsFunc(about[ref], decided) || slices.ContainsFunc(moves[:i], had) {
					continue
				}
				broken = append(broken, offend(ref.String(), "we wrote %s as its %s at %s, and no handoff of that moment says so", orNobody(who, m.To), field, clock(m.At)))
			}
		}
	}
	return broken
}

// shown compares the owners in the CRMs at the end with those decided.
func (f *Facts) shown() []Offence {
	if !f.Run.Quiesced {
		return nil
	}
	last := map[connectors.Ref]state.Handoff{} // the one that wrote an owner last
	for _, h := range f.Handoffs {
		if h.Observed || h.Written.IsZero() || h.Target.ID == "" || !ownsRecord(h) {
			continue
		}
		if old, ok := last[h.Target]; !ok || h.Written.After(old.Written) {
			last[h.Target] = h
		}
	}
	var broken []Offence
	for ref, h := range last {
		o := f.Objects[ref]
		if o == nil || !o.Seen || !o.Live {
			continue
		}
		who := f.Users[ref.Conn][o.Owner].Email
		want := h.Owner
		switch {
		case h.Stage == state.Superseded:
			want = h.Accountable
		case !h.Stage.Open() && h.Stage != state.Completed:
			continue // it is nobody's business any more
		}
		if who == want || f.othersMoved(o, h) || f.mergedAway(o, h) || f.takenFromPerson(ref, h) || f.passedOn(o, h) || h.Stake != nil && refusedBack(h, h.Stake.Ceded) || leftReversed(h, o.Owner) {
			continue
		}
		broken = append(broken, offend(ref.String(), "the CRM says that %s owns it, and handoff %s (%s) says %s", orNobody(who, o.Owner), h.ID, h.Stage, orNobody(want, "")))
	}
	return broken
}

// passedOn reports whether a person has given the record to somebody after its
// handoff was over: that is theirs to do.
func (f *Facts) passedOn(o *Object, h state.Handoff) bool {
	if h.Stage.Open() || len(o.Owners) == 0 {
		return false
	}
	m := o.Owners[len(o.Owners)-1]
	return m.person() && !m.At.Before(f.over(h))
}

// over is when a handoff came to its end. One that was completed by being
// touched did so when the buyer heard of us, whenever that was read.
func (f *Facts) over(h state.Handoff) time.Time {
	touched := func(m Moment) bool { return m.Stage == state.Touched }
	if h.Stage != state.Completed || h.TouchedAt.IsZero() || slices.ContainsFunc(f.Lives[h.ID], touched) {
		return h.ClosedAt
	}
	if h.AcceptedAt.After(h.TouchedAt) {
		return h.AcceptedAt
	}
	return h.TouchedAt
}

// othersMoved reports whether neither we nor a person had the last word: what
// automation and other programs do is not told apart here.
func (f *Facts) othersMoved(o *Object, h state.Handoff) bool {
	if len(o.Owners) == 0 {
		return false
	}
	m := o.Owners[len(o.Owners)-1]
	return !m.Ours && !m.person() && m.At.After(h.Written.Add(-together))
}

// mergedAway reports whether a merge has put the word of another handoff over that of one
// that is over, and what that one had yet to say was the last: a return hands its record back.
func (f *Facts) mergedAway(o *Object, h state.Handoff) bool {
	if h.Stage.Open() || len(o.Owners) == 0 {
		return false
	}
	m := o.Owners[len(o.Owners)-1]
	merged := slices.ContainsFunc(o.Owners, func(p Move) bool { return p.Merged && p.Handoff == m.Handoff })
	return m.Ours && merged && m.Handoff != h.ID && len(f.Lives[m.Handoff]) > 0
}

// takenFromPerson reports whether a program has the last word over the person to whom
// another person had given the record of a handoff, as was decided: it is not written
// again after a person (design 1.5 iii), however late our write before that was known to stand.
func (f *Facts) takenFromPerson(ref connectors.Ref, h state.Handoff) bool {
	if h.Stage != state.Superseded {
		return false
	}
	moves := f.Objects[ref].Owners
	n := len(moves) - 1
	for n >= 0 && !moves[n].Ours && !moves[n].person() && moves[n].Field == moves[len(moves)-1].Field {
		n--
	}
	if n < 0 || n == len(moves)-1 || !moves[n].person() || moves[n].Field != moves[n+1].Field {
		return false
	}
	given := f.Users[ref.Conn][moves[n].To].Email
	return given != "" && given == h.Accountable && slices.ContainsFunc(moves[:n], func(m Move) bool { return m.Ours && m.Field == moves[n].Field })
}

// ownsRecord reports whether a handoff wrote who owns its record.
func ownsRecord(h state.Handoff) bool {
	if e, ok := h.Effects[stepCreate]; ok && e.State == "done" && e.Ref == h.Target {
		return true
	}
	e, ok := h.Effects[stepAssign]
	return ok && e.State == "done" && receiverOf(h) != ""
}

// receiverOf is the field that a handoff's receiver was written to: of what it
// remembers from before, the one that is named by the CRM's word alone.
func receiverOf(h state.Handoff) string {
	for name := range h.Before {
		if !slices.Contains([]byte(name), ' ') {
			return name
		}
	}
	return ""
}

func orNobody(who, id string) string {
	switch {
	case who != "":
		return who
	case id != "":
		return "user " + id
	}
	return "nobody"
}

// The windows in which a person wins: a person's change from this long before our
// write left is never overwritten; a younger one is put back within a minute
// where webhooks come. The slack is the call's own time.
const (
	ownerWindow = 5 * time.Second
	callSlack   = time.Second
	putBackIn   = time.Minute
)

// yielded is A10.
func yielded(f *Facts) (int, []Offence, string) {
	if f.Missing[changesFile] != "" {
		return 0, nil, f.Missing[changesFile]
	}
	byTarget := map[connectors.Ref][]state.Handoff{}
	about := map[connectors.Ref][]state.Handoff{}
	for _, h := range f.Handoffs {
		about[h.Record] = append(about[h.Record], h)
		if h.Target != h.Record {
			about[h.Target] = append(about[h.Target], h)
		}
		for _, ref := range f.lived(append(slices.Clone(h.Earlier), h.Target)...) { // it may have been given away before it was merged
			byTarget[ref] = append(byTarget[ref], h)
		}
	}
	looked := 0
	var broken []Offence
	for ref, o := range f.Objects {
		for _, moves := range byField(o.Owners) {
			w := watch{f: f, ref: ref, moves: moves, handoffs: byTarget[ref]}
			for i, m := range moves {
				if m.Ours || m.person() {
					looked++
				}
				if m.Ours {
					broken = append(broken, w.judge(i)...)
				}
			}
		}
		said, unheard := f.unheard(ref, o, about[ref])
		looked, broken = looked+said, append(broken, unheard...)
	}
	return looked, broken, ""
}

// lived are records and what they were merged into, each once.
func (f *Facts) lived(refs ...connectors.Ref) []connectors.Ref {
	var all []connectors.Ref
	for _, ref := range refs {
		for ok := true; ok && !slices.Contains(all, ref); ref, ok = f.Heirs[ref] {
			all = append(all, ref)
		}
	}
	return all
}

// byField are the moves of each owner that a record has: an account manager's
// say nothing of its owner's.
func byField(moves []Move) map[string][]Move {
	out := map[string][]Move{}
	for _, m := range moves {
		out[m.Field] = append(out[m.Field], m)
	}
	return out
}

// unheard looks at who has given a handoff back on a record, and over whose word we wrote
// ours more than the window later: it has to have come back by then.
func (f *Facts) unheard(ref connectors.Ref, o *Object, handoffs []state.Handoff) (looked int, broken []Offence) {
	for i, m := range o.Says {
		if i == 0 || !m.Ours {
			continue
		}
		p := o.Says[i-1]
		if !p.person() || !strings.EqualFold(p.To, string(state.Returned)) || m.To == p.To || m.At.Sub(p.At) <= ownerWindow+callSlack {
			continue
		}
		looked++
		for _, h := range handoffs {
			if h.Undone == nil && f.couldReturn(h, p.At) && !f.ended(h, p.At, m.At) {
				broken = append(broken, offend(ref.String(), "%s gave handoff %s back at %s, and we wrote %q over it %s later without having heard",
					p.Actor, h.ID, clock(p.At), m.To, m.At.Sub(p.At).Round(time.Millisecond)))
			}
		}
	}
	return looked, broken
}

// couldReturn reports whether somebody had a handoff at an instant.
func (f *Facts) couldReturn(h state.Handoff, at time.Time) bool {
	var last Moment
	for _, m := range f.Lives[h.ID] {
		if m.At.After(at) {
			break
		}
		last = m
	}
	return last.written && !last.Observed && (last.Stage == state.Assigned || last.Stage == state.Accepted || last.Stage == state.Touched)
}

// ended reports whether a handoff came back or was somebody else's after an instant, and
// before another.
func (f *Facts) ended(h state.Handoff, after, before time.Time) bool {
	return slices.ContainsFunc(f.Lives[h.ID], func(m Moment) bool {
		over := m.Stage == state.Returned || m.Stage == state.Superseded || m.Stage == state.Cancelled
		return over && !m.At.Before(after) && !m.At.After(before.Add(callSlack))
	})
}

// watch is who owned one record when, by one of its fields.
type watch struct {
	f        *Facts
	ref      connectors.Ref
	moves    []Move
	handoffs []state.Handoff
}

// judge looks at one move of ours: whom did it take the record from?
func (w watch) judge(i int) []Offence {
	m := w.moves[i]
	if i == 0 {
		return nil
	}
	p := w.moves[i-1]
	if !p.person() || p.To == "" || p.To == m.To || p.Merged && w.gave(p) {
		return nil
	}
	h, ok := w.writer(m)
	if !ok {
		return []Offence{offend(w.ref.String(), "we gave it to user %s at %s, and no handoff of that moment says so", m.To, clock(m.At))}
	}
	age := m.At.Sub(p.At)
	switch {
	case !w.putsBack(i) && !h.Written.IsZero() && h.AssignedAt.Before(p.At) && h.Written.Before(p.At):
		return []Offence{offend(w.ref.String(), "%s gave it to user %s at %s, after handoff %s had written its owner, and we took it at %s",
			p.Actor, p.To, clock(p.At), h.ID, clock(m.At))}
	case w.knew(h, p, m):
		return nil
	case age > ownerWindow+callSlack:
		return []Offence{offend(w.ref.String(), "%s gave it to user %s at %s and handoff %s took it %s later without knowing",
			p.Actor, p.To, clock(p.At), h.ID, age.Round(time.Millisecond))}
	}
	return w.restored(i, p)
}

// gave reports whether a merge shows as owner whom one of the handoffs had given one of
// its records to: the merge has given it to nobody.
func (w watch) gave(p Move) bool {
	return slices.ContainsFunc(w.handoffs, func(h state.Handoff) bool { return w.f.Users[w.ref.Conn][p.To].Email == h.Owner })
}

// refusedBack reports whether the CRM has refused to give a record back to somebody,
// because they could own nothing by then.
func refusedBack(h state.Handoff, to string) bool {
	return h.Stake != nil && h.Stake.Ceded == to && cannotOwn(h.Effects["restore"])
}

// leftReversed reports whether a program has given the record of a handoff that is
// over to somebody, and the CRM has refused to take the receiver back, because they
// could own nothing by then.
func leftReversed(h state.Handoff, to string) bool {
	return !h.Stage.Open() && h.Stake != nil && h.Stake.Ceded == to && cannotOwn(h.Effects["rewrite"])
}

func cannotOwn(e state.Effect) bool {
	return e.State == "refused" && slices.ContainsFunc([]string{"INVALID_OWNER_ID", "INACTIVE_OWNER_OR_USER"}, func(code string) bool { return strings.Contains(e.Error, code) })
}

// putsBack reports whether a move gives back what we took from a person. It may
// come over what another does meanwhile as any write may, and no later.
func (w watch) putsBack(i int) bool {
	for j := i - 1; j > 0; j-- {
		if w.moves[j].Ours && w.moves[j-1].person() && w.moves[j-1].To == w.moves[i].To {
			return true
		}
	}
	return false
}

// writer is the handoff that made a move.
func (w watch) writer(m Move) (state.Handoff, bool) {
	var best state.Handoff
	found := false
	for _, h := range w.handoffs {
		if h.AssignedAt.IsZero() || h.AssignedAt.After(m.At.Add(callSlack)) {
			continue
		}
		if !found || h.AssignedAt.After(best.AssignedAt) {
			best, found = h, true
		}
	}
	return best, found
}

// knew reports whether it was decided knowing what the person had done.
func (w watch) knew(h state.Handoff, p, m Move) bool {
	if before, ok := h.Before[m.Field]; ok && text(before) == p.To && p.At.Before(h.AssignedAt.Add(callSlack)) {
		return true
	}
	return slices.ContainsFunc(w.f.Expected[w.ref], func(e Expect) bool {
		return e.Owner == p.To && !e.At.Before(p.At.Add(-together)) && !e.At.After(m.At.Add(callSlack))
	})
}

// restored looks for the person's owner after a flip that nobody could help.
func (w watch) restored(i int, p Move) []Offence {
	m := w.moves[i]
	within := putBackIn
	if w.f.Run.WebhookLoss > 0 {
		within = max(within, w.f.Run.lag())
	}
	for _, later := range w.moves[i+1:] {
		if later.At.After(m.At.Add(within)) {
			break
		}
		if !later.Ours || later.To == p.To {
			return nil // put back, or somebody else's doing by now
		}
	}
	if w.f.Run.Ended.Before(m.At.Add(within)) || slices.ContainsFunc(w.handoffs, func(h state.Handoff) bool { return refusedBack(h, p.To) }) {
		return nil
	}
	return []Offence{offend(w.ref.String(), "%s gave it to user %s at %s, we took it %s later and did not put it back",
		p.Actor, p.To, clock(p.At), m.At.Sub(p.At).Round(time.Millisecond))}
}
