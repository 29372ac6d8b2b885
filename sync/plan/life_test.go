package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// answered delivers a step as done and returns the handoff.
func (w *world) answered(t failer, r *plan.Rules, now time.Time, step string, d plan.Delivered) state.Changes {
	t.Helper()
	i, ok := w.steps()[step]
	if !ok {
		t.Fatalf("no step %q among %v", step, w.steps())
	}
	delete(w.intents, i.Write.Key)
	d.Intent = i
	if d.Ref.IsZero() {
		d.Ref = i.Write.Ref
	}
	return w.decide(t, r, now, d)
}

// assigned is a world with one demo request, assigned and written.
func assigned(t testing.TB, r *plan.Rules) (*world, state.Record) {
	t.Helper()
	w := newWorld()
	rec := demo("51", "dana@acme.com", "country", "US", "lead_status", "New")
	w.decide(t, r, monday, see(rec))
	w.answered(t, r, monday.Add(time.Second), "assign", plan.Delivered{Version: "2"})
	w.answered(t, r, monday.Add(time.Second), "task", plan.Delivered{Ref: connectors.Ref{Conn: "hubspot", Kind: "tasks", ID: "t1"}})
	rec.Version, rec.Fields = "2", fields(rec, "owner", "u-ana", "handoff_status", "Assigned")
	return w, rec
}

func fields(r state.Record, pairs ...string) map[string]string {
	out := map[string]string{}
	for k, v := range r.Fields {
		out[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out
}

// TestAssignmentIsWritten: owner, own fields and one task (1.73, 1.79, 1.90, G2).
func TestAssignmentIsWritten(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	w.decide(t, r, monday, see(demo("51", "dana@acme.com", "country", "US", "full_name", "Dana Fox")))
	h, steps := w.only(t), w.steps()
	if len(steps) != 2 {
		t.Fatalf("steps %v, want assign and task", steps)
	}
	set := steps["assign"].Write.Set
	for name, want := range map[string]any{
		"hubspot_owner_id": "u-ana", "handoff_id": h.ID, "handoff_status": "Assigned", "handoff_accountable": "jo@example.com",
		"handoff_backup_owner": "ben@example.com", "handoff_accept_by": "2026-03-16T14:15:00Z", "handoff_touch_by": "2026-03-16T14:15:00Z",
		"handoff_type": "demo_request", "handoff_tier": "high_intent", "handoff_decision_id": h.Decision, "handoff_assigned_at": "2026-03-16T14:00:00Z",
	} {
		if set[name] != want {
			t.Errorf("%s = %v, want %v", name, set[name], want)
		}
	}
	why, _ := set["handoff_why"].(string)
	if !strings.HasPrefix(why, "ana@example.com: territory inbound") || !strings.HasSuffix(why, "next would have been ben@example.com") {
		t.Errorf("why: %s", why)
	}
	task := steps["task"].Write
	if task.Ref.Kind != connectors.Task || task.Set["subject"] != "Demo request from Dana Fox at (no company name): call before Mon 16 Mar 10:15 EDT" ||
		task.Set["owner"] != "u-ana" || task.Set["due"] != "2026-03-16T14:15:00Z" || task.Set["priority"] != "high" {
		t.Errorf("task %+v", task.Set)
	}
	for _, q := range []string{"Why did they engage?", "Why now?", "What did we already say?", "What should happen next?"} {
		if !strings.Contains(task.Set["body"].(string), q) {
			t.Errorf("the brief does not ask %q (2.21)", q)
		}
	}
	if h.Written.IsZero() != true || h.Stage != state.Assigned {
		t.Errorf("decided is not written: %+v", h)
	}
}

// TestObserveWritesNothing, ever.
func TestObserveWritesNothing(t *testing.T) {
	t.Parallel()
	r, w := compile(t, folder(t, nil)), newWorld()
	w.decide(t, r, monday, see(demo("51", "dana@acme.com")))
	h := w.only(t)
	if !h.Observed || h.Owner == "" || len(w.intents) != 0 {
		t.Fatalf("observed %v, owner %q, intents %v", h.Observed, h.Owner, w.intents)
	}
	for _, timer := range w.timers {
		w.decide(t, r, timer.Due, plan.Fired{Timer: timer, Fresh: true})
	}
	if h := w.only(t); h.Stage.Open() || len(w.intents) != 0 {
		t.Errorf("stage %s, intents %v", h.Stage, w.intents)
	}
}

// TestLiveShare: in write mode, a type acts on its share of the records.
func TestLiveShare(t *testing.T) {
	t.Parallel()
	r := compile(t, folder(t, edit(t, "handoffd.yaml", "mode: observe", "live: {demo_request: 30%}\nmode: write")))
	w, n := newWorld(), 0
	for i := range 300 {
		id := string(rune('a'+i%26)) + string(rune('a'+i/26))
		w.decide(t, r, monday, see(demo(id, "dana@"+id+".com")))
	}
	for _, h := range w.handoffs {
		if !h.Observed {
			n++
		}
	}
	if n < 60 || n > 120 {
		t.Errorf("%d of 300 acted on, want about 90", n)
	}
}

// TestSharesDecideNothing: an edit of what is live, whole types and all of writing
// included, changes nothing for anybody, whoever was decided by it before; what
// else is edited with it does (F3, G11).
func TestSharesDecideNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, was, is string }{
		{"more", "mode: write\nlive: {demo_request: 30%}", "mode: write\nlive: {demo_request: 100%}"},
		{"less", "mode: write\nlive: {demo_request: 60%}", "mode: write\nlive: {demo_request: 5%}"},
		{"all", "mode: write\nlive: {demo_request: 30%}", "mode: write"},
		{"none", "mode: write", "mode: write\nlive: {contact_sales: 10%}"},
		{"a share", "mode: observe", "mode: write\nlive: {demo_request: 10%}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			settings := func(mode string) map[string]string { return edit(t, "handoffd.yaml", "mode: observe", mode) }
			was, is := compile(t, folder(t, settings(c.was))), compile(t, folder(t, settings(c.is)))
			both := settings(c.is)
			maps.Copy(both, edit(t, "sla.yaml", "accept_within: 15 minutes", "accept_within: 5 hours"))
			other := compile(t, folder(t, both))
			w := newWorld()
			for i := range 20 {
				id := string(rune('a' + i))
				ev, seen := see(demo(id, "dana@"+id+".com")), plan.Record(w)
				c, err := was.Decide(monday, seen, ev)
				if err != nil {
					t.Fatal(err)
				}
				d, version := kept(t, was, monday, seen, ev, c)
				for _, edited := range []struct {
					rules *plan.Rules
					want  bool
				}{{is, false}, {other, true}} {
					after, err := plan.Replay(edited.rules.LiveAs(was), d, version)
					if err != nil {
						t.Fatal(err)
					}
					if got := slices.Collect(maps.Values(plan.Differ(c, after))); !slices.Equal(got, []bool{edited.want}) {
						t.Errorf("%s: comes out differently: %v, want %v", id, got, edited.want)
					}
				}
				w.apply(c)
			}
		})
	}
}

// TestLiveShareIsFair: what is only observed beside what is live takes no turn and
// no place from it: of the live ones everybody gets their share, and as many
// imports start as may (1.66, G6, G11).
func TestLiveShareIsFair(t *testing.T) {
	t.Parallel()
	r := compile(t, folder(t, edit(t, "handoffd.yaml", "mode: observe", "live: {demo_request: 30%}\nimports: {when: {person.source: IMPORT}, use_tier: medium_intent, at_most: 10 a day}\nmode: write")))
	for _, source := range []string{"", "IMPORT"} {
		w, got, live := newWorld(), map[string]float64{}, 0.0
		for i := range 300 {
			id := string(rune('a'+i%26)) + string(rune('a'+i/26))
			w.decide(t, r, monday, see(demo(id, "dana@"+id+".com", "country", "US", "source", source)))
		}
		for _, h := range w.handoffs {
			if !h.Observed {
				got[h.Owner]++
				live++
			}
		}
		if want := 10.0; source == "IMPORT" && live != want {
			t.Errorf("%v imports have started, want %v", live, want)
		}
		for who, share := range map[string]float64{"ana@example.com": .4, "ben@example.com": .4, "cleo@example.com": .2} {
			if off := got[who] - share*live; off > 1 || off < -1 {
				t.Errorf("source %q: %s has %v of %v live ones, want %.1f", source, who, got[who], live, share*live)
			}
		}
	}
}

// TestObservedFillNobody: a cap counts what people really have; while all is only
// observed, it counts what they would have (1.83, G11).
func TestObservedFillNobody(t *testing.T) {
	t.Parallel()
	for mode, queues := range map[string]bool{"mode: write\nlive: {demo_request: 30%}": false, "mode: observe": true} {
		edits := edit(t, "handoffd.yaml", "mode: observe", mode)
		maps.Copy(edits, edit(t, "teams.yaml", "    members:\n      - {who: ana", "    at_most: 5\n    members:\n      - {who: ana"))
		r, w := compile(t, folder(t, edits)), newWorld()
		for i := range 40 {
			id := string(rune('a'+i%26)) + string(rune('a'+i/26))
			w.decide(t, r, monday, see(demo(id, "dana@"+id+".com", "country", "US")))
		}
		live, waits := 0, 0
		for _, h := range w.handoffs {
			if !h.Observed {
				live++
			}
			if h.Stage == state.Queued && (!h.Observed || queues) {
				waits++
			}
		}
		if live > 15 || (waits > 0) != queues {
			t.Errorf("%s: %d live, %d wait though nobody has more than five", mode, live, waits)
		}
	}
}

func TestAcceptance(t *testing.T) {
	t.Parallel()
	r := writing(t)
	later := monday.Add(5 * time.Minute)
	tests := []struct {
		name  string
		edit  []string
		want  state.Stage
		owner string
	}{
		{name: "1.78 by the status field", edit: []string{"handoff_status", "Accepted"}, want: state.Accepted},
		{name: "1.78 by a working status", edit: []string{"lead_status", "Working"}, want: state.Accepted},
		{name: "1.15 our own echo is no acceptance", want: state.Assigned},
		{name: "1.15 another field is no acceptance", edit: []string{"title", "CTO"}, want: state.Assigned},
		{name: "a person gives it to somebody else", edit: []string{"owner", "u-cleo"}, want: state.Superseded, owner: "cleo@example.com"},
		{name: "a person takes the owner away", edit: []string{"owner", ""}, want: state.Superseded},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, rec := assigned(t, r)
			if len(test.edit) > 0 {
				rec.Version, rec.ModifiedAt, rec.Fields = "3", later, fields(rec, test.edit...)
			}
			w.decide(t, r, later.Add(time.Second), see(rec))
			h := w.only(t)
			if h.Stage != test.want {
				t.Fatalf("stage %s, want %s", h.Stage, test.want)
			}
			switch test.want {
			case state.Accepted:
				accepting := w.ticking("accept") + w.ticking("return")
				if !h.AcceptedAt.Equal(later) || h.AcceptedBy != h.Owner || h.Accountable != h.Owner || accepting != 0 || w.ticking("first_touch") == 0 {
					t.Errorf("%+v, timers %v", h, w.timers)
				}
				if left := w.steps()["accept"]; shows(rec, left, "handoff_status") != "Accepted" || left.Write.Set["handoff_accepted_by"] != "ana@example.com" {
					t.Errorf("accept writes %v", left.Write.Set)
				}
			case state.Superseded:
				if _, again := w.steps()["supersede"].Write.Set["hubspot_owner_id"]; again || len(w.timers) != 0 {
					t.Errorf("the owner is written again, or timers go on: %v %v", w.intents, w.timers)
				}
				if test.owner != "" && h.Accountable != test.owner {
					t.Errorf("accountable %s, want %s", h.Accountable, test.owner)
				}
			default:
				if len(w.timers) == 0 || len(w.intents) != 0 {
					t.Errorf("timers %v, intents %v", w.timers, w.intents)
				}
			}
		})
	}
}

// TestAcceptedBeforeIsNotAcceptance: a status that was there at assignment
// says nothing.
func TestAcceptedBeforeIsNotAcceptance(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	rec := demo("51", "dana@acme.com", "lead_status", "Working", "handoff_status", "Accepted")
	w.decide(t, r, monday, see(rec))
	w.answered(t, r, monday, "assign", plan.Delivered{Version: "2"})
	rec.Version, rec.Fields = "3", fields(rec, "owner", "u-ana", "handoff_status", "Assigned")
	w.decide(t, r, monday.Add(time.Minute), see(rec))
	if h := w.only(t); h.Stage != state.Assigned {
		t.Fatalf("stage %s", h.Stage)
	}
	rec.Version, rec.Fields = "4", fields(rec, "handoff_status", "Accepted")
	w.decide(t, r, monday.Add(2*time.Minute), see(rec))
	if h := w.only(t); h.Stage != state.Accepted {
		t.Errorf("stage %s", h.Stage)
	}
}

// TestBreachIsUrgent: a breach may use what is kept of the day's calls, whatever
// the buyer wanted (C7).
func TestBreachIsUrgent(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, _ := assigned(t, r)
	h := w.only(t)
	h.Rank = connectors.UrgentRank + 1
	w.handoffs[h.ID] = h
	for _, timer := range w.timers {
		if timer.Step == 1 {
			w.decide(t, r, timer.Due, plan.Fired{Timer: timer, Fresh: true})
		}
	}
	if got := w.steps()["breach"].Rank; got != connectors.UrgentRank {
		t.Errorf("its rank is %d, want %d", got, connectors.UrgentRank)
	}
}

// TestBreach: the mark stands on the record, and who is late can still accept
// (1.97).
func TestBreach(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec := assigned(t, r)
	for _, timer := range w.timers {
		if timer.Step == 1 {
			if !timer.Due.Equal(w.only(t).AcceptBy) {
				t.Errorf("breach is due %s, accept_by %s", timer.Due, w.only(t).AcceptBy)
			}
			w.decide(t, r, timer.Due, plan.Fired{Timer: timer, Fresh: true})
		}
	}
	h := w.only(t)
	if h.BreachedAt.IsZero() || h.Stage != state.Assigned || w.steps()["breach"].Write.Set["handoff_breached"] != true {
		t.Fatalf("%+v %v", h, w.intents)
	}
	if len(w.listings) == 0 || w.listings[0].List != "escalation" {
		t.Errorf("what is not sent is not listed: %v", w.listings)
	}
	rec.Version, rec.Fields = "9", fields(rec, "handoff_status", "Accepted")
	w.decide(t, r, h.AcceptBy.Add(time.Hour), see(rec))
	if h := w.only(t); h.Stage != state.Accepted {
		t.Errorf("stage %s", h.Stage)
	}
}

// TestGone: deleted ends it, merged moves it, merged into one that has its own
// ends it. What ends leaves nobody a task, be it one that is being made (C8, C9).
func TestGone(t *testing.T) {
	t.Parallel()
	r := writing(t)
	to := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "77"}
	w, rec := assigned(t, r)
	ticked := func(want ...string) {
		t.Helper()
		var got []string
		for _, i := range w.intents {
			if i.Write.Set[connectors.TaskStatus] == "done" {
				got = append(got, i.Write.Ref.ID)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("tasks ticked off (-want +got):\n%s", diff)
		}
	}
	onItsWay := asksFor(w, "item call", "t2")
	rec.Version, rec.Deleted = "5", true
	w.decide(t, r, monday.Add(time.Minute), see(rec))
	if h := w.only(t); h.Stage != state.Cancelled || len(w.timers) != 0 {
		t.Errorf("deleted: %s, timers %v", h.Stage, w.timers)
	}
	ticked("t1", "t2")
	w.came(t, r, monday.Add(time.Minute), onItsWay, plan.Delivered{Ref: connectors.Ref{Conn: "hubspot", Kind: connectors.Task, ID: "t3"}})
	ticked("t1", "t2", "t3")
	w, rec = assigned(t, r)
	rec.Version, rec.MovedTo = "5", to
	w.decide(t, r, monday.Add(time.Minute), see(rec))
	if h := w.only(t); h.Stage != state.Assigned || h.Target != to || h.Record != to {
		t.Errorf("merged: %s %s", h.Stage, h.Target)
	}
	ticked()
	w, rec = assigned(t, r)
	asksFor(w, "item call", "t2")
	w.decide(t, r, monday, see(demo("77", "dana@acme.io")))
	rec.Version, rec.MovedTo = "5", to
	w.decide(t, r, monday.Add(time.Minute), see(rec))
	open := 0
	for _, h := range w.handoffs {
		if h.Stage.Open() {
			open++
		}
	}
	if open != 1 || len(w.handoffs) != 2 {
		t.Errorf("%d open handoffs after a merge, want 1 of two, not of %d", open, len(w.handoffs))
	}
	ticked("t1", "t2")
}

// asksFor adds two things to do to the only handoff: the task of the first is there, that
// of the second is being made.
func asksFor(w *world, step, task string) (second state.Intent) {
	for id, h := range w.handoffs {
		second = state.Intent{
			Handoff: id, Step: step + " 2", Dest: "hubspot", State: state.Sending,
			Write: connectors.Write{Ref: connectors.Ref{Conn: "hubspot", Kind: connectors.Task}, Key: "made", Set: map[string]any{connectors.TaskStatus: "open"}},
		}
		h.Items = []state.Item{{Step: step, Do: "Call", Who: h.Owner}, {Step: second.Step, Do: "Write", Who: h.Owner}}
		h.Effects = maps.Clone(h.Effects)
		h.Effects[step] = state.Effect{Key: "k", State: "done", Task: true, Ref: connectors.Ref{Conn: "hubspot", Kind: connectors.Task, ID: task}}
		h.Effects[second.Step] = state.Effect{Key: second.Write.Key, State: "sent", Task: true}
		w.handoffs[id], w.intents[second.Write.Key] = h, second
	}
	return second
}

// TestMergedSignal: a buyer who was handed off is merged into a record that a
// person owns, and that was seen before without a signal. The handoff is left to
// that person, and the signal starts no other (C8).
func TestMergedSignal(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, gone := range map[string]string{"a third id": "99", "an id that stays": "77"} {
		w, rec := assigned(t, r)
		quiet := demo("77", "dana.ito@acme.com", "owner", "u-hugh")
		quiet.Fields["last_form"] = "Home: Newsletter"
		w.decide(t, r, monday.Add(time.Minute), see(quiet))
		heir := demo(gone, "dana.ito@acme.com", "owner", "u-hugh")
		heir.Version, heir.ModifiedAt = "9", monday.Add(time.Hour)
		if gone == "99" {
			heir.Absorbed = []connectors.Ref{quiet.Ref, rec.Ref}
		}
		moved := rec
		moved.Version, moved.MovedTo, moved.Fields = "8", heir.Ref, nil
		w.decide(t, r, monday.Add(time.Hour), see(moved))
		w.decide(t, r, monday.Add(time.Hour), see(heir))
		if h := w.only(t); h.Stage != state.Superseded || h.Record != heir.Ref {
			t.Errorf("%s: %s %s", name, h.Stage, h.Record)
		}
	}
}

// TestMergedIntoNobodys: a record that nobody owns goes to the receiver of the handoff that
// has come to it, also where all that is newer on it than the handoff is a breach of ours,
// or nothing (1.98, C8).
func TestMergedIntoNobodys(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, tc := range map[string]struct {
		modified time.Duration
		version  string
		breach   string // the version it left
		waits    bool   // for a later reading
	}{
		"changed since":            {time.Hour, "9", "", false},
		"not changed since":        {-time.Hour, "1", "", false},
		"our breach stands there":  {50 * time.Minute, "7", "7", false},
		"read before our breach":   {-time.Hour, "1", "7", true},
		"changed since our breach": {time.Hour, "9", "7", false},
	} {
		w, rec := assigned(t, r)
		heir := demo("77", "dana.ito@acme.com")
		heir.Fields["last_form"] = "Home: Newsletter"
		rec.Version, rec.MovedTo, rec.Fields = "8", heir.Ref, nil
		w.decide(t, r, monday.Add(2*time.Second), see(rec))
		if tc.breach != "" {
			w.fireDue(t, r, monday.Add(16*time.Minute))
			w.answered(t, r, monday.Add(17*time.Minute), "breach", plan.Delivered{Version: tc.breach})
		}
		heir.Version, heir.ModifiedAt = tc.version, monday.Add(tc.modified)
		for n := range 2 {
			w.decide(t, r, monday.Add(time.Duration(61+n)*time.Minute), see(heir))
		}
		if i, there := w.steps()["rewrite"]; there == tc.waits || there && (i.Write.Ref != heir.Ref || i.Write.Set["hubspot_owner_id"] != "u-ana") {
			t.Errorf("%s: %v, writes %v", name, w.only(t).Stage, i.Write)
		}
	}
}

// TestMergedBothAsked: a buyer who was handed off is merged into a record that has
// asked for something of its own since, which nobody had read yet. That joins the
// handoff, however close the two came; what both of them say is one signal, and what
// the survivor had asked before is no news (C8).
func TestMergedBothAsked(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for apart, want := range map[time.Duration]int{0: 1, 15 * time.Second: 2, -15 * time.Second: 1} {
		w, rec := assigned(t, r)
		heir := demo("77", "dana.ito@acme.com", "owner", "u-ana")
		asked, _ := time.Parse(time.RFC3339, rec.Fields["last_form_at"])
		heir.Version, heir.ModifiedAt, heir.Fields["last_form_at"] = "9", monday.Add(time.Hour), asked.Add(apart).Format(time.RFC3339)
		rec.Version, rec.MovedTo, rec.Fields = "8", heir.Ref, nil
		w.decide(t, r, monday.Add(time.Hour), see(rec))
		w.decide(t, r, monday.Add(time.Hour), see(heir))
		w.decide(t, r, monday.Add(2*time.Hour), see(heir))
		if h := w.only(t); len(h.Signals) != want || h.Record != heir.Ref {
			t.Errorf("%s apart: %d signals on %s, want %d", apart, len(h.Signals), h.Record, want)
		}
	}
}

// TestReadBeforeItWasMerged: a record that is read, or was read before, by the time the
// one it was merged into is known is nobody of its own any more: what it said is the
// survivor's, once, whichever was decided on first, and when the survivor is deleted nothing starts on it (C8, C9).
func TestReadBeforeItWasMerged(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, c := range map[string]struct {
		first   bool          // it is decided on before the survivor
		apart   time.Duration // that its buyer had asked before the survivor's
		form    string        // what the survivor's buyer asked for
		signals int
	}{
		"read and decided late":                {false, 40 * time.Second, "Pricing: Demo request", 2},
		"read and decided first":               {true, 40 * time.Second, "Pricing: Demo request", 2},
		"late, and the survivor asked nothing": {false, 40 * time.Second, "Home: Newsletter", 1},
	} {
		w := newWorld()
		old, heir := demo("51", "dana@acme.com", "country", "US"), demo("77", "dana@acme.com", "country", "US")
		asked, _ := time.Parse(time.RFC3339, heir.Fields["last_form_at"])
		old.Fields["last_form_at"] = asked.Add(-c.apart).Format(time.RFC3339)
		heir.Version, heir.ModifiedAt, heir.Absorbed = "9", monday.Add(time.Minute), []connectors.Ref{old.Ref}
		heir.Fields["last_form"] = c.form
		order := []state.Record{heir, old}
		if c.first {
			order = []state.Record{old, heir}
		}
		for n, rec := range slices.Concat(order, order) {
			w.decide(t, r, monday.Add(time.Minute+time.Duration(n)*time.Second), see(rec))
		}
		if h := w.only(t); h.Record != heir.Ref || len(h.Signals) != c.signals {
			t.Errorf("%s: %d signals on %s", name, len(h.Signals), h.Record)
		}
		w.decide(t, r, monday.Add(time.Hour), see(state.Record{Ref: heir.Ref, Noun: "person", Deleted: true}))
		if h := w.only(t); h.Stage != state.Cancelled {
			t.Errorf("%s: %s after the survivor was deleted", name, h.Stage)
		}
	}
}

// TestHeir: a survivor that is nobody's gets the receiver, and what a record says
// of its handoff; one that has the receiver gets the latter alone (C8, C10).
func TestHeir(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, c := range []struct{ owner, step string }{{"", "rewrite"}, {"u-ana", "show"}} {
		w, rec := assigned(t, r)
		heir := demo("77", "dana.ito@acme.com", "owner", c.owner)
		heir.Version, heir.ModifiedAt = "9", monday.Add(time.Hour)
		rec.Version, rec.MovedTo, rec.Fields = "8", heir.Ref, nil
		w.decide(t, r, monday.Add(time.Hour), see(rec))
		w.decide(t, r, monday.Add(time.Hour), see(heir))
		i := w.steps()[c.step]
		owner, wrote := i.Write.Set["hubspot_owner_id"]
		if i.Write.Ref != heir.Ref || i.Write.Set["handoff_status"] != "Assigned" || i.Write.Set["handoff_why"] == nil || wrote != (c.owner == "") || wrote && owner != "u-ana" {
			t.Errorf("%q: %+v", c.owner, i.Write)
		}
		w.answered(t, r, monday.Add(time.Hour), c.step, plan.Delivered{Version: "10"})
		heir.Version = "10"
		w.decide(t, r, monday.Add(2*time.Hour), see(heir))
		if h := w.only(t); h.Stage != state.Assigned || len(w.intents) != 0 {
			t.Errorf("%q: %s, written again: %v", c.owner, h.Stage, w.intents)
		}
	}
}

// TestLostAnswer: an owner write whose answer was lost, and which a reading finds
// done, is settled by that reading and not sent again (C2); where nobody knows
// what it rested on, once it is tried again.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, known := range []bool{true, false} {
		w := newWorld()
		rec := demo("51", "dana@acme.com", "country", "US")
		w.decide(t, r, monday, see(rec))
		h := w.only(t)
		i := w.steps()["assign"]
		i.Attempts = 1
		if !known {
			i.Over = time.Time{}
		}
		w.intents[i.Write.Key] = i
		rec.Version, rec.ModifiedAt = "2", monday.Add(time.Second)
		rec.Fields = fields(rec, "owner", fmt.Sprint(i.Write.Set["hubspot_owner_id"]), "handoff_id", h.ID, "handoff_status", "Assigned")
		w.decide(t, r, monday.Add(10*time.Second), see(rec))
		if _, waits := w.steps()["assign"]; waits == known {
			t.Errorf("known %v: still to be written %v", known, waits)
		}
		if !known {
			w.answered(t, r, monday.Add(10*time.Second), "assign", plan.Delivered{Class: connectors.Conflict.String(), Err: "changed"})
		}
		if h := w.only(t); h.Written.IsZero() || h.Stage != state.Assigned || w.steps()["assign"].Write.Key != "" {
			t.Errorf("%s, written at %s, %v", h.Stage, h.Written, w.steps())
		}
	}
}

// TestLostUnderAMerge: a write whose answer was lost comes out on the record that the
// one it was about has been merged into. Who takes that before it keeps it; who has had it
// for long gets it back by an undo (C2, C8, C11, G13).
func TestLostUnderAMerge(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, since := range map[string]time.Duration{"taken meanwhile": time.Second, "for long": -48 * time.Hour} {
		w := newWorld()
		rec := demo("51", "dana@acme.com", "country", "US")
		w.decide(t, r, monday, see(rec))
		i := w.steps()["assign"]
		i.Attempts = 1
		w.intents[i.Write.Key] = i
		heir := demo("77", "dana.ito@acme.com", "owner", "u-hugh")
		heir.Version, heir.ModifiedAt, heir.Absorbed = "9", monday.Add(time.Second), []connectors.Ref{rec.Ref}
		w.decide(t, r, monday.Add(2*time.Second), see(heir))
		w.answered(t, r, monday.Add(3*time.Second), "assign", plan.Delivered{Class: connectors.NotFound.String(), Err: "no such record"})
		heir = shown(heir, monday.Add(2*time.Second), "91", "owner", "u-ana", "handoff_id", w.only(t).ID, "handoff_status", "Assigned")
		w.trails = map[string]state.Trail{"77": {Values: []connectors.FieldValue{
			{Value: "u-ana", At: heir.ModifiedAt, Actor: connectors.ActorSelf},
			{Value: "u-hugh", At: monday.Add(since), By: "u-hugh", Actor: connectors.ActorPerson},
		}}}
		at := monday.Add(10 * time.Second)
		for range 2 {
			w.decide(t, r, at, plan.Observed{Record: heir, Via: "reread", Came: at, Read: at})
		}
		back, h := w.steps()["restore"], w.only(t)
		if h.Stage == state.Assigned {
			stood := connectors.Object{Ref: heir.Ref, Version: "91", ModifiedAt: heir.ModifiedAt, Fields: w.befores[heir.Ref].Last}
			w.decide(t, r, monday.Add(20*time.Second), plan.Undo{Handoffs: []string{h.ID}, By: "ops", Read: monday.Add(20 * time.Second), Found: []connectors.Object{stood}})
			back = w.steps()["undo"]
		}
		if over := h.Stage == state.Superseded; over != (since > 0) || back.Write.Ref != heir.Ref || back.Write.Set["hubspot_owner_id"] != "u-hugh" {
			t.Errorf("%s: %s, put back %v", name, h.Stage, back.Write)
		}
	}
}

// TestRestored: what ended with its record starts anew when that is back, unless
// somebody was at it (C9).
func TestRestored(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, accepted := range []bool{false, true} {
		w, rec := assigned(t, r)
		at := monday.Add(time.Minute)
		step := func(version string, deleted bool, pairs ...string) {
			at = at.Add(time.Minute)
			rec.Version, rec.ModifiedAt, rec.Deleted, rec.Fields = version, at, deleted, fields(rec, pairs...)
			w.decide(t, r, at, see(rec))
		}
		if accepted {
			step("3", false, "handoff_status", "Accepted")
		}
		for n, version := range []string{"4", "6"} {
			step(version, true)
			step(version+"1", false)
			open := 0
			for _, h := range w.handoffs {
				if h.Stage.Open() {
					open++
				}
			}
			if want := map[bool][2]int{false: {n + 2, 1}, true: {1, 0}}[accepted]; len(w.handoffs) != want[0] || open != want[1] {
				t.Errorf("accepted %t, back the %d. time: %d handoffs, %d of them open, want %v", accepted, n+1, len(w.handoffs), open, want)
			}
		}
		if told := len(w.listed("restored")) > 0; told != accepted {
			t.Errorf("accepted %t: listed %t", accepted, told)
		}
	}
}

// TestRestoredTasks: tasks that were in the bin with their record, so that the CRM would
// not have them ticked off, are when it is back; others were ticked off already (C9).
func TestRestoredTasks(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for class, want := range map[string]int{"": 0, connectors.NotFound.String(): 2} {
		for _, accepted := range []bool{false, true} {
			w, rec := assigned(t, r)
			asksFor(w, "item call", "t2")
			if accepted {
				rec.Version, rec.ModifiedAt, rec.Fields = "3", monday.Add(time.Minute), fields(rec, "handoff_status", "Accepted")
				w.decide(t, r, monday.Add(time.Minute), see(rec))
			}
			closed := func() (n int) {
				for key, i := range w.intents {
					if delete(w.intents, key); i.Write.Set[connectors.TaskStatus] == "done" {
						n++
						w.decide(t, r, monday.Add(time.Hour), plan.Delivered{Intent: i, Ref: i.Write.Ref, Class: class, Err: class})
					}
				}
				return n
			}
			rec.Version, rec.ModifiedAt, rec.Deleted = "4", monday.Add(time.Hour), true
			w.decide(t, r, monday.Add(time.Hour), see(rec))
			if n := closed(); n != 2 {
				t.Errorf("%q, accepted %t: %d tasks ticked off when it was deleted, want 2", class, accepted, n)
			}
			rec.Version, rec.ModifiedAt, rec.Deleted = "5", monday.Add(2*time.Hour), false
			w.decide(t, r, monday.Add(2*time.Hour), see(rec))
			if n := closed(); n != want {
				t.Errorf("%q, accepted %t: %d tasks ticked off when it was back, want %d", class, accepted, n, want)
			}
		}
	}
}

// TestRestoredAgain: of a record that is back a second time, the handoff that came
// after the first one counts. Where somebody was at that, or it was completed, nobody
// gets the buyer anew (C9).
func TestRestoredAgain(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for stage, listed := range map[state.Stage]int{state.Assigned: 0, state.Accepted: 1, state.Completed: 0} {
		w, rec := assigned(t, r)
		at := monday.Add(time.Minute)
		step := func(version string, deleted bool, pairs ...string) {
			at = at.Add(time.Minute)
			rec.Version, rec.ModifiedAt, rec.Deleted, rec.Fields = version, at, deleted, fields(rec, pairs...)
			w.decide(t, r, at, see(rec))
			w.done(t, r, at)
		}
		open := func() (h state.Handoff) {
			for _, o := range w.handoffs {
				if o.Stage.Open() {
					h = o
				}
			}
			return h
		}
		step("4", true)
		step("5", false)
		second := open()
		step("6", false, "owner", "u-ana", "handoff_id", second.ID)
		if stage != state.Assigned {
			step("7", false, "handoff_status", "Accepted")
		}
		if second = open(); stage == state.Completed {
			second.Stage, second.ClosedAt = stage, at
			w.handoffs[second.ID] = second
		}
		if second = w.handoffs[second.ID]; second.Stage != stage {
			t.Fatalf("%s, want %s", second.Stage, stage)
		}
		step("8", true)
		step("9", false)
		want := map[bool]int{true: 3, false: 2}[stage == state.Assigned]
		if len(w.handoffs) != want || open().ID != "" != (want == 3) || len(w.listed("restored")) != listed {
			t.Errorf("%s before it was deleted again: %d handoffs, want %d; open is %q, listed %v", stage, len(w.handoffs), want, open().ID, w.listed("restored"))
		}
	}
}

// TestRefusals: what the CRM answers, and what becomes of the handoff.
func TestRefusals(t *testing.T) {
	t.Parallel()
	r := writing(t)
	start := func() *world {
		w := newWorld()
		w.decide(t, r, monday, see(demo("51", "dana@acme.com", "owner", "u-sync")))
		return w
	}
	newer := func(w *world, owner string) {
		rec := demo("51", "dana@acme.com", "owner", owner)
		rec.Version = "2"
		w.add(rec)
	}
	conflict := plan.Delivered{Class: connectors.Conflict.String(), Err: "changed"}

	w := start()
	w.answered(t, r, monday, "assign", plan.Delivered{Class: connectors.Invalid.String(), Err: "OwnerId: no such user"})
	if len(w.listings) != 1 || !strings.Contains(w.listings[0].Text, "OwnerId: no such user") || w.only(t).Stage != state.Assigned {
		t.Errorf("invalid: %v %s", w.listings, w.only(t).Stage)
	}
	if _, ok := w.steps()["task"]; !ok {
		t.Error("the rest of the plan was dropped")
	}

	w = start()
	w.answered(t, r, monday, "assign", plan.Delivered{Class: connectors.NotFound.String(), Err: "gone"})
	if again := w.steps()["assign"]; w.only(t).Stage != state.Assigned || !again.ReadAt.IsZero() || !again.Due.After(monday) {
		t.Errorf("not found, and nobody knows why: %s %+v", w.only(t).Stage, again)
	}
	rec := demo("51", "dana@acme.com")
	rec.Version, rec.Deleted = "2", true
	w.decide(t, r, monday, see(rec))
	if h := w.only(t); h.Stage != state.Cancelled || len(w.intents) != 0 {
		t.Errorf("deleted: %s %v", h.Stage, w.intents)
	}

	w = start()
	newer(w, "u-cleo")
	w.answered(t, r, monday, "assign", conflict)
	if h := w.only(t); h.Stage != state.Superseded || len(w.intents) != 0 {
		t.Errorf("a person took it: %s %v", h.Stage, w.intents)
	}

	w = start()
	newer(w, "u-sync")
	w.answered(t, r, monday, "assign", conflict)
	again := w.steps()["assign"]
	if h := w.only(t); h.Stage != state.Assigned || again.Write.Set["hubspot_owner_id"] == nil || !again.ReadAt.IsZero() {
		t.Errorf("another field changed: %s %+v", h.Stage, again)
	}
	w.answered(t, r, monday, "assign", plan.Delivered{Version: "3"})
	if w.only(t).Written.IsZero() {
		t.Error("the second attempt did not count")
	}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "teams.yaml", "# at_most: 12 ", "at_most: 1 "))
	w := newWorld()
	w.load["ana@example.com"], w.load["ben@example.com"], w.load["cleo@example.com"] = 1, 1, 1
	w.decide(t, r, monday, see(demo("51", "dana@acme.com", "country", "US")))
	h := w.only(t)
	if h.Stage != state.Queued || h.Owner != "" || h.Accountable != "morgan@example.com" || len(w.timers) != 1 {
		t.Fatalf("%+v, timers %v", h, w.timers)
	}
	if set := w.steps()["queue"].Write.Set; set["handoff_accountable"] != "morgan@example.com" {
		t.Errorf("the CRM is not told: %v", set)
	}
	var timer state.Timer
	for _, timer = range w.timers {
	}
	c := w.decide(t, r, timer.Due, plan.Fired{Timer: timer, Fresh: true})
	if len(c.Handoffs)+len(c.Audit) != 0 || len(c.Timers) != 1 {
		t.Errorf("still nobody free, and yet: %+v", c)
	}
	w.load["cleo@example.com"] = 0
	w.decide(t, r, timer.Due, plan.Fired{Timer: timer, Fresh: true})
	if h := w.only(t); h.Stage != state.Assigned || h.Owner != "cleo@example.com" || h.Why[0].Text != `last form is "Pricing: Demo request"` {
		t.Errorf("%s %s %v", h.Stage, h.Owner, h.Why)
	}
	if !w.only(t).AcceptBy.Equal(timer.Due.Add(15 * time.Minute)) {
		t.Errorf("accept by %s", w.only(t).AcceptBy)
	}
}

// TestDeadlines: assigned outside hours, counted from opening (1.88); Friday
// 16:55 for the sample's own case.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	r := writing(t)
	ny, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ signal, accept time.Time }{
		{time.Date(2026, 3, 17, 3, 0, 0, 0, ny), time.Date(2026, 3, 17, 9, 15, 0, 0, ny)},
		{time.Date(2026, 3, 20, 9, 5, 0, 0, ny), time.Date(2026, 3, 20, 9, 20, 0, 0, ny)},
		{time.Date(2026, 3, 6, 16, 55, 0, 0, ny), time.Date(2026, 3, 9, 9, 10, 0, 0, ny)}, // over a change of the clock
		{time.Date(2026, 7, 2, 18, 30, 0, 0, ny), time.Date(2026, 7, 6, 9, 15, 0, 0, ny)}, // Friday the 3rd is given for the 4th
	} {
		w := newWorld()
		rec := demo("51", "dana@acme.com", "country", "US", "last_form_at", test.signal.UTC().Format(time.RFC3339))
		w.decide(t, r, test.signal, plan.Observed{Record: rec, Via: "poll", Came: test.signal})
		h := w.only(t)
		if !h.AcceptBy.Equal(test.accept) || h.Stage != state.Assigned {
			t.Errorf("%s: %s, accept by %s, want %s", test.signal, h.Stage, h.AcceptBy.In(ny), test.accept)
		}
		if want := test.signal.Add(5 * time.Minute); !h.AssignBy.Equal(want) {
			t.Errorf("assign by %s, want %s", h.AssignBy, want)
		}
	}
}

// TestJoinRaisesTheTier and never lowers it; deadlines never move away.
func TestJoinRaisesTheTier(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	form := func(at time.Time, email string) {
		rec := demo("51", email, "country", "US", "last_form_at", at.Format(time.RFC3339))
		rec.Fields["email_domain"] = email[strings.Index(email, "@")+1:]
		w.decide(t, r, at, plan.Observed{Record: rec, Came: at})
	}
	form(monday, "kid@gmail.com")
	slow := w.only(t)
	form(monday.Add(time.Hour), "kid@acme.com")
	fast := w.only(t)
	if slow.Tier != "medium_intent" || fast.Tier != "high_intent" || !fast.AcceptBy.Before(slow.AcceptBy) {
		t.Fatalf("%s %s, then %s %s", slow.Tier, slow.AcceptBy, fast.Tier, fast.AcceptBy)
	}
	if set := w.steps()["join"].Write.Set; set["handoff_tier"] != "high_intent" {
		t.Errorf("the CRM is not told: %v", set)
	}
	form(monday.Add(2*time.Hour), "kid@gmail.com")
	if h := w.only(t); h.Tier != "high_intent" || !h.AcceptBy.Equal(fast.AcceptBy) || len(h.Signals) != 3 {
		t.Errorf("%s %s, %d signals", h.Tier, h.AcceptBy, len(h.Signals))
	}
	if diff := cmp.Diff(fast.Owner, w.only(t).Owner); diff != "" {
		t.Error(diff)
	}
}

// TestStaleReading: a reading from before our own write shows what we have
// changed since, and proves nothing about people.
func TestStaleReading(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, version := range []string{"1", "15"} {
		w, rec := assigned(t, r)
		rec.Version, rec.Fields = version, fields(rec, "owner", "u-vera", "handoff_status", "Accepted")
		w.decide(t, r, monday.Add(time.Minute), see(rec))
		if h := w.only(t); h.Stage != state.Assigned {
			t.Errorf("version %s, ours is 2: %s", version, h.Stage)
		}
	}
}

// TestReadingOfOurStamp: where stamps are whole seconds, a reading with the
// stamp of our write is from before it or from a person right after it. What
// is as it was proves nothing, anything else is theirs.
func TestReadingOfOurStamp(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, tc := range []struct {
		name string
		edit []string
		want state.Stage
	}{
		{"as before us", nil, state.Assigned},
		{"as we left it", []string{"owner", "u-ana", "handoff_status", "Assigned"}, state.Assigned},
		{"accepted in the same second", []string{"owner", "u-ana", "handoff_status", "Accepted"}, state.Accepted},
		{"taken over in the same second", []string{"owner", "u-vera", "handoff_status", "Assigned"}, state.Superseded},
	} {
		w, rec := assigned(t, r)
		rec.Version, rec.Fields = "2", fields(rec, tc.edit...)
		w.decide(t, r, monday.Add(time.Minute), see(rec))
		if h := w.only(t); h.Stage != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, h.Stage, tc.want)
		}
	}
}

// TestTimerAfterAcceptance: whoever has just acted is told nothing.
func TestTimerAfterAcceptance(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec := assigned(t, r)
	timers := w.timers
	kept := make([]state.Timer, 0, len(timers))
	for _, timer := range timers {
		kept = append(kept, timer)
	}
	rec.Version, rec.Fields = "3", fields(rec, "handoff_status", "Accepted")
	w.decide(t, r, monday.Add(time.Minute), see(rec))
	for _, timer := range kept {
		c := w.decide(t, r, timer.Due, plan.Fired{Timer: timer, Fresh: true})
		if silent := timer.Clock == "accept"; silent != c.Empty() {
			t.Errorf("step %d after acceptance: %+v", timer.Step, c)
		}
	}
}

// TestRemindedOnce: raising the tier does not repeat a step that is past.
func TestRemindedOnce(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	at := monday
	for i, email := range []string{"kid@gmail.com", "kid@acme.com"} {
		rec := demo("51", email, "country", "US", "last_form_at", at.Format(time.RFC3339))
		rec.Version = string(rune('1' + i))
		c := w.decide(t, r, at, plan.Observed{Record: rec, Came: at})
		steps := map[int]bool{}
		for _, timer := range c.Timers {
			steps[timer.Step] = true
		}
		if want := i == 0; steps[0] != want || !steps[1] {
			t.Errorf("after %s steps %v are set", email, steps)
		}
		at = at.Add(150 * time.Minute) // past half of four hours
	}
}

// shows is what a record shows in a field once a write stands there.
func shows(rec state.Record, i state.Intent, field string) string {
	if v, set := i.Write.Set[field]; set {
		text, _ := v.(string)
		return text
	}
	return rec.Fields[field]
}
