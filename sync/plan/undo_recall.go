package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// Recall fills an [Undo] with what the state remembers, in place of what the
// CRMs hold now: to be shown, and never to be carried out. What somebody has
// changed there since the last reading is not seen, and of a field that was
// seen to change, not who did it.
func (r *Rules) Recall(v View, ev Undo) Undo {
	ev.Alone = true
	for _, id := range ev.Handoffs {
		h, ok := v.Handoff(id)
		if !ok {
			continue
		}
		for _, ref := range written(h) {
			r.recallRecord(v, &ev, ref)
		}
		for _, step := range slices.Sorted(maps.Keys(h.Effects)) {
			if e := h.Effects[step]; e.Ref.Kind == connectors.Task && e.State == handoff.Done && e.Ref.ID != "" && !ev.has(e.Ref) {
				ev.Found = append(ev.Found, connectors.Object{Ref: e.Ref, Fields: map[string]any{connectors.TaskStatus: recalledStatus(h, e.Ref)}})
			}
		}
	}
	return ev
}

func (ev *Undo) has(ref connectors.Ref) bool {
	return slices.ContainsFunc(ev.Found, func(o connectors.Object) bool { return o.Ref == ref })
}

// recallRecord is a record as it was last read; of what cannot be told from
// that, as we have left it.
func (r *Rules) recallRecord(v View, ev *Undo, ref connectors.Ref) {
	if ev.has(ref) {
		return
	}
	rec, read := v.Record(ref)
	b, _ := v.Before(ref)
	o := connectors.Object{
		Ref: ref, Version: rec.Version, ModifiedAt: rec.ModifiedAt, Deleted: rec.Deleted, MovedTo: rec.MovedTo, Fields: map[string]any{},
	}
	c := r.byConn[ref.Conn]
	told := c != nil && read && !staler(v, *ev, rec)
	for name, last := range b.Last {
		o.Fields[name] = last
		if seen, ok := any(nil), false; told {
			if seen, ok = c.raw(rec, name); ok {
				o.Fields[name] = seen
			}
		}
	}
	ev.Found = append(ev.Found, o)
	if told {
		ev.Recalled = append(ev.Recalled, rec)
	}
}

// staler reports whether a record was read before our last write of it.
func staler(v View, ev Undo, rec state.Record) bool {
	return slices.ContainsFunc(ev.Handoffs, func(id string) bool {
		h, ok := v.Handoff(id)
		return ok && age(&rec, h) < 0
	})
}

// recalledStatus is a task of ours as far as its handoff tells: several of its steps
// may have written it.
func recalledStatus(h state.Handoff, task connectors.Ref) string {
	for step, e := range h.Effects {
		ended := step == stepTask && (!workOf(h).Ticked.IsZero() || h.Effects[stepTaskDone].Key != "")
		if e.Ref == task && (ended || weClosed(h, step)) {
			return actDone
		}
	}
	return "open"
}

// recalledFields are changes to mapped fields that we do not write, seen since
// the assignment. Whether a person made them, nobody has been asked. saw is the
// index of the record in Undo.Saw.
func (d *deciding) recalledFields(u *undoing, saw int, b state.Before) []state.Touch {
	now := slices.IndexFunc(u.ev.Recalled, func(r state.Record) bool { return r.Ref == b.Ref })
	if saw < 0 || now < 0 {
		return nil
	}
	var out []state.Touch
	rec := u.ev.Recalled[now]
	for _, name := range d.differ(b, u.ev.Saw[saw], rec) {
		out = append(out, state.Touch{Ref: b.Ref, What: name + " was changed, and by whom is not known here", At: rec.ModifiedAt})
	}
	return out
}

// SeenThen are those of some records that a stored decision looked at, as they were then:
// the one it was about as it came, the others as they were known, or found by asking.
// version finds a record by its hash.
func SeenThen(d state.Decision, refs []connectors.Ref, version func(hash string) (state.Record, bool, error)) ([]state.Record, error) {
	ev, err := DecodeEvent(d.Event)
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", d.ID, err)
	}
	var s Snapshot
	if err := json.Unmarshal(d.Saw, &s); err != nil {
		return nil, fmt.Errorf("look at %s: %w", d.ID, err)
	}
	answered := slices.Concat(slices.Collect(maps.Values(s.Answers))...)
	slices.Sort(answered)
	var out []state.Record
	for _, ref := range refs {
		if seen, ok := ev.(Observed); ok && seen.Record.Ref == ref {
			out = append(out, seen.Record)
			continue
		}
		for _, hash := range append([]string{s.Records[ref.String()]}, answered...) {
			if hash == "" {
				continue
			}
			rec, ok, err := version(hash)
			if err != nil {
				return nil, fmt.Errorf("look at %s: %w", d.ID, err)
			}
			if ok && rec.Ref == ref {
				out = append(out, rec)
				break
			}
		}
	}
	return out, nil
}
