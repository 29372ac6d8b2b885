package plan_test

import (
	"strings"
	"testing"

	"github.com/handoffd/handoffd/state"
)

// TestTwins: a company that is new or renamed, and looks like one that the same
// CRM has, is listed; nothing is merged.
func TestTwins(t *testing.T) {
	t.Parallel()
	r := writing(t)
	acme := company("hubspot", "9", map[string]string{"name": "Acme Inc.", "domain": "acme.com", "country": "US"})
	for name, tc := range map[string]struct {
		comes  map[string]string
		before map[string]string // where it was there already
		conn   string
		want   string
	}{
		"the same website":              {comes: map[string]string{"name": "ACME Corporation", "domain": "https://www.acme.com/"}, want: "the website acme.com"},
		"the same name":                 {comes: map[string]string{"name": "ACME, Inc", "country": "US"}, want: "their name"},
		"the same name elsewhere":       {comes: map[string]string{"name": "ACME, Inc", "country": "SE"}},
		"the same name, another site":   {comes: map[string]string{"name": "ACME, Inc", "domain": "acme-tools.com"}},
		"part of it":                    {comes: map[string]string{"name": "Acme Labs", "domain": "acme.com", "parent": "9"}},
		"a host of its own":             {comes: map[string]string{"name": "Acme Japan", "domain": "jp.acme.com"}},
		"nothing in common":             {comes: map[string]string{"name": "Globex", "domain": "globex.com"}},
		"in the other CRM":              {comes: map[string]string{"name": "Acme Inc.", "domain": "acme.com"}, conn: "salesforce"},
		"there already":                 {comes: map[string]string{"name": "ACME", "domain": "acme.com", "country": "US"}, before: map[string]string{"name": "ACME", "domain": "acme.com"}},
		"renamed into it":               {comes: map[string]string{"name": "Acme Inc"}, before: map[string]string{"name": "Bolt"}, want: "their name"},
		"a website that says nothing":   {comes: map[string]string{"name": "Dana's shop", "domain": "gmail.com"}},
		"a name that is a website only": {comes: map[string]string{"name": "acme.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.records[acme.Ref] = acme
			conn := tc.conn
			if conn == "" {
				conn = "hubspot"
			}
			rec := company(conn, "10", tc.comes)
			if tc.before != nil {
				was := company(conn, "10", tc.before)
				was.Version = "0"
				w.records[was.Ref] = was
			}
			w.decide(t, r, monday, see(rec))
			got := w.listed("duplicates")
			if len(got) > 0 != (tc.want != "") || tc.want != "" && !strings.Contains(strings.Join(got, "\n"), tc.want) {
				t.Errorf("listed %q, want %q", got, tc.want)
			}
		})
	}
	t.Run("before the mirror is full", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		w.records[acme.Ref] = acme
		w.conns["hubspot"] = state.Conn{Name: "hubspot", Live: live}
		w.decide(t, r, monday, see(company("hubspot", "10", acme.Fields)))
		if got := w.listed("duplicates"); len(got) > 0 {
			t.Errorf("listed %q", got)
		}
	})
}
