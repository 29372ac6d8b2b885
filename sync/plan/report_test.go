package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// weekly is when the report of TestWeekly is sent: 08:00 in London.
var weekly = time.Date(2026, 3, 23, 8, 0, 0, 0, time.UTC)

// reporting is the starter pack with these reports.
func reporting(t testing.TB, lines string) *plan.Rules {
	t.Helper()
	return compile(t, folder(t, edit(t, "handoffd.yaml", "mode: observe", "mode: write\nreports:\n  "+lines+"\n#")))
}

// reported are the reports that were planned, by who gets them.
func (w *world) reported() map[string]state.Intent {
	out := map[string]state.Intent{}
	for _, i := range w.intents {
		if rest, ok := strings.CutPrefix(i.Step, "report "); ok {
			out[strings.Fields(rest)[1]] = i // its name, and who gets it
		}
	}
	return out
}

// TestWeekly: on its morning, where the clocks have changed too, everybody who is named
// and who answers for the owner get one list of the deadlines that were missed since the
// last one, and how each stands now; nobody gets an empty one (2.26, 2.40).
func TestWeekly(t *testing.T) {
	t.Parallel()
	r := reporting(t, "weekly: {on: monday 08:00, timezone: Europe/London, send_to: [revops@example.com, gus@example.com]}")
	w, rec := assigned(t, r)
	h := w.only(t)
	w.fireDue(t, r, h.AcceptBy.Add(-time.Second))
	if len(w.timers) == 0 || w.ticking("report weekly revops@example.com") != 0 {
		t.Fatal("a report is set before anything was missed")
	}
	w.fireDue(t, r, h.AcceptBy)
	if got := w.budgets["report weekly revops@example.com"]; len(got.Wait) != 2 || !got.Due.Equal(weekly) {
		t.Fatalf("noted %v", got)
	}
	rec.Version, rec.Fields = "9", fields(rec, "full_name", "Dana Ito", "handoff_status", "Returned", "handoff_return_reason", "Too early")
	w.decide(t, r, h.AcceptBy.Add(time.Minute), see(rec))
	w.fireDue(t, r, weekly.Add(-time.Second))
	if got := w.reported(); len(got) != 0 {
		t.Fatalf("sent too early: %v", got)
	}
	w.fireDue(t, r, weekly)
	got := w.reported()
	for _, who := range []string{"revops@example.com", "gus@example.com", "morgan@example.com"} {
		i := got[who]
		body := fmt.Sprint(i.Write.Set[connectors.TaskBody])
		if i.Write.Set[connectors.TaskSubject] != "2 deadlines were missed" || strings.Count(body, "\n") != 1 {
			t.Errorf("%s is told %v: %s", who, i.Write.Set[connectors.TaskSubject], body)
		}
		if line := "Dana Ito was to be taken up by Mon 16 Mar 14:15 GMT, with ana@example.com: returned by "; !strings.Contains(body, line) || !strings.Contains(body, ", Too early") {
			t.Errorf("%s is told %s", who, body)
		}
	}
	if len(got) != 3 {
		t.Errorf("told are %v", got)
	}
	w.intents = map[string]state.Intent{}
	w.fireDue(t, r, weekly.AddDate(0, 0, 8))
	if got := w.reported(); len(got) != 0 || w.ticking("report weekly revops@example.com") != 0 {
		t.Errorf("an empty report: %v", got)
	}
	w.decide(t, r, weekly.Add(time.Hour), see(demo("52", "lee@newco.example", "country", "US", "lead_status", "New")))
	w.fireDue(t, r, weekly.AddDate(0, 0, 6))
	if due := w.budgets["report weekly gus@example.com"].Due; !due.Equal(time.Date(2026, 3, 30, 7, 0, 0, 0, time.UTC)) {
		t.Errorf("the next is sent %s", due) // London has summer time since the 29th
	}
}

// TestMissedUnseen: who took it up too late while nobody looked has missed the deadline
// as well; who did so in time, and is heard of late, has not (2.26).
func TestMissedUnseen(t *testing.T) {
	t.Parallel()
	r := reporting(t, "weekly: {on: monday 08:00, timezone: Europe/London, send_to: revops@example.com}")
	for after, want := range map[time.Duration]int{-time.Minute: 0, time.Minute: 1} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			w, rec := assigned(t, r)
			by := w.only(t).AcceptBy
			rec.Version, rec.Fields = "9", fields(rec, "full_name", "Dana Ito", "handoff_status", "Accepted")
			rec.ModifiedAt = by.Add(after)
			w.decide(t, r, by.Add(time.Hour), see(rec))
			w.fireDue(t, r, by.Add(time.Hour))
			got := slices.DeleteFunc(w.budgets["report weekly revops@example.com"].Wait, func(n state.Notice) bool { return n.Clock != "accept" })
			if h := w.only(t); len(got) != want || !h.AcceptedAt.Equal(by.Add(after)) {
				t.Errorf("accepted %s, noted %v", h.AcceptedAt, got)
			}
		})
	}
}

// TestReportStays: a report that has not left yet is not taken back with the one of its
// handoffs that it hangs on: it speaks of others too (2.26).
func TestReportStays(t *testing.T) {
	t.Parallel()
	r := reporting(t, "weekly: {on: monday 08:00, timezone: Europe/London, send_to: revops@example.com}")
	w, rec := assigned(t, r)
	w.fireDue(t, r, w.only(t).AcceptBy)
	w.fireDue(t, r, weekly)
	rec.Version, rec.Deleted = "9", true
	w.decide(t, r, weekly.Add(time.Second), see(rec))
	if h := w.only(t); h.Stage != state.Cancelled || len(w.reported()) != 2 {
		t.Errorf("%s, and reported is %v", h.Stage, w.reported())
	}
}

// TestWeeklyIsBounded: of more than fifty misses the rest is counted, and what only
// watches or is no report any more sends nothing (2.26, 2.40).
func TestWeeklyIsBounded(t *testing.T) {
	t.Parallel()
	on := reporting(t, "weekly: {on: monday 08:00, timezone: Europe/London, send_to: revops@example.com}")
	for name, test := range map[string]struct {
		r    *plan.Rules
		tail string
	}{
		"on":       {on, "And 10 more."},
		"observed": {compile(t, folder(t, edit(t, "handoffd.yaml", "mode: observe", "mode: observe\nreports:\n  weekly: {on: monday 08:00, timezone: Europe/London, send_to: revops@example.com}\n#"))), ""},
		"off":      {writing(t), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			for n := range 30 {
				w.decide(t, on, monday, see(demo(fmt.Sprint(100+n), fmt.Sprintf("b%d@company%d.com", n, n), "country", "US")))
			}
			w.fireDue(t, on, monday.Add(time.Hour)) // the steps behind a deadline miss nothing again
			w.fireDue(t, test.r, weekly)
			i, sent := w.reported()["revops@example.com"]
			lines := strings.Split(fmt.Sprint(i.Write.Set[connectors.TaskBody]), "\n")
			if sent != (test.tail != "") || sent && (len(lines) != 51 || !slices.Contains(lines, test.tail)) {
				t.Errorf("%d lines: %v", len(lines), lines[len(lines)-1])
			}
		})
	}
}

// TestRetro: so many days after the first handoff its readers get, once, what worked,
// where it got stuck and which rules came back for what (4.36).
func TestRetro(t *testing.T) {
	t.Parallel()
	r := reporting(t, "retro: {after: 14 days, timezone: Europe/London, send_to: [revops@example.com, gus@example.com]}")
	w, rec := assigned(t, r)
	id := w.only(t).ID
	taken := demo("52", "lee@newco.example", "country", "US", "lead_status", "New")
	w.decide(t, r, monday, see(taken))
	w.fireDue(t, r, monday.Add(16*time.Minute))
	rec.Version, rec.Fields = "9", fields(rec, "handoff_id", id, "handoff_status", "Returned")
	w.decide(t, r, monday.Add(20*time.Minute), see(rec))
	rec.Version, rec.Fields = "91", fields(rec, "handoff_return_reason", "Too early")
	w.decide(t, r, monday.Add(25*time.Minute), see(rec))
	first := monday.Add(13*24*time.Hour + 23*time.Hour) // London has had its summer time since
	w.fireDue(t, r, first.Add(-time.Second))
	if got := w.reported(); len(got) != 0 {
		t.Fatalf("sent too early: %v", got)
	}
	w.fireDue(t, r, first)
	got := w.reported()
	for _, who := range []string{"revops@example.com", "gus@example.com"} {
		text := fmt.Sprint(got[who].Write.Set[connectors.TaskBody])
		for _, line := range []string{
			"What worked\n2 handed over, 0 accepted, 0 of them in time.\nWhere it got stuck\n2 × the time to be taken up ran out\n",
			"\n1 × returned: Too early\nWhich criteria to clarify\n1 × demo_request (", "): returned, Too early",
		} {
			if !strings.Contains(text, line) {
				t.Errorf("%s is told %s, without %q", who, text, line)
			}
		}
	}
	w.intents = map[string]state.Intent{}
	w.decide(t, r, first.Add(time.Hour), see(demo("53", "kim@hooli.example", "country", "US", "lead_status", "New")))
	w.fireDue(t, r, first.AddDate(0, 0, 30))
	if again := w.reported(); len(got) != 2 || len(again) != 0 {
		t.Errorf("%d are told, and again %v", len(got), again)
	}
}

// retroText is what the retro says fifteen days after the first handoff; blank: nothing.
func (w *world) retroText(t *testing.T, r *plan.Rules) string {
	t.Helper()
	w.intents = map[string]state.Intent{}
	w.fireDue(t, r, monday.AddDate(0, 0, 15))
	text, _ := w.reported()["revops@example.com"].Write.Set[connectors.TaskBody].(string)
	return text
}

const retroLine = "retro: {after: 14 days, timezone: Europe/London, send_to: revops@example.com}"

// TestRetroCountsOnce: who takes up what was taken over accepts what has been accepted (4.36).
func TestRetroCountsOnce(t *testing.T) {
	t.Parallel()
	all := edit(t, "handoffd.yaml", "mode: observe", "mode: write\nreports:\n  "+retroLine+"\n#")
	maps.Copy(all, edit(t, "sla.yaml", "- {at: 100%, alert: manager, mark: breached, task: call now}", "- {at: 100%, alert: manager, mark: breached, give_to: backup}"))
	r := compile(t, folder(t, all))
	w, rec := assigned(t, r)
	id := w.only(t).ID
	accept := func(version string, at time.Time) {
		rec.Version, rec.ModifiedAt, rec.Fields = version, at, fields(rec, "handoff_id", id, "handoff_status", "Accepted")
		w.decide(t, r, at, see(rec))
	}
	accept("3", monday.Add(time.Minute))
	first := w.only(t).Owner
	w.fireDue(t, r, monday.Add(20*time.Minute))
	for _, i := range w.intents {
		if owner := i.Write.Set["hubspot_owner_id"]; owner != nil {
			at := monday.Add(21 * time.Minute)
			w.decide(t, r, at, plan.Delivered{Intent: i, Ref: rec.Ref, Version: "4", Stamp: at})
			rec.Fields = fields(rec, "owner", fmt.Sprint(owner), "handoff_status", "Assigned")
		}
	}
	accept("5", monday.Add(25*time.Minute))
	if h := w.only(t); h.Stage != state.Accepted || h.Owner == first {
		t.Fatalf("%s with %s", h.Stage, h.Owner)
	}
	if text := w.retroText(t, r); !strings.Contains(text, "1 handed over, 1 accepted, 1 of them in time.") {
		t.Error(text)
	}
}

// TestRetroWrittenLater: what was handed over before the retro began is no part of it (4.36).
func TestRetroWrittenLater(t *testing.T) {
	t.Parallel()
	r := reporting(t, retroLine)
	w, rec := assigned(t, writing(t))
	id := w.only(t).ID
	w.decide(t, r, monday.Add(time.Second), see(demo("52", "lee@newco.example", "country", "US", "lead_status", "New")))
	rec.Version, rec.ModifiedAt, rec.Fields = "3", monday.Add(time.Minute), fields(rec, "handoff_id", id, "handoff_status", "Accepted")
	w.decide(t, r, monday.Add(time.Minute), see(rec))
	text := w.retroText(t, r)
	for _, line := range []string{"1 handed over, 0 accepted, 0 of them in time.", "1 × the time to be taken up ran out", "1 × the time to hear from us ran out"} {
		if !strings.Contains(text, line) {
			t.Errorf("%s, without %q", text, line)
		}
	}
}

// TestRetroPaused: what falls due while nobody is to be told begins anew (4.36).
func TestRetroPaused(t *testing.T) {
	t.Parallel()
	r := reporting(t, retroLine)
	w, _ := assigned(t, r)
	if text := w.retroText(t, writing(t)); text != "" {
		t.Fatal(text)
	}
	w.decide(t, r, monday.AddDate(0, 0, 16), see(demo("52", "lee@newco.example", "country", "US", "lead_status", "New")))
	w.fireDue(t, r, monday.AddDate(0, 0, 40))
	if got := w.reported(); len(got) != 1 {
		t.Errorf("told are %v", got)
	}
}

// TestUndoLeavesReports: a report only hangs on a handoff: whether it was read is no reason
// against taking the handoff back, and it stays (2.26, G13).
func TestUndoLeavesReports(t *testing.T) {
	t.Parallel()
	r := reporting(t, "weekly: {on: monday 08:00, timezone: Europe/London, send_to: revops@example.com}")
	for _, status := range []string{"open", "done"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			w, _ := assigned(t, r)
			h := w.only(t)
			w.fireDue(t, r, h.AcceptBy)
			w.fireDue(t, r, weekly)
			var found []connectors.Object
			for _, i := range w.reported() {
				ref := connectors.Ref{Conn: "hubspot", Kind: connectors.Task, ID: fmt.Sprint("r", len(found))}
				delete(w.intents, i.Write.Key)
				w.decide(t, r, weekly.Add(time.Second), plan.Delivered{Intent: i, Ref: ref, Version: "1"})
				found = append(found, connectors.Object{Ref: ref, Fields: map[string]any{connectors.TaskStatus: status}})
			}
			w.decide(t, r, weekly.Add(time.Minute), plan.Undo{Handoffs: []string{h.ID}, Found: found, Read: weekly.Add(time.Minute), By: "ops"})
			closed := slices.ContainsFunc(slices.Collect(maps.Values(w.intents)), func(i state.Intent) bool { return strings.HasPrefix(i.Step, "undo task") })
			if u := w.only(t).Undone; len(found) != 2 || u == nil || len(u.Touches) != 0 || closed {
				t.Errorf("%d reports, one closed: %t; %+v", len(found), closed, u)
			}
		})
	}
}
