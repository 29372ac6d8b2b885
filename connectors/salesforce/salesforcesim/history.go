package salesforcesim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxTracked is how many fields of one object an org may track.
const maxTracked = 20

// historyFields are the columns of a history object; %s is the parent's name. The values can be neither
// filtered nor sorted by.
const historyFields = `
Id id ro
%[1]sId reference ro ref=%[1]s rel=%[1]s
Field picklist 255 ro
DataType picklist 40 ro
OldValue anyType ro
NewValue anyType ro
IsDeleted boolean ro
CreatedById reference ro ref=User rel=CreatedBy
CreatedDate datetime ro
`

func historyObjects() []spec {
	list := []spec{{"LeadHistory", "Lead Histories", "017", "", ""}, {"ContactHistory", "Contact Histories", "03H", "", ""}, {"AccountHistory", "Account Histories", "03G", "", ""}, {"OpportunityFieldHistory", "Opportunity Field Histories", "03I", "", ""}}
	for i, parent := range []string{"Lead", "Contact", "Account", "Opportunity"} {
		list[i].flags, list[i].fields = "history="+parent, fmt.Sprintf(historyFields, parent)
	}
	return list
}

func historyOf(object string) string {
	if object == "Opportunity" {
		return "OpportunityFieldHistory"
	}
	return object + "History"
}

func checkTracked(names []string) error {
	count := map[string]int{}
	for _, name := range names {
		kind, _, _ := strings.Cut(name, ".")
		if !slices.Contains(messageObjects(), kind) {
			return fmt.Errorf("track_history: no history of %q", kind)
		}
		if count[kind]++; count[kind] > maxTracked {
			return fmt.Errorf("track_history: more than %d fields of %s", maxTracked, kind)
		}
	}
	return nil
}

func (s *Sim) tracks(object string) bool {
	return slices.ContainsFunc(s.set.tracked, func(name string) bool { return strings.HasPrefix(name, object+".") })
}

// track writes what a save did to the tracked fields: the first state against the last, whatever automation
// went through in between, by the user who saved. A reference gives two rows, one with names and one with ids.
func (s *Sim) track(r *row, old, fields values, d deed, visible time.Time) {
	if !s.tracks(r.obj.name) || fields["IsDeleted"] == true {
		return
	}
	if old == nil {
		s.trackOne(r, "created", "", nil, nil, d, visible)
		return
	}
	for _, name := range s.set.tracked {
		kind, column, _ := strings.Cut(name, ".")
		f := r.obj.field(column)
		if kind != r.obj.name || f == nil || old[f.name] == fields[f.name] {
			continue
		}
		from, to := plainValue(old[f.name]), plainValue(fields[f.name])
		switch {
		case f.typ == "reference":
			label := f.name
			if standard, isID := strings.CutSuffix(f.name, "Id"); isID {
				label = standard
			}
			s.trackOne(r, label, "Text", s.nameOf(from), s.nameOf(to), d, visible)
			s.trackOne(r, label, "EntityId", from, to, d, visible)
		case f.typ == "textarea" && f.length > 255: // only that it changed
			s.trackOne(r, f.name, "Text", nil, nil, d, visible)
		default:
			s.trackOne(r, f.name, "Text", from, to, d, visible)
		}
	}
}

func (s *Sim) nameOf(id any) any {
	text, _ := id.(string)
	if r := s.byID(text); r != nil {
		return r.last()["Name"]
	}
	return nil
}

func (s *Sim) trackOne(r *row, name, typ string, from, to any, d deed, visible time.Time) {
	o := s.keyed[strings.ToLower(historyOf(r.obj.name))]
	id := s.mint(o)
	fields := values{
		"Id": id, r.obj.name + "Id": r.id, "Field": name, "DataType": typ, "IsDeleted": false,
		"CreatedById": d.actor, "CreatedDate": d.stamp(),
	}
	overlay(fields, values{"OldValue": from, "NewValue": to})
	s.tables[o.name].put(d.tx, &row{obj: o, id: id, salt: saltOf(id, s.cfg.Seed)}, fields, d.now, visible)
}
