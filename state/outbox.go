package state

import (
	"encoding/json"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Effect is how far one write of a handoff has gone.
type Effect struct {
	Key     string         `json:"key"`
	Ref     connectors.Ref `json:"ref,omitzero"`
	Version string         `json:"version,omitempty"`
	At      time.Time      `json:"at,omitzero"`
	State   string         `json:"state"`             // "sent", "done", "refused"
	Error   string         `json:"error,omitempty"`   // the CRM's words
	Skipped []string       `json:"skipped,omitempty"` // fields the CRM does not have
	// Task says that it makes a task, by whose key the CRM knows it.
	Task bool `json:"task,omitempty"`
}

// IntentState is how far an outbox entry is.
type IntentState string

// Intent is a write that is decided and not confirmed.
type Intent struct {
	Handoff   string           `json:"handoff"`
	Step      string           `json:"step"`
	Dest      string           `json:"dest"` // a connection, or a message channel
	Rank      int              `json:"rank"` // urgency; 0 first, but for FirstRank
	Write     connectors.Write `json:"write"`
	Message   *Message         `json:"message,omitempty"` // in place of the write, where Dest is a channel
	Expect    map[string]any   `json:"expect,omitempty"`  // values seen when decided, for fields a person may have changed since
	ReadAt    time.Time        `json:"read_at,omitzero"`  // when they were read: the call left no earlier
	Over      time.Time        `json:"over,omitzero"`     // the CRM's stamp on that reading
	Fresh     bool             `json:"fresh,omitempty"`   // it says what a person may have said otherwise: the record is read just before it leaves, and decided about first
	Listed    bool             `json:"listed,omitempty"`  // it was decided on what a list said of the record: webhooks tell what is newer, as far as they can be relied on
	AtRisk    bool             `json:"at_risk,omitempty"` // a person has the record: never written but under IfVersion, where the CRM can
	State     IntentState      `json:"state"`
	Due       time.Time        `json:"due"` // not before
	Created   time.Time        `json:"created"`
	Attempts  int              `json:"attempts"`
	Contested int              `json:"contested,omitempty"` // how often a write like it came upon a change before
	SentAt    time.Time        `json:"sent_at,omitzero"`    // of the last attempt
	Looked    int              `json:"looked,omitempty"`    // empty look-ups since an ambiguous answer
	InDoubt   bool             `json:"in_doubt,omitempty"`  // a create of which an earlier attempt may have come through
	Skipped   []string         `json:"skipped,omitempty"`   // fields that an attempt without an answer left out
	Unwanted  string           `json:"unwanted,omitempty"`  // why, in the CRM's words
	Epoch     uint64           `json:"epoch,omitempty"`     // start of the process that sent it
	Was       map[string]any   `json:"was,omitempty"`       // values seen when decided of the other fields that somebody else may have filled
	Moves     time.Time        `json:"moves,omitzero"`      // it changes an owner, because of what happened then
	Ordered   bool             `json:"ordered,omitempty"`   // an operator asked for it
	Error     string           `json:"error,omitempty"`
	Class     string           `json:"class,omitempty"`
}

// OnReading reports whether it may not leave on a reading that has grown old.
func (i Intent) OnReading() bool {
	return (len(i.Expect) > 0 || i.Fresh) && !i.Write.Creates()
}

// Echo is what our own last writes left on a record, so that what they cause
// is not taken for news.
type Echo struct {
	Stamp time.Time `json:"stamp"` // of the last one, by the CRM
	// Owner is where somebody may have come before the last one of the owner, and Says
	// before the last one of how far a handoff is, which people say as well.
	Owner Window `json:"assigns,omitzero"`
	Says  Window `json:"says,omitzero"`
	// Blind says that it was written, on no reading of just before, while nobody had
	// told of what people did: its stamp may hide that.
	Blind bool `json:"blind,omitempty"`
}

// UnmarshalJSON also reads the form before there was more than a stamp.
func (e *Echo) UnmarshalJSON(raw []byte) error {
	*e = Echo{}
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &e.Stamp)
	}
	type plain Echo
	return json.Unmarshal(raw, (*plain)(e))
}

// unstamped is how long after what it rests on a write of the owner is taken to
// stand whose own stamp the CRM has not told.
const unstamped = time.Millisecond

// Unstamped notes such a write over what had that stamp: whatever is read next
// has to be looked at.
func (e Echo) Unstamped(over time.Time) Echo {
	e.Owner = Window{Over: over, At: over.Add(unstamped)}
	return e
}

// Window is from the reading that a write of ours rests on to the write, both by the
// CRM's stamp: what somebody did in between we may have written over. Without the
// reading, the CRM has made sure that nobody did; zero: there was no write.
type Window struct {
	Over time.Time `json:"over,omitzero"`
	At   time.Time `json:"at,omitzero"`
	// Heard says that a webhook has told of the write: the connection would have told
	// of another's as well.
	Heard bool `json:"heard,omitempty"`
}

// Open reports whether somebody may have come in between.
func (w Window) Open() bool { return !w.At.IsZero() && !w.Over.IsZero() }

// Holds reports whether an instant lies in between.
func (w Window) Holds(at time.Time) bool { return w.Open() && at.After(w.Over) && at.Before(w.At) }

// Stamped reports whether the CRM has told since when what we wrote stands. Without,
// nothing says how long a webhook has had to tell of it.
func (w Window) Stamped() bool { return w.At.Sub(w.Over) > unstamped }
