package salesforce

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// walk polls one kind until nothing more can be had now. A second result says
// how many pages that took.
func (w *world) walk(kind connectors.Kind, from connectors.Cursor, limit int) (map[string]connectors.Object, connectors.Cursor, int) {
	w.t.Helper()
	seen := map[string]connectors.Object{}
	for n := 1; ; n++ {
		pages, err := w.org.Changes(w.t.Context(), []connectors.Poll{{Kind: kind, From: from, Fields: []string{"LastName", "Email"}, Limit: limit}})
		if err != nil {
			w.t.Fatal(err)
		}
		p := pages[0]
		if p.Err != nil {
			w.t.Fatal(p.Err)
		}
		for _, c := range p.Changes {
			if c.Object == nil || c.Object.Ref != c.Ref || c.EventID == "" {
				w.t.Fatalf("change %+v", c)
			}
			seen[c.Ref.ID] = *c.Object
		}
		from = through(w.t, p.Next)
		if !p.More {
			return seen, from, n
		}
		if n > 500 {
			w.t.Fatal("the walk does not end")
		}
	}
}

// through stores a cursor and loads it, as a restart does.
func through(t testing.TB, c connectors.Cursor) connectors.Cursor {
	t.Helper()
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var out connectors.Cursor
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// load makes n leads that all carry one stamp.
func (w *world) load(n int, stamp string) {
	w.t.Helper()
	type row struct {
		Fields map[string]any `json:"fields"`
	}
	rows := make([]row, n)
	for i := range rows {
		rows[i].Fields = map[string]any{
			"LastName": fmt.Sprint("Seed", i), "Company": "Seed", "SystemModstamp": stamp, "LastModifiedDate": stamp, "CreatedDate": stamp,
		}
	}
	raw, err := json.Marshal(map[string]any{"Lead": rows})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.sim.Load(raw); err != nil {
		w.t.Fatal(err)
	}
}

// (P1, P3, P5) 25,000 rows with one stamp, listed and followed; none skipped:
// the page size changes on the way and the cursor goes through a restart.
func TestEqualStampsAreNotSkipped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{})
	w.load(25_000, "2026-11-20T10:00:00.000+0000")
	all := len(w.soql("SELECT COUNT() FROM Lead")) // no rows, but proves that counting works
	if all != 0 {
		t.Fatalf("count gave rows: %d", all)
	}
	listed, next, _ := w.walk(Lead, connectors.Cursor{}, 2000)
	if len(listed) < 25_000 {
		t.Errorf("listed %d, want at least 25000", len(listed))
	}
	if next.Listing || next.From.IsZero() {
		t.Errorf("after the listing: %+v", next)
	}
	followed, _, pages := w.walk(Lead, connectors.Cursor{From: time.Date(2026, 11, 20, 9, 59, 0, 0, time.UTC)}, 1999)
	if len(followed) < 25_000 {
		t.Errorf("followed %d in %d pages, want at least 25000", len(followed), pages)
	}
}

// A listing says how many there are; five kinds travel as one call.
func TestPollsTravelTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{})
	w.load(30, "2026-11-20T10:00:00.000+0000")
	polls := []connectors.Poll{{Kind: Lead, Limit: 10}, {Kind: Contact}, {Kind: Account}, {Kind: Opportunity}}
	for _, p := range polls {
		if _, err := w.org.schema(t.Context(), string(p.Kind)); err != nil {
			t.Fatal(err)
		}
	}
	calls := w.counted(func() {
		pages, err := w.org.Changes(t.Context(), polls)
		if err != nil {
			t.Fatal(err)
		}
		if pages[0].Total < 30 || len(pages[0].Changes) != 10 || !pages[0].More {
			t.Errorf("leads: total %d, %d changes, more %v", pages[0].Total, len(pages[0].Changes), pages[0].More)
		}
	})
	if calls != 1 {
		t.Errorf("calls = %d, want 1", calls)
	}
}

// (I2, C8, C9, C10) Changed, deleted, merged and converted rows come as such.
func TestFollowing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{})
		gone, loser, winner, converted, kept := w.lead(1), w.lead(2), w.lead(3), w.lead(4), w.lead(5)
		time.Sleep(time.Minute)
		_, next, _ := w.walk(Lead, connectors.Cursor{}, 0)
		_, next, _ = w.walk(Lead, next, 0)
		time.Sleep(time.Hour)
		w.edit(simhttp.Edit{Object: "Lead", Op: "delete", ID: gone})
		w.edit(simhttp.Edit{Object: "Lead", Op: "merge", ID: loser, Fields: map[string]any{"into": winner}})
		out, err := w.sim.Edit(simhttp.Edit{Object: "Lead", Op: "convert", ID: converted})
		if err != nil {
			t.Fatal(err)
		}
		w.edit(simhttp.Edit{Object: "Lead", Op: "update", ID: kept, Fields: map[string]any{"LastName": "Renamed"}})
		time.Sleep(time.Second)
		seen, next, _ := w.walk(Lead, next, 0)
		if !seen[gone].Deleted || !seen[loser].Deleted || seen[loser].MovedTo.ID != winner {
			t.Errorf("gone %+v\nloser %+v", seen[gone], seen[loser])
		}
		if want := (connectors.Ref{Conn: "sf", Kind: Contact, ID: out["contact"]}); seen[converted].MovedTo != want || seen[converted].Deleted {
			t.Errorf("converted %+v, want it moved to %v", seen[converted], want)
		}
		if got := seen[kept].Fields["LastName"]; got != "Renamed" {
			t.Errorf("LastName = %v", got)
		}
		read := w.read(Lead, []string{"LastName", "Email"}, gone, loser, converted, kept, "00Q000000000999EAA", "nonsense")
		for id, want := range map[string]bool{gone: true, loser: true, converted: false, kept: false, "00Q000000000999EAA": true, "nonsense": true} {
			if got := read[id].Deleted; got != want {
				t.Errorf("read %s: Deleted = %v, want %v", id, got, want)
			}
		}
		if diff := cmp.Diff(seen[kept], read[kept]); diff != "" {
			t.Errorf("polled and read differ (-poll +read):\n%s", diff)
		}
		if time.Since(next.From) > 2*defaultOverlap+time.Hour {
			t.Errorf("the cursor stays behind: %v", next.From)
		}
	})
}

// The window starts an overlap before the server's clock, not ours: a clock
// that is an hour fast must not skip an hour (L8, P6).
func TestServersClockCounts(t *testing.T) {
	t.Parallel()
	server := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	ours := server.Add(time.Hour)
	o := &org{overlap: 5 * time.Minute}
	for _, tc := range []struct {
		name string
		from connectors.Cursor
		more bool
		a    answers
		want connectors.Cursor
	}{
		{"quiet", connectors.Cursor{From: server.Add(-time.Hour)}, false, answers{asOf: server.Add(-time.Second)}, connectors.Cursor{From: server.Add(-time.Second - 5*time.Minute)}},
		{"slow answer", connectors.Cursor{From: server.Add(-time.Hour)}, false, answers{asOf: server.Add(-time.Minute - time.Second)}, connectors.Cursor{From: server.Add(-time.Minute - time.Second - 5*time.Minute)}},
		{"window opens", connectors.Cursor{From: server.Add(-time.Hour)}, true, answers{asOf: server.Add(-time.Second)}, connectors.Cursor{From: server.Add(-time.Hour), Upper: server.Add(-time.Second), After: "k2"}},
		{"window stays frozen", connectors.Cursor{From: server.Add(-time.Hour), Upper: server.Add(-time.Minute), After: "k"}, true, answers{asOf: server.Add(-time.Second)}, connectors.Cursor{From: server.Add(-time.Hour), Upper: server.Add(-time.Minute), After: "k2"}},
		{"window closes", connectors.Cursor{From: server.Add(-time.Hour), Upper: server.Add(-time.Minute), After: "k"}, false, answers{asOf: server.Add(-time.Second)}, connectors.Cursor{From: server.Add(-6 * time.Minute)}},
		{"never back", connectors.Cursor{From: server.Add(-time.Minute)}, false, answers{asOf: server.Add(-time.Second)}, connectors.Cursor{From: server.Add(-time.Minute)}},
		{"from the future", connectors.Cursor{From: server.Add(time.Minute)}, false, answers{asOf: server.Add(-time.Second)}, connectors.Cursor{From: server.Add(-time.Second - 5*time.Minute)}},
		{"no clock but ours", connectors.Cursor{From: ours.Add(-time.Hour)}, false, answers{asOf: ours}, connectors.Cursor{From: ours.Add(-5 * time.Minute)}},
	} {
		got := o.follow(tc.from, tc.more, "k2", tc.a)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// (C15) a column that went away costs that column, not the poll; a kind that is
// not there costs that kind.
func TestMissingColumnCostsTheColumn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
	id := w.lead(1)
	polls := []connectors.Poll{
		{Kind: Lead, Fields: []string{"LastName", "Nobody__c"}, From: connectors.Cursor{From: time.Now().Add(-time.Hour)}},
		{Kind: "Nothing__c", From: connectors.Cursor{From: time.Now().Add(-time.Hour)}},
		{Kind: connectors.Task, Fields: []string{"subject", "handoff_key"}, From: connectors.Cursor{From: time.Now().Add(-time.Hour)}},
	}
	if _, err := w.org.Changes(t.Context(), polls); err != nil {
		t.Fatal(err)
	}
	w.sim.SetFaults(simhttp.Faults{}) // Handoff_Key__c is deleted from the org
	pages, err := w.org.Changes(t.Context(), polls)
	if err != nil {
		t.Fatal(err)
	}
	if pages[0].Err != nil || pages[2].Err != nil || pages[1].Err == nil || pages[1].Err.Class != connectors.Schema {
		t.Errorf("errors: %v, %v, %v", pages[0].Err, pages[1].Err, pages[2].Err)
	}
	if cmp.Diff(pages[1].Next, polls[1].From) != "" {
		t.Errorf("a failed page moved its cursor: %+v", pages[1].Next)
	}
	found := false
	for _, c := range pages[0].Changes {
		found = found || c.Ref.ID == id && c.Object.Fields["LastName"] == "Lead1"
	}
	if !found {
		t.Error("the lead is not in its page")
	}
}

// More fields than an address can name: polls give hints, reads read in parts.
func TestLongFieldLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{})
	id := w.lead(1)
	s, err := w.org.schema(t.Context(), "Lead")
	if err != nil {
		t.Fatal(err)
	}
	wide := *s
	wide.fields = map[string]*field{}
	fields := []string{"LastName"}
	for name, f := range s.fields {
		wide.fields[name] = f
	}
	for i := range 800 {
		name := fmt.Sprintf("Very_Long_Field_Name_%d__c", i)
		wide.fields[strings.ToLower(name)] = &field{Name: name, Type: "string"}
		fields = append(fields, name)
	}
	w.org.schemas.put(&wide)
	pages, cerr := w.org.Changes(t.Context(), []connectors.Poll{{Kind: Lead, Fields: fields}})
	if cerr != nil || pages[0].Err != nil {
		t.Fatal(cerr, pages[0].Err)
	}
	if len(pages[0].Changes) == 0 || pages[0].Changes[0].Object != nil {
		t.Errorf("want hints, got %+v", pages[0].Changes)
	}
	var longest int
	groups := columnGroups(w.org.choose(Lead, &wide, fields))
	ids := make([]string, perQuery)
	for i := range ids {
		ids[i] = id
	}
	for _, g := range groups {
		longest = max(longest, len(w.org.queryURL(statement{columns: g, object: "Lead", where: in("Id", ids)}, true)))
	}
	if len(groups) < 2 || longest > maxURL {
		t.Errorf("%d groups, longest address %d", len(groups), longest)
	}
}

// A poll that fails as a whole is an error; C17: a web page is no answer.
func TestPollOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{})
	w.lead(1)
	if _, err := w.org.schema(t.Context(), "Lead"); err != nil {
		t.Fatal(err)
	}
	synthetic := page(http.StatusForbidden, "application/json", `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`)
	w.wrap = func(*http.Request) *http.Response { return synthetic() }
	_, err := w.org.Changes(t.Context(), []connectors.Poll{{Kind: Lead}})
	var e *connectors.Error
	if e = connectors.AsError("", err); e == nil || e.Class != connectors.Throttled || e.RetryAfter != limitWait {
		t.Errorf("got %+v, want Throttled for %v", e, limitWait)
	}
	if got := w.org.Usage().Throttled; got == 0 {
		t.Error("the refusal was not counted")
	}
}
