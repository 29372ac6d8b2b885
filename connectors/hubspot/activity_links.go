package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

const (
	// fewLinks is how many activities are asked about one by one: each such
	// call tells of all the kinds at once.
	fewLinks = 2
	// mostKnown bounds what is remembered of activities: a window is read again
	// within its overlap, and what has been asked is not asked again.
	mostKnown = 5000
)

// knownLinks is what an activity of one version is about.
type knownLinks struct {
	version string
	refs    []connectors.Ref
}

// subjects are the kinds that activities are asked to be about: those that are
// polled, since a handoff can be about no other.
func (c *Connector) subjects(polls []connectors.Poll) []connectors.Kind {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range polls {
		if _, ok := infoOf(p.Kind); ok && p.Kind != connectors.Task && p.Kind != tasks && !slices.Contains(c.polled, p.Kind) {
			c.polled = append(c.polled, p.Kind)
			slices.Sort(c.polled)
		}
	}
	if len(c.polled) == 0 {
		return []connectors.Kind{companies, contacts, deals}
	}
	return slices.Clone(c.polled)
}

// linkActivities fills in what people's own activities are about. Tasks of
// ours are known by their key and cost nothing.
func (c *Connector) linkActivities(ctx context.Context, sort connectors.Kind, objects []connectors.Object, about []connectors.Kind) error {
	at := map[string]*connectors.Object{} // by HubSpot's own id
	var ids []string
	c.mu.Lock()
	for i := range objects {
		o := &objects[i]
		known, ok := c.links[o.Ref.ID]
		switch {
		case o.Fields[connectors.ActKey] != nil || o.Deleted:
		case ok && known.version == o.Version:
			o.Links = slices.Clone(known.refs)
		default:
			_, id, _ := splitActivity(o.Ref.ID)
			at[id], ids = o, append(ids, id)
		}
	}
	c.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	if sort != tasks { // of leads HubSpot documents the association with tasks alone
		about = slices.DeleteFunc(slices.Clone(about), func(kind connectors.Kind) bool { return kind == leads })
	}
	few := len(ids) <= fewLinks
	var err error
	if few {
		err = c.linksOneByOne(ctx, sort, ids, about, at)
	}
	if !few || connectors.ClassOf(err) == connectors.Denied { // one kind of several may be hidden
		err = c.linksInBatches(ctx, sort, ids, about, at)
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.links == nil || len(c.links) > mostKnown {
		c.links = map[string]knownLinks{}
	}
	for _, o := range at {
		if len(o.Links) > 0 { // one that is about nothing yet may be associated in a moment
			c.links[o.Ref.ID] = knownLinks{o.Version, slices.Clone(o.Links)}
		}
	}
	return nil
}

// linksOneByOne asks for each activity with all its associations.
func (c *Connector) linksOneByOne(ctx context.Context, sort connectors.Kind, ids []string, about []connectors.Kind, at map[string]*connectors.Object) error {
	info, _ := activityInfo(sort)
	names := make([]string, len(about))
	for i, kind := range about {
		names[i] = string(kind)
	}
	query := url.Values{"properties": {info.modified}, "associations": {strings.Join(names, ",")}, "archived": {"false"}}
	for _, one := range ids {
		var answer struct {
			Associations map[string]struct {
				Results []struct {
					ID id `json:"id"`
				} `json:"results"`
				Paging paging `json:"paging"`
			} `json:"associations"`
		}
		err := c.read(ctx, "poll", "read what "+info.path+" are about", http.MethodGet, c.objects(info, "/"+one), query, nil, &answer)
		if connectors.ClassOf(err) == connectors.NotFound {
			continue // gone since
		}
		if err != nil {
			return err
		}
		for _, kind := range about {
			beside := answer.Associations[string(kind)]
			for _, to := range beside.Results {
				linkTo(at[one], c.ref(kind, string(to.ID)))
			}
			if beside.Paging.Next.After == "" {
				continue
			}
			if err := c.linksInBatches(ctx, sort, []string{one}, []connectors.Kind{kind}, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// linksInBatches asks for a thousand activities at once, kind by kind.
func (c *Connector) linksInBatches(ctx context.Context, sort connectors.Kind, ids []string, about []connectors.Kind, at map[string]*connectors.Object) error {
	for _, kind := range about {
		info, _ := infoOf(kind)
		op := fmt.Sprintf("read the %s of %s", info.path, sort)
		path := fmt.Sprintf("/crm/associations/%s/%s/%s/batch/read", c.version, sort, info.path)
		err := c.associated(ctx, "poll", op, path, ids, func(from string, to associated) {
			if o := at[from]; o != nil {
				linkTo(o, c.ref(kind, string(to.ID)))
			}
		})
		if connectors.ClassOf(err) == connectors.Denied {
			continue // what we may not see no handoff of ours is about
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// linkTo notes once that an activity is about a record: an association with
// several labels is told several times.
func linkTo(o *connectors.Object, ref connectors.Ref) {
	if !slices.Contains(o.Links, ref) {
		o.Links = append(o.Links, ref)
	}
}
