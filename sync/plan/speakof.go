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
	// Polled is what tells of what people did until the timer was due, and shows on
	// no record that is read. Nothing, where nothing has to be said any more.
	Polled []Polled
}

// Polled is a kind of a connection that is followed by polling.
type Polled struct {
	Conn string
	Kind connectors.Kind
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
	if !deeds(clock) || h.Observed || met(h, clock) {
		return s
	}
	for _, name := range []string{h.Target.Conn, h.Record.Conn} {
		p := Polled{name, connectors.Activity}
		if c := r.byConn[name]; c != nil && r.handsOver(c) && !slices.Contains(s.Polled, p) {
			s.Polled = append(s.Polled, p)
		}
	}
	if !s.Told.IsZero() { // a webhook may be lost
		s.Polled = append(s.Polled, Polled{s.Told.Conn, s.Told.Kind})
	}
	return s
}

// deeds reports whether a clock is about anybody's doing, the receiver's or
// another's.
func deeds(clock string) bool {
	return doing(clock) || clock == clockDocument || clock == clockKickoff || clock == clockItem
}

// doing reports whether a clock is about what the receiver does.
func doing(clock string) bool {
	switch clock {
	case clockAccept, clockOpened, clockTouch, clockOuter, clockAttempts, clockActivity, clockReturn:
		return true
	}
	return false
}
