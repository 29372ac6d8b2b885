package judge

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

var (
	noon = time.Date(2026, 3, 19, 12, 0, 0, 0, time.UTC)
	lead = connectors.Ref{Conn: "crm", Kind: "people", ID: "7"}
	job  = connectors.Ref{Conn: "crm", Kind: "jobs", ID: "9"}
)

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

// fine is a tiny run in which nothing is wrong: one buyer, one handoff, one
// task, one owner.
func fine() *Facts {
	h := state.Handoff{
		ID: "h1", Type: "demo", Record: lead, Target: lead, Stage: state.Assigned, Owner: "ana@example.com", Accountable: "ana@example.com",
		Signals: []state.Signal{{Record: lead, At: at(0)}}, DetectedAt: at(1), AssignedAt: at(1), AcceptBy: at(901), Written: at(2),
		Before: map[string]any{"owner_id": nil},
		Effects: map[string]state.Effect{
			stepAssign: {Key: "k1", State: "done", Ref: lead}, stepTask: {Key: "k2", State: "done", Ref: job},
		},
	}
	m := momentOf(h)
	m.At = at(1)
	return &Facts{
		Run:     Run{Began: noon, Ended: at(3600), Quiesced: true, UniqueTasks: true, PollS: 120, Starts: []time.Time{noon}, Second: &Second{Calls: 4}, Quota: map[string]int{"x": 100}},
		Missing: map[string]string{}, Handoffs: []state.Handoff{h}, Lives: map[string][]Moment{"h1": {m}},
		Events: []Event{{ID: "e1", Ref: lead, Known: true}},
		Given:  []Given{{Type: "demo", Record: lead, At: at(0), Changed: at(0)}}, Versions: map[string]int{typed("demo", lead): 1},
		Reached: []Reached{{Ref: lead, Changed: at(0), Known: true, AsOf: at(0)}},
		Users:   map[string]map[string]connectors.User{"crm": {"1": {ID: "1", Email: "ana@example.com"}, "2": {ID: "2", Email: "ben@example.com"}}},
		Objects: map[connectors.Ref]*Object{lead: {Owner: "1", Seen: true, Live: true, Owners: []Move{{At: at(2), Field: "owner_id", To: "1", Actor: "api:us", Ours: true}}}},
		Tasks:   []*Task{{Ref: job, Key: "k2", ByUs: true, Spans: []Span{{From: at(2)}}}}, Decided: map[string]string{"k2": "h1"},
		Creates: 1, Touched: map[Field]*Touch{{"crm", "people", "owner_id"}: {Times: 1, First: lead}}, Allowed: map[Field]bool{{"crm", "people", "owner_id"}: true},
		Timers:    []Due{{Handoff: "h1", Clock: acceptClock, Step: 1, Due: at(901), Set: at(1), Fired: at(902), Times: 1}},
		AuditRows: 3, Decisions: 2, Files: 1, Lines: 10, Calls: map[string]*Calls{"x": {All: 20, Day: map[string]int{"2026-03-19": 20}, Share: 0.4}},
	}
}

// TestEveryRuleCanHold: each of the fifteen looks at something in the tiny run
// and holds (A1–A15).
func TestEveryRuleCanHold(t *testing.T) {
	t.Parallel()
	for _, v := range Weigh(fine()) {
		if v.Held != RuleHeld || v.Looked == 0 {
			t.Errorf("%s is %s, looked at %d: %s %v", v.Rule, v.Held, v.Looked, v.Why, v.Offence)
		}
	}
}

// person and us are who changes the owner of the one record.
func person(second int, from, to string) Move {
	return Move{At: at(second), Field: "owner_id", From: from, To: to, Actor: "person:ben@example.com"}
}

func us(second int, from, to string) Move {
	return Move{At: at(second), Field: "owner_id", From: from, To: to, Actor: "api:us", Ours: true}
}

// TestEveryRuleCanBreak: one thing wrong breaks the rule it is about, and the
// offender is named.
func TestEveryRuleCanBreak(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, rule, names string
		spoil             func(*Facts)
	}{
		{"lost event", "A1", "crm/people/7", func(f *Facts) { f.Events[0].Known = false }},
		{"signal without outcome", "A2", "crm/people/7", func(f *Facts) { f.Handoffs[0].Signals[0].At = at(-500) }},
		{"signal that stood for long before the next", "A2", "crm/people/7", func(f *Facts) {
			f.Given[0].Next = at(3000)
			f.Given = append(f.Given, Given{Type: "demo", Record: lead, At: at(3000), Changed: at(3000)})
			f.Versions[typed("demo", lead)] = 2
			f.Handoffs[0].Signals[0].At = at(3000)
		}},
		{"signal with two outcomes", "A2", "crm/people/7", func(f *Facts) {
			h := f.Handoffs[0]
			h.ID = "h2"
			f.Handoffs = append(f.Handoffs, h)
		}},
		{"signal nobody gave", "A2", "demo crm/people/7", func(f *Facts) {
			f.Handoffs[0].Signals = append(f.Handoffs[0].Signals, state.Signal{Record: lead, At: at(60)})
		}},
		{"record read past", "A2", "crm/people/7", func(f *Facts) { f.Reached[0].Known = false }},
		{"record known as it was", "A2", "crm/people/7", func(f *Facts) { f.Reached[0].Changed = at(60) }},
		{"write without answer", "A2", "h1", func(f *Facts) { f.Handoffs[0].Effects[stepTask] = state.Effect{Key: "k2", State: "sent"} }},
		{"inbox not empty", "A2", "crm/people/7", func(f *Facts) {
			f.Waiting, f.Inbox = 1, []state.Change{{Change: connectors.Change{Ref: lead}}}
		}},
		{"two tasks of one key", "A3", "crm/jobs/9", func(f *Facts) {
			f.Tasks = append(f.Tasks, &Task{Ref: connectors.Ref{Conn: "crm", Kind: "jobs", ID: "10"}, Key: "k2", ByUs: true, Spans: []Span{{From: at(3), Until: at(4)}}})
		}},
		{"a task nobody decided", "A3", "crm/jobs/9", func(f *Facts) { f.Decided = map[string]string{} }},
		{"a task that never stood", "A3", "h1", func(f *Facts) { f.Tasks = nil }},
		{"two records for one buyer", "A3", "crm/people/7", func(f *Facts) {
			f.Objects[lead].ByUs, f.Objects[lead].Email = true, "b@x.example"
			f.Objects[connectors.Ref{Conn: "crm", Kind: "people", ID: "8"}] = &Object{ByUs: true, Email: "b@x.example"}
		}},
		{"nobody accountable for a moment", "A4", "h1", func(f *Facts) { f.Lives["h1"][0].Accountable = "" }},
		{"another owner in the CRM", "A4", "crm/people/7", func(f *Facts) { f.Objects[lead].Owner = "2" }},
		{"somebody nobody decided on, for a while", "A4", "crm/people/7", func(f *Facts) {
			f.Objects[lead].Owners = append(f.Objects[lead].Owners, us(30, "1", "2"), us(3000, "2", "1"))
		}},
		{"deadline slid", "A5", "h1", func(f *Facts) {
			later := f.Lives["h1"][0]
			later.At, later.AcceptBy = at(60), at(1200)
			f.Lives["h1"] = append(f.Lives["h1"], later)
			f.Handoffs[0].AcceptBy = at(1200)
		}},
		{"deadline slid at the instant of another decision", "A5", "h1", func(f *Facts) {
			same := f.Lives["h1"][0]
			same.At = at(60)
			later := same
			later.AcceptBy = at(1200)
			f.Lives["h1"] = append(f.Lives["h1"], same, later)
			f.Handoffs[0].AcceptBy = at(1200)
		}},
		{"its only deadline gone", "A5", "h1", func(f *Facts) {
			later := f.Lives["h1"][0]
			later.At, later.AcceptBy = at(60), time.Time{}
			f.Lives["h1"] = append(f.Lives["h1"], later)
			f.Handoffs[0].AcceptBy = time.Time{}
		}},
		{"deadline not the rules'", "A5", "h1", func(f *Facts) { f.Handoffs[0].AcceptBy = at(4501) }},
		{"nobody told", "A6", "h1", func(f *Facts) { f.Timers[0].Fired = time.Time{} }},
		{"told twice", "A6", "h1", func(f *Facts) { f.Timers[0].Times = 2 }},
		{"told late", "A6", "h1", func(f *Facts) { f.Timers[0].Fired = at(1000) }},
		{"chain broken", "A7", "the trail", func(f *Facts) { f.AuditErr = errors.New("row 3 was changed") }},
		{"stage without decision", "A7", "h1", func(f *Facts) { f.Handoffs[0].Stage = state.Accepted }},
		{"left and not settled", "A8", "h1", func(f *Facts) {
			f.Intents = []state.Intent{{Handoff: "h1", Step: stepTask, State: state.Sending, SentAt: at(10)}}
		}},
		{"field of no rule", "A9", "crm/people/7", func(f *Facts) { f.Touched[Field{"crm", "people", "title"}] = &Touch{Times: 2, First: lead} }},
		{"taken without knowing", "A10", "crm/people/7", func(f *Facts) {
			f.Objects[lead].Owners = []Move{person(1, "", "2"), us(20, "2", "1")}
			f.Handoffs[0].Written = at(20)
		}},
		{"not put back", "A10", "crm/people/7", func(f *Facts) {
			f.Objects[lead].Owners = []Move{person(18, "", "2"), us(20, "2", "1")}
			f.Handoffs[0].Written = at(20)
		}},
		{"put back over a later word", "A10", "crm/people/7", func(f *Facts) {
			f.Objects[lead].Owners = []Move{person(18, "", "2"), us(20, "2", "1"), person(25, "1", "3"), us(50, "3", "2")}
			f.Handoffs[0].Written = at(20)
		}},
		{"put back once more", "A10", "crm/people/7", func(f *Facts) {
			f.Objects[lead].Owners = []Move{person(18, "", "2"), us(20, "2", "1"), us(40, "1", "2"), person(100, "2", "3"), us(500, "3", "2")}
			f.Handoffs[0].Written = at(20)
		}},
		{"taken without knowing, beside another owner's field", "A10", "crm/people/7", func(f *Facts) {
			f.Objects[lead].Owners = []Move{person(1, "", "2"), {At: at(2), Field: "account_manager", To: "3", Actor: "automation:x"}, us(20, "2", "1")}
			f.Handoffs[0].Written = at(20)
		}},
		{"taken back after all", "A10", "crm/people/7", func(f *Facts) {
			f.Objects[lead].Owners = []Move{us(2, "", "1"), person(100, "1", "2"), us(101, "2", "1")}
		}},
		{"given back and not heard", "A10", "crm/people/7", func(f *Facts) {
			f.Lives["h1"][0].written = true
			f.Objects[lead].Says = []Move{us(2, "", "Assigned"), person(100, "Assigned", "Returned"), us(107, "Returned", "Accepted")}
		}},
		{"more than our share", "A11", "x", func(f *Facts) { f.Calls["x"].Day["2026-03-19"] = 41 }},
		{"refused too often", "A11", "x", func(f *Facts) { f.Calls["x"].Throttled = 10 }},
		{"a leak", "A12", "daemon.log, line 3", func(f *Facts) { f.Leaks = []Offence{offend("daemon.log, line 3", "a buyer's address stands there")} }},
		{"a damaged file", "A13", "state.db", func(f *Facts) { f.Unsound = []Offence{offend("state.db", "a page is torn")} }},
		{"a second run that writes", "A14", "the second run", func(f *Facts) { f.Run.Second.Writes = 1 }},
		{"a decision that comes out otherwise", "A15", "crm/people/7", func(f *Facts) { f.Strayed = []Offence{offend(lead.String(), "otherwise")} }},
	}
	for _, test := range tests {
		t.Run(test.rule+" "+test.name, func(t *testing.T) {
			t.Parallel()
			f := fine()
			test.spoil(f)
			for _, v := range Weigh(f) {
				if v.Rule != test.rule {
					continue
				}
				if v.Held != RuleBroken || !strings.Contains(v.Offence[0].String(), test.names) {
					t.Errorf("%s is %s: %v; want it broken by %s", v.Rule, v.Held, v.Offence, test.names)
				}
			}
		})
	}
}

// TestNothingIsHeldOnNothing: an empty run is not judged, rule by rule, with a
// reason.
func TestNothingIsHeldOnNothing(t *testing.T) {
	t.Parallel()
	for _, v := range Weigh(&Facts{Missing: map[string]string{}}) {
		if v.Held != NotJudged || v.Why == "" {
			t.Errorf("%s is %s on nothing: %q", v.Rule, v.Held, v.Why)
		}
	}
}

// TestNotHeldOnLess: a rule whose file is missing, or whose second start never
// worked, is not judged and says why.
func TestNotHeldOnLess(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rule, lacks string
		spoil       func(*Facts)
	}{
		{"A1", ackFile, func(f *Facts) { f.Events = nil }},
		{"A2", changesFile, func(*Facts) {}},
		{"A2", worldFile, func(f *Facts) { f.Reached = nil }},
		{"A3", changesFile, func(f *Facts) { f.Tasks = nil }},
		{"A4", worldFile, func(f *Facts) { f.Objects[lead].Seen = false }},
		{"A9", changesFile, func(f *Facts) { f.Touched = nil }},
		{"A10", changesFile, func(f *Facts) { f.Objects = nil }},
		{"A11", historyFile, func(f *Facts) { f.Calls = nil }},
		{"A12", logFile, func(*Facts) {}},
		{"A12", metricsFile, func(*Facts) {}},
		{"A14", "the second start", func(f *Facts) { f.Run.Second = &Second{} }},
	}
	for _, test := range tests {
		f := fine()
		test.spoil(f)
		f.Missing[test.lacks] = "there is no " + test.lacks
		for _, v := range Weigh(f) {
			if v.Rule == test.rule && (v.Held != NotJudged || !strings.Contains(v.Why, test.lacks)) {
				t.Errorf("%s without %s is %s: %q", v.Rule, test.lacks, v.Held, v.Why)
			}
		}
	}
}

// TestPutBack: a person's change that our write came over is no offence when
// it is put back in time, and when nobody could have known better.
func TestPutBack(t *testing.T) {
	t.Parallel()
	f := fine()
	f.Handoffs[0].Written = at(20)
	f.Objects[lead].Owners = []Move{
		{At: at(18), Field: "owner_id", To: "2", Actor: "person:ben@example.com"},
		{At: at(20), Field: "owner_id", From: "2", To: "1", Ours: true},
		{At: at(50), Field: "owner_id", From: "1", To: "2", Ours: true},
	}
	if _, broken, _ := yielded(f); len(broken) > 0 {
		t.Errorf("put back after 30 s: %v", broken)
	}
	f.Objects[lead].Owners[2].At = at(200)
	if _, broken, _ := yielded(f); len(broken) != 1 {
		t.Errorf("put back after three minutes: %v, want an offence", broken)
	}
	f.Objects[lead].Owners = []Move{person(18, "", "2"), us(20, "2", "1"), person(48, "1", "3"), us(50, "3", "2"), us(70, "2", "3")}
	if _, broken, _ := yielded(f); len(broken) > 0 {
		t.Errorf("put back while another gave it away, and that put back in turn: %v", broken)
	}
}

// TestMergedSince: what our write came over is judged by the handoff that wrote it, also
// where its record was merged into another since.
func TestMergedSince(t *testing.T) {
	t.Parallel()
	for owner, want := range map[string]int{"2": 0, "3": 1} {
		f := fine()
		f.Objects[lead].Owners = []Move{person(0, "", "2"), us(20, "2", "1")}
		h := &f.Handoffs[0]
		h.Target, h.Earlier, h.AssignedAt = connectors.Ref{Conn: "crm", Kind: "people", ID: "8"}, []connectors.Ref{lead}, at(1)
		h.Before = map[string]any{"owner_id": owner}
		if _, broken, _ := yielded(f); len(broken) != want {
			t.Errorf("decided knowing of %s: %v, want %d offences", owner, broken, want)
		}
	}
}

// TestPassedOn: whom a person gives a record to after its handoff was over is
// their business, and it is over when what ended it happened, not when that was
// read. What they did before should have been seen.
func TestPassedOn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name            string
		stage           state.Stage
		touched, closed int
		lives           []state.Stage
		want            int
	}{
		{"completed by a touch before it", state.Completed, 50, 100, []state.Stage{state.Accepted, state.Completed}, 0},
		{"completed by a touch after it", state.Completed, 80, 100, []state.Stage{state.Accepted, state.Completed}, 1},
		{"completed by something after the touch", state.Completed, 50, 100, []state.Stage{state.Touched, state.Completed}, 1},
		{"superseded before it", state.Superseded, 0, 40, nil, 0},
		{"superseded after it, for another", state.Superseded, 0, 100, nil, 1},
		{"open", state.Accepted, 50, 0, nil, 1},
	}
	for _, test := range tests {
		f := fine()
		h := &f.Handoffs[0]
		h.Stage, h.AcceptedAt, h.ClosedAt = test.stage, at(10), at(test.closed)
		if test.touched > 0 {
			h.TouchedAt = at(test.touched)
		}
		for _, stage := range test.lives {
			f.Lives["h1"] = append(f.Lives["h1"], Moment{Stage: stage})
		}
		o := f.Objects[lead]
		o.Owner = "2"
		o.Owners = append(o.Owners, Move{At: at(60), Field: "owner_id", From: "1", To: "2", Actor: "person:ben@example.com"})
		if broken := f.shown(); len(broken) != test.want {
			t.Errorf("%s: %v, want %d offences", test.name, broken, test.want)
		}
	}
}

// TestHealed: where the CRM takes a second task, two may live side by side for
// one poll, its lag and half a minute, and not at the end.
func TestHealed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		until time.Time
		want  int
	}{{"healed in time", at(120), 0}, {"healed late", at(200), 1}, {"never healed", time.Time{}, 1}}
	for _, test := range tests {
		f := fine()
		f.Run.UniqueTasks = false
		f.Tasks = append(f.Tasks, &Task{Ref: job, Key: "k2", ByUs: true, Spans: []Span{{From: at(3), Until: test.until}}})
		if got := f.twice(f.Tasks); len(got) != test.want {
			t.Errorf("%s: %v, want %d offences", test.name, got, test.want)
		}
	}
}

// TestRefusedBack: what cannot be put back, because the CRM takes its owner for
// nobody who may own anything, is no fault; what was not tried is.
func TestRefusedBack(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		effect state.Effect
		holds  bool
	}{
		"refused":            {state.Effect{State: "refused", Error: "INVALID_OWNER_ID Owner with id 2 does not exist"}, true},
		"refused for a rule": {state.Effect{State: "refused", Error: "a rule of the CRM"}, false},
		"never tried":        {state.Effect{}, false},
	} {
		f := fine()
		f.Objects[lead].Owners = []Move{person(18, "", "2"), us(20, "2", "1")}
		f.Handoffs[0].Written = at(20)
		f.Handoffs[0].Stake = &state.Stake{Ceded: "2"}
		f.Handoffs[0].Effects["restore"] = tc.effect
		for _, v := range Weigh(f) {
			if v.Rule == "A10" && (len(v.Offence) == 0) != tc.holds {
				t.Errorf("%s: %v", name, v.Offence)
			}
		}
	}
}

// TestLeftReversed: an owner whom a program took from a handoff that is over, and whom
// the CRM refuses to take back because they can own nothing any more, is left (A4).
func TestLeftReversed(t *testing.T) {
	t.Parallel()
	gone := state.Effect{State: "refused", Error: "INVALID_OWNER_ID Owner with id 1 does not exist"}
	for name, tc := range map[string]struct {
		stage  state.Stage
		effect state.Effect
		to     string
		holds  bool
	}{
		"refused":              {state.Completed, gone, "2", true},
		"somebody else's":      {state.Completed, gone, "3", false},
		"still open":           {state.Accepted, gone, "2", false},
		"refused for a rule":   {state.Completed, state.Effect{State: "refused", Error: "a rule of the CRM"}, "2", false},
		"not written any more": {state.Completed, state.Effect{}, "2", false},
	} {
		f := fine()
		f.Objects[lead].Owner = tc.to
		f.Handoffs[0].Stage, f.Handoffs[0].Stake = tc.stage, &state.Stake{Ceded: "2"}
		f.Handoffs[0].Effects["rewrite"] = tc.effect
		if got := f.shown(); (len(got) == 0) != tc.holds {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestTakenFromPerson: where a program takes a record from whom a person gave it to, that
// is left, also where our own write before it was known late; what nobody had given, what we
// wrote last and what was not decided so is not (A4).
func TestTakenFromPerson(t *testing.T) {
	t.Parallel()
	program := func(s int, from, to string) Move {
		return Move{At: at(s), Field: "owner_id", From: from, To: to, Actor: "automation:flip"}
	}
	for name, tc := range map[string]struct {
		stage  state.Stage
		owners []Move
		says   string
		holds  bool
	}{
		"after a person":     {state.Superseded, []Move{us(2, "", "1"), person(10, "1", "2"), program(20, "2", "3")}, "ben@example.com", true},
		"twice":              {state.Superseded, []Move{us(2, "", "1"), person(10, "1", "2"), program(20, "2", "4"), program(30, "4", "3")}, "ben@example.com", true},
		"decided otherwise":  {state.Superseded, []Move{us(2, "", "1"), person(10, "1", "2"), program(20, "2", "3")}, "ana@example.com", false},
		"after us":           {state.Superseded, []Move{person(1, "", "2"), us(2, "2", "1"), program(20, "1", "3")}, "ben@example.com", false},
		"a person's last":    {state.Superseded, []Move{us(2, "", "1"), person(10, "1", "2"), person(20, "2", "3")}, "ben@example.com", false},
		"nobody's any more":  {state.Superseded, []Move{program(20, "", "3")}, "ben@example.com", false},
		"never ours":         {state.Superseded, []Move{person(10, "", "2"), program(20, "2", "3")}, "ben@example.com", false},
		"another field":      {state.Superseded, []Move{us(2, "", "1"), person(10, "1", "2"), {At: at(20), Field: "second_owner", To: "3", Actor: "automation:flip"}}, "ben@example.com", false},
		"still open, though": {state.Accepted, []Move{us(2, "", "1"), person(10, "1", "2"), program(20, "2", "3")}, "ben@example.com", false},
	} {
		f := fine()
		f.Objects[lead].Owner, f.Objects[lead].Owners = "3", tc.owners
		h := &f.Handoffs[0]
		h.Stage, h.Accountable, h.Written, h.ClosedAt = tc.stage, tc.says, at(600), at(600)
		if got := f.shown(); (len(got) == 0) != tc.holds {
			t.Errorf("%s: %v", name, got)
		}
	}
}
