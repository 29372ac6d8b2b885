package state

import (
	"iter"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Doubt is a task that was made again after nobody had answered the first
// time, in a CRM that takes a second one: the first may still be made, however
// late. It is looked for until that cannot be any more (C2).
type Doubt struct {
	Handoff string           `json:"handoff"`
	Step    string           `json:"step"`
	Write   connectors.Write `json:"write"`
	Due     time.Time        `json:"due"`   // when to look next
	Until   time.Time        `json:"until"` // when to look for the last time
}

var doubts = Table[Doubt]{Bucket: Meta}

const doubtKey = "doubt"

// PutDoubt stores it. Key: "doubt", connection, key of the write.
func PutDoubt(tx Tx, d Doubt) { doubts.Put(tx, Key(doubtKey, d.Write.Ref.Conn, d.Write.Key), d) }

// DropDoubt forgets it.
func DropDoubt(tx Tx, d Doubt) { doubts.Delete(tx, Key(doubtKey, d.Write.Ref.Conn, d.Write.Key)) }

// Doubts yields those of a connection.
func Doubts(tx Tx, conn string) iter.Seq2[string, Doubt] {
	return doubts.All(tx, Key(doubtKey, conn))
}
