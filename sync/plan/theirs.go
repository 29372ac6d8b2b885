package plan

import (
	"strings"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// handoff_need and handoff_next_step are written by handoffd and filled in by
// people as well, and a mapping may read them. What stands there is then
// somebody's word only until we have written over it: what is ours is never
// read back as what the buyer asked for, nor does it open a gate.

// shares finds the words of a mapping that read a field both write.
func (n *conn) shares() {
	n.shared = map[field]string{}
	for _, k := range n.m.Kinds() {
		noun := n.m.Noun(k)
		for _, w := range n.m.Words(noun) {
			from, reads := n.m.ReadName(k, w)
			for _, name := range state.BothWrite() {
				if reads && strings.HasPrefix(strings.ToLower(from), name) {
					n.shared[field{noun, w}] = name
				}
			}
		}
	}
}

// theirs is what a person has put into a field that both write.
func (f *facts) theirs(ref connectors.Ref, name, value string) string {
	b, known := f.v.Before(ref)
	if !known || !b.IsOurs(name, value) {
		return value
	}
	return b.Theirs[name]
}

// put is what stands in a field that both write, blank where the mapping does
// not read it.
func (n *conn) put(rec state.Record, name string) string {
	for _, w := range n.m.Words(rec.Noun) {
		if n.shared[field{rec.Noun, w}] == name {
			return rec.Fields[w]
		}
	}
	return ""
}
