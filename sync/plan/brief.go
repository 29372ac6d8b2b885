package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

func isOwn(word string) bool { return strings.HasPrefix(word, connectors.OwnFieldPrefix) }

// whySentence is the one sentence that stands on the record: winner, line,
// runner-up (G2).
func whySentence(c choice) string {
	s := c.owner + ": " + c.because
	for i := len(c.why) - 1; i >= 0; i-- {
		if c.why[i].Rule == c.where {
			_, detail, _ := strings.Cut(c.why[i].Text, ": ")
			if detail, ok := strings.CutPrefix(detail, c.owner+", "); ok {
				s += ", " + detail
			}
			break
		}
	}
	s += " (" + c.where + ")"
	if c.runnerUp != "" {
		s += "; next would have been " + c.runnerUp
	}
	return s
}

// sentence joins reasons to one text.
func sentence(why []state.Reason) string {
	parts := make([]string, 0, len(why))
	for _, w := range why {
		parts = append(parts, w.Text)
	}
	return strings.Join(parts, " ")
}

// what is the buyer's signal in words, as the handoff's first reason has it.
func (f *facts) what(h state.Handoff) string {
	if len(h.Why) == 0 {
		return ""
	}
	return h.Why[0].Text
}

// nextStep says what the receiver has to do, and by when.
func nextStep(t *typ, f *facts, h state.Handoff, zone *time.Location) string {
	touch := t.firstTouch
	if touch == "call" && t.kind(f) != "call" {
		touch = t.kind(f)
	}
	what := map[string]string{"call": "Call", "email": "Write to them", "meeting": "Meet them"}[touch]
	if what == "" {
		what = "Take it up"
	}
	by := h.TouchBy
	if by.IsZero() {
		by = h.AcceptBy
	}
	if by.IsZero() {
		return what
	}
	return what + " before " + clockText(by, zone)
}

// need is what is known of what the buyer needs: the context fields, in order.
func (t *typ) need(f *facts) string {
	names := []field{{nounPerson, wordEmail}, {nounPerson, wordFullName}, {nounPerson, wordCompanyName}, {nounCompany, wordName}, {nounDeal, wordName}}
	var parts []string
	for _, of := range t.contextFields(f) {
		if v := f.value(of); v != "" && !slices.Contains(names, of) {
			parts = append(parts, of.said()+": "+v)
		}
	}
	return strings.Join(parts, "; ")
}

// contextFields are the fields that are wanted of a record, in order.
func (t *typ) contextFields(f *facts) []field {
	must := holding(t.context.must, f, nil)
	return append(must, holding(t.context.should, f, must)...)
}

// subject is the headline of the task.
func (d *deciding) subject(t *typ, f *facts, h state.Handoff, zone *time.Location) string {
	if t.subject.given() {
		return t.subject.render(f, map[string]string{
			"accept_by": clockText(h.AcceptBy, zone), "touch_by": clockText(h.TouchBy, zone),
			"owner": h.Owner, "backup": h.Backup, "tier": h.Tier,
		})
	}
	what := t.what
	if what == "" {
		what = strings.ReplaceAll(t.name, "_", " ")
	}
	return strings.TrimSuffix(what, ".") + ": " + titled(f.rec)
}

// The brief is bounded: a CRM's long text, and one answer in it.
const (
	briefLimit = 30_000
	valueLimit = 2_000
)

// brief is the context that travels, as four answers (2.21), the fields, and
// why this person got it. What forbids to call or write stands on top.
func (d *deciding) brief(t *typ, f *facts, h state.Handoff, tier *tier, c choice) string {
	zone := d.r.calendarOf(h.Owner).Zone()
	var b strings.Builder
	section := func(title string, lines ...string) {
		lines = slices.DeleteFunc(lines, func(l string) bool { return l == "" })
		if len(lines) == 0 {
			return
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(title + "\n")
		for _, l := range lines {
			b.WriteString(l + "\n")
		}
	}
	section("Take care", f.forbidden()...)
	section("Why did they engage?", t.what, f.what(h), f.whoCounted(t))
	section("Why now?", whyNow(h, tier, zone)...)
	section("What did we already say?", d.alreadySaid(t, f, h, zone)...)
	section("What should happen next?", nextStep(t, f, h, zone)+".", asked(t, f), accepts(t, h, zone))
	section("Who decides?", f.committee()...)
	section("What we know", d.knownOf(t, f)...)
	section("Why you?", whySentence(c)+".")
	return cut(strings.TrimSuffix(b.String(), "\n"), briefLimit)
}

// knownOf is the context field by field, with what is missing or of no use.
func (d *deciding) knownOf(t *typ, f *facts) []string {
	var lines []string
	for _, of := range t.contextFields(f) {
		if v := f.value(of); v != "" {
			lines = append(lines, labelled(of)+": "+cut(v, valueLimit))
		}
	}
	if days := cycle(t, f); days != "" {
		lines = append(lines, days)
	}
	s := d.survey(t, f)
	for _, of := range s.missing {
		lines = append(lines, labelled(of)+": still missing")
	}
	for _, w := range s.faults {
		lines = append(lines, labelled(w.field)+": "+w.text)
	}
	return lines
}

// cut shortens a text to so many characters.
func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

func whyNow(h state.Handoff, tier *tier, zone *time.Location) []string {
	first := h.Signals[0]
	lines := []string{"Since " + clockText(first.At, zone) + "."}
	if first.Late {
		lines = append(lines, "We heard of it on "+clockText(first.Came, zone)+" only; your deadlines count from then.")
	}
	if tier.purpose != "" {
		lines = append(lines, "Tier "+tier.name+": "+tier.purpose+".")
	}
	if n := len(h.Signals); n > 1 {
		lines = append(lines, fmt.Sprintf("%d signals so far, the last %s.", n, clockText(h.Signals[n-1].At, zone)))
	}
	return lines
}

// accepts says how taking it up is noticed.
func accepts(t *typ, h state.Handoff, zone *time.Location) string {
	how := t.accepted.plainly()
	if h.AcceptBy.IsZero() || how == "" {
		return ""
	}
	return "It counts as accepted when " + how + ", before " + clockText(h.AcceptBy, zone) + "."
}

// plainly is a condition in the words of the people who make it true. What
// cannot be seen yet is left out: nobody should rely on it.
func (c *cond) plainly() string {
	switch c.kind {
	case aField:
		text := strings.Replace(c.text, c.field.String(), c.field.said(), 1)
		return strings.NewReplacer(" filled yes", " is filled in", " filled no", " is blank").Replace(text)
	case allOf, anyOf:
		with := " or "
		if c.kind == allOf {
			with = " and "
		}
		var parts []string
		for i := range c.kids {
			if text := c.kids[i].plainly(); text != "" {
				parts = append(parts, text)
			}
		}
		return strings.Join(parts, with)
	case always, noneOf, aRecord, happening, counting:
	}
	return ""
}

// labelled is a field as a label. A company's name is not the person's.
func labelled(of field) string {
	text := of.said()
	if of.noun != nounPerson {
		text = of.noun + " " + text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// history is what the CRM shows of the relation so far.
func (d *deciding) history(f *facts, h state.Handoff) []string {
	var lines []string
	a := f.account()
	if a.record != nil {
		line := titled(a.record)
		switch {
		case a.record.Fields[wordIsCustomer] == yes:
			line += " is a customer"
		case a.record.Fields[wordNamedAccount] == yes:
			line += " is a named account"
		default:
			line += " is known"
		}
		if who := f.user(a.conn, a.record.Fields[wordOwner]); who != "" {
			line += ", owned by " + who
		}
		lines = append(lines, line+".")
	}
	for _, deal := range a.deals {
		if deal.Fields[wordIsClosed] != yes && deal.Ref != f.rec.Ref {
			lines = append(lines, "Open deal: "+titled(&deal)+".")
		}
	}
	for _, old := range d.v.Handoffs(f.rec.Ref) {
		if old = d.current(old); old.ID != h.ID && old.Owner != "" {
			lines = append(lines, fmt.Sprintf("Handed to %s on %s (%s, %s%s)%s.", old.Owner, old.DetectedAt.Format(time.DateOnly), old.Type, old.Stage, cameBackFor(old), lastWork(old)))
		}
	}
	return lines
}
