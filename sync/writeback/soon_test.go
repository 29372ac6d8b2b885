package writeback

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// takingTime reads each record in its time, and says in the end what it could not read.
type takingTime struct {
	*rig
	takes map[string]time.Duration
}

func (c takingTime) Read(ctx context.Context, k connectors.Kind, ids, _ []string) (read []connectors.Object, err error) {
	began := time.Now()
	defer func() { c.now = c.now.Add(time.Since(began)) }()
	ids = slices.SortedFunc(slices.Values(ids), func(a, b string) int { return int(c.takes[a] - c.takes[b]) })
	for _, id := range ids {
		select {
		case <-ctx.Done():
			return read, &connectors.Error{Class: connectors.Unavailable, Op: "read", Err: ctx.Err()}
		case <-time.After(c.takes[id] - time.Since(began)):
			read = append(read, connectors.Object{Ref: connectors.Ref{Conn: "hubspot", Kind: k, ID: id}, Version: "2", ModifiedAt: c.now.Add(-time.Minute)})
		}
	}
	return read, nil
}

// TestReadSoonEnough: what was read just before its write leaves, however long a CRM takes
// to fail with the rest; and one that takes long for everything is written to all the same
// (C1, C11).
func TestReadSoonEnough(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		takes  map[string]time.Duration
		within time.Duration
		sent   []string
	}{
		"at once":         {map[string]time.Duration{"1": 0, "2": 0}, time.Second, []string{"1", "2"}},
		"one is not told": {map[string]time.Duration{"1": 100 * time.Millisecond, "2": time.Hour}, 5 * time.Second, []string{"1"}},
		"slow":            {map[string]time.Duration{"1": 6 * time.Second, "2": 6 * time.Second}, 15 * time.Second, []string{"1", "2"}},
		"hangs":           {map[string]time.Duration{"1": time.Hour, "2": time.Hour}, time.Minute, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.w.Connector = takingTime{r, tc.takes}
				for id := range tc.takes {
					i := r.update(id, id)
					i.Fresh, i.ReadAt = true, time.Time{}
					r.put(i)
				}
				for end := r.now.Add(tc.within); r.now.Before(end); r.now = r.now.Add(100 * time.Millisecond) {
					r.rounds(2)
				}
				slices.Sort(r.sent)
				if !slices.Equal(r.sent, tc.sent) {
					t.Errorf("sent %v within %s, want %v", r.sent, tc.within, tc.sent)
				}
				for id := range tc.takes {
					if i, there := r.get(id); there == slices.Contains(tc.sent, id) || there && i.State != state.Ready {
						t.Errorf("%s waits: %v, %s", id, there, i.State)
					}
				}
			})
		})
	}
}
