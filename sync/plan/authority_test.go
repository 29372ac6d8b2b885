package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestOwnerElsewhere: where Salesforce has the say over the owner, a handoff of
// somebody who stands in both tells HubSpot and changes no owner there, whatever
// happens to it, and that is listed, also where the very reading that starts it says
// that the two are one. One that had written an owner before that was known goes on
// where it began (C13).
func TestOwnerElsewhere(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "handoffd.yaml", "mode: observe", "mode: write", "\nnever:", "\nauthority: {owner: salesforce}\nnever:"))
	both := func(w *world, ref connectors.Ref) {
		w.same[ref] = state.Same{Refs: []connectors.Ref{ref, {Conn: "salesforce", Kind: "Lead", ID: "00Q7"}}}
	}
	for name, tc := range map[string]struct {
		known   string // that the two are one: "before", "with" or "after" the reading that is assigned
		waiting bool   // the first write has not left when an operator gives it to another
		writes  bool   // an owner
	}{
		"known before":              {known: "before"},
		"known before, redirected":  {known: "before", waiting: true},
		"known with it":             {known: "with"},
		"known with it, redirected": {known: "with", waiting: true},
		"known after":               {known: "after", writes: true},
		"known after, redirected":   {known: "after", waiting: true, writes: true},
		"in one of them only":       {writes: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			rec := demo("51", "dana@acme.com")
			switch tc.known {
			case "before":
				both(w, rec.Ref)
			case "with":
				rec.Same = []connectors.Ref{{Conn: "salesforce", Kind: "Lead", ID: "00Q7"}}
			}
			w.decide(t, r, monday, see(rec))
			first := w.only(t)
			if _, owner := w.steps()["assign"].Write.Set["hubspot_owner_id"]; owner != tc.writes || w.steps()["assign"].Write.Set["handoff_status"] != "Assigned" {
				t.Fatalf("assigned: %v", w.steps()["assign"].Write.Set)
			}
			if listed := len(w.listed("authority")) > 0; listed == tc.writes {
				t.Errorf("listed: %q", w.listed("authority"))
			}
			if !tc.waiting {
				w.done(t, r, monday.Add(time.Second))
			}
			if tc.known == "after" {
				both(w, rec.Ref)
			}
			w.decide(t, r, monday.Add(time.Minute), plan.Reassign{Handoff: first.ID, To: "revops@example.com", By: "revops@example.com"})
			if got := w.only(t).Owner; got != "revops@example.com" {
				t.Fatalf("owner %s", got)
			}
			step := map[bool]string{true: "assign", false: "reassign"}[tc.waiting]
			if got, owner := w.steps()[step].Write.Set["hubspot_owner_id"]; owner != tc.writes || owner && got != "u-revops" {
				t.Errorf("%s: %v", step, w.steps()[step].Write.Set)
			}
			has := func(who string) {
				t.Helper()
				named := slices.ContainsFunc(w.listed("authority"), func(s string) bool { return strings.Contains(s, who+" has the task") })
				if named == tc.writes {
					t.Errorf("%s has it now; listed: %q", who, w.listed("authority"))
				}
			}
			has("revops@example.com")
			w.done(t, r, monday.Add(2*time.Minute))
			back := demo("51", "dana@acme.com")
			back.Version, back.ModifiedAt = "7", monday.Add(3*time.Minute)
			back.Fields["handoff_id"], back.Fields["handoff_status"], back.Fields["handoff_return_reason"] = first.ID, "Returned", "Wrong territory"
			if tc.writes {
				back.Fields["owner"] = "u-revops"
			}
			w.decide(t, r, monday.Add(3*time.Minute), see(back))
			got := w.only(t)
			if got.Stage != state.Returned {
				t.Fatalf("stage %s", got.Stage)
			}
			if to, owner := w.steps()["return"].Write.Set["hubspot_owner_id"]; owner != tc.writes {
				t.Errorf("return: owner %v", to)
			}
			has(got.Accountable)
		})
	}
}

// TestOwnerElsewhereFirstWrite: the say of another CRM holds for the first owner that
// a handoff would write, however it comes to that: on a record that was found over
// there just now, or after it was held for context and the record's owner noted.
func TestOwnerElsewhereFirstWrite(t *testing.T) {
	t.Parallel()
	says := func(who string) map[string]string {
		return edit(t, "handoffd.yaml", "mode: observe", "mode: write", "\nnever:", "\nauthority: {owner: "+who+"}\nnever:")
	}
	for name, tc := range map[string]struct {
		rules *plan.Rules
		owner string // the field that is not to be written
		do    func(*testing.T, *plan.Rules, *world)
	}{
		"found just now": {writing(t, says("hubspot")), "OwnerId", func(t *testing.T, r *plan.Rules, w *world) {
			w.locate(t, r, sales("51", "dana@acme.com"), lead("00Q1"))
		}},
		"held before": {writing(t, says("salesforce"), edit(t, "handoffs/demo-request.yaml",
			"must_have: [person.email]", "must_have: [person.email, person.title]",
			"if_missing: route_then_chase", "if_missing: gate\n  hold_at_most: 48 hours\n  after_hold: escalate\n  # ",
		)), "hubspot_owner_id", func(t *testing.T, r *plan.Rules, w *world) {
			rec := demo("51", "dana@acme.com", "country", "US")
			w.same[rec.Ref] = state.Same{Refs: []connectors.Ref{rec.Ref, {Conn: "salesforce", Kind: "Lead", ID: "00Q7"}}}
			w.decide(t, r, monday, see(rec))
			if got := w.only(t).Stage; got != state.Held {
				t.Fatalf("stage %s", got)
			}
			w.done(t, r, monday)
			for n, more := range [][]string{{"phone", "+15550100"}, {"title", "CFO"}} {
				rec.Version, rec.ModifiedAt, rec.Fields = "2"+more[1], monday.Add(time.Duration(1+n)*time.Minute), fields(rec, more...)
				w.decide(t, r, rec.ModifiedAt, see(rec))
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			tc.do(t, tc.rules, w)
			assign := w.steps()["assign"].Write.Set
			if owner, writes := assign[tc.owner]; writes || assign["handoff_status"] != "Assigned" {
				t.Errorf("owner %v, status %v", owner, assign["handoff_status"])
			}
			if got := w.listed("authority"); len(got) != 1 || !strings.Contains(got[0], w.only(t).Owner+" has the task") {
				t.Errorf("listed: %q", got)
			}
			w.decide(t, tc.rules, monday.Add(5*time.Minute), plan.Reassign{Handoff: w.only(t).ID, To: "revops@example.com", By: "ops"})
			if owner, writes := w.steps()["assign"].Write.Set[tc.owner]; writes || w.only(t).Owner != "revops@example.com" {
				t.Errorf("by order %s has it, owner %v", w.only(t).Owner, owner)
			}
		})
	}
}
