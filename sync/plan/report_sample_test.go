package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

const (
	sampleLine = "sample: {on: monday 08:00, timezone: Europe/London, send_to: revops@example.com, size: 2}"
	sampleRow  = "report sample"
	ratedGiven = "handoff_rated_by_giver"
	ratedTaken = "handoff_rated_by_receiver"
)

// asked is a world with one accepted handoff, drawn, and both asked: its fields stand
// empty since version 5.
func asked(t *testing.T, r *plan.Rules, skipped ...string) (*world, state.Record) {
	t.Helper()
	w, rec := assigned(t, r)
	rec.Version, rec.Fields = "3", fields(rec, "full_name", "Dana Ito", "handoff_id", w.only(t).ID, "handoff_status", "Accepted", ratedTaken, "2")
	w.decide(t, r, monday.Add(10*time.Minute), see(rec))
	w.fireDue(t, r, weekly)
	w.answered(t, r, weekly.Add(time.Second), "rating", plan.Delivered{Version: "5", Skipped: skipped})
	for step, id := range map[string]string{"rate given": "t2", "rate received": "t3"} {
		if _, is := w.steps()[step]; is {
			w.answered(t, r, weekly.Add(2*time.Second), step, plan.Delivered{Ref: connectors.Ref{Conn: "hubspot", Kind: "tasks", ID: id}})
		}
	}
	return w, rec
}

// says decides a later reading of a record with these fields.
func (w *world) says(t *testing.T, r *plan.Rules, at time.Time, rec *state.Record, version string, pairs ...string) state.Changes {
	t.Helper()
	rec.Version, rec.ModifiedAt, rec.Fields = version, at, fields(*rec, pairs...)
	return w.decide(t, r, at, see(*rec))
}

// TestSample: what one person gave another and they accepted is rated by both, once, in
// fields that are emptied first; the task of who has rated is ticked off, and the next
// report shows the gap (2.41).
func TestSample(t *testing.T) {
	t.Parallel()
	r := reporting(t, sampleLine)
	w, rec := assigned(t, r)
	w.says(t, r, monday.Add(10*time.Minute), &rec, "3", "full_name", "Dana Ito", "handoff_id", w.only(t).ID, "handoff_status", "Accepted", ratedTaken, "2")
	w.fireDue(t, r, weekly.Add(-time.Second))
	if _, early := w.steps()["rating"]; early {
		t.Fatal("asked before its slot")
	}
	w.fireDue(t, r, weekly)
	set := w.steps()["rating"].Write.Set
	if _, tasked := w.steps()["rate given"]; tasked || len(set) != 2 || set[ratedGiven] != nil || set[ratedTaken] != nil {
		t.Fatalf("%v is written, tasks %v", set, tasked)
	}
	w.says(t, r, weekly.Add(time.Second), &rec, "4", ratedTaken, "1") // before the field is empty
	w.answered(t, r, weekly.Add(2*time.Second), "rating", plan.Delivered{Version: "5"})
	h := w.only(t)
	for step, who := range map[string]string{"rate given": h.Giver, "rate received": "ana@example.com"} {
		i := w.steps()[step]
		u, _ := w.UserByEmail("hubspot", who)
		if i.Write.Set[connectors.TaskOwner] != u.ID || u.ID == "" || !strings.Contains(fmt.Sprint(i.Write.Set[connectors.TaskBody]), "handoff_rated_by_") {
			t.Errorf("%s asks %v: %v", step, i.Write.Set[connectors.TaskOwner], i.Write.Set[connectors.TaskBody])
		}
		w.answered(t, r, weekly.Add(3*time.Second), step, plan.Delivered{Ref: connectors.Ref{Conn: "hubspot", Kind: "tasks", ID: step}})
	}
	w.says(t, r, weekly.Add(time.Minute), &rec, "5") // the CRM does not show it yet
	if g := w.only(t).Ratings; g == nil || g.Taken.Score != 0 {
		t.Fatalf("what an earlier handoff left is taken for the rating: %+v", g)
	}
	before := w.only(t)
	c := w.says(t, r, weekly.Add(time.Hour), &rec, "6", ratedTaken, "3.0", ratedGiven, "5")
	if len(c.Intents) != 2 || w.steps()["rate given now"].Write.Set[connectors.TaskStatus] != "done" || w.steps()["rate received now"].Write.Ref.ID != "rate received" {
		t.Errorf("a rating writes %v", c.Intents)
	}
	h = w.only(t)
	if h.Stage != before.Stage || !h.TouchedAt.Equal(before.TouchedAt) || len(c.Timers)+len(c.Cancel) > 0 || h.Work != nil && before.Work != nil && !h.Work.Heard.Equal(before.Work.Heard) {
		t.Errorf("a rating moves the handoff: %s, timers %v %v", h.Stage, c.Timers, c.Cancel)
	}
	if c = w.says(t, r, weekly.Add(2*time.Hour), &rec, "7", ratedGiven, "4"); len(c.Intents) != 0 {
		t.Errorf("another rating writes %v", c.Intents)
	}
	next := time.Date(2026, 3, 30, 7, 0, 0, 0, time.UTC) // London has summer time since the 29th
	w.fireDue(t, r, next.Add(-time.Second))
	if len(w.reported()) != 0 {
		t.Fatal("told too early")
	}
	w.fireDue(t, r, next)
	want := "Dana Ito: given 4 by " + h.Giver + ", received 3 by ana@example.com, gap 1"
	if i := w.reported()["revops@example.com"]; i.Write.Set[connectors.TaskBody] != want {
		t.Errorf("told %q, want %q", i.Write.Set[connectors.TaskBody], want)
	}
	w.says(t, r, next.Add(time.Hour), &rec, "8", ratedGiven, "1")
	w.intents = map[string]state.Intent{}
	w.fireDue(t, r, next.AddDate(0, 0, 8))
	if g := w.only(t).Ratings; g.Given.Score != 4 || g.Taken.Score != 3 || len(w.reported()) != 0 || w.ticking(sampleRow) != 0 {
		t.Errorf("kept is %+v, and told again %v", g, w.reported())
	}
}

// TestSampleIsDrawn: of any number of candidates the row keeps as many as are asked for,
// whatever order they come in, and nothing that is only observed, that a team gave, or
// that somebody has from themselves (2.41).
func TestSampleIsDrawn(t *testing.T) {
	t.Parallel()
	r := reporting(t, sampleLine)
	accepted := func(order []int, with func(*state.Handoff)) []state.Notice {
		w := newWorld()
		for _, n := range order {
			rec := demo(fmt.Sprint(100+n), fmt.Sprintf("b%d@company%d.com", n, n), "country", "US")
			w.decide(t, r, monday, see(rec))
			h := w.Handoffs(rec.Ref)[0]
			h.Stage, h.Written = state.Assigned, monday
			with(&h)
			w.handoffs[h.ID] = h
			u, _ := w.UserByEmail("hubspot", h.Owner)
			rec.Version, rec.ModifiedAt = "9", monday.Add(time.Minute)
			rec.Fields = fields(rec, "owner", u.ID, "handoff_id", h.ID, "handoff_status", "Accepted")
			w.decide(t, r, monday.Add(time.Minute), see(rec))
		}
		return w.budgets[sampleRow].Wait
	}
	var forth, back []int
	for n := range 30 {
		forth = append(forth, n)
		back = append([]int{n}, back...)
	}
	as := func(*state.Handoff) {}
	one, two := accepted(forth, as), accepted(back, as)
	if len(one) != 2 || !slices.Equal(one, two) {
		t.Errorf("drawn is %v, and %v in another order", one, two)
	}
	first := accepted(forth[:10], as)
	if slices.Equal(first, one) && slices.Equal(first, accepted(forth[:20], as)) {
		t.Errorf("always the first are drawn: %v", first)
	}
	for name, with := range map[string]func(*state.Handoff){
		"observed":    func(h *state.Handoff) { h.Observed = true },
		"no giver":    func(h *state.Handoff) { h.Giver = "" },
		"a team":      func(h *state.Handoff) { h.Giver = "marketing" },
		"their own":   func(h *state.Handoff) { h.Giver = h.Owner },
		"rated since": func(h *state.Handoff) { h.Ratings = &state.Ratings{Asked: monday} },
	} {
		if got := accepted([]int{1}, with); len(got) != 0 {
			t.Errorf("%s is drawn: %v", name, got)
		}
	}
}

// TestSampleOver: what is switched off, or only watches, or whose record is gone, asks
// nobody and takes back what was asked; a person's own tick is left alone (2.41).
func TestSampleOver(t *testing.T) {
	t.Parallel()
	on := reporting(t, sampleLine)
	watching := compile(t, folder(t, edit(t, "handoffd.yaml", "mode: observe", "mode: observe\nreports:\n  "+sampleLine+"\n#")))
	closed := func(w *world) bool {
		s := w.steps()
		return s["rate given now"].Write.Set[connectors.TaskStatus] == "done" && s["rate received now"].Write.Set[connectors.TaskStatus] == "done"
	}
	for name, r := range map[string]*plan.Rules{"off": writing(t), "watching": watching} {
		w, _ := asked(t, on)
		w.fireDue(t, r, weekly.AddDate(0, 0, 7))
		if !closed(w) || len(w.reported()) != 0 || w.ticking(sampleRow) != 0 || len(w.budgets[sampleRow].Wait) != 0 {
			t.Errorf("%s: told %v, left %+v", name, w.reported(), w.budgets[sampleRow])
		}
		w, rec := assigned(t, on)
		w.says(t, on, monday.Add(10*time.Minute), &rec, "3", "handoff_status", "Accepted")
		w.fireDue(t, r, weekly)
		if _, is := w.steps()["rating"]; is {
			t.Errorf("%s: asks", name)
		}
	}
	for _, stage := range []state.Stage{state.Accepted, state.Completed} {
		w, rec := asked(t, on)
		h := w.only(t)
		h.Stage = stage
		w.handoffs[h.ID] = h
		w.says(t, on, weekly.Add(time.Minute), &rec, "6", ratedTaken, "3")
		rec.Version, rec.Deleted = "9", true
		w.decide(t, on, weekly.Add(time.Hour), see(rec))
		if h := w.only(t); !closed(w) || !h.Ratings.Over.Equal(weekly.Add(time.Hour)) {
			t.Errorf("%s, and its record is gone: %+v", stage, h.Ratings)
		}
		w.fireDue(t, on, weekly.AddDate(0, 0, 7))
		if h := w.only(t); len(w.reported()) != 1 || !h.Ratings.Over.Equal(weekly.Add(time.Hour)) || h.Ratings.Taken.Score != 3 {
			t.Errorf("%s, and told %v of %+v", stage, w.reported(), h.Ratings)
		}
	}
	w, rec := asked(t, on)
	task := state.Record{
		Ref: connectors.Ref{Conn: "hubspot", Kind: connectors.Activity, ID: "t3"}, Noun: "activity", Version: "1", ModifiedAt: weekly,
		Fields: map[string]string{connectors.ActType: "task", connectors.ActState: "done", connectors.ActKey: w.only(t).Effects["rate received"].Key},
	}
	w.decide(t, on, weekly.Add(time.Hour), see(task))
	if c := w.says(t, on, weekly.Add(2*time.Hour), &rec, "6", ratedTaken, "4"); len(c.Intents) != 0 || w.only(t).Ratings.Taken.Score != 4 {
		t.Errorf("ticked off by hand, and written %v", c.Intents)
	}
	w.fireDue(t, on, weekly.AddDate(0, 0, 7))
	if s := w.steps(); s["rate received now"].Write.Key != "" || s["rate given now"].Write.Key == "" {
		t.Errorf("ticked off by hand, and at the end %v", s)
	}
}

// TestSampleSkips: between the draw and its slot a handoff may end, stop being written,
// lose its record or share it with another one of the draw (2.41).
func TestSampleSkips(t *testing.T) {
	t.Parallel()
	r := reporting(t, sampleLine)
	for name, test := range map[string]struct {
		with func(*world, state.Handoff)
		asks int
	}{
		"as it was": {func(*world, state.Handoff) {}, 1},
		"cancelled": {func(w *world, h state.Handoff) { h.Stage = state.Cancelled; w.handoffs[h.ID] = h }, 0},
		"frozen":    {func(w *world, h state.Handoff) { h.Frozen = "by a program"; w.handoffs[h.ID] = h }, 0},
		"rated":     {func(w *world, h state.Handoff) { h.Ratings = &state.Ratings{}; w.handoffs[h.ID] = h }, 0},
		"no record": {func(w *world, h state.Handoff) { w.records[h.Target] = state.Record{Ref: h.Target, Deleted: true} }, 0},
		"two of one": {func(w *world, h state.Handoff) {
			t := w.budgets[sampleRow]
			t.Wait = append(t.Wait, state.Notice{Handoff: "other"})
			w.budgets[sampleRow] = t
			h.ID = "other"
			w.handoffs[h.ID] = h
		}, 1},
		"forgotten": {func(w *world, h state.Handoff) { delete(w.handoffs, h.ID) }, 0},
	} {
		w, rec := assigned(t, r)
		w.says(t, r, monday.Add(10*time.Minute), &rec, "3", "handoff_status", "Accepted")
		test.with(w, w.only(t))
		w.fireDue(t, r, weekly)
		asks := 0
		for _, i := range w.intents {
			if i.Step == "rating" {
				asks++
			}
		}
		if asks != test.asks || len(w.budgets[sampleRow].Wait) != test.asks {
			t.Errorf("%s: %d are asked about, row %v", name, asks, w.budgets[sampleRow])
		}
	}
}

// TestSampleOnce: what was accepted before the last draw is in no later one, and an
// acceptance while the rules only watch is in none (2.41).
func TestSampleOnce(t *testing.T) {
	t.Parallel()
	r := reporting(t, sampleLine)
	watching := compile(t, folder(t, edit(t, "handoffd.yaml", "mode: observe", "mode: observe\nreports:\n  "+sampleLine+"\n#")))
	w, rec := assigned(t, r)
	w.says(t, r, monday.Add(10*time.Minute), &rec, "3", "handoff_status", "Accepted")
	w.budgets[sampleRow] = state.Budget{Who: sampleRow} // another was drawn in its place
	w.says(t, r, monday.Add(time.Hour), &rec, "4", "handoff_gaps", "Which shops?")
	if c := w.budgets[sampleRow]; w.only(t).Questions != 1 || len(c.Wait) != 0 {
		t.Errorf("accepted long ago, and drawn: %v", c)
	}
	w, rec = assigned(t, r)
	w.says(t, watching, monday.Add(10*time.Minute), &rec, "3", "handoff_status", "Accepted")
	if c := w.budgets[sampleRow]; w.only(t).Stage != state.Accepted || len(c.Wait) != 0 {
		t.Errorf("only watched, and drawn: %v", c)
	}
}
