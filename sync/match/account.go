// Package match finds the account a person belongs to and says why. It is
// pure: the engine's index proposes candidates by key, this package orders
// them and picks one, none, or asks for a review.
package match

import (
	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// Query is what is known of a person, in canonical form. A blank part is
// unknown; a Domain that identifies nobody (free mail) is left blank.
type Query struct {
	Conn    string         `json:"conn"`          // the connection whose accounts are wanted
	Link    connectors.Ref `json:"link,omitzero"` // the account the CRM itself links
	Email   string         `json:"email,omitempty"`
	Host    string         `json:"host,omitempty"`   // full host of the e-mail address or website
	Domain  string         `json:"domain,omitempty"` // its registrable domain
	Name    string         `json:"name,omitempty"`   // company name, normalized
	Country string         `json:"country,omitempty"`
	Phone   string         `json:"phone,omitempty"` // E.164; blank where accounts have none
}

// Account is one candidate, with the keys that found it.
type Account struct {
	Record state.Record   `json:"record"`
	Via    []Via          `json:"via"`              // strongest first
	Deals  []state.Record `json:"deals,omitempty"`  // its open deals
	People int            `json:"people,omitempty"` // how many of its people we know
	// Confirmed is the key, of the query's, that a person has said is the
	// account's: "domain:acme.dev", "name:acme labs". "": none.
	Confirmed string `json:"confirmed,omitempty"`
	// Denied are the keys, of the query's, that a person has said are not the
	// account's.
	Denied []string `json:"denied,omitempty"`
	// Colleagues is how many of its people have addresses of the query's domain.
	Colleagues int `json:"colleagues,omitempty"`
	// Idle says that the owner is no person. Whoever asks for the candidates
	// finds that out.
	Idle bool `json:"-"`
}

// Via is a way to find an account, strongest first.
type Via string

// The ways, in the order of their strength.
const (
	ByLink   Via = "link"
	ByEmail  Via = "email"
	ByHost   Via = "host"
	ByDomain Via = "domain"
	ByPeople Via = "people"
	ByPhone  Via = "phone"
	ByName   Via = "name"
)

// ByGeneric marks an account that has the domain or the phone together with many
// others it has nothing to do with. It is no way: such a key identifies nobody.
const ByGeneric Via = "generic"
