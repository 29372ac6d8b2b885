package hubspot

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// schemaAge is how long a schema is believed. A field that was made or taken
// away in between shows as a Schema error and is described again at once.
const schemaAge = time.Hour

// property is one entry of the properties API.
type property struct {
	Name                 string `json:"name"`
	Type                 string `json:"type"`
	FieldType            string `json:"fieldType"`
	Calculated           bool   `json:"calculated"`
	Archived             bool   `json:"archived"`
	HasUniqueValue       bool   `json:"hasUniqueValue"`
	ReferencedObjectType string `json:"referencedObjectType"`
	ModificationMetadata struct {
		ReadOnlyValue bool `json:"readOnlyValue"`
	} `json:"modificationMetadata"`
	Options []struct {
		Value string `json:"value"`
	} `json:"options"`
}

func (p *property) writable() bool { return !p.Calculated && !p.ModificationMetadata.ReadOnlyValue }

// link reports whether a number is the id of another record.
func (p *property) link() bool {
	return p.Name == "associatedcompanyid" || p.Name == "hs_primary_associated_company"
}

// kindOf is the field's type in the contract's words.
func (p *property) kindOf() string {
	switch {
	case p.link():
		return "link"
	case p.ReferencedObjectType == "OWNER" || p.Name == "hubspot_owner_id":
		return "user"
	}
	switch p.Type {
	case "number":
		if p.identifier() {
			return "text"
		}
		return "number"
	case "bool":
		return "yes_no"
	case "date", "datetime":
		return p.Type
	case "enumeration":
		switch p.FieldType {
		case "booleancheckbox":
			return "yes_no"
		case "checkbox":
			return "choices"
		}
		return "choice"
	}
	return "text"
}

// identifier reports whether a number property is a name rather than an
// amount: as a float it would lose digits.
func (p *property) identifier() bool {
	return p.Name == "hs_object_id" || strings.HasSuffix(p.Name, "_id") || strings.HasSuffix(p.Name, "_ids")
}

// schema is what a kind looks like. Not known: HubSpot does not let us see it,
// and every name is passed on as it is.
type schema struct {
	known  bool
	fields map[string]*property
	at     time.Time
}

// has reports whether a property may be asked for.
func (s *schema) has(name string) bool { return !s.known || s.fields[name] != nil }

// writable reports whether a property may be set.
func (s *schema) writable(name string) bool {
	if !s.known {
		return true
	}
	p := s.fields[name]
	return p != nil && p.writable()
}

func (s *schema) unique(name string) bool {
	p := s.fields[name]
	return p != nil && p.HasUniqueValue
}

// schemaOf is the cached schema of a kind, read when there is none or it is
// old. A schema that cannot be refreshed is kept.
func (c *Connector) schemaOf(ctx context.Context, info kindInfo) (*schema, error) {
	if s := c.knownSchema(info); s != nil {
		return s, nil
	}
	c.mu.Lock()
	cached := c.schemas[info.path]
	c.mu.Unlock()
	flight := c.flights.DoChan(info.path, func() (any, error) {
		return c.renewSchema(context.WithoutCancel(ctx), info, cached)
	})
	select {
	case <-ctx.Done():
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: "describe " + info.path, Err: ctx.Err()}
	case r := <-flight:
		s, _ := r.Val.(*schema)
		return s, r.Err
	}
}

// knownSchema is a schema that was read not long ago; nil: it has to be read.
func (c *Connector) knownSchema(info kindInfo) *schema {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.schemas[info.path]; s != nil && time.Since(s.at) < schemaAge {
		return s
	}
	return nil
}

// renewSchema reads a schema for all who wait for it.
func (c *Connector) renewSchema(ctx context.Context, info kindInfo, cached *schema) (*schema, error) {
	fresh, err := c.fetchSchema(ctx, info)
	switch class := connectors.ClassOf(err); {
	case err == nil:
	case class == connectors.Denied || class == connectors.NotFound:
		fresh = &schema{at: time.Now()}
	case cached != nil:
		c.mu.Lock()
		defer c.mu.Unlock()
		cached.at = time.Now().Add(time.Minute - schemaAge) // asked again in a minute
		return cached, nil
	default:
		return nil, err
	}
	c.keep(info, fresh)
	return fresh, nil
}

func (c *Connector) keep(info kindInfo, s *schema) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.schemas[info.path] = s
}

// forget makes the next call describe the kind again.
func (c *Connector) forget(info kindInfo) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.schemas, info.path)
}

func (c *Connector) fetchSchema(ctx context.Context, info kindInfo) (*schema, error) {
	var answer struct {
		Results []property `json:"results"`
	}
	err := c.read(ctx, "schema", "describe "+info.path, http.MethodGet,
		"/crm/properties/"+c.version+"/"+info.path, url.Values{"archived": {"false"}}, nil, &answer)
	if err != nil {
		return nil, err
	}
	if len(answer.Results) == 0 {
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: "describe " + info.path, Err: errors.New("the answer names no property")}
	}
	s := &schema{known: true, at: time.Now(), fields: make(map[string]*property, len(answer.Results))}
	for i := range answer.Results {
		if p := &answer.Results[i]; !p.Archived {
			s.fields[p.Name] = p
		}
	}
	return s, nil
}

// Describe implements connectors.Describer. It always asks HubSpot.
func (c *Connector) Describe(ctx context.Context, kinds []connectors.Kind) (map[connectors.Kind]connectors.KindSchema, error) {
	out := make(map[connectors.Kind]connectors.KindSchema, len(kinds))
	for _, kind := range kinds {
		info, ok := infoOf(kind)
		if !ok {
			continue
		}
		s, err := c.fetchSchema(ctx, info)
		if connectors.ClassOf(err) == connectors.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		c.keep(info, s)
		fields := make(map[string]connectors.Field, len(s.fields))
		for name, p := range s.fields {
			fields[name] = p.describe(name)
		}
		if kind == connectors.Task {
			for _, w := range taskWords {
				if p := s.fields[w.property]; p != nil {
					fields[w.word] = p.describe(w.word)
				}
			}
		}
		if kind == deals {
			fields[committeeField] = connectors.Field{Name: committeeField, Type: "text"}
		}
		out[kind] = connectors.KindSchema{Fields: fields}
	}
	return out, nil
}

func (p *property) describe(name string) connectors.Field {
	f := connectors.Field{Name: name, Type: p.kindOf(), Writable: p.writable(), Unique: p.HasUniqueValue}
	if f.Type == "text" {
		f.Length = maxText
	}
	if f.Type == "choice" || f.Type == "choices" {
		for _, o := range p.Options {
			f.Options = append(f.Options, o.Value)
		}
	}
	return f
}

// Tenant implements connectors.Describer: the portal's id.
func (c *Connector) Tenant(ctx context.Context) (string, error) {
	var answer struct {
		PortalID id     `json:"portalId"`
		TimeZone string `json:"timeZone"`
		UIDomain string `json:"uiDomain"`
	}
	const op = "read the account"
	if err := c.read(ctx, "schema", op, http.MethodGet, "/account-info/"+c.version+"/details", nil, nil, &answer); err != nil {
		return "", err
	}
	if answer.PortalID == "" {
		return "", &connectors.Error{Class: connectors.Unknown, Op: op, Err: errors.New("the answer names no portal")}
	}
	c.mu.Lock()
	c.ui = uiHost(answer.UIDomain)
	if zone, err := time.LoadLocation(answer.TimeZone); err == nil && answer.TimeZone != "" {
		c.zone = zone
	}
	c.mu.Unlock()
	return string(answer.PortalID), nil
}

// Users implements connectors.Describer. HubSpot shows deactivated owners only
// when asked for the archived ones. A user's id is the owner's id, which is
// what an owner property holds.
func (c *Connector) Users(ctx context.Context) ([]connectors.User, error) {
	byID := make(map[string]connectors.User)
	for _, archived := range []string{"true", "false"} { // who is in both is active
		if err := c.owners(ctx, archived, byID); err != nil {
			return nil, err
		}
	}
	out := make([]connectors.User, 0, len(byID))
	for _, u := range byID {
		out = append(out, u)
	}
	slices.SortFunc(out, func(a, b connectors.User) int {
		return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

func (c *Connector) owners(ctx context.Context, archived string, byID map[string]connectors.User) error {
	after := ""
	for {
		query := url.Values{"limit": {"100"}, "archived": {archived}}
		if after != "" {
			query.Set("after", after)
		}
		var answer struct {
			Results []struct {
				ID        id     `json:"id"`
				UserID    id     `json:"userIdIncludingInactive"`
				Email     string `json:"email"`
				Type      string `json:"type"`
				FirstName string `json:"firstName"`
				LastName  string `json:"lastName"`
				Archived  bool   `json:"archived"`
			} `json:"results"`
			Paging paging `json:"paging"`
		}
		if err := c.read(ctx, "schema", "read owners", http.MethodGet, "/crm/owners/"+c.version, query, nil, &answer); err != nil {
			return err
		}
		for _, o := range answer.Results {
			c.knowOwner(string(o.UserID), string(o.ID))
			byID[string(o.ID)] = connectors.User{
				ID: string(o.ID), Email: strings.ToLower(o.Email),
				Name:   strings.TrimSpace(o.FirstName + " " + o.LastName),
				Active: !o.Archived && archived == "false", Queue: o.Type == "QUEUE",
			}
		}
		next := string(answer.Paging.Next.After)
		if next == "" || next == after {
			return nil
		}
		after = next
	}
}

// knowOwner remembers which owner a user is: histories and activities name the
// user, records the owner.
func (c *Connector) knowOwner(user, owner string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.people == nil {
		c.people = map[string]string{}
	}
	if user != "" {
		c.people[user] = owner
	}
}

// hand is a user as records name people: by the owner they are. "user 12" is one who owns
// nothing, or any while the owners have not been read; "" is no user.
func (c *Connector) hand(user string) string {
	if user == "" || user == "0" {
		return ""
	}
	if owner := c.ownerOf(user); owner != "" {
		return owner
	}
	return "user " + user
}

// ownerOf is the owner that a user is; "" while the owners have not been read.
func (c *Connector) ownerOf(user string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.people[user]
}
