package salesforcesim

import (
	"slices"
	"strings"
)

// typeChoice is TYPEOF Owner WHEN User THEN Email WHEN Group THEN DeveloperName ELSE Name END in a field list: what is
// asked of a reference to several types depends on the type that it has.
type typeChoice struct {
	rel   path
	whens []typeCase
	other typeCase // ELSE; no fields: null
	link  *field
}

type typeCase struct {
	typ    token
	fields []path
	cols   []column
	obj    *object
}

// typeOf reads one behind its first word.
func (p *parser) typeOf() (*typeChoice, *apiError) {
	t := p.next()
	if t.kind != tokWord {
		p.i--
		return nil, p.unexpected()
	}
	out := &typeChoice{rel: path{text: t.text, pos: t.pos}}
	for p.accept("WHEN") {
		c := typeCase{typ: p.next()}
		if c.typ.kind != tokWord || !p.accept("THEN") {
			return nil, p.unexpected()
		}
		var err *apiError
		if c.fields, err = p.caseFields(); err != nil {
			return nil, err
		}
		out.whens = append(out.whens, c)
	}
	if len(out.whens) > 0 && p.accept("ELSE") {
		var err *apiError
		if out.other.fields, err = p.caseFields(); err != nil {
			return nil, err
		}
	}
	if len(out.whens) == 0 || !p.accept("END") {
		return nil, p.unexpected()
	}
	return out, nil
}

func (p *parser) caseFields() ([]path, *apiError) {
	var fields []path
	for {
		t := p.next()
		if t.kind != tokWord || slices.ContainsFunc([]string{"WHEN", "THEN", "ELSE", "END"}, t.is) {
			p.i--
			return nil, p.unexpected()
		}
		if fields = append(fields, path{text: t.text, pos: t.pos}); !p.accept(",") {
			return fields, nil
		}
	}
}

// bindTypes resolves the names of every TYPEOF.
func (s *Sim) bindTypes(q *query, o *object) *apiError {
	if len(q.types) > 0 && (q.count || len(q.aggs)+len(q.group) > 0) {
		return malformed(q.src, q.types[0].rel.pos, "TYPEOF is not supported in an aggregate query")
	}
	met := map[string]bool{}
	for _, t := range q.types {
		t.link = o.byRel[strings.ToLower(t.rel.text)]
		if t.link == nil {
			return noSuchRelationship(q, t.rel, t.rel.text)
		}
		inFields := slices.ContainsFunc(q.fields, func(p path) bool {
			return len(p.text) > len(t.rel.text) && strings.EqualFold(p.text[:len(t.rel.text)+1], t.rel.text+".")
		})
		if len(t.link.refTo) < 2 || met[t.link.rel] || inFields {
			return malformed(q.src, t.rel.pos, "TYPEOF takes a relationship to several types, and takes it once: "+t.rel.text)
		}
		met[t.link.rel] = true
		for i := range t.whens {
			c := &t.whens[i]
			c.obj = s.org[strings.ToLower(c.typ.text)]
			if c.obj == nil || !slices.Contains(t.link.refTo, c.obj.name) {
				return &apiError{code: "INVALID_FIELD", message: at(q.src, c.typ.pos) + t.link.rel + " does not refer to " + c.typ.text}
			}
			if err := s.bindCase(q, c); err != nil {
				return err
			}
		}
		t.other.obj = s.org["name"]
		if err := s.bindCase(q, &t.other); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sim) bindCase(q *query, c *typeCase) *apiError {
	for _, p := range c.fields {
		col, err := s.column(q, c.obj, p)
		if err != nil {
			return err
		}
		c.cols = append(c.cols, col)
	}
	return nil
}

// appendTypes writes what each TYPEOF comes to behind a record.
func (s *Sim) appendTypes(b []byte, version string, h hit, types []*typeChoice) []byte {
	for _, t := range types {
		b = append(append(append(b[:len(b)-1], `,"`...), t.link.rel...), `":`...)
		r := s.byID(text(h.fields, t.link.name))
		c := &t.other
		if r != nil {
			if at := slices.IndexFunc(t.whens, func(w typeCase) bool { return w.obj.name == r.obj.name }); at >= 0 {
				c = &t.whens[at]
			}
		}
		if r == nil || len(c.cols) == 0 {
			b = append(b, "null}"...)
			continue
		}
		b = append(s.record(b, r.obj, version, r.id, r.last(), c.cols), '}')
	}
	return b
}
