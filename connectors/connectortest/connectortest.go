// Package connectortest is the contract of package connectors as tests. Every
// adapter runs it against its simulator; what passes here is what the engine
// may rely on, whatever the CRM.
package connectortest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// World is a CRM made for one case, and its words for the things that the
// cases need.
type World struct {
	Sim  simhttp.Sim
	Wire *Wire // carries every request of the connector

	Person, Company connectors.Kind // kinds that can be polled and written
	TaskObject      string          // the CRM's own name for tasks in World and Edit
	Email           string          // field of a person that identifies it
	Text            string          // free, writable text field of a person
	CompanyText     string          // the same of a company
	Required        map[string]any  // what a new person must have beside
	Owner           string          // id of an active user

	MaxRead, MaxWrite int           // records of one batch call
	Lag               time.Duration // how late a change may show in a poll, at most
	Exact             bool          // the CRM refuses a second task with the same key
	Merges            bool          // Edit knows the op "merge" for a person
	// Unique says that the CRM refuses a second person with an e-mail address
	// and names the one that is there.
	Unique     bool
	OwnerField string      // of a person: the user who owns it
	Activities *Activities // nil: the adapter follows none
	Away       Away        // nil: the CRM knows nothing of leave
	// Refusals are the CRM's own ways to refuse a whole request, by class.
	Refusals map[connectors.Class]Answer
}

// Make builds a connector and its world inside a synctest bubble; nothing of
// it may open a socket.
type Make func(t *testing.T) (connectors.Connector, World)

// Run runs every case, each in a bubble and a world of its own.
func Run(t *testing.T, mk Make) {
	cases := []struct {
		name string
		run  func(t *testing.T, c connectors.Connector, w World)
	}{
		{"list then follow", listThenFollow},
		{"a change during the list", changeDuringList},
		{"equal timestamps across pages", equalTimestamps},
		{"restart in the middle of a window", restartMidWindow},
		{"quiet window", quietWindow},
		{"a damaged cursor", damagedCursor},
		{"an unknown kind fails alone", unknownKind},
		{"read", read},
		{"read what is gone", readGone},
		{"read what was merged", readMerged},
		{"update in batches", updateInBatches},
		{"versions", versions},
		{"partial failure", partialFailure},
		{"a field that is not there", missingField},
		{"clear a field", clearField},
		{"create a task and find it", createAndFind},
		{"a task after a new record", createAfter},
		{"the same key twice", sameKeyTwice},
		{"made twice", copies},
		{"a lost reply", lostReply},
		{"a lost reply, nothing applied", lostRequest},
		{"a person who exists", existingPerson},
		{"locate", locate},
		{"classes", classes},
		{"cancelled", cancelled},
		{"describe", describe},
		{"usage", usage},
		{"a task of ours as an activity", ourTask},
		{"activities of people", theirActivities},
		{"more activities than a page holds", manyActivities},
		{"what the CRM counts", workCounted},
		{"leave", absences},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, w := mk(t)
				tc.run(t, c, w)
			})
		})
	}
}

// add makes n persons as people in the CRM would, and returns their ids.
func (w World) add(t *testing.T, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = w.edit(t, simhttp.Edit{Object: string(w.Person), Op: "create", Fields: w.person(i)})
	}
	return ids
}

// person are the fields of a new person.
func (w World) person(i int) map[string]any {
	fields := map[string]any{w.Email: fmt.Sprintf("p%d@buyer.example", i), w.Text: fmt.Sprintf("text %d", i)}
	for name, value := range w.Required {
		fields[name] = value
	}
	return fields
}

func (w World) edit(t *testing.T, e simhttp.Edit) string {
	t.Helper()
	e.CRM = w.Sim.CRM()
	ids, err := w.Sim.Edit(e)
	if err != nil {
		t.Fatalf("%s %s: %v", e.Op, e.Object, err)
	}
	return ids["id"]
}

func (w World) change(t *testing.T, id, text string) {
	t.Helper()
	w.edit(t, simhttp.Edit{Object: string(w.Person), Op: "update", ID: id, Fields: map[string]any{w.Text: text}})
}

// count is how many records of an object the CRM holds, the deleted left out.
func (w World) count(t *testing.T, object string) int {
	t.Helper()
	raw, err := json.Marshal(w.Sim.World())
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][]struct {
		Archived bool `json:"archived"`
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, row := range all[object] {
		if !row.Archived {
			n++
		}
	}
	return n
}

// page asks for one page of persons.
func page(t *testing.T, c connectors.Connector, w World, from connectors.Cursor, limit int) connectors.Page {
	t.Helper()
	pages, err := c.Changes(t.Context(), []connectors.Poll{{Kind: w.Person, From: from, Fields: []string{w.Email, w.Text}, Limit: limit}})
	if err != nil || len(pages) != 1 || pages[0].Err != nil {
		t.Fatalf("poll: %v %+v", err, pages)
	}
	return pages[0]
}

// drain reads pages until there is no more, and returns the changes and the
// cursor after the last.
func drain(t *testing.T, c connectors.Connector, w World, from connectors.Cursor, limit int) ([]connectors.Change, connectors.Cursor) {
	t.Helper()
	var out []connectors.Change
	for range 1000 {
		p := page(t, c, w, from, limit)
		out = append(out, p.Changes...)
		from = p.Next
		if !p.More {
			return out, from
		}
	}
	t.Fatal("the pages never end")
	return nil, from
}

func idsOf(changes []connectors.Change) []string {
	var out []string
	for _, ch := range changes {
		out = append(out, ch.Ref.ID)
	}
	return out
}

// sorted is ids without repetition, in an order fit for comparing.
func sorted(ids []string) []string {
	out := slices.Clone(ids)
	slices.Sort(out)
	return slices.Compact(out)
}

func (w World) ref(id string) connectors.Ref { return connectors.Ref{Kind: w.Person, ID: id} }

// task is a create of a task for a person.
func (w World) task(key, person string) connectors.Write {
	return connectors.Write{
		Ref: connectors.Ref{Kind: connectors.Task}, Key: key,
		Set: map[string]any{
			connectors.TaskSubject: "Call them", connectors.TaskBody: "They asked for a demo.\nCall <b>today</b> & ask.",
			connectors.TaskDue: time.Now().Add(time.Hour).UTC().Format(time.RFC3339), connectors.TaskZone: "Europe/Berlin",
			connectors.TaskOwner: w.Owner, connectors.TaskPriority: "high", connectors.TaskStatus: "open", connectors.TaskType: "call",
		},
		Links: []connectors.Ref{w.ref(person)},
	}
}

// apply attempts writes; every result must answer its own write.
func apply(t *testing.T, c connectors.Connector, writes ...connectors.Write) []connectors.Result {
	t.Helper()
	results, err := c.Apply(t.Context(), writes)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	if len(results) != len(writes) {
		t.Fatalf("%d results for %d writes", len(results), len(writes))
	}
	for i, r := range results {
		if r.Key != writes[i].Key || !writes[i].Creates() && r.Ref.ID != writes[i].Ref.ID {
			t.Fatalf("result %d is of another write: %+v", i, r)
		}
	}
	return results
}

func classOf(r connectors.Result) string {
	if r.Err == nil {
		return "done"
	}
	return r.Err.Class.String()
}
