package salesforcesim

import (
	"slices"
	"strings"
)

// havingTerm is COUNT(Id) > 1 behind HAVING.
type havingTerm struct {
	agg *aggregate
	op  string
	val literal
}

// source reads what may stand behind the object of FROM: a name of its own, and a scope.
func (p *parser) source(q *query) {
	p.accept("AS")
	if t := p.peek(); t.kind == tokWord && !slices.ContainsFunc([]string{"WHERE", "GROUP", "ORDER", "LIMIT", "OFFSET", "USING", "WITH", "FOR", "HAVING", "ALL"}, t.is) {
		q.alias = p.next().text
	}
	if !p.accept("USING", "SCOPE", "everything") {
		q.mine = p.accept("USING", "SCOPE", "mine")
	}
}

// semiJoin reads the (SELECT …) behind IN; false: there is a list instead.
func (p *parser) semiJoin(c *comparison, err **apiError) bool {
	if !p.peek().is("(") || p.i+1 >= len(p.toks) || !p.toks[p.i+1].is("SELECT") {
		return false
	}
	p.next()
	if p.depth++; p.depth > maxDepth {
		*err = malformed(p.src, p.peek().pos, "Maximum expression depth exceeded")
		return true
	}
	defer func() { p.depth-- }()
	c.join, c.now = &query{src: p.src, limit: -1}, p.now
	if *err = p.body(c.join); *err == nil && !p.accept(")") {
		*err = p.unexpected()
	}
	return true
}

// maxJoins is how many semi-joins and anti-joins a query may have.
const maxJoins = 2

// checkJoins holds that joins stand alone or beside conditions joined by AND, never under OR, NOT or parentheses.
func checkJoins(q *query) *apiError {
	kids := kidsOf(q.where)
	if j, is := q.where.(*junction); is && !j.or {
		kids = j.kids
	}
	n := 0
	for _, kid := range kids {
		if c, plain := kid.(*comparison); plain && c.join != nil {
			n++
		} else if joins(kid) {
			return malformed(q.src, q.from.pos, "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE expressions")
		}
	}
	if n > maxJoins {
		return malformed(q.src, q.from.pos, "Maximum 2 semi join sub-selects are allowed")
	}
	return nil
}

// bindJoin runs the inner query and puts its values in the place of a list: ids against ids of the same objects, one
// column, one level, from another object than the outer query's.
func (s *Sim) bindJoin(q *query, outer *object, c *comparison, isID bool) *apiError {
	in := c.join
	plain := len(in.fields) == 1 && !in.count && len(in.subs)+len(in.aggs)+len(in.group)+len(in.order)+len(in.types) == 0 && in.fieldSet == "" && in.limit < 0 && in.offset == 0
	if !isID || !plain || joins(in.where) {
		return malformed(q.src, c.path.pos, "semi join sub-selects take one id column, no order, no limit and no join of their own")
	}
	if len(c.col.hops) > 0 {
		return malformed(q.src, c.path.pos, "semi join sub-selects are not allowed on a field of a relationship: "+c.path.text)
	}
	o, cols, err := s.bind(in)
	if err != nil {
		return err
	}
	if slices.Contains([]string{"Task", "Event"}, o.name) {
		return malformed(q.src, in.from.pos, "Entity '"+o.name+"' is not supported for semi join inner selects")
	}
	if f := cols[0].leaf; f.typ != "id" && f.typ != "reference" {
		return malformed(q.src, in.fields[0].pos, "Semi join sub-selects can only query id fields, cannot use: '"+f.name+"'")
	}
	switch {
	case len(cols[0].hops) > 0:
		return malformed(q.src, in.fields[0].pos, "Semi join sub-selects cannot query a field of a relationship: "+in.fields[0].text)
	case o == outer:
		return malformed(q.src, in.from.pos, "The inner and outer selects should not be on the same object type")
	case !slices.ContainsFunc(pointsAt(cols[0]), func(name string) bool { return slices.Contains(pointsAt(c.col), name) }):
		return malformed(q.src, in.fields[0].pos, "The selected field '"+cols[0].leaf.name+"' in the subquery and the left operand field '"+c.col.leaf.name+"' in the where expression in the outer query should point to the same object type")
	}
	met := map[string]bool{}
	for _, h := range s.run(in, o, false, c.now) {
		if id, _ := s.get(h.fields, &cols[0]).(string); id != "" && !met[id] {
			met[id] = true
			c.vals = append(c.vals, literal{kind: litString, text: id, raw: id, pos: c.path.pos})
		}
	}
	return nil
}

// pointsAt names the objects whose ids a column may hold.
func pointsAt(c column) []string {
	if c.leaf.typ == "id" {
		return []string{c.entity.name}
	}
	return c.leaf.refTo
}

func joins(e expr) bool {
	switch e := e.(type) {
	case *junction:
		return slices.ContainsFunc(e.kids, joins)
	case *negation:
		return joins(e.kid)
	case *comparison:
		return e.join != nil
	}
	return false
}

// having reads conditions on aggregates, joined by AND.
func (p *parser) having(q *query) *apiError {
	if !p.accept("HAVING") {
		return nil
	}
	if len(q.group) == 0 {
		p.i--
		return p.unexpected()
	}
	for {
		holder := &query{src: p.src}
		if done, err := p.special(holder); err != nil || !done || len(holder.aggs) != 1 || holder.aggs[0].alias != "" {
			if err == nil {
				err = p.unexpected()
			}
			return err
		}
		term := havingTerm{agg: holder.aggs[0]}
		var err *apiError
		if term.op, err = p.operator(); err != nil {
			return err
		}
		if term.val, err = p.value(); err != nil {
			return err
		}
		if term.val.kind != litNumber || strings.ContainsAny(term.op, "IL") {
			return malformed(p.src, term.agg.path.pos, "only comparisons of an aggregate with a number are possible here")
		}
		q.having = append(q.having, term)
		if !p.accept("AND") {
			return nil
		}
	}
}

func (s *Sim) bindHaving(q *query, o *object) *apiError {
	for _, h := range q.having {
		col, err := s.column(q, o, h.agg.path)
		if err != nil {
			return err
		}
		h.agg.col = col
	}
	return nil
}

// orderedBy reads the COUNT(Id) of an ORDER BY; nil: a name stands there.
func (p *parser) orderedBy() (*aggregate, *apiError) {
	if p.i+1 >= len(p.toks) || !p.toks[p.i+1].is("(") {
		return nil, nil
	}
	at := p.i
	fn := strings.ToUpper(p.next().text)
	p.next()
	t := p.next()
	if !slices.Contains([]string{"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"}, fn) || t.kind != tokWord || !p.accept(")") {
		p.i = at
		return nil, p.unexpected()
	}
	return &aggregate{fn: fn, path: path{text: t.text, pos: t.pos}}, nil
}

// bindOrdered resolves the aggregates of ORDER BY, which only a grouped query may have.
func (s *Sim) bindOrdered(q *query, o *object) *apiError {
	for _, t := range q.order {
		if t.agg == nil {
			continue
		}
		if len(q.group) == 0 {
			return malformed(q.src, t.path.pos, "Ordered field must be grouped or aggregated: "+t.path.text)
		}
		col, err := s.column(q, o, t.agg.path)
		if err != nil {
			return err
		}
		t.agg.col = col
	}
	return nil
}

// having says whether a group meets the conditions.
func (s *Sim) having(q *query, g *grouped) bool {
	for _, h := range q.having {
		var got float64
		switch v := s.total(h.agg, g.hits).(type) {
		case int:
			got = float64(v)
		case float64:
			got = v
		default:
			return false
		}
		op := h.op
		negated := op == "!="
		if negated {
			op = "="
		}
		if holds(op, got, &h.val, &field{typ: "double"}) == negated {
			return false
		}
	}
	return true
}
