package simulators

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// syncName names the native sync among the CRMs in a setup document.
const syncName = "sync"

// maxControl bounds the body of POST /sync.
const maxControl = 1 << 20

// Control serves the control API over both CRMs, and what concerns the pair: GET /sync (how the native sync is
// set up and what it has done), POST /sync (set it up; absent keys stay; "now": true plays a round at once) and
// GET /life (what the meddlers have done).
func (p *Pair) Control() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", simhttp.Control(p.History, p.sims()...))
	mux.HandleFunc("GET /sync", func(w http.ResponseWriter, _ *http.Request) { p.answerSync(w) })
	mux.HandleFunc("POST /sync", p.postSync)
	mux.HandleFunc("GET /life", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, p.Deeds()) })
	return mux
}

func (p *Pair) answerSync(w http.ResponseWriter) {
	answer(w, http.StatusOK, struct {
		Config SyncConfig `json:"config"`
		Stats  SyncStats  `json:"stats"`
	}{p.Sync(), p.SyncStats()})
}

func (p *Pair) postSync(w http.ResponseWriter, r *http.Request) {
	if err := p.changeSync(http.MaxBytesReader(w, r.Body, maxControl)); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	p.answerSync(w)
}

func (p *Pair) changeSync(body io.Reader) error {
	var doc map[string]json.RawMessage
	if err := json.NewDecoder(body).Decode(&doc); err != nil {
		return fmt.Errorf("read sync: %w", err)
	}
	now := false
	if raw, given := doc["now"]; given {
		if err := json.Unmarshal(raw, &now); err != nil {
			return fmt.Errorf("read sync: now: %w", err)
		}
		delete(doc, "now")
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("read sync: %w", err)
	}
	cfg := p.Sync()
	if err := cfg.UnmarshalJSON(raw); err != nil {
		return fmt.Errorf("read sync: %w", err)
	}
	if err := p.SetSync(cfg); err != nil || !now {
		return err
	}
	return p.SyncNow()
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a reader that went away needs no answer
}
