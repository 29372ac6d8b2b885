package hubspot

import (
	"context"
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
// keeps the last twenty values of a contact's property and more of the others.
func (c *Connector) Trail(ctx context.Context, kind connectors.Kind, ids []string, field string, since time.Time) (map[string][]connectors.FieldValue, error) {
	info, ok := infoOf(kind)
	if !ok {
		return nil, unknownKind("read the history of", kind)
	}
	name := propertyOf(kind, field)
	valid := slices.DeleteFunc(slices.Clone(ids), func(one string) bool { return !isNumber(one) })
	out := make(map[string][]connectors.FieldValue, len(valid))
	for chunk := range slices.Chunk(valid, historySize) {
		body := pastRead{Properties: []string{}, WithHistory: []string{name}, Inputs: make([]input, len(chunk))}
		for i, one := range chunk {
			body.Inputs[i] = input{one}
		}
		var answer pastBatch
		op := "read the history of " + info.path
		err := c.read(ctx, "read", op, http.MethodPost, c.objects(info, "/batch/read"), url.Values{"archived": {"false"}}, body, &answer)
		if err != nil {
			return nil, err
		}
		for _, r := range answer.Results {
			if trail := trailOf(r.History[name], since); len(trail) > 0 && slices.Contains(chunk, string(r.ID)) {
				out[string(r.ID)] = trail
			}
		}
	}
	return out, nil
}

// trailOf is a property's past since an instant, newest first, with what stood
// there before. HubSpot says newest first; the order is not left to that.
func trailOf(all []past, since time.Time) []connectors.FieldValue {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b past) int { return b.Timestamp.Compare(a.Timestamp.Time) })
	var out []connectors.FieldValue
	for _, p := range all {
		v := connectors.FieldValue{At: p.Timestamp.Time, By: p.by(), Actor: p.actor()}
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

func (p *past) by() string {
	switch {
	case p.UserID != "" && p.UserID != "0":
		return "user " + string(p.UserID)
	case p.SourceID != "":
		return strings.ToLower(p.SourceType) + " " + p.SourceID
	}
	return strings.ToLower(p.SourceType)
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
