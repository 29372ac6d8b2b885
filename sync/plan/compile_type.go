package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
)

// typ makes one type of handoff ready.
func (c *compiler) typ(d *mappings.Handoff) {
	if c.r.byName[d.Name.S] != nil {
		c.bad(d.Name.Pos, "handoff-twice", "give it a name of its own", "handoff %s is written a second time", d.Name.S)
		return
	}
	t := &typ{
		name: d.Name.S, what: d.What.S, about: d.About.S, file: d.Pos.File, pos: d.Name.Pos,
		from: d.From.S, until: d.AccountableUntil.S, listAs: d.OtherwiseListAs.S, becomes: wordOwner, onlyIfPos: d.OnlyIf.Pos,
	}
	c.places(t, d)
	if len(t.on) == 0 {
		return // told by places; nothing else of it can be checked
	}
	here, all := t.on, t.conns()
	c.starts(t, d, here)
	t.onlyIf = c.cond(d.OnlyIf, all, false)
	t.onlyIfLocal = t.onlyIf.local(t.about)
	t.days = append(t.days, t.onlyIf.days(t.about)...)
	c.otherwise(t, d, here)
	c.context(t, d, all)
	c.checklist(t, d, all)
	c.tierRows(t, d, all)
	for i, l := range d.Owner {
		c.ownerLine(t, l, i, all)
	}
	c.exceptions(t, d, all)
	c.watching(t, d, all)
	c.receiving(t, d, all)
	c.tellBack(t, d, all)
	t.accepted = c.cond(d.AcceptedWhen, all, true)
	if d.AcceptedWhen.IsZero() {
		t.accepted = cond{kind: happening, text: "accepted when"}
		c.warn(t.pos, "no-acceptance", "add accepted_when", "nothing says when %s is accepted", t.name)
	}
	t.acceptFields = t.accepted.fields()
	t.completed = c.cond(d.CompletedWhen, all, true)
	t.acceptFields = append(t.acceptFields, t.completed.fields()...)
	c.returning(t, d, all)
	c.returnsNothing(t, d)
	t.steps = c.stalled(d.IfStalled)
	c.speaksNever(t, d.IfStalled)
	t.subject = c.template(d.TaskSubject, all)
	t.taskType = taskType(d)
	t.firstTouches = touchKinds(d.FirstTouchIs)
	if len(d.FirstTouchIs) > 0 {
		t.firstTouch = d.FirstTouchIs[0].Kind.S
	}
	c.r.types = append(c.r.types, t)
	c.r.byName[t.name] = t
}

func taskType(d *mappings.Handoff) string {
	if d.TaskType.Given() {
		return d.TaskType.S
	}
	if len(d.FirstTouchIs) > 0 && d.FirstTouchIs[0].Kind.S != "meeting" {
		return d.FirstTouchIs[0].Kind.S
	}
	return "todo"
}

// conns are the connections whose words a type may use: where it starts and
// where it lands.
func (t *typ) conns() []*conn {
	if t.deliver != nil && !slices.Contains(t.on, t.deliver) {
		return append(slices.Clone(t.on), t.deliver)
	}
	return t.on
}

// places finds where a type starts and lands. Without `on:` it starts in every
// connection whose mapping has the words that start it and a place for whom it
// is handed to.
func (c *compiler) places(t *typ, d *mappings.Handoff) {
	if d.DeliverTo.Given() {
		t.deliver = c.conn(d.DeliverTo)
	}
	switch {
	case d.On.Given():
		if n := c.conn(d.On); n != nil {
			t.on = []*conn{n}
		}
	case d.About.S != "":
		for _, n := range c.r.conns {
			if len(n.m.NounKinds(d.About.S)) > 0 && n != t.deliver && n.knows(d) && n.receives(d) {
				t.on = append(t.on, n)
			}
		}
		if len(t.on) == 0 && len(c.r.conns) > 0 && !c.unreadMapping(c.r.conns) {
			t.on = c.r.conns // so that the words are told one by one
			if !slices.ContainsFunc(c.r.conns, func(n *conn) bool { return len(n.m.NounKinds(d.About.S)) > 0 }) {
				c.bad(d.About.Pos, "no-mapping", "add it to a mapping", "no connection knows what a %s is", d.About.S)
				t.on = nil
			}
		}
	}
	for _, n := range t.on {
		if n == t.deliver {
			c.bad(d.DeliverTo.Pos, "delivers-to-itself", "leave deliver_to out", "%s already starts in %s", t.name, n.name)
		}
		if len(n.m.NounKinds(t.about)) == 0 && !c.unreadMapping([]*conn{n}) && d.On.Given() {
			c.bad(d.On.Pos, "no-mapping", "add it to "+n.file, "%s does not know what a %s is", n.name, t.about)
		}
	}
	if t.deliver != nil && t.about != nounPerson {
		c.bad(d.DeliverTo.Pos, "deliver-person-only", "leave deliver_to out", "only what is about a person can be delivered to another CRM, and %s is about a %s", t.name, t.about)
	}
}

// knows reports whether a mapping has every word that starts a type.
func (n *conn) knows(d *mappings.Handoff) bool {
	for _, s := range d.StartsWhen {
		if !n.knowsCond(s, d.About.S) {
			return false
		}
	}
	return true
}

// receives reports whether a mapping writes whom a type is handed to; where it
// is delivered elsewhere, it need not.
func (n *conn) receives(d *mappings.Handoff) bool {
	_, becomes, _ := strings.Cut(d.ReceiverBecomes.S, ".")
	if becomes == "" {
		becomes = wordOwner
	}
	w, _ := n.m.Word(d.About.S, becomes)
	return w.Writes || d.DeliverTo.Given()
}

func (n *conn) knowsCond(d mappings.Cond, about string) bool {
	for _, k := range slices.Concat(d.All, d.Any, d.None) {
		if !n.knowsCond(k, about) {
			return false
		}
	}
	noun, name, dotted := strings.Cut(d.Field.S, ".")
	if !dotted || noun != about {
		return true
	}
	_, ok := n.m.Word(noun, name)
	return ok
}

func (c *compiler) starts(t *typ, d *mappings.Handoff, here []*conn) {
	for _, s := range d.StartsWhen {
		c.testable(t, s)
		c.startsNow = true
		st := start{when: c.cond(s, here, false), pos: s.Pos}
		c.startsNow = false
		st.see = st.when.fields()
		st.tag = state.Digest(st.when.text, t.about)[:8]
		t.starts = append(t.starts, st)
	}
	for i := range t.starts {
		t.starts[i].counts = t.starts[i].when.counts()
	}
	for i := range t.starts {
		t.days = append(t.days, t.starts[i].when.days(t.about)...)
	}
	if d.HappenedAt.Given() {
		t.happened, _ = c.fieldIn(d.HappenedAt, here, false)
		c.datelike(d.HappenedAt, t.happened, here)
		if t.happened.noun != t.about {
			c.bad(d.HappenedAt.Pos, "wrong-noun", "name a field of the "+t.about, "%s is about a %s, so its date has to be one of it", t.name, t.about)
		}
	}
}

func (c *compiler) otherwise(t *typ, d *mappings.Handoff, here []*conn) {
	for _, p := range d.OtherwiseSet {
		f, ok := c.fieldIn(p.From, here, false)
		if !ok {
			continue
		}
		if f.noun != t.about {
			c.bad(p.From.Pos, "wrong-noun", "name a field of the "+t.about, "%s can only set what is about the %s itself", t.name, t.about)
		} else if w, _ := word(here, f); !w.Writes {
			c.warn(p.From.Pos, "not-written", "add write: to it in the mapping", "%s is never written, so it stays as it is", f)
		}
		t.otherwiseSet = append(t.otherwiseSet, setting{f, p.To.S})
	}
}

func (c *compiler) tierRows(t *typ, d *mappings.Handoff, all []*conn) {
	for _, r := range d.SLA {
		row := tierRow{tier: c.tier(r.Use), pos: r.Pos}
		if !r.Otherwise {
			row.when = c.cond(r.If, all, false)
		}
		if row.tier != nil {
			t.tiers = append(t.tiers, row)
		}
	}
}

// receiving checks who gives, who is accountable meanwhile, and where the
// receiver is written.
func (c *compiler) receiving(t *typ, d *mappings.Handoff, all []*conn) {
	c.use(aTeam, d.From.S)
	t.giver = c.r.teams[d.From.S]
	if isEmail(t.until) {
		c.person(d.AccountableUntil)
	}
	if d.ReceiverBecomes.Given() {
		f, ok := c.fieldIn(d.ReceiverBecomes, all, false)
		if ok && f.noun != t.about {
			c.bad(d.ReceiverBecomes.Pos, "wrong-noun", "name a field of the "+t.about, "%s is about a %s, so the receiver has to stand on it", t.name, t.about)
		}
		t.becomes = f.word
	}
	if d.SupportContact.Given() {
		t.support, _ = c.fieldIn(d.SupportContact, all, true)
	}
	// Two of one team may hand over to each other (1.135).
	if team := c.r.teams[d.To.S]; d.From.Given() && d.From.S == d.To.S && (team == nil || len(team.members) < 2) && !c.isUnread("teams.yaml") {
		c.bad(d.To.Pos, "giver-is-receiver", "name the team that receives, or a team of at least two from teams.yaml", "%s is both giver and receiver of %s", d.To.S, t.name)
	}
	c.ownerWritten(t, all)
}

// ownerWritten refuses a type whose receiver could not be written anywhere.
func (c *compiler) ownerWritten(t *typ, all []*conn) {
	lands := t.on
	if t.deliver != nil {
		lands = []*conn{t.deliver}
	}
	for _, n := range lands {
		if len(n.m.NounKinds(t.about)) == 0 || c.unreadMapping(all) {
			continue
		}
		written := slices.ContainsFunc(n.m.NounKinds(t.about), func(k connectors.Kind) bool { _, ok := n.m.WriteName(k, t.becomes); return ok })
		if !written {
			c.bad(t.pos, "owner-not-written", "add write: to it in "+n.file, "%s hands over in %s, where %s.%s is never written", t.name, n.name, t.about, t.becomes)
		}
	}
}

// clashes tells of what would make one signal two handoffs.
func (c *compiler) clashes() {
	for i, a := range c.r.types {
		for _, b := range c.r.types[:i] {
			both := slices.ContainsFunc(a.on, func(n *conn) bool { return slices.Contains(b.on, n) })
			if !both || a.about != b.about {
				continue
			}
			for _, s := range a.starts {
				if slices.ContainsFunc(b.starts, func(o start) bool { return o.tag == s.tag }) && a.onlyIf.text == b.onlyIf.text {
					c.warn(s.pos, "same-trigger", "tell them apart with only_if", "%s and %s start by the same signal: %s", b.name, a.name, s.when.text)
				}
			}
		}
	}
}

// where names a place of a type's file in a reason: "handoffs/demo.yaml:41".
func where(p mappings.Pos) string { return fmt.Sprintf("%s:%d", p.File, p.Line) }
