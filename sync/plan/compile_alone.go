package plan

import (
	"slices"

	"github.com/handoffd/handoffd/mappings"
)

// alone tells of what rests on one person (2.44): a team of one whose work
// waits when they are away, somebody in a team whom nobody stands in for, and
// weights that caps make impossible.
func (c *compiler) alone() {
	told := map[string]bool{}
	for _, d := range c.doc.Teams {
		t := c.r.teams[d.Name.S]
		if t == nil || len(t.members) == 0 {
			continue
		}
		if only := c.r.people[t.members[0].who]; len(t.members) == 1 && only != nil && (!t.backupIfFull || only.backup == "") {
			c.warn(d.Pos, "one-person", "add somebody, or if_everyone_is_full: backup", "%s is %s alone: while they are away everything there waits", t.name, only.who)
		}
		for _, m := range d.Members {
			c.standsAlone(m, told)
			if most := max(m.AtMost, 0); most > 0 && m.Weight > most {
				c.warn(m.Pos, "weight-over-cap", "raise at_most, or lower the weight", "a weight of %d asks for more turns in a row than the %d that %s may hold", m.Weight, most, m.Who.S)
			}
		}
	}
}

// standsAlone tells, once for each, of somebody without a backup.
func (c *compiler) standsAlone(m mappings.Member, told map[string]bool) {
	p := c.r.people[m.Who.S]
	if p == nil || p.backup != "" || told[p.who] {
		return
	}
	told[p.who] = true
	i := slices.IndexFunc(c.doc.People, func(d mappings.Person) bool { return d.Who.S == p.who })
	c.warn(c.doc.People[i].Pos, "no-backup", "add backup: and a colleague's address", "nobody stands in for %s", p.who)
}
