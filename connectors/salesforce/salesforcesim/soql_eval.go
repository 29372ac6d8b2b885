package salesforcesim

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// hit is one row of an answer, frozen in the state the query saw.
type hit struct {
	row    *row
	fields values
}

// run evaluates a bound query. all includes the recycle bin (queryAll).
func (s *Sim) run(q *query, o *object, all bool, now time.Time) []hit {
	tb := s.tables[o.name]
	rows, some := s.candidates(tb, q.where)
	if !some {
		rows = tb.from("")
	}
	enough := -1
	if q.limit >= 0 && len(q.order) == 1 && !q.order[0].desc && len(q.order[0].col.hops) == 0 && q.order[0].col.leaf.typ == "id" {
		enough = q.offset + q.limit // a walk by id stops when its page is full
		if byID := func(a, b *row) int { return strings.Compare(a.id, b.id) }; !slices.IsSortedFunc(rows, byID) {
			rows = slices.SortedFunc(slices.Values(rows), byID)
		}
	}
	var hits []hit
	met := make(map[*row]bool, min(len(rows), 4096))
	for _, r := range rows {
		if enough >= 0 && len(hits) >= enough {
			break
		}
		if some {
			if met[r] {
				continue
			}
			met[r] = true
		}
		fields := r.seen(now)
		if fields != nil && archived(o, fields, now) {
			if !all {
				continue
			}
			fields = maps.Clone(fields)
			fields["IsArchived"] = true
		}
		if fields == nil || !inScope(fields, all, now) || q.where != nil && !s.match(q.where, fields) {
			continue
		}
		hits = append(hits, hit{r, fields})
	}
	s.sort(hits, q.order)
	hits = hits[min(q.offset, len(hits)):]
	if q.limit >= 0 {
		hits = hits[:min(q.limit, len(hits))]
	}
	return hits
}

func inScope(fields values, all bool, now time.Time) bool {
	if fields["IsDeleted"] != true {
		return true
	}
	at, ok := fields["SystemModstamp"].(time.Time)
	return all && (!ok || now.Sub(at) < binKept)
}

// sort orders the hits; what the terms leave open comes in an arbitrary but repeatable order, because
// Salesforce promises none.
func (s *Sim) sort(hits []hit, order []orderTerm) {
	slices.SortFunc(hits, func(a, b hit) int {
		for i := range order {
			t := &order[i]
			x, y := s.get(a.fields, &t.col), s.get(b.fields, &t.col)
			if (x == nil) != (y == nil) {
				if (x == nil) != t.nullsLast {
					return -1
				}
				return 1
			}
			c := ordered(x, y, t.col.leaf)
			if t.desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return cmp.Compare(a.row.salt, b.row.salt)
	})
}

// get follows a column's references. nil: null, here or on the way.
func (s *Sim) get(fields values, c *column) any {
	var parent *row
	for _, h := range c.hops {
		id, _ := fields[h.name].(string)
		if parent = s.byID(id); parent == nil {
			return nil
		}
		fields = parent.last()
	}
	if c.leaf.name == "Type" && c.entity.name == "Name" && parent != nil {
		if parent.obj.name == "Group" {
			return "Queue"
		}
		return parent.obj.name
	}
	if c.leaf.typ == "address" {
		return c.entity.address(c.leaf, fields)
	}
	if c.leaf.typ == "boolean" && fields[c.leaf.name] == nil {
		return false
	}
	return fields[c.leaf.name]
}

func (s *Sim) match(e expr, fields values) bool {
	switch e := e.(type) {
	case *junction:
		for _, k := range e.kids {
			if s.match(k, fields) == e.or {
				return e.or
			}
		}
		return !e.or
	case *negation:
		return !s.match(e.kid, fields)
	case *comparison:
		return e.match(s.get(fields, &e.col))
	}
	return false
}

func (c *comparison) match(v any) bool {
	if c.set != nil {
		text, _ := v.(string)
		return c.set[strings.ToLower(text)] == (c.op == "IN")
	}
	switch c.op {
	case "IN", "=":
		return slices.ContainsFunc(c.vals, func(l literal) bool { return holds("=", v, &l, c.col.leaf) })
	case "NOT IN", "!=":
		return !slices.ContainsFunc(c.vals, func(l literal) bool { return holds("=", v, &l, c.col.leaf) })
	case "INCLUDES", "EXCLUDES":
		return c.includes(v) == (c.op == "INCLUDES")
	case "LIKE":
		text, _ := v.(string)
		return v != nil && c.like.match(text)
	}
	return holds(c.op, v, &c.vals[0], c.col.leaf)
}

// includes says whether the values chosen hold all that stands between the semicolons of one of the texts.
func (c *comparison) includes(v any) bool {
	text, _ := v.(string)
	chosen := strings.Split(strings.ToLower(text), ";")
	return slices.ContainsFunc(c.vals, func(l literal) bool {
		for want := range strings.SplitSeq(strings.ToLower(l.text), ";") {
			if !slices.Contains(chosen, strings.TrimSpace(want)) {
				return false
			}
		}
		return true
	})
}

// holds compares a value with a literal. Null equals null and the empty text, and is beyond every order.
func holds(op string, v any, l *literal, f *field) bool {
	null := l.kind == litNull || l.kind == litString && l.text == ""
	if v == nil || null {
		return op == "=" && (v == nil) == null
	}
	low, high := 0, 0 // v against the literal's lower and upper end
	switch l.kind {
	case litTime:
		low = compare(v, l.from, f)
		high = low
	case litDate:
		low = compare(v, date(l.text), f)
		high = low
	case litRange:
		if f.typ == "date" {
			low, high = compare(v, dateOf(l.from), f), compare(v, dateOf(l.to.Add(-time.Second)), f)
		} else {
			low, high = compare(v, l.from, f), compare(v, l.to.Add(-time.Second), f)
		}
	case litNumber:
		low = compare(v, l.num, f)
		high = low
	case litBool:
		low = compare(v, l.yes, f)
		high = low
	default:
		low = compare(v, l.text, f)
		high = low
	}
	switch op {
	case "=":
		return low >= 0 && high <= 0
	case "<":
		return low < 0
	case "<=":
		return high <= 0
	case ">":
		return high > 0
	}
	return low >= 0
}

func dateOf(t time.Time) date { return date(t.UTC().Format(time.DateOnly)) }

// ordered is compare for ORDER BY, MIN and MAX, which take the values of a picklist as Setup lists them; what it does
// not list comes last.
func ordered(x, y any, f *field) int {
	a, isText := x.(string)
	b, _ := y.(string)
	if f.typ != "picklist" || !isText {
		return compare(x, y, f)
	}
	place := func(v string) int {
		if at := slices.Index(f.values, v); at >= 0 {
			return at
		}
		return len(f.values)
	}
	return cmp.Or(cmp.Compare(place(a), place(b)), compare(x, y, f))
}

// compare orders two values of one field: ids by their bytes, other text without case.
func compare(x, y any, f *field) int {
	switch a := x.(type) {
	case string:
		b, _ := y.(string)
		if f.typ == "id" || f.typ == "reference" {
			return strings.Compare(a, b)
		}
		return strings.Compare(strings.ToLower(a), strings.ToLower(b))
	case date:
		b, _ := y.(date)
		return cmp.Compare(a, b)
	case float64:
		b, _ := y.(float64)
		return cmp.Compare(a, b)
	case time.Time:
		b, _ := y.(time.Time)
		return a.Compare(b)
	case bool:
		b, _ := y.(bool)
		switch {
		case a == b:
			return 0
		case b:
			return -1
		}
		return 1
	}
	return 0
}

// candidates narrows a condition to rows an index knows. some is false when only a full scan will do.
func (s *Sim) candidates(tb *table, e expr) (rows []*row, some bool) {
	switch e := e.(type) {
	case *comparison:
		return tb.narrow(e)
	case *junction:
		for _, k := range e.kids {
			got, ok := s.candidates(tb, k)
			switch {
			case e.or && !ok:
				return nil, false
			case e.or:
				rows, some = append(rows, got...), true
			case ok && (!some || len(got) < len(rows)):
				rows, some = got, true
			}
			if !e.or && some && len(rows) < 64 {
				break
			}
		}
		return rows, some
	}
	return nil, false
}

func (tb *table) narrow(c *comparison) ([]*row, bool) {
	if len(c.col.hops) > 0 {
		return nil, false
	}
	f := c.col.leaf
	if f.name == "SystemModstamp" && (c.op == "=" || c.op == ">" || c.op == ">=") {
		return tb.since(c.vals[0].from), true
	}
	if f.typ == "id" && (c.op == ">" || c.op == ">=") && c.vals[0].kind == litString {
		return tb.from(c.vals[0].text), true
	}
	if c.op != "=" && c.op != "IN" {
		return nil, false
	}
	keys := make([]string, 0, len(c.vals))
	for _, v := range c.vals {
		if v.kind != litString || v.text == "" {
			return nil, false
		}
		keys = append(keys, v.text)
	}
	if f.typ == "id" {
		rows := make([]*row, 0, len(keys))
		for _, id := range keys {
			if r := tb.rows[id]; r != nil {
				rows = append(rows, r)
			}
		}
		return rows, true
	}
	if !f.indexed() {
		return nil, false
	}
	return tb.byValue(f.name, keys...), true
}
