package salesforcesim

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

const (
	nsSchemaInstance = "http://www.w3.org/2001/XMLSchema-instance"
	// maxEnvelope bounds a SOAP message. Salesforce takes 50 MB; nothing that is modelled comes near this.
	maxEnvelope = 10 << 20
	// maxNesting is far deeper than any message that means something.
	maxNesting = 32
)

// xmlElement is one element of a message: what stands in it are elements, or a text.
type xmlElement struct {
	name xml.Name
	attr []xml.Attr
	text []byte
	kids []*xmlElement
}

// parseXML reads a document. A document type is refused, and with it every entity but XML's own five: nothing outside
// of the message is ever looked at.
func parseXML(doc []byte) (*xmlElement, error) {
	dec := xml.NewDecoder(bytes.NewReader(doc))
	top := &xmlElement{}
	for open := []*xmlElement{top}; ; {
		at := open[len(open)-1]
		token, err := dec.Token()
		switch {
		case errors.Is(err, io.EOF) && len(top.kids) == 1:
			return top.kids[0], nil
		case errors.Is(err, io.EOF):
			return nil, errors.New("premature end of file")
		case err != nil:
			line, _ := dec.InputPos()
			return nil, fmt.Errorf("the message is not well-formed XML in UTF-8, line %d", line)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if at == top && len(top.kids) > 0 || len(open) > maxNesting {
				return nil, errors.New("unexpected element " + token.Name.Local)
			}
			e := &xmlElement{name: token.Name, attr: token.Attr}
			at.kids, open = append(at.kids, e), append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if at == top && len(bytes.TrimSpace(token)) > 0 {
				return nil, errors.New("content is not allowed outside of the document")
			}
			at.text = append(at.text, token...)
		case xml.Directive:
			return nil, errors.New("DOCTYPE is not allowed")
		}
	}
}

// child is the only element of that name, whatever its namespace if space is empty; nil: there is none, or several.
func (e *xmlElement) child(space, local string) *xmlElement {
	var found *xmlElement
	if e == nil {
		return nil
	}
	for _, k := range e.kids {
		if k.name.Local != local || space != "" && k.name.Space != space {
			continue
		}
		if found != nil {
			return nil
		}
		found = k
	}
	return found
}

// value is the text of an element, trimmed.
func (e *xmlElement) value() string {
	if e == nil {
		return ""
	}
	return string(bytes.TrimSpace(e.text))
}

// schemaAttr is xsi:nil or xsi:type.
func (e *xmlElement) schemaAttr(local string) string {
	for _, a := range e.attr {
		if a.Name.Space == nsSchemaInstance && a.Name.Local == local {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

func (e *xmlElement) isNil() bool {
	v := e.schemaAttr("nil")
	return v == "true" || v == "1"
}

// soapFault is why a call as a whole is refused.
type soapFault struct{ code, message string }

// clientFault is about a message that does not fit the WSDL; it carries no code of the API's own.
func clientFault(format string, args ...any) *soapFault {
	return &soapFault{"soapenv:Client", fmt.Sprintf(format, args...)}
}

func misplaced(e *xmlElement) *soapFault {
	return clientFault("Element {%s}%s invalid at this location", e.name.Space, e.name.Local)
}

// truth reads an xsd:boolean; an absent or nil one is false.
func (e *xmlElement) truth() (bool, *soapFault) {
	if e == nil || e.isNil() {
		return false, nil
	}
	switch v := e.value(); v {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	default:
		return false, clientFault("'%s' is not a valid value for the type xsd:boolean", v)
	}
}

// soapWriter writes the body of an answer.
type soapWriter struct{ bytes.Buffer }

// value writes an element with a text; a blank one is nil.
func (w *soapWriter) value(name, text string) {
	if text == "" {
		w.WriteString("<" + name + ` xsi:nil="true"/>`)
		return
	}
	w.WriteString("<" + name + ">")
	_ = xml.EscapeText(w, []byte(text)) // a bytes.Buffer takes everything
	w.WriteString("</" + name + ">")
}

func (w *soapWriter) truth(name string, v bool) { w.value(name, strconv.FormatBool(v)) }

// errors writes what one row was refused for.
func (w *soapWriter) errors(list []outcomeFail) {
	for _, e := range list {
		w.WriteString("<errors>")
		for _, f := range e.Fields {
			w.value("fields", f)
		}
		w.value("message", e.Message)
		w.value("statusCode", e.StatusCode)
		w.WriteString("</errors>")
	}
}

// wsdl is one of the two shapes of the API.
type wsdl struct{ space, faults string }

// wsdlOf is the shape that an address serves; it knows no operation of the other's namespace.
func wsdlOf(letter string) (wsdl, bool) {
	kind, known := map[string]string{"u": "partner", "c": "enterprise"}[letter]
	return wsdl{"urn:" + kind + ".soap.sforce.com", "urn:fault." + kind + ".soap.sforce.com"}, known
}

// answer is the envelope around what an operation returned.
func (d wsdl) answer(header, operation string, body []byte) []byte {
	return []byte(xml.Header + `<soapenv:Envelope xmlns:soapenv="` + nsSOAP + `" xmlns="` + d.space + `" xmlns:xsi="` + nsSchemaInstance + `">` + header +
		`<soapenv:Body><` + operation + `Response>` + string(body) + `</` + operation + `Response></soapenv:Body></soapenv:Envelope>`)
}

// refusal is the envelope around a fault.
func (d wsdl) refusal(f *soapFault) []byte {
	var w soapWriter
	w.WriteString(xml.Header + `<soapenv:Envelope xmlns:soapenv="` + nsSOAP + `" xmlns:sf="` + d.faults + `" xmlns:xsi="` + nsSchemaInstance + `"><soapenv:Body><soapenv:Fault>`)
	if strings.Contains(f.code, ":") {
		w.value("faultcode", f.code)
		w.value("faultstring", f.message)
	} else {
		kind := f.kind()
		w.value("faultcode", "sf:"+f.code)
		w.value("faultstring", f.code+": "+f.message)
		w.WriteString(`<detail><sf:` + kind + ` xsi:type="sf:` + kind + `">`)
		w.value("sf:exceptionCode", f.code)
		w.value("sf:exceptionMessage", f.message)
		w.WriteString(`</sf:` + kind + `></detail>`)
	}
	w.WriteString(`</soapenv:Fault></soapenv:Body></soapenv:Envelope>`)
	return w.Bytes()
}

// kind is the WSDL's type of a fault.
func (f *soapFault) kind() string {
	switch f.code {
	case "MALFORMED_ID":
		return "InvalidIdFault"
	case "INVALID_FIELD":
		return "InvalidFieldFault"
	case "INVALID_TYPE":
		return "InvalidSObjectFault"
	}
	return "UnexpectedErrorFault"
}

// fromXML makes of a field's text what JSON would have carried. False: it is not of the field's XML type, which
// fails the call before any rule looks at it.
func (f *field) fromXML(text string) (any, bool) {
	switch f.typ {
	case "boolean":
		b, fault := (&xmlElement{text: []byte(text)}).truth()
		return b, fault == nil
	case "int", "double", "currency", "percent":
		return asNumber(text)
	case "date":
		_, err := time.Parse(time.DateOnly, text)
		return text, err == nil
	case "datetime":
		_, known := parseDatetime(text)
		return text, known
	}
	return text, true
}

// asNumber takes the numbers that XML and JSON write alike: neither NaN nor INF, and no leading plus.
func asNumber(text string) (any, bool) {
	number := strings.TrimLeft(text, "-")
	if number == "" || number[0] < '0' || number[0] > '9' || !json.Valid([]byte(text)) {
		return nil, false
	}
	return json.Number(text), true
}
