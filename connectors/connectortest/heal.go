package connectortest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
)

// copies: where the CRM takes a second task of one key, both are shown, the
// older one first, with what somebody has begun to work with; what is removed
// is shown no more, twice removed is no error, and nothing but a task is ever
// removed (C2).
func copies(t *testing.T, c connectors.Connector, w World) {
	healer, ok := c.(connectors.Healer)
	if !ok || w.Exact {
		t.Skip("no second task is taken")
	}
	ids := w.add(t, 2)
	write, other := w.task("copied", ids[0]), w.task("single", ids[1])
	first, second := apply(t, c, write)[0], apply(t, c, write)[0]
	alone := apply(t, c, other)[0]
	if first.Err != nil || second.Err != nil || alone.Err != nil || first.Ref == second.Ref {
		t.Fatalf("got %+v, %+v, %+v", first, second, alone)
	}
	want := func(doing string, want ...[]connectors.Copy) {
		t.Helper()
		got, err := healer.Copies(t.Context(), []connectors.Write{write, w.task("never", ids[1]), other})
		if err != nil {
			t.Fatalf("%s: %v", doing, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", doing, diff)
		}
	}
	single := []connectors.Copy{{Ref: alone.Ref}}
	want("made", []connectors.Copy{{Ref: first.Ref}, {Ref: second.Ref}}, nil, single)
	done := apply(t, c, connectors.Write{Ref: second.Ref, Key: "done", Set: map[string]any{connectors.TaskStatus: "done"}})[0]
	if done.Err != nil {
		t.Fatal(done.Err)
	}
	want("one is done", []connectors.Copy{{Ref: first.Ref}, {Ref: second.Ref, Touched: true}}, nil, single)
	for range 2 {
		if err := healer.Remove(t.Context(), []connectors.Ref{first.Ref}); err != nil {
			t.Fatal(err)
		}
	}
	want("one is removed", []connectors.Copy{{Ref: second.Ref, Touched: true}}, nil, single)
	before := w.count(t, string(w.Person))
	if err := healer.Remove(t.Context(), []connectors.Ref{{Conn: first.Ref.Conn, Kind: w.Person, ID: ids[0]}}); err == nil || w.count(t, string(w.Person)) != before {
		t.Errorf("a person was removed: %v", err)
	}
}
