package hubspot

import (
	"context"
	"errors"

	"github.com/handoffd/handoffd/connectors"
)

// leadName is the one property a lead must have (leads guide).
const leadName = "hs_lead_name"

// finishLead refuses what HubSpot would refuse in other words: a lead is made
// for a contact that exists, its primary one, and has a name.
func finishLead(p *pending) *connectors.Error {
	if !p.write.Creates() {
		return nil
	}
	refuse := func(field, why string) *connectors.Error {
		return &connectors.Error{Class: connectors.Invalid, Op: "create leads", Fields: []string{field}, Err: errors.New(why)}
	}
	if p.props[leadName] == "" {
		return refuse(leadName, "HubSpot makes no lead without a name")
	}
	for _, a := range p.associations {
		for _, t := range a.Types {
			if _, primary := linkTypes(string(leads), string(contacts)); t.ID == primary {
				return nil
			}
		}
	}
	return refuse("link:contacts", "HubSpot makes no lead without a contact that it belongs to")
}

// linkLeads fills in the contacts that leads belong to, the primary one first:
// one call for a thousand of them. No property of a lead holds that.
func (c *Connector) linkLeads(ctx context.Context, objects []connectors.Object) error {
	var ids []string
	at := make(map[string]int)
	for i, o := range objects {
		if !o.Deleted && o.MovedTo.IsZero() {
			ids, at[o.Ref.ID] = append(ids, o.Ref.ID), i
		}
	}
	path := "/crm/associations/" + c.version + "/leads/contacts/batch/read"
	_, primary := linkTypes(string(leads), string(contacts))
	return c.associated(ctx, "read", "read the contacts of leads", path, ids, func(from string, to associated) {
		i, asked := at[from]
		switch ref := c.ref(contacts, string(to.ID)); {
		case !asked:
		case to.has(primary):
			objects[i].Links = append([]connectors.Ref{ref}, objects[i].Links...)
		default:
			objects[i].Links = append(objects[i].Links, ref)
		}
	})
}
