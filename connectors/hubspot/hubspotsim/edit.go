package hubspotsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// Edit implements simhttp.Sim: what a person does in HubSpot's screens, a visitor with a form, a workflow or
// another program; By says which. An owner may be named by e-mail; "links" in the fields is a list of
// {"kind","id"} to associate with, "unlinks" one of associations to take away; "about" of a new activity names a
// record by e-mail address, domain, name or id. The object "owners" takes an update of "active", or of "away_from"
// and "away_until" (out of office), by the owner's id or e-mail.
func (s *Sim) Edit(e simhttp.Edit) (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := stamp()
	by, err := s.sourceOf(e.By)
	if err != nil {
		return nil, err
	}
	if e.Object == "owners" {
		return s.editOwner(e, by, now)
	}
	if e.Object == "" && e.Op == "submit_form" {
		e.Object = "contacts"
	}
	o := s.object(e.Object)
	if o == nil {
		return nil, fmt.Errorf("unknown object %q", e.Object)
	}
	fields, links, err := s.editFields(e.Fields)
	if err != nil {
		return nil, err
	}
	if e.Op == "create" && activities[o.name].kind != "" {
		more, err := s.logged(o, fields, by, now)
		if err != nil {
			return nil, err
		}
		links = append(links, more...)
	}
	rec, bad, err := s.editRecord(o, e, fields, by, now)
	if err != nil {
		return nil, err
	}
	if bad != nil {
		return nil, errors.New(bad.row().Message)
	}
	for _, l := range links {
		to := s.object(l.Kind)
		if to == nil || to.live(string(l.ID)) == nil || plainType(o.name, to.name) == 0 {
			return nil, fmt.Errorf("cannot associate with %s %s", l.Kind, l.ID)
		}
		other := to.live(string(l.ID))
		if l.gone {
			s.unlink(rec, other, by, now)
			continue
		}
		s.link(rec, other, []int{plainType(o.name, to.name)}, by, now)
	}
	return map[string]string{"id": rec.id}, nil
}

// editRecord does what the edit says to one record.
func (s *Sim) editRecord(o *object, e simhttp.Edit, fields written, by source, now time.Time) (rec *record, bad *apiError, err error) {
	synced := syncFields(o, fields, by)
	switch e.Op {
	case "submit_form":
		page, form := popField(fields, "page", "Home"), popField(fields, "form", "")
		rec, bad = s.submitForm(page, form, fields, now)
		return rec, bad, nil
	case "merge":
		rec, bad = s.mergeRecords(o, popField(fields, "into", ""), e.ID, by, now)
		return rec, bad, nil
	case "create":
		set, bad := s.check(o, nil, fields)
		if bad != nil {
			return nil, bad, nil
		}
		maps.Copy(set, synced)
		return s.create(o, set, by, now), nil, nil
	case "update", "delete":
		rec = o.live(e.ID)
	case "restore", "purge":
		rec = o.get(e.ID)
	default:
		return nil, nil, fmt.Errorf("unknown op %q", e.Op)
	}
	if rec == nil {
		return nil, nil, fmt.Errorf("no %s has id %q", o.singular, e.ID)
	}
	switch e.Op {
	case "delete":
		s.archive(rec, by, now)
	case "restore":
		bad = s.restore(rec, by, now)
	case "purge":
		if o.name != "contacts" {
			return nil, nil, errors.New("only a contact is purged for privacy")
		}
		s.purge(rec, by, now)
	case "update":
		var set map[string]string
		if set, bad = s.check(o, rec, fields); bad == nil {
			maps.Copy(set, synced)
			s.update(rec, set, by, now)
		}
	}
	return rec, bad, nil
}

// syncFields takes out the ids that a native sync alone may write, though they are read-only to everybody else.
func syncFields(o *object, fields written, by source) map[string]string {
	out := map[string]string{}
	if !strings.HasPrefix(by.actor, "sync:") {
		return out
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if p := o.props[name]; p != nil && strings.Contains(name, "salesforce") && fields[name] != nil {
			out[name] = *fields[name]
			delete(fields, name)
		}
	}
	return out
}

// editOwner activates or deactivates a user, or notes when they are out of office. Records keep the owner they have.
func (s *Sim) editOwner(e simhttp.Edit, by source, now time.Time) (map[string]string, error) {
	o := s.ownerByID(e.ID)
	if o == nil {
		o = s.ownerByEmail(e.ID)
	}
	active, isBool := e.Fields["active"].(bool)
	from, _ := e.Fields["away_from"].(string)
	until, _ := e.Fields["away_until"].(string)
	switch {
	case o == nil:
		return nil, fmt.Errorf("no owner has id or e-mail %q", e.ID)
	case e.Op == "update" && from != "" && until != "" && len(e.Fields) == 2:
		return map[string]string{"id": o.id}, s.away(o, from, until, by, now)
	case e.Op != "update" || !isBool || len(e.Fields) != 1:
		return nil, errors.New(`an owner takes an update of {"active": true or false} or of {"away_from", "away_until"}`)
	}
	if o.archived == active {
		o.archived = !active
		s.noteOwner(o, by, map[string]simhttp.FromTo{"active": {From: !active, To: active}}, now)
	}
	return map[string]string{"id": o.id}, nil
}

type editLink struct {
	Kind string `json:"kind"`
	ID   text   `json:"id"`
	gone bool
}

// editFields turns the fields of an edit into text.
func (s *Sim) editFields(in map[string]any) (written, []editLink, error) {
	out := written{}
	var links []editLink
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if name == "links" || name == "unlinks" {
			var more []editLink
			raw, err := json.Marshal(in[name])
			if err == nil {
				err = json.Unmarshal(raw, &more)
			}
			if err != nil {
				return nil, nil, fmt.Errorf("read %s: %w", name, err)
			}
			for _, l := range more {
				l.gone = name == "unlinks"
				links = append(links, l)
			}
			continue
		}
		value, err := plainText(in[name])
		if err != nil {
			return nil, nil, fmt.Errorf("field %s: %w", name, err)
		}
		if strings.Contains(value, "@") && s.namesOwner(name) {
			o := s.ownerByEmail(value)
			if o == nil {
				return nil, nil, fmt.Errorf("no owner has the e-mail %s", value)
			}
			value = o.id
		}
		out[name] = &value
	}
	return out, links, nil
}

// namesOwner reports whether a property of that name holds an owner, on any type.
func (s *Sim) namesOwner(name string) bool {
	for _, o := range s.objects {
		if p := o.props[name]; p != nil && p.Referenced == "OWNER" {
			return true
		}
	}
	return false
}

// plainText is a JSON scalar as text; null clears.
func plainText(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return "", fmt.Errorf("%T is not a scalar", v)
}

// popField takes a field that is an instruction rather than a property.
func popField(fields written, name, otherwise string) string {
	v := fields[name]
	delete(fields, name)
	if v == nil || *v == "" {
		return otherwise
	}
	return *v
}
