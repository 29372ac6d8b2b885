package plan

import (
	"strings"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/sla"
)

// A CRM may refuse to make a person because its own rules take them for one who
// is there. Where the address says so too, that is the one; where it does not,
// the steward is asked, while whoever was assigned has the buyer. Nothing is
// ever merged by us.

const (
	stepDuplicate  = "duplicate"
	listDuplicates = "duplicates"
	auditDuplicate = "duplicate asked"
)

// duplicated asks the steward about a person whom the CRM takes for another.
func (d *deciding) duplicated(h state.Handoff, ev Delivered) state.Handoff {
	t, f, ok := d.matter(h)
	c := d.r.byConn[ev.Intent.Write.Ref.Conn]
	if !ev.Alike || !ok || t == nil || c == nil || h.Observed || h.Effects[stepDuplicate].Key != "" {
		return h
	}
	there, known := d.v.Record(ev.Existing)
	if known && there.Fields[wordEmail] != "" && strings.EqualFold(there.Fields[wordEmail], f.rec.Fields[wordEmail]) {
		return h
	}
	who := titled(f.rec)
	what, on := "one of several who are there", h.Record
	if !ev.Existing.IsZero() {
		what, on = ev.Existing.String(), ev.Existing
		if known {
			what = accountName(there)
		}
	}
	d.list(listDuplicates, f.rec.Ref.String(), h.Type+": "+c.name+" takes "+who+" for "+what+"; "+orNobody(h.Owner)+" has it meanwhile")
	steward := d.r.reviewer(c)
	if steward == "" {
		return h
	}
	d.audit(auditDuplicate, h.ID, map[string]string{"who": steward, "existing": ev.Existing.String()})
	lines := []string{
		c.name + " did not make a record of " + who + " (" + f.rec.Ref.String() + "), because it takes them for " + what + ".",
		orNobody(h.Owner) + " has the handoff meanwhile" + onIt(ev.Existing) + ".",
		"If they are one person, tick this off. If they are not, make the record by hand and give the handoff's owner both.",
		"", "In its words: " + ev.Err,
	}
	return d.chore(h, chore{
		step: stepDuplicate, who: steward, subject: "Is " + who + " here already?", body: strings.Join(lines, "\n"), kind: "todo", priority: "medium",
		due: d.calendarOf(steward).Add(d.now, sla.Of(mappings.Duration{N: 1, Unit: mappings.Day, Working: true})), on: on,
	})
}

func onIt(existing connectors.Ref) string {
	if existing.IsZero() {
		return ""
	}
	return ", on " + existing.String()
}
