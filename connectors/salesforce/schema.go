package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

const (
	// A describe is asked for again after this long when something is read or
	// written, so that a new field is soon used. Polls do not ask for it by
	// themselves: a column that went away is noticed anyway.
	schemaLife     = time.Hour
	pollSchemaLife = 25 * time.Hour

	// hiddenLife is how long an object is believed to be hidden from us.
	hiddenLife = time.Minute

	// mostLessons is how many columns may turn out to be gone in one call.
	mostLessons = 8

	// What calls are counted under (connectors.Usage).
	purposePoll   = "poll"
	purposeRead   = "read"
	purposeLocate = "locate"
	purposeWrite  = "write"
	purposeFind   = "find"
	purposeSchema = "schema"
)

// identifier is what a name has to look like before it may stand in a query.
var identifier = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,79}$`)

// missingColumn finds the column in the words of an INVALID_FIELD. It only
// says which one to leave out; that it is missing, the code has said.
var missingColumn = regexp.MustCompile(`No such column '([A-Za-z0-9_]+)'`)

// field is one column as describe shows it to our user.
type field struct {
	Name       string   `json:"name"`
	Type       string   `json:"type"`
	Length     int      `json:"length"`
	Createable bool     `json:"createable"`
	Updateable bool     `json:"updateable"`
	Unique     bool     `json:"unique"`
	ExternalID bool     `json:"externalId"`
	Filterable *bool    `json:"filterable"`
	ReferTo    []string `json:"referenceTo"`
	Relation   string   `json:"relationshipName"`
	Picklist   []struct {
		Value   string `json:"value"`
		Label   string `json:"label"`
		Active  bool   `json:"active"`
		Default bool   `json:"defaultValue"`
	} `json:"picklistValues"`
}

func (f *field) filterable() bool { return f.Filterable == nil || *f.Filterable }

// option is the first wanted value that the picklist offers, "" for none. A
// field without a list takes anything.
func (f *field) option(wanted ...string) string {
	if len(f.Picklist) == 0 {
		return wanted[0]
	}
	for _, w := range wanted {
		for _, p := range f.Picklist {
			if p.Active && strings.EqualFold(p.Value, w) {
				return p.Value
			}
		}
	}
	return ""
}

// standard is the picklist's own default, else its first active value.
func (f *field) standard() string {
	first := ""
	for _, p := range f.Picklist {
		if p.Active && p.Default {
			return p.Value
		}
		if p.Active && first == "" {
			first = p.Value
		}
	}
	return first
}

// schema is one object as describe shows it. It never changes once made.
type schema struct {
	object   string
	fields   map[string]*field // by lower-case name
	children map[string]bool   // what queries call the objects that hang on it
	missing  bool              // the org has no such object, or hides it from us
	modified string            // Last-Modified of the describe
	fetched  time.Time
}

// column is the field behind a name: the CRM's own in any case, or one of
// handoffd's own.
func (s *schema) column(name string) (*field, bool) {
	if f, ok := s.fields[strings.ToLower(OwnField(name))]; ok {
		return f, true
	}
	return s.plain(name)
}

func (s *schema) has(name string) bool { _, ok := s.column(name); return ok }

// stampColumn orders the changes of an object. A few objects have no
// SystemModstamp.
func (s *schema) stampColumn() string {
	for _, name := range []string{"SystemModstamp", "LastModifiedDate", "CreatedDate"} {
		if s.has(name) {
			return name
		}
	}
	return ""
}

// keyField is where a create of this object carries its key, and whether the
// CRM refuses a second one.
func (s *schema) keyField() (name string, unique bool) {
	f, ok := s.column(keyWord)
	if !ok || !f.Createable {
		return "", false
	}
	return f.Name, f.Unique
}

// schemaStore caches describes.
type schemaStore struct {
	fetching chan struct{} // one describe at a time: the second caller finds it cached
	mu       sync.Mutex
	known    map[string]*schema
}

func newSchemaStore() *schemaStore {
	return &schemaStore{fetching: make(chan struct{}, 1), known: map[string]*schema{}}
}

func (st *schemaStore) get(object string) *schema {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.known[object]
}

func (st *schemaStore) put(s *schema) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.known[s.object] = s
}

// forget drops what is known, unless newer is known already.
func (st *schemaStore) forget(s *schema) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.known[s.object] == s {
		delete(st.known, s.object)
	}
}

// schema is the describe of an object, at most an hour old.
func (o *org) schema(ctx context.Context, object string) (*schema, *connectors.Error) {
	return o.shown(ctx, object, schemaLife)
}

// shown is the describe of an object, at most so old. An object that the org
// does not show is an error of class Schema.
func (o *org) shown(ctx context.Context, object string, life time.Duration) (*schema, *connectors.Error) {
	s, err := o.schemaAsOf(ctx, object, time.Now().Add(-life))
	if err != nil {
		return nil, err
	}
	if s.missing && time.Since(s.fetched) >= hiddenLife {
		if s, err = o.schemaAsOf(ctx, object, time.Now().Add(-hiddenLife)); err != nil {
			return nil, err
		}
	}
	if s.missing {
		return nil, &connectors.Error{Class: connectors.Schema, Op: "describe " + object, Err: fmt.Errorf("the org does not show an object %q", object)}
	}
	return s, nil
}

// schemaAsOf is the describe of an object, made no earlier than since.
func (o *org) schemaAsOf(ctx context.Context, object string, since time.Time) (*schema, *connectors.Error) {
	op := "describe " + object
	if !identifier.MatchString(object) {
		return &schema{object: object, missing: true}, nil
	}
	if s := o.schemas.get(object); s != nil && s.fetched.After(since) {
		return s, nil
	}
	select {
	case o.schemas.fetching <- struct{}{}:
		defer func() { <-o.schemas.fetching }()
	case <-ctx.Done():
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: op, Err: ctx.Err()}
	}
	old := o.schemas.get(object)
	if old != nil && old.fetched.After(since) {
		return old, nil
	}
	s, err := o.describe(ctx, op, object, old)
	if err != nil {
		if old != nil && (err.Class == connectors.Unavailable || err.Class == connectors.Throttled) {
			return old, nil
		}
		return nil, err
	}
	o.schemas.put(s)
	return s, nil
}

// describe asks the org, which answers 304 if nothing changed since old.
func (o *org) describe(ctx context.Context, op, object string, old *schema) (*schema, *connectors.Error) {
	header := http.Header{}
	if old != nil && old.modified != "" {
		header.Set("If-Modified-Since", old.modified)
	}
	now := time.Now()
	resp, err := o.get(ctx, purposeSchema, op, o.data+"/sobjects/"+object+"/describe", header)
	if err != nil {
		e := connectors.AsError(op, err)
		switch {
		case e.Status == http.StatusNotModified && old != nil:
			same := *old
			same.fetched = now
			return &same, nil
		case e.Status == http.StatusNotFound, e.Class == connectors.Schema:
			return &schema{object: object, missing: true, fetched: now}, nil
		}
		return nil, e
	}
	var body struct {
		Fields   []*field `json:"fields"`
		Children []struct {
			Relation string `json:"relationshipName"`
		} `json:"childRelationships"`
	}
	if err := json.Unmarshal(resp.Body, &body); err != nil || len(body.Fields) == 0 {
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: op, Status: resp.Status, Err: errors.New("the answer is not a describe")}
	}
	s := &schema{object: object, fields: make(map[string]*field, len(body.Fields)), children: map[string]bool{}, modified: resp.Header.Get("Last-Modified"), fetched: now}
	for _, f := range body.Fields {
		if f != nil && identifier.MatchString(f.Name) {
			s.fields[strings.ToLower(f.Name)] = f
		}
	}
	for _, c := range body.Children {
		if identifier.MatchString(c.Relation) {
			s.children[c.Relation] = true
		}
	}
	return s, nil
}

// unlearn answers a write that was refused for some of its columns: hidden from
// us, read-only to us or gone, all of which look alike. What describe says of
// them is not believed until it is asked again.
func (o *org) unlearn(s *schema, columns []string) {
	if len(columns) == 0 {
		o.schemas.forget(s)
		return
	}
	without := *s
	without.fields, without.modified = maps.Clone(s.fields), "" // the next describe is a whole one
	for _, name := range columns {
		if f, ok := s.column(name); ok && !essential(f.Name) {
			closed := *f
			closed.Createable, closed.Updateable = false, false
			without.fields[strings.ToLower(f.Name)] = &closed
		}
	}
	if known := o.schemas.get(s.object); known == nil || known == s {
		o.schemas.put(&without)
	}
}

// essential columns are never dropped by themselves: without them the write
// would be another one.
func essential(column string) bool {
	return column == "OwnerId" || column == "Id" || column == "WhoId" || column == "WhatId"
}

// relearn answers an INVALID_FIELD: describe again and leave out the column
// that was named, should describe still show it. False: nothing was learnt.
func (o *org) relearn(ctx context.Context, s *schema, cause *connectors.Error) bool {
	dropped := o.dropRosters(s)
	if code := codeOf(cause); code != codeInvalidField && (!dropped || code != codeInvalidType) {
		return false
	}
	fresh, err := o.schemaAsOf(ctx, s.object, time.Now())
	if err != nil || fresh.missing {
		return false
	}
	named := namedFields(*cause)
	if len(named) == 0 {
		return dropped || len(fresh.fields) != len(s.fields)
	}
	without := *fresh
	without.fields, without.modified = maps.Clone(fresh.fields), ""
	for _, name := range named {
		if f, still := fresh.column(name); still {
			delete(without.fields, strings.ToLower(f.Name))
		}
	}
	if len(without.fields) != len(fresh.fields) {
		o.schemas.put(&without)
	}
	o.log.WarnContext(ctx, "a column is no longer there; it is left out", "conn", o.name, "object", s.object, "columns", named)
	return true
}

// Describe reads the schema of the kinds.
func (o *org) Describe(ctx context.Context, kinds []connectors.Kind) (map[connectors.Kind]connectors.KindSchema, error) {
	out := make(map[connectors.Kind]connectors.KindSchema, len(kinds))
	for _, kind := range kinds {
		if kind == connectors.Activity {
			out[kind] = actSchema()
			continue
		}
		s, err := o.schemaAsOf(ctx, objectOf(kind), time.Now().Add(-schemaLife))
		if err != nil {
			return nil, err
		}
		if s.missing {
			continue
		}
		ks := connectors.KindSchema{Fields: make(map[string]connectors.Field, len(s.fields))}
		for _, f := range s.fields {
			ks.Fields[f.Name] = f.described()
		}
		for _, r := range rosters() {
			if _, ok := s.roster(r.name); ok {
				ks.Fields[r.name] = connectors.Field{Name: r.name, Type: "text"}
			}
		}
		out[kind] = ks
	}
	return out, nil
}

func (f *field) described() connectors.Field {
	d := connectors.Field{Name: f.Name, Type: "text", Length: f.Length, Writable: f.Createable || f.Updateable, Unique: f.Unique}
	switch f.Type {
	case "int", "double", "currency", "percent", "long":
		d.Type = "number"
	case "boolean":
		d.Type = "yes_no"
	case "date":
		d.Type = "date"
	case "datetime":
		d.Type = "datetime"
	case "picklist":
		d.Type = "choice"
	case "multipicklist":
		d.Type = "choices"
	case "reference":
		d.Type = "link"
		if slices.Contains(f.ReferTo, "User") {
			d.Type = "user"
		}
	}
	for _, p := range f.Picklist {
		if p.Active {
			d.Options = append(d.Options, p.Value)
		}
	}
	return d
}
