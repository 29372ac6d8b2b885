package state

import (
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Told is what programs have said by signals of one record, or of one identity
// that no record is known of yet. Its key is "ref <record>" or an identity:
// "email:dana@acme.com", "domain:acme.com", "<noun>.<word>:<value>".
type Told struct {
	Key string `json:"key"`
	// Last holds the newest value of every word, and ModifiedAt the instant of
	// the newest signal; its Ref is the record's.
	Last Record `json:"last,omitzero"`
	// Waiting are the signals, oldest first, whose record nobody has found yet.
	Waiting []Record  `json:"waiting,omitempty"`
	At      time.Time `json:"at"`
}

// Pace counts what was let through of something that may only come so fast.
type Pace struct {
	Name string    `json:"name"`
	From time.Time `json:"from"` // start of the unit of time that is being filled
	Used int       `json:"used"` // places taken in it
}

var (
	tolds = Table[Told]{Bucket: Identity, Subject: func(t Told) string { return t.Key }}
	paces = Table[Pace]{Bucket: Meta}
)

// ToldKey is the key of what was said of a record.
func ToldKey(ref connectors.Ref) string { return "ref " + ref.String() }

// GetTold returns what was said by signals. Key: "told", the key.
func GetTold(tx Tx, key string) (Told, bool) { return tolds.Get(tx, Key("told", key)) }

// PutTold stores it; one that says nothing is forgotten.
func PutTold(tx Tx, t Told) {
	if t.Last.Noun == "" && len(t.Waiting) == 0 {
		tolds.Delete(tx, Key("told", t.Key))
		return
	}
	tolds.Put(tx, Key("told", t.Key), t)
}

// GetPace returns how much of something was let through. Key: "pace", name.
func GetPace(tx Tx, name string) (Pace, bool) { return paces.Get(tx, Key("pace", name)) }

// PutPace stores it.
func PutPace(tx Tx, p Pace) { paces.Put(tx, Key("pace", p.Name), p) }
