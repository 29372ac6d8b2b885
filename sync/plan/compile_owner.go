package plan

import (
	"fmt"
	"slices"

	"github.com/handoffd/handoffd/mappings"
)

// ownerLine is one line of a type's owner list.
type ownerLine struct {
	use     string // as the admin wrote it
	rule    string // one of the sentences package mappings knows
	where   string // "handoffs/demo-request.yaml:41 owner[2]"
	when    cond
	parents bool
	field   field // owner in …
	team    *team // round robin, queue
	rows    []territoryRow
	who     string // person …
	with    []skill
}

// ownerRule marks a line of an owner list in the place of a reason.
const ownerRule = " owner["

// skill is what somebody has to be able to do, as the record says.
type skill struct {
	name  string
	field field
}

func (c *compiler) ownerLine(t *typ, d mappings.OwnerLine, i int, all []*conn) {
	l := ownerLine{
		use: d.Use.S, rule: d.Rule, when: c.cond(d.If, all, false), parents: d.LookUp.S == lookUpParents,
		where: fmt.Sprintf("%s%s%d]", where(d.Pos), ownerRule, i),
	}
	switch d.Rule {
	case mappings.OwnerIn:
		l.field, _ = c.fieldIn(d.Arg, all, false)
		if w, ok := word(all, l.field); ok && w.IsA != isUser && w.IsA != isOwner && w.Word != wordEmail {
			c.warn(d.Arg.Pos, "not-a-user", "add is_a: user to it in the mapping", "%s is a %s, so only an e-mail address in it names a person", l.field, w.IsA)
		}
	case mappings.TerritoryRule:
		l.rows = c.territory(d.Arg)
	case mappings.RoundRobin:
		l.team = c.team(d.Arg, true)
	case mappings.QueueRule:
		l.team = c.team(d.Arg, false)
	case mappings.PersonRule:
		c.person(d.Arg)
		l.who = d.Arg.S
	case mappings.NamedAccountOwner, mappings.CustomerOwner, mappings.OpenDealOwner:
		c.accountWords(d)
	case mappings.RelationshipOwner:
	default:
		return // told when it was read
	}
	for _, p := range d.With {
		f, _ := c.fieldIn(p.To, all, false)
		l.with = append(l.with, skill{p.From.S, f})
		c.somebodyCan(p.From, l.team)
	}
	if len(d.With) > 0 && l.team == nil && d.Rule != mappings.TerritoryRule {
		c.warn(d.Pos, "no-effect", "write it behind round robin", "with: chooses among a team, and %s names none", d.Use.S)
	}
	t.lines = append(t.lines, l)
}

// accountWords tells of a line that can never answer, because the mapping does
// not say what it asks.
func (c *compiler) accountWords(d mappings.OwnerLine) {
	need := map[string][]field{
		mappings.NamedAccountOwner: {{nounCompany, wordNamedAccount}, {nounCompany, wordOwner}},
		mappings.CustomerOwner:     {{nounCompany, wordIsCustomer}, {nounCompany, wordOwner}},
		mappings.OpenDealOwner:     {{nounDeal, wordOwner}, {nounDeal, wordIsClosed}},
	}[d.Rule]
	for _, f := range need {
		if _, ok := word(c.r.conns, f); !ok && !c.unreadMapping(c.r.conns) {
			c.warn(d.Pos, "unmapped-field", "map "+f.String(), "%s needs %s, which is mapped nowhere", d.Rule, f)
		}
	}
}

// somebodyCan tells of a skill that nobody of a team has.
func (c *compiler) somebodyCan(name mappings.Text, t *team) {
	if t == nil {
		return
	}
	can := slices.ContainsFunc(t.members, func(m member) bool {
		p := c.r.people[m.who]
		return p != nil && len(p.can[name.S]) > 0
	})
	if !can {
		c.bad(name.Pos, "undefined-skill", "add can: {"+name.S+": [...]} to people.yaml", "nobody in %s says what they can do in %s", t.name, name.S)
	}
}
