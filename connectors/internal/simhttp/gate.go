package simhttp

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// maxBody bounds what the gate reads of one request; no CRM takes a JSON body this large.
const maxBody = 32 << 20

// hangFor is how long a hanging call keeps its caller waiting.
const hangFor = 60 * time.Second

// statusMoving answers calls to an account that is being moved to another data centre.
const statusMoving = 477

// Gate stands before a simulator's handler: it draws the fault of each call, records the exchange and
// counts it. A broken connection is a panic with http.ErrAbortHandler, which net/http turns into a
// closed connection and [Carrier] into a transport error. It is safe for concurrent use.
type Gate struct {
	crm     string
	rand    *Rand
	history *History

	mu     sync.Mutex
	faults Faults
	stats  map[string]int
	render func(w http.ResponseWriter, r *http.Request, fault string) bool
}

// NewGate returns a calm gate. A nil history records nothing.
func NewGate(crm string, seed uint64, h *History) *Gate {
	return &Gate{crm: crm, rand: NewRand(seed, "gate/"+crm), history: h, stats: map[string]int{"429": 0}}
}

// OnFault lets the simulator word its own refusal for an injected fault ("429", "401", "500", …): render
// writes the answer and reports true, or reports false for the gate's plain one. Set it before serving.
func (g *Gate) OnFault(render func(w http.ResponseWriter, r *http.Request, fault string) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.render = render
}

// SetFaults replaces how hostile the gate is.
func (g *Gate) SetFaults(f Faults) {
	f.Rate = maps.Clone(f.Rate)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = f
}

// Faults is how hostile the gate is now. The caller must not change the map in it.
func (g *Gate) Faults() Faults {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.faults
}

// Chance is a seeded draw for the simulator's own odd behaviour.
func (g *Gate) Chance(p float64) bool { return g.rand.Chance(p) }

// Rand is the gate's seeded source, for draws beyond yes and no.
func (g *Gate) Rand() *Rand { return g.rand }

// Stats counts the calls so far by verb and path ("GET /crm/v3/objects/contacts/{id}"), and those that
// were answered 429 under "429".
func (g *Gate) Stats() map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.stats)
}

// Applied marks that the call being answered changed the CRM. w is the writer the gate gave the handler;
// with any other writer nothing happens.
func Applied(w http.ResponseWriter) {
	if m, ok := w.(interface{ MarkApplied() }); ok {
		m.MarkApplied()
	}
}

// Wrap returns the handler with the gate before it.
func (g *Gate) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.serve(w, r, next) })
}

func (g *Gate) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	began := time.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the request's body could not be read", http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	faults := g.Faults()
	fault := g.draw(faults)
	rec := newRecorder()
	cut, broken := g.answer(rec, r, next, fault, faults.DropReply)
	status, sent := rec.status, rec.body.Bytes()
	if broken {
		status, sent = 0, nil
	} else if cut {
		sent = sent[:len(sent)/2]
	}
	g.history.Add(Exchange{
		Time: began.UTC(), CRM: g.crm, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery,
		Status: status, Request: body, Response: bytes.Clone(sent), Applied: rec.applied,
	})
	g.count(r, status)
	if broken {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), rec.header)
	breakAfter := cut && len(rec.body.Bytes())%2 == 1
	if breakAfter { // half of the cut answers end in a broken connection, half look whole to HTTP
		w.Header().Set("Content-Length", strconv.Itoa(rec.body.Len()))
	}
	w.WriteHeader(status)
	_, _ = w.Write(sent)
	if breakAfter {
		panic(http.ErrAbortHandler)
	}
}

// answer lets the handler, or the fault in its place, write into rec. cut: send only half of it; broken:
// send nothing and break the connection.
func (g *Gate) answer(rec *recorder, r *http.Request, next http.Handler, fault string, drop float64) (cut, broken bool) {
	switch fault {
	case "429", "500", "502", "503", "504", "401", "423", "477":
		g.refuse(rec, r, fault)
		return false, false
	case "html":
		rec.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = rec.Write([]byte("<!doctype html><html><body><h1>We will be right back</h1></body></html>"))
		return false, false
	case "hang":
		if g.Chance(0.5) {
			next.ServeHTTP(rec, r)
		}
		hang(r)
		return false, true
	}
	next.ServeHTTP(rec, r)
	switch {
	case fault == "applied_500":
		rec.reset()
		g.refuse(rec, r, "500")
		return false, false
	case rec.applied && g.Chance(drop):
		return false, true
	}
	return fault == "truncated" && rec.body.Len() > 1, false
}

// hang keeps the caller waiting until it gives up or a minute has passed.
func hang(r *http.Request) {
	timer := time.NewTimer(hangFor)
	defer timer.Stop()
	select {
	case <-r.Context().Done():
	case <-timer.C:
	}
}

// draw lays one draw over the shares of all faults, so that at most one hits a call.
func (g *Gate) draw(f Faults) string {
	total := 0.0
	for _, name := range rates {
		if drawn(name) {
			total += f.Rate[name]
		}
	}
	if total <= 0 {
		return ""
	}
	at := g.rand.Float64()
	for _, name := range rates {
		if !drawn(name) {
			continue
		}
		if at < f.Rate[name] {
			return name
		}
		at -= f.Rate[name]
	}
	return ""
}

// refuse answers an injected refusal. A 429 carries Retry-After in seconds, as a date or not at all, a
// third each, because clients meet all three; a 477 always carries one. Whether the CRM sends the header
// at all is the simulator's to say: its own wording may take it away again.
func (g *Gate) refuse(rec *recorder, r *http.Request, fault string) {
	status, err := strconv.Atoi(fault)
	if err != nil {
		status = http.StatusInternalServerError
	}
	if status == statusMoving {
		rec.Header().Set("Retry-After", strconv.Itoa(1+g.rand.IntN(30)))
	}
	if status == http.StatusTooManyRequests {
		switch g.rand.IntN(3) {
		case 0:
			rec.Header().Set("Retry-After", strconv.Itoa(1+g.rand.IntN(2)))
		case 1:
			rec.Header().Set("Retry-After", time.Now().Add(2*time.Second).UTC().Format(http.TimeFormat))
		}
	}
	g.mu.Lock()
	render := g.render
	g.mu.Unlock()
	if render != nil && render(rec, r, fault) {
		return
	}
	rec.Header().Set("Content-Type", "text/plain; charset=utf-8")
	rec.WriteHeader(status)
	_, _ = rec.Write([]byte(http.StatusText(status)))
}

func (g *Gate) count(r *http.Request, status int) {
	key := r.Method + " " + pattern(r.URL.Path)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stats[key]++
	if status == http.StatusTooManyRequests {
		g.stats["429"]++
	}
}

// recorder is the writer that a handler behind the gate sees: it holds the whole answer back.
type recorder struct {
	header  http.Header
	status  int
	wrote   bool
	body    bytes.Buffer
	applied bool
}

func newRecorder() *recorder { return &recorder{header: http.Header{}, status: http.StatusOK} }

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.wrote = true
	return r.body.Write(p)
}

// MarkApplied implements what [Applied] looks for.
func (r *recorder) MarkApplied() { r.applied = true }

// reset forgets the answer but not that a write was applied.
func (r *recorder) reset() {
	r.header, r.status, r.wrote = http.Header{}, http.StatusOK, false
	r.body.Reset()
}
