package hubspot

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// flow is a workflow as the automation API shows it; a list leaves the actions
// out (workflows v4).
type flow struct {
	ID      id                `json:"id"`
	Name    string            `json:"name"`
	Enabled bool              `json:"isEnabled"`
	Object  string            `json:"objectTypeId"`
	Actions []json.RawMessage `json:"actions"`
}

// mostFlows bounds how many workflows are looked into.
const mostFlows = 2000

// inspectFlows looks for workflows that set what handoffd writes: the owner
// first of all. Both would take turns.
func (c *Connector) inspectFlows(ctx context.Context, q connectors.Inspection) ([]connectors.Finding, error) {
	const code = "workflow-sets-field"
	ids, err := c.flowIDs(ctx, q)
	if hidden(err) {
		return []connectors.Finding{{
			Code: code, Level: connectors.Unseen, Subject: "workflows", Text: "whether a workflow sets owners cannot be seen: " + err.Error(),
			Fix: "grant the scope automation to see it, or look in HubSpot under Automation > Workflows for the actions Set property value and Rotate record to owner",
		}}, nil
	}
	if err != nil {
		return nil, err
	}
	var out []connectors.Finding
	for chunk := range slices.Chunk(ids, batchSize) {
		flows, err := c.readFlows(ctx, chunk)
		if err != nil {
			return out, err
		}
		for _, f := range flows {
			kind, ok := kindOfType(f.Object)
			if sets := f.sets(written(q, kind)); ok && len(sets) > 0 {
				out = append(out, connectors.Finding{
					Code: code, Level: connectors.Warning, Subject: "workflow " + f.Name,
					Text: fmt.Sprintf("it sets %s of %s, which handoffd writes too: whoever comes last wins", strings.Join(sets, ", "), kind),
					Fix:  "take the action out of the workflow or let it skip records whose handoff_status is filled; the rules can do what it does",
				})
			}
		}
	}
	if len(out) == 0 {
		out = append(out, connectors.Finding{Code: code, Level: connectors.Fine, Subject: "workflows", Text: fmt.Sprintf("none of %d active workflows sets what handoffd writes", len(ids))})
	}
	return out, nil
}

// written are the properties of a kind that the rules write, the owner always.
func written(q connectors.Inspection, kind connectors.Kind) []string {
	out := []string{ownerProperty}
	for _, field := range q.Writes[kind] {
		out = append(out, propertyOf(kind, field))
	}
	return sortedUnion(out)
}

// flowIDs are the active workflows of the kinds that the rules write or watch.
func (c *Connector) flowIDs(ctx context.Context, q connectors.Inspection) ([]string, error) {
	var out []string
	after := ""
	for len(out) < mostFlows {
		query := url.Values{"limit": {"100"}}
		if after != "" {
			query.Set("after", after)
		}
		var answer struct {
			Results []flow `json:"results"`
			Paging  paging `json:"paging"`
		}
		if err := c.read(ctx, "schema", "list workflows", http.MethodGet, "/automation/v4/flows", query, nil, &answer); err != nil {
			return nil, err
		}
		for _, f := range answer.Results {
			kind, ok := kindOfType(f.Object)
			if ok && f.Enabled && (slices.Contains(q.Kinds, kind) || len(q.Writes[kind]) > 0) {
				out = append(out, string(f.ID))
			}
		}
		next := string(answer.Paging.Next.After)
		if next == "" || next == after {
			return out, nil
		}
		after = next
	}
	return out, nil
}

func (c *Connector) readFlows(ctx context.Context, ids []string) ([]flow, error) {
	type flowInput struct {
		ID   string `json:"flowId"`
		Type string `json:"type"`
	}
	var body struct {
		Inputs []flowInput `json:"inputs"`
	}
	for _, one := range ids {
		body.Inputs = append(body.Inputs, flowInput{one, "FLOW_ID"})
	}
	var answer struct {
		Results []flow `json:"results"`
	}
	err := c.read(ctx, "schema", "read workflows", http.MethodPost, "/automation/v4/flows/batch/read", nil, body, &answer)
	return answer.Results, err
}

// sets are those of the properties that an action of the workflow sets. An
// action that hands records out in turn sets the owner without naming it.
func (f flow) sets(properties []string) []string {
	var out []string
	for _, raw := range f.Actions {
		var action struct {
			Fields struct {
				Property string `json:"property_name"`
				Target   struct {
					Property string `json:"propertyName"`
				} `json:"target_property"`
			} `json:"fields"`
		}
		if json.Unmarshal(raw, &action) != nil { // a shape we do not know sets nothing that we can name
			continue
		}
		for _, name := range []string{action.Fields.Property, action.Fields.Target.Property} {
			if slices.Contains(properties, name) {
				out = append(out, name)
			}
		}
		if strings.Contains(strings.ToLower(string(raw)), "rotat") {
			out = append(out, ownerProperty)
		}
	}
	return sortedUnion(out)
}
