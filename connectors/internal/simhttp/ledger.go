package simhttp

import (
	"bufio"
	"encoding/json"
	"io"
	"time"
)

// Change is one thing that happened to one record of a simulated CRM, whoever did it, as a line of
// GET /changes carries it. Where /history says what callers asked for, this says what came of it: the
// oracle for who owned a record when.
type Change struct {
	Time   time.Time `json:"time"`
	CRM    string    `json:"crm"`
	Object string    `json:"object"` // the CRM's own name
	ID     string    `json:"id"`
	// Op is create, update, delete, restore, purge, merge, convert, link or unlink.
	Op string `json:"op"`
	// Actor is who did it: "api:<client>", "person:<e-mail>", "automation:<name>", "sync:<crm>", "form"
	// or "system" (what the CRM derives itself).
	Actor string `json:"actor"`
	// Fields are the values that changed, by the CRM's own name; a link is under the other's kind.
	Fields map[string]FromTo `json:"fields,omitempty"`
	Into   string            `json:"into,omitempty"` // where a merged or converted record lives on
}

// FromTo is a value before and after; null is blank.
type FromTo struct {
	From any `json:"from"`
	To   any `json:"to"`
}

// Sent is one webhook request or outbound message that left a simulator, as a line of GET /sent carries it.
type Sent struct {
	Time   time.Time `json:"time"`
	CRM    string    `json:"crm"`
	URL    string    `json:"url"`
	Events []string  `json:"events"` // the ids of what it carried
	Status int       `json:"status"` // 0: no answer
}

// Changed appends to the ledger of changes.
func (h *History) Changed(c Change) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes = append(h.changes, c)
}

// Changes returns the changes so far, oldest first. The caller must not change them.
func (h *History) Changes() []Change {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changes[:len(h.changes):len(h.changes)]
}

// Delivered appends to the ledger of what was sent.
func (h *History) Delivered(s Sent) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, s)
}

// Sent returns what was sent so far, oldest first. The caller must not change it.
func (h *History) Sent() []Sent {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sent[:len(h.sent):len(h.sent)]
}

// WriteChanges writes one change per line, oldest first.
func (h *History) WriteChanges(w io.Writer) error { return writeLines(w, h.Changes()) }

// WriteSent writes one request per line, oldest first.
func (h *History) WriteSent(w io.Writer) error { return writeLines(w, h.Sent()) }

func writeLines[T any](w io.Writer, lines []T) error {
	buf := bufio.NewWriter(w)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	for _, l := range lines {
		if err := enc.Encode(l); err != nil {
			return err
		}
	}
	return buf.Flush()
}
