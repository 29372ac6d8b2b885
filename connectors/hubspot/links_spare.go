package hubspot

import (
	"context"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// linkLimit is what HubSpot calls an association above the number that the
// portal's admin, or HubSpot itself, allows of a pair of objects.
const linkLimit = "ASSOCIATION_LIMIT_EXCEEDED"

// sendUnlinked makes what was refused for a limit of its associations with fewer
// of them: with the record it is about alone, else with all the others. Which
// were left out is named with HubSpot's words. One with no association at all is
// not made: nobody would find it on a record, and we not again (C15).
func (c *Connector) sendUnlinked(ctx context.Context, chunk []*pending) {
	refused := map[*pending]connectors.Result{}
	all := map[*pending][]association{}
	for _, p := range chunk {
		e := p.result.Err
		if p.write.Creates() && len(p.associations) > 1 && e != nil && e.Class == connectors.Invalid && strings.Contains(e.Error(), linkLimit) {
			refused[p], all[p] = *p.result, p.associations
		}
	}
	for _, first := range []bool{true, false} {
		var rest []*pending
		for _, p := range chunk {
			if all[p] == nil || p.result.Err == nil {
				continue
			}
			p.keepLinks(all[p], first, refused[p])
			rest = append(rest, p)
		}
		if len(rest) == 0 {
			return
		}
		c.create(ctx, rest)
		for _, p := range rest {
			if e := p.result.Err; e != nil && (e.Class != connectors.Invalid || !first) {
				if e.Class == connectors.Invalid {
					*p.result = refused[p]
				}
				delete(all, p)
			}
		}
	}
}

// keepLinks keeps the first association of a create, or all but that one.
func (p *pending) keepLinks(all []association, first bool, refused connectors.Result) {
	kept, left := all[:1], p.linked[1:]
	if !first {
		kept, left = all[1:], p.linked[:1]
	}
	p.associations = kept
	p.result.Skipped = slices.Clone(refused.Skipped)
	for _, kind := range left {
		p.result.Skipped = append(p.result.Skipped, "link:"+string(kind))
	}
	slices.Sort(p.result.Skipped)
	p.result.Skipped = slices.Compact(p.result.Skipped)
	p.result.Refused, p.result.Err = refused.Err.Error(), nil
}
