package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// beside are two handoffs that one deal has at once: to a sales engineer and to
// legal.
func beside(name, word, team, accepted, extra string) string {
	return "handoff: " + name + `
what: One of two at once
about: deal
on: hubspot
from: account executives
to: ` + team + `
starts_when: {deal.stage: Validation}
context: {must_have: [deal.name], if_missing: route_then_chase}
sla: high_intent
owner: [round robin ` + team + `]
receiver_becomes: deal.` + word + `
accepted_when: ` + accepted + `
` + extra + `
completed_when: task_done
if_stalled: [standard]
`
}

const besideWords = `  stored_in: deals
  fields:
    engineer:          {read: engineer, write: engineer, is_a: user}
    counsel:           {read: counsel, write: counsel, is_a: user}
    handoff_status:    {read: handoff_status, write: handoff_status}
    work_status:       {read: work_status}
`

func besideFiles(t testing.TB, a, b string) map[string]string {
	t.Helper()
	files := edit(t, "mappings/hubspot.yaml", "  stored_in: deals\n  fields:\n", besideWords)
	files["handoffs/to-engineer.yaml"] = beside("to_engineer", "engineer", "ae_enterprise", a, "")
	files["handoffs/to-legal.yaml"] = beside("to_legal", "counsel", "cs_onboarding", b, "watchers: [deal.owner, revops@example.com]")
	return files
}

// TestParallel: of two handoffs of one deal the record shows the first one; the
// status a person sets accepts that one alone, and the other is accepted by its
// own task. When the first is over, the record shows the other (1.12, 1.15,
// 1.73, 1.78).
func TestParallel(t *testing.T) {
	t.Parallel()
	status := "{any: [{deal.handoff_status: Accepted}]}"
	r, w := writing(t, besideFiles(t, status, status)), newWorld()
	rec := state.Record{
		Ref: connectors.Ref{Conn: "hubspot", Kind: "deals", ID: "7"}, Noun: "deal", Version: "1", CreatedAt: monday.Add(-time.Hour), ModifiedAt: monday,
		Fields: map[string]string{"name": "Acme", "stage": "Validation", "owner": "u-vera"},
	}
	w.decide(t, r, monday, see(rec))
	byType := func() map[string]state.Handoff {
		out := map[string]state.Handoff{}
		for _, h := range w.handoffs {
			out[h.Type] = h
		}
		return out
	}
	if len(w.handoffs) != 2 {
		t.Fatalf("%d handoffs", len(w.handoffs))
	}
	shown := ""
	for key, i := range w.intents {
		delete(w.intents, key)
		if id, _ := i.Write.Set["handoff_id"].(string); id != "" {
			if shown != "" {
				t.Fatalf("both write the record's fields")
			}
			shown = id
		}
		d := plan.Delivered{Intent: i, Ref: i.Write.Ref, Version: "2"}
		if d.Ref.ID == "" {
			d.Ref.ID = "t-" + key[:4]
		}
		w.decide(t, r, monday.Add(time.Second), d)
	}
	first := w.handoffs[shown]
	var second state.Handoff
	for _, h := range w.handoffs {
		if h.ID != shown {
			second = h
		}
	}
	if first.Owner == second.Owner || second.Written.IsZero() {
		t.Fatalf("%+v %+v", first, second)
	}
	owners := byType()
	rec.Fields = fields(rec, "handoff_id", shown, "handoff_status", "Accepted",
		"engineer", "u-"+strings.TrimSuffix(owners["to_engineer"].Owner, "@example.com"), "counsel", "u-"+strings.TrimSuffix(owners["to_legal"].Owner, "@example.com"))
	at := monday.Add(5 * time.Minute)
	rec.Version, rec.ModifiedAt = "3", at
	w.decide(t, r, at, plan.Observed{Record: rec, Via: "poll", Came: at})
	if a, b := w.handoffs[first.ID], w.handoffs[second.ID]; a.Stage != state.Accepted || b.Stage != state.Assigned {
		t.Fatalf("the status accepts: %s and %s", a.Stage, b.Stage)
	}
	tick := func(h state.Handoff, after time.Duration) {
		at := monday.Add(after)
		ev := act(r, "tasks-"+h.ID[:4], did("task", "u-x", at, "key", h.Effects["task"].Key))
		w.decide(t, r, at, plan.Observed{Record: ev, Via: "poll", Came: at})
	}
	tick(second, 6*time.Minute)
	if b := w.handoffs[second.ID]; b.Stage != state.Completed || b.AcceptedBy != b.Owner {
		t.Errorf("its own task: %s %+v", b.Stage, b.Work)
	}
	if legal := byType()["to_legal"]; len(legal.Watchers) != 2 || legal.Watchers[0] != "vera@example.com" {
		t.Errorf("watchers %v (1.73)", legal.Watchers)
	}
	for key := range w.intents {
		delete(w.intents, key)
	}
	tick(first, 7*time.Minute)
	if a := w.handoffs[first.ID]; a.Stage != state.Completed {
		t.Errorf("%s", a.Stage)
	}
}

// TestNextIsShown: once the handoff that a record shows is over, the record
// shows the one that is still open (1.73).
func TestNextIsShown(t *testing.T) {
	t.Parallel()
	status := "{any: [{deal.handoff_status: Accepted}, task_done]}"
	r, w := writing(t, besideFiles(t, status, status)), newWorld()
	rec := state.Record{
		Ref: connectors.Ref{Conn: "hubspot", Kind: "deals", ID: "7"}, Noun: "deal", Version: "1", CreatedAt: monday.Add(-time.Hour), ModifiedAt: monday,
		Fields: map[string]string{"name": "Acme", "stage": "Validation", "owner": "u-vera"},
	}
	w.decide(t, r, monday, see(rec))
	shown := ""
	for key, i := range w.intents {
		delete(w.intents, key)
		if id, _ := i.Write.Set["handoff_id"].(string); id != "" {
			shown = id
		}
		d := plan.Delivered{Intent: i, Ref: i.Write.Ref, Version: "2"}
		if d.Ref.ID == "" {
			d.Ref.ID = "t-" + key[:4]
		}
		w.decide(t, r, monday.Add(time.Second), d)
	}
	at := monday.Add(time.Minute)
	w.decide(t, r, at, plan.Observed{Record: act(r, "tasks-1", did("task", "u-x", at, "key", w.handoffs[shown].Effects["task"].Key)), Via: "poll", Came: at})
	i, ok := w.steps()["show"]
	if next, _ := i.Write.Set["handoff_id"].(string); !ok || next == "" || next == shown || i.Write.Set["handoff_status"] != "Assigned" {
		t.Errorf("after %s the record shows %v", shown, i.Write.Set)
	}
}

// TestSharedAcceptance: check refuses a field of the record by which two
// handoffs of two receivers would be accepted at once, and lets handoffd's own
// be shared.
func TestSharedAcceptance(t *testing.T) {
	t.Parallel()
	for accepted, want := range map[string]bool{"{deal.handoff_status: Accepted}": false, "{deal.work_status: Begun}": true, "task_done": false} {
		doc, ds := mappings.Load(folder(t, besideFiles(t, accepted, accepted)))
		if mappings.Failed(ds) {
			t.Fatal(mappings.Render(ds, doc.Files))
		}
		_, ds = plan.Compile(doc)
		got := strings.Contains(mappings.Render(ds, doc.Files), "shared-acceptance")
		if got != want {
			t.Errorf("%s: refused %v\n%s", accepted, got, mappings.Render(ds, doc.Files))
		}
	}
}

// TestException: a named exception comes before the owner list, is listed before
// it ends, and ends (2.43).
func TestException(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "handoffs/demo-request.yaml", "sla:  ",
		"exceptions:\n  - {name: acme pilot, if: {person.email_domain: acme.com}, owner: dev@example.com, reason: he runs it, until: 2026-03-31}\nsla:  "))
	for _, tc := range []struct {
		day    int
		owner  string
		listed bool
	}{{1, "dev@example.com", false}, {25, "dev@example.com", true}, {31, "dev@example.com", true}, {32, "", true}} {
		w := newWorld()
		at := time.Date(2026, 3, tc.day, 14, 0, 0, 0, time.UTC)
		rec := demo("51", "dana@acme.com", "country", "US", "last_form_at", at.Format(time.RFC3339))
		rec.CreatedAt, rec.ModifiedAt = at, at
		w.decide(t, r, at, plan.Observed{Record: rec, Via: "poll", Came: at})
		h := w.only(t)
		listed := strings.Contains(listingsOf(w, "exceptions"), "acme pilot")
		if (h.Owner == "dev@example.com") != (tc.owner != "") || listed != tc.listed || (h.Exception == "acme pilot") != (tc.owner != "") {
			t.Errorf("March %d: %s by %q, listed %v", tc.day, h.Owner, h.Exception, listed)
		}
	}
}

func listingsOf(w *world, list string) string {
	var out []string
	for _, l := range w.listings {
		if l.List == list {
			out = append(out, l.Subject+" "+l.Text)
		}
	}
	return strings.Join(out, "\n")
}
