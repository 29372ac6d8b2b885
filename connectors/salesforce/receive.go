package salesforce

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// Outbound messages (Setup → Flows → "Send outbound message") are SOAP, and
// nobody signs them: Salesforce's addresses and its client certificate are
// shared by all of its customers. What is believed of one is that a record of
// ours may be worth a look, and only after the path's secret and the org's id
// were right. Everything else, the fields and the session id above all, is
// never read.
const (
	soapSpace     = "http://schemas.xmlsoap.org/soap/envelope/"
	outboundSpace = "http://soap.sforce.com/2005/09/outbound"
	instanceSpace = "http://www.w3.org/2001/XMLSchema-instance"
	recordSpaces  = "urn:sobject." // …enterprise or …partner.soap.sforce.com

	maxOutbound      = 2 << 20 // bytes of one message (I9)
	maxNotifications = 100     // Salesforce sends at most so many in one message
	maxDepth         = 16      // elements inside each other; a message needs six
	maxElements      = 100_000
	maxName          = 40 // characters of an object's name

	ackType = "text/xml; charset=utf-8"
	ack     = `<?xml version="1.0" encoding="UTF-8"?>` +
		`<soapenv:Envelope xmlns:soapenv="` + soapSpace + `"><soapenv:Body>` +
		`<notificationsResponse xmlns="` + outboundSpace + `"><Ack>true</Ack></notificationsResponse>` +
		`</soapenv:Body></soapenv:Envelope>`
)

// BodyLimit implements connectors.Unsigned.
func (*org) BodyLimit() int64 { return maxOutbound }

// Receive implements connectors.Receiver for outbound messages. It is all or
// nothing as to whose message it is, and one by one as to the records in it:
// an answer that is not the Ack makes Salesforce send all of it again, for 24
// hours.
func (o *org) Receive(r connectors.Request) (connectors.Received, error) {
	switch {
	case o.unguarded:
		return connectors.Received{}, refusal("no_secret", http.StatusNotFound,
			"outbound messages are not signed; set the connection's WEBHOOK_SECRET and end their address with it")
	case r.Tenant == "":
		return connectors.Received{}, refusal("tenant", http.StatusServiceUnavailable, "the org's id is not known yet; Salesforce will send again")
	case len(r.Body) > maxOutbound:
		return connectors.Received{}, refusal("too_large", http.StatusRequestEntityTooLarge, "an outbound message of over 2 MiB")
	}
	m, err := readMessage(r.Body)
	if err != nil {
		var refused *connectors.Refusal
		if errors.As(err, &refused) {
			return connectors.Received{}, refused
		}
		return connectors.Received{}, refusal("malformed", http.StatusBadRequest, "the body is not an outbound message")
	}
	tenant, _ := normalizeID(r.Tenant)
	if sender, ok := normalizeID(m.org); !ok || sender != tenant {
		return connectors.Received{}, refusal("tenant", http.StatusUnauthorized, "the message is of another org")
	}
	if m.session {
		return connectors.Received{}, refusal("session_id", http.StatusForbidden,
			"the message carries a session id, which no message should since February 2026; untick Send Session ID in the outbound message")
	}
	out := connectors.Received{Reply: []byte(ack), ReplyType: ackType}
	for _, n := range m.notifications {
		change, put := n.change(tenant)
		if put != nil {
			out.Refused = append(out.Refused, *put)
			continue
		}
		out.Changes = append(out.Changes, change)
	}
	return out, nil
}

func refusal(reason string, status int, detail string) *connectors.Refusal {
	return &connectors.Refusal{Reason: reason, Status: status, Detail: detail}
}

// message is what is read of an outbound message.
type message struct {
	org           string
	session       bool // a session id came along
	notifications []notification
}

// notification is one record of a message.
type notification struct{ id, object, record string }

// change is the hint a notification gives. Its name is the org's and the
// notification's id: Salesforce sends the same one again until it is
// acknowledged, and sometimes after that (I1, I11). It has no time: what the
// message says is newer than anything we have read. A record that has been
// deleted meanwhile comes without fields, at times without an id: polling finds
// those.
func (n notification) change(tenant string) (connectors.Change, *connectors.Refusal) {
	aside := func(reason, detail string) (connectors.Change, *connectors.Refusal) {
		return connectors.Change{}, &connectors.Refusal{Reason: reason, Detail: detail}
	}
	if len(n.object) > maxName || !identifier.MatchString(n.object) {
		return aside("malformed", "a notification names no object")
	}
	kind := connectors.Kind(n.object)
	if n.object == taskObject {
		kind = connectors.Task
	}
	record, ok := normalizeID(n.record)
	known := kindOfID(record)
	switch {
	case n.record == "":
		return aside("no_record", "a notification names no record: it was deleted before the message was sent")
	case !ok || known != "" && known != kind:
		return aside("malformed", "a notification's record id is none of its object")
	}
	id, ok := normalizeID(n.id)
	if !ok {
		return aside("malformed", "a notification has no id")
	}
	return connectors.Change{Ref: connectors.Ref{Kind: kind, ID: record}, EventID: "message:" + tenant + ":" + id + ":" + record}, nil
}

var errMessage = errors.New("not an outbound message")

// reader walks a message's elements. It knows where it is by the names on the
// way down and keeps text only where it is wanted.
type reader struct {
	dec   *xml.Decoder
	path  []xml.Name
	count int
	out   message
	text  strings.Builder
}

// readMessage reads a message in one pass. Document types, entities of their
// own, other encodings than UTF-8 and anything deep are refused; so a body
// costs no more than its length.
func readMessage(body []byte) (message, error) {
	r := &reader{dec: xml.NewDecoder(bytes.NewReader(body))}
	r.dec.Strict = true
	seen := false
	for {
		tok, err := r.dec.Token()
		if errors.Is(err, io.EOF) && seen && len(r.path) == 0 {
			return r.out, nil
		}
		if err != nil {
			return message{}, errMessage
		}
		switch t := tok.(type) {
		case xml.Directive:
			return message{}, refusal("malformed", http.StatusBadRequest, "a document type is not allowed in a message")
		case xml.StartElement:
			if seen && len(r.path) == 0 {
				return message{}, errMessage // a second document
			}
			seen = true
			if err := r.open(t); err != nil {
				return message{}, err
			}
		case xml.EndElement:
			r.closed()
		case xml.CharData:
			if len(r.path) == 0 && len(bytes.TrimSpace(t)) > 0 {
				return message{}, errMessage
			}
			if r.wanted() && r.text.Len()+len(t) <= 4*maxMessage {
				r.text.Write(t)
			}
		}
	}
}

func (r *reader) open(t xml.StartElement) error {
	r.count++
	if len(r.path) == maxDepth || r.count > maxElements {
		return refusal("malformed", http.StatusBadRequest, "the message is nested too deep or has too many elements")
	}
	want := [...]xml.Name{{Space: soapSpace, Local: "Envelope"}, {Space: soapSpace, Local: "Body"}, {Space: outboundSpace, Local: "notifications"}}
	depth := len(r.path)
	if depth < len(want) && t.Name != want[depth] {
		return errMessage
	}
	r.path = append(r.path, t.Name)
	r.text.Reset()
	switch {
	case r.at("Notification"):
		if len(r.out.notifications) == maxNotifications {
			return refusal("malformed", http.StatusBadRequest, "a message has at most 100 notifications")
		}
		r.out.notifications = append(r.out.notifications, notification{})
	case r.at("Notification", "sObject"):
		for _, a := range t.Attr {
			if a.Name.Space == instanceSpace && a.Name.Local == "type" {
				_, object, qualified := strings.Cut(a.Value, ":")
				if !qualified {
					object = a.Value
				}
				r.last().object = object
			}
		}
	}
	return nil
}

// at reports whether the reader stands inside notifications at these names, all
// of the message's own namespace.
func (r *reader) at(names ...string) bool {
	const above = 3
	if len(r.path) != above+len(names) {
		return false
	}
	for i, name := range names {
		if r.path[above+i].Local != name || r.path[above+i].Space != outboundSpace {
			return false
		}
	}
	return true
}

// atRecordID reports whether the reader stands in a record's own id, which is
// of the org's namespace.
func (r *reader) atRecordID() bool {
	n := len(r.path)
	if n < 2 || r.path[n-1].Local != "Id" || !strings.HasPrefix(r.path[n-1].Space, recordSpaces) {
		return false
	}
	r.path = r.path[:n-1]
	defer func() { r.path = r.path[:n] }()
	return r.at("Notification", "sObject")
}

func (r *reader) wanted() bool {
	return r.at("OrganizationId") || r.at("SessionId") || r.at("Notification", "Id") || r.atRecordID()
}

func (r *reader) last() *notification { return &r.out.notifications[len(r.out.notifications)-1] }

// closed takes what an element held.
func (r *reader) closed() {
	text := strings.TrimSpace(r.text.String())
	switch {
	case r.at("OrganizationId"):
		r.out.org += text // told twice it is nobody's
	case r.at("SessionId"):
		r.out.session = r.out.session || text != ""
	case r.at("Notification", "Id"):
		r.last().id = text
	case r.atRecordID():
		r.last().record = text
	}
	r.path = r.path[:len(r.path)-1]
	r.text.Reset()
}
