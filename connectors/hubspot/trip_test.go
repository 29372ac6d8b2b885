package hubspot_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/hubspot"
	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// newConnector is a connector on a simulated portal with all the credentials
// there are; change takes some away.
func newConnector(sim *hubspotsim.Sim, change func(*connectors.Settings)) (connectors.Connector, error) {
	creds := sim.Credentials()
	s := connectors.Settings{
		Name: "hubspot", URL: "https://" + host, Transport: simhttp.Carrier(map[string]http.Handler{host: sim}),
		Token: connectors.Secret(creds.Token), ClientID: creds.ClientID, ClientSecret: connectors.Secret(creds.ClientSecret),
	}
	if change != nil {
		change(&s)
	}
	if s.Token == "" {
		s.RefreshToken = connectors.Secret(creds.RefreshToken)
	}
	return hubspot.New(s)
}

// request and response are what a trip sees of an exchange.
type request struct{ method, path, body, token string }

type response struct {
	status int
	body   string
}

// trip stands before a simulator: a nil response hands the request on.
type trip func(*request) (*response, error)

// over is the trip as a transport before another.
func (t trip) over(next http.RoundTripper) http.RoundTripper { return overTrip{t, next} }

type overTrip struct {
	trip trip
	next http.RoundTripper
}

func (o overTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := o.trip(&request{r.Method, r.URL.RequestURI(), string(body), r.Header.Get("Authorization")})
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return o.next.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: resp.status, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(resp.body)), ContentLength: int64(len(resp.body)),
	}, nil
}
