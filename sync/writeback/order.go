package writeback

import (
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// order keeps changes of one record in the order they were decided: one that
// was put off, after a failure or to look first, must not come back over a
// younger one.
type order struct{ off map[connectors.Ref][]string }

// fill finds what an earlier process has put off.
func (o *order) fill(entries []state.Intent) {
	for _, i := range entries {
		if i.Due.After(i.Created) {
			o.putOff(i)
		}
	}
}

// putOff remembers the updates among entries that were put off.
func (o *order) putOff(entries ...state.Intent) {
	if o.off == nil {
		o.off = map[connectors.Ref][]string{}
	}
	for _, i := range entries {
		if ref := i.Write.Ref; !i.Write.Creates() && !slices.Contains(o.off[ref], i.Write.Key) {
			o.off[ref] = append(o.off[ref], i.Write.Key)
		}
	}
}

// waits reports whether an older update of the same record has been put off
// and is still wanted. What is wanted no more is forgotten.
func (o *order) waits(tx state.Tx, i state.Intent) bool {
	ref := i.Write.Ref
	if len(o.off[ref]) == 0 {
		return false
	}
	older := false
	o.off[ref] = slices.DeleteFunc(o.off[ref], func(key string) bool {
		old, there := state.GetIntent(tx, key)
		if !there || old.State == state.Parked {
			return true
		}
		older = older || key != i.Write.Key && old.Created.Before(i.Created)
		return false
	})
	if len(o.off[ref]) == 0 {
		delete(o.off, ref)
	}
	return older
}

// over forgets an entry that is not waiting any more.
func (o *order) over(i state.Intent) {
	ref := i.Write.Ref
	if left := slices.DeleteFunc(o.off[ref], func(key string) bool { return key == i.Write.Key }); len(left) > 0 {
		o.off[ref] = left
	} else {
		delete(o.off, ref)
	}
}
