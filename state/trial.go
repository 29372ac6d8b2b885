package state

import (
	"iter"
	"time"
)

// Trial is what a lane notes of itself, so that an event which kills the
// process each time it is looked at is found out (I10). Names are those of
// records and timers.
type Trial struct {
	Running  bool           `json:"running"`            // the process has not ended by itself
	Trying   []string       `json:"trying,omitempty"`   // in hand, where the last process died
	Deciding bool           `json:"deciding,omitempty"` // decided about, and not only read; noted of one alone
	Suspects map[string]int `json:"suspects,omitempty"` // how much speaks against it
}

// Aside is what was put aside, so that everybody else can be served, and what
// it takes to look at it again.
type Aside struct {
	Name string    `json:"name"` // of the record or timer
	At   time.Time `json:"at"`
	// Deadly says that it has killed process after process: whatever is heard of it
	// is passed over for a day, or until an operator says otherwise.
	Deadly bool `json:"deadly,omitempty"`
	// Timer is the timer it was; nil for a record, which is read again.
	Timer *Timer `json:"timer,omitempty"`
}

var (
	trials = Table[Trial]{Bucket: Meta}
	asides = Table[Aside]{Bucket: Meta}
)

const asideKey = "aside"

// GetTrial returns what a lane noted last. Key: "trial", lane.
func GetTrial(tx Tx, lane string) Trial {
	t, _ := trials.Get(tx, Key("trial", lane))
	return t
}

// PutTrial stores it.
func PutTrial(tx Tx, lane string, t Trial) { trials.Put(tx, Key("trial", lane), t) }

// GetAside returns what is kept of something that was put aside. Key: "aside",
// name of a record or timer.
func GetAside(tx Tx, name string) (Aside, bool) { return asides.Get(tx, Key(asideKey, name)) }

// PutAside stores it.
func PutAside(tx Tx, a Aside) { asides.Put(tx, Key(asideKey, a.Name), a) }

// DropAside lets it be looked at again.
func DropAside(tx Tx, name string) { asides.Delete(tx, Key(asideKey, name)) }

// DeadlySince yields the names of what has killed process after process since an
// instant.
func DeadlySince(tx Tx, since time.Time) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, a := range asides.All(tx, Key(asideKey)) {
			if a.Deadly && a.At.After(since) && !yield(a.Name) {
				return
			}
		}
	}
}
