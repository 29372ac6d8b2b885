// Package normalize turns what a CRM says into what the company says: an
// Object with the CRM's field names and codes becomes a state.Record with the
// admin's words and canonical values. It is pure; one [Mapping] serves one
// connection and is safe for use by several goroutines.
//
// Canonical forms, by is_a:
//
//	text           trimmed, valid UTF-8, without NUL; a CRM's true and false are yes and no
//	number         plain decimal: 1200, 0.5, -3
//	yes_no         yes, no
//	date           2026-03-20
//	datetime       RFC 3339 in UTC, with a fraction only where there is one: 2026-03-20T13:04:00Z
//	user, owner    the CRM's user id
//	list           the values in the CRM's order, each once, joined by ";"
//
// and by clean: trim, lowercase, email (dana@acme.com, host in ASCII), domain
// (the host without www: shop.acme.com), phone (E.164, then " ext. 12"),
// country_code (ISO 3166 alpha-2: GB).
//
// A canonical value read again is itself. A value that cannot be read is left
// blank and reported as [Unmapped]; only a phone number that a person could
// still dial is kept as it was typed.
package normalize

import (
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
)

// Version numbers the canonical forms. It changes whenever the same input
// would give another text, so that whatever was indexed before is built anew.
const Version = 2

// EmailDomain is the word every noun with an email has without being asked:
// the registrable domain of the address, for lists such as free_mail.
const EmailDomain = "email_domain"

// Field is what is known of one word of a noun.
type Field struct {
	Noun    string
	Word    string
	IsA     string   // "text" where nothing was written
	Clean   []string // in order
	Values  []string // our words, where the mapping lists them
	Reads   bool     // it is read from the CRM
	Writes  bool     // it may be written
	Derived bool     // made from another word: EmailDomain
	YesIf   []string // raw values that mean yes; the word is then yes or no
	Pos     mappings.Pos
}

// String is the word as rules write it: person.email.
func (f Field) String() string { return f.Noun + "." + f.Word }

// Mapping is one connection's vocabulary, compiled.
type Mapping struct {
	conn  string
	kinds []connectors.Kind
	noun  map[connectors.Kind]string
	plans map[connectors.Kind]*plan
	words map[string][]*word // by noun, in declared order
}

// plan is how one kind is read.
type plan struct {
	fields  []string // sorted, unique
	words   []reading
	derived bool // has EmailDomain
}

// reading is one word with its sources for one kind.
type reading struct {
	*word
	sources []string
}

// word is a field with what is needed to read and write it.
type word struct {
	Field
	join    *string
	codes   map[string]string // the CRM's code → our word
	ours    map[string]bool   // our words
	hold    bool              // other_values: hold_and_report
	read    []mappings.Source
	write   []mappings.Source
	country bool // the word that says where a phone number is from
}

// Conn is the connection the mapping is for.
func (m *Mapping) Conn() string { return m.conn }

// Kinds is every kind of every noun, in declared order.
func (m *Mapping) Kinds() []connectors.Kind { return slices.Clone(m.kinds) }

// Noun is what a kind is in our words; "" for a kind that is not mapped.
func (m *Mapping) Noun(kind connectors.Kind) string { return m.noun[kind] }

// NounKinds is the kinds a noun is stored in, the preferred one first.
func (m *Mapping) NounKinds(noun string) []connectors.Kind {
	var out []connectors.Kind
	for _, k := range m.kinds {
		if m.noun[k] == noun {
			out = append(out, k)
		}
	}
	return out
}

// Fields is the CRM's fields to read for a kind, sorted, each once.
func (m *Mapping) Fields(kind connectors.Kind) []string {
	if p := m.plans[kind]; p != nil {
		return slices.Clone(p.fields)
	}
	return nil
}

// WriteName is where a word is written on a kind of object.
func (m *Mapping) WriteName(kind connectors.Kind, word string) (crmField string, ok bool) {
	if w := m.find(m.noun[kind], word); w != nil {
		return source(w.write, kind)
	}
	return "", false
}

// ReadName is where a word is read first on a kind of object.
func (m *Mapping) ReadName(kind connectors.Kind, word string) (crmField string, ok bool) {
	if w := m.find(m.noun[kind], word); w != nil {
		return source(w.read, kind)
	}
	return "", false
}

// Codes are how the CRM spells one of our words of a field, sorted; none where
// the mapping does not translate it.
func (m *Mapping) Codes(noun, name, ours string) []string {
	w := m.find(noun, name)
	if w == nil {
		return nil
	}
	var out []string
	for code, is := range w.codes {
		if is == ours {
			out = append(out, code)
		}
	}
	slices.Sort(out)
	return out
}

// source is the first source that holds for a kind.
func source(from []mappings.Source, kind connectors.Kind) (string, bool) {
	for _, s := range from {
		if s.Kind.S == "" || s.Kind.S == string(kind) {
			return s.Field.S, true
		}
	}
	return "", false
}

// Word is what is known of a word of a noun.
func (m *Mapping) Word(noun, word string) (Field, bool) {
	if w := m.find(noun, word); w != nil {
		return w.Field, true
	}
	if email := m.find(noun, "email"); email != nil && word == EmailDomain {
		return Field{Noun: noun, Word: EmailDomain, IsA: "text", Clean: []string{"domain"}, Reads: email.Reads, Derived: true, Pos: email.Pos}, true
	}
	return Field{}, false
}

// Words is every word of a noun, in declared order, derived ones last.
func (m *Mapping) Words(noun string) []string {
	var out []string
	for _, w := range m.words[noun] {
		out = append(out, w.Word)
	}
	if slices.Contains(out, "email") && !slices.Contains(out, EmailDomain) {
		out = append(out, EmailDomain)
	}
	return out
}

func (m *Mapping) find(noun, name string) *word {
	for _, w := range m.words[noun] {
		if w.Word == name {
			return w
		}
	}
	return nil
}
