package plan

import (
	"time"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/sync/sla"
)

// contextRule is what has to travel with a type.
type contextRule struct {
	must, should []wanted
	note         field // the giver's own words; zero: there is no such field
	noteAtLeast  int
	measurable   []field
	links        []field
	judged       bool // what was written is judged
	strict       bool // and what is wrong counts as missing
	gate         bool
	hold         sla.Duration // how long a gate stays shut before somebody is told, or it opens
	release      bool
	again        sla.Duration // until the giver is asked once more
	pos          mappings.Pos
}

// wanted is a field that is wanted where a condition holds.
type wanted struct {
	field field
	when  cond
	pos   mappings.Pos
}

// wordNote is the word of a noun that holds the giver's own words, where the
// type does not name another field.
const wordNote = "note"

func (c *compiler) context(t *typ, d *mappings.Handoff, all []*conn) {
	k := &t.context
	k.pos = d.Context.Pos
	k.must = c.wanted(d.Context.MustHave, all, false)
	k.should = c.wanted(d.Context.ShouldHave, all, true)
	k.measurable = c.fieldsIn(d.Context.Measurable, all)
	k.links = c.fieldsIn(d.Context.Links, all)
	k.judged, k.strict = d.Context.Lint.Given(), d.Context.Lint.S == "gate"
	k.gate = d.Context.IfMissing.S == "gate"
	k.release = d.Context.AfterHold.S == "release"
	k.hold, k.again = sla.Of(d.Context.HoldAtMost), sla.Of(d.Context.ChaseAgain)
	if k.hold.IsZero() {
		k.hold = sla.Clock(48 * time.Hour)
	}
	if k.again.IsZero() {
		k.again = sla.Of(mappings.Duration{N: 1, Unit: mappings.Day, Working: true})
	}
	c.note(t, d, all)
	if n := len(k.must); n > 12 {
		c.warn(d.Context.Pos, "many-fields", "12 is already a lot to fill in", "%s wants %d fields filled", t.name, n)
	}
	if len(d.Context.Measurable)+len(d.Context.Links) > 0 && !k.judged {
		c.warn(d.Context.Pos, "not-judged", "add lint: warn, or lint: gate", "%s says what fields should look like, and nothing judges them", t.name)
	}
}

// note finds the field with the giver's own words.
func (c *compiler) note(t *typ, d *mappings.Handoff, all []*conn) {
	k := &t.context
	k.noteAtLeast = d.Context.NoteAtLeast
	if d.Context.Note.Given() {
		k.note, _ = c.fieldIn(d.Context.Note, all, false)
		return
	}
	own := field{t.about, wordNote}
	if _, ok := word(all, own); ok && (k.judged || k.noteAtLeast > 0) {
		k.note = own
	}
	if k.noteAtLeast > 0 && !k.note.given() {
		c.warn(d.Context.Pos, "no-note", "name the field with note:, or map "+own.String(), "%s wants a note, and no field holds one", t.name)
	}
}

func (c *compiler) wanted(rows []mappings.ContextRow, all []*conn, optional bool) []wanted {
	var out []wanted
	for _, row := range rows {
		when := c.cond(row.If, all, false)
		for _, name := range row.Fields {
			if f, ok := c.fieldIn(name, all, optional); ok {
				out = append(out, wanted{f, when, row.Pos})
			}
		}
	}
	return out
}

func (c *compiler) fieldsIn(names []mappings.Text, all []*conn) []field {
	var out []field
	for _, name := range names {
		if f, ok := c.fieldIn(name, all, false); ok {
			out = append(out, f)
		}
	}
	return out
}
