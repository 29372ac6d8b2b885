package state

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Before is what the fields of one record held before handoffd wrote them, and
// what we wrote last: what `undo` goes back to, and how it sees whether anybody
// has touched them since (G13). It is kept when a write stands in the CRM.
type Before struct {
	Ref connectors.Ref `json:"ref"`
	// Made says that we made the record: nothing was there before.
	Made bool `json:"made,omitempty"`
	// Last is what we wrote last, by field as written: the CRM's own name, or a
	// standard one of handoffd's own.
	Last map[string]any `json:"last"`
	// Theirs is what a person had put last into a field of our own that they fill
	// in as well, before we wrote over it.
	Theirs map[string]string `json:"theirs,omitempty"`
	// Layers are what the handoffs that wrote found there, the oldest first.
	Layers []Layer `json:"layers"`
}

// Layer is what one handoff found in the fields it wrote. Only the first value
// of a field counts: what it found when it wrote a second time was its own.
type Layer struct {
	Handoff string         `json:"handoff"` // blank: written without one, as `otherwise: {set: …}` does
	At      time.Time      `json:"at"`      // of its first write
	Found   map[string]any `json:"found"`   // nil: it was blank
	// Unseen are fields that were written and never read.
	Unseen []string `json:"unseen,omitempty"`
}

var befores = Table[Before]{Bucket: Befores, Subject: func(b Before) string { return b.Ref.String() }}

// GetBefore returns what a record held before us. Key: record.
func GetBefore(tx Tx, ref connectors.Ref) (Before, bool) { return befores.Get(tx, Key(ref)) }

// PutBefore stores it.
func PutBefore(tx Tx, b Before) { befores.Put(tx, Key(b.Ref), b) }

// BeforesOf yields the records of a connection that we have written.
func BeforesOf(tx Tx, conn string) iter.Seq2[string, Before] { return befores.All(tx, Key(conn)) }

// Keeps reports whether there is a before to keep of a write. Our tasks are
// closed, and not put back to what they were.
func (i Intent) Keeps() bool { return i.Message == nil && i.Write.Ref.Kind != connectors.Task }

// Wrote notes that a write of this entry stands in the CRM. What was there
// before is what was seen under it, else what we had written ourselves; a field
// of handoffd's own that nobody has written is blank.
func (b Before) Wrote(i Intent, ref connectors.Ref, skipped []string, at time.Time) Before {
	b.Ref, b.Made = ref, b.Made || i.Write.Creates()
	last := maps.Clone(b.Last)
	if last == nil {
		last = map[string]any{}
	}
	l := Layer{Handoff: i.Handoff, At: at, Found: map[string]any{}}
	n := slices.IndexFunc(b.Layers, func(o Layer) bool { return o.Handoff == i.Handoff })
	if n >= 0 {
		l.At, l.Unseen = b.Layers[n].At, slices.Clone(b.Layers[n].Unseen)
		maps.Copy(l.Found, b.Layers[n].Found)
	}
	for _, name := range slices.Sorted(maps.Keys(i.Write.Set)) {
		if slices.Contains(skipped, name) {
			continue
		}
		l.found(i, name, last)
		b.Theirs = b.theirs(i, name)
		last[name] = i.Write.Set[name]
	}
	b.Last, b.Layers = last, slices.Clone(b.Layers)
	if n >= 0 {
		b.Layers[n] = l
	} else {
		b.Layers = append(b.Layers, l)
	}
	return b
}

// found notes what stood in a field, the first time only.
func (l *Layer) found(i Intent, name string, last map[string]any) {
	if _, known := l.Found[name]; known || slices.Contains(l.Unseen, name) {
		return
	}
	for _, seen := range []map[string]any{i.Expect, i.Was, last} {
		if v, ok := seen[name]; ok {
			l.Found[name] = v
			return
		}
	}
	if i.Write.Creates() || strings.HasPrefix(name, connectors.OwnFieldPrefix) {
		l.Found[name] = nil
		return
	}
	l.Unseen = append(l.Unseen, name)
}

// BothWrite are the fields of our own that people fill in as well: what the buyer
// needs, and what they asked for.
func BothWrite() []string {
	return []string{connectors.OwnFieldPrefix + "need", connectors.OwnFieldPrefix + "next_step"}
}

// theirs notes what somebody had put into a field that both write.
func (b Before) theirs(i Intent, name string) map[string]string {
	was, ok := i.Was[name].(string)
	if !ok || !slices.Contains(BothWrite(), name) || b.IsOurs(name, was) {
		return b.Theirs
	}
	out := map[string]string{}
	maps.Copy(out, b.Theirs)
	out[name] = was
	return out
}

// leastCut is how much of a text a CRM has kept, at least, that cut it short.
const leastCut = 40

// IsOurs reports whether a value of a field is what we wrote there last, as far
// as it fitted.
func (b Before) IsOurs(name, value string) bool {
	text, ok := b.Last[name].(string)
	if !ok {
		return false
	}
	text, value = strings.TrimSpace(text), strings.TrimSpace(value)
	return value == text || len(value) >= leastCut && strings.HasPrefix(text, strings.TrimSuffix(value, "…"))
}
