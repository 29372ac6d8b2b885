package simhttp

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Carrier returns a transport that carries each request to the handler of its host in memory, so that
// no socket is needed (a synctest bubble allows none). The key is the URL's host, with or without port;
// a request to another host fails like a name that does not resolve. An answer that the handler breaks
// off becomes a transport error, or a body that ends in io.ErrUnexpectedEOF when part of it was written.
// A caller whose context ends stops waiting; the handler runs on, as on a real server.
func Carrier(hosts map[string]http.Handler) http.RoundTripper { return carrier(hosts) }

type carrier map[string]http.Handler

// RoundTrip implements http.RoundTripper.
func (c carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	handler := c[req.URL.Host]
	if handler == nil {
		handler = c[req.URL.Hostname()]
	}
	if handler == nil {
		return nil, fmt.Errorf("no simulator answers for host %q", req.URL.Host)
	}
	in, err := inbound(req)
	if err != nil {
		return nil, err
	}
	done := make(chan *carried, 1)
	go func() { done <- serveCarried(handler, in) }()
	select {
	case <-req.Context().Done():
		return nil, req.Context().Err()
	case out := <-done:
		return out.response(req)
	}
}

// inbound turns the client's request into the one a server would see.
func inbound(req *http.Request) (*http.Request, error) {
	in := req.Clone(req.Context())
	in.RequestURI = req.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:1"
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	in.Body = http.NoBody
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("read the request's body: %w", err)
		}
		in.Body = io.NopCloser(bytes.NewReader(body))
	}
	return in, nil
}

// carried is an answer on its way back.
type carried struct {
	recorder
	sent   http.Header // the headers as they were when the status was written
	broken bool
	panics any
}

func (c *carried) WriteHeader(status int) {
	if c.sent == nil {
		c.sent = c.header.Clone()
	}
	c.recorder.WriteHeader(status)
}

func (c *carried) Write(p []byte) (int, error) {
	if c.sent == nil {
		c.WriteHeader(http.StatusOK)
	}
	return c.recorder.Write(p)
}

func serveCarried(handler http.Handler, in *http.Request) (out *carried) {
	out = &carried{recorder: *newRecorder()}
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			out.broken = true
		default: // a fault of the simulator itself: shown to the caller, as net/http would break the call
			out.broken, out.panics = true, p
		}
	}()
	handler.ServeHTTP(out, in)
	return out
}

func (c *carried) response(req *http.Request) (*http.Response, error) {
	if c.panics != nil {
		return nil, fmt.Errorf("the simulator panicked: %v", c.panics)
	}
	if c.broken && c.body.Len() == 0 {
		return nil, fmt.Errorf("%s %s: connection reset: %w", req.Method, req.URL.Path, io.ErrUnexpectedEOF)
	}
	header := c.sent
	if header == nil {
		header = c.header
	}
	if header.Get("Date") == "" { // as net/http's server does
		header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	length := int64(c.body.Len())
	var body io.Reader = &c.body
	if c.broken {
		body = io.MultiReader(&c.body, failing{})
		if n, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64); err == nil {
			length = n
		}
	}
	return &http.Response{
		Status: strconv.Itoa(c.status) + " " + http.StatusText(c.status), StatusCode: c.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(body), ContentLength: length, Request: req,
	}, nil
}

// failing is the rest of a body whose connection broke.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
