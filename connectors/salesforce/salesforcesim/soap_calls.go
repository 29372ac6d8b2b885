package salesforcesim

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// soapCall is one call of the SOAP API, with what its headers ask for.
type soapCall struct {
	wsdl
	head, op  *xmlElement
	deed      deed
	allOrNone bool
	out       soapWriter
	applied   bool
}

// soapAddress reads /services/Soap/u/60.0, behind which may stand the org's id. Addresses that are not of the API
// (Metadata, Apex) get their faults in the partner's shape.
func soapAddress(path string) (d wsdl, version string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/services/Soap/")
	kind, rest, _ := strings.Cut(rest, "/")
	version, _, _ = strings.Cut(rest, "/")
	d, known := wsdlOf(kind)
	if !known {
		d, _ = wsdlOf("u")
		version = ""
	}
	return d, version, ok
}

// serveSOAP answers the calls that only SOAP has, above all the conversion of leads.
func (s *Sim) serveSOAP(w http.ResponseWriter, r *http.Request) {
	d, version, _ := soapAddress(r.URL.Path)
	body, err := readBody(r)
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	case version == "":
		sendFault(w, d, notModelled(r.URL.Path))
		return
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "text/xml"): // SOAP 1.2's own type is none here either
		sendFault(w, d, clientFault("unsupported content type: %s", r.Header.Get("Content-Type")))
		return
	case err != nil:
		sendFault(w, d, clientFault("%s", err))
		return
	}
	c, fault := readSOAP(d, body)
	switch {
	case fault != nil:
	case c.op.name.Local == "login":
		sendLoginRefused(w, d)
		return
	case !served(version):
		fault = &soapFault{"UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL"}
	case r.Header["Soapaction"] == nil: // it may be blank, but has to be there
		fault = clientFault("SOAPAction HTTP header missing")
	}
	if fault != nil {
		sendFault(w, d, fault)
		return
	}
	s.answerSOAP(w, r, c)
}

// answerSOAP lets a call through what every call of any API passes, and answers it.
func (s *Sim) answerSOAP(w http.ResponseWriter, r *http.Request, c *soapCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now().UTC()
	if !s.session(c.header("SessionHeader", "sessionId").value(), now) {
		sendFault(w, c.wsdl, &soapFault{"INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader: Illegal Session"})
		return
	}
	if s.moved(r) {
		sendGone(w)
		return
	}
	if e := s.spend(now); e != nil {
		sendFault(w, c.wsdl, &soapFault{e.code, e.message})
		return
	}
	s.org = s.seen
	s.runJobs(now)
	fault := s.sign(c, now)
	if fault == nil {
		fault = s.runSOAP(c)
	}
	s.org = s.whole
	if fault != nil {
		c.deed.tx.rollback()
		s.publish(c.deed.tx)
		sendFault(w, c.wsdl, fault)
		return
	}
	s.publish(c.deed.tx)
	if c.applied {
		simhttp.Applied(w)
	}
	var used soapWriter
	used.value("current", strconv.Itoa(s.usage.used))
	used.value("limit", strconv.Itoa(s.quota()))
	used.value("type", "API REQUESTS")
	head := "<soapenv:Header><LimitInfoHeader><limitInfo>" + used.String() + "</limitInfo></LimitInfoHeader></soapenv:Header>"
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	_, _ = w.Write(c.answer(head, c.op.name.Local, c.out.Bytes()))
}

// readSOAP takes a message apart, whatever prefixes it uses. The operation has to be of the address's namespace. Its
// arguments are known by their names alone, for public clients put them into namespaces of all kinds and Salesforce
// lets them.
func readSOAP(d wsdl, body []byte) (*soapCall, *soapFault) {
	if len(body) > maxEnvelope {
		return nil, &soapFault{"EXCEEDED_MAX_SIZE_REQUEST", "Maximum size of request reached. Maximum size of request is " + strconv.Itoa(maxEnvelope) + " bytes"}
	}
	root, err := parseXML(body)
	if err != nil {
		return nil, clientFault("%s", err)
	}
	in := root.child(nsSOAP, "Body")
	if root.name.Space != nsSOAP || root.name.Local != "Envelope" || in == nil || len(in.kids) != 1 {
		return nil, clientFault("the message is no SOAP 1.1 envelope with one operation")
	}
	c := &soapCall{wsdl: d, head: root.child(nsSOAP, "Header"), op: in.kids[0]}
	if c.op.name.Space != d.space {
		return nil, clientFault("No operation available for request {%s}%s, please check the WSDL for the service.", c.op.name.Space, c.op.name.Local)
	}
	return c, nil
}

// header is an element of one of the message's headers.
func (c *soapCall) header(name, inside string) *xmlElement {
	return c.head.child(c.space, name).child(c.space, inside)
}

// sign reads who makes the call, and how. Without an AssignmentRuleHeader no rule runs: it is REST alone that runs
// them unasked.
func (s *Sim) sign(c *soapCall, now time.Time) *soapFault {
	client := c.header("CallOptions", "client").value()
	s.clients[client]++
	c.deed = deed{tx: &tx{}, now: now, actor: s.caller, who: s.callerName(client)}
	for _, wish := range []struct {
		header, name string
		into         *bool
	}{
		{"AllOrNoneHeader", "allOrNone", &c.allOrNone},
		{"AssignmentRuleHeader", "useDefaultRule", &c.deed.assign},
		{"DuplicateRuleHeader", "allowSave", &c.deed.dup.allow},
	} {
		var fault *soapFault
		if *wish.into, fault = c.header(wish.header, wish.name).truth(); fault != nil {
			return fault
		}
	}
	c.deed.assign = c.deed.assign || c.header("AssignmentRuleHeader", "assignmentRuleId").value() != ""
	return nil
}

// runSOAP runs the operation.
func (s *Sim) runSOAP(c *soapCall) *soapFault {
	switch c.op.name.Local {
	case "convertLead":
		return s.soapConvert(c)
	case "merge":
		return s.soapMerge(c)
	case "delete":
		return s.soapEach(c, s.remove)
	case "undelete":
		return s.soapEach(c, s.undelete)
	case "getServerTimestamp":
		c.out.WriteString("<result>")
		c.out.value("timestamp", soapValue(c.deed.now))
	case "getUserInfo":
		c.out.WriteString("<result>")
		s.userInfo(&c.out)
	default:
		return notModelled(c.op.name.Local)
	}
	c.out.WriteString("</result>")
	if len(c.op.kids) > 0 {
		return misplaced(c.op.kids[0])
	}
	return nil
}

// notModelled refuses what the real API has and this one has not.
func notModelled(what string) *soapFault {
	return &soapFault{"FUNCTIONALITY_NOT_ENABLED", what + " is not modelled by this simulator"}
}

// soapEach does something to the row of every id.
func (s *Sim) soapEach(c *soapCall, do func(r *row, d deed) *apiError) *soapFault {
	ids := make([]string, len(c.op.kids))
	for i, e := range c.op.kids {
		if e.name.Local != "ids" || len(e.kids) > 0 {
			return misplaced(e)
		}
		ids[i] = e.value()
	}
	if len(ids) > maxRecords {
		return fewer(maxRecords)
	}
	if e := s.checkRuns(ids); e != nil {
		return &soapFault{e.code, e.message}
	}
	list, good := s.tryAll(c.deed, c.allOrNone, len(ids), func(i int, d deed) outcome { return s.onID(ids[i], d, do) })
	c.applied = good > 0
	for _, o := range list {
		c.out.WriteString("<result>")
		c.out.errors(o.Errors)
		c.out.value("id", o.ID)
		c.out.truth("success", o.Success)
		c.out.WriteString("</result>")
	}
	return nil
}

// fewer refuses a call with too many records.
func fewer(most int) *soapFault {
	return &soapFault{"EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than " + strconv.Itoa(most) + " records into this call"}
}

// undelete takes a row out of the recycle bin.
func (s *Sim) undelete(r *row, d deed) *apiError {
	if !r.obj.writable {
		return &apiError{code: "INSUFFICIENT_ACCESS_OR_READONLY", message: "insufficient access rights on object id", fields: []string{}}
	}
	return s.restore(r, d)
}

// userInfo writes who the session belongs to.
func (s *Sim) userInfo(w *soapWriter) {
	user, org := s.byID(s.caller).last(), s.byID(s.orgID).last()
	money := currencies()[0]
	home, own := money, ""
	if s.set.multiCurrency { // such an org says so with the user, not with itself
		home, own = "", money
	}
	w.truth("accessibilityMode", false)
	w.truth("chatterExternal", false)
	w.value("currencySymbol", "$")
	w.value("orgAttachmentFileSizeLimit", "5242880")
	w.value("orgDefaultCurrencyIsoCode", home)
	w.value("orgDefaultCurrencyLocale", "en_US")
	w.truth("orgDisallowHtmlAttachments", false)
	w.truth("orgHasPersonAccounts", s.set.personAccounts)
	w.value("organizationId", s.orgID)
	w.truth("organizationMultiCurrency", s.set.multiCurrency)
	w.value("organizationName", text(org, "Name"))
	w.value("profileId", text(user, "ProfileId"))
	w.value("roleId", text(user, "UserRoleId"))
	w.value("sessionSecondsValid", strconv.Itoa(int(s.cfg.SessionLife.Seconds())))
	w.value("userDefaultCurrencyIsoCode", own)
	w.value("userEmail", text(user, "Email"))
	w.value("userFullName", text(user, "Name"))
	w.value("userId", s.caller)
	w.value("userLanguage", "en_US")
	w.value("userLocale", "en_US")
	w.value("userName", text(user, "Username"))
	w.value("userTimeZone", text(user, "TimeZoneSidKey"))
	w.value("userType", "Standard")
	w.value("userUiSkin", "Theme3")
}

// sendFault sends a fault; its status is the same whatever has happened.
func sendFault(w http.ResponseWriter, d wsdl, f *soapFault) {
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = w.Write(d.refusal(f))
}

// sendLoginRefused refuses the log-in by user name and password, as an org does whose users have none.
func sendLoginRefused(w http.ResponseWriter, d wsdl) {
	const message = "INVALID_LOGIN: Invalid username, password, security token; or user locked out."
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = w.Write([]byte(`<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="` + nsSOAP +
		`" xmlns:sf="` + d.faults + `" xmlns:xsi="` + nsSchemaInstance + `"><soapenv:Body><soapenv:Fault>` +
		`<faultcode>INVALID_LOGIN</faultcode><faultstring>` + message + `</faultstring><detail><sf:LoginFault xsi:type="sf:LoginFault">` +
		`<sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode><sf:exceptionMessage>` + message + `</sf:exceptionMessage></sf:LoginFault></detail>` +
		`</soapenv:Fault></soapenv:Body></soapenv:Envelope>`))
}
