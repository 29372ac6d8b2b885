package judge

import (
	"cmp"
	"fmt"
	"slices"
)

// Held is what a rule comes to.
type Held string

// The verdicts. A rule that had nothing to look at is never held.
const (
	RuleHeld   Held = "held"
	RuleBroken Held = "broken"
	NotJudged  Held = "not judged"
)

// Offence is one thing that broke a rule.
type Offence struct {
	Subject string `json:"subject"` // the record, handoff, task or event
	Text    string `json:"text"`    // what is wrong with it, in the admin's words
}

func (o Offence) String() string { return o.Subject + ": " + o.Text }

// Verdict is one rule's.
type Verdict struct {
	Rule    string    `json:"rule"`
	Says    string    `json:"says"`
	Held    Held      `json:"held"`
	Looked  int       `json:"looked"` // at how many things
	At      string    `json:"at"`     // what those are
	Why     string    `json:"why,omitempty"`
	Broken  int       `json:"broken"`
	Offence []Offence `json:"offences,omitempty"` // the first of them
}

// mostOffences is how many a verdict names.
const mostOffences = 5

// Rule is one of A1 to A15; README.md says what each looks at.
type Rule struct {
	ID   string
	Says string
	at   string // what it looks at
	// judge returns at how many things it looked and what broke the rule; why,
	// where not blank, says why it cannot be judged.
	judge func(*Facts) (looked int, broken []Offence, why string)
}

// Rules are the fifteen, in order.
func Rules() []Rule {
	return []Rule{
		{"A1", "what was acknowledged is remembered", "acknowledged events", acknowledged},
		{"A2", "every signal ends in exactly one outcome", "signals, records and effects", outcomes},
		{"A3", "one live task per reason, one record per buyer", "tasks and records made", doubled},
		{"A4", "exactly one accountable owner, and the CRM shows them", "handoffs", owned},
		{"A5", "no deadline slides", "handoffs with a deadline", steady},
		{"A6", "a missed deadline is told within a minute", "deadlines reached", told},
		{"A7", "every change has its line in an unbroken trail", "lines of the trail", trailed},
		{"A8", "no write is left on its way", "creates decided", stuck},
		{"A9", "only what the rules may write is written", "own writes", within},
		{"A10", "a person's change wins", "own and people's changes of owner, and what was given back", yielded},
		{"A11", "no more calls than our share", "calls", frugal},
		{"A12", "no secret and no buyer in a log", "lines read", discreet},
		{"A13", "the state is sound", "files", sound},
		{"A14", "running it again changes nothing", "second runs", fixed},
		{"A15", "every decision names its rules and comes out the same again", "decisions", replayed},
	}
}

// Weigh applies every rule to the facts.
func Weigh(f *Facts) []Verdict {
	var out []Verdict
	for _, r := range Rules() {
		v := Verdict{Rule: r.ID, Says: r.Says, At: r.at, Held: RuleHeld}
		var broken []Offence
		v.Looked, broken, v.Why = r.judge(f)
		switch {
		case len(broken) > 0:
			v.Held, v.Why = RuleBroken, ""
		case v.Why != "":
			v.Held = NotJudged
		case v.Looked == 0:
			v.Held, v.Why = NotJudged, "there were none"
		}
		slices.SortStableFunc(broken, func(a, b Offence) int {
			return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Text, b.Text))
		})
		v.Broken = len(broken)
		v.Offence = broken[:min(len(broken), mostOffences)]
		out = append(out, v)
	}
	return out
}

// Broken are the verdicts of the rules that were not kept.
func Broken(vs []Verdict) []Verdict {
	return slices.DeleteFunc(slices.Clone(vs), func(v Verdict) bool { return v.Held != RuleBroken })
}

// offend makes an offence.
func offend(subject, format string, args ...any) Offence {
	return Offence{Subject: subject, Text: fmt.Sprintf(format, args...)}
}
