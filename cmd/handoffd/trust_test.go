package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/simulators"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/report"
)

// writes counts what leaves the daemon to change a CRM.
type writes struct {
	mu  sync.Mutex
	all []string
}

// watch puts the count on the wire.
func (w *writes) watch(st *stage) {
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
			if changes(req.Method, req.URL.Path, body) {
				w.mu.Lock()
				w.all = append(w.all, req.Method+" "+req.URL.Path)
				w.mu.Unlock()
			}
			return next.RoundTrip(req)
		})
	}
}

func (w *writes) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.all)
}

// changes reports whether a request changes a CRM.
func changes(method, path string, body []byte) bool {
	switch method {
	case http.MethodPatch, http.MethodPut, http.MethodDelete:
		return true
	case http.MethodPost:
	default:
		return false
	}
	if strings.HasSuffix(path, "/composite") {
		return bytes.Contains(body, []byte(`"method":"PATCH"`)) || bytes.Contains(body, []byte(`"method":"POST"`))
	}
	for _, reads := range []string{"/read", "/search", "/token", "/composite/batch"} {
		if strings.HasSuffix(path, reads) {
			return false
		}
	}
	return true
}

// trusted is volume with settings in place of the starter pack's, and every
// write counted.
func trusted(t *testing.T, mode, settings string, do func(st *stage, w *writes)) {
	t.Helper()
	volume(t, simulators.WebhookFaults{}, nil, func(_ *testing.T, st *stage) {
		w := &writes{}
		w.watch(st)
		st.stop()
		st.story.mode = mode
		st.settings(settings)
		st.start()
		time.Sleep(20 * time.Second)
		do(st, w)
	})
}

// settings adds lines to handoffd.yaml.
func (st *stage) settings(lines string) {
	f := *st.story.folder["handoffd.yaml"]
	raw, _, _ := strings.Cut(string(f.Data), "\n# of this test\n")
	f.Data = []byte(raw + "\n# of this test\n" + lines + "\n")
	st.story.folder["handoffd.yaml"] = &f
}

// again stops the daemon and starts it in a mode with settings.
func (st *stage) again(mode, settings string) {
	st.t.Helper()
	st.stop()
	st.story.mode = mode
	st.settings(settings)
	st.start()
	time.Sleep(time.Minute)
}

// owns has a person give a HubSpot contact to somebody.
func (st *stage) owns(email, owner string) {
	st.t.Helper()
	_, err := st.pair.HubSpot.Edit(simulators.Edit{
		CRM: "hubspot", Object: "contacts", Op: "update", ID: st.idOf("hubspot", "contacts", email),
		Fields: map[string]any{"hubspot_owner_id": owner},
	})
	if err != nil {
		st.t.Fatal(err)
	}
}

// TestThirtyDaysObserved: thirty days in observe, with buyers every day and
// people who hand them out by hand, cost no write. The table of agreement says
// what we would have done beside what they did, and is the same when it is made
// again from the stored decisions. Switched to write, nothing is written for
// what came before; the next buyer is handed over; switched back, the one after
// that is not (G11, 1.94, 4.1).
func TestThirtyDaysObserved(t *testing.T) {
	unraced(t)
	long(t, "")
	t.Parallel()
	trusted(t, "observe", "", func(st *stage, w *writes) {
		st.story.pollEvery("30 minutes") // webhooks tell; a month of polls tells no more
		st.again("observe", "")
		for day := range 30 {
			st.form(day, "Demo request")
			time.Sleep(20 * time.Minute)
			switch day % 3 {
			case 0:
				st.owns(buyer(day), st.decided(day)) // as we would have
			case 1:
				st.owns(buyer(day), "erin@example.com")
			}
			time.Sleep(24*time.Hour - 20*time.Minute)
		}
		time.Sleep(5 * 24 * time.Hour)
		if n := w.count(); n > 0 {
			st.t.Errorf("%d writes while observing: %v", n, w.all[:1])
		}
		st.agreed()
		st.again("write", "")
		time.Sleep(time.Hour)
		if n := w.count(); n > 0 {
			st.t.Errorf("%d writes for what came before: %v", n, w.all[:1])
		}
		st.form(100, "Demo request")
		time.Sleep(5 * time.Minute)
		written := w.count()
		if written == 0 {
			st.t.Error("the buyer after the switch was not handed over")
		}
		st.again("observe", "")
		st.form(101, "Demo request")
		time.Sleep(time.Hour)
		if n := w.count(); n != written {
			st.t.Errorf("%d writes after switching back", n-written)
		}
	})
}

// decided is who we would have given a buyer to.
func (st *stage) decided(n int) string {
	st.t.Helper()
	id := st.idOf("hubspot", "contacts", buyer(n))
	for _, h := range st.handoffs() {
		if h.Record.ID == id {
			return h.Owner
		}
	}
	st.t.Fatalf("buyer %d was not decided", n)
	return ""
}

// agreed checks the table of the thirty days.
func (st *stage) agreed() {
	t := st.t
	t.Helper()
	now := time.Now().UTC()
	is, err := agreement(t.Context(), st.store, st.story.start, now, false)
	if err != nil {
		t.Fatal(err)
	}
	replayed, err := agreement(t.Context(), st.store, st.story.start, now, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(is.Agreement, replayed.Agreement); diff != "" || replayed.Replayed == 0 {
		t.Errorf("made again from %d decisions it differs:\n%s", replayed.Replayed, diff)
	}
	if len(is.Types) != 1 {
		t.Fatalf("%+v", is.Agreement)
	}
	got := is.Types[0]
	if got.Faster < 60 || got.Faster > 3600 || got.FasterOf != 20 {
		t.Errorf("we had decided %v s sooner, of %d; people took 20 minutes, of 20", got.Faster, got.FasterOf)
	}
	got.Faster, got.FasterOf = 0, 0
	differ := 0
	for _, d := range is.Differences {
		if d.Had != "erin@example.com" || d.Rule == "" {
			t.Errorf("%+v", d)
		}
		differ += d.Count
	}
	want := report.AgreementRow{Type: "demo_request", Decided: 30, Same: 10, Different: 10, Nobody: 10}
	if diff := gocmp.Diff(want, got); diff != "" || differ != got.Different {
		t.Errorf("%d differences are listed (-want +got):\n%s", differ, diff)
	}
}

// TestFirstWritesWait: on a connection that was never written the first writes
// wait for somebody to approve them, over a restart too; approved ones leave,
// and once enough of them stand in the CRM the rest needs nobody (G11).
func TestFirstWritesWait(t *testing.T) {
	t.Parallel()
	trusted(t, "write", "safety: {first_writes: 4}", func(st *stage, w *writes) {
		for n := range 3 {
			st.form(n, "Demo request")
		}
		time.Sleep(5 * time.Minute)
		held := st.queue("list")
		if len(held.Items) != 6 || w.count() > 0 {
			st.t.Fatalf("%d writes are held, want 6; %d left", len(held.Items), w.count())
		}
		st.again("write", "safety: {first_writes: 4}")
		if len(st.queue("list").Items) != 6 || w.count() > 0 {
			st.t.Fatal("a restart let them go")
		}
		st.queue("approve", held.Items[0].Handoff)
		time.Sleep(time.Minute)
		if left := st.queue("list"); len(left.Items) != 4 || w.count() == 0 {
			st.t.Fatalf("%d are held after one handoff was approved, want 4; %d writes left", len(left.Items), w.count())
		}
		st.queue("drop", held.Items[len(held.Items)-1].Handoff)
		if left := st.queue("list"); len(left.Items) != 2 {
			st.t.Fatalf("%d are held after one handoff was dropped, want 2", len(left.Items))
		}
		st.queue("approve", "--all")
		time.Sleep(time.Minute)
		st.form(4, "Demo request")
		time.Sleep(5 * time.Minute)
		if left := st.queue("list"); len(left.Items) != 0 {
			st.t.Errorf("after the first writes %d still wait", len(left.Items))
		}
		owned := 0
		for _, r := range st.rows("hubspot", "contacts") {
			if r.text("handoff_status") == "Assigned" {
				owned++
			}
		}
		if owned != 3 {
			st.t.Errorf("%d buyers were handed over, want 3: one was dropped", owned)
		}
		st.auditedTimes("queue approve", 4)
		st.auditedTimes("queue drop", 2)
	})
}

// queue carries out an order on the queue.
func (st *stage) queue(verb string, ids ...string) queue {
	st.t.Helper()
	o := queueOrder{Verb: verb, IDs: ids, By: "test"}
	if len(ids) == 1 && ids[0] == "--all" {
		o.IDs, o.All = nil, true
	}
	a, err := runQueue(st.t.Context(), st.store, o, time.Now().UTC())
	if err != nil {
		st.t.Fatal(err)
	}
	for _, writer := range st.daemon.writers {
		writer.Bell.Ring()
	}
	return a
}

// auditedTimes checks how often something stands in the audit trail.
func (st *stage) auditedTimes(action string, want int) {
	st.t.Helper()
	n := 0
	_ = st.store.View(st.t.Context(), func(tx state.Tx) error {
		for _, row := range state.AllAudit(tx, 0) {
			if row.Action == action && row.Actor != "" {
				n++
			}
		}
		return nil
	})
	if n != want {
		st.t.Errorf("%q stands in the audit trail %d times, want %d", action, n, want)
	}
}

const stopAfterTen = "safety: {stop_if_more_than: {owner_changes: 10, in: 10 minutes}}\nnotify: {channels: {ops: {kind: slack}}}"

// TestSafetyStop: where more owners were to change than is safe, writing stops
// by itself before it does, stays stopped over a restart, and goes on once
// somebody has approved; what arrives is taken in meanwhile, and RevOps is told
// at once, and once. A backlog that piled up slowly while the CRM was down does
// not count as fast (G11).
func TestSafetyStop(t *testing.T) {
	unraced(t)
	t.Parallel()
	trusted(t, "write", stopAfterTen, func(st *stage, _ *writes) {
		t := st.t
		f := st.pair.HubSpot.Faults()
		f.Rate = map[string]float64{"503": 1}
		st.pair.HubSpot.SetFaults(f)
		for n := range 24 { // one every two minutes: never eleven in ten
			st.form(n, "Demo request")
			time.Sleep(2 * time.Minute)
		}
		f.Rate = nil
		st.pair.HubSpot.SetFaults(f)
		time.Sleep(5 * time.Minute)
		if n, why := st.owned(), st.daemon.heldBack(t.Context()); n != 24 || len(why) > 0 {
			t.Fatalf("%d of 24 of the backlog were handed over: %v", n, why)
		}
		time.Sleep(time.Hour)
		for n := range 12 {
			st.form(100+n, "Demo request")
		}
		time.Sleep(5 * time.Minute)
		why := st.daemon.heldBack(t.Context())
		if n := st.owned(); n > 24+10 || len(why) != 1 || !strings.Contains(why[0], "more than 10 owners") {
			t.Fatalf("%d were handed over: %v", n, why)
		}
		if got := st.boxes["ops"].got; len(got) != 1 || got[0].To != "revops@example.com" || !strings.Contains(why[0], "told: revops@example.com in ops") {
			t.Errorf("told %v; held back: %v", got, why)
		}
		st.again("write", stopAfterTen)
		st.form(200, "Demo request")
		time.Sleep(5 * time.Minute)
		if n := st.owned(); n > 24+10 || len(st.handoffs()) != 37 {
			t.Fatalf("after a restart %d were handed over, of %d", n, len(st.handoffs()))
		}
		if _, err := approve(t.Context(), st.store, "operator kim", time.Now().UTC()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		if n := st.owned(); n != 37 {
			t.Errorf("%d of 37 were handed over after the approval", n)
		}
		st.auditedTimes("safety stop", 1)
		if n := len(st.boxes["ops"].got); n != 1 {
			t.Errorf("RevOps was told %d times", n)
		}
	})
}

// owned counts the contacts that were handed over.
func (st *stage) owned() int {
	st.t.Helper()
	n := 0
	for _, r := range st.rows("hubspot", "contacts") {
		if r.text("handoff_status") != "" {
			n++
		}
	}
	return n
}

// TestLiveShareGrows: a type that is live for a tenth of one connection's
// records acts on about a tenth of them, the same after a restart; at a half
// those that were in stay in, and a type that is not named is only watched (G11).
func TestLiveShareGrows(t *testing.T) {
	unraced(t)
	t.Parallel()
	const tenth, half = "live: {demo_request: {share: 10%, on: hubspot}}", "live: {demo_request: 50%}"
	trusted(t, "write", tenth, func(st *stage, _ *writes) {
		ask := func(from int) map[string]bool {
			for n := range 100 {
				st.form(from+n, "Demo request")
			}
			time.Sleep(10 * time.Minute)
			in := map[string]bool{}
			for _, h := range st.handoffs() {
				if !h.Observed {
					in[h.Record.ID] = true
				}
			}
			return in
		}
		first := ask(0)
		if len(first) < 3 || len(first) > 20 {
			st.t.Errorf("%d of 100 are live at 10 %%", len(first))
		}
		st.again("write", tenth)
		if n := st.owned(); n != len(first) {
			st.t.Errorf("%d were handed over, %d are live", n, len(first))
		}
		st.again("write", half)
		time.Sleep(26 * time.Hour) // the observed ones are forgotten
		_, err := st.pair.HubSpot.Edit(simulators.Edit{CRM: "hubspot", Object: "contacts", Op: "submit_form", Fields: map[string]any{
			"email": buyer(0), "page": "Pricing", "form": "Contact sales",
		}})
		if err != nil {
			st.t.Fatal(err)
		}
		second := ask(0) // everybody once more
		for id := range first {
			if !second[id] {
				st.t.Errorf("%s was in at 10 %% and is out at 50 %%", id)
			}
		}
		if len(second) < 35 || len(second) > 65 {
			st.t.Errorf("%d of 100 are live at 50 %%", len(second))
		}
		for _, h := range st.handoffs() {
			if h.Type != "demo_request" && !h.Observed {
				st.t.Errorf("%s is not named under live: and acts", h.Type)
			}
		}
	})
}

// TestReassign: after a reorganisation the open handoffs of one person go where
// the order says, with their owner, accountable person and task, and every
// deadline where it was; dry it writes nothing, a person who came first wins,
// and more than safety allows is refused (1.28, 0.12).
func TestReassign(t *testing.T) {
	t.Parallel()
	trusted(t, "write", "", func(st *stage, w *writes) {
		t := st.t
		for n := range 12 {
			st.form(n, "Demo request")
			time.Sleep(5 * time.Second)
		}
		time.Sleep(time.Minute)
		before := map[string]state.Handoff{}
		from, most := "", map[string]int{}
		for _, h := range st.handoffs() {
			before[h.ID] = h
			if most[h.Owner]++; most[h.Owner] > most[from] {
				from = h.Owner
			}
		}
		order := reassignOrder{Where: []string{"owner=" + from, "person.country=US"}, To: "erin@example.com", By: "test"}
		n := w.count()
		dry, err := st.daemon.desk().reassign(t.Context(), order)
		if err != nil || dry.Moved != most[from] {
			t.Fatalf("dry: %+v, %v; want %d to move", dry, err, most[from])
		}
		time.Sleep(10 * time.Second)
		if w.count() != n {
			t.Errorf("dry it wrote %d times", w.count()-n)
		}
		order.Apply = true
		done, err := st.daemon.desk().reassign(t.Context(), order)
		if err != nil || done.Moved != dry.Moved {
			t.Fatalf("%+v, %v", done, err)
		}
		time.Sleep(time.Minute)
		st.moved(before, from, "erin@example.com")
		st.again("write", "safety: {stop_if_more_than: {owner_changes: 2, in: 10 minutes}}")
		var refused *exitError
		if _, err := st.daemon.desk().reassign(t.Context(), reassignOrder{Where: []string{"type=demo_request"}, To: "ben@example.com", Apply: true, By: "test"}); !errors.As(err, &refused) || refused.code != exitRefused {
			t.Errorf("twelve at once: %v, want a refusal for safety", err)
		}
	})
}

// moved checks who has what after a reassignment.
func (st *stage) moved(before map[string]state.Handoff, from, to string) {
	t := st.t
	t.Helper()
	for _, h := range st.handoffs() {
		was := before[h.ID]
		want := was.Owner
		if was.Owner == from {
			want = to
		}
		if h.Owner != want || !h.AcceptBy.Equal(was.AcceptBy) || h.Stage != was.Stage {
			t.Errorf("%s: %s until %s, %s; want %s until %s, %s", h.ID, h.Owner, h.AcceptBy, h.Stage, want, was.AcceptBy, was.Stage)
		}
	}
	for _, r := range st.rows("hubspot", "contacts") {
		f := st.fields("hubspot", "contacts", r)
		h, ok := before[r.text("handoff_id")]
		if !ok {
			continue
		}
		want := h.Owner
		if h.Owner == from {
			want = to
		}
		if f["owner"] != want || f["tasks"] != "1" {
			t.Errorf("%s is owned by %s with %s tasks, want %s", r.ID, f["owner"], f["tasks"], want)
		}
		for _, task := range st.tasksOf("hubspot", "contacts", r.ID) {
			if task.text("hubspot_owner_id") != r.text("hubspot_owner_id") {
				t.Errorf("the task of %s is %s's", r.ID, task.text("hubspot_owner_id"))
			}
		}
	}
}
