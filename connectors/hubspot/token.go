package hubspot

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/crmhttp"
	"golang.org/x/oauth2"
	"golang.org/x/time/rate"
)

// credentials picks the first complete set: a refresh token with its client,
// or a static token. The rate is the one HubSpot documents for that sort of app.
func (c *Connector) credentials(s connectors.Settings, base string, clientSecrets []string) (crmhttp.TokenSource, rate.Limit, error) {
	switch {
	case s.RefreshToken != "" && s.ClientID != "":
		conf := oauth2.Config{
			ClientID: s.ClientID,
			Endpoint: oauth2.Endpoint{
				TokenURL:  strings.TrimSuffix(base, "/") + "/oauth/" + c.version + "/token",
				AuthStyle: oauth2.AuthStyleInParams, // everything in the body
			},
		}
		if len(clientSecrets) > 0 {
			conf.ClientSecret = clientSecrets[0]
		}
		return crmhttp.Refreshing(c.refresher(conf, s.RefreshToken.Reveal())), oauthRate, nil
	case s.Token != "":
		return crmhttp.Static(s.Token), privateRate, nil
	}
	return nil, 0, errors.New("no credentials: set a token, or a refresh token and a client id")
}

// refresher exchanges the refresh token, keeping the newest one HubSpot gave.
func (c *Connector) refresher(conf oauth2.Config, refresh string) func(context.Context) (*oauth2.Token, error) {
	return func(ctx context.Context) (*oauth2.Token, error) {
		ctx = context.WithValue(ctx, oauth2.HTTPClient, c.http.Plain("token"))
		// An empty access token makes the source fetch; single flight is crmhttp's.
		token, err := conf.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
		if err != nil {
			return nil, refreshError(err)
		}
		if token.RefreshToken != "" {
			refresh = token.RefreshToken
		}
		return token, nil
	}
}

// refreshError classes a failed exchange by its "error" word (RFC 6749) before
// its status: a wrong client is our configuration, a revoked grant is the
// portal's decision, and anything else may pass.
func refreshError(err error) *connectors.Error {
	const op = "refresh the token"
	var re *oauth2.RetrieveError
	if !errors.As(err, &re) || re.Response == nil {
		return &connectors.Error{Class: connectors.Unavailable, Op: op, Err: errors.New("no usable answer from the token endpoint")}
	}
	status := re.Response.StatusCode
	cerr := &connectors.Error{Class: connectors.Unavailable, Op: op, Status: status}
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Status      string `json:"status"`
		Message     string `json:"message"`
	}
	// A body that is not JSON leaves the fields empty, which the status decides.
	if json.Unmarshal(re.Body, &body) == nil {
		cerr.Err = errors.New(strings.TrimSpace(body.Status + " " + body.Error + ": " + firstOf(body.Description, body.Message)))
	} else {
		cerr.Err = errors.New("the answer is not JSON")
	}
	switch {
	case status == http.StatusTooManyRequests:
		cerr.Class = connectors.Throttled
	case body.Error != "" || status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusBadRequest:
		if status < 500 {
			cerr.Class = connectors.AuthBroken
		}
	}
	return cerr
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
