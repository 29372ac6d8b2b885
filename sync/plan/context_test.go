package plan_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
	"github.com/handoffd/handoffd/sync/plan"
)

// dealWords are what the type signed looks at, beside what the starter pack
// maps.
const dealWords = `  stored_in: deals
  fields:
    the_why:           {read: the_why}
    the_goals:         {read: the_goals}
    the_risks:         {read: the_risks}
    the_proposal:      {read: the_proposal}
    the_note:          {read: the_note}
    the_mode:          {read: the_mode}
    the_source:        {read: the_source}
    closed_on:         {read: closed_on, is_a: date}
    meets_at:          {read: meets_at, is_a: datetime}
    kicked_off:        {read: kicked_off, is_a: date}
    the_csm:           {read: the_csm, write: the_csm, is_a: user}
    is_signed:         {read: is_signed, is_a: yes_no}
    handoff_status:    {read: handoff_status, write: handoff_status}
`

const signed = `handoff: signed
what: The contract is signed
about: deal
on: hubspot
from: account executives
to: customer success
starts_when: {deal.is_signed: yes}
context: {must_have: [deal.the_why], if_missing: gate, hold_at_most: 48 hours, after_hold: escalate}
checklist: {}
sla: high_intent
owner: [round robin cs_onboarding]
receiver_becomes: deal.the_csm
accepted_when: {deal.the_csm: {filled: yes}}
first_touch_is: [meeting]
completed_when: {all: [first_touch, checklist_done]}
if_stalled: [standard]
`

// signing are rules with one type, signed, with some of its text replaced.
func signing(t *testing.T, pairs ...string) *plan.Rules {
	t.Helper()
	text := signed
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("no %q", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return writing(t, edit(t, "mappings/hubspot.yaml", "  stored_in: deals\n  fields:\n", dealWords), map[string]string{"handoffs/signed.yaml": text})
}

// deal is one of Erin's; version tells readings apart.
func deal(version string, fields ...string) state.Record {
	r := state.Record{
		Ref: connectors.Ref{Conn: "hubspot", Kind: "deals", ID: "7"}, Noun: "deal", Version: version,
		CreatedAt: monday.Add(-time.Hour), ModifiedAt: monday.Add(-time.Minute),
		Fields: map[string]string{"name": "Acme platform", "owner": "u-erin", "is_signed": "yes"},
	}
	for i := 0; i < len(fields); i += 2 {
		r.Fields[fields[i]] = fields[i+1]
	}
	return r
}

// of is the handoff of type signed.
func (w *world) of(t *testing.T) state.Handoff {
	t.Helper()
	for _, h := range w.handoffs {
		if h.Type == "signed" {
			return h
		}
	}
	t.Fatalf("no handoff: %+v", w.listings)
	return state.Handoff{}
}

// done answers every write that waits, as a CRM does.
func (w *world) done(t *testing.T, r *plan.Rules, now time.Time) {
	t.Helper()
	for n := 0; len(w.intents) > 0 && n < 100; n++ {
		keys := make([]string, 0, len(w.intents))
		for k := range w.intents {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		i := w.intents[keys[0]]
		delete(w.intents, keys[0])
		ref := i.Write.Ref
		if ref.ID == "" {
			ref.ID = "made-" + i.Write.Key[:6]
		}
		w.decide(t, r, now, plan.Delivered{Intent: i, Ref: ref})
	}
}

// fire lets every timer of a clock speak that is due.
func (w *world) fire(t *testing.T, r *plan.Rules, now time.Time, clock string) {
	t.Helper()
	var due []state.Timer
	for _, timer := range w.timers {
		if timer.Clock == clock && !timer.Due.After(now) {
			due = append(due, timer)
		}
	}
	slices.SortFunc(due, func(a, b state.Timer) int { return strings.Compare(a.ID, b.ID) })
	for _, timer := range due {
		delete(w.timers, timer.ID)
		w.decide(t, r, now, plan.Fired{Timer: timer, Fresh: true})
	}
}

func (w *world) listed(list string) []string {
	var out []string
	for _, l := range w.listings {
		if l.List == list {
			out = append(out, l.Text)
		}
	}
	return out
}

func (w *world) audited(action string) int {
	n := 0
	for _, row := range w.audit {
		if row.Action == action {
			n++
		}
	}
	return n
}

// TestGateHolds: what must be there holds the handoff, the giver is accountable
// and has one task that says what is missing; when it is there the handoff goes
// on and the task is ticked off (0.6, 0.13, 1.92, 3.10, 3.30, 3.46).
func TestGateHolds(t *testing.T) {
	t.Parallel()
	r, w := signing(t, "[deal.the_why]", "[deal.the_why, deal.the_goals]"), newWorld()
	w.decide(t, r, monday, see(deal("1")))
	h := w.of(t)
	if h.Stage != state.Held || h.Accountable != "erin@example.com" || h.Owner != "" || h.HoldUntil != monday.Add(48*time.Hour) || !slices.Equal(h.Missing, []string{"deal.the_why", "deal.the_goals"}) {
		t.Fatalf("%s %q %s %v", h.Stage, h.Accountable, h.HoldUntil, h.Missing)
	}
	steps := w.steps()
	if task := steps["chase"].Write; task.Set[connectors.TaskOwner] != "u-erin" || !strings.Contains(task.Set[connectors.TaskSubject].(string), "Deal the why, Deal the goals") {
		t.Errorf("%+v", task)
	}
	if len(w.intents) != 2 || steps["hold"].Write.Set["handoff_completeness"] != "0" {
		t.Errorf("%+v", steps)
	}
	w.done(t, r, monday)
	w.decide(t, r, monday.Add(time.Hour), see(deal("2", "the_why", "Their churn")))
	if h = w.of(t); h.Stage != state.Held || !slices.Equal(h.Missing, []string{"deal.the_goals"}) || h.Complete != 50 {
		t.Fatalf("%s %v", h.Stage, h.Missing)
	}
	if s := w.steps()["chase now"].Write.Set[connectors.TaskSubject]; s == nil || strings.Contains(s.(string), "the why") {
		t.Errorf("the task still says %v", s)
	}
	if set := w.steps()["hold"].Write.Set; set["handoff_completeness"] != "50" || set["handoff_decision_id"] == "" {
		t.Errorf("the record says %v", set)
	}
	w.done(t, r, monday.Add(time.Hour))
	w.decide(t, r, monday.Add(2*time.Hour), see(deal("3", "the_why", "Their churn", "the_goals", "Cut it by 30%")))
	if h = w.of(t); h.Stage != state.Assigned || h.Complete != 100 || h.HeldAt != monday {
		t.Fatalf("%s %d", h.Stage, h.Complete)
	}
	if s := w.steps()["chase now"].Write.Set; s[connectors.TaskStatus] != "done" {
		t.Errorf("the giver's task is left: %v", s)
	}
	if held := w.audited("held"); held != 1 || w.audited("went on") != 1 {
		t.Errorf("%+v", w.audit)
	}
}

// TestSaidEarly: a status that somebody sets while a gate holds the handoff moves nothing,
// and is listed, once; what another handoff of the record is about is not.
func TestSaidEarly(t *testing.T) {
	t.Parallel()
	for name, listed := range map[string]int{"of this handoff": 1, "of another": 0} {
		r, w := signing(t, "[deal.the_why]", "[deal.the_why, deal.the_goals]"), newWorld()
		w.decide(t, r, monday, see(deal("1")))
		w.done(t, r, monday)
		h := w.of(t)
		id := map[string]string{"of this handoff": h.ID, "of another": "x"}[name]
		before := len(w.listed("context"))
		for n, status := range []string{"", "Accepted", "Accepted"} {
			rec := deal(strconv.Itoa(n+2), "handoff_id", id, "handoff_status", status)
			w.decide(t, r, monday.Add(time.Duration(n+1)*time.Hour), see(rec))
		}
		got := w.listed("context")[before:]
		if h = w.of(t); h.Stage != state.Held || len(got) != listed {
			t.Errorf("%s: %s, listed %q", name, h.Stage, got)
		}
	}
}

// TestAfterHold: a gate that has been shut for as long as it may stays shut and
// is listed, or lets the handoff go on, marked incomplete (3.46, 3.57).
func TestAfterHold(t *testing.T) {
	t.Parallel()
	for after, want := range map[string]state.Stage{"escalate": state.Held, "release": state.Assigned} {
		r, w := signing(t, "after_hold: escalate", "after_hold: "+after), newWorld()
		w.decide(t, r, monday, see(deal("1")))
		w.done(t, r, monday)
		w.fire(t, r, monday.Add(47*time.Hour), "hold")
		if h := w.of(t); h.Stage != state.Held {
			t.Fatalf("%s: %s after 47 hours", after, h.Stage)
		}
		w.fire(t, r, monday.Add(48*time.Hour), "hold")
		h, listed := w.of(t), w.listed("context")
		told := 0
		for _, i := range w.intents {
			if i.Write.Set[connectors.TaskOwner] == "u-vera" && strings.HasPrefix(i.Write.Set[connectors.TaskSubject].(string), "Still held") {
				told++
			}
		}
		if (told == 1) != (want == state.Held) {
			t.Errorf("%s: the manager is told %d times", after, told)
		}
		if h.Stage != want || len(listed) != 2 || len(h.Missing) != 1 {
			t.Errorf("%s: %s %v %v", after, h.Stage, h.Missing, listed)
		}
	}
}

// TestChase: without a gate the handoff goes on at once and the giver is asked
// for what is missing, once and once more; the task is ticked off when it is
// there (1.4, 1.20, 2.1, 2.11).
func TestChase(t *testing.T) {
	t.Parallel()
	r, w := signing(t, "if_missing: gate, hold_at_most: 48 hours, after_hold: escalate", "if_missing: route_then_chase, chase_again: 24 hours"), newWorld()
	w.decide(t, r, monday, see(deal("1")))
	h := w.of(t)
	if h.Stage != state.Assigned || h.Complete != 0 || w.steps()["chase"].Write.Set[connectors.TaskOwner] != "u-erin" {
		t.Fatalf("%s %+v", h.Stage, w.steps())
	}
	if brief := w.steps()["task"].Write.Set[connectors.TaskBody].(string); !strings.Contains(brief, "Deal the why: still missing") {
		t.Errorf("the brief does not say what is missing:\n%s", brief)
	}
	w.done(t, r, monday)
	w.fire(t, r, monday.Add(24*time.Hour), "chase")
	if s := w.steps()["chase now"].Write.Set; len(w.intents) != 1 || !strings.HasPrefix(s[connectors.TaskSubject].(string), "Asked again.") {
		t.Errorf("%+v", w.intents)
	}
	w.done(t, r, monday.Add(24*time.Hour))
	w.fire(t, r, monday.Add(96*time.Hour), "chase")
	if len(w.intents) != 0 {
		t.Errorf("asked a third time: %+v", w.intents)
	}
	w.decide(t, r, monday.Add(25*time.Hour), see(deal("2", "the_why", "Their churn")))
	steps := w.steps()
	if h = w.of(t); h.Complete != 100 || len(h.Missing) != 0 || steps["chase now"].Write.Set[connectors.TaskStatus] != "done" || steps["known"].Write.Set["handoff_completeness"] != "100" {
		t.Errorf("%d %v %+v", h.Complete, h.Missing, steps)
	}
}

// TestBySource: each source has a required set of its own (3.33).
func TestBySource(t *testing.T) {
	t.Parallel()
	r := signing(t, "[deal.the_why]", "[deal.the_why, {fields: [deal.the_goals, deal.the_risks], if: {deal.the_source: Event}}]")
	for source, want := range map[string][]string{"Web": {"deal.the_why"}, "Event": {"deal.the_why", "deal.the_goals", "deal.the_risks"}, "": {"deal.the_why"}} {
		w := newWorld()
		w.decide(t, r, monday, see(deal("1", "the_source", source)))
		if diff := cmp.Diff(want, w.of(t).Missing); diff != "" {
			t.Errorf("%q: %s", source, diff)
		}
	}
}

// TestJudged: goals without a number, links that are none, boilerplate, and a
// note pasted from another record count as missing at a gate, and are said in
// the brief without one (2.8, 3.21, 3.27, 3.48).
func TestJudged(t *testing.T) {
	t.Parallel()
	const rule = "must_have: [deal.the_goals, deal.the_proposal], note: deal.the_note, note_at_least: 100 characters, measurable: [deal.the_goals], links: [deal.the_proposal], "
	good := notes(t, "good.txt")[0]
	fine := []string{"the_goals", "Cut onboarding by 30%", "the_proposal", "https://docs.example.com/p/7", "the_note", good}
	tests := []struct {
		name  string
		edit  []string
		wants string
	}{
		{"fine", nil, ""},
		{"no number", []string{"the_goals", "Happier users"}, "deal.the_goals holds no number and no unit"},
		{"no link", []string{"the_proposal", "in my mailbox"}, "deal.the_proposal holds no web address"},
		{"no https", []string{"the_proposal", "http://docs.example.com/p"}, "deal.the_proposal holds \"http://docs.example.com/p\", which does not begin with https"},
		{"boilerplate", []string{"the_note", "Interested in solution"}, `deal.the_note has 22 of 100 characters; says no more than "interested in solution"`},
	}
	for _, test := range tests {
		r, w := signing(t, "must_have: [deal.the_why], ", rule+"lint: gate, "), newWorld()
		w.decide(t, r, monday, see(deal("1", append(slices.Clone(fine), test.edit...)...)))
		h := w.of(t)
		want := state.Held
		if test.wants == "" {
			want = state.Assigned
		}
		at, what, _ := strings.Cut(test.wants, " ")
		if h.Stage != want || !strings.HasSuffix(h.Note, what) || at != "" && !slices.Contains(h.Missing, at) {
			t.Errorf("%s: %s %v %q, want %q", test.name, h.Stage, h.Missing, h.Note, test.wants)
		}
		r, w = signing(t, "must_have: [deal.the_why], ", rule+"lint: warn, "), newWorld()
		if test.name == "boilerplate" {
			continue // it is too short all the same
		}
		w.decide(t, r, monday, see(deal("1", append(slices.Clone(fine), test.edit...)...)))
		if brief := w.steps()["task"].Write.Set[connectors.TaskBody].(string); w.of(t).Stage != state.Assigned || !strings.Contains(brief, what) {
			t.Errorf("%s: %s\n%s", test.name, w.of(t).Stage, brief)
		}
	}
	r, w := signing(t, "must_have: [deal.the_why], ", rule+"lint: gate, "), newWorld()
	w.decide(t, r, monday, see(deal("1", fine...)))
	other := deal("1", fine...)
	other.Ref.ID = "8"
	delete(w.handoffs, w.of(t).ID)
	w.decide(t, r, monday.Add(time.Hour), see(other))
	if h := w.of(t); h.Stage != state.Held || !strings.Contains(h.Note, "is the same as on hubspot/deals/7") {
		t.Errorf("a pasted note passes: %s %q", h.Stage, h.Note)
	}
}

// TestBrief answers four questions and shows what forbids to call; then no task
// is a call; nobody has to be asked what they have told us before (0.4, 1.52, 1.53, 1.56, 1.59, 2.9, 2.21, 3.22, 3.23).
func TestBrief(t *testing.T) {
	t.Parallel()
	words := edit(t, "mappings/hubspot.yaml", "    email:             {read: email,", "    do_not_call:       {read: do_not_call, is_a: yes_no}\n    email:             {read: email,")
	if strings.Contains(strings.Replace(words["mappings/hubspot.yaml"], "do_not_call:", "", 1), "do_not_call:") {
		words = nil // the starter pack maps it
	}
	r, w := writing(t, words), newWorld()
	w.decide(t, r, monday, see(demo("51", "dana@acme.com", "full_name", "Dana Ito", "title", "VP", "role", "Champion", "do_not_call", "yes",
		connectors.WorkCount, "3", connectors.WorkLastAt, monday.Add(-48*time.Hour).Format(time.RFC3339))))
	h, task := w.only(t), w.steps()["task"].Write.Set
	brief := task[connectors.TaskBody].(string)
	last := -1
	for _, part := range []string{
		"Take care\nDo not call", "Why did they engage?", "Why now?", "What did we already say?\nIn touch 3 times so far, last Sat 14 Mar",
		"What should happen next?\nWrite to them before", "Who decides?\nDana Ito, VP: Champion", "What we know", "Why you?",
	} {
		at := strings.Index(brief, part)
		if at <= last {
			t.Errorf("%q is not there, or not in its place:\n%s", part, brief)
		}
		last = at
	}
	if task[connectors.TaskType] != "email" || !slices.ContainsFunc(h.Why, func(r state.Reason) bool { return strings.Contains(r.Text, "must not be called") }) {
		t.Errorf("%v %v", task[connectors.TaskType], h.Why)
	}
}

// TestChecklist: the transfer waits for the giver's part, the receiver's part
// comes with it, each a task of its own that is made once; a thing is done by
// its task or its proof (3.8, 3.9, 3.29, 3.47, 3.49, 3.50, 3.51, 3.53, 3.56).
func TestChecklist(t *testing.T) {
	t.Parallel()
	r, w := signing(t, "checklist: {}", `checklist:
  before_transfer:
    - {do: CSM introduced by e-mail, proof: email}
    - Kickoff on the calendar
  after_transfer:
    - {do: Review and flag gaps, within: 24 hours}
    - {do: Send the guide, if: {deal.the_mode: Self-serve}}
    - {do: Walk them through it, if: {deal.the_mode: Guided}}
    - {do: Customer kickoff, within: 5 working days, counted_from: deal.closed_on, after_all_of_the_above: yes, proof: deal.kicked_off}`), newWorld()
	full := []string{"the_why", "Their churn", "the_mode", "Guided", "closed_on", "2026-03-16"}
	w.decide(t, r, monday, see(deal("1", full...)))
	h := w.of(t)
	if h.Stage != state.Held || len(h.Items) != 2 || len(w.steps()) != 3 {
		t.Fatalf("%s %+v %v", h.Stage, h.Items, w.steps())
	}
	w.done(t, r, monday)
	mail := state.Record{Ref: connectors.Ref{Conn: "hubspot", Kind: connectors.Activity, ID: "emails-1"}, Noun: "activity", Links: []connectors.Ref{h.Record}, Fields: map[string]string{
		connectors.ActType: "email", connectors.ActState: "done", connectors.ActTowards: "buyer", connectors.ActOwner: "u-ana", connectors.ActAt: monday.Add(time.Hour).Format(time.RFC3339),
	}}
	w.decide(t, r, monday.Add(time.Hour), see(mail))
	if h = w.of(t); !h.Items[0].Done.IsZero() {
		t.Fatalf("somebody else's e-mail counts")
	}
	mail.Ref.ID, mail.Fields[connectors.ActOwner] = "emails-2", "u-erin"
	w.decide(t, r, monday.Add(2*time.Hour), see(mail))
	if h = w.of(t); h.Items[0].Done.IsZero() || h.Stage != state.Held {
		t.Fatalf("%s %+v", h.Stage, h.Items)
	}
	w.done(t, r, monday.Add(2*time.Hour))
	w.tick(t, r, h.Items[1], h, monday.Add(3*time.Hour))
	h = w.of(t)
	var todo []string
	for _, i := range h.Items[2:] {
		todo = append(todo, i.Do+" "+i.Who+" "+i.By.Format(time.RFC3339))
	}
	want := []string{
		"Review and flag gaps " + h.Owner + " 2026-03-17T17:00:00Z", "Walk them through it " + h.Owner + " 0001-01-01T00:00:00Z",
		"Customer kickoff " + h.Owner + " 2026-03-23T22:00:00Z",
	}
	if diff := cmp.Diff(want, todo); diff != "" || h.Stage != state.Assigned {
		t.Errorf("%s %s", h.Stage, diff)
	}
	if n := w.count("item "); n != 3 {
		t.Errorf("%d tasks, want 3", n)
	}
	w.done(t, r, monday.Add(3*time.Hour))
	w.fire(t, r, monday.Add(28*time.Hour), "item")
	if late := w.listed("checklist"); len(late) != 1 || !strings.Contains(late[0], "Review and flag gaps was due") {
		t.Errorf("%v", late)
	}
	told := false
	for _, i := range w.intents {
		told = told || i.Write.Set[connectors.TaskOwner] == "u-tomas" && strings.HasPrefix(i.Write.Set[connectors.TaskSubject].(string), "Review and flag gaps")
	}
	if !told {
		t.Errorf("the manager is not told: %+v", w.steps())
	}
	w.decide(t, r, monday.Add(29*time.Hour), see(deal("9", append(full, "the_csm", "u-"+strings.TrimSuffix(h.Owner, "@example.com"), "kicked_off", "2026-03-17")...)))
	if h = w.of(t); h.Items[4].Done.IsZero() {
		t.Fatalf("the field does not prove it: %+v", h.Items)
	}
	if flagged := w.listed("checklist"); len(flagged) != 2 || !strings.Contains(flagged[1], "Customer kickoff, before Review and flag gaps, Walk them through it") {
		t.Errorf("%v", flagged)
	}
}

// tick ticks off the task of a thing.
func (w *world) tick(t *testing.T, r *plan.Rules, i state.Item, h state.Handoff, at time.Time) {
	t.Helper()
	w.decide(t, r, at, plan.Observed{Via: "poll", Came: at, Read: at, Record: state.Record{
		Ref: connectors.Ref{Conn: "hubspot", Kind: connectors.Activity, ID: "tasks-" + i.Step}, Noun: "activity",
		Fields: map[string]string{connectors.ActType: "task", connectors.ActState: "done", connectors.ActKey: h.Effects[i.Step].Key, connectors.ActAt: at.Format(time.RFC3339), connectors.ActOwner: "u-erin"},
	}})
}

// count is how many creates of tasks wait.
func (w *world) count(prefix string) int {
	n := 0
	for _, i := range w.intents {
		if strings.HasPrefix(i.Step, prefix) && i.Write.Ref.ID == "" {
			n++
		}
	}
	return n
}

// TestMilestones: tasks at a time that a date gives, in working hours; a date
// that moves takes them along, and the audit says who moved it; what was to come
// before a date that is over is not asked for any more (2.23, 2.24, 3.15, 3.26).
func TestMilestones(t *testing.T) {
	t.Parallel()
	r, w := signing(t, "checklist: {}", `milestones:
  - {at: 30 days after deal.closed_on, do: Plant the renewal, within: 2 working days}
  - {at: 1 day before deal.meets_at, do: Confirm the meeting, who: giver}
  - {at: 2 days after deal.closed_on, do: Only if guided, if: {deal.the_mode: Guided}}`), newWorld()
	meets := monday.Add(72 * time.Hour)
	fields := func(at time.Time) []string {
		return []string{"the_why", "Churn", "closed_on", "2026-03-16", "meets_at", at.Format(time.RFC3339)}
	}
	w.decide(t, r, monday, see(deal("1", fields(meets)...)))
	h := w.of(t)
	if len(h.Items) != 3 || w.count("item ") != 0 || h.Items[1].After != meets.Add(-24*time.Hour) || h.Items[1].By != meets || h.Items[1].Who != "erin@example.com" {
		t.Fatalf("%+v", h.Items)
	}
	if at := h.Items[0].After; at.Format(time.DateOnly) != "2026-04-15" || at.Hour() != 13 {
		t.Errorf("the renewal is planted at %s", at)
	}
	w.done(t, r, monday)
	moved := meets.Add(24 * time.Hour)
	later := deal("2", fields(moved)...)
	later.ModifiedBy = "u-erin"
	w.decide(t, r, monday.Add(time.Hour), see(later))
	if h = w.of(t); h.Items[1].By != moved || w.audited("milestone moved") != 1 {
		t.Fatalf("%+v", h.Items[1])
	}
	if i := slices.IndexFunc(w.audit, func(a state.AuditRow) bool { return a.Action == "milestone moved" }); w.audit[i].Detail["changed_by"] != "u-erin" || w.audit[i].Detail["field"] != "deal.meets_at" {
		t.Errorf("nobody is named: %v", w.audit[i].Detail)
	}
	w.fire(t, r, meets.Add(-time.Minute), "item")
	if w.count("item ") != 0 || w.audited("milestone not wanted") != 1 {
		t.Errorf("too early: %+v", w.steps())
	}
	w.fire(t, r, moved.Add(-24*time.Hour), "item")
	if w.count("item ") != 1 {
		t.Errorf("%d tasks", w.count("item "))
	}
	w.done(t, r, moved)
	// It goes on after the handoff is over.
	over, err := handoff.Complete(accepted(t, w.of(t)), moved)
	if err != nil {
		t.Fatal(err)
	}
	w.handoffs[over.ID] = over
	w.fire(t, r, monday.Add(31*24*time.Hour), "item")
	if w.count("item ") != 1 {
		t.Errorf("the renewal is not planted: %+v", w.steps())
	}
	past := newWorld()
	past.decide(t, r, monday, see(deal("1", fields(monday.Add(-time.Hour))...)))
	if n := len(past.of(t).Items); n != 2 {
		t.Errorf("%d items for a meeting that is over", n)
	}
}

func accepted(t *testing.T, h state.Handoff) state.Handoff {
	t.Helper()
	h.Written = h.AssignedAt
	out, err := handoff.Accept(h, h.Owner, h.AssignedAt)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPrepared flags a contract that was signed before anybody had begun to
// prepare the handover (3.4, 3.28).
func TestPrepared(t *testing.T) {
	t.Parallel()
	r, w := signing(t, "from: account", "prepared_by: demo_request\nfrom: account"), newWorld()
	w.decide(t, r, monday, see(deal("1")))
	if got := w.listed("preparation"); len(got) != 1 || !strings.Contains(got[0], "demo_request had not been begun") {
		t.Errorf("%v", got)
	}
	w = newWorld()
	w.handoffs["p"] = state.Handoff{ID: "p", Type: "demo_request", Record: deal("1").Ref, Target: deal("1").Ref, Stage: state.Completed, AcceptedAt: monday}
	w.decide(t, r, monday, see(deal("1")))
	if got := w.listed("preparation"); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// TestContextFaults: what does nothing is told.
func TestContextFaults(t *testing.T) {
	t.Parallel()
	tests := []struct{ from, to, code string }{
		{"[deal.the_why]", "[{fields: [deal.the_wy], if: {deal.the_source: Event}}]", "undefined-field"},
		{"[deal.the_why]", "[deal.the_why], note_at_least: 50", "no-note"},
		{"[deal.the_why]", "[deal.the_why], measurable: [deal.the_goals]", "not-judged"},
		{"checklist: {}", "checklist: {after_transfer: [{do: x, proof: deal.kicked}]}", "undefined-field"},
		{"checklist: {}", "milestones: [{at: 1 day after deal.the_why, do: x}]", "not-a-date"},
		{"checklist: {}", "milestones: [{at: 1 working day before deal.meets_at, do: x}]", "bad-moment"},
		{"checklist: {}", "prepared_by: demo_reqest", "undefined-handoff"},
	}
	for _, test := range tests {
		all := edit(t, "mappings/hubspot.yaml", "  stored_in: deals\n  fields:\n", dealWords)
		all["handoffs/signed.yaml"] = strings.Replace(signed, test.from, test.to, 1)
		doc, ds := mappings.Load(folder(t, all))
		if mappings.Failed(ds) {
			t.Fatal(ds)
		}
		_, ds = plan.Compile(doc)
		if !slices.ContainsFunc(ds, func(d mappings.Diagnostic) bool {
			return d.Code == test.code && d.Pos.File == "handoffs/signed.yaml" && d.Pos.Line > 0
		}) {
			t.Errorf("%s: %v", test.code, ds)
		}
	}
}

// TestGates: what the CRM itself should refuse, in its own names and codes; a
// start that no rule can say is told (1.93, 3.10).
func TestGates(t *testing.T) {
	t.Parallel()
	r := signing(t, "[deal.the_why]", "[deal.the_why, company.name, {fields: deal.the_goals, if: {deal.the_source: Event}}]")
	gates, unsaid := r.Gates("hubspot")
	gates = slices.DeleteFunc(gates, func(g connectors.Gate) bool { return g.Name != "signed" })
	want := []connectors.Gate{{
		Name: "signed", Kind: "deals", When: []connectors.GateWhen{{Field: connectors.Field{Name: "is_signed"}, Values: []string{"true"}}},
		Required: []connectors.Field{{Name: "the_why"}},
	}}
	if diff := cmp.Diff(want, gates); diff != "" || slices.Contains(unsaid, "signed") {
		t.Errorf("%s %v", diff, unsaid)
	}
	r = signing(t, "{deal.is_signed: yes}", "{deal.the_source: {contains: x}}")
	if _, unsaid := r.Gates("hubspot"); !slices.Contains(unsaid, "signed") {
		t.Errorf("%v", unsaid)
	}
}
