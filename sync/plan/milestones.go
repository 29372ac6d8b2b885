package plan

import (
	"time"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
	"github.com/handoffd/handoffd/sync/sla"
)

// A milestone is a task at a time that a date field gives. It is kept among the
// handoff's items, with the instant at which its task is made. While that has
// not come, a date that is changed moves it, and the audit says who changed it.

// dates sets the milestones of a handoff by what the date fields say now.
func (d *deciding) dates(t *typ, f *facts, h state.Handoff) state.Handoff {
	if h.Observed {
		return h
	}
	for n := range t.milestones {
		m := &t.milestones[n]
		after, by, ok := d.moments(f, h, m)
		at := itemAt(h, m.step)
		if !ok {
			h = d.undated(f, h, m, at)
			continue
		}
		if at < 0 {
			if m.before && by.Before(d.now) {
				continue // what it was to come before is over
			}
			h = handoff.Lists(h, state.Item{Step: m.step, Do: m.do, Who: d.doer(t, f, h, m.who), By: by, After: after, Rule: where(m.pos)})
			d.timer(h, clockItem, len(h.Items)-1, after)
			continue
		}
		i := h.Items[at]
		if !i.Done.IsZero() || i.After.Equal(after) && i.By.Equal(by) || h.Effects[i.Step].Key != "" && i.By.Equal(by) {
			continue
		}
		d.audit("milestone moved", h.ID, map[string]string{
			"item": i.Do, "was": i.By.Format(time.RFC3339), "by": by.Format(time.RFC3339), "field": m.field.String(), "changed_by": f.rec.ModifiedBy,
		})
		made := h.Effects[i.Step].Key != ""
		h = handoff.Change(h, at, func(i *state.Item) {
			if i.By = by; !made {
				i.After = after
			}
		})
		switch {
		case !made && m.before && by.Before(d.now):
			d.stop(h, clockItem, at) // what it was to come before is over, unless the date moves once more
			continue
		case !made:
			d.timer(h, clockItem, at, after)
			continue
		}
		h = d.itemTask(t, f, h, at)
		d.timer(h, clockItem, at, by)
	}
	return h
}

// undated has a milestone wait whose date was taken out before its task was made, until
// there is one again.
func (d *deciding) undated(f *facts, h state.Handoff, m *milestone, at int) state.Handoff {
	if at < 0 || !h.Items[at].Done.IsZero() || h.Items[at].By.IsZero() || h.Effects[m.step].Key != "" || !f.has(m.field.noun) {
		return h
	}
	i := h.Items[at]
	d.audit("milestone moved", h.ID, map[string]string{
		"item": i.Do, "was": i.By.Format(time.RFC3339), "field": m.field.String(), "changed_by": f.rec.ModifiedBy,
	})
	d.stop(h, clockItem, at)
	return handoff.Change(h, at, func(i *state.Item) { i.By = time.Time{} })
}

func itemAt(h state.Handoff, step string) int {
	for n := range h.Items {
		if h.Items[n].Step == step {
			return n
		}
	}
	return -1
}

// moments are when the task of a milestone is made, in the working hours of who
// does it, and when it is due.
func (d *deciding) moments(f *facts, h state.Handoff, m *milestone) (after, by time.Time, ok bool) {
	date, day, ok := instant(f.value(m.field))
	if !ok {
		return after, by, false
	}
	t := d.r.byName[h.Type]
	cal := d.r.calendarOf(d.doer(t, f, h, m.who))
	if day {
		date = time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, cal.Zone())
	}
	if m.before {
		if day {
			date = cal.NextOpen(date)
		}
		return date.Add(-m.lead).UTC(), date.UTC(), true
	}
	after = cal.NextOpen(cal.Add(date, m.by))
	within := m.within
	if within.IsZero() {
		within = sla.Of(mappings.Duration{N: 5, Unit: mappings.Day, Working: true})
	}
	return after.UTC(), cal.Add(after, within).UTC(), true
}

// milestoneDue makes the task of a milestone whose time has come, if it is
// still wanted.
func (d *deciding) milestoneDue(t *typ, f *facts, h state.Handoff, at int) (_ state.Handoff, wanted bool) {
	i := h.Items[at]
	if i.By.IsZero() {
		return h, false // its date was taken out
	}
	for n := range t.milestones {
		m := &t.milestones[n]
		if m.step != i.Step {
			continue
		}
		if !m.when.holds(f) {
			d.audit("milestone not wanted", h.ID, map[string]string{"item": i.Do, "because": m.when.say(f)})
			return handoff.Change(h, at, func(i *state.Item) { i.Done = d.now }), false
		}
		h = handoff.Change(h, at, func(i *state.Item) { i.Who = d.doer(t, f, h, m.who) })
		h = d.itemTask(t, f, h, at)
		d.audit("milestone", h.ID, map[string]string{"item": i.Do, "who": h.Items[at].Who, "by": i.By.Format(time.RFC3339)})
		return h, true
	}
	d.audit("milestone without a rule", h.ID, map[string]string{"item": i.Do})
	return h, false
}

// milestonesDone reports whether nothing is left to do after the end.
func milestonesDone(h state.Handoff) bool {
	for n := range h.Items {
		if !h.Items[n].After.IsZero() && h.Items[n].Done.IsZero() {
			return false
		}
	}
	return true
}
