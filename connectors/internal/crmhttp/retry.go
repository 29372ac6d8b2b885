package crmhttp

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// MaxWait bounds what a CRM may ask us to wait (C1). A day's limit or a long
// maintenance is asked again after it.
const MaxWait = 15 * time.Minute

// checkRetry is worthRetrying with a word in the log, because an attempt that
// is made good again shows nowhere else.
func (c *Client) checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	again, stop := c.worthRetrying(ctx, resp, err)
	if call, ok := ctx.Value(callKey{}).(*sending); again && ok {
		status := 0
		if resp != nil {
			status = resp.StatusCode
		}
		c.cfg.Log.Debug("sending again", "conn", c.cfg.Name, "op", call.Op, "status", status)
	}
	return again, stop
}

// worthRetrying is the retry policy of replayable calls: a lost connection,
// 500, 502, 503 or 504, a success that is not JSON, and "too many" if the wait
// is short.
func (c *Client) worthRetrying(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if call, ok := ctx.Value(callKey{}).(*sending); ok && !call.started.IsZero() && time.Since(call.started) > retryFor {
		return false, nil
	}
	if err != nil {
		var ns *notSent
		return !errors.As(err, &ns) && !errors.Is(err, errBodyTooLarge), nil
	}
	switch resp.StatusCode {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		wait, ok := RetryAfter(resp.Header, time.Now())
		return !ok || wait <= retryWaitMax, nil
	}
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode/100 != 2 {
		return false, nil
	}
	whole, err := readAll(resp)
	if err != nil {
		return false, err
	}
	body := rewound(whole.Body)
	resp.Body = body
	if resp.StatusCode/100 != 2 {
		cerr := c.classify(whole)
		return cerr.Class == connectors.Throttled && cerr.RetryAfter <= retryWaitMax, nil
	}
	body.valid = isJSON(whole)
	return !body.valid, nil
}

// backoff doubles from low to high, or does as told within bounds. No
// randomness: the budgets already spread the calls.
func backoff(low, high time.Duration, attempt int, resp *http.Response) time.Duration {
	if resp != nil {
		if wait, ok := RetryAfter(resp.Header, time.Now()); ok {
			return min(wait, high)
		}
		if resp.StatusCode == http.StatusTooManyRequests {
			low = time.Second
		}
	}
	return min(time.Duration(float64(low)*math.Pow(2, float64(attempt))), high)
}

// RetryAfter reads the header, in seconds or as a date, bounded to between one
// second and [MaxWait]. False: absent or not understood.
func RetryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	return RetryAfterUpTo(h, now, MaxWait)
}

// RetryAfterUpTo is RetryAfter with another upper bound, for the answers that
// are documented to ask for more.
func RetryAfterUpTo(h http.Header, now time.Time, most time.Duration) (time.Duration, bool) {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0, false
	}
	if secs, err := strconv.ParseFloat(text, 64); err == nil {
		if math.IsNaN(secs) || secs < 0 {
			return 0, false
		}
		if secs > most.Seconds() {
			return most, true
		}
		return max(time.Duration(secs*float64(time.Second)), time.Second), true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), time.Second), most), true
}
