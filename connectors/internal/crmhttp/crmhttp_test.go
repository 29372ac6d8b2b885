package crmhttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/handoffd/handoffd/connectors"
	"golang.org/x/oauth2"
	"golang.org/x/time/rate"
)

// trip is a transport in memory.
type trip func(*http.Request) (*http.Response, error)

func (t trip) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func answer(status int, body string, headers ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

func testClassify(resp *Response) *connectors.Error {
	e := &connectors.Error{Err: errors.New(string(resp.Body))}
	switch {
	case resp.Status == 401:
		e.Class = connectors.AuthBroken
	case resp.Status == 429:
		e.Class = connectors.Throttled
	case resp.Status == 409:
		e.Class = connectors.Conflict
	case resp.Status >= 500:
		e.Class = connectors.Unavailable
	default:
		e.Class = connectors.Invalid
	}
	return e
}

func newTest(t *testing.T, tr trip, change func(*Config)) *Client {
	t.Helper()
	cfg := Config{
		Name: "crm", Base: func(context.Context) (string, error) { return "https://crm.example", nil },
		Transport: tr, Classify: testClassify, Token: Static("tok-1"),
	}
	if change != nil {
		change(&cfg)
	}
	return New(cfg)
}

var (
	readCall  = Call{Purpose: "read", Op: "read contacts", Method: "POST", Path: "/read", Body: map[string]int{"a": 1}, Replayable: true}
	writeCall = Call{Purpose: "write", Op: "create tasks", Method: "POST", Path: "/create", Body: map[string]int{"a": 1}}
)

// (C1, C2, C17) What comes of each way a request can end, and how often it was sent.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	reset := errors.New("connection reset by peer")
	dial := &net.OpError{Op: "dial", Err: errors.New("refused")}
	always := func(status int, body string, headers ...string) func(int) (*http.Response, error) {
		return func(int) (*http.Response, error) { return answer(status, body, headers...), nil }
	}
	failing := func(err error) func(int) (*http.Response, error) {
		return func(int) (*http.Response, error) { return nil, err }
	}
	short := func(int) (*http.Response, error) {
		r := answer(200, `{"results":[]}`)
		r.ContentLength = 500
		return r, nil
	}
	type outcome struct {
		Class string
		Sent  int
	}
	tests := map[string]struct {
		do          func(int) (*http.Response, error)
		read, write outcome
	}{
		"done":               {always(200, `{}`), outcome{"", 1}, outcome{"", 1}},
		"no content":         {always(204, ``), outcome{"", 1}, outcome{"", 1}},
		"500":                {always(500, `{}`), outcome{"unavailable", 4}, outcome{"ambiguous", 1}},
		"502":                {always(502, `<html>`), outcome{"unavailable", 4}, outcome{"ambiguous", 1}},
		"503":                {always(503, `{}`), outcome{"unavailable", 4}, outcome{"ambiguous", 1}},
		"503 for an hour":    {always(503, `{}`, "Retry-After", "3600"), outcome{"unavailable", 1}, outcome{"ambiguous", 1}},
		"504":                {always(504, ``), outcome{"unavailable", 4}, outcome{"ambiguous", 1}},
		"reset":              {failing(reset), outcome{"unavailable", 4}, outcome{"ambiguous", 1}},
		"EOF":                {failing(io.ErrUnexpectedEOF), outcome{"unavailable", 4}, outcome{"ambiguous", 1}},
		"no connection":      {failing(dial), outcome{"unavailable", 4}, outcome{"unavailable", 1}},
		"cut off":            {short, outcome{"unavailable", 4}, outcome{"ambiguous", 1}},
		"half a JSON":        {always(200, `{"results":[`), outcome{"unavailable", 4}, outcome{"ambiguous", 1}},
		"a page":             {always(200, `<html>hi`), outcome{"unavailable", 4}, outcome{"ambiguous", 1}},
		"429":                {always(429, `{}`), outcome{"throttled", 4}, outcome{"throttled", 1}},
		"429 for an hour":    {always(429, `{}`, "Retry-After", "3600"), outcome{"throttled", 1}, outcome{"throttled", 1}},
		"400":                {always(400, `{}`), outcome{"invalid", 1}, outcome{"invalid", 1}},
		"409":                {always(409, `{}`), outcome{"conflict", 1}, outcome{"conflict", 1}},
		"401":                {always(401, `{}`), outcome{"auth_broken", 2}, outcome{"auth_broken", 2}},
		"to a login page":    {always(302, ``, "Location", "https://login.example/"), outcome{"unavailable", 1}, outcome{"ambiguous", 1}},
		"once, then 503":     {thenOK(503), outcome{"", 2}, outcome{"ambiguous", 1}},
		"once, then a reset": {thenOK(0), outcome{"", 2}, outcome{"ambiguous", 1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, c := range []struct {
					call Call
					want outcome
				}{{readCall, test.read}, {writeCall, test.write}} {
					n := 0
					client := newTest(t, func(r *http.Request) (*http.Response, error) {
						body, err := io.ReadAll(r.Body)
						if err != nil || string(body) != `{"a":1}` {
							t.Errorf("attempt %d carried %q, %v", n, body, err)
						}
						n++
						return test.do(n)
					}, nil)
					_, err := client.Do(t.Context(), c.call)
					got := outcome{Sent: n}
					if err != nil {
						got.Class = connectors.ClassOf(err).String()
					}
					if diff := cmp.Diff(c.want, got); diff != "" {
						t.Errorf("%s (-want +got):\n%s", c.call.Op, diff)
					}
					if used := client.Usage().Calls[c.call.Purpose]; used != int64(n) {
						t.Errorf("counted %d calls of %d", used, n)
					}
				}
			})
		})
	}
}

func thenOK(status int) func(int) (*http.Response, error) {
	return func(n int) (*http.Response, error) {
		switch {
		case n > 1:
			return answer(200, `{}`), nil
		case status == 0:
			return nil, errors.New("reset")
		}
		return answer(status, `{}`), nil
	}
}

// (C4) A thousand calls meet an expired token; it is renewed once.
func TestOneRefreshForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fetches, refused, sent atomic.Int64
		token := Refreshing(func(context.Context) (*oauth2.Token, error) {
			n := fetches.Add(1)
			time.Sleep(200 * time.Millisecond)
			return &oauth2.Token{AccessToken: fmt.Sprintf("tok-%d", n)}, nil
		})
		client := newTest(t, func(r *http.Request) (*http.Response, error) {
			// Some refusals come long after others were answered by a new token.
			time.Sleep(time.Duration(sent.Add(1)%700) * time.Millisecond)
			if r.Header.Get("Authorization") == "Bearer tok-1" {
				refused.Add(1)
				return answer(401, `{}`), nil
			}
			return answer(200, `{}`), nil
		}, func(c *Config) { c.Token = token })
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if _, err := client.Do(t.Context(), writeCall); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if fetches.Load() != 2 || refused.Load() != 1000 {
			t.Errorf("%d tokens fetched for %d refusals, want the first one and one more", fetches.Load(), refused.Load())
		}
	})
}

func TestTokenIsRenewedBeforeItEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fetches int
		token := Refreshing(func(context.Context) (*oauth2.Token, error) {
			fetches++
			return &oauth2.Token{AccessToken: fmt.Sprint("tok-", fetches), Expiry: time.Now().Add(30 * time.Minute)}, nil
		})
		for i, at := range []time.Duration{0, 28 * time.Minute, 90 * time.Second} {
			time.Sleep(at)
			got, err := token.Token(t.Context())
			if want := []string{"tok-1", "tok-1", "tok-2"}[i]; err != nil || got != want {
				t.Errorf("after %v: %q, %v, want %q", at, got, err, want)
			}
		}
	})
}

func TestRefreshErrorKeepsItsClass(t *testing.T) {
	t.Parallel()
	client := newTest(t, nil, func(c *Config) {
		c.Secrets = []connectors.Secret{"canary-secret"}
		c.Token = Refreshing(func(context.Context) (*oauth2.Token, error) {
			return nil, &connectors.Error{Class: connectors.AuthBroken, Op: "refresh", Err: errors.New("revoked canary-secret")}
		})
	})
	_, err := client.Do(t.Context(), readCall)
	if connectors.ClassOf(err) != connectors.AuthBroken || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}

// A12: nothing that a CRM or a transport says brings a secret or an e-mail
// address into an error.
func TestErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	const canary = "canary-9f8e7d"
	echo := "token " + canary + " of ann@example.com\n\x00, Bearer other-token, \"client_secret\":\"third-secret\" " + strings.Repeat("é", 4000)
	for name, tr := range map[string]trip{
		"body":      func(*http.Request) (*http.Response, error) { return answer(400, echo), nil },
		"transport": func(*http.Request) (*http.Response, error) { return nil, errors.New(echo) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newTest(t, tr, func(c *Config) { c.Token = Static(canary) })
			call := writeCall
			call.Path = "/contacts/ann@example.com"
			_, err := client.Do(t.Context(), call)
			for _, bad := range []string{canary, "ann@example.com", "other-token", "third-secret", "\x00", "\n"} {
				if strings.Contains(err.Error(), bad) {
					t.Errorf("the error shows %q: %v", bad, err)
				}
			}
			if len(err.Error()) > maxErrorText+100 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
	client := newTest(t, nil, func(c *Config) { c.Token = Static(canary) })
	if text := fmt.Sprintf("%v %+v %#v", client.cfg.Token, client.cfg.Token, client.cfg.Token); strings.Contains(text, canary) {
		t.Errorf("printing the source shows the token: %s", text)
	}
}

// C1: zero "too many" when alone. No ten seconds hold more than
// the documented 190 calls, and no less than 0.95 of what the rate allows.
func TestBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var sent []time.Time
		client := newTest(t, func(*http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, time.Now())
			return answer(200, `{}`), nil
		}, func(c *Config) { c.Limits = []Budget{{Name: "calls", Rate: 18.3, Burst: 4}} })
		start := time.Now()
		call := readCall
		call.Budget = []string{"calls"}
		var wg sync.WaitGroup
		for i := range 1000 {
			if i == 500 {
				wg.Wait()
				time.Sleep(time.Minute) // the bucket fills
			}
			wg.Go(func() {
				if _, err := client.Do(t.Context(), call); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i := range sent {
			if i >= 190 && sent[i].Sub(sent[i-190]) < 10*time.Second {
				t.Fatalf("191 calls within %v", sent[i].Sub(sent[i-190]))
			}
		}
		if took := time.Since(start) - time.Minute; took > 55400*time.Millisecond {
			t.Errorf("1,000 calls took %v", took)
		}
	})
}

// A restart does not spend the burst again.
func TestBucketIsEmptyAtStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newTest(t, func(*http.Request) (*http.Response, error) { return answer(200, `{}`), nil },
			func(c *Config) { c.Limits = []Budget{{Name: "calls", Rate: 10, Burst: 4}} })
		call, start := readCall, time.Now()
		call.Budget = []string{"calls"}
		if _, err := client.Do(t.Context(), call); err != nil || time.Since(start) < 100*time.Millisecond {
			t.Errorf("the first call left after %v, %v", time.Since(start), err)
		}
	})
}

// (C1) A short "too many" slows the budget down.
func TestTooManyHoldsTheBudgetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		client := newTest(t, func(*http.Request) (*http.Response, error) {
			if n++; n == 1 {
				return answer(429, `{}`, "Retry-After", "20"), nil
			}
			return answer(200, `{}`), nil
		}, func(c *Config) { c.Limits = []Budget{{Name: "calls", Rate: 1000, Burst: 1}} })
		call := writeCall
		call.Budget = []string{"calls"}
		_, err := client.Do(t.Context(), call)
		var cerr *connectors.Error
		if !errors.As(err, &cerr) || cerr.RetryAfter != 20*time.Second {
			t.Errorf("got %v, want a wait of 20 s", err)
		}
		start := time.Now()
		if _, err := client.Do(t.Context(), call); err != nil || time.Since(start) < maxPause-time.Millisecond {
			t.Errorf("the next call came after %v, %v", time.Since(start), err)
		}
		if got := client.Usage().Throttled; got != 1 {
			t.Errorf("throttled counted %d", got)
		}
	})
}

func TestShare(t *testing.T) {
	t.Parallel()
	client := newTest(t, func(*http.Request) (*http.Response, error) { return answer(200, `{}`, "Left", "1"), nil }, func(c *Config) {
		c.Share = 0.5
		c.Observe = func(c *Client, _ *Response) { c.SetDaily(10, 9) }
	})
	done := 0
	for range 8 {
		if _, err := client.Do(t.Context(), readCall); err == nil {
			done++
		} else if connectors.ClassOf(err) != connectors.Throttled {
			t.Fatal(err)
		}
	}
	if done != 5 {
		t.Errorf("%d of 10 daily calls spent with half a share", done)
	}
	client.SetDaily(10, 10)
	client.SetRate("none", rate.Inf)
}

func TestBodyIsBounded(t *testing.T) {
	t.Parallel()
	n := 0
	client := newTest(t, func(*http.Request) (*http.Response, error) {
		n++
		return answer(200, `"`+strings.Repeat("x", 100)+`"`), nil
	}, func(c *Config) { c.MaxBody = 50 })
	if _, err := client.Do(t.Context(), readCall); err == nil || n != 1 {
		t.Errorf("got %v after %d attempts", err, n)
	}
}

// (C17) A token never travels to another host, and a write is never redirected.
func TestRedirects(t *testing.T) {
	t.Parallel()
	var hosts []string
	client := newTest(t, func(r *http.Request) (*http.Response, error) {
		hosts = append(hosts, r.Method+" "+r.URL.Host+r.URL.Path)
		switch r.URL.Path {
		case "/near":
			return answer(302, ``, "Location", "/there"), nil
		case "/far":
			return answer(307, ``, "Location", "https://evil.example/there"), nil
		}
		return answer(200, `{}`), nil
	}, nil)
	for _, path := range []string{"/near", "/far"} {
		for _, method := range []string{"GET", "POST"} {
			_, err := client.Do(t.Context(), Call{Op: "x", Method: method, Path: path})
			if ok := path == "/near" && method == "GET"; ok != (err == nil) {
				t.Errorf("%s %s: %v", method, path, err)
			}
		}
	}
	want := []string{"GET crm.example/near", "GET crm.example/there", "POST crm.example/near", "GET crm.example/far", "POST crm.example/far"}
	if diff := cmp.Diff(want, hosts); diff != "" {
		t.Error(diff)
	}
}

// A hanging CRM costs the attempt's time and no more.
func TestHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newTest(t, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, nil)
		start := time.Now()
		_, err := client.Do(t.Context(), writeCall)
		if connectors.ClassOf(err) != connectors.Ambiguous || time.Since(start) != defaultTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		start = time.Now()
		if _, err = client.Do(t.Context(), readCall); connectors.ClassOf(err) != connectors.Unavailable || time.Since(start) != defaultTimeout {
			t.Errorf("a read: %v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err = client.Do(ctx, readCall); connectors.ClassOf(err) != connectors.Unavailable || !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

// FuzzRetryAfter: whatever the header says, the wait is within its bounds
// (C1).
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "10", "0", "-1", "1.5", "1e309", "NaN", "0x1p10", "86400", "Fri, 20 Nov 2026 12:00:30 GMT", "Friday, 20-Nov-26 12:00:30 GMT", " 5 ", "10, 20", "10000ms"} {
		f.Add(seed, int64(1795132800), int64(900))
	}
	f.Fuzz(func(t *testing.T, text string, at, bound int64) {
		now := time.Unix(at%(1<<40), 0)
		most := time.Duration(1+max(bound, 0)%86400) * time.Second
		wait, ok := RetryAfterUpTo(http.Header{"Retry-After": {text}}, now, most)
		if ok && (wait < time.Second || wait > most) || !ok && wait != 0 {
			t.Fatalf("%q: %v %v, at most %v", text, wait, ok, most)
		}
	})
}

// (C1) Seconds or a date, bounded.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		want time.Duration
		ok   bool
	}{
		"":                              {},
		"soon":                          {},
		"-3":                            {},
		"NaN":                           {},
		"0":                             {time.Second, true},
		"1.5":                           {1500 * time.Millisecond, true},
		"120":                           {2 * time.Minute, true},
		"99999999999999999999":          {MaxWait, true},
		"Fri, 20 Nov 2026 12:00:30 GMT": {30 * time.Second, true},
		"Fri, 20 Nov 2026 11:00:00 GMT": {time.Second, true},
		"Sat, 20 Nov 2027 11:00:00 GMT": {MaxWait, true},
	}
	for text, want := range tests {
		got, ok := RetryAfter(http.Header{"Retry-After": {text}}, now)
		if got != want.want || ok != want.ok {
			t.Errorf("%q: %v %v, want %v %v", text, got, ok, want.want, want.ok)
		}
	}
}
