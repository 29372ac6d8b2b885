package judge

import (
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// Facts are what a report says, boiled down to what the rules look at. The
// rules are functions of this and nothing else.
type Facts struct {
	Run      Run
	Missing  map[string]string // by file: why it says nothing
	Events   []Event           // of acknowledged webhooks
	Handoffs []state.Handoff   // by id
	Lives    map[string][]Moment
	Intents  []state.Intent // the outbox at the end
	Inbox    []state.Change // what waited at the end, the first of it
	Waiting  int            // how much of it
	Listings []state.Listing
	Users    map[string]map[string]connectors.User // connection, id

	Given    []Given                           // signals that the CRMs saw
	Versions map[string]int                    // type and record: how many different signals the CRM's record ever showed
	Reached  []Reached                         // records that should be known
	Objects  map[connectors.Ref]*Object        // what became of every record that changed
	Heirs    map[connectors.Ref]connectors.Ref // what a record was merged into
	Tasks    []*Task                           // with our key
	Decided  map[string]string                 // key of a task that was decided: its handoff
	Expected map[connectors.Ref][]Expect       // owners that a decision knew of
	Creates  int                               // creates decided
	Touched  map[Field]*Touch                  // what our own writes changed
	Removed  []Offence                         // what we deleted, merged or brought back and must not
	Allowed  map[Field]bool                    // what the rules may write

	Timers    []Due
	AuditRows int
	AuditErr  error
	Untold    []Offence // decided and not in the trail
	Decisions int
	Strayed   []Offence // decisions that come out otherwise, or name no rules
	Files     int
	Unsound   []Offence
	Calls     map[string]*Calls
	Lines     int
	Leaks     []Offence
}

// Event is one event of an acknowledged webhook.
type Event struct {
	ID    string
	Ref   connectors.Ref
	At    time.Time
	Known bool   // it is remembered
	Bad   string // why it could not be read
}

// Moment is a handoff as one decision left it.
type Moment struct {
	At                          time.Time
	Stage                       state.Stage
	Observed                    bool
	Owner, Accountable          string
	AssignBy, AcceptBy, TouchBy time.Time
	Signals                     int
	done                        int // effects that stand, to order what happened at one instant
	written, breached           bool
}

// Given is a buyer's signal, found in what changed in the CRM by the same
// rules, without looking at what the daemon made of it.
type Given struct {
	Type    string
	Record  connectors.Ref
	At      time.Time // when the buyer did it
	Changed time.Time // when the CRM's record came to show it
	Next    time.Time // when it came to show another; zero: never
	Held    bool      // the daemon keeps it back, and says so
	Gone    bool      // the record was deleted, merged or converted
}

// Reached is a record that a poll or a webhook has to have shown us.
type Reached struct {
	Ref     connectors.Ref
	Changed time.Time // for the last time, by somebody else; zero: not during the run
	Known   bool
	AsOf    time.Time
}

// Object is what became of one record.
type Object struct {
	Made   time.Time // zero: it was there before
	ByUs   bool      // made by us
	Gone   time.Time // deleted, merged away or converted; zero: it lives
	Email  string
	Owners []Move
	Says   []Move // of the status
	Owner  string // at the end, the CRM's id
	Live   bool   // it stands in the world at the end
	Seen   bool   // the world speaks of it

	changed time.Time // for the last time, by somebody else, where the rules look
	carries string    // the handoff that it names
}

// Move is one change of owner, or of the status.
type Move struct {
	At       time.Time
	Field    string
	From, To string
	Actor    string
	Ours     bool
	Merged   bool   // it is what a merge made of the records' own
	Handoff  string // that the record names by then
}

// person reports whether somebody did it by hand.
func (m Move) person() bool { return strings.HasPrefix(m.Actor, "person:") }

// Task is a task that carries a key of ours.
type Task struct {
	Ref     connectors.Ref
	Key     string
	Spans   []Span // during which it lived
	ByUs    bool
	Removed string // who removed it last
}

// Span is a stretch of time; a zero Until is the end of the run.
type Span struct{ From, Until time.Time }

// live reports whether the task lives at the end.
func (t *Task) live() bool {
	return len(t.Spans) > 0 && t.Spans[len(t.Spans)-1].Until.IsZero()
}

// Expect is an owner that a decision to write another one knew of.
type Expect struct {
	At    time.Time
	Owner string
}

// Field is a field of a kind of one connection.
type Field struct {
	Conn, Kind, Name string
}

func (f Field) String() string { return f.Conn + " " + f.Kind + "." + f.Name }

// Touch is how often a field was written by us, and where first.
type Touch struct {
	Times int
	First connectors.Ref
}

// Due is a timer of a handoff.
type Due struct {
	Handoff   string
	Clock     string
	Step      int
	Due       time.Time
	Set       time.Time
	Cancelled time.Time // zero: never
	Fired     time.Time // zero: never
	Times     int       // that it fired
}

// Calls are those to one CRM.
type Calls struct {
	All, Throttled int
	Day            map[string]int
	Share          float64 // of the day's, which are ours
}

// ours reports whether an actor of the ledger is the daemon.
func (r *Run) ours(actor string) bool {
	if len(r.Ours) == 0 {
		return strings.HasPrefix(actor, "api:")
	}
	for _, o := range r.Ours {
		if o == actor {
			return true
		}
	}
	return false
}

// lag is how long something may stay unnoticed where only polls show it.
func (r *Run) lag() time.Duration {
	return time.Duration((r.PollS+r.LagS)*float64(time.Second)) + 30*time.Second
}

// typed is the key of a type and a record.
func typed(typ string, ref connectors.Ref) string { return typ + " " + ref.String() }

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") }
