package hubspot

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// committeeField is a name that a mapping may read of a deal and that is no
// property: the contacts associated with it, with their parts, as one text. It
// is never written.
const committeeField = "associated_contacts"

const (
	// mostMembers is how many contacts of one deal are named: a few dozen people
	// are a mailing list and no committee.
	mostMembers = 12
	// memberLife is how long the name and part of a contact are believed, so that
	// a deal that is read again costs no further call.
	memberLife = time.Hour
	// mostMembersKnown bounds what is remembered of them.
	mostMembersKnown = 5000
	// committeeHidden is how long contacts that we may not see are not asked for.
	committeeHidden = time.Hour
)

// tie is a contact associated with a deal.
type tie struct {
	id     string
	labels []string // the portal's own, in lower case: "decision maker"
}

// member is what is remembered of a contact.
type member struct {
	text  string // name and title; "": nothing to say of them, or gone
	parts []string
	at    time.Time
}

// committees reports whether a kind's associated contacts are asked for, and
// may be seen.
func (c *Connector) committees(kind connectors.Kind, fields []string) bool {
	if kind != deals || !slices.Contains(fields, committeeField) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.hidden) >= committeeHidden || c.hidden.IsZero()
}

// readCommittees is Read for deals with their contacts. One or two are asked
// for by their own addresses, which tell of both; more of them in a batch, with
// one call more for their associations. Contacts that we may not see cost that
// field and nothing else.
func (c *Connector) readCommittees(ctx context.Context, sel selection, ids []string) ([]connectors.Object, error) {
	var out []connectors.Object
	ties := make(map[string][]tie, len(ids))
	var err error
	if len(ids) <= fewLinks && len(strings.Join(sel.names, ",")) <= maxQuery {
		out, err = c.readTied(ctx, sel, ids, ties)
	} else if out, err = c.readChunk(ctx, sel, ids); err == nil {
		err = c.tiesOf(ctx, ids, ties)
	}
	if err == nil {
		err = c.nameTies(ctx, out, ties)
	}
	switch {
	case err == nil:
		return out, nil
	case connectors.ClassOf(err) != connectors.Denied:
		return nil, err // without their people they are not read
	}
	c.mu.Lock()
	c.hidden = time.Now()
	c.mu.Unlock()
	return c.readChunk(ctx, sel, ids)
}

// readTied reads deals one by one.
func (c *Connector) readTied(ctx context.Context, sel selection, ids []string, ties map[string][]tie) ([]connectors.Object, error) {
	out := make([]connectors.Object, 0, len(ids))
	for _, one := range ids {
		o, r, err := c.lookUpRow(ctx, sel, one, contacts)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
		beside := r.Associations[string(contacts)]
		for _, to := range beside.Results {
			ties[one] = tied(ties[one], string(to.ID), labelOf(to.Type))
		}
		if beside.Paging.Next.After == "" {
			continue
		}
		if err := c.tiesOf(ctx, []string{one}, ties); err != nil { // a record shows no more than its first hundred
			return nil, err
		}
	}
	return out, nil
}

// plainTie is what HubSpot calls an association without a label.
const plainTie = "deal_to_contact"

// labelOf is the name of an association type as a label. Records' own
// addresses name types with underscores, batches with the label as it is
// written, so both are brought to one form: otherwise a deal would read
// differently alone and in company.
func labelOf(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if strings.TrimSuffix(name, "_unlabeled") == plainTie {
		return ""
	}
	return strings.ReplaceAll(name, "_", " ")
}

// tied adds an association, and its label.
func tied(ties []tie, contact, label string) []tie {
	i := slices.IndexFunc(ties, func(t tie) bool { return t.id == contact })
	if i < 0 {
		i, ties = len(ties), append(ties, tie{id: contact})
	}
	if label != "" && !slices.Contains(ties[i].labels, label) {
		ties[i].labels = append(ties[i].labels, label)
	}
	return ties
}

// tiesOf reads the contacts of many deals: one call for a thousand of them.
func (c *Connector) tiesOf(ctx context.Context, ids []string, ties map[string][]tie) error {
	path := fmt.Sprintf("/crm/associations/%s/deals/contacts/batch/read", c.version)
	return c.associated(ctx, "read", "read the contacts of deals", path, ids, func(deal string, to associated) {
		ties[deal] = tied(ties[deal], string(to.ID), "")
		for _, t := range to.Types {
			ties[deal] = tied(ties[deal], string(to.ID), labelOf(t.Label))
		}
	})
}

// nameTies writes the contacts of each deal into its field.
func (c *Connector) nameTies(ctx context.Context, objects []connectors.Object, ties map[string][]tie) error {
	shown := make(map[string][]tie, len(ties))
	var ids []string
	for i := range objects {
		deal := objects[i].Ref.ID
		all := ties[deal]
		slices.SortFunc(all, func(a, b tie) int {
			return cmp.Or(cmp.Compare(min(len(b.labels), 1), min(len(a.labels), 1)), cmp.Compare(len(a.id), len(b.id)), cmp.Compare(a.id, b.id))
		})
		shown[deal] = all[:min(len(all), mostMembers)]
		for _, t := range shown[deal] {
			ids = append(ids, t.id)
		}
	}
	known, err := c.members(ctx, ids)
	if err != nil {
		return err
	}
	for i := range objects {
		deal := objects[i].Ref.ID
		if objects[i].Fields == nil { // gone, or merged into another
			continue
		}
		if text := committee(shown[deal], len(ties[deal])-len(shown[deal]), known); text != "" {
			objects[i].Fields[committeeField] = text
		}
	}
	return nil
}

// committee is the contacts as one text, those who have a part first: "Dana
// Ito, VP Sales (champion); Lee Okafor".
func committee(ties []tie, more int, known map[string]member) string {
	var with, without []string
	for _, t := range ties {
		m := known[t.id]
		if m.text == "" {
			continue
		}
		parts := slices.Concat(t.labels, m.parts)
		slices.Sort(parts)
		if parts = slices.Compact(parts); len(parts) > 0 {
			with = append(with, m.text+" ("+strings.Join(parts, ", ")+")")
		} else {
			without = append(without, m.text)
		}
	}
	slices.Sort(with)
	slices.Sort(without)
	all := slices.Concat(with, without)
	if more > 0 && len(all) > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, "; ")
}

// members are the names and parts of contacts: those that are not remembered
// are read, 100 a call.
func (c *Connector) members(ctx context.Context, ids []string) (map[string]member, error) {
	now := time.Now()
	out := make(map[string]member, len(ids))
	var unknown []string
	c.mu.Lock()
	for _, one := range ids {
		if m, ok := c.known[one]; ok && now.Sub(m.at) < memberLife {
			out[one] = m
		} else {
			unknown = append(unknown, one)
		}
	}
	c.mu.Unlock()
	slices.Sort(unknown)
	if unknown = slices.Compact(unknown); len(unknown) == 0 {
		return out, nil
	}
	info, _ := infoOf(contacts)
	s, err := c.schemaOf(ctx, info)
	if err != nil {
		return nil, err
	}
	names := slices.DeleteFunc([]string{"firstname", "lastname", "email", "jobtitle", "hs_buying_role"}, func(name string) bool { return !s.has(name) })
	for chunk := range slices.Chunk(unknown, batchSize) {
		rows, failed, err := c.readBatch(ctx, "read", info, "", chunk, names)
		if err == nil && failed != nil {
			err = failed
		}
		if err != nil {
			return nil, err
		}
		for _, one := range chunk {
			out[one] = member{at: now} // of one that is gone there is nothing to say
		}
		for i := range rows {
			out[string(rows[i].ID)] = memberOf(&rows[i], now)
		}
	}
	c.remember(out)
	return out, nil
}

func (c *Connector) remember(found map[string]member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known)+len(found) > mostMembersKnown {
		c.known = make(map[string]member, len(found))
	}
	for one, m := range found {
		c.known[one] = m
	}
}

// memberOf is a contact's name, title and part in the buying.
func memberOf(r *row, now time.Time) member {
	p := r.Properties
	m := member{at: now, text: cmp.Or(strings.TrimSpace(p["firstname"]+" "+p["lastname"]), p["email"])}
	if m.text != "" && p["jobtitle"] != "" {
		m.text += ", " + p["jobtitle"]
	}
	m.text = strings.ReplaceAll(m.text, ";", ",")
	for part := range strings.SplitSeq(p["hs_buying_role"], ";") {
		if part = labelOf(part); part != "" {
			m.parts = append(m.parts, part)
		}
	}
	return m
}
