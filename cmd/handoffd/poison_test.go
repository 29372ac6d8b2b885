package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

// poisoned is an overlay under which deciding about one address ends the
// process at once, as a stack or a memory that runs out would.
func poisoned(t *testing.T, dir, email string) string {
	t.Helper()
	file, err := filepath.Abs(filepath.Join(root, "sync", "plan", "decide.go"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, edit := range [][2]string{
		{"import (\n", "import (\n\t\"os\"\n"},
		{"func (d *deciding) observed(ev Observed) {\n", "func (d *deciding) observed(ev Observed) {\n\tif ev.Record.Fields[wordEmail] == \"" + email + "\" {\n\t\tos.Exit(9)\n\t}\n"},
	} {
		if !strings.Contains(text, edit[0]) {
			t.Fatalf("decide.go does not contain %q", edit[0])
		}
		text = strings.Replace(text, edit[0], edit[1], 1)
	}
	changed, name := filepath.Join(dir, "decide.go"), filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {file: changed}})
	if err == nil {
		err = os.WriteFile(changed, []byte(text), 0o600)
	}
	if err == nil {
		err = os.WriteFile(name, list, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// TestPoison: a record that ends the process whenever it is looked at is found
// out across processes and put aside after its third death, and everybody else
// is served (I10).
func TestPoison(t *testing.T) {
	unraced(t)
	long(t, "")
	t.Parallel()
	needs(t)
	bin := t.TempDir()
	k := &killTest{
		t: t, dir: shortDir(t), unique: "yes", seed: seedWanted(t), enough: make(chan struct{}),
		daemon: buildBinary(t, bin, "./cmd/handoffd", poisoned(t, bin, "buyer7@newco7.example")), crmsim: buildBinary(t, bin, "./cmd/crmsim", ""),
	}
	k.startSim()
	k.webhook = freeAddress(t)
	k.start()
	k.until("the connection to be set up", func() bool { return k.tell(0) })
	for n := 1; n <= 12; n++ {
		k.tell(n) // while it is dead: the next life hears of them by polls
	}
	deaths := 0
	for { // as a supervisor does
		code := k.ended(25 * time.Second)
		if code == -1 {
			break // it stays up
		}
		if deaths++; code != 9 || deaths > 6 {
			t.Fatalf("death %d with code %d\n%s", deaths, code, k.lastWords())
		}
		k.start()
	}
	store, err := bolt.Open(k.statePath(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	err = store.View(t.Context(), func(tx state.Tx) error {
		served, quarantined := 0, 0
		for _, h := range state.AllHandoffs(tx) {
			if !h.Written.IsZero() {
				served++
			}
		}
		for _, l := range state.AllListings(tx) {
			if l.List == "quarantined" {
				quarantined++
			}
		}
		if served != 12 || quarantined != 1 || deaths != 3 {
			t.Errorf("%d of 12 others served, %d put aside after %d deaths", served, quarantined, deaths)
		}
		return tx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

// tell lets a buyer ask and sends the webhook once; it reports whether that was
// acknowledged.
func (k *killTest) tell(n int) bool {
	k.t.Helper()
	id, err := k.submit(n, "Demo request")
	if err != nil {
		k.t.Fatal(err)
	}
	body, err := k.events(n, id)
	if err != nil {
		k.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(k.signed(body))
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode/100 == 2
}
