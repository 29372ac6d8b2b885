package plan

import (
	"maps"
	"slices"

	"github.com/handoffd/handoffd/connectors"
)

// Writes lists every field we may ever write, "connection kind.field", sorted.
// handoffd's own fields stand there by their standard names.
func (r *Rules) Writes() []string {
	seen := map[string]bool{}
	add := func(c *conn, k connectors.Kind, f string) { seen[c.name+" "+string(k)+"."+f] = true }
	for _, t := range r.types {
		for _, c := range t.on {
			for _, k := range t.kinds(c) {
				for _, f := range ownFields() {
					add(c, k, f)
				}
				if f, ok := c.m.WriteName(k, t.becomes); ok && t.deliver == nil {
					add(c, k, f)
				}
				for _, s := range t.otherwiseSet {
					if f, ok := c.m.WriteName(k, s.field.word); ok && s.field.noun == t.about {
						add(c, k, f)
					}
					r.sayWrites(t, s.field, add)
				}
			}
			r.taskWrites(c, add)
		}
		if t.deliver != nil {
			r.deliverWrites(t, add)
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// sayWrites adds a field where another connection has the say over it.
func (r *Rules) sayWrites(t *typ, of field, add func(*conn, connectors.Kind, string)) {
	c := r.says(of)
	if c == nil {
		return
	}
	for _, k := range t.kinds(c) {
		if f, ok := c.m.WriteName(k, of.word); ok {
			add(c, k, f)
		}
	}
}

func (r *Rules) taskWrites(c *conn, add func(*conn, connectors.Kind, string)) {
	for _, f := range []string{
		connectors.TaskSubject, connectors.TaskBody, connectors.TaskDue, connectors.TaskOwner,
		connectors.TaskPriority, connectors.TaskStatus, connectors.TaskType,
	} {
		add(c, connectors.Task, f)
	}
}

func (r *Rules) deliverWrites(t *typ, add func(*conn, connectors.Kind, string)) {
	c := t.deliver
	for _, k := range t.kinds(c) {
		for _, f := range ownFields() {
			add(c, k, f)
		}
		for _, w := range c.m.Words(t.about) {
			if f, ok := c.m.WriteName(k, w); ok {
				add(c, k, f)
			}
		}
	}
	r.taskWrites(c, add)
}

func ownFields() []string {
	return []string{
		ownID, ownStatus, ownAccountable, ownAcceptBy, ownTouchBy, ownWhy, ownType, ownTier, ownReason, ownNeed,
		ownNextStep, ownGiver, ownCreatedBy, ownBackup, ownSupport, ownAssignedAt, ownAcceptedBy, ownAcceptedAt,
		ownBreached, ownCompleteness, ownBrief, ownRule, ownDecision,
		ownFirstTouch, ownAttempts, ownQuality, ownReturnReason, ownReturnNote, ownWatchers, ownQuestions, ownGaps,
		ownGivenRating, ownTakenRating,
	}
}
