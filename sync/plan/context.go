package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/state"
)

// survey is how much of what has to travel is there.
type survey struct {
	must, should []field // that are wanted of this record
	missing      []field // of must, blank
	faults       []fault // filled, and no use to anybody
	complete     int     // percent
}

// fault is what is wrong with a field that is filled. A hard one counts as
// missing.
type fault struct {
	field field
	text  string
	hard  bool
}

// A required field counts twice as much as another.
const (
	mustWeight   = 2
	shouldWeight = 1
)

// pastedWithin is how long a text on one record makes the same text on
// another one a copy.
const pastedWithin = 30 * 24 * time.Hour

// survey looks at the context of a record.
func (d *deciding) survey(t *typ, f *facts) survey {
	k := &t.context
	s := survey{must: holding(k.must, f, nil)}
	if k.note.given() && !slices.Contains(s.must, k.note) {
		s.must = append(s.must, k.note)
	}
	s.should = holding(k.should, f, s.must)
	all, got := 0, 0
	count := func(fields []field, weight int, required bool) {
		for _, of := range fields {
			all += weight
			v := f.value(of)
			if v == "" {
				if required {
					s.missing = append(s.missing, of)
				}
				continue
			}
			if wrong := d.judge(k, f, of, v); wrong.text != "" {
				s.faults = append(s.faults, wrong)
				continue
			}
			got += weight
		}
	}
	count(s.must, mustWeight, true)
	count(s.should, shouldWeight, false)
	s.complete = 100
	if all > 0 {
		s.complete = int(math.Round(100 * float64(got) / float64(all)))
	}
	return s
}

// holding are the fields of the rows whose condition holds, each once, without
// those that are there already.
func holding(rows []wanted, f *facts, there []field) []field {
	var out []field
	for i := range rows {
		of := rows[i].field
		if !slices.Contains(out, of) && !slices.Contains(there, of) && rows[i].when.holds(f) {
			out = append(out, of)
		}
	}
	return out
}

// judge says what is wrong with a field that is filled; no text: nothing.
func (d *deciding) judge(k *contextRule, f *facts, of field, v string) fault {
	w := fault{field: of, hard: k.strict}
	switch {
	case of == k.note:
		c := NoteCriteria{AtLeast: k.noteAtLeast}
		if !k.judged {
			if n := len([]rune(strings.TrimSpace(v))); n < k.noteAtLeast {
				w.text, w.hard = fmt.Sprintf("has %d of %d characters", n, k.noteAtLeast), true
			}
			return w
		}
		c.Boilerplate = d.r.phrases
		verdict := JudgeNote(v, c)
		if elsewhere := d.pasted(f.record(of.noun), v); elsewhere != "" {
			verdict.Faults = append(verdict.Faults, "is the same as on "+elsewhere)
		}
		w.text = strings.Join(verdict.Faults, "; ")
	case !k.judged:
	case slices.Contains(k.measurable, of) && !measured(v):
		w.text = "holds no number and no unit"
	case slices.Contains(k.links, of):
		w.text = linked(v)
	}
	return w
}

// pasted is another record that carried a text of the same words of late; ""
// for none. It remembers that this one carries it now.
func (d *deciding) pasted(on *state.Record, text string) string {
	hash := noteHash(text)
	old, known := d.v.Note(hash)
	fresh := known && d.now.Sub(old.At) < pastedWithin
	if fresh && old.Record != on.Ref && !d.isSame(old, on) {
		return old.Record.String()
	}
	n := state.Note{Hash: hash, Record: on.Ref, At: d.now}
	if !fresh && !slices.ContainsFunc(d.c.Notes, func(o state.Note) bool { return o.Hash == hash }) {
		d.c.Notes = append(d.c.Notes, n)
	}
	return ""
}

// isSame reports whether a note stood on the record itself under another name,
// or on a record that is no more.
func (d *deciding) isSame(n state.Note, on *state.Record) bool {
	if slices.Contains(on.Absorbed, n.Record) {
		return true
	}
	same, ok := d.v.Same(on.Ref)
	return ok && slices.Contains(same.Refs, n.Record)
}

// lacks are the words of what is not there, faults that count as missing
// included.
func (s *survey) lacks() []string {
	var out []string
	for _, of := range s.missing {
		out = append(out, of.String())
	}
	for _, w := range s.faults {
		if w.hard {
			out = append(out, w.field.String())
		}
	}
	return out
}

// said is what is not there, for a person; with the soft faults where all is
// set.
func (s *survey) said(all bool) []string {
	var out []string
	for _, of := range s.missing {
		out = append(out, labelled(of))
	}
	for _, w := range s.faults {
		if all || w.hard {
			out = append(out, labelled(w.field)+" "+w.text)
		}
	}
	return out
}
