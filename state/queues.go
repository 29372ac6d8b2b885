package state

import (
	"iter"
	"time"
)

// The timer bucket holds "d", due, id -> timer and "i", id -> its first key.
const (
	timerDue = "d\x00"
	timerID  = "i\x00"
)

// SetTimer stores a timer in place of the one with its id.
func SetTimer(tx Tx, t Timer) {
	CancelTimer(tx, t.ID)
	key := timerDue + Key(t.Due) + t.ID
	timers.Put(tx, key, t)
	timerIDs.Put(tx, timerID+t.ID, []byte(key))
}

// CancelTimer removes the timer with this id, if there is one.
func CancelTimer(tx Tx, id string) {
	if key, ok := timerIDs.Get(tx, timerID+id); ok {
		tx.Delete(Timers, []byte(timerID+id))
		tx.Delete(Timers, key)
	}
}

// GetTimer returns a timer that is set, by its id.
func GetTimer(tx Tx, id string) (Timer, bool) {
	key, ok := timerIDs.Get(tx, timerID+id)
	if !ok {
		return Timer{}, false
	}
	return timers.Get(tx, string(key))
}

// TimersUntil yields the timers due at or before the instant, in order.
func TimersUntil(tx Tx, until time.Time) iter.Seq[Timer] {
	return func(yield func(Timer) bool) {
		for _, t := range timers.Range(tx, timerDue, timerDue+Key(until.Add(1))) {
			if !yield(t) {
				return
			}
		}
	}
}

// NextTimer is when the first timer is due that is due later than the instant:
// one that is overdue and waits does not hide those to come.
func NextTimer(tx Tx, later time.Time) (time.Time, bool) {
	for _, t := range timers.Range(tx, timerDue+Key(later.Add(1)), string(after(timerDue))) {
		return t.Due, true
	}
	return time.Time{}, false
}

// GetIntent returns an outbox entry by the key of its write.
func GetIntent(tx Tx, key string) (Intent, bool) { return outbox.Get(tx, key) }

// PutIntent stores an outbox entry and its place in the queue. Parked entries
// have none. Key of due: destination, rank, due, key.
func PutIntent(tx Tx, i Intent) {
	if old, ok := GetIntent(tx, i.Write.Key); ok {
		tx.Delete(Due, []byte(dueKey(old)))
	}
	outbox.Put(tx, i.Write.Key, i)
	if i.State != Parked {
		mark(tx, Due, dueKey(i), "")
	}
}

// DropIntent removes an outbox entry.
func DropIntent(tx Tx, key string) {
	if old, ok := GetIntent(tx, key); ok {
		tx.Delete(Due, []byte(dueKey(old)))
		outbox.Delete(tx, key)
	}
}

// A rank outside FirstRank to MaxRank counts as the nearer end: an entry that no walk
// over the ranks met would never be sent.
func dueKey(i Intent) string {
	return Key(i.Dest, min(max(i.Rank, FirstRank), MaxRank), i.Due) + i.Write.Key
}

// ranks yields the beginning of the keys of each rank at which entries wait for a
// destination, the most urgent first: one look-up each, and one that finds no more.
func ranks(tx Tx, dest string) iter.Seq[string] {
	return func(yield func(string) bool) {
		all := Key(dest)
		for from, to := []byte(all), after(all); ; {
			rank := ""
			for k := range tx.Scan(Due, from, to) {
				rank = string(k[:len(all)+8])
				break
			}
			if rank == "" || !yield(rank) {
				return
			}
			from = after(rank)
		}
	}
}

// DueIntents yields the entries for a destination that are due, the most
// urgent rank first and within a rank the one that has been due longest. It
// costs two look-ups per rank that is taken beside the entries it yields.
func DueIntents(tx Tx, dest string, now time.Time) iter.Seq[Intent] {
	return func(yield func(Intent) bool) {
		for from := range ranks(tx, dest) {
			for k := range tx.Scan(Due, []byte(from), []byte(from+Key(now.Add(1)))) {
				i, ok := GetIntent(tx, string(k[len(from)+8:]))
				if ok && !yield(i) {
					return
				}
			}
		}
	}
}

const (
	// FirstRank goes before every urgency: what somebody has lost to a write of ours, and
	// what it takes to find that out. What is put back late has been lost for as long.
	FirstRank = -1
	// MaxRank is the least urgent rank.
	MaxRank = 9
)

// CountDue counts the entries for a destination that are due, up to most. It
// reads keys and no value.
func CountDue(tx Tx, dest string, now time.Time, most int) (n int) {
	for from := range ranks(tx, dest) {
		for range tx.Scan(Due, []byte(from), []byte(from+Key(now.Add(1)))) {
			if n++; n >= most {
				return n
			}
		}
	}
	return n
}

// NextDue is when the first entry for a destination may be sent that is due
// later than the instant: one that is due and has to wait for another does not
// hide those to come. It reads keys and no value.
func NextDue(tx Tx, dest string, later time.Time) (next time.Time, ok bool) {
	for from := range ranks(tx, dest) {
		for k := range tx.Scan(Due, []byte(from+Key(later.Add(1))), after(from)) {
			if due := instantOf(k[len(from):]); !ok || due.Before(next) {
				next, ok = due, true
			}
			break
		}
	}
	return next, ok
}

// AllIntents yields the whole outbox in the order of keys.
func AllIntents(tx Tx) iter.Seq2[string, Intent] { return outbox.All(tx, "") }
