package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// listMissing is the list of mapped fields that a CRM does not show us. It is
// not stored: it is what the connectors know now, and empties itself when the
// field is there.
const listMissing = "missing field"

// lacking is the mapped fields that a connection does not show us, as
// "kind.field".
func (d *daemon) lacking(name string) []string {
	lacker, ok := d.config.Conns[name].(connectors.Lacker)
	if !ok {
		return nil
	}
	var out []string
	for _, w := range d.book.Rules().Watched(name) {
		for _, f := range lacker.Lacks(w.Kind, slices.DeleteFunc(w.Fields, func(f string) bool { return slices.Contains(w.Own, f) })) {
			out = append(out, string(w.Kind)+"."+f)
		}
	}
	return out
}

// missing is what is lacking everywhere, as an admin sees it.
func (d *daemon) missing(now time.Time) []entry {
	var out []entry
	for _, name := range slices.Sorted(maps.Keys(d.config.Conns)) {
		for _, f := range d.lacking(name) {
			out = append(out, entry{Listing: state.Listing{
				List: listMissing, Subject: name + " " + f, Count: 1, First: now, Last: now,
				Text: fmt.Sprintf("the mapping names it, and %s does not show it to us; it is read as blank", name),
			}})
		}
	}
	return out
}
