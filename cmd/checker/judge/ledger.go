package judge

import (
	"context"
	"iter"
	"maps"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/handoffd/handoffd/connectors"
)

// change is one line of the simulators' ledger.
type change struct {
	Time   time.Time         `json:"time"`
	CRM    string            `json:"crm"`
	Object string            `json:"object"`
	ID     string            `json:"id"`
	Op     string            `json:"op"`
	Actor  string            `json:"actor"`
	Fields map[string]fromTo `json:"fields"`
	Into   string            `json:"into"`
}

type fromTo struct {
	From any `json:"from"`
	To   any `json:"to"`
}

// news are the values a change left.
func (c change) news(yield func(string, any) bool) {
	for name, v := range c.Fields {
		if !yield(name, v.To) {
			return
		}
	}
}

func (l *loading) eachChange(do func(change, connectors.Ref)) error {
	return l.lines(changesFile, func(line []byte) error {
		var c change
		if err := json.Unmarshal(line, &c); err != nil {
			return err
		}
		if conn := l.words.byCRM[c.CRM]; conn != "" {
			do(c, connectors.Ref{Conn: conn, Kind: connectors.Kind(c.Object), ID: c.ID})
		}
		return nil
	})
}

// watched reports whether the rules read records of this kind.
func (l *loading) watched(ref connectors.Ref) bool {
	return l.words.noun[[2]string{ref.Conn, string(ref.Kind)}] != ""
}

// changes goes through the ledger twice: once to know what records were like
// before it began, and once through what happened.
func (l *loading) changes(ctx context.Context) error {
	made := map[connectors.Ref]bool{}
	before := map[connectors.Ref]map[string]any{} // of records that were there, by the first change of each field
	err := l.eachChange(func(c change, ref connectors.Ref) {
		switch {
		case !l.watched(ref) || made[ref]:
		case c.Op == "create":
			made[ref] = true
		default:
			if before[ref] == nil {
				before[ref] = map[string]any{}
			}
			for name, v := range c.Fields {
				if _, known := before[ref][name]; !known && l.reads(ref, name) {
					before[ref][name] = v.From
				}
			}
		}
	})
	if err != nil || l.f.Missing[changesFile] != "" {
		return err
	}
	err = l.eachRow(func(ref connectors.Ref, r worldRow) {
		b := before[ref]
		if b == nil {
			return
		}
		for name, v := range r.Fields {
			if _, known := b[name]; !known && l.reads(ref, name) {
				b[name] = v
			}
		}
	})
	if err != nil {
		return err
	}
	l.walk = &walk{l: l, ctx: ctx, fields: before, tasks: map[connectors.Ref]*Task{}, triggers: map[string]int{}}
	if err := l.eachChange(l.walk.step); err != nil {
		return err
	}
	return l.walk.err
}

// reads reports whether the rules look at a field.
func (l *loading) reads(ref connectors.Ref, name string) bool {
	f := Field{ref.Conn, string(ref.Kind), name}
	return l.words.fields[f] || l.words.owners[f]
}

// walk goes through the ledger, line by line.
type walk struct {
	l        *loading
	ctx      context.Context //nolint:containedctx // of one reading
	fields   map[connectors.Ref]map[string]any
	tasks    map[connectors.Ref]*Task
	signs    *signs
	triggers map[string]int // type and record → its last signal among Given, from 1
	err      error
}

func (w *walk) step(c change, ref connectors.Ref) {
	f := w.l.f
	ours := f.Run.ours(c.Actor)
	task := w.task(c, ref, ours)
	if ours {
		w.wrote(c, ref, task != nil)
	}
	if task != nil || !w.l.watched(ref) {
		return
	}
	o := f.Objects[ref]
	if o == nil {
		o = &Object{}
		f.Objects[ref] = o
	}
	switch c.Op {
	case "create":
		o.Made, o.ByUs = c.Time, ours
	case "delete", "purge", "convert":
		w.gone(c, ref, o)
		return
	case "merge":
		if c.Into != "" {
			w.gone(c, ref, o)
			return
		}
		w.moved(c, ref, o, ours) // what it shows, those that it was made of had shown
		return
	case "restore":
		o.Gone = time.Time{}
		w.shownAgain(ref)
	case "link", "unlink":
		return
	}
	values := w.fields[ref]
	if values == nil {
		values = map[string]any{}
		w.fields[ref] = values
	}
	w.moved(c, ref, o, ours)
	read := c.Op == "create"
	for name, v := range c.Fields {
		if !w.l.reads(ref, name) {
			continue
		}
		read = true
		if values[name] = v.To; text(v.To) == "" {
			delete(values, name)
		}
	}
	if read {
		w.saw(ref, o, values, c.Time, ours)
	}
}

// moved notes what a change says of a record's owners and of its handoff.
func (w *walk) moved(c change, ref connectors.Ref, o *Object, ours bool) {
	if id, told := c.Fields[w.l.words.carries[ref.Conn]]; told {
		o.carries = text(id.To)
	}
	for name, v := range c.Fields {
		m := Move{At: c.Time, Field: name, From: text(v.From), To: text(v.To), Actor: c.Actor, Ours: ours, Merged: c.Op == "merge", Handoff: o.carries}
		switch {
		case w.l.words.owners[Field{ref.Conn, string(ref.Kind), name}]:
			o.Owners = append(o.Owners, m)
		case name == w.l.words.status[ref.Conn]:
			o.Says = append(o.Says, m)
		}
	}
}

// gone notes that a record is there no more.
func (w *walk) gone(c change, ref connectors.Ref, o *Object) {
	if o.Gone.IsZero() {
		o.Gone = c.Time
	}
	if c.Op == "merge" {
		into := connectors.Ref{Conn: ref.Conn, Kind: ref.Kind, ID: c.Into}
		w.l.f.Heirs[ref] = into
		w.shownOn(ref, into)
	}
}

// shownOn notes that what a record has shown is the survivor's to answer for,
// though nothing of it may stand there: it had come as two (C8).
func (w *walk) shownOn(ref, into connectors.Ref) {
	if w.signs == nil || into.ID == "" {
		return
	}
	for key, t := range w.signs.triggers {
		if t.Record == ref {
			w.l.f.Versions[typed(t.Type, into)] += w.l.f.Versions[key]
		}
	}
}

// shownAgain notes that a record that is back shows its signals once more: one
// that nobody had accepted counts anew.
func (w *walk) shownAgain(ref connectors.Ref) {
	if w.signs == nil {
		return
	}
	for key, t := range w.signs.triggers {
		if t.Record == ref {
			w.l.f.Versions[key]++
		}
	}
}

// task follows a task that carries our key; nil: it is none.
func (w *walk) task(c change, ref connectors.Ref, ours bool) *Task {
	t := w.tasks[ref]
	if t == nil {
		if w.l.watched(ref) {
			return nil
		}
		key := w.l.words.keyIn(ref.Conn, iter.Seq2[string, any](c.news))
		if key == "" {
			return nil
		}
		t = &Task{Ref: ref, Key: key, ByUs: ours, Spans: []Span{{From: c.Time}}}
		w.tasks[ref] = t
		w.l.f.Tasks = append(w.l.f.Tasks, t)
		return t
	}
	last := &t.Spans[len(t.Spans)-1]
	switch c.Op {
	case "delete", "purge", "merge":
		if last.Until.IsZero() {
			last.Until, t.Removed = c.Time, c.Actor
		}
	case "restore":
		if !last.Until.IsZero() {
			t.Spans = append(t.Spans, Span{From: c.Time})
		}
	}
	return t
}

// wrote notes what we changed. A record we make may hold what the CRM fills in
// by itself, so only its kind is noted.
func (w *walk) wrote(c change, ref connectors.Ref, task bool) {
	f := w.l.f
	touch := func(name string) {
		field := Field{ref.Conn, string(ref.Kind), name}
		if f.Touched[field] == nil {
			f.Touched[field] = &Touch{First: ref}
		}
		f.Touched[field].Times++
	}
	switch c.Op {
	case "create":
		if !task && !w.l.mayMake(ref) {
			touch("(made)")
		}
	case "delete", "purge", "merge", "convert", "restore", "unlink":
		if !task {
			f.Removed = append(f.Removed, offend(ref.String(), "we did a %s at %s, which is never ours to do", c.Op, clock(c.Time)))
		}
	case "update":
		if !task {
			for name := range c.Fields {
				touch(name)
			}
		}
	}
}

// mayMake reports whether any rule writes records of a kind.
func (l *loading) mayMake(ref connectors.Ref) bool {
	for f := range l.words.allowed {
		if f.Conn == ref.Conn && f.Kind == string(ref.Kind) {
			return true
		}
	}
	return false
}

// saw looks at a record as somebody has left it.
func (w *walk) saw(ref connectors.Ref, o *Object, values map[string]any, at time.Time, ours bool) {
	fields := maps.Clone(values)
	for name, v := range fields {
		if text(v) == "" {
			delete(fields, name)
		}
	}
	rec, _ := w.l.words.rules.Normalize(connectors.Object{
		Ref: ref, Version: at.UTC().Format("20060102150405.000000000"), CreatedAt: o.Made, ModifiedAt: at, Fields: fields,
	})
	if email := rec.Fields["email"]; email != "" && rec.Noun == "person" {
		o.Email = email
	}
	if ours {
		return // what we write is no signal
	}
	o.changed = at
	if w.signs == nil {
		w.signs, w.err = newSigns(w.ctx, w.l)
	}
	if w.err == nil {
		w.err = w.signs.look(rec, at, w.triggers)
	}
}
