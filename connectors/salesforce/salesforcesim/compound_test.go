package salesforcesim

import (
	"net/http"
	"strings"
	"testing"
)

// TestCompoundFields: an address is read whole and written in parts, and a bulk query takes none.
func TestCompoundFields(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	id := c.create("Contact", `{"LastName":"C","Salutation":"Dr.","MailingStreet":"1 Quay\nFloor 2","MailingCity":"Bristol","MailingCountry":"United Kingdom"}`)
	const want = `"MailingAddress":{"city":"Bristol","country":"United Kingdom","geocodeAccuracy":null,"latitude":null,"longitude":null,"postalCode":null,"state":null,"street":"1 Quay\nFloor 2"}`
	for _, path := range []string{"sobjects/Contact/" + id, "sobjects/Contact/" + id + "?fields=MailingAddress", "query?q=SELECT+MailingAddress,OtherAddress+FROM+Contact+WHERE+Id='" + id + "'"} {
		if a := c.do("GET", path, ""); a.Status != http.StatusOK || !strings.Contains(a.Raw, want) {
			t.Errorf("%s: %d %s", path, a.Status, a.Raw)
		}
	}
	if a := c.do("GET", "sobjects/Contact/"+id, ""); !strings.Contains(a.Raw, `"OtherAddress":null`) {
		t.Errorf("a blank address: %s", a.Raw)
	}
	if a := c.query("SELECT Account.BillingAddress FROM Contact WHERE AccountId != null LIMIT 1"); a.Status != http.StatusOK {
		t.Errorf("a parent's address: %d %s", a.Status, a.Raw)
	}
	if a := c.do("PATCH", "sobjects/Contact/"+id, `{"MailingAddress":{"city":"Bath"}}`); a.refusal(t) != "INVALID_FIELD_FOR_INSERT_UPDATE[MailingAddress]" {
		t.Errorf("written whole: %d %s", a.Status, a.Raw)
	}
	for soql, text := range map[string]string{
		"SELECT Id FROM Contact WHERE MailingAddress = 'x'": "can not be filtered",
		"SELECT Id FROM Contact ORDER BY MailingAddress":    "can not be sorted",
	} {
		if a := c.query(soql); a.code(t) != "INVALID_FIELD" || !strings.Contains(a.Raw, text) {
			t.Errorf("%s: %d %s", soql, a.Status, a.Raw)
		}
	}
	if a := c.do("POST", "jobs/query", `{"operation":"query","query":"SELECT Id, MailingAddress FROM Contact"}`); a.Status != http.StatusBadRequest || a.code(t) != "FUNCTIONALITY_NOT_ENABLED" {
		t.Errorf("in bulk: %d %s", a.Status, a.Raw)
	}
	var described struct{ Fields []map[string]any }
	c.do("GET", "sobjects/Contact/describe", "").into(t, &described)
	compound := map[string]any{}
	for _, f := range described.Fields {
		compound[f["name"].(string)] = f["compoundFieldName"]
		if f["name"] == "MailingAddress" && (f["type"] != "address" || f["createable"] == true || f["filterable"] == true) {
			t.Errorf("described as %v", f)
		}
	}
	if compound["MailingCity"] != "MailingAddress" || compound["OtherStreet"] != "OtherAddress" || compound["Salutation"] != "Name" || compound["MailingAddress"] != nil {
		t.Errorf("parts of %v", compound)
	}
}
