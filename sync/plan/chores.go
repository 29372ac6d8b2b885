package plan

import (
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
	"github.com/handoffd/handoffd/sync/sla"
)

// chore is a task of ours beside the receiver's: the giver is asked for what is
// missing, a thing of the checklist has to be done. It is made once, under a
// key of its own, and brought up to date where it stands. Each costs one write,
// and as many fit one call as the CRM takes tasks in a batch.
type chore struct {
	step          string
	who           string // by e-mail
	subject, body string
	kind          string // "call", "email" or "todo"
	priority      string
	due           time.Time
	on            connectors.Ref // the record it is about
	with          connectors.Ref // a record of the same connection it is about as well; zero: the account
}

// stepNow names the write that brings the task of a step up to date.
func stepNow(step string) string { return step + " now" }

// chore makes a task, or brings the one that is there up to date.
func (d *deciding) chore(h state.Handoff, c chore) state.Handoff {
	if h.Observed || c.on.ID == "" {
		return h
	}
	u, ok := d.user(d.r.byConn[c.on.Conn], c.who)
	if !ok || !u.Active {
		d.list(listContext, h.ID+" "+c.step, h.Type+": nobody can be given the task "+quote(c.subject)+": "+orNobody(c.who)+" is no active user of "+c.on.Conn)
		return h
	}
	set := map[string]any{
		connectors.TaskSubject: c.subject, connectors.TaskBody: c.body, connectors.TaskOwner: u.ID,
		connectors.TaskZone: d.r.calendarOf(c.who).Zone().String(), connectors.TaskPriority: c.priority,
		connectors.TaskType: c.kind, connectors.TaskStatus: "open",
	}
	if !c.due.IsZero() {
		set[connectors.TaskDue] = text(c.due)
	}
	switch e := h.Effects[c.step]; {
	case e.Key == "":
		w := connectors.Write{
			Ref: connectors.Ref{Conn: c.on.Conn, Kind: connectors.Task}, Set: set,
			Key: key(h, c.step, "create "+c.on.String()), Links: []connectors.Ref{c.on},
		}
		with := c.with
		if with.IsZero() {
			with = h.Account
		}
		if with.Conn == c.on.Conn && with != c.on {
			w.Links = append(w.Links, with)
		}
		return d.choreWrite(h, c.step, w)
	case e.State == sent:
		d.rewaiting(e.Key, set)
	case e.State == handoff.Done && e.Ref.ID != "":
		delete(set, connectors.TaskStatus) // a person who has ticked it off has their reasons
		return d.choreNow(h, c.step, e.Ref, set)
	}
	return h
}

// choreDone ticks off a task of ours, because what it asks for is there. One
// that has not left yet never does.
func (d *deciding) choreDone(h state.Handoff, step string) state.Handoff {
	e := h.Effects[step]
	switch {
	case e.Key == "" || h.Observed:
	case e.State == sent:
		if i, waits := d.waiting(e.Key); waits && i.State == state.Ready {
			d.drop(e.Key)
			return handoff.Forget(h, step)
		}
	case e.State == handoff.Done && e.Ref.ID != "":
		return d.choreNow(h, step, e.Ref, map[string]any{connectors.TaskStatus: "done"})
	}
	return h
}

// choreNow writes what is new of a task that stands. What was written last is
// not written again.
func (d *deciding) choreNow(h state.Handoff, step string, ref connectors.Ref, set map[string]any) state.Handoff {
	w := connectors.Write{Ref: ref, Set: set, Key: keyNow(h, step, set)}
	if h.Effects[stepNow(step)].Key == w.Key {
		return h
	}
	return d.choreWrite(h, stepNow(step), w)
}

// keyNow names a write by what it says of a task.
func keyNow(h state.Handoff, step string, set map[string]any) string {
	parts := []string{"now"}
	for _, name := range []string{connectors.TaskSubject, connectors.TaskBody, connectors.TaskOwner, connectors.TaskDue, connectors.TaskPriority, connectors.TaskStatus} {
		v, _ := set[name].(string)
		parts = append(parts, v)
	}
	return key(h, stepNow(step), state.Digest(parts...))
}

// weClosed reports whether the task of a step was ticked off by ourselves.
func weClosed(h state.Handoff, step string) bool {
	closing := h.Effects[stepNow(step)].Key
	return closing != "" && closing == keyNow(h, step, map[string]any{connectors.TaskStatus: "done"})
}

// choreWrite plans a write of a task. Tasks of one handoff are records of their
// own: they do not count together as fields that are written over and over.
func (d *deciding) choreWrite(h state.Handoff, step string, w connectors.Write) state.Handoff {
	if h.Frozen != "" {
		return h
	}
	d.c.Intents = append(d.c.Intents, state.Intent{
		Handoff: h.ID, Step: step, Dest: w.Ref.Conn, Rank: h.Rank, Write: w, State: state.Ready, Due: d.now, Created: d.now,
	})
	return handoff.Track(h, step, state.Effect{Key: w.Key, State: sent, At: d.now, Ref: w.Ref, Task: w.Creates()})
}

// waiting is a write that waits in the outbox, or has just been planned.
func (d *deciding) waiting(key string) (state.Intent, bool) {
	if i := slices.IndexFunc(d.c.Intents, func(i state.Intent) bool { return i.Write.Key == key }); i >= 0 {
		return d.c.Intents[i], true
	}
	return d.v.Intent(key)
}

// rewaiting gives a create that has not left yet another content.
func (d *deciding) rewaiting(key string, set map[string]any) {
	i, waits := d.waiting(key)
	if !waits || i.State != state.Ready {
		return // it is brought up to date when it has been answered
	}
	i.Write.Set = set
	d.c.Intents = slices.DeleteFunc(d.c.Intents, func(o state.Intent) bool { return o.Write.Key == key })
	d.c.Intents = append(d.c.Intents, i)
}

// shownDue is the date of an item's task: a CRM takes none without one. Where
// nothing says by when, it is a working day from the assignment, and nobody is
// told that it passed.
func (d *deciding) shownDue(h state.Handoff, i state.Item) time.Time {
	if !i.By.IsZero() {
		return i.By
	}
	from := h.AssignedAt
	if from.IsZero() {
		from = h.DetectedAt
	}
	return d.r.calendarOf(i.Who).Add(from, sla.Of(mappings.Duration{N: 1, Unit: mappings.Day, Working: true})).UTC()
}
