package salesforcesim

import (
	"net/http"
	"testing"
)

// TestJoins: of another object, at most two, on a column of one's own, and with nothing but AND around them.
func TestJoins(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	for _, where := range []string{
		"Id IN (SELECT AccountId FROM Contact)",
		"Id IN (SELECT AccountId FROM Contact) AND Id NOT IN (SELECT AccountId FROM Opportunity) AND Name != 'x'",
		"(Id IN (SELECT AccountId FROM Contact)) AND (Name != 'x' OR Name = null)",
		"OwnerId IN (SELECT Id FROM User)",
	} {
		if a := c.query("SELECT Id FROM Account WHERE " + where); a.Status != http.StatusOK {
			t.Errorf("%s: %d %s", where, a.Status, a.Raw)
		}
	}
	for _, where := range []string{
		"Id IN (SELECT ParentId FROM Account)",
		"Name = 'x' OR Id IN (SELECT AccountId FROM Contact)",
		"Name = 'x' AND (Id IN (SELECT AccountId FROM Contact) AND Name != 'y')",
		"NOT Id IN (SELECT AccountId FROM Contact)",
		"Id IN (SELECT AccountId FROM Contact) AND Id IN (SELECT AccountId FROM Opportunity) AND Id NOT IN (SELECT AccountId FROM AccountContactRelation)",
		"Owner.Id IN (SELECT OwnerId FROM Contact)",
		"Id IN (SELECT Account.Id FROM Contact)",
		"Id IN (SELECT AccountId FROM Contact OFFSET 1)",
		"Id IN (SELECT OwnerId FROM Contact)",
	} {
		if a := c.query("SELECT Id FROM Account WHERE " + where); a.Status != http.StatusBadRequest || a.code(t) != "MALFORMED_QUERY" {
			t.Errorf("%s: %d %.200s", where, a.Status, a.Raw)
		}
	}
}
