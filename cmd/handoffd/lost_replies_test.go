package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors/simulators"
)

const (
	lostShare  = 0.2             // of the replies to writes
	lostWrites = 1_700           // while replies are lost, in .ci/run: with what follows, 5,000; WRITES=100000 elsewhere
	lostRound  = 10_000          // in one pair of CRMs, so that no ledger fills the memory
	lostPoll   = 2 * time.Minute // the slower of the starter pack's
	lostSlack  = 30 * time.Second
	lateShare  = 0.05 // of the creates, where tasks cannot be unique: done long after we gave up
	latest     = 3 * time.Minute
)

// writesWanted is how many writes each run makes at least while replies are
// lost: 1,700, or WRITES.
func writesWanted(t *testing.T) int {
	t.Helper()
	text := os.Getenv("WRITES")
	if text == "" {
		return lostWrites
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("WRITES=%s: %v", text, errors.Join(err, errors.New("it must be a number from 1")))
	}
	return n
}

// TestLostReplies: one reply in five to a write is lost after the CRM has done
// it. Every buyer ends with one handoff, and each of its steps with one task. Where tasks are unique none is ever there
// twice; where they are not, and creates are done minutes after we gave them
// up besides, none is for longer than one poll (C2).
func TestLostReplies(t *testing.T) {
	unraced(t)
	long(t, "WRITES")
	t.Parallel()
	for _, plain := range []bool{false, true} {
		t.Run(map[bool]string{false: "tasks unique", true: "tasks plain"}[plain], func(t *testing.T) {
			t.Parallel()
			var all lostCount
			began := time.Now()
			for left, seed := writesWanted(t), uint64(1); left > 0 && !t.Failed(); seed++ {
				c := loseReplies(t, plain, min(left, lostRound), seed)
				left -= c.writes
				all.add(c)
			}
			t.Logf("%d writes, %d of %d replies lost, %d creates late, %d buyers, %d tasks made; doubled for a while: %d, at most %s; took %s",
				all.writes, all.lost, all.calls, all.late, all.buyers, all.tasks, all.doubled, all.longest.Round(time.Second), time.Since(began).Round(time.Second))
			if share := float64(all.lost) / float64(max(all.calls, 1)); share < lostShare/2 || share > 2*lostShare {
				t.Errorf("%.2f of the replies were lost, want about %.2f", share, lostShare)
			}
		})
	}
}

// lostCount is what the ledgers say of a run.
type lostCount struct {
	writes  int // rows written by us
	calls   int // that were done
	lost    int // replies to them
	late    int // creates that were done after we gave them up
	buyers  int
	tasks   int // made
	doubled int // keys of tasks that were there twice at one moment
	longest time.Duration
	calm    time.Time // from then on no reply was lost
}

func (c *lostCount) add(o lostCount) {
	c.writes, c.calls, c.lost, c.late = c.writes+o.writes, c.calls+o.calls, c.lost+o.lost, c.late+o.late
	c.buyers, c.tasks, c.doubled = c.buyers+o.buyers, c.tasks+o.tasks, c.doubled+o.doubled
	c.longest = max(c.longest, o.longest)
}

// loseReplies lets buyers come until so many rows were written, and judges the
// ledger.
func loseReplies(t *testing.T, plain bool, writes int, seed uint64) (count lostCount) {
	t.Helper()
	slow := &lateWire{chance: rand.New(rand.NewPCG(seed, 5))}
	volume(t, simulators.WebhookFaults{}, nil, func(t *testing.T, st *stage) {
		st.uniqueTasks(!plain)
		st.stop()
		st.dir = t.TempDir() // whether tasks are unique is learnt anew
		st.wire = slow.before
		st.start()
		time.Sleep(20 * time.Second)
		st.dropReplies(lostShare)
		slow.hold(plain)
		rows := &ownRows{}
		for n := 1; rows.count(st) < writes; n++ {
			st.anyForm(int(seed)*1_000_000+n, variants[n%3])
			count.buyers++
			if n%6 == 0 {
				time.Sleep(time.Second)
			}
		}
		time.Sleep(2 * time.Minute)
		st.dropReplies(0)
		count.calm = time.Now()
		slow.hold(false)
		time.Sleep(30 * time.Minute)
		count.writes, count.late = rows.count(st), slow.count()
		st.judgeTasks(&count, plain)
	})
	return count
}

func (st *stage) dropReplies(share float64) {
	for _, sim := range []simulators.Sim{st.pair.HubSpot, st.pair.Salesforce} {
		f := sim.Faults()
		f.DropReply = share
		sim.SetFaults(f)
	}
}

// anyForm is form for each of the variants.
func (st *stage) anyForm(n int, way string) {
	st.t.Helper()
	switch way {
	case "hubspot":
		st.form(n, "Demo request")
	case "across":
		st.form(n, "Contact sales")
	default:
		_, err := st.pair.Salesforce.Edit(simulators.Edit{CRM: "salesforce", Object: "Lead", Op: "submit_form", Fields: map[string]any{
			"form": "Pricing: Demo request", "Email": buyer(n), "FirstName": "Buyer", "LastName": fmt.Sprint(n), "Company": fmt.Sprintf("Newco %d", n), "Country": "United States",
		}})
		if err != nil {
			st.t.Fatal(err)
		}
	}
}

// ownRows counts the rows of the ledger that we wrote.
type ownRows struct{ seen, ours int }

func (r *ownRows) count(st *stage) int {
	all := st.pair.History.Changes()
	for _, c := range all[r.seen:] {
		if strings.HasPrefix(c.Actor, "api:") && (c.Op == "create" || c.Op == "update") {
			r.ours++
		}
	}
	r.seen = len(all)
	return r.ours
}

// lateWire is a network on which some creates arrive minutes after their
// caller has given them up.
type lateWire struct {
	mu     sync.Mutex
	chance *rand.Rand
	on     bool
	late   int
}

func (s *lateWire) hold(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on = on
}

func (s *lateWire) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.late
}

// draw says how long a create is to be on its way; 0: no longer than others.
func (s *lateWire) draw() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.on || s.chance.Float64() >= lateShare {
		return 0
	}
	s.late++
	return time.Minute + time.Duration(s.chance.Int64N(int64(latest-time.Minute)))
}

func (s *lateWire) before(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		if req.Body == nil {
			return next.RoundTrip(req)
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		hold := time.Duration(0)
		if creates(req.URL.Path, body) {
			hold = s.draw()
		}
		if hold == 0 {
			return next.RoundTrip(req)
		}
		go func() {
			time.Sleep(hold)
			late := req.Clone(context.WithoutCancel(req.Context()))
			late.Body = io.NopCloser(bytes.NewReader(body))
			if resp, err := next.RoundTrip(late); err == nil {
				_ = resp.Body.Close()
			}
		}()
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
}

// standing is the time during which a task stood.
type standing struct {
	id          string
	from, until time.Time // no until: it stands
}

// judgeTasks reads the ledger: how often a task stood twice, and for how long.
func (st *stage) judgeTasks(count *lostCount, plain bool) {
	st.t.Helper()
	for _, e := range st.pair.History.Snapshot() {
		if e.Applied && e.Time.Before(count.calm) {
			count.calls++
			if e.Status == 0 {
				count.lost++
			}
		}
	}
	byKey := st.tasksByKey()
	wanted, handoffs := st.taskSteps()
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		tasks := byKey[key]
		count.tasks += len(tasks)
		live := 0
		for _, a := range tasks {
			if a.until.IsZero() {
				live++
			}
		}
		if !wanted[key] {
			st.t.Errorf("no step of a handoff has made the task %s: %v", key, tasks)
		}
		delete(wanted, key)
		if live != 1 {
			st.t.Errorf("at rest %d tasks have the key %s: %v", live, key, tasks)
		}
		twice := together(tasks, time.Now())
		if twice > 0 {
			count.doubled++
			count.longest = max(count.longest, twice)
		}
		switch {
		case !plain && len(tasks) > 1:
			st.t.Errorf("%d tasks were made with the key %s, which is unique", len(tasks), key)
		case twice > lostPoll+lostSlack:
			st.t.Errorf("the task %s was there twice for %s: %v", key, twice, tasks)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		st.t.Errorf("the task %s is said to be there, and never was", key)
	}
	if handoffs != count.buyers {
		st.t.Errorf("%d handoffs of %d buyers", handoffs, count.buyers)
	}
}

// taskSteps are the keys of all tasks that handoffs have made, the one of the
// assignment and those of escalations, and how many handoffs have the former.
func (st *stage) taskSteps() (keys map[string]bool, handoffs int) {
	st.t.Helper()
	keys = map[string]bool{}
	for _, h := range st.handoffs() {
		if h.Effects["task"].Task {
			handoffs++
		}
		for _, e := range h.Effects {
			if e.Task {
				keys[e.Key] = true
			}
		}
	}
	return keys, handoffs
}

// tasksByKey is when every task with a key of ours stood, from the ledger.
func (st *stage) tasksByKey() map[string][]standing {
	where := map[string]string{}
	byKey := map[string][]standing{}
	for _, c := range st.pair.History.Changes() {
		if c.Object != taskKinds[c.CRM].kind {
			continue
		}
		id := c.CRM + "/" + c.ID
		switch c.Op {
		case "create":
			row := crmRow{Fields: map[string]any{}}
			for name, v := range c.Fields {
				row.Fields[name] = v.To
			}
			where[id] = taskKey(row, taskKinds[c.CRM].key)
			byKey[where[id]] = append(byKey[where[id]], standing{id: id, from: c.Time})
		case "delete", "restore":
			for n := range byKey[where[id]] {
				if s := &byKey[where[id]][n]; s.id == id {
					s.until = map[string]time.Time{"delete": c.Time}[c.Op]
				}
			}
		}
	}
	return byKey
}

// together is the longest time during which two of the tasks stood.
func together(tasks []standing, now time.Time) (longest time.Duration) {
	for i, a := range tasks {
		for _, b := range tasks[i+1:] {
			from, until := a.from, now
			if b.from.After(from) {
				from = b.from
			}
			for _, s := range []standing{a, b} {
				if end := cmp.Or(s.until, now); end.Before(until) {
					until = end
				}
			}
			longest = max(longest, until.Sub(from))
		}
	}
	return longest
}
