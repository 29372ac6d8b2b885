package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
	"github.com/handoffd/handoffd/sync/normalize"
)

// Signal is a program that may speak of the records of one connection.
type Signal struct {
	Name string // of the source, in its address
	Conn string
	Kind connectors.Kind // of its objects, in that connection
}

// speaker is a source of signals, with how it names whom it speaks of.
type speaker struct {
	Signal
	find []likeness
}

// likeness joins a word of a signal to a word of a record.
type likeness struct{ said, of field }

// Signals are the sources that may speak, in declared order.
func (r *Rules) Signals() []Signal {
	var out []Signal
	for _, c := range r.conns {
		if c.speaks != nil {
			out = append(out, c.speaks.Signal)
		}
	}
	return out
}

const (
	mostAwaited = 20                  // signals kept for one identity that nobody has
	longAwaited = 90 * 24 * time.Hour // how long
)

// signalled finds the record a signal speaks of and asks the types about it.
// One that nobody has waits for the record to appear.
func (d *deciding) signalled(c *conn, ev Observed) {
	said := ev.Record
	waits := ""
	for _, l := range c.speaks.find {
		v := said.Fields[l.said.word]
		if v == "" {
			continue
		}
		rec, known := d.spokenOf(c, l.of, v)
		switch {
		case d.stopped():
			return
		case rec != nil:
			if !known {
				d.c.Records = append(d.c.Records, *rec)
			}
			d.hear(c, rec, said, ev)
			return
		case waits == "":
			waits = told(l.of, v)
		}
	}
	if waits == "" {
		d.list(listUnmatched, c.speaks.Name+" "+said.Ref.ID, "the signal does not say whom it speaks of")
		return
	}
	t, _ := d.v.Told(waits)
	t.Key, t.At = waits, d.now
	t.Waiting = append(slices.Clone(t.Waiting[max(0, len(t.Waiting)+1-mostAwaited):]), said)
	d.c.Told = append(d.c.Told, t)
	d.list(listUnmatched, c.speaks.Name+" "+waits, "a signal speaks of somebody nobody knows yet; it waits for them")
}

func told(of field, v string) string { return of.String() + ":" + strings.ToLower(v) }

// spokenOf is the record that holds a value; known says that it has been read
// before.
func (d *deciding) spokenOf(c *conn, of field, v string) (rec *state.Record, known bool) {
	if of.noun == nounCompany && of.word == wordDomain {
		host := normalize.HostOf(v)
		for _, a := range d.v.Candidates(match.Query{Conn: c.name, Host: host, Domain: normalize.Registrable(host)}) {
			if strings.EqualFold(a.Record.Fields[wordDomain], v) {
				return &a.Record, true
			}
		}
		if known, ok := d.v.Conn(c.name); !ok || !known.Mirror {
			d.c.Wait = "the accounts of " + c.name + " have not all been read yet"
		}
		return nil, false
	}
	kinds := c.m.NounKinds(of.noun)
	slices.Reverse(kinds)
	for _, k := range kinds {
		name, ok := c.m.ReadName(k, of.word)
		if !ok {
			continue
		}
		need := state.Need{Conn: c.name, Question: connectors.Question{Kinds: kinds, Field: name, Value: v}}
		found, asked := d.v.Located(need)
		if !asked {
			d.c.Needs = append(d.c.Needs, need)
			return nil, false
		}
		for i := range found {
			if found[i].Deleted || !found[i].MovedTo.IsZero() {
				continue
			}
			if have, ok := d.v.Record(found[i].Ref); ok && have.Version >= found[i].Version {
				return &have, true
			}
			return &found[i], false
		}
		return nil, false
	}
	return nil, false
}

// hear remembers what was said of a record and asks the types about it.
func (d *deciding) hear(c *conn, rec *state.Record, said state.Record, ev Observed) {
	t, _ := d.v.Told(state.ToldKey(rec.Ref))
	for _, earlier := range d.c.Told { // of this deciding
		if earlier.Key == state.ToldKey(rec.Ref) {
			t = earlier
		}
	}
	t.Key, t.At = state.ToldKey(rec.Ref), d.now
	t.Last = merged(t.Last, said, rec.Ref)
	d.c.Told = append(d.c.Told, t)
	f := d.r.facts(d.now, d.v, rec)
	f.news, f.usage = &said, &t.Last
	for _, typ := range d.r.byNoun[place{c.name, rec.Noun}] {
		if !typ.hears() {
			continue
		}
		if d.consider(typ, f, ev, d.aboutNow(rec)); d.stopped() {
			return
		}
	}
}

// merged takes the newest value of every word; a signal that comes late fills
// only what is blank.
func merged(last, said state.Record, ref connectors.Ref) state.Record {
	out := state.Record{Ref: ref, Noun: nounUsage, ModifiedAt: last.ModifiedAt, Fields: map[string]string{}}
	late := said.ModifiedAt.Before(last.ModifiedAt)
	for w, v := range last.Fields {
		out.Fields[w] = v
	}
	for w, v := range said.Fields {
		if !late || out.Fields[w] == "" {
			out.Fields[w] = v
		}
	}
	if !late {
		out.ModifiedAt = said.ModifiedAt
	}
	return out
}

// awaited tells a record what was said before anybody knew it.
func (d *deciding) awaited(c *conn, rec *state.Record, ev Observed) {
	if c.speaks == nil {
		return
	}
	for _, l := range c.speaks.find {
		v := rec.Fields[l.of.word]
		if l.of.noun != rec.Noun || v == "" {
			continue
		}
		t, ok := d.v.Told(told(l.of, v))
		if !ok {
			continue
		}
		for _, said := range t.Waiting {
			if d.now.Sub(said.ModifiedAt) > longAwaited {
				continue
			}
			if d.hear(c, rec, said, ev); d.stopped() {
				return
			}
		}
		d.c.Told = append(d.c.Told, state.Told{Key: t.Key})
	}
}

// hears reports whether a type looks at what programs say.
func (t *typ) hears() bool {
	return slices.ContainsFunc(t.starts, func(s start) bool {
		return slices.ContainsFunc(s.see, func(f field) bool { return f.noun == nounUsage })
	})
}

// listening adds the words of a source to the connection whose records it
// speaks of.
func (c *compiler) listening(n *conn, m mappings.Mapping) mappings.Mapping {
	for _, s := range c.doc.Signals {
		if s.On.S != n.name {
			continue
		}
		file := s.Mapping.S
		if file == "" {
			file = "mappings/" + s.Name.S + ".yaml"
		}
		from := c.mapping(file)
		i := slices.IndexFunc(from.Nouns, func(x mappings.Noun) bool { return x.Word.S == nounUsage })
		if i < 0 {
			if !c.isUnread(file) {
				c.bad(s.Name.Pos, "no-mapping", "write "+file+" with its words under usage:", "nothing says what the signals of %s hold", s.Name.S)
			}
			continue
		}
		kind := mappings.Text{S: "signal " + s.Name.S, Pos: from.Nouns[i].Pos}
		usage := from.Nouns[i]
		usage.StoredIn = []mappings.Text{kind}
		m.Nouns = append(slices.Clone(m.Nouns), usage)
		n.speaks = &speaker{Signal: Signal{Name: s.Name.S, Conn: n.name, Kind: connectors.Kind(kind.S)}}
	}
	return m
}

// speakers reads by which words the signals find their records.
func (c *compiler) speakers() {
	for _, s := range c.doc.Signals {
		n := c.conn(s.On)
		if n == nil || n.speaks == nil {
			continue
		}
		for _, pair := range s.FindBy {
			said, ok := c.fieldIn(pair[0], []*conn{n}, false)
			of, ok2 := c.fieldIn(pair[1], []*conn{n}, false)
			switch {
			case !ok || !ok2:
			case said.noun != nounUsage || of.noun != nounPerson && of.noun != nounCompany:
				c.bad(pair[0].Pos, "wrong-noun", "write {same: [usage.email, person.email]}", "a signal is joined by a word of its own to one of a person or a company")
			default:
				n.speaks.find = append(n.speaks.find, likeness{said, of})
			}
		}
	}
}
