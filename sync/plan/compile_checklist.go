package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/sla"
)

// checkItem is one thing of a type's checklist.
type checkItem struct {
	step     string // names its write and its timer
	do       string
	who      string // doGiver, doReceiver or doSupport
	when     cond
	within   lasting
	afterAll bool
	proof    proof
	pos      mappings.Pos
}

// milestone is one thing to do at a time that a date field gives.
type milestone struct {
	step   string
	do     string
	who    string
	by     sla.Duration  // after the field's date,
	before bool          // or
	lead   time.Duration // before it
	field  field
	when   cond
	within sla.Duration
	proof  proof
	pos    mappings.Pos
}

// proof is what shows that a thing is done, beside its task being ticked off:
// an activity of a kind, or a field that is filled.
type proof struct {
	activity string
	field    field
}

// Who does a thing.
const (
	doGiver    = "giver"
	doReceiver = "receiver"
	doSupport  = "support"
)

// stepItem begins the name of the write of a checklist's task.
const stepItem = "item "

func itemStep(text string) string { return stepItem + state.Digest("item", text)[:8] }

func (c *compiler) checklist(t *typ, d *mappings.Handoff, all []*conn) {
	for _, i := range d.Checklist.Before {
		t.before = append(t.before, c.checkItem(i, doGiver, all))
	}
	for _, i := range d.Checklist.After {
		t.after = append(t.after, c.checkItem(i, doReceiver, all))
	}
	for _, m := range d.Milestones {
		t.milestones = append(t.milestones, c.milestone(m, all))
	}
	c.nothingToDo(t, d)
	if d.PreparedBy.Given() {
		t.prepared = d.PreparedBy
		known := make([]string, 0, len(c.doc.Handoffs))
		for i := range c.doc.Handoffs {
			known = append(known, c.doc.Handoffs[i].Name.S)
		}
		if !slices.Contains(known, d.PreparedBy.S) {
			c.bad(d.PreparedBy.Pos, "undefined-handoff", didYouMean(d.PreparedBy.S, known, "add it to handoffs/"), "there is no handoff type %q", d.PreparedBy.S)
		}
	}
}

// nothingToDo warns of a type that waits for a checklist it does not have.
func (c *compiler) nothingToDo(t *typ, d *mappings.Handoff) {
	if len(t.before)+len(t.after) > 0 {
		return
	}
	for _, w := range []mappings.Cond{d.AcceptedWhen, d.CompletedWhen, d.ReturnedWhen} {
		if at, found := names(w, eventChecklist); found {
			c.warn(at, "no-checklist", "add checklist, or leave it out", "%s has no checklist, so checklist_done always holds", t.name)
		}
	}
}

// names finds an event in a condition.
func names(c mappings.Cond, event string) (mappings.Pos, bool) {
	if c.Field.S == event {
		return c.Field.Pos, true
	}
	for _, kids := range [][]mappings.Cond{c.All, c.Any, c.None} {
		for _, k := range kids {
			if at, found := names(k, event); found {
				return at, true
			}
		}
	}
	return mappings.Pos{}, false
}

func (c *compiler) checkItem(d mappings.CheckItem, who string, all []*conn) checkItem {
	i := checkItem{
		step: itemStep(d.Do.S), do: d.Do.S, who: who, when: c.cond(d.If, all, false),
		within: lasting{time: sla.Of(d.Within.Time)}, afterAll: d.AfterAll, proof: c.proof(d.Proof, all), pos: d.Pos,
	}
	if d.Who.Given() {
		i.who = d.Who.S
	}
	if d.Within.CountedFrom.Given() {
		i.within.from, _ = c.fieldIn(d.Within.CountedFrom, all, false)
		c.datelike(d.Within.CountedFrom, i.within.from, all)
	}
	return i
}

func (c *compiler) proof(t mappings.Text, all []*conn) proof {
	if !strings.Contains(t.S, ".") {
		return proof{activity: t.S}
	}
	f, _ := c.fieldIn(t, all, false)
	return proof{field: f}
}

func (c *compiler) milestone(d mappings.Milestone, all []*conn) milestone {
	m := milestone{
		do: d.Do.S, who: doReceiver, by: sla.Of(d.At.By), before: d.At.Before,
		when: c.cond(d.If, all, false), within: sla.Of(d.Within), proof: c.proof(d.Proof, all), pos: d.Pos,
	}
	m.step = itemStep("milestone " + d.At.Field.S + " " + d.Do.S)
	if d.Who.Given() {
		m.who = d.Who.S
	}
	if !d.At.Field.Given() {
		return m // told by the reader
	}
	m.field, _ = c.fieldIn(d.At.Field, all, false)
	c.datelike(d.At.Field, m.field, all)
	if m.before && d.At.By.Working {
		c.bad(d.At.Pos, "bad-moment", "write it like 1 day before "+d.At.Field.S, "time before a date runs by the clock")
	}
	if m.before {
		m.lead = plain(d.At.By)
	}
	return m
}
