package simhttp

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// shown is one line of the table of profiles.
type shown struct {
	key, says string
	value     func(Faults) string
}

func share(of func(Faults) float64) func(Faults) string {
	return func(f Faults) string { return percent(of(f)) }
}

func lag(of func(Faults) time.Duration) func(Faults) string {
	return func(f Faults) string {
		if of(f) == 0 {
			return "–"
		}
		return of(f).String()
	}
}

func percent(v float64) string {
	if v == 0 {
		return "–"
	}
	return strconv.FormatFloat(v*100, 'g', 6, 64) + " %"
}

// ratesSay says in a few words what each rate does, in the order of rates.
var ratesSay = [...]string{
	"refused as too many calls; `Retry-After` in seconds, as a date and not at all, a third each, where the CRM sends one",
	"refused", "refused, by the edge", "refused, by the edge", "refused, by the edge", "a good token refused",
	"no answer for 60 s, then broken off; every second one applied", "a page of HTML with status 200", "applied, the answer cut in half",
	"applied, then answered 500", "the record is locked, where the CRM has this", "the account is being moved, with `Retry-After`, where the CRM has this",
	"batches in which some rows fail", "batches whose rows are answered in another order, where the CRM promises none",
}

func tableRows() []shown {
	var rows []shown
	for i, name := range rates {
		rows = append(rows, shown{"rate." + name, ratesSay[i], share(func(f Faults) float64 { return f.Rate[name] })})
	}
	return append(rows,
		shown{"drop_reply", "applied, then broken off before the answer", share(func(f Faults) float64 { return f.DropReply })},
		shown{"search_lag", "how late the search index, or a commit, is at most", lag(func(f Faults) time.Duration { return f.SearchLag })},
		shown{"index_missing", "changes that the search index misses until the record changes again", share(func(f Faults) float64 { return f.IndexMissing })},
		shown{"property_lag", "how late a new property is there, where the CRM has this", lag(func(f Faults) time.Duration { return f.PropertyLag })},
		shown{"quota", "calls a day", func(f Faults) string {
			if f.Quota == 0 {
				return "as documented"
			}
			return strconv.Itoa(f.Quota)
		}},
		shown{"webhooks.drop", "events never sent", share(func(f Faults) float64 { return f.Webhooks.Drop })},
		shown{"webhooks.double", "events sent twice", share(func(f Faults) float64 { return f.Webhooks.Double })},
		shown{"webhooks.shuffle", "events sent out of order", share(func(f Faults) float64 { return f.Webhooks.Shuffle })},
		shown{"webhooks.late", "events sent up to a day late", share(func(f Faults) float64 { return f.Webhooks.Late })},
		shown{"webhooks.wrong_portal", "events that name another portal", share(func(f Faults) float64 { return f.Webhooks.WrongPortal })},
		shown{"life.edits", "of the records a minute: a person edits a field that no handoff looks at", share(func(f Faults) float64 { return f.Life.Edits })},
		shown{"life.owners", "of the records a minute: a person changes the owner", share(func(f Faults) float64 { return f.Life.Owners })},
		shown{"life.flips", "of the records a minute: automation changes the owner", share(func(f Faults) float64 { return f.Life.Flips })},
		shown{"life.merges", "of the people and accounts a minute: merged into another", share(func(f Faults) float64 { return f.Life.Merges })},
		shown{"life.deletes", "of the people and deals a minute: deleted", share(func(f Faults) float64 { return f.Life.Deletes })},
		shown{"life.restores", "of those deletions: taken back one to three minutes later", share(func(f Faults) float64 { return f.Life.Restores })},
		shown{"life.deactivations", "of the users a minute: leaves, and is back two to ten minutes later", share(func(f Faults) float64 { return f.Life.Deactivations })},
		shown{"life.drift", "an admin adds a field, or takes an added one away", func(f Faults) string {
			if f.Life.Drift == 0 {
				return "–"
			}
			return strconv.FormatFloat(f.Life.Drift, 'g', 4, 64) + " a day"
		}},
		shown{"life.reps.ignore", "of what reps are given: ignored", share(func(f Faults) float64 { return f.Life.Reps.Ignore })},
		shown{"life.reps.slow", "of it: everything takes ten times as long", share(func(f Faults) float64 { return f.Life.Reps.Slow })},
		shown{"life.reps.return", "of it: returned", share(func(f Faults) float64 { return f.Life.Reps.Return })},
		shown{"life.reps.silent", "of the returns: without a reason; a third give it later", share(func(f Faults) float64 { return f.Life.Reps.Silent })},
		shown{"life.reps.tacit", "of what is kept: never accepted in words", share(func(f Faults) float64 { return f.Life.Reps.Tacit })},
		shown{"life.reps.call", "of it: called, up to three times", share(func(f Faults) float64 { return f.Life.Reps.Call })},
		shown{"life.reps.email", "of it: written to", share(func(f Faults) float64 { return f.Life.Reps.Email })},
		shown{"life.reps.meet", "of it: met", share(func(f Faults) float64 { return f.Life.Reps.Meet })},
		shown{"life.reps.absent", "of the meetings: the buyer stays away", share(func(f Faults) float64 { return f.Life.Reps.Absent })},
		shown{"life.reps.next", "of it: a next task is planned", share(func(f Faults) float64 { return f.Life.Reps.Next })},
		shown{"life.reps.finish", "of it: the task given is ticked off, late", share(func(f Faults) float64 { return f.Life.Reps.Finish })},
	)
}

// Profiles are the names that Profile knows, the calmest first.
func Profiles() []string { return []string{"calm", "default", "hell"} }

// ProfileTable is a Markdown table of every fault: its key in POST /faults (a dot stands for an object inside),
// what it does, and its value in each profile.
func ProfileTable() string {
	names := Profiles()
	var b strings.Builder
	fmt.Fprintf(&b, "| key | what happens | %s |\n|---|---|%s\n", strings.Join(names, " | "), strings.Repeat("--:|", len(names)))
	for _, row := range tableRows() {
		values := make([]string, len(names))
		for i, name := range names {
			f, err := Profile(name)
			if err != nil { // a name that Profiles has and Profile has not; shown, so that nobody overlooks it
				values[i] = err.Error()
				continue
			}
			values[i] = row.value(f)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", row.key, row.says, strings.Join(values, " | "))
	}
	return b.String()
}
