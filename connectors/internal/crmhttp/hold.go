package crmhttp

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Some refusals are not about one call. Asking on would change nothing, use up
// what the CRM allows of errors, and look like an attack; so the calls that
// they speak of fail here, without leaving, until it is time to ask again (C6).
const (
	firstHold = time.Second      // after credentials were refused once: it may have been a hiccup
	nextHold  = 5 * time.Second  // after they were refused again
	thirdHold = 15 * time.Second // and once more: among other failures that happens by chance
	holdFor   = time.Minute      // after they were refused four times in a row, or a permission was missing
	longWait  = 30 * time.Second // a wait from here on concerns every call

	mostRefused = 4
)

// holds are the refusals that are believed for a while. The zero value holds
// nothing.
type holds struct {
	mu      sync.Mutex
	by      map[string]hold // by the call's Op; "": every call
	refused int             // how often the credentials were, by the last answers about them; mostRefused at most
}

type hold struct {
	until time.Time
	err   connectors.Error
	asked bool // it is over, and one call is on its way to find out
}

// oneAsks is how long the others wait for the one call that finds out.
const oneAsks = 5 * time.Second

// of is the refusal that a call would meet again; nil: it may leave.
func (h *holds) of(op string, now time.Time) *connectors.Error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, key := range []string{"", op} {
		held, ok := h.by[key]
		switch {
		case !ok:
		case !now.Before(held.until):
			held.until, held.asked = now.Add(oneAsks), true
			h.by[key] = held
		default:
			e := held.err
			e.Op, e.RetryAfter = op, held.until.Sub(now)
			return &e
		}
	}
	return nil
}

// note learns from the outcome of a call; nil: it went well.
func (h *holds) note(op string, cerr *connectors.Error, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key, wait := "", time.Duration(0)
	switch {
	case cerr == nil:
		h.refused = 0
		h.over(op)
		return
	case cerr.Class == connectors.AuthBroken && h.known(now):
		return
	case cerr.Class == connectors.AuthBroken:
		h.refused = min(h.refused+1, mostRefused)
		wait = [mostRefused]time.Duration{firstHold, nextHold, thirdHold, holdFor}[h.refused-1]
	case cerr.Class == connectors.Denied && cerr.Status == http.StatusForbidden && cerr.RetryAfter > 0:
		key, wait = op, cerr.RetryAfter // a permission that is missing for this sort of call
	case cerr.Class == connectors.Throttled && cerr.RetryAfter >= longWait,
		cerr.Class == connectors.Unavailable && cerr.RetryAfter > MaxWait:
		wait = min(cerr.RetryAfter, MaxWait)
	}
	if wait <= 0 {
		if c := cerr.Class; c != connectors.Unavailable && c != connectors.Ambiguous && c != connectors.Unknown {
			h.over(op) // refused for another reason
		} else {
			h.next(op, now)
		}
		return
	}
	if h.by == nil {
		h.by = make(map[string]hold)
	}
	h.by[key] = hold{until: now.Add(wait), err: *cerr}
}

// known reports whether every call is held already, and none is on its way to find out: what
// is refused then had left before, and says the same once more.
func (h *holds) known(now time.Time) bool {
	held, ok := h.by[""]
	return ok && !held.asked && now.Before(held.until)
}

// next lets another call find out: the one that was to has met trouble that
// says nothing of what is held.
func (h *holds) next(op string, now time.Time) {
	for _, key := range []string{"", op} {
		if held := h.by[key]; held.asked {
			held.until, held.asked = now, false
			h.by[key] = held
		}
	}
}

// over lets calls leave again that waited for one to find out.
func (h *holds) over(op string) {
	for _, key := range []string{"", op} {
		if h.by[key].asked {
			delete(h.by, key)
		}
	}
}

// accepted notes what an attempt's answer tells of the credentials, whatever else is wrong
// with it: nobody is told what they asked for, or what is wrong with it, who is not known.
func (h *holds) accepted(resp *Response) {
	switch {
	case resp.Status/100 == 2 && strings.Contains(resp.Header.Get("Content-Type"), "json"):
	case resp.Status == http.StatusBadRequest, resp.Status == http.StatusNotFound, resp.Status == http.StatusConflict:
	default:
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused = 0
}

// broken reports whether the credentials have been refused so often in a row that asking
// once more with the same ones is vain.
func (h *holds) broken() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.refused == mostRefused
}
