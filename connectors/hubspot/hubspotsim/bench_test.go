package hubspotsim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
)

// BenchmarkBatchUpdate shows what a full batch costs in a portal of 100,000 contacts.
func BenchmarkBatchUpdate(b *testing.B) {
	p := benchPortal(b)
	var inputs []string
	for i := range 100 {
		inputs = append(inputs, fmt.Sprintf(`{"id":"%d","properties":{"handoff_status":"Assigned","handoff_why":"x"}}`, 1000+i))
	}
	body := `{"inputs":[` + strings.Join(inputs, ",") + `]}`
	for b.Loop() {
		p.must("POST", contacts+"/batch/update", body)
	}
}

// BenchmarkList shows what a page of a list costs there.
func BenchmarkList(b *testing.B) {
	p := benchPortal(b)
	for b.Loop() {
		p.must("GET", contacts+"?limit=100&after=50000&associations=companies", "")
	}
}

// BenchmarkSearch shows what one page of a poll costs there; it waits as the limit of five a second asks.
func BenchmarkSearch(b *testing.B) {
	p := benchPortal(b)
	body := where("lastmodifieddate", "GTE", "1")
	for b.Loop() {
		p.must("POST", searchPath, body)
		b.StopTimer()
		time.Sleep(210 * time.Millisecond)
		b.StartTimer()
	}
}

func benchPortal(b *testing.B) *portal {
	b.Helper()
	const n = 100_000
	rows := make([]hubspotsim.Row, n)
	for i := range rows {
		rows[i].ID = fmt.Sprint(1000 + i)
		rows[i].Fields = map[string]any{"email": fmt.Sprintf("c%d@example.org", i)}
	}
	p := newPortal(b, hubspotsim.Config{Burst: 1 << 30})
	if err := p.sim.LoadWorld(hubspotsim.World{"contacts": rows}); err != nil {
		b.Fatal(err)
	}
	return p
}
