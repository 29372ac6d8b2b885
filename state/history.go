package state

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// seenDecision is a decision as stored: with the hashes of the records it saw,
// so that they move with it.
type seenDecision struct {
	Decision
	Seen []string `json:"seen,omitempty"`
}

var decided = Table[seenDecision]{Bucket: Decided, packed: true, Subject: func(d seenDecision) string {
	return d.Record.String()
}}

// DecisionKey is the key of a decision: instant, id.
func DecisionKey(d Decision) string { return Key(d.At) + strings.ToLower(d.ID) }

// RecordHash names one version of one record by its content.
func RecordHash(r Record) string {
	hash, _, err := recordContent(r)
	if err != nil {
		return "" // an instant outside the years 0 to 9999; PutDecision says so
	}
	return hash
}

func recordContent(r Record) (hash string, raw []byte, err error) {
	r.CreatedAt, r.ModifiedAt = r.CreatedAt.UTC(), r.ModifiedAt.UTC()
	raw, err = json.Marshal(r)
	if err != nil {
		return "", nil, fmt.Errorf("record %s: %w", r.Ref, err)
	}
	return Digest("record", string(raw)), raw, nil
}

// PutDecision stores a decision at its DecisionKey and each record it saw
// under its RecordHash, unless that is stored already. The same decision again
// changes nothing.
func PutDecision(tx Tx, d Decision, seen []Record) {
	row := seenDecision{Decision: d}
	for _, r := range seen {
		hash, raw, err := recordContent(r)
		if err != nil {
			tx.Fail(err)
			return
		}
		putVersion(tx, hash, r.Ref, raw, day(d.At))
		row.Seen = append(row.Seen, hash)
	}
	decided.Put(tx, DecisionKey(d), row)
	for _, key := range decisionIndex(d) {
		mark(tx, DecidedOf, key, d.Record.String())
	}
}

func decisionIndex(d Decision) []string {
	var keys []string
	if d.Handoff != "" {
		keys = append(keys, Key("handoff", d.Handoff)+DecisionKey(d))
	}
	if !d.Record.IsZero() {
		keys = append(keys, Key("record", d.Record)+DecisionKey(d))
	}
	return keys
}

// GetDecision returns a decision that has not been archived by its key.
func GetDecision(tx Tx, key string) (Decision, bool) {
	d, ok := decided.Get(tx, key)
	return d.Decision, ok
}

// DecisionsOf yields the decisions of a handoff, the oldest first, that have
// not been archived. Store.PastOf finds those that have.
func DecisionsOf(tx Tx, handoff string) iter.Seq[Decision] {
	return decisionsAt(tx, Key("handoff", handoff))
}

// DecisionsAbout yields those about a record, likewise.
func DecisionsAbout(tx Tx, ref connectors.Ref) iter.Seq[Decision] {
	return decisionsAt(tx, Key("record", ref))
}

func decisionsAt(tx Tx, prefix string) iter.Seq[Decision] {
	return func(yield func(Decision) bool) {
		for key := range Prefix(tx, DecidedOf, prefix) {
			if d, ok := GetDecision(tx, key); ok && !yield(d) {
				return
			}
		}
	}
}

// DecisionRows yields decisions with their keys, in order, made in [from,
// until); a from longer than an instant goes on behind that key.
func DecisionRows(tx Tx, from, until string) iter.Seq2[string, Decision] {
	return func(yield func(string, Decision) bool) {
		for key, d := range decided.Range(tx, from, until) {
			if !yield(key, d.Decision) {
				return
			}
		}
	}
}

// DecisionRowsOf yields those of one handoff, likewise.
func DecisionRowsOf(tx Tx, handoff, from, until string) iter.Seq2[string, Decision] {
	return func(yield func(string, Decision) bool) {
		prefix := Key("handoff", handoff)
		to := []byte(prefix + until)
		if until == "" {
			to = after(prefix)
		}
		for k := range tx.Scan(DecidedOf, []byte(prefix+from), to) {
			key := string(k[len(prefix):])
			if d, ok := GetDecision(tx, key); ok && !yield(key, d) {
				return
			}
		}
	}
}

// A version's payload is the day it was last used (4 bytes, days since 1970)
// and the packed record. The day lets go of versions that no decision left in
// the state file names, without counting references: it is written again once
// a day at most.
const versionHead = 4

func day(t time.Time) uint32 { return uint32(max(t.Unix(), 0) / (24 * 60 * 60)) }

func putVersion(tx Tx, hash string, ref connectors.Ref, raw []byte, used uint32) {
	key := []byte(hash)
	var packed []byte
	if old := tx.Get(Versions, key); old != nil {
		payload, err := unsealVersion(key, old)
		if err != nil {
			tx.Fail(err)
			return
		}
		if binary.BigEndian.Uint32(payload) >= used {
			return
		}
		packed = payload[versionHead:]
	}
	payload := binary.BigEndian.AppendUint32(make([]byte, 0, 512), used)
	if packed != nil {
		payload = append(payload, packed...)
	} else {
		payload = pack(payload, raw)
	}
	tx.Put(Versions, key, seal(Versions, key, ref.String(), payload))
}

func unsealVersion(key, value []byte) ([]byte, error) {
	payload, err := unseal(Versions, key, value)
	if err == nil && len(payload) < versionHead {
		err = fmt.Errorf("%w: a version of %d bytes", ErrCorrupt, len(payload))
	}
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", Versions, key, err)
	}
	return payload, nil
}

// GetVersion returns a record by its hash, if it has not been archived.
// Store.Version looks everywhere.
func GetVersion(tx Tx, hash string) (r Record, ok bool) {
	key := []byte(hash)
	value := tx.Get(Versions, key)
	if value == nil {
		return Record{}, false
	}
	payload, err := unsealVersion(key, value)
	if err == nil {
		payload, err = unpack(payload[versionHead:])
	}
	if err == nil {
		err = json.Unmarshal(payload, &r)
	}
	if err != nil {
		tx.Fail(fmt.Errorf("%s %q: %w", Versions, hash, err))
		return Record{}, false
	}
	return r, true
}

// Row is one stored row as bytes.
type Row struct {
	Bucket     Bucket
	Key, Value []byte
}

// Moving is one decision on its way into the file of its month, with its
// index and the versions it saw. The bytes are as stored, envelope and all.
type Moving struct {
	At   time.Time
	Rows []Row
}

// OldDecisions returns up to limit decisions made before the instant, the
// oldest first, ready to be moved.
func OldDecisions(tx Tx, before time.Time, limit int) []Moving {
	var moving []Moving
	for k, value := range tx.Scan(Decided, nil, []byte(Key(before))) {
		d, ok := decided.decode(tx, k, value)
		if !ok || len(moving) == limit {
			break
		}
		m := Moving{At: instantOf(k)}
		add := func(b Bucket, key, value []byte) {
			if value != nil { // a version may have been erased on request
				m.Rows = append(m.Rows, Row{b, bytes.Clone(key), append([]byte{}, value...)})
			}
		}
		for _, hash := range d.Seen {
			add(Versions, []byte(hash), tx.Get(Versions, []byte(hash)))
		}
		for _, key := range decisionIndex(d.Decision) {
			add(DecidedOf, []byte(key), tx.Get(DecidedOf, []byte(key)))
		}
		add(Decided, k, value)
		moving = append(moving, m)
	}
	return moving
}

// Forget deletes decisions that have been moved. Versions stay: a later
// decision may name them too.
func Forget(tx Tx, moved []Moving) {
	for _, m := range moved {
		for _, r := range m.Rows {
			if r.Bucket != Versions {
				tx.Delete(r.Bucket, r.Key)
			}
		}
	}
}

// SweepVersions looks at up to limit versions from a key on and deletes those
// last used on a day before the instant's. Every decision of those days has to
// have been moved. It returns where to go on; "": that was all.
func SweepVersions(tx Tx, before time.Time, from string, limit int) (next string) {
	for k, value := range tx.Scan(Versions, []byte(from), nil) {
		if limit == 0 {
			return string(k)
		}
		limit--
		payload, err := unsealVersion(k, value)
		if err != nil {
			tx.Fail(err)
			return ""
		}
		if binary.BigEndian.Uint32(payload) < day(before) {
			tx.Delete(Versions, k)
		}
	}
	return ""
}
