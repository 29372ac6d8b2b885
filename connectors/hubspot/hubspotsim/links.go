package hubspotsim

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"
)

// linkType is one direction of an association type.
type linkType struct {
	from, to string
	id       int
	inverse  int
	label    string // "Primary", "Parent", …; empty: the unlabelled default type
}

// standardTypes are HubSpot's own association types, each direction with its own id.
var standardTypes = bothWays([]linkType{
	{"contacts", "companies", 279, 280, ""},
	{"contacts", "companies", 1, 2, "Primary"},
	{"contacts", "deals", 4, 3, ""},
	{"contacts", "tickets", 15, 16, ""},
	{"contacts", "tasks", 203, 204, ""},
	{"contacts", "notes", 201, 202, ""},
	{"contacts", "meetings", 199, 200, ""},
	{"contacts", "calls", 193, 194, ""},
	{"contacts", "emails", 197, 198, ""},
	{"contacts", "leads", 609, 608, ""},
	{"contacts", "leads", 579, 578, "Primary"},
	{"companies", "deals", 342, 341, ""},
	{"companies", "deals", 6, 5, "Primary"},
	{"companies", "tickets", 340, 339, ""},
	{"companies", "tickets", 25, 26, "Primary"},
	{"companies", "tasks", 191, 192, ""},
	{"companies", "notes", 189, 190, ""},
	{"companies", "meetings", 187, 188, ""},
	{"companies", "calls", 181, 182, ""},
	{"companies", "emails", 185, 186, ""},
	{"companies", "leads", 611, 610, ""},
	{"companies", "leads", 581, 580, "Primary"},
	{"companies", "companies", 13, 14, "Child"},
	{"deals", "tasks", 215, 216, ""},
	{"deals", "notes", 213, 214, ""},
	{"deals", "meetings", 211, 212, ""},
	{"deals", "calls", 205, 206, ""},
	{"deals", "emails", 209, 210, ""},
	{"deals", "leads", 1036, 1037, ""},
	{"deals", "tickets", 27, 28, ""},
	{"tickets", "tasks", 229, 230, ""},
	{"tickets", "notes", 227, 228, ""},
	{"tickets", "meetings", 225, 226, ""},
	{"tickets", "calls", 219, 220, ""},
	{"tickets", "emails", 223, 224, ""},
	{"leads", "tasks", 646, 647, ""},
})

func bothWays(in []linkType) map[int]linkType {
	out := make(map[int]linkType, 2*len(in))
	for _, t := range in {
		back := linkType{t.to, t.from, t.inverse, t.id, t.label}
		if t.id == 13 {
			back.label = "Parent"
		}
		out[t.id], out[t.inverse] = t, back
	}
	return out
}

// pairTypes are the ids by kinds and label.
var pairTypes = byPair(standardTypes)

type pair struct{ from, to, label string }

func byPair(types map[int]linkType) map[pair]int {
	out := make(map[pair]int, len(types))
	for id, t := range types {
		out[pair{t.from, t.to, t.label}] = id
	}
	return out
}

// plainType is the unlabelled type from one kind to another; 0: they cannot be associated.
func plainType(from, to string) int { return pairTypes[pair{from, to, ""}] }

// primaryType is the type labelled Primary from one kind to another; 0: there is none.
func primaryType(from, to string) int { return pairTypes[pair{from, to, "Primary"}] }

// linkInput is an association inside a create.
type linkInput struct {
	To struct {
		ID text `json:"id"`
	} `json:"to"`
	Types []typeInput `json:"types"`
}

type typeInput struct {
	Category string `json:"associationCategory"`
	ID       int    `json:"associationTypeId"`
}

// newLink is a checked association to be made.
type newLink struct {
	to    *record
	types []int
}

// checkLinks checks associations from a record of o: every type must point from o, and to a record that
// is there.
func (s *Sim) checkLinks(o *object, in []linkInput) ([]newLink, *apiError) {
	var out []newLink
	for _, l := range in {
		if len(l.Types) == 0 {
			return nil, invalid("An association needs at least one type.")
		}
		link := newLink{}
		for _, t := range l.Types {
			def, known := s.types[t.ID]
			if t.Category != category(t.ID) || !known || def.from != o.name {
				return nil, invalid("Association type " + strconv.Itoa(t.ID) + " (" + t.Category + ") does not start at " + o.singular + ".")
			}
			to := s.objects[def.to].live(string(l.To.ID))
			if to == nil || (link.to != nil && link.to != to) {
				return nil, invalid("Association type " + strconv.Itoa(t.ID) + ": no " + s.objects[def.to].singular + " has id " + string(l.To.ID) + ".")
			}
			link.to = to
			link.types = append(link.types, t.ID)
		}
		out = append(out, link)
	}
	return out, nil
}

// link associates two records in both directions. Any type brings the unlabelled one with it; the first
// company of a contact, deal or ticket becomes its primary one; a new primary one takes the label over.
func (s *Sim) link(from, to *record, types []int, by source, now time.Time) {
	fresh := len(from.links[to.of.name][to.id]) == 0
	s.join(from, to, types, by, now)
	if fresh {
		s.engaged(from, to, 1, now)
	}
}

// join is link without what a new activity would mean for its records.
func (s *Sim) join(from, to *record, types []int, by source, now time.Time) {
	if len(from.links[to.of.name][to.id]) == 0 {
		s.noteLink(from, to, "link", by, now)
	}

	all := append(slices.Clone(types), plainType(from.of.name, to.of.name))
	for _, ends := range [...][2]*record{{from, to}, {to, from}} {
		if p := primaryType(ends[0].of.name, ends[1].of.name); ends[1].of.name == "companies" && p != 0 && ends[0].primary() == "" {
			if ends[0] == to {
				p = standardTypes[p].inverse
			}
			all = append(all, p)
		}
	}
	for _, id := range all {
		t, known := s.types[id]
		if !known {
			continue
		}
		if t.label == "Primary" {
			s.dropPrimary(from, to)
		}
		if !from.links[to.of.name][to.id][id] {
			s.hooks.linked(from, to, t.label == "Primary", false, by, now)
		}
		from.put(to, id)
		to.put(from, t.inverse)
	}
	s.keepPrimary(from, now)
	s.keepPrimary(to, now)
}

// put notes one direction of an association.
func (r *record) put(to *record, id int) {
	kind := r.links[to.of.name]
	if kind == nil {
		kind = map[string]map[int]bool{}
		r.links[to.of.name] = kind
	}
	if kind[to.id] == nil {
		kind[to.id] = map[int]bool{}
	}
	kind[to.id][id] = true
}

// primary is the id of the record's primary company.
func (r *record) primary() string {
	p := primaryType(r.of.name, "companies")
	if p == 0 {
		return ""
	}
	for id, types := range r.links["companies"] {
		if types[p] {
			return id
		}
	}
	return ""
}

// dropPrimary takes the label Primary from the company that had it.
func (s *Sim) dropPrimary(a, b *record) {
	if a.of.name == "companies" {
		a, b = b, a
	}
	old := a.primary()
	if b.of.name != "companies" || old == "" || old == b.id {
		return
	}
	p := primaryType(a.of.name, "companies")
	delete(a.links["companies"][old], p)
	if company := s.objects["companies"].rows[old]; company != nil {
		delete(company.links[a.of.name][a.id], standardTypes[p].inverse)
	}
}

// unlink removes all types between two records.
func (s *Sim) unlink(from, to *record, by source, now time.Time) {
	if len(from.links[to.of.name][to.id]) == 0 {
		return
	}
	s.noteLink(from, to, "unlink", by, now)

	for _, id := range slices.Sorted(maps.Keys(from.links[to.of.name][to.id])) {
		s.hooks.linked(from, to, s.types[id].label == "Primary", true, by, now)
	}
	delete(from.links[to.of.name], to.id)
	delete(to.links[from.of.name], from.id)
	s.keepPrimary(from, now)
	s.keepPrimary(to, now)
	s.engaged(from, to, -1, now)
}

// dropType takes one type of an association away; the default one takes all with it.
func (s *Sim) dropType(from, to *record, id int, by source, now time.Time) {
	types := from.links[to.of.name][to.id]
	switch {
	case !types[id]:
		return
	case id == plainType(from.of.name, to.of.name):
		s.unlink(from, to, by, now)
		return
	}
	s.hooks.linked(from, to, s.types[id].label == "Primary", true, by, now)
	delete(types, id)
	delete(to.links[from.of.name][from.id], s.types[id].inverse)
	s.keepPrimary(from, now)
	s.keepPrimary(to, now)
}

// keepPrimary mirrors the primary company into the row. An association alone does not move the row's
// last-modified date.
func (s *Sim) keepPrimary(rec *record, now time.Time) {
	name := ""
	switch rec.of.name {
	case "contacts":
		name = "associatedcompanyid"
	case "deals":
		name = "hs_primary_associated_company"
	default:
		return
	}
	s.derive(rec, name, rec.primary(), now, false)
}

// linked returns the ids of one kind in ascending order.
func (r *record) linked(kind string) []string {
	return slices.SortedFunc(maps.Keys(r.links[kind]), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
}
