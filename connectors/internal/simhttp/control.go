package simhttp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Control serves the control API over the simulators that share history h:
// GET /history, /changes, /sent, /world, /stats and POST /edit, /deliver, /faults, /setup.
func Control(h *History, sims ...Sim) http.Handler {
	c := &control{history: h, sims: sims}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /history", c.getHistory)
	mux.HandleFunc("GET /changes", c.getChanges)
	mux.HandleFunc("GET /sent", c.getSent)
	mux.HandleFunc("GET /world", c.getWorld)
	mux.HandleFunc("GET /stats", c.getStats)
	mux.HandleFunc("POST /edit", c.postEdit)
	mux.HandleFunc("POST /deliver", c.postDeliver)
	mux.HandleFunc("POST /faults", c.postFaults)
	mux.HandleFunc("POST /setup", c.postSetup)
	return mux
}

type control struct {
	history *History
	sims    []Sim
}

// chosen returns the simulators that a request names; all of them for an empty name.
func (c *control) chosen(crm string) ([]Sim, error) {
	if crm == "" {
		return c.sims, nil
	}
	for _, s := range c.sims {
		if s.CRM() == crm {
			return []Sim{s}, nil
		}
	}
	return nil, fmt.Errorf("unknown crm %q", crm)
}

func (c *control) getHistory(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/jsonl")
	_ = c.history.WriteJSONL(w) // a reader that went away needs no answer
}

func (c *control) getChanges(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/jsonl")
	_ = c.history.WriteChanges(w) // a reader that went away needs no answer
}

func (c *control) getSent(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/jsonl")
	_ = c.history.WriteSent(w) // a reader that went away needs no answer
}

func (c *control) getWorld(w http.ResponseWriter, _ *http.Request) {
	world := map[string]any{}
	for _, s := range c.sims {
		world[s.CRM()] = s.World()
	}
	writeJSON(w, http.StatusOK, world)
}

func (c *control) getStats(w http.ResponseWriter, _ *http.Request) {
	stats := map[string]any{}
	for _, s := range c.sims {
		stats[s.CRM()] = s.Stats()
	}
	writeJSON(w, http.StatusOK, stats)
}

func (c *control) postEdit(w http.ResponseWriter, r *http.Request) {
	raw, err := readControl(w, r)
	if err != nil {
		refuseControl(w, err)
		return
	}
	many := bytes.HasPrefix(bytes.TrimSpace(raw), []byte("["))
	edits := make([]Edit, 1)
	if many {
		err = json.Unmarshal(raw, &edits)
	} else {
		err = json.Unmarshal(raw, &edits[0])
	}
	if err != nil {
		refuseControl(w, fmt.Errorf("read edit: %w", err))
		return
	}
	ids := make([]map[string]string, 0, len(edits))
	for i, e := range edits {
		sims, err := c.chosen(e.CRM)
		if err == nil && len(sims) != 1 {
			err = fmt.Errorf("which crm?")
		}
		var got map[string]string
		if err == nil {
			got, err = sims[0].Edit(e)
		}
		if err != nil {
			refuseControl(w, fmt.Errorf("edit %d (%s %s %s): %w", i, e.Op, e.Object, e.ID, err))
			return
		}
		ids = append(ids, got)
	}
	if many {
		writeJSON(w, http.StatusOK, ids)
		return
	}
	writeJSON(w, http.StatusOK, ids[0])
}

func (c *control) postDeliver(w http.ResponseWriter, r *http.Request) {
	var total Delivery
	for _, s := range c.sims {
		d, err := s.Deliver(r.Context())
		if err != nil {
			refuseControl(w, fmt.Errorf("deliver %s: %w", s.CRM(), err))
			return
		}
		total.Delivered += d.Delivered
		total.Failed += d.Failed
		total.Dropped += d.Dropped
		total.Pending += d.Pending
	}
	writeJSON(w, http.StatusOK, total)
}

func (c *control) postFaults(w http.ResponseWriter, r *http.Request) {
	raw, err := readControl(w, r)
	if err != nil {
		refuseControl(w, err)
		return
	}
	patch, err := parsePatch(raw)
	if err != nil {
		refuseControl(w, err)
		return
	}
	sims, err := c.chosen(patch.CRM)
	if err != nil {
		refuseControl(w, err)
		return
	}
	for _, s := range sims {
		f, err := patch.apply(s.Faults())
		if err != nil {
			refuseControl(w, err)
			return
		}
		s.SetFaults(f)
	}
	writeJSON(w, http.StatusOK, map[string]bool{"ok": true})
}

// postSetup hands {"crm": NAME, "setup": {…}} to the simulator it names.
func (c *control) postSetup(w http.ResponseWriter, r *http.Request) {
	raw, err := readControl(w, r)
	if err != nil {
		refuseControl(w, err)
		return
	}
	var body struct {
		CRM   string          `json:"crm"`
		Setup json.RawMessage `json:"setup"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		refuseControl(w, fmt.Errorf("read setup: %w", err))
		return
	}
	sims, err := c.chosen(body.CRM)
	if err == nil && len(sims) != 1 {
		err = fmt.Errorf("which crm?")
	}
	if err == nil {
		err = sims[0].Setup(body.Setup)
	}
	if err != nil {
		refuseControl(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]bool{"ok": true})
}

func readControl(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	return raw, nil
}

func refuseControl(w http.ResponseWriter, err error) {
	writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // a reader that went away needs no answer
}
