package mappings

import "fmt"

// sla reads sla.yaml.
func (d *Doc) sla(root value) {
	s := root.scope("sla.yaml")
	for _, e := range s.need("sla_tiers", "").entries("write one key for each tier") {
		d.Tiers = append(d.Tiers, tier(e))
	}
	for _, e := range s.field("escalations").entries("write one key for each list of steps") {
		d.Escalations = append(d.Escalations, escalation(e))
	}
	s.done()
}

func tier(e entry) Tier {
	if !isName(e.key.S) {
		e.val.r.add(e.key.Pos, "bad-name", fmt.Sprintf("%q is not a name for a tier", e.key.S), "use small letters, digits and _")
	}
	s := e.val.scope("tier " + e.key.S)
	t := Tier{
		Name:       e.key,
		For:        s.field("for").text(),
		None:       s.field("handoff").oneOf("none").Given(),
		LookAgain:  s.field("look_again").oneOf("on_change"),
		Assign:     s.field("assign_within").clock(),
		Accept:     s.field("accept_within").clock(),
		FirstTouch: s.field("first_touch_within").clock(),
		OuterLimit: s.field("outer_limit").oneOf("same day"),
		Return:     s.field("return_within").clock(),
		Document:   s.field("document_within").clock(),
		Kickoff:    s.field("kickoff_within").clock(),
		Pos:        e.key.Pos,
	}
	if a := s.field("attempts"); a.given() {
		f := a.scope("attempts")
		t.AttemptsMin = f.need("at_least", "").whole(1)
		t.AttemptsMax = f.field("at_most").whole(1)
		t.AttemptsIn = f.need("within", "write it like 48 hours").duration()
		if t.AttemptsMax != 0 && t.AttemptsMax < t.AttemptsMin {
			a.bad("bad-number", "attempts: at_most is smaller than at_least", "")
		}
		f.done()
	}
	s.done()
	return t
}

func escalation(e entry) Escalation {
	s := e.val.scope("escalation " + e.key.S)
	out := Escalation{
		Name:  e.key,
		Clock: s.need("clock", "name the clock that runs").oneOf("assign", "accept", "first_touch", "attempts", "return", "document", "kickoff"),
		Pos:   e.key.Pos,
	}
	for _, v := range s.need("steps", "").list() {
		step := escalationStep(v)
		if n := len(out.Steps); n > 0 && step.At.P < out.Steps[n-1].At.P {
			v.r.add(step.At.Pos, "step-order", "this step happens before the one above it", "write the steps in the order of their percentages")
		}
		out.Steps = append(out.Steps, step)
	}
	s.done()
	return out
}

// roles are whom an escalation may speak to.
func roles() []string { return []string{"owner", "manager", "backup", "revops", "giver"} }

func escalationStep(v value) EscalationStep {
	s := v.scope("a step")
	role := func(key string) Text { return s.field(key).oneOf(roles()...) }
	e := EscalationStep{
		At:     s.need("at", "say when, as a share of the clock: 50%").percent(10_000),
		Remind: role("remind"),
		Alert:  role("alert"),
		Mark:   s.field("mark").oneOf("breached"),
		GiveTo: role("give_to"),
		Tell:   readAll(s.field("tell").oneOrMore(), func(v value) Text { return v.oneOf(roles()...) }),
		Task:   s.field("task").text(),
		Pos:    v.pos(),
	}
	if s.ok && len(s.entries) < 2 {
		v.bad("missing-key", "this step does nothing", "write remind, alert, mark, give_to, tell or task")
	}
	s.done()
	return e
}
