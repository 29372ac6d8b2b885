package judge

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/state"
)

// trailed is A7.
func trailed(f *Facts) (int, []Offence, string) {
	broken := slices.Clone(f.Untold)
	if f.AuditErr != nil {
		broken = append(broken, offend("the trail", "%v", f.AuditErr))
	}
	for _, h := range f.Handoffs {
		life := f.Lives[h.ID]
		switch {
		case len(life) == 0 && f.Decisions > 0:
			broken = append(broken, offend(h.ID, "%s: no decision made it", h.Record))
		case len(life) > 0 && life[len(life)-1].Stage != h.Stage:
			broken = append(broken, offend(h.ID, "%s: it is %s, and the last decision left it %s", h.Record, h.Stage, life[len(life)-1].Stage))
		}
	}
	return f.AuditRows, broken, ""
}

// sendTimeout bounds one call of the writer (sync/writeback).
const sendTimeout = 30 * time.Second

// stuck is A8.
func stuck(f *Facts) (int, []Offence, string) {
	if !f.Run.Quiesced {
		return 0, nil, "the run did not come to rest"
	}
	var broken []Offence
	for _, i := range f.Intents {
		if i.State == state.Sending && f.Run.Ended.Sub(i.SentAt) > 2*sendTimeout {
			broken = append(broken, offend(i.Handoff, "its %s left at %s and was never settled", i.Step, clock(i.SentAt)))
		}
	}
	return f.Creates, broken, ""
}

// within is A9.
func within(f *Facts) (int, []Offence, string) {
	if f.Missing[changesFile] != "" {
		return 0, nil, f.Missing[changesFile]
	}
	looked := 0
	broken := slices.Clone(f.Removed)
	for _, field := range slices.SortedFunc(maps.Keys(f.Touched), func(a, b Field) int { return cmp.Compare(a.String(), b.String()) }) {
		t := f.Touched[field]
		looked += t.Times
		if !f.Allowed[field] {
			broken = append(broken, offend(t.First.String(), "we wrote %s, %d times, and no rule says so", field, t.Times))
		}
	}
	return looked, broken, ""
}

// mostThrottled is the share of calls that may be refused for being too many
// (C1), beside those the simulator refuses for no reason.
const mostThrottled = 0.01

// frugal is A11.
func frugal(f *Facts) (int, []Offence, string) {
	looked := 0
	var broken []Offence
	for _, crm := range slices.Sorted(maps.Keys(f.Calls)) {
		c := f.Calls[crm]
		looked += c.All
		expected := float64(c.All) * (f.Run.Throttled[crm] + mostThrottled)
		if spread := 3 + expected/4; float64(c.Throttled) > expected+spread {
			broken = append(broken, offend(crm, "%d of %d calls were refused for being too many, %.0f were to be expected", c.Throttled, c.All, expected))
		}
		quota := f.Run.Quota[crm]
		for _, day := range slices.Sorted(maps.Keys(c.Day)) {
			if n := c.Day[day]; quota > 0 && float64(n) > float64(quota)*c.Share {
				broken = append(broken, offend(crm, "%d calls on %s, and our share of %d is %.0f", n, day, quota, float64(quota)*c.Share))
			}
		}
	}
	return looked, broken, f.Missing[historyFile]
}

// discreet is A12.
func discreet(f *Facts) (int, []Offence, string) {
	return f.Lines, f.Leaks, cmp.Or(f.Missing[logFile], f.Missing[metricsFile])
}

// sound is A13.
func sound(f *Facts) (int, []Offence, string) { return f.Files, f.Unsound, "" }

// fixed is A14.
func fixed(f *Facts) (int, []Offence, string) {
	s := f.Run.Second
	switch {
	case s == nil:
		return 0, nil, "nobody ran it a second time"
	case !f.Run.Quiesced:
		return 0, nil, "the run did not come to rest"
	case s.Calls == 0:
		return 0, nil, "the second start asked the CRMs nothing"
	case s.Writes > 0:
		return 1, []Offence{offend("the second run", "made %d writes in %d calls", s.Writes, s.Calls)}, ""
	}
	return 1, nil, ""
}

// replayed is A15.
func replayed(f *Facts) (int, []Offence, string) { return f.Decisions, f.Strayed, "" }
