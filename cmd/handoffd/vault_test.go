package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/mappings/starter"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

// vaultKill is set for the child of TestVaultSurvives: the state it keeps a
// token in.
const vaultKill = "HANDOFFD_TEST_VAULT"

func openVault(t *testing.T, path string) (connectors.Vault, *bolt.Store) {
	t.Helper()
	store, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return (&vaults{store: store}).of("hubspot"), store
}

// TestVault: the newest token is found again under the configured one, the one
// before it is not lost, and a token that the operator has replaced is not
// believed any more (C5).
func TestVault(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "h.db")
	v, store := openVault(t, path)
	load := func(v connectors.Vault, configured, want string) {
		t.Helper()
		got, err := v.Load(t.Context(), connectors.Secret(configured))
		if err != nil || got.Reveal() != want {
			t.Errorf("under %s stands %q, want %q; %v", configured, got.Reveal(), want, err)
		}
	}
	load(v, "r0", "")
	for _, token := range []connectors.Secret{"r1", "r2", "r2"} {
		if err := v.Keep(t.Context(), "r0", token); err != nil {
			t.Fatal(err)
		}
	}
	load(v, "r0", "r2")
	load(v, "another", "")
	load((&vaults{store: store}).of("salesforce"), "r0", "")
	if err := store.View(t.Context(), func(tx state.Tx) error {
		if c, _ := state.GetCredential(tx, "hubspot"); c.Before != "r1" {
			t.Errorf("the token before is %q", c.Before.Reveal())
		}
		return tx.Err()
	}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	v, store = openVault(t, path)
	load(v, "r0", "r2")
	if err := v.Keep(t.Context(), "new", "n1"); err != nil {
		t.Fatal(err)
	}
	load(v, "new", "n1")
	load(v, "r0", "")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := (&vaults{}).of("hubspot").Load(t.Context(), "r0"); !errors.Is(err, errStateNotOpen) {
		t.Errorf("without a state: %v", err)
	}
	if (*vaults)(nil).of("hubspot") != nil {
		t.Error("without vaults there is one")
	}
}

// TestVaultSurvives kills a process between the moment a token was kept and
// the one it would have been used in: the next process has it (C5).
func TestVaultSurvives(t *testing.T) {
	if path := os.Getenv(vaultKill); path != "" {
		store, err := bolt.Open(path, bolt.Options{})
		if err != nil {
			os.Exit(1)
		}
		if err := (&vaults{store: store}).of("hubspot").Keep(context.Background(), "r0", "r1"); err != nil {
			os.Exit(1)
		}
		fmt.Println("kept")
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
		select {}
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "h.db")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVaultSurvives$")
	child.Env = append(os.Environ(), vaultKill+"="+path)
	out, err := child.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "kept") {
		t.Fatalf("the child was not killed: %v\n%s", err, out)
	}
	v, store := openVault(t, path)
	defer store.Close()
	if got, err := v.Load(t.Context(), "r0"); got != "r1" || err != nil {
		t.Errorf("the token is %q, %v", got.Reveal(), err)
	}
}

// TestVaultOfTheDaemon: what the daemon connects with keeps a replaced refresh
// token in the daemon's own state, and a second start begins with it (C5).
func TestVaultOfTheDaemon(t *testing.T) {
	t.Parallel()
	sim := hubspotsim.New(hubspotsim.Config{Seed: 3, Empty: true})
	if err := sim.Setup(json.RawMessage(`{"track":"oauth","rotate_refresh":true}`)); err != nil {
		t.Fatal(err)
	}
	portal := httptest.NewServer(sim)
	defer portal.Close()
	creds := sim.Credentials()
	lookup := envconfig.MapLookuper(map[string]string{
		"HANDOFFD_HUBSPOT_URL": portal.URL, "HANDOFFD_HUBSPOT_CLIENT_ID": creds.ClientID,
		"HANDOFFD_HUBSPOT_CLIENT_SECRET": creds.ClientSecret, "HANDOFFD_HUBSPOT_REFRESH_TOKEN": creds.RefreshToken,
		"HANDOFFD_SALESFORCE_URL": portal.URL, "HANDOFFD_SALESFORCE_CLIENT_ID": "nobody", "HANDOFFD_SALESFORCE_CLIENT_SECRET": "nothing",
	})
	rules, _, err := loadRules(starter.FS(), "")
	if err != nil {
		t.Fatal(err)
	}
	v, store := openVault(t, filepath.Join(t.TempDir(), "h.db"))
	defer store.Close()
	var kept []connectors.Secret
	for range 2 {
		conns, _, err := connect(t.Context(), lookup, rules, &vaults{store: store}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conns["hubspot"].(connectors.Describer).Tenant(t.Context()); err != nil {
			t.Fatal(err)
		}
		token, err := v.Load(t.Context(), connectors.Secret(creds.RefreshToken))
		if err != nil || token == "" {
			t.Fatalf("nothing is kept: %v", err)
		}
		kept = append(kept, token)
	}
	if kept[0] == kept[1] {
		t.Error("the second start replaced no token: this test would see nothing")
	}
}

// TestVaultIsSilent looks for tokens where people and programs read (C5): they
// stand in the state and in its backup, which are their owner's alone, and
// nowhere else.
func TestVaultIsSilent(t *testing.T) {
	t.Parallel()
	const token = "canary-7f3a"
	path := filepath.Join(t.TempDir(), "h.db")
	v, store := openVault(t, path)
	defer store.Close()
	if err := v.Keep(t.Context(), token+"-configured", token); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&said, nil))
	err := store.View(t.Context(), func(tx state.Tx) error {
		c, _ := state.GetCredential(tx, "hubspot")
		log.Info("credential", "value", c)
		fmt.Fprintf(&said, "%v %+v %#v %s", c, c, c, c.Token)
		return tx.Err()
	})
	st, statusErr := storedStatus(t.Context(), store, time.Now())
	if err := errors.Join(err, statusErr, show(&said, "json", st, st.tables(false))); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(said.String(), token) {
		t.Errorf("a token is told: %s", &said)
	}
	var backup bytes.Buffer
	if err := store.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(backup.Bytes(), []byte(token)) {
		t.Error("the backup lacks the token: this test would see nothing")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the state file may be read: %v, %v", info.Mode(), err)
	}
}
