package hubspotsim

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// statusMoving is HubSpot's answer while it moves a portal to another data centre.
const statusMoving = 477

// lockFor is how long a locked record stays so: who asks again sooner is refused again.
const lockFor = 2 * time.Second

// edgeStatuses are what the network before HubSpot answers by itself, as a page. Only a 524 may have been applied:
// it is a caller who was not waited for. 1015 is the network's own limit: a 429 that is a line of text.
var edgeStatuses = []string{"521", "522", "523", "524", "525", "526", edgeLimit}

const edgeLimit = "1015"

// troubled refuses a call because the portal is being moved or a record is locked.
func (c *call) troubled(family string) *apiError {
	s := c.s
	if m := s.traits.migration; m.Share > 0 {
		if !c.now.Before(s.moving) && s.gate.Chance(m.Share) {
			s.moving = c.now.Add(time.Duration(m.RetryAfter) * time.Second)
		}
		if left := s.moving.Sub(c.now); left > 0 {
			return c.movedAway(int(math.Ceil(left.Seconds())))
		}
	}
	if family != "objects" || !changes(c.r) || s.traits.locked <= 0 || len(c.rest) == 0 {
		return nil
	}
	keys := c.writtenKeys()
	locked := slices.ContainsFunc(keys, func(k string) bool { return c.now.Before(s.locks[k]) })
	if !locked && !s.gate.Chance(s.traits.locked) {
		return nil
	}
	if !locked {
		for k, until := range s.locks {
			if !c.now.Before(until) {
				delete(s.locks, k)
			}
		}
		for _, k := range keys {
			s.locks[k] = c.now.Add(lockFor)
		}
	}
	return lockedOut()
}

func lockedOut() *apiError {
	return refuse(http.StatusLocked, "LOCKED", "Another change of this object is being made. Wait two seconds at least.")
}

func (c *call) movedAway(seconds int) *apiError {
	c.w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return refuse(statusMoving, "MIGRATION_IN_PROGRESS", "The account is being moved to another data centre.")
}

// writtenKeys are the records that a write names; a create names none.
func (c *call) writtenKeys() []string {
	var out []string
	if len(c.rest) > 1 && c.rest[1] != "batch" && c.rest[1] != "merge" {
		out = append(out, c.rest[0]+"/"+c.rest[1])
	}
	var in struct {
		Inputs []struct {
			ID text `json:"id"`
		} `json:"inputs"`
		Primary text `json:"primaryObjectId"`
		Other   text `json:"objectIdToMerge"`
	}
	if json.Unmarshal(c.body, &in) != nil { // an unreadable body names nothing; the handler will say so
		return out
	}
	for _, row := range in.Inputs {
		if row.ID != "" {
			out = append(out, c.rest[0]+"/"+string(row.ID))
		}
	}
	for _, id := range [...]text{in.Primary, in.Other} {
		if id != "" {
			out = append(out, c.rest[0]+"/"+string(id))
		}
	}
	return out
}

// edge draws what the network does to a call: "" for nothing. Half of the 524s were applied.
func (c *call) edge() (status string, applied bool) {
	for _, status := range edgeStatuses {
		if share := c.s.traits.edge[status]; share > 0 && c.s.gate.Chance(share) {
			return status, status == "524" && c.s.gate.Chance(0.5)
		}
	}
	return "", false
}

// edgePage writes the page that the network shows in HubSpot's place.
func edgePage(w http.ResponseWriter, status string) {
	if status == edgeLimit {
		w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		w.Header().Set("Server", "cloudflare")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte("error code: " + edgeLimit))
		return
	}
	code, err := strconv.Atoi(status)
	if err != nil {
		code = http.StatusBadGateway
	}
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.Header().Set("Server", "cloudflare")
	w.WriteHeader(code)
	_, _ = w.Write([]byte("<!DOCTYPE html>\n<html lang=\"en-US\"><head><title>api.hubapi.com | " + status + "</title></head>" +
		"<body><h1>Error " + status + "</h1><p>" + strings.Repeat("The host cannot be reached. ", 8) + "</p></body></html>\n"))
}
