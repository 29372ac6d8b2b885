package salesforce

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// create is a write of a new record.
func create(kind connectors.Kind, key string, set map[string]any) connectors.Write {
	return connectors.Write{Ref: connectors.Ref{Conn: "sf", Kind: kind}, Key: key, Set: set}
}

// TestDuplicateRules: a lead that a duplicate rule refuses is adopted where one
// person matches, and left to a person where several do; a change of a record
// that has a double is made where the rule only warns (C3, C15).
func TestDuplicateRules(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"alert", "block"} {
		for _, many := range []bool{false, true} {
			name := fmt.Sprint(action, " many ", many)
			w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
			one := w.lead(1) // lead1@example.com
			two := w.lead(2)
			for range 2 {
				w.edit(simhttp.Edit{Object: "Lead", Op: "update", ID: two, Fields: map[string]any{"Email": "twice@example.com"}})
				two = w.lead(3)
			}
			w.setup(`{"duplicate_rules":[{"object":"Lead","name":"Mine","action":"` + action + `","message":"Use one of these?"}]}`)
			writes := []connectors.Write{
				create(Lead, "a", map[string]any{"LastName": "Lead1", "Company": "C", "Email": "lead1@example.com"}),
				create(Lead, "b", map[string]any{"LastName": "Twice", "Company": "C", "Email": "twice@example.com"}),
			}
			if many {
				writes = append(writes, create(Lead, "c", map[string]any{"LastName": "New", "Company": "C", "Email": "new@example.com"}))
			}
			results := w.apply(writes...)
			if r := results[0]; r.Err == nil || r.Err.Class != connectors.Conflict || r.Err.Existing != (connectors.Ref{Conn: "sf", Kind: Lead, ID: longID(t, one)}) {
				t.Errorf("%s: one match: %+v, %v", name, r, r.Err)
			}
			if r := results[1]; r.Err == nil || r.Err.Class != connectors.Invalid && len(w.soql("SELECT Id FROM Lead WHERE Email = 'twice@example.com'")) > 1 {
				t.Errorf("%s: two matches: %+v, %v", name, r, r.Err)
			}
			if many && results[2].Err != nil {
				t.Errorf("%s: no match: %v", name, results[2].Err)
			}
			got := w.apply(connectors.Write{Ref: connectors.Ref{Conn: "sf", Kind: Lead, ID: one}, Key: "u", Set: map[string]any{"Email": "twice@example.com"}})[0]
			if warned := action == "alert"; warned != (got.Err == nil) || !warned && got.Err.Class != connectors.Invalid {
				t.Errorf("%s: a change: %v", name, got.Err)
			}
		}
	}
}

// TestSeveralMatches: several matches are nobody's; a match of another kind of
// thing is none.
func TestSeveralMatches(t *testing.T) {
	t.Parallel()
	body := func(records ...string) []byte {
		var matches []string
		for i, kind := range records {
			matches = append(matches, fmt.Sprintf(`{"record":{"attributes":{"type":"%s"},"Id":"%s"}}`, kind, longID(t, map[string]string{"Lead": "00Q", "Contact": "003", "Account": "001"}[kind]+fmt.Sprintf("00000000000%d", i))))
		}
		return []byte(`[{"errorCode":"DUPLICATES_DETECTED","message":"Use one of these records?","duplicateResult":{"allowSave":true,"duplicateRuleEntityType":"Lead",
			"matchResults":[{"matchRecords":[` + strings.Join(matches, ",") + `]}]}}]`)
	}
	for name, c := range map[string]struct {
		body  []byte
		class connectors.Class
		kind  connectors.Kind
	}{
		"a lead":                {body("Lead"), connectors.Conflict, Lead},
		"a contact":             {body("Contact"), connectors.Conflict, Contact},
		"a lead and an account": {body("Account", "Lead"), connectors.Conflict, Lead},
		"two leads":             {body("Lead", "Lead"), connectors.Invalid, ""},
		"a lead and a contact":  {body("Lead", "Contact"), connectors.Invalid, ""},
		"an account":            {body("Account"), connectors.Invalid, ""},
		"none told":             {body(), connectors.Conflict, ""},
	} {
		e := classify("x", 400, c.body)
		if e.Class != c.class || e.Existing.Kind != c.kind || !strings.Contains(e.Error(), "Use one of these records?") {
			t.Errorf("%s: %v, existing %v", name, e, e.Existing)
		}
	}
	taken := `[{"errorCode":"DUPLICATE_VALUE","message":"duplicate value found: Email__c duplicates value on record with id: 00Q000000000001","fields":[]}]`
	e := classify("x", 400, []byte(taken))
	if e.Class != connectors.Conflict || e.Existing.ID != "00Q000000000001EAA" {
		t.Errorf("a value that is taken: %v, existing %v", e, e.Existing)
	}
	lead := &operation{write: create(Lead, "k", nil), schema: &schema{object: "Lead"}}
	change := &operation{id: "00Q000000000002EAA", write: create(Lead, "k", nil), schema: &schema{object: "Lead"}}
	if got := refusedTo(lead, e); got.Existing.IsZero() || got.Class != connectors.Conflict {
		t.Errorf("a create: %v", got)
	}
	if got := refusedTo(change, e); !got.Existing.IsZero() || got.Class != connectors.Invalid {
		t.Errorf("a change: %v, existing %v", got, got.Existing)
	}
}

// TestPersonAccounts: a person account is a person: no company to be matched
// or listed, and its owner is written where it lives.
func TestPersonAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
	w.setup(`{"person_accounts": true}`)
	account := w.edit(simhttp.Edit{Object: "Account", Op: "create", Fields: map[string]any{"LastName": "Ada", "PersonEmail": "ada@example.com", "OwnerId": "ana@example.com"}})
	rows := w.soql("SELECT PersonContactId FROM Account WHERE Id = '" + account + "'")
	contact, _ := rows[0]["PersonContactId"].(string)
	got := w.read(Contact, []string{"Email", "OwnerId"}, contact)[longID(t, contact)]
	if len(got.Links) != 0 || got.Fields["Email"] != "ada@example.com" {
		t.Errorf("the person: %+v", got)
	}
	w.edit(simhttp.Edit{Object: "Account", Op: "create", Fields: map[string]any{"Name": "Acme"}})
	listed, _, _ := w.walk(Account, connectors.Cursor{}, 50)
	followed, _, _ := w.walk(Account, connectors.Cursor{From: time.Now().Add(-time.Hour)}, 50)
	for _, all := range []map[string]connectors.Object{listed, followed} {
		if _, there := all[longID(t, account)]; there || len(all) == 0 {
			t.Errorf("%d accounts, the person among them %v", len(all), there)
		}
	}
	found, err := w.org.Locate(t.Context(), []connectors.Question{{Kinds: []connectors.Kind{Account}, Field: "Name", Value: "Ada"}}, nil)
	if err != nil || len(found[0]) != 0 {
		t.Errorf("found %v, %v", found, err)
	}
	owner, other := w.owner(), w.lead(1)
	results := w.apply(
		connectors.Write{Ref: connectors.Ref{Conn: "sf", Kind: Contact, ID: contact}, Key: "k", Set: map[string]any{"OwnerId": owner, "Department": "R&D"}},
		connectors.Write{Ref: connectors.Ref{Conn: "sf", Kind: Lead, ID: other}, Key: "l", Set: map[string]any{"OwnerId": owner}},
		connectors.Write{
			Ref: connectors.Ref{Conn: "sf", Kind: connectors.Task}, Key: "t", Set: map[string]any{"subject": "Call Ada", "owner": owner},
			Links: []connectors.Ref{{Conn: "sf", Kind: Contact, ID: contact}},
		},
	)
	for i, r := range results {
		if r.Err != nil {
			t.Errorf("%d: %v", i, r.Err)
		}
	}
	if len(results) != 3 {
		t.Errorf("%d results for 3 writes", len(results))
	}
	after := w.soql("SELECT OwnerId, PersonContactId FROM Account WHERE Id = '" + account + "'")
	if after[0]["OwnerId"] != owner {
		t.Errorf("the account's owner is %v, want %v", after[0]["OwnerId"], owner)
	}
	if got := w.read(Contact, []string{"Department"}, contact)[longID(t, contact)]; got.Fields["Department"] != "R&D" {
		t.Errorf("the contact: %v", got.Fields)
	}
}

// TestCountryLists: one mapping serves orgs with and without State and Country
// picklists, and a country that is not in the list costs itself, not the lead.
func TestCountryLists(t *testing.T) {
	t.Parallel()
	for _, listed := range []bool{false, true} {
		w := newWorld(t, salesforcesim.Config{})
		w.setup(fmt.Sprintf(`{"state_country_picklists": %v}`, listed))
		for country, want := range map[string]string{"Germany": "Germany", "DE": "Germany", "germany": "Germany", "Deutschland": ""} {
			if !listed {
				want = country
			}
			r := w.apply(create(Lead, "k"+country, map[string]any{"LastName": country, "Company": "C", "Country": country}))[0]
			if r.Err != nil {
				t.Errorf("listed %v, %s: %v", listed, country, r.Err)
				continue
			}
			got := w.read(Lead, []string{"Country", "CountryCode"}, r.Ref.ID)[r.Ref.ID]
			if text, _ := got.Fields["Country"].(string); text != want || slices.Contains(r.Skipped, "Country") != (want == "") {
				t.Errorf("listed %v, %s: %q, skipped %v, want %q", listed, country, text, r.Skipped, want)
			}
			code := map[bool]any{true: "DE", false: want}[listed]
			if want == "" {
				code = nil
			}
			if got.Fields["CountryCode"] != code {
				t.Errorf("listed %v, %s: code %v, want %v", listed, country, got.Fields["CountryCode"], code)
			}
		}
	}
}

// TestSandboxUsers: in a sandbox, and only there, .invalid is not part of an
// address.
func TestSandboxUsers(t *testing.T) {
	t.Parallel()
	for _, sandbox := range []bool{false, true} {
		w := newWorld(t, salesforcesim.Config{})
		if sandbox {
			w.setup(`{"sandbox": true}`)
			w.org = w.connect(connectors.Settings{})
		} else {
			w.edit(simhttp.Edit{Object: "User", Op: "update", ID: w.owner(), Fields: map[string]any{"Email": "ana@example.invalid"}})
		}
		users, err := w.org.Users(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, u := range users {
			if strings.HasSuffix(u.Email, ".invalid") {
				n++
			}
		}
		if want := map[bool]int{true: 0, false: 1}[sandbox]; n != want {
			t.Errorf("sandbox %v: %d addresses end in .invalid, want %d", sandbox, n, want)
		}
	}
}

// TestQueues: what a queue may own is known before the write, and refused in
// words that say what to do (C14).
func TestQueues(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
	users, err := w.org.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	queues := map[string][]string{}
	for _, row := range w.soql("SELECT QueueId, SobjectType FROM QueueSobject") {
		queues[fmt.Sprint(row["QueueId"])] = append(queues[fmt.Sprint(row["QueueId"])], fmt.Sprint(row["SobjectType"]))
	}
	lead := w.lead(1)
	account := w.edit(simhttp.Edit{Object: "Account", Op: "create", Fields: map[string]any{"Name": "A"}})
	n := 0
	for _, u := range users {
		if !u.Queue {
			continue
		}
		n++
		calls := w.calls.Load()
		r := w.apply(connectors.Write{Ref: connectors.Ref{Conn: "sf", Kind: Account, ID: account}, Key: "a" + u.ID, Set: map[string]any{"OwnerId": u.ID}})[0]
		if r.Err == nil || r.Err.Class != connectors.Invalid || !slices.Equal(r.Err.Fields, []string{"OwnerId"}) || w.calls.Load()-calls > 1 {
			t.Errorf("an account to %s: %v after %d calls", u.Name, r.Err, w.calls.Load()-calls)
		}
		for _, kind := range []string{"Lead", "Task"} {
			write := connectors.Write{Ref: connectors.Ref{Conn: "sf", Kind: Lead, ID: lead}, Key: "l" + u.ID, Set: map[string]any{"OwnerId": u.ID}}
			if kind == "Task" {
				write = create(connectors.Task, "t"+u.ID, map[string]any{"subject": "x", "owner": u.ID})
			}
			r := w.apply(write)[0]
			if may := slices.Contains(queues[u.ID], kind); may != (r.Err == nil) {
				t.Errorf("a %s to %s: %v, may own %v", kind, u.Name, r.Err, queues[u.ID])
			} else if !may && !strings.Contains(r.Err.Error(), "supported objects") {
				t.Errorf("a %s to %s: %v", kind, u.Name, r.Err)
			}
		}
	}
	if n == 0 {
		t.Error("no queue was tried")
	}
}

// TestRecordsThatMove: deleted, restored, purged, merged and converted records
// are told as what they are, and their tasks are found again (C8, C9, C10).
func TestRecordsThatMove(t *testing.T) {
	t.Parallel()
	for _, unique := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, salesforcesim.Config{UniqueTasks: unique, SessionLife: 1000 * time.Hour})
			owner := w.owner()
			lead := func(n int) string { return longID(t, w.lead(n)) }
			look := func(id string) connectors.Object {
				t.Helper()
				time.Sleep(time.Minute)
				return w.read(Lead, []string{"LastName"}, id)[id]
			}
			change := func(id string) *connectors.Error {
				return w.apply(connectors.Write{Ref: connectors.Ref{Conn: "sf", Kind: Lead, ID: id}, Key: "c" + id, Set: map[string]any{"Title": "x"}})[0].Err
			}
			gone := lead(1)
			w.edit(simhttp.Edit{Object: "Lead", Op: "delete", ID: gone})
			if o := look(gone); !o.Deleted || !o.MovedTo.IsZero() {
				t.Errorf("deleted: %+v", o)
			}
			if err := change(gone); err == nil || err.Class != connectors.NotFound {
				t.Errorf("a change of the deleted: %v", err)
			}
			w.edit(simhttp.Edit{Object: "Lead", Op: "restore", ID: gone})
			if o := look(gone); o.Deleted || o.Fields["LastName"] == nil {
				t.Errorf("restored: %+v", o)
			}
			w.edit(simhttp.Edit{Object: "Lead", Op: "delete", ID: gone})
			w.edit(simhttp.Edit{Object: "Lead", Op: "purge", ID: gone})
			if o := look(gone); !o.Deleted {
				t.Errorf("purged: %+v", o)
			}
			if err := change(gone); err == nil || err.Class != connectors.NotFound {
				t.Errorf("a change of the purged: %v", err)
			}
			loser, winner := lead(2), lead(3)
			tasks := handoff(owner, loser, "m")
			w.apply(tasks...)
			w.edit(simhttp.Edit{Object: "Lead", Op: "merge", ID: loser, Fields: map[string]any{"into": winner}})
			if o := look(loser); !o.Deleted || o.MovedTo.ID != winner {
				t.Errorf("merged: %+v", o)
			}
			refound(t, w, tasks[1], "merged")
			turned := lead(4)
			tasks = handoff(owner, turned, "v")
			w.apply(tasks...)
			w.edit(simhttp.Edit{Object: "Lead", Op: "convert", ID: turned})
			o := look(turned)
			if o.Deleted || o.MovedTo.Kind != Contact {
				t.Errorf("converted: %+v", o)
			}
			if err := change(turned); err == nil || err.Class != connectors.Conflict || !err.Existing.IsZero() {
				t.Errorf("a change of the converted: %v", err)
			}
			refound(t, w, tasks[1], "converted")
		})
	}
}

// refound asks for a task whose record has moved since it was made.
func refound(t *testing.T, w *world, task connectors.Write, why string) {
	t.Helper()
	refs, err := w.org.Find(t.Context(), []connectors.Write{task})
	if err != nil || refs[0].IsZero() {
		t.Errorf("%s: the task is not found: %v, %v", why, refs, err)
	}
	if n := len(w.soql("SELECT Id FROM Task WHERE IsDeleted = false AND Subject = '" + fmt.Sprint(task.Set["subject"]) + "'")); n != 1 {
		t.Errorf("%s: %d tasks", why, n)
	}
}

// TestKeyOnSeveralRecords: should a key stand on several records after all, the
// oldest is the one (C3).
func TestKeyOnSeveralRecords(t *testing.T) {
	t.Parallel()
	one, two := longID(t, "00T000000000001"), longID(t, "00T000000000002")
	if got := firstOf([]byte(`["/services/data/v60.0/sobjects/Task/` + two + `","/services/data/v60.0/sobjects/Task/` + one + `"]`)); got != one {
		t.Errorf("got %q, want %q", got, one)
	}
}
