package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// TestUnheard: a status that a person set in the moment before ours came over it is heard
// as if it stood there; what a program set, what we had read, and what somebody has said
// otherwise since is not, and what is not filed yet is waited for (C11).
func TestUnheard(t *testing.T) {
	t.Parallel()
	r := writing(t)
	const person, program, self = connectors.ActorPerson, connectors.ActorAutomation, connectors.ActorSelf
	over := monday.Add(10 * time.Minute) // of the reading that our write rests on
	wrote := over.Add(4 * time.Second)
	ours, said := value("Assigned", wrote, self), value("Returned", over.Add(2*time.Second), person)
	for name, c := range map[string]struct {
		past  []connectors.FieldValue
		want  state.Stage
		waits bool
	}{
		"a person, in between":      {[]connectors.FieldValue{ours, said}, state.Returned, false},
		"a program, in between":     {[]connectors.FieldValue{ours, value("Returned", over.Add(2*time.Second), program)}, state.Assigned, false},
		"read before":               {[]connectors.FieldValue{ours, value("Returned", over.Add(-time.Second), person)}, state.Assigned, false},
		"what was read":             {[]connectors.FieldValue{ours, value("Returned", over, person)}, state.Assigned, false},
		"nobody":                    {[]connectors.FieldValue{ours}, state.Assigned, false},
		"somebody, otherwise since": {[]connectors.FieldValue{value("", wrote.Add(time.Second), person), ours, said}, state.Assigned, false},
		"we, otherwise since":       {[]connectors.FieldValue{value("Assigned", wrote.Add(time.Second), self), value("Accepted", wrote, self), said}, state.Assigned, false},
		"not filed yet":             {[]connectors.FieldValue{value("Touched", over.Add(-time.Minute), self)}, state.Assigned, true},
		"not tracked":               {nil, state.Assigned, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, rec, h := written(t, r)
			rec.Version, rec.ModifiedAt = "3", wrote
			rec.Fields = fields(rec, "handoff_id", h.ID, "handoff_status", "Assigned")
			w.trails = map[string]state.Trail{"51 handoff_status": {Values: c.past}}
			ev := see(rec)
			ev.Via, ev.Says = "webhook", state.Window{Over: over, At: wrote}
			got := w.decide(t, r, wrote.Add(time.Second), ev)
			if r := w.handoffs[h.ID].Returned; r != nil && !r.At.Equal(said.At) {
				t.Errorf("returned at %s", r.At)
			}
			if now := w.handoffs[h.ID]; now.Stage != c.want || (got.Wait != "") != c.waits {
				t.Errorf("%s, waits %q", now.Stage, got.Wait)
			}
		})
	}
}
