package crmhttp

import (
	"context"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"golang.org/x/oauth2"
)

// TokenSource gives the bearer token of a call. Invalidate says that the CRM
// refused a token; it has an effect only while that token is the current one.
type TokenSource interface {
	Token(ctx context.Context) (string, error)
	Invalidate(token string)
}

// expiryMargin is how long before its end a token is replaced: longer than a
// call takes, and at most a fifth of its life.
const expiryMargin = time.Minute

// Static is a token that never changes.
func Static(token connectors.Secret) TokenSource { return static(token) }

type static connectors.Secret

func (s static) Token(context.Context) (string, error) { return string(s), nil }
func (static) Invalidate(string)                       {}

// String hides the secret.
func (static) String() string { return connectors.Secret("").String() }

// GoString hides the secret.
func (static) GoString() string { return connectors.Secret("").String() }

// Refreshing is a token that fetch renews, once at a time however many calls
// wait for it (C4). A token without Expiry is kept until it is invalidated.
// Fetch is not called with the context of one of the waiting calls, lest its
// end fail the others; it has a minute. Its error should be a
// *connectors.Error.
func Refreshing(fetch func(ctx context.Context) (*oauth2.Token, error)) TokenSource {
	return &refreshing{fetch: fetch}
}

type refreshing struct {
	fetch   func(ctx context.Context) (*oauth2.Token, error)
	mu      sync.Mutex
	current string
	renew   time.Time // zero: never by itself
	flight  *flight
}

// flight is one running fetch.
type flight struct {
	done  chan struct{}
	token string
	err   error
}

// Token implements TokenSource.
func (r *refreshing) Token(ctx context.Context) (string, error) {
	r.mu.Lock()
	if r.current != "" && (r.renew.IsZero() || time.Now().Before(r.renew)) {
		defer r.mu.Unlock()
		return r.current, nil
	}
	f := r.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		r.flight = f
		go r.run(context.WithoutCancel(ctx), f)
	}
	r.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (r *refreshing) run(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	token, err := r.fetch(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	f.err = err
	if err == nil {
		f.token = token.AccessToken
		r.current, r.renew = token.AccessToken, time.Time{}
		if !token.Expiry.IsZero() {
			r.renew = token.Expiry.Add(-min(expiryMargin, time.Until(token.Expiry)/5))
		}
	}
	r.flight = nil
	close(f.done)
}

// Invalidate implements TokenSource.
func (r *refreshing) Invalidate(token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if token == r.current {
		r.current = ""
	}
}
