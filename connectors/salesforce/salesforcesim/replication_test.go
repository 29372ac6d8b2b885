package salesforcesim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// TestLatestDateCovered: the low-watermark stops before the oldest write that is still under way.
func TestLatestDateCovered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Faults: simhttp.Faults{SearchLag: 30 * time.Second}})
		ask := func(kind string, start, end time.Time) answer {
			return c.do("GET", "sobjects/Lead/"+kind+"/?start="+start.UTC().Format("2006-01-02T15:04:05Z")+"&end="+end.UTC().Format("2006-01-02T15:04:05Z"), "")
		}
		var got struct {
			IDs               []string
			DeletedRecords    []struct{ ID string }
			LatestDateCovered string
		}
		began := time.Now()
		id := c.create("Lead", `{"LastName":"L","Company":"C"}`)
		ask("updated", began.Add(-time.Hour), began.Add(2*time.Minute)).into(t, &got)
		if len(got.IDs) != 0 || got.LatestDateCovered != began.UTC().Format(wireTime) {
			t.Errorf("while the write is under way: %+v", got)
		}
		time.Sleep(3 * time.Minute)
		ask("updated", began.Add(-time.Hour), began.Add(2*time.Minute)).into(t, &got)
		if len(got.IDs) != 1 || got.IDs[0] != id || got.LatestDateCovered != began.Add(2*time.Minute).UTC().Format(wireTime) {
			t.Errorf("three minutes later: %+v", got)
		}
		ask("updated", began.Add(-time.Hour), began.Add(24*time.Hour)).into(t, &got)
		if got.LatestDateCovered != time.Now().UTC().Format(wireTime) {
			t.Errorf("up to a moment that is yet to come: %+v", got)
		}
		c.do("DELETE", "sobjects/Lead/"+id, "")
		time.Sleep(time.Minute)
		ask("deleted", began.Add(-time.Hour), began.Add(5*time.Minute)).into(t, &got)
		if len(got.DeletedRecords) != 1 || got.DeletedRecords[0].ID != id {
			t.Errorf("deleted: %+v", got)
		}
		for _, a := range []answer{ask("updated", began, began.Add(30*time.Second)), ask("deleted", began.Add(-16*24*time.Hour), began), ask("updated", began.Add(-31*24*time.Hour), began)} {
			if a.Status != http.StatusBadRequest || a.code(t) != "INVALID_REPLICATION_DATE" {
				t.Errorf("got %d %s", a.Status, a.Raw)
			}
		}
	})
}

func TestDuplicateRule(t *testing.T) {
	t.Parallel()
	const body = `{"LastName":"L","Company":"C","Email":"Dup@acme.example"}`
	for _, tc := range []struct {
		name   string
		rule   DuplicateRule
		header string
		want   int
		allow  string
	}{
		{"none", DuplicatesAllowed, "", 201, ""},
		{"alert", DuplicatesAlert, "", 400, `"allowSave":true`},
		{"alert, saved anyway", DuplicatesAlert, "allowSave=true; runAsCurrentUser=true", 201, ""},
		{"block", DuplicatesBlock, "allowSave=true", 400, `"allowSave":false`},
	} {
		c := newClient(t, Config{DuplicateRule: tc.rule})
		contact := c.create("Contact", `{"LastName":"L","Email":"dup@acme.example"}`)
		a := c.do("POST", "sobjects/Lead", body, "Sforce-Duplicate-Rule-Header", tc.header)
		if a.Status != tc.want || !strings.Contains(a.Raw, tc.allow) || tc.want == 400 && (a.code(t) != "DUPLICATES_DETECTED" || !strings.Contains(a.Raw, `"Id":"`+contact+`"`)) {
			t.Errorf("%s: got %d %s", tc.name, a.Status, a.Raw)
		}
	}
}

// TestWalkByID: pages by ascending id are complete however the rows came in.
func TestWalkByID(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	// Ids below all others, loaded last, lie where a search by halves would look in vain.
	var early []string
	for i := 9; i > 0; i-- {
		early = append(early, fmt.Sprintf(`{"id":"00100000000000%d","fields":{"Name":"Early"}}`, i))
	}
	if err := c.sim.Load([]byte(`{"Account":[` + strings.Join(early, ",") + `]}`)); err != nil {
		t.Fatal(err)
	}
	last, n := "", 0
	for {
		where := "IsDeleted = false"
		if last != "" {
			where += " AND Id > '" + last + "'"
		}
		rows := c.rows("SELECT Id, Name FROM Account WHERE " + where + " ORDER BY Id LIMIT 3")
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			if id := r["Id"].(string); id <= last {
				t.Fatalf("%s after %s", id, last)
			}
			last = r["Id"].(string)
			n++
		}
	}
	if n != 49 {
		t.Errorf("walked %d rows, want 49", n)
	}
}
