package state

import (
	"fmt"
)

// VerifyAudit walks the whole trail and reports the first row that was
// changed, removed, added or moved since it was written.
func VerifyAudit(tx Tx) error {
	prev := ""
	var last uint64
	for key, row := range AllAudit(tx, 0) {
		hash, err := auditHash(row)
		switch {
		case err != nil:
			return fmt.Errorf("audit %d: %w", row.Seq, err)
		case key != Key(row.Seq) || row.Seq <= last:
			return fmt.Errorf("%w: audit row %d stands in another's place", ErrCorrupt, row.Seq)
		case row.Prev != prev:
			return fmt.Errorf("%w: audit row %d does not follow row %d", ErrCorrupt, row.Seq, last)
		case row.Hash != hash:
			return fmt.Errorf("%w: audit row %d was changed", ErrCorrupt, row.Seq)
		}
		prev, last = row.Hash, row.Seq
	}
	if err := tx.Err(); err != nil {
		return err
	}
	if head, _ := words.Get(tx, auditHead); head != prev {
		return fmt.Errorf("%w: audit rows after row %d are missing", ErrCorrupt, last)
	}
	return tx.Err()
}

// VerifyIndexes reports the first handoff, timer, outbox entry or decision
// whose index is not what it should be.
func VerifyIndexes(tx Tx) error {
	want := map[Bucket]map[string]bool{ByRecord: {}, Load: {}, Due: {}, DecidedOf: {}}
	for _, h := range AllHandoffs(tx) {
		index(h, func(b Bucket, k string) { want[b][k] = true })
	}
	for _, i := range AllIntents(tx) {
		if i.State != Parked {
			want[Due][dueKey(i)] = true
		}
	}
	for _, d := range DecisionRows(tx, "", "") {
		for _, k := range decisionIndex(d) {
			want[DecidedOf][k] = true
		}
	}
	for _, b := range []Bucket{ByRecord, Load, Due, DecidedOf} {
		n := 0
		for k := range tx.Scan(b, nil, nil) {
			if !want[b][string(k)] {
				return fmt.Errorf("%w: %s %q names nothing", ErrCorrupt, b, k)
			}
			n++
		}
		if n != len(want[b]) {
			return fmt.Errorf("%w: %s lacks %d of %d rows", ErrCorrupt, b, len(want[b])-n, len(want[b]))
		}
	}
	return verifyTimers(tx)
}

func verifyTimers(tx Tx) error {
	n := 0
	for key, t := range timers.All(tx, timerDue) {
		place, ok := timerIDs.Get(tx, timerID+t.ID)
		if !ok || string(place) != key || key != timerDue+Key(t.Due)+t.ID {
			return fmt.Errorf("%w: timer %q is not where its id says", ErrCorrupt, t.ID)
		}
		n++
	}
	for range Prefix(tx, Timers, timerID) {
		n--
	}
	if n != 0 && tx.Err() == nil {
		return fmt.Errorf("%w: %d timer ids name no timer", ErrCorrupt, -n)
	}
	return tx.Err()
}
