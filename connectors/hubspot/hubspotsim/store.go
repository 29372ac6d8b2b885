package hubspotsim

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// object is one object type with its fields and records.
type object struct {
	name     string // contacts
	singular string // contact
	typeID   string // 0-1
	created  string // name of the creation date: createdate or hs_createdate
	modified string // name of the cursor field: lastmodifieddate on contacts, hs_lastmodifieddate elsewhere
	required []string
	defaults []string // properties answered when none are asked for
	merges   bool

	props  map[string]*property
	groups []group
	nextID uint64
	ids    *simhttp.Rand                 // gaps between ids: equal seeds and equal creations of a type give equal ids
	rows   map[string]*record            // every id that resolves, merged ones included
	order  []*record                     // ascending by id, merged ones taken out
	unique map[string]map[string]*record // unique property -> value -> its record
}

// record is one row of an object type.
type record struct {
	of       *object
	num      uint64
	id       string
	values   map[string]string // unset ones are absent
	created  time.Time
	modified time.Time
	archived bool
	ended    time.Time // when it was archived
	into     *record   // what it was merged into
	gone     bool      // erased for privacy
	past     map[string][]revision
	links    map[string]map[string]map[int]bool // kind -> id -> association type ids
	byUser   string                             // who changed it last in the screens; an API call leaves it as it was
	madeBy   string
	lag      []late    // changes the search index has not seen yet, oldest first
	drawn    time.Time // when it was last drawn whether the index misses a change
	missed   bool      // what was drawn
}

// revision is one value a property had, with who set it and when.
type revision struct {
	value string
	at    time.Time
	by    source
}

// late is a change that the search index shows from visible on.
type late struct {
	visible time.Time
	old     map[string]string // what the changed properties were; absent ones were unset
	touched []string
	birth   bool
	missed  bool // until the record changes again
}

// forever is how late the index is with what it has missed.
const forever = 100 * 365 * 24 * time.Hour

func (o *object) get(id string) *record {
	rec := o.rows[id]
	for rec != nil && rec.into != nil {
		rec = rec.into
	}
	if rec == nil || rec.gone {
		return nil
	}
	return rec
}

// live is get for records that are not in the recycle bin.
func (o *object) live(id string) *record {
	if rec := o.get(id); rec != nil && !rec.archived {
		return rec
	}
	return nil
}

// add puts a new record in its place in the order.
func (o *object) add(rec *record) {
	o.rows[rec.id] = rec
	if rec.num >= o.nextID {
		o.nextID = rec.num + 1
	}
	if n := len(o.order); n == 0 || o.order[n-1].num < rec.num {
		o.order = append(o.order, rec)
		return
	}
	at, _ := o.find(rec.num)
	o.order = slices.Insert(o.order, at, rec)
}

// find returns where id num stands, or would stand, in the order.
func (o *object) find(num uint64) (int, bool) {
	return slices.BinarySearchFunc(o.order, num, func(r *record, n uint64) int { return cmp.Compare(r.num, n) })
}

// remove takes a record out of lists and of the unique indexes.
func (o *object) remove(rec *record) {
	if at, found := o.find(rec.num); found {
		o.order = slices.Delete(o.order, at, at+1)
	}
	o.release(rec)
}

// release frees the unique values of a record.
func (o *object) release(rec *record) {
	free := func(name, value string) {
		if index := o.unique[name]; index[value] == rec {
			delete(index, value)
		}
	}
	for name := range o.unique {
		free(name, rec.values[name])
	}
	for email := range strings.SplitSeq(rec.values["hs_additional_emails"], ";") {
		free("email", email)
	}
}

// value returns a property as it is now; false: unset.
func (r *record) value(name string) (string, bool) {
	switch name {
	case "hs_object_id":
		return r.id, true
	case r.of.created:
		return moment(r.created), true
	case r.of.modified:
		return moment(r.modified), true
	case "hs_lastmodifieddate": // on contacts: not a cursor, it stays behind
		return moment(r.created), true
	case "hs_updated_by_user_id":
		return r.byUser, r.byUser != ""
	case "hs_created_by_user_id":
		return r.madeBy, r.madeBy != ""
	}
	v, set := r.values[name]
	return v, set
}

// indexed returns a property as the search index sees it at now; born: whether it sees the record at all.
func (r *record) indexed(name string, now time.Time) (value string, set bool) {
	value, set = r.value(name)
	for i := len(r.lag) - 1; i >= 0 && r.lag[i].visible.After(now); i-- {
		if slices.Contains(r.lag[i].touched, name) {
			value, set = r.lag[i].old[name]
		}
	}
	return value, set
}

// born says whether the search index knows the record at now, and forgets lags that are over.
func (r *record) born(now time.Time) bool {
	done := 0
	for done < len(r.lag) && !r.lag[done].visible.After(now) {
		done++
	}
	if done > 0 {
		r.lag = slices.Clip(slices.Delete(r.lag, 0, done))
	}
	return !slices.ContainsFunc(r.lag, func(l late) bool { return l.birth })
}

// newID draws the next id of a type. Types share their number range, because an id is unique only
// within its type, and start below a power of ten, so that order as text is soon wrong.
func (o *object) newID() uint64 {
	id := o.nextID
	o.nextID += 2 + uint64(o.ids.IntN(3)) // others create records too
	return id
}

// create makes a record. The values are checked.
func (s *Sim) create(o *object, set map[string]string, by source, now time.Time) *record {
	num := o.newID()
	rec := &record{
		of: o, num: num, id: strconv.FormatUint(num, 10), values: map[string]string{},
		created: now, modified: now, past: map[string][]revision{},
		links: map[string]map[string]map[int]bool{},
	}
	o.add(rec)
	rec.madeBy = by.user
	s.apply(rec, o.born(set, by), by, now, "create")
	s.hooks.created(rec, by, now)
	s.follow(rec, set, now)
	s.people.saw(rec, now)
	s.enroll(rec, by, true, nil, now)
	return rec
}

// born is a new record's values with what HubSpot says of where it came from.
func (o *object) born(set map[string]string, by source) map[string]string {
	set = maps.Clone(set)
	for name, value := range map[string]string{"hs_object_source": by.kind, "hs_analytics_source": "OFFLINE"} {
		if o.props[name] != nil && set[name] == "" {
			set[name] = value
		}
	}
	return set
}

// update sets checked values of a record. It stamps the record even when nothing differs.
func (s *Sim) update(rec *record, set map[string]string, by source, now time.Time) {
	changed := s.apply(rec, set, by, now, "update")
	for _, name := range changed {
		s.hooks.changed(rec, name, by, now)
	}
	if len(changed) > 0 {
		s.follow(rec, set, now)
		s.people.saw(rec, now)
		s.enroll(rec, by, false, changed, now)
	}
}

// apply writes values, history, unique indexes, the ledger and the index's lag; it returns the names that
// changed. op is what the ledger calls it: create, update or merge.
func (s *Sim) apply(rec *record, set map[string]string, by source, now time.Time, op string) []string {
	l := late{birth: op != "update" && len(rec.past) == 0, old: map[string]string{}}
	var ledger map[string]simhttp.FromTo
	if s.cfg.History != nil {
		ledger = map[string]simhttp.FromTo{}
	}
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(set)) {
		old, had := rec.values[name]
		value := set[name]
		if value == old && (had || value == "") {
			continue
		}
		changed = append(changed, name)
		l.touched = append(l.touched, name)
		if had {
			l.old[name] = old
		}
		s.index(rec, name, old, value)
		if value == "" {
			delete(rec.values, name)
		} else {
			rec.values[name] = value
		}
		rec.past[name] = append(rec.past[name], revision{value, now, by})
		if ledger != nil {
			ledger[name] = simhttp.FromTo{From: filled(old), To: filled(value)}
		}
	}
	if len(ledger) > 0 || op != "update" {
		s.note(rec, op, by, ledger, now)
	}
	if by.user != "" {
		rec.byUser = by.user
	}
	l.old[rec.of.modified] = moment(rec.modified)
	l.touched = append(l.touched, rec.of.modified)
	rec.modified = now
	s.lateIndex(rec, l, now)
	return changed
}

// lateIndex draws when the search index will know of a change. What the index has missed comes with the next change
// that it does not miss; what HubSpot derives in the same moment is no change of its own.
func (s *Sim) lateIndex(rec *record, l late, now time.Time) {
	faults, n := s.Faults(), len(rec.lag)
	if !rec.drawn.Equal(now) {
		rec.drawn, rec.missed = now, s.lags.Chance(faults.IndexMissing)
	}
	missed := rec.missed
	if s.loading || faults.SearchLag <= 0 && !missed && n == 0 {
		return
	}
	l.visible = now.Add(s.lags.Between(0, faults.SearchLag))
	if missed {
		l.visible, l.missed = now.Add(forever), true
	}
	for i := range rec.lag {
		if rec.lag[i].missed && !missed {
			rec.lag[i].visible, rec.lag[i].missed = l.visible, false
		}
	}
	if n > 0 && rec.lag[n-1].visible.After(l.visible) {
		l.visible = rec.lag[n-1].visible
	}
	rec.lag = append(rec.lag, l)
}

// index keeps the unique index of a property.
func (s *Sim) index(rec *record, name, old, value string) {
	if emails := rec.of.unique["email"]; name == "hs_additional_emails" {
		for part := range strings.SplitSeq(old, ";") {
			if emails[part] == rec {
				delete(emails, part)
			}
		}
		for part := range strings.SplitSeq(value, ";") {
			if part != "" {
				emails[part] = rec
			}
		}
		return
	}
	index := rec.of.unique[name]
	if index == nil {
		return
	}
	if old != "" && index[old] == rec {
		delete(index, old)
	}
	if value != "" {
		index[value] = rec
	}
}

// derive sets what HubSpot itself keeps; it leaves the cursor field alone when touch is false.
func (s *Sim) derive(rec *record, name, value string, now time.Time, touch bool) {
	before := rec.modified
	if old := rec.values[name]; old == value {
		return
	}
	s.apply(rec, map[string]string{name: value}, system, now, "update")
	if !touch {
		rec.modified = before
	}
	s.hooks.changed(rec, name, system, now)
}

// follow sets what HubSpot derives from the values just written.
func (s *Sim) follow(rec *record, set map[string]string, now time.Time) {
	if last := rec.past["hubspot_owner_id"]; len(last) > 0 && last[len(last)-1].at.Equal(now) {
		s.followOwner(rec, set, now)
	}
	switch rec.of.name {
	case "contacts":
		if email, named := set["email"]; named {
			_, domain, _ := strings.Cut(email, "@")
			s.derive(rec, "hs_email_domain", domain, now, true)
		}
	case "deals":
		if amount, named := set["amount"]; named {
			s.derive(rec, "amount_in_home_currency", amount, now, true)
		}
		if to, named := set["dealstage"]; named {
			p := s.probability(rec.values["pipeline"], to)
			s.derive(rec, "hs_is_closed", strconv.FormatBool(p == "1.0" || p == "0.0"), now, true)
			s.derive(rec, "hs_is_closed_won", strconv.FormatBool(p == "1.0"), now, true)
		}
	case "tasks":
		if set["hs_task_status"] == "COMPLETED" {
			s.derive(rec, "hs_task_completion_date", moment(now), now, true)
		}
	}
	if activities[rec.of.name].kind != "" && slices.ContainsFunc([]string{"hs_task_status", "hs_timestamp", "hs_meeting_outcome", "hs_call_status"}, func(name string) bool {
		_, named := set[name]
		return named
	}) {
		s.worked(rec, now)
	}
}

// probability is how likely a stage of a deal pipeline is to end in a sale: "1.0" won, "0.0" lost.
func (s *Sim) probability(pipelineID, stageID string) string {
	for _, p := range s.pipelines["deals"] {
		for _, st := range p.Stages {
			if p.ID == pipelineID && st.ID == stageID {
				return st.Metadata["probability"]
			}
		}
	}
	return ""
}

// followOwner keeps what goes with the owner: when it was assigned, and the first engagement, which is
// the current owner's.
func (s *Sim) followOwner(rec *record, set map[string]string, now time.Time) {
	if _, named := set["hubspot_owner_id"]; !named {
		return
	}
	at, team, id := "", "", rec.values["hubspot_owner_id"]
	if id != "" {
		at = moment(now)
	}
	if who := s.ownerByID(id); who != nil && who.team != "" {
		team = who.teamID()
	}
	for _, d := range [...][2]string{
		{"hubspot_owner_assigneddate", at},
		{"hubspot_team_id", team},
		{"hs_sa_first_engagement_date", ""},
		{"hs_sa_first_engagement_object_type", ""},
		{"hs_time_to_first_engagement", ""},
	} {
		if rec.of.props[d[0]] != nil {
			s.derive(rec, d[0], d[1], now, true)
		}
	}
}
