package salesforcesim

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
	"time"
)

const (
	nsSOAP     = "http://schemas.xmlsoap.org/soap/envelope/"
	nsOutbound = "http://soap.sforce.com/2005/09/outbound"
)

// messageObjects are the objects whose creates and updates are told.
func messageObjects() []string { return []string{"Lead", "Contact", "Account", "Opportunity"} }

// messageFields are the fields an outbound message selects beside Id.
func (s *Sim) messageFields(object string) []string {
	if names, given := s.set.messageFields[object]; given {
		return names
	}
	switch object {
	case "Lead":
		return []string{"Email", "OwnerId", "Status", "SystemModstamp"}
	case "Contact":
		return []string{"Email", "OwnerId", "AccountId", "SystemModstamp"}
	case "Opportunity":
		return []string{"StageName", "OwnerId", "SystemModstamp"}
	}
	return []string{"Name", "OwnerId", "SystemModstamp"}
}

// envelope is the message about notices of one object, with each row in its state of now. It carries no
// session and no signature.
func (s *Sim) envelope(batch []notice) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b bytes.Buffer
	b.WriteString(xml.Header)
	b.WriteString(`<soapenv:Envelope xmlns:soapenv="` + nsSOAP + `" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
		"\n <soapenv:Body>\n  <notifications xmlns=\"" + nsOutbound + "\">\n")
	action := newID("04k", uint64(1+len(batch[0].object)))
	element(&b, "   ", "OrganizationId", s.orgID)
	element(&b, "   ", "ActionId", action)
	b.WriteString("   <SessionId xsi:nil=\"true\"/>\n")
	element(&b, "   ", "EnterpriseUrl", s.baseURL+"/services/Soap/c/60.0/"+s.orgID)
	element(&b, "   ", "PartnerUrl", s.baseURL+"/services/Soap/u/60.0/"+s.orgID)
	for _, n := range batch {
		b.WriteString("   <Notification>\n")
		element(&b, "    ", "Id", n.id)
		s.soapObject(&b, n)
		b.WriteString("   </Notification>\n")
	}
	b.WriteString("  </notifications>\n </soapenv:Body>\n</soapenv:Envelope>\n")
	return b.Bytes()
}

// soapObject writes the row; one that is gone is an empty element, so that not even its id is known.
func (s *Sim) soapObject(b *bytes.Buffer, n notice) {
	const open = `    <sObject xsi:type="sf:`
	const space = `" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"`
	r := s.byID(n.row)
	if r == nil || r.deleted() {
		b.WriteString(open + n.object + space + " xsi:nil=\"true\"/>\n")
		return
	}
	b.WriteString(open + n.object + space + ">\n")
	element(b, "     ", "sf:Id", r.id)
	for _, name := range s.messageFields(n.object) {
		if f := s.org[strings.ToLower(n.object)].field(name); f != nil {
			if v := soapValue(r.last()[f.name]); v != "" { // blank fields are left out
				element(b, "     ", "sf:"+f.name, v)
			}
		}
	}
	b.WriteString("    </sObject>\n")
}

func soapValue(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case date:
		return string(v)
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return ""
}

func element(b *bytes.Buffer, indent, name, value string) {
	b.WriteString(indent + "<" + name + ">")
	_ = xml.EscapeText(b, []byte(value)) // a bytes.Buffer takes everything
	b.WriteString("</" + name + ">\n")
}

// acknowledges reads the receiver's answer: only an Ack of true, in its namespace and in a SOAP envelope,
// is one.
func acknowledges(answer []byte) bool {
	var in struct {
		XMLName xml.Name
		Body    struct {
			Response struct {
				Ack string `xml:"http://soap.sforce.com/2005/09/outbound Ack"`
			} `xml:"http://soap.sforce.com/2005/09/outbound notificationsResponse"`
		} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
	}
	if err := xml.Unmarshal(answer, &in); err != nil {
		return false
	}
	return in.XMLName == xml.Name{Space: nsSOAP, Local: "Envelope"} && strings.TrimSpace(in.Body.Response.Ack) == "true"
}
