package builtin_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/builtin"
)

// Every adapter in the table has both functions, does no I/O when made, and
// says what is missing without repeating a secret.
func TestAdapters(t *testing.T) {
	t.Parallel()
	names := builtin.Names()
	if !slices.IsSorted(names) || !slices.Contains(names, "hubspot") || !slices.Contains(names, "salesforce") {
		t.Errorf("the names are %v", names)
	}
	for name, adapter := range builtin.Adapters() {
		if adapter.OwnField("handoff_why") == "" {
			t.Errorf("%s has no name for our fields", name)
		}
		if _, err := adapter.New(connectors.Settings{Name: "crm", WebhookSecret: "canary"}); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s without credentials: %v", name, err)
		}
	}
}
