package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// Undo is an operator's order to take handoffs back (G13): everything they
// wrote becomes what it was, and their tasks are closed, where nobody has
// touched the record since. The handoffs of one Undo stand on the same records,
// and are taken back from the newest to the oldest.
//
//	somebody accepted, worked on, returned or took over the handoff   touched: left as it is
//	its owner or handoff_status is not what we wrote last             touched
//	another field we wrote is not                                     touched
//	a later handoff that stays has written there                      touched
//	a person changed another mapped field since                       touched
//	the record is gone                                                left as it is
//	anything else                                                     put back
//
// Like every write of ours a restore is read again before it leaves, and does
// not leave where a person came first.
type Undo struct {
	Handoffs []string `json:"handoffs"`
	// Found are the records and tasks as read just now: the fields of
	// [Rules.UndoFields], in the CRM's form.
	Found []connectors.Object `json:"found,omitempty"`
	// Saw are the records as they were read when the handoffs were decided.
	Saw []state.Record `json:"saw,omitempty"`
	// Self is what each CRM calls us, where another record tells: it stands as
	// our own write left it.
	Self map[string]string `json:"self,omitempty"`
	// Recalled are the records that the state knows to be newer than what we
	// wrote, where Found is no more than it remembers: see [Rules.Recall].
	Recalled []state.Record `json:"recalled,omitempty"`
	Alone    bool           `json:"alone,omitempty"` // nobody has asked the CRMs
	Read     time.Time      `json:"read"`
	By       string         `json:"by"`
}

const (
	stepUndo = "undo" // what stood there before us; "undo source", "undo task 1" beside it
	listUndo = "undo"
)

// UndoFields are the fields to read of a record or task, so that an [Undo] sees
// whether somebody has touched it: what we write and people change as well, and
// every mapped field beside.
func (r *Rules) UndoFields(conn string, kind connectors.Kind, b state.Before) []string {
	if kind == connectors.Task {
		return []string{connectors.TaskStatus, connectors.TaskOwner}
	}
	fields := r.Fields(conn, kind)
	for name := range b.Last {
		if !isOwn(name) {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// undoing is one Undo: what is found in the CRM, and what is decided of each
// handoff.
type undoing struct {
	ev     Undo
	found  map[connectors.Ref]connectors.Object
	before map[connectors.Ref]state.Before
	back   map[string]bool // handoffs that are put back
	set    map[connectors.Ref]map[string]any
	by     map[connectors.Ref]state.Handoff // which handoff the write belongs to
}

func (d *deciding) undo(ev Undo) {
	u := &undoing{
		ev: ev, found: map[connectors.Ref]connectors.Object{}, before: map[connectors.Ref]state.Before{},
		back: map[string]bool{}, set: map[connectors.Ref]map[string]any{}, by: map[connectors.Ref]state.Handoff{},
	}
	for _, o := range ev.Found {
		u.found[o.Ref] = o
	}
	var hs []state.Handoff
	for _, id := range ev.Handoffs {
		if h, ok := d.v.Handoff(id); ok && (h.Undone == nil || !h.Undone.Restored) && !h.Observed {
			hs = append(hs, h)
		}
	}
	slices.SortStableFunc(hs, func(a, b state.Handoff) int { return b.DetectedAt.Compare(a.DetectedAt) })
	for _, h := range hs {
		d.undoOne(u, h)
		if d.stopped() {
			return
		}
	}
	d.putBack(u)
}

// undoOne decides about one handoff.
func (d *deciding) undoOne(u *undoing, h state.Handoff) {
	un := state.Undone{At: d.now, By: u.ev.By, Left: h.Undone != nil && h.Undone.Left}
	un.Touches = append(un.Touches, d.givenBy(h, workedOn(h))...)
	for _, ref := range written(h) {
		b, ok := d.v.Before(ref)
		if b, ok = d.unanswered(u, h, ref, b, ok); !ok {
			if e := effectOn(h, ref); e {
				un.Touches = append(un.Touches, state.Touch{Ref: ref, What: "what it held before was not kept"})
			}
			continue
		}
		u.before[ref] = b
		un.Touches = append(un.Touches, d.touches(u, h, b)...)
		if d.stopped() {
			return
		}
	}
	tasks, touched := openTasks(u, h)
	if un.Touches = append(un.Touches, touched...); len(un.Touches) > 0 {
		d.leaveTouched(h, un)
		return
	}
	d.takeBack(u, h, un, tasks)
}

// leaveTouched lists a handoff that is left as it is.
func (d *deciding) leaveTouched(h state.Handoff, un state.Undone) {
	what := saidOf(un.Touches)
	h.Undone = &un
	d.because(d.why("", "%s is left as it is: %s", h.ID, what))
	d.list(listUndo, h.ID, h.Type+" on "+h.Record.String()+" was touched since and is left as it is: "+what)
	d.audit("not undone", h.ID, map[string]string{"by": un.By, "because": what})
	d.put(h)
}

// takeBack ends a handoff and notes what its records go back to.
func (d *deciding) takeBack(u *undoing, h state.Handoff, un state.Undone, tasks []connectors.Ref) {
	h = d.withdraw(h)
	d.quiet(h)
	if !un.Left {
		d.credit(h) // the order before has given their turn back
	}
	if done, err := handoff.Cancel(h, "undone by "+un.By, d.now); err == nil {
		h = done
	}
	un.Restored, un.Left, un.Tasks = true, false, len(tasks)
	u.back[h.ID] = true
	for _, ref := range written(h) {
		n, ok := layerOf(u.before[ref], h.ID)
		if !ok {
			continue
		}
		if u.set[ref] == nil {
			u.set[ref], u.by[ref] = map[string]any{}, h
		}
		maps.Copy(u.set[ref], goesBack(u.before[ref], n, &un)) // of several handoffs, the oldest has the last word
	}
	for i, ref := range tasks {
		step := fmt.Sprintf("%s task %d", stepUndo, i+1)
		h = d.intend(h, step, connectors.Write{Ref: ref, Set: map[string]any{connectors.TaskStatus: "done"}, Key: key(h, step, "close "+ref.String())})
	}
	d.listStays(h, un.Stays)
	h.Undone = &un
	d.because(d.why("", "%s is taken back", h.ID))
	d.audit("undone", h.ID, map[string]string{"by": un.By, "owner": h.Owner, "type": h.Type})
	d.put(h)
}

// goesBack is what a record held before a handoff wrote it, as far as that can be
// put back; the rest is noted.
func goesBack(b state.Before, layer int, un *state.Undone) map[string]any {
	set := map[string]any{}
	stays := func(what string) {
		if !slices.Contains(un.Stays, what) {
			un.Stays = append(un.Stays, what)
		}
	}
	for name, was := range b.Layers[layer].Found {
		if !b.Made || isOwn(name) { // the rest was never anything else
			set[name] = was
		}
	}
	for _, name := range b.Layers[layer].Unseen {
		stays(fmt.Sprintf("%s of %s: what it held before was not seen", name, b.Ref))
	}
	if b.Made {
		stays(b.Ref.String() + ": handoffd made it, and deletes nothing")
	}
	if !slices.Contains(un.Records, b.Ref) {
		un.Records = append(un.Records, b.Ref)
	}
	return set
}

func (d *deciding) listStays(h state.Handoff, stays []string) {
	for _, what := range stays {
		d.list(listUndo, h.ID, h.Type+": it cannot be put back: "+what)
	}
}

// putBack plans one write a record: what it held before the oldest handoff that
// is taken back, under the condition that it holds what we have just read.
func (d *deciding) putBack(u *undoing) {
	refs := slices.SortedFunc(maps.Keys(u.set), func(a, b connectors.Ref) int { return strings.Compare(a.String(), b.String()) })
	for _, ref := range refs {
		now, set := u.found[ref], u.set[ref]
		expect := map[string]any{}
		for name, was := range set {
			if !compared(name) {
				continue
			}
			expect[name] = blankNil(text0(now.Fields[name]))
			if sameValue(was, now.Fields[name]) {
				delete(set, name)
			}
		}
		if len(set) == 0 {
			continue
		}
		h := d.current(u.by[ref])
		step := undoStep(h, ref)
		w := connectors.Write{Ref: ref, Set: set, IfVersion: now.Version, Key: key(h, step, "restore "+ref.String()+" "+now.Version)}
		d.put(d.intendSeen(h, step, w, seen{expect: expect, read: u.ev.Read, over: now.ModifiedAt, atRisk: true}))
	}
}

// undoStep names the write that puts a record back.
func undoStep(h state.Handoff, ref connectors.Ref) string {
	if ref != h.Target {
		return stepUndo + " source"
	}
	return stepUndo
}

// isUndo reports whether a step takes a handoff back.
func isUndo(step string) bool { return step == stepUndo || strings.HasPrefix(step, stepUndo+" ") }

// undoRefused is a restore that a person came before, or that the CRM will not
// take: it is listed, and not tried again until somebody orders it.
func (d *deciding) undoRefused(h state.Handoff, ev Delivered) {
	ref := ev.Intent.Write.Ref
	touch := state.Touch{Ref: ref, What: "the CRM refuses it: " + ev.Err, At: d.now}
	if ev.Class == connectors.Conflict.String() {
		touch.What = "somebody changed it before it could be put back"
		if rec, known := d.v.Record(ref); known && rec.Version > ev.Intent.Write.IfVersion {
			touch = d.lastHand(rec, touch.What)
		}
	}
	d.put(h)
	if h.Undone != nil {
		d.leftBehind(h, []connectors.Ref{ref}, []state.Touch{touch})
	}
}
