package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
	"github.com/handoffd/handoffd/sync/plan"
)

// act is an activity as an adapter gives it, normalized by the rules.
func act(r *plan.Rules, id string, fields map[string]any, links ...connectors.Ref) state.Record {
	rec, _ := r.Normalize(connectors.Object{
		Ref: connectors.Ref{Conn: "hubspot", Kind: connectors.Activity, ID: id}, Version: "1", Fields: fields, Links: links,
	})
	return rec
}

func did(kind, owner string, at time.Time, more ...string) map[string]any {
	out := map[string]any{
		connectors.ActType: kind, connectors.ActState: "done", connectors.ActAt: at.Format(time.RFC3339),
		connectors.ActMade: at.Format(time.RFC3339), connectors.ActOwner: owner,
	}
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

// TestActivities: what people do about a record, and how far it moves the
// handoff (1.14, 1.15, 1.16, 1.78, 4.13). Our own task, the buyer, the giver, a
// plan, and what was before the assignment are none of it.
func TestActivities(t *testing.T) {
	t.Parallel()
	r := writing(t)
	at := monday.Add(5 * time.Minute)
	who := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "51"}
	other := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "99"}
	for _, tc := range []struct {
		name   string
		fields map[string]any
		about  connectors.Ref
		want   state.Stage
		count  int
	}{
		{"a call by the receiver", did("call", "u-ana", at), who, state.Completed, 1},
		{"a call by a colleague of the team", did("call", "u-cleo", at), who, state.Completed, 1},
		{"an e-mail by the receiver", did("email", "u-ana", at, "towards", "buyer"), who, state.Completed, 1},
		{"an e-mail by a colleague is an attempt and no touch", did("email", "u-cleo", at), who, state.Assigned, 1},
		{"an e-mail by the buyer", did("email", "u-ana", at, "towards", "us"), who, state.Assigned, 0},
		{"a call by the giver", did("call", "u-jo", at), who, state.Assigned, 0},
		{"a call by somebody else", did("call", "u-vera", at), who, state.Assigned, 0},
		{"a call before the assignment", did("call", "u-ana", monday.Add(-time.Hour)), who, state.Assigned, 0},
		{"a call that is planned is a next action", did("call", "u-ana", at, "state", "open"), who, state.Accepted, 0},
		{"a task of the receiver is a next action", did("task", "u-ana", at, "state", "open"), who, state.Accepted, 0},
		{"a task that the giver made for the receiver", did("task", "u-ana", at, "state", "open", "made_by", "u-jo"), who, state.Assigned, 0},
		{"a call that was cancelled", did("call", "u-ana", at, "state", "cancelled"), who, state.Assigned, 0},
		{"a meeting nobody came to", did("meeting", "u-ana", at, "outcome", "no_show"), who, state.Assigned, 1},
		{"a meeting that was held", did("meeting", "u-ana", at, "outcome", "held"), who, state.Completed, 1},
		{"a call about somebody else", did("call", "u-ana", at), other, state.Assigned, 0},
	} {
		w, rec := assigned(t, r)
		w.located[byID(rec.Ref).ID()] = []state.Record{rec}
		ev := plan.Observed{Record: act(r, "calls-1", tc.fields, tc.about), Via: "poll", Came: at}
		w.decide(t, r, at.Add(time.Second), ev)
		w.decide(t, r, at.Add(2*time.Second), ev) // told twice
		h := w.only(t)
		n := 0
		if h.Work != nil {
			n = h.Work.Count
		}
		if h.Stage != tc.want || n != tc.count {
			t.Errorf("%s: %s with %d contacts, want %s with %d", tc.name, h.Stage, n, tc.want, tc.count)
		}
		if len(w.records) != 1 {
			t.Errorf("%s: remembered as a record", tc.name)
		}
		if tc.want == state.Completed && (h.AcceptedBy == "" || h.TouchedAt.IsZero() || h.Accountable != h.Owner) {
			t.Errorf("%s: %+v", tc.name, h)
		}
	}
}

// byID is the reading of one record by its id.
func byID(ref connectors.Ref) state.Need {
	return state.Need{Conn: ref.Conn, Question: connectors.Question{Kinds: []connectors.Kind{ref.Kind}, Value: ref.ID}}
}

// TestGivenAndWorked: who was given a record by hand and works on it at once has it,
// also where a poll brings their call first; the handoff is left to them and not
// completed by a colleague's call (A4, C11).
func TestGivenAndWorked(t *testing.T) {
	t.Parallel()
	r := writing(t)
	at := monday.Add(5 * time.Minute)
	for name, c := range map[string]struct {
		now   string // who owns the record when it is read
		stage state.Stage
		has   string
	}{
		"given to them":     {"u-cleo", state.Superseded, "cleo@example.com"},
		"given to a third":  {"u-vera", state.Superseded, "vera@example.com"},
		"still the owner's": {"", state.Completed, "ana@example.com"},
	} {
		w, rec, h := written(t, r)
		now := rec
		if c.now != "" {
			now = given(rec, c.now, 4*time.Minute)
			w.trails = map[string]state.Trail{"51": {Values: []connectors.FieldValue{
				value(c.now, now.ModifiedAt, connectors.ActorPerson), value(rec.Fields["owner"], rec.ModifiedAt, connectors.ActorIntegration),
			}}}
		}
		ev := plan.Observed{Record: act(r, "calls-1", did("call", "u-cleo", at), rec.Ref), Via: "poll", Came: at}
		if got := w.decide(t, r, at, ev); len(got.Needs) != 1 || got.Needs[0].ID() != byID(rec.Ref).ID() {
			t.Fatalf("%s: asked %+v", name, got.Needs)
		}
		w.located[byID(rec.Ref).ID()] = []state.Record{now}
		w.decide(t, r, at.Add(time.Second), ev)
		w.decide(t, r, at.Add(2*time.Second), see(now))
		if got := w.handoffs[h.ID]; got.Stage != c.stage || got.Accountable != c.has {
			t.Errorf("%s: %s, %s has it; want %s, %s", name, got.Stage, got.Accountable, c.stage, c.has)
		}
	}
}

// TestMergedAndWorked: a record that was merged into another one is that one's owner's:
// a call by the receiver that is heard of before the survivor is read completes nothing
// (A4, C8).
func TestMergedAndWorked(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec, h := written(t, r)
	at := monday.Add(5 * time.Minute)
	survivor := demo("60", "dana@acme.io", "owner", "u-vera")
	survivor.ModifiedAt, survivor.Fields["last_form"] = at.Add(time.Second), ""
	w.add(survivor)
	w.trails = map[string]state.Trail{"60": {Values: []connectors.FieldValue{value("u-vera", monday.Add(time.Minute), connectors.ActorPerson)}}}
	rec.Version, rec.MovedTo = "5", survivor.Ref
	w.decide(t, r, at.Add(2*time.Second), see(rec))
	w.decide(t, r, at.Add(3*time.Second), plan.Observed{Record: act(r, "calls-1", did("call", "u-ana", at), survivor.Ref), Via: "poll", Came: at})
	if got := w.handoffs[h.ID]; got.Target != survivor.Ref || got.Stage != state.Superseded || got.Accountable != "vera@example.com" {
		t.Errorf("%s: %s, %s has it", got.Target, got.Stage, got.Accountable)
	}
}

// TestDoneBeforeItWent: who has done a handoff keeps it, where it was to go to somebody
// else because they have left, and that was not written yet (A4).
func TestDoneBeforeItWent(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, goes := range map[string]bool{"by itself": false, "by an operator's order": true, "and a program had taken it": true, "and a program takes it meanwhile": true} {
		w, rec, h := written(t, r)
		at := monday.Add(time.Minute)
		switch name {
		case "by an operator's order":
			w.decide(t, r, at.Add(time.Second), plan.Reassign{Handoff: h.ID, To: "ben@example.com", By: "ops"})
		case "and a program had taken it":
			w.inactive("hubspot", "ana")
			rec = given(rec, "u-dev", 50*time.Second)
			w.trails = map[string]state.Trail{"51": {Values: []connectors.FieldValue{value("u-dev", rec.ModifiedAt, connectors.ActorAutomation)}}}
			w.decide(t, r, at.Add(time.Second), see(rec))
		default:
			w.inactive("hubspot", "ana")
			w.decide(t, r, at.Add(time.Second), see(rec))
		}
		next := w.handoffs[h.ID].Owner
		if _, leaves := w.steps()["reassign"]; next == h.Owner || !leaves {
			t.Fatalf("%s: it is with %s", name, next)
		}
		if name == "and a program takes it meanwhile" {
			rec = given(rec, "u-dev", 61*time.Second)
			w.trails = map[string]state.Trail{"51": {Values: []connectors.FieldValue{value("u-dev", rec.ModifiedAt, connectors.ActorAutomation)}}}
		}
		w.located[byID(rec.Ref).ID()] = []state.Record{rec}
		w.decide(t, r, at.Add(2*time.Second), plan.Observed{Record: act(r, "calls-1", did("call", "u-ana", at), rec.Ref), Via: "poll", Came: at})
		want := map[bool]string{false: h.Owner, true: next}[goes]
		_, leaves := w.steps()["reassign"]
		if got := w.handoffs[h.ID]; got.Stage != state.Completed || got.Owner != want || leaves != goes {
			t.Errorf("%s: %s, with %s, the next owner's leaves %v", name, got.Stage, got.Owner, leaves)
		}
	}
}

// TestGivenAwayBeforeItWasDone: a person gives the record to somebody else, its receiver
// calls the buyer all the same, and the CRM that shows the call is heard of first: it was
// theirs no more, and that is found out once the record is read (0.12, 1.14).
func TestGivenAwayBeforeItWasDone(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, c := range map[string]struct {
		trail state.Trail
		want  state.Stage
	}{
		"before":                     {state.Trail{Values: []connectors.FieldValue{value("u-hugh", monday.Add(time.Minute), connectors.ActorPerson)}}, state.Superseded},
		"before, and once more":      {state.Trail{Values: []connectors.FieldValue{value("u-hugh", monday.Add(3*time.Minute), connectors.ActorPerson), value("u-kim", monday.Add(time.Minute), connectors.ActorPerson)}}, state.Superseded},
		"afterwards":                 {state.Trail{Values: []connectors.FieldValue{value("u-hugh", monday.Add(3*time.Minute), connectors.ActorPerson)}}, state.Completed},
		"before, and they had it":    {state.Trail{Values: []connectors.FieldValue{value("u-hugh", monday.Add(3*time.Minute), connectors.ActorPerson), value("u-ana", monday.Add(70*time.Second), connectors.ActorPerson), value("u-kim", monday.Add(time.Minute), connectors.ActorPerson)}}, state.Completed},
		"before, by a program":       {state.Trail{Values: []connectors.FieldValue{value("u-hugh", monday.Add(time.Minute), connectors.ActorAutomation)}}, state.Completed},
		"where the CRM tells nobody": {state.Trail{Unseen: true, Values: []connectors.FieldValue{value("u-hugh", monday.Add(time.Minute), connectors.ActorUnknown)}}, state.Completed},
	} {
		w, rec, h := written(t, r)
		at := monday.Add(2 * time.Minute)
		w.decide(t, r, at.Add(time.Second), plan.Observed{Record: act(r, "calls-1", did("call", "u-ana", at), rec.Ref), Via: "poll", Came: at})
		if got := w.handoffs[h.ID]; got.Stage != state.Completed {
			t.Fatalf("%s: %s", name, got.Stage)
		}
		w.done(t, r, at.Add(2*time.Second))
		w.trails = map[string]state.Trail{"51": c.trail}
		rec = given(rec, "u-hugh", 5*time.Minute)
		w.decide(t, r, at.Add(10*time.Minute), see(rec))
		w.decide(t, r, at.Add(11*time.Minute), see(given(rec, "u-hugh", time.Minute)))
		got, tells := w.handoffs[h.ID], w.steps()["supersede"].Write.Set
		if got.Stage != c.want || (got.Accountable == "hugh@example.com") != (c.want == state.Superseded) || (tells["handoff_status"] == "Superseded") != (c.want == state.Superseded) {
			t.Errorf("%s: %s, with %s, told as %v", name, got.Stage, got.Accountable, tells)
		}
		if c.want != state.Completed {
			continue
		}
		w.trails = map[string]state.Trail{"51": {Values: []connectors.FieldValue{value("u-kim", monday.Add(time.Minute), connectors.ActorPerson)}}}
		for n, owner := range []string{"u-kim", "u-ana", "u-kim"} {
			w.decide(t, r, at.Add(time.Hour), see(given(rec, owner, time.Duration(n+1)*time.Hour)))
		}
		if got := w.handoffs[h.ID]; got.Stage != state.Completed {
			t.Errorf("%s: it is asked about again later", name)
		}
	}
}

// TestCalledBeforeWeWrote: a reading that our own write overtakes while it is looked at
// shows what the receiver did all the same, so that no deadline speaks without it; whose
// buyer it is, and what its fields say, is what the next reading tells (1.93).
func TestCalledBeforeWeWrote(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, c := range []struct {
		name   string
		called time.Duration
		owner  string
		read   time.Duration // when the record was changed last
		want   state.Stage
	}{
		{"called", 2 * time.Minute, "u-ana", 3 * time.Minute, state.Completed},
		{"called before it was theirs", -time.Minute, "u-ana", 3 * time.Minute, state.Accepted},
		{"somebody else has it", 2 * time.Minute, "u-hugh", 3 * time.Minute, state.Accepted},
		{"given back to whom it had", 2 * time.Minute, "", 3 * time.Minute, state.Accepted},
		{"from before we wrote the owner", 2 * time.Minute, "u-ana", 0, state.Accepted},
	} {
		w, rec, h := written(t, r)
		at := monday.Add(4 * time.Minute)
		w.decide(t, r, at, plan.Observed{Record: act(r, "tasks-1", map[string]any{
			connectors.ActType: "task", connectors.ActState: "open", connectors.ActMadeBy: "u-ana", connectors.ActMade: at.Format(time.RFC3339),
		}, rec.Ref), Via: "poll", Came: at})
		accept := w.steps()["accept"]
		delete(w.intents, accept.Write.Key)
		w.decide(t, r, at, plan.Delivered{Intent: accept, Ref: rec.Ref, Version: "9"})
		rec = given(rec, c.owner, 0)
		rec.ModifiedAt = monday.Add(c.read)
		rec.Fields[connectors.WorkFirstAt], rec.Fields[connectors.WorkFirstType] = monday.Add(c.called).Format(time.RFC3339), "call"
		rec.Fields["handoff_status"] = "Returned" // ours is later
		w.decide(t, r, at.Add(time.Second), see(rec))
		got := w.handoffs[h.ID]
		if got.Stage != c.want || !got.TouchedAt.IsZero() != (c.want == state.Completed) {
			t.Errorf("%s: %s, touched at %s", c.name, got.Stage, got.TouchedAt)
		}
	}
}

// TestOwnTaskIsNoWork: ticking off our own task is a person's doing and no
// contact with the buyer; what we write ourselves is nobody's (1.15).
func TestOwnTaskIsNoWork(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		accepted string
		want     state.Stage
	}{{"next_task_created, first_touch_logged", state.Assigned}, {"next_task_created, task_done", state.Accepted}} {
		r := writing(t, edit(t, "handoffs/demo-request.yaml", "next_task_created, first_touch_logged", tc.accepted))
		w, _ := assigned(t, r)
		key := w.only(t).Effects["task"].Key
		at := monday.Add(5 * time.Minute)
		w.decide(t, r, at, plan.Observed{Record: act(r, "tasks-1", did("task", "u-ana", at, "key", key)), Via: "poll", Came: at})
		if h := w.only(t); h.Stage != tc.want || !h.TouchedAt.IsZero() || h.Work == nil || h.Work.Count != 0 {
			t.Errorf("%s: %s %+v", tc.accepted, h.Stage, h.Work)
		}
	}
}

// TestCounters: what a CRM counts on the record. A count that moves without a
// newer date is a merge or a deletion and no contact; it never falls below
// nothing (4.13).
func TestCounters(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec := assigned(t, r)
	look := func(after time.Duration, pairs ...string) state.Work {
		rec.Version, rec.ModifiedAt = fmt.Sprintf("3-%05d", after/time.Second), monday.Add(after)
		rec.Fields = fields(rec, pairs...)
		w.decide(t, r, monday.Add(after), plan.Observed{Record: rec, Via: "poll", Came: monday.Add(after)})
		h := w.only(t)
		if h.Work == nil {
			return state.Work{}
		}
		return *h.Work
	}
	text := func(after time.Duration) string { return monday.Add(after).Format(time.RFC3339) }
	if got := look(time.Minute, "work_count", "7", "work_last_at", text(-time.Hour)); got.Count != 0 || got.Base != 7 {
		t.Errorf("the base is %+v", got)
	}
	if got := look(2*time.Minute, "work_count", "12"); got.Count != 0 || !got.First.IsZero() {
		t.Errorf("merged: %+v", got)
	}
	if got := look(3*time.Minute, "work_count", "3"); got.Count != 0 {
		t.Errorf("deleted: %+v", got)
	}
	if h := w.only(t); h.Stage != state.Assigned {
		t.Fatalf("counts alone: %s", h.Stage)
	}
	got := look(5*time.Minute, "work_count", "4", "work_last_at", text(4*time.Minute), "work_first_at", text(4*time.Minute), "work_first_type", "call")
	if h := w.only(t); got.Count != 1 || h.Stage != state.Completed || !h.TouchedAt.Equal(monday.Add(4*time.Minute)) || h.AcceptedBy != "ana@example.com" {
		t.Errorf("%s %+v", h.Stage, got)
	}
	if got := look(20*time.Minute, "work_count", "6", "work_last_at", text(19*time.Minute)); got.Count != 3 {
		t.Errorf("tried on past completion: %+v", got)
	}
	if got := look(50*time.Hour, "work_count", "9", "work_last_at", text(49*time.Hour)); got.Count != 3 {
		t.Errorf("tried after the window: %+v", got)
	}
}

// TestReturn: one write gives the record back with its reason and the rule that
// routed it; the turn is given back; a return without a reason is asked about
// once, and not where the reason came (4.14, 4.21, 4.25).
func TestReturn(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, reason := range []string{"", "clerical", "They are students"} {
		w, rec := assigned(t, r)
		before := w.only(t)
		at := monday.Add(20 * time.Minute)
		rec.Version, rec.ModifiedAt = "3", at
		rec.Fields = fields(rec, "handoff_status", "Returned", "handoff_return_reason", reason, "handoff_id", before.ID)
		w.decide(t, r, at, see(rec))
		h, steps := w.only(t), w.steps()
		if h.Stage != state.Returned || h.Accountable != "jo@example.com" || h.Returned == nil || h.Returned.By != "ana@example.com" || h.Returned.Rule != before.Why[len(before.Why)-1].Rule {
			t.Fatalf("%q: %s %+v", reason, h.Stage, h.Returned)
		}
		if set := steps["return"].Write.Set; set["hubspot_owner_id"] != "u-jo" || set["handoff_status"] != "Returned" || set["handoff_accountable"] != "jo@example.com" {
			t.Errorf("%q: %v", reason, set)
		}
		if task := steps["giver task"].Write.Set; task["owner"] != "u-jo" {
			t.Errorf("%q: the giver's task is %v", reason, task)
		}
		if p := w.pools["sdr_us"]; p.Turns["ana@example.com"] != 0 {
			t.Errorf("%q: the turn still counts: %v", reason, p.Turns)
		}
		asks := 0
		for range 2 {
			for _, timer := range w.timers {
				if timer.Clock == "return reason" {
					w.decide(t, r, timer.Due, plan.Fired{Timer: timer, Fresh: true})
				}
			}
		}
		if _, asked := w.steps()["ask reason"]; asked {
			asks++
		}
		if want := map[bool]int{true: 1}[reason == ""]; asks != want {
			t.Errorf("%q: asked %d times", reason, asks)
		}
		if want := map[string]string{"clerical": "Clerical"}[reason]; want != "" && h.Returned.Reason != want {
			t.Errorf("%q is %q", reason, h.Returned.Reason)
		}
	}
}

// TestReasonBeforeTheReturnStands: a reason that follows before the return was answered
// takes the place of nothing: where that has to be written again, the owner goes back
// all the same, and the reason is what the record says in the end (0.12, 4.14, 4.21).
func TestReasonBeforeTheReturnStands(t *testing.T) {
	t.Parallel()
	r := writing(t)
	quality := "handoff_quality_check"
	for _, class := range []connectors.Class{connectors.Conflict, connectors.NotFound} {
		w, rec := unmoved(t, r)
		for n, reason := range []string{"", "Too early"} {
			at := monday.Add(time.Duration(3+n) * time.Minute)
			rec.Version, rec.ModifiedAt = fmt.Sprint(7+n), at
			rec.Fields = fields(rec, "handoff_status", "Returned", "handoff_return_reason", reason)
			w.decide(t, r, at, see(rec))
		}
		if said := w.steps()["reason"].Write.Set; said[quality] != "returned: Too early" || len(said) != 1 {
			t.Errorf("%s: the reason is written as %v", class, said)
		}
		w.answered(t, r, monday.Add(5*time.Minute), "return", plan.Delivered{Class: class.String(), Err: "not so"})
		back := w.steps()["return"]
		if back.Write.Set["hubspot_owner_id"] != "u-jo" || back.Expect["hubspot_owner_id"] != "u-ana" {
			t.Errorf("%s: the owner goes back by %v over %v", class, back.Write.Set, back.Expect)
		}
		if reason := w.steps()["reason"]; back.Write.Set[quality] != "returned: Too early" && !back.Created.Before(reason.Created) {
			t.Errorf("%s: the record ends with %v", class, back.Write.Set[quality])
		}
		w.answered(t, r, monday.Add(6*time.Minute), "reason", plan.Delivered{Version: "8"})
		w.answered(t, r, monday.Add(6*time.Minute), "return", plan.Delivered{Version: "9"})
		rec.Version, rec.ModifiedAt, rec.Fields = "99", monday.Add(10*time.Minute), fields(rec, "owner", "u-jo", "handoff_status", "Assigned")
		w.decide(t, r, monday.Add(10*time.Minute), see(rec))
		if len(w.handoffs) != 2 {
			t.Errorf("%s: jo cannot hand it over again", class)
		}
	}
}

// TestLateReturn: later than the tier allows it is a return all the same, and
// it is listed (4.14).
func TestLateReturn(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec := assigned(t, r)
	at := monday.Add(25 * time.Hour)
	rec.Version, rec.ModifiedAt, rec.Fields = "3", at, fields(rec, "handoff_status", "Returned", "handoff_return_reason", "Other")
	w.decide(t, r, at, plan.Observed{Record: rec, Via: "poll", Came: at})
	h := w.only(t)
	if h.Stage != state.Returned || h.Late["return"].IsZero() || !slices.ContainsFunc(w.listings, func(l state.Listing) bool { return l.List == "returned" }) {
		t.Errorf("%s %v %v", h.Stage, h.Late, w.listings)
	}
}

// TestQuestions: each question makes one task for the giver, told twice or not
// (2.46, 3.32).
func TestQuestions(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec := assigned(t, r)
	for i, q := range []string{"Which product?", "Which product?", "Until when?"} {
		at := monday.Add(time.Duration(i+1) * time.Minute)
		rec.Version, rec.ModifiedAt, rec.Fields = fmt.Sprint(3+i), at, fields(rec, "handoff_gaps", q)
		w.decide(t, r, at, plan.Observed{Record: rec, Via: "poll", Came: at})
	}
	tasks := 0
	for step, i := range w.steps() {
		if strings.HasPrefix(step, "gap task") && i.Write.Set["owner"] == "u-jo" {
			tasks++
		}
	}
	if h := w.only(t); h.Questions != 2 || tasks != 2 {
		t.Errorf("%d questions, %d tasks", h.Questions, tasks)
	}
}

// TestTooFewAttempts: at the end of the window the attempts are counted up; too
// few are listed, unless the buyer answered (4.13).
func TestTooFewAttempts(t *testing.T) {
	t.Parallel()
	r := writing(t)
	who := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "51"}
	for _, tc := range []struct {
		calls int
		reply bool
		want  bool
	}{{0, false, true}, {2, false, true}, {5, false, false}, {2, true, false}} {
		w, _ := assigned(t, r)
		over := w.only(t).Due["attempts"]
		at := monday
		for i := range tc.calls {
			at = at.Add(time.Hour)
			w.decide(t, r, at, plan.Observed{Record: act(r, fmt.Sprint("calls-", i), did("call", "u-ana", at), who), Via: "poll", Came: at})
		}
		if tc.reply {
			w.decide(t, r, at, plan.Observed{Record: act(r, "emails-9", did("email", "", at, "towards", "us"), who), Via: "poll", Came: at})
		}
		for _, id := range slices.Sorted(maps.Keys(w.timers)) {
			if timer := w.timers[id]; timer.Clock == "attempts over" {
				w.decide(t, r, timer.Due, plan.Fired{Timer: timer, Fresh: true})
			}
		}
		listed := slices.ContainsFunc(w.listings, func(l state.Listing) bool { return l.List == "attempts" })
		if listed != tc.want || over.IsZero() {
			t.Errorf("%d calls, reply %v: listed %v", tc.calls, tc.reply, listed)
		}
		if i, ok := w.steps()["attempts"]; tc.calls == 5 && (!ok || i.Write.Set["handoff_touch_attempts"] != 5.0) {
			t.Errorf("the number is not written: %v", i.Write.Set)
		}
	}
}

// TestWholeLife: over random sequences of what buyers, receivers, meddlers and
// CRMs do, exactly one person is accountable for whatever is open, a deadline
// never moves without an audit row, whatever the admin makes of the rules
// meanwhile, and what is over stays over (0.12, 1.73, F4).
func TestWholeLife(t *testing.T) {
	t.Parallel()
	edited := []*plan.Rules{
		writing(t), writing(t, edit(t, "sla.yaml", "accept_within: 15 minutes", "accept_within: 5 minutes")),
		writing(t, edit(t, "sla.yaml", "accept_within: 15 minutes", "accept_within: 30 hours")),
	}
	who := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "51"}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		now, r := monday, edited[0]
		rec := demo("51", "dana@acme.com", "country", "US", "owner", "u-sync")
		w.decide(t, r, now, see(rec))
		for n := range rapid.IntRange(1, 25).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, "minutes")) * time.Minute)
			past := maps.Clone(w.handoffs)
			rows := len(w.audit)
			switch rapid.IntRange(0, 6).Draw(t, "event") {
			case 6:
				r = rapid.SampledFrom(edited).Draw(t, "rules")
			case 0:
				rec.Version, rec.ModifiedAt = fmt.Sprintf("3-%03d", n), now
				rec.Fields = fields(rec, "handoff_status", rapid.SampledFrom([]string{"Assigned", "Accepted", "Returned"}).Draw(t, "status"),
					"owner", rapid.SampledFrom([]string{"u-ana", "u-ana", "u-ben", "u-vera", ""}).Draw(t, "owner"),
					"handoff_return_reason", rapid.SampledFrom([]string{"", "Other"}).Draw(t, "reason"),
					"work_count", fmt.Sprint(rapid.IntRange(0, 9).Draw(t, "count")))
				rec.Deleted = rapid.IntRange(0, 30).Draw(t, "deleted") == 0
				w.decide(t, r, now, plan.Observed{Record: rec, Via: "poll", Came: now})
			case 1:
				a := act(r, fmt.Sprint("calls-", rapid.IntRange(0, 5).Draw(t, "id")), did(rapid.SampledFrom([]string{"call", "email", "meeting", "task"}).Draw(t, "kind"),
					rapid.SampledFrom([]string{"u-ana", "u-ben", "u-jo", "u-vera"}).Draw(t, "by"), now,
					"state", rapid.SampledFrom([]string{"done", "open", "cancelled"}).Draw(t, "state")), who)
				w.decide(t, r, now, plan.Observed{Record: a, Via: "poll", Came: now})
			case 2:
				for _, id := range slices.Sorted(maps.Keys(w.timers)) {
					timer := w.timers[id]
					delete(w.timers, id)
					w.decide(t, r, now, plan.Fired{Timer: timer, Fresh: true})
					break
				}
			case 3, 4:
				for _, key := range slices.Sorted(maps.Keys(w.intents)) {
					i := w.intents[key]
					delete(w.intents, key)
					d := plan.Delivered{Intent: i, Ref: i.Write.Ref, Version: fmt.Sprintf("2-%03d", n), Stamp: now}
					if d.Ref.ID == "" {
						d.Ref.ID = "new-" + key[:5]
					}
					w.decide(t, r, now, d)
					break
				}
			case 5:
				w.inactive("hubspot", rapid.SampledFrom([]string{"ana", "ben", "vera"}).Draw(t, "who"))
			}
			told := map[string]bool{}
			for _, row := range w.audit[rows:] {
				told[row.Subject] = true
			}
			for id, h := range w.handoffs {
				lived(t, past[id], h, told[id])
			}
		}
	})
}

// heardLate reports whether a handoff was given back before its record was told that it is
// done.
func heardLate(was, h state.Handoff) bool {
	return was.Stage == state.Completed && h.Stage == state.Returned && (was.Effects["complete"].State == handoff.Sent || was.Effects["complete here"].State == handoff.Sent)
}

// lived compares a handoff before and after one event.
func lived(t failer, was, h state.Handoff, told bool) {
	switch {
	case h.Accountable == "":
		t.Fatalf("nobody is accountable: %+v", h)
	case was.ID == "":
	case heardLate(was, h) && told:
	case !was.Stage.Open() && was.Stage != h.Stage:
		t.Fatalf("%s became %s", was.Stage, h.Stage)
	case h.Stage == state.Completed && (h.AcceptedAt.IsZero() || h.TouchedAt.IsZero()):
		t.Fatalf("completed without acceptance or touch: %+v", h)
	case h.Owner != was.Owner && !told:
		t.Fatalf("%s became %s, and nothing says why", was.Owner, h.Owner)
	case (!h.AcceptBy.Equal(was.AcceptBy) || !h.TouchBy.Equal(was.TouchBy)) && !was.AcceptBy.IsZero() && !told:
		t.Fatalf("a deadline moved: %+v, then %+v", was, h)
	}
	for clock, by := range was.Due {
		if h.Due[clock].After(by) && !told {
			t.Fatalf("%s moved away", clock)
		}
	}
}
