package salesforce

import (
	"net/url"
	"testing"

	"github.com/handoffd/handoffd/connectors"
)

// TestLink: the page of a record is on the org's own host, never where people
// only log in.
func TestLink(t *testing.T) {
	t.Parallel()
	const id = "00Q000000000001EAA"
	for _, tc := range []struct {
		configured, instance, id string
		kind                     connectors.Kind
		want                     string
	}{
		{loginURL, "https://acme.my.salesforce.com", id, "Lead", "https://acme.my.salesforce.com/lightning/r/Lead/" + id + "/view"},
		{loginURL, "", id, "Lead", ""}, // no token yet, so no instance
		{"https://acme.my.salesforce.com", "", id, "Opportunity", "https://acme.my.salesforce.com/lightning/r/Opportunity/" + id + "/view"},
		{"https://acme.my.salesforce.com", "", id, connectors.Task, "https://acme.my.salesforce.com/lightning/r/Task/" + id + "/view"},
		{"https://acme.my.salesforce.com", "", "00Q000000000001", "Lead", "https://acme.my.salesforce.com/lightning/r/Lead/" + id + "/view"},
		{"https://acme.my.salesforce.com", "", "../setup", "Lead", ""},
		{"https://acme.my.salesforce.com", "", id, "Lead/../..", ""},
		{"https://acme.my.salesforce.com", "", id, "", ""},
	} {
		u, err := url.Parse(tc.configured)
		if err != nil {
			t.Fatal(err)
		}
		o := &org{tokens: &tokenSource{configured: u}}
		if tc.instance != "" {
			o.tokens.latest.Store(&session{instance: tc.instance})
		}
		if got := o.Link(connectors.Ref{Conn: "salesforce", Kind: tc.kind, ID: tc.id}, "00D"); got != tc.want {
			t.Errorf("%+v: %q", tc, got)
		}
	}
}
