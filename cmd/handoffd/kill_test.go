package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/builtin"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

// killTest kills the real binary while webhooks arrive, starts it again, and
// judges what stands in the CRMs and in the state when everything is at rest.
type killTest struct {
	t       *testing.T
	dir     string
	daemon  string // the binary under test
	kills   int
	unique  string // "yes" or "no"
	seed    uint64
	webhook string // address of the daemon's listener

	sim     simReady
	process *exec.Cmd

	mu     sync.Mutex
	acked  [][]byte // bodies that were answered 2xx
	signal int
}

// simReady is crmsim's ready line.
type simReady struct {
	HubSpot struct {
		URL          string `json:"url"`
		Token        string `json:"token"`
		PortalID     string `json:"portal_id"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	} `json:"hubspot"`
	Salesforce struct {
		URL          string `json:"url"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	} `json:"salesforce"`
	Control struct {
		URL string `json:"url"`
	} `json:"control"`
}

// buildBinary builds one of our commands, with an overlay where one is given.
func buildBinary(t *testing.T, dir, pkg, overlay string) string {
	t.Helper()
	out := filepath.Join(dir, filepath.Base(pkg))
	args := []string{"build", "-o", out}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, pkg)...)
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", cmd.Args, err, text)
	}
	return out
}

// run kills the daemon again and again and returns what is wrong afterwards.
func (k *killTest) run() []string {
	k.t.Helper()
	k.webhook = freeAddress(k.t)
	k.startSim()
	r := rand.New(rand.NewPCG(k.seed, 9))
	ctx, stop := context.WithCancel(k.t.Context())
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() { k.load(ctx) })
	}
	for range k.kills {
		k.start()
		time.Sleep(time.Duration(150+r.IntN(700)) * time.Millisecond) // a process outside: real time is all there is
		_ = k.process.Process.Kill()
		_ = k.process.Wait() // it was killed
	}
	k.start()
	stop()
	load.Wait()
	k.rest()
	_ = k.process.Process.Signal(os.Interrupt)
	if err := k.process.Wait(); err != nil {
		k.t.Errorf("the last daemon did not stop cleanly: %v", err)
	}
	return k.judge()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (k *killTest) startSim() {
	k.t.Helper()
	cmd := exec.CommandContext(k.t.Context(), buildBinary(k.t, k.dir, "./cmd/crmsim", ""), "serve",
		"--profile", "calm", "--people", "0", "--seed", strconv.FormatUint(k.seed, 10), "--unique-tasks", k.unique)
	cmd.Stderr = os.Stderr
	k.ready(cmd, &k.sim)
	k.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

// ready starts a command and reads its ready line.
func (k *killTest) ready(cmd *exec.Cmd, into any) {
	k.t.Helper()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		k.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, into)
	}
	if err != nil {
		k.t.Fatalf("%s did not get ready: %q, %v", cmd.Path, line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // until it ends
}

// start starts the daemon on the state that the killed one left.
func (k *killTest) start() {
	k.t.Helper()
	k.process = exec.CommandContext(k.t.Context(), k.daemon, "run")
	log, err := os.OpenFile(filepath.Join(k.dir, "daemon.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { _ = log.Close() })
	k.process.Stderr = log
	k.process.Env = append(os.Environ(),
		"HANDOFFD_CONFIG="+filepath.Join(root, "mappings", "starter"), "HANDOFFD_MODE=write",
		"HANDOFFD_STATE="+filepath.Join(k.dir, "handoffd.db"),
		"HANDOFFD_WEBHOOK_ADDR="+k.webhook, "HANDOFFD_ADMIN_ADDR=127.0.0.1:0",
		"HANDOFFD_HUBSPOT_URL="+k.sim.HubSpot.URL, "HANDOFFD_HUBSPOT_TOKEN="+k.sim.HubSpot.Token,
		"HANDOFFD_HUBSPOT_CLIENT_SECRET="+k.sim.HubSpot.ClientSecret,
		"HANDOFFD_SALESFORCE_URL="+k.sim.Salesforce.URL, "HANDOFFD_SALESFORCE_CLIENT_ID="+k.sim.Salesforce.ClientID,
		"HANDOFFD_SALESFORCE_CLIENT_SECRET="+k.sim.Salesforce.ClientSecret,
	)
	var ready map[string]any
	k.ready(k.process, &ready)
}

// load lets buyers arrive, each with a form and its webhook, until ctx ends.
// Like the CRM it sends a webhook again until it is answered.
func (k *killTest) load(ctx context.Context) {
	for ctx.Err() == nil {
		k.mu.Lock()
		k.signal++
		n := k.signal
		k.mu.Unlock()
		form := "Demo request"
		if n%3 == 0 {
			form = "Contact sales"
		}
		id, err := k.submit(n, form)
		if err != nil {
			k.t.Errorf("buyer %d: %v", n, err)
			return
		}
		now := time.Now().UnixMilli()
		body, err := json.Marshal([]map[string]any{{
			"eventId": n, "subscriptionId": 1, "portalId": json.Number(k.sim.HubSpot.PortalID), "appId": 1, "occurredAt": now,
			"subscriptionType": "contact.propertyChange", "attemptNumber": 0, "objectId": json.Number(id),
			"propertyName": "recent_conversion_date", "propertyValue": strconv.FormatInt(now, 10), "changeSource": "FORM",
		}})
		if err != nil {
			k.t.Error(err)
			return
		}
		k.deliver(body)
	}
}

func (k *killTest) submit(n int, form string) (string, error) {
	raw, err := json.Marshal(map[string]any{"crm": "hubspot", "object": "contacts", "op": "submit_form", "fields": map[string]any{
		"page": "Pricing", "form": form, "email": fmt.Sprintf("buyer%d@newco%d.example", n, n%50), "firstname": "Buyer", "lastname": fmt.Sprint(n),
		"company": fmt.Sprintf("Newco %d", n%50), "country": "United States",
	}})
	if err != nil {
		return "", err
	}
	resp, err := http.Post(k.sim.Control.URL+"/edit", "application/json", bytes.NewReader(raw))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var ids map[string]string
	if err := json.NewDecoder(resp.Body).Decode(&ids); err != nil {
		return "", err
	}
	return ids["id"], nil
}

// deliver signs a body and sends it until it is acknowledged.
func (k *killTest) deliver(body []byte) {
	target := "http://" + k.webhook + "/webhooks/hubspot"
	for range 600 {
		req := k.signed(target, body)
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode/100 == 2 {
				k.mu.Lock()
				k.acked = append(k.acked, body)
				k.mu.Unlock()
				return
			}
		}
		time.Sleep(20 * time.Millisecond) // the daemon is down; it is a process outside
	}
	k.t.Errorf("a webhook was never acknowledged")
}

func (k *killTest) signed(target string, body []byte) *http.Request {
	req, err := http.NewRequestWithContext(context.WithoutCancel(k.t.Context()), http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		k.t.Error(err)
		return nil
	}
	stamp := strconv.FormatInt(time.Now().UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(k.sim.HubSpot.ClientSecret))
	mac.Write([]byte(http.MethodPost + target + string(body) + stamp))
	req.Header.Set("X-HubSpot-Signature-v3", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	req.Header.Set("X-HubSpot-Request-Timestamp", stamp)
	req.Header.Set("Content-Type", "application/json")
	return req
}

// rest waits until nothing waits to be decided or written.
func (k *killTest) rest() {
	k.t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	quiet := 0
	for quiet < 3 {
		if time.Now().After(deadline) {
			k.t.Errorf("the daemon did not come to rest")
			return
		}
		time.Sleep(500 * time.Millisecond) // a process outside
		var st status
		err := ask(k.t.Context(), filepath.Join(k.dir, "handoffd.db"), http.MethodGet, "/status", &st)
		if quiet++; err != nil || st.Inbox > 0 || st.Outbox > 0 {
			quiet = 0
		}
	}
}

// judge compares what was acknowledged with what is remembered, and what was
// asked for with what stands in the CRMs: A1, A3 and A4 of the failure model.
func (k *killTest) judge() []string {
	k.t.Helper()
	var wrong []string
	store, err := bolt.Open(filepath.Join(k.dir, "handoffd.db"), bolt.Options{})
	if err != nil {
		return []string{fmt.Sprintf("the state does not open: %v", err)}
	}
	defer store.Close()
	wrong = append(wrong, k.lost(store)...)
	worlds := k.worlds()
	byKey := map[string]int{}
	for crm, where := range demoTaskKey {
		for _, task := range worlds[crm][where[0]] {
			if key := taskKey(task, where[1]); key != "" {
				byKey[key]++
			}
		}
	}
	owned := map[string]int{}
	err = store.View(k.t.Context(), func(tx state.Tx) error {
		for _, h := range state.AllHandoffs(tx) {
			owned[h.Record.ID]++
			if n := byKey[h.Effects["task"].Key]; n != 1 {
				wrong = append(wrong, fmt.Sprintf("handoff %s of %s has %d tasks", h.ID, h.Record, n))
			}
			if !hasOwner(worlds, h.Target) {
				wrong = append(wrong, fmt.Sprintf("%s has no owner", h.Target))
			}
		}
		return tx.Err()
	})
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	for id, n := range owned {
		if n > 1 {
			wrong = append(wrong, fmt.Sprintf("contact %s has %d handoffs", id, n))
		}
	}
	if k.signal != len(owned) {
		wrong = append(wrong, fmt.Sprintf("%d signals, %d handoffs", k.signal, len(owned)))
	}
	for key, n := range byKey {
		if n > 1 {
			wrong = append(wrong, fmt.Sprintf("task %s is there %d times", key, n))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// taskKey is the key a task carries: in its field, or as the marker in its text.
func taskKey(task crmRow, field string) string {
	if key, ok := task.Fields[field].(string); ok && key != "" {
		return key
	}
	for _, f := range slices.Sorted(maps.Keys(task.Fields)) {
		text, _ := task.Fields[f].(string)
		if _, rest, ok := strings.Cut(text, "[handoff "); ok {
			key, _, _ := strings.Cut(rest, "]")
			return key
		}
	}
	return ""
}

// lost lists events that were acknowledged and are not remembered.
func (k *killTest) lost(store *bolt.Store) []string {
	k.t.Helper()
	connector, err := builtin.Adapters()["hubspot"].New(connectors.Settings{
		Name: "hubspot", URL: k.sim.HubSpot.URL, Token: "x", ClientSecret: connectors.Secret(k.sim.HubSpot.ClientSecret),
	})
	if err != nil {
		return []string{err.Error()}
	}
	var wrong []string
	target := "http://" + k.webhook + "/webhooks/hubspot"
	err = store.View(k.t.Context(), func(tx state.Tx) error {
		for _, body := range k.acked {
			received, err := connector.(connectors.Receiver).Receive(connectors.Request{
				Method: http.MethodPost, URL: target, Header: k.signed(target, body).Header, Body: body, At: time.Now(), Tenant: k.sim.HubSpot.PortalID,
			})
			if err != nil {
				return err
			}
			for _, c := range received.Changes {
				if !state.WasSeen(tx, c) {
					wrong = append(wrong, fmt.Sprintf("acknowledged and lost: %s", c.EventID))
				}
			}
		}
		return tx.Err()
	})
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	return wrong
}

func (k *killTest) worlds() map[string]map[string][]crmRow {
	k.t.Helper()
	resp, err := http.Get(k.sim.Control.URL + "/world")
	if err != nil {
		k.t.Fatal(err)
	}
	defer resp.Body.Close()
	var worlds map[string]map[string][]crmRow
	if err := json.NewDecoder(resp.Body).Decode(&worlds); err != nil {
		k.t.Fatal(err)
	}
	return worlds
}

// killsWanted is how often each of the two runs kills: 20, or KILLS.
func killsWanted(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("KILLS"))
	if errors.Is(err, strconv.ErrSyntax) {
		return 20
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestKill kills the daemon at random moments: nothing acknowledged is lost,
// one owner and one live task per signal, whether or not tasks can be unique
// (L1, C2, A1, A3, A4).
func TestKill(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts and kills processes for a minute")
	}
	binary := buildBinary(t, t.TempDir(), "./cmd/handoffd", "")
	for _, unique := range []string{"yes", "no"} {
		t.Run("unique tasks "+unique, func(t *testing.T) {
			t.Parallel()
			k := &killTest{t: t, dir: shortDir(t), daemon: binary, kills: killsWanted(t), unique: unique, seed: 11}
			for _, w := range k.run() {
				t.Error(w)
			}
			t.Logf("%d kills, %d signals, %d acknowledged webhooks", k.kills, k.signal, len(k.acked))
		})
	}
}

// shortDir is a folder whose path is short enough for a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "kill")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
