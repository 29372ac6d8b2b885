package salesforcesim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// Edit implements simhttp.Sim: a change that a person makes. LastModifiedById in the fields (id or e-mail)
// says who; else it is the record's owner, or any active person. The rules that bind the API bind the
// person, except that Setup objects (User, Group) can be edited too. An e-mail address may stand for a user.
func (s *Sim) Edit(e simhttp.Edit) (map[string]string, error) {
	in, err := exactNumbers(e.Fields)
	if err != nil {
		return nil, fmt.Errorf("read fields: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.org[strings.ToLower(e.Object)]
	if o == nil && e.Op == "submit_form" {
		o = s.org["lead"]
	}
	if o == nil || o.prefix == "" {
		return nil, fmt.Errorf("no object %q", e.Object)
	}
	var r *row
	if e.Op != "create" && e.Op != "submit_form" {
		id, _ := normalizeID(e.ID)
		if r = s.byID(id); r == nil || r.obj.name != o.name {
			return nil, fmt.Errorf("no %s %q", o.name, e.ID)
		}
	}
	for name, v := range in {
		if f := o.field(name); f != nil {
			if f.typ == "reference" {
				v = s.resolvePerson(v)
			}
			in[name] = typed(f, v)
		}
	}
	d := deed{tx: &tx{}, now: time.Now().UTC(), person: true}
	if err := s.signed(&d, e, in, r); err != nil {
		return nil, err
	}
	delete(in, "LastModifiedById")
	ids, fault := s.edit(e.Op, o, r, in, d)
	if fault != nil {
		d.tx.rollback()
		return nil, fmt.Errorf("%s: %s", fault.code, fault.message)
	}
	s.publish(d.tx)
	return ids, nil
}

// typed is what a person types into a field that is no text.
func typed(f *field, v any) any {
	text, isText := v.(string)
	if !isText {
		return v
	}
	switch f.typ {
	case "boolean":
		if yes, err := strconv.ParseBool(text); err == nil {
			return yes
		}
	case "int", "double", "currency", "percent":
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return json.Number(text)
		}
	}
	return v
}

// signed enters who makes the change.
func (s *Sim) signed(d *deed, e simhttp.Edit, in map[string]any, r *row) error {
	if e.By != "" {
		var known bool
		if d.actor, d.who, known = s.author(e.By); !known {
			return fmt.Errorf("by %q: person:<e-mail of a user>, automation:<name> or sync:<crm>", e.By)
		}
		return nil
	}
	d.actor = s.editor(in, r)
	d.who = s.personName(d.actor)
	if e.Op == "submit_form" {
		d.who = "form"
	}
	return nil
}

func exactNumbers(fields map[string]any) (map[string]any, error) {
	raw, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	in := map[string]any{}
	if fault := decodeObject(raw, &in); fault != nil {
		return nil, fmt.Errorf("%s", fault.message)
	}
	if in == nil {
		in = map[string]any{}
	}
	return in, nil
}

// editor says who makes the change.
func (s *Sim) editor(in map[string]any, r *row) string {
	if id, given := in["LastModifiedById"].(string); given {
		return id
	}
	if r != nil {
		if owner := s.byID(text(r.last(), "OwnerId")); owner != nil && owner.obj.name == "User" && owner.id != s.caller {
			return owner.id
		}
	}
	if id := s.doer(in); r == nil && id != "" {
		return id
	}
	names := reps()
	return s.users[mailOf(names[s.rand.IntN(len(names))])]
}

func (s *Sim) edit(op string, o *object, r *row, in map[string]any, d deed) (map[string]string, *apiError) {
	switch op {
	case "create":
		if o.name == "EmailMessage" {
			return s.mail(in, d)
		}
		id, err := s.insert(o, in, d)
		s.learn(o)
		return map[string]string{"id": id}, err
	case "update":
		err := s.update(r, in, d)
		s.learn(o)
		return map[string]string{"id": r.id}, err
	case "delete":
		return map[string]string{"id": r.id}, s.remove(r, d)
	case "restore":
		return map[string]string{"id": r.id}, s.restore(r, d)
	case "purge":
		s.purge(r, d)
		return map[string]string{"id": r.id}, nil
	case "merge":
		return s.merge(o, r, in, d)
	case "convert":
		return s.convert(r, in, d)
	case "submit_form":
		return s.submitForm(in, d)
	}
	return nil, &apiError{code: "INVALID_OPERATION", message: "unknown op " + op}
}

func (s *Sim) learn(o *object) {
	if o.name == "User" || o.name == "OpportunityStage" {
		s.learnWorld()
	}
}

// merge makes one record of two, or of three: a third one's id stands under "and".
func (s *Sim) merge(o *object, loser *row, in map[string]any, d deed) (map[string]string, *apiError) {
	if raw, given := in["and"]; given {
		id, _ := raw.(string)
		third, err := s.rowOf(o, id)
		if err != nil {
			return nil, err
		}
		if _, err := s.mergeOne(o, third, map[string]any{"into": in["into"]}, d, false); err != nil {
			return nil, err
		}
		delete(in, "and")
	}
	return s.mergeOne(o, loser, in, d, true)
}

// mergeOne puts loser into the recycle bin with the winner's id, and hangs its children on the winner without
// moving their stamps: no trigger and no event tells of them.
func (s *Sim) mergeOne(o *object, loser *row, in map[string]any, d deed, last bool) (map[string]string, *apiError) {
	into, _ := in["into"].(string)
	id, _ := normalizeID(into)
	winner := s.byID(id)
	switch {
	case o.name != "Lead" && o.name != "Contact" && o.name != "Account":
		return nil, &apiError{code: "INVALID_OPERATION", message: o.name + " cannot be merged"}
	case winner == nil || winner == loser || winner.obj.name != o.name:
		return nil, &apiError{code: "INVALID_CROSS_REFERENCE_KEY", message: "into: no other " + o.name + " " + into}
	case winner.deleted() || loser.deleted():
		return nil, deletedEntity()
	}
	for _, kind := range []string{"Account", "AccountContactRelation", "Contact", "Event", "Opportunity", "OpportunityContactRole", "Task"} {
		for _, f := range s.keyed[strings.ToLower(kind)].fields {
			if f.typ != "reference" || !slices.Contains(f.refTo, o.name) || f.name == "MasterRecordId" {
				continue
			}
			for _, child := range s.tables[kind].holders(f.name, loser.id) {
				fields := maps.Clone(child.last())
				fields[f.name] = winner.id
				s.commit(child, fields, d.derived())
			}
		}
	}
	s.bin(loser, winner.id, d)
	delete(in, "into")
	if !last { // the winner is saved once
		return nil, nil
	}
	return map[string]string{"id": winner.id}, s.update(winner, in, d)
}

// submitForm is web-to-lead: it finds the lead, else the contact, with that e-mail, or creates a lead, which
// the active assignment rule gives to its queue.
func (s *Sim) submitForm(in map[string]any, d deed) (map[string]string, *apiError) {
	mail := ""
	for _, name := range []string{"Email", "email"} {
		if v, given := in[name].(string); given {
			mail = v
		}
	}
	if mail == "" {
		return nil, requiredMissing([]string{"Email"})
	}
	if form, given := in["form"]; given {
		in["Last_Form__c"] = form
		delete(in, "form")
	}
	if in["Last_Form_At__c"] == nil {
		in["Last_Form_At__c"] = d.now.Format(time.RFC3339)
	}
	for _, kind := range []string{"Lead", "Contact"} {
		for _, r := range s.tables[kind].holders("Email", mail) {
			if r.last()["IsConverted"] == true {
				continue
			}
			return map[string]string{"id": r.id}, s.update(r, in, d)
		}
	}
	user, domain, _ := strings.Cut(mail, "@")
	for name, v := range map[string]string{"LastName": user, "Company": domain, "LeadSource": "Web"} {
		if got, _ := fold(in, name); got == nil {
			in[name] = v
		}
	}
	d.assign = true
	id, err := s.insert(s.org["lead"], in, d)
	return map[string]string{"id": id}, err
}
