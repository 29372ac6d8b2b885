package crmhttp

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxPause is how long one "too many" holds a whole budget back. The call that
// met it waits for longer if told to; the others try again soon, because a
// rolling window frees up gradually.
const maxPause = 2 * time.Second

// limiter is a token bucket that starts empty and can be held back.
type limiter struct {
	bucket *rate.Limiter
	mu     sync.Mutex
	until  time.Time // no call before
}

func newLimiter(b Budget) *limiter {
	bucket := rate.NewLimiter(b.Rate, b.Burst)
	bucket.AllowN(time.Now(), b.Burst)
	return &limiter{bucket: bucket}
}

func (l *limiter) setRate(r rate.Limit) {
	if l.bucket.Limit() != r {
		l.bucket.SetLimit(r)
	}
}

func (l *limiter) pause(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(d); until.After(l.until) {
		l.until = until
	}
}

// wait returns when a call may leave. Its error means that none may in the
// context's time.
func (l *limiter) wait(ctx context.Context) error {
	for {
		l.mu.Lock()
		hold := time.Until(l.until)
		l.mu.Unlock()
		if hold <= 0 {
			break
		}
		timer := time.NewTimer(hold)
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("wait for the rate limit: %w", ctx.Err())
		case <-timer.C:
		}
	}
	if err := l.bucket.Wait(ctx); err != nil {
		return fmt.Errorf("wait for the rate limit: %w", err)
	}
	return nil
}

func rewound(body []byte) *rewoundBody { return &rewoundBody{Reader: bytes.NewReader(body)} }

// rewoundBody is a body that has been read whole, to be read again.
type rewoundBody struct {
	*bytes.Reader

	valid bool // it is JSON
}

func (*rewoundBody) Close() error { return nil }
