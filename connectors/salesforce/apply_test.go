package salesforce

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// handoff is what assigning one lead writes: the record, and the task on it.
func handoff(owner, lead, name string) []connectors.Write {
	ref := connectors.Ref{Conn: "sf", Kind: Lead, ID: lead}
	return []connectors.Write{
		{Ref: ref, Key: "u" + name, Set: map[string]any{
			"OwnerId": owner, "handoff_status": "Assigned", "handoff_why": "because " + name, "handoff_accept_by": "2026-11-20T15:04:05+02:00",
		}},
		{Ref: connectors.Ref{Conn: "sf", Kind: connectors.Task}, Key: "t" + name, Links: []connectors.Ref{ref}, Set: map[string]any{
			connectors.TaskSubject: "Call " + name, connectors.TaskBody: "The brief", connectors.TaskOwner: owner, connectors.TaskStatus: "open",
			connectors.TaskDue: "2026-11-20T23:30:00Z", connectors.TaskZone: "Asia/Tokyo", connectors.TaskPriority: "high", connectors.TaskType: "call",
		}},
	}
}

func (w *world) owner() string {
	w.t.Helper()
	users, err := w.org.Users(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, u := range users {
		if u.Active && !u.Queue && u.Email != "" {
			return u.ID
		}
	}
	w.t.Fatal("the world has no user")
	return ""
}

// A lone handoff is one read and one write.
func TestLoneHandoffIsTwoCalls(t *testing.T) {
	t.Parallel()
	for _, unique := range []bool{true, false} {
		t.Run(fmt.Sprintf("unique=%v", unique), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, salesforcesim.Config{UniqueTasks: unique})
			owner, lead := w.owner(), w.lead(1)
			var results []connectors.Result
			writes := handoff(owner, lead, "one")
			calls := w.counted(func() {
				writes[0].IfVersion = w.read(Lead, []string{"OwnerId"}, lead)[lead].Version
				results = w.apply(writes...)
			})
			if calls != 2 {
				t.Errorf("calls = %d, want 2", calls)
			}
			for i, r := range results {
				if r.Err != nil || r.Key != writes[i].Key || r.Ref.ID == "" || len(r.Skipped) > 0 {
					t.Errorf("result %d = %+v", i, r)
				}
			}
			obj := w.read(Lead, []string{"OwnerId", "handoff_status", "handoff_accept_by"}, lead)[lead]
			want := map[string]any{
				"OwnerId": owner, "handoff_status": "Assigned", "handoff_accept_by": "2026-11-20T13:04:05.000Z",
			}
			if diff := cmp.Diff(want, obj.Fields); diff != "" {
				t.Errorf("lead (-want +got):\n%s", diff)
			}
			if results[0].Version != obj.Version {
				t.Errorf("version = %q, want %q", results[0].Version, obj.Version)
			}
			task := w.read(connectors.Task, []string{"subject", "body", "due", "owner", "priority", "status", "task_type", "handoff_key", "ActivityDate"}, results[1].Ref.ID)[results[1].Ref.ID]
			for name, want := range map[string]any{
				"subject": "Call one", "body": "The brief", "due": "2026-11-20T23:30:00.000Z", "owner": owner, "priority": "high",
				"status": "open", "task_type": "call", "handoff_key": "tone", "ActivityDate": "2026-11-21",
			} {
				if got := task.Fields[name]; got != want {
					t.Errorf("task %s = %v, want %v", name, got, want)
				}
			}
			if diff := cmp.Diff([]connectors.Ref{{Conn: "sf", Kind: Lead, ID: lead}}, task.Links); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
			if got := w.org.Exact(connectors.Task); got != unique {
				t.Errorf("Exact = %v, want %v", got, unique)
			}
			found, err := w.org.Find(t.Context(), writes[1:])
			if err != nil || found[0] != results[1].Ref {
				t.Errorf("Find = %v, %v, want %v", found, err, results[1].Ref)
			}
		})
	}
}

// 200 handoffs are one read and one write; with 10 % of the rows
// under a condition no more than 0.02 calls each.
func TestFullBatchCalls(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ conditional, most int }{{0, 2}, {20, 4}} {
		t.Run(fmt.Sprint(tc.conditional), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
			owner := w.owner()
			var leads []string
			var writes []connectors.Write
			for i := range 200 {
				leads = append(leads, w.lead(i))
				writes = append(writes, handoff(owner, leads[i], fmt.Sprint(i))...)
			}
			var results []connectors.Result
			calls := w.counted(func() {
				objs := w.read(Lead, []string{"OwnerId"}, leads...)
				for i := range tc.conditional {
					writes[2*i].IfVersion = objs[leads[i]].Version
				}
				results = w.apply(writes...)
			})
			if calls > int64(tc.most) {
				t.Errorf("calls = %d, want at most %d", calls, tc.most)
			}
			for i, r := range results {
				if r.Err != nil || r.Key != writes[i].Key || r.Version == "" {
					t.Fatalf("result %d = %+v", i, r)
				}
			}
			if got := len(w.soql("SELECT Id FROM Task WHERE Handoff_Key__c LIKE 't%'")); got != 200 {
				t.Errorf("%d tasks, want 200", got)
			}
			for i, o := range w.read(Lead, []string{"handoff_why"}, leads...) {
				if got := o.Fields["handoff_why"]; !strings.HasPrefix(fmt.Sprint(got), "because ") {
					t.Fatalf("lead %s: handoff_why = %v", i, got)
				}
			}
		})
	}
}
