package crmhttp

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

type callKey struct{}

// sending is a call on its way, as its attempts see it through the context.
type sending struct {
	Call
	started time.Time // when the first attempt left
}

// notSent marks a failure that happened before anything left this machine.
type notSent struct{ err error }

func (e *notSent) Error() string { return e.err.Error() }
func (e *notSent) Unwrap() error { return e.err }

var errBodyTooLarge = errors.New("the answer is larger than we accept")

// wire is one attempt: it waits for the budgets, counts the call, bounds its
// time and reads the whole body, so that an answer cut off half way is a
// transport error for the retry policy above it.
type wire struct {
	client  *Client
	purpose string // for calls that carry none
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	c := w.client
	purpose := w.purpose
	call, _ := req.Context().Value(callKey{}).(*sending)
	if purpose == "" && call != nil {
		purpose = call.Purpose
		for _, name := range call.Budget {
			l := c.limits[name]
			if l == nil {
				return nil, &notSent{fmt.Errorf("there is no budget %q", name)}
			}
			if err := l.wait(req.Context()); err != nil {
				return nil, &notSent{err}
			}
		}
	}
	if call != nil && !call.NotAfter.IsZero() && time.Now().After(call.NotAfter) {
		return nil, &notSent{connectors.ErrTooLate}
	}
	if call != nil && call.started.IsZero() {
		call.started = time.Now()
	}
	c.meter.count(purpose)
	ctx, cancel := context.WithTimeout(req.Context(), c.cfg.Timeout)
	defer cancel()
	resp, err := c.cfg.Transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.cfg.MaxBody+1))
	closeErr := resp.Body.Close()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the answer: %w", err)
	case int64(len(body)) > c.cfg.MaxBody:
		return nil, errBodyTooLarge
	case closeErr != nil:
		return nil, fmt.Errorf("read the answer: %w", closeErr)
	}
	if req.Method != http.MethodHead && resp.ContentLength > int64(len(body)) && !resp.Uncompressed {
		return nil, fmt.Errorf("read the answer: %w", io.ErrUnexpectedEOF)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	w.after(call, &Response{Status: resp.StatusCode, Header: resp.Header, Body: body})
	return resp, nil
}

// after lets the adapter read headers and slows the budgets down when the CRM
// says that it had too many.
func (w *wire) after(call *sending, resp *Response) {
	c := w.client
	if c.cfg.Observe != nil {
		c.cfg.Observe(c, resp)
	}
	if call == nil || w.purpose != "" {
		return
	}
	c.holds.accepted(resp)
	if resp.Status/100 == 2 {
		return
	}
	cerr := c.classify(resp)
	if cerr.Class != connectors.Throttled {
		return
	}
	c.meter.throttled()
	for _, name := range call.Budget {
		c.limits[name].pause(min(cerr.RetryAfter, maxPause))
	}
}

func readAll(hresp *http.Response) (*Response, error) {
	body, err := io.ReadAll(hresp.Body) // already in memory and bounded by wire
	if err != nil {
		return nil, err
	}
	r, again := hresp.Body.(*rewoundBody)
	return &Response{Status: hresp.StatusCode, Header: hresp.Header, Body: body, valid: again && r.valid}, nil
}

// classify is the adapter's reading, completed with status and wait.
func (c *Client) classify(resp *Response) *connectors.Error {
	cerr := c.cfg.Classify(resp)
	if cerr == nil {
		cerr = &connectors.Error{Class: connectors.Unknown}
	}
	e := *cerr
	if e.Status == 0 {
		e.Status = resp.Status
	}
	// A wait above our bound is the adapter's own reading of the header.
	waits := e.Class == connectors.Throttled || e.Class == connectors.Unavailable
	if wait, ok := RetryAfter(resp.Header, time.Now()); ok && waits && e.RetryAfter <= MaxWait {
		e.RetryAfter = wait
	}
	if e.Class == connectors.Throttled && e.RetryAfter == 0 {
		e.RetryAfter = time.Second
	}
	return &e
}

// judge turns an answer into a response or a classed error.
func (c *Client) judge(call Call, resp *Response, token string) (*Response, *connectors.Error) {
	if resp.Status/100 == 2 {
		if isJSON(resp) {
			return resp, nil
		}
		return nil, &connectors.Error{
			Class: unanswered(call), Op: call.Op, Status: resp.Status,
			Err: errors.New("the answer is not whole JSON (" + kindOfBody(resp) + ")"),
		}
	}
	cerr := c.classify(resp)
	cerr.Op = call.Op
	cerr.Err = c.redactErr(cerr.Err, token)
	vague := cerr.Class == connectors.Unavailable || cerr.Class == connectors.Unknown
	redirected := resp.Status/100 == 3 && resp.Header.Get("Location") != ""
	if redirected {
		cerr.Class = unanswered(call)
		cerr.Err = errors.New("redirected elsewhere, not followed")
	}
	if (resp.Status >= 500 || resp.Status == http.StatusRequestTimeout) && vague && !call.Replayable {
		cerr.Class = connectors.Ambiguous
	}
	return nil, cerr
}

// sendError classes a failure to get any answer. Only what surely never left
// is Unavailable for a call that may not be repeated (C2).
func (c *Client) sendError(call Call, err error, token string) *connectors.Error {
	cerr := &connectors.Error{Class: unanswered(call), Op: call.Op}
	var ns *notSent
	if errors.As(err, &ns) || neverLeft(err) {
		cerr.Class = connectors.Unavailable
	}
	if errors.Is(err, errBodyTooLarge) && call.Replayable {
		cerr.Class = connectors.Unknown
	}
	var uerr *url.Error // its text holds the address, which may hold an e-mail address
	if errors.As(err, &uerr) {
		err = uerr.Err
	}
	cerr.Err = c.redactErr(err, token)
	return cerr
}

// unanswered is the class of a call of which nothing is known.
func unanswered(call Call) connectors.Class {
	if call.Replayable {
		return connectors.Unavailable
	}
	return connectors.Ambiguous
}

// neverLeft reports whether err is a failure to connect at all.
func neverLeft(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &dns) || errors.As(err, &cert) ||
		errors.As(err, &host) || errors.As(err, &authority) || errors.As(err, &record)
}

// isJSON reports whether a successful answer is what it should be. An empty
// one is: updates may answer with nothing. One that calls itself a web page is
// not, whatever it holds (C17).
func isJSON(resp *Response) bool {
	if strings.Contains(resp.Header.Get("Content-Type"), "html") {
		return false
	}
	return resp.valid || len(bytes.TrimSpace(resp.Body)) == 0 || json.Valid(resp.Body)
}

func kindOfBody(resp *Response) string {
	if strings.Contains(resp.Header.Get("Content-Type"), "html") || bytes.HasPrefix(bytes.TrimSpace(resp.Body), []byte("<")) {
		return "a web page"
	}
	return fmt.Sprintf("%d bytes", len(resp.Body))
}

// sameHostReads follows a redirect of a read on its own host only. A token
// must not travel, and a redirected write would be sent as a read (C17).
func sameHostReads(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > 3 || first.Method != http.MethodGet || req.URL.Host != first.URL.Host || req.URL.Scheme != first.URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

func networkTransport() http.RoundTripper {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          64,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}
