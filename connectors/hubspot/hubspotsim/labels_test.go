package hubspotsim_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
)

// types lists the association types between a contact and the companies, as category and id.
func (p *portal) types(contact string) string {
	p.t.Helper()
	a := p.do("POST", "/crm/associations/2026-09/contacts/companies/batch/read", `{"inputs":[{"id":"`+contact+`"}]}`)
	var out []string
	for i := range a.len("results", 0, "to") {
		for j := range a.len("results", 0, "to", i, "associationTypes") {
			row := []any{"results", 0, "to", i, "associationTypes", j}
			out = append(out, fmt.Sprint(a.text("results", 0, "to", i, "toObjectId"), ":", a.at(append(row, "typeId")...), a.text(append(row, "category")...)[:1]))
		}
	}
	return strings.Join(out, " ")
}

// TestLabels holds that a portal's own labels have ids and a category of their own, that the labels sent replace
// those there were, that taking one away leaves the association, and that the default one takes all with it.
func TestLabels(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	const base = "/crm/associations/2026-09/contacts/companies"
	made := p.must("POST", base+"/labels", `{"label":"Decision maker","name":"decision_maker"}`)
	id := fmt.Sprint(made.at("results", 0, "typeId"))
	if made.text("results", 0, "category") != "USER_DEFINED" || made.len("results") != 2 {
		t.Fatalf("label: %s", made.raw)
	}
	for what, body := range map[string]string{
		"the same label again":   `{"label":"Decision maker","name":"other"}`,
		"the same name again":    `{"label":"Buyer","name":"decision_maker"}`,
		"a name with a hyphen":   `{"label":"Buyer","name":"the-buyer"}`,
		"a name behind a number": `{"label":"Buyer","name":"1st_buyer"}`,
		"no name":                `{"label":"Buyer"}`,
	} {
		if a := p.do("POST", base+"/labels", body); a.status != 400 {
			t.Errorf("%s: %d", what, a.status)
		}
	}
	if a := p.must("GET", base+"/labels", ""); a.len("results") != 3 {
		t.Errorf("labels: %s", a.raw)
	}
	contact := p.contact(`{"email":"a@acme.com"}`)
	path := contacts + "/" + contact + "/associations/companies/11"
	own := `{"associationCategory":"USER_DEFINED","associationTypeId":` + strings.TrimSuffix(id, ".0") + `}`
	if a := p.do("PUT", path, "["+strings.Replace(own, "USER", "HUBSPOT", 1)+"]"); a.status != 400 {
		t.Errorf("under the wrong category: %d", a.status)
	}
	p.must("PUT", path, "["+own+"]")
	if diff := cmp.Diff("11:1H 11:279H 11:100001U", p.types(contact)); diff != "" {
		t.Error(diff)
	}
	p.must("PUT", path, `[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":1}]`)
	if diff := cmp.Diff("11:1H 11:279H", p.types(contact)); diff != "" {
		t.Error(diff)
	}
	archive := `{"inputs":[{"from":{"id":"` + contact + `"},"to":{"id":"11"},"types":[%s]}]}`
	p.must("POST", base+"/batch/labels/archive", fmt.Sprintf(archive, `{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":1}`))
	if diff := cmp.Diff("11:279H", p.types(contact)); diff != "" {
		t.Error(diff)
	}
	if got := p.must("GET", contacts+"/"+contact+"?properties=associatedcompanyid", "").at("properties", "associatedcompanyid"); got != nil {
		t.Errorf("primary company: %v", got)
	}
	p.must("POST", base+"/batch/labels/archive", fmt.Sprintf(archive, `{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":279}`))
	if diff := cmp.Diff("", p.types(contact)); diff != "" {
		t.Error(diff)
	}
}

// TestLabelIsRenamedAndDropped holds that a label of the portal's own may be renamed, in both directions at once, and
// dropped when no association has it, and that HubSpot's own may not.
func TestLabelIsRenamedAndDropped(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	const base = "/crm/associations/2026-09/contacts/companies/labels"
	p.must("POST", base, `{"label":"Boss","name":"boss","inverseLabel":"Boss of"}`)
	contact := p.contact(`{"email":"a@acme.com"}`)
	p.must("PUT", contacts+"/"+contact+"/associations/companies/11", `[{"associationCategory":"USER_DEFINED","associationTypeId":100001}]`)
	for _, step := range []struct {
		method, path, body string
		status             int
		labels, left       string // those of the pair and of its inverse, and what the contact has
	}{
		{"PUT", base, `{"associationTypeId":100001,"label":"Chief","inverseLabel":"Chief of"}`, 204, "Chief, Chief of", "11:1H 11:279H 11:100001U"},
		{"PUT", base, `{"associationTypeId":100001}`, 400, "Chief, Chief of", "11:1H 11:279H 11:100001U"},
		{"PUT", base, `{"associationTypeId":1,"label":"First"}`, 400, "Chief, Chief of", "11:1H 11:279H 11:100001U"},
		{"DELETE", base + "/279", "", 400, "Chief, Chief of", "11:1H 11:279H 11:100001U"},
		{"DELETE", base + "/100002", "", 404, "Chief, Chief of", "11:1H 11:279H 11:100001U"},
		{"PUT", base, `{"associationTypeId":100001,"label":"Head"}`, 204, "Head, Head", "11:1H 11:279H 11:100001U"},
		{"DELETE", base + "/100001", "", 400, "Head, Head", "11:1H 11:279H 11:100001U"},
		{"POST", strings.TrimSuffix(base, "labels") + "batch/labels/archive", `{"inputs":[{"from":{"id":"` + contact + `"},"to":{"id":"11"},"types":[{"associationCategory":"USER_DEFINED","associationTypeId":100001}]}]}`, 204, "Head, Head", "11:1H 11:279H"},
		{"DELETE", base + "/100001", "", 204, ", ", "11:1H 11:279H"},
		{"POST", base, `{"label":"Boss","name":"boss"}`, 200, "Boss, Boss", "11:1H 11:279H"},
		{"DELETE", base + "/100001", "", 204, ", ", "11:1H 11:279H"},
		{"DELETE", base + "/100001", "", 404, ", ", "11:1H 11:279H"},
	} {
		if a := p.do(step.method, step.path, step.body); a.status != step.status {
			t.Errorf("%s %s %s: %d %s", step.method, step.path, step.body, a.status, a.raw)
		}
		there := p.must("GET", base, "")
		back := p.must("GET", "/crm/associations/2026-09/companies/contacts/labels", "")
		if got := there.text("results", 2, "label") + ", " + back.text("results", 2, "label"); got != step.labels {
			t.Errorf("after %s %s: labels %q, want %q", step.method, step.body, got, step.labels)
		}
		if diff := cmp.Diff(step.left, p.types(contact)); diff != "" {
			t.Errorf("after %s %s: %s", step.method, step.path, diff)
		}
	}
}

// TestAssociationBatches holds how many rows each association batch takes, and the limit of a pair.
func TestAssociationBatches(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	contact := p.contact(`{"email":"a@acme.com"}`)
	const base = "/crm/associations/2026-09/contacts/companies/batch/"
	for verb, most := range map[string]int{"read": 1000, "create": 2000, "associate/default": 2000, "archive": 100} {
		row := `{"from":{"id":"` + contact + `"},"to":{"id":"999999"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":279}]}`
		switch verb {
		case "read":
			row = `{"id":"` + contact + `"}`
		case "archive":
			row = `{"from":{"id":"` + contact + `"},"to":[{"id":"999999"}]}`
		}
		for n, ok := range map[int]bool{0: false, most: true, most + 1: false} {
			a := p.do("POST", base+verb, `{"inputs":[`+strings.TrimSuffix(strings.Repeat(row+",", n), ",")+`]}`)
			if (a.status < 300) != ok {
				t.Errorf("%s of %d: %d", verb, n, a.status)
			}
		}
	}
	p.setup(`{"link_limits":{"contacts>companies":1}}`)
	p.must("PUT", contacts+"/"+contact+"/associations/default/companies/11", "")
	p.must("PUT", contacts+"/"+contact+"/associations/default/companies/11", "")
	for _, path := range []string{contacts + "/" + contact + "/associations/default/companies/14", "/crm/objects/2026-09/companies/14/associations/default/contacts/" + contact} {
		if a := p.do("PUT", path, ""); a.status != 400 || a.text("subCategory") != "crm.associations.ASSOCIATION_LIMIT_EXCEEDED" {
			t.Errorf("a second company: %d %s", a.status, a.raw)
		}
	}
	a := p.do("POST", base+"create", `{"inputs":[{"from":{"id":"`+contact+`"},"to":{"id":"14"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":279}]}]}`)
	if a.status != 207 || a.len("errors") != 1 {
		t.Errorf("a second company in a batch: %d %s", a.status, a.raw)
	}
}

// TestAssociationWebhooks holds that a primary company is told twice, at both ends, when it comes and when it goes
// (I0). Such an event has no objectId: it names its two ends.
func TestAssociationWebhooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, r := hooked(t, hubspotsim.Config{Hooks: []hubspotsim.Subscription{{Type: "contact.associationChange"}, {Type: "company.associationChange"}}})
		id := p.contact(`{"email":"a@acme.com"}`)
		p.by("person:ben@example.com", "update", "contacts", id, map[string]any{"links": []any{map[string]string{"kind": "companies", "id": "11"}}})
		p.must("DELETE", contacts+"/"+id+"/associations/companies/11", "")
		time.Sleep(time.Second)
		var got []string
		for _, e := range r.all() {
			got = append(got, fmt.Sprintf("%v %.0f>%.0f object=%v removed=%v primary=%v %v", e["associationType"], e["fromObjectId"], e["toObjectId"], e["objectId"], e["associationRemoved"], e["isPrimaryAssociation"], e["changeSource"]))
		}
		var want []string
		for _, half := range []string{"removed=false primary=false USER", "removed=false primary=true USER", "removed=true primary=true INTEGRATION", "removed=true primary=false INTEGRATION"} {
			want = append(want, "CONTACT_TO_COMPANY "+id+">11 object=<nil> "+half, "COMPANY_TO_CONTACT 11>"+id+" object=<nil> "+half)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestGenericAssociationWebhooks holds that a generic association event names the types of its ends by id and neither its object
// nor the two by name, beside the object's own event (I0).
func TestGenericAssociationWebhooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, r := hooked(t, hubspotsim.Config{Hooks: []hubspotsim.Subscription{{Type: "contact.associationChange"}, {Type: "object.associationChange", Object: "contacts"}}})
		id := p.contact(`{"email":"a@acme.com"}`)
		p.must("PUT", contacts+"/"+id+"/associations/default/companies/11", "")
		time.Sleep(time.Second)
		var got []string
		for _, e := range r.all() {
			got = append(got, fmt.Sprintf("%v %v %v %v %v %v %v", e["subscriptionType"], e["associationType"], e["objectTypeId"], e["objectId"], e["fromObjectTypeId"], e["toObjectTypeId"], e["isSensitive"]))
		}
		const plain, generic = "contact.associationChange CONTACT_TO_COMPANY <nil> <nil> <nil> <nil> <nil>", "object.associationChange <nil> <nil> <nil> 0-1 0-2 false"
		if diff := cmp.Diff([]string{plain, generic, plain, generic}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestGenericWebhooks holds that a generic subscription has its own event beside the object's, with the type id, and
// none for activities; and that a merge says who went into whom (C8).
func TestGenericWebhooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, r := hooked(t, hubspotsim.Config{Empty: true, Hooks: []hubspotsim.Subscription{
			{Type: "contact.creation"},
			{Type: "object.creation", Object: "contact"},
			{Type: "object.propertyChange", Property: "jobtitle", Object: "0-1"},
			{Type: "object.creation", Object: "tasks"},
			{Type: "object.merge", Object: "contacts"},
		}})
		p.setup(`{"preserve_merge_id":true}`)
		id := p.contact(`{"email":"a@acme.com"}`)
		p.must("POST", "/crm/objects/2026-09/tasks", `{"properties":{"hs_timestamp":"1"}}`)
		p.must("PATCH", contacts+"/"+id, `{"properties":{"jobtitle":"Buyer"}}`)
		other := p.contact(`{"email":"b@acme.com"}`)
		if got := p.must("POST", contacts+"/merge", `{"primaryObjectId":"`+id+`","objectIdToMerge":"`+other+`"}`).text("id"); got != id {
			t.Errorf("survivor %s, want %s", got, id)
		}
		time.Sleep(time.Second)
		want := "contact.creation; object.creation; object.propertyChange jobtitle; contact.creation; object.creation; object.merge"
		if got := strings.Join(r.names(), "; "); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
		if e := r.events[2]; e["objectTypeId"] != "0-1" || e["isSensitive"] != false || e["propertyValue"] != "Buyer" {
			t.Errorf("generic: %v", e)
		}
		if e := r.events[0]; e["objectTypeId"] != nil || r.events[0]["eventId"] == r.events[1]["eventId"] {
			t.Errorf("plain: %v", e)
		}
		if e := r.events[5]; fmt.Sprintf("%.0f %.0f %v", e["primaryObjectId"], e["newObjectId"], e["mergedObjectIds"]) != id+" "+id+" ["+other+"]" {
			t.Errorf("merge: %v", e)
		}
	})
}

// TestPreservedMerge holds that in a portal that preserves ids the primary record lives on, with what the other had (C8).
func TestPreservedMerge(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	p.setup(`{"preserve_merge_id":true}`)
	one, two := p.contact(`{"email":"one@example.org"}`), p.contact(`{"email":"two@example.org","jobtitle":"CTO"}`)
	p.must("PUT", contacts+"/"+two+"/associations/default/companies/11", "")
	p.must("POST", contacts+"/merge", `{"primaryObjectId":"`+one+`","objectIdToMerge":"`+two+`"}`)
	for _, key := range []string{one + "?", two + "?", "one@example.org?idProperty=email&", "two@example.org?idProperty=email&"} {
		a := p.must("GET", contacts+"/"+key+"properties=jobtitle,associatedcompanyid,email,hs_additional_emails", "")
		if a.text("id") != one || a.text("properties", "jobtitle") != "CTO" || a.text("properties", "associatedcompanyid") != "11" || a.text("properties", "email") != "one@example.org" {
			t.Errorf("%s: %s", key, a.raw)
		}
	}
	if a := p.must("GET", contacts, ""); a.len("results") != 1 {
		t.Errorf("list: %s", a.raw)
	}
}

// TestMergeLimit holds that no record takes in more than 250 others.
func TestMergeLimit(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true, Burst: 2000})
	p.setup(`{"preserve_merge_id":true}`)
	into := p.contact(`{"email":"a@acme.com"}`)
	for i := range 251 {
		other := p.contact(fmt.Sprintf(`{"email":"b%d@acme.com"}`, i))
		a := p.do("POST", contacts+"/merge", `{"primaryObjectId":"`+into+`","objectIdToMerge":"`+other+`"}`)
		if a.status == 414 {
			if i < 240 {
				t.Errorf("refused after %d", i)
			}
			return
		}
	}
	t.Error("251 records went into one")
}

// TestForeignWebhooks holds that a share of the events names another portal, under a signature that is right (I8).
func TestForeignWebhooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, r := hooked(t, hubspotsim.Config{Empty: true})
		p.setup(`{"foreign_webhooks":0.2}`)
		for i := range 100 {
			p.contact(fmt.Sprintf(`{"email":"a%d@acme.com"}`, i))
		}
		p.deliver()
		foreign := 0
		for _, e := range r.all() {
			if fmt.Sprintf("%.0f", e["portalId"]) != p.sim.Credentials().PortalID {
				foreign++
			}
		}
		if foreign < 8 || foreign > 40 {
			t.Errorf("%d of %d events are foreign", foreign, len(r.all()))
		}
	})
}
