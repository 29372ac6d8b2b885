package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/crmhttp"
)

// Inspect implements connectors.Inspector. What our credentials may not see is
// Unseen, never fine. The error is about the connection: the findings up to it
// are true all the same.
func (c *Connector) Inspect(ctx context.Context, q connectors.Inspection) ([]connectors.Finding, error) {
	var out []connectors.Finding
	for _, look := range []func(context.Context, connectors.Inspection) ([]connectors.Finding, error){
		c.inspectScopes, c.inspectWebhooks, c.inspectTaskKey, c.inspectFlows, c.inspectSync, c.inspectRules, c.inspectWork, c.inspectVersion, c.inspectDay,
	} {
		found, err := look(ctx, q)
		out = append(out, found...)
		if err != nil {
			return out, fmt.Errorf("inspect HubSpot: %w", err)
		}
	}
	return out, nil
}

// hidden reports whether an error only says that we may not look: the
// permission is missing, or HubSpot has no such call for this sort of app.
func hidden(err error) bool {
	may := []connectors.Class{connectors.Denied, connectors.NotFound, connectors.Invalid, connectors.Schema}
	return slices.Contains(may, connectors.ClassOf(err))
}

func (c *Connector) inspectWebhooks(context.Context, connectors.Inspection) ([]connectors.Finding, error) {
	if len(c.secrets) > 0 {
		return []connectors.Finding{{Code: "webhooks", Level: connectors.Fine, Subject: "webhooks", Text: "a client secret is set, so webhooks can be verified"}}, nil
	}
	return []connectors.Finding{{
		Code: "webhooks", Level: connectors.Notice, Subject: "webhooks",
		Text: "no client secret is set: webhooks are refused and every change is found by polling, minutes later; a service key has no webhooks at all",
		Fix:  "for seconds instead of minutes, make a project app with static authentication in the HubSpot CLI, declare its webhooks, and set its TOKEN and CLIENT_SECRET",
	}}, nil
}

// inspectSync looks for the native Salesforce integration: it alone makes
// these properties.
func (c *Connector) inspectSync(ctx context.Context, _ connectors.Inspection) ([]connectors.Finding, error) {
	info, _ := infoOf(contacts)
	s, err := c.schemaOf(ctx, info)
	switch {
	case err != nil:
		return nil, err
	case !s.known:
		return []connectors.Finding{{Code: "native-sync", Level: connectors.Unseen, Subject: "Salesforce integration", Text: "the contacts' properties cannot be read", Fix: "grant crm.schemas.contacts.read"}}, nil
	}
	for _, name := range []string{"salesforceleadid", "salesforcecontactid"} {
		if s.has(name) {
			return []connectors.Finding{{
				Code: "native-sync", Level: connectors.Warning, Subject: "Salesforce integration",
				Text: "HubSpot's own Salesforce integration is installed (property " + name + "): it copies owners and creates records beside handoffd, minutes later",
				Fix:  "choose created_in_salesforce_by, give the owner to one CRM under authority, and take owner and handoff_ properties out of the integration's field mappings",
			}}, nil
		}
	}
	return []connectors.Finding{{Code: "native-sync", Level: connectors.Fine, Subject: "Salesforce integration", Text: "HubSpot's own Salesforce integration is not installed"}}, nil
}

// inspectRules can only say what to look at: no call shows the portal's rules
// about required properties.
func (c *Connector) inspectRules(_ context.Context, q connectors.Inspection) ([]connectors.Finding, error) {
	const code, subject = "required-rules", "properties required under a condition"
	if c.version <= LaxAPIVersion {
		return []connectors.Finding{{Code: code, Level: connectors.Fine, Subject: subject, Text: "API version " + c.version + " does not enforce them on what handoffd writes"}}, nil
	}
	var written []string
	for _, kind := range kinds() {
		if len(q.Writes[kind]) > 0 {
			written = append(written, string(kind))
		}
	}
	if len(written) == 0 {
		return nil, nil
	}
	return []connectors.Finding{{
		Code: code, Level: connectors.Unseen, Subject: subject,
		Text: "API version " + c.version + " enforces the portal's rules about required properties, and HubSpot shows them to nobody but admins",
		Fix:  "in Settings > Objects look at the conditional logic and the create form of " + strings.Join(written, ", ") + "; where one would refuse a write and must stay, set API_VERSION to " + LaxAPIVersion,
	}}, nil
}

// supported is how long HubSpot supports a dated version (versioning).
const supported = 18 // months

// inspectVersion warns before the API version ends (C18).
func (c *Connector) inspectVersion(context.Context, connectors.Inspection) ([]connectors.Finding, error) {
	born, err := time.Parse("2006-01", c.version)
	if err != nil { // New has checked it
		return nil, fmt.Errorf("read the API version: %w", err)
	}
	ends := born.AddDate(0, supported, 0)
	f := connectors.Finding{Code: "api-version", Level: connectors.Fine, Subject: c.version, Text: "supported until " + ends.Format("January 2006")}
	if left := time.Until(ends); left < 90*24*time.Hour {
		f.Level, f.Fix = connectors.Warning, "take a newer handoffd, or set API_VERSION to a newer version"
		if left < 0 {
			f.Level, f.Text = connectors.Failure, "unsupported since "+ends.Format("January 2006")
		}
	}
	return []connectors.Finding{f}, nil
}

// inspectDay reads what all apps of the account have used today (account
// information, API usage). HubSpot shows it for private apps only.
func (c *Connector) inspectDay(ctx context.Context, _ connectors.Inspection) ([]connectors.Finding, error) {
	const code, subject = "daily-calls", "calls a day"
	var answer struct {
		Results []struct {
			Limit  int   `json:"usageLimit"`
			Used   int   `json:"currentUsage"`
			Resets stamp `json:"resetsAt"`
		} `json:"results"`
	}
	err := c.read(ctx, "schema", "read the day's usage", http.MethodGet, "/account-info/"+c.version+"/api-usage/daily/private-apps", nil, nil, &answer)
	if hidden(err) {
		answer.Results = nil
	} else if err != nil {
		return nil, err
	}
	if len(answer.Results) == 0 || answer.Results[0].Limit <= 0 {
		return []connectors.Finding{{Code: code, Level: connectors.Unseen, Subject: subject, Text: "HubSpot does not tell this app the account's daily limit", Fix: "nothing to do; handoffd follows the refusals"}}, nil
	}
	day := answer.Results[0]
	c.http.SetDaily(day.Limit, max(0, day.Limit-day.Used))
	f := connectors.Finding{Code: code, Level: connectors.Fine, Subject: subject, Text: fmt.Sprintf("%d of %d are used by all apps together", day.Used, day.Limit)}
	if !day.Resets.IsZero() {
		f.Text += "; it starts again at " + day.Resets.Format(time.RFC3339)
	}
	if day.Used*5 >= day.Limit*4 {
		f.Level = connectors.Warning
		f.Fix = "find the app that uses them in Settings > Account > Usage & limits, lower api_share, or buy the API add-on; from a fifth left only owners and escalations are written"
	}
	return []connectors.Finding{f}, nil
}

// drop is a call that takes away what a probe has made.
func (c *Connector) drop(ctx context.Context, info kindInfo, id string) error {
	_, err := c.http.Do(ctx, crmhttp.Call{
		Purpose: "write", Op: "archive " + info.path, Method: http.MethodDelete, Path: c.objects(info, "/"+id),
		Budget: []string{budgetCalls},
	})
	if connectors.ClassOf(err) == connectors.NotFound { // gone already
		return nil
	}
	return err
}

// sortedUnion is every text of the lists once.
func sortedUnion(lists ...[]string) []string {
	out := slices.Concat(lists...)
	slices.Sort(out)
	return slices.Compact(out)
}
