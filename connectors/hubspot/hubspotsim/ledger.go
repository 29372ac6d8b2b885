package hubspotsim

import (
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// note writes one line of the ledger of changes. Every change of a record passes here, whoever made it; a world
// that is being loaded has always been so and leaves no line.
func (s *Sim) note(rec *record, op string, by source, fields map[string]simhttp.FromTo, now time.Time) {
	if s.cfg.History == nil || s.loading {
		return
	}
	c := simhttp.Change{Time: now, CRM: s.CRM(), Object: rec.of.name, ID: rec.id, Op: op, Actor: by.who(), Fields: fields}
	if rec.into != nil {
		c.Into = rec.into.id
	}
	s.cfg.History.Changed(c)
}

// noteLink writes that two records are now associated, or no longer: a line for each of them.
func (s *Sim) noteLink(from, to *record, op string, by source, now time.Time) {
	for _, ends := range [...][2]*record{{from, to}, {to, from}} {
		change := simhttp.FromTo{To: ends[1].id}
		if op == "unlink" {
			change = simhttp.FromTo{From: ends[1].id}
		}
		s.note(ends[0], op, by, map[string]simhttp.FromTo{ends[1].of.name: change}, now)
	}
}

// noteOwner writes that a user came, went or changed.
func (s *Sim) noteOwner(o *owner, by source, fields map[string]simhttp.FromTo, now time.Time) {
	s.cfg.History.Changed(simhttp.Change{
		Time: now, CRM: s.CRM(), Object: "owners", ID: o.id, Op: "update", Actor: by.who(), Fields: fields,
	})
}

// filled is a stored value as the ledger shows it: null for blank.
func filled(value string) any {
	if value == "" {
		return nil
	}
	return value
}
