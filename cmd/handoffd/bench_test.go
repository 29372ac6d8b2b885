package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt" //nolint:depguard // the yardstick is bbolt itself

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

// Figures stand beside what the machine can do, measured in turns in the same
// run: only the ratios mean anything on a shared machine.

// yardstick is group commit straight on bbolt, without isolation of failures,
// dedupe or envelopes, and one fsync after the other, on the same disk.
type yardstick struct {
	db    *bbolt.DB
	file  *os.File
	calls chan rawCall
	fsync []time.Duration
}

type rawCall struct {
	rows int
	done chan error
}

// rawRow is what the ingest of one event weighs, about.
const rawRow = 300

func newYardstick(b *testing.B) *yardstick {
	b.Helper()
	dir := b.TempDir()
	db, err := bbolt.Open(filepath.Join(dir, "raw.db"), 0o600, &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		b.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("rows"))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	file, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		b.Fatal(err)
	}
	y := &yardstick{db: db, file: file, calls: make(chan rawCall)}
	go y.loop()
	b.Cleanup(func() {
		close(y.calls)
		_, _ = db.Close(), file.Close()
	})
	return y
}

// loop commits for everybody who waits at once.
func (y *yardstick) loop() {
	next := uint64(0)
	row := make([]byte, rawRow)
	for c := range y.calls {
		group := []rawCall{c}
	drain:
		for {
			select {
			case c, ok := <-y.calls:
				if !ok {
					break drain
				}
				group = append(group, c)
			default:
				break drain
			}
		}
		err := y.db.Update(func(tx *bbolt.Tx) error {
			rows := tx.Bucket([]byte("rows"))
			for _, c := range group {
				for range c.rows {
					next++
					if err := rows.Put(binary.BigEndian.AppendUint64(nil, next), row); err != nil {
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

func (y *yardstick) put(rows int) error {
	c := rawCall{rows, make(chan error, 1)}
	y.calls <- c
	return <-c.done
}

// sync appends 4 KiB and waits for the disk, so many times.
func (y *yardstick) sync(times int) {
	page := make([]byte, 4096)
	for range times {
		began := time.Now()
		_, _ = y.file.Write(page)
		_ = y.file.Sync()
		y.fsync = append(y.fsync, time.Since(began))
	}
}

// quantile is the q-th of the durations, in milliseconds.
func quantile(all []time.Duration, q float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return float64(sorted[min(int(q*float64(len(sorted))), len(sorted)-1)].Microseconds()) / 1000
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

func (y *yardstick) report(b *testing.B) {
	b.Helper()
	b.ReportMetric(quantile(y.fsync, 0.5), "fsync-p50-ms")
	b.ReportMetric(quantile(y.fsync, 0.99), "fsync-p99-ms")
	b.ReportMetric(0, "ns/op")
}

// atOnce lets n goroutines do a thing until a turn is over or it says that
// there is no more, and returns how often a second it was done and how long
// each took.
func atOnce(n int, do func() bool) (rate float64, took []time.Duration) {
	const turn = 200 * time.Millisecond
	var done atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	for range n {
		wg.Go(func() {
			var mine []time.Duration
			for time.Since(began) < turn {
				at := time.Now()
				if !do() {
					break
				}
				mine = append(mine, time.Since(at))
				done.Add(1)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(began).Seconds(), took
}

// sender makes signed webhooks, no event of which was ever sent.
type sender struct {
	secret, portal, host string
	events               int
}

func (s *sender) request(events int) []byte {
	body := []byte{'['}
	now := time.Now().UnixMilli()
	for i := range events {
		s.events++
		if i > 0 {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, `{"eventId":%d,"subscriptionId":7662001,"portalId":%s,"appId":51879189,"occurredAt":%d,`+
			`"subscriptionType":"contact.propertyChange","attemptNumber":0,"objectId":%d,"propertyName":"recent_conversion_date",`+
			`"propertyValue":"%d","changeSource":"FORM","sourceId":"hutk-e4a7"}`, 100_000+s.events, s.portal, now, 10_000_000+s.events, now)
	}
	body = append(body, ']')
	stamp := strconv.FormatInt(now, 10)
	mac := hmac.New(sha256.New, []byte(s.secret))
	fmt.Fprintf(mac, "POSThttps://%s/webhooks/hubspot%s%s", daemonHost, body, stamp)
	return fmt.Appendf(nil, "POST /webhooks/hubspot HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"+
		"X-HubSpot-Request-Timestamp: %s\r\nX-HubSpot-Signature-v3: %s\r\n\r\n%s",
		s.host, len(body), stamp, base64.StdEncoding.EncodeToString(mac.Sum(nil)), body)
}

// post sends a request on a kept connection and reads the head of the answer.
func post(conn net.Conn, in *bufio.Reader, request []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case first && !bytes.HasPrefix(line, []byte("HTTP/1.1 204")):
			return fmt.Errorf("refused: %s", line)
		case len(line) <= 2:
			return nil
		}
	}
}

// intake is a daemon that only takes in, on loopback.
func intake(b *testing.B) (addr string, s *sender) {
	b.Helper()
	const secret, portal = "a client's secret", "20000001"
	store, err := bolt.Open(filepath.Join(b.TempDir(), "handoffd.db"), bolt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	conns := map[string]connectors.Connector{"hubspot": newConnector(b, "hubspot", connectors.Settings{Token: "t", ClientSecret: secret})}
	d, err := newDaemon(b.Context(), daemonConfig{
		Rules: compiled(b, starterFolder(b), "write"), Store: store, Conns: conns, Room: store.Room,
		PublicURL: &url.URL{Scheme: "https", Host: daemonHost}, Holder: "bench",
	})
	if err != nil {
		b.Fatal(err)
	}
	err = store.Update(b.Context(), func(tx state.Tx) error {
		c, _ := state.GetConn(tx, "hubspot")
		c.Tenant = portal
		state.PutConn(tx, c)
		return tx.Err()
	})
	if err != nil {
		b.Fatal(err)
	}
	l, err := listen(b.Context(), "HANDOFFD_WEBHOOK_ADDR", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serveHTTP(ctx, l, d.public()) }()
	b.Cleanup(func() {
		cancel()
		<-done
		_ = store.Close()
	})
	return l.Addr().String(), &sender{secret: secret, portal: portal, host: l.Addr().String()}
}

// BenchmarkIngest takes signed webhooks in through the public listener,
// answered when they are on disk, beside as many rows in as many raw commits.
func BenchmarkIngest(b *testing.B) {
	for _, shape := range []struct{ events, clients, ready int }{{100, 16, 500}, {1, 64, 8000}, {1, 8, 4000}} {
		b.Run(fmt.Sprintf("events=%d/clients=%d", shape.events, shape.clients), func(b *testing.B) {
			addr, sender := intake(b)
			y := newYardstick(b)
			pool := make(chan net.Conn, shape.clients)
			readers := map[net.Conn]*bufio.Reader{}
			for range shape.clients {
				conn, err := (&net.Dialer{}).DialContext(b.Context(), "tcp", addr)
				if err != nil {
					b.Fatal(err)
				}
				readers[conn] = bufio.NewReader(conn)
				pool <- conn
			}
			var ours, raw, ratio []float64
			var acks []time.Duration
			for b.Loop() {
				requests := make(chan []byte, shape.ready)
				for range shape.ready {
					requests <- sender.request(shape.events)
				}
				close(requests)
				us, took := atOnce(shape.clients, func() bool {
					request, ok := <-requests
					if !ok {
						return false
					}
					conn := <-pool
					defer func() { pool <- conn }()
					if err := post(conn, readers[conn], request); err != nil {
						b.Error(err)
						return false
					}
					return true
				})
				y.sync(20)
				them, _ := atOnce(shape.clients, func() bool { return y.put(shape.events) == nil })
				ours, raw, ratio = append(ours, us*float64(shape.events)), append(raw, them*float64(shape.events)), append(ratio, us/them)
				acks = append(acks, took...)
			}
			b.ReportMetric(median(ours), "events/s")
			b.ReportMetric(median(raw), "raw-events/s")
			b.ReportMetric(median(ratio), "of-raw")
			b.ReportMetric(quantile(acks, 0.5), "ack-p50-ms")
			b.ReportMetric(quantile(acks, 0.99), "ack-p99-ms")
			y.report(b)
			for conn := range readers {
				_ = conn.Close()
			}
		})
	}
}
