package salesforce

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// 1,000 records are one call; short pages are followed to the end.
func TestReadCounts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		n, page int
		most    int64
	}{{1, 0, 1}, {200, 0, 1}, {1000, 0, 1}, {1001, 0, 2}, {300, 40, 20}} {
		t.Run(fmt.Sprint(tc.n, "/", tc.page), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, salesforcesim.Config{PageSize: tc.page})
			w.load(tc.n, "2026-11-20T10:00:00.000+0000")
			all, _, _ := w.walk(Lead, connectors.Cursor{}, 2000)
			var ids []string
			for id, obj := range all {
				if name, _ := obj.Fields["LastName"].(string); strings.HasPrefix(name, "Seed") {
					ids = append(ids, id, id[:15])
				}
			}
			var got map[string]connectors.Object
			calls := w.counted(func() { got = w.read(Lead, []string{"LastName"}, ids...) })
			if len(got) != tc.n || calls > tc.most {
				t.Errorf("%d records in %d calls, want %d in %d", len(got), calls, tc.n, tc.most)
			}
			for id, obj := range got {
				if obj.Deleted || obj.Fields["LastName"] == nil {
					t.Fatalf("%s: %+v", id, obj)
				}
			}
		})
	}
}

// A delivered handoff looks for the contact, then the lead, in one call, and
// reads neither deleted nor converted records.
func TestLocate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{})
	account := w.edit(simhttp.Edit{Object: "Account", Op: "create", Fields: map[string]any{"Name": "Acme"}})
	contact := w.edit(simhttp.Edit{Object: "Contact", Op: "create", Fields: map[string]any{"LastName": "C", "Email": "Both@Example.com", "AccountId": account}})
	lead := w.edit(simhttp.Edit{Object: "Lead", Op: "create", Fields: map[string]any{"LastName": "L", "Company": "x", "Email": "both@example.com"}})
	other := w.edit(simhttp.Edit{Object: "Lead", Op: "create", Fields: map[string]any{"LastName": "O'Neil", "Company": "x", "Email": "o'neil@example.com"}})
	gone, converted := w.lead(8), w.lead(9)
	w.edit(simhttp.Edit{Object: "Lead", Op: "delete", ID: gone})
	w.edit(simhttp.Edit{Object: "Lead", Op: "convert", ID: converted})
	both := []connectors.Kind{Contact, Lead}
	questions := []connectors.Question{
		{Kinds: both, Field: "Email", Value: " both@example.COM "},
		{Kinds: []connectors.Kind{Lead, Contact}, Field: "Email", Value: "both@example.com"},
		{Kinds: both, Field: "Email", Value: "o'neil@example.com"},
		{Kinds: []connectors.Kind{Lead}, Field: "Email", Value: "lead8@example.com"},
		{Kinds: []connectors.Kind{Lead}, Field: "Email", Value: "lead9@example.com"},
		{Kinds: both, Field: "Email", Value: "nobody@example.com"},
		{Kinds: both, Field: "Email", Value: ""},
		{Kinds: both, Field: "Nothing__c", Value: "x"},
		{Kinds: []connectors.Kind{"Nothing__c"}, Field: "Email", Value: "x"},
	}
	var got [][]connectors.Object
	calls := w.counted(func() {
		var err error
		if got, err = w.org.Locate(t.Context(), questions, map[connectors.Kind][]string{Contact: {"LastName"}}); err != nil {
			t.Fatal(err)
		}
	})
	want := [][]string{{contact, lead}, {lead, contact}, {other}, nil, nil, nil, nil, nil, nil}
	ids := make([][]string, len(got))
	for i := range got {
		for _, obj := range got[i] {
			ids[i] = append(ids[i], obj.Ref.ID)
		}
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if calls != 1 {
		t.Errorf("%d calls, want 1", calls)
	}
	c := got[0][0]
	if c.Fields["LastName"] != "C" || !cmp.Equal(c.Links, []connectors.Ref{{Conn: "sf", Kind: Account, ID: account}}) {
		t.Errorf("contact %+v", c)
	}
	many := make([]connectors.Question, 1000)
	for i := range many {
		many[i] = connectors.Question{Kinds: []connectors.Kind{Lead}, Field: "Email", Value: fmt.Sprintf("somebody.with.a.long.name.%d@example.com", i)}
	}
	many[999].Value = "both@example.com"
	calls = w.counted(func() {
		var err error
		if got, err = w.org.Locate(t.Context(), many, nil); err != nil {
			t.Fatal(err)
		}
	})
	if len(got[999]) != 1 || calls > 2 {
		t.Errorf("%d found in %d calls", len(got[999]), calls)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
	got, err := w.org.Describe(t.Context(), []connectors.Kind{Lead, connectors.Task, "Nothing__c", "../User"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 {
		t.Errorf("%d kinds, want 2", len(got))
	}
	for _, tc := range []struct {
		kind connectors.Kind
		want connectors.Field
	}{
		{Lead, connectors.Field{Name: "Handoff_Accept_By__c", Type: "datetime", Writable: true}},
		{Lead, connectors.Field{Name: "Handoff_Why__c", Type: "text", Length: 255, Writable: true}},
		{Lead, connectors.Field{Name: "Handoff_Breached__c", Type: "yes_no", Writable: true}},
		{Lead, connectors.Field{Name: "OwnerId", Type: "user", Writable: true}},
		{Lead, connectors.Field{Name: "SystemModstamp", Type: "datetime"}},
		{connectors.Task, connectors.Field{Name: "Handoff_Key__c", Type: "text", Writable: true, Unique: true}},
		{connectors.Task, connectors.Field{Name: "ActivityDate", Type: "date", Writable: true}},
	} {
		field := got[tc.kind].Fields[tc.want.Name]
		field.Options = nil
		if tc.want.Length == 0 {
			field.Length = 0
		}
		if diff := cmp.Diff(tc.want, field); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.kind, diff)
		}
	}
	if options := got[Lead].Fields["Handoff_Status__c"].Options; !slices.Contains(options, "Assigned") {
		t.Errorf("options %v", options)
	}
	before := w.org.Usage().Calls[purposeSchema]
	if _, err := w.org.Describe(t.Context(), []connectors.Kind{Lead}); err != nil {
		t.Fatal(err)
	}
	if got := w.org.Usage().Calls[purposeSchema] - before; got != 0 {
		t.Errorf("%d describes, want the cached one", got)
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{})
	users, err := w.org.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	people, queues, zones := 0, 0, 0
	for _, u := range users {
		if u.Queue {
			queues++
			continue
		}
		people++
		if u.Zone != "" {
			zones++
		}
		if u.Email != strings.ToLower(u.Email) || u.ID == "" || u.Name == "" {
			t.Errorf("user %+v", u)
		}
	}
	if people == 0 || queues == 0 || zones == 0 {
		t.Errorf("%d people, %d queues, %d zones", people, queues, zones)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{})
	w.read(Lead, nil, w.lead(1))
	u := w.org.Usage()
	if u.DailyLimit == 0 || u.DailyLeft == 0 || u.DailyLeft >= u.DailyLimit {
		t.Errorf("limit %d, left %d", u.DailyLimit, u.DailyLeft)
	}
	if u.Calls[purposeRead] != 1 || u.Calls[purposeSchema] != 1 || u.Calls["token"] != 1 {
		t.Errorf("calls %v", u.Calls)
	}
}

// (C17) a page of a proxy, half an answer and a strange one are no answer.
func TestBrokenReads(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"web page": "<html>who are you</html>", "cut": `{"compositeResponse":[{"body":{"totalSize":1`, "other": `{"hello":1}`,
		"no parts":            `{"compositeResponse":[]}`,
		"no records":          `{"compositeResponse":[{"body":null,"httpStatusCode":200,"referenceId":"q0"}]}`,
		"endless":             `{"compositeResponse":[{"body":{"totalSize":2,"done":false,"records":[]},"httpStatusCode":200,"referenceId":"q0"}]}`,
		"next page elsewhere": `{"compositeResponse":[{"body":{"totalSize":2,"done":false,"nextRecordsUrl":"https://evil.example/services/data/x","records":[]},"httpStatusCode":200,"referenceId":"q0"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, salesforcesim.Config{})
				if _, err := w.org.schema(t.Context(), "Lead"); err != nil {
					t.Fatal(err)
				}
				answer := page(200, "application/json", body)
				w.wrap = func(r *http.Request) *http.Response {
					if r.URL.Host != "handoffd.my.salesforce.com" {
						t.Errorf("asked %s", r.URL.Host)
					}
					return answer()
				}
				_, err := w.org.Read(t.Context(), Lead, []string{"00Q000000000001EAA"}, nil)
				if connectors.ClassOf(err) != connectors.Unavailable {
					t.Errorf("got %v, want unavailable", err)
				}
			})
		})
	}
}

// A describe is asked for again after an hour, and says 304 if nothing has
// changed.
func TestDescribeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{})
		first, err := w.org.schema(t.Context(), "Lead")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		second, err := w.org.schema(t.Context(), "Lead")
		if err != nil {
			t.Fatal(err)
		}
		if got := w.org.Usage().Calls[purposeSchema]; got != 2 {
			t.Errorf("%d describes, want 2", got)
		}
		if len(second.fields) != len(first.fields) || !second.fetched.After(first.fetched) || second.fields["lastname"] != first.fields["lastname"] {
			t.Error("the second describe was not answered by 304")
		}
		time.Sleep(2 * time.Hour)
		answer := page(503, "text/html", "<html>")
		w.wrap = func(*http.Request) *http.Response { return answer() }
		if _, err := w.org.schema(t.Context(), "Lead"); err != nil {
			t.Errorf("an outage makes the schema forgotten: %v", err)
		}
	})
}
