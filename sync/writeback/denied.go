package writeback

import (
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// probe is how often a sort of object is tried again that the CRM does not let
// us write at all (C6).
const probe = time.Minute

// listDenied names what a permission is missing for. An entry stands until an
// admin has seen it; its count grows with every attempt in vain.
const listDenied = "denied"

// denied holds the sorts of objects that the CRM does not let us write: until
// when each is left alone. It is forgotten at a restart, which costs one call.
type denied map[connectors.Kind]time.Time

// until is when a write of a kind may be tried again; zero: now.
func (d denied) until(kind connectors.Kind, now time.Time) time.Time {
	until, ok := d[kind]
	if !ok || !now.Before(until) || until.After(now.Add(probe)) { // the clock was set back
		return time.Time{}
	}
	return until
}

// wholeKind reports whether a refusal speaks of every object of its kind: a
// scope or a permission was taken away, or the object is gone. The adapter says so by saying when to
// ask again; a record that alone is out of reach is refused for good.
func wholeKind(e *connectors.Error) bool {
	return (e.Class == connectors.Denied || e.Class == connectors.Schema) && e.RetryAfter > 0
}

// deny keeps an entry until an admin has given back what is missing. It is not
// this write's fault and does not count against it.
func (w *Writer) deny(i state.Intent, e *connectors.Error, now time.Time) outcome {
	kind := i.Write.Ref.Kind
	i.Class, i.Error = e.Class.String(), e.Error()
	until := w.denied.until(kind, now)
	out := outcome{keep: true}
	if until.IsZero() {
		if w.denied == nil {
			w.denied = denied{}
		}
		until = now.Add(probe).UTC()
		w.denied[kind] = until
		out.listed = &state.Listing{
			List: listDenied, Subject: w.Conn + " " + string(kind), Count: 1, First: now, Last: now,
			Text: "not written until it is allowed again, which is tried every minute: " + e.Error(),
		}
	}
	i.Due = until
	out.entry = i
	return out
}
