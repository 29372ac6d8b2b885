package hubspotsim

import (
	"strconv"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

var _ simhttp.Stage = (*Sim)(nil)

// Parts implements simhttp.Stage.
func (s *Sim) Parts() []simhttp.Part {
	return []simhttp.Part{
		{
			Object: "contacts", Owner: "hubspot_owner_id", Field: "jobtitle", Merges: true, Deletes: true,
			Values: []string{"Head of Sales", "Director", "Sales Manager", "Buyer", ""},
		},
		{
			Object: "companies", Owner: "hubspot_owner_id", Field: "city", Merges: true,
			Values: []string{"Austin", "Leeds", "Berlin", ""},
		},
		{
			Object: "deals", Owner: "hubspot_owner_id", Field: "hs_next_step", Deletes: true,
			Values: []string{"Call back on Monday", "Send the offer", "Meet their team", ""},
		},
	}
}

// Living implements simhttp.Stage.
func (s *Sim) Living(object string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	if o := s.object(object); o != nil {
		for _, rec := range o.order {
			if !rec.archived && !rec.gone {
				n++
			}
		}
	}
	return n
}

// Draw implements simhttp.Stage.
func (s *Sim) Draw(object string, r *simhttp.Rand) (id string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.object(object)
	if o == nil || len(o.order) == 0 {
		return "", false
	}
	for range 8 {
		if rec := o.order[r.IntN(len(o.order))]; !rec.archived && !rec.gone {
			return rec.id, true
		}
	}
	return "", false
}

// Users implements simhttp.Stage.
func (s *Sim) Users() []simhttp.User {
	s.mu.Lock()
	defer s.mu.Unlock()
	users := make([]simhttp.User, 0, len(s.owners))
	for _, o := range byID(s.owners) {
		users = append(users, simhttp.User{ID: o.id, Email: o.email, Active: !o.archived})
	}
	return users
}

// SetActive implements simhttp.Stage.
func (s *Sim) SetActive(email string, active bool) error {
	_, err := s.Edit(simhttp.Edit{
		Object: "owners", Op: "update", ID: email, Fields: map[string]any{"active": active}, By: "automation:Identity provider",
	})
	return err
}

// Drift implements simhttp.Stage: a text property of contacts that nothing else knows of.
func (s *Sim) Drift(n int, there bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, name := s.objects["contacts"], "campaign_note_"+strconv.Itoa(n)
	if p := o.props[name]; p != nil {
		p.Archived = !there
		return nil
	}
	if there {
		at := moment(stamp())
		o.define(property{
			Name: name, Label: "Campaign note " + strconv.Itoa(n), Type: "string", FieldType: "text", Group: o.groups[0].Name,
			Options: []option{}, Modification: modification{Archivable: true}, CreatedAt: at, UpdatedAt: at,
		})
	}
	return nil
}
