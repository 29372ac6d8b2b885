package salesforce

import (
	"context"
	"slices"

	"github.com/handoffd/handoffd/connectors"
)

// ownersAlone writes once more, and nothing but the owner, changes that the org's
// own rules refuse for something else in them: the owner comes first, and what
// had to stay out is named with the org's words (C15). Where the owner is refused
// as well, the first refusal stands.
func (o *org) ownersAlone(ctx context.Context, writes []connectors.Write, results []connectors.Result) {
	var some []connectors.Write
	var places []int
	for i, w := range writes {
		if e := results[i].Err; e != nil && e.Class == connectors.Invalid && moreThanOwner(w) && !slices.Contains(e.Fields, ownerColumn) {
			w.Set = map[string]any{ownerColumn: w.Set[ownerColumn]}
			some, places = append(some, w), append(places, i)
		}
	}
	if len(some) == 0 {
		return
	}
	second, _, err := o.applyOnce(ctx, some)
	if err != nil {
		return
	}
	for n, i := range places {
		if second[n].Err != nil {
			continue
		}
		second[n].Skipped, second[n].Refused = without(writes[i].Set, ownerColumn), o.scrub(results[i].Err).Error()
		results[i] = second[n]
	}
}

// moreThanOwner reports whether a write changes the owner of a record, and
// something besides.
func moreThanOwner(w connectors.Write) bool {
	_, owner := w.Set[ownerColumn]
	return owner && len(w.Set) > 1 && !w.Creates() && w.Ref.Kind != connectors.Task
}

// without are the names of what is set, in order, but for one.
func without(set map[string]any, name string) []string {
	var names []string
	for other := range set {
		if other != name {
			names = append(names, other)
		}
	}
	slices.Sort(names)
	return names
}
