package salesforcesim

import (
	"hash/fnv"
	"slices"
	"sort"
	"strings"
	"time"
)

// binKept is how long a deleted row stays in the recycle bin, where queryAll finds it.
const binKept = 15 * 24 * time.Hour

// A value is string, float64, bool, time.Time (datetime) or date; an absent key is null.
type date string

type values map[string]any

// version is one committed state of a row. Queries see it from visible on; reading the row by id sees
// the last one at once. Versions never change after they were put.
type version struct {
	fields  values
	visible time.Time
}

type row struct {
	obj      *object
	id       string
	salt     uint64 // orders what a query does not order
	versions []version
}

// last is the newest state.
func (r *row) last() values {
	if len(r.versions) == 0 {
		return nil
	}
	return r.versions[len(r.versions)-1].fields
}

// seen is the state that a query sees at now; nil: not there yet.
func (r *row) seen(now time.Time) values {
	for i := len(r.versions) - 1; i >= 0; i-- {
		if !r.versions[i].visible.After(now) {
			return r.versions[i].fields
		}
	}
	return nil
}

func (r *row) deleted() bool { return r.last()["IsDeleted"] == true }

type stampEntry struct {
	at  time.Time
	row *row
}

// table holds one object's rows. The indexes may name a row that no longer fits: whoever uses them looks
// at the row again.
type table struct {
	obj      *object
	rows     map[string]*row
	order    []*row // as they came; by id unless jumbled
	jumbled  bool
	stamps   []stampEntry // one per version, by SystemModstamp
	unsorted bool
	index    map[string]map[string][]*row // field name, lower-case value
}

func newTable(o *object) *table {
	return &table{obj: o, rows: map[string]*row{}, index: map[string]map[string][]*row{}}
}

// put gives r a new state, visible to queries from visible on.
func (tb *table) put(t *tx, r *row, fields values, now, visible time.Time) {
	before := r.versions
	keep := 0
	for i, v := range before {
		if !v.visible.After(now) {
			keep = i
		}
	}
	if tb.rows[r.id] == nil {
		tb.rows[r.id] = r
		if n := len(tb.order); n > 0 && tb.order[n-1].id > r.id {
			tb.jumbled = true
		}
		tb.order = append(tb.order, r)
		t.undo = append(t.undo, func() {
			delete(tb.rows, r.id)
			tb.order = slices.DeleteFunc(tb.order, func(other *row) bool { return other == r })
		})
	}
	old := r.last()
	r.versions = append(slices.Clone(before[min(keep, len(before)):]), version{fields, visible})
	t.undo = append(t.undo, func() { r.versions = before })
	tb.enter(r, old, fields)
}

// remove takes a row out for good, as if it had never been.
func (tb *table) remove(t *tx, r *row) {
	at := slices.Index(tb.order, r)
	if at < 0 {
		return
	}
	delete(tb.rows, r.id)
	tb.order = slices.Delete(tb.order, at, at+1)
	t.undo = append(t.undo, func() {
		tb.rows[r.id] = r
		tb.order, tb.jumbled = append(tb.order, r), true
	})
}

// enter puts the new state into the indexes.
func (tb *table) enter(r *row, old, fields values) {
	if at, ok := fields["SystemModstamp"].(time.Time); ok {
		if n := len(tb.stamps); n > 0 && tb.stamps[n-1].at.After(at) {
			tb.unsorted = true
		}
		tb.stamps = append(tb.stamps, stampEntry{at, r})
		if len(tb.stamps) > 4*len(tb.order)+1000 {
			tb.compact()
		}
	}
	for _, f := range tb.obj.fields {
		if !f.indexed() {
			continue
		}
		v, ok := fields[f.name].(string)
		if !ok || v == "" || old != nil && old[f.name] == v {
			continue
		}
		m := tb.index[f.name]
		if m == nil {
			m = map[string][]*row{}
			tb.index[f.name] = m
		}
		key := strings.ToLower(v)
		if rows := m[key]; len(rows) == 0 || rows[len(rows)-1] != r {
			m[key] = append(rows, r)
		}
	}
}

// compact drops the stamps of states that nobody can see any more.
func (tb *table) compact() {
	tb.stamps = tb.stamps[:0]
	for _, r := range tb.order {
		for _, v := range r.versions {
			if at, ok := v.fields["SystemModstamp"].(time.Time); ok {
				tb.stamps = append(tb.stamps, stampEntry{at, r})
			}
		}
	}
	tb.unsorted = true
}

// since returns the rows that have, or had, a state stamped at or after from.
func (tb *table) since(from time.Time) []*row {
	if tb.unsorted {
		sort.SliceStable(tb.stamps, func(i, j int) bool { return tb.stamps[i].at.Before(tb.stamps[j].at) })
		tb.unsorted = false
	}
	start := sort.Search(len(tb.stamps), func(i int) bool { return !tb.stamps[i].at.Before(from) })
	rows := make([]*row, 0, len(tb.stamps)-start)
	for _, e := range tb.stamps[start:] {
		if tb.rows[e.row.id] == e.row {
			rows = append(rows, e.row)
		}
	}
	return rows
}

// from returns the rows whose id is id or comes after it, in the ids' order.
func (tb *table) from(id string) []*row {
	if tb.jumbled {
		slices.SortFunc(tb.order, func(a, b *row) int { return strings.Compare(a.id, b.id) })
		tb.jumbled = false
	}
	start, _ := slices.BinarySearchFunc(tb.order, id, func(r *row, id string) int { return strings.Compare(r.id, id) })
	return tb.order[start:]
}

// byValue returns the rows that may hold one of the values in an indexed field.
func (tb *table) byValue(name string, vals ...string) []*row {
	var rows []*row
	for _, v := range vals {
		for _, r := range tb.index[name][strings.ToLower(v)] {
			if tb.rows[r.id] == r {
				rows = append(rows, r)
			}
		}
	}
	return rows
}

// holders returns the rows whose newest state has the value, without the deleted ones; text has no case.
func (tb *table) holders(name, value string) []*row {
	var rows []*row
	for _, r := range tb.byValue(name, value) {
		v, _ := r.last()[name].(string)
		if strings.EqualFold(v, value) && !r.deleted() && tb.rows[r.id] == r && !slices.Contains(rows, r) {
			rows = append(rows, r)
		}
	}
	return rows
}

func saltOf(id string, seed uint64) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	x := h.Sum64() ^ (seed * 0x9e3779b97f4a7c15)
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	return x ^ x>>33
}
