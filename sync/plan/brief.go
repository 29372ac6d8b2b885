package plan

import (
	"fmt"
	"math"
	"slices"
	"strconv"
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
func nextStep(t *typ, h state.Handoff, zone *time.Location) string {
	what := map[string]string{"call": "Call", "email": "Write to them", "meeting": "Meet them"}[t.firstTouch]
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
	for _, of := range t.contextFields() {
		if v := f.value(of); v != "" && !slices.Contains(names, of) {
			parts = append(parts, of.said()+": "+v)
		}
	}
	return strings.Join(parts, "; ")
}

func (t *typ) contextFields() []field { return append(append([]field(nil), t.must...), t.should...) }

// completeness is how much of the context is filled, in percent.
func (t *typ) completeness(f *facts) string {
	all, filled := t.contextFields(), 0
	for _, of := range all {
		if f.value(of) != "" {
			filled++
		}
	}
	if len(all) == 0 {
		return "100"
	}
	return strconv.Itoa(int(math.Round(100 * float64(filled) / float64(len(all)))))
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

// brief is the context that travels, as four answers (2.21), the fields, and
// why this person got it.
func (d *deciding) brief(t *typ, f *facts, h state.Handoff, tier *tier, c choice) string {
	zone := d.r.calendarOf(h.Owner).Zone()
	var b strings.Builder
	section := func(title string, lines ...string) {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(title + "\n")
		for _, l := range lines {
			if l != "" {
				b.WriteString(l + "\n")
			}
		}
	}
	section("Why did they engage?", t.what, f.what(h))
	section("Why now?", whyNow(h, tier, zone)...)
	section("What did we already say?", d.history(f, h)...)
	section("What should happen next?", nextStep(t, h, zone)+".", accepts(t, h, zone))
	var lines []string
	for _, of := range t.contextFields() {
		if v := f.value(of); v != "" {
			lines = append(lines, labelled(of)+": "+v)
		}
	}
	for _, of := range t.must {
		if f.value(of) == "" {
			lines = append(lines, labelled(of)+": still missing")
		}
	}
	if len(lines) > 0 {
		section("What we know", lines...)
	}
	section("Why you?", whySentence(c)+".")
	return strings.TrimSuffix(b.String(), "\n")
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
		return strings.Replace(c.text, c.field.String(), c.field.said(), 1)
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
	case always, noneOf, aRecord, happening:
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
		if old.ID != h.ID && old.Owner != "" {
			lines = append(lines, fmt.Sprintf("Handed to %s on %s (%s, %s).", old.Owner, old.DetectedAt.Format(time.DateOnly), old.Type, old.Stage))
		}
	}
	if len(lines) == 0 {
		return []string{"Nothing that the CRM shows."}
	}
	return lines
}
