package plan

import "slices"

// Shows are the fields, as noun.word, by which a person can judge what a type
// takes: those its signal is seen in, and the context that has to travel. Left out
// are handoffd's own, which tell what was decided, who has the record, and how to
// reach the buyer.
func (r *Rules) Shows(name string) []string {
	var out []string
	add := func(all []field) {
		for _, f := range all {
			if f.given() && r.tellsOfBuyer(f) && !slices.Contains(out, f.String()) {
				out = append(out, f.String())
			}
		}
	}
	for _, t := range r.types {
		if t.name != name {
			continue
		}
		for i := range t.starts {
			add(t.starts[i].when.fields())
		}
		add(t.onlyIf.fields())
		for _, rows := range [][]wanted{t.context.must, t.context.should} {
			for i := range rows {
				add([]field{rows[i].field})
			}
		}
	}
	return out
}

// tellsOfBuyer reports whether a field says something of the buyer, and not of
// the handoff or of who has it.
func (r *Rules) tellsOfBuyer(f field) bool {
	if slices.Contains([]string{wordEmail, wordPhone, wordOwner}, f.word) || isOwn(f.word) {
		return false
	}
	return !slices.ContainsFunc(r.conns, func(c *conn) bool {
		w, ok := c.m.Word(f.noun, f.word)
		return ok && (w.IsA == isUser || w.IsA == isOwner)
	})
}
