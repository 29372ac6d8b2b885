package crmhttp

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/handoffd/handoffd/connectors"
)

// (C1, C6) A refusal that is not about one call is believed for a while: how
// many requests an hour of asking every second costs, and of another sort of
// call meanwhile.
func TestHolds(t *testing.T) {
	t.Parallel()
	const hour = 3600
	tests := map[string]struct {
		resp        *http.Response
		sent, other int
	}{
		"credentials are refused":    {answer(401, `{}`), 67, hour}, // the first four ask once more
		"a permission is missing":    {answer(403, `{}`), 60, hour},
		"too many, a minute's wait":  {answer(429, `{}`, "Retry-After", "60"), 60, hour},
		"too many, for an hour":      {answer(429, `{}`, "Retry-After", "3600"), 4, hour},
		"moving house for a day":     {answer(477, `{}`, "Retry-After", "86400"), 4, hour},
		"the content is refused":     {answer(400, `{}`), hour, hour},
		"one answer that says later": {answer(503, `{}`, "Retry-After", "60"), hour, hour},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sent, other := 0, 0
				client := newTest(t, func(r *http.Request) (*http.Response, error) {
					if r.URL.Path == "/other" {
						other++
						return answer(200, `{}`), nil
					}
					sent++
					again := answer(test.resp.StatusCode, `{}`)
					again.Header = test.resp.Header
					return again, nil
				}, func(c *Config) { c.Classify = holdClassify })
				elsewhere := readCall
				elsewhere.Op, elsewhere.Path = "read deals", "/other"
				for range hour {
					_, err := client.Do(t.Context(), writeCall)
					var cerr *connectors.Error
					if !errors.As(err, &cerr) || cerr.Op != writeCall.Op || cerr.Status != test.resp.StatusCode {
						t.Fatalf("got %v", err)
					}
					if test.sent == 60 && cerr.Class == connectors.Denied {
						if _, err := client.Do(t.Context(), elsewhere); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(time.Second)
				}
				if test.resp.StatusCode == 403 && other != test.other {
					t.Errorf("%d of %d other calls left", other, test.other)
				}
				if sent != test.sent && sent != test.sent+1 {
					t.Errorf("%d requests in an hour, want %d", sent, test.sent)
				}
			})
		})
	}
}

func holdClassify(resp *Response) *connectors.Error {
	e := testClassify(resp)
	switch resp.Status {
	case 403:
		e.Class, e.RetryAfter = connectors.Denied, time.Minute
	case 477:
		e.Class = connectors.Unavailable
		e.RetryAfter, _ = RetryAfterUpTo(resp.Header, time.Now(), 24*time.Hour)
	}
	return e
}

// (C6) What works again is noticed with the first answer.
func TestHoldEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		status := 401
		client := newTest(t, func(*http.Request) (*http.Response, error) { return answer(status, `{}`), nil }, nil)
		for i, step := range []struct {
			status int
			wait   time.Duration
			want   string
		}{
			{401, 0, "auth_broken"},
			{200, 0, "auth_broken"},
			{200, firstHold, ""},
			{200, 0, ""},
			{401, 0, "auth_broken"},
			{401, firstHold, "auth_broken"},
			{200, firstHold, "auth_broken"},
			{401, nextHold - firstHold, "auth_broken"},
			{200, nextHold, "auth_broken"},
			{401, thirdHold - nextHold, "auth_broken"},
			{200, thirdHold, "auth_broken"},
			{200, holdFor - thirdHold, ""},
			{401, 0, "auth_broken"},
			{503, firstHold, "ambiguous"}, // which says nothing of the credentials
			{200, 0, ""},
		} {
			status = step.status
			time.Sleep(step.wait)
			got := ""
			if _, err := client.Do(t.Context(), writeCall); err != nil {
				got = connectors.ClassOf(err).String()
			}
			if got != step.want {
				t.Errorf("step %d: %q, want %q", i, got, step.want)
			}
		}
	})
}

// (C6) Calls that were on their way together and are refused together were refused once.
func TestRefusedTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		status := 401
		client := newTest(t, func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Millisecond)
			return answer(status, `{}`), nil
		}, nil)
		var calls sync.WaitGroup
		for range 3 {
			calls.Go(func() {
				if _, err := client.Do(t.Context(), writeCall); connectors.ClassOf(err) != connectors.AuthBroken {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		status = 200
		time.Sleep(firstHold)
		if _, err := client.Do(t.Context(), writeCall); err != nil {
			t.Errorf("after %s: %v", firstHold, err)
		}
	})
}

// (C6) Refusals in a row are what makes a minute of rest. An answer that only those get who
// are known ends the row, even where it is of no use.
func TestAcceptedBetween(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		between *http.Response
		wait    time.Duration
	}{
		"not found":         {answer(404, `{}`), firstHold},
		"not valid":         {answer(400, `{}`), firstHold},
		"a conflict":        {answer(409, `{}`), firstHold},
		"an answer cut off": {answer(207, `{"results":[`), firstHold},
		"a page of a proxy": {answer(200, `<html>`, "Content-Type", "text/html"), holdFor},
		"nobody knows":      {answer(503, `{}`), holdFor},
		"too many":          {answer(429, `{}`, "Retry-After", "1"), holdFor},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var now *http.Response
				sent := 0
				client := newTest(t, func(*http.Request) (*http.Response, error) {
					sent++
					again := *now
					again.Body = io.NopCloser(strings.NewReader(`{"results":[`))
					return &again, nil
				}, nil)
				do := func(resp *http.Response) {
					now = resp
					_, _ = client.Do(t.Context(), writeCall)
				}
				for _, wait := range []time.Duration{firstHold, nextHold, thirdHold} {
					do(answer(401, `{}`))
					time.Sleep(wait)
				}
				do(c.between)
				time.Sleep(time.Second)
				do(answer(401, `{}`))
				time.Sleep(c.wait - time.Second)
				before := sent
				do(answer(200, `{}`))
				early := sent > before
				time.Sleep(time.Second)
				if do(answer(200, `{}`)); early || sent == before {
					t.Errorf("asked again too early: %v; at all: %v", early, sent > before)
				}
			})
		})
	}
}

// (C7) Ordinary work stops before the day is over, urgent work does not, and
// the next day is noticed.
func TestReserve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		left := 100
		client := newTest(t, func(*http.Request) (*http.Response, error) {
			if left == 0 {
				return answer(429, `{}`, "Retry-After", "900"), nil
			}
			left--
			return answer(200, `{}`), nil
		}, func(c *Config) {
			c.Reserve = 0.2
			c.Observe = func(c *Client, _ *Response) { c.SetDaily(100, left) }
		})
		urgent := writeCall
		urgent.Urgent = true
		spend := func(call Call, ctx bool) (done int) {
			for range 200 {
				c := t.Context()
				if ctx {
					c = connectors.Urgent(c)
				}
				_, err := client.Do(c, call)
				if err != nil && connectors.ClassOf(err) != connectors.Throttled {
					t.Fatal(err)
				}
				if err == nil {
					done++
				}
			}
			return done
		}
		ordinary := spend(readCall, false)
		got := []int{ordinary, spend(urgent, false)}
		left = 100 // midnight
		time.Sleep(MaxWait)
		got = append(got, spend(readCall, false), spend(readCall, true))
		if diff := cmp.Diff([]int{80, 20, 80, 20}, got); diff != "" {
			t.Errorf("calls that left (-want +got):\n%s", diff)
		}
	})
}

// A secret that came up on the way is in no error (A12).
func TestHide(t *testing.T) {
	t.Parallel()
	client := newTest(t, nil, nil)
	for range 40 {
		client.Hide("canary-refresh-token")
	}
	if got := client.Text("the token canary-refresh-token of ann@example.com"); got != "the token [redacted] of [e-mail]" {
		t.Error(got)
	}
}
