package salesforcesim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

var _ simhttp.Stage = (*Sim)(nil)

// Parts implements simhttp.Stage.
func (s *Sim) Parts() []simhttp.Part {
	titles := []string{"Head of Sales", "Director", "Sales Manager", "Buyer", ""}
	return []simhttp.Part{
		{Object: "Lead", Owner: "OwnerId", Field: "Title", Values: titles, Merges: true, Deletes: true},
		{Object: "Contact", Owner: "OwnerId", Field: "Title", Values: titles, Merges: true, Deletes: true},
		{Object: "Account", Owner: "OwnerId", Field: "BillingCity", Values: []string{"Austin", "Leeds", "Berlin", ""}, Merges: true},
		{Object: "Opportunity", Owner: "OwnerId", Field: "NextStep", Values: []string{"Call back on Monday", "Send the offer", ""}, Deletes: true},
	}
}

// Living implements simhttp.Stage.
func (s *Sim) Living(object string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	if tb := s.tables[object]; tb != nil {
		for _, r := range tb.order {
			if alive(r) {
				n++
			}
		}
	}
	return n
}

// alive says that a person would still work on the row: it is neither deleted nor a converted lead.
func alive(r *row) bool { return !r.deleted() && r.last()["IsConverted"] != true }

// Draw implements simhttp.Stage.
func (s *Sim) Draw(object string, r *simhttp.Rand) (id string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tb := s.tables[object]
	if tb == nil || len(tb.order) == 0 {
		return "", false
	}
	rows := tb.from("") // in the ids' order, whatever was asked before
	for range 8 {
		if at := rows[r.IntN(len(rows))]; alive(at) {
			return at.id, true
		}
	}
	return "", false
}

// Users implements simhttp.Stage: those who can own records, without the integration's own.
func (s *Sim) Users() []simhttp.User {
	s.mu.Lock()
	defer s.mu.Unlock()
	var users []simhttp.User
	for _, name := range reps() {
		id := s.users[mailOf(name)]
		if r := s.byID(id); r != nil {
			users = append(users, simhttp.User{ID: id, Email: mailOf(name), Active: r.last()["IsActive"] == true})
		}
	}
	return users
}

// SetActive implements simhttp.Stage.
func (s *Sim) SetActive(email string, active bool) error {
	s.mu.Lock()
	id := s.users[strings.ToLower(email)]
	s.mu.Unlock()
	_, err := s.Edit(simhttp.Edit{
		Object: "User", Op: "update", ID: id, Fields: map[string]any{"IsActive": active}, By: "automation:Identity provider",
	})
	return err
}

// Drift implements simhttp.Stage: a text field of leads that nothing else knows of. What rows hold in a field
// that is taken away is gone.
func (s *Sim) Drift(n int, there bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := "Campaign_Note_" + strconv.Itoa(n) + "__c"
	s.set.drift = slices.DeleteFunc(s.set.drift, func(known string) bool { return known == name })
	if there {
		s.set.drift = append(s.set.drift, name)
	}
	return s.reshape(time.Now().UTC())
}
