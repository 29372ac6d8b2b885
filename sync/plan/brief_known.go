package plan

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// The words that the brief looks at, beside the context fields of the type.
const (
	wordDoNotCall   = "do_not_call"        // person: yes or no
	wordOptedOut    = "opted_out"          // person: yes or no, of e-mail
	wordTitle       = "title"              // person
	wordRole        = "role"               // person: their part in the buying
	wordCommittee   = "committee"          // any noun: who takes part in the buying, with semicolons between
	wordNextStep    = "next_step"          // any noun: what the buyer asked for
	wordPromised    = "commitments"        // any noun: what was promised
	wordRecommended = "recommended_motion" // any noun: how to go about it (2.36)
)

// refuses reports whether the buyer has refused a way to reach them, in the CRM
// the signal came from or in the one that is worked in: either may be the only
// one that was told.
func (f *facts) refuses(word string) bool {
	there := f.land != nil && f.land.Noun == nounPerson && f.land.Fields[word] == yes
	return there || f.value(field{nounPerson, word}) == yes
}

// careful ends what asks somebody to do something: it may be all they get, on a task that
// was made when the buyer could still be called.
func (f *facts) careful() string {
	if f.refuses(wordDoNotCall) {
		return " (do not call)"
	}
	return ""
}

// forbidden is what must not be done to the buyer.
func (f *facts) forbidden() []string {
	var lines []string
	if f.refuses(wordDoNotCall) {
		lines = append(lines, "Do not call: they have asked not to be called.")
	}
	if f.refuses(wordOptedOut) {
		lines = append(lines, "No marketing e-mail: they have opted out. Answer what they asked, and nothing more.")
	}
	return lines
}

// kind is what the receiver's task is: no call where they must not be called.
func (t *typ) kind(f *facts) string {
	if t.taskType != "call" || !f.refuses(wordDoNotCall) {
		return t.taskType
	}
	if f.refuses(wordOptedOut) {
		return "todo"
	}
	return "email"
}

// noCall says in the receipt that the task is no call, and why.
func (d *deciding) noCall(t *typ, f *facts, h state.Handoff) state.Handoff {
	if kind := t.kind(f); kind != t.taskType {
		h.Why = append(h.Why, d.why(where(t.pos), "no call: %s must not be called, so the task is %s", titled(f.rec), map[string]string{"email": "to write", "todo": "a to-do"}[kind]))
	}
	return h
}

// alreadySaid is what the CRM shows of what was said so far: the giver's own
// words, what was promised, who was in touch and when. Bodies of messages never
// come here.
func (d *deciding) alreadySaid(t *typ, f *facts, h state.Handoff, zone *time.Location) []string {
	var lines []string
	if v := f.value(t.context.note); v != "" {
		lines = append(lines, cut(v, valueLimit))
	}
	for _, of := range []field{{t.about, wordPromised}} {
		if v := f.value(of); v != "" {
			lines = append(lines, "Promised: "+cut(v, valueLimit))
		}
	}
	lines = append(lines, touchpoints(f, zone)...)
	lines = append(lines, d.history(f, h)...)
	if len(lines) == 0 {
		return []string{"Nothing that the CRM shows."}
	}
	return lines
}

// touchpoints are counted by the CRM itself, on the record (1.56).
func touchpoints(f *facts, zone *time.Location) []string {
	var lines []string
	for _, r := range []*state.Record{f.rec, f.land} {
		if r == nil {
			continue
		}
		n, _ := strconv.Atoi(r.Fields[connectors.WorkCount])
		last := fieldTime(r, connectors.WorkLastAt)
		switch {
		case n > 0 && !last.IsZero():
			lines = append(lines, fmt.Sprintf("In touch %s so far, last %s.", times(n), clockText(last, zone)))
		case n > 0:
			lines = append(lines, "In touch "+times(n)+" so far.")
		case !last.IsZero():
			lines = append(lines, "Last in touch "+clockText(last, zone)+".")
		}
		if next := fieldTime(r, connectors.WorkNextAt); !next.IsZero() {
			lines = append(lines, "Something is planned for "+clockText(next, zone)+".")
		}
	}
	return lines
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

// cameBackFor is why an earlier handoff was returned.
func cameBackFor(h state.Handoff) string {
	if h.Returned == nil || h.Returned.Reason == "" {
		return ""
	}
	text := ", because: " + h.Returned.Reason
	if h.Returned.Note != "" {
		text += ", " + h.Returned.Note
	}
	return cut(text, valueLimit)
}

// lastWork is the last contact under an earlier handoff.
func lastWork(h state.Handoff) string {
	if h.Work == nil || h.Work.Last.IsZero() {
		return ""
	}
	return ", last contact " + h.Work.Last.Format(time.DateOnly)
}

// asked is what the buyer asked for, and how to go about it.
func asked(t *typ, f *facts) string {
	var parts []string
	if v := f.value(field{t.about, wordNextStep}); v != "" {
		parts = append(parts, "Asked for: "+cut(v, valueLimit))
	}
	if v := f.value(field{t.about, wordRecommended}); v != "" {
		parts = append(parts, "Recommended: "+cut(v, valueLimit))
	}
	return strings.Join(parts, "\n")
}

// committee is who takes part in the buying, as far as the CRM links them: the
// people of the record with their part in it.
func (f *facts) committee() []string {
	var lines []string
	for who := range strings.SplitSeq(f.rec.Fields[wordCommittee], ";") {
		if who = strings.TrimSpace(who); who != "" {
			lines = append(lines, who)
		}
	}
	if f.rec.Noun == nounPerson {
		if role := f.rec.Fields[wordRole]; role != "" {
			lines = append(lines, who(f.rec)+": "+role)
		}
		return lines
	}
	for _, ref := range f.rec.Links {
		if f.conn == nil || f.conn.m.Noun(ref.Kind) != nounPerson {
			continue
		}
		if p, ok := f.v.Record(ref); ok && !p.Deleted {
			line := who(&p)
			if role := p.Fields[wordRole]; role != "" {
				line += ": " + role
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func who(p *state.Record) string {
	name := titled(p)
	if title := p.Fields[wordTitle]; title != "" {
		name += ", " + title
	}
	return name
}

// cycle is how long a deal has taken (3.22).
func cycle(t *typ, f *facts) string {
	if f.rec.Noun != nounDeal || !t.happened.given() || f.rec.CreatedAt.IsZero() {
		return ""
	}
	end, _, ok := instant(f.value(t.happened))
	days := int(end.Sub(f.rec.CreatedAt).Hours() / 24)
	if !ok || days < 0 {
		return ""
	}
	return fmt.Sprintf("Sales cycle: %d days, from %s to %s", days, f.rec.CreatedAt.Format(time.DateOnly), end.Format(time.DateOnly))
}
