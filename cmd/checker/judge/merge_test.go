package judge

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// TestMergedSignals: a record that another was merged into may be handed over for
// both their signals, whether or not both ever stood on it; not for a third (C8).
func TestMergedSignals(t *testing.T) {
	t.Parallel()
	into := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "1"}
	gone := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "2"}
	f := &Facts{
		Versions: map[string]int{typed("demo", into): 1, typed("demo", gone): 1, typed("other", gone): 1},
		Objects:  map[connectors.Ref]*Object{}, Missing: map[string]string{},
	}
	w := &walk{l: &loading{f: f}, signs: &signs{triggers: map[string]state.Trigger{
		typed("demo", into): {Type: "demo", Record: into}, typed("demo", gone): {Type: "demo", Record: gone}, typed("other", gone): {Type: "other", Record: gone},
	}}}
	w.gone(change{Op: "merge", Time: time.Now(), Into: into.ID}, gone, &Object{})
	for n, want := range map[int]int{2: 0, 3: 1} {
		if got := invented(f, map[string]int{typed("demo", into): n}); len(got) != want {
			t.Errorf("%d signals: %v", n, got)
		}
	}
	if got := f.Versions[typed("other", into)]; got != 1 {
		t.Errorf("of another type it shows %d", got)
	}
}
