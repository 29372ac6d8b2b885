package hubspot

import (
	"testing"

	"github.com/handoffd/handoffd/connectors"
)

// TestLink: the page of a record, in the portal's own region, and of nothing else.
func TestLink(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		ui, tenant, id string
		kind           connectors.Kind
		want           string
	}{
		{"", "62515", "51", contacts, "https://app.hubspot.com/contacts/62515/record/0-1/51"},
		{"app-eu1.hubspot.com", "62515", "7", companies, "https://app-eu1.hubspot.com/contacts/62515/record/0-2/7"},
		{"", "62515", "8", deals, "https://app.hubspot.com/contacts/62515/record/0-3/8"},
		{"", "62515", "9", leads, "https://app.hubspot.com/contacts/62515/record/0-136/9"},
		{"evil.example", "62515", "51", contacts, "https://app.hubspot.com/contacts/62515/record/0-1/51"},
		{"evil.example/.hubspot.com", "62515", "51", contacts, "https://app.hubspot.com/contacts/62515/record/0-1/51"},
		{"", "62515", "3", tasks, ""},
		{"", "", "51", contacts, ""}, // the portal is not known yet
		{"", "62515", "51/../..", contacts, ""},
	} {
		c := &Connector{ui: uiHost(tc.ui)}
		if got := c.Link(connectors.Ref{Conn: "hubspot", Kind: tc.kind, ID: tc.id}, tc.tenant); got != tc.want {
			t.Errorf("%+v: %q", tc, got)
		}
	}
}
