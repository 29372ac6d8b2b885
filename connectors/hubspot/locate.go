package hubspot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// otherEmails holds a contact's further addresses, which are as unique as the
// first.
const otherEmails = "hs_additional_emails"

// Locate implements connectors.Locator: one batch/read by a unique property
// for each 100 values. HubSpot can do that for the e-mail address of a contact
// and for any property made unique; a question about another field is refused,
// because only the search index could answer it.
func (c *Connector) Locate(ctx context.Context, questions []connectors.Question, fields map[connectors.Kind][]string) ([][]connectors.Object, error) {
	return c.locate(ctx, "locate", questions, fields)
}

// place is one batch/read that answers questions.
type place struct {
	kind  connectors.Kind
	field string
}

func (c *Connector) locate(ctx context.Context, purpose string, questions []connectors.Question, fields map[connectors.Kind][]string) ([][]connectors.Object, error) {
	out := make([][]connectors.Object, len(questions))
	var order []place
	values := make(map[place][]string)
	for _, q := range questions {
		for _, kind := range q.Kinds {
			if _, ok := infoOf(kind); !ok || q.Value == "" {
				continue
			}
			at := place{kind, q.Field}
			if values[at] == nil {
				order = append(order, at)
			}
			values[at] = append(values[at], normal(q.Field, q.Value))
		}
	}
	held := make(map[place]map[string][]connectors.Object)
	for _, at := range order {
		list := values[at]
		slices.Sort(list)
		found, err := c.holders(ctx, purpose, at, slices.Compact(list), fields[at.kind])
		if err != nil {
			return nil, err
		}
		held[at] = found
	}
	for i, q := range questions {
		for _, kind := range q.Kinds {
			out[i] = append(out[i], held[place{kind, q.Field}][normal(q.Field, q.Value)]...)
		}
	}
	return out, nil
}

// normal is a value as it is compared.
func normal(field, value string) string {
	if field == "email" {
		return strings.ToLower(strings.TrimSpace(value))
	}
	return value
}

// holders are the records of a kind that hold each of the values.
func (c *Connector) holders(ctx context.Context, purpose string, at place, values, fields []string) (map[string][]connectors.Object, error) {
	info, _ := infoOf(at.kind)
	s, err := c.schemaOf(ctx, info)
	if err != nil {
		return nil, err
	}
	email := at.kind == contacts && at.field == "email"
	if !email && s.known && !s.unique(at.field) {
		return nil, &connectors.Error{
			Class: connectors.Invalid, Op: "locate " + info.path, Fields: []string{at.field},
			Err: fmt.Errorf("%s is not unique in HubSpot, so records cannot be found by it without its search index", at.field),
		}
	}
	sel := choose(at.kind, info, s, fields)
	names := append(slices.Clone(sel.names), at.field)
	if email && s.has(otherEmails) {
		names = append(names, otherEmails)
	}
	out := make(map[string][]connectors.Object)
	for chunk := range slices.Chunk(values, batchSize) {
		rows, failed, err := c.readBatch(ctx, purpose, info, at.field, chunk, names)
		if err != nil {
			return nil, err
		}
		if failed != nil {
			return nil, failed
		}
		for i := range rows {
			r := &rows[i]
			own := []string{r.Properties[at.field]}
			if email {
				own = append(own, strings.Split(r.Properties[otherEmails], ";")...)
			}
			for _, value := range own {
				value = normal(at.field, value)
				if _, asked := slices.BinarySearch(chunk, value); asked {
					out[value] = append(out[value], c.object(sel, r))
				}
			}
		}
	}
	return out, nil
}
