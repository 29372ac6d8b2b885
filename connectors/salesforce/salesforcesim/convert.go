package salesforcesim

import (
	"maps"
	"strings"
	"time"
)

const convertedStatus = "Closed - Converted"

// convert turns a lead into a contact of an account (AccountId, else one of the lead's company name, else a
// new one) and, unless Opportunity is absent or false, an opportunity; a text names it. Custom fields without
// a mapping do not travel, and the lead's activities move to the contact.
func (s *Sim) convert(lead *row, in map[string]any, d deed) (map[string]string, *apiError) {
	from := lead.last()
	if lead.obj.name != "Lead" || lead.deleted() || from["IsConverted"] == true {
		return nil, &apiError{code: "CANNOT_UPDATE_CONVERTED_LEAD", message: "only a living, unconverted lead can be converted"}
	}
	asked, _ := in["OwnerId"].(string)
	owner, err := conversionOwner(from, asked, d)
	if err != nil {
		return nil, err
	}
	conv := conversion{owner: owner, status: convertedStatus, deal: dealName(in["Opportunity"], from)}
	if s.set.personAccounts && text(from, "Company") == "" {
		return s.convertPerson(lead, conv, d)
	}
	if conv.account, err = s.accountFor(from, in, owner, d); err != nil {
		return nil, err
	}
	if conv.contact, err = s.insert(s.org["contact"], contactOf(from, conv.account, owner), d); err != nil {
		return nil, err
	}
	return s.finishConversion(lead, conv, d)
}

// conversion is what becomes of a lead: whose it is to be, its last status, the rows it goes into and the name of its
// opportunity, blank for none.
type conversion struct{ owner, status, account, contact, deal string }

// conversionOwner is who owns what a lead is converted to: who was asked for, else the lead's owner.
func conversionOwner(from values, asked string, d deed) (string, *apiError) {
	owner := text(from, "OwnerId")
	switch {
	case asked != "":
		return asked, nil
	case strings.HasPrefix(owner, "005"):
		return owner, nil
	case strings.HasPrefix(d.who, "person:"): // a queue owns no contact; the screen fills the person in, a program has to say
		return d.actor, nil
	}
	return "", &apiError{code: "FIELD_INTEGRITY_EXCEPTION", message: "converted objects can only be owned by users. If the lead is not owned by a user, you must specify a user for the Owner field.", fields: []string{"OwnerId"}}
}

// contactOf is what a contact gets from its lead.
func contactOf(from values, account, owner string) map[string]any {
	return present(map[string]any{
		"FirstName": from["FirstName"], "LastName": from["LastName"], "Email": from["Email"], "Phone": from["Phone"], "MobilePhone": from["MobilePhone"],
		"Title": from["Title"], "LeadSource": from["LeadSource"], "MailingCountry": from["Country"], "MailingPostalCode": from["PostalCode"],
		"AccountId": account, "OwnerId": owner,
	})
}

// accountOf is what an account gets from its lead.
func accountOf(from values, owner string) map[string]any {
	return present(map[string]any{"Name": from["Company"], "Website": from["Website"], "BillingCountry": from["Country"], "OwnerId": owner})
}

// convertPerson makes a person account of a lead without a company.
func (s *Sim) convertPerson(lead *row, conv conversion, d deed) (map[string]string, *apiError) {
	from := lead.last()
	account, err := s.insert(s.org["account"], present(map[string]any{
		"FirstName": from["FirstName"], "LastName": from["LastName"], "PersonEmail": from["Email"], "Phone": from["Phone"],
		"PersonMobilePhone": from["MobilePhone"], "PersonTitle": from["Title"], "BillingCountry": from["Country"], "OwnerId": conv.owner,
	}), d)
	if err != nil {
		return nil, err
	}
	conv.account, conv.contact = account, text(s.byID(account).last(), "PersonContactId")
	return s.finishConversion(lead, conv, d)
}

// finishConversion makes the opportunity, closes the lead and moves its activities.
func (s *Sim) finishConversion(lead *row, conv conversion, d deed) (map[string]string, *apiError) {
	from := lead.last()
	ids := map[string]string{"id": lead.id, "contact": conv.contact, "account": conv.account}
	fields := maps.Clone(from)
	if conv.deal != "" {
		deal, err := s.insert(s.org["opportunity"], map[string]any{"Name": conv.deal, "AccountId": conv.account, "OwnerId": conv.owner, "StageName": "Qualification", "CloseDate": d.now.AddDate(0, 1, 0).Format(time.DateOnly)}, d)
		if err != nil {
			return nil, err
		}
		ids["opportunity"], fields["ConvertedOpportunityId"] = deal, deal
	}
	fields["IsConverted"], fields["ConvertedDate"], fields["Status"] = true, dateOf(d.now), conv.status
	fields["ConvertedContactId"], fields["ConvertedAccountId"], fields["OwnerId"] = conv.contact, conv.account, conv.owner
	if err := s.closeLead(lead, fields, &d); err != nil {
		return nil, err
	}
	fields["LastModifiedDate"], fields["LastModifiedById"], fields["SystemModstamp"] = d.stamp(), d.actor, d.stamp()
	s.commit(lead, fields, d)
	for _, kind := range []string{"Task", "Event"} {
		for _, child := range s.tables[kind].holders("WhoId", lead.id) {
			moved := maps.Clone(child.last())
			moved["WhoId"], moved["AccountId"], moved["SystemModstamp"] = conv.contact, conv.account, d.stamp()
			s.commit(child, moved, d.derived())
		}
	}
	return ids, nil
}

// closeLead runs what may refuse a converted lead. Whether rules look at one is a setting, "Require Validation for
// Converted Leads"; for programs it is taken to be on, and the lead's row is locked.
func (s *Sim) closeLead(lead *row, fields values, d *deed) *apiError {
	if d.person {
		return nil
	}
	if err := s.validate(lead.obj, fields); err != nil {
		return err
	}
	if err := s.automate(lead.obj, lead.last(), fields, d); err != nil {
		return err
	}
	return s.contend(lead.obj, lead, fields, *d)
}

func (s *Sim) accountFor(from values, in map[string]any, owner string, d deed) (string, *apiError) {
	if id, given := in["AccountId"].(string); given {
		r, err := s.rowOf(s.org["account"], id)
		if err != nil {
			return "", err
		}
		return r.id, nil
	}
	for _, r := range s.tables["Account"].order {
		if !r.deleted() && strings.EqualFold(text(r.last(), "Name"), text(from, "Company")) {
			return r.id, nil
		}
	}
	return s.insert(s.org["account"], accountOf(from, owner), d)
}

func dealName(wish any, from values) string {
	switch wish := wish.(type) {
	case string:
		return wish
	case bool:
		if wish {
			return text(from, "Company") + "-"
		}
	}
	return ""
}

// present drops the nulls.
func present(in map[string]any) map[string]any {
	maps.DeleteFunc(in, func(_ string, v any) bool { return v == nil })
	return in
}
