package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors/simulators"
)

// die stops the process at once.
func (r *reaper) die() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead = true
	r.kill()
}

// roundTrip is a network made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// TestKilledOnALaterTry: the first create never arrives, and a later one does
// but the daemon is killed before it is answered. What the looks before that
// one have not found says nothing about it, so it is looked for again.
func TestKilledOnALaterTry(t *testing.T) {
	t.Parallel()
	for crm, host := range map[string]string{"hubspot": hubspotHost, "salesforce": salesforceHost} {
		for _, plain := range []bool{true, false} {
			for kill := 2; kill <= 5; kill++ {
				t.Run(fmt.Sprintf("%s plain %t killed at create %d", crm, plain, kill), func(t *testing.T) {
					t.Parallel()
					volume(t, simulators.WebhookFaults{}, nil, func(_ *testing.T, st *stage) { st.killedAt(host, plain, kill) })
				})
			}
		}
	}
}

// killedAt lets four buyers come, loses the first create before it arrives and
// kills the daemon when the CRM has done the one with the number kill.
func (st *stage) killedAt(host string, plain bool, kill int) {
	st.t.Helper()
	tries := 0 // of one writer, one after the other
	st.wire = func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			var body []byte
			if req.Body != nil {
				var err error
				if body, err = io.ReadAll(req.Body); err != nil {
					return nil, err
				}
				req.Body = io.NopCloser(bytes.NewReader(body))
			}
			if req.URL.Host != host || !creates(req.URL.Path, body) {
				return next.RoundTrip(req)
			}
			tries++
			if tries == 1 {
				return nil, io.ErrUnexpectedEOF
			}
			resp, err := next.RoundTrip(req)
			if tries == kill {
				st.reaper.die()
			}
			return resp, err
		})
	}
	st.uniqueTasks(!plain)
	st.stop()
	st.dir = st.t.TempDir() // everything is learnt anew
	st.start()
	time.Sleep(10 * time.Second)
	for n := 1; n <= 4; n++ {
		st.form(n, map[bool]string{true: "Contact sales", false: "Demo request"}[n%2 == 0])
	}
	for range 40 {
		time.Sleep(10 * time.Second)
		st.revive()
	}
	st.fourBuyers()
}

// uniqueTasks says whether tasks can be unique in both CRMs.
func (st *stage) uniqueTasks(yes bool) {
	for _, sim := range []simulators.Sim{st.pair.HubSpot, st.pair.Salesforce} {
		f := sim.Faults()
		f.UniqueTasks = yes
		sim.SetFaults(f)
	}
}
