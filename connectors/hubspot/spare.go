package hubspot

import (
	"context"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// mostSpared is how often a batch is sent once more without what was refused:
// one refusal need not name every field at fault.
const mostSpared = 3

// sendSpared sends writes once more that were refused for handoffd's own
// fields alone, without these: an admin has made another type of a property or
// taken an option away, and the owner must not wait for that (C15, C18).
func (c *Connector) sendSpared(ctx context.Context, chunk []*pending) {
	for range mostSpared {
		var rest []*pending
		for _, p := range chunk {
			if p.spare() {
				rest = append(rest, p)
			}
		}
		if len(rest) == 0 {
			break
		}
		c.forget(rest[0].info) // it is not as we knew it
		if rest[0].write.Creates() {
			c.create(ctx, rest)
		} else {
			c.update(ctx, rest)
		}
	}
	c.ownersAlone(ctx, chunk)
}

// ownersAlone sends once more, and nothing but the owner, changes that the
// portal's own rules refuse for something else in them: the owner comes first,
// and what had to stay out is named with HubSpot's words (C15). Where the owner is
// refused as well, the first refusal stands.
func (c *Connector) ownersAlone(ctx context.Context, chunk []*pending) {
	refused := map[*pending]connectors.Result{}
	var rest []*pending
	for _, p := range chunk {
		_, owner := p.props[ownerProperty]
		e := p.result.Err
		if e == nil || e.Class != connectors.Invalid || !owner || len(p.props) == 1 || p.write.Creates() || p.info.path == string(tasks) || slices.Contains(e.Fields, ownerProperty) {
			continue
		}
		refused[p] = *p.result
		p.result.Refused = e.Error()
		for name := range p.props {
			if name != ownerProperty {
				delete(p.props, name)
				p.result.Skipped = append(p.result.Skipped, name)
			}
		}
		slices.Sort(p.result.Skipped)
		p.result.Err = nil
		rest = append(rest, p)
	}
	if len(rest) == 0 {
		return
	}
	c.update(ctx, rest)
	for _, p := range rest {
		if p.result.Err != nil {
			*p.result = refused[p]
		}
	}
}

// spare takes out of a refused write the own fields that the refusal names. It
// reports whether they are all that it names and something else is left.
func (p *pending) spare() bool {
	e := p.result.Err
	if e == nil || e.Class != connectors.Invalid || len(e.Fields) == 0 || len(e.Fields) >= len(p.props) {
		return false
	}
	for _, name := range e.Fields {
		if _, set := p.props[name]; !set || name == keyProperty || !strings.HasPrefix(name, connectors.OwnFieldPrefix) {
			return false
		}
	}
	for _, name := range e.Fields {
		delete(p.props, name)
		p.result.Skipped = append(p.result.Skipped, name)
	}
	slices.Sort(p.result.Skipped)
	p.result.Err = nil
	return true
}
