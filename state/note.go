package state

import (
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Note is a text that somebody has written on a record, by the hash of its
// words: enough to know it again on another record, and nothing else.
type Note struct {
	Hash   string         `json:"hash"`
	Record connectors.Ref `json:"record"`
	At     time.Time      `json:"at"`
}

var notes = Table[Note]{Bucket: Notes, Subject: func(n Note) string { return n.Record.String() }}

// noteSlot is where a note is kept. There are 32,768 places; a newer note takes
// the place of an older one, so that they never grow: a cache of what was
// written of late.
func noteSlot(hash string) string { return hash[:min(3, len(hash))] }

// GetNote returns the note of a hash, if it is still remembered.
func GetNote(tx Tx, hash string) (Note, bool) {
	n, ok := notes.Get(tx, noteSlot(hash))
	return n, ok && n.Hash == hash
}

// PutNote remembers it.
func PutNote(tx Tx, n Note) { notes.Put(tx, noteSlot(n.Hash), n) }
