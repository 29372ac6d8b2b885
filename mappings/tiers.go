package mappings

import (
	"fmt"
	"strings"
)

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
		Opened:     s.field("opened_within").duration(),
		NoActivity: s.field("no_activity_within").duration(),
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

// ClockNames are the clocks an escalation may run on.
func ClockNames() []string {
	return []string{
		"assign", "accept", "opened", "first_touch", "outer_limit", "attempts", "no_activity", "return", "document", "kickoff",
	}
}

func escalation(e entry) Escalation {
	s := e.val.scope("escalation " + e.key.S)
	out := Escalation{
		Name:  e.key,
		Clock: s.need("clock", "name the clock that runs").oneOf(ClockNames()...),
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

// whom is one of the roles, or a person.
func (v value) whom() Text {
	if v.isText() && strings.Contains(v.n.Value, "@") {
		return v.email()
	}
	return v.oneOf(roles()...)
}

func escalationStep(v value) EscalationStep {
	s := v.scope("a step")
	role := func(key string) Text { return s.field(key).whom() }
	e := EscalationStep{
		At:      s.need("at", "say when, as a share of the clock: 50%").percent(10_000),
		Remind:  role("remind"),
		Alert:   readAll(s.field("alert").oneOrMore(), value.whom),
		Mark:    s.field("mark").oneOf("breached"),
		GiveTo:  role("give_to"),
		Tell:    readAll(s.field("tell").oneOrMore(), value.whom),
		Task:    s.field("task").template(),
		TaskFor: role("task_for"),
		Say:     s.field("say").template(),
		Pos:     v.pos(),
	}
	if e.TaskFor.Given() && !e.Task.Given() {
		v.bad("bad-value", "task_for has no effect without a task", "add task: and what has to be done")
	}
	speaks := e.Remind.Given() || len(e.Alert) > 0 || len(e.Tell) > 0 || e.GiveTo.Given()
	if e.Say.Given() && !speaks {
		v.bad("bad-value", "say has no effect where nobody is spoken to", "add remind, alert, tell or give_to")
	}
	if s.ok && len(s.entries) < 2 {
		v.bad("missing-key", "this step does nothing", "write remind, alert, mark, give_to, tell or task")
	}
	s.done()
	return e
}
