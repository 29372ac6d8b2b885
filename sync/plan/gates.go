package plan

import (
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// Gates are what a connection's CRM should refuse to save by itself, for the
// admin to set up there: we see a save when it is done (1.93, 3.10). There is
// one for each kind and each way a gated type starts. unsaid are the types whose
// start, or whose required fields, no such rule can name.
func (r *Rules) Gates(name string) (gates []connectors.Gate, unsaid []string) {
	c := r.byConn[name]
	if c == nil {
		return nil, nil
	}
	for _, t := range r.types {
		if !t.context.gate || !slices.Contains(t.on, c) {
			continue
		}
		said := false
		for _, kind := range c.m.NounKinds(t.about) {
			required := t.requiredOn(c, kind)
			for i := range t.starts {
				when, ok := gateWhen(&t.starts[i].when, t, c, kind)
				if ok && len(required) > 0 {
					gates = append(gates, connectors.Gate{Name: t.name, Kind: kind, When: when, Required: required})
					said = true
				}
			}
		}
		if !said {
			unsaid = append(unsaid, t.name)
		}
	}
	return gates, unsaid
}

// requiredOn are the required fields that stand on the record itself, whatever
// else it says.
func (t *typ) requiredOn(c *conn, kind connectors.Kind) []connectors.Field {
	var out []connectors.Field
	for _, w := range t.context.must {
		name, ok := c.m.ReadName(kind, w.field.word)
		if w.field.noun == t.about && w.when.kind == always && ok {
			out = append(out, connectors.Field{Name: name})
		}
	}
	return out
}

// gateWhen says a condition as values of fields of one kind; false where it
// says more than that.
func gateWhen(k *cond, t *typ, c *conn, kind connectors.Kind) ([]connectors.GateWhen, bool) {
	if k.kind == allOf {
		var out []connectors.GateWhen
		for i := range k.kids {
			w, ok := gateWhen(&k.kids[i], t, c, kind)
			if !ok {
				return nil, false
			}
			out = append(out, w...)
		}
		return out, len(out) > 0
	}
	if k.kind != aField || k.field.noun != t.about || k.orBlank {
		return nil, false
	}
	name, ok := c.m.ReadName(kind, k.field.word)
	if !ok {
		return nil, false
	}
	var out []connectors.GateWhen
	for _, test := range k.tests {
		if test.op != opIs && test.op != opChangedTo || test.list != nil || len(test.args) == 0 {
			return nil, false
		}
		out = append(out, connectors.GateWhen{Field: connectors.Field{Name: name}, Values: gateValues(c, k.field, test.args)})
		if pipeline, ok := c.m.ReadName(kind, wordPipeline); ok && test.pipeline != "" {
			out = append(out, connectors.GateWhen{Field: connectors.Field{Name: pipeline}, Values: gateValues(c, field{k.field.noun, wordPipeline}, []string{test.pipeline})})
		}
	}
	return out, len(out) > 0
}

// gateValues are our words as the CRM spells them.
func gateValues(c *conn, of field, ours []string) []string {
	var out []string
	w, _ := c.m.Word(of.noun, of.word)
	for _, v := range ours {
		codes := c.m.Codes(of.noun, of.word, v)
		switch {
		case len(codes) > 0:
			out = append(out, codes...)
		case w.IsA == "yes_no":
			out = append(out, map[bool]string{true: "true", false: "false"}[strings.EqualFold(v, yes)])
		default:
			out = append(out, v)
		}
	}
	return out
}
