package main

import (
	"slices"
)

// listMeanings say of the lists under "To look at" what an entry is and what
// can be done about it. Lists that a rule names with list_as are its own.
var listMeanings = map[string]string{
	"attempts":      "tried less often than the tier asks for; the buyer may not have been reached",
	"authority":     "another CRM has the say over this field, so it is not set here",
	"checklist":     "items that were not done in time, or that had to come last and did not",
	"clock":         "a clock or a stored place was wrong; what it may have hidden is read again",
	"connector":     "waits for a person whom the CRMs' own sync has not made; look at its errors",
	"context":       "fields that were missing, or words that say nothing; the giver has a task",
	"denied":        "a permission is missing; it goes on by itself once it is granted",
	"duplicates":    "one company or person twice; the steward is asked, nothing is merged",
	"escalation":    "what was said to whom because a deadline passed",
	"exceptions":    "end soon or have ended; renew them in the rules or let them go",
	"foreign":       "the record carries a handoff that this state does not know",
	"imports":       "wait for their turn at the pace of `imports:`",
	"late_intake":   "heard of after the deadline; the clocks count from when it was heard of",
	"loop":          "written too often within an hour: left out, or stopped until reassigned",
	"low_tier":      "a signal of a tier that starts no handoff by itself",
	"missing field": "mapped, and not shown to us: create it, grant access, or take it out",
	"never":         "a rule under `never:` kept it from being handed over",
	"preparation":   "should have been begun before, and was not",
	"quarantined":   "could not be decided and is put aside; `handoffd queue` shows and retries it",
	"rating":        "a rating that is no whole number from 1 to 5; its task stays open",
	"reassign":      "could not be moved as ordered",
	"refused":       "the CRM refused the write; what still waits, `handoffd queue` retries",
	"rematched":     "of another account now than when it was assigned; reassign it, or leave it",
	"restored":      "back from the bin, where its handoff has ended",
	"returned":      "came back late, or without a reason",
	"reversed":      "a program keeps setting the owner; it is left alone",
	"review":        "a person has to say whose buyer this is; they have a task",
	"safety":        "writing stopped by itself; `handoffd approve` lets it go on",
	"skipped field": "the CRM would not take this field; the rest was written",
	"spared":        "left alone: `safety:` never takes the records of whoever owns it",
	"twice":         "two tasks of one handoff, and somebody works with both",
	"undelivered":   "a channel would not take it for a day",
	"undo":          "left as it is, because somebody has touched it or it cannot be put back",
	"unmapped":      "a value that the mapping does not name",
	"unmatched":     "a signal that no handoff type takes: write one, or ignore it",
	"unowned":       "nobody could take it: look at teams, leave and who is active in the CRM",
	"unseen":        "the CRM does not tell who changed this field",
	"untold":        "somebody should have been told and cannot be",
	"webhook":       "a webhook that was not taken",
}

// byList puts the entries of one list together, those of the newest first.
func byList(listed []entry) []entry {
	var order []string
	for _, l := range listed {
		if !slices.Contains(order, l.List) {
			order = append(order, l.List)
		}
	}
	out := slices.Clone(listed)
	slices.SortStableFunc(out, func(a, b entry) int {
		return slices.Index(order, a.List) - slices.Index(order, b.List)
	})
	return out
}

// meaningsOf are the lists that have entries, with what an entry means.
func meaningsOf(listed []entry) table {
	t := table{title: "What these lists are", head: []string{"", ""}}
	last := ""
	for _, l := range byList(listed) {
		if text := listMeanings[l.List]; text != "" && l.List != last {
			t.add(l.List, text)
		}
		last = l.List
	}
	return t
}
