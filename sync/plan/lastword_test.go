package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestLastWord: a buyer's record is merged into one without the form before
// anybody has read it. What it had asked for starts on the survivor, once, in
// whatever order the two are read and however often (C8).
func TestLastWord(t *testing.T) {
	t.Parallel()
	r := writing(t)
	heirRef := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "77"}
	said := func(more ...string) state.Record {
		rec := demo("51", "dana@acme.com", more...)
		rec.Version, rec.Deleted, rec.MovedTo, rec.ModifiedAt = "5", true, heirRef, monday.Add(-time.Minute)
		return rec
	}
	quiet := func(form string) state.Record {
		rec := demo("77", "dana.ito@acme.com")
		rec.Fields["last_form"], rec.CreatedAt = form, live.Add(-time.Hour)
		rec.Version, rec.ModifiedAt = "9", monday.Add(-time.Minute)
		return rec
	}
	const newsletter = "Home: Newsletter"
	for name, c := range map[string]struct {
		heir  state.Record
		order []string // what is read, "loser" or "heir"
		known bool     // the loser was read before it was merged, asking for the same
		want  int
	}{
		"the survivor was read before":     {heir: quiet(newsletter), order: []string{"heir", "loser", "heir", "loser"}, want: 1},
		"the survivor is read afterwards":  {heir: quiet(newsletter), order: []string{"loser", "heir", "loser"}, want: 1},
		"the survivor got the form too":    {heir: quiet(said().Fields["last_form"]), order: []string{"loser", "heir", "loser", "heir"}, want: 1},
		"the survivor was first":           {heir: quiet(said().Fields["last_form"]), order: []string{"heir", "loser", "heir"}, want: 1},
		"it was handed over before":        {heir: quiet(newsletter), order: []string{"loser", "heir"}, known: true, want: 1},
		"it lives on as something deleted": {heir: func() state.Record { rec := quiet(newsletter); rec.Deleted = true; return rec }(), order: []string{"loser", "heir"}},
	} {
		w := newWorld()
		if c.known {
			rec := said()
			rec.Version, rec.Deleted, rec.MovedTo = "1", false, connectors.Ref{}
			w.decide(t, r, monday.Add(-30*time.Second), see(rec))
		}
		for n, which := range c.order {
			now := monday.Add(time.Duration(n) * time.Minute)
			rec := c.heir
			if which == "loser" {
				rec = said()
			}
			if got := w.decide(t, r, now, see(rec)); len(got.Needs) > 0 { // who it lives on as is asked for by its id
				if len(got.Needs) != 1 || got.Needs[0].Question.Value != heirRef.ID {
					t.Fatalf("%s: needs %+v", name, got.Needs)
				}
				w.located[got.Needs[0].ID()] = []state.Record{c.heir}
				w.decide(t, r, now, see(rec))
			}
		}
		if len(w.handoffs) != c.want {
			t.Errorf("%s: %d handoffs, want %d", name, len(w.handoffs), c.want)
			continue
		}
		if c.want == 0 {
			continue
		}
		h := w.only(t)
		if h.Stage != state.Assigned || h.Record != heirRef || h.Target != heirRef || len(w.steps()) == 0 && !c.known {
			t.Errorf("%s: %s %s %s, %v", name, h.Stage, h.Record, h.Target, w.steps())
		}
	}
}

// TestLastWordIsNoNews: what is history, what was said and seen before, and what
// a converted lead says starts nothing on the survivor.
func TestLastWordIsNoNews(t *testing.T) {
	t.Parallel()
	r := writing(t)
	heir := demo("77", "dana.ito@acme.com")
	heir.Fields["last_form"] = "Home: Newsletter"
	for name, change := range map[string]func(rec *state.Record, ev *plan.Observed){
		"of before we began": func(rec *state.Record, _ *plan.Observed) {
			rec.CreatedAt = live.Add(-time.Hour)
			rec.Fields["last_form_at"] = live.Add(-time.Hour).Format(time.RFC3339)
		},
		"converted": func(rec *state.Record, _ *plan.Observed) { rec.MovedTo.Kind = "deals" },
		"listed":    func(_ *state.Record, ev *plan.Observed) { ev.Via = "backfill" },
		"without what it said": func(rec *state.Record, _ *plan.Observed) {
			rec.Fields = nil
		},
	} {
		w := newWorld()
		w.add(heir)
		rec := demo("51", "dana@acme.com")
		rec.Version, rec.Deleted, rec.MovedTo = "5", true, heir.Ref
		ev := see(rec)
		change(&ev.Record, &ev)
		w.decide(t, r, monday, ev)
		if len(w.handoffs) != 0 {
			t.Errorf("%s: %d handoffs", name, len(w.handoffs))
		}
	}
}
