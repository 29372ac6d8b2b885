package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

// TestStatusOverdue: status counts what is overdue by each clock and names the
// longest; the count of what was not accepted stays what it was.
func TestStatusOverdue(t *testing.T) {
	t.Parallel()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "s.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	now := time.Date(2026, 3, 19, 14, 0, 0, 0, time.UTC)
	err = store.Update(t.Context(), func(tx state.Tx) error {
		for n, h := range []state.Handoff{
			{ID: "a", Stage: state.Assigned, AcceptBy: now.Add(-time.Minute), TouchBy: now.Add(-time.Second)},
			{ID: "b", Stage: state.Assigned, AcceptBy: now.Add(-time.Hour)},
			{ID: "c", Stage: state.Accepted, AcceptBy: now.Add(-time.Hour), TouchBy: now.Add(-time.Hour)},
			{ID: "d", Stage: state.Completed, AcceptBy: now.Add(-time.Hour)},
		} {
			h.Owner = "ana@example.com"
			h.Record = connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: string(rune('1' + n))}
			state.PutHandoff(tx, h)
		}
		return tx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	st, err := storedStatus(t.Context(), store, now)
	if err != nil {
		t.Fatal(err)
	}
	want := []overdueClock{
		{"accept", 2, now.Add(-time.Hour), "b", "ana@example.com", "hubspot/contacts/2"},
		{"first_touch", 2, now.Add(-time.Hour), "c", "ana@example.com", "hubspot/contacts/3"},
	}
	if diff := gocmp.Diff(want, st.Clocks); diff != "" || st.Overdue != 2 {
		t.Errorf("not accepted: %d, by clock: %s", st.Overdue, diff)
	}
	var out bytes.Buffer
	if err := show(&out, "csv", st, st.tables(false)); err != nil || !strings.Contains(out.String(), "first_touch,2,") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// TestLeadFits: what a person reads first is no wider than a terminal, and says it
// where nothing is taken in.
func TestLeadFits(t *testing.T) {
	t.Parallel()
	st := status{
		Mode: "write", Paused: true, Held: 2, Full: "too little free space to take more in: 43 MiB free beside /var/lib/handoffd/handoffd.db, intake stops below 64",
		Reconcile:   []state.Reconcile{{Why: "the state is an older copy: it was left at generation 6, and has been at 7 since"}},
		Reload:      &reload{Error: "the configuration has 5 problems and is not used: handoffd.yaml:49:1: a tab stands in the indentation of this line"},
		Connections: map[string]connectionStatus{"hubspot": {Trouble: "the credentials reach tenant 20000077, the state belongs to 20000009; give this connection another name"}},
	}
	text := fitting(strings.Join(st.lead(), "\n"))
	for line := range strings.SplitSeq(text, "\n") {
		if n := len([]rune(line)); n > lineWidth {
			t.Errorf("%d wide: %s", n, line)
		}
	}
	if !strings.Contains(text, "Nothing is taken in") {
		t.Errorf("it does not say that nothing is taken in:\n%s", text)
	}
}

// TestListedSaysWhen: an entry of a list stays when what it says is over, so when it was
// last so stands beside it.
func TestListedSaysWhen(t *testing.T) {
	t.Parallel()
	last := time.Date(2026, 11, 23, 19, 32, 14, 0, time.Local)
	st := status{Listed: []entry{{Listing: state.Listing{List: "denied", Subject: "hubspot contacts", Text: "not written", Count: 3, Last: last}}}}
	var out bytes.Buffer
	if err := show(&out, "table", st, st.tables(true)); err != nil || !strings.Contains(out.String(), "23 Nov 19:32:14") {
		t.Errorf("%v: it does not say when:\n%s", err, out.String())
	}
}
