package connectortest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Wire is the transport between a connector and its simulator. It keeps what
// was sent, and can stand in the way of the next request.
type Wire struct {
	Next http.RoundTripper
	// IsWrite tells the requests that change something in the CRM.
	IsWrite func(method, path, body string) bool

	mu    sync.Mutex
	seen  []Request
	plans []plan
}

// Request is one that was sent.
type Request struct {
	Method, Path, Body string
	Write              bool
}

// Answer is what a connector gets in place of, or after, the CRM's own.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	Err    error // the transport fails in this way; Status and Body are ignored
	// Applied hands the request to the CRM first.
	Applied bool
}

type plan struct {
	write  bool
	answer Answer
}

// Fail makes the next write, or the next read, end with the answer.
func (w *Wire) Fail(write bool, a Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plans = append(w.plans, plan{write, a})
}

// Seen is every request so far, in the order in which they were sent.
func (w *Wire) Seen() []Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}

// Writes are the requests so far that change something.
func (w *Wire) Writes() []Request {
	return slices.DeleteFunc(w.Seen(), func(r Request) bool { return !r.Write })
}

// Forget begins a new count.
func (w *Wire) Forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = nil
}

// RoundTrip implements http.RoundTripper.
func (w *Wire) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, fmt.Errorf("read the request: %w", err)
		}
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	answer, stands := w.note(req, string(body))
	if !stands {
		return w.Next.RoundTrip(req)
	}
	if answer.Applied {
		resp, err := w.Next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		if err := resp.Body.Close(); err != nil {
			return nil, err
		}
	}
	if answer.Err != nil {
		return nil, answer.Err
	}
	header := answer.Header.Clone()
	if header == nil {
		header = http.Header{"Content-Type": {"application/json"}}
	}
	return &http.Response{
		StatusCode: answer.Status, Header: header, Request: req,
		Body: io.NopCloser(strings.NewReader(answer.Body)), ContentLength: int64(len(answer.Body)),
	}, nil
}

func (w *Wire) note(req *http.Request, body string) (Answer, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := Request{Method: req.Method, Path: req.URL.RequestURI(), Body: body}
	r.Write = w.IsWrite(r.Method, r.Path, r.Body)
	w.seen = append(w.seen, r)
	for i, p := range w.plans {
		if p.write == r.Write {
			w.plans = slices.Delete(w.plans, i, i+1)
			return p.answer, true
		}
	}
	return Answer{}, false
}
