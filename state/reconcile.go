package state

import (
	"iter"
	"time"
)

// Reconcile says that what we remember may lag behind what stands in a CRM: a
// backup was put in place of a newer state, or the CRM holds handoffs that we
// know nothing of. Everything is read and decided meanwhile, and nothing is
// written, until an operator has looked (L7).
type Reconcile struct {
	Conn string    `json:"conn,omitempty"` // "": every connection
	Why  string    `json:"why"`
	At   time.Time `json:"at"`
	// Stop says that handoffd stopped by itself: more owners changed than
	// `safety:` allows.
	Stop bool `json:"stop,omitempty"`
	// Told is who was told of it, and where.
	Told string `json:"told,omitempty"`
}

var (
	reconciles  = Table[Reconcile]{Bucket: Meta}
	generations = Table[uint64]{Bucket: Meta}
)

const (
	reconcileKey  = "reconcile"
	generationKey = "generation"
)

// PutReconcile holds the writes of a connection back. The first reason stays.
func PutReconcile(tx Tx, r Reconcile) {
	key := Key(reconcileKey, r.Conn)
	if _, held := reconciles.Get(tx, key); !held {
		reconciles.Put(tx, key, r)
	}
}

// AllReconciles yields what is held back, that of every connection first. Key:
// "reconcile", connection.
func AllReconciles(tx Tx) iter.Seq2[string, Reconcile] {
	return reconciles.All(tx, Key(reconcileKey))
}

// MayWrite reports whether anything may be written to a connection: nobody has
// paused writing, and nothing is held back.
func MayWrite(tx Tx, conn string) bool {
	if GetPause(tx).On {
		return false
	}
	for _, r := range AllReconciles(tx) {
		if r.Conn == "" || r.Conn == conn {
			return false
		}
	}
	return true
}

// StoppedItself reports whether writing has stopped by itself, and neither a
// person nor anything else holds it back: whoever looks after it can be told.
func StoppedItself(tx Tx) bool {
	stopped := false
	for _, r := range AllReconciles(tx) {
		if !r.Stop {
			return false
		}
		stopped = true
	}
	return stopped && !GetPause(tx).On
}

// Approve lets go what was held back, and returns it. Handoffs that we do not
// know count anew from then on.
func Approve(tx Tx, now time.Time) []Reconcile {
	var all []Reconcile
	if stop := Release(tx, now); stop != nil {
		all = append(all, *stop)
	}
	stops := len(all)
	for key, r := range AllReconciles(tx) {
		all = append(all, r)
		reconciles.Delete(tx, key)
	}
	if len(all) == stops {
		return all
	}
	for _, c := range AllConns(tx) {
		c.Foreign, c.Approved = 0, now
		PutConn(tx, c)
	}
	return all
}

// GetGeneration returns how often this state has begun a new life: it grows
// with every opening and every backup, so that a copy is told from what has
// become of its original.
func GetGeneration(tx Tx) uint64 {
	n, _ := generations.Get(tx, generationKey)
	return n
}

// PutGeneration stores it.
func PutGeneration(tx Tx, n uint64) { generations.Put(tx, generationKey, n) }

// Restored prepares a state that is older than another which has been at work
// since: writing is held back, and every create that had not left may have left
// meanwhile, so it is looked for before it is sent.
func Restored(tx Tx, why string, now time.Time) {
	PutReconcile(tx, Reconcile{Why: why, At: now})
	AppendAudit(tx, AuditRow{At: now, Actor: "handoffd", Action: "reconcile only", Subject: "state", Detail: map[string]string{"why": why}})
	var doubtful []Intent
	for _, i := range AllIntents(tx) {
		if i.State == Ready && i.Write.Creates() {
			doubtful = append(doubtful, i)
		}
	}
	for _, i := range doubtful {
		i.State, i.SentAt = Sending, now
		PutIntent(tx, i)
	}
}
