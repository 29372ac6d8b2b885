package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/sla"
)

// Safety is what keeps handoffd from doing much harm by itself. The zero
// Safety keeps it from nothing.
type Safety struct {
	// FirstWrites to a connection that was never written wait for approval.
	FirstWrites int
	// Writing stops where more than OwnerChanges, unless that is 0, were to
	// change within In.
	OwnerChanges int
	In           time.Duration
	Span         string // In, in the admin's words
	Rule         string // where the admin wrote that
}

// Safety is what the admin's `safety:` says.
func (r *Rules) Safety() Safety { return r.safety }

// Stop is what happens where more owners were to change than is safe, the last
// one that of subject: writing stops until somebody has looked, and RevOps
// hears of it in every channel there is. A task in a CRM would be a write.
func (r *Rules) Stop(now time.Time, subject string) state.Changes {
	s := r.safety
	stop := state.Reconcile{At: now, Stop: true, Why: fmt.Sprintf("more than %d owners were to change within %s (%s), the last one that of %s",
		s.OwnerChanges, s.Span, s.Rule, subject)}
	var c state.Changes
	var told []string
	for _, ch := range r.notify.channels {
		if ch.Kind == "email" && r.revops == "" {
			continue
		}
		told = append(told, ch.Name)
		c.Intents = append(c.Intents, state.Intent{
			Step: stepStop, Dest: ch.Dest(), Write: connectors.Write{Key: state.Digest("write", stepStop, ch.Name, now.UTC().Format(time.RFC3339Nano))},
			Message: &state.Message{
				To: r.revops, Alarm: true, Subject: "handoffd has stopped writing by itself",
				Text: stop.Why + ". Nothing is written to any CRM until somebody has looked: `handoffd status` and `handoffd queue` show what waits, " +
					"`handoffd pause` and `handoffd undo` keep it from happening or take it back, `handoffd approve` lets it go on. What arrives is taken in meanwhile.",
			},
			State: state.Ready, Due: now, Created: now,
		})
	}
	if len(told) > 0 {
		stop.Told = cmp.Or(r.revops, "whoever reads it") + " in " + strings.Join(told, ", ")
	} else {
		stop.Told = "nobody: notify: has no channel that reaches " + cmp.Or(r.revops, "whoever looks after the rules")
		c.Listings = append(c.Listings, state.Listing{List: listUntold, Subject: listSafety, Text: stop.Why + "; told: " + stop.Told, Count: 1, First: now, Last: now})
	}
	c.Reconcile = append(c.Reconcile, stop)
	c.Listings = append(c.Listings, state.Listing{List: listSafety, Subject: "owner changes", Text: stop.Why, Count: 1, First: now, Last: now})
	c.Audit = append(c.Audit, state.AuditRow{
		At: now, Actor: "handoffd", Action: "safety stop", Subject: "daemon", Detail: map[string]string{"why": stop.Why, "told": stop.Told},
	})
	return c
}

const (
	listSafety = "safety"
	stepStop   = "safety stop"
)

func (c *compiler) safety() {
	s := c.doc.Safety
	c.r.safety = Safety{FirstWrites: s.FirstWrites, OwnerChanges: s.OwnerChanges, In: plain(s.In), Span: sla.Of(s.In).String(), Rule: where(s.StopPos)}
	c.sparedOwners(s.NeverTakeFrom)
}

// share is where a type may act.
type share struct{ typ, conn string }

// shares are the percent of records on which a type acts; without one it only
// watches.
type shares map[share]float64

// LiveAs are these rules with the mode and the shares of others. What an edit
// changes for people is seen with them: whoever goes live was only observed
// when it was decided, in a rotation of its own, and another draw there would be
// none of the rules' doing. A type that the others do not know keeps its own.
func (r *Rules) LiveAs(o *Rules) *Rules {
	as := *r
	as.write, as.live = o.write, maps.Clone(o.live)
	for at, percent := range r.live {
		if o.byName[at.typ] == nil {
			as.live[at] = percent
		}
	}
	return &as
}

// live reads which types act, in write mode, where, and on how many of their
// records.
func (c *compiler) live() {
	var names []string
	for _, t := range c.r.types {
		names = append(names, t.name)
		for _, n := range t.on {
			if c.r.write && len(c.doc.Live) == 0 {
				c.r.live[share{t.name, n.name}] = 100
			}
		}
	}
	said := map[share]bool{}
	for _, l := range c.doc.Live {
		t := c.r.byName[l.Handoff.S]
		if t == nil {
			c.bad(l.Handoff.Pos, "undefined-handoff", didYouMean(l.Handoff.S, names, "name one of the files in handoffs/"), "there is no handoff type %q", l.Handoff.S)
			continue
		}
		on := t.on
		if l.On.Given() {
			n := c.conn(l.On)
			if n == nil {
				continue
			}
			if on = []*conn{n}; !slices.Contains(t.on, n) {
				c.bad(l.On.Pos, "not-there", "it starts in "+t.startsIn(), "%s does not start in %s", t.name, n.name)
			}
		}
		for _, n := range on {
			if said[share{t.name, n.name}] {
				c.bad(cmp.Or(l.On.Pos, l.Handoff.Pos), "duplicate-name", "keep one of them", "the share of %s in %s is written a second time", t.name, n.name)
			}
			said[share{t.name, n.name}] = true
			if c.r.write {
				c.r.live[share{t.name, n.name}] = l.Share.P
			}
		}
	}
}

func (t *typ) startsIn() string {
	var names []string
	for _, n := range t.on {
		names = append(names, n.name)
	}
	return strings.Join(names, ", ")
}

// observes reports whether a type only watches a record: in observe mode, and
// on the share of records it is not live for. Which records those are depends
// on nothing but their names, so a restart draws no others, and whoever is in
// at 10 % is in at 20 % (G11).
func (r *Rules) observes(t *typ, ref connectors.Ref) bool {
	live := r.live[share{t.name, ref.Conn}]
	if live <= 0 || live >= 100 {
		return live <= 0
	}
	const slots = 32 * 32 * 32
	n := 0
	for _, c := range state.Digest("share", t.name, ref.String())[:3] {
		n = n*32 + strings.IndexRune("abcdefghijklmnopqrstuvwxyz234567", c)
	}
	return float64(n) >= live/100*slots
}

// acts reports whether anything is written to a connection.
func (r *Rules) acts(c *conn) bool {
	return slices.ContainsFunc(r.types, func(t *typ) bool { return r.live[share{t.name, c.name}] > 0 })
}

// ownerField is the field in which a type writes its receiver on a record.
func (d *deciding) ownerField(typ string, ref connectors.Ref) string {
	t, c := d.r.byName[typ], d.r.byConn[ref.Conn]
	if t == nil || c == nil {
		return ""
	}
	name, _ := c.m.WriteName(ref.Kind, t.becomes)
	return name
}

// guarded prepares a write for what watches over all of them: it says whether
// it changes an owner and because of when, and what stood in the fields that
// are not our own.
func (d *deciding) guarded(h state.Handoff, step string, i state.Intent) state.Intent {
	i.Ordered = d.ordered
	if i.Write.Ref.Kind == connectors.Task {
		return i
	}
	owner := d.ownerField(h.Type, i.Write.Ref)
	if held, sees := i.Expect[owner]; sees && step != stepRestore && !isUndo(step) {
		i.Write = d.spare(h, i.Write, owner, held)
	}
	if v, sets := i.Write.Set[owner]; sets && v != nil && owner != "" && step != stepRestore && !i.Ordered {
		i.Moves = d.since
	}
	i.Was = d.stood(i)
	return i
}

// stood are the values of the fields that a write changes and that are not
// handoffd's own, as last read; and of those that an earlier handoff or a person
// may have left there.
func (d *deciding) stood(i state.Intent) map[string]any {
	ref := i.Write.Ref
	c := d.r.byConn[ref.Conn]
	if c == nil || ref.ID == "" {
		return nil
	}
	rec, known := d.lastRead(ref)
	if !known {
		return nil
	}
	was := map[string]any{}
	for name := range i.Write.Set {
		if _, expected := i.Expect[name]; expected {
			continue
		}
		if isOwn(name) {
			if v := c.put(rec, name); v != "" {
				was[name] = v
			} else if v := rec.Fields[name]; v != "" && (name == ownID || name == ownStatus || name == ownType || name == ownAccountable) {
				was[name] = v
			}
			continue
		}
		if v, ok := c.raw(rec, name); ok {
			was[name] = v
		}
	}
	if len(was) == 0 {
		return nil
	}
	return was
}

// lastRead is a record as this deciding has it, else as last read.
func (d *deciding) lastRead(ref connectors.Ref) (state.Record, bool) {
	for _, seen := range d.c.Records {
		if seen.Ref == ref {
			return seen, true
		}
	}
	return d.v.Record(ref)
}

// raw is what a field of the CRM holds, as far as a record in our words still
// tells: where one word is read from it first, as it is, and written to it.
func (n *conn) raw(rec state.Record, name string) (any, bool) {
	for _, w := range n.m.Words(rec.Noun) {
		to, writes := n.m.WriteName(rec.Ref.Kind, w)
		from, reads := n.m.ReadName(rec.Ref.Kind, w)
		if !writes || !reads || to != name || from != name {
			continue
		}
		f, v := field{rec.Noun, w}, rec.Fields[w]
		known, _ := n.m.Word(rec.Noun, w)
		if len(known.Clean) > 0 || len(known.YesIf) > 0 || n.several[f][v] {
			return nil, false
		}
		return blankNil(n.code(f, v)), true
	}
	return nil, false
}
