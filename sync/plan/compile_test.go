package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestFaults: one fault per edit of the starter pack, told with its place, its
// code and the fix; among them a trigger that no machine can test (1.121), what
// nothing uses (1.38), and a webinar that goes the way of a demo request (2.37).
func TestFaults(t *testing.T) {
	t.Parallel()
	demo, teams, people := "handoffs/demo-request.yaml", "teams.yaml", "people.yaml"
	tests := []struct {
		file, from, to string
		at, code, hint string
		warn           bool
	}{
		{demo, "round robin sdr_us", "round robin sdr_uz", demo + ":29:", "undefined-team", `did you mean "sdr_us"?`, false},
		{demo, "territory inbound", "territory inbond", demo + ":28:", "undefined-territory", `did you mean "inbound"?`, false},
		{demo, "use: high_intent", "use: high_intend", demo + ":", "undefined-tier", `did you mean "high_intent"?`, false},
		{demo, "not_in: free_mail", "not_in: free_mial", demo + ":", "undefined-list", `did you mean "free_mail"?`, false},
		{demo, "on: hubspot ", "on: hubspott ", demo + ":4:", "undefined-connection", `did you mean "hubspot"?`, false},
		{demo, "person.last_form: {contains", "person.lastform: {contains", demo + ":9:", "undefined-field", `did you mean "person.last_form"?`, false},
		{demo, "happened_at: person.last_form_at", "happened_at: person.last_form", demo + ":", "not-a-date", "is_a: datetime", false},
		{demo, "if_stalled: [standard", "if_stalled: [standart", demo + ":", "undefined-escalation", `did you mean "standard"?`, false},
		{demo, "from: marketing", "from: sales development", demo + ":6:", "giver-is-receiver", "name the team that receives", false},
		{demo, "{person.intent_signal: Pricing inquiry}", "{person.intent_signal: [Pricing inquiry, Webinar attended]}", demo + ":10:", "shares-a-path", "a type of its own", true},
		{"handoffs/contact-sales.yaml", "{person.intent_signal: Contact sales}", "{person.intent_signal: Repeat visit}", "handoffs/contact-sales.yaml:11:", "shares-a-path", "a type of its own", true},
		{"lists.yaml", "  competitors:", "  students: [pupil.example]\n  competitors:", "lists.yaml:", "unused", "name it in a condition", true},
		{"sla.yaml", "escalations:\n", "escalations:\n  other:\n    clock: accept\n    steps: [{at: 100%, alert: manager}]\n", "sla.yaml:", "unused", "if_stalled", true},
		{"sla.yaml", "  low_intent:", "  third_intent: {for: technical validation, accept_within: 1 hour}\n  low_intent:", "sla.yaml:", "unused", "under sla:", true},
		{teams, "territories: ", "territories:\n  outbound: [{otherwise: sdr_us}] ", teams + ":", "unused", "owner list", true},
		{teams, "territories: ", "  sdr_fr: {manager: hugh@example.com, members: [{who: isla@example.com}, {who: ana@example.com}]}\n\nterritories: ", teams + ":", "unused", "territory", true},
		{demo, "on: hubspot ", "on: hubspot\ndeliver_to: hubspot ", demo + ":5:", "delivers-to-itself", "leave deliver_to out", false},
		{demo, "about: person", "about: deal", demo + ":", "wrong-noun", "name a field of the deal", false},
		{demo, "{{touch_by}}", "{{touchby}}", demo + ":", "undefined-field", `did you mean "touch_by"?`, false},
		{demo, "{person.handoff_status: Accepted}, ", "{person.handoff_state: Accepted}, ", demo + ":", "undefined-field", `did you mean "person.handoff_status"?`, false},
		{demo, "should_have: [person.full_name", "should_have: [person.fullname", demo + ":", "unmapped-field", `did you mean "person.full_name"?`, true},
		{teams, "{who: cleo@example.com,", "{who: cloe@example.com,", teams + ":", "undefined-person", `did you mean "cleo@example.com"?`, false},
		{people, "manager: vera@example.com,   backup: erin", "manager: vero@example.com,   backup: erin", people + ":", "undefined-person", `did you mean "vera@example.com"?`, true},
		{"handoffd.yaml", "\nnever:", "\nsafety: {never_take_records_from: [vear@example.com]}\nnever:", "handoffd.yaml:", "undefined-person", `did you mean "vera@example.com"?`, true},
		{teams, "- {otherwise: sdr_us}", "# nothing", teams + ":", "no-otherwise", "otherwise", true},
		{teams, "{at_least: 1000}", "{contains: x, at_least: 1000}", teams + ":", "blank-falls-through", "or_blank", true},
		{people, "backup: ben@example.com,    calendar", "backup: morgan@example.com,    calendar", people + ":", "backup-is-manager", "name a colleague", false},
		{people, "backup: ana@example.com,    calendar: us_east}", "backup: ana@example.com}", people + ":", "no-calendar", "add calendar", false},
		{people, "calendar: uk, can", "calendar: ukk, can", people + ":", "undefined-calendar", `did you mean "uk"?`, false},
		{"sla.yaml", "    accept_within: 15 minutes\n    first_touch_within: 15 minutes\n", "", "sla.yaml:", "no-clock", "accept_within", false},
		{"handoffd.yaml", "person.email_domain: {in: competitors}", "person.employees: {at_least: 5}", "handoffd.yaml:", "undefined-field", "", false},
		{"handoffd.yaml", "mode: observe", "live: {demo_reqest: 10%}\nmode: observe", "handoffd.yaml:", "undefined-handoff", `did you mean "demo_request"?`, false},
		{"handoffd.yaml", "\nnever:", "\nauthority: {owner: salesforc}\nnever:", "handoffd.yaml:", "undefined-connection", `did you mean "salesforce"?`, false},
		{demo, "person.last_form: {contains: Demo request}", "company.named_account: maybe", demo + ":9:", "wrong-type", "", false},
		{demo, "person.last_form: {contains: Demo request}", "person.last_form: {at_least: 3}", demo + ":9:", "wrong-type", "is_a: number", false},
		{demo, "{person.intent_signal: Pricing inquiry}", "first_touch_logged", demo + ":10:", "never-true", "name a field", false},
		{demo, "{person.intent_signal: Pricing inquiry}", "{person.intent_signal: filled}", demo + ":10:", "no-test", "{filled: yes}", false},
		{demo, "{person.intent_signal: Pricing inquiry}", "{person.intent_signal: changed}", demo + ":10:", "no-test", "changed_to", false},
		{demo, "{person.intent_signal: Pricing inquiry}", "{all: [{person.intent_signal: Pricing inquiry}, {person.intent_signal: Demo}]}", demo + ":10:", "never-starts", "any:", true},
		{"handoffd.yaml", "mode: observe", "mode: observe\nsignals:\n  product: {on: hubspott, find_by: [{same: [usage.email, person.email]}]}", "handoffd.yaml:", "undefined-connection", `did you mean "hubspot"?`, false},
		{"handoffd.yaml", "mode: observe", "mode: observe\nsignals:\n  product: {on: hubspot, find_by: [{same: [usage.email, person.email]}]}", "handoffd.yaml:", "no-mapping", "mappings/product.yaml", false},
		{"handoffd.yaml", "mode: observe", "mode: observe\nsources:\n  - {name: typed, if: {person.sourse: Manual}, wait: 2 minutes}", "handoffd.yaml:", "undefined-field", `did you mean "person.source"?`, false},
		{demo, "if_stalled: [standard", "if_stalled: [standard, standard", demo + ":", "duplicate-name", "keep one", false},
		{"sla.yaml", "    clock: first_touch\n", "    clock: opened\n", demo + ":37:", "no-clock", "add it to a tier", true},
		{demo, "returned_when: {person.handoff_status: Returned}\n", "", demo + ":", "no-effect", "returned_when: {person.handoff_status: Returned}", true},
		{demo, "{reason: required, then", "{reason: optional, ask_after: 5 minutes, then", demo + ":", "no-effect", "reason: required", true},
		{demo, "then: return_to_giver}", "then: return_to_giver, reasons: [Too early, too early]}", demo + ":", "duplicate-name", "keep one", false},
		{demo, "{person.handoff_status: Returned}", "{person.handoff_status: Retuned}", demo + ":", "unknown-value", `did you mean "Returned"?`, true},
		{"handoffd.yaml", "mode: observe", "mode: observe\nreports:\n  wekly: {on: monday 08:00, timezone: UTC, send_to: revops@example.com}", "handoffd.yaml:", "undefined-report", `did you mean "weekly"?`, false},
		{"handoffd.yaml", "mode: observe", "mode: observe\nreports:\n  agenda: {on: monday 08:00, timezone: UTC, send_to: revops@example.com}", "handoffd.yaml:", "undefined-report", "it can be retro, sample, weekly", false},
		{"handoffd.yaml", "mode: observe", "mode: observe\nreports:\n  weekly: {on: monday 08:00, timezone: Europe/Londn, send_to: revops@example.com}", "handoffd.yaml:", "unknown-timezone", "Europe/London", false},
		{"handoffd.yaml", "mode: observe", "live: {demo_request: [{share: 10%, on: hubspot}, {share: 20%, on: hubspot}]}\nmode: observe", "handoffd.yaml:", "duplicate-name", "keep one", false},
	}
	for _, test := range tests {
		t.Run(test.code+" "+test.to, func(t *testing.T) {
			t.Parallel()
			doc, ds := mappings.Load(folder(t, edit(t, test.file, test.from, test.to)))
			if mappings.Failed(ds) {
				t.Fatalf("load: %s", mappings.Render(ds, doc.Files))
			}
			r, ds := plan.Compile(doc)
			i := slices.IndexFunc(ds, func(d mappings.Diagnostic) bool {
				return d.Code == test.code && strings.HasPrefix(d.Pos.String(), test.at) && strings.Contains(d.Hint, test.hint)
			})
			if i < 0 {
				t.Fatalf("want %s at %s (%s), got:\n%s", test.code, test.at, test.hint, mappings.Render(ds, doc.Files))
			}
			if ds[i].Warn != test.warn || (r == nil) != mappings.Failed(ds) {
				t.Errorf("warn %v, rules %v: %s", ds[i].Warn, r != nil, ds[i])
			}
		})
	}
}

// TestStarterIsClean: the pack that init writes has no error, and no warning
// but those that tell of blanks. It asks for no report, and none is made unasked (2.40).
func TestStarterIsClean(t *testing.T) {
	t.Parallel()
	doc, ds := mappings.Load(folder(t, nil))
	if len(doc.Reports) > 0 {
		t.Errorf("reports are on: %v", doc.Reports)
	}
	_, more := plan.Compile(doc)
	for _, d := range append(ds, more...) {
		if d.Code != "blank-falls-through" && !strings.Contains(d.Text, "the tier low_intent") && !strings.Contains(d.Text, "the team cs_onboarding") {
			t.Errorf("%s", d)
		}
	}
}

// TestSparesNobody: whom the rules spare is looked for among the people and queues of
// the CRMs, by what spares a record; what no one is called is told with its place.
func TestSparesNobody(t *testing.T) {
	t.Parallel()
	users := []connectors.User{
		{ID: "1", Email: "vera@example.com", Name: "Vera Holt", Active: true},
		{ID: "2", Email: "former@example.com"},
		{ID: "00G1", Name: "Partner Queue", Queue: true, Active: true},
	}
	for names, want := range map[string][]string{
		"Vera@Example.com, former@example.com, partner queue, 00g1": nil,
		"vear@example.com": {`vear@example.com: did you mean "vera@example.com"?`},
		"Partners Queue, chair@board.example": {
			`Partners Queue: did you mean "Partner Queue"?`,
			"chair@board.example: write a person's e-mail address, or a queue's name, as the CRM has it",
		},
	} {
		t.Run(names, func(t *testing.T) {
			t.Parallel()
			r := compile(t, folder(t, edit(t, "handoffd.yaml", "\nnever:", "\nsafety: {never_take_records_from: ["+names+"]}\nnever:")))
			var got []string
			for _, d := range r.SparesNobody(users) {
				_, who, _ := strings.Cut(d.Text, "is called ")
				who, _, _ = strings.Cut(who, ", so")
				got = append(got, who+": "+d.Hint)
				if !d.Warn || d.Pos.File != "handoffd.yaml" || d.Pos.Line == 0 {
					t.Errorf("%+v", d)
				}
			}
			if !slices.Equal(got, want) || !r.Spares() {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestChannelForTheStop: a channel that no tier names is told of a safety stop, and
// is unused only where nothing stops.
func TestChannelForTheStop(t *testing.T) {
	t.Parallel()
	const channel = "mode: observe\nnotify:\n  channels: {ops: {kind: slack}}\n"
	for stop, want := range map[string]bool{"": true, "safety:\n  stop_if_more_than: {owner_changes: 50, in: 10 minutes}\n": false} {
		doc, ds := mappings.Load(folder(t, edit(t, "handoffd.yaml", "mode: observe ", channel+stop+"# ")))
		if mappings.Failed(ds) {
			t.Fatal(mappings.Render(ds, doc.Files))
		}
		_, ds = plan.Compile(doc)
		if got := slices.ContainsFunc(ds, func(d mappings.Diagnostic) bool { return d.Code == "unused-channel" }); got != want {
			t.Errorf("safety %q: told %v, want %v:\n%s", stop, got, want, mappings.Render(ds, doc.Files))
		}
	}
}

// TestTwoOfOneTeam: a team of two or more may hand over within itself, somebody
// alone may not (1.135).
func TestTwoOfOneTeam(t *testing.T) {
	t.Parallel()
	for team, want := range map[string]bool{"sdr_us": true, "ae_enterprise": true, "sdr_uk": false, "marketing": false} {
		doc, ds := mappings.Load(folder(t, edit(t, "handoffs/demo-request.yaml", "from: marketing\nto: sales development", "from: "+team+"\nto: "+team)))
		if mappings.Failed(ds) {
			t.Fatal(mappings.Render(ds, doc.Files))
		}
		r, ds := plan.Compile(doc)
		refused := slices.ContainsFunc(ds, func(d mappings.Diagnostic) bool { return d.Code == "giver-is-receiver" })
		if (r != nil) != want || refused == want {
			t.Errorf("%s to %s: rules %v, %s", team, team, r != nil, mappings.Render(ds, doc.Files))
		}
	}
}

// TestNothingToCompile: an empty document is rules that decide nothing.
func TestNothingToCompile(t *testing.T) {
	t.Parallel()
	r, ds := plan.Compile(&mappings.Doc{})
	if len(ds) != 0 || r == nil {
		t.Fatalf("%v", ds)
	}
	c, err := r.Decide(monday, newWorld(), see(demo("51", "dana@acme.com")))
	if err != nil || !c.Empty() || r.Mode() != "observe" || len(r.Conns()) != 0 || r.Watched("hubspot") != nil {
		t.Errorf("%+v %v", c, err)
	}
}

// TestUnreadFiles: a name that an unreadable file may define is not undefined.
func TestUnreadFiles(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"teams.yaml", "people.yaml", "sla.yaml", "calendars.yaml", "lists.yaml", "mappings/hubspot.yaml"} {
		doc, ds := mappings.Load(folder(t, map[string]string{file: "{"}))
		if !mappings.Failed(ds) {
			t.Fatalf("%s was read", file)
		}
		_, ds = plan.Compile(doc)
		for _, d := range ds {
			if !d.Warn {
				t.Errorf("without %s: %s", file, d)
			}
		}
	}
}

// TestDigest names text and mode, and nothing else.
func TestDigest(t *testing.T) {
	t.Parallel()
	a, b := compile(t, folder(t, nil)), compile(t, folder(t, nil))
	if a.Digest() != b.Digest() || a.Digest() == writing(t).Digest() {
		t.Errorf("%s %s %s", a.Digest(), b.Digest(), writing(t).Digest())
	}
	edited := compile(t, folder(t, edit(t, "teams.yaml", "weight: 1", "weight: 3")))
	if edited.Digest() == a.Digest() || a.Files()["teams.yaml"] == "" {
		t.Error("an edit does not show")
	}
}

// TestWhatTheEngineAsks: connections, kinds, fields, writes, urgency.
func TestWhatTheEngineAsks(t *testing.T) {
	t.Parallel()
	r := writing(t)
	conns := r.Conns()
	if len(conns) != 2 || conns[0].Name != "hubspot" || !conns[0].Webhooks || conns[0].Share != 0.4 || conns[0].Group != conns[1].Group || conns[1].PollEvery.Minutes() != 1 {
		t.Errorf("%+v", conns)
	}
	watched := r.Watched("salesforce")
	if len(watched) != 5 || watched[4].Kind != connectors.Activity || watched[4].Mirror || watched[0].Kind != "Lead" || watched[0].Mirror || !watched[2].Mirror || !slices.Contains(watched[0].Fields, "OwnerId") {
		t.Errorf("%+v", watched)
	}
	writes := r.Writes()
	for _, want := range []string{"hubspot contacts.hubspot_owner_id", "hubspot task.subject", "salesforce Lead.LastName", "salesforce Lead.handoff_why"} {
		if !slices.Contains(writes, want) {
			t.Errorf("%s is not among the writes", want)
		}
	}
	if !slices.IsSorted(writes) || slices.ContainsFunc(writes, func(w string) bool { return strings.Contains(w, "companies.") }) {
		t.Errorf("%v", writes)
	}
	if hot, cold := r.Urgency(demo("51", "dana@acme.com")), r.Urgency(contact("52", nil)); hot != 0 || cold != 9 {
		t.Errorf("urgency %d, %d", hot, cold)
	}
	rec, listings := r.Normalize(connectors.Object{
		Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "51"}, Version: "1",
		Fields: map[string]any{"email": "Dana@ACME.com", "recent_conversion_date": "soon"},
	})
	if rec.Noun != "person" || rec.Fields["email"] != "dana@acme.com" || len(listings) != 1 || listings[0].List != "unmapped" {
		t.Errorf("%+v %+v", rec, listings)
	}
	if f := r.LocateFields("salesforce"); len(f["Contact"]) == 0 || r.Fields("salesforce", "Task") != nil {
		t.Errorf("%v", f)
	}
}
