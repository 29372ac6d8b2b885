package mappings

import (
	"fmt"
	"strings"
)

// vocabulary reads mappings/<crm>.yaml.
func (d *Doc) vocabulary(root value) {
	s := root.scope("a mapping")
	m := Mapping{Name: s.need("mapping", "begin the file with the CRM's name").word(), Pos: root.pos()}
	for _, word := range Nouns() {
		if v := s.field(word); v.given() {
			m.Nouns = append(m.Nouns, noun(word, v))
		}
	}
	if v := s.field("match_people_to_companies"); v.given() {
		m.MatchPeople = matching(v)
	}
	s.done()
	d.Mappings = append(d.Mappings, m)
}

func noun(word string, v value) Noun {
	s := v.scope(word)
	n := Noun{
		Word: Text{word, v.pos()},
		Pos:  v.pos(),
	}
	if word != "usage" { // a program sends it; it is stored nowhere
		n.StoredIn = s.need("stored_in", "name the CRM's object").texts()
	}
	if f := s.field("found_from"); f.given() {
		n.FoundFrom = f.oneOf("person")
	}
	for _, e := range s.need("fields", "").entries("write it like email: {read: email}") {
		n.Fields = append(n.Fields, field(word, e))
	}
	s.done()
	return n
}

func field(noun string, e entry) Field {
	name := noun + "." + e.key.S
	if !isName(e.key.S) {
		e.val.r.add(e.key.Pos, "bad-name", fmt.Sprintf("%q is not a name for a field", e.key.S), "use small letters, digits and _")
	}
	s := e.val.scope(name)
	f := Field{
		Word:  e.key,
		Read:  s.field("read").sources(),
		Clean: readAll(s.field("clean").oneOrMore(), func(v value) Text { return v.oneOf("trim", "lowercase", "phone", "domain", "country_code", "email") }),
		Write: s.field("write").sources(),
		Pos:   e.key.Pos,
	}
	join, use := s.field("join_with"), s.field("use")
	if join.given() {
		// A blank is the usual thing to join with.
		f.JoinWith = &Text{S: join.n.Value, Pos: join.pos()}
		if !join.isText() {
			join.text()
		}
	}
	if use.given() {
		use.oneOf("first_filled")
		if join.given() {
			use.bad("bad-value", name+" both joins its sources and uses the first filled one", "keep join_with or use")
		}
	}
	f.IsA = s.field("is_a").oneOf("text", "number", "yes_no", "date", "datetime", "user", "owner", "list")
	f.Values = s.field("values").pairs()
	f.OtherValues = s.field("other_values").oneOf("keep", "hold_and_report")
	f.YesIf = s.field("yes_if").texts()
	f.Provision = s.field("provision").yesNo()
	if s.ok && s.field("read").n == nil && s.field("write").n == nil {
		e.val.bad("missing-key", name+" says neither read nor write", "write {read: the CRM's field}")
	}
	s.done()
	return f
}

// sources is one CRM field, several, or one for each kind of object.
func (v value) sources() []Source {
	var out []Source
	for _, item := range v.oneOrMore() {
		if !item.isMap() {
			if t := item.text(); t.Given() {
				out = append(out, Source{Field: t})
			}
			continue
		}
		for _, e := range item.entries("") {
			for _, t := range e.val.texts() {
				out = append(out, Source{Kind: e.key, Field: t})
			}
		}
	}
	return out
}

func matching(v value) Match {
	s := v.scope("match_people_to_companies")
	m := Match{Pos: v.pos()}
	for _, step := range s.need("try_in_order", "").list() {
		m.Try = append(m.Try, matchStep(step))
	}
	m.IfSeveral = s.field("if_several_match").oneOf("review")
	for _, w := range s.field("among_several").list() {
		if t := w.oneOf(tieSteps()...); t.Given() {
			m.AmongSeveral = append(m.AmongSeveral, t)
		}
	}
	if by := s.field("reviewed_by"); by.given() {
		m.ReviewedBy = by.reviewer()
	}
	m.Weights = s.field("weights").text()
	s.done()
	return m
}

// reviewer is a person, or revops.
func (v value) reviewer() Text {
	if v.isText() && strings.Contains(v.n.Value, "@") {
		return v.email()
	}
	return v.oneOf("revops")
}

// tieSteps are the steps that tell accounts apart, in their usual order.
func tieSteps() []string {
	return []string{
		"confirmed", "closest_host", "same_country", "customer", "open_deal", "named_account", "named_owner",
		"parent_company", "subsidiary", "recent_activity", "most_people", "oldest",
	}
}

func matchStep(v value) MatchStep {
	s := v.scope("a line of try_in_order")
	m := MatchStep{
		Same:    s.field("same").twoFields(),
		Alike:   s.field("alike").twoFields(),
		NotIn:   s.field("not_in").word(),
		AndSame: s.field("and_same").word(),
		SureAt:  s.field("sure_at").percent(100),
		Pos:     v.pos(),
	}
	same, alike := s.field("same").n != nil, s.field("alike").n != nil
	switch {
	case !s.ok:
	case same == alike:
		v.bad("missing-key", "a line of try_in_order needs either same or alike", "write {same: [person.email_domain, company.domain]}")
	case alike && s.field("sure_at").n == nil:
		v.bad("missing-key", "alike has no sure_at", "say how alike is enough, like sure_at: 92%")
	}
	s.done()
	return m
}

// twoFields is a field of the person and one of the company.
func (v value) twoFields() [2]Text {
	items := v.list()
	if !v.isList() {
		return [2]Text{}
	}
	if len(items) != 2 {
		v.bad("wrong-shape", v.name+" needs two fields", "write [person.email_domain, company.domain]")
		return [2]Text{}
	}
	return [2]Text{items[0].fieldName(), items[1].fieldName()}
}
