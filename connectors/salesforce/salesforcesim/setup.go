package salesforcesim

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// setup is the document of Setup: what is absent stays as it is.
type setup struct {
	EchoMessages  *bool               `json:"echo_messages"`
	MessageFields map[string][]string `json:"message_fields"`
}

// shape is what the org is, as Setup left it.
type shape struct {
	messageFields map[string][]string // object: fields beside Id
	echo          bool                // outbound messages tell of the integration user's own changes too
}

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

func (s *Sim) setUp(in setup) {
	if in.EchoMessages != nil {
		s.set.echo = *in.EchoMessages
	}
	if in.MessageFields != nil {
		s.set.messageFields = in.MessageFields
	}
}
