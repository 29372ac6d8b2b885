package mappings

import (
	"fmt"
	"slices"
	"strings"
)

// handoff reads one file of handoffs/.
func (d *Doc) handoff(root value) {
	s := root.scope("a handoff type")
	h := Handoff{
		Name:       s.need("handoff", "begin the file with its name").word(),
		What:       s.field("what").text(),
		About:      s.need("about", "say what is handed over: person, company or deal").oneOf(Subjects()...),
		On:         s.field("on").word(),
		DeliverTo:  s.field("deliver_to").word(),
		From:       s.field("from").text(),
		To:         s.field("to").text(),
		StartsWhen: s.field("starts_when").conds(),
		HappenedAt: s.field("happened_at").fieldName(),
		OnlyIf:     s.field("only_if").cond(),
		Context:    s.field("context").context(),
		Checklist:  s.field("checklist").checklist(),
		Milestones: s.field("milestones").milestones(),
		PreparedBy: s.field("prepared_by").word(),
		TellBack:   s.field("tell_back").tellBack(),
		SLA:        s.field("sla").tierRows(),
		Owner:      s.field("owner").ownerLines(),

		AccountableUntil: s.field("accountable_until_accepted").keeper(),
		ReceiverBecomes:  s.field("receiver_becomes").fieldName(),
		SupportContact:   s.field("support_contact").fieldName(),

		AcceptedWhen:  s.field("accepted_when").cond(),
		FirstTouchIs:  s.field("first_touch_is").touches(),
		CompletedWhen: s.field("completed_when").cond(),
		ReturnedWhen:  s.field("returned_when").cond(),
		IfStalled:     readAll(s.field("if_stalled").oneOrMore(), value.word),
		Pos:           root.pos(),
	}
	if v := s.field("otherwise"); v.given() {
		f := v.scope("otherwise")
		for _, p := range f.field("set").pairs() {
			if !isField(p.From.S) {
				v.r.add(p.From.Pos, "bad-field", fmt.Sprintf("%q is not a field", p.From.S), "a field is written like person.lead_status")
			}
			h.OtherwiseSet = append(h.OtherwiseSet, p)
		}
		h.OtherwiseListAs = f.field("list_as").word()
		f.done()
	}
	if v := s.field("on_return"); v.given() {
		f := v.scope("on_return")
		h.OnReturnReason = f.field("reason").oneOf("required", "optional")
		h.OnReturnThen = f.field("then").oneOf("return_to_giver", "queue", "next_owner")
		h.OnReturnReasons = readAll(f.field("reasons").oneOrMore(), value.text)
		h.OnReturnAsk = f.field("ask_after").duration()
		f.done()
	}
	h.Watchers = readAll(s.field("watchers").oneOrMore(), value.text)
	for _, e := range s.field("exceptions").oneOrMore() {
		h.Exceptions = append(h.Exceptions, e.exception())
	}
	if v := s.field("task"); v.given() {
		f := v.scope("task")
		h.TaskSubject = f.field("subject").template()
		h.TaskType = f.field("type").oneOf("call", "email", "todo")
		f.done()
	}
	if s.ok {
		h.missingParts(root, s)
	}
	s.done()
	d.Handoffs = append(d.Handoffs, h)
}

// missingParts refuses a type that does not say when it starts, who receives,
// what moves, how fast, when it is done and what happens if it stalls (0.15,
// 1.11). A part with a fault of its own has been told already.
func (h *Handoff) missingParts(root value, s *scope) {
	parts := []struct{ key, why string }{
		{"starts_when", "when it starts"},
		{"owner", "who receives it"},
		{"context", "what must be known"},
		{"sla", "how fast"},
		{"completed_when", "when it is done"},
		{"if_stalled", "what happens if it stalls"},
	}
	var missing []string
	for _, p := range parts {
		v := s.field(p.key)
		blank := v.n != nil && (empty(v.n) || v.n.Value == "" && len(v.n.Content) == 0)
		if v.n == nil || blank {
			missing = append(missing, fmt.Sprintf("%s (%s)", p.key, p.why))
		}
	}
	if len(missing) == 0 {
		return
	}
	name, at := h.Name.S, root.pos()
	if h.Name.Given() {
		at = h.Name.Pos
	} else {
		name = "without a name"
	}
	root.r.add(at, "missing-part", fmt.Sprintf("handoff %s lacks %s", name, and(missing)), "a handoff that leaves one of these open does not start")
}

// and lists words for a sentence: "a, b and c".
func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// tierRows is the name of a tier, or rows of which the first that fits wins.
func (v value) tierRows() []TierRow {
	if v.isText() {
		if empty(v.n) {
			return nil
		}
		return []TierRow{{Use: v.word(), Otherwise: true, Pos: v.pos()}}
	}
	items := v.list()
	out := make([]TierRow, 0, len(items))
	for i, item := range items {
		c, use, otherwise := item.row("a row of sla", "use", i == len(items)-1)
		out = append(out, TierRow{If: c, Use: use, Otherwise: otherwise, Pos: item.pos()})
	}
	if n := len(out); n > 0 && !out[n-1].Otherwise {
		items[n-1].bad("no-otherwise", "what fits none of these rows has no clock", "end the list with {otherwise: a tier}")
	}
	return out
}

// keeper is who is accountable until somebody accepts.
func (v value) keeper() Text {
	if t := v.text(); strings.Contains(t.S, "@") {
		return v.email()
	}
	return v.oneOf("giver", "receiver", "queue")
}

// touches is the buyer-facing actions that count: call, {email: sent by the receiver}.
func (v value) touches() []Touch {
	kinds := []string{"call", "email", "meeting"}
	var out []Touch
	for _, item := range v.oneOrMore() {
		if !item.isMap() {
			if t := item.oneOf(kinds...); t.Given() {
				out = append(out, Touch{Kind: t})
			}
			continue
		}
		for _, e := range item.entries("") {
			if !slices.Contains(kinds, e.key.S) {
				item.r.add(e.key.Pos, "bad-value", fmt.Sprintf("%s cannot be %q", v.name, e.key.S), didYouMean(e.key.S, kinds))
			}
			out = append(out, Touch{Kind: e.key, Qualifier: e.val.oneOf("sent by the receiver")})
		}
	}
	return out
}

// template is a text with {{field}} in it.
func (v value) template() Text {
	t := v.text()
	rest := t.S
	for {
		before, after, found := strings.Cut(rest, "{{")
		if strings.ContainsAny(before, "{}") {
			v.bad("bad-template", v.name+" has a brace that is not one of two, so it would be sent as it stands", "write it like {{person.full_name}}")
			break
		}
		if !found {
			break
		}
		inside, behind, closed := strings.Cut(after, "}}")
		name := strings.TrimSpace(inside)
		if !closed || !isField(name) && !isName(name) {
			v.bad("bad-template", v.name+" has {{ without a field and }} behind it", "write it like {{person.full_name}}")
			break
		}
		rest = behind
	}
	return t
}

// exception gives some records to one person, for a reason and until a day.
func (v value) exception() Exception {
	const like = "write {name: …, if: {…}, owner: ana@example.com, reason: …, until: 2027-03-31}"
	if !v.isMap() {
		v.bad("bad-exception", v.name+" holds something that is no exception", like)
		return Exception{}
	}
	s := v.scope("exceptions")
	e := Exception{
		Name: s.need("name", like).text(), If: s.need("if", like).cond(), Owner: s.need("owner", like).email(),
		Reason: s.need("reason", like).text(), Until: s.need("until", like).date(), Pos: v.pos(),
	}
	s.done()
	return e
}
