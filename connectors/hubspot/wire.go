package hubspot

import (
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/handoffd/handoffd/connectors"
)

// row is one record as lists, searches and batches show it.
type row struct {
	ID         id         `json:"id"`
	Properties properties `json:"properties"`
	CreatedAt  stamp      `json:"createdAt"`
	UpdatedAt  stamp      `json:"updatedAt"`
	Archived   bool       `json:"archived"`
	TraceID    string     `json:"objectWriteTraceId"`
	// Associations are there where they were asked for, by kind.
	Associations map[string]struct {
		Results []struct {
			ID   id     `json:"id"`
			Type string `json:"type"`
		} `json:"results"`
		Paging paging `json:"paging"`
	} `json:"associations"`
}

// batch is the answer of a batch call: 200 when every row did, else 207.
type batch struct {
	Results []row     `json:"results"`
	Errors  []problem `json:"errors"`
}

// list is the answer of a list and of a search.
type list struct {
	Total   int    `json:"total"`
	Results []row  `json:"results"`
	Paging  paging `json:"paging"`
}

type paging struct {
	Next struct {
		After id `json:"after"`
	} `json:"next"`
}

// properties are the values that are set. HubSpot writes a value that is not
// set as null and every other as text.
type properties map[string]string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (p *properties) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	out := make(properties)
	for dec.PeekKind() != '}' {
		tok, err := dec.ReadToken()
		if err != nil {
			return err
		}
		name := tok.String()
		value, err := readScalar(dec)
		if err != nil {
			return err
		}
		if value != "" {
			out[name] = value
		}
	}
	*p = out
	_, err := dec.ReadToken()
	return err
}

// readScalar takes the next value as text: "" for null, a list or an object.
func readScalar(dec *jsontext.Decoder) (string, error) {
	if kind := dec.PeekKind(); kind == '{' || kind == '[' || kind == 'n' {
		return "", dec.SkipValue()
	}
	tok, err := dec.ReadToken()
	if err != nil {
		return "", err
	}
	return tok.String(), nil
}

// id is an identifier: text, in some answers a number.
type id string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (v *id) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	s, err := readScalar(dec)
	*v = id(s)
	return err
}

// stamp is an instant: ISO text or epoch milliseconds; zero if neither.
type stamp struct{ time.Time }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (v *stamp) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	s, err := readScalar(dec)
	v.Time = parseTime(s)
	return err
}

func unmarshal(body []byte, out any) error {
	return json.Unmarshal(body, out, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// parseTime reads the ways HubSpot writes an instant; zero if it is none.
func parseTime(s string) time.Time {
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC()
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// modified is when the record last changed, by the property that filters use.
func (r *row) modified(info kindInfo) time.Time {
	if t := parseTime(r.Properties[info.modified]); !t.IsZero() {
		return t
	}
	return r.UpdatedAt.Time
}

// versionOf is an instant as text that sorts like the instant.
func versionOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("%015d", t.UnixMilli())
}

func (c *Connector) ref(kind connectors.Kind, id string) connectors.Ref {
	return connectors.Ref{Conn: c.name, Kind: kind, ID: id}
}
