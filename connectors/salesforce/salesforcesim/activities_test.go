package salesforcesim

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// TestEvents: start, end, length and day are kept in step, and an event without them is refused.
func TestEvents(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fields map[string]any
		want   [3]string // start, end, day; blank: refused
	}{
		"length":   {map[string]any{"StartDateTime": "2030-01-02T10:00:00Z", "DurationInMinutes": "30"}, [3]string{"2030-01-02T10:00:00Z", "2030-01-02T10:30:00Z", "2030-01-02"}},
		"end":      {map[string]any{"ActivityDateTime": "2030-01-02T10:00:00Z", "EndDateTime": "2030-01-02T12:00:00Z"}, [3]string{"2030-01-02T10:00:00Z", "2030-01-02T12:00:00Z", "2030-01-02"}},
		"days":     {map[string]any{"IsAllDayEvent": "true", "ActivityDate": "2030-01-02", "DurationInMinutes": "2880"}, [3]string{"2030-01-02T00:00:00Z", "2030-01-03T00:00:00Z", "2030-01-02"}},
		"both":     {map[string]any{"StartDateTime": "2030-01-02T10:00:00Z", "EndDateTime": "2030-01-02T10:30:00Z", "DurationInMinutes": "30"}, [3]string{"2030-01-02T10:00:00Z", "2030-01-02T10:30:00Z", "2030-01-02"}},
		"unequal":  {map[string]any{"StartDateTime": "2030-01-02T10:00:00Z", "EndDateTime": "2030-01-02T12:00:00Z", "DurationInMinutes": "30"}, [3]string{}},
		"starts":   {map[string]any{"StartDateTime": "2030-01-02T10:00:00Z", "ActivityDateTime": "2030-01-02T11:00:00Z", "DurationInMinutes": "30"}, [3]string{}},
		"nothing":  {map[string]any{}, [3]string{}},
		"endless":  {map[string]any{"StartDateTime": "2030-01-02T10:00:00Z"}, [3]string{}},
		"negative": {map[string]any{"StartDateTime": "2030-01-02T10:00:00Z", "EndDateTime": "2030-01-02T09:00:00Z"}, [3]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(Config{Seed: 7})
			out, err := s.Edit(simhttp.Edit{Object: "Event", Op: "create", Fields: tt.fields})
			if (err != nil) != (tt.want[0] == "") {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				return
			}
			f := s.byID(out["id"]).last()
			at := func(name string) string { v, _ := f[name].(time.Time); return v.Format(time.RFC3339) }
			day, _ := f["ActivityDate"].(date)
			if got := [3]string{at("StartDateTime"), at("EndDateTime"), string(day)}; got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestArchive: after a year a closed task is found by queryAll only, an open one by both; and no activity may stand
// in a semi-join.
func TestArchive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{SessionLife: 20000 * time.Hour})
		c.create("Task", `{"Subject":"old","Status":"Completed"}`)
		c.create("Task", `{"Subject":"old"}`)
		time.Sleep(400 * 24 * time.Hour)
		for resource, want := range map[string]int{"query": 1, "queryAll": 2} {
			body := c.do("GET", resource+"?q="+url.QueryEscape("SELECT Id FROM Task WHERE Subject = 'old'"), "").Raw
			if !strings.Contains(body, `"totalSize":`+strconv.Itoa(want)) {
				t.Errorf("%s finds %s, want %d", resource, body, want)
			}
		}
		if a := c.query("SELECT Id FROM User WHERE Id IN (SELECT OwnerId FROM Event)"); a.Status != 400 {
			t.Errorf("a semi-join over events: %d", a.Status)
		}
	})
}
