package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// The envelope around every value. bbolt itself does not notice a flipped bit.
//
//	0      format, 1
//	1      flags, 0 today; a sealed (encrypted) value will set bit 0
//	2..9   subject: whose data it is, so that one person's values can be found
//	       and erased; zero: nobody's
//	10..13 CRC-32C, big endian, of bytes 0..9, bucket, a zero byte, key, payload:
//	       a value that strayed to another key is refused like a flipped bit
//	14..   payload
//
// Every later format keeps the first fourteen bytes where they are, so that a
// newer value can be told from a damaged one.
const (
	envelopeFormat = 1
	envelopeHead   = 14
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func seal(b Bucket, key []byte, subject string, payload []byte) []byte {
	return sealAs(b, key, subjectOf(subject), payload)
}

func subjectOf(subject string) (s [8]byte) {
	if subject != "" {
		sum := sha256.Sum256([]byte(subject))
		copy(s[:], sum[:])
	}
	return s
}

func sealAs(b Bucket, key []byte, subject [8]byte, payload []byte) []byte {
	out := make([]byte, envelopeHead, envelopeHead+len(payload))
	out[0] = envelopeFormat
	copy(out[2:10], subject[:])
	out = append(out, payload...)
	binary.BigEndian.PutUint32(out[10:14], checksum(b, key, out))
	return out
}

func checksum(b Bucket, key, value []byte) uint32 {
	sum := crc32.Update(0, castagnoli, value[:10])
	sum = crc32.Update(sum, castagnoli, append([]byte(b), 0))
	sum = crc32.Update(sum, castagnoli, key)
	return crc32.Update(sum, castagnoli, value[envelopeHead:])
}

func unseal(b Bucket, key, value []byte) ([]byte, error) {
	if len(value) < envelopeHead {
		return nil, fmt.Errorf("%w: a value of %d bytes has no envelope", ErrCorrupt, len(value))
	}
	if binary.BigEndian.Uint32(value[10:14]) != checksum(b, key, value) {
		return nil, fmt.Errorf("%w: a value does not match its checksum", ErrCorrupt)
	}
	if value[0] != envelopeFormat || value[1] != 0 {
		return nil, fmt.Errorf("%w: a value has format %d.%d, this build knows %d.0", ErrNewer, value[0], value[1], envelopeFormat)
	}
	return value[envelopeHead:], nil
}

// CheckValue reports whether a stored value is whole.
func CheckValue(b Bucket, key, value []byte) error {
	if _, err := unseal(b, key, value); err != nil {
		return fmt.Errorf("%s %q: %w", b, key, err)
	}
	return nil
}

// mark stores a key that says everything itself. Its value is an envelope
// without payload, so that a flipped key is noticed too.
func mark(tx Tx, b Bucket, key, subject string) {
	k := []byte(key)
	tx.Put(b, k, seal(b, k, subject, nil))
}

// Table is a bucket of values of one type, kept as JSON in an envelope.
type Table[V any] struct {
	Bucket  Bucket
	Subject func(V) string // whose data a value is; nil: nobody's
	packed  bool           // the JSON is compressed
}

// Get returns the value at key.
func (t Table[V]) Get(tx Tx, key string) (v V, ok bool) {
	k := []byte(key)
	raw := tx.Get(t.Bucket, k)
	if raw == nil {
		return v, false
	}
	return t.decode(tx, k, raw)
}

func (t Table[V]) decode(tx Tx, key, raw []byte) (v V, ok bool) {
	payload, err := unseal(t.Bucket, key, raw)
	if err == nil && t.packed {
		payload, err = unpack(payload)
	}
	if err == nil {
		err = json.Unmarshal(payload, &v)
	}
	if err != nil {
		tx.Fail(fmt.Errorf("%s %q: %w", t.Bucket, key, err))
		return v, false
	}
	return v, true
}

// Put stores the value at key.
func (t Table[V]) Put(tx Tx, key string, v V) {
	payload, err := json.Marshal(v)
	if err != nil {
		tx.Fail(fmt.Errorf("%s %q: %w", t.Bucket, key, err))
		return
	}
	if t.packed {
		payload = pack(nil, payload)
	}
	subject := ""
	if t.Subject != nil {
		subject = t.Subject(v)
	}
	k := []byte(key)
	tx.Put(t.Bucket, k, seal(t.Bucket, k, subject, payload))
}

// Delete removes the value at key, if there is one.
func (t Table[V]) Delete(tx Tx, key string) { tx.Delete(t.Bucket, []byte(key)) }

// All yields the values whose keys begin with prefix, in key order.
func (t Table[V]) All(tx Tx, prefix string) iter.Seq2[string, V] {
	return t.Range(tx, prefix, string(after(prefix)))
}

// Range yields the values with from <= key < to; an empty to is no bound.
func (t Table[V]) Range(tx Tx, from, to string) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		var end []byte
		if to != "" {
			end = []byte(to)
		}
		for k, raw := range tx.Scan(t.Bucket, []byte(from), end) {
			v, ok := t.decode(tx, k, raw)
			if !ok || !yield(string(k), v) {
				return
			}
		}
	}
}

// after is the first key that does not begin with prefix; nil: there is none.
func after(prefix string) []byte {
	end := bytes.Clone([]byte(prefix))
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] != 0xff {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}

// Prefix walks the keys of a bucket that begin with prefix, yielding the rest.
func Prefix(tx Tx, b Bucket, prefix string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for k := range tx.Scan(b, []byte(prefix), after(prefix)) {
			if !yield(string(k[len(prefix):])) {
				return
			}
		}
	}
}

// Key joins parts into a key whose byte order is the order of its parts, and
// which no other parts give. Text ends in a zero byte, with the bytes 0 and 1
// inside it written as 1 1 and 1 2; numbers and instants are big endian with
// the sign bit turned. Anything else is taken as the text fmt prints.
func Key(parts ...any) string {
	var b strings.Builder
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			writeText(&b, p)
		case connectors.Ref:
			writeText(&b, p.Conn)
			writeText(&b, string(p.Kind))
			writeText(&b, p.ID)
		case int:
			b.WriteString(bigEndian(uint64(p) ^ 1<<63))
		case uint64:
			b.WriteString(bigEndian(p))
		case time.Time:
			b.WriteString(bigEndian(uint64(nanos(p)) ^ 1<<63))
		default:
			writeText(&b, fmt.Sprint(p))
		}
	}
	return b.String()
}

func writeText(b *strings.Builder, s string) {
	if strings.IndexByte(s, 0) >= 0 || strings.IndexByte(s, 1) >= 0 {
		s = strings.NewReplacer("\x00", "\x01\x01", "\x01", "\x01\x02").Replace(s)
	}
	b.WriteString(s)
	b.WriteByte(0)
}

// nanos is the instant in nanoseconds, cut to what 64 bits hold: the years
// 1678 to 2262. The zero time is the earliest instant.
func nanos(t time.Time) int64 {
	switch s := t.Unix(); {
	case s < math.MinInt64/int64(time.Second):
		return math.MinInt64
	case s >= math.MaxInt64/int64(time.Second):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// instantOf reads the instant that Key wrote at the start of a key.
func instantOf(key []byte) time.Time {
	if len(key) < 8 {
		return time.Time{}
	}
	n := int64(binary.BigEndian.Uint64(key) ^ 1<<63)
	if n == math.MinInt64 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

func bigEndian(n uint64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	return string(b[:])
}

// Digest derives a name from parts: 26 lower-case letters and digits, safe in
// a URL and unique where case is ignored. The same parts always give the same
// name, so nothing is ever drawn at random.
func Digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)))[:26]
}
