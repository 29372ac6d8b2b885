package hubspot

import (
	"context"

	"github.com/handoffd/handoffd/connectors"
)

// Inspect implements connectors.Inspector.
func (c *Connector) Inspect(ctx context.Context, q connectors.Inspection) ([]connectors.Finding, error) {
	return nil, nil
}
