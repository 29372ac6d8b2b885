package mappings

import (
	"fmt"
	"slices"
	"strings"
)

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

const hoursHint = "write it like 09:00-12:30, 13:30-17:00"

// hours is a map of weekdays to spans of the clock.
func (v value) hours() []Hours {
	entries := v.entries("write it like {monday to friday: 09:00-17:00}")
	var out []Hours
	taken := map[int]string{}
	for i, e := range entries {
		if _, isSpan := parseSpan(e.key.S); isSpan {
			v.strayspan(entries, i)
			continue
		}
		days, wrong := parseDays(e.key.S)
		if wrong != "" {
			v.r.add(e.key.Pos, "bad-day", fmt.Sprintf("%q is not a weekday", wrong), didYouMean(wrong, append(slices.Clone(weekdays), "every day")))
			continue
		}
		h := Hours{Days: days, Spans: e.val.spans(), Pos: e.key.Pos}
		for _, d := range days {
			if other, ok := taken[d]; ok {
				v.r.add(e.key.Pos, "day-twice", fmt.Sprintf("%s already has hours, under %q", weekdays[d], other), "write each day once")
			}
			taken[d] = e.key.S
		}
		if len(h.Spans) > 0 {
			out = append(out, h)
		}
	}
	return out
}

// strayspan explains a span that became a key: {monday: 09:00-12:30, 13:30-17:00}.
func (v value) strayspan(entries []entry, i int) {
	span := entries[i].key
	hint := "write a list: [09:00-12:30, 13:30-17:00]"
	var spans []string
	for j := i; j >= 0; j-- {
		if _, ok := parseSpan(entries[j].key.S); ok {
			spans = append([]string{entries[j].key.S}, spans...)
			continue
		}
		if entries[j].val.isText() {
			spans = append([]string{entries[j].val.n.Value}, spans...)
			hint = fmt.Sprintf("write a list: {%s: [%s]}", entries[j].key.S, strings.Join(spans, ", "))
		}
		break
	}
	v.r.add(span.Pos, "flow-list", fmt.Sprintf("%s stands here as a key of its own, because inside { } a comma begins the next key", span.S), hint)
}

// parseDays reads "monday", "monday to thursday", "saturday, sunday", "every
// day" and mixtures. wrong is the first word that is none.
func parseDays(s string) (days []int, wrong string) {
	if strings.EqualFold(strings.TrimSpace(s), "every day") {
		return []int{0, 1, 2, 3, 4, 5, 6}, ""
	}
	for part := range strings.SplitSeq(s, ",") {
		first, last, ranged := strings.Cut(strings.ToLower(strings.TrimSpace(part)), " to ")
		first, last = strings.TrimSpace(first), strings.TrimSpace(last)
		from := slices.Index(weekdays, first)
		if from < 0 {
			return nil, first
		}
		to := from
		if ranged {
			if to = slices.Index(weekdays, last); to < 0 {
				return nil, last
			}
		}
		for d := from; ; d = (d + 1) % 7 {
			if !slices.Contains(days, d) {
				days = append(days, d)
			}
			if d == to {
				break
			}
		}
	}
	return days, ""
}

// spans is "09:00-12:30, 13:30-17:00", or a list of such spans, in order and
// not overlapping.
func (v value) spans() []Span {
	var out []Span
	for _, item := range v.oneOrMore() {
		t := item.text()
		if !t.Given() {
			continue
		}
		for part := range strings.SplitSeq(t.S, ",") {
			sp, ok := parseSpan(strings.TrimSpace(part))
			if !ok {
				item.bad("bad-hours", fmt.Sprintf("%q is not a span of the clock", strings.TrimSpace(part)), hoursHint)
				continue
			}
			if len(out) > 0 && sp.From < out[len(out)-1].To {
				item.bad("bad-hours", fmt.Sprintf("%q begins before the span in front of it ends", strings.TrimSpace(part)), "write the spans in order, without overlap")
				continue
			}
			out = append(out, sp)
		}
	}
	return out
}

// parseSpan reads 09:00-17:00; an end that is not after the start is on the
// next day (22:00-06:00), and 24:00 is midnight.
func parseSpan(s string) (Span, bool) {
	if strings.EqualFold(s, "all day") {
		return Span{0, 24 * 60}, true
	}
	a, b, ok := strings.Cut(s, "-")
	from, ok1 := clockTime(strings.TrimSpace(a))
	to, ok2 := clockTime(strings.TrimSpace(b))
	if !ok || !ok1 || !ok2 || from == 24*60 || from == to {
		return Span{}, false
	}
	if to < from {
		to += 24 * 60
	}
	return Span{from, to}, true
}

// clockTime reads 9:00 or 09:00 as minutes from midnight, up to 24:00.
func clockTime(s string) (int, bool) {
	a, b, ok := strings.Cut(s, ":")
	h, ok1 := number(a)
	m, ok2 := number(b)
	if !ok || !ok1 || !ok2 || len(a) > 2 || len(b) != 2 || m > 59 || h*60+m > 24*60 {
		return 0, false
	}
	return h*60 + m, true
}
