package mappings

import (
	"fmt"
	"strings"
)

// Context is what must travel.
type Context struct {
	MustHave    []ContextRow
	ShouldHave  []ContextRow
	Note        Text // the field with the giver's own words; "": the word `note` of what is handed over
	NoteAtLeast int  // characters
	Measurable  []Text
	Links       []Text
	Lint        Text // "warn" or "gate"; "": what was written is not judged
	IfMissing   Text
	ChaseAgain  Duration
	HoldAtMost  Duration
	AfterHold   Text
	Pos         Pos
}

// ContextRow are fields that are wanted where If holds.
type ContextRow struct {
	Fields []Text
	If     Cond // IsZero: always
	Pos    Pos
}

func (v value) context() Context {
	if !v.given() || empty(v.n) {
		return Context{}
	}
	s := v.scope("context")
	c := Context{
		MustHave:   s.field("must_have").contextRows(),
		ShouldHave: s.field("should_have").contextRows(),
		Note:       s.field("note").fieldName(),
		Measurable: readAll(s.field("measurable").oneOrMore(), value.fieldName),
		Links:      readAll(s.field("links").oneOrMore(), value.fieldName),
		Lint:       s.field("lint").oneOf("warn", "gate"),
		IfMissing:  s.field("if_missing").oneOf("route_then_chase", "gate"),
		ChaseAgain: s.field("chase_again").duration(),
		HoldAtMost: s.field("hold_at_most").duration(),
		AfterHold:  s.field("after_hold").oneOf("escalate", "release"),
		Pos:        v.pos(),
	}
	if n := s.field("note_at_least"); n.given() {
		t := n.text()
		characters, ok := number(strings.TrimSuffix(t.S, " characters"))
		if c.NoteAtLeast = characters; !ok && t.Given() {
			n.bad("bad-number", fmt.Sprintf("note_at_least is %q, which is not a number of characters", t.S), "write it like 120 characters")
		}
	}
	s.done()
	if s.ok && len(s.entries) > 0 && s.field("must_have").n == nil {
		v.bad("missing-key", "context does not say what the next owner must have", "list it under must_have")
	}
	if c.IfMissing.S == "route_then_chase" && (c.AfterHold.Given() || !c.HoldAtMost.IsZero()) {
		v.bad("bad-value", "hold_at_most and after_hold say how long a gate stays shut, and there is none", "write if_missing: gate, or leave them out")
	}
	return c
}

// contextRows are fields, or {fields: …, if: …}.
func (v value) contextRows() []ContextRow {
	var out []ContextRow
	for _, item := range v.oneOrMore() {
		row := ContextRow{Pos: item.pos()}
		if !item.isMap() {
			row.Fields = readAll([]value{item}, value.fieldName)
		} else {
			s := item.scope("a row of the context")
			row.Fields = readAll(s.need("fields", "name the fields that are wanted").oneOrMore(), value.fieldName)
			row.If = s.need("if", "say when they are wanted, or write the fields alone").cond()
			s.done()
		}
		if len(row.Fields) > 0 {
			out = append(out, row)
		}
	}
	return out
}
