package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/state"
)

// A record may be merged away before anybody has read what its buyer had just
// asked for: a CRM may keep the fields of the survivor, and show those of the
// other one only as it lies in the bin, under the id it was merged into (C8). What
// it said there, and had not said before, starts on the survivor.

// lastWord hands on the signals of a record that was merged into another of its
// kind. A conversion is none: who converts a lead has it in hand.
func (d *deciding) lastWord(rec *state.Record, ev Observed) {
	if rec.MovedTo.Kind != rec.Ref.Kind || len(rec.Fields) == 0 || ev.Via == viaBackfill {
		return
	}
	own := d.r.facts(d.now, d.v, rec)
	for _, t := range d.r.byNoun[place{rec.Ref.Conn, rec.Noun}] {
		s := d.look(t, own, ev.Came)
		if d.stopped() || d.waits(own) {
			return
		}
		alone := func(st *start) bool { return len(st.counts) == 0 }
		if !s.fresh || !slices.ContainsFunc(s.spoke, alone) { // who was merged away is counted no more
			continue
		}
		heir := d.survivor(t, rec)
		if heir == nil {
			return
		}
		f := d.r.facts(d.now, d.v, heir)
		f.said = rec.Ref
		d.because(d.why(where(t.pos), "%s said it, and was merged into %s before it was read", rec.Ref, heir.Ref))
		d.take(t, f, s, ev, d.aboutNow(heir))
		if d.stopped() {
			return
		}
	}
}

// survivor is the record that another lives on as, with what that one said in
// the words that types start by, and in what is blank here; who has it is its own. Nil: it is
// gone too, or has to be read first.
func (d *deciding) survivor(t *typ, rec *state.Record) *state.Record {
	to := rec.MovedTo
	for range moves {
		r, _, asked := d.known(to)
		switch {
		case !asked || r == nil || r.Deleted && r.MovedTo.IsZero():
			return nil
		case !r.MovedTo.IsZero():
			to = r.MovedTo
			continue
		case r.Noun != rec.Noun:
			return nil
		}
		heir := *r
		heir.Fields = maps.Clone(r.Fields)
		if heir.Fields == nil {
			heir.Fields = map[string]string{}
		}
		starting := d.r.byConn[rec.Ref.Conn].signals[rec.Noun]
		for w, v := range rec.Fields {
			if strings.HasPrefix(w, own) || w == t.becomes {
				continue
			}
			if heir.Fields[w] == "" || slices.Contains(starting, w) {
				heir.Fields[w] = v
			}
		}
		return &heir
	}
	return nil
}
