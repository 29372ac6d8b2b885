package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

func (w *world) isAway(who, source, what string, from, until time.Time) {
	if w.leave == nil {
		w.leave = map[string][]state.Leave{}
	}
	who += "@example.com"
	w.leave[who] = append(w.leave[who], state.Leave{Who: who, Source: source, Away: []connectors.Absence{{Who: who, From: from, Until: until, Source: what}}})
}

// believing is the US team of three equal members that reads leave from both.
func believing(t *testing.T, more ...string) map[string]string {
	t.Helper()
	return edit(t, "teams.yaml", append([]string{
		"    if_everyone_is_full: queue ", "    leave_from: [crm, calendar_feeds]\n    if_everyone_is_full: queue ",
	}, more...)...)
}

// TestAway (1.88): leave from the CRM and from calendar feeds, covers of parts
// of a day, and part-time hours decide who is next; each skip says why and
// until when.
func TestAway(t *testing.T) {
	t.Parallel()
	day := func(d, h int) time.Time { return time.Date(2026, 3, d, h, 0, 0, 0, ny(t)) }
	feeds := edit(t, "people.yaml", "backup: ben@example.com,    calendar: us_east}", "backup: ben@example.com,    calendar: us_east, leave_feed: ANA_FEED}")
	tests := []struct {
		name  string
		at    time.Time
		away  func(*world)
		edits map[string]string
		owner string
		says  string
	}{
		{
			name: "leave in the CRM, whole days", at: day(16, 10), away: func(w *world) { w.isAway("ana", "hubspot", "HubSpot out of office", day(16, 0), day(21, 0)) },
			owner: "ben", says: "ana@example.com is on leave until 2026-03-20 (HubSpot out of office)",
		},
		{
			name: "a calendar feed, a part of the day", at: day(16, 10), away: func(w *world) { w.isAway("ana", state.FeedSource, "calendar feed", day(16, 9), day(16, 11)) },
			owner: "ben", says: "ana@example.com is away until 2026-03-16 11:00 (calendar feed)",
		},
		{
			name: "a part of the day that is over", at: day(16, 11), away: func(w *world) { w.isAway("ana", state.FeedSource, "calendar feed", day(16, 9), day(16, 11)) },
			owner: "ana",
		},
		{
			name: "leave that begins before they would work again", at: day(15, 20), away: func(w *world) { w.isAway("ana", "hubspot", "HubSpot out of office", day(16, 0), day(17, 0)) },
			owner: "ben", says: "ana@example.com is on leave until 2026-03-16",
		},
		{
			name: "leave that is over before they work again", at: day(15, 20), away: func(w *world) { w.isAway("ana", "hubspot", "HubSpot out of office", day(14, 0), day(16, 0)) },
			owner: "ana",
		},
		{
			name: "a cover of two hours", at: day(16, 10), owner: "ben", says: "ana@example.com is away until 2026-03-16 12:00",
			edits: edit(t, "people.yaml", "# Somebody else's work, for a while:", "cover:\n  - {who: ana@example.com, by: ben@example.com, from: 2026-03-16 10:00, until: 2026-03-16 12:00}\n#"),
		},
		{
			name: "part-time: not on this day", at: day(16, 10), owner: "ben", says: "ana@example.com does not work today",
			edits: edit(t, "people.yaml", "backup: ben@example.com,    calendar: us_east}", "backup: ben@example.com,    calendar: us_east, works: {tuesday to friday: 09:00-13:00}}"),
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.edits == nil {
				test.edits = feeds
			}
			r, w := writing(t, believing(t), test.edits), newWorld()
			if test.away != nil {
				test.away(w)
			}
			rec := demo("51", "dana@newco.example", "country", "US", "last_form_at", test.at.UTC().Format(time.RFC3339))
			w.decide(t, r, test.at, plan.Observed{Record: rec, Came: test.at})
			if h := w.only(t); h.Owner != test.owner+"@example.com" || !says(h.Why, test.says) {
				t.Errorf("%s, want %s and %q: %v", h.Owner, test.owner, test.says, h.Why)
			}
		})
	}
}

func ny(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestNotBelieved: leave counts only where a team of the person says so, each
// source for itself.
func TestNotBelieved(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{"crm": "ana@example.com", "calendar_feeds": "ben@example.com"} {
		r := writing(t, edit(t, "teams.yaml", "    if_everyone_is_full: queue ", "    leave_from: "+from+"\n    if_everyone_is_full: queue "),
			edit(t, "people.yaml", "backup: ben@example.com,    calendar: us_east}", "backup: ben@example.com,    calendar: us_east, leave_feed: ANA_FEED}"))
		w := newWorld()
		w.isAway("ana", state.FeedSource, "calendar feed", monday.Add(-time.Hour), monday.Add(time.Hour))
		w.decide(t, r, monday, see(demo("51", "dana@newco.example", "country", "US")))
		if h := w.only(t); h.Owner != want {
			t.Errorf("leave from %s: %s, want %s: %v", from, h.Owner, want, h.Why)
		}
	}
}

// TestPartOfADayIsNoWorkingTime (1.88): the clock of a handoff stands still in
// an hour that its owner is known to be away, and not in days of leave.
func TestPartOfADayIsNoWorkingTime(t *testing.T) {
	t.Parallel()
	r := writing(t, believing(t, "weight: 2}\n      - {who: ben", "weight: 9}\n      - {who: ben"))
	for _, test := range []struct {
		until time.Duration
		want  time.Duration
	}{{time.Hour, 70 * time.Minute}, {30 * 24 * time.Hour, 15 * time.Minute}} {
		w := newWorld()
		w.add(acme())
		w.isAway("ana", "hubspot", "HubSpot out of office", monday.Add(10*time.Minute), monday.Add(10*time.Minute+test.until))
		w.decide(t, r, monday, see(demo("51", "dana@acme.com", "country", "US")))
		h := w.only(t)
		want := monday.Add(test.want)
		if test.until == time.Hour {
			want = monday.Add(time.Hour + 15*time.Minute)
		}
		if h.Owner != "ana@example.com" || !h.AcceptBy.Equal(want) {
			t.Errorf("away for %s: %s by %s, want %s", test.until, h.Owner, h.AcceptBy, want)
		}
	}
}

// TestTogether (1.88): a team that holds as much as it may takes no more, and
// says so; the manager answers for what waits.
func TestTogether(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "teams.yaml", "    # at_most: 12 ", "    at_most_together: 5\n    # at_most: 12 "))
	w := newWorld()
	w.load["ana@example.com"], w.load["ben@example.com"] = 2, 3
	w.decide(t, r, monday, see(demo("51", "dana@newco.example", "country", "US")))
	h := w.only(t)
	if h.Stage != state.Queued || h.Accountable != "morgan@example.com" || !says(h.Why, "cleo@example.com is in a team that has 5 of 5 handoffs not accepted yet") {
		t.Errorf("%s, %s: %v", h.Stage, h.Accountable, h.Why)
	}
}

// TestSkillRanges (1.84): by language, product, region and deal size, as words and
// as ranges; who lacks it is passed over, and a blank asks for nothing.
func TestSkillRanges(t *testing.T) {
	t.Parallel()
	edits := edit(t, "people.yaml",
		"backup: ben@example.com,    calendar: us_east}", "backup: ben@example.com,    calendar: us_east, can: {size: [at most 200], product: [crm, mail]}}",
		"backup: ana@example.com,    calendar: us_east}", "backup: ana@example.com,    calendar: us_east, can: {size: [100 to 500], product: [mail]}}",
		"backup: ana@example.com,    calendar: us_east}", "backup: ana@example.com,    calendar: us_east, can: {size: [at least 500]}}")
	for name, text := range edit(t, "handoffs/demo-request.yaml", "  - territory inbound\n", "", "  - round robin sdr_us",
		"  - {use: round robin sdr_us, with: {size: company.employees, product: person.product_interest}}") {
		edits[name] = text
	}
	for name, text := range edit(t, "mappings/hubspot.yaml", "    country: ", "    product_interest:  {read: product_interest}\n    country: ") {
		edits[name] = text
	}
	for _, test := range []struct{ size, product, owner, says string }{
		{"", "", "ana", ""},
		{"50", "", "ana", "ben@example.com lacks size 50"},
		{"150", "", "ana", "cleo@example.com lacks size 150"},
		{"300", "", "ben", "ana@example.com lacks size 300"},
		{"500", "Mail", "ben", "cleo@example.com lacks product mail"},
		{"9000", "", "cleo", ""},
		{"", "ads;CRM", "ana", "ben@example.com lacks product ads;crm"},
	} {
		r, w := writing(t, edits), newWorld()
		var more []string
		if test.product != "" {
			more = append(more, "product_interest", test.product)
		}
		if test.size != "" {
			w.add(acme("employees", test.size))
		}
		w.decide(t, r, monday, see(demo("51", "dana@acme.com", more...)))
		if h := w.only(t); h.Owner != test.owner+"@example.com" || !says(h.Why, test.says) {
			t.Errorf("%+v: %s: %v", test, h.Owner, h.Why)
		}
	}
}

// TestRefusedOwnerIsGone (1.88): a CRM that refuses an owner once is believed
// at once: the next handoff is not written to them and refused as well.
func TestRefusedOwnerIsGone(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	w.decide(t, r, monday, see(demo("51", "dana@newco.example", "country", "US")))
	i := w.steps()["assign"]
	c := w.decide(t, r, monday, plan.Delivered{Intent: i, Class: connectors.Invalid.String(), Err: "no such owner", Fields: []string{"hubspot_owner_id"}})
	if diff := cmp.Diff([]state.Gone{{Conn: "hubspot", ID: "u-ana"}}, c.Gone); diff != "" {
		t.Error(diff)
	}
	w.decide(t, r, monday, see(demo("52", "bo@other.example", "country", "US")))
	w.decide(t, r, monday, see(demo("53", "cy@third.example", "country", "US")))
	for _, h := range w.handoffs {
		if h.Owner == "ana@example.com" {
			t.Errorf("%s was given to somebody who can own nothing: %v", h.ID, h.Why)
		}
	}
}

// TestChecksOnPeople (2.44): what check says of covers, feeds, and of teams and
// people that everything rests on.
func TestChecksOnPeople(t *testing.T) {
	t.Parallel()
	cover := func(lines ...string) map[string]string {
		return edit(t, "people.yaml", "# Somebody else's work, for a while:", "cover:\n  - "+strings.Join(lines, "\n  - ")+"\n#")
	}
	for _, test := range []struct {
		name  string
		edits map[string]string
		code  string
		warn  bool
	}{
		{"covers for each other", cover(
			"{who: ana@example.com, by: ben@example.com, from: 2026-03-01, until: 2026-03-10}",
			"{who: ben@example.com, by: ana@example.com, from: 2026-03-10, until: 2026-03-12}"), "cover-circle", false},
		{"who covers is away", cover(
			"{who: ana@example.com, by: ben@example.com, from: 2026-03-01, until: 2026-03-10}",
			"{who: ben@example.com, by: cleo@example.com, from: 2026-03-10 12:00, until: 2026-03-12}"), "cover-away", true},
		{"one after the other", cover(
			"{who: ana@example.com, by: ben@example.com, from: 2026-03-01, until: 2026-03-10}",
			"{who: ben@example.com, by: ana@example.com, from: 2026-03-11, until: 2026-03-12}"), "", true},
		{"a team of one (2.44)", edit(t, "teams.yaml", ", if_everyone_is_full: backup}", "}"), "one-person", true},
		{"nobody stands in (2.44)", edit(t, "people.yaml", "manager: hugh@example.com,   backup: ben@example.com, ", "manager: hugh@example.com,  "), "no-backup", true},
		{"a weight that a cap forbids", edit(t, "teams.yaml", "weight: 2}", "weight: 3, at_most: 2}"), "weight-over-cap", true},
		{"a feed that no team asks for", edit(t, "people.yaml", "backup: ben@example.com,    calendar: us_east}", "backup: ben@example.com,    calendar: us_east, leave_feed: ANA_FEED}"), "no-effect", true},
		{"a team that asks for feeds of nobody", edit(t, "teams.yaml", "    if_everyone_is_full: queue ", "    leave_from: calendar_feeds\n    if_everyone_is_full: queue "), "no-effect", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			doc, ds := mappings.Load(folder(t, test.edits))
			if mappings.Failed(ds) {
				t.Fatal(ds)
			}
			_, ds = plan.Compile(doc)
			found := test.code == ""
			for _, d := range ds {
				if d.Pos.File == "people.yaml" && strings.HasPrefix(d.Code, "cover") && test.code == "" {
					t.Error(d)
				}
				found = found || d.Code == test.code && d.Warn == test.warn && (d.Pos.File == "people.yaml" || d.Pos.File == "teams.yaml")
			}
			if !found {
				t.Errorf("no %s: %v", test.code, ds)
			}
		})
	}
}

// TestBriefOfWhoTakesIt: who gets a handoff in place of a receiver that the CRM refuses
// reads in their task, and finds among the reasons, why it is theirs (C14).
func TestBriefOfWhoTakesIt(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	w.decide(t, r, monday, see(demo("51", "dana@newco.example", "country", "US")))
	i := w.steps()["assign"]
	w.decide(t, r, monday, plan.Delivered{Intent: i, Class: connectors.Invalid.String(), Err: "no such owner", Fields: []string{"hubspot_owner_id"}})
	const why = "ben@example.com: in place of ana@example.com, who can own nothing in hubspot any more"
	for step, field := range map[string]string{"task": connectors.TaskBody, "assign": "handoff_brief"} {
		text, _ := w.steps()[step].Write.Set[field].(string)
		if !strings.Contains(text, why) || strings.Contains(text, "ana@example.com: ") {
			t.Errorf("%s: the brief does not say why it is theirs:\n%s", step, text)
		}
	}
	if h := w.only(t); !says(h.Why, why) {
		t.Errorf("the reasons do not say why it is theirs: %v", h.Why)
	}
}
