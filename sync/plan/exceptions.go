package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
)

// exception gives some records to one person before the owner list is asked,
// for a reason and until a day (2.43). What is left of it after that day is
// listed, so that it is renewed or taken out of the rules.
type exception struct {
	name, reason, day string
	until             time.Time // the first instant it holds no more, on the clock of who gets them
	line              ownerLine
}

// endsSoon is how long before its end an exception is listed.
const endsSoon = 14 * 24 * time.Hour

func (c *compiler) exceptions(t *typ, d *mappings.Handoff, all []*conn) {
	for _, e := range d.Exceptions {
		if !e.Owner.Given() || !e.Until.Given() {
			continue // told when it was read
		}
		c.person(e.Owner)
		if slices.ContainsFunc(t.exceptions, func(o exception) bool { return o.name == e.Name.S }) {
			c.bad(e.Name.Pos, "exception-twice", "give it a name of its own", "%s has two exceptions named %s", t.name, e.Name.S)
		}
		until, _ := c.instant(e.Until, c.r.calendarOf(e.Owner.S).Zone(), true)
		t.exceptions = append(t.exceptions, exception{
			name: e.Name.S, reason: e.Reason.S, day: e.Until.S, until: until,
			line: ownerLine{
				use: "exception " + e.Name.S, rule: mappings.PersonRule, who: e.Owner.S, when: c.cond(e.If, all, false),
				where: fmt.Sprintf("%s%s%s]", where(e.Pos), ownerRule, e.Name.S),
			},
		})
	}
}

// excepted answers an exception that holds. It reports whether one decides.
func (d *deciding) excepted(t *typ, f *facts, h state.Handoff, c *choice) bool {
	for i := range t.exceptions {
		e := &t.exceptions[i]
		if !e.line.when.holds(f) {
			continue
		}
		if !d.now.Before(e.until) {
			c.note(&e.line, "it ended on %s", e.day)
			d.tellException(t, e, c, "has ended on "+e.day+", and records still come that it would have taken; renew it or take it out")
			continue
		}
		if e.until.Sub(d.now) < endsSoon {
			d.tellException(t, e, c, "ends on "+e.day)
		}
		c.where = e.line.where
		if d.named(&e.line, t, f, h, c) {
			c.exception = e.name
			return true
		}
	}
	return false
}

func (d *deciding) tellException(t *typ, e *exception, c *choice, what string) {
	if !c.silent {
		d.list(listExceptions, t.name+": "+e.name, fmt.Sprintf("the exception for %s (%s) %s", e.line.who, e.reason, what))
	}
}
