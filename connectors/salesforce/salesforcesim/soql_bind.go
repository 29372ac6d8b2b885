package salesforcesim

import (
	"fmt"
	"slices"
	"strings"
)

// column is a resolved field path: the references to follow, then the field.
type column struct {
	name   string // as the answer spells it
	hops   []*field
	leaf   *field
	entity *object // holds the leaf; the object Name behind a reference to several types
}

// bind resolves every name and checks every value's type. Errors are INVALID_TYPE, INVALID_FIELD and
// INVALID_QUERY_FILTER_OPERATOR.
func (s *Sim) bind(q *query) (*object, []column, *apiError) {
	o := s.org[strings.ToLower(q.from.text)]
	if o == nil || o.prefix == "" {
		return nil, nil, noSuchType(q.from.text)
	}
	if err := checkJoins(q); err != nil {
		return nil, nil, err
	}
	if err := s.bindMore(q, o); err != nil {
		return nil, nil, err
	}
	if err := s.bindTypes(q, o); err != nil {
		return nil, nil, err
	}
	if q.mine {
		link := o.field("OwnerId")
		if link == nil {
			return nil, nil, malformed(q.src, q.from.pos, "the scope mine is not supported for "+o.name)
		}
		own := &comparison{path: path{text: "OwnerId", pos: q.from.pos}, op: "=", vals: []literal{{kind: litString, text: s.caller, raw: s.caller, pos: q.from.pos}}}
		q.where, q.mine = &junction{kids: append([]expr{own}, kidsOf(q.where)...)}, false
	}
	cols := []column{} // nil means every field
	for _, p := range q.fields {
		c, err := s.column(q, o, p)
		if err != nil {
			return nil, nil, err
		}
		if slices.ContainsFunc(cols, func(other column) bool { return other.name == c.name }) {
			return nil, nil, &apiError{code: "INVALID_FIELD", message: at(q.src, p.pos) + "duplicate field selected: " + c.name}
		}
		cols = append(cols, c)
	}
	if q.where != nil {
		if err := s.bindExpr(q, o, q.where); err != nil {
			return nil, nil, err
		}
	}
	if q.count && len(q.order) > 0 {
		return nil, nil, malformed(q.src, q.order[0].path.pos, "Ordered field must be grouped or aggregated: "+q.order[0].path.text)
	}
	for i := range q.order {
		t := &q.order[i]
		if t.agg != nil {
			continue
		}
		c, err := s.column(q, o, t.path)
		if err != nil {
			return nil, nil, err
		}
		if c.leaf.longText() || c.leaf.typ == "multipicklist" {
			return nil, nil, &apiError{code: "INVALID_FIELD", message: at(q.src, t.path.pos) + "field '" + c.leaf.name + "' can not be sorted in a query call"}
		}
		t.col = c
	}
	return o, cols, nil
}

// kidsOf is a condition that may be missing as a part of a junction.
func kidsOf(e expr) []expr {
	if e == nil {
		return nil
	}
	return []expr{e}
}

func (s *Sim) column(q *query, o *object, p path) (column, *apiError) {
	parts := strings.Split(p.text, ".")
	c := column{entity: o}
	if len(parts) > 6 { // five levels up, then the field
		return c, &apiError{code: "INVALID_FIELD", message: at(q.src, p.pos) + "only 5 levels of parent relationships are allowed: " + p.text}
	}
	if len(parts) > 1 && (strings.EqualFold(parts[0], o.name) || q.alias != "" && strings.EqualFold(parts[0], q.alias)) {
		parts = parts[1:]
	}
	var spelled []string
	for _, rel := range parts[:len(parts)-1] {
		f := c.entity.byRel[strings.ToLower(rel)]
		if f == nil {
			return c, noSuchRelationship(q, p, rel)
		}
		target := s.org["name"]
		if len(f.refTo) == 1 {
			target = s.org[strings.ToLower(f.refTo[0])]
		}
		if target == nil { // an object that the integration user may not see
			return c, noSuchRelationship(q, p, rel)
		}
		c.hops = append(c.hops, f)
		spelled = append(spelled, f.rel)
		c.entity = target
	}
	name := parts[len(parts)-1]
	if c.leaf = c.entity.field(name); c.leaf == nil {
		return c, &apiError{code: "INVALID_FIELD", message: at(q.src, p.pos) + noSuchColumn(name, c.entity.name)}
	}
	c.name = strings.Join(append(spelled, c.leaf.name), ".")
	return c, nil
}

func noSuchRelationship(q *query, p path, rel string) *apiError {
	return &apiError{code: "INVALID_FIELD", message: at(q.src, p.pos) + "Didn't understand relationship '" + rel + "' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names."}
}

func (s *Sim) bindExpr(q *query, o *object, e expr) *apiError {
	switch e := e.(type) {
	case *junction:
		for _, k := range e.kids {
			if err := s.bindExpr(q, o, k); err != nil {
				return err
			}
		}
	case *negation:
		return s.bindExpr(q, o, e.kid)
	case *comparison:
		return s.bindComparison(q, o, e)
	}
	return nil
}

func (s *Sim) bindComparison(q *query, o *object, c *comparison) *apiError {
	col, err := s.column(q, o, c.path)
	if err != nil {
		return err
	}
	c.col = col
	where := at(q.src, c.path.pos)
	isID := col.leaf.typ == "id" || col.leaf.typ == "reference"
	switch {
	case col.leaf.longText():
		return &apiError{code: "INVALID_FIELD", message: where + "field '" + col.leaf.name + "' can not be filtered in a query call"}
	case (c.op == "INCLUDES" || c.op == "EXCLUDES") != (col.leaf.typ == "multipicklist") && (col.leaf.typ != "multipicklist" || c.op != "=" && c.op != "!="):
		return &apiError{code: "INVALID_QUERY_FILTER_OPERATOR", message: where + "invalid operator on " + col.leaf.typ + " field"}
	case c.op == "LIKE" && (isID || !col.leaf.textual()):
		return &apiError{code: "INVALID_QUERY_FILTER_OPERATOR", message: where + "invalid operator on " + col.leaf.typ + " field"}
	case col.leaf.typ == "boolean" && c.op != "=" && c.op != "!=" && c.op != "IN" && c.op != "NOT IN":
		return &apiError{code: "INVALID_QUERY_FILTER_OPERATOR", message: where + "invalid operator on boolean field"}
	}
	if c.join != nil {
		if err := s.bindJoin(q, o, c, isID); err != nil {
			return err
		}
	}
	for i := range c.vals {
		if err := checkLiteral(q, col.leaf, &c.vals[i], c.op); err != nil {
			return err
		}
	}
	if c.op == "LIKE" {
		c.like = compileLike(c.vals[0].raw)
	}
	if (c.op == "IN" || c.op == "NOT IN") && (isID || col.leaf.textual()) {
		c.set = make(map[string]bool, len(c.vals))
		for _, v := range c.vals {
			c.set[strings.ToLower(v.text)] = true // null and '' are both the empty text
		}
	}
	return nil
}

// checkLiteral refuses a value of the wrong type the way Salesforce words it, and normalises ids.
func checkLiteral(q *query, f *field, l *literal, op string) *apiError {
	if l.kind == litNull {
		switch op {
		case "=", "!=", "IN", "NOT IN":
			return nil
		}
		return &apiError{code: "INVALID_FIELD", message: at(q.src, l.pos) + "invalid operator on null for field '" + f.name + "'"}
	}
	ok, want, quotes := false, f.typ, "should not be enclosed in quotes"
	switch f.typ {
	case "boolean":
		ok = l.kind == litBool
	case "int", "double", "currency", "percent":
		ok = l.kind == litNumber
	case "date":
		ok = l.kind == litDate || l.kind == litRange
	case "datetime":
		ok, want = l.kind == litTime || l.kind == litRange, "dateTime"
	default:
		ok, want, quotes = l.kind == litString, "string", "should be enclosed in quotes"
	}
	if !ok {
		return &apiError{code: "INVALID_FIELD", message: fmt.Sprintf("%svalue of filter criterion for field '%s' must be of type %s and %s", at(q.src, l.pos), f.name, want, quotes)}
	}
	if f.typ == "id" || f.typ == "reference" {
		id, ok := normalizeID(l.text)
		if !ok && l.text != "" {
			return &apiError{code: "INVALID_QUERY_FILTER_OPERATOR", message: at(q.src, l.pos) + "invalid ID field: " + l.text}
		}
		l.text = id
	}
	return nil
}

// likePattern is a LIKE pattern cut at its percent signs: % any run, _ one character.
type likePattern struct {
	runes []rune
	wild  []bool // runes[i] stands for a wildcard
}

func compileLike(raw string) *likePattern {
	p := &likePattern{}
	in := []rune(raw)
	for i := 0; i < len(in); i++ {
		r, wild := in[i], in[i] == '%' || in[i] == '_'
		if r == '\\' && i+1 < len(in) {
			i++
			r, wild = in[i], false
			if r < 128 {
				r = rune(escaped(byte(r)))
			}
		}
		p.runes, p.wild = append(p.runes, r), append(p.wild, wild)
	}
	for i, r := range p.runes {
		p.runes[i] = []rune(strings.ToLower(string(r)))[0]
	}
	return p
}

// match runs in O(len(text) * percent signs): a failed run only goes back to the last percent sign.
func (p *likePattern) match(s string) bool {
	text := []rune(strings.ToLower(s))
	ti, pi, star, mark := 0, 0, -1, 0
	for ti < len(text) {
		switch {
		case pi < len(p.runes) && p.wild[pi] && p.runes[pi] == '%':
			star, mark = pi, ti
			pi++
		case pi < len(p.runes) && (p.wild[pi] || p.runes[pi] == text[ti]):
			pi++
			ti++
		case star >= 0:
			mark++
			pi, ti = star+1, mark
		default:
			return false
		}
	}
	for pi < len(p.runes) && p.wild[pi] && p.runes[pi] == '%' {
		pi++
	}
	return pi == len(p.runes)
}
