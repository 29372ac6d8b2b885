package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/ingest"
	"github.com/handoffd/handoffd/sync/writeback"
)

// TestMetricsAreDocumented: what is exported stands in the README, and what
// stands there is exported.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	_, section, _ := strings.Cut(string(raw), "\n## Metrics\n")
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "| `handoffd_") {
			continue
		}
		first, _, _ := strings.Cut(line[2:], "|")
		for _, name := range regexp.MustCompile("`([a-z_0-9]+)`").FindAllStringSubmatch(first, -1) {
			documented["handoffd_"+strings.TrimPrefix(strings.TrimPrefix(name[1], "handoffd"), "_")] = true
		}
	}
	reg := prometheus.NewRegistry()
	engine.NewMetrics(reg)
	engine.NewFailures(reg)
	writeback.NewMetrics(reg)
	ingest.NewMetrics(reg)
	reg.MustRegister(&gauges{})
	descs := make(chan *prometheus.Desc, 1000)
	reg.Describe(descs)
	close(descs)
	named := regexp.MustCompile(`fqName: "([a-z_0-9]+)"`)
	exported := map[string]bool{}
	for d := range descs {
		exported[named.FindStringSubmatch(d.String())[1]] = true
	}
	if len(exported) < 30 {
		t.Fatalf("only %d metrics were seen", len(exported))
	}
	for name := range exported {
		if !documented[name] {
			t.Errorf("%s does not stand in README.md", name)
		}
	}
	for name := range documented {
		if !exported[name] {
			t.Errorf("README.md names %s, which is not exported", name)
		}
	}
}
