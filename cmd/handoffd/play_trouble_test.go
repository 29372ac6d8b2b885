package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors/simulators"
	"github.com/handoffd/handoffd/state"
)

// trouble is what a "faults" line says: "503=1" is an outage, "drop_reply=1"
// breaks the connection after every write, "writes_take=20s" lets a write be on
// its way for that long. What it does not name is as it was before any line.
type trouble struct {
	faults json.RawMessage // a body of POST /faults
	takes  time.Duration
}

// readTrouble reads a faults line strictly: a misspelt fault would prove nothing.
func readTrouble(w []string) (trouble, error) {
	var out trouble
	doc, rate, hooks := map[string]any{}, map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for _, f := range w {
		name, value, _ := strings.Cut(f, "=")
		raw := json.RawMessage(value)
		if !json.Valid(raw) {
			raw = json.RawMessage(`"` + value + `"`)
		}
		hook, isHook := strings.CutPrefix(name, "webhooks.")
		switch {
		case name == "writes_take":
			d, err := time.ParseDuration(value)
			if err != nil {
				return out, fmt.Errorf("faults: %w", err)
			}
			out.takes = d
		case isHook:
			hooks[hook] = raw
			doc["webhooks"] = hooks
		case simulators.IsRate(name):
			rate[name] = raw
			doc["rate"] = rate
		default:
			doc[name] = raw
		}
	}
	var err error
	if out.faults, err = json.Marshal(doc); err != nil {
		return out, fmt.Errorf("faults: %w", err)
	}
	_, err = simulators.PatchFaults(simulators.Faults{}, out.faults)
	return out, err
}

// trouble makes a CRM as hostile as a line says, over what the story and the
// variant are played with anyway.
func (st *stage) trouble(crm string, is trouble) {
	st.t.Helper()
	base := simulators.Faults{UniqueTasks: st.story.unique, Webhooks: st.hooks}
	f, err := simulators.PatchFaults(base, is.faults)
	if err != nil {
		st.t.Fatalf("%s: %v", st.story.name, err)
	}
	if len(is.faults) == len("{}") {
		f = base
	}
	st.sim(crm).SetFaults(f)
	st.late.take(crm, is.takes)
}

// lateWrites says how long a write is on its way to each CRM.
type lateWrites struct {
	mu sync.Mutex
	by map[string]time.Duration
}

func (l *lateWrites) take(crm string, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = map[string]time.Duration{}
	}
	l.by[crm] = d
}

func (l *lateWrites) of(req *http.Request) time.Duration {
	crm := "hubspot"
	if req.URL.Host == salesforceHost {
		crm = "salesforce"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !isWrite(req) {
		return 0
	}
	return l.by[crm]
}

// isWrite reports whether a call of the daemon's changes records.
func isWrite(req *http.Request) bool {
	return strings.HasSuffix(req.URL.Path, "/batch/update") || strings.HasSuffix(req.URL.Path, "/batch/create") || req.Header.Get("Sforce-Auto-Assign") != ""
}

// lateTransport is a network on which writes are a while on their way.
type lateTransport struct {
	next http.RoundTripper
	late *lateWrites
}

func (l lateTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if d := l.late.of(req); d > 0 {
		on := time.NewTimer(d)
		defer on.Stop()
		select {
		case <-on.C:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	return l.next.RoundTrip(req)
}

// idOfGone is the id of a record that is deleted, else of one that is there,
// by what a person called it.
func (st *stage) idOfGone(crm, kind, key string) string {
	st.t.Helper()
	for _, r := range st.world(crm)[kind] {
		if r.named(key) && r.gone() {
			return r.ID
		}
	}
	return st.idOf(crm, kind, key)
}

// tell logs, with STORY_LOG set, who changed what in the CRMs and why.
func (st *stage) tell(began time.Time) {
	st.t.Helper()
	if os.Getenv("STORY_LOG") == "" {
		return
	}
	for _, c := range st.pair.History.Changes() {
		st.t.Logf("%8s %s %s %s %s %s %v", c.Time.Sub(began).Round(time.Millisecond), c.CRM, c.Actor, c.Op, c.Object, c.ID, c.Fields)
	}
	_ = st.store.View(st.t.Context(), func(tx state.Tx) error {
		for _, row := range state.AllAudit(tx, 0) {
			st.t.Logf("%8s audit %s %s %v", row.At.Sub(began).Round(time.Millisecond), row.Subject, row.Action, row.Detail)
		}
		return tx.Err()
	})
}
