package plan

import (
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// SpeaksOf are the records that a timer of a handoff speaks of, and that are
// read before it does.
type SpeaksOf struct {
	Read []connectors.Ref
	// Told, where not zero, is one whose CRM tells by webhook what people change
	// there: it is read only where something has been told of it, or where that
	// CRM's webhooks get lost.
	Told connectors.Ref
}

// SpeaksOf says what has to be read before a timer speaks: the record that
// carries the handoff, and the one it came from where that is another. A
// receiver works on the first; the second is asked about their doing only where
// nobody would tell.
func (r *Rules) SpeaksOf(h state.Handoff, clock string) SpeaksOf {
	var s SpeaksOf
	for _, ref := range []connectors.Ref{h.Target, h.Record} {
		if ref.ID != "" && !slices.Contains(s.Read, ref) {
			s.Read = append(s.Read, ref)
		}
	}
	if c := r.byConn[h.Record.Conn]; len(s.Read) == 2 && h.Target.Conn != h.Record.Conn && c != nil && c.tells && doing(clock) {
		s.Read, s.Told = s.Read[:1], h.Record
	}
	return s
}

// doing reports whether a clock is about what the receiver does.
func doing(clock string) bool {
	switch clock {
	case clockAccept, clockOpened, clockTouch, clockOuter, clockAttempts, clockActivity, clockReturn:
		return true
	}
	return false
}
