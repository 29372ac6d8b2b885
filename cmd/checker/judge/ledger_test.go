package judge

import (
	"testing"

	"github.com/handoffd/handoffd/connectors"
)

// TestNeverOurs: a record that stands, is gone or hangs on another is none of
// ours to change, whichever word the ledger has for it; our own tasks are (A9).
func TestNeverOurs(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"delete", "purge", "merge", "convert", "restore", "unlink"} {
		f := fine()
		w := walk{l: &loading{f: f, words: &words{}}}
		c := change{Time: at(5), Op: op, Actor: "api:us"}
		if w.wrote(c, job, true); len(f.Removed) > 0 {
			t.Errorf("%s of our task: %v", op, f.Removed)
		}
		if w.wrote(c, connectors.Ref{Conn: "crm", Kind: "people", ID: "8"}, false); len(f.Removed) != 1 {
			t.Errorf("%s of a person: %v, want an offence", op, f.Removed)
		}
	}
}
