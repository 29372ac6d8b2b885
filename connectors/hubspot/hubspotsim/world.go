package hubspotsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Row is one record in a world document.
type Row struct {
	ID         string         `json:"id"`
	Fields     map[string]any `json:"fields"` // written by World as texts; Load takes any scalar
	Links      []Link         `json:"links,omitempty"`
	Archived   bool           `json:"archived"`
	MergedInto string         `json:"merged_into,omitempty"`
}

// Link is one association of a row. Type is an association type id, empty for the default one.
type Link struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Type string `json:"type,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler: ids may be numbers.
func (l *Link) UnmarshalJSON(raw []byte) error {
	var in struct {
		Kind string `json:"kind"`
		ID   text   `json:"id"`
		Type text   `json:"type"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	*l = Link{in.Kind, string(in.ID), string(in.Type)}
	return nil
}

// World is everything the portal holds, by kind: contacts, companies, deals, tasks, …; and owners.
type World map[string][]Row

// World implements simhttp.Sim. Rows stand in order of id.
func (s *Sim) World() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := World{"owners": s.ownerRows()}
	for _, kind := range slices.Sorted(maps.Keys(s.objects)) {
		o := s.objects[kind]
		rows := []Row{}
		for _, id := range slices.SortedFunc(maps.Keys(o.rows), func(a, b string) int { return int(o.rows[a].num) - int(o.rows[b].num) }) {
			if rec := o.rows[id]; !rec.gone {
				rows = append(rows, rec.row())
			}
		}
		out[kind] = rows
	}
	return out
}

func (r *record) row() Row {
	row := Row{ID: r.id, Fields: map[string]any{}, Archived: r.archived}
	for name, v := range r.values {
		row.Fields[name] = v
	}
	row.Fields["hs_object_id"] = r.id
	row.Fields[r.of.created] = moment(r.created)
	row.Fields[r.of.modified] = moment(r.modified)
	if r.into != nil {
		row.MergedInto = r.into.id
	}
	for _, kind := range slices.Sorted(maps.Keys(r.links)) {
		for _, id := range r.linked(kind) {
			for _, t := range slices.Sorted(maps.Keys(r.links[kind][id])) {
				row.Links = append(row.Links, Link{kind, id, strconv.Itoa(t)})
			}
		}
	}
	return row
}

func (s *Sim) ownerRows() []Row {
	rows := make([]Row, 0, len(s.owners))
	for _, o := range byID(s.owners) {
		rows = append(rows, Row{ID: o.id, Archived: o.archived, Fields: map[string]any{
			"email": o.email, "firstName": o.first, "lastName": o.last, "userId": o.userID, "team": o.team,
		}})
	}
	return rows
}

// Load implements simhttp.Sim. Values are taken as they are, read-only ones too, since a world has a past;
// a property the portal does not have is an error. Dates named like the creation and cursor fields
// are kept, absent ones are now. Nothing is sent as a webhook and nobody reacts.
func (s *Sim) Load(raw json.RawMessage) error {
	var world World
	dec := json.NewDecoder(bytes.NewReader(raw))
	if err := dec.Decode(&world); err != nil {
		return fmt.Errorf("read world: %w", err)
	}
	return s.LoadWorld(world)
}

// LoadWorld is Load for a world that is at hand as values.
func (s *Sim) LoadWorld(world World) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loading = true
	defer func() { s.loading = false }()
	now := stamp()
	for _, row := range world["owners"] {
		if err := s.loadOwner(row); err != nil {
			return fmt.Errorf("owners %s: %w", row.ID, err)
		}
	}
	type pending struct {
		rec *record
		row Row
	}
	var rows []pending
	for _, kind := range slices.Sorted(maps.Keys(world)) {
		if kind == "owners" {
			continue
		}
		o := s.object(kind)
		if o == nil {
			return fmt.Errorf("unknown kind %q", kind)
		}
		for i, row := range world[kind] {
			rec, err := s.loadRow(o, row, now)
			if err != nil {
				return fmt.Errorf("%s %d (id %q): %w", kind, i, row.ID, err)
			}
			rows = append(rows, pending{rec, row})
		}
	}
	for _, p := range rows {
		if err := s.loadLinks(p.rec, p.row, now); err != nil {
			return fmt.Errorf("%s %s: %w", p.rec.of.name, p.rec.id, err)
		}
	}
	s.addUsers(now)
	return nil
}

func (s *Sim) loadOwner(row Row) error {
	field := func(name string) string {
		v, _ := row.Fields[name].(string) // absent: empty
		return v
	}
	o := s.ownerByID(row.ID)
	if o == nil {
		if row.ID == "" || field("email") == "" {
			return errors.New("an owner needs an id and an email")
		}
		o = &owner{id: row.ID, created: stamp()}
		s.owners = append(s.owners, o)
	}
	o.email, o.first, o.last, o.team, o.archived = field("email"), field("firstName"), field("lastName"), field("team"), row.Archived
	if o.userID = field("userId"); o.userID == "" {
		o.userID = "9" + o.id
	}
	return nil
}

// loadRow makes or replaces one record.
func (s *Sim) loadRow(o *object, row Row, now time.Time) (*record, error) {
	num := uint64(0)
	if row.ID == "" {
		num = o.newID()
		row.ID = strconv.FormatUint(num, 10)
	} else {
		var err error
		if num, err = strconv.ParseUint(row.ID, 10, 64); err != nil || num == 0 {
			return nil, errors.New("an id is a number as text")
		}
	}
	if old := o.rows[row.ID]; old != nil {
		o.remove(old)
		delete(o.rows, row.ID)
	}
	rec := &record{
		of: o, num: num, id: row.ID, values: map[string]string{}, created: now, modified: now,
		past: map[string][]revision{}, links: map[string]map[string]map[int]bool{},
	}
	if err := s.loadFields(rec, row.Fields, now); err != nil {
		return nil, err
	}
	o.add(rec)
	rec.lag = nil // a world is long indexed
	if row.Archived {
		rec.archived, rec.ended = true, rec.modified
		o.release(rec)
	}
	return rec, nil
}

func (s *Sim) loadFields(rec *record, fields map[string]any, now time.Time) error {
	set := map[string]string{}
	created, modified := now, now
	dated := false
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		p := rec.of.props[name]
		if p == nil {
			return fmt.Errorf("the portal has no property %q", name)
		}
		value, err := plainText(fields[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if p.External {
			if o := s.ownerByEmail(value); o != nil {
				value = o.id
			}
		}
		value, bad := s.store(p, value, "")
		if bad != nil && !p.External { // a world may remember owners who have left
			return fmt.Errorf("%s: %s", name, bad.Message)
		}
		switch name {
		case "hs_object_id":
		case rec.of.created:
			created, _ = parseMoment(value)
		case rec.of.modified:
			modified, _ = parseMoment(value)
			dated = true
		default:
			set[name] = value
		}
	}
	if !dated && created.Before(now) {
		modified = created
	}
	s.apply(rec, set, source{kind: "IMPORT"}, created, "create")
	rec.created, rec.modified = created, modified
	return nil
}

func (s *Sim) loadLinks(rec *record, row Row, now time.Time) error {
	if row.MergedInto != "" {
		into := rec.of.rows[row.MergedInto]
		if into == nil {
			return fmt.Errorf("merged into %s, which is not there", row.MergedInto)
		}
		rec.of.remove(rec)
		rec.into = into
		return nil
	}
	for _, l := range row.Links {
		o := s.object(l.Kind)
		if o == nil {
			return fmt.Errorf("link to unknown kind %q", l.Kind)
		}
		to := o.get(l.ID)
		if to == nil {
			return fmt.Errorf("link to %s %s, which is not there", l.Kind, l.ID)
		}
		id := plainType(rec.of.name, o.name)
		if l.Type != "" {
			n, err := strconv.Atoi(l.Type)
			if t, known := s.types[n]; err != nil || !known || t.from != rec.of.name || t.to != o.name {
				return fmt.Errorf("link type %q does not lead from %s to %s", l.Type, rec.of.name, o.name)
			}
			id = n
		}
		s.restoreLink(rec, to, id, now)
	}
	return nil
}

// restoreLink associates without the consequences that a new activity would have.
func (s *Sim) restoreLink(rec, to *record, id int, now time.Time) {
	types := []int{id}
	if base := plainType(rec.of.name, to.of.name); base != id {
		types = append(types, base)
	}
	before, beforeTo := rec.modified, to.modified
	s.link(rec, to, types, system, now)
	rec.modified, to.modified = before, beforeTo
	rec.lag, to.lag = nil, nil
}
