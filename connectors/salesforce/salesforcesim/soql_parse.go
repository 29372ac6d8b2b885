package salesforcesim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxDepth bounds parentheses, so that a hostile statement cannot exhaust the stack.
const maxDepth = 100

type query struct {
	src    string
	fields []path
	count  bool // SELECT COUNT()
	subs   []*subquery
	types  []*typeChoice
	mine   bool // USING SCOPE mine
	aggs   []*aggregate
	group  []path
	// fieldSet is ALL, STANDARD or CUSTOM of FIELDS().
	fieldSet string
	from     token
	alias    string // FROM Account a
	having   []havingTerm
	where    expr
	order    []orderTerm
	limit    int // -1: none
	offset   int
}

type path struct {
	text  string
	pos   int
	alias string // of a grouped column
}

type orderTerm struct {
	path      path
	agg       *aggregate // nil: a column
	desc      bool
	nullsLast bool
	col       column
}

// expr is *junction, *negation or *comparison.
type expr interface{ isExpr() }

type junction struct {
	or   bool
	kids []expr
}

type negation struct{ kid expr }

type comparison struct {
	path path
	op   string // = != < <= > >= LIKE IN "NOT IN" INCLUDES EXCLUDES
	vals []literal
	col  column
	like *likePattern
	join *query          // IN (SELECT …)
	now  time.Time       // when the join runs
	set  map[string]bool // lower-case values of a long IN over text
}

func (*junction) isExpr()   {}
func (*negation) isExpr()   {}
func (*comparison) isExpr() {}

type literalKind int

const (
	litNull literalKind = iota
	litBool
	litNumber
	litString
	litDate
	litTime
	litRange // TODAY, LAST_N_DAYS:7
)

type literal struct {
	kind     literalKind
	text     string // decoded string, or the date
	raw      string // the string as written, for LIKE
	num      float64
	yes      bool
	from, to time.Time // litTime: from; litRange: [from, to)
	pos      int
}

type parser struct {
	src   string
	toks  []token
	i     int
	depth int
	now   time.Time
}

// parseSOQL reads one statement. now anchors TODAY and its relatives. Errors are MALFORMED_QUERY
// or NUMBER_OUTSIDE_VALID_RANGE; names are not looked at yet.
func parseSOQL(src string, now time.Time) (*query, *apiError) {
	toks, err := lexSOQL(src)
	if err != nil {
		return nil, err
	}
	p := &parser{src: src, toks: toks, now: now}
	return p.statement()
}

func (p *parser) peek() token { return p.toks[p.i] }

func (p *parser) next() token {
	t := p.toks[p.i]
	if p.i < len(p.toks)-1 {
		p.i++
	}
	return t
}

func (p *parser) accept(words ...string) bool {
	for k, w := range words {
		if p.i+k >= len(p.toks) || !p.toks[p.i+k].is(w) {
			return false
		}
	}
	p.i += len(words)
	return true
}

func (p *parser) unexpected() *apiError {
	t := p.peek()
	return malformed(p.src, t.pos, fmt.Sprintf("unexpected token: '%s'", t.text))
}

func (p *parser) statement() (*query, *apiError) {
	q := &query{src: p.src, limit: -1}
	if err := p.body(q); err != nil {
		return nil, err
	}
	if p.peek().kind != tokEnd {
		return nil, p.unexpected()
	}
	return q, nil
}

// body reads a statement, or a subquery up to its closing parenthesis.
func (p *parser) body(q *query) *apiError {
	if !p.accept("SELECT") {
		return p.unexpected()
	}
	if err := p.selectList(q); err != nil {
		return err
	}
	if !p.accept("FROM") {
		return p.unexpected()
	}
	if q.from = p.next(); q.from.kind != tokWord || strings.Contains(q.from.text, ".") {
		p.i--
		return p.unexpected()
	}
	p.source(q)
	if p.accept("WHERE") {
		w, err := p.expr()
		if err != nil {
			return err
		}
		q.where = w
	}
	return p.tail(q)
}

func (p *parser) selectList(q *query) *apiError {
	if p.accept("COUNT", "(", ")") {
		q.count = true
		return nil
	}
	for {
		done, err := p.special(q)
		if err != nil {
			return err
		}
		if t := p.peek(); !done {
			if t.kind != tokWord || t.is("FROM") {
				return p.unexpected()
			}
			p.next()
			q.fields = append(q.fields, path{text: t.text, pos: t.pos, alias: p.alias()})
		}
		if !p.accept(",") {
			return nil
		}
	}
}

func (p *parser) tail(q *query) *apiError {
	for p.accept("GROUP", "BY") || len(q.group) > 0 && p.accept(",") {
		t := p.peek()
		if t.kind != tokWord {
			return p.unexpected()
		}
		p.next()
		q.group = append(q.group, path{text: t.text, pos: t.pos})
	}
	if err := p.having(q); err != nil {
		return err
	}
	if i := slices.IndexFunc(q.fields, func(f path) bool { return f.alias != "" }); i >= 0 && len(q.group) == 0 {
		return malformed(p.src, q.fields[i].pos, "only aggregate expressions use field aliasing")
	}
	if p.accept("ORDER", "BY") {
		for {
			term, err := p.orderTerm()
			if err != nil {
				return err
			}
			q.order = append(q.order, term)
			if !p.accept(",") {
				break
			}
		}
	}
	var err *apiError
	if p.accept("LIMIT") {
		if q.limit, err = p.count(); err != nil {
			return err
		}
	}
	if p.accept("OFFSET") {
		if q.offset, err = p.count(); err != nil {
			return err
		}
		if q.offset > 2000 {
			return &apiError{code: "NUMBER_OUTSIDE_VALID_RANGE", message: "Maximum SOQL offset allowed is 2000"}
		}
	}
	if !p.accept("FOR", "VIEW") { // both only move what the screens show as recent
		p.accept("FOR", "REFERENCE")
	}
	return nil
}

func (p *parser) orderTerm() (orderTerm, *apiError) {
	t := p.peek()
	if t.kind != tokWord {
		return orderTerm{}, p.unexpected()
	}
	term := orderTerm{path: path{text: t.text, pos: t.pos}}
	var err *apiError
	if term.agg, err = p.orderedBy(); err != nil {
		return term, err
	}
	if term.agg == nil {
		p.next()
	}
	if p.accept("DESC") {
		term.desc = true
	} else {
		p.accept("ASC")
	}
	if p.accept("NULLS", "LAST") {
		term.nullsLast = true
	} else {
		p.accept("NULLS", "FIRST")
	}
	return term, nil
}

func (p *parser) count() (int, *apiError) {
	t := p.peek()
	n, err := strconv.Atoi(t.text)
	if t.kind != tokNumber || err != nil || n < 0 {
		return 0, p.unexpected()
	}
	p.next()
	return n, nil
}

// expr reads conditions joined by one connective. Salesforce refuses AND beside OR without
// parentheses, and takes NOT only where a condition list begins.
func (p *parser) expr() (expr, *apiError) {
	if p.depth++; p.depth > maxDepth {
		return nil, malformed(p.src, p.peek().pos, "Maximum expression depth exceeded")
	}
	defer func() { p.depth-- }()
	first, err := p.leading()
	if err != nil {
		return nil, err
	}
	var word string
	switch {
	case p.peek().is("AND"):
		word = "AND"
	case p.peek().is("OR"):
		word = "OR"
	default:
		return first, nil
	}
	j := &junction{or: word == "OR", kids: []expr{first}}
	for p.accept(word) {
		kid, err := p.condition()
		if err != nil {
			return nil, err
		}
		j.kids = append(j.kids, kid)
	}
	return j, nil // the other connective, if it follows, is unexpected to whoever asked
}

func (p *parser) leading() (expr, *apiError) {
	if !p.accept("NOT") {
		return p.condition()
	}
	kid, err := p.condition()
	if err != nil {
		return nil, err
	}
	return &negation{kid}, nil
}

func (p *parser) condition() (expr, *apiError) {
	if p.accept("(") {
		e, err := p.expr()
		if err != nil {
			return nil, err
		}
		if !p.accept(")") {
			return nil, p.unexpected()
		}
		return e, nil
	}
	t := p.peek()
	if t.kind != tokWord || t.is("NOT") {
		return nil, p.unexpected()
	}
	p.next()
	c := &comparison{path: path{text: t.text, pos: t.pos}}
	var err *apiError
	if c.op, err = p.operator(); err != nil {
		return nil, err
	}
	if c.op == "INCLUDES" || c.op == "EXCLUDES" {
		c.vals, err = p.list()
		return c, err
	}
	if c.op == "IN" || c.op == "NOT IN" {
		if p.semiJoin(c, &err) {
			return c, err
		}
		c.vals, err = p.list()
		return c, err
	}
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	c.vals = []literal{v}
	return c, nil
}

func (p *parser) operator() (string, *apiError) {
	if p.accept("NOT", "IN") {
		return "NOT IN", nil
	}
	t := p.peek()
	for _, op := range []string{"=", "!=", "<", "<=", ">", ">=", "LIKE", "IN", "INCLUDES", "EXCLUDES"} {
		if t.is(op) {
			p.next()
			return op, nil
		}
	}
	if p.accept("<>") {
		return "!=", nil
	}
	return "", p.unexpected()
}

func (p *parser) list() ([]literal, *apiError) {
	if !p.accept("(") {
		return nil, p.unexpected()
	}
	var vals []literal
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		vals = append(vals, v)
		if p.accept(",") {
			continue
		}
		if !p.accept(")") {
			return nil, p.unexpected()
		}
		return vals, nil
	}
}

func (p *parser) value() (literal, *apiError) {
	t := p.next()
	switch t.kind {
	case tokString:
		return literal{kind: litString, text: unescape(t.text), raw: t.text, pos: t.pos}, nil
	case tokNumber:
		if n, err := strconv.ParseFloat(t.text, 64); err == nil {
			return literal{kind: litNumber, num: n, text: t.text, pos: t.pos}, nil
		}
	case tokDate:
		if _, err := time.Parse(time.DateOnly, t.text); err == nil {
			return literal{kind: litDate, text: t.text, pos: t.pos}, nil
		}
	case tokTime:
		if at, ok := parseDatetime(t.text); ok {
			return literal{kind: litTime, from: at, pos: t.pos}, nil
		}
	case tokWord:
		if l, ok := p.word(t); ok {
			return l, nil
		}
	case tokEnd, tokPunct: // no value
	}
	if t.kind != tokEnd {
		p.i--
	}
	return literal{}, p.unexpected()
}

func (p *parser) word(t token) (literal, bool) {
	switch strings.ToLower(t.text) {
	case "null":
		return literal{kind: litNull, pos: t.pos}, true
	case "true", "false":
		return literal{kind: litBool, yes: strings.EqualFold(t.text, "true"), pos: t.pos}, true
	}
	n := -1
	if p.peek().is(":") {
		p.next()
		m, err := p.count()
		if err != nil || m > 100_000 {
			return literal{}, false
		}
		n = m
	}
	from, to, ok := dateRange(strings.ToUpper(t.text), n, p.now)
	return literal{kind: litRange, from: from, to: to, text: t.text, pos: t.pos}, ok
}
