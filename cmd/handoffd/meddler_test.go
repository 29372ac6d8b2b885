package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/simulators"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

// The meddler edits an owner around our write of it. A CRM takes its time: an
// answer to a read comes late, and a write is on its way for a while.
const (
	meddlerOffsets = 50
	meddlerFirst   = -6 * time.Second
	meddlerLast    = 2 * time.Second
	meddlerPoll    = 30 * time.Second

	readTakes  = 2 * time.Second
	writeTakes = time.Second
	// A handoff is decided, and its write waits, so long that the record is
	// read again before it leaves.
	writeWaits = 12 * time.Second

	// meddlerRests is how long each one is watched.
	meddlerRests = 3 * time.Minute

	meddlerSets = "hugh@example.com"
)

// slowWire is a network on which answers to reads come late and writes take a
// while to arrive; it notes when a write left.
type slowWire struct {
	next http.RoundTripper

	mu   sync.Mutex
	slow bool
	left []departure
}

type departure struct {
	at   time.Time
	body string
}

func (w *slowWire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	slow := w.slow
	w.mu.Unlock()
	if isWrite(req) && req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		w.mu.Lock()
		w.left = append(w.left, departure{time.Now(), string(body)})
		w.mu.Unlock()
		if slow {
			time.Sleep(writeTakes)
		}
		return w.next.RoundTrip(req)
	}
	resp, err := w.next.RoundTrip(req)
	if slow && strings.Contains(req.URL.Path, "/") && !strings.Contains(req.URL.Path, "token") {
		time.Sleep(readTakes)
	}
	return resp, err
}

// leftBefore is when the last write that names the record and its owner field
// left, of those that had left by then.
func (w *slowWire) leftBefore(id, field string, by time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	var at time.Time
	for _, d := range w.left {
		if !d.at.After(by) && strings.Contains(d.body, id) && strings.Contains(d.body, field) {
			at = d.at
		}
	}
	return at
}

// meddled is one way to be meddled with.
type meddled struct {
	crm      string
	webhooks bool
	setup    map[string]json.RawMessage
	together bool // all buyers in one batch, in place of one after the other
}

func (m meddled) field() string {
	if m.crm == "salesforce" {
		return "OwnerId"
	}
	return "hubspot_owner_id"
}

// verdict is what one edit at one offset came to.
type verdict struct {
	offset   time.Duration // of the edit from when our write left, or would have
	wrote    bool          // ours was ever written
	over     bool          // over the edit
	age      time.Duration // of the edit when the write that went over it left
	flips    int           // times we changed the owner after the edit
	restored time.Duration // from our write to the edit's value standing again; 0: it never fell
	lost     bool          // something else stands in the end
	late     bool          // we wrote an owner, not the edit's, after an edit that came after our write
}

// meddlerRig is a rig with a slow wire.
func meddlerRig(t *testing.T, m meddled) (*rig, *slowWire) {
	t.Helper()
	r := &rig{tb: t}
	webhooks := simulators.Carrier(map[string]http.Handler{daemonHost: http.HandlerFunc(r.receive)})
	hook := ""
	if m.webhooks {
		hook = "https://" + daemonHost + "/webhooks/hubspot"
	}
	pair, err := simulators.New(simulators.Config{
		Seed: 1, Faults: simulators.Faults{UniqueTasks: true}, WebhookURL: hook, OrgURL: "https://" + salesforceHost,
		Transport: webhooks, Setup: m.setup,
	})
	if err != nil {
		t.Fatal(err)
	}
	wire := &slowWire{next: simulators.Carrier(map[string]http.Handler{hubspotHost: pair.HubSpot, salesforceHost: pair.Salesforce})}
	hc, fc := pair.HubSpot.Credentials(), pair.Salesforce.Credentials()
	r.pair, r.conns = pair, map[string]connectors.Connector{
		"hubspot": newConnector(t, "hubspot", connectors.Settings{
			Token: connectors.Secret(hc.Token), ClientID: hc.ClientID, ClientSecret: connectors.Secret(hc.ClientSecret), Transport: wire,
		}),
		"salesforce": newConnector(t, "salesforce", connectors.Settings{
			URL: "https://" + salesforceHost, ClientID: fc.ClientID, ClientSecret: connectors.Secret(fc.ClientSecret), Transport: wire,
		}),
	}
	store, err := bolt.Open(filepath.Join(t.TempDir(), "handoffd.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.store = store
	ctx, cancel := context.WithCancel(context.Background())
	r.daemon, err = newDaemon(ctx, daemonConfig{
		Rules: compiled(t, starterFolder(t, "handoffd.yaml", "mode: observe", "mode: write"), ""), Store: store, Conns: r.conns,
		PublicURL: &url.URL{Scheme: "https", Host: daemonHost}, Holder: "meddler", PollEvery: meddlerPoll,
	})
	if err != nil {
		t.Fatal(err)
	}
	var running errgroup.Group
	running.Go(func() error { return pair.Run(ctx) })
	running.Go(func() error { return r.daemon.run(ctx) })
	r.listen(m.webhooks)
	t.Cleanup(func() {
		cancel()
		_ = running.Wait()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	r.until("the mirrors are full", func(tx state.Tx) bool {
		h, _ := state.GetConn(tx, "hubspot")
		f, _ := state.GetConn(tx, "salesforce")
		return h.Mirror && f.Mirror
	})
	return r, wire
}

// play lets buyers be handed off, each edited at another offset from when our
// write leaves; the first ones, whom nobody edits, show when that is.
func (m meddled) play(t *testing.T) []verdict {
	var all []verdict
	synctest.Test(t, func(t *testing.T) {
		r, wire := meddlerRig(t, m)
		time.Sleep(time.Minute)
		together := 1
		if m.together {
			together = meddlerOffsets
		}
		_, _ = m.round(r, wire, 0, offsets()[:together]) // schemas are read
		left, _ := m.round(r, wire, 0, offsets()[:together])
		if left < writeWaits {
			t.Fatalf("our write left after %s", left)
		}
		for some := range slices.Chunk(offsets(), together) {
			_, found := m.round(r, wire, left, some)
			all = append(all, found...)
		}
	})
	return all
}

// round hands buyers off together, one for each offset from left, after which
// our writes are known to leave; zero: nobody edits, and that is found out.
func (m meddled) round(r *rig, wire *slowWire, left time.Duration, offsets []time.Duration) (leaves time.Duration, all []verdict) {
	wire.crawl(false)
	r.pauseWrites(true)
	refs := make([]connectors.Ref, len(offsets))
	for i := range refs {
		refs[i] = r.form(m.crm)
	}
	r.until("they are decided", func(tx state.Tx) bool {
		n := 0
		for _, i := range state.AllIntents(tx) {
			if i.Step == "assign" {
				n++
			}
		}
		return n == len(refs)
	})
	time.Sleep(10 * time.Second)
	wire.crawl(true)
	began := time.Now()
	time.AfterFunc(writeWaits, func() {
		r.pauseWrites(false)
		r.daemon.decider.Outbox[m.crm].Ring()
	})
	for i, ref := range refs {
		if left != 0 {
			time.AfterFunc(left+offsets[i], func() { r.edit(m, ref) })
		}
	}
	time.Sleep(meddlerRests)
	if left == 0 {
		return wire.leftBefore(refs[0].ID, m.field(), time.Now()).Sub(began), nil
	}
	for i, ref := range refs {
		v := m.judge(r, wire, ref)
		v.offset = offsets[i]
		all = append(all, v)
	}
	return 0, all
}

// crawl makes the network slow, or quick again.
func (w *slowWire) crawl(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slow = on
}

func (r *rig) pauseWrites(on bool) {
	err := r.store.Update(context.Background(), func(tx state.Tx) error {
		state.PutPause(tx, state.Pause{On: on, At: time.Now().UTC()})
		return tx.Err()
	})
	if err != nil {
		r.tb.Error(err)
	}
}

func (r *rig) edit(m meddled, ref connectors.Ref) {
	r.tb.Helper()
	var sim simulators.Sim = r.pair.HubSpot
	if m.crm == "salesforce" {
		sim = r.pair.Salesforce
	}
	e := simulators.Edit{CRM: m.crm, Object: string(ref.Kind), Op: "update", ID: ref.ID, Fields: map[string]any{m.field(): meddlerSets}, By: "person:erin@example.com"}
	if _, err := sim.Edit(e); err != nil {
		r.tb.Fatal(err)
	}
}

// judge reads the ledger of what came of everything.
func (m meddled) judge(r *rig, wire *slowWire, ref connectors.Ref) verdict {
	r.tb.Helper()
	var v verdict
	var theirs, now any
	var edited, fell time.Time
	ours := false
	for _, c := range r.pair.History.Changes() {
		f, changed := c.Fields[m.field()]
		if c.CRM != m.crm || c.Object != string(ref.Kind) || c.ID != ref.ID || !changed {
			continue
		}
		now = f.To
		switch {
		case strings.HasPrefix(c.Actor, "person:"):
			theirs, edited = f.To, c.Time
			v.late = ours
		case !strings.HasPrefix(c.Actor, "api:"):
		case theirs == nil:
			ours = true
			v.wrote = true
		default:
			v.flips++
			v.wrote = true
			if f.To == theirs {
				v.restored = c.Time.Sub(fell)
				continue
			}
			fell = c.Time
			v.over = true
			v.age = wire.leftBefore(ref.ID, m.field(), c.Time).Sub(edited)
			if !ours {
				v.late = false
			}
		}
	}
	if os.Getenv("MEDDLER_LOG") != "" {
		for _, c := range r.pair.History.Changes() {
			if c.CRM == m.crm && c.Object == string(ref.Kind) && c.ID == ref.ID {
				r.tb.Logf("%s %s %s %v", c.Time.Format("05.000"), c.Actor, c.Op, c.Fields)
			}
		}
		_ = r.store.View(context.Background(), func(tx state.Tx) error {
			for _, row := range state.AllAudit(tx, 0) {
				r.tb.Logf("audit %s %s %v", row.At.Format("05.000"), row.Action, row.Detail)
			}
			return nil
		})
		for _, d := range wire.left {
			r.tb.Logf("left %s %.200s", d.at.Format("05.000"), d.body)
		}
	}
	v.late = v.late && v.flips > 0
	v.lost = now != theirs || theirs == nil
	return v
}

// TestMeddlerOffsets: a person edits the owner at 50 offsets around our write.
// A change more than 5 s old when our write left is never written over; a
// younger one is put back once, in time; one that came after our write is left
// alone (C11).
func TestMeddlerOffsets(t *testing.T) {
	unraced(t)
	t.Parallel()
	tracked := map[string]json.RawMessage{"salesforce": json.RawMessage(`{"track_history":["Lead.OwnerId"]}`)}
	for name, c := range map[string]struct {
		meddled
		within time.Duration
	}{
		"hubspot with webhooks":                       {meddled{crm: "hubspot", webhooks: true}, time.Minute},
		"hubspot without webhooks":                    {meddled{crm: "hubspot"}, meddlerPoll + 15*time.Second},
		"salesforce":                                  {meddled{crm: "salesforce"}, meddlerPoll + 15*time.Second},
		"salesforce in a full batch":                  {meddled{crm: "salesforce", setup: tracked, together: true}, meddlerPoll + 15*time.Second},
		"salesforce in a full batch, no history kept": {meddled{crm: "salesforce", together: true}, 15 * time.Second},
		"hubspot in a full batch":                     {meddled{crm: "hubspot", webhooks: true, together: true}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var over, restored int
			var worst time.Duration
			for _, v := range c.play(t) {
				if v.over {
					over++
				}
				if v.restored > 0 {
					restored++
					worst = max(worst, v.restored)
				}
				if fault := v.fault(c.within); fault != "" {
					t.Errorf("an edit %s from our write: %s: %+v", v.offset, fault, v)
				}
			}
			t.Logf("%s: %d offsets, %d written over, %d put back, the slowest after %s", name, meddlerOffsets, over, restored, worst)
		})
	}
}

// fault is what "a person wins" (sync/README.md) has against it.
func (v verdict) fault(within time.Duration) string {
	switch {
	case v.over && v.age > 5*time.Second:
		return "written over though more than 5 s old"
	case v.late:
		return "written again after a person had changed it"
	case v.flips > 2 || v.over && v.flips != 2:
		return fmt.Sprintf("%d changes of ours after it", v.flips)
	case v.restored > within:
		return "put back too late"
	case v.lost:
		return "something else stands in the end"
	}
	return ""
}

func offsets() []time.Duration {
	step := (meddlerLast - meddlerFirst) / (meddlerOffsets - 1)
	var all []time.Duration
	if one, err := time.ParseDuration(os.Getenv("MEDDLER_AT")); err == nil {
		return []time.Duration{one}
	}
	for at := meddlerFirst; len(all) < meddlerOffsets; at += step {
		all = append(all, at)
	}
	return slices.Clip(all)
}
