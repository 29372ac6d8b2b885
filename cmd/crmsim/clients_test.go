package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPublicClients runs clients that others have written, unchanged, against the simulators: HubSpot's own
// Node client, jsforce old and new and a Go client for Salesforce. They live in modules of their own under
// testdata/clients and are no part of handoffd.
func TestPublicClients(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: starts npm and go; run without -short")
	}
	root := filepath.Join("..", "..", "testdata", "clients")
	ready := serveCalm(t)
	for _, tc := range []struct {
		name, folder string
		prepare      []string // tells whether the client is there; its failure skips
		run          []string
		missing      string
	}{
		{
			"node", "node",
			[]string{"node", "-e", "import('@hubspot/api-client').then(() => import('jsforce')).then(() => import('jsforce-1'))"},
			[]string{"node", "--test"},
			"run `npm ci` in testdata/clients/node",
		},
		{
			"go", "go",
			[]string{"go", "mod", "download"},
			[]string{"go", "test", "-count=1", "./..."},
			"run `go mod download` in testdata/clients/go",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(root, tc.folder)
			if out, err := in(t.Context(), dir, ready, tc.prepare); err != nil {
				t.Skipf("SKIPPED: %s first: %v\n%s", tc.missing, err, out)
			}
			if out, err := in(t.Context(), dir, ready, tc.run); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func in(ctx context.Context, dir, ready string, command []string) (string, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CRMSIM="+ready)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// serveCalm serves calm simulators without people until the test ends; it returns their ready line.
func serveCalm(t *testing.T) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	ended := make(chan struct{})
	var errs bytes.Buffer
	go func() {
		defer close(ended)
		defer writer.Close()
		run(ctx, strings.Fields("serve --profile calm --people 0"), writer, &errs)
	}()
	t.Cleanup(func() { stop(); <-ended })
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatalf("no ready line: %v; %s", err, errs.String())
	}
	go io.Copy(io.Discard, reader) // nothing more is expected
	return strings.TrimSpace(line)
}
