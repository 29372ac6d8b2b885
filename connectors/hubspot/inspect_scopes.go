package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/crmhttp"
)

// scopeOf opens a kind. Tasks have none of their own: those of contacts do
// (tasks, security).
func scopeOf(kind connectors.Kind, verb string) string {
	info, _ := infoOf(kind)
	path := info.path
	if path == string(tasks) {
		path = string(contacts)
	}
	return "crm.objects." + path + "." + verb
}

// neededScopes is what the rules cannot do without.
func neededScopes(q connectors.Inspection) []string {
	out := []string{"crm.objects.owners.read", scopeOf(tasks, "read"), scopeOf(tasks, "write")}
	for _, kind := range q.Kinds {
		if _, ok := infoOf(kind); ok {
			out = append(out, scopeOf(kind, "read"))
		}
	}
	for _, kind := range append(kinds(), connectors.Task) {
		if len(q.Writes[kind]) > 0 {
			out = append(out, scopeOf(kind, "read"), scopeOf(kind, "write"))
		}
	}
	return sortedUnion(out)
}

// harmless are the scopes that nobody can do damage with, or that this
// inspection uses.
func harmless(scope string) bool {
	return scope == "oauth" || scope == "automation" || scope == usersScope || scope == "sales-email-read" ||
		strings.HasPrefix(scope, "crm.schemas.") && strings.HasSuffix(scope, ".read")
}

// inspectScopes compares what was granted with what the rules need, in both
// directions: a token that may do more does more harm when it is stolen.
func (c *Connector) inspectScopes(ctx context.Context, q connectors.Inspection) ([]connectors.Finding, error) {
	needed := neededScopes(q)
	granted, err := c.grantedScopes(ctx)
	if err != nil {
		return nil, err
	}
	if granted == nil {
		return c.tryScopes(ctx, q)
	}
	var missing, excess []string
	for _, scope := range needed {
		if !slices.Contains(granted, scope) {
			missing = append(missing, scope)
		}
	}
	for _, scope := range granted {
		if !slices.Contains(needed, scope) && !harmless(scope) {
			excess = append(excess, scope)
		}
	}
	out := missingScopes(missing)
	if len(excess) > 0 {
		out = append(out, connectors.Finding{
			Code: "scopes-excess", Level: connectors.Warning, Subject: "scopes",
			Text: "the app may do more than the rules need: " + strings.Join(excess, ", "),
			Fix:  "take them from the app; crm.schemas.….write is needed once, for provisioning, and fits a key of its own",
		})
	}
	if len(out) == 0 {
		out = append(out, connectors.Finding{Code: "scopes", Level: connectors.Fine, Subject: "scopes", Text: "the app has the scopes that the rules need, and no more"})
	}
	return out, nil
}

func missingScopes(missing []string) []connectors.Finding {
	if len(missing) == 0 {
		return nil
	}
	return []connectors.Finding{{
		Code: "scopes-missing", Level: connectors.Failure, Subject: "scopes",
		Text: "the app lacks " + strings.Join(missing, ", "),
		Fix:  "add them to the app or key in HubSpot; an OAuth app has to be installed again afterwards",
	}}
}

// grantedScopes asks HubSpot what the token may do, sorted; nil: it does not
// say for this sort of token.
func (c *Connector) grantedScopes(ctx context.Context) ([]string, error) {
	var answer struct {
		Active *bool    `json:"active"`
		Scopes []string `json:"scopes"`
	}
	var err error
	if c.grant != nil {
		err = c.introspect(ctx, &answer)
	} else {
		body := struct {
			Key string `json:"tokenKey"`
		}{c.static.Reveal()}
		err = c.read(ctx, "schema", "read the token's scopes", http.MethodPost, "/oauth/v2/private-apps/get/access-token-info", nil, body, &answer)
	}
	if hidden(err) {
		answer.Scopes = nil
	} else if err != nil {
		return nil, err
	}
	if len(answer.Scopes) == 0 {
		return nil, nil
	}
	return sortedUnion(answer.Scopes), nil
}

// introspect asks about the refresh token. The form is sent as it is, under
// the token's purpose; its answer holds no secret.
func (c *Connector) introspect(ctx context.Context, out any) error {
	const op = "read the token's scopes"
	token, err := c.token.Token(ctx)
	if err != nil {
		return connectors.AsError(op, err)
	}
	form := url.Values{
		"client_id": {c.grant.conf.ClientID}, "client_secret": {c.grant.conf.ClientSecret},
		"token": {token}, "token_type_hint": {"access_token"},
	}
	resp, err := c.http.Do(ctx, crmhttp.Call{
		Purpose: "schema", Op: op, Method: http.MethodPost, Path: "/oauth/" + c.version + "/token/introspect",
		Form: form, Budget: []string{budgetCalls}, Replayable: true, Urgent: true,
	})
	if err != nil {
		return err
	}
	return decode(op, connectors.Unavailable, resp, out)
}

// tryScopes finds out by asking for one record of each kind. Whether we may
// write cannot be seen so.
func (c *Connector) tryScopes(ctx context.Context, q connectors.Inspection) ([]connectors.Finding, error) {
	var missing []string
	for _, kind := range append([]connectors.Kind{tasks}, q.Kinds...) {
		info, ok := infoOf(kind)
		if !ok {
			continue
		}
		var answer list
		err := c.read(ctx, "schema", "try to list "+info.path, http.MethodGet, c.objects(info, ""), url.Values{"limit": {"1"}}, nil, &answer)
		switch {
		case connectors.ClassOf(err) == connectors.Denied:
			missing = append(missing, scopeOf(kind, "read"))
		case err != nil:
			return nil, err
		}
	}
	var owners list
	err := c.read(ctx, "schema", "try to list owners", http.MethodGet, "/crm/owners/"+c.version, url.Values{"limit": {"1"}}, nil, &owners)
	switch {
	case connectors.ClassOf(err) == connectors.Denied:
		missing = append(missing, "crm.objects.owners.read")
	case err != nil:
		return nil, err
	}
	out := missingScopes(sortedUnion(missing))
	return append(out, connectors.Finding{
		Code: "scopes", Level: connectors.Unseen, Subject: "scopes",
		Text: fmt.Sprintf("HubSpot does not list this token's scopes: %d of the kinds could be read, whether they can be written shows with the first write", len(q.Kinds)+1-len(missing)),
		Fix:  "compare the key's scopes in HubSpot with " + strings.Join(neededScopes(q), ", "),
	}), nil
}
