package hubspotsim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// by makes an edit in somebody's name.
func (p *portal) by(who, op, object, id string, fields map[string]any) string {
	p.t.Helper()
	out, err := p.sim.Edit(simhttp.Edit{Object: object, Op: op, ID: id, Fields: fields, By: who})
	if err != nil {
		p.t.Fatal(err)
	}
	return out["id"]
}

// told lists the ledger's lines of one record: op, actor and the owner's or the named fields' values.
func told(h *simhttp.History, object, id string, fields ...string) []string {
	var out []string
	for _, c := range h.Changes() {
		if c.Object != object || c.ID != id {
			continue
		}
		line := c.Op + " " + c.Actor
		for _, f := range fields {
			if v, has := c.Fields[f]; has {
				line += fmt.Sprintf(" %s:%v>%v", f, v.From, v.To)
			}
		}
		if c.Into != "" {
			line += " into"
		}
		out = append(out, line)
	}
	return out
}

// TestLedger holds that every applied change has its line, by the hand that made it, and that a call which
// changed nothing has none (C11, C12).
func TestLedger(t *testing.T) {
	t.Parallel()
	h := simhttp.NewHistory()
	p := newPortal(t, hubspotsim.Config{History: h, Empty: true})
	ana, ben := p.owner("ana"), p.owner("ben")
	id := p.contact(`{"email":"a@acme.com","hubspot_owner_id":"` + ana + `"}`)
	p.must("PATCH", contacts+"/"+id, `{"properties":{"hubspot_owner_id":"`+ana+`"}}`) // nothing differs
	p.by("person:ben@example.com", "update", "contacts", id, map[string]any{"hubspot_owner_id": "ben@example.com"})
	p.by("automation:Lead routing", "update", "contacts", id, map[string]any{"hubspot_owner_id": "ana@example.com"})
	p.by("sync:salesforce", "update", "contacts", id, map[string]any{"jobtitle": "Buyer", "hubspot_owner_id": ""})
	task := p.must("POST", "/crm/objects/2026-09/tasks", `{"properties":{"hs_timestamp":"1"},"associations":[{"to":{"id":"`+id+`"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":204}]}]}`).text("id")
	p.must("DELETE", contacts+"/"+id, "")
	p.by("", "restore", "contacts", id, nil)
	p.edit("submit_form", "contacts", "", map[string]any{"form": "Demo", "email": "a@acme.com"})
	p.by("person:ben@example.com", "purge", "contacts", id, nil)
	const own = "hubspot_owner_id"
	want := []string{
		"create api:private " + own + ":<nil>>" + ana,
		"update person:ben@example.com " + own + ":" + ana + ">" + ben,
		"update automation:Lead routing " + own + ":" + ben + ">" + ana,
		"update sync:salesforce " + own + ":" + ana + "><nil>",
		"link api:private", "delete api:private", "restore person:ana@example.com", "update form", "purge person:ben@example.com",
	}
	// What HubSpot derives depends on whether two calls fall into one millisecond.
	got := slices.DeleteFunc(told(h, "contacts", id, own), func(l string) bool { return l == "update system" })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"create api:private", "link api:private contacts:<nil>>" + id}, told(h, "tasks", task, "contacts")); diff != "" {
		t.Error(diff)
	}
	if got := p.do("GET", contacts+"/"+id, ""); got.status != 404 {
		t.Errorf("a purged contact answers %d", got.status)
	}
}

// TestLedgerOfMerge holds that both old ids say where they went, and that the world that was loaded left no line (C8).
func TestLedgerOfMerge(t *testing.T) {
	t.Parallel()
	h := simhttp.NewHistory()
	p := newPortal(t, hubspotsim.Config{History: h})
	if n := len(h.Changes()); n != 0 {
		t.Errorf("the loaded world left %d lines", n)
	}
	a, b := p.contact(`{"email":"a@acme.com"}`), p.contact(`{"email":"b@acme.com"}`)
	c := p.by("person:ben@example.com", "merge", "contacts", b, map[string]any{"into": a})
	for _, id := range []string{a, b} {
		lines := told(h, "contacts", id)
		if last := lines[len(lines)-1]; last != "merge person:ben@example.com into" {
			t.Errorf("%s: %q", id, last)
		}
	}
	if got := told(h, "contacts", c, "email")[0]; got != "merge person:ben@example.com email:<nil>>a@acme.com" {
		t.Errorf("survivor: %q", got)
	}
}

// TestSources holds how a hand stands in a property's history and in hs_updated_by_user_id, which an API call
// leaves as it was (C11).
func TestSources(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	id := p.contact(`{"email":"a@acme.com","jobtitle":"0"}`)
	user := fmt.Sprintf("%.0f", p.must("GET", "/crm/owners/2026-09/"+p.owner("ben"), "").at("userId"))
	for i, by := range []string{"person:ben@example.com", "automation:Lead routing", "sync:salesforce"} {
		p.by(by, "update", "contacts", id, map[string]any{"jobtitle": fmt.Sprint(i + 1)})
	}
	a := p.must("GET", contacts+"/"+id+"?propertiesWithHistory=jobtitle&properties=hs_updated_by_user_id", "")
	var got []string
	for i := range a.len("propertiesWithHistory", "jobtitle") {
		row := []any{"propertiesWithHistory", "jobtitle", i}
		by := a.at(append(row, "updatedByUserId")...)
		if n, isNumber := by.(float64); isNumber {
			by = fmt.Sprintf("%.0f", n)
		}
		got = append(got, fmt.Sprint(a.text(append(row, "value")...), " ", a.text(append(row, "sourceType")...), " ", by))
	}
	want := []string{"3 INTEGRATION <nil>", "2 AUTOMATION_PLATFORM <nil>", "1 CRM_UI " + user, "0 INTEGRATION <nil>"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	row := []any{"propertiesWithHistory", "jobtitle"}
	if ours, theirs := a.text(append(row, 3, "sourceId")...), a.text(append(row, 0, "sourceId")...); ours == theirs || ours == "" {
		t.Errorf("our app id %q, the other program's %q", ours, theirs)
	}
	if got := a.text("properties", "hs_updated_by_user_id"); got != user {
		t.Errorf("hs_updated_by_user_id %q, want %q", got, user)
	}
	for _, by := range []string{"ben", "person:nobody@example.com", "automation:", "robot:x"} {
		if _, err := p.sim.Edit(simhttp.Edit{Object: "contacts", Op: "update", ID: id, By: by}); err == nil {
			t.Errorf("by %q is taken", by)
		}
	}
}

// TestDeactivate holds that a user who is deactivated leaves the list of owners and owns what they own, and that
// no new record may be given to them (1.77).
func TestDeactivate(t *testing.T) {
	t.Parallel()
	h := simhttp.NewHistory()
	p := newPortal(t, hubspotsim.Config{History: h, Empty: true})
	ana := p.owner("ana")
	id := p.contact(`{"email":"a@acme.com","hubspot_owner_id":"` + ana + `"}`)
	p.edit("update", "owners", "ana@example.com", map[string]any{"active": false})
	if got := p.must("GET", "/crm/owners/2026-09?email=ana@example.com", "").len("results"); got != 0 {
		t.Errorf("%d active owners named ana", got)
	}
	if a := p.must("GET", "/crm/owners/2026-09?archived=true", ""); a.text("results", 0, "id") != ana || a.at("results", 0, "userId") != nil {
		t.Errorf("archived: %s", a.raw)
	}
	if got := p.must("GET", contacts+"/"+id+"?properties=hubspot_owner_id", "").text("properties", "hubspot_owner_id"); got != ana {
		t.Errorf("owner %q, want %q", got, ana)
	}
	if a := p.do("PATCH", contacts+"/"+id, `{"properties":{"hubspot_owner_id":"`+ana+`"}}`); a.status != 400 {
		t.Errorf("given to a deactivated user: %d", a.status)
	}
	if got := told(h, "owners", ana, "active"); len(got) != 1 || got[0] != "update person:ana@example.com active:true>false" {
		t.Errorf("ledger: %v", got)
	}
}

// TestPurgeAndRestoreWebhooks holds that a privacy deletion sends two events and a restore one, with the hand in
// changeSource and sourceId, and that every request is in the ledger of what was sent (C9, I0).
func TestPurgeAndRestoreWebhooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := simhttp.NewHistory()
		subs := append(hubspotsim.DefaultSubscriptions(), hubspotsim.Subscription{Type: "contact.restore"})
		p, r := hooked(t, hubspotsim.Config{History: h, Empty: true, Hooks: subs})
		id := p.contact(`{"email":"a@acme.com"}`)
		p.by("automation:Lead routing", "update", "contacts", id, map[string]any{"hubspot_owner_id": "ana@example.com"})
		p.edit("delete", "contacts", id, nil)
		p.edit("restore", "contacts", id, nil)
		p.edit("purge", "contacts", id, nil)
		time.Sleep(time.Second)
		got := r.names()
		if diff := cmp.Diff([]string{"contact.creation", "contact.propertyChange hubspot_owner_id", "contact.deletion", "contact.restore"}, got[:4]); diff != "" {
			t.Error(diff)
		}
		if both := strings.Join(got[4:], " "); both != "contact.deletion contact.privacyDeletion" && both != "contact.privacyDeletion contact.deletion" {
			t.Errorf("purge sends %s", both)
		}
		bin := p.contact(`{"email":"b@acme.com"}`)
		p.must("DELETE", contacts+"/"+bin, "")
		p.edit("purge", "contacts", bin, nil)
		time.Sleep(time.Second)
		if diff := cmp.Diff([]string{"contact.creation", "contact.deletion", "contact.privacyDeletion"}, r.names()[len(got):]); diff != "" {
			t.Errorf("purged from the recycle bin: %s", diff)
		}
		got = r.names()
		if e := r.events[1]; e["changeSource"] != "AUTOMATION_PLATFORM" || !strings.HasPrefix(fmt.Sprint(e["sourceId"]), "enrollmentId:") {
			t.Errorf("workflow: %v", e)
		}
		var ids int
		for _, s := range h.Sent() {
			if s.URL != target || s.Status != 200 || s.CRM != "hubspot" {
				t.Errorf("sent: %+v", s)
			}
			ids += len(s.Events)
		}
		if ids != len(got) || h.Sent()[0].Events[0] != fmt.Sprintf("%.0f", r.events[0]["eventId"]) {
			t.Errorf("ledger has %d events, the receiver %d", ids, len(got))
		}
	})
}
