package main

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
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

// judge says that nothing has grown over a run.
func (w *watcher) judge(t *testing.T, buyers int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, wrong := range grown(t, w.samples, buyers) {
		t.Error(wrong)
	}
}

// grown is what has grown over a run, and logs its figures: once the load is
// over, goroutines and files come back to the count of the start, and memory
// does not rise; over the whole run it has risen by no more than what is known
// of each buyer takes. A poll has goroutines of its own for a moment, so the
// quietest moment of the calm is compared: what has leaked is there too.
func grown(t *testing.T, samples []sample, buyers int) (wrong []string) {
	t.Helper()
	of := map[string][]sample{}
	for _, s := range samples {
		of[s.phase] = append(of[s.phase], s)
	}
	if len(of["load"]) < 10 || len(of["calm"]) < 10 {
		return []string{fmt.Sprintf("too few samples: %d under load, %d after it", len(of["load"]), len(of["calm"]))}
	}
	fewest := func(a, b sample) int { return cmp.Compare(a.goroutines, b.goroutines) }
	rest := of["calm"][len(of["calm"])/2:]
	first, busiest, quietest, last := samples[0], slices.MaxFunc(samples, fewest), slices.MinFunc(rest, fewest), rest[len(rest)-1]
	rise, took := slope(rest)
	t.Logf("goroutines %g at the start, %g at most, %g at rest; anonymous memory %.1f, %.1f and %.1f MB, resident %.1f, %.1f and %.1f MB; open files %g, %g and %g",
		first.goroutines, busiest.goroutines, quietest.goroutines, mb(first.anon), mb(peak(samples)), mb(last.anon),
		mb(first.resident), mb(busiest.resident), mb(last.resident), first.fds, busiest.fds, quietest.fds)
	t.Logf("in the last %s of the calm memory rises by %.2f MB a minute", took.Round(time.Second), mb(rise))
	opened := max(0, quietest.fds-first.fds)
	if opened > mostFiles {
		wrong = append(wrong, fmt.Sprintf("%g files are open at rest, %g at the start", quietest.fds, first.fds))
	}
	if quietest.goroutines > first.goroutines+2*opened+mostGoroutines {
		wrong = append(wrong, fmt.Sprintf("%g goroutines at rest, %g at the start", quietest.goroutines, first.goroutines))
	}
	if rise > mostSlope && rise*took.Minutes() > mostGrowth {
		wrong = append(wrong, fmt.Sprintf("at rest memory rises by %.2f MB a minute", mb(rise)))
	}
	if more := last.anon - first.anon; more > float64(buyers*mostPerBuyer)+32<<20 {
		wrong = append(wrong, fmt.Sprintf("memory has risen by %.1f MB over %d buyers", mb(more), buyers))
	}
	return wrong
}

// What grows is told, and a poll in the last moment is not what has grown.
func TestGrown(t *testing.T) {
	t.Parallel()
	run := func(change func(n int, s *sample)) []sample {
		var out []sample
		for n := range 60 {
			s := sample{phase: "load", at: time.Duration(n) * 10 * time.Second, goroutines: 26, fds: 14, anon: 40 << 20}
			if n >= 30 {
				s.phase = "calm"
			}
			if n > 0 {
				change(n, &s)
			}
			out = append(out, s)
		}
		return out
	}
	for name, c := range map[string]struct {
		change func(n int, s *sample)
		want   string
	}{
		"nothing":                  {func(int, *sample) {}, ""},
		"busy under load":          {func(n int, s *sample) { s.goroutines += float64(max(0, 30-n)) }, ""},
		"a poll in the last":       {func(n int, s *sample) { s.goroutines += float64(n % 2 * 10) }, ""},
		"a connection, two pumps":  {func(_ int, s *sample) { s.fds, s.goroutines = 17, 32 }, ""},
		"goroutines stay":          {func(_ int, s *sample) { s.goroutines += mostGoroutines + 1 }, "31 goroutines at rest, 26 at the start"},
		"they stay, and polls":     {func(n int, s *sample) { s.goroutines += 5 + float64(n%2*10) }, "31 goroutines at rest, 26 at the start"},
		"files stay":               {func(_ int, s *sample) { s.fds += mostFiles + 1 }, "31 files are open at rest, 14 at the start"},
		"memory rises in the calm": {func(n int, s *sample) { s.anon += float64(max(0, n-30)) * (1 << 20) }, "at rest memory rises by 6.00 MB a minute"},
		"memory is not given back": {func(_ int, s *sample) { s.anon += 200 << 20 }, "memory has risen by 200.0 MB over 100 buyers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(grown(t, run(c.change), 100), "; "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
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
