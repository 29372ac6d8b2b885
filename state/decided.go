package state

import (
	"encoding/json"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Listing is a thing an admin should see: refused, unmatched, unmapped,
// skipped field, quarantined.
type Listing struct {
	List    string    `json:"list"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	Count   int       `json:"count"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// AuditRow is one line of what happened, chained by hash to the line before.
type AuditRow struct {
	Seq     uint64            `json:"seq"`
	At      time.Time         `json:"at"`
	Actor   string            `json:"actor"` // "handoffd", a CRM user id, "operator"
	Action  string            `json:"action"`
	Subject string            `json:"subject"` // handoff id or record
	Rules   string            `json:"rules,omitempty"`
	Detail  map[string]string `json:"detail,omitempty"`
	Prev    string            `json:"prev"`
	Hash    string            `json:"hash"`
}

// RuleSet is the admin's folder at one digest, kept while anything names it.
type RuleSet struct {
	Digest string            `json:"digest"`
	Mode   string            `json:"mode"` // in force; the environment may have overruled the files
	At     time.Time         `json:"at"`
	Files  map[string]string `json:"files"`
}

// Decision is one deciding, with everything it saw, so that it can be made
// again anywhere and must come out the same.
type Decision struct {
	ID      string          `json:"id"` // digest of the rest
	At      time.Time       `json:"at"` // the now it was made with
	Rules   string          `json:"rules"`
	Event   json.RawMessage `json:"event"`
	Saw     json.RawMessage `json:"saw"`     // package plan's transcript; records by hash
	Outcome string          `json:"outcome"` // digest of the changes' canonical JSON
	Handoff string          `json:"handoff,omitempty"`
	// Record is whom it was about: it can be found and erased by that.
	Record connectors.Ref `json:"record,omitzero"`
	Why    []Reason       `json:"why,omitempty"`
}

// Changes is what one deciding wants remembered. It is a value: it can be
// printed, compared and replayed. Slices are in the order decided.
type Changes struct {
	Records  []Record  `json:"records,omitempty"`
	Handoffs []Handoff `json:"handoffs,omitempty"`
	Triggers []Trigger `json:"triggers,omitempty"`
	Timers   []Timer   `json:"timers,omitempty"`
	Cancel   []string  `json:"cancel,omitempty"` // timer ids
	Intents  []Intent  `json:"intents,omitempty"`
	Withdraw []string  `json:"withdraw,omitempty"` // keys of intents no longer wanted
	Pools    []Pool    `json:"pools,omitempty"`
	Gone     []Gone    `json:"gone,omitempty"` // users
	Same     []Same    `json:"same,omitempty"`
	Listings []Listing `json:"listings,omitempty"`
	Conns    []Conn    `json:"conns,omitempty"`
	Budgets  []Budget  `json:"budgets,omitempty"`
	// Reconcile holds back what would be written (L7).
	Reconcile []Reconcile `json:"reconcile,omitempty"`
	Told      []Told      `json:"told,omitempty"`
	Paces     []Pace      `json:"paces,omitempty"`
	Notes     []Note      `json:"notes,omitempty"` // what was written where
	// Befores are of writes that were found to stand: what an answer tells is kept with it.
	Befores []Before `json:"befores,omitempty"`
	Aliases []Alias  `json:"aliases,omitempty"`
	// Looks are records to be read again: what was said there could not count before.
	Looks []Change   `json:"looks,omitempty"`
	Audit []AuditRow `json:"audit,omitempty"` // without Seq, Prev and Hash
	Why   []Reason   `json:"why,omitempty"`
	// Needs, when there are any, are questions a CRM has to answer first:
	// nothing else is decided, and the same event is decided again with the
	// answers in the view.
	Needs []Need `json:"needs,omitempty"`
	// Wait, when not blank, is why nothing could be decided yet; the event
	// stays where it is and is tried again later.
	Wait string `json:"wait,omitempty"`
}

// Need is a question for one connection: who holds a value, or, where Past
// names a record, who has changed a field of it.
type Need struct {
	Conn     string              `json:"conn"`
	Question connectors.Question `json:"question,omitzero"`
	Past     Past                `json:"past,omitzero"`
	// Optional: where the CRM does not answer, it is decided as if it knew nothing.
	Optional bool `json:"optional,omitzero"`
}

// Past asks which values a field has had since an instant.
type Past struct {
	Kind  connectors.Kind `json:"kind"`
	ID    string          `json:"id"`
	Field string          `json:"field"` // the CRM's name
	Since time.Time       `json:"since"`
	// Wrote, where set, is our own write that the answer has to show: one that
	// was given before does not count.
	Wrote time.Time `json:"wrote,omitzero"`
}

// Trail is the answer to a [Past]. Unseen says that the CRM does not tell of
// that field at all; no values, that nothing is filed of this record (yet).
type Trail struct {
	Values []connectors.FieldValue `json:"values,omitempty"` // newest first
	Unseen bool                    `json:"unseen,omitempty"`
}

// ID names the need, so that its answer can be found again.
func (n Need) ID() string {
	if n.Past.ID != "" {
		return Digest("past", n.Conn, string(n.Past.Kind), n.Past.ID, n.Past.Field, n.Past.Since.UTC().Format(time.RFC3339Nano), n.Past.Wrote.UTC().Format(time.RFC3339Nano))
	}
	parts := []string{n.Conn, n.Question.Field, n.Question.Value}
	for _, k := range n.Question.Kinds {
		parts = append(parts, string(k))
	}
	return Digest(parts...)
}

// Empty reports whether nothing is remembered but the record itself and what
// was seen of it: no decision worth keeping was made.
func (c *Changes) Empty() bool {
	return len(c.Handoffs) == 0 && len(c.Timers) == 0 && len(c.Cancel) == 0 &&
		len(c.Intents) == 0 && len(c.Withdraw) == 0 && len(c.Pools) == 0 && len(c.Same) == 0 &&
		len(c.Gone) == 0 && len(c.Listings) == 0 && len(c.Conns) == 0 && len(c.Told) == 0 && len(c.Budgets) == 0 && len(c.Paces) == 0 && len(c.Reconcile) == 0 && len(c.Audit) == 0 && len(c.Befores) == 0 && len(c.Looks) == 0
}
