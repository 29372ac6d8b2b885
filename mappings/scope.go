package mappings

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// reader collects what is wrong with one file.
type reader struct {
	file string
	ds   []Diagnostic
	told int
}

func (r *reader) add(at Pos, code, text, hint string) {
	r.told++
	if r.told == maxTold+1 {
		r.ds = append(r.ds, Diagnostic{Pos: Pos{File: r.file}, Code: "too-many", Text: fmt.Sprintf("more than %d problems in this file; the rest is not listed", maxTold)})
	}
	if r.told <= maxTold {
		r.ds = append(r.ds, Diagnostic{Pos: at, Code: code, Text: text, Hint: hint})
	}
}

func (r *reader) pos(n *yaml.Node) Pos { return Pos{File: r.file, Line: n.Line, Column: n.Column} }

// value is one node with the name the admin knows it by. A value without a
// node was not written: every method answers its zero and says nothing.
type value struct {
	r    *reader
	name string // the key, for sentences
	n    *yaml.Node
}

func (v value) given() bool { return v.n != nil && v.n.Kind != yaml.AliasNode }

func (v value) pos() Pos {
	if v.n == nil {
		return Pos{}
	}
	return v.r.pos(v.n)
}

func (v value) bad(code, text, hint string) { v.r.add(v.pos(), code, text, hint) }

// isMap, isList and isText tell the shapes apart where several are allowed.
func (v value) isMap() bool  { return v.given() && v.n.Kind == yaml.MappingNode }
func (v value) isList() bool { return v.given() && v.n.Kind == yaml.SequenceNode }
func (v value) isText() bool { return v.given() && v.n.Kind == yaml.ScalarNode }

// text is one scalar as it was typed.
func (v value) text() Text {
	switch {
	case !v.given():
		return Text{}
	case v.n.Kind != yaml.ScalarNode:
		v.bad("wrong-shape", fmt.Sprintf("%s should be one value, not %s", v.name, shape(v.n)), "")
		return Text{}
	case empty(v.n):
		v.bad("no-value", v.name+" has no value", "")
		return Text{}
	}
	return Text{S: v.n.Value, Pos: v.pos()}
}

func shape(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a group of keys"
	default:
		return "one value"
	}
}

// word is a scalar that other files refer to: letters, digits, _ and -.
func (v value) word() Text {
	t := v.text()
	if t.Given() && !isName(t.S) {
		v.bad("bad-name", fmt.Sprintf("%s: %q is not a name", v.name, t.S), "use small letters, digits and _")
	}
	return t
}

func isName(s string) bool {
	if s == "" || len(s) > 80 {
		return false
	}
	for i, c := range s {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		inside := i > 0 && (c >= '0' && c <= '9' || c == '_' || c == '-')
		if !letter && !inside {
			return false
		}
	}
	return true
}

// oneOf is a scalar out of a fixed set.
func (v value) oneOf(known ...string) Text {
	t := v.text()
	if t.Given() && !slices.Contains(known, t.S) {
		v.bad("bad-value", fmt.Sprintf("%s cannot be %q", v.name, t.S), didYouMean(t.S, known))
	}
	return t
}

// list is the items of a list.
func (v value) list() []value {
	if !v.given() {
		return nil
	}
	if v.n.Kind != yaml.SequenceNode {
		if empty(v.n) {
			v.bad("no-value", v.name+" has no value", "")
		} else {
			v.bad("wrong-shape", fmt.Sprintf("%s should be a list, not %s", v.name, shape(v.n)), "write [a, b], or one line each beginning with a dash")
		}
		return nil
	}
	return v.items()
}

// oneOrMore is the items of a list, or the one value that stands for a list.
func (v value) oneOrMore() []value {
	if !v.isList() {
		if !v.given() || empty(v.n) {
			return v.list()
		}
		return []value{v}
	}
	return v.items()
}

func (v value) items() []value {
	out := make([]value, 0, len(v.n.Content))
	for _, c := range v.n.Content {
		out = append(out, value{v.r, v.name, c})
	}
	return out
}

// texts is a list of scalars.
func (v value) texts() []Text { return readAll(v.oneOrMore(), value.text) }

// readAll reads every value that can be read.
func readAll(vs []value, read func(value) Text) []Text {
	var out []Text
	for _, v := range vs {
		if t := read(v); t.Given() {
			out = append(out, t)
		}
	}
	return out
}

// entry is one key with its value.
type entry struct {
	key Text
	val value
}

// entries is the keys of a map in the order they were written, each once.
// hint says what the map should look like.
func (v value) entries(hint string) []entry {
	if !v.given() {
		return nil
	}
	if v.n.Kind != yaml.MappingNode {
		if empty(v.n) {
			v.bad("no-value", v.name+" has no value", hint)
		} else {
			v.bad("wrong-shape", fmt.Sprintf("%s should be a group of keys, not %s", v.name, shape(v.n)), hint)
		}
		return nil
	}
	out := make([]entry, 0, len(v.n.Content)/2)
	seen := make(map[string]bool, len(v.n.Content)/2)
	for i := 0; i+1 < len(v.n.Content); i += 2 {
		k, c := v.n.Content[i], v.n.Content[i+1]
		// What lint refused has been told already.
		if k.Kind != yaml.ScalarNode || k.Value == "<<" && k.Style == 0 || seen[k.Value] {
			continue
		}
		seen[k.Value] = true
		out = append(out, entry{Text{k.Value, v.r.pos(k)}, value{v.r, k.Value, c}})
	}
	return out
}

// pairs is a map of scalars to scalars.
func (v value) pairs() []Pair {
	var out []Pair
	for _, e := range v.entries("") {
		if t := e.val.text(); t.Given() {
			out = append(out, Pair{e.key, t})
		}
	}
	return out
}

// scope reads a map with a fixed set of keys and reports, in done, the keys
// that nobody asked for.
type scope struct {
	of      value
	what    string // "a connection", for sentences
	entries []entry
	asked   []string
	ok      bool // it is a map at all
}

// scope opens v as a map. what names it in sentences: "a connection".
func (v value) scope(what string) *scope {
	s := &scope{of: v, what: what, ok: v.isMap()}
	s.entries = v.entries("")
	return s
}

// field is the value of a key, without a node when it was not written.
func (s *scope) field(name string) value {
	s.asked = append(s.asked, name)
	for _, e := range s.entries {
		if e.key.S == name {
			return e.val
		}
	}
	return value{r: s.of.r, name: name}
}

// need is field for a key that has to be there.
func (s *scope) need(name, hint string) value {
	v := s.field(name)
	if v.n == nil && s.ok {
		s.of.bad("missing-key", fmt.Sprintf("%s has no %s", s.what, name), hint)
	}
	return v
}

// done reports the keys that nobody asked for.
func (s *scope) done() {
	for i, e := range s.entries {
		if slices.Contains(s.asked, e.key.S) {
			continue
		}
		if s.of.r.told > maxTold {
			return
		}
		if s.of.isStray(e) {
			s.of.stray(s.entries, i)
			continue
		}
		s.of.r.add(e.key.Pos, "unknown-key", fmt.Sprintf("%s has no key %q", s.what, e.key.S), keyHint(e.key.S, s.asked))
	}
}

// isStray reports whether e is no key at all but the rest of a text or list
// with a comma in it: {for: webinars, visits}.
func (v value) isStray(e entry) bool {
	return v.n.Style&yaml.FlowStyle != 0 && e.val.isText() && empty(e.val.n)
}

// stray explains the stray entry i.
func (v value) stray(entries []entry, i int) {
	hint := "put a list in [ ] and a text with a comma in quotes"
	parts := []string{entries[i].key.S}
	for j := i - 1; j >= 0; j-- {
		before := entries[j]
		if v.isStray(before) {
			parts = append([]string{before.key.S}, parts...)
			continue
		}
		if before.val.isText() {
			all := strings.Join(append([]string{before.val.n.Value}, parts...), ", ")
			hint = fmt.Sprintf("write %s: [%s] for a list, or %s: %q for one text", before.key.S, all, before.key.S, all)
		}
		break
	}
	v.r.add(entries[i].key.Pos, "flow-list", fmt.Sprintf("%q stands here as a key of its own, because inside { } a comma begins the next key", entries[i].key.S), hint)
}

func keyHint(typed string, known []string) string {
	if k := nearest(typed, known); k != "" {
		return fmt.Sprintf("did you mean %q?", k)
	}
	if k := strings.ReplaceAll(strings.ToLower(typed), "-", "_"); slices.Contains(known, k) {
		return fmt.Sprintf("did you mean %q?", k)
	}
	return "its keys are " + strings.Join(slices.Compact(slices.Sorted(slices.Values(known))), ", ")
}
