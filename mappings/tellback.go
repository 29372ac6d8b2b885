package mappings

import "strings"

// TellBack is what somebody who gave a handoff hears of it afterwards. The zero
// TellBack is nothing.
type TellBack struct {
	When []Cond
	Whom Text     // "support_contact", "giver", "receiver", or a person by e-mail
	For  Duration // after the handoff is completed; until then always
	Pos  Pos
}

func (v value) tellBack() TellBack {
	if !v.given() {
		return TellBack{}
	}
	s := v.scope("tell_back")
	b := TellBack{
		When: s.need("when", "say what is told: {company.health: {changed_to: At risk}}").conds(),
		For:  s.need("for", "say how long after the end, as 90 days").duration(),
		Pos:  v.pos(),
	}
	whom := s.need("whom", "say who is told: support_contact, giver, receiver or a person")
	if t := whom.text(); strings.Contains(t.S, "@") {
		b.Whom = whom.email()
	} else if t.Given() {
		b.Whom = whom.oneOf("support_contact", "giver", "receiver")
	}
	s.done()
	return b
}
