package hubspotsim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The limits of a Pro portal.
const (
	proBurst         = 190     // private app, per ten seconds
	oauthBurst       = 110     // OAuth app, per ten seconds and installing account
	associationBurst = 150     // the association endpoints' own
	searchBurst      = 5       // searches a second, the whole account
	associationDaily = 500_000 // the association endpoints' own
	proDaily         = 625_000 // calls a day, the whole account
	burstSpan        = 10 * time.Second
)

// window counts the calls of the last span.
type window struct {
	span  time.Duration
	limit int
	taken []time.Time
}

// take uses one call of the window; a refused call costs nothing.
func (w *window) take(now time.Time) (remaining int, ok bool) {
	old := 0
	for old < len(w.taken) && !w.taken[old].After(now.Add(-w.span)) {
		old++
	}
	w.taken = slices.Delete(w.taken, 0, old)
	if len(w.taken) >= w.limit {
		return 0, false
	}
	w.taken = append(w.taken, now)
	return w.limit - len(w.taken), true
}

// limits are the portal's meters. Search has its own and is outside the ten-second one; every call
// counts for the day, which ends at midnight in the portal's zone.
type limits struct {
	mu           sync.Mutex
	zone         *time.Location
	private      window
	oauth        window
	associations window
	search       window
	day          string
	used         int
	linked       int // of the associations' own day
	daily        int
}

func newLimits(burst int, zone *time.Location) *limits {
	return &limits{
		zone:         zone,
		private:      window{span: burstSpan, limit: burst},
		oauth:        window{span: burstSpan, limit: oauthBurst},
		associations: window{span: burstSpan, limit: associationBurst},
		search:       window{span: time.Second, limit: searchBurst},
		daily:        proDaily,
	}
}

// setTier sets what the portal's subscription allows.
func (l *limits) setTier(t tier) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.private.limit, l.associations.limit, l.daily = t.burst, t.associations, t.daily
}

// admit takes one call from every meter it falls under, and writes the headers that HubSpot writes:
// none for a search, no daily ones for an OAuth app.
func (l *limits) admit(h http.Header, family string, path []string, kind appKind, quota int, now time.Time, correlation string) *apiError {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	daily := quota
	if daily == 0 {
		daily = l.daily
	}
	if kind == staticApp && l.used >= daily {
		return tooMany("You have reached your daily limit.", "DAILY", correlation)
	}
	if path[len(path)-1] == "search" {
		if _, ok := l.search.take(now); !ok {
			return tooManySearches()
		}
		l.used++
		return nil
	}
	meter := &l.private
	if kind == oauthApp {
		meter = &l.oauth
	}
	if family == "associations" || (family == "objects" && slices.Contains(path, "associations")) {
		meter = &l.associations
		if l.linked++; l.linked > associationDaily {
			return tooMany("You have reached your daily limit.", "DAILY", correlation)
		}
	}
	remaining, ok := meter.take(now)
	h.Set("X-HubSpot-RateLimit-Max", strconv.Itoa(meter.limit))
	h.Set("X-HubSpot-RateLimit-Remaining", strconv.Itoa(remaining))
	h.Set("X-HubSpot-RateLimit-Interval-Milliseconds", strconv.Itoa(int(burstSpan.Milliseconds())))
	if !ok {
		return tooMany("You have reached your ten_secondly_rolling limit.", "TEN_SECONDLY_ROLLING", correlation)
	}
	l.used++
	if kind == staticApp {
		h.Set("X-HubSpot-RateLimit-Daily", strconv.Itoa(daily))
		h.Set("X-HubSpot-RateLimit-Daily-Remaining", strconv.Itoa(daily-l.used))
		h.Set("X-HubSpot-RateLimit-Secondly", strconv.Itoa(meter.limit/10))
		h.Set("X-HubSpot-RateLimit-Secondly-Remaining", strconv.Itoa(min(remaining, meter.limit/10)))
	}
	return nil
}

// turn starts a new day's count at the portal's midnight.
func (l *limits) turn(now time.Time) {
	if day := now.In(l.zone).Format(time.DateOnly); day != l.day {
		l.day, l.used, l.linked = day, 0, 0
	}
}

// usage tells the day's calls, their limit and when the count starts again.
func (l *limits) usage(quota int, now time.Time) (used, limit int, resets time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	limit = quota
	if limit == 0 {
		limit = l.daily
	}
	local := now.In(l.zone)
	return l.used, limit, time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, l.zone)
}

// tooMany is the body of the policies' refusals; it has no Retry-After.
func tooMany(message, policy, correlation string) *apiError {
	body := map[string]string{
		"status": "error", "message": message, "errorType": "RATE_LIMIT",
		"correlationId": correlation, "policyName": policy,
	}
	if policy == "DAILY" {
		body["requestId"] = correlation
	} else {
		body["groupName"] = "publicapi:private-apps"
	}
	return &apiError{http.StatusTooManyRequests, body}
}

// tooManySearches is the refusal of the search meter, which names no policy.
func tooManySearches() *apiError {
	return refuse(http.StatusTooManyRequests, "RATE_LIMITS", "You have reached your secondly limit.")
}

// injected words a fault that the gate drew.
func (s *Sim) injected(w http.ResponseWriter, r *http.Request, fault string) bool {
	c := &call{s: s, w: w, r: r, correlation: uuid(s.traces)}
	switch fault {
	case "429":
		w.Header().Del("Retry-After")                 // HubSpot's own have none
		if strings.HasSuffix(r.URL.Path, "/search") { // outside the ten-second limit
			c.write(nil, tooManySearches())
			break
		}
		c.write(nil, tooMany("You have reached your ten_secondly_rolling limit.", "TEN_SECONDLY_ROLLING", c.correlation))
	case "401":
		c.write(nil, unauthorized("Authentication credentials not found."))
	case "500":
		c.write(nil, refuse(http.StatusInternalServerError, "", "internal error"))
	case "423":
		c.write(nil, lockedOut())
	case "477":
		seconds, err := strconv.Atoi(w.Header().Get("Retry-After"))
		if err != nil {
			seconds = 1
		}
		c.write(nil, c.movedAway(seconds))
	default: // 502, 503 and 504 come from the edge, not as JSON
		edgePage(w, fault)
	}
	return true
}
