package state

import "time"

// Budget is what a person has been told by us, so that nobody is told too much
// (1.71). The one without a name counts what everybody is told in a minute.
type Budget struct {
	Who   string    `json:"who"`
	Day   string    `json:"day,omitempty"`   // the day Count is of, where they work
	Since time.Time `json:"since,omitzero"`  // of the one without a name: the minute Count is of; of a report: when it began to count
	Count int       `json:"count,omitempty"` // notices sent one by one
	// Wait are the notices that are told together, at Due; More counts those
	// beyond what is kept here.
	Wait     []Notice  `json:"wait,omitempty"`
	More     int       `json:"more,omitempty"`
	Due      time.Time `json:"due,omitzero"`
	Channels []string  `json:"channels,omitempty"` // where the digest goes
	// Tally is what a report that is sent once has counted, by what.
	Tally map[string]int `json:"tally,omitempty"`
}

// Notice is one line of a digest.
type Notice struct {
	Handoff string `json:"handoff"`
	Clock   string `json:"clock,omitempty"` // it says nothing once this is met
	Text    string `json:"text"`
}

var budgets = Table[Budget]{Bucket: Meta}

// GetBudget returns what a person has been told.
func GetBudget(tx Tx, who string) (Budget, bool) { return budgets.Get(tx, Key("budget", who)) }

// PutBudget stores it.
func PutBudget(tx Tx, t Budget) { budgets.Put(tx, Key("budget", t.Who), t) }
