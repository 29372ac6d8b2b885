package state

import (
	"encoding/json"
	"fmt"
	"time"
)

// Arrival is a change made ready to be taken in. Transactions run one after
// the other, so all that does not depend on what they find is done before
// them, by whoever brings the change.
type Arrival struct {
	queue   string // start of its key in the inbox: connection, rank
	event   []byte // its key in seen
	seen    []byte // its value there
	subject [8]byte
	payload []byte
	err     error
}

// Arrive makes a change ready. What is wrong with it shows when it is appended.
func Arrive(c Change) Arrival { return ArriveOn(c, c.At) }

// ArriveOn makes a change ready whose event carries no time of its own: it is
// remembered as of the given instant, which has to be the same each time the
// event comes.
func ArriveOn(c Change, at time.Time) Arrival {
	a := Arrival{
		queue: Key(c.Ref.Conn, c.Rank), event: []byte(seenKey(at, c.EventID)), subject: subjectOf(inbox.Subject(c)),
	}
	a.seen = seal(Seen, a.event, "", nil)
	a.payload, a.err = json.Marshal(c)
	if a.err != nil {
		a.err = fmt.Errorf("take in %s: %w", c.Ref, a.err)
	}
	return a
}

// Append takes the change in, unless its event was taken before. Key of the
// inbox: connection, rank, sequence; of seen: instant, event, so that both
// grow at their end and old events are pruned as one range.
func (a Arrival) Append(tx Tx) (taken bool) {
	if a.err != nil {
		tx.Fail(a.err)
		return false
	}
	if tx.Get(Seen, a.event) != nil {
		return false
	}
	tx.Put(Seen, a.event, a.seen)
	key := []byte(a.queue + bigEndian(tx.NextSequence(Inbox)))
	if unused(tx, Inbox, key) {
		tx.Put(Inbox, key, sealAs(Inbox, key, a.subject, a.payload))
	}
	return true
}

// AppendInbox takes a change in, unless its event was taken before.
func AppendInbox(tx Tx, c Change) (taken bool) { return Arrive(c).Append(tx) }
