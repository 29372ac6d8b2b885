package plan

import (
	"slices"

	"github.com/handoffd/handoffd/mappings"
)

// The sorts of things that rules name.
const (
	aTier        = "tier"
	aList        = "list"
	aTeam        = "team"
	aTerritory   = "territory"
	anEscalation = "escalation list"
)

// use notes that something is named by a rule.
func (c *compiler) use(sort, name string) {
	if c.used == nil {
		c.used = map[string]bool{}
	}
	c.used[sort+" "+name] = true
}

// unused tells of what is defined and named by nothing: it has no effect, and
// whoever reads the folder thinks that it has (1.38). Where a file could not be
// read nobody knows.
func (c *compiler) unused() {
	if len(c.doc.Unread) > 0 || len(c.doc.Handoffs) == 0 {
		return
	}
	tell := func(sort string, name mappings.Text, hint string) {
		if !c.used[sort+" "+name.S] {
			c.warn(name.Pos, "unused", hint+", or take it out", "nothing uses the %s %s", sort, name.S)
		}
	}
	for _, d := range c.doc.Tiers {
		tell(aTier, d.Name, "name it under sla: of a handoff type")
	}
	for _, d := range c.doc.Teams {
		if !acts(d) {
			tell(aTeam, d.Name, "name it under from:, in an owner list or in a territory")
		}
	}
	for _, d := range c.doc.Escalations {
		tell(anEscalation, d.Name, "name it under if_stalled: of a handoff type")
	}
	for _, d := range c.doc.Territories {
		tell(aTerritory, d.Name, "write `territory "+d.Name.S+"` into an owner list")
	}
	for _, d := range c.doc.Lists {
		if _, ours := mappings.BuiltInList(d.Name.S); !ours { // those are looked at anyway
			tell(aList, d.Name, "name it in a condition")
		}
	}
}

// acts reports whether a team has an effect that nothing needs to name: it is the
// one that is told last, it says who is away, or how much its members may hold.
func acts(d mappings.Team) bool {
	capped := d.AtMost > 0 || slices.ContainsFunc(d.Members, func(m mappings.Member) bool { return m.AtMost > 0 })
	return d.Name.S == roleRevops || len(d.LeaveFrom) > 0 || capped
}
