package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/simulators"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	world := filepath.Join(t.TempDir(), "world.json")
	if err := os.WriteFile(world, []byte(`{"hubspot":{"contacts":[{"fields":{"nonsense":"x"}}]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	setup := filepath.Join(t.TempDir(), "setup.json")
	if err := os.WriteFile(setup, []byte(`{"sync":{"teapot":1}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args string
		code int
		says string
	}{
		{"", 2, "usage"},
		{"simulate", 2, "usage"},
		{"profiles extra", 2, "usage"},
		{"serve --help", 0, "--world"},
		{"serve --nonsense", 2, "nonsense"},
		{"serve extra", 2, "extra"},
		{"serve --hubspot 0.0.0.0:0", 2, "loopback"},
		{"serve --salesforce :0", 2, "loopback"},
		{"serve --control 192.0.2.1:80", 2, "loopback"},
		{"serve --control example.com:80", 2, "loopback"},
		{"serve --profile rough", 2, "rough"},
		{"serve --unique-tasks maybe", 2, "maybe"},
		{"serve --people -1", 2, "people"},
		{"serve --hubspot-webhooks ftp://x", 2, "ftp"},
		{"serve --world /does/not/exist", 2, "world"},
		{"serve --world " + world, 2, `no property "nonsense"`},
		{"serve --sync always", 2, "always"},
		{"serve --setup /does/not/exist", 2, "setup"},
		{"serve --setup " + setup, 2, "teapot"},
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), strings.Fields(tc.args), &out, &errs); code != tc.code || out.Len() > 0 {
			t.Errorf("%s: exit code %d, want %d; stdout %q", tc.args, code, tc.code, out.String())
		}
		if got := strings.ReplaceAll(errs.String(), "  -", "  --"); !strings.Contains(got, tc.says) {
			t.Errorf("%s: stderr %q, want it to name %q", tc.args, got, tc.says)
		}
	}
}

var update = flag.Bool("update", false, "rewrite what README.md shows of flags and profiles")

// TestReadme holds that README.md shows the flags and the profiles as they are.
func TestReadme(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var help bytes.Buffer
	if code := run(t.Context(), []string{"serve", "--help"}, io.Discard, &help); code != 0 {
		t.Fatalf("--help: exit code %d", code)
	}
	want := string(raw)
	for mark, text := range map[string]string{
		"flags":    "```\n" + strings.ReplaceAll(strings.ReplaceAll(help.String(), "\n  -", "\n  --"), "\t", "  ") + "```\n",
		"profiles": simulators.ProfileTable(),
	} {
		before, rest, _ := strings.Cut(want, "<!-- "+mark+" -->\n")
		_, after, found := strings.Cut(rest, "<!-- /"+mark+" -->")
		if !found {
			t.Fatalf("README.md has no place for the %s", mark)
		}
		want = before + "<!-- " + mark + " -->\n" + text + "<!-- /" + mark + " -->" + after
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil { //nolint:gosec // a page for everybody
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Errorf("README.md is not what the program says; run go test -update: %s", diff)
	}
}

// TestServe holds what README.md promises, end to end: the ready line, both CRMs and the control API on
// real sockets, webhooks, and a clean stop.
func TestServe(t *testing.T) {
	t.Parallel()
	hooks := make(chan string, 16)
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		hooks <- string(body)
	}))
	defer target.Close()
	world := filepath.Join(t.TempDir(), "world.json")
	if err := os.WriteFile(world, []byte(`{"hubspot":{"contacts":[{"id":"51","fields":{"email":"old@example.org"}}]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reader, writer := io.Pipe()
	code := make(chan int, 1)
	var errs bytes.Buffer
	go func() {
		defer writer.Close()
		code <- run(ctx, strings.Fields("serve --profile calm --seed 7 --people 0 --world "+world+" --hubspot-webhooks "+target.URL), writer, &errs)
	}()
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatalf("no ready line: %v; stderr %s", err, errs.String())
	}
	var r ready
	dec := json.NewDecoder(strings.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if pem, err := os.ReadFile(r.Salesforce.PrivateKeyFile); err != nil || !bytes.Contains(pem, []byte("PRIVATE KEY")) {
		t.Errorf("private key: %v %.30s", err, pem)
	}

	var page struct{ Results []struct{ ID string } }
	fetch(t, "GET", r.HubSpot.URL+"/crm/v3/objects/contacts", r.HubSpot.Token, "", &page)
	if len(page.Results) != 1 || page.Results[0].ID != "51" {
		t.Errorf("contacts: %+v", page)
	}
	var limits map[string]any
	fetch(t, "GET", r.Salesforce.URL+"/services/data/v60.0/limits", r.Salesforce.Token, "", &limits)
	if limits["DailyApiRequests"] == nil {
		t.Errorf("limits: %v", limits)
	}
	var made struct{ ID string }
	fetch(t, "POST", r.Control.URL+"/edit", "", `{"crm":"hubspot","object":"contacts","op":"submit_form","fields":{"form":"Demo request","email":"dana@acme.com"}}`, &made)
	var delivery map[string]int
	fetch(t, "POST", r.Control.URL+"/deliver", "", "", &delivery)
	if got := fmt.Sprint(delivery); made.ID == "" || got != "map[delivered:3 dropped:0 failed:0 pending:0]" {
		t.Errorf("edit %+v, delivery %s", made, got)
	}
	if body := <-hooks; !strings.Contains(body, "contact.creation") {
		t.Errorf("webhook: %s", body)
	}
	var stats map[string]map[string]int
	fetch(t, "GET", r.Control.URL+"/stats", "", "", &stats)
	if stats["hubspot"]["GET /crm/v3/objects/contacts"] != 1 || stats["salesforce"]["GET /services/data/v60.0/limits"] != 1 {
		t.Errorf("stats: %v", stats)
	}

	stop()
	select {
	case got := <-code:
		if got != 0 {
			t.Errorf("exit code %d: %s", got, errs.String())
		}
	case <-time.After(5 * time.Second):
		t.Fatal("still serving")
	}
	if _, err := os.Stat(r.Salesforce.PrivateKeyFile); !os.IsNotExist(err) {
		t.Errorf("the private key is left behind: %v", err)
	}
}

func fetch(t *testing.T, method, url, token, body string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Fatalf("%s %s: %s", method, url, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}
