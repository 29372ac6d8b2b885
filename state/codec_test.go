package state

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/connectors"
)

// oneRow is a transaction that holds one row. Everything else a transaction
// does is tested on real stores, by storetest.
type oneRow struct {
	bucket     Bucket
	key, value []byte
	err        error
}

func (r *oneRow) Get(b Bucket, key []byte) []byte {
	if b == r.bucket && bytes.Equal(key, r.key) && r.err == nil {
		return r.value
	}
	return nil
}
func (r *oneRow) Put(b Bucket, key, value []byte) { r.bucket, r.key, r.value = b, key, value }
func (r *oneRow) Delete(Bucket, []byte)           {}
func (r *oneRow) Scan(b Bucket, _, _ []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		if b == r.bucket && r.value != nil {
			yield(r.key, r.value)
		}
	}
}
func (r *oneRow) NextSequence(Bucket) uint64 { return 1 }
func (r *oneRow) Err() error                 { return r.err }
func (r *oneRow) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

var someRecord = Record{
	Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "51"}, Noun: "person", Version: "7",
	Fields: map[string]string{"email": "ann@example.com", "country": "DE"},
}

func TestEnvelope(t *testing.T) {
	t.Parallel()
	tx := &oneRow{}
	PutRecord(tx, someRecord)
	got, ok := GetRecord(tx, someRecord.Ref)
	if !ok || tx.err != nil {
		t.Fatalf("not found: %v", tx.err)
	}
	if diff := cmp.Diff(someRecord, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	// What is on disk may never change its meaning: format, flags, subject,
	// checksum, payload.
	value := seal("meta", []byte("k"), "hubspot/contacts/51", []byte(`{"a":1}`))
	if want := "0100" + "f7236e35609b8fef" + "df9a5a2c" + "7b2261223a317d"; fmt.Sprintf("%x", value) != want {
		t.Errorf("sealed %x, want %s", value, want)
	}
}

// TestMisplacedValues wants a value refused under another key, in another
// bucket, cut, or of a format that is not known.
func TestMisplacedValues(t *testing.T) {
	t.Parallel()
	whole := seal("record", []byte("k"), "s", []byte("payload"))
	newer := bytes.Clone(whole)
	newer[0] = 9
	copy(newer[10:14], bigEndian(uint64(checksum("record", []byte("k"), newer)))[4:])
	for name, test := range map[string]struct {
		b     Bucket
		key   string
		value []byte
		want  error
	}{
		"whole":                       {"record", "k", whole, nil},
		"another key":                 {"record", "l", whole, ErrCorrupt},
		"another bucket":              {"user", "k", whole, ErrCorrupt},
		"bucket and key run together": {"recor", "dk", whole, ErrCorrupt},
		"cut":                         {"record", "k", whole[:len(whole)-1], ErrCorrupt},
		"cut to nothing":              {"record", "k", whole[:0], ErrCorrupt},
		"newer":                       {"record", "k", newer, ErrNewer},
	} {
		if _, err := unseal(test.b, []byte(test.key), test.value); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// TestFlips: 400 random damages of a stored value are all refused.
func TestFlips(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	tx := &oneRow{}
	PutRecord(tx, someRecord)
	whole := bytes.Clone(tx.value)
	for i := range 400 {
		spoilt := bytes.Clone(whole)
		for range 1 + rng.IntN(3) {
			spoilt[rng.IntN(len(spoilt))] ^= 1 << rng.IntN(8)
		}
		if bytes.Equal(spoilt, whole) {
			continue
		}
		tx.value, tx.err = spoilt, nil
		if got, ok := GetRecord(tx, someRecord.Ref); ok || !errors.Is(tx.err, ErrCorrupt) {
			t.Errorf("%d: served %+v, %v", i, got, tx.err)
		}
	}
}

func FuzzStateDecode(f *testing.F) {
	tx := &oneRow{}
	PutRecord(tx, someRecord)
	f.Add(tx.value, uint8(0))
	PutDecision(tx, Decision{ID: "x", At: time.Unix(0, 0), Why: []Reason{{Text: strings.Repeat("why ", 50)}}}, nil)
	f.Add(tx.value, uint8(1))
	f.Add(seal(Versions, []byte("k"), "", append([]byte{0, 0, 0, 1}, pack(nil, []byte(`{"noun":"person"}`))...)), uint8(2))
	f.Add([]byte{}, uint8(3))
	f.Add(pack(nil, []byte("{}")), uint8(7))
	f.Fuzz(func(t *testing.T, value []byte, how uint8) {
		b := []Bucket{Records, Decided, Versions, Meta}[how%4]
		if how&4 != 0 { // a payload that only its own envelope vouches for
			value = seal(b, []byte("k"), "", value)
		}
		tx := &oneRow{bucket: b, key: []byte("k"), value: value}
		var ok bool
		switch how % 4 {
		case 0:
			_, ok = records.Get(tx, "k")
		case 1:
			_, ok = GetDecision(tx, "k")
		case 2:
			_, ok = GetVersion(tx, "k")
		case 3:
			_, ok = words.Get(tx, "k")
		}
		if ok == (tx.err != nil) {
			t.Errorf("served %v with %v", ok, tx.err)
		}
		if whole := CheckValue(b, []byte("k"), value) == nil; ok && !whole {
			t.Error("served a value that does not match its checksum")
		}
		_ = OldDecisions(tx, time.Now(), 1)
		_ = SweepVersions(tx, time.Now(), "", 1)
	})
}

func TestPack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "raw")
		head := rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "head")
		packed := pack(bytes.Clone(head), raw)
		if !bytes.Equal(packed[:len(head)], head) || len(packed) > len(head)+len(raw)+1 {
			t.Fatalf("%d bytes after %d became %d", len(raw), len(head), len(packed))
		}
		got, err := unpack(packed[len(head):])
		if err != nil || !bytes.Equal(got, raw) {
			t.Fatalf("got %x, %v; want %x", got, err, raw)
		}
	})
	if _, err := unpack([]byte{200}); !errors.Is(err, ErrNewer) {
		t.Errorf("a packing not known: %v", err)
	}
	bomb := pack(nil, make([]byte, unpackLimit+1))
	if _, err := unpack(bomb); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a payload beyond the limit: %v", err)
	}
}

// TestDictionary holds the dictionary still: values packed with it can be read
// with it only.
func TestDictionary(t *testing.T) {
	t.Parallel()
	if got, want := Digest(string(dictionary1)), "4z5ofmblcm6o36ds7bhsalp22y"; got != want {
		t.Errorf("dictionary-1.txt has digest %s, want %s: add a dictionary 2 instead", got, want)
	}
}

// part is one part of a key and how it compares.
type part struct {
	value any
	text  string
	n     float64 // numbers that tests draw are exact in it
}

func drawPart(t *rapid.T, kind int) part {
	switch kind {
	case 0:
		s := rapid.StringOfN(rapid.SampledFrom([]rune{0, 1, 2, 'a', 'b', 0xff, 0x10ffff}), 0, 4, -1).Draw(t, "text")
		return part{value: s, text: s}
	case 1:
		n := rapid.IntRange(-1<<40, 1<<40).Draw(t, "int")
		return part{value: n, n: float64(n)}
	case 2:
		n := rapid.Uint64Range(0, 1<<50).Draw(t, "uint64")
		return part{value: n, n: float64(n)}
	}
	n := rapid.Int64Range(-1<<33, 1<<33).Draw(t, "seconds")
	return part{value: time.Unix(n, 0), n: float64(n)}
}

// TestKeyOrder serves the promise of Key: the order of keys is the order of
// their parts, and equal keys have equal parts.
func TestKeyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 4).Draw(t, "kinds")
		var a, b []any
		want := 0
		for _, kind := range kinds {
			x := drawPart(t, kind)
			y := x
			if rapid.Bool().Draw(t, "differ") {
				y = drawPart(t, kind)
			}
			a, b = append(a, x.value), append(b, y.value)
			if want == 0 {
				if want = strings.Compare(x.text, y.text); want == 0 && x.n != y.n {
					want = 1
					if x.n < y.n {
						want = -1
					}
				}
			}
		}
		if got := strings.Compare(Key(a...), Key(b...)); got != want {
			t.Fatalf("%q and %q compare as %d, want %d", a, b, got, want)
		}
	})
}

func TestKeyEdges(t *testing.T) {
	t.Parallel()
	inOrder := []time.Time{
		{},
		time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(0, -1), time.Unix(0, 0), time.Unix(0, 1),
		time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	var keys []string
	for _, at := range inOrder {
		keys = append(keys, Key(at))
		if back := instantOf([]byte(Key(at))); at.Year() < 9999 && !back.Equal(at) {
			t.Errorf("%v reads back as %v", at, back)
		}
	}
	if !slices.IsSorted(keys) || len(slices.Compact(slices.Clone(keys))) != len(keys) {
		t.Errorf("instants out of order: %x", keys)
	}
	if Key(connectors.Kind("contacts")) != Key("contacts") || Key(int64(5)) == Key() {
		t.Error("a part of another type is left out")
	}
	if Key(math.MinInt) >= Key(-1) || Key(-1) >= Key(0) || Key(0) >= Key(math.MaxInt) {
		t.Error("numbers out of order")
	}
	ref := connectors.Ref{Conn: "a", Kind: "b", ID: "c"}
	if Key(ref) != Key("a", "b", "c") {
		t.Error("a ref is not its three parts")
	}
	for prefix, want := range map[string][]byte{"": nil, "\xff\xff": nil, "a\xff": []byte("b"), "a\x00": []byte("a\x01")} {
		if got := after(prefix); !bytes.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("after %q: %q, want %q", prefix, got, want)
		}
	}
}

func TestRecordHash(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	a, b := someRecord, someRecord
	a.ModifiedAt, b.ModifiedAt = at, at.In(time.FixedZone("", 3600))
	if RecordHash(a) != RecordHash(b) {
		t.Error("the same instant in another zone is another record")
	}
	b.Fields = map[string]string{"email": "ann@example.com", "country": "AT"}
	if RecordHash(a) == RecordHash(b) {
		t.Error("another field gives the same hash")
	}
}
