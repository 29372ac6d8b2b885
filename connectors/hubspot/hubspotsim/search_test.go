package hubspotsim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

const searchPath = contacts + "/search"

// where is a search body with one filter.
func where(property, operator, value string) string {
	return fmt.Sprintf(`{"filterGroups":[{"filters":[{"propertyName":%q,"operator":%q,"value":%q}]}],"properties":["email","firstname","jobtitle"]}`, property, operator, value)
}

func TestSearchRefusals(t *testing.T) {
	t.Parallel()
	one := `{"propertyName":"email","operator":"HAS_PROPERTY"}`
	list := func(n int, sep string) string { return strings.TrimSuffix(strings.Repeat(sep+",", n), ",") }
	group := func(n int) string { return `{"filters":[` + list(n, one) + `]}` }
	for _, tc := range []struct {
		name, body string
		status     int
	}{
		{"five groups", `{"filterGroups":[` + list(5, group(1)) + `]}`, 200},
		{"six groups", `{"filterGroups":[` + list(6, group(1)) + `]}`, 400},
		{"six filters in a group", `{"filterGroups":[` + group(6) + `]}`, 200},
		{"seven filters in a group", `{"filterGroups":[` + group(7) + `]}`, 400},
		{"eighteen filters", `{"filterGroups":[` + list(3, group(6)) + `]}`, 200},
		{"nineteen filters", `{"filterGroups":[` + list(3, group(6)) + `,` + group(1) + `]}`, 400},
		{"3,000 characters", `{"query":"` + strings.Repeat("a", 2988) + `"}`, 200},
		{"3,001 characters", `{"query":"` + strings.Repeat("a", 2989) + `"}`, 400},
		{"limit 200", `{"limit":200}`, 200},
		{"limit 201", `{"limit":201}`, 400},
		{"two sorts", `{"sorts":[{"propertyName":"email"},{"propertyName":"email"}]}`, 400},
		{"up to 10,000", `{"limit":200,"after":"9800"}`, 200},
		{"beyond 10,000", `{"limit":200,"after":"9801"}`, 400},
		{"after that is no number", `{"after":"x"}`, 400},
		{"unknown property", where("shoe_size", "EQ", "1"), 400},
		{"unknown operator", where("email", "LIKE", "1"), 400},
		{"date that is none", where("lastmodifieddate", "GT", "yesterday"), 400},
		{"IN without values", where("email", "IN", "1"), 400},
		{"BETWEEN without highValue", where("createdate", "BETWEEN", "1"), 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if a := newPortal(t, hubspotsim.Config{}).do("POST", searchPath, tc.body); a.status != tc.status {
				t.Errorf("got %d %s, want %d", a.status, a.raw, tc.status)
			}
		})
	}
}

func TestSearchOperators(t *testing.T) {
	t.Parallel()
	rows := []string{
		`{"email":"ann@acme.com","firstname":"Ann","jobtitle":"VP Sales","handoff_touch_attempts":"9","hs_lead_status":"NEW"}`,
		`{"email":"bob@acme.com","firstname":"Bob","jobtitle":"Sales Engineer","handoff_touch_attempts":"10"}`,
		`{"email":"cat@other.org","firstname":"ann-marie","jobtitle":"CEO","hs_lead_status":"OPEN"}`,
	}
	for _, tc := range []struct{ property, operator, value, want string }{
		{"firstname", "EQ", "ANN", "ann@acme.com"},                           // texts without letter case
		{"hs_lead_status", "EQ", "new", ""},                                  // options with it
		{"hs_lead_status", "NEQ", "NEW", "cat@other.org"},                    // unset never matches
		{"handoff_touch_attempts", "GT", "9", "bob@acme.com"},                // numbers as numbers
		{"handoff_touch_attempts", "BETWEEN", "9", "ann@acme.com"},           // high is 9 too, see below
		{"handoff_touch_attempts", "NOT_HAS_PROPERTY", "", "cat@other.org"},  //
		{"jobtitle", "CONTAINS_TOKEN", "sales", "ann@acme.com bob@acme.com"}, //
		{"jobtitle", "CONTAINS_TOKEN", "sale", ""},                           // whole words
		{"email", "CONTAINS_TOKEN", "*acme.com", "ann@acme.com bob@acme.com"},
		{"email", "NOT_CONTAINS_TOKEN", "acme", "cat@other.org"},
		{"email", "IN", "ann@acme.com", "ann@acme.com"},
		{"email", "IN", "Ann@acme.com", ""}, // IN wants lower case
		{"email", "NOT_IN", "ann@acme.com", "bob@acme.com cat@other.org"},
	} {
		t.Run(tc.property+" "+tc.operator+" "+tc.value, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t, hubspotsim.Config{Empty: true})
			for _, row := range rows {
				p.contact(row)
			}
			body := fmt.Sprintf(`{"filterGroups":[{"filters":[{"propertyName":%q,"operator":%q,"value":%q,"highValue":"9","values":[%q]}]}]}`, tc.property, tc.operator, tc.value, tc.value)
			if strings.Contains(tc.operator, "CONTAINS") || tc.property != "handoff_touch_attempts" {
				body = strings.Replace(body, `"highValue":"9",`, "", 1)
			}
			a := p.must("POST", searchPath, body)
			var got []string
			for i := range a.len("results") {
				got = append(got, a.text("results", i, "properties", "email"))
			}
			if strings.Join(got, " ") != tc.want {
				t.Errorf("got %v, want %s", got, tc.want)
			}
		})
	}
}

// TestSearchIsStale holds what was recorded of the real index: for a while the old value still
// matches while the new one is shown, the new one finds nothing, and a new record is not there; a record
// in the recycle bin never is.
func TestSearchIsStale(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const lag = 4 * time.Second
		p := newPortal(t, hubspotsim.Config{Faults: simhttp.Faults{SearchLag: lag}})
		id := p.contact(`{"email":"a@example.org","firstname":"Old"}`)
		hits := func(property, value string) answer { return p.must("POST", searchPath, where(property, "EQ", value)) }
		if n := hits("email", "a@example.org").len("results"); n != 0 {
			t.Errorf("a new contact is found at once")
		}
		if n := p.must("POST", searchPath, `{}`).len("results"); n != 0 {
			t.Errorf("a new contact is found by a search for all")
		}
		time.Sleep(lag)
		if n := hits("email", "a@example.org").len("results"); n != 1 {
			t.Errorf("after the lag: %d hits, want 1", n)
		}
		before := time.Now()
		time.Sleep(time.Second)
		p.must("PATCH", contacts+"/"+id, `{"properties":{"firstname":"New"}}`)
		a := hits("firstname", "Old")
		if a.len("results") != 1 || a.text("results", 0, "properties", "firstname") != "New" {
			t.Errorf("the old value: %s", a.raw)
		}
		if n := hits("firstname", "New").len("results"); n != 0 {
			t.Errorf("the new value is found at once")
		}
		if a := p.must("POST", searchPath, where("lastmodifieddate", "GTE", fmt.Sprint(before.UnixMilli()))); a.len("results") != 0 {
			t.Errorf("the cursor field is not late: %s", a.raw)
		}
		time.Sleep(lag)
		if hits("firstname", "Old").len("results") != 0 || hits("firstname", "New").len("results") != 1 {
			t.Error("the index has not caught up")
		}
		p.must("DELETE", contacts+"/"+id, "")
		if n := hits("firstname", "New").len("results"); n != 0 {
			t.Error("a deleted contact is found")
		}
	})
}

// TestKeyset reads 12,000 contacts of one timestamp by windows of a stamp and an id, which work (P1).
func TestKeyset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, hubspotsim.Config{Empty: true})
		const n = 12_000
		at := time.Now().UTC().Add(-time.Hour).Truncate(time.Millisecond)
		rows := make([]hubspotsim.Row, n)
		for i := range rows {
			rows[i].Fields = map[string]any{"email": fmt.Sprintf("c%d@example.org", i), "lastmodifieddate": at.Format(time.RFC3339Nano)}
		}
		if err := p.sim.LoadWorld(hubspotsim.World{"contacts": rows}); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		last, after := "0", 0
		for {
			time.Sleep(200 * time.Millisecond)
			body, err := json.Marshal(map[string]any{
				"filterGroups": []any{map[string]any{"filters": []any{
					map[string]string{"propertyName": "lastmodifieddate", "operator": "GTE", "value": fmt.Sprint(at.UnixMilli())},
					map[string]string{"propertyName": "hs_object_id", "operator": "GT", "value": last},
				}}},
				"sorts": []any{map[string]string{"propertyName": "hs_object_id", "direction": "ASCENDING"}},
				"limit": 200, "after": fmt.Sprint(after),
			})
			if err != nil {
				t.Fatal(err)
			}
			a := p.must("POST", searchPath, string(body))
			got := a.len("results")
			for i := range got {
				seen[a.text("results", i, "id")] = true
			}
			if got > 0 && after+200 >= 10_000 {
				last, after = a.text("results", got-1, "id"), 0
				continue
			}
			if after += 200; a.text("paging", "next", "after") == "" {
				break
			}
		}
		if len(seen) != n {
			t.Errorf("saw %d contacts, want %d", len(seen), n)
		}
	})
}
