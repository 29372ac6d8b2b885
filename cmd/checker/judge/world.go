package judge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// worldRow is a record as a simulator holds it.
type worldRow struct {
	ID         string         `json:"id"`
	Fields     map[string]any `json:"fields"`
	Archived   bool           `json:"archived"`
	MergedInto string         `json:"merged_into"`
}

// eachRow gives every record of the world to do, one at a time.
func (l *loading) eachRow(do func(connectors.Ref, worldRow)) (err error) {
	file, err := os.Open(filepath.Join(l.dir, worldFile))
	if errors.Is(err, fs.ErrNotExist) {
		l.f.Missing[worldFile] = "the report has no " + worldFile
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	dec := json.NewDecoder(file)
	err = members(dec, func(crm string) error {
		conn := l.words.byCRM[crm]
		return members(dec, func(kind string) error {
			return elements(dec, func() error {
				var r worldRow
				if err := dec.Decode(&r); err != nil {
					return err
				}
				if conn != "" {
					do(connectors.Ref{Conn: conn, Kind: connectors.Kind(kind), ID: r.ID}, r)
				}
				return nil
			})
		})
	})
	if err != nil {
		return fmt.Errorf("%s: %w", worldFile, err)
	}
	return nil
}

// members walks an object; do reads each value.
func members(dec *json.Decoder, do func(name string) error) error {
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(err, errShape)
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		if err := do(fmt.Sprint(name)); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

// elements walks an array, or a null in its place; do reads each value.
func elements(dec *json.Decoder, do func() error) error {
	t, err := dec.Token()
	if err == nil && t == nil {
		return nil
	}
	if err != nil || t != json.Delim('[') {
		return errors.Join(err, errShape)
	}
	for dec.More() {
		if err := do(); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

var errShape = errors.New("it is not a world: objects by CRM and kind")

// world notes who owns what at the end.
func (l *loading) world(context.Context) error {
	f := l.f
	for _, h := range f.Handoffs {
		if h.Target.ID != "" && f.Objects[h.Target] == nil {
			f.Objects[h.Target] = &Object{}
		}
	}
	mirrored := map[[2]string]bool{}
	for name := range l.words.conns {
		for _, w := range l.words.rules.Watched(name) {
			mirrored[[2]string{name, string(w.Kind)}] = w.Mirror
		}
	}
	return l.eachRow(func(ref connectors.Ref, r worldRow) {
		live := !r.Archived && r.MergedInto == ""
		o := f.Objects[ref]
		if o != nil {
			o.Seen, o.Live = true, live && o.Gone.IsZero()
			for name, v := range r.Fields {
				if l.words.owners[Field{ref.Conn, string(ref.Kind), name}] {
					o.Owner = text(v)
				}
			}
		}
		switch {
		case !live || o != nil && !o.Gone.IsZero():
		case o != nil && !o.changed.IsZero():
			f.Reached = append(f.Reached, Reached{Ref: ref, Changed: o.changed})
		case mirrored[[2]string{ref.Conn, string(ref.Kind)}]:
			f.Reached = append(f.Reached, Reached{Ref: ref})
		}
	})
}

// reached asks the state what it knows of the records and signals of the CRMs.
func (l *loading) reached(ctx context.Context) error {
	f := l.f
	return l.store.View(ctx, func(tx state.Tx) error {
		kept := f.Reached[:0]
		for _, r := range f.Reached {
			if c, ok := state.GetConn(tx, r.Ref.Conn); !ok || !c.Mirror || r.Changed.Before(c.Live) && !r.Changed.IsZero() {
				continue // nobody has promised to know it yet
			}
			rec, ok := state.GetRecord(tx, r.Ref)
			r.Known, r.AsOf = ok, rec.ModifiedAt
			kept = append(kept, r)
		}
		f.Reached = kept
		for i := range f.Given {
			g := &f.Given[i]
			t, _ := state.GetTrigger(tx, g.Type, g.Record)
			o := f.Objects[g.Record]
			g.Gone = o != nil && !o.Gone.IsZero()
			g.Held = strings.HasPrefix(t.Version, "?") || elsewhere(tx, *g)
		}
		return tx.Err()
	})
}

// elsewhere reports whether the signal was handed over from, or to, another
// record of the same buyer.
func elsewhere(tx state.Tx, g Given) bool {
	refs := []connectors.Ref{g.Record}
	if same, ok := state.GetSame(tx, g.Record); ok {
		refs = append(refs, same.Refs...)
	}
	for _, ref := range refs {
		for h := range state.HandoffsOf(tx, ref) {
			for _, s := range h.Signals {
				if s.Record != g.Record && !s.At.Before(g.At.Add(-time.Minute)) {
					return true
				}
			}
		}
	}
	return false
}

func keysOf[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }
