package salesforcesim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// TestSOAPConvertRefused: each lead that cannot be converted says why, and leaves nothing behind.
func TestSOAPConvertRefused(t *testing.T) {
	t.Parallel()
	const status, closed = "<convertedStatus>Closed - Converted</convertedStatus>", "<convertedStatus>Closed - Not Converted</convertedStatus>"
	for name, tc := range map[string]struct{ parts, setup, want string }{
		"no status":                  {"{lead}", "", "INVALID_STATUS Status"},
		"a status of another end":    {"{lead}" + closed, "", "INVALID_STATUS Status"},
		"a queue's":                  {"{queued}" + status, "", "FIELD_INTEGRITY_EXCEPTION OwnerId"},
		"for a queue":                {"{lead}{queue}" + status, "", "FIELD_INTEGRITY_EXCEPTION OwnerId"},
		"for one who left":           {"{lead}{gone}" + status, "", "INACTIVE_OWNER_OR_USER "},
		"for nobody":                 {"{lead}<ownerId>005dL0000099999</ownerId>" + status, "", "INVALID_CROSS_REFERENCE_KEY "},
		"converted before":           {"{converted}" + status, "", "CANNOT_UPDATE_CONVERTED_LEAD "},
		"deleted":                    {"{deleted}" + status, "", "ENTITY_IS_DELETED "},
		"not there":                  {"<leadId>00QdL0000099999</leadId>" + status, "", "INVALID_CROSS_REFERENCE_KEY "},
		"no lead":                    {"<leadId>{account}</leadId>" + status, "", "MALFORMED_ID Id"},
		"a contact without account":  {"{lead}<contactId>{contact}</contactId>" + status, "", "INVALID_CROSS_REFERENCE_KEY accountId"},
		"a contact of another":       {"{lead}<accountId>{other}</accountId><contactId>{contact}</contactId>" + status, "", "INVALID_CROSS_REFERENCE_KEY contactId"},
		"no such account":            {"{lead}<accountId>001dL0000099999</accountId>" + status, "", "INVALID_CROSS_REFERENCE_KEY "},
		"a deal's name and no deal":  {"{lead}<doNotCreateOpportunity>true</doNotCreateOpportunity><opportunityName>Deal</opportunityName>" + status, "", "INVALID_FIELD Id"},
		"a deal's name too long":     {"{lead}<opportunityName>" + strings.Repeat("x", 81) + "</opportunityName>" + status, "", "STRING_TOO_LONG opportunityName"},
		"whose source is it":         {"{lead}<overwriteLeadSource>1</overwriteLeadSource>" + status, "", "MISSING_ARGUMENT contactId"},
		"without right to accounts":  {"{lead}" + status, `{"no_access":["Account"]}`, "INSUFFICIENT_ACCESS_OR_READONLY "},
		"without right to leads":     {"{lead}" + status, `{"no_access":["Lead"]}`, "INSUFFICIENT_ACCESS_OR_READONLY "},
		"a title that is read-only":  {"{lead}" + status, `{"read_only":["Contact.Title"]}`, "INVALID_FIELD_FOR_INSERT_UPDATE Title"},
		"a rule of the lead's":       {"{lead}" + status, `{"validation_rules":[{"object":"Lead","name":"V","when":{"Status":"Closed - Converted"},"need":["Phone"],"message":"No phone.","field":"Phone"}]}`, "FIELD_CUSTOM_VALIDATION_EXCEPTION Phone"},
		"a rule of the contact's":    {"{lead}" + status, `{"validation_rules":[{"object":"Contact","name":"V","need":["Phone"],"message":"No phone.","field":"Phone"}]}`, "FIELD_CUSTOM_VALIDATION_EXCEPTION Phone"},
		"a flow of the lead's":       {"{lead}" + status, `{"flows":[{"name":"F","object":"Lead","on":"update","fail":"no"}]}`, "CANNOT_EXECUTE_FLOW_TRIGGER "},
		"a duplicate of an account":  {"{lead}" + status, `{"duplicate_rules":[{"object":"Account","action":"alert"}]}`, "DUPLICATES_DETECTED "},
		"into a person":              {"{lead}<accountId>{person}</accountId>" + status, "persons", "INVALID_OPERATION accountId"},
		"the same twice in one call": {"{lead}" + status + "</leadConverts><leadConverts>{lead}" + status, "", "CANNOT_UPDATE_CONVERTED_LEAD "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := simhttp.NewHistory()
			c := newClient(t, Config{History: h})
			lead := func(more string) string {
				return c.create("Lead", `{"LastName":"L","Company":"Acme","Title":"T"`+more+`}`)
			}
			acme, other := c.create("Account", `{"Name":"One"}`), c.create("Account", `{"Name":"Two"}`)
			fill := []string{
				"{lead}", inTag("leadId", lead("")), "{queued}", inTag("leadId", lead(`,"OwnerId":"`+c.sim.rule+`"`)),
				"{queue}", inTag("ownerId", c.sim.rule), "{gone}", inTag("ownerId", c.user("ben")), "{account}", acme, "{other}", other,
				"{contact}", c.create("Contact", `{"LastName":"C","AccountId":"`+acme+`"}`),
			}
			converted, deleted := lead(""), lead("")
			c.mustEdit(simhttp.Edit{Object: "Lead", Op: "convert", ID: converted, By: "person:ana@example.com"})
			c.do("DELETE", "sobjects/Lead/"+deleted, "")
			c.mustEdit(simhttp.Edit{Object: "User", Op: "update", ID: c.user("ben"), Fields: map[string]any{"IsActive": false}})
			fill = append(fill, "{converted}", inTag("leadId", converted), "{deleted}", inTag("leadId", deleted))
			switch tc.setup {
			case "":
			case "persons":
				c.setup(`{"person_accounts":true}`)
				fill = append(fill, "{person}", c.create("Account", `{"LastName":"P"}`))
			default:
				c.setup(tc.setup)
			}
			from := len(h.Changes())
			a := c.soap(convertOne(strings.NewReplacer(fill...).Replace(tc.parts)))
			root, _ := parseXML([]byte(a.Raw))
			results := root.child(nsSOAP, "Body").kids[0].kids
			last := results[len(results)-1]
			wrong := last.child("", "errors")
			got := wrong.child("", "statusCode").value() + " " + wrong.child("", "fields").value()
			if got != tc.want || last.child("", "success").value() != "false" || !last.child("", "leadId").isNil() || !last.child("", "accountId").isNil() {
				t.Errorf("%s: %s, want %s", name, a.Raw, tc.want)
			}
			if made := h.Changes()[from:]; len(results) == 1 && len(made) > 0 {
				t.Errorf("left behind: %v", made)
			}
		})
	}
}

// TestSOAPConvert: a new account whatever there is, a new contact and deal, by the API, with the activities moved.
func TestSOAPConvert(t *testing.T) {
	t.Parallel()
	h := simhttp.NewHistory()
	c := newClient(t, Config{History: h})
	c.setup(`{"track_history":["Lead.Status"],"duplicate_rules":[{"object":"Contact","action":"block"}]}`)
	acme := c.rows("SELECT Id FROM Account WHERE Name = 'Acme'")[0]["Id"]
	lead := c.create("Lead", `{"LastName":"Con","Company":"Acme","Email":"con@acme.example","OwnerId":"`+c.sim.rule+`"}`)
	bad := c.create("Lead", `{"LastName":"Bad","Company":"Acme","OwnerId":"`+c.sim.rule+`"}`)
	task := c.create("Task", `{"Subject":"s","WhoId":"`+lead+`"}`)
	from, spent := len(h.Changes()), c.sim.usage.used
	ana := c.user("ana")
	const status = "<convertedStatus>Closed - Converted</convertedStatus>"
	a := c.soap("<convertLead><leadConverts>"+inTag("leadId", lead[:15])+status+inTag("ownerId", ana)+"</leadConverts><leadConverts>"+inTag("leadId", bad)+status+"</leadConverts></convertLead>",
		"<CallOptions><client>handoffd</client></CallOptions><AssignmentRuleHeader><useDefaultRule>true</useDefaultRule></AssignmentRuleHeader>")
	row := c.sim.byID(lead).last()
	account, contact, deal := text(row, "ConvertedAccountId"), text(row, "ConvertedContactId"), text(row, "ConvertedOpportunityId")
	const refused = "[errors=[fields=OwnerId message=converted objects can only be owned by users. If the lead is not owned by a user, you must specify a user for the Owner field. statusCode=FIELD_INTEGRITY_EXCEPTION] success=false]"
	want := fmt.Sprintf("[accountId=%s contactId=%s leadId=%s opportunityId=%s success=true]; %s", account, contact, lead, deal, refused)
	if diff := cmp.Diff(want, a.soapTree(t)); diff != "" {
		t.Fatal(diff)
	}
	if account == acme || text(c.sim.byID(account).last(), "Name") != "Acme" || text(c.sim.byID(deal).last(), "Name") != "Acme" {
		t.Errorf("account %s, deal %v", account, c.sim.byID(deal).last())
	}
	for _, id := range []string{lead, account, contact, deal} {
		if r := c.sim.byID(id).last(); r["OwnerId"] != ana || r["LastModifiedById"] != c.sim.caller {
			t.Errorf("%s is of %v, by %v", id, r["OwnerId"], r["LastModifiedById"])
		}
	}
	const by = " api:handoffd"
	if diff := cmp.Diff([]string{"Account create" + by, "Contact create" + by, "Opportunity create" + by, "Lead convert" + by, "Task update system"}, lines(h, from)); diff != "" {
		t.Error(diff)
	}
	if c.sim.byID(task).last()["WhoId"] != contact || c.sim.usage.used != spent+1 || c.sim.Clients()["handoffd"] != 1 || !strings.Contains(a.Raw, fmt.Sprintf("<current>%d</current>", spent+1)) {
		t.Errorf("task %v, used %d of %d, clients %v", c.sim.byID(task).last()["WhoId"], c.sim.usage.used, spent, c.sim.Clients())
	}
	if rows := c.rows("SELECT NewValue FROM LeadHistory WHERE Field = 'Status'"); len(rows) != 1 || rows[0]["NewValue"] != convertedStatus {
		t.Errorf("history %v", rows)
	}
	if a := c.do("PATCH", "sobjects/Lead/"+lead, `{"Title":"x"}`); a.code(t) != "CANNOT_UPDATE_CONVERTED_LEAD" {
		t.Errorf("afterwards: %s", a.Raw)
	}
}

// TestSOAPConvertInto: of rows that are there, blank fields are filled and nothing else, but the source if asked.
func TestSOAPConvertInto(t *testing.T) {
	t.Parallel()
	for _, overwrite := range []bool{false, true} {
		c := newClient(t, Config{})
		account := c.create("Account", `{"Name":"Kept","OwnerId":"`+c.user("ben")+`"}`)
		contact := c.create("Contact", `{"LastName":"Kept","LeadSource":"Web","AccountId":"`+account+`"}`)
		lead := c.create("Lead", `{"LastName":"L","FirstName":"F","Company":"C","Website":"https://c.example","LeadSource":"Event","OwnerId":"`+c.user("ana")+`"}`)
		a := c.soap(convertOne(inTag("accountId", account) + inTag("contactId", contact) + "<convertedStatus>Closed - Converted</convertedStatus><doNotCreateOpportunity>true</doNotCreateOpportunity>" +
			inTag("leadId", lead) + `<opportunityName xmlns:xsi="` + nsSchemaInstance + `" xsi:nil="true"/>` + inTag("overwriteLeadSource", fmt.Sprint(overwrite)) + "<sendNotificationEmail>false</sendNotificationEmail>"))
		if want := fmt.Sprintf("[accountId=%s contactId=%s leadId=%s success=true]", account, contact, lead); a.soapTree(t) != want {
			t.Fatalf("%s, want %s", a.soapTree(t), want)
		}
		source := map[bool]string{false: "Web", true: "Event"}[overwrite]
		if r := c.sim.byID(contact).last(); r["LastName"] != "Kept" || r["FirstName"] != "F" || r["LeadSource"] != source {
			t.Errorf("contact %v", r)
		}
		if r := c.sim.byID(account).last(); r["Name"] != "Kept" || r["Website"] != "https://c.example" || r["OwnerId"] != c.user("ben") {
			t.Errorf("account %v", r)
		}
	}
}

// TestSOAPConvertPerson: where there are person accounts, a lead without a company becomes one.
func TestSOAPConvertPerson(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	c.setup(`{"person_accounts":true}`)
	lead := c.create("Lead", `{"LastName":"Solo","OwnerId":"`+c.user("ana")+`"}`)
	a := c.soap(convertOne(inTag("leadId", lead) + "<convertedStatus>Closed - Converted</convertedStatus>"))
	if r := c.sim.byID(a.result(t, "accountId")).last(); r["IsPersonAccount"] != true || r["PersonContactId"] != a.result(t, "contactId") || text(c.sim.byID(a.result(t, "opportunityId")).last(), "Name") != "Solo" {
		t.Errorf("%s: %v", a.Raw, r)
	}
}

func convertOne(parts string) string {
	return "<convertLead><leadConverts>" + parts + "</leadConverts></convertLead>"
}
