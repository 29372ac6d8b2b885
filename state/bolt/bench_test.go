package bolt

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// row is what the ingest of one event weighs, about.
var row = make([]byte, 300)

// rawGroup is the yardstick: group commit straight on bbolt, with neither
// isolation of failures, nor contexts, nor envelopes.
type rawGroup struct {
	db    *bbolt.DB
	calls chan *rawCall
}

type rawCall struct {
	rows int
	done chan error
}

func (r *rawGroup) loop() {
	next := uint64(0)
	for c := range r.calls {
		group := []*rawCall{c}
	drain:
		for {
			select {
			case c := <-r.calls:
				group = append(group, c)
			default:
				break drain
			}
		}
		err := r.db.Update(func(btx *bbolt.Tx) error {
			b := btx.Bucket([]byte(state.Cursors))
			for _, c := range group {
				for range c.rows {
					next++
					if err := b.Put(binary.BigEndian.AppendUint64(nil, next), row); err != nil {
						return err
					}
				}
			}
			return nil
		})
		for _, c := range group {
			c.done <- err
		}
	}
}

// BenchmarkUpdate writes rows of 300 bytes through the store, beside the
// yardstick on the same disk in turns of a tenth of a second. Metrics: rows
// per second of both, and their ratio.
func BenchmarkUpdate(b *testing.B) {
	for _, rows := range []int{1, 100} {
		for _, submitters := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("rows=%d/submitters=%d", rows, submitters), func(b *testing.B) {
				s, raw := openBoth(b)
				var n atomic.Uint64
				ours := func() {
					_ = s.Update(b.Context(), func(tx state.Tx) error {
						for range rows {
							tx.Put(state.Cursors, binary.BigEndian.AppendUint64(nil, n.Add(1)), row)
						}
						return nil
					})
				}
				theirs := func() {
					c := &rawCall{rows, make(chan error, 1)}
					raw.calls <- c
					<-c.done
				}
				besides(b, submitters, rows, ours, theirs)
			})
		}
	}
}

// BenchmarkIngest appends changes to the inbox, dedupe and all, a hundred to
// an update as a full webhook body does.
func BenchmarkIngest(b *testing.B) {
	s, raw := openBoth(b)
	var n atomic.Uint64
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	ours := func() {
		from := n.Add(100)
		_ = s.Update(b.Context(), func(tx state.Tx) error {
			for i := range uint64(100) {
				id := fmt.Sprint(from + i)
				ref := connectors.Ref{Conn: "hubspot-eu", Kind: "contacts", ID: id}
				state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: ref, EventID: "4471-" + id, At: at.Add(time.Duration(from))}, Via: "webhook", Came: at})
			}
			return nil
		})
	}
	theirs := func() {
		c := &rawCall{100, make(chan error, 1)}
		raw.calls <- c
		<-c.done
	}
	besides(b, 16, 100, ours, theirs)
}

func openBoth(b *testing.B) (*Store, *rawGroup) {
	b.Helper()
	dir := b.TempDir()
	s, err := Open(filepath.Join(dir, "ours.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	if err := create(filepath.Join(dir, "raw.db"), state.Cursors); err != nil {
		b.Fatal(err)
	}
	db, err := openFile(filepath.Join(dir, "raw.db"), time.Second, true)
	if err != nil {
		b.Fatal(err)
	}
	raw := &rawGroup{db: db, calls: make(chan *rawCall)}
	go raw.loop()
	b.Cleanup(func() {
		close(raw.calls)
		_, _ = db.Close(), s.Close()
	})
	return s, raw
}

// besides takes turns, so that both meet the same disk, and reports the
// median of the turns.
func besides(b *testing.B, submitters, rows int, ours, theirs func()) {
	b.Helper()
	turn := func(do func()) float64 {
		const long = 100 * time.Millisecond
		var n atomic.Int64
		var wg sync.WaitGroup
		start := time.Now()
		for range submitters {
			wg.Go(func() {
				for time.Since(start) < long {
					do()
					n.Add(1)
				}
			})
		}
		wg.Wait()
		return float64(n.Load()) * float64(rows) / time.Since(start).Seconds()
	}
	turn(ours)
	turn(theirs)
	var us, them, ratio []float64
	for b.Loop() {
		u, t := turn(ours), turn(theirs)
		us, them, ratio = append(us, u), append(them, t), append(ratio, u/t)
	}
	median := func(all []float64) float64 { slices.Sort(all); return all[len(all)/2] }
	b.ReportMetric(median(us), "rows/s")
	b.ReportMetric(median(them), "raw-rows/s")
	b.ReportMetric(median(ratio), "of-raw")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkOpen is how long a restart takes with 100,000 changes queued:
// opening, the check of every value, and the first change read.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "s.db")
	s, err := Open(path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for from := 0; from < 100_000; from += 1000 {
		_ = s.Update(b.Context(), func(tx state.Tx) error {
			for i := range 1000 {
				ref := connectors.Ref{Conn: "hubspot-eu", Kind: "contacts", ID: fmt.Sprint(from + i)}
				state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: ref, EventID: fmt.Sprint(from + i), At: at}, Via: "webhook", Came: at})
			}
			return nil
		})
	}
	_ = s.Close()
	for name, check := range map[string]func(string) error{"plain": nil, "checked": Check} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s, err := Open(path, Options{Check: check})
				if err != nil {
					b.Fatal(err)
				}
				_ = s.View(b.Context(), func(tx state.Tx) error {
					for range state.InboxRows(tx, "hubspot-eu") {
						break
					}
					return nil
				})
				_ = s.Close()
			}
		})
	}
}

// realistic is a decision about a contact of twenty fields with five candidate
// accounts, as it comes from production: hashes, e-mails and names that do not
// compress.
func realistic(n int) (state.Decision, []state.Record) {
	at := time.Date(2026, 11, 20, 12, 0, n%60, n*1000, time.UTC)
	word := func(i int) string { return state.Digest("word", fmt.Sprint(n, i))[:9] }
	person := state.Record{
		Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: fmt.Sprint(90_210_000 + n*7)}, Noun: "person",
		Version: at.Format(time.RFC3339Nano), CreatedAt: at.Add(-time.Hour), ModifiedAt: at, Fields: map[string]string{
			"email": word(1) + "@" + word(2) + ".com", "first_name": word(3), "last_name": word(4), "company": word(2) + " GmbH",
			"phone": fmt.Sprintf("+49 30 %07d", n*7919%10_000_000), "country": "DE", "city": word(5), "job_title": "Head of " + word(6),
			"website": "https://www." + word(2) + ".com", "language": "de", "employees": fmt.Sprint(n % 5000), "industry": "Manufacturing",
			"lifecycle": "marketingqualifiedlead", "lead_status": "NEW", "last_form": "Demo request", "last_form_at": at.Format(time.RFC3339),
			"source": "PAID_SEARCH", "score": fmt.Sprint(n % 100), "need": "We want to " + word(7) + " our " + word(8) + " next quarter",
			"product": "platform",
		},
	}
	seen := []state.Record{person}
	for i := range 5 {
		seen = append(seen, state.Record{
			Ref:  connectors.Ref{Conn: "hubspot", Kind: "companies", ID: fmt.Sprint(7_000_000 + (n*31+i*977)%4000)},
			Noun: "company", Version: fmt.Sprint((n*31 + i*977) % 4000), CreatedAt: at.Truncate(time.Hour * 24 * 365), ModifiedAt: at.Truncate(time.Hour * 24 * 30),
			Fields: map[string]string{"name": "Account " + fmt.Sprint((n*31+i*977)%4000), "domain": fmt.Sprintf("account%d.com", (n*31+i*977)%4000), "country": "DE", "owner": "ann.lee@example.com", "employees": "900"},
		})
	}
	type candidate struct {
		Record string   `json:"record"`
		Via    []string `json:"via"`
	}
	saw := struct {
		Record     string                `json:"record"`
		Candidates []candidate           `json:"candidates"`
		Pools      map[string]state.Pool `json:"pools"`
		Unaccepted map[string]int        `json:"unaccepted"`
	}{Record: state.RecordHash(person), Pools: map[string]state.Pool{}, Unaccepted: map[string]int{}}
	for _, r := range seen[1:] {
		saw.Candidates = append(saw.Candidates, candidate{state.RecordHash(r), []string{"domain", "name"}})
	}
	pool := state.Pool{Team: "ae-dach", Served: map[string]int64{}, Turns: map[string]int{}, Present: map[string]bool{}, Seq: uint64(n)}
	for i := range 6 {
		who := fmt.Sprintf("rep%d@example.com", i)
		pool.Served[who], pool.Turns[who], pool.Present[who] = int64(n*60+i), n+i, i != 2
		saw.Unaccepted[who] = (n + i) % 4
	}
	saw.Pools["ae-dach"] = pool
	sawJSON, _ := json.Marshal(saw)
	event, _ := json.Marshal(map[string]any{"observed": map[string]any{"record": person, "via": "webhook", "came": at}})
	id := state.Digest("decision", fmt.Sprint(n))
	return state.Decision{
		ID: id, At: at, Rules: state.Digest("rules"), Event: event, Saw: sawJSON, Outcome: state.Digest("outcome", id),
		Handoff: state.Digest("handoff", id), Record: person.Ref, Why: []state.Reason{
			{Rule: "handoffs/demo-request.yaml:12 starts_when[0]", Text: "last_form_at changed to " + at.Format(time.RFC3339)},
			{Rule: "handoffs/demo-request.yaml:30 match", Text: "account Account 17 by e-mail domain; runner-up Account 9 by name"},
			{Rule: "handoffs/demo-request.yaml:41 owner[2]", Text: "country is DE: team ae-dach; rep3 is next; rep2 is on leave"},
		},
	}, seen
}

// BenchmarkDecision stores decisions as rich as production's and reports what
// each takes: its own rows, and the bytes of the file per decision.
func BenchmarkDecision(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "s.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	n := 0
	for b.Loop() {
		b.StopTimer()
		var ds [100]state.Decision
		var seen [100][]state.Record
		for i := range ds {
			ds[i], seen[i] = realistic(n*100 + i)
		}
		n++
		b.StartTimer()
		_ = s.Update(b.Context(), func(tx state.Tx) error {
			for i, d := range ds {
				state.PutDecision(tx, d, seen[i])
			}
			return nil
		})
	}
	var sizes []int
	total, versions := 0, 0
	_ = s.View(b.Context(), func(tx state.Tx) error {
		for _, bucket := range []state.Bucket{state.Decided, state.DecidedOf, state.Versions} {
			for k, v := range tx.Scan(bucket, nil, nil) {
				total += len(k) + len(v)
				if bucket == state.Decided {
					sizes = append(sizes, len(k)+len(v))
				}
				if bucket == state.Versions {
					versions += len(k) + len(v)
				}
			}
		}
		return nil
	})
	slices.Sort(sizes)
	b.ReportMetric(float64(sizes[len(sizes)/2]), "B/decision-row")
	b.ReportMetric(float64(versions)/float64(len(sizes)), "B/decision-versions")
	b.ReportMetric(float64(total)/float64(len(sizes)), "B/decision")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(len(sizes)), "us/decision")
}
