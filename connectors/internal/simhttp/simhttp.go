// Package simhttp is what the CRM simulators share: seeded faults, the history of every exchange,
// the control API through which a harness drives them, and an in-memory carrier for tests.
//
// It knows nothing about any CRM. A simulator hands its handler to a [Gate], which draws a fault for
// each call from the seed, records the exchange and counts it; [Control] serves the simulators'
// common control API; [Carrier] stands in for the network inside synctest bubbles.
package simhttp

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Sim is one simulated CRM as the control API drives it.
type Sim interface {
	http.Handler
	// CRM is the simulator's name in every document of the control API.
	CRM() string
	// World is everything the CRM holds: kind (the CRM's own object name) to rows.
	World() any
	// Load adds the rows of a document of World's shape; a row whose id is known replaces the old one.
	Load(raw json.RawMessage) error
	// Edit makes a change as a person in the CRM's own screens would; it answers the ids that came out of it.
	Edit(e Edit) (map[string]string, error)
	// Setup changes what the CRM is rather than what it holds: its editions, permissions, rules and
	// automation. The document is the simulator's own; unknown keys are refused, absent ones stay.
	Setup(raw json.RawMessage) error
	// SetFaults replaces how hostile the simulator is.
	SetFaults(f Faults)
	// Faults is how hostile the simulator is now.
	Faults() Faults
	// Deliver blocks until no webhook is pending: late ones and retries are brought forward.
	Deliver(ctx context.Context) (Delivery, error)
	// Stats counts calls by verb and path, and refusals under "429".
	Stats() map[string]int
	// Run plays what happens by itself (sending webhooks, people at work) until ctx ends.
	Run(ctx context.Context) error
}

// Edit is a change that a person makes in a CRM, as POST /edit carries it.
type Edit struct {
	CRM    string         `json:"crm"`
	Object string         `json:"object"`
	Op     string         `json:"op"` // create, update, delete, restore, purge, merge, convert or submit_form
	ID     string         `json:"id"`
	Fields map[string]any `json:"fields"`
	// By is who does it, in the words of Change.Actor: "person:ana@example.com", "automation:Lead routing",
	// "sync:salesforce". Blank: some person.
	By string `json:"by,omitempty"`
}

// Delivery says what has become of the webhooks since the simulator started.
type Delivery struct {
	Delivered int `json:"delivered"` // events answered 2xx
	Failed    int `json:"failed"`    // events given up after the last retry
	Dropped   int `json:"dropped"`   // events that a fault lost on purpose
	Pending   int `json:"pending"`   // events still to be sent or on their way
}

// Rand is the simulators' seeded source of chance: equal seeds and equal call order give equal draws.
// It is safe for concurrent use.
type Rand struct {
	mu  sync.Mutex
	src *rand.Rand
}

// NewRand returns the source for one purpose; different purposes of one seed draw independently, so
// that a new draw in one place does not change the others.
func NewRand(seed uint64, purpose string) *Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(purpose))
	return &Rand{src: rand.New(rand.NewPCG(seed, h.Sum64()))}
}

// Float64 draws from [0,1).
func (r *Rand) Float64() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.src.Float64()
}

// IntN draws from [0,n); 0 for an n below 1.
func (r *Rand) IntN(n int) int {
	if n < 1 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.src.IntN(n)
}

// Chance is true with probability p. It draws only when the answer is open.
func (r *Rand) Chance(p float64) bool {
	if p <= 0 {
		return false
	}
	return p >= 1 || r.Float64() < p
}

// Between draws a duration from [low,high).
func (r *Rand) Between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(r.Float64()*float64(high-low))
}

// Shuffle puts n things in a drawn order.
func (r *Rand) Shuffle(n int, swap func(i, j int)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.src.Shuffle(n, swap)
}
