package simhttp

import (
	"encoding/json"
	"io"
	"sync"
	"time"
	"unicode/utf8"
)

// Exchange is one call that reached a simulator, as a line of GET /history carries it.
type Exchange struct {
	Time     time.Time       `json:"time"`
	CRM      string          `json:"crm"`
	Method   string          `json:"method"`
	Path     string          `json:"path"`
	Query    string          `json:"query"`
	Status   int             `json:"status"`   // 0: the connection broke before an answer
	Request  json.RawMessage `json:"request"`  // JSON as sent; any other body as a JSON string; null: none
	Response json.RawMessage `json:"response"` // as Request; what the caller received
	Applied  bool            `json:"applied"`  // a write took effect, whatever the caller was told
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

// asJSON keeps a body as it is when it is JSON, and as a JSON string otherwise.
func asJSON(body []byte) json.RawMessage {
	if len(body) == 0 {
		return json.RawMessage("null")
	}
	if json.Valid(body) {
		return json.RawMessage(body)
	}
	if !utf8.Valid(body) {
		body = []byte(string([]rune(string(body)))) // invalid bytes become the replacement character
	}
	quoted, err := json.Marshal(string(body))
	if err != nil {
		return json.RawMessage("null")
	}
	return quoted
}
