package salesforce

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// (1.59) who decides about a deal is read with the deal, the primary one first.
func TestBuyingCommittee(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{})
	roles := []string{"Name", "OpportunityContactRoles"}
	person := func(last string) string {
		return w.edit(simhttp.Edit{Object: "Contact", Op: "create", Fields: map[string]any{"FirstName": "Dana", "LastName": last}})
	}
	deal := w.edit(simhttp.Edit{Object: "Opportunity", Op: "create", Fields: map[string]any{"Name": "Big", "StageName": "Prospecting", "CloseDate": "2030-01-01"}})
	role := func(contact string, fields map[string]any) string {
		fields["OpportunityId"], fields["ContactId"] = deal, contact
		return w.edit(simhttp.Edit{Object: "OpportunityContactRole", Op: "create", Fields: fields})
	}
	if got := w.read(Opportunity, roles, deal)[deal].Fields; got["OpportunityContactRoles"] != nil {
		t.Errorf("nobody yet: %v", got)
	}
	role(person("Abel"), map[string]any{"Role": "Evaluator"})
	role(person("Ito"), map[string]any{"Role": "Economic Buyer", "IsPrimary": true})
	role(person("Zorn"), map[string]any{})
	gone := role(person("Gone"), map[string]any{"Role": "Other"})
	w.edit(simhttp.Edit{Object: "OpportunityContactRole", Op: "delete", ID: gone})
	const want = "Dana Ito (Economic Buyer, primary); Dana Abel (Evaluator); Dana Zorn"
	calls := w.counted(func() {
		if got := w.read(Opportunity, roles, deal)[deal].Fields["OpportunityContactRoles"]; got != want {
			t.Errorf("read %q, want %q", got, want)
		}
	})
	if calls != 1 {
		t.Errorf("reading took %d calls, want 1", calls)
	}
	pages, err := w.org.Changes(t.Context(), []connectors.Poll{{Kind: Opportunity, Fields: roles, From: connectors.Cursor{From: time.Now().Add(-time.Hour)}}})
	if err != nil || pages[0].Err != nil {
		t.Fatal(err, pages[0].Err)
	}
	i := slices.IndexFunc(pages[0].Changes, func(c connectors.Change) bool { return c.Ref.ID == deal })
	if i < 0 || pages[0].Changes[i].Object.Fields["OpportunityContactRoles"] != want {
		t.Errorf("polled %+v", pages[0].Changes)
	}
	kinds, err := w.org.Describe(t.Context(), []connectors.Kind{Opportunity, Account, Lead})
	if err != nil {
		t.Fatal(err)
	}
	if f := kinds[Opportunity].Fields["OpportunityContactRoles"]; f.Type != "text" || f.Writable {
		t.Errorf("described as %+v", f)
	}
	if lacks := w.org.Lacks(Opportunity, append(roles, "AccountContactRelations")); cmp.Diff([]string{"AccountContactRelations"}, lacks) != "" {
		t.Errorf("lacks %v", lacks)
	}
}

// A list of people whose columns are hidden costs those columns, one that is
// hidden the list, and never the record (C15).
func TestBuyingCommitteeHidden(t *testing.T) {
	t.Parallel()
	for setup, want := range map[string]any{
		`{"hidden":["OpportunityContactRole.Role"]}`:                                          "Dana Ito (primary)",
		`{"hidden":["OpportunityContactRole.Role","OpportunityContactRole.IsPrimary"]}`:       "Dana Ito",
		`{"no_access":["OpportunityContactRole"]}`:                                            nil,
		`{"no_access":["Contact"],"hidden":["OpportunityContactRole.ContactId","Task.Type"]}`: nil,
	} {
		for _, late := range []bool{false, true} {
			w := newWorld(t, salesforcesim.Config{})
			contact := w.edit(simhttp.Edit{Object: "Contact", Op: "create", Fields: map[string]any{"FirstName": "Dana", "LastName": "Ito"}})
			deal := w.edit(simhttp.Edit{Object: "Opportunity", Op: "create", Fields: map[string]any{"Name": "Big", "StageName": "Prospecting", "CloseDate": "2030-01-01"}})
			w.edit(simhttp.Edit{Object: "OpportunityContactRole", Op: "create", Fields: map[string]any{"OpportunityId": deal, "ContactId": contact, "Role": "Evaluator", "IsPrimary": true}})
			fields := []string{"Name", "OpportunityContactRoles"}
			if late {
				w.read(Opportunity, fields, deal)
			}
			w.setup(setup)
			for _, how := range []string{"at once", "again"} {
				got := w.read(Opportunity, fields, deal)[deal]
				if got.Fields["Name"] != "Big" || got.Fields["OpportunityContactRoles"] != want && (how == "again" || !late) {
					t.Errorf("%s late=%v %s: %+v, want %v", setup, late, how, got.Fields, want)
				}
			}
		}
	}
}

// That the owner has opened a lead is read by id; it moves no stamp. What
// Salesforce does not count is left out, and not called lacking.
func TestOpened(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{})
	id := w.lead(1)
	fields := connectors.WorkFields()
	before := w.read(Lead, fields, id)[id]
	w.edit(simhttp.Edit{Object: "Lead", Op: "update", ID: id, Fields: map[string]any{"IsUnreadByOwner": false}})
	after := w.read(Lead, fields, id)[id]
	if diff := cmp.Diff(map[string]any{connectors.WorkOpened: false}, before.Fields); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{connectors.WorkOpened: true}, after.Fields); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
	if before.Version != after.Version {
		t.Errorf("looking at it made version %s of %s", after.Version, before.Version)
	}
	if lacks := w.org.Lacks(Lead, fields); lacks != nil {
		t.Errorf("lacks %v", lacks)
	}
	contact := w.edit(simhttp.Edit{Object: "Contact", Op: "create", Fields: map[string]any{"LastName": "Ito"}})
	if got := w.read(Contact, fields, contact)[contact].Fields; got != nil {
		t.Errorf("of a contact: %v", got)
	}
	w.hide([]string{"Lead.IsUnreadByOwner"})
	w.org.schemas = newSchemaStore()
	w.read(Lead, fields, id)
	if lacks := w.org.Lacks(Lead, fields); cmp.Diff([]string{connectors.WorkOpened}, lacks) != "" {
		t.Errorf("hidden, it lacks %v", lacks)
	}
}

// What a buyer asked us not to do is read like any other field.
func TestDoNotCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{})
	for kind, fields := range map[connectors.Kind]map[string]any{Lead: {"LastName": "Ito", "Company": "Ito Ltd"}, Contact: {"LastName": "Ito"}} {
		fields["DoNotCall"], fields["HasOptedOutOfEmail"] = true, true
		id := w.edit(simhttp.Edit{Object: string(kind), Op: "create", Fields: fields})
		got := w.read(kind, []string{"DoNotCall", "HasOptedOutOfEmail"}, id)[id].Fields
		if diff := cmp.Diff(map[string]any{"DoNotCall": true, "HasOptedOutOfEmail": true}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
}
