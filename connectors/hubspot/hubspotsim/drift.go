package hubspotsim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkDrift refuses properties that the portal does not have, and types that none has.
func (s *Sim) checkDrift(set setup) error {
	names := slices.Collect(maps.Keys(set.Retyped))
	if set.Archived != nil {
		names = append(names, *set.Archived...)
	}
	slices.Sort(names)
	for _, name := range names {
		if s.named(name) == nil {
			return fmt.Errorf("no property %q: object.name, as in contacts.jobtitle", name)
		}
		if kind, given := set.Retyped[name]; given && fieldTypes[kind] == nil {
			return fmt.Errorf("retyped_properties: no type %q", kind)
		}
	}
	return nil
}

// named is a property by object and name, archived or not.
func (s *Sim) named(name string) *property {
	object, name, _ := strings.Cut(name, ".")
	if o := s.objects[object]; o != nil {
		return o.props[name]
	}
	return nil
}

// drift is what an admin does to the schema: the properties named are in the bin, those named before and not now
// are out of it again, and some have another type than they had. Values stay as they are.
func (s *Sim) drift(set setup) {
	if set.Archived != nil {
		for _, name := range s.traits.archived {
			s.named(name).Archived = false
		}
		for _, name := range *set.Archived {
			s.named(name).Archived = true
		}
		s.traits.archived = *set.Archived
	}
	for name, kind := range set.Retyped {
		p := s.named(name)
		p.Type, p.FieldType, p.Options = kind, fieldTypes[kind][0], []option{}
	}
}
