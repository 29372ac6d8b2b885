package simhttp

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
	"time"
	"unicode/utf8"
)

// Exchange is one call that reached a simulator, as a line of GET /history carries it.
type Exchange struct {
	Time     time.Time `json:"time"`
	CRM      string    `json:"crm"`
	Method   string    `json:"method"`
	Path     string    `json:"path"`
	Query    string    `json:"query"`
	Status   int       `json:"status"` // 0: the connection broke before an answer
	Request  Body      `json:"request"`
	Response Body      `json:"response"` // what the caller received
	Applied  bool      `json:"applied"`  // a write took effect, whatever the caller was told
}

// History is every exchange since the start. It grows with memory as its only bound and is safe for
// concurrent use. A nil History forgets everything.
type History struct {
	mu      sync.Mutex
	all     []Exchange
	changes []Change
	sent    []Sent
}

// NewHistory returns an empty history.
func NewHistory() *History { return &History{} }

// Add appends one exchange.
func (h *History) Add(e Exchange) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, e)
}

// Snapshot returns the exchanges so far, oldest first. The caller must not change them.
func (h *History) Snapshot() []Exchange {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all[:len(h.all):len(h.all)]
}

// Each calls f for every exchange so far, oldest first, until f returns false.
func (h *History) Each(f func(Exchange) bool) {
	for _, e := range h.Snapshot() {
		if !f(e) {
			return
		}
	}
}

// Reset forgets everything.
func (h *History) Reset() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all, h.changes, h.sent = nil, nil, nil
}

// WriteJSONL writes one exchange per line, oldest first.
func (h *History) WriteJSONL(w io.Writer) error { return writeLines(w, h.Snapshot()) }

// Body is what one side sent. It is written as it is where it is JSON, as a JSON string
// otherwise, and as null where there was none.
type Body []byte

// MarshalJSON implements json.Marshaler.
func (b Body) MarshalJSON() ([]byte, error) {
	switch {
	case len(b) == 0:
		return []byte("null"), nil
	case json.Valid(b):
		return b, nil
	case !utf8.Valid(b):
		b = Body(string([]rune(string(b)))) // invalid bytes become the replacement character
	}
	return json.Marshal(string(b))
}

// UnmarshalJSON keeps a body as it was written.
func (b *Body) UnmarshalJSON(raw []byte) error {
	*b = bytes.Clone(raw)
	return nil
}
