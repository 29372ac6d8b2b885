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

// TestSampleFaults: what is no rating is listed, once, and its task stays open; who was
// asked and has not rated is named, and not asked any more (2.41).
func TestSampleFaults(t *testing.T) {
	t.Parallel()
	r := reporting(t, sampleLine)
	for _, bad := range []string{"7", "0", "3.5", "-1", "very good", "NaN", "1e0001000"} {
		w, rec := asked(t, r)
		c := w.says(t, r, weekly.Add(time.Hour), &rec, "6", ratedTaken, bad)
		again := w.says(t, r, weekly.Add(2*time.Hour), &rec, "7", "lead_status", "Open")
		if g := w.only(t).Ratings; len(c.Listings) != 1 || c.Listings[0].List != "rating" || len(again.Listings) != 0 || len(c.Intents) != 0 || g.Taken.Score != 0 {
			t.Errorf("%q: listed %v and %v, written %v, rated %+v", bad, c.Listings, again.Listings, c.Intents, g)
		}
	}
	w, rec := asked(t, r)
	w.says(t, r, weekly.Add(time.Hour), &rec, "6", ratedTaken, "", ratedGiven, "5")
	w.intents = map[string]state.Intent{}
	w.fireDue(t, r, weekly.AddDate(0, 0, 7))
	if got := fmt.Sprint(w.reported()["revops@example.com"].Write.Set[connectors.TaskBody]); !strings.HasSuffix(got, ", not rated by ana@example.com") {
		t.Errorf("told %q", got)
	}
	if s := w.steps(); s["rate received now"].Write.Set[connectors.TaskStatus] != "done" || s["rate given now"].Write.Key != "" {
		t.Errorf("the open task is not put away, or another again: %v", s)
	}
}

// TestSampleWithoutField: who would have to write into a field that the CRM does not have
// is not asked; it is listed (2.41).
func TestSampleWithoutField(t *testing.T) {
	t.Parallel()
	r := reporting(t, sampleLine)
	w, _ := asked(t, r, ratedGiven)
	h := w.only(t)
	if h.Effects["rate given"].Key != "" || h.Effects["rate received"].Key == "" || h.Ratings.Given.Who != "" {
		t.Errorf("asked are %+v", h.Ratings)
	}
	if !slices.ContainsFunc(w.listings, func(l state.Listing) bool {
		return l.List == "skipped field" && strings.Contains(l.Subject, ratedGiven)
	}) {
		t.Error("the missing field is not listed")
	}
	w, _ = asked(t, r, ratedGiven, ratedTaken)
	w.fireDue(t, r, weekly.AddDate(0, 0, 7))
	if h = w.only(t); h.Ratings.Taken.Who != "" || len(w.reported()) != 0 {
		t.Errorf("asked are %+v, told %v", h.Ratings, w.reported())
	}
}

// TestSampleOnItsWay: the week may end before the CRM has answered, and somebody may rate
// before it has answered for their task (2.41).
func TestSampleOnItsWay(t *testing.T) {
	t.Parallel()
	r := reporting(t, sampleLine)
	for _, as := range []state.IntentState{state.Ready, state.Sending} {
		w, rec := assigned(t, r)
		w.says(t, r, monday.Add(10*time.Minute), &rec, "3", "handoff_status", "Accepted")
		w.fireDue(t, r, weekly)
		left := w.steps()["rating"]
		left.State = as
		w.intents[left.Write.Key] = left
		w.fireDue(t, r, weekly.AddDate(0, 0, 7))
		if _, waits := w.steps()["rating"]; waits != (as == state.Sending) || len(w.reported()) != 0 {
			t.Errorf("%s, and still to be asked: %v", as, w.steps())
		}
		w.decide(t, r, weekly.AddDate(0, 0, 8), plan.Delivered{Intent: left, Ref: rec.Ref, Version: "5"})
		if s := w.steps(); s["rate given"].Write.Key != "" {
			t.Errorf("%s, and asked after the end", as)
		}
	}

	w, rec := assigned(t, r)
	w.says(t, r, monday.Add(10*time.Minute), &rec, "3", "handoff_id", w.only(t).ID, "handoff_status", "Accepted")
	w.fireDue(t, r, weekly)
	w.answered(t, r, weekly.Add(time.Second), "rating", plan.Delivered{Version: "5"})
	i := w.steps()["rate given"]
	i.State = state.Sending
	w.intents[i.Write.Key] = i
	w.says(t, r, weekly.Add(time.Minute), &rec, "6", ratedGiven, "5")
	w.answered(t, r, weekly.Add(2*time.Minute), "rate given", plan.Delivered{Ref: connectors.Ref{Conn: "hubspot", Kind: "tasks", ID: "t2"}})
	if w.steps()["rate given now"].Write.Set[connectors.TaskStatus] != "done" {
		t.Errorf("the task that came late stays open: %v", w.steps())
	}
}

// TestSampleOfOneThatIsOver: of a handoff that is done a task whose answer was lost is
// found again and ticked off as any other, and a refused one is listed; `undo` leaves what
// was accepted alone, and its rating goes on (2.41).
func TestSampleOfOneThatIsOver(t *testing.T) {
	t.Parallel()
	r := reporting(t, sampleLine)
	w, rec := assigned(t, r)
	w.says(t, r, monday.Add(10*time.Minute), &rec, "3", "handoff_id", w.only(t).ID, "handoff_status", "Accepted")
	h := w.only(t)
	h.Stage = state.Completed
	w.handoffs[h.ID] = h
	w.fireDue(t, r, weekly)
	w.answered(t, r, weekly.Add(time.Second), "rating", plan.Delivered{Version: "5"})
	there := connectors.Ref{Conn: "hubspot", Kind: "tasks", ID: "t2"}
	w.answered(t, r, weekly.Add(time.Second), "rate given", plan.Delivered{Class: connectors.Conflict.String(), Err: "there", Existing: there})
	w.answered(t, r, weekly.Add(time.Second), "rate received", plan.Delivered{Class: connectors.Denied.String(), Err: "no"})
	if !slices.ContainsFunc(w.listings, func(l state.Listing) bool { return l.List == "refused" && strings.Contains(l.Text, "rate received") }) {
		t.Errorf("listed %v", w.listings)
	}
	w.decide(t, r, weekly.Add(time.Minute), plan.Undo{Handoffs: []string{h.ID}, By: "ops", Read: weekly, Found: []connectors.Object{{Ref: rec.Ref, Version: "5"}}})
	c := w.says(t, r, weekly.Add(time.Hour), &rec, "6", ratedGiven, "5")
	if h = w.only(t); h.Undone == nil || h.Undone.Restored || h.Ratings.Given.Score != 5 || len(c.Intents) != 1 || c.Intents[0].Write.Ref != there {
		t.Errorf("undone %+v, rated %+v, written %v", h.Undone, h.Ratings, c.Intents)
	}
	if c = w.says(t, r, weekly.Add(2*time.Hour), &rec, "7", "lead_status", "Open"); len(c.Handoffs) != 0 {
		t.Errorf("nothing is new, and %v is put", c.Handoffs)
	}
}

// TestSampleLeft: a rating that an earlier handoff has left goes with the write of the
// next one's owner (2.41).
func TestSampleLeft(t *testing.T) {
	t.Parallel()
	r, w := reporting(t, sampleLine), newWorld()
	w.decide(t, r, monday, see(demo("51", "dana@acme.com", "country", "US", ratedTaken, "2")))
	set := w.steps()["assign"].Write.Set
	if v, clears := set[ratedTaken]; !clears || v != nil {
		t.Errorf("the next handoff keeps it: %v", set)
	}
	if _, clears := set[ratedGiven]; clears {
		t.Error("a blank field is written")
	}
}

// TestSampleRefused: fields that the CRM will not have emptied are listed, of a handoff
// that is done as well, and nobody is asked (2.41).
func TestSampleRefused(t *testing.T) {
	t.Parallel()
	r := reporting(t, sampleLine)
	w, rec := assigned(t, r)
	w.says(t, r, monday.Add(10*time.Minute), &rec, "3", "handoff_status", "Accepted")
	h := w.only(t)
	h.Stage = state.Completed
	w.handoffs[h.ID] = h
	w.fireDue(t, r, weekly)
	w.answered(t, r, weekly.Add(time.Second), "rating", plan.Delivered{Class: connectors.Denied.String(), Err: "no"})
	if !slices.ContainsFunc(w.listings, func(l state.Listing) bool { return l.List == "refused" }) || w.only(t).Ratings.Given.Who != "" {
		t.Errorf("listed %v", w.listings)
	}
}

// TestSampleMoves: where the record lives on as another, the fields of that one are
// emptied and no second task is made, also of a handoff that is done (2.41).
func TestSampleMoves(t *testing.T) {
	t.Parallel()
	r := reporting(t, sampleLine)
	for _, stage := range []state.Stage{state.Accepted, state.Completed} {
		w, rec := asked(t, r)
		h := w.only(t)
		h.Stage = stage
		w.handoffs[h.ID] = h
		to := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "52"}
		left := rec
		left.Version, left.MovedTo = "9", to
		w.decide(t, r, weekly.Add(time.Hour), see(left))
		early := rec
		early.Ref, early.Version, early.Fields = to, "08", fields(rec, ratedGiven, "2")
		w.decide(t, r, weekly.Add(time.Hour), see(early))
		if g := w.only(t).Ratings; g.Given.Score != 0 {
			t.Errorf("%s: what stood on the other record is taken for a rating: %+v", stage, g)
		}
		w.answered(t, r, weekly.Add(time.Hour), "rating", plan.Delivered{Version: "10"})
		if s := w.steps(); s["rate given now"].Write.Key != "" {
			t.Errorf("the task is written again: %v", s["rate given now"].Write.Set)
		}
		rec.Ref = to
		w.says(t, r, weekly.Add(2*time.Hour), &rec, "09", ratedGiven, "1", ratedTaken, "1")
		w.says(t, r, weekly.Add(2*time.Hour), &rec, "11", ratedGiven, "4", ratedTaken, "4")
		if h = w.only(t); h.Target != to || h.Ratings.Given.Score != 4 || h.Ratings.Taken.Score != 4 || w.steps()["rate given"].Write.Key != "" {
			t.Errorf("%s: %v, rated %+v", stage, h.Target, h.Ratings)
		}
	}

	w, rec := asked(t, r)
	h, to := w.only(t), connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "52"}
	other := h
	other.ID, other.Record, other.Target, other.Type = "other", to, to, "contact_sales"
	w.handoffs["other"] = other
	rec.Version, rec.MovedTo = "9", to
	w.decide(t, r, weekly.Add(time.Hour), see(rec))
	if _, is := w.steps()["rating"]; is || w.handoffs[h.ID].Ratings.Over.IsZero() || !w.handoffs["other"].Ratings.Over.IsZero() {
		t.Errorf("two are rated in one field: %v", w.steps())
	}
}
