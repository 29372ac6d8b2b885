package state

import (
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Work is what has been done about a handoff since it was assigned, as far as
// the CRM tells. Counts that a CRM keeps on the record are compared with what
// they were at the assignment.
type Work struct {
	Count int `json:"count"` // contacts with the buyer, distinct
	// Seen are the activities counted, by the CRM's id, the newest last; at
	// most 50 are kept.
	Seen   []string  `json:"seen,omitempty"`
	Base   int       `json:"base,omitempty"`  // what the record's own counter said at the assignment; -1: to be seen anew
	First  time.Time `json:"first,omitzero"`  // the first contact by the receiver
	Type   string    `json:"type,omitempty"`  // of the first: "call", "email", "meeting"
	By     string    `json:"by,omitempty"`    // who made it, by e-mail
	Last   time.Time `json:"last,omitzero"`   // the last contact by anybody of ours
	Next   time.Time `json:"next,omitzero"`   // when the next task of theirs was made (not ours)
	Met    time.Time `json:"met,omitzero"`    // when a meeting with the buyer was held
	Opened time.Time `json:"opened,omitzero"` // when the owner was first seen to have opened the record
	Heard  time.Time `json:"heard,omitzero"`  // when anything was last seen to happen
	Maker  string    `json:"maker,omitempty"` // who made the next task, by e-mail
	Ticked time.Time `json:"ticked,omitzero"` // when a person ticked off the task that handoffd made
	Hand   string    `json:"hand,omitempty"`  // whose that task was when it was last ticked off, begun or put off; by e-mail
	// Started is when a person was first seen to have begun that task.
	Started time.Time `json:"started,omitzero"`
	// Deferred is when a person was seen to have put that task off; zero once they
	// have taken it up again.
	Deferred time.Time `json:"deferred,omitzero"`
	Told     int       `json:"told,omitempty"` // the count that was last written
	Reply    time.Time `json:"reply,omitzero"` // when the buyer first answered
	Gap      string    `json:"gap,omitempty"`  // digest of the question the receiver asked last
}

// Return is a handoff that came back.
type Return struct {
	By     string    `json:"by"`               // who returned it, by e-mail
	To     string    `json:"to,omitempty"`     // who has it now
	Reason string    `json:"reason,omitempty"` // of the picklist; blank: none was given
	Note   string    `json:"note,omitempty"`   // what they wrote
	At     time.Time `json:"at"`
	Asked  time.Time `json:"asked,omitzero"` // when the returner was asked for a reason
	Rule   string    `json:"rule,omitempty"` // the rule that had routed it (G7)
}

// Item is one thing of a checklist that one person has to do.
type Item struct {
	Step  string         `json:"step"` // derived from the type's text: the write and the timer are named by it
	Do    string         `json:"do"`
	Who   string         `json:"who,omitempty"`   // by e-mail
	Gives bool           `json:"gives,omitempty"` // the giver's: due before the transfer
	By    time.Time      `json:"by,omitzero"`
	Done  time.Time      `json:"done,omitzero"`
	Task  connectors.Ref `json:"task,omitzero"`
	Late  time.Time      `json:"late,omitzero"` // when it was told to be late
	Rule  string         `json:"rule,omitempty"`
	// After is when the task of a milestone is made; zero for a thing of the
	// checklist. A milestone is no part of the checklist.
	After time.Time `json:"after,omitzero"`
}

// Back is how far what happens after a handoff has been told to who gave it.
type Back struct {
	// Seen are the values of what is told, by the part of the rule that names
	// it, as last looked at; "-": it did not hold.
	Seen  map[string]string `json:"seen"`
	Count int               `json:"count,omitempty"` // times something was told
}

// Ratings are how complete and useful giver and receiver found a handoff, who were
// asked because it was drawn for the sample.
type Ratings struct {
	Asked time.Time `json:"asked"`
	Over  time.Time `json:"over,omitzero"` // since when no rating is waited for any more
	Given Rating    `json:"given,omitzero"`
	Taken Rating    `json:"received,omitzero"`
}

// Rating is that of one of the two.
type Rating struct {
	Who    string    `json:"who,omitempty"`    // who was asked, by e-mail; blank: nobody could be
	Score  int       `json:"score,omitempty"`  // 1, poor, to 5, very good; 0: none yet
	At     time.Time `json:"at,omitzero"`      // when it was read
	Ticked bool      `json:"ticked,omitempty"` // they have ticked off their task themselves
}

// Holder is somebody who had a handoff before its present owner.
type Holder struct {
	Who   string    `json:"who"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	Why   string    `json:"why"` // "backup took over", "returned", "reassigned"
	// Stood is the write of them that stood in the CRM when the next one's turn came, and
	// Accepted since when they had accepted it. Nil and zero: none did, and they had not.
	Stood    *Stake    `json:"stood,omitempty"`
	Accepted time.Time `json:"accepted,omitzero"`
	// Did is what had been done about it by then, where the next one starts anew. Nil:
	// nothing that would count for them.
	Did *Work `json:"did,omitempty"`
	// Team, Backup and Rule are what they had it with, and by which rule, where it
	// may still go back to them: its next owner does not stand in the CRM yet.
	Team   string `json:"team,omitempty"`
	Backup string `json:"backup,omitempty"`
	Rule   string `json:"rule,omitempty"`
	// Others is a record and its version that shows, as was asked, what others have said
	// meanwhile and not they: that is asked once.
	Others string `json:"others,omitempty"`
}

// Message is something people are told outside the CRM. It travels in the
// outbox like a write, to a channel of `notify:`; it fails open: after a day of
// trying it is listed and given up.
type Message struct {
	To      string `json:"to,omitempty"` // a person by e-mail; blank: the channel itself
	Subject string `json:"subject"`
	Text    string `json:"text"` // plain; no personal data of the buyer beyond name and company
	// About are the records it speaks of, those of a digest in the order of its
	// lines. The address of each in its CRM is found when it is sent.
	About []connectors.Ref `json:"about,omitempty"`
	// Digest says that every line speaks of something else.
	Digest bool `json:"digest,omitempty"`
	// Alarm says that it speaks of handoffd itself: it leaves while writing has
	// stopped by itself.
	Alarm bool `json:"alarm,omitempty"`
}
