package salesforcesim

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

const partnerSpace, enterpriseSpace = "urn:partner.soap.sforce.com", "urn:enterprise.soap.sforce.com"

// soapEnvelope is a message with these headers and this operation, in a namespace without a prefix.
func soapEnvelope(space, headers, body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="` + nsSOAP + `" xmlns:xsi="` + nsSchemaInstance + `" xmlns="` + space + `"><e:Header>` + headers + `</e:Header><e:Body>` + body + `</e:Body></e:Envelope>`
}

// soap makes one call of the partner's API with the client's session.
func (c *client) soap(body string, headers ...string) answer {
	c.t.Helper()
	session := "<SessionHeader><sessionId>" + c.token + "</sessionId></SessionHeader>" + strings.Join(headers, "")
	return c.postSOAP("u/60.0", soapEnvelope(partnerSpace, session, body))
}

func (c *client) postSOAP(path, envelope string) answer {
	c.t.Helper()
	return c.do("POST", "/services/Soap/"+path, envelope, "Content-Type", "text/xml; charset=utf-8", "SOAPAction", `""`)
}

// soapTree is an answer in one line: elements in brackets, blank ones left out; of a fault its code and text alone.
func (a answer) soapTree(t *testing.T) string {
	t.Helper()
	root, err := parseXML([]byte(a.Raw))
	if err != nil {
		t.Fatalf("%v: %s", err, a.Raw)
	}
	body := root.child(nsSOAP, "Body")
	if fault := body.child(nsSOAP, "Fault"); fault != nil || a.Status != http.StatusOK {
		if fault == nil || a.Status != http.StatusInternalServerError || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/xml") {
			t.Errorf("%d %s: %s", a.Status, a.Header.Get("Content-Type"), a.Raw)
		}
		return "fault " + fault.child("", "faultcode").value() + " " + fault.child("", "faultstring").value()
	}
	var list []string
	for _, result := range body.kids[0].kids {
		list = append(list, plainTree(result))
	}
	return strings.Join(list, "; ")
}

func plainTree(e *xmlElement) string {
	if len(e.kids) == 0 {
		return e.value()
	}
	var parts []string
	for _, k := range e.kids {
		if v := plainTree(k); v != "" {
			parts = append(parts, k.name.Local+"="+v)
		}
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// result is one value of the only result.
func (a answer) result(t *testing.T, name string) string {
	t.Helper()
	root, err := parseXML([]byte(a.Raw))
	if err != nil || a.Status != http.StatusOK {
		t.Fatalf("%d %v: %s", a.Status, err, a.Raw)
	}
	return root.child(nsSOAP, "Body").kids[0].child("", "result").child("", name).value()
}

func inTag(name, value string) string { return "<" + name + ">" + value + "</" + name + ">" }

// TestSOAPFaults: what is no call that the org answers gets a fault, and never the words of the log-in.
func TestSOAPFaults(t *testing.T) {
	t.Parallel()
	stamp := "<getServerTimestamp/>"
	for name, tc := range map[string]struct {
		path, envelope, want string
	}{
		"nothing":                   {"u/60.0", " ", "soapenv:Client premature end"},
		"no XML":                    {"u/60.0", "{}", "soapenv:Client content is not allowed"},
		"broken XML":                {"u/60.0", "<a><b></a>", "soapenv:Client the message is not well-formed"},
		"two documents":             {"u/60.0", "<a/><b/>", "soapenv:Client unexpected element b"},
		"another charset":           {"u/60.0", `<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, "soapenv:Client the message is not well-formed"},
		"a document type":           {"u/60.0", `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`, "soapenv:Client DOCTYPE is not allowed"},
		"an entity of nobody":       {"u/60.0", "<a>&x;</a>", "soapenv:Client the message is not well-formed"},
		"too deep":                  {"u/60.0", strings.Repeat("<a>", 100), "soapenv:Client unexpected element"},
		"too large":                 {"u/60.0", strings.Repeat(" ", maxEnvelope+1), "sf:EXCEEDED_MAX_SIZE_REQUEST"},
		"no envelope":               {"u/60.0", "<getServerTimestamp xmlns=\"" + partnerSpace + "\"/>", "soapenv:Client the message is no SOAP"},
		"SOAP 1.2":                  {"u/60.0", strings.ReplaceAll(soapEnvelope(partnerSpace, "{session}", stamp), nsSOAP, "http://www.w3.org/2003/05/soap-envelope"), "soapenv:Client the message is no SOAP"},
		"two operations":            {"u/60.0", soapEnvelope(partnerSpace, "{session}", stamp+stamp), "soapenv:Client the message is no SOAP"},
		"no session":                {"u/60.0", soapEnvelope(partnerSpace, "", stamp), "sf:INVALID_SESSION_ID INVALID_SESSION_ID: Invalid Session ID found in SessionHeader: Illegal Session"},
		"a wrong session":           {"u/60.0", soapEnvelope(partnerSpace, "<SessionHeader><sessionId>00D!x</sessionId></SessionHeader>", stamp), "sf:INVALID_SESSION_ID"},
		"a session of nobody's":     {"u/60.0", soapEnvelope(partnerSpace, strings.Replace("{session}", "<SessionHeader", "<SessionHeader xmlns=\"\"", 1), "<x:getServerTimestamp xmlns:x=\"urn:other\"/>"), "soapenv:Client No operation available for request {urn:other}getServerTimestamp"},
		"enterprise at the partner": {"u/60.0", soapEnvelope(enterpriseSpace, "{session}", stamp), "soapenv:Client No operation available for request {" + enterpriseSpace + "}getServerTimestamp"},
		"partner at the enterprise": {"c/60.0", soapEnvelope(partnerSpace, "{session}", stamp), "soapenv:Client No operation available for request {" + partnerSpace + "}getServerTimestamp"},
		"an old version":            {"u/30.0", soapEnvelope(partnerSpace, "{session}", stamp), "sf:UNSUPPORTED_API_VERSION"},
		"a version that is none":    {"u/sixty", soapEnvelope(partnerSpace, "{session}", stamp), "sf:UNSUPPORTED_API_VERSION"},
		"Metadata API":              {"m/60.0", soapEnvelope(partnerSpace, "{session}", stamp), "sf:FUNCTIONALITY_NOT_ENABLED FUNCTIONALITY_NOT_ENABLED: /services/Soap/m/60.0 is not modelled"},
		"not modelled":              {"u/60.0", soapEnvelope(partnerSpace, "{session}", "<query><queryString>SELECT Id FROM Lead</queryString></query>"), "sf:FUNCTIONALITY_NOT_ENABLED FUNCTIONALITY_NOT_ENABLED: query is not modelled"},
		"an argument of none":       {"u/60.0", soapEnvelope(partnerSpace, "{session}", "<getServerTimestamp><x/></getServerTimestamp>"), "soapenv:Client Element {" + partnerSpace + "}x invalid at this location"},
		"a wish that is none":       {"u/60.0", soapEnvelope(partnerSpace, "{session}<AllOrNoneHeader><allOrNone>maybe</allOrNone></AllOrNoneHeader>", stamp), "soapenv:Client 'maybe' is not a valid value for the type xsd:boolean"},
		"nothing to convert":        {"u/60.0", soapEnvelope(partnerSpace, "{session}", "<convertLead/>"), "soapenv:Client"},
		"too much to convert":       {"u/60.0", soapEnvelope(partnerSpace, "{session}", "<convertLead>"+strings.Repeat("<leadConverts><leadId>00QdL0000000001</leadId></leadConverts>", 101)+"</convertLead>"), "sf:EXCEEDED_ID_LIMIT"},
		"a lead without an id":      {"u/60.0", soapEnvelope(partnerSpace, "{session}", convertOne("<convertedStatus>x</convertedStatus>")), "sf:MALFORMED_ID"},
		"what jsforce has not got":  {"u/60.0", soapEnvelope(partnerSpace, "{session}", convertOne("<leadId>undefined</leadId>")), "sf:MALFORMED_ID MALFORMED_ID: bad id undefined"},
		"a part twice":              {"u/60.0", soapEnvelope(partnerSpace, "{session}", convertOne("<leadId>00QdL0000000001</leadId><leadId>00QdL0000000001</leadId>")), "soapenv:Client Element"},
		"an opportunity to join":    {"u/60.0", soapEnvelope(partnerSpace, "{session}", convertOne("<leadId>00QdL0000000001</leadId><opportunityId>006dL0000000001</opportunityId>")), "sf:FUNCTIONALITY_NOT_ENABLED"},
		"nothing to merge":          {"u/60.0", soapEnvelope(partnerSpace, "{session}", "<merge/>"), "soapenv:Client"},
		"a master without a type":   {"u/60.0", soapEnvelope(partnerSpace, "{session}", "<merge><mergeRequests><masterRecord><Id>x</Id></masterRecord></mergeRequests></merge>"), "sf:INVALID_TYPE INVALID_TYPE: Must send a concrete entity type."},
		"a master of no type":       {"u/60.0", soapEnvelope(partnerSpace, "{session}", "<merge><mergeRequests><masterRecord><type>Nope</type></masterRecord></mergeRequests></merge>"), "sf:INVALID_TYPE"},
		"a column of none":          {"u/60.0", soapEnvelope(partnerSpace, "{session}", "<merge><mergeRequests><masterRecord><type>Lead</type><Nope>x</Nope></masterRecord></mergeRequests></merge>"), "sf:INVALID_FIELD INVALID_FIELD: No such column 'Nope' on entity 'Lead'."},
		"a number that is none":     {"u/60.0", soapEnvelope(partnerSpace, "{session}", "<merge><mergeRequests><masterRecord><type>Lead</type><AnnualRevenue>NaN</AnnualRevenue></masterRecord></mergeRequests></merge>"), "soapenv:Client 'NaN' is not a valid value for the type xsd:double"},
		"nothing to delete":         {"u/60.0", soapEnvelope(partnerSpace, "{session}", "<delete/>"), "sf:REQUIRED_FIELD_MISSING"},
		"too much to delete":        {"u/60.0", soapEnvelope(partnerSpace, "{session}", "<delete>"+strings.Repeat("<ids>00QdL0000000001</ids>", 201)+"</delete>"), "sf:EXCEEDED_ID_LIMIT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, Config{})
			session := "<SessionHeader><sessionId>" + c.token + "</sessionId></SessionHeader>"
			got := c.postSOAP(tc.path, strings.ReplaceAll(tc.envelope, "{session}", session))
			if tree := got.soapTree(t); !strings.HasPrefix(tree, "fault "+tc.want) || strings.Contains(got.Raw, "INVALID_LOGIN") {
				t.Errorf("%s, want %s", tree, tc.want)
			}
		})
	}
	c := newClient(t, Config{})
	envelope := soapEnvelope(partnerSpace, "", stamp)
	if a := c.do("GET", "/services/Soap/u/60.0", ""); a.Status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", a.Status)
	}
	if a := c.do("POST", "/services/Soap/u/60.0", envelope, "SOAPAction", `""`); !strings.HasPrefix(a.soapTree(t), "fault soapenv:Client unsupported content type") {
		t.Errorf("as JSON: %s", a.Raw)
	}
	if a := c.do("POST", "/services/Soap/u/60.0", envelope, "Content-Type", "text/xml"); a.soapTree(t) != "fault soapenv:Client SOAPAction HTTP header missing" {
		t.Errorf("without SOAPAction: %s", a.Raw)
	}
}

// TestSOAPShapes: both WSDLs, any prefix, the org's id in the address, gzip.
func TestSOAPShapes(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	prefixed := `<S:Envelope xmlns:S="` + nsSOAP + `"><S:Header><q:SessionHeader xmlns:q="` + enterpriseSpace + `"><q:sessionId> ` + c.token + ` </q:sessionId></q:SessionHeader></S:Header><S:Body><urn:getUserInfo xmlns:urn="` + enterpriseSpace + `"/></S:Body></S:Envelope>`
	a := c.postSOAP("c/31.0/"+c.sim.orgID, prefixed)
	if a.result(t, "userId") != c.sim.caller || a.result(t, "organizationId") != c.sim.orgID || !strings.Contains(a.Raw, `xmlns="`+enterpriseSpace+`"`) || !strings.Contains(a.Raw, "<getUserInfoResponse>") {
		t.Errorf("enterprise: %s", a.Raw)
	}
	if a := c.postSOAP("c/60.0", strings.Replace(prefixed, c.token, "gone", 1)); !strings.Contains(a.Raw, `xmlns:sf="urn:fault.enterprise.soap.sforce.com"`) {
		t.Errorf("an enterprise fault: %s", a.Raw)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(prefixed))
	_ = z.Close()
	if a := c.do("POST", "/services/Soap/c/60.0", zipped.String(), "Content-Type", "text/xml", "SOAPAction", "", "Content-Encoding", "gzip"); a.result(t, "userId") != c.sim.caller {
		t.Errorf("gzipped: %s", a.Raw)
	}
	now, err := time.Parse(time.RFC3339, c.soap("<getServerTimestamp/>").result(t, "timestamp"))
	if err != nil || time.Since(now).Abs() > time.Minute {
		t.Errorf("%v %v", now, err)
	}
}

// TestSOAPLimitsAndLocks: SOAP draws on the same allocation, session and locks as REST.
func TestSOAPLimitsAndLocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{})
		c.setup(`{"lock_hold":"200ms"}`)
		account := c.create("Account", `{"Name":"Locks"}`)
		lead := c.create("Lead", `{"LastName":"L","Company":"C","OwnerId":"`+c.user("ana")+`"}`)
		convert := convertOne(inTag("accountId", account) + inTag("leadId", lead) + "<convertedStatus>Closed - Converted</convertedStatus>")
		time.Sleep(300 * time.Millisecond)
		c.create("Contact", `{"LastName":"X","AccountId":"`+account+`"}`)
		if a := c.soap(convert); !strings.Contains(a.Raw, "<statusCode>UNABLE_TO_LOCK_ROW<") {
			t.Errorf("locked: %s", a.Raw)
		}
		time.Sleep(300 * time.Millisecond)
		if a := c.soap(convert); a.result(t, "success") != "true" {
			t.Errorf("free again: %s", a.Raw)
		}
		c.setup(`{"long_running":25}`)
		if tree := c.soap("<getUserInfo/>").soapTree(t); !strings.HasPrefix(tree, "fault sf:REQUEST_LIMIT_EXCEEDED REQUEST_LIMIT_EXCEEDED: ConcurrentRequests") {
			t.Error(tree)
		}
		c.setup(`{"long_running":0}`)
		c.sim.SetFaults(simhttp.Faults{Quota: c.sim.usage.used + 1})
		for _, want := range []string{"", "REQUEST_LIMIT_EXCEEDED"} {
			if a := c.soap("<getUserInfo/>"); !strings.Contains(a.Raw, want) || want == "" && a.Status != http.StatusOK {
				t.Errorf("%d %s, want %s", a.Status, a.Raw, want)
			}
		}
		c.sim.SetFaults(simhttp.Faults{Rate: map[string]float64{"429": 1}})
		if tree := c.soap("<getUserInfo/>").soapTree(t); !strings.HasPrefix(tree, "fault sf:REQUEST_LIMIT_EXCEEDED") {
			t.Errorf("an injected fault: %s", tree)
		}
		c.sim.SetFaults(simhttp.Faults{Rate: map[string]float64{"partial": 1}})
		lead = c.create("Lead", `{"LastName":"M","Company":"C"}`)
		if a := c.soap(convertOne(inTag("leadId", lead) + "<convertedStatus>Closed - Converted</convertedStatus>")); a.result(t, "success") != "false" || !strings.Contains(a.Raw, "unable to obtain exclusive access") {
			t.Errorf("a row that somebody holds: %s", a.Raw)
		}
		c.sim.SetFaults(simhttp.Faults{})
		time.Sleep(3 * time.Hour)
		if tree := c.soap("<getUserInfo/>").soapTree(t); !strings.HasPrefix(tree, "fault sf:INVALID_SESSION_ID") {
			t.Errorf("after hours: %s", tree)
		}
	})
}

// TestSOAPDelete: into the bin and out of it, each row by itself unless the call wants all or none.
func TestSOAPDelete(t *testing.T) {
	t.Parallel()
	h := simhttp.NewHistory()
	c := newClient(t, Config{History: h})
	lead := c.create("Lead", `{"LastName":"L","Company":"C"}`)
	c.create("Task", `{"Subject":"s","WhoId":"`+lead+`"}`)
	const whole = "<AllOrNoneHeader><allOrNone>true</allOrNone></AllOrNoneHeader>"
	const wrong = "[errors=[message=malformed id x statusCode=MALFORMED_ID] success=false]"
	good := "[id=" + lead + " success=true]"
	from := len(h.Changes())
	for _, step := range []struct{ op, ids, header, want string }{
		{"delete", inTag("ids", lead) + "<ids>x</ids>", whole, "[errors=[message=Record rolled back because not all records were valid and the request was using AllOrNone header statusCode=ALL_OR_NONE_OPERATION_ROLLED_BACK] success=false]; " + wrong},
		{"delete", inTag("ids", lead) + "<ids>x</ids>", "", good + "; " + wrong},
		{"delete", inTag("ids", lead), "", "[errors=[message=entity is deleted statusCode=ENTITY_IS_DELETED] success=false]"},
		{"undelete", `<n:ids xmlns:n="sobject.partner.soap.sforce.com">` + lead + "</n:ids>", "", good}, // as jsforce writes it
		{"undelete", inTag("ids", lead), "", "[errors=[message=Entity is not in the recycle bin statusCode=UNDELETE_FAILED] success=false]"},
		{"undelete", inTag("ids", c.user("ana")), "", "[errors=[message=insufficient access rights on object id statusCode=INSUFFICIENT_ACCESS_OR_READONLY] success=false]"},
		{"delete", inTag("ids", "00QdL0000099999"), "", "[errors=[message=invalid cross reference id statusCode=INVALID_CROSS_REFERENCE_KEY] success=false]"},
	} {
		if diff := cmp.Diff(step.want, c.soap("<"+step.op+">"+step.ids+"</"+step.op+">", step.header).soapTree(t)); diff != "" {
			t.Errorf("%s %s: %s", step.op, step.ids, diff)
		}
	}
	by := " " + c.sim.callerName("")
	if diff := cmp.Diff([]string{"Lead delete" + by, "Task delete system", "Lead restore" + by, "Task restore system"}, lines(h, from)); diff != "" {
		t.Error(diff)
	}
	if !slices.ContainsFunc(h.Snapshot(), func(e simhttp.Exchange) bool { return e.Applied && strings.HasPrefix(e.Path, "/services/Soap/") }) {
		t.Error("no exchange was marked as applied")
	}
}
