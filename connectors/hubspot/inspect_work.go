package hubspot

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// inspectWork tells whether what people do about a record can be seen: the
// counters on it, and the tasks and meetings.
func (c *Connector) inspectWork(ctx context.Context, q connectors.Inspection) ([]connectors.Finding, error) {
	counters, err := c.inspectCounters(ctx, q)
	if err != nil {
		return nil, err
	}
	seen, err := c.inspectActivities(ctx)
	if err != nil {
		return counters, err
	}
	away, err := c.inspectLeave(ctx)
	return slices.Concat(counters, seen, away), err
}

func (c *Connector) inspectCounters(ctx context.Context, q connectors.Inspection) ([]connectors.Finding, error) {
	const code = "work-counters"
	var out []connectors.Finding
	for _, kind := range []connectors.Kind{contacts, companies, deals} {
		if !slices.Contains(q.Kinds, kind) {
			continue
		}
		info, _ := infoOf(kind)
		s, err := c.schemaOf(ctx, info)
		if err != nil {
			return out, err
		}
		f := connectors.Finding{Code: code, Level: connectors.Fine, Subject: string(kind), Text: "first touches and attempts are seen on the record itself, for no further call"}
		var missing []string
		for _, word := range connectors.WorkFields() {
			if keepsWork(info, word) && !s.has(workProperty(word)) {
				missing = append(missing, workProperty(word))
			}
		}
		switch {
		case !s.known:
			f.Level, f.Text, f.Fix = connectors.Unseen, "the properties cannot be read, so nobody knows whether calls and e-mails are counted", "grant crm.schemas."+info.path+".read"
		case len(missing) > 0:
			f.Level = connectors.Warning
			f.Text = "the portal lacks or hides " + strings.Join(missing, ", ") + ": what they would tell about touches and attempts is not seen"
			f.Fix = "let the app see them (field-level permissions), or accept by status and task alone"
		}
		out = append(out, f)
	}
	if slices.Contains(q.Kinds, contacts) {
		out = append(out, connectors.Finding{
			Code: "task-engagement", Level: connectors.Notice, Subject: "contacts." + engagedTypeProperty,
			Text: "HubSpot counts a task as its owner's first engagement, one that handoffd made included: then the first call or e-mail shows only in the number and the date of the last contact. handoffd never takes such a task for a touch; HubSpot's own reports on lead response time do",
			Fix:  "nothing to do; measure response by handoff_first_touch_at, not by hs_time_to_first_engagement",
		})
	}
	return out, nil
}

// inspectActivities tries to list one of each sort that is followed.
func (c *Connector) inspectActivities(ctx context.Context) ([]connectors.Finding, error) {
	var hiddenSorts []string
	for _, sort := range followed() {
		info, _ := activityInfo(sort)
		var answer list
		err := c.read(ctx, "schema", "try to list "+info.path, http.MethodGet, c.objects(info, ""), url.Values{"limit": {"1"}}, nil, &answer)
		switch {
		case hidden(err):
			hiddenSorts = append(hiddenSorts, info.path)
		case err != nil:
			return nil, err
		}
	}
	f := connectors.Finding{
		Code: "activities", Level: connectors.Fine, Subject: "tasks and meetings",
		Text: "who ticks a task off and whether a meeting was held is seen; calls and e-mails are counted on the record and not read",
	}
	if len(hiddenSorts) > 0 {
		f.Level, f.Fix = connectors.Warning, "grant "+scopeOf(tasks, "read")
		f.Text = "the app may not read " + strings.Join(hiddenSorts, " and ") + ": what happens there neither accepts nor completes a handoff"
	}
	return []connectors.Finding{f}, nil
}

// inspectLeave tries to list one user.
func (c *Connector) inspectLeave(ctx context.Context) ([]connectors.Finding, error) {
	f := connectors.Finding{Code: "leave", Level: connectors.Fine, Subject: "users", Text: "out of office hours are seen"}
	var answer list
	err := c.read(ctx, "schema", "try to list users", http.MethodGet, "/crm/objects/"+c.version+"/users", url.Values{"limit": {"1"}}, nil, &answer)
	switch {
	case hidden(err):
		f.Level, f.Text = connectors.Notice, "the app may not see who is out of office: leave comes from people.yaml and calendars alone"
		f.Fix = "grant " + usersScope + ", if people note their leave in HubSpot"
	case err != nil:
		return nil, err
	}
	return []connectors.Finding{f}, nil
}
