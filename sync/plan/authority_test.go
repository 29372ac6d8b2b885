package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestOwnerElsewhere: where Salesforce has the say over the owner, a handoff of somebody
// who stands in both writes its own fields and its task in HubSpot, and the owner in
// Salesforce: where a queue or nobody has the record, and not over one of ours. One
// that had written an owner in HubSpot before the two were known to be one goes on
// there (1.72, C13).
func TestOwnerElsewhere(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "handoffd.yaml", "mode: observe", "mode: write", "\nnever:", "\nauthority: {owner: salesforce}\nnever:"))
	there := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q7"}
	for name, tc := range map[string]struct {
		holder string // of the Lead
		late   bool   // it is known only after the assignment
		writes bool   // the owner, there
		listed bool
	}{
		"a queue's":                       {holder: "q-inbound", writes: true},
		"nobody's":                        {writes: true},
		"of one of ours":                  {holder: "u-vera", listed: true},
		"of somebody who sells elsewhere": {holder: "u-stranger", writes: true},
		"known later":                     {holder: "q-inbound", late: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.users = append(w.users, user{"salesforce", connectors.User{ID: "u-stranger", Email: "stranger@example.com", Active: true}})
			w.add(lead("00Q7", "owner", tc.holder))
			rec := demo("51", "dana@acme.com")
			if !tc.late {
				w.same[rec.Ref] = state.Same{Refs: []connectors.Ref{rec.Ref, there}}
			}
			w.decide(t, r, monday, see(rec))
			steps := w.steps()
			_, here := steps["assign"].Write.Set["hubspot_owner_id"]
			over, writes := steps["owner there"]
			if here != tc.late || writes != tc.writes || (len(w.listed("authority")) > 0) != tc.listed {
				t.Fatalf("the owner is written here %v, there %v; listed %q", here, writes, w.listed("authority"))
			}
			if writes && (over.Write.Ref != there || over.Expect["OwnerId"] != blank(tc.holder) || over.Write.IfVersion == "" || !over.AtRisk || over.Write.Set["OwnerId"] == nil) {
				t.Errorf("there: %+v, expecting %v", over.Write, over.Expect)
			}
			first := w.only(t)
			w.done(t, r, monday.Add(time.Second))
			if !tc.late {
				return
			}
			w.same[rec.Ref] = state.Same{Refs: []connectors.Ref{rec.Ref, there}}
			w.decide(t, r, monday.Add(time.Minute), plan.Reassign{Handoff: first.ID, To: "revops@example.com", By: "revops@example.com"})
			if i := w.steps()["reassign"]; i.Write.Set["hubspot_owner_id"] != "u-revops" {
				t.Errorf("reassigned: %+v", i.Write)
			}
		})
	}
}

func blank(s string) any {
	if s == "" {
		return nil
	}
	return s
}
