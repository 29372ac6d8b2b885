package simhttp

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Life is what people and automation do in a CRM by themselves: mostly shares of the live records, or
// users, that meet it every minute. The zero value is an empty office.
type Life struct {
	// Edits of a field that no handoff looks at, by a person.
	Edits float64 `json:"edits"`
	// Owners changed by a person.
	Owners float64 `json:"owners"`
	// Flips of the owner by the CRM's own automation.
	Flips float64 `json:"flips"`
	// Merges of one record into another of its kind.
	Merges float64 `json:"merges"`
	// Deletes of people's records and deals.
	Deletes float64 `json:"deletes"`
	// Restores is the share of those deletions that somebody takes back one to three minutes later.
	Restores float64 `json:"restores"`
	// Deactivations of users; each is active again two to ten minutes later, and two always stay.
	Deactivations float64 `json:"deactivations"`
	// Drift is how often a day an admin adds a field to the schema, or takes an added one away.
	Drift float64 `json:"drift"`
	// Reps says how those work who are given something.
	Reps Reps `json:"reps"`
}

// Any says that somebody meddles. Reps only react.
func (l Life) Any() bool {
	l.Reps = Reps{}
	return l != Life{}
}

// patchLife returns l with what the JSON object names; {} empties the office.
func patchLife(l Life, raw json.RawMessage) (Life, error) {
	if bytes.Equal(bytes.TrimSpace(raw), []byte("{}")) {
		return Life{}, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return l, fmt.Errorf("read life: %w", err)
	}
	for _, s := range [...]struct {
		name  string
		value float64
	}{
		{"edits", l.Edits},
		{"owners", l.Owners},
		{"flips", l.Flips},
		{"merges", l.Merges},
		{"deletes", l.Deletes},
		{"restores", l.Restores},
		{"deactivations", l.Deactivations},
		{"reps ignore", l.Reps.Ignore},
		{"reps slow", l.Reps.Slow},
		{"reps return", l.Reps.Return},
		{"reps silent", l.Reps.Silent},
		{"reps tacit", l.Reps.Tacit},
		{"reps call", l.Reps.Call},
		{"reps email", l.Reps.Email},
		{"reps meet", l.Reps.Meet},
		{"reps absent", l.Reps.Absent},
		{"reps next", l.Reps.Next},
		{"reps finish", l.Reps.Finish},
	} {
		if err := checkShare("life "+s.name, s.value); err != nil {
			return l, err
		}
	}
	if l.Drift < 0 {
		return l, fmt.Errorf("life drift is %v: times a day", l.Drift)
	}
	return l, nil
}

// Stage is what a simulator offers to those who play its people and automation, beside Edit.
type Stage interface {
	Sim
	// Parts are the objects that people work on.
	Parts() []Part
	// Living is how many live records an object has.
	Living(object string) int
	// Draw picks one live record; not ok when a few tries found none.
	Draw(object string, r *Rand) (id string, ok bool)
	// Users are the people who can own records, in a fixed order.
	Users() []User
	// SetActive lets a user leave, or come back, by e-mail.
	SetActive(email string, active bool) error
	// Drift adds the n-th field of an admin's whim to the schema, or takes it away again.
	Drift(n int, there bool) error
}

// Part is one object that people work on.
type Part struct {
	Object  string   // the CRM's own name
	Owner   string   // the field that names the owner; an e-mail address may stand in an Edit
	Field   string   // a field that no handoff looks at
	Values  []string // what people write into it
	Merges  bool     // people merge two of them
	Deletes bool     // people delete them
}

// User is one user of a simulated CRM.
type User struct {
	ID, Email string
	Active    bool
}
