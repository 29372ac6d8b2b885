package hubspotsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// Edit implements simhttp.Sim: what a person does in HubSpot's screens, or a visitor with a form. An
// owner may be named by e-mail; "links" in the fields is a list of {"kind","id"} to associate with.
func (s *Sim) Edit(e simhttp.Edit) (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := stamp()
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
	by := s.personBy(s.owners[0].id)
	var rec *record
	var bad *apiError
	switch e.Op {
	case "submit_form":
		page, form := popField(fields, "page", "Home"), popField(fields, "form", "")
		rec, bad = s.submitForm(page, form, fields, now)
	case "merge":
		rec, bad = s.mergeRecords(o, popField(fields, "into", ""), e.ID, by, now)
	case "create":
		var set map[string]string
		if set, bad = s.check(o, nil, fields); bad == nil {
			rec = s.create(o, set, by, now)
		}
	case "update", "delete":
		if rec = o.live(e.ID); rec == nil {
			return nil, fmt.Errorf("no %s has id %q", o.singular, e.ID)
		}
		if e.Op == "delete" {
			s.archive(rec, by, now)
			break
		}
		var set map[string]string
		if set, bad = s.check(o, rec, fields); bad == nil {
			s.update(rec, set, by, now)
		}
	default:
		return nil, fmt.Errorf("unknown op %q", e.Op)
	}
	if bad != nil {
		return nil, errors.New(bad.row().Message)
	}
	for _, l := range links {
		to := s.object(l.Kind)
		if to == nil || to.live(string(l.ID)) == nil || plainType(o.name, to.name) == 0 {
			return nil, fmt.Errorf("cannot associate with %s %s", l.Kind, l.ID)
		}
		s.link(rec, to.live(string(l.ID)), []int{plainType(o.name, to.name)}, now)
	}
	return map[string]string{"id": rec.id}, nil
}

type editLink struct {
	Kind string `json:"kind"`
	ID   text   `json:"id"`
}

// editFields turns the fields of an edit into text.
func (s *Sim) editFields(in map[string]any) (written, []editLink, error) {
	out := written{}
	var links []editLink
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if name == "links" {
			raw, err := json.Marshal(in[name])
			if err == nil {
				err = json.Unmarshal(raw, &links)
			}
			if err != nil {
				return nil, nil, fmt.Errorf("read links: %w", err)
			}
			continue
		}
		value, err := plainText(in[name])
		if err != nil {
			return nil, nil, fmt.Errorf("field %s: %w", name, err)
		}
		if name == "hubspot_owner_id" && strings.Contains(value, "@") {
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
