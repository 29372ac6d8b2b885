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
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// The envelope around every value: format (1 byte), flags (1 byte, 0 today;
// sealed values will set bit 0), subject (8 bytes, whose data it is, so that
// one person's values can be found and erased), CRC-32C of the payload (4
// bytes, big endian), payload. bbolt itself does not notice a flipped bit
// (failure-model §0.5).
const (
	envelopeFormat = 1
	envelopeHead   = 14
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func seal(subject string, payload []byte) []byte {
	out := make([]byte, envelopeHead, envelopeHead+len(payload))
	out[0] = envelopeFormat
	if subject != "" {
		sum := sha256.Sum256([]byte(subject))
		copy(out[2:10], sum[:8])
	}
	binary.BigEndian.PutUint32(out[10:14], crc32.Checksum(payload, castagnoli))
	return append(out, payload...)
}

func unseal(value []byte) ([]byte, error) {
	if len(value) < envelopeHead {
		return nil, fmt.Errorf("%w: a value of %d bytes has no envelope", ErrCorrupt, len(value))
	}
	if value[0] != envelopeFormat || value[1] != 0 {
		return nil, fmt.Errorf("%w: a value has format %d.%d, this build knows %d.0", ErrNewer, value[0], value[1], envelopeFormat)
	}
	payload := value[envelopeHead:]
	if binary.BigEndian.Uint32(value[10:14]) != crc32.Checksum(payload, castagnoli) {
		return nil, fmt.Errorf("%w: a value does not match its checksum", ErrCorrupt)
	}
	return payload, nil
}

// Table is a bucket of values of one type, kept as JSON in an envelope.
type Table[V any] struct {
	Bucket  Bucket
	Subject func(V) string // whose data a value is; nil: nobody's
}

// Get returns the value at key.
func (t Table[V]) Get(tx Tx, key string) (v V, ok bool) {
	raw := tx.Get(t.Bucket, []byte(key))
	if raw == nil {
		return v, false
	}
	return t.decode(tx, key, raw)
}

func (t Table[V]) decode(tx Tx, key string, raw []byte) (v V, ok bool) {
	payload, err := unseal(raw)
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
	subject := ""
	if t.Subject != nil {
		subject = t.Subject(v)
	}
	tx.Put(t.Bucket, []byte(key), seal(subject, payload))
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
			v, ok := t.decode(tx, string(k), raw)
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

// Key joins parts into a key whose byte order is the order of its parts:
// strings end in a zero byte, numbers and instants are big endian.
func Key(parts ...any) string {
	var b strings.Builder
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b.WriteString(strings.ReplaceAll(p, "\x00", "\x01"))
			b.WriteByte(0)
		case connectors.Ref:
			b.WriteString(Key(p.Conn, string(p.Kind), p.ID))
		case int:
			b.WriteString(bigEndian(uint64(p)))
		case uint64:
			b.WriteString(bigEndian(p))
		case time.Time:
			b.WriteString(bigEndian(uint64(p.UnixNano()) ^ 1<<63))
		}
	}
	return b.String()
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
