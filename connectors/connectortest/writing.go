package connectortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

var errReset = errors.New("connection reset by peer")

// updateInBatches: as few calls as the CRM allows, none of them twice.
func updateInBatches(t *testing.T, c connectors.Connector, w World) {
	ids := w.add(t, 2*w.MaxWrite+1)
	var writes []connectors.Write
	for i, id := range ids {
		writes = append(writes, connectors.Write{Ref: w.ref(id), Key: fmt.Sprint("u", i), Set: map[string]any{w.Text: fmt.Sprint("new ", i)}})
	}
	results := apply(t, c, writes...)
	for i, r := range results {
		if r.Err != nil {
			t.Fatalf("write %d: %v", i, r.Err)
		}
	}
	if n := len(w.Wire.Writes()); n != 3 {
		t.Errorf("%d write calls for %d records of %d a call", n, len(ids), w.MaxWrite)
	}
	for i, o := range readAll(t, c, w, ids) {
		if o.Fields[w.Text] != fmt.Sprint("new ", i) {
			t.Fatalf("record %d holds %v", i, o.Fields)
		}
	}
}

// readAll is the objects in the order of the ids.
func readAll(t *testing.T, c connectors.Connector, w World, ids []string) []connectors.Object {
	t.Helper()
	objects, err := c.Read(t.Context(), w.Person, ids, []string{w.Text, w.Email})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]connectors.Object, len(ids))
	for i, id := range ids {
		at := slices.IndexFunc(objects, func(o connectors.Object) bool { return o.Ref.ID == id })
		if at < 0 {
			t.Fatalf("%s was not read", id)
		}
		out[i] = objects[at]
	}
	return out
}

// versions: they sort in the order of the changes, and the one a write leaves
// behind, where the CRM says it, is the one that is read.
func versions(t *testing.T, c connectors.Connector, w World) {
	ids := w.add(t, 1)
	last := readAll(t, c, w, ids)[0].Version
	for i := range 3 {
		time.Sleep(2 * time.Second)
		r := apply(t, c, connectors.Write{Ref: w.ref(ids[0]), Key: fmt.Sprint("v", i), Set: map[string]any{w.Text: fmt.Sprint("v", i)}})[0]
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		now := readAll(t, c, w, ids)[0]
		if now.Version <= last || r.Version != "" && r.Version != now.Version {
			t.Errorf("version %q after %q, the write said %q", now.Version, last, r.Version)
		}
		if !r.ModifiedAt.IsZero() && !r.ModifiedAt.Equal(now.ModifiedAt) {
			t.Errorf("changed at %v, the write said %v", now.ModifiedAt, r.ModifiedAt)
		}
		last = now.Version
	}
}

// partialFailure: each write has its own outcome, in order (C3).
func partialFailure(t *testing.T, c connectors.Connector, w World) {
	ids := w.add(t, 3)
	w.edit(t, simhttp.Edit{Object: string(w.Person), Op: "delete", ID: ids[2]})
	results := apply(t, c,
		connectors.Write{Ref: w.ref(ids[0]), Key: "a", Set: map[string]any{w.Text: "one"}},
		connectors.Write{Ref: w.ref(ids[2]), Key: "b", Set: map[string]any{w.Text: "two"}},
		connectors.Write{Ref: connectors.Ref{Kind: "no_such_kind", ID: "1"}, Key: "c", Set: map[string]any{"x": "y"}},
		connectors.Write{Ref: w.ref(ids[1]), Key: "d", Set: map[string]any{w.Text: "three"}},
		connectors.Write{Ref: w.ref(ids[1]), Key: "e", Set: map[string]any{w.Text: "four"}},
	)
	var got []string
	for _, r := range results {
		got = append(got, classOf(r))
	}
	if diff := cmp.Diff([]string{"done", "not_found", "schema", "done", "done"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s\n%v", diff, results)
	}
	if o := readAll(t, c, w, ids[:2]); o[0].Fields[w.Text] != "one" || o[1].Fields[w.Text] != "four" {
		t.Errorf("the CRM holds %v and %v", o[0].Fields, o[1].Fields)
	}
}

func missingField(t *testing.T, c connectors.Connector, w World) {
	ids := w.add(t, 2)
	results := apply(t, c,
		connectors.Write{Ref: w.ref(ids[0]), Key: "a", Set: map[string]any{w.Text: "kept", "handoff_no_such_field": "x", "no_such_field": 1.0}},
		connectors.Write{Ref: w.ref(ids[1]), Key: "b", Set: map[string]any{"no_such_field": "x"}},
	)
	if results[0].Err != nil || results[1].Err != nil {
		t.Fatalf("got %v", results)
	}
	if diff := cmp.Diff([][]string{{"handoff_no_such_field", "no_such_field"}, {"no_such_field"}}, [][]string{results[0].Skipped, results[1].Skipped}); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
	if o := readAll(t, c, w, ids); o[0].Fields[w.Text] != "kept" {
		t.Errorf("the CRM holds %v", o[0].Fields)
	}
}

func clearField(t *testing.T, c connectors.Connector, w World) {
	ids := w.add(t, 1)
	if r := apply(t, c, connectors.Write{Ref: w.ref(ids[0]), Key: "a", Set: map[string]any{w.Text: nil}})[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
	if v, there := readAll(t, c, w, ids)[0].Fields[w.Text]; there {
		t.Errorf("the field still holds %v", v)
	}
}

// createAndFind: a task arrives with what was asked for, and its key finds it.
func createAndFind(t *testing.T, c connectors.Connector, w World) {
	ids := w.add(t, 2)
	before := w.count(t, w.TaskObject)
	write := w.task("key1abc", ids[0])
	r := apply(t, c, write)[0]
	if r.Err != nil || r.Ref.ID == "" || r.Ref.Kind != connectors.Task || len(r.Skipped) != 0 {
		t.Fatalf("got %+v", r)
	}
	if n := len(w.Wire.Writes()); n != 1 {
		t.Errorf("%d write calls", n)
	}
	if n := w.count(t, w.TaskObject); n != before+1 {
		t.Errorf("the CRM holds %d tasks, before %d", n, before)
	}
	words := []string{connectors.TaskSubject, connectors.TaskOwner, connectors.TaskStatus, connectors.TaskPriority, "handoff_key"}
	objects, err := c.Read(t.Context(), connectors.Task, []string{r.Ref.ID}, words)
	if err != nil || len(objects) != 1 {
		t.Fatalf("%v %v", objects, err)
	}
	want := map[string]any{
		connectors.TaskSubject: "Call them", connectors.TaskOwner: w.Owner, connectors.TaskStatus: "open",
		connectors.TaskPriority: "high", "handoff_key": "key1abc",
	}
	if diff := cmp.Diff(want, objects[0].Fields); diff != "" {
		t.Errorf("the task (-want +got):\n%s", diff)
	}
	bodies, err := c.Read(t.Context(), connectors.Task, []string{r.Ref.ID}, []string{connectors.TaskBody})
	if err != nil || !strings.Contains(fmt.Sprint(bodies[0].Fields[connectors.TaskBody]), fmt.Sprint(write.Set[connectors.TaskBody])) {
		t.Errorf("the body reads %v, %v", bodies, err)
	}
	done := apply(t, c, connectors.Write{Ref: r.Ref, Key: "done", Set: map[string]any{connectors.TaskStatus: "done"}})[0]
	if done.Err != nil {
		t.Fatal(done.Err)
	}
	if objects, err = c.Read(t.Context(), connectors.Task, []string{r.Ref.ID}, words); err != nil || objects[0].Fields[connectors.TaskStatus] != "done" {
		t.Errorf("after completing it: %v %v", objects, err)
	}
	finder, ok := c.(connectors.Finder)
	if !ok {
		t.Skip("not a Finder")
	}
	if finder.Exact(connectors.Task) != w.Exact {
		t.Errorf("exact is %v", finder.Exact(connectors.Task))
	}
	found, err := finder.Find(t.Context(), []connectors.Write{w.task("other", ids[0]), write, w.task("key1abd", ids[1])})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]connectors.Ref{{}, r.Ref, {}}, found); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}

// createAfter: a task is linked to a record made in the same batch, and is not
// made if that record is not.
func createAfter(t *testing.T, c connectors.Connector, w World) {
	set := map[string]any{w.Email: "new@buyer.example", w.Text: "x"}
	for name, value := range w.Required {
		set[name] = value
	}
	person := connectors.Write{Ref: connectors.Ref{Kind: w.Person}, Key: "p1", Set: set}
	task := w.task("t1", "")
	task.Links, task.After = nil, "p1"
	results := apply(t, c, person, task)
	if results[0].Err != nil || results[1].Err != nil || results[0].Ref.ID == "" {
		t.Fatalf("got %+v", results)
	}
	if finder, ok := c.(connectors.Finder); ok {
		task.Links = []connectors.Ref{results[0].Ref}
		found, err := finder.Find(t.Context(), []connectors.Write{task})
		if err != nil || found[0] != results[1].Ref {
			t.Errorf("through the new record: %v %v", found, err)
		}
	}
	before := w.count(t, w.TaskObject)
	w.Wire.Fail(true, w.Refusals[connectors.Denied])
	person.Key, task.Key, task.After, task.Links = "p2", "t2", "p2", nil
	person.Set[w.Email] = "newer@buyer.example"
	results = apply(t, c, person, task)
	if results[0].Err == nil || results[1].Err == nil || w.count(t, w.TaskObject) != before {
		t.Errorf("got %+v and %d tasks, before %d", results, w.count(t, w.TaskObject), before)
	}
}

func sameKeyTwice(t *testing.T, c connectors.Connector, w World) {
	ids := w.add(t, 1)
	before := w.count(t, w.TaskObject)
	results := apply(t, c, w.task("same", ids[0]), w.task("same", ids[0]))
	if results[0].Err != nil || results[0].Ref != results[1].Ref || w.count(t, w.TaskObject) != before+1 {
		t.Errorf("got %+v and %d tasks, before %d", results, w.count(t, w.TaskObject), before)
	}
	if !w.Exact {
		return
	}
	again := apply(t, c, w.task("same", ids[0]))[0] // our own key is refused: that is success
	if again.Err != nil || again.Ref != results[0].Ref || w.count(t, w.TaskObject) != before+1 {
		t.Errorf("made again: %+v", again)
	}
}

// lostReply: a create that was applied and not answered is Ambiguous, is not
// sent again by itself, and is found (C2).
func lostReply(t *testing.T, c connectors.Connector, w World) {
	ids := w.add(t, 1)
	before := w.count(t, w.TaskObject)
	for i, answer := range []Answer{{Err: errReset}, {Status: 500, Body: `{"message":"x"}`}, {Status: 200, Body: `{"results":[`}, {Status: 502, Body: "<html>"}} {
		answer.Applied = true
		w.Wire.Fail(true, answer)
		w.Wire.Forget()
		write := w.task(fmt.Sprint("lost", i), ids[0])
		r := apply(t, c, write)[0]
		if classOf(r) != "ambiguous" {
			t.Fatalf("%d: got %+v", i, r)
		}
		if n := len(w.Wire.Writes()); n != 1 {
			t.Errorf("%d: sent %d times", i, n)
		}
		found, err := c.(connectors.Finder).Find(t.Context(), []connectors.Write{write})
		if err != nil || found[0].ID == "" {
			t.Errorf("%d: found %v, %v", i, found, err)
		}
		if n := w.count(t, w.TaskObject); n != before+i+1 {
			t.Errorf("%d: %d tasks", i, n-before)
		}
	}
}

// lostRequest: the same answers when nothing was applied; then it is not found.
func lostRequest(t *testing.T, c connectors.Connector, w World) {
	ids := w.add(t, 1)
	w.Wire.Fail(true, Answer{Err: errReset})
	write := w.task("never", ids[0])
	if r := apply(t, c, write)[0]; classOf(r) != "ambiguous" {
		t.Fatalf("got %+v", r)
	}
	found, err := c.(connectors.Finder).Find(t.Context(), []connectors.Write{write})
	if err != nil || !found[0].IsZero() {
		t.Errorf("found %v, %v", found, err)
	}
}

func existingPerson(t *testing.T, c connectors.Connector, w World) {
	if !w.Unique {
		t.Skip("this CRM allows two persons with one e-mail address")
	}
	ids := w.add(t, 2)
	fresh := w.person(77)
	results := apply(t, c,
		connectors.Write{Ref: connectors.Ref{Kind: w.Person}, Key: "a", Set: w.person(1)},
		connectors.Write{Ref: connectors.Ref{Kind: w.Person}, Key: "b", Set: fresh},
	)
	if classOf(results[0]) != "conflict" || results[0].Err.Existing.ID != ids[1] || results[0].Err.Existing.Kind != w.Person {
		t.Errorf("got %+v, want a conflict with %s", results[0].Err, ids[1])
	}
	if results[1].Err != nil {
		t.Errorf("the other one: %v", results[1].Err)
	}
}

// classes: each of the CRM's refusals of a whole request, for a read and a
// write. No write is sent twice, save after a 401.
func classes(t *testing.T, c connectors.Connector, w World) {
	ids := w.add(t, 1)
	readAll(t, c, w, ids) // describes
	for class := connectors.Throttled; class <= connectors.Ambiguous; class++ {
		answer, ok := w.Refusals[class]
		if !ok {
			continue
		}
		const forgotten = 16 * time.Minute // the longest that a refusal is believed
		time.Sleep(forgotten)
		readAll(t, c, w, ids)
		sent := 1
		if answer.Status == 401 {
			sent = 2
			w.Wire.Fail(true, answer)
		}
		w.Wire.Fail(true, answer)
		w.Wire.Forget()
		r := apply(t, c, connectors.Write{Ref: w.ref(ids[0]), Key: "k", Set: map[string]any{w.Text: class.String()}})[0]
		if classOf(r) != class.String() || r.Err == nil || r.Err.Op == "" || answer.Status != r.Err.Status {
			t.Errorf("a write refused as %v: %v", class, r.Err)
		}
		if n := len(w.Wire.Writes()); n != sent {
			t.Errorf("a write refused as %v was sent %d times", class, n)
		}
		if class == connectors.Ambiguous || class == connectors.Conflict {
			continue
		}
		time.Sleep(forgotten)
		for range 6 { // more than a replayable call is tried
			w.Wire.Fail(false, answer)
		}
		_, err := c.Read(t.Context(), w.Person, ids, []string{w.Text})
		if got := connectors.ClassOf(err); got != class {
			t.Errorf("a read refused as %v: %v", class, err)
		}
		w.Wire.mu.Lock()
		w.Wire.plans = nil
		w.Wire.mu.Unlock()
	}
	time.Sleep(time.Hour)
	readAll(t, c, w, ids) // and it works again
}

// cancelled: nothing is attempted for a caller who is gone.
func cancelled(t *testing.T, c connectors.Connector, w World) {
	ids := w.add(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.Wire.Forget()
	if _, err := c.Apply(ctx, []connectors.Write{w.task("k", ids[0])}); connectors.ClassOf(err) != connectors.Unavailable {
		t.Errorf("apply: %v", err)
	}
	if n := len(w.Wire.Seen()); n != 0 {
		t.Errorf("%d requests", n)
	}
}
