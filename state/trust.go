package state

import (
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// First is the trial of a connection that nothing has been written to: its
// first writes wait until somebody has looked at them.
type First struct {
	Done int  `json:"done,omitempty"` // approved ones that stand in the CRM
	Over bool `json:"over,omitempty"` // enough of them do
}

// Approval is somebody's leave for the writes of one handoff, or for one write.
type Approval struct {
	ID string    `json:"id"` // of the handoff, or the write's key where it has none
	By string    `json:"by"`
	At time.Time `json:"at"`
}

var (
	approvals = Table[Approval]{Bucket: Meta}
	instants  = Table[time.Time]{Bucket: Meta}
)

const (
	approvedKey = "approved"
	movedKey    = "moved"
	letGoKey    = "let_go"
)

// PutApproval lets the writes of a handoff go. Key: "approved", id.
func PutApproval(tx Tx, a Approval) { approvals.Put(tx, Key(approvedKey, a.ID), a) }

// Owed is what an approval of this entry names.
func (i Intent) Owed() string {
	if i.Handoff != "" {
		return i.Handoff
	}
	return i.Write.Key
}

// Approved reports whether an entry may leave while its connection is on
// trial: somebody has approved it, or ordered it.
func Approved(tx Tx, i Intent) bool {
	if i.Ordered {
		return true
	}
	for _, id := range []string{i.Handoff, i.Write.Key} {
		if _, ok := approvals.Get(tx, Key(approvedKey, id)); ok && id != "" {
			return true
		}
	}
	return false
}

// DropApprovals forgets every approval: the trial is over.
func DropApprovals(tx Tx) {
	for key := range approvals.All(tx, Key(approvedKey)) {
		approvals.Delete(tx, key)
	}
}

// OnTrial reports whether the first writes of a connection wait for approval.
func OnTrial(tx Tx, conn string) bool {
	c, ok := GetConn(tx, conn)
	return ok && c.First != nil && !c.First.Over
}

// Untouched reports whether nothing was ever written to a connection.
func Untouched(tx Tx, conn string) bool {
	for range BeforesOf(tx, conn) {
		return false
	}
	for _, h := range AllHandoffs(tx) { // of a state older than the bucket above
		for _, e := range h.Effects {
			if e.State == "done" && e.Ref.Conn == conn {
				return false
			}
		}
	}
	return true
}

// CountMove notes, once, that a write changes an owner, at the instant of what
// led to it. Key: "moved", instant, write key.
func CountMove(tx Tx, i Intent) {
	mark(tx, Meta, Key(movedKey, i.Moves)+i.Write.Key, "")
}

// CountedMove reports whether the change has been counted.
func CountedMove(tx Tx, i Intent) bool {
	return tx.Get(Meta, []byte(Key(movedKey, i.Moves)+i.Write.Key)) != nil
}

// MovesBetween are the instants of the owner changes counted in [from, to], in
// order.
func MovesBetween(tx Tx, from, to time.Time) []time.Time {
	prefix := Key(movedKey)
	var at []time.Time
	for k := range tx.Scan(Meta, []byte(Key(movedKey, from)), []byte(Key(movedKey, to.Add(1)))) {
		at = append(at, instantOf(k[len(prefix):]))
	}
	return at
}

// ForgetMoves forgets those before an instant.
func ForgetMoves(tx Tx, before time.Time) {
	for k := range tx.Scan(Meta, []byte(Key(movedKey)), []byte(Key(movedKey, before))) {
		tx.Delete(Meta, k)
	}
}

// LetGo is when an operator last let go what a safety stop held: owner changes
// decided before that were looked at, and count no more.
func LetGo(tx Tx) time.Time {
	at, _ := instants.Get(tx, letGoKey)
	return at
}

// Release ends a safety stop, and returns it; nil: there was none.
func Release(tx Tx, now time.Time) *Reconcile {
	for key, r := range AllReconciles(tx) {
		if !r.Stop {
			continue
		}
		reconciles.Delete(tx, key)
		instants.Put(tx, letGoKey, now)
		ForgetMoves(tx, now.Add(1))
		return &r
	}
	return nil
}

// Actual is what really became of a record whose handoff was only observed
// (G11): what the CRM showed some working hours later.
type Actual struct {
	Had     string    `json:"had,omitempty"`    // who owned it when we decided: an e-mail, else the CRM's name or id
	Owner   string    `json:"owner,omitempty"`  // who did when we looked; blank: nobody
	Since   time.Time `json:"since,omitzero"`   // since when; zero: since before we decided
	Touched time.Time `json:"touched,omitzero"` // the first contact with the buyer that was seen
	At      time.Time `json:"at,omitzero"`      // when we looked; zero: not yet
	Gone    bool      `json:"gone,omitempty"`   // the record was
}

// Undone is what an undo did to a handoff.
type Undone struct {
	At       time.Time        `json:"at"`
	By       string           `json:"by"`
	Restored bool             `json:"restored"`          // false: somebody has touched it, and not everything was written
	Left     bool             `json:"left,omitempty"`    // it was to be put back, and somebody came first or the CRM refused it
	Records  []connectors.Ref `json:"records,omitempty"` // put back
	Tasks    int              `json:"tasks,omitempty"`   // closed
	Touches  []Touch          `json:"touches,omitempty"` // why nothing was
	Stays    []string         `json:"stays,omitempty"`   // what cannot be put back
}

// Touch is what somebody did to a record since we wrote it.
type Touch struct {
	Ref  connectors.Ref `json:"ref,omitzero"`
	What string         `json:"what"`
	Who  string         `json:"who,omitempty"`
	At   time.Time      `json:"at,omitzero"`
}

// DropListing takes a thing off a list; it reports whether it stood there.
func DropListing(tx Tx, list, subject string) bool {
	key := Key(list, subject)
	_, ok := listings.Get(tx, key)
	if ok {
		listings.Delete(tx, key)
	}
	return ok
}

// Fits reports whether one more owner change at that instant leaves every
// stretch of that length with at most so many. seen is in order; with the new
// one in its place it is returned too.
func Fits(seen []time.Time, at time.Time, within time.Duration, most int) ([]time.Time, bool) {
	i, _ := slices.BinarySearchFunc(seen, at, time.Time.Compare)
	all := slices.Insert(slices.Clone(seen), i, at)
	for from := max(0, i-most); from <= i && from+most < len(all); from++ {
		if all[from+most].Sub(all[from]) < within {
			return all, false
		}
	}
	return all, true
}
