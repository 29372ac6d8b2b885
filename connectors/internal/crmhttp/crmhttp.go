// Package crmhttp is the one HTTP client of the adapters: authentication with
// a single-flight refresh, rate budgets, bounded bodies, no redirect to
// another host, seconds-scale retries of replay-safe requests and nothing
// else, and every failure as a classed [connectors.Error] without a secret in
// its text.
//
// It retries in the client only what may be sent twice. A write that got no
// clear answer comes back as [connectors.Ambiguous]; finding out is the
// outbox's work.
package crmhttp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/time/rate"
)

// Config is what a client is made of. Zero values mean the documented default.
type Config struct {
	Name      string                                    // the connection, for errors and logs
	Base      func(ctx context.Context) (string, error) // base address per call; an org may move
	Transport http.RoundTripper                         // nil: the network, with bounded waits
	Token     TokenSource                               // nil: requests carry no Authorization
	Limits    []Budget
	// Classify reads the CRM's answer when its status is not 2xx. It may leave
	// Op, Status and RetryAfter empty. Required.
	Classify func(resp *Response) *connectors.Error
	// Observe, if set, sees every answer; adapters read limit headers here.
	Observe func(c *Client, resp *Response)
	Secrets []connectors.Secret // never to appear in an error, beside the current token
	Log     *slog.Logger        // nil: discard
	MaxBody int64               // bytes of an answer; 0: 32 MiB
	Timeout time.Duration       // of one attempt, body included; 0: 30 s
	Share   float64             // of the CRM's daily calls; 0: 1
	// Reserve is the part of the day's share that urgent calls alone may use;
	// 0: none.
	Reserve float64
}

// Budget is a rate that several calls share. Its bucket is empty at start, so
// that a restart does not spend a burst twice.
type Budget struct {
	Name  string
	Rate  rate.Limit
	Burst int
}

// Call is one request.
type Call struct {
	Purpose string // the key in connectors.Usage: "poll", "read", "locate", "write", "find", "schema", "token"
	Op      string // for people: "read contacts"
	Method  string
	Path    string // joined to the base address
	Query   url.Values
	Header  http.Header
	Body    any // sent as JSON unless nil
	// Form, in place of Body, is sent as application/x-www-form-urlencoded.
	Form   url.Values
	Budget []string // every budget the call draws on
	// NotAfter, where set, is when the call must have left; later it fails
	// with connectors.ErrTooLate and nothing is sent.
	NotAfter time.Time
	// Replayable says that sending it twice does no harm: reads. Only such a
	// call is retried here, for seconds, on a lost connection, 502, 503, 504 or
	// a short "too many".
	Replayable bool
	// Urgent calls may use the day's reserve (C7). So may every call under a
	// context of connectors.Urgent.
	Urgent bool
}

// Response is a whole answer, its body within Config.MaxBody.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// By the CRM's clock, where its Date tells it to the second, for ours may be
	// wrong by hours (L8): what was there to be seen by AsOf could be seen, and
	// At, rounded up, is when it answered.
	AsOf, At time.Time

	valid bool // Body is known to be JSON
}

const (
	defaultMaxBody = 32 << 20
	defaultTimeout = 30 * time.Second
	retryMax       = 3
	retryWaitMin   = 250 * time.Millisecond
	retryWaitMax   = 5 * time.Second
	retryFor       = 20 * time.Second // no further attempt after that
)

// Client sends calls. Safe for concurrent use.
type Client struct {
	cfg    Config
	plain  *http.Client
	retry  *retryablehttp.Client
	limits map[string]*limiter
	meter  meter
	holds  holds
	hidden hidden
}

// New makes a client. It does no I/O.
func New(cfg Config) *Client {
	if cfg.MaxBody == 0 {
		cfg.MaxBody = defaultMaxBody
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Transport == nil {
		cfg.Transport = networkTransport()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Client{cfg: cfg, limits: make(map[string]*limiter, len(cfg.Limits))}
	for _, b := range cfg.Limits {
		c.limits[b.Name] = newLimiter(b)
	}
	c.plain = &http.Client{Transport: &wire{client: c}, CheckRedirect: sameHostReads}
	c.retry = &retryablehttp.Client{
		HTTPClient:   c.plain,
		RetryWaitMin: retryWaitMin,
		RetryWaitMax: retryWaitMax,
		RetryMax:     retryMax,
		CheckRetry:   c.checkRetry,
		Backoff:      backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	return c
}

// Do sends one call and returns its answer if the status is 2xx and the body
// is whole JSON or empty. The error is always a *connectors.Error. A 401 means
// that nothing was applied, so any call is then sent once more with a new
// token.
func (c *Client) Do(ctx context.Context, call Call) (*Response, error) {
	resp, err := c.do(ctx, call)
	if err != nil {
		return nil, err
	}
	return resp, nil
}

func (c *Client) do(ctx context.Context, call Call) (*Response, *connectors.Error) {
	if cerr := c.holds.of(call.Op, time.Now()); cerr != nil {
		return nil, cerr
	}
	if !c.meter.admit(c.cfg.Share, c.cfg.Reserve, call.Urgent || connectors.IsUrgent(ctx), time.Now()) {
		return nil, &connectors.Error{
			Class: connectors.Throttled, Op: call.Op, RetryAfter: MaxWait,
			Err: errors.New("our share of the CRM's daily calls is spent, but for what is kept for urgent work"),
		}
	}
	sent := time.Now()
	resp, cerr := c.authorized(ctx, call)
	if cerr == nil {
		resp.tell(sent, time.Now())
	}
	c.holds.note(call.Op, cerr, time.Now())
	return resp, cerr
}

// tell says when it was that the CRM answered a call.
func (r *Response) tell(sent, got time.Time) {
	r.AsOf, r.At = sent.UTC(), got.UTC()
	if date, err := http.ParseTime(r.Header.Get("Date")); err == nil { // the second in which the answer began
		r.AsOf, r.At = date.UTC().Add(-time.Second-got.Sub(sent)), date.UTC().Add(time.Second)
	}
}

// authorized sends the call, after a 401 once more with a new token.
func (c *Client) authorized(ctx context.Context, call Call) (*Response, *connectors.Error) {
	body, err := encode(call)
	if err != nil {
		return nil, &connectors.Error{Class: connectors.Invalid, Op: call.Op, Err: fmt.Errorf("encode the request: %w", err)}
	}
	var last string
	var refused *connectors.Error
	for attempt := 0; ; attempt++ {
		token, cerr := c.token(ctx, call)
		if cerr != nil {
			return nil, cerr
		}
		if attempt > 0 && token == last && c.holds.broken() {
			return nil, refused // there is no other token
		}
		resp, cerr := c.once(ctx, call, body, token)
		if cerr == nil {
			return resp, nil
		}
		if cerr.Status == http.StatusUnauthorized && c.cfg.Token != nil && attempt == 0 {
			c.cfg.Token.Invalidate(token)
			last, refused = token, cerr
			continue
		}
		return nil, cerr
	}
}

func (c *Client) token(ctx context.Context, call Call) (string, *connectors.Error) {
	if c.cfg.Token == nil {
		return "", nil
	}
	token, err := c.cfg.Token.Token(ctx)
	if err == nil {
		return token, nil
	}
	var cerr *connectors.Error
	if errors.As(err, &cerr) {
		e := *cerr
		e.Op = call.Op + ": " + cerr.Op
		e.Err = c.redactErr(e.Err, "")
		return "", &e
	}
	return "", &connectors.Error{Class: connectors.Unavailable, Op: call.Op, Err: c.redactErr(fmt.Errorf("get a token: %w", err), "")}
}

// once sends the call with one token: one attempt, or a few if replayable.
func (c *Client) once(ctx context.Context, call Call, body []byte, token string) (*Response, *connectors.Error) {
	req, err := c.request(ctx, call, body, token)
	if err != nil {
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: call.Op, Err: c.redactErr(err, token)}
	}
	resp, err := c.send(call, req, body)
	if err != nil {
		return nil, c.sendError(call, err, token)
	}
	return c.judge(call, resp, token)
}

func (c *Client) send(call Call, req *http.Request, body []byte) (*Response, error) {
	if !call.Replayable {
		resp, err := c.plain.Do(req)
		if err != nil {
			return nil, err
		}
		defer func() { _ = resp.Body.Close() }() // in memory
		return readAll(resp)
	}
	retryable := &retryablehttp.Request{Request: req}
	if body != nil {
		if err := retryable.SetBody(body); err != nil {
			return nil, &notSent{err}
		}
	}
	resp, err := c.retry.Do(retryable)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // in memory
	return readAll(resp)
}

func (c *Client) request(ctx context.Context, call Call, body []byte, token string) (*http.Request, error) {
	base, err := c.cfg.Base(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the CRM's address: %w", err)
	}
	address := strings.TrimSuffix(base, "/") + call.Path
	if len(call.Query) > 0 {
		address += "?" + call.Query.Encode()
	}
	ctx = context.WithValue(ctx, callKey{}, &sending{Call: call})
	var req *http.Request
	if body == nil {
		req, err = http.NewRequestWithContext(ctx, call.Method, address, nil)
	} else {
		req, err = http.NewRequestWithContext(ctx, call.Method, address, bytes.NewReader(body))
	}
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	for name, values := range call.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "handoffd")
	if body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
		if call.Form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, nil
}

// Usage is what the client has spent since it was made.
func (c *Client) Usage() connectors.Usage { return c.meter.usage() }

// Plain is an HTTP client for calls that are not the CRM's API proper, such as
// a token exchange: same transport, caps and redirects, no budget, no retry,
// counted under purpose.
func (c *Client) Plain(purpose string) *http.Client {
	return &http.Client{Transport: &wire{client: c, purpose: purpose}, CheckRedirect: sameHostReads}
}

// SetDaily tells what the CRM last said of its daily limit.
func (c *Client) SetDaily(limit, left int) { c.meter.setDaily(limit, left) }

// SetDayEnds tells when the CRM counts anew, where that is known; zero: it is
// not.
func (c *Client) SetDayEnds(at time.Time) { c.meter.setDay(at) }

// SetRate changes a budget, when the CRM's headers name another limit than
// the documented one.
func (c *Client) SetRate(budget string, r rate.Limit) {
	if l := c.limits[budget]; l != nil {
		l.setRate(r)
	}
}

func encode(call Call) ([]byte, error) {
	if call.Form != nil {
		return []byte(call.Form.Encode()), nil
	}
	if call.Body == nil {
		return nil, nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(call.Body); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
