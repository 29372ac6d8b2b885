package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// door tries the way that webhooks take: a genuine one must be taken and a
// forged one refused. A daemon has to be running.
func (e *examination) door(ctx context.Context, url string, secret connectors.Secret) {
	shown := url
	if secret != "" {
		url += "/" + secret.Reveal()
		shown += "/…"
	}
	tell := func(level connectors.Level, text, fix string) {
		e.found(connectors.Finding{Code: "webhook-door", Level: level, Subject: "webhooks", Text: text, Fix: fix})
	}
	knocker, ok := e.connector.(connectors.Knocker)
	if !ok {
		tell(connectors.Unseen, "this CRM's messages cannot be tried from here; they go to "+shown, "look at the CRM's own list of sent messages")
		return
	}
	genuine, forged, ok := knocker.Knock(url, time.Now())
	if !ok {
		tell(connectors.Failure, "no signature can be checked, so every webhook is refused", "set "+connPrefix(e.conn.Name)+"CLIENT_SECRET, or write webhooks: no for this connection")
		return
	}
	status, err := knock(ctx, genuine)
	if err != nil {
		tell(connectors.Failure, "nobody answers at "+shown+": "+reason(err), "start the daemon, and set HANDOFFD_PUBLIC_URL to the address the CRM calls")
		return
	}
	if status == http.StatusServiceUnavailable {
		tell(connectors.Failure, fmt.Sprintf("a genuine webhook to %s was answered with %d: nothing can be kept at the moment, so its sender has to come again", shown, status),
			"handoffd status says why, such as a disk that runs full; where it does not, something in front of the daemon answers for it")
		return
	}
	if status/100 != 2 {
		tell(connectors.Failure, fmt.Sprintf("a genuine webhook to %s was answered with %d", shown, status),
			"a proxy that drops headers or changes the address does this, and so does a daemon with another client secret or HANDOFFD_PUBLIC_URL")
		return
	}
	if e.expect != nil {
		defer e.expect(forged)()
	}
	if status, err = knock(ctx, forged); err != nil || status != http.StatusUnauthorized {
		tell(connectors.Failure, fmt.Sprintf("a forged webhook to %s was answered with %d, not 401", shown, status), "something in front of the daemon answers for it: let the daemon's own answers through")
		return
	}
	tell(connectors.Fine, "a genuine webhook to "+shown+" is taken, a forged one refused", "")
}

// reason is an error of the HTTP client without the address, which may end in
// a secret.
func reason(err error) string {
	if inner := errors.Unwrap(err); inner != nil {
		return inner.Error()
	}
	return err.Error()
}

const knockTimeout = 10 * time.Second

func knock(ctx context.Context, r connectors.Request) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, knockTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return 0, err
	}
	req.Header = r.Header
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()                                      //nolint:errcheck // only its status is looked at
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<10)) // only the status says something
	return res.StatusCode, nil
}
