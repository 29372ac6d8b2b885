package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// TestRefusedOverThere (1.4): who asked not to be called is not called, though only the
// CRM that is worked in was told, and the signal came from the other.
func TestRefusedOverThere(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	w.locate(t, r, sales("51", "dana@acme.com"), lead("00Q1", "do_not_call", "yes"))
	set := w.steps()["task"].Write.Set
	if body, _ := set[connectors.TaskBody].(string); set[connectors.TaskType] != "email" || !strings.Contains(body, "Do not call") || strings.Contains(body, "\nCall before") {
		t.Errorf("%v: %v", set[connectors.TaskType], body)
	}
}

// TestRefusedLater (1.4): who is reminded of a task after the buyer has asked not to be
// called is not just told to call.
func TestRefusedLater(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec := assigned(t, r)
	w.decide(t, r, monday.Add(2*time.Second), see(rec))
	rec.Version, rec.Fields, rec.ModifiedAt = "5", fields(rec, "do_not_call", "yes"), monday.Add(time.Minute)
	w.decide(t, r, monday.Add(time.Minute), see(rec))
	w.fireDue(t, r, monday.Add(30*time.Minute))
	asked := 0
	for step, i := range w.steps() {
		subject, _ := i.Write.Set[connectors.TaskSubject].(string)
		if i.Write.Ref.ID != "t1" || subject == "" {
			continue
		}
		if asked++; !strings.Contains(subject, "do not call") {
			t.Errorf("%s: %s", step, subject)
		}
	}
	if asked == 0 {
		t.Error("the task is not brought to anybody's mind")
	}
}
