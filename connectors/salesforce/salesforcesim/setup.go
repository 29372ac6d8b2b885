package salesforcesim

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// setup is the document of Setup: what is absent stays as it is.
type setup struct{}

// Setup implements simhttp.Sim.
func (s *Sim) Setup(raw json.RawMessage) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var set setup
	if err := dec.Decode(&set); err != nil {
		return fmt.Errorf("read setup: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setUp(set)
	return nil
}

func (*Sim) setUp(setup) {}
