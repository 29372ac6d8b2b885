package state

import "time"

// Trial is what a lane notes of itself, so that an event which kills the
// process each time it is looked at is found out (I10). Names are those of
// records and timers.
type Trial struct {
	Running  bool           `json:"running"`            // the process has not ended by itself
	Trying   []string       `json:"trying,omitempty"`   // in hand, where the last process died
	Suspects map[string]int `json:"suspects,omitempty"` // deaths with it in hand
	// Condemned is what has killed three processes, and when it did the last.
	Condemned map[string]time.Time `json:"condemned,omitempty"`
}

var trials = Table[Trial]{Bucket: Meta}

// GetTrial returns what a lane noted last. Key: "trial", lane.
func GetTrial(tx Tx, lane string) Trial {
	t, _ := trials.Get(tx, Key("trial", lane))
	return t
}

// PutTrial stores it.
func PutTrial(tx Tx, lane string, t Trial) { trials.Put(tx, Key("trial", lane), t) }
