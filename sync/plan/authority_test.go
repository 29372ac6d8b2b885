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
// happens to it, and that is listed. One that had written an owner before the two
// were known to be one goes on where it began (C13).
func TestOwnerElsewhere(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "handoffd.yaml", "mode: observe", "mode: write", "\nnever:", "\nauthority: {owner: salesforce}\nnever:"))
	both := func(w *world, ref connectors.Ref) {
		w.same[ref] = state.Same{Refs: []connectors.Ref{ref, {Conn: "salesforce", Kind: "Lead", ID: "00Q7"}}}
	}
	for name, tc := range map[string]struct {
		known   string // that the two are one: "before", "after" the assignment
		waiting bool   // the first write has not left when an operator gives it to another
		writes  bool   // an owner
	}{
		"known before":             {known: "before"},
		"known before, redirected": {known: "before", waiting: true},
		"known after":              {known: "after", writes: true},
		"known after, redirected":  {known: "after", waiting: true, writes: true},
		"in one of them only":      {writes: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			rec := demo("51", "dana@acme.com")
			if tc.known == "before" {
				both(w, rec.Ref)
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
