package hubspot_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/connectortest"
	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
)

func readBody(r *http.Request) string {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return ""
	}
	return string(b)
}

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

func people2(t *testing.T, sim *hubspotsim.Sim) string {
	return edit(t, sim, "contacts", "create", "", map[string]any{"email": "survivor@buyer.example"})
}

// portalFor is portal for a webhook handler that needs the connector too.
func portalFor(t *testing.T, cfg hubspotsim.Config, to *connectors.Connector) (connectors.Connector, *hubspotsim.Sim, *connectortest.Wire) {
	c, sim, wire := portal(t, cfg, nil)
	*to = c
	return c, sim, wire
}
