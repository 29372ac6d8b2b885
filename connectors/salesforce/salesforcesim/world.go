package salesforcesim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// pod is the part of every id that names the org's instance.
const pod = "dL0"

// The users beside people, by their usernames, and the name of the lead assignment rule.
const (
	integrationUser = "handoffd@example.com.integration"
	autoprocUser    = "autoproc@example.com"
	hubspotUser     = "hubspot@example.com.integration"
	leadRule        = "Inbound lead routing"
)

type stage struct {
	closed, won bool
	probability float64
}

// worldRow is one row as /world shows it and --world takes it.
type worldRow struct {
	ID         string          `json:"id"`
	Fields     json.RawMessage `json:"fields"`
	Archived   bool            `json:"archived"`
	MergedInto string          `json:"merged_into,omitempty"`
}

// World implements simhttp.Sim: every object's rows in their newest state, null fields left out.
func (s *Sim) World() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	world := map[string][]worldRow{}
	for name, tb := range s.tables {
		if tb.obj.prefix == "" || tb.obj.setup || tb.obj.history {
			continue
		}
		rows := make([]worldRow, 0, len(tb.order))
		for _, r := range tb.order {
			fields := r.last()
			b := []byte{'{'}
			for _, f := range tb.obj.fields {
				v, given := fields[f.name]
				if !given || v == nil {
					continue
				}
				if len(b) > 1 {
					b = append(b, ',')
				}
				b = append(b, '"')
				b = append(b, f.name...)
				b = appendValue(append(b, '"', ':'), f, v)
			}
			rows = append(rows, worldRow{ID: r.id, Fields: append(b, '}'), Archived: r.deleted(), MergedInto: text(fields, "MasterRecordId")})
		}
		world[name] = rows
	}
	return world
}

// Load implements simhttp.Sim. Rows may set read-only fields too; what they leave out takes its default, a
// missing id is drawn, and a row whose id is known is replaced. References are not checked, so the order of
// rows does not matter.
func (s *Sim) Load(raw json.RawMessage) error {
	var world map[string][]struct {
		ID       string         `json:"id"`
		Fields   map[string]any `json:"fields"`
		Archived bool           `json:"archived"`
		Merged   string         `json:"merged_into"`
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&world); err != nil {
		return fmt.Errorf("read world: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 0, len(world))
	for name := range world {
		names = append(names, name)
	}
	slices.Sort(names)
	now := time.Now().UTC()
	for _, name := range names {
		o := s.keyed[strings.ToLower(name)]
		if o == nil || o.prefix == "" || o.setup || o.history {
			return fmt.Errorf("world: no object %q", name)
		}
		for i, in := range world[name] {
			if err := s.loadRow(o, in.ID, in.Fields, in.Archived, in.Merged, now); err != nil {
				return fmt.Errorf("world: %s row %d: %w", name, i, err)
			}
		}
	}
	s.learnWorld()
	return nil
}

func (s *Sim) loadRow(o *object, id string, in map[string]any, archived bool, merged string, now time.Time) error {
	fields := s.defaults(o)
	for name, v := range in {
		f := o.field(name)
		if f == nil {
			return fmt.Errorf("no field %q", name)
		}
		if f.typ == "reference" {
			v = s.resolvePerson(v)
		}
		got, err := f.coerce(v)
		if err != nil {
			return fmt.Errorf("field %s: %s", f.name, err.message)
		}
		overlay(fields, values{f.name: got})
	}
	if archived {
		fields["IsDeleted"] = true
	}
	if merged != "" {
		fields["MasterRecordId"] = merged
	}
	if id == "" {
		id = s.mint(o)
	}
	id, valid := normalizeID(id)
	if !valid || !strings.HasPrefix(id, o.prefix) {
		return fmt.Errorf("%q is no id of %s", id, o.name)
	}
	s.place(o, id, fields, now)
	return nil
}

// place puts a row of the given world, visible at once and without any rule.
func (s *Sim) place(o *object, id string, fields values, now time.Time) {
	stamp := now.Truncate(time.Second)
	for name, v := range (values{"CreatedDate": stamp, "LastModifiedDate": stamp, "SystemModstamp": stamp, "CreatedById": s.caller, "LastModifiedById": s.caller, "OwnerId": s.caller}) {
		if o.field(name) != nil && fields[name] == nil {
			fields[name] = v
		}
	}
	fields["Id"] = id
	_ = s.objectRules(o, nil, fields, deed{now: now}) // a given world is taken as it is
	r := s.tables[o.name].rows[id]
	if r == nil {
		r = &row{obj: o, id: id, salt: saltOf(id, s.cfg.Seed)}
	}
	r.versions = nil
	s.tables[o.name].put(&tx{}, r, fields, now, time.Time{})
}

// learnWorld reads what the rules need out of the rows: people by e-mail and the stages.
func (s *Sim) learnWorld() {
	s.users = map[string]string{}
	for _, r := range s.tables["User"].order {
		for _, name := range []string{"Email", "Username"} {
			if v := text(r.last(), name); v != "" {
				s.users[strings.ToLower(strings.TrimSuffix(v, ".invalid"))] = r.id
				s.users[strings.ToLower(v)] = r.id
			}
		}
	}
	s.stages = map[string]stage{}
	for _, r := range s.tables["OpportunityStage"].order {
		f := r.last()
		p, _ := f["DefaultProbability"].(float64)
		s.stages[text(f, "ApiName")] = stage{f["IsClosed"] == true, f["IsWon"] == true, p}
	}
}

// resolvePerson lets an e-mail address stand where a user's id belongs, in worlds and edits only.
func (s *Sim) resolvePerson(v any) any {
	if mail, isText := v.(string); isText && strings.Contains(mail, "@") {
		if id := s.users[strings.ToLower(mail)]; id != "" {
			return id
		}
	}
	return v
}

// add places a row of the default world, stamped at.
func (s *Sim) add(object string, at time.Time, fields values) string {
	o := s.keyed[strings.ToLower(object)]
	all := s.defaults(o)
	overlay(all, fields)
	id := s.mint(o)
	s.place(o, id, all, at)
	return id
}
