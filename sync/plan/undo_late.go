package plan

import (
	"maps"
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// A handoff may be taken back while a write of it is on its way. What has come
// through by then shows on the record, though no answer has said so; what comes
// through later is put back when its answer does.

// unanswered is what a record held before us, with those writes of a handoff that
// nobody has answered and that stand there.
func (d *deciding) unanswered(u *undoing, h state.Handoff, ref connectors.Ref, b state.Before, known bool) (state.Before, bool) {
	now, read := u.found[ref]
	for _, step := range slices.Sorted(maps.Keys(h.Effects)) {
		e := h.Effects[step]
		if e.Ref != ref || e.State != sent || !read {
			continue
		}
		if i, waits := d.v.Intent(e.Key); waits && i.Keeps() && showsWrite(now, i.Write) {
			b, known = b.Wrote(i, ref, nil, d.now), true
		}
	}
	return b, known
}

// showsWrite reports whether a record shows everything that a write sets and that
// can be compared.
func showsWrite(now connectors.Object, w connectors.Write) bool {
	some := false
	for name, v := range w.Set {
		if !compared(name) {
			continue
		}
		if some = true; !sameValue(v, now.Fields[name]) {
			return false
		}
	}
	return some
}

// isBack reports whether a restore that came upon a change came upon itself: what it was
// to put back stands there, by an attempt whose answer was lost.
func (d *deciding) isBack(ev Delivered) bool {
	w := ev.Intent.Write
	rec, known := d.v.Record(w.Ref)
	return ev.Class == connectors.Conflict.String() && known && rec.Version > w.IfVersion && d.showsBack(rec, w)
}

// showsBack reports whether a record shows what a restore puts there.
func (d *deciding) showsBack(rec state.Record, w connectors.Write) bool {
	c := d.r.byConn[w.Ref.Conn]
	if c == nil {
		return false
	}
	now := connectors.Object{Fields: map[string]any{}}
	for name := range w.Set {
		if isOwn(name) {
			now.Fields[name] = rec.Fields[name]
		} else if v, told := c.raw(rec, name); told {
			now.Fields[name] = v
		} else if compared(name) {
			return false
		}
	}
	return showsWrite(now, w)
}

// undoneLate puts a record back on which a write has come through after its
// handoff was taken back. What was there before other handoffs that were taken
// back with it comes first.
func (d *deciding) undoneLate(h state.Handoff, ev Delivered) state.Handoff {
	b := d.before(ev.Ref)
	n, ok := layerOf(b, h.ID)
	if h.Undone == nil || !h.Undone.Restored || isUndo(ev.Intent.Step) || !ev.Intent.Keeps() || !ok {
		return h
	}
	if slices.ContainsFunc(d.c.Intents, func(i state.Intent) bool { return i.Handoff != h.ID && i.Step == stepAssign && i.Write.Ref == ev.Ref }) {
		return h // it is another one's now
	}
	un := *h.Undone
	un.Records, un.Stays = slices.Clone(un.Records), slices.Clone(un.Stays)
	set, expect := goesBack(b, n, &un), map[string]any{}
	for _, below := range slices.Backward(b.Layers[:n]) {
		if !d.isUndone(below.Handoff) {
			break
		}
		for name := range set {
			if was, found := below.Found[name]; found {
				set[name] = was
			}
		}
	}
	for name := range set {
		if compared(name) {
			expect[name] = blankNil(text0(b.Last[name]))
		}
	}
	d.listStays(h, un.Stays[len(h.Undone.Stays):])
	h.Undone = &un
	d.because(d.why("", "%s was written by a write that was on its way when %s was taken back: put back", ev.Ref, h.ID))
	d.audit("put back", h.ID, map[string]string{"record": ev.Ref.String()})
	step := undoStep(h, ev.Ref)
	if e := h.Effects[step]; e.State == sent {
		d.drop(e.Key)
	}
	w := connectors.Write{Ref: ev.Ref, Set: set, IfVersion: ev.Version, Key: key(h, step, "restore after "+ev.Intent.Write.Key)}
	return d.intendSeen(h, step, w, seen{expect: expect, over: ev.Stamp, atRisk: true})
}
