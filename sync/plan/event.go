package plan

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// Event is what Decide is asked about: [Observed], [Fired], [Delivered], or an
// operator's [Undo] or [Reassign].
//
//sumtype:decl
type Event interface{ event() }

// Observed is a record that was read, because something may have changed.
type Observed struct {
	Record state.Record `json:"record"`
	Via    string       `json:"via"`  // how we heard: state.Change.Via
	Came   time.Time    `json:"came"` // when we heard first
	// Read is when the record was asked for, and Asked when the first of the
	// questions was that had to be answered in between; zero: unknown.
	Read  time.Time `json:"read,omitzero"`
	Asked time.Time `json:"asked,omitzero"`
	// Check says that somebody may have changed the owner between the reading
	// that our write of it rests on and the write: a change dated in between
	// was told of, or our own write came to us by polling only.
	Check bool `json:"check,omitempty"`
	// Says is where somebody may have said in that way how far a handoff is; zero: nowhere.
	Says state.Window `json:"says,omitzero"`
}

// Fired is a timer that is due. The record it is about has been read just before and
// is in the view; Fresh is false where that read failed.
type Fired struct {
	Timer state.Timer `json:"timer"`
	Fresh bool        `json:"fresh"`
	// Read is when the record that carries the handoff was asked for; zero:
	// unknown, and its owner is read again before it is written.
	Read time.Time `json:"read,omitzero"`
	// Unheard says that what people did until then, and shows on no record, could
	// not be polled in time.
	Unheard bool `json:"unheard,omitempty"`
	// Unanswered says that what deciding asks for, or waits for, has not come in time.
	// What only looks again is then put off.
	Unanswered bool `json:"unanswered,omitempty"`
}

// unseen says what a timer speaks without having seen; blank: nothing.
func (f Fired) unseen() string {
	switch {
	case !f.Fresh:
		return "the record could not be read just now"
	case f.Unheard:
		return "what people did could not be polled in time"
	}
	return ""
}

// Delivered is a write that the CRM has answered for good. Err is blank when it was
// done.
type Delivered struct {
	Intent   state.Intent   `json:"intent"`
	Ref      connectors.Ref `json:"ref,omitzero"`
	Version  string         `json:"version,omitempty"`
	Stamp    time.Time      `json:"stamp,omitzero"`    // the CRM's, on that version
	Guarded  bool           `json:"guarded,omitempty"` // the CRM would have refused it over a newer version
	Skipped  []string       `json:"skipped,omitempty"`
	Refused  string         `json:"refused,omitempty"` // why they were skipped, in the CRM's words
	Class    string         `json:"class,omitempty"`   // connectors.Class of a refusal
	Err      string         `json:"err,omitempty"`
	Fields   []string       `json:"fields,omitempty"`  // that a refusal names
	Existing connectors.Ref `json:"existing,omitzero"` // with conflict: who holds the unique value
	Alike    bool           `json:"alike,omitempty"`   // refused as a duplicate by the CRM's own rules
	// Stood is what stood there right before the write, where the CRM told so.
	Stood map[string]connectors.FieldValue `json:"stood,omitempty"`
}

func (Observed) event()  {}
func (Fired) event()     {}
func (Delivered) event() {}
func (Undo) event()      {}
func (Reassign) event()  {}

type envelope struct {
	Observed  *Observed  `json:"observed,omitempty"`
	Fired     *Fired     `json:"fired,omitempty"`
	Delivered *Delivered `json:"delivered,omitempty"`
	Undo      *Undo      `json:"undo,omitempty"`
	Reassign  *Reassign  `json:"reassign,omitempty"`
}

// EncodeEvent writes an event for a stored decision.
func EncodeEvent(ev Event) (json.RawMessage, error) {
	var e envelope
	switch ev := ev.(type) {
	case Observed:
		e.Observed = &ev
	case Fired:
		e.Fired = &ev
	case Delivered:
		e.Delivered = &ev
	case Undo:
		e.Undo = &ev
	case Reassign:
		e.Reassign = &ev
	}
	return json.Marshal(e)
}

// DecodeEvent reads what EncodeEvent wrote.
func DecodeEvent(raw json.RawMessage) (Event, error) {
	var e envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	switch {
	case e.Observed != nil:
		return *e.Observed, nil
	case e.Fired != nil:
		return *e.Fired, nil
	case e.Delivered != nil:
		return *e.Delivered, nil
	case e.Undo != nil:
		return *e.Undo, nil
	case e.Reassign != nil:
		return *e.Reassign, nil
	}
	return nil, fmt.Errorf("decode event: it holds none of observed, fired, delivered, undo, reassign")
}
