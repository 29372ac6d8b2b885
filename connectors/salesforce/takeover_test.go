package salesforce

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// taken is what giving an assigned lead to somebody else writes: the owner, the
// task that is handed on, and what two people are told. It returns a reading of
// before.
func (w *world) taken(lead, name string) (writes []connectors.Write) {
	w.t.Helper()
	assigned := w.apply(handoff(w.owner(), lead, name)...)
	writes = handoff(w.owner(), lead, "again"+name)
	writes[0].IfVersion = w.read(Lead, []string{"OwnerId"}, lead)[lead].Version
	passed := connectors.Write{
		Ref: assigned[1].Ref, Key: "p" + name, Links: writes[1].Links, Set: map[string]any{connectors.TaskSubject: "Passed on " + name},
	}
	told := handoff(w.owner(), lead, "told"+name)[1]
	return []connectors.Write{passed, writes[0], writes[1], told}
}

// passedOn counts the tasks that were handed on.
func (w *world) passedOn() int {
	return len(w.soql("SELECT Id FROM Task WHERE Subject LIKE 'Passed on%'"))
}

// A step that gives a record to somebody else is one read and one write, whatever
// else it has to say.
func TestTakeoverIsTwoCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
	lead := w.lead(1)
	writes := w.taken(lead, "x")
	var results []connectors.Result
	calls := w.counted(func() { results = w.apply(writes...) })
	if calls != 1 {
		t.Errorf("%d calls to write, want 1", calls)
	}
	if diff := cmp.Diff([]string{"", "", "", ""}, classes(results)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !results[1].Guarded || results[1].Version != w.read(Lead, []string{"OwnerId"}, lead)[lead].Version {
		t.Errorf("owner: %+v", results[1])
	}
	if got := w.passedOn(); got != 1 {
		t.Errorf("%d tasks handed on, want 1", got)
	}
}

// (C11, C16) where a person was faster, no task is handed on and nobody is
// told, alone and among others, whose writes go through.
func TestTakeoverRefused(t *testing.T) {
	t.Parallel()
	for _, others := range []int{0, 2} {
		w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
		writes := w.taken(w.lead(1), "x")
		writes[1].IfVersion = "2020-01-01T00:00:00.000Z"
		want := []string{"unavailable", "conflict", "unavailable", "unavailable"}
		for n := range others {
			writes = append(writes, w.taken(w.lead(2+n), string(rune('a'+n)))...)
			want = append(want, "", "", "", "")
		}
		if diff := cmp.Diff(want, classes(w.apply(writes...))); diff != "" {
			t.Errorf("%d others (-want +got):\n%s", others, diff)
		}
		if got := w.passedOn(); got != others {
			t.Errorf("%d tasks handed on, want %d", got, others)
		}
		if got := len(w.soql("SELECT Id FROM Task WHERE Handoff_Key__c IN ('tagainx', 'ttoldx')")); got != 0 {
			t.Errorf("%d tasks tell of what did not happen", got)
		}
	}
}

// (C8, C15) a task that somebody has deleted holds up neither the owner nor
// what people are told.
func TestTakeoverWithoutItsTask(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
	writes := w.taken(w.lead(1), "x")
	w.edit(simhttp.Edit{Object: "Task", Op: "delete", ID: writes[0].Ref.ID})
	results := w.apply(writes...)
	if diff := cmp.Diff([]string{"not_found", "", "", ""}, classes(results)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !results[1].Guarded {
		t.Errorf("the owner was not written under its condition: %+v", results[1])
	}
}
