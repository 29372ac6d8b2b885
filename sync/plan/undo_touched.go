package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// workedOn is what people have done with a handoff.
func workedOn(h state.Handoff) []state.Touch {
	var out []state.Touch
	add := func(what, who string, at time.Time) {
		out = append(out, state.Touch{Ref: h.Target, What: what, Who: who, At: at})
	}
	switch h.Stage {
	case state.Accepted, state.Touched, state.Completed:
		add(string(h.Stage), h.AcceptedBy, h.AcceptedAt)
	case state.Returned:
		who, at := "", h.ClosedAt
		if h.Returned != nil {
			who, at = h.Returned.By, h.Returned.At
		}
		add("returned", who, at)
	case state.Superseded:
		add(h.Note, "", h.ClosedAt) // who it was is asked: see [deciding.givenBy]
	case state.Detected, state.Held, state.Queued, state.Assigned, state.Reassigned, state.Stalled, state.Cancelled, state.Refused:
		// nobody has done anything with it yet, or ever
	}
	if w := h.Work; w != nil && !w.First.IsZero() && len(out) == 0 {
		add(strings.TrimSuffix("worked on: "+w.Type, ": "), w.By, w.First)
	}
	return out
}

// givenBy names who gave the record of a handoff to somebody else, or took it, as the
// history of its owner tells: whoever has it now may have done nothing. After a merge
// that is the survivor's, which says nothing of who was before us.
func (d *deciding) givenBy(h state.Handoff, did []state.Touch) []state.Touch {
	if h.Stage != state.Superseded || h.Stake == nil || len(did) == 0 {
		return did
	}
	tr, asked := d.pastOf(h.Target, h.Stake.Field, h)
	if asked && len(tr.Values) > 0 && !tr.Values[0].At.Before(h.AssignedAt) && byHand(tr.Values[0].Actor) {
		did[0].Who, did[0].At = d.handName(h.Target.Conn, tr.Values[0]), tr.Values[0].At
	}
	return did
}

// written are the records a handoff may have written.
func written(h state.Handoff) []connectors.Ref {
	refs := []connectors.Ref{h.Target, h.Record}
	for _, step := range slices.Sorted(maps.Keys(h.Effects)) {
		if strings.HasPrefix(step, stepTwin+" ") {
			refs = append(refs, h.Effects[step].Ref)
		}
	}
	var out []connectors.Ref
	for _, ref := range refs {
		if ref.ID != "" && !slices.Contains(out, ref) {
			out = append(out, ref)
		}
	}
	return out
}

// effectOn reports whether a handoff has written a record.
func effectOn(h state.Handoff, ref connectors.Ref) bool {
	for _, e := range h.Effects {
		if e.Ref == ref && e.State == handoff.Done {
			return true
		}
	}
	return false
}

// layerOf is what a handoff found on a record.
func layerOf(b state.Before, id string) (int, bool) {
	i := slices.IndexFunc(b.Layers, func(l state.Layer) bool { return l.Handoff == id })
	return i, i >= 0
}

// touches is what has been done to a record since we wrote it for a handoff.
func (d *deciding) touches(u *undoing, h state.Handoff, b state.Before) []state.Touch {
	n, ok := layerOf(b, h.ID)
	if !ok {
		return nil
	}
	now, ok := u.found[b.Ref]
	if !ok || now.Deleted || !now.MovedTo.IsZero() {
		return []state.Touch{{Ref: b.Ref, What: "the record is gone", At: now.ModifiedAt}}
	}
	var out []state.Touch
	for _, later := range b.Layers[n+1:] {
		if later.Handoff != "" && !u.back[later.Handoff] && !d.isUndone(later.Handoff) && overlap(b.Layers[n], later) {
			out = append(out, state.Touch{Ref: b.Ref, What: "handoff " + later.Handoff + " has written it since, and stays", At: later.At})
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, name := range slices.Sorted(maps.Keys(b.Layers[n].Found)) {
		if last := b.Last[name]; compared(name) && !sameValue(last, now.Fields[name]) {
			out = append(out, d.touchOf(b.Ref, name, h, fmt.Sprintf("%s is %s, we had written %s", name, said(now.Fields[name]), said(last))))
		}
	}
	out = append(out, d.wordsSince(b, n, now)...)
	if len(out) == 0 {
		out = d.otherFields(u, h, b, now)
	}
	return out
}

// wordsSince are the fields that people fill in as well, where somebody has
// written over what we had.
func (d *deciding) wordsSince(b state.Before, layer int, now connectors.Object) []state.Touch {
	c := d.r.byConn[b.Ref.Conn]
	if c == nil {
		return nil
	}
	var out []state.Touch
	rec, _ := d.r.Normalize(now)
	for _, name := range state.BothWrite() {
		_, wrote := b.Layers[layer].Found[name]
		if v := c.put(rec, name); wrote && v != "" && !b.IsOurs(name, v) {
			out = append(out, state.Touch{Ref: b.Ref, What: fmt.Sprintf("%s is %q, and is not what we had written", name, cut(v, 80)), At: now.ModifiedAt})
		}
	}
	return out
}

func (d *deciding) isUndone(id string) bool {
	h, ok := d.v.Handoff(id)
	return ok && h.Undone != nil && h.Undone.Restored
}

func overlap(a, b state.Layer) bool {
	for name := range b.Found {
		if _, both := a.Found[name]; both {
			return true
		}
	}
	return false
}

// compared are the fields that say whether somebody has touched what we wrote.
// The others of handoffd's own nobody else writes, and a CRM may keep them cut.
func compared(name string) bool { return !isOwn(name) || name == ownID || name == ownStatus }

// touchOf is one touch of a field, with who and when where the CRM tells: that
// is asked once.
func (d *deciding) touchOf(ref connectors.Ref, name string, h state.Handoff, what string) state.Touch {
	t := state.Touch{Ref: ref, What: what}
	if isOwn(name) {
		return t
	}
	if tr, asked := d.pastOf(ref, name, h); asked && len(tr.Values) > 0 {
		t.Who, t.At = d.handName(ref.Conn, tr.Values[0]), tr.Values[0].At
	}
	return t
}

// pastOf is what a field has held since a handoff was assigned.
func (d *deciding) pastOf(ref connectors.Ref, name string, h state.Handoff) (state.Trail, bool) {
	n := state.Need{Conn: ref.Conn, Past: state.Past{Kind: ref.Kind, ID: ref.ID, Field: name, Since: h.AssignedAt.UTC()}}
	tr, asked := d.v.Trail(n)
	if !asked && !slices.ContainsFunc(d.c.Needs, func(o state.Need) bool { return o.ID() == n.ID() }) {
		d.c.Needs = append(d.c.Needs, n)
	}
	return tr, asked
}

// handName is who made a change: a person by e-mail where the CRM knows one.
func (d *deciding) handName(conn string, v connectors.FieldValue) string {
	if u, ok := d.v.User(conn, v.By); ok && u.Email != "" {
		return u.Email
	}
	return handOf(v)
}

// otherFields are changes that a person made to mapped fields which we do not
// write. What the buyer or a program changes does not count; who it was is
// asked for the fields that differ.
func (d *deciding) otherFields(u *undoing, h state.Handoff, b state.Before, now connectors.Object) []state.Touch {
	i := slices.IndexFunc(u.ev.Saw, func(r state.Record) bool { return r.Ref == b.Ref })
	if u.ev.Alone {
		return d.recalledFields(u, i, b)
	}
	left := leftBy(h, b.Ref)
	switch {
	case now.Version == left:
		return nil // it is as our own last write left it
	case i < 0 && left != "" && now.Version > left:
		return d.changedByHand(u, h, now)
	case i < 0:
		return nil
	}
	rec, _ := d.r.Normalize(now)
	touched, unseen := d.editedSince(h, b, u.ev.Saw[i], rec, h.AssignedAt)
	if unseen && len(touched) == 0 {
		return d.changedByHand(u, h, now)
	}
	return touched
}

// editedSince are the changes between two readings of a record that a person has made
// since an instant, in mapped fields which we do not write. unseen says that the CRM
// does not tell who made one of them.
func (d *deciding) editedSince(h state.Handoff, b state.Before, was, now state.Record, since time.Time) (out []state.Touch, unseen bool) {
	for _, name := range d.differ(b, was, now) {
		tr, asked := d.pastOf(b.Ref, name, h)
		if !asked {
			continue
		}
		unseen = unseen || len(tr.Values) == 0
		for _, v := range tr.Values {
			if v.At.After(since) && byHand(v.Actor) {
				out = append(out, state.Touch{Ref: b.Ref, What: name + " was changed", Who: d.handName(b.Ref.Conn, v), At: v.At})
				break
			}
		}
	}
	return out, unseen
}

// differ are the mapped fields, by the CRM's name, of which two readings of a record
// hold something else, without those that we write and those that the buyer fills.
func (d *deciding) differ(b state.Before, was, now state.Record) []string {
	c := d.r.byConn[b.Ref.Conn]
	if c == nil {
		return nil
	}
	var out []string
	for _, w := range c.m.Words(now.Noun) {
		name, reads := c.m.ReadName(b.Ref.Kind, w)
		if _, ours := b.Last[name]; reads && !ours && !isOwn(name) && !isOwn(w) && !slices.Contains(c.signals[now.Noun], w) && now.Fields[w] != was.Fields[w] {
			out = append(out, name)
		}
	}
	return out
}

// changedByHand is a touch of which the CRM tells no more than who has changed the
// record last, if that was not us.
func (d *deciding) changedByHand(u *undoing, h state.Handoff, now connectors.Object) []state.Touch {
	if now.ModifiedBy == u.self(h, now.Ref.Conn) {
		return nil
	}
	hand := connectors.FieldValue{By: now.ModifiedBy}
	return []state.Touch{{Ref: now.Ref, What: "the record was changed", Who: d.handName(now.Ref.Conn, hand), At: now.ModifiedAt}}
}

// leftBy is the version that a handoff's own last write left on a record.
func leftBy(h state.Handoff, ref connectors.Ref) string {
	left := ""
	for _, e := range h.Effects {
		if e.Ref == ref {
			left = max(left, e.Version)
		}
	}
	return left
}

// self is what a CRM calls us, as far as a record there tells that stands as our own
// write left it. Where none does, whoever it was counts as a person.
func (u *undoing) self(h state.Handoff, conn string) string {
	for _, o := range u.ev.Found {
		if left := leftBy(h, o.Ref); o.Ref.Conn == conn && left != "" && o.Version == left && o.ModifiedBy != "" {
			return o.ModifiedBy
		}
	}
	return u.ev.Self[conn]
}

// openTasks are our tasks of a handoff that are still to be done. One that
// somebody has done, or taken over, is a touch. A report only hangs on it.
func openTasks(u *undoing, h state.Handoff) (open []connectors.Ref, touched []state.Touch) {
	for _, step := range slices.Sorted(maps.Keys(h.Effects)) {
		e := h.Effects[step]
		o, found := u.found[e.Ref]
		if ofSeveral(step) || e.Ref.Kind != connectors.Task || e.State != handoff.Done || !found || o.Deleted || slices.Contains(open, e.Ref) {
			continue
		}
		if status, _ := o.Fields[connectors.TaskStatus].(string); status != "open" {
			known := slices.ContainsFunc(touched, func(t state.Touch) bool { return t.Ref == e.Ref }) // by another step that wrote it
			if h.Stage.Open() && !known && !weClosed(h, strings.TrimSuffix(step, stepNow(""))) {
				touched = append(touched, state.Touch{Ref: e.Ref, What: "our task is " + said(o.Fields[connectors.TaskStatus]), At: o.ModifiedAt})
			}
			continue
		}
		open = append(open, e.Ref)
	}
	return open, touched
}

// said is a value as a person reads it.
func said(v any) string {
	if v == nil || v == "" {
		return "blank"
	}
	return fmt.Sprintf("%q", fmt.Sprint(v))
}

func text0(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// sameValue compares what we wrote with what a CRM shows of it: an instant or a
// number may be spelt otherwise.
func sameValue(a, b any) bool {
	x, y := text0(a), text0(b)
	if x == y {
		return true
	}
	if at, err := time.Parse(time.RFC3339, x); err == nil {
		shown, err := time.Parse(time.RFC3339, y)
		return err == nil && (shown.Equal(at) || shown.Equal(at.Truncate(time.Second))) // a CRM may keep whole seconds
	}
	n, err := strconv.ParseFloat(x, 64)
	m, wrong := strconv.ParseFloat(y, 64)
	return err == nil && wrong == nil && n == m
}
