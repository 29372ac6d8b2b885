package state

import (
	"iter"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Alias is a domain or a company name that people have shown to be an
// account's, where the account itself does not carry it.
type Alias struct {
	Conn    string           `json:"conn"`
	Key     string           `json:"key"` // "domain:acme.dev" or "name:acme labs", in canonical form
	Account connectors.Ref   `json:"account"`
	By      string           `json:"by"`   // [AliasReview], [AliasLink] or [AliasHistory]
	From    []connectors.Ref `json:"from"` // the people it was learnt from, at most two
	At      time.Time        `json:"at"`   // when it was last learnt
	// Not says that it is the other way round: a person has looked and said that
	// the key is not the account's, and is not asked again.
	Not bool `json:"not,omitempty"`
	// Forgotten says that an operator took it back: it counts no more, and is
	// not learnt again.
	Forgotten bool `json:"forgotten,omitempty"`
}

// How an alias was learnt.
const (
	AliasReview  = "review"  // a person looked because handoffd had asked
	AliasLink    = "link"    // a person linked somebody to the account
	AliasHistory = "history" // people whom the CRM links to the account have it
)

// Counts reports whether the alias identifies its account. What was only seen
// on people has to be seen on two of them.
func (a Alias) Counts() bool {
	return !a.Forgotten && !a.Not && (a.By != AliasHistory || len(a.From) > 1)
}

// Denies reports whether the alias says that the key is not its account's.
func (a Alias) Denies() bool { return a.Not && !a.Forgotten }

// Review is a question to a person: which account somebody is of.
type Review struct {
	At       time.Time        `json:"at"`
	By       string           `json:"by"` // who was asked
	Suspects []connectors.Ref `json:"suspects,omitempty"`
	Answered time.Time        `json:"answered,omitzero"`
	Account  connectors.Ref   `json:"account,omitzero"` // the answer; zero: none of them
}

var aliases = Table[Alias]{Bucket: Identity, Subject: func(a Alias) string { return a.Account.String() }}

const aliasKey = "alias"

// PutAlias stores it. Key: "alias", connection, key, account.
func PutAlias(tx Tx, a Alias) { aliases.Put(tx, Key(aliasKey, a.Conn, a.Key, a.Account), a) }

// AliasesOf lists the accounts that have been shown to have a key, in order.
func AliasesOf(tx Tx, conn, key string) []Alias {
	var out []Alias
	for _, a := range aliases.All(tx, Key(aliasKey, conn, key)) {
		out = append(out, a)
	}
	return out
}

// AllAliases yields every alias, in order of connection and key.
func AllAliases(tx Tx) iter.Seq2[string, Alias] { return aliases.All(tx, Key(aliasKey)) }
