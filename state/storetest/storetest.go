// Package storetest is the contract of state.Store as tests. Every store runs
// all of them on its real medium.
package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// Faulty is a store whose next commit can be made to fail.
type Faulty interface {
	// FailCommit makes the next commit end in err; with kept, after the
	// changes have reached the disk, for an error says nothing of that.
	FailCommit(err error, kept bool)
}

// Run runs the contract. open opens the state kept in a folder, and makes it
// if there is none; it fails the test rather than return an error. Stores are
// closed by the tests.
func Run(t *testing.T, open func(t *testing.T, dir string) state.Store) {
	t.Parallel()
	for _, test := range []struct {
		name string
		run  func(*testing.T, func(*testing.T, string) state.Store)
	}{
		{"read your writes", readYourWrites},
		{"scan bounds", scanBounds},
		{"scan while writing", scanWhileWriting},
		{"like a map", likeAMap},
		{"snapshots", snapshots},
		{"failures leave nothing", failuresLeaveNothing},
		{"failures in a group", failuresInAGroup},
		{"first failure sticks", firstFailureSticks},
		{"views do not write", viewsDoNotWrite},
		{"sequences", sequences},
		{"waiting ends with its context", waitingEnds},
		{"closed", closed},
		{"commit fault", commitFault},
		{"leases", leases},
		{"inbox", inbox},
		{"timers", timers},
		{"outbox", outbox},
		{"handoff indexes", handoffIndexes},
		{"apply", apply},
		{"audit", audit},
		{"decisions", decisions},
		{"archive", archive},
		{"archive again", archiveAgain},
		{"past in order", pastInOrder},
		{"versions in use stay", versionsInUseStay},
		{"reopen", reopen},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open)
		})
	}
}

// start is a store in a folder of its own, closed at the end.
func start(t *testing.T, open func(*testing.T, string) state.Store) state.Store {
	t.Helper()
	s := open(t, t.TempDir())
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func update(t *testing.T, s state.Store, fn func(state.Tx)) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx state.Tx) error { fn(tx); return nil }); err != nil {
		t.Fatalf("update: %v", err)
	}
}

func view(t *testing.T, s state.Store, fn func(state.Tx)) {
	t.Helper()
	if err := s.View(t.Context(), func(tx state.Tx) error { fn(tx); return nil }); err != nil {
		t.Fatalf("view: %v", err)
	}
}

// keys lists a bucket, values with their keys.
func keys(tx state.Tx, b state.Bucket) []string {
	var all []string
	for k, v := range tx.Scan(b, nil, nil) {
		all = append(all, string(k)+"="+string(v))
	}
	return all
}

func put(tx state.Tx, k, v string) { tx.Put(state.Cursors, []byte(k), []byte(v)) }

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

var errOnPurpose = errors.New("on purpose")

// noon is when everything in these tests happens.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func contact(n int) connectors.Ref {
	return connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: fmt.Sprint(n)}
}
