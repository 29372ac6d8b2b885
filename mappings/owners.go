package mappings

import (
	"fmt"
	"strings"
)

// The sentences an owner line may be.
const (
	NamedAccountOwner = "named account owner"
	CustomerOwner     = "customer owner"
	OpenDealOwner     = "open deal owner"
	RelationshipOwner = "relationship owner"
	OwnerIn           = "owner in"    // Arg: a field
	TerritoryRule     = "territory"   // Arg: a territory list
	RoundRobin        = "round robin" // Arg: a team
	QueueRule         = "queue"       // Arg: a team
	PersonRule        = "person"      // Arg: an e-mail
)

// plainRules stand alone; argRules are followed by a name.
func plainRules() []string {
	return []string{NamedAccountOwner, CustomerOwner, OpenDealOwner, RelationshipOwner}
}

func argRules() []string {
	return []string{OwnerIn, TerritoryRule, RoundRobin, QueueRule, PersonRule}
}

func (v value) ownerLines() []OwnerLine {
	if v.given() && empty(v.n) {
		return nil
	}
	items := v.oneOrMore()
	out := make([]OwnerLine, 0, len(items))
	for _, i := range items {
		out = append(out, i.ownerLine())
	}
	return out
}

// ownerLine is a sentence, or {use: a sentence, if: …, with: …, look_up: parents}.
func (v value) ownerLine() OwnerLine {
	l := OwnerLine{Pos: v.pos()}
	use := v
	if v.isMap() {
		s := v.scope("a line of owner")
		use = s.need("use", "write it like {use: customer owner, look_up: parents}")
		l.If = s.field("if").cond()
		l.With = s.field("with").pairs()
		l.LookUp = s.field("look_up").oneOf("parents")
		s.done()
	}
	l.Use = use.text()
	if !l.Use.Given() {
		return l
	}
	sentence := strings.Join(strings.Fields(l.Use.S), " ")
	for _, r := range plainRules() {
		if sentence == r {
			l.Rule = r
			return l
		}
	}
	for _, r := range argRules() {
		if arg, ok := strings.CutPrefix(sentence, r+" "); ok {
			l.Rule = r
			l.Arg = use.ownerArg(r, arg)
			return l
		}
	}
	use.bad("unknown-owner-rule", fmt.Sprintf("%q does not say who receives it", l.Use.S), ownerHint(sentence))
	return l
}

// ownerArg checks the name behind a rule.
func (v value) ownerArg(rule, arg string) Text {
	t := Text{S: arg, Pos: v.pos()}
	if v.n.Style == 0 {
		// The place of the name itself; quoted sentences keep their start.
		if i := strings.LastIndex(v.n.Value, arg); i > 0 {
			t.Pos.Column += len([]rune(v.n.Value[:i]))
		}
	}
	switch {
	case rule == PersonRule:
		t.S = strings.ToLower(arg)
		if !isEmail(t.S) {
			v.r.add(t.Pos, "bad-email", fmt.Sprintf("%q is not an e-mail address", arg), "write it like person ana@example.com")
		}
	case rule == OwnerIn && !isField(arg):
		v.r.add(t.Pos, "bad-field", fmt.Sprintf("%q is not a field", arg), "write it like owner in company.csm")
	case rule != OwnerIn && !isName(arg):
		v.r.add(t.Pos, "bad-name", fmt.Sprintf("%q is not one name", arg), fmt.Sprintf("write it like %s sdr_us", rule))
	}
	return t
}

func ownerHint(s string) string {
	if isEmail(strings.ToLower(s)) {
		return fmt.Sprintf("did you mean \"person %s\"?", strings.ToLower(s))
	}
	if k := nearest(strings.NewReplacer("-", " ", "_", " ").Replace(s), plainRules()); k != "" {
		return fmt.Sprintf("did you mean %q?", k)
	}
	for _, r := range argRules() {
		words, all := len(strings.Fields(r)), strings.Fields(strings.NewReplacer("-", " ").Replace(s))
		if len(all) < words {
			continue
		}
		if head := strings.Join(all[:words], " "); nearest(head, []string{r}) != "" {
			return fmt.Sprintf("did you mean %q?", strings.TrimSpace(r+" "+strings.Join(all[words:], " ")))
		}
	}
	return "it can be " + either(append(plainRules(), "owner in FIELD", "territory NAME", "round robin TEAM", "queue TEAM", "person EMAIL"))
}
