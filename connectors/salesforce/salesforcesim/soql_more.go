package salesforcesim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxFieldsRows is how many rows FIELDS() may ask for.
const maxFieldsRows = 200

// subquery is (SELECT … FROM Contacts) in a field list.
type subquery struct {
	q    *query
	rel  string // as the answer spells it
	link *field // of the child, points at the parent
	obj  *object
	cols []column
}

// aggregate is COUNT(Id) n in a field list.
type aggregate struct {
	fn, alias string
	path      path
	col       column
}

// childRelation is what a parent's children are called.
type childRelation struct{ parent, name, child, field string }

func childRelations() []childRelation {
	list := []childRelation{
		{"Account", "Contacts", "Contact", "AccountId"},
		{"Account", "Opportunities", "Opportunity", "AccountId"},
		{"Account", "ChildAccounts", "Account", "ParentId"},
		{"Account", "AccountContactRelations", "AccountContactRelation", "AccountId"},
		{"Contact", "AccountContactRelations", "AccountContactRelation", "ContactId"},
		{"Opportunity", "OpportunityContactRoles", "OpportunityContactRole", "OpportunityId"},
		{"Contact", "OpportunityContactRoles", "OpportunityContactRole", "ContactId"},
		{"Group", "QueueSobjects", "QueueSobject", "QueueId"},
	}
	for parent, link := range map[string]string{"Account": "WhatId", "Opportunity": "WhatId", "Lead": "WhoId", "Contact": "WhoId"} {
		list = append(list, childRelation{parent, "Tasks", "Task", link}, childRelation{parent, "Events", "Event", link}, childRelation{parent, "Histories", historyOf(parent), parent + "Id"})
	}
	return list
}

// special reads what a field list may hold beside names: a subquery, a function. done is false for a name.
func (p *parser) special(q *query) (done bool, err *apiError) {
	if p.accept("(") {
		sub := &query{src: p.src, limit: -1}
		if p.depth++; p.depth > 1 {
			return true, malformed(p.src, p.peek().pos, "subqueries cannot be nested")
		}
		defer func() { p.depth-- }()
		if err := p.body(sub); err != nil {
			return true, err
		}
		if !p.accept(")") {
			return true, p.unexpected()
		}
		q.subs = append(q.subs, &subquery{q: sub})
		return true, nil
	}
	if p.accept("TYPEOF") {
		t, err := p.typeOf()
		q.types = append(q.types, t)
		return true, err
	}
	fn := strings.ToUpper(p.peek().text)
	if p.i+1 >= len(p.toks) || !p.toks[p.i+1].is("(") {
		return false, nil
	}
	if !slices.Contains([]string{"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX", "FIELDS", "TOLABEL"}, fn) {
		return true, p.unexpected()
	}
	p.next()
	p.next()
	t := p.next()
	if t.kind != tokWord || !p.accept(")") {
		p.i--
		return true, p.unexpected()
	}
	switch fn {
	case "TOLABEL": // labels and values are the same here
		q.fields = append(q.fields, path{text: t.text, pos: t.pos, alias: p.alias()})
		return true, nil
	case "FIELDS":
		if q.fieldSet = strings.ToUpper(t.text); !slices.Contains([]string{"ALL", "STANDARD", "CUSTOM"}, q.fieldSet) {
			return true, malformed(p.src, t.pos, "unexpected token: '"+t.text+"'")
		}
		return true, nil
	}
	q.aggs = append(q.aggs, &aggregate{fn: fn, path: path{text: t.text, pos: t.pos}, alias: p.alias()})
	return true, nil
}

// alias reads the name that may follow a column of a grouped query.
func (p *parser) alias() string {
	if t := p.peek(); t.kind == tokWord && !t.is("FROM") {
		p.next()
		return t.text
	}
	return ""
}

// bindMore resolves subqueries, aggregates and FIELDS().
func (s *Sim) bindMore(q *query, o *object) *apiError {
	if q.fieldSet != "" {
		if q.fieldSet != "STANDARD" && (q.limit < 0 || q.limit > maxFieldsRows) {
			return &apiError{code: "MALFORMED_QUERY", message: "The SOQL FIELDS function must have a LIMIT of at most 200"}
		}
		for _, f := range o.fields {
			chosen := q.fieldSet == "ALL" || f.custom() == (q.fieldSet == "CUSTOM")
			if chosen && !slices.ContainsFunc(q.fields, func(p path) bool { return strings.EqualFold(p.text, f.name) }) {
				q.fields = append(q.fields, path{text: f.name})
			}
		}
	}
	for _, sub := range q.subs {
		if sub.q.offset > 0 && q.limit != 1 {
			return malformed(q.src, sub.q.from.pos, "OFFSET in a subquery needs LIMIT 1 on the query around it")
		}
		if err := s.bindSub(sub, o); err != nil {
			return err
		}
	}
	for _, a := range q.aggs {
		col, err := s.column(q, o, a.path)
		if err != nil {
			return err
		}
		if !col.leaf.aggregatable() || (a.fn == "SUM" || a.fn == "AVG") && !col.leaf.numeric() {
			return malformed(q.src, a.path.pos, "field "+col.leaf.name+" does not support aggregate operator "+a.fn)
		}
		a.col = col
	}
	if err := s.bindHaving(q, o); err != nil {
		return err
	}
	if err := s.bindOrdered(q, o); err != nil {
		return err
	}
	if len(q.aggs) == 0 && len(q.group) == 0 {
		return nil
	}
	if q.count {
		return malformed(q.src, q.from.pos, "Grouped query cannot use COUNT()")
	}
	if len(q.group) == 0 && q.limit >= 0 {
		return malformed(q.src, q.from.pos, "Non-grouped query that uses overall aggregate functions cannot also use LIMIT")
	}
	if err := bindAliases(q); err != nil {
		return err
	}
	for _, p := range q.fields {
		if !slices.ContainsFunc(q.group, func(g path) bool { return strings.EqualFold(g.text, p.text) }) {
			return malformed(q.src, p.pos, "Field must be grouped or aggregated: "+p.text)
		}
	}
	for _, g := range q.group {
		if col, err := s.column(q, o, g); err != nil || !col.leaf.groupable() {
			return cmp.Or(err, malformed(q.src, g.pos, "field '"+g.text+"' can not be grouped in a query call"))
		}
	}
	for _, t := range q.order {
		if t.agg == nil && !slices.ContainsFunc(q.group, func(g path) bool { return strings.EqualFold(g.text, t.path.text) }) {
			return malformed(q.src, t.path.pos, "Ordered field must be grouped or aggregated: "+t.path.text)
		}
	}
	return nil
}

// bindAliases holds that the names given to columns and totals differ.
func bindAliases(q *query) *apiError {
	met := map[string]bool{}
	take := func(alias string, pos int) *apiError {
		if alias = strings.ToLower(alias); alias != "" && met[alias] {
			return malformed(q.src, pos, "duplicate alias: "+alias)
		}
		met[alias] = true
		return nil
	}
	for _, p := range q.fields {
		if err := take(p.alias, p.pos); err != nil {
			return err
		}
	}
	for _, a := range q.aggs {
		if err := take(a.alias, a.path.pos); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sim) bindSub(sub *subquery, parent *object) *apiError {
	name := sub.q.from.text
	for _, rel := range childRelations() {
		child := s.org[strings.ToLower(rel.child)]
		if rel.parent != parent.name || !strings.EqualFold(rel.name, name) || child == nil || child.field(rel.field) == nil {
			continue
		}
		sub.q.from.text = child.name
		o, cols, err := s.bind(sub.q)
		if err != nil {
			return err
		}
		if sub.q.count || len(sub.q.aggs)+len(sub.q.group) > 0 || len(sub.q.subs) > 0 {
			return malformed(sub.q.src, sub.q.from.pos, "only plain fields in a subquery")
		}
		sub.rel, sub.link, sub.obj, sub.cols = rel.name, child.field(rel.field), o, cols
		return nil
	}
	return &apiError{code: "INVALID_TYPE", message: at(sub.q.src, sub.q.from.pos) + "Didn't understand relationship '" + name + "' in FROM part of query call. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names."}
}

// appendChildren writes one child result per subquery behind a record, null where there are none.
func (s *Sim) appendChildren(b []byte, c *call, parent hit, subs []*subquery, all bool) []byte {
	for _, sub := range subs {
		q := *sub.q
		mine := &comparison{op: "=", col: column{leaf: sub.link, entity: sub.obj}, vals: []literal{{kind: litString, text: parent.row.id}}}
		kids := []expr{mine}
		if q.where != nil {
			kids = append(kids, q.where)
		}
		q.where = &junction{kids: kids}
		b = append(strconv.AppendQuote(append(b[:len(b)-1], ','), sub.rel), ':')
		hits := s.run(&q, sub.obj, all, c.now)
		if len(hits) == 0 {
			b = append(b, "null}"...)
			continue
		}
		b = append(append(b, s.page(c, &cursor{obj: sub.obj, cols: sub.cols, types: sub.q.types, hits: hits, until: c.now.Add(cursorLife)}, "", 0).body...), '}')
	}
	return b
}

// grouped is one line of a grouped answer.
type grouped struct {
	values []any
	hits   []hit
}

// aggregated answers a query with functions or GROUP BY.
func (s *Sim) aggregated(q *query, o *object, all bool, now time.Time) (reply, *apiError) {
	plain := *q
	plain.order, plain.limit, plain.offset = nil, -1, 0
	hits := s.run(&plain, o, all, now)
	cols := make([]column, len(q.group))
	for i, g := range q.group {
		col, err := s.column(q, o, g)
		if err != nil {
			return reply{}, err
		}
		cols[i] = col
	}
	var groups []*grouped
	byKey := map[string]*grouped{}
	if len(q.group) == 0 {
		byKey[""] = &grouped{}
		groups = append(groups, byKey[""])
	}
	for _, h := range hits {
		key, vals := "", make([]any, len(cols))
		for i := range cols {
			vals[i] = s.get(h.fields, &cols[i])
			key += strings.ToLower(string(mustJSON(plainValue(vals[i])))) + "\x00"
		}
		g := byKey[key]
		if g == nil {
			g = &grouped{values: vals}
			byKey[key], groups = g, append(groups, g)
		}
		g.hits = append(g.hits, h)
	}
	groups = slices.DeleteFunc(groups, func(g *grouped) bool { return !s.having(q, g) })
	s.orderGroups(q, cols, groups)
	groups = groups[min(q.offset, len(groups)):]
	if q.limit >= 0 {
		groups = groups[:min(q.limit, len(groups))]
	}
	if len(groups) > maxPage { // a grouped answer has no second page
		return reply{}, &apiError{code: "EXCEEDED_ID_LIMIT", message: "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch"}
	}
	b := append([]byte(`{"totalSize":`), strconv.Itoa(len(groups))...)
	b = append(b, `,"done":true,"records":[`...)
	for i, g := range groups {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.appendGroup(b, q, cols, g)
	}
	return ok(append(b, "]}"...)), nil
}

func (s *Sim) orderGroups(q *query, cols []column, groups []*grouped) {
	value := func(t orderTerm, g *grouped) (any, *field) {
		if t.agg == nil {
			at := slices.IndexFunc(q.group, func(g path) bool { return strings.EqualFold(g.text, t.path.text) })
			return g.values[at], cols[at].leaf
		}
		v := s.total(t.agg, g.hits)
		if n, isCount := v.(int); isCount {
			v = float64(n)
		}
		return v, t.agg.col.leaf
	}
	slices.SortStableFunc(groups, func(a, b *grouped) int {
		for _, t := range q.order {
			x, leaf := value(t, a)
			y, _ := value(t, b)
			c := 0
			switch {
			case (x == nil) != (y == nil):
				if (x == nil) != t.nullsLast {
					return -1
				}
				return 1
			case x != nil:
				c = ordered(x, y, leaf)
			}
			if t.desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
}

func (s *Sim) appendGroup(b []byte, q *query, cols []column, g *grouped) []byte {
	b = append(b, `{"attributes":{"type":"AggregateResult"}`...)
	for _, p := range q.fields {
		at := slices.IndexFunc(q.group, func(gp path) bool { return strings.EqualFold(gp.text, p.text) })
		name := cmp.Or(p.alias, cols[at].leaf.name)
		b = append(strconv.AppendQuote(append(b, ','), name), ':')
		b = appendValue(b, cols[at].leaf, g.values[at])
	}
	unnamed := 0
	for _, a := range q.aggs {
		name := a.alias
		if name == "" {
			name = "expr" + strconv.Itoa(unnamed)
			unnamed++
		}
		b = append(strconv.AppendQuote(append(b, ','), name), ':')
		b = append(b, mustJSON(s.total(a, g.hits))...)
	}
	return append(b, '}')
}

// total computes one function over a group.
func (s *Sim) total(a *aggregate, hits []hit) any {
	var best any
	sum, n := 0.0, 0
	distinct := map[string]bool{}
	for _, h := range hits {
		v := s.get(h.fields, &a.col)
		if v == nil {
			continue
		}
		n++
		distinct[strings.ToLower(string(mustJSON(plainValue(v))))] = true
		if x, isNumber := v.(float64); isNumber {
			sum += x
		}
		if c := 0; best == nil {
			best = v
		} else if c = ordered(v, best, a.col.leaf); a.fn == "MIN" && c < 0 || a.fn == "MAX" && c > 0 {
			best = v
		}
	}
	switch {
	case a.fn == "COUNT":
		return n
	case a.fn == "COUNT_DISTINCT":
		return len(distinct)
	case n == 0:
		return nil
	case a.fn == "SUM":
		return sum
	case a.fn == "AVG":
		return sum / float64(n)
	}
	return plainValue(best)
}
