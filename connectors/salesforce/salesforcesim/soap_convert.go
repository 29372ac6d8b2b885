package salesforcesim

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"
)

const (
	// maxConverts is how many leads one call converts; maxDealName, how long a name the opportunity may be given.
	maxConverts = 100
	maxDealName = 80
)

// leadConvert asks for one lead's conversion; ids are 18 characters long, or blank.
type leadConvert struct {
	lead, account, contact, owner      string
	status, opportunity                string
	noOpportunity, overwriteLeadSource bool
}

// soapConvert converts leads, each by itself: one that is refused leaves the others converted.
func (s *Sim) soapConvert(c *soapCall) *soapFault {
	list := make([]leadConvert, len(c.op.kids))
	for i, e := range c.op.kids {
		if e.name.Local != "leadConverts" {
			return misplaced(e)
		}
		var fault *soapFault
		if list[i], fault = readLeadConvert(e); fault != nil {
			return fault
		}
	}
	switch {
	case len(list) == 0:
		return clientFault("convertLead without leadConverts")
	case len(list) > maxConverts:
		return fewer(maxConverts)
	}
	c.deed.assign = false // no assignment rule looks at a conversion
	locked := s.lockedRows(len(list))
	made := make([]map[string]string, len(list))
	outcomes, good := s.tryAll(c.deed, false, len(list), func(i int, d deed) outcome {
		if locked[i] {
			return failed(s.rowLocked())
		}
		ids, err := s.convertByProgram(list[i], d)
		if err != nil {
			return failed(err)
		}
		made[i] = ids
		return outcome{ID: ids["id"], Success: true}
	})
	c.applied = good > 0
	for i, o := range outcomes {
		c.out.WriteString("<result>")
		c.out.value("accountId", made[i]["account"])
		c.out.value("contactId", made[i]["contact"])
		c.out.errors(o.Errors)
		c.out.value("leadId", o.ID)
		c.out.value("opportunityId", made[i]["opportunity"])
		c.out.truth("success", o.Success)
		c.out.WriteString("</result>")
	}
	return nil
}

// readLeadConvert reads one request. jsforce sends its parts in any order and leaves out what the WSDL wants, and the org
// takes it; an id that is none fails the call.
func readLeadConvert(e *xmlElement) (leadConvert, *soapFault) {
	var in leadConvert
	var unheard bool // nobody gets an e-mail here
	texts := map[string]*string{"convertedStatus": &in.status, "opportunityName": &in.opportunity}
	ids := map[string]*string{"leadId": &in.lead, "accountId": &in.account, "contactId": &in.contact, "ownerId": &in.owner}
	truths := map[string]*bool{"doNotCreateOpportunity": &in.noOpportunity, "overwriteLeadSource": &in.overwriteLeadSource, "sendNotificationEmail": &unheard}
	for _, k := range e.kids {
		name := k.name.Local
		switch {
		case e.child("", name) != k || len(k.kids) > 0:
			return in, misplaced(k)
		case texts[name] != nil:
			*texts[name] = k.value()
		case ids[name] != nil:
			if id, valid := normalizeID(k.value()); valid {
				*ids[name] = id
			} else if k.value() != "" {
				return in, &soapFault{"MALFORMED_ID", "bad id " + k.value()}
			}
		case truths[name] != nil:
			var fault *soapFault
			if *truths[name], fault = k.truth(); fault != nil {
				return in, fault
			}
		case strings.HasPrefix(name, "bypass"), strings.HasSuffix(name, "Record"), name == "opportunityId", name == "relatedPersonAccountId":
			if k.value() != "" {
				return in, notModelled("LeadConvert." + name)
			}
		default:
			return in, misplaced(k)
		}
	}
	if in.lead == "" {
		return in, &soapFault{"MALFORMED_ID", "bad id " + e.child("", "leadId").value()}
	}
	return in, nil
}

// convertByProgram converts a lead as a program asks for it: a new account unless one is named, though there be one of that
// name, and of rows that are named only the blank fields are filled.
func (s *Sim) convertByProgram(in leadConvert, d deed) (map[string]string, *apiError) {
	for _, name := range []string{"lead", "account", "contact", "opportunity"} { // all of them, whatever is to be made
		if s.org[name] == nil {
			return nil, &apiError{code: "INSUFFICIENT_ACCESS_OR_READONLY", message: "insufficient access rights on object id", fields: []string{}}
		}
	}
	lead, err := s.living("lead", in.lead)
	if err != nil {
		return nil, err
	}
	from := lead.last()
	if from["IsConverted"] == true {
		return nil, &apiError{code: "CANNOT_UPDATE_CONVERTED_LEAD", message: "cannot reference converted lead", fields: []string{}}
	}
	if err := s.checkConvert(in); err != nil {
		return nil, err
	}
	d.converting = lead
	conv := conversion{status: in.status}
	if !in.noOpportunity {
		conv.deal = cmp.Or(in.opportunity, text(from, "Company"), text(from, "Name"))
	}
	if conv.owner, err = conversionOwner(from, in.owner, d); err != nil {
		return nil, err
	}
	owned := values{"OwnerId": conv.owner}
	if err := s.checkReferences(s.whole["contact"], owned); err != nil {
		return nil, err
	}
	if err := s.checkOwner(s.whole["contact"], owned, owned, d); err != nil {
		return nil, err
	}
	if s.set.personAccounts && in.account == "" && text(from, "Company") == "" {
		return s.convertPerson(lead, conv, d)
	}
	if conv.account, err = s.accountInto(in, from, conv.owner, d); err != nil {
		return nil, err
	}
	if conv.contact, err = s.contactInto(in, from, conv, d); err != nil {
		return nil, err
	}
	return s.finishConversion(lead, conv, d)
}

// checkConvert refuses what contradicts itself. The codes but INVALID_STATUS and INVALID_FIELD are guesses.
func (s *Sim) checkConvert(in leadConvert) *apiError {
	converted := false
	for _, r := range s.tables["LeadStatus"].order {
		converted = converted || r.last()["IsConverted"] == true && r.last()["MasterLabel"] == in.status
	}
	switch {
	case !converted:
		return &apiError{code: "INVALID_STATUS", message: "invalid convertedStatus: " + in.status, fields: []string{"Status"}}
	case in.noOpportunity && in.opportunity != "":
		return &apiError{code: "INVALID_FIELD", message: "opportunityName must be null if doNotCreateOpportunity is true", fields: []string{"Id"}}
	case utf8.RuneCountInString(in.opportunity) > maxDealName:
		return &apiError{code: "STRING_TOO_LONG", message: fmt.Sprintf("opportunityName: data value too large: %s (max length=%d)", in.opportunity, maxDealName), fields: []string{"opportunityName"}}
	case in.contact != "" && in.account == "":
		return &apiError{code: "INVALID_CROSS_REFERENCE_KEY", message: "contactId without the accountId of its account", fields: []string{"accountId"}}
	case in.overwriteLeadSource && in.contact == "":
		return &apiError{code: "MISSING_ARGUMENT", message: "overwriteLeadSource without a contactId", fields: []string{"contactId"}}
	}
	return nil
}

// living finds a row that is not in the recycle bin.
func (s *Sim) living(object, id string) (*row, *apiError) {
	r, err := s.rowOf(s.org[object], id)
	if err == nil && r.deleted() {
		return nil, deletedEntity()
	}
	return r, err
}

// accountInto is the account that a lead goes into. Into a person account none goes here, though Salesforce would
// let it.
func (s *Sim) accountInto(in leadConvert, from values, owner string, d deed) (string, *apiError) {
	wanted := accountOf(from, owner)
	if in.account == "" {
		return s.insert(s.org["account"], wanted, d)
	}
	r, err := s.living("account", in.account)
	switch {
	case err != nil:
		return "", err
	case r.last()["IsPersonAccount"] == true:
		return "", &apiError{code: "INVALID_OPERATION", message: "converting into a person account is not modelled", fields: []string{"accountId"}}
	}
	return r.id, s.fill(r, wanted, "", d)
}

// contactInto is the contact that a lead goes into.
func (s *Sim) contactInto(in leadConvert, from values, conv conversion, d deed) (string, *apiError) {
	wanted := contactOf(from, conv.account, conv.owner)
	if in.contact == "" {
		return s.insert(s.org["contact"], wanted, d)
	}
	r, err := s.living("contact", in.contact)
	switch {
	case err != nil:
		return "", err
	case r.last()["AccountId"] != conv.account:
		return "", &apiError{code: "INVALID_CROSS_REFERENCE_KEY", message: "the contact is not of that account", fields: []string{"contactId"}}
	}
	over := ""
	if in.overwriteLeadSource {
		over = "LeadSource"
	}
	return r.id, s.fill(r, wanted, over, d)
}

// fill gives a row the values that it has not got, and the one that it is to have whatever it has; its owner and account
// it keeps.
func (s *Sim) fill(r *row, wanted map[string]any, over string, d deed) *apiError {
	maps.DeleteFunc(wanted, func(name string, _ any) bool {
		return name != over && r.last()[name] != nil || name == "OwnerId" || name == "AccountId"
	})
	if len(wanted) == 0 {
		return nil
	}
	return s.update(r, wanted, d)
}
