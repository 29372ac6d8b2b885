package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
)

// Which CRM has the say: over a field of a record that stands on
// both sides, and over making people where a sync of the CRMs' own does.

// listConnector holds the handoffs that wait for somebody whom the CRMs' own
// sync has not made yet.
const listConnector = "connector"

// madeWithin is how long that sync may take before it is listed.
const madeWithin = time.Hour

// sayso reads who may write what.
func (c *compiler) sayso() {
	a := c.doc.Authority
	if a.Owner.Given() {
		c.r.authority = c.conn(a.Owner)
	}
	for _, p := range a.Fields {
		n := c.conn(p.To)
		if n == nil || c.unreadMapping(c.r.conns) {
			continue
		}
		if !c.wordOf(n, p.From.S) {
			c.undefined(p.From, "undefined-field", "field", n.file, c.wordsOf(n))
			continue
		}
		if c.r.sayOver == nil {
			c.r.sayOver = map[string]*conn{}
		}
		c.r.sayOver[p.From.S] = n
	}
	if a.CreatedBy.S != "connector" {
		return
	}
	for _, n := range c.r.conns {
		n.made = n.made || n.name == a.CreatedIn.S || n.crm == a.CreatedIn.S
	}
	if !slices.ContainsFunc(c.r.conns, func(n *conn) bool { return n.made }) {
		c.conn(mappings.Text{S: a.CreatedIn.S, Pos: a.CreatedIn.Pos})
	}
}

// wordOf reports whether a mapping has a word, with its noun or without.
func (c *compiler) wordOf(n *conn, name string) bool {
	return slices.Contains(c.wordsOf(n), name)
}

func (c *compiler) wordsOf(n *conn) []string {
	var out []string
	for _, noun := range mappings.Nouns() {
		for _, w := range n.m.Words(noun) {
			out = append(out, noun+"."+w, w)
		}
	}
	return out
}

// says is the connection that has the say over a field; nil: each its own.
func (r *Rules) says(f field) *conn {
	if n := r.sayOver[f.String()]; n != nil {
		return n
	}
	return r.sayOver[f.word]
}

// standsFor is the record on which a field may be written, in place of one
// that is joined with it in a CRM that has the say. ok is false where that CRM
// has the say and no place for the field; that is listed.
func (d *deciding) standsFor(f *facts, of field) (c *conn, rec *state.Record, ok bool) {
	says := d.r.says(of)
	if says == nil || says == f.conn {
		return f.conn, f.rec, true
	}
	ref := f.elsewhere(f.rec.Ref, says, f.rec.Noun)
	if ref.IsZero() {
		return f.conn, f.rec, true
	}
	there, known := d.v.Record(ref)
	if _, writes := says.m.WriteName(ref.Kind, of.word); !known || !writes {
		d.list(listElsewhere, f.rec.Ref.String()+" "+of.String(), fmt.Sprintf("%s has the say over %s, and its mapping writes it nowhere on %s: it is not set", says.name, of, ref))
		return nil, nil, false
	}
	d.because(d.why("", "%s has the say over %s: it is set there", says.name, of))
	return says, &there, true
}

// otherwise writes what a type sets on a record it does not take, in the CRM
// that has the say over it.
func (d *deciding) otherwise(t *typ, f *facts, s signal) {
	if d.r.observes(t, f.rec.Ref) {
		return
	}
	sets := map[connectors.Ref]map[string]any{}
	var refs []connectors.Ref
	for _, o := range t.otherwiseSet {
		c, rec, ok := d.standsFor(f, o.field)
		if !ok {
			continue
		}
		was := f.value(o.field)
		if rec != f.rec {
			was = rec.Fields[o.field.word]
		}
		if name, ok := c.m.WriteName(rec.Ref.Kind, o.field.word); ok && !strings.EqualFold(was, o.value) {
			if sets[rec.Ref] == nil {
				sets[rec.Ref] = map[string]any{}
				refs = append(refs, rec.Ref)
			}
			sets[rec.Ref][name] = c.code(o.field, o.value)
		}
	}
	for _, ref := range refs {
		key := state.Digest(t.name, f.rec.Ref.String(), s.version, stepOtherwise)
		if ref != f.rec.Ref {
			key = state.Digest(key, ref.String())
		}
		d.c.Intents = append(d.c.Intents, d.guarded(state.Handoff{}, stepOtherwise, state.Intent{
			Step: stepOtherwise, Dest: ref.Conn, Rank: leastUrgent, State: state.Ready, Due: d.now, Created: d.now,
			Write: connectors.Write{Ref: ref, Set: sets[ref], Key: key},
		}))
	}
}

// untilMade keeps a handoff waiting whose person the CRMs' own sync has not
// made over there yet: it is looked for again with every retry, and nobody is
// made twice. It reports whether it has to wait.
func (d *deciding) untilMade(t *typ, f *facts, h state.Handoff, c *choice) bool {
	if t.deliver == nil || !t.deliver.made || f.land != nil || h.Observed {
		return false
	}
	since := h.DetectedAt
	if d.now.Sub(since) >= madeWithin {
		d.list(listConnector, h.ID, fmt.Sprintf("%s: since %s nobody with this address is in %s, where the CRMs' own sync makes people; look at the sync's errors",
			t.name, since.Format(time.RFC3339), t.deliver.name))
	}
	if c.team == nil && h.Giver == "" && c.manager == "" {
		c.manager = c.owner
		if p := d.r.people[c.owner]; p != nil && p.manager != "" {
			c.manager = p.manager
		}
	}
	c.asked = false
	c.why = append(c.why, d.why(where(t.pos), "waits for the sync to make the person in %s", t.deliver.name))
	return true
}
