package plan

import (
	"path"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
	"github.com/handoffd/handoffd/sync/normalize"
	"github.com/handoffd/handoffd/sync/sla"
)

func (c *compiler) connections() {
	for _, d := range c.doc.Connections {
		if c.r.byConn[d.Name.S] != nil {
			c.bad(d.Name.Pos, "connection-twice", "give it a name of its own", "connection %s is written a second time", d.Name.S)
			continue
		}
		file := d.Mapping.S
		if file == "" {
			file = path.Join("mappings", d.CRM.S+".yaml")
		}
		n := &conn{
			name: d.Name.S, crm: d.CRM.S, file: path.Clean(file), webhooks: d.Webhooks || d.Messages, tells: d.Webhooks,
			pollEvery: plain(d.PollEvery), share: d.APIShare.P / 100, from: moment(d.HandoffsFrom),
			codes: map[field]map[string]string{}, several: map[field]map[string]bool{}, signals: map[string][]string{},
		}
		m := c.listening(n, c.mapping(n.file))
		var ds []mappings.Diagnostic
		n.m, ds = normalize.Compile(m, n.name)
		var more []mappings.Diagnostic
		n.match, more = match.Compile(m.MatchPeople)
		if !slices.ContainsFunc(c.r.conns, func(o *conn) bool { return o.file == n.file }) {
			// One mapping may serve several connections; its faults are told once.
			c.ds = slices.Concat(c.ds, ds, more, match.Blind(m.MatchPeople, func(w string) bool { _, known := n.m.Word(nounCompany, w); return known }))
			c.noColleagues(n.match)
		}
		n.codesOf(m)
		n.shares()
		c.r.conns = append(c.r.conns, n)
		c.r.byConn[n.name] = n
	}
}

// noColleagues gathers the domains that identify nobody.
func (c *compiler) noColleagues(m match.Config) {
	for _, s := range m.Steps {
		if s.NotIn == "" {
			continue
		}
		name := mappings.Text{S: s.NotIn, Pos: s.Pos}
		l, ok := c.list(name)
		if !ok {
			c.undefined(name, "undefined-list", "list", "lists.yaml", c.listNames())
		}
		for d := range l {
			c.r.freeMail[d] = true
		}
	}
}

// mapping is the mapping in a file; an empty one where it was not read.
func (c *compiler) mapping(file string) mappings.Mapping {
	for _, m := range c.doc.Mappings {
		if m.Pos.File == file || m.Name.Pos.File == file {
			return m
		}
	}
	return mappings.Mapping{}
}

// codesOf remembers how the CRM spells our words, for writing them.
func (n *conn) codesOf(m mappings.Mapping) {
	for _, noun := range m.Nouns {
		for _, f := range noun.Fields {
			codes := map[string]string{}
			for _, p := range f.Values {
				if _, known := codes[p.To.S]; known {
					n.severalFor(field{noun.Word.S, f.Word.S}, p.To.S)
				} else {
					codes[p.To.S] = p.From.S
				}
			}
			if len(codes) > 0 {
				n.codes[field{noun.Word.S, f.Word.S}] = codes
			}
		}
	}
}

func (n *conn) severalFor(f field, v string) {
	if n.several[f] == nil {
		n.several[f] = map[string]bool{}
	}
	n.several[f][v] = true
}

// code is a value as the CRM spells it.
func (n *conn) code(f field, v string) string {
	if code, ok := n.codes[f][v]; ok {
		return code
	}
	return v
}

// plain is a duration as clock time, for what has no calendar.
func plain(d mappings.Duration) time.Duration {
	unit := map[mappings.Unit]time.Duration{
		mappings.Second: time.Second, mappings.Minute: time.Minute, mappings.Hour: time.Hour,
		mappings.Day: 24 * time.Hour, mappings.Week: 7 * 24 * time.Hour,
	}[d.Unit]
	return time.Duration(d.N) * unit
}

// moment is a day, from its first instant in UTC, or an instant. The reader has
// refused anything else.
func moment(t mappings.Text) time.Time {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, t.S); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}

// settings reads what applies to every type.
func (c *compiler) settings() {
	for _, n := range c.doc.Never {
		c.r.never = append(c.r.never, never{name: n.Name.S, when: c.cond(n.If, c.r.conns, false), pos: n.Pos})
	}
	c.safety()
	if i := c.doc.Imports; !i.When.IsZero() {
		c.r.imports = imports{when: c.cond(i.When, c.r.conns, false), pos: i.Pos}
		per := mappings.Duration{N: 1, Unit: i.AtMost.Per}
		c.r.imports.most, c.r.imports.per, c.r.imports.span = i.AtMost.N, plain(per), sla.Of(per).String()
		if i.UseTier.Given() {
			c.r.imports.tier = c.tier(i.UseTier)
		}
	}
	c.sourcesOf()
	c.sayso()
}

// conn is a connection by name.
func (c *compiler) conn(name mappings.Text) *conn {
	if n := c.r.byConn[name.S]; n != nil {
		return n
	}
	var known []string
	for _, n := range c.r.conns {
		known = append(known, n.name)
	}
	c.undefined(name, "undefined-connection", "connection", "handoffd.yaml", known)
	return nil
}

// groups joins connections that share decisions: a handoff that starts in one
// and lands in the other, one authority, or one team behind both.
func (c *compiler) groups() {
	for i, n := range c.r.conns {
		n.group = i
	}
	join := func(a, b *conn) {
		from, to := max(a.group, b.group), min(a.group, b.group)
		for _, n := range c.r.conns {
			if n.group == from {
				n.group = to
			}
		}
	}
	behind := map[string]*conn{}
	for _, t := range c.r.types {
		for _, n := range t.on {
			if t.deliver != nil {
				join(n, t.deliver)
			}
			for _, team := range t.teams() {
				if other := behind[team.name]; other != nil {
					join(n, other)
				}
				behind[team.name] = n
			}
		}
	}
	if c.doc.Authority.Owner.Given() || len(c.doc.Authority.Fields) > 0 {
		for _, n := range c.r.conns {
			join(c.r.conns[0], n)
		}
	}
}

// teams are the pools a type may draw from.
func (t *typ) teams() []*team {
	var out []*team
	for _, l := range t.lines {
		if l.team != nil {
			out = append(out, l.team)
		}
		for _, row := range l.rows {
			out = append(out, row.team)
		}
	}
	return out
}

// watch finds which words start something, so that a signal that no type takes
// is noticed.
func (c *compiler) watch() {
	for _, t := range c.r.types {
		for _, n := range t.on {
			for i := range t.starts {
				for _, f := range t.starts[i].see {
					if f.noun == t.about && !slices.Contains(n.signals[f.noun], f.word) {
						n.signals[f.noun] = append(n.signals[f.noun], f.word)
					}
				}
			}
			at := place{n.name, t.about}
			c.r.byNoun[at] = append(c.r.byNoun[at], t)
			for _, noun := range t.counted() {
				at := place{n.name, noun}
				c.r.countedBy[at] = append(c.r.countedBy[at], t)
			}
		}
	}
	for _, n := range c.r.conns {
		n.peopleCount = c.r.peopleCount(n)
		n.peopleCount = c.r.peopleCount(n)
		n.asked = map[connectors.Kind]string{}
		for _, k := range n.m.Kinds() {
			n.asked[k] = state.Digest(c.r.fields(n, k)...)[:8]
		}
	}
}
