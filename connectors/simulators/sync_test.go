package simulators_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/simulators"
)

// both is a pair of CRMs with the native sync between them.
type both struct {
	*testing.T
	*simulators.Pair
}

// synced plays a story in a bubble; rounds are played by hand.
func synced(t *testing.T, cfg simulators.SyncConfig, story func(b both)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pair, err := simulators.New(simulators.Config{Seed: 7, Sync: cfg})
		if err != nil {
			t.Fatal(err)
		}
		story(both{t, pair})
	})
}

func (b both) edit(crm, object, op, id string, fields map[string]any) string {
	b.Helper()
	var sim simulators.Sim = b.HubSpot
	if crm == "salesforce" {
		sim = b.Salesforce
	}
	made, err := sim.Edit(simulators.Edit{CRM: crm, Object: object, Op: op, ID: id, Fields: fields})
	if err != nil {
		b.Fatalf("%s %s %s: %v", op, crm, object, err)
	}
	time.Sleep(2 * time.Second) // Salesforce's stamps are whole seconds
	return made["id"]
}

func (b both) contact(fields map[string]any) string {
	b.Helper()
	return b.edit("hubspot", "contacts", "create", "", fields)
}

func (b both) lead(fields map[string]any) string {
	b.Helper()
	for name, v := range map[string]any{"LastName": "Rossi", "Company": "Newco"} {
		if _, given := fields[name]; !given {
			fields[name] = v
		}
	}
	return b.edit("salesforce", "Lead", "create", "", fields)
}

func (b both) round() {
	b.Helper()
	if err := b.SyncNow(); err != nil {
		b.Fatal(err)
	}
	for _, e := range b.SyncStats().Errors {
		b.Logf("refused: %+v", e)
	}
	time.Sleep(2 * time.Second)
}

// row is a record's fields as text.
func (b both) row(crm, object, id string) map[string]string {
	b.Helper()
	var sim simulators.Sim = b.HubSpot
	if crm == "salesforce" {
		sim = b.Salesforce
	}
	raw, err := json.Marshal(sim.World())
	if err != nil {
		b.Fatal(err)
	}
	var world map[string][]struct {
		ID     string
		Fields map[string]any
	}
	if err := json.Unmarshal(raw, &world); err != nil {
		b.Fatal(err)
	}
	for _, r := range world[object] {
		if r.ID == id {
			out := map[string]string{}
			for name, v := range r.Fields {
				out[name] = fmt.Sprint(v)
			}
			return out
		}
	}
	b.Fatalf("%s has no %s %s", crm, object, id)
	return nil
}

// ledger is who changed what of one record, oldest first.
func (b both) ledger(id string) []string {
	var lines []string
	for _, c := range b.History.Changes() {
		if c.ID == id {
			lines = append(lines, c.Op+" by "+c.Actor)
		}
	}
	return lines
}

// TestSyncJoins holds that an e-mail address joins, that the id is then stored, and that blanks are filled both
// ways, in the sync's name.
func TestSyncJoins(t *testing.T) {
	t.Parallel()
	synced(t, simulators.SyncConfig{}, func(b both) {
		contact := b.contact(map[string]any{"email": "ada@newco.example", "jobtitle": "Buyer"})
		lead := b.lead(map[string]any{"Email": "Ada@newco.example", "Phone": "+1 512 555 0100"})
		b.round()
		got := b.row("hubspot", "contacts", contact)
		if got["salesforceleadid"] != lead || got["phone"] != "+1 512 555 0100" || got["lastname"] != "Rossi" || got["company"] != "Newco" {
			t.Errorf("contact: %v", got)
		}
		if got := b.row("salesforce", "Lead", lead); got["Title"] != "Buyer" {
			t.Errorf("lead: %v", got)
		}
		if got := strings.Join(b.ledger(lead), ", "); !strings.HasSuffix(got, "update by sync:hubspot") {
			t.Errorf("ledger of the lead: %s", got)
		}
		if got := strings.Join(b.ledger(contact), ", "); !strings.Contains(got, "update by sync:salesforce") {
			t.Errorf("ledger of the contact: %s", got)
		}
		before := len(b.History.Changes())
		b.round()
		if n := len(b.History.Changes()) - before; n > 0 {
			t.Errorf("equal values were written again: %+v", b.History.Changes()[before:])
		}
	})
}

// TestSyncWins holds who wins where both sides changed, under both rules.
// (C13)
func TestSyncWins(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		prefer string
		edits  []string // who changes the title, in this order
		want   string
	}{
		{"recent", []string{"hubspot"}, "hubspot"},
		{"recent", []string{"salesforce"}, "salesforce"},
		{"recent", []string{"salesforce", "hubspot"}, "hubspot"},
		{"recent", []string{"hubspot", "salesforce"}, "salesforce"},
		{"salesforce", []string{"hubspot"}, "before"},
		{"salesforce", []string{"salesforce", "hubspot"}, "salesforce"},
	} {
		t.Run(tc.prefer+" "+strings.Join(tc.edits, " "), func(t *testing.T) {
			t.Parallel()
			synced(t, simulators.SyncConfig{Prefer: tc.prefer}, func(b both) {
				contact := b.contact(map[string]any{"email": "ada@newco.example", "jobtitle": "before"})
				lead := b.lead(map[string]any{"Email": "ada@newco.example", "Title": "before"})
				b.round()
				for _, crm := range tc.edits {
					if crm == "hubspot" {
						b.edit(crm, "contacts", "update", contact, map[string]any{"jobtitle": crm})
					} else {
						b.edit(crm, "Lead", "update", lead, map[string]any{"Title": crm})
					}
				}
				b.round()
				left, right := b.row("hubspot", "contacts", contact)["jobtitle"], b.row("salesforce", "Lead", lead)["Title"]
				if left != tc.want || right != tc.want {
					t.Errorf("HubSpot %q, Salesforce %q; want %q", left, right, tc.want)
				}
			})
		})
	}
}

// TestSyncOwner holds that owners follow by e-mail address, and that a queue goes nowhere.
func TestSyncOwner(t *testing.T) {
	t.Parallel()
	synced(t, simulators.SyncConfig{Owner: true}, func(b both) {
		contact := b.contact(map[string]any{"email": "ada@newco.example", "hubspot_owner_id": "ana@example.com"})
		lead := b.lead(map[string]any{"Email": "ada@newco.example", "OwnerId": "ben@example.com"})
		b.edit("hubspot", "contacts", "update", contact, map[string]any{"jobtitle": "Buyer"})
		b.round() // nothing is known yet and HubSpot was touched last: Ana
		ana := b.row("hubspot", "contacts", contact)["hubspot_owner_id"]
		sfAna := b.row("salesforce", "Lead", lead)["OwnerId"]
		b.edit("salesforce", "Lead", "update", lead, map[string]any{"OwnerId": "ben@example.com"})
		b.round()
		if got := b.row("hubspot", "contacts", contact)["hubspot_owner_id"]; got == ana || got == "" {
			t.Errorf("owner in HubSpot %q after Ben took the lead; Ana is %q", got, ana)
		}
		b.edit("hubspot", "contacts", "update", contact, map[string]any{"hubspot_owner_id": "ana@example.com"})
		b.round()
		if got := b.row("salesforce", "Lead", lead)["OwnerId"]; got != sfAna {
			t.Errorf("owner in Salesforce %q after Ana took the contact, want %q", got, sfAna)
		}
	})
}

// TestSyncCreates holds that people known to one side only are made on the other, once, and not again after
// they were deleted there.
func TestSyncCreates(t *testing.T) {
	t.Parallel()
	synced(t, simulators.SyncConfig{CreateLeads: true, CreateContacts: true, Owner: true}, func(b both) {
		contact := b.contact(map[string]any{"email": "ada@newco.example", "hubspot_owner_id": "ana@example.com"})
		b.lead(map[string]any{"Email": "bob@other.example"})
		b.round()
		lead := b.row("hubspot", "contacts", contact)["salesforceleadid"]
		if got := b.row("salesforce", "Lead", lead); got["Email"] != "ada@newco.example" || got["Company"] != "newco.example" {
			t.Errorf("lead made of the contact: %v", got)
		}
		first := b.SyncStats()
		if first.LeadsCreated != 1 || first.ContactsCreated < 1 {
			t.Errorf("stats %+v", first)
		}
		b.round()
		b.edit("salesforce", "Lead", "delete", lead, nil)
		b.round()
		if got := b.SyncStats(); got.LeadsCreated != 1 || got.ContactsCreated != first.ContactsCreated {
			t.Errorf("made twice: %+v, first %+v", got, first)
		}
	})
}

// TestSyncFollows holds that of several records with the e-mail address the one modified last is taken, even
// when another one's id is stored, and that a converted lead is followed to its contact.
// (C10)
func TestSyncFollows(t *testing.T) {
	t.Parallel()
	synced(t, simulators.SyncConfig{}, func(b both) {
		contact := b.contact(map[string]any{"email": "ada@newco.example"})
		one := b.lead(map[string]any{"Email": "ada@newco.example"})
		b.round()
		two := b.lead(map[string]any{"Email": "ada@newco.example"})
		b.round()
		if got := b.row("hubspot", "contacts", contact)["salesforceleadid"]; got != two || two == one {
			t.Errorf("joined with %s, want the younger %s", got, two)
		}
		b.edit("salesforce", "Lead", "convert", two, map[string]any{})
		b.edit("salesforce", "Lead", "delete", one, nil)
		b.round()
		if got := b.row("hubspot", "contacts", contact)["salesforcecontactid"]; !strings.HasPrefix(got, "003") {
			t.Errorf("after the conversion joined with %q, want a Contact", got)
		}
	})
}

// TestSyncBlocked holds that one value that Salesforce's picklist refuses keeps the whole record back, with an
// error, until the record changes or the attempts are spent.
// (C15)
func TestSyncBlocked(t *testing.T) {
	t.Parallel()
	fields := []simulators.SyncField{{HubSpot: "jobtitle", Lead: "Title"}, {HubSpot: "industry", Lead: "Handoff_Status__c"}}
	synced(t, simulators.SyncConfig{Fields: fields}, func(b both) {
		contact := b.contact(map[string]any{"email": "ada@newco.example", "jobtitle": "Buyer", "industry": "Space travel"})
		lead := b.lead(map[string]any{"Email": "ada@newco.example"})
		for range 14 {
			b.round()
		}
		got := b.SyncStats()
		if b.row("salesforce", "Lead", lead)["Title"] != "" || len(got.Errors) != 10 || got.Blocked != 1 {
			t.Errorf("a refused record travelled, or was tried %d times: %+v", len(got.Errors), got)
		}
		if e := got.Errors[0]; e.HubSpot != contact || e.Salesforce != lead || !strings.Contains(e.Message, "PICKLIST") {
			t.Errorf("error %+v", e)
		}
		b.edit("hubspot", "contacts", "update", contact, map[string]any{"industry": ""})
		b.round()
		if b.row("salesforce", "Lead", lead)["Title"] != "Buyer" || b.SyncStats().Blocked != 0 {
			t.Errorf("still blocked: %+v", b.SyncStats())
		}
	})
}

// TestSyncPingPong holds that a careless program and the sync never come to rest: the sync guards against no
// loop.
// (C13)
func TestSyncPingPong(t *testing.T) {
	t.Parallel()
	synced(t, simulators.SyncConfig{Owner: true}, func(b both) {
		contact := b.contact(map[string]any{"email": "ada@newco.example", "hubspot_owner_id": "ana@example.com"})
		lead := b.lead(map[string]any{"Email": "ada@newco.example", "OwnerId": "ana@example.com"})
		b.round()
		for range 5 { // it wants Ana here and Ben there
			b.edit("hubspot", "contacts", "update", contact, map[string]any{"hubspot_owner_id": "ana@example.com"})
			b.edit("salesforce", "Lead", "update", lead, map[string]any{"OwnerId": "ben@example.com"})
			b.round()
		}
		flips := 0
		for _, c := range b.History.Changes() {
			_, left := c.Fields["hubspot_owner_id"]
			_, right := c.Fields["OwnerId"]
			if strings.HasPrefix(c.Actor, "sync:") && (left || right) {
				flips++
			}
		}
		if flips < 5 {
			t.Errorf("the sync flipped the owner %d times in 5 rounds: %v %v", flips, b.ledger(contact), b.ledger(lead))
		}
	})
}

// TestSyncPace holds that rounds come every ten to fifteen minutes, and none while it is off.
func TestSyncPace(t *testing.T) {
	t.Parallel()
	synced(t, simulators.SyncConfig{On: true}, func(b both) {
		play(b.T, b.Pair, 10*time.Hour)
		if n := b.SyncStats().Rounds; n < 40 || n > 60 {
			t.Errorf("%d rounds in ten hours, want 40 to 60", n)
		}
	})
	synced(t, simulators.SyncConfig{}, func(b both) {
		play(b.T, b.Pair, 10*time.Hour)
		if n := b.SyncStats().Rounds; n != 0 {
			t.Errorf("%d rounds while it is off", n)
		}
	})
}

// TestControl holds what the pair adds to the control API, and that the rest is there too.
func TestControl(t *testing.T) {
	t.Parallel()
	pair, err := simulators.New(simulators.Config{Seed: 7, People: 1, Setup: map[string]json.RawMessage{"sync": json.RawMessage(`{"owner":true}`)}})
	if err != nil {
		t.Fatal(err)
	}
	control := pair.Control()
	for _, tc := range []struct {
		method, path, body string
		status             int
		has                string
	}{
		{"GET", "/sync", "", 200, `"owner":true`},
		{"POST", "/sync", `{"on":true,"every":"12m","prefer":"salesforce","create_leads":true,"now":true}`, 200, `"rounds":1`},
		{"GET", "/sync", "", 200, `"config":{"on":true,"prefer":"salesforce","owner":true,"create_leads":true,"create_contacts":false,"every":"12m0s"}`},
		{"POST", "/sync", `{"prefer":"hubspot"}`, 400, `prefer`},
		{"POST", "/sync", `{"evry":"12m"}`, 400, `evry`},
		{"POST", "/sync", `{"every":12}`, 400, `every`},
		{"POST", "/sync", `[]`, 400, `sync`},
		{"GET", "/life", "", 200, `"hubspot":{"done":{}`},
		{"POST", "/edit", `{"crm":"hubspot","object":"contacts","op":"create","fields":{"email":"a@b.example"},"by":"person:ana@example.com"}`, 200, `"id"`},
		{"GET", "/changes", "", 200, `"actor":"person:ana@example.com"`},
		{"GET", "/sent", "", 200, ``},
		{"POST", "/setup", `{"crm":"hubspot","setup":{}}`, 200, `true`},
		{"POST", "/setup", `{"crm":"salesforce","setup":{}}`, 200, `true`},
		{"POST", "/setup", `{"crm":"salesforce","setup":{"teapot":1}}`, 400, `teapot`},
		{"POST", "/setup", `{"setup":{}}`, 400, `which crm`},
		{"POST", "/faults", `{"life":{"edits":0.5}}`, 200, `true`},
		{"GET", "/stats", "", 200, `"salesforce"`},
	} {
		rec := httptest.NewRecorder()
		control.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), tc.method, tc.path, strings.NewReader(tc.body)))
		if got := rec.Body.String(); rec.Code != tc.status || !strings.Contains(got, tc.has) {
			t.Errorf("%s %s %s: got %d %.400s, want %d and %s", tc.method, tc.path, tc.body, rec.Code, got, tc.status, tc.has)
		}
	}
	if diff := cmp.Diff(simulators.Life{Edits: 0.5}, pair.Salesforce.Faults().Life); diff != "" {
		t.Errorf("life: %s", diff)
	}
}
