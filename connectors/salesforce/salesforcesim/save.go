package salesforcesim

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// deed is one write: who does it, when, and how.
type deed struct {
	tx     *tx
	now    time.Time
	actor  string // user id
	who    string // the ledger's actor
	assign bool   // active assignment rules run
	person bool   // made in the CRM's own screens: Setup objects too, no API-only refusal
	dup    duplicateWish
	// converting is the lead that becomes what is saved, and is no duplicate of it.
	converting *row
	// steps is what automation did inside the save that is about to be committed.
	steps []handwork
}

// derived is the same deed as the CRM's own consequence of it.
func (d deed) derived() deed {
	d.who, d.steps = bySystem, nil
	return d
}

// stamp is the whole second that a write carries; many rows of a batch share it.
func (d deed) stamp() time.Time { return d.now.UTC().Truncate(time.Second) }

// apiDeed reads a call's headers. Assignment rules run unless the call says FALSE.
func (s *Sim) apiDeed(c *call) deed {
	return deed{
		tx: c.tx, now: c.now, actor: s.caller, who: s.callerName(callOption(c.header, "client")),
		assign: !strings.EqualFold(strings.TrimSpace(c.header.Get("Sforce-Auto-Assign")), "FALSE"),
		dup:    readDuplicateWish(c.header.Get("Sforce-Duplicate-Rule-Header")),
	}
}

// intake checks names, permissions and types of what a caller sent; nil stands for null.
func (s *Sim) intake(o *object, in map[string]any, creating bool) (values, *apiError) {
	set := values{}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if name == "attributes" {
			continue
		}
		f := o.field(name)
		if f == nil && s.whole[strings.ToLower(o.name)].field(name) != nil { // it is there, for others
			return nil, notWritable(name)
		}
		if f == nil {
			return nil, &apiError{code: "INVALID_FIELD", message: "No such column '" + name + "' on sobject of type " + o.name, fields: []string{}}
		}
		if creating && !f.createable || !creating && !f.updateable {
			return nil, notWritable(f.name)
		}
		v, err := f.coerce(in[name])
		if err != nil {
			return nil, err
		}
		set[f.name] = v
	}
	return set, nil
}

func notWritable(name string) *apiError {
	return &apiError{code: "INVALID_FIELD_FOR_INSERT_UPDATE", message: "Unable to create/update fields: " + name + ". Please check the security settings of this field and verify that it is read/write for your profile or permission set.", fields: []string{name}}
}

// insert creates a row and returns its id.
func (s *Sim) insert(o *object, in map[string]any, d deed) (string, *apiError) {
	if !o.writable && !d.person {
		return "", &apiError{code: "INVALID_TYPE_FOR_OPERATION", message: "entity type " + o.name + " does not support create", fields: []string{}}
	}
	set, err := s.intake(o, in, true)
	if err != nil {
		return "", err
	}
	fields := s.defaults(o)
	overlay(fields, set)
	if o.field("OwnerId") != nil && fields["OwnerId"] == nil {
		fields["OwnerId"] = d.actor
	}
	var missing []string
	for _, f := range o.fields {
		if f.required && fields[f.name] == nil && !s.excused(o, f, fields) {
			missing = append(missing, f.name)
		}
	}
	if missing != nil {
		return "", requiredMissing(missing)
	}
	at := d.stamp()
	fields["CreatedDate"], fields["CreatedById"] = at, d.actor
	id := s.mint(o)
	if err := s.save(o, &row{obj: o, id: id, salt: saltOf(id, s.cfg.Seed)}, fields, set, d, true); err != nil {
		return "", err
	}
	return id, nil
}

// excused says that a required field may be blank: with person accounts a lead's company and a person's own
// name of its account.
func (s *Sim) excused(o *object, f *field, fields values) bool {
	if !s.set.personAccounts {
		return false
	}
	return o.name == "Lead" && f.name == "Company" || o.name == "Account" && f.name == "Name" && fields["LastName"] != nil
}

func requiredMissing(names []string) *apiError {
	return &apiError{code: "REQUIRED_FIELD_MISSING", message: "Required fields are missing: [" + strings.Join(names, ", ") + "]", fields: names}
}

func (s *Sim) mint(o *object) string {
	for {
		s.serial++
		id := newID(o.prefix, s.serial)
		if s.tables[o.name].rows[id] == nil { // a loaded world may hold the next number already
			return id
		}
	}
}

func (s *Sim) defaults(o *object) values {
	fields := values{}
	for _, f := range o.fields {
		switch {
		case f.typ == "boolean":
			fields[f.name] = f.def == "true"
		case f.def != "":
			fields[f.name] = f.def
		}
	}
	return fields
}

// overlay lays set over fields; a null takes the value away.
func overlay(fields, set values) {
	for name, v := range set {
		if v == nil {
			delete(fields, name)
		} else {
			fields[name] = v
		}
	}
}

// update changes a row that the caller has found.
func (s *Sim) update(r *row, in map[string]any, d deed) *apiError {
	o, old := s.org[strings.ToLower(r.obj.name)], r.last()
	if r.deleted() {
		return deletedEntity()
	}
	if !o.writable && !d.person {
		return &apiError{code: "INSUFFICIENT_ACCESS_OR_READONLY", message: "insufficient access rights on object id", fields: []string{}}
	}
	if old["IsConverted"] == true {
		return &apiError{code: "CANNOT_UPDATE_CONVERTED_LEAD", message: "cannot reference converted lead", fields: []string{}}
	}
	set, err := s.intake(o, in, false)
	if err != nil {
		return err
	}
	for _, f := range o.fields {
		if v, given := set[f.name]; given && v == nil && f.required && !s.excused(o, f, old) {
			return requiredMissing([]string{f.name})
		}
	}
	fields := maps.Clone(old)
	overlay(fields, set)
	if set["OwnerId"] == nil && fields["OwnerId"] == nil && old["OwnerId"] != nil {
		return &apiError{code: "INVALID_CROSS_REFERENCE_KEY", message: "Owner ID: owner cannot be blank", fields: []string{"OwnerId"}}
	}
	return s.save(o, r, fields, set, d, false)
}

func deletedEntity() *apiError {
	return &apiError{code: "ENTITY_IS_DELETED", message: "entity is deleted", fields: []string{}, status: http.StatusNotFound}
}

// save runs what both kinds of write share: references, owners, the object's own rules, unique fields.
func (s *Sim) save(o *object, r *row, fields, set values, d deed, creating bool) *apiError {
	if err := s.checkReferences(o, set); err != nil {
		return err
	}
	if err := s.checkHierarchy(o, r, set); err != nil {
		return err
	}
	if err := s.checkOwner(o, fields, set, d); err != nil {
		return err
	}
	old := r.last()
	if err := s.objectRules(o, old, fields, d); err != nil {
		return err
	}
	if err := s.checkAddress(o, fields, set); err != nil {
		return err
	}
	if err := s.personRules(o, old, fields, set); err != nil {
		return err
	}
	if err := s.validate(o, fields); err != nil {
		return err
	}
	for _, f := range o.fields {
		v, isText := set[f.name].(string)
		if !f.unique || !isText {
			continue
		}
		for _, other := range s.tables[o.name].holders(f.name, v) {
			if other != r {
				return &apiError{code: "DUPLICATE_VALUE", message: "duplicate value found: " + f.name + " duplicates value on record with id: " + other.id, fields: []string{f.name}}
			}
		}
	}
	if err := s.checkDuplicates(o, r, set, d); err != nil {
		return err
	}
	if err := s.automate(o, old, fields, &d); err != nil {
		return err
	}
	_, onlyRead := set["IsUnreadByOwner"]
	if creating || !d.person || !onlyRead || len(set) > 1 { // being viewed does not make a record modified
		fields["LastModifiedDate"], fields["LastModifiedById"], fields["SystemModstamp"] = d.stamp(), d.actor, d.stamp()
	}
	fields["Id"] = r.id
	if err := s.contend(o, r, fields, d); err != nil {
		return err
	}
	s.mirror(r, fields, d)
	s.commit(r, fields, d)
	if due, dated := fields["ActivityDate"].(date); dated && (fields["IsClosed"] == true || o.name == "Event" && due <= dateOf(d.now)) {
		s.touchParent(text(fields, "WhoId"), due, d)
		s.touchParent(text(fields, "WhatId"), due, d)
	}
	s.people.noticed(s, r, old, fields, d.now)
	return nil
}

// commit makes a state the row's newest. Queries see it when its transaction is through: one to three
// seconds after its stamp, now and then much later, never later than Faults.SearchLag.
func (s *Sim) commit(r *row, fields values, d deed) {
	visible := d.now
	if most := s.gate.Faults().SearchLag; most > 0 {
		lag := s.rand.Between(time.Second, 3*time.Second)
		if s.rand.Chance(0.1) {
			lag = s.rand.Between(0, most)
		}
		visible = visible.Add(min(lag, most))
	}
	old := r.last()
	s.note(r, old, fields, d)
	s.tables[r.obj.name].put(d.tx, r, fields, d.now, visible)
	s.track(r, old, fields, d, visible)
}

func (s *Sim) checkReferences(o *object, set values) *apiError {
	for _, f := range o.fields {
		id, given := set[f.name].(string)
		if !given || f.typ != "reference" {
			continue
		}
		kind := s.prefixes[id[:3]]
		if !slices.Contains(f.refTo, kind) {
			return wrongReference(f, id)
		}
		target := s.byID(id)
		if target == nil {
			return &apiError{code: "INVALID_CROSS_REFERENCE_KEY", message: "invalid cross reference id", fields: []string{}}
		}
		if target.deleted() {
			return deletedReference(f, id)
		}
	}
	return nil
}

// checkHierarchy refuses a parent that is the row itself or lies below it.
func (s *Sim) checkHierarchy(o *object, r *row, set values) *apiError {
	for _, f := range o.fields {
		if len(f.refTo) != 1 || f.refTo[0] != o.name || f.name == "MasterRecordId" {
			continue
		}
		met := map[*row]bool{}
		for up := s.byID(text(set, f.name)); up != nil && !met[up]; up = s.byID(text(up.last(), f.name)) {
			if met[up] = true; up == r {
				return &apiError{code: "CIRCULAR_DEPENDENCY", message: "attempt to violate hierarchy constraints", fields: []string{f.name}}
			}
		}
	}
	return nil
}

func deletedReference(f *field, id string) *apiError {
	return &apiError{code: "ENTITY_IS_DELETED", message: f.label + ": entity is deleted: " + id, fields: []string{f.name}}
}

func wrongReference(f *field, id string) *apiError {
	label := f.label
	if f.name == "OwnerId" {
		label = "Assigned To"
	}
	return &apiError{code: "FIELD_INTEGRITY_EXCEPTION", message: label + ": id value of incorrect type: " + id, fields: []string{f.name}}
}

// checkOwner refuses inactive users and queues that do not list the object. A record whose present owner
// has become inactive cannot be edited either, except to give it to someone else.
func (s *Sim) checkOwner(o *object, fields, set values, d deed) *apiError {
	id, _ := fields["OwnerId"].(string)
	if _, given := set["OwnerId"]; id == "" || d.person && !given {
		return nil
	}
	owner := s.byID(id)
	switch {
	case owner == nil:
		return nil
	case owner.obj.name == "User" && owner.last()["IsActive"] != true:
		return &apiError{code: "INACTIVE_OWNER_OR_USER", message: "operation performed with inactive user [" + id + "] as owner of " + strings.ToLower(o.name), fields: []string{}}
	case owner.obj.name == "Group" && !s.queueTakes(id, o.name):
		return &apiError{code: "INVALID_CROSS_REFERENCE_KEY", message: "Queue not associated with this SObject type", fields: []string{"OwnerId"}}
	}
	return nil
}

func (s *Sim) queueTakes(queue, object string) bool {
	return slices.ContainsFunc(s.tables["QueueSobject"].holders("QueueId", queue), func(r *row) bool { return r.last()["SobjectType"] == object })
}

// objectRules derives the calculated fields and refuses what the object does not allow. old is nil on create.
func (s *Sim) objectRules(o *object, old, fields values, d deed) *apiError {
	switch o.name {
	case "Lead", "Contact", "User":
		fields["Name"] = fullName(fields)
		if o.name == "Lead" && old != nil && old["OwnerId"] != fields["OwnerId"] {
			fields["IsUnreadByOwner"] = true
		}
	case "Opportunity":
		stage := s.stages[text(fields, "StageName")]
		fields["IsClosed"], fields["IsWon"] = stage.closed, stage.won
		if old == nil && fields["Probability"] == nil || old != nil && old["StageName"] != fields["StageName"] {
			fields["Probability"] = stage.probability
		}
	case "Task", "Event":
		return s.activityRules(o, old, fields, d)
	case "AccountContactRelation":
		return s.oneRelation(fields)
	case "OpportunityContactRole":
		s.onePrimary(fields, d)
	}
	return nil
}

func fullName(fields values) string {
	return strings.TrimSpace(text(fields, "FirstName") + " " + text(fields, "LastName"))
}

func text(fields values, name string) string {
	v, _ := fields[name].(string)
	return v
}

// touchParent moves LastActivityDate, which follows the due date of closed tasks and no stamp.
func (s *Sim) touchParent(id string, due date, d deed) {
	r := s.byID(id)
	if r == nil || r.obj.field("LastActivityDate") == nil {
		return
	}
	if last, _ := r.last()["LastActivityDate"].(date); last >= due {
		return
	}
	fields := maps.Clone(r.last())
	fields["LastActivityDate"] = due
	s.commit(r, fields, d.derived())
}

// remove puts a row, and what hangs on it, into the recycle bin. An account with a won deal stays.
func (s *Sim) remove(r *row, d deed) *apiError {
	if r.deleted() {
		return deletedEntity()
	}
	if !r.obj.writable && !d.person {
		return &apiError{code: "INSUFFICIENT_ACCESS_OR_READONLY", message: "insufficient access rights on object id", fields: []string{}}
	}
	if r.obj.name == "Account" {
		for _, deal := range s.tables["Opportunity"].holders("AccountId", r.id) {
			if deal.last()["IsWon"] == true {
				return &apiError{code: "DELETE_FAILED", message: "Your attempt to delete " + text(r.last(), "Name") + " could not be completed because it is associated with the following opportunities that are closed won: " + deal.id, fields: []string{}}
			}
		}
	}
	s.bin(r, "", d)
	for _, child := range s.hangers(r) {
		if !child.deleted() {
			s.bin(child, "", d.derived())
		}
	}
	return nil
}

// bin marks a row deleted; winner is the record it was merged into.
func (s *Sim) bin(r *row, winner string, d deed) {
	fields := maps.Clone(r.last())
	fields["IsDeleted"] = true
	if winner != "" {
		fields["MasterRecordId"] = winner
	}
	fields["LastModifiedDate"], fields["LastModifiedById"], fields["SystemModstamp"] = d.stamp(), d.actor, d.stamp()
	s.commit(r, fields, d)
}

// byID finds a row by its 18-character id; nil: no such row. Deleted rows are found.
func (s *Sim) byID(id string) *row {
	if len(id) != 18 {
		return nil
	}
	tb := s.tables[s.prefixes[id[:3]]]
	if tb == nil {
		return nil
	}
	return tb.rows[id]
}

// asObject is the JSON object in a record's body.
func asObject(raw json.RawMessage) (map[string]any, *apiError) {
	var in map[string]any
	if len(raw) > 0 {
		if err := decodeObject(raw, &in); err != nil {
			return nil, err
		}
	}
	if in == nil {
		return nil, &apiError{code: "JSON_PARSER_ERROR", message: "The HTTP entity body is required, but this request has no entity body."}
	}
	return in, nil
}
