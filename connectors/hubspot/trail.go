package hubspot

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

var _ connectors.Historian = (*Connector)(nil)

// historySize is how many records one read with history may name: half of a
// plain one's (object APIs, propertiesWithHistory).
const historySize = 50

// pastRead is the body of a batch/read with history.
type pastRead struct {
	Properties  []string `json:"properties"`
	WithHistory []string `json:"propertiesWithHistory"`
	Inputs      []input  `json:"inputs"`
}

// pastBatch is the answer of a batch/read with history.
type pastBatch struct {
	Results []struct {
		ID      id                `json:"id"`
		History map[string][]past `json:"propertiesWithHistory"`
	} `json:"results"`
	Errors []problem `json:"errors"`
}

// past is one value that a property has had.
type past struct {
	Value      string `json:"value"`
	Timestamp  stamp  `json:"timestamp"`
	SourceType string `json:"sourceType"`
	SourceID   string `json:"sourceId"`
	UserID     id     `json:"updatedByUserId"`
}

// Trail implements connectors.Historian: one call for each 50 ids. HubSpot
// keeps the last twenty values of a contact's property and more of the others. A row that
// the portal fails to read, twice, is left out.
func (c *Connector) Trail(ctx context.Context, kind connectors.Kind, ids []string, field string, since time.Time) (map[string][]connectors.FieldValue, error) {
	info, ok := infoOf(kind)
	if !ok {
		return nil, unknownKind("read the history of", kind)
	}
	name := propertyOf(kind, field)
	valid := slices.DeleteFunc(slices.Clone(ids), func(one string) bool { return !isNumber(one) })
	out := make(map[string][]connectors.FieldValue, len(valid))
	var missed error
	for chunk := range slices.Chunk(valid, historySize) {
		found, failed, err := c.pasts(ctx, info, name, chunk)
		if err == nil && failed != nil { // some rows did not fail for being gone: once more, those only
			var more map[string][]past
			rest := slices.DeleteFunc(slices.Clone(chunk), func(one string) bool { _, ok := found[one]; return ok })
			more, failed, err = c.pasts(ctx, info, name, rest)
			maps.Copy(found, more)
		}
		if err == nil && len(found) == 0 {
			err = failed
		}
		missed = cmp.Or(missed, err)
		for _, one := range chunk {
			if past, told := found[one]; told || failed == nil && err == nil {
				out[one] = c.trailOf(past, since)
			}
		}
	}
	if len(out) == 0 && missed != nil {
		return nil, missed
	}
	for _, one := range ids {
		if !isNumber(one) {
			out[one] = nil
		}
	}
	return out, missed
}

// pasts is one read with history. Failed is the first error of a row that is not about a
// record being gone: without it nobody would seem to have changed that record.
func (c *Connector) pasts(ctx context.Context, info kindInfo, name string, ids []string) (found map[string][]past, failed, err error) {
	body := pastRead{Properties: []string{}, WithHistory: []string{name}, Inputs: make([]input, len(ids))}
	for i, one := range ids {
		body.Inputs[i] = input{one}
	}
	var answer pastBatch
	op := "read the history of " + info.path
	if err := c.read(ctx, "read", op, http.MethodPost, c.objects(info, "/batch/read"), url.Values{"archived": {"false"}}, body, &answer); err != nil {
		return nil, nil, err
	}
	found = make(map[string][]past, len(answer.Results))
	for _, r := range answer.Results {
		found[string(r.ID)] = r.History[name]
	}
	for i := range answer.Errors {
		if cerr := c.rowError(&answer.Errors[i], op, false); cerr.Class != connectors.NotFound {
			return found, cerr, nil
		}
	}
	return found, nil, nil
}

// trailOf is a property's past since an instant, newest first, with what stood
// there before. HubSpot says newest first; the order is not left to that.
func (c *Connector) trailOf(all []past, since time.Time) []connectors.FieldValue {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b past) int { return b.Timestamp.Compare(a.Timestamp.Time) })
	var out []connectors.FieldValue
	for _, p := range all {
		v := connectors.FieldValue{At: p.Timestamp.Time, By: c.by(&p), Actor: p.actor()}
		if p.Value != "" {
			v.Value = p.Value
		}
		out = append(out, v)
		if p.Timestamp.Before(since) {
			break
		}
	}
	return out
}

// by names the hand of a value: somebody's user, else the program as far as HubSpot says.
func (c *Connector) by(p *past) string {
	if who := c.hand(string(p.UserID)); who != "" {
		return who
	}
	return strings.TrimSpace(strings.ToLower(p.SourceType) + " " + p.SourceID)
}

// actor reads who the source is. Another program and we ourselves have the
// same source type; a program is told from us by what it wrote and when. What
// is not listed here is nobody we know, and so counts as a person.
func (p *past) actor() connectors.Actor {
	switch p.SourceType {
	case "CRM_UI", "CRM_UI_BULK_ACTION", "MOBILE_IOS", "MOBILE_ANDROID", "SIDEKICK", "IMPORT":
		return connectors.ActorPerson
	case "AUTOMATION_PLATFORM", "WORKFLOWS", "AUTOMATION_JOURNEY", "CALCULATED", "ASSOCIATIONS", "FORM", "PROPERTY_SETTINGS":
		return connectors.ActorAutomation
	case "INTEGRATION", "INTEGRATIONS_PLATFORM", "INTEGRATIONS_SYNC", "API", "SALESFORCE", "DATASET":
		return connectors.ActorIntegration
	}
	return connectors.ActorUnknown
}
