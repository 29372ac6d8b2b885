package salesforcesim

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// TestPersonAccounts: a person is one account and one contact, and a lead without a company becomes one.
func TestPersonAccounts(t *testing.T) {
	t.Parallel()
	h := simhttp.NewHistory()
	c := newClient(t, Config{History: h})
	if a := c.query("SELECT IsPersonAccount FROM Account"); a.refusal(t) != "INVALID_FIELD[]" {
		t.Errorf("by default: %s", a.Raw)
	}
	c.setup(`{"person_accounts":true}`)
	if rows := c.rows("SELECT IsPersonAccount FROM Account WHERE Name = 'Acme'"); rows[0]["IsPersonAccount"] != false {
		t.Errorf("a company: %v", rows)
	}
	lead := c.create("Lead", `{"LastName":"Solo","FirstName":"Sam","Email":"solo@example.net","OwnerId":"`+c.user("ana")+`"}`)
	ids := c.mustEdit(simhttp.Edit{Object: "Lead", Op: "convert", ID: lead, By: "person:ana@example.com"})
	rows := c.rows("SELECT Name, IsPersonAccount, PersonEmail, PersonContactId, OwnerId FROM Account WHERE Id = '" + ids["account"] + "'")
	if r := rows[0]; r["Name"] != "Sam Solo" || r["IsPersonAccount"] != true || r["PersonEmail"] != "solo@example.net" || r["PersonContactId"] != ids["contact"] {
		t.Errorf("account %v", r)
	}
	contact := func() map[string]any {
		return c.rows("SELECT Email, AccountId, OwnerId, IsPersonAccount, Contact_Status__c FROM Contact WHERE Id = '" + ids["contact"] + "'")[0]
	}
	if r := contact(); r["Email"] != "solo@example.net" || r["AccountId"] != ids["account"] || r["OwnerId"] != c.user("ana") {
		t.Errorf("contact %v", r)
	}
	for _, tc := range []struct{ path, body, want string }{
		{"Contact/" + ids["contact"], `{"OwnerId":"` + c.user("ben") + `"}`, "INVALID_FIELD_FOR_INSERT_UPDATE[OwnerId]"},
		{"Contact/" + ids["contact"], `{"Contact_Status__c":"Working"}`, ""},
		{"Account/" + ids["account"], `{"Name":"Nope"}`, "INVALID_FIELD_FOR_INSERT_UPDATE[Name]"},
		{"Account/" + ids["account"], `{"OwnerId":"` + c.user("ben") + `","PersonEmail":"new@example.net"}`, ""},
	} {
		if a := c.do("PATCH", "sobjects/"+tc.path, tc.body); a.refusal(t) != tc.want {
			t.Errorf("%s %s: %s, want %q", tc.path, tc.body, a.Raw, tc.want)
		}
	}
	if r := contact(); r["OwnerId"] != c.user("ben") || r["Email"] != "new@example.net" || r["Contact_Status__c"] != "Working" {
		t.Errorf("contact after the account %v", r)
	}
	if rows := c.rows("SELECT Contact_Status__pc FROM Account WHERE Id = '" + ids["account"] + "'"); rows[0]["Contact_Status__pc"] != "Working" {
		t.Errorf("account after the contact %v", rows)
	}
	if a := c.do("POST", "sobjects/Account", `{"Phone":"1"}`); a.refusal(t) != "REQUIRED_FIELD_MISSING[Name]" {
		t.Errorf("neither: %s", a.Raw)
	}
}

// TestMultiCurrency: every record has one of the active currencies.
func TestMultiCurrency(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	if a := c.query("SELECT CurrencyIsoCode FROM Lead"); a.refusal(t) != "INVALID_FIELD[]" {
		t.Errorf("by default: %s", a.Raw)
	}
	c.setup(`{"multi_currency":true}`)
	id := c.create("Opportunity", `{"Name":"D","StageName":"Prospecting","CloseDate":"2027-01-01","Amount":5}`)
	if rows := c.rows("SELECT CurrencyIsoCode FROM Opportunity WHERE Id = '" + id + "'"); rows[0]["CurrencyIsoCode"] != "USD" {
		t.Errorf("default %v", rows)
	}
	for body, want := range map[string]string{`{"CurrencyIsoCode":"XXX"}`: "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST[CurrencyIsoCode]", `{"CurrencyIsoCode":"EUR"}`: ""} {
		if a := c.do("PATCH", "sobjects/Opportunity/"+id, body); a.refusal(t) != want {
			t.Errorf("%s: %s", body, a.Raw)
		}
	}
}

// TestCountryLists: text and code move together, and neither leaves the list (C15).
func TestCountryLists(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	if a := c.query("SELECT CountryCode FROM Lead"); a.refusal(t) != "INVALID_FIELD[]" {
		t.Errorf("by default: %s", a.Raw)
	}
	c.setup(`{"state_country_picklists":true}`)
	id := c.create("Lead", `{"LastName":"L","Company":"C"}`)
	for _, tc := range []struct{ body, want, state string }{
		{`{"Country":"Atlantis"}`, "FIELD_INTEGRITY_EXCEPTION[Country]", "|||"},
		{`{"State":"Texas"}`, "FIELD_INTEGRITY_EXCEPTION[State]", "|||"},
		{`{"Country":"united states","State":"Texas"}`, "", "United States|US|Texas|TX"},
		{`{"State":"Ontario"}`, "FIELD_INTEGRITY_EXCEPTION[State]", "United States|US|Texas|TX"},
		{`{"CountryCode":"ZZ"}`, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST[CountryCode]", "United States|US|Texas|TX"},
		{`{"CountryCode":"CA","StateCode":"ON"}`, "", "Canada|CA|Ontario|ON"},
		{`{"State":null}`, "", "Canada|CA||"},
		{`{"Title":"x"}`, "", "Canada|CA||"},
		{`{"Country":null}`, "", "|||"},
	} {
		a := c.do("PATCH", "sobjects/Lead/"+id, tc.body, "Sforce-Auto-Assign", "FALSE")
		f := c.sim.byID(id).last()
		state := strings.Join([]string{text(f, "Country"), text(f, "CountryCode"), text(f, "State"), text(f, "StateCode")}, "|")
		if a.refusal(t) != tc.want || state != tc.state {
			t.Errorf("%s: %s; %s, want %q %s", tc.body, a.Raw, state, tc.want, tc.state)
		}
	}
}

// TestSandbox: e-mails that reach nobody, the flag, the host, and the other audience.
func TestSandbox(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	ana := c.user("ana")
	c.setup(`{"sandbox":true}`)
	if rows := c.rows("SELECT Email FROM User WHERE Id = '" + ana + "'"); rows[0]["Email"] != "ana@example.com.invalid" {
		t.Errorf("user %v", rows)
	}
	if rows := c.rows("SELECT IsSandbox FROM Organization"); rows[0]["IsSandbox"] != true {
		t.Errorf("organization %v", rows)
	}
	_, got := c.refresh(c.sim.Credentials().RefreshToken)
	if !strings.Contains(got["instance_url"], ".sandbox.my.salesforce.com") {
		t.Errorf("token %v", got)
	}
	cred := c.sim.Credentials()
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(cred.PrivateKeyPEM))
	if err != nil {
		t.Fatal(err)
	}
	for aud, want := range map[string]int{"https://login.salesforce.com": http.StatusBadRequest, "https://test.salesforce.com": http.StatusOK} {
		signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
			"iss": cred.ClientID, "sub": cred.Username, "aud": aud, "exp": jwt.NewNumericDate(time.Now().Add(maxAssertionLife / 2)),
		}).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		if a := c.login(url.Values{"grant_type": {jwtGrant}, "assertion": {signed}}); a.Status != want {
			t.Errorf("%s: %d %s", aud, a.Status, a.Raw)
		}
	}
	// Worlds and edits may go on naming people as before.
	c.mustEdit(simhttp.Edit{Object: "Lead", Op: "create", By: "person:ana@example.com", Fields: map[string]any{"LastName": "L", "Company": "C", "OwnerId": "ben@example.com"}})
	c.setup(`{"sandbox":false}`)
	if rows := c.rows("SELECT Email FROM User WHERE Id = '" + ana + "'"); rows[0]["Email"] != "ana@example.com" {
		t.Errorf("taken back %v", rows)
	}
}
