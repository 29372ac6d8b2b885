package hubspot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/handoffd/handoffd/connectors"
)

// event is one element of a webhook's body (webhooks guide). Numbers are kept
// as their digits.
type event struct {
	eventID, subscriptionID, portalID, occurredAt string
	subscriptionType                              string // in real traffic; the documentation says eventType
	objectID, objectTypeID                        string
	propertyName                                  string
	value                                         [8]byte // start of the value's hash
	primary, created                              string  // of a merge
	merged                                        []string
	from, to                                      string // of an association
	fromType, toType, associationType             string
}

// maxMerged bounds the records that one merge may name. HubSpot knows 250
// merges in the life of a record.
const maxMerged = 1000

// Receive implements connectors.Receiver. The signature is checked over the
// raw bytes before any of them is read. Unknown sorts of events and those of
// another portal are put aside one by one, never refused as a whole: a refusal
// would be sent ten times more (I7, I8).
func (c *Connector) Receive(r connectors.Request) (connectors.Received, error) {
	if refusal := c.verify(r); refusal != nil {
		return connectors.Received{}, refusal
	}
	if r.Tenant == "" {
		return connectors.Received{}, refused("tenant", http.StatusServiceUnavailable, "the portal's id is not known yet; HubSpot will send again")
	}
	var out connectors.Received
	dec := jsontext.NewDecoder(bytes.NewReader(r.Body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err := c.readEvents(dec, r.Tenant, &out); err != nil {
		return connectors.Received{}, refused("malformed", http.StatusBadRequest, "the body is not a JSON list of events")
	}
	return out, nil
}

// readEvents takes a list of events, or a single one.
func (c *Connector) readEvents(dec *jsontext.Decoder, tenant string, out *connectors.Received) error {
	var e event
	if dec.PeekKind() == '[' {
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
		for dec.PeekKind() != ']' {
			if err := c.readEvent(dec, &e, tenant, out); err != nil {
				return err
			}
		}
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
	} else if err := c.readEvent(dec, &e, tenant, out); err != nil {
		return err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}

var errTrailing = errors.New("more follows the events")

func (c *Connector) readEvent(dec *jsontext.Decoder, e *event, tenant string, out *connectors.Received) error {
	if dec.PeekKind() != '{' {
		out.Refused = append(out.Refused, connectors.Refusal{Reason: "malformed", Detail: "an event is not an object"})
		return dec.SkipValue()
	}
	*e = event{merged: e.merged[:0]}
	if err := e.read(dec); err != nil {
		return err
	}
	c.take(e, tenant, out)
	return nil
}

// read fills e from the object that follows.
func (e *event) read(dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		tok, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if err := e.member(dec, tok.String()); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

func (e *event) member(dec *jsontext.Decoder, name string) (err error) {
	switch name {
	case "eventId":
		e.eventID, err = readScalar(dec)
	case "subscriptionId":
		e.subscriptionID, err = readScalar(dec)
	case "portalId":
		e.portalID, err = readScalar(dec)
	case "occurredAt":
		e.occurredAt, err = readScalar(dec)
	case "subscriptionType":
		e.subscriptionType, err = readScalar(dec)
	case "eventType":
		var text string
		if text, err = readScalar(dec); e.subscriptionType == "" {
			e.subscriptionType = text
		}
	case "objectId":
		e.objectID, err = readScalar(dec)
	case "objectTypeId":
		e.objectTypeID, err = readScalar(dec)
	case "propertyName":
		e.propertyName, err = readScalar(dec)
	case "propertyValue":
		var raw jsontext.Value
		if raw, err = dec.ReadValue(); err == nil {
			sum := sha256.Sum256(raw)
			copy(e.value[:], sum[:])
		}
	default:
		return e.rareMember(dec, name)
	}
	return err
}

// rareMember reads what only merges and associations have.
func (e *event) rareMember(dec *jsontext.Decoder, name string) (err error) {
	switch name {
	case "primaryObjectId":
		e.primary, err = readScalar(dec)
	case "newObjectId":
		e.created, err = readScalar(dec)
	case "mergedObjectIds":
		return e.readMerged(dec)
	case "fromObjectId":
		e.from, err = readScalar(dec)
	case "toObjectId":
		e.to, err = readScalar(dec)
	case "fromObjectTypeId":
		e.fromType, err = readScalar(dec)
	case "toObjectTypeId":
		e.toType, err = readScalar(dec)
	case "associationType":
		e.associationType, err = readScalar(dec)
	default:
		return dec.SkipValue()
	}
	return err
}

func (e *event) readMerged(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '[' {
		text, err := readScalar(dec)
		e.merged = append(e.merged, text)
		return err
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		text, err := readScalar(dec)
		if err != nil {
			return err
		}
		if len(e.merged) < maxMerged {
			e.merged = append(e.merged, text)
		}
	}
	_, err := dec.ReadToken()
	return err
}

// kindOfType reads both ways HubSpot names a type: "contact" and "0-1".
func kindOfType(name string) (connectors.Kind, bool) {
	switch name {
	case "contact", "CONTACT", "0-1":
		return contacts, true
	case "company", "COMPANY", "0-2":
		return companies, true
	case "deal", "DEAL", "0-3":
		return deals, true
	case "lead", "LEAD", "0-136":
		return leads, true
	case "task", "TASK", "0-27":
		return connectors.Task, true
	}
	return "", false
}

// take turns an event into hints, or puts it aside.
func (c *Connector) take(e *event, tenant string, out *connectors.Received) {
	aside := func(reason, detail string) {
		out.Refused = append(out.Refused, connectors.Refusal{Reason: reason, Detail: detail})
	}
	if e.portalID != tenant {
		aside("tenant", "the event is of another portal")
		return
	}
	object, verb, _ := strings.Cut(e.subscriptionType, ".")
	if object == "object" {
		object = e.objectTypeID
	}
	if verb == "associationChange" {
		if !c.takeEnds(e, object, out) {
			aside("unknown_kind", "an association between kinds we do not watch")
		}
		return
	}
	kind, ok := kindOfType(object)
	if !ok {
		aside("unknown_kind", "an event of a kind we do not watch")
		return
	}
	ids := []string{e.objectID}
	switch verb {
	case "creation", "deletion", "restore", "propertyChange", "privacyDeletion":
	case "merge": // the survivor may be a third record (C8)
		ids = append(append(ids, e.created, e.primary), e.merged...)
	default:
		aside("unknown_kind", "a sort of event we do not know")
		return
	}
	if c.hint(e, kind, ids, out) == 0 {
		aside("malformed", "the event names no record")
	}
}

// takeEnds hints at both ends of an association.
func (c *Connector) takeEnds(e *event, object string, out *connectors.Received) bool {
	fromType, toType := e.fromType, e.toType
	if a, b, ok := strings.Cut(e.associationType, "_TO_"); ok {
		fromType, toType = a, b
	}
	if fromType == "" {
		fromType = object
	}
	n := 0
	if kind, ok := kindOfType(fromType); ok {
		n += c.hint(e, kind, []string{firstOf(e.from, e.objectID)}, out)
	}
	if kind, ok := kindOfType(toType); ok {
		n += c.hint(e, kind, []string{e.to}, out)
	}
	return n > 0
}

// hint adds a change for each record named, once.
func (c *Connector) hint(e *event, kind connectors.Kind, ids []string, out *connectors.Received) int {
	n := 0
	for i, one := range ids {
		if !isNumber(one) || slices.Contains(ids[:i], one) {
			continue
		}
		out.Changes = append(out.Changes, connectors.Change{
			Ref: c.ref(kind, one), EventID: e.key(kind, one), At: parseTime(e.occurredAt),
		})
		n++
	}
	return n
}

// key tells one event from the next. The eventId alone does not: HubSpot says
// that it need not be unique, and the attempt number differs when the same
// event comes again (I1).
func (e *event) key(kind connectors.Kind, id string) string {
	b := make([]byte, 0, 128)
	for _, part := range []string{"hook", e.portalID, e.subscriptionID, e.eventID, string(kind), id, e.occurredAt} {
		b = append(b, part...)
		b = append(b, ':')
	}
	b = strconv.AppendQuote(b, e.propertyName)
	b = append(b, ':')
	return string(hex.AppendEncode(b, e.value[:]))
}
