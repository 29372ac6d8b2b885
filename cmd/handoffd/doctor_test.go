package main

import (
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestWhatDoctorSaysToDo: what to do about a question that the CRM did not answer is what its refusal
// calls for: of rights only where it speaks of them.
func TestWhatDoctorSaysToDo(t *testing.T) {
	t.Parallel()
	const own = "check the integration user's permissions"
	e := examination{conn: plan.Conn{Name: "hubspot"}}
	for name, tc := range map[string]struct {
		code  string
		err   connectors.Error
		level connectors.Level
		fix   string // how it begins
	}{
		"refused for want of rights":      {"describe", connectors.Error{Class: connectors.Denied, Status: 403}, connectors.Failure, own},
		"nothing answers":                 {codeReach, connectors.Error{Class: connectors.Unavailable}, connectors.Failure, own},
		"busy":                            {"describe", connectors.Error{Class: connectors.Throttled, Status: 429, RetryAfter: 10 * time.Second}, connectors.Unseen, "run doctor again"},
		"down":                            {"describe", connectors.Error{Class: connectors.Unavailable, Status: 503}, connectors.Unseen, "run doctor again"},
		"the calls of the day are over":   {"describe", connectors.Error{Class: connectors.Throttled, Status: 429, RetryAfter: time.Hour}, connectors.Unseen, "see in the CRM which programs"},
		"credentials that are no good":    {codeReach, connectors.Error{Class: connectors.AuthBroken, Status: 401}, connectors.Failure, own},
		"credentials that were good just": {"describe", connectors.Error{Class: connectors.AuthBroken, Status: 401}, connectors.Failure, "run doctor again; if they are refused then, for hubspot set"},
	} {
		level, fix := e.whatNow(tc.code, &tc.err, connectors.Failure, own)
		if level != tc.level || !strings.HasPrefix(fix, tc.fix) {
			t.Errorf("%s: %v, %q; want %v, %q", name, level, fix, tc.level, tc.fix)
		}
	}
}
