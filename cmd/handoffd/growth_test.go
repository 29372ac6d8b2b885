package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNothingGrows sends buyer after buyer through the real process:
// goroutines and file descriptors stay as many as they were (L9).
func TestNothingGrows(t *testing.T) {
	unraced(t)
	t.Parallel()
	needs(t)
	buyers := wanted(t, "BUYERS", 250)
	k := processTest(t, 1)
	k.enough = make(chan struct{})
	k.startSim()
	k.webhook = freeAddress(t)
	k.start()
	k.until("the connection to be set up", func() bool { return k.tell(0) })
	var before map[string]float64
	for n := 1; n <= buyers; n++ {
		k.until("a webhook to be taken", func() bool { return k.tell(n) })
		if n == buyers/5 {
			k.rest()
			http.DefaultClient.CloseIdleConnections()
			before = k.scrape()
		}
	}
	k.rest()
	http.DefaultClient.CloseIdleConnections()
	after := k.scrape()
	for name, most := range map[string]float64{"go_goroutines": 10, "process_open_fds": 10} {
		if before[name] == 0 || after[name] > before[name]+most {
			t.Errorf("%s was %g after %d buyers and is %g after %d", name, before[name], buyers/5, after[name], buyers)
		}
	}
	t.Logf("goroutines %g, then %g; files %g, then %g; resident MiB %g, then %g", before["go_goroutines"], after["go_goroutines"],
		before["process_open_fds"], after["process_open_fds"], before["process_resident_memory_bytes"]/(1<<20), after["process_resident_memory_bytes"]/(1<<20))
	k.signal(syscall.SIGTERM)
	if code := k.ended(15 * time.Second); code != 0 {
		t.Errorf("ended with %d", code)
	}
}

// exposed is what the running daemon says of itself.
func (k *killTest) exposed() []byte {
	k.t.Helper()
	resp, err := http.Get(k.admin + "/metrics")
	if err != nil {
		k.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	return raw
}

// scrape reads the metrics without labels.
func (k *killTest) scrape() map[string]float64 {
	k.t.Helper()
	out := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(k.exposed())); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok {
			if v, err := strconv.ParseFloat(value, 64); err == nil {
				out[name] = v
			}
		}
	}
	return out
}
