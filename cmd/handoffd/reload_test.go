package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestFolderAtRest: a folder that is being saved has no effect until it has stood
// still from one look to the next, and is read once then (F2).
func TestFolderAtRest(t *testing.T) {
	t.Parallel()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // what runs for signals is not to begin in the bubble
	signal.Stop(hup)
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		said, err := os.Create(filepath.Join(t.TempDir(), "log"))
		if err != nil {
			t.Fatal(err)
		}
		defer said.Close()
		d := &daemon{config: daemonConfig{Wall: time.Now}}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- watchFolder(ctx, d, environment{Config: dir}, slog.New(slog.NewTextHandler(said, nil)))
		}()
		reads := func() int {
			synctest.Wait()
			raw, err := os.ReadFile(said.Name())
			if err != nil {
				t.Fatal(err)
			}
			return strings.Count(string(raw), "was not reloaded")
		}
		for n := range 20 {
			time.Sleep(lookEvery - time.Millisecond)
			if err := os.WriteFile(filepath.Join(dir, "handoffd.yaml"), []byte("mode: "+strings.Repeat("o", n)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if n := reads(); n > 0 {
			t.Errorf("read %d times while it was being saved", n)
		}
		time.Sleep(10 * lookEvery)
		if n := reads(); n != 1 {
			t.Errorf("read %d times once it was at rest", n)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
