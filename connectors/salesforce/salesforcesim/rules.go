package salesforcesim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// validationRule refuses a save of its object, by whomever, when every field of When holds its value (null:
// is blank) and, if Need names any, one of those is blank.
type validationRule struct {
	Object  string         `json:"object"`
	Name    string         `json:"name"`
	When    map[string]any `json:"when"`
	Need    []string       `json:"need"`
	Message string         `json:"message"`
	Field   string         `json:"field"` // where the message stands; blank: at the top of the page
}

// duplicateRule looks for records with the same e-mail address (Lead, Contact: among both) or the same name or
// website (Account), when one is created or that value changes.
type duplicateRule struct {
	Object  string `json:"object"`
	Name    string `json:"name"`   // DeveloperName
	Action  string `json:"action"` // alert: saved with allowSave=true; block: never
	Message string `json:"message"`
	// Match are the columns that have to be equal, of the rule's own object; none: as matches says.
	Match []string `json:"match"`
}

// flow is a record-triggered flow that runs in the transaction of the save, as whoever saved.
type flow struct {
	Name   string         `json:"name"` // ApiName
	Object string         `json:"object"`
	On     string         `json:"on"` // create, update or owner_change
	When   map[string]any `json:"when"`
	Set    map[string]any `json:"set"`
	Fail   string         `json:"fail"` // the text of the error it always ends with
}

// assignment is the lead assignment rule.
type assignment struct {
	Active *bool  `json:"active"`
	Update *bool  `json:"update"` // runs on updates too
	To     string `json:"to"`     // queue's name or user's e-mail
	Name   string `json:"name"`
}

// checkRules refuses rules that name what is not there.
func (s *Sim) checkRules(in setup) error {
	for _, v := range orNone(in.ValidationRules) {
		names := slices.Concat(v.Need, slices.Collect(maps.Keys(v.When)))
		if v.Field != "" {
			names = append(names, v.Field)
		}
		if err := s.checkNames(v.Object, names); err != nil {
			return fmt.Errorf("validation_rules: %q: %w", v.Name, err)
		}
	}
	for _, d := range orNone(in.DuplicateRules) {
		if !slices.Contains([]string{"Lead", "Contact", "Account"}, d.Object) || d.Action != "alert" && d.Action != "block" {
			return fmt.Errorf("duplicate_rules: object Lead, Contact or Account; action alert or block: %+v", d)
		}
	}
	for _, f := range orNone(in.Flows) {
		if !slices.Contains([]string{"create", "update", "owner_change"}, f.On) {
			return fmt.Errorf("flows: %q: on %q: create, update or owner_change", f.Name, f.On)
		}
		if err := s.checkNames(f.Object, slices.Concat(slices.Collect(maps.Keys(f.Set)), slices.Collect(maps.Keys(f.When)))); err != nil {
			return fmt.Errorf("flows: %q: %w", f.Name, err)
		}
	}
	if in.Assignment != nil && in.Assignment.To != "" && s.ownerNamed(in.Assignment.To) == "" {
		return fmt.Errorf("assignment: no queue or user %q", in.Assignment.To)
	}
	return nil
}

func (s *Sim) checkNames(object string, names []string) error {
	o := s.keyed[strings.ToLower(object)]
	if o == nil || !o.writable {
		return fmt.Errorf("no object %q", object)
	}
	for _, name := range names {
		if o.field(name) == nil {
			return fmt.Errorf("no field %q on %s", name, object)
		}
	}
	return nil
}

// ownerNamed finds a user by e-mail, else a queue by name or DeveloperName.
func (s *Sim) ownerNamed(name string) string {
	if id := s.users[strings.ToLower(name)]; id != "" {
		return id
	}
	for _, r := range s.tables["Group"].order {
		if f := r.last(); f["Type"] == "Queue" && (f["Name"] == name || f["DeveloperName"] == name) {
			return r.id
		}
	}
	return ""
}

func (s *Sim) setAssignment(in assignment) {
	if in.Active != nil {
		s.set.noRule = !*in.Active
	}
	if in.Update != nil {
		s.set.createOnly = !*in.Update
	}
	if in.To != "" {
		s.rule = s.ownerNamed(in.To)
	}
	if in.Name != "" {
		s.ruleName = in.Name
	}
}

// validate runs the validation rules on what a save would leave.
func (s *Sim) validate(o *object, fields values) *apiError {
	for _, v := range s.set.validations {
		if !strings.EqualFold(v.Object, o.name) || !s.fits(o, fields, v.When) {
			continue
		}
		if len(v.Need) > 0 && !slices.ContainsFunc(v.Need, func(n string) bool { return blank(s.whole, o, fields, n) }) {
			continue
		}
		at := []string{}
		if v.Field != "" {
			at = []string{v.Field}
		}
		return &apiError{code: "FIELD_CUSTOM_VALIDATION_EXCEPTION", message: v.Message, fields: at}
	}
	return nil
}

func blank(org map[string]*object, o *object, fields values, name string) bool {
	f := org[strings.ToLower(o.name)].field(name)
	return f == nil || fields[f.name] == nil || fields[f.name] == false
}

// fits says that the row holds every value; null is blank, and a user may be given by e-mail.
func (s *Sim) fits(o *object, fields values, when map[string]any) bool {
	for name, want := range when {
		f := s.whole[strings.ToLower(o.name)].field(name)
		if f == nil {
			return false
		}
		got := plainValue(fields[f.name])
		if f.typ == "boolean" && got == nil {
			got = false
		}
		if want == "" {
			want = nil
		}
		if got != s.resolvePerson(want) {
			return false
		}
	}
	return true
}

// automate runs what comes after the save in its own transaction: the assignment rule, then the flows, each on
// what the one before left. All of it happens as the person who saved.
func (s *Sim) automate(o *object, old, fields values, d *deed) *apiError {
	was := text(fields, "OwnerId")
	if d.assign && o.name == "Lead" && s.rule != "" && !s.set.noRule && (old == nil || !s.set.createOnly) {
		d.steps = append(d.steps, handwork{"automation:" + s.ruleName, maps.Clone(fields)})
		fields["OwnerId"] = s.rule
	}
	for _, f := range s.set.flows {
		if !strings.EqualFold(f.Object, o.name) || !f.triggered(old, fields) || !s.fits(o, fields, f.When) {
			continue
		}
		d.steps = append(d.steps, handwork{"automation:" + f.Name, maps.Clone(fields)})
		if err := s.runFlow(f, o, fields, *d); err != nil {
			return err
		}
	}
	if len(d.steps) == 0 {
		return nil
	}
	if old == nil && was != text(fields, "OwnerId") {
		fields["IsUnreadByOwner"] = true
	}
	return s.objectRules(o, old, fields, *d)
}

func (f flow) triggered(old, fields values) bool {
	switch f.On {
	case "create":
		return old == nil
	case "owner_change":
		return old != nil && old["OwnerId"] != fields["OwnerId"]
	}
	return old != nil
}

func (s *Sim) runFlow(f flow, o *object, fields values, d deed) *apiError {
	if f.Fail != "" {
		return flowFailed(f, f.Fail)
	}
	full, set := s.whole[strings.ToLower(o.name)], values{}
	for _, name := range slices.Sorted(maps.Keys(f.Set)) {
		column := full.field(name)
		if column == nil {
			return flowFailed(f, "INVALID_FIELD: "+name)
		}
		raw := f.Set[name]
		if n, isNumber := raw.(float64); isNumber {
			raw = json.Number(strconv.FormatFloat(n, 'f', -1, 64))
		}
		v, err := column.coerce(s.resolvePerson(raw))
		if err != nil {
			return flowFailed(f, err.code+": "+err.message)
		}
		set[column.name] = v
	}
	overlay(fields, set)
	if err := s.checkReferences(full, set); err != nil {
		return flowFailed(f, err.code+": "+err.message)
	}
	if err := s.checkOwner(full, fields, set, d); err != nil {
		return flowFailed(f, err.code+": "+err.message)
	}
	return nil
}

// flowFailed is how an error inside a flow comes out of the save that triggered it: the cause is in the text.
func flowFailed(f flow, cause string) *apiError {
	return &apiError{
		code: "CANNOT_EXECUTE_FLOW_TRIGGER", fields: []string{},
		message: "We can't save this record because the “" + f.Name + "” process failed. Give your Salesforce admin these details. This error occurred when the flow tried to update records: " + cause + ".",
	}
}

// settle writes the rows that the org shows of its setup.
func (s *Sim) settle(now time.Time) {
	if s.caller == "" {
		return // the world is not built yet
	}
	for _, o := range s.keyed {
		if o.setup {
			s.tables[o.name] = newTable(o)
		}
	}
	n := 0
	row := func(object string, fields values) string {
		n++
		o := s.keyed[strings.ToLower(object)]
		id := newID(o.prefix, uint64(n))
		all := s.defaults(o)
		overlay(all, fields)
		s.place(o, id, all, now)
		return id
	}
	for _, name := range profiles() {
		s.place(s.keyed["profile"], profileID(name), values{"Name": name, "UserType": "Standard"}, now)
	}
	row("AssignmentRule", values{"Name": s.ruleName, "SobjectType": "Lead", "Active": s.rule != "" && !s.set.noRule})
	for _, d := range s.set.duplicates {
		row("DuplicateRule", values{"DeveloperName": d.name(), "MasterLabel": strings.ReplaceAll(d.name(), "_", " "), "SobjectType": d.Object, "IsActive": true, "Language": "en_US"})
	}
	for _, f := range s.set.flows {
		kind := "RecordAfterSave"
		row("FlowDefinitionView", values{
			"ApiName": f.Name, "Label": strings.ReplaceAll(f.Name, "_", " "), "ProcessType": "AutoLaunchedFlow", "TriggerType": kind,
			"TriggerObjectOrEventLabel": f.Object, "TriggerObjectOrEventId": f.Object, "RecordTriggerType": f.recordTrigger(), "IsActive": true,
		})
	}
	entities := map[string]string{}
	for _, v := range s.set.validations {
		if entities[v.Object] == "" {
			entities[v.Object] = row("EntityDefinition", values{"QualifiedApiName": v.Object, "Label": v.Object, "DurableId": v.Object})
		}
		row("ValidationRule", values{"ValidationName": v.Name, "Active": true, "ErrorMessage": v.Message, "ErrorDisplayField": v.Field, "EntityDefinitionId": entities[v.Object]})
	}
	s.settleSandbox(now)
}

func (f flow) recordTrigger() string {
	if f.On == "create" {
		return "Create"
	}
	return "Update"
}
