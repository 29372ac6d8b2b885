package crmhttp

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestAsOf: when a CRM answered is told by its own clock, whatever ours says, and what
// an answer must have seen is older than the call was long (L8).
func TestAsOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		date     func(ours time.Time) string
		took     time.Duration
		asOf, at time.Duration // after the call was made
	}{
		"at once":            {dated(0), 0, -time.Second, time.Second},
		"slow":               {dated(0), 20 * time.Second, -time.Second, 21 * time.Second},
		"ours an hour fast":  {dated(-time.Hour), 3 * time.Second, -time.Hour - time.Second, -time.Hour + 4*time.Second},
		"ours an hour slow":  {dated(time.Hour), 3 * time.Second, time.Hour - time.Second, time.Hour + 4*time.Second},
		"it tells no time":   {func(time.Time) string { return "" }, 3 * time.Second, 0, 3 * time.Second},
		"it tells none well": {func(time.Time) string { return "soon" }, 3 * time.Second, 0, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newTest(t, func(*http.Request) (*http.Response, error) {
					time.Sleep(test.took)
					return answer(200, `{}`, "Date", test.date(time.Now())), nil
				}, nil)
				made := time.Now()
				resp, err := client.Do(t.Context(), readCall)
				if err != nil {
					t.Fatal(err)
				}
				if asOf, at := resp.AsOf.Sub(made), resp.At.Sub(made); asOf != test.asOf || at != test.at {
					t.Errorf("as of %s, at %s; want %s and %s", asOf, at, test.asOf, test.at)
				}
			})
		})
	}
}

func dated(off time.Duration) func(time.Time) string {
	return func(ours time.Time) string { return ours.Add(off).UTC().Format(http.TimeFormat) }
}
