//go:build unix

package mappings

import (
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
)

// spentCPU is what this process has used of the processor so far.
func spentCPU(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestRefusesFast holds F5: what is hostile is refused within 50 ms and 32 MiB.
func TestRefusesFast(t *testing.T) {
	// Not parallel: it counts what the process allocates.
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'z'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 8) + "*" + string(c-1) + "]\n"
	}
	hostile := map[string]string{
		"anchor bomb":     bomb,
		"anchors, 1 MiB":  strings.Repeat("a: &x [*x,*x]\n", 1<<20/14),
		"10 MiB":          strings.Repeat("lists: {a: [b]}\n", 10<<20/16),
		"half a list":     "lists: [" + strings.Repeat("a,", 1<<19-8),
		"brackets":        "lists: " + strings.Repeat("[", 1<<20-8),
		"short brackets":  "lists: " + strings.Repeat("[\n", 1<<15),
		"dashes":          strings.Repeat("- ", 1<<19-1),
		"duplicate keys":  strings.Repeat("a: b\n", maxEntries-10),
		"unknown keys":    strings.Repeat("aa: b\n", 100) + keys(maxEntries-200),
		"tabs":            strings.Repeat("\tx\n", maxEntries-10),
		"curly quotes":    strings.Repeat("“", 8000/3) + "\n",
		"one long text":   "lists: \"" + strings.Repeat("x", 1<<20-20) + "\"\n",
		"question marks":  strings.Repeat("? ", 1<<19-1),
		"flow, many rows": "lists: [" + strings.Repeat(strings.Repeat("a,", 50)+"\n ", 380) + "]\n",
	}
	for name, text := range hostile {
		var before, after runtime.MemStats
		fsys := fstest.MapFS{settingsFile: &fstest.MapFile{Data: []byte("connections: {a: {crm: a}}\n")}, listsFile: &fstest.MapFile{Data: []byte(text)}}
		// The best of five, in processor time: the machine is shared.
		best, spent := time.Hour, uint64(0)
		var ds []Diagnostic
		tries := 5
		if raceEnabled {
			tries = 1
		}
		for range tries {
			runtime.ReadMemStats(&before)
			began := spentCPU(t)
			_, ds = Load(fsys)
			best = min(best, spentCPU(t)-began)
			runtime.ReadMemStats(&after)
			spent = after.TotalAlloc - before.TotalAlloc
		}
		t.Logf("%-16s %8s %3d MiB %d", name, best.Round(time.Microsecond), spent>>20, len(ds))
		if !Failed(ds) || len(ds) > 300 {
			t.Errorf("%s: %d diagnostics", name, len(ds))
		}
		if best > 50*time.Millisecond && !raceEnabled {
			t.Errorf("%s: took %s", name, best)
		}
		if spent > 32<<20 {
			t.Errorf("%s: allocated %d MiB", name, spent>>20)
		}
	}
}

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("k")
		for ; i > 0; i /= 10 {
			b.WriteByte(byte('0' + i%10))
		}
		b.WriteString(": x\n")
	}
	return b.String()
}
