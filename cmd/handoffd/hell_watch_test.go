package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// serveFront serves h on loopback for as long as the test runs.
func serveFront(t *testing.T, h http.Handler) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(l) }() // until it is closed
	t.Cleanup(func() { _ = srv.Close() })
	return l.Addr().String()
}

// watcher samples the daemon's goroutines and memory.
type watcher struct {
	h    *hellRun
	done chan struct{}
	over sync.WaitGroup

	mu      sync.Mutex
	name    string
	metrics []byte
	samples []sample
}

// sample is the daemon at one moment. Memory is what is not backed by a file:
// the pages of the state that happen to be mapped are the system's to take.
type sample struct {
	phase      string
	at         time.Duration
	goroutines float64
	resident   float64 // process_resident_memory_bytes
	anon       float64 // bytes
	fds        float64
}

func newWatcher(h *hellRun) *watcher {
	w := &watcher{h: h, done: make(chan struct{}), name: "start"}
	began := time.Now()
	every := min(5*time.Second, h.length/30)
	w.over.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			w.sample(began)
			select {
			case <-w.done:
				return
			case <-tick.C:
			}
		}
	})
	return w
}

func (w *watcher) phase(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.name = name
}

func (w *watcher) stop() {
	close(w.done)
	w.over.Wait()
}

func (w *watcher) last() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.metrics
}

func (w *watcher) sample(began time.Time) {
	resp, err := http.Get(w.h.admin + "/metrics")
	if err != nil {
		return // it is too busy, or gone; the run finds that
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.metrics = raw
	w.samples = append(w.samples, sample{
		phase: w.name, at: time.Since(began), goroutines: metric(raw, "go_goroutines"),
		resident: metric(raw, "process_resident_memory_bytes"), fds: metric(raw, "process_open_fds"), anon: rssAnon(w.h.process.Process.Pid),
	})
}

func metric(raw []byte, name string) float64 {
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			v, err := strconv.ParseFloat(text, 64)
			if err == nil {
				return v
			}
		}
	}
	return 0
}

// rssAnon is a process's memory that no file backs, in bytes; 0 where the
// system does not say.
func rssAnon(pid int) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if text, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 64)
			if err == nil {
				return kb * 1024
			}
		}
	}
	return 0
}

// What may remain when the load is over: some idle connections, each with two
// goroutines; and a collected heap is given back in steps.
const (
	mostGoroutines = 4       // more than at the start, beside those of connections
	mostFiles      = 16      // open, more than at the start
	mostSlope      = 1 << 20 // bytes a minute, over the last half of the calm
	mostGrowth     = 8 << 20 // bytes, over the same: what a short one can tell
	mostPerBuyer   = 24 << 10
)

// judge says that nothing grows: once the load is over, goroutines come back
// to the count of the start, and memory does not rise; over the whole run it
// has risen by no more than what is known of each buyer takes.
func (w *watcher) judge(t *testing.T, buyers int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	of := map[string][]sample{}
	for _, s := range w.samples {
		of[s.phase] = append(of[s.phase], s)
	}
	if len(of["load"]) < 10 || len(of["calm"]) < 10 {
		t.Errorf("too few samples: %d under load, %d after it", len(of["load"]), len(of["calm"]))
		return
	}
	first, busiest, last := w.samples[0], of["load"][0], of["calm"][len(of["calm"])-1]
	for _, s := range w.samples {
		if s.goroutines > busiest.goroutines {
			busiest = s
		}
	}
	rest := of["calm"][len(of["calm"])/2:]
	rise, took := slope(rest)
	t.Logf("goroutines %g at the start, %g at most, %g at the end; anonymous memory %.1f, %.1f and %.1f MB, resident %.1f, %.1f and %.1f MB; open files %g, %g and %g",
		first.goroutines, busiest.goroutines, last.goroutines, mb(first.anon), mb(peak(w.samples)), mb(last.anon),
		mb(first.resident), mb(busiest.resident), mb(last.resident), first.fds, busiest.fds, last.fds)
	t.Logf("in the last %s of the calm memory rises by %.2f MB a minute", took.Round(time.Second), mb(rise))
	opened := max(0, last.fds-first.fds)
	if opened > mostFiles {
		t.Errorf("%g files are open at rest, %g at the start", last.fds, first.fds)
	}
	if last.goroutines > first.goroutines+2*opened+mostGoroutines {
		t.Errorf("%g goroutines at rest, %g at the start", last.goroutines, first.goroutines)
	}
	if rise > mostSlope && rise*took.Minutes() > mostGrowth {
		t.Errorf("at rest memory rises by %.2f MB a minute", mb(rise))
	}
	if grown := last.anon - first.anon; grown > float64(buyers*mostPerBuyer)+32<<20 {
		t.Errorf("memory has risen by %.1f MB over %d buyers", mb(grown), buyers)
	}
}

func mb(bytes float64) float64 { return bytes / (1 << 20) }

func peak(all []sample) (most float64) {
	for _, s := range all {
		most = max(most, s.anon)
	}
	return most
}

// slope is the straight line through the samples' memory, in bytes a minute,
// and the time they span.
func slope(all []sample) (perMinute float64, took time.Duration) {
	var n, sx, sy, sxx, sxy float64
	for _, s := range all {
		x, y := s.at.Minutes(), s.anon
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	d := n*sxx - sx*sx
	if d == 0 {
		return 0, 0
	}
	return (n*sxy - sx*sy) / d, all[len(all)-1].at - all[0].at
}
