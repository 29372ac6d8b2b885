package salesforcesim

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// currencies are the active ones of an org with several; the first is the corporate one.
func currencies() []string { return []string{"USD", "EUR", "GBP"} }

func moneyObjects() []string {
	return []string{"Lead", "Contact", "Account", "Opportunity", "Task", "Event", "User"}
}

// place is one entry of the State and Country picklists.
type place struct{ code, name string }

func countries() []place {
	return []place{
		{"AU", "Australia"},
		{"BR", "Brazil"},
		{"CA", "Canada"},
		{"FR", "France"},
		{"DE", "Germany"},
		{"IN", "India"},
		{"IE", "Ireland"},
		{"IT", "Italy"},
		{"JP", "Japan"},
		{"MX", "Mexico"},
		{"NL", "Netherlands"},
		{"ES", "Spain"},
		{"GB", "United Kingdom"},
		{"US", "United States"},
	}
}

// states are those of a country code.
func states(country string) []place {
	switch country {
	case "US":
		return []place{{"CA", "California"}, {"FL", "Florida"}, {"IL", "Illinois"}, {"MA", "Massachusetts"}, {"NY", "New York"}, {"TX", "Texas"}, {"WA", "Washington"}}
	case "CA":
		return []place{{"AB", "Alberta"}, {"BC", "British Columbia"}, {"ON", "Ontario"}, {"QC", "Quebec"}}
	case "AU":
		return []place{{"NSW", "New South Wales"}, {"QLD", "Queensland"}, {"VIC", "Victoria"}}
	}
	return nil
}

func countryCodes() []string {
	var codes []string
	for _, c := range countries() {
		codes = append(codes, c.code)
	}
	return codes
}

func stateCodes() []string {
	var codes []string
	for _, c := range countries() {
		for _, st := range states(c.code) {
			if !slices.Contains(codes, st.code) {
				codes = append(codes, st.code)
			}
		}
	}
	return codes
}

// addressPrefix is what stands before Country and State in an object's fields.
func addressPrefix(object string) (prefix string, has bool) {
	switch object {
	case "Lead":
		return "", true
	case "Contact":
		return "Mailing", true
	case "Account":
		return "Billing", true
	}
	return "", false
}

// checkAddress keeps text and code of country and state together; where the lists are on, a text outside them
// is refused, and a state needs its country. What a save leaves alone stays as it is.
func (s *Sim) checkAddress(o *object, fields, set values) *apiError {
	prefix, has := addressPrefix(o.name)
	if !s.set.countryLists || !has {
		return nil
	}
	if err := settlePlace(fields, set, prefix+"Country", countries(), "country"); err != nil {
		return err
	}
	return settlePlace(fields, set, prefix+"State", states(text(fields, prefix+"CountryCode")), "state")
}

func settlePlace(fields, set values, name string, list []place, word string) *apiError {
	_, textGiven := set[name]
	_, codeGiven := set[name+"Code"]
	wrong := &apiError{
		code: "FIELD_INTEGRITY_EXCEPTION", fields: []string{name},
		message: "There's a problem with this " + word + ", even though it may appear correct. Please select a " + word + " from the list of valid ones.: " + name,
	}
	find := func(f func(place) bool) bool {
		i := slices.IndexFunc(list, f)
		if i >= 0 {
			fields[name], fields[name+"Code"] = list[i].name, list[i].code
		}
		return i >= 0
	}
	switch given := text(fields, name); {
	case !textGiven && !codeGiven:
		return nil
	case textGiven && given == "" && (!codeGiven || fields[name+"Code"] == nil), codeGiven && fields[name+"Code"] == nil && !textGiven:
		delete(fields, name)
		delete(fields, name+"Code")
		return nil
	case textGiven && given != "":
		if !find(func(p place) bool { return strings.EqualFold(p.name, given) || p.code == given }) {
			return wrong
		}
	default:
		code := text(fields, name+"Code")
		if !find(func(p place) bool { return p.code == code }) {
			return wrong
		}
	}
	return nil
}

// personAccountFields are the columns that person accounts bring.
func personAccountFields(object string) string {
	switch object {
	case "Account":
		return "IsPersonAccount boolean ro\nFirstName string 40\nLastName string 80\nPersonEmail email 80 idlookup\nPersonTitle string 80\n" +
			"PersonMobilePhone phone 40\nPersonContactId reference ro ref=Contact rel=PersonContact\n" +
			"Contact_Status__pc picklist 255 pick=New;Working;Nurture;Customer\nLast_Form__pc string 255\nLast_Form_At__pc datetime\n" +
			"Intent_Signal__pc string 255\nTimeline__pc string 255\n"
	case "Contact":
		return "IsPersonAccount boolean ro\n"
	}
	return ""
}

// personPairs are the fields of a person account and those of the contact behind it.
func personPairs() map[string]string {
	return map[string]string{
		"FirstName": "FirstName", "LastName": "LastName", "PersonEmail": "Email", "PersonTitle": "Title", "PersonMobilePhone": "MobilePhone",
		"Contact_Status__pc": "Contact_Status__c", "Last_Form__pc": "Last_Form__c", "Last_Form_At__pc": "Last_Form_At__c",
		"Intent_Signal__pc": "Intent_Signal__c", "Timeline__pc": "Timeline__c", "OwnerId": "OwnerId",
	}
}

// personRules make a new account with a last name a person, keep its name, and hold what belongs to the account
// away from the contact behind it.
func (s *Sim) personRules(o *object, old, fields, set values) *apiError {
	if !s.set.personAccounts {
		return nil
	}
	forbidden := ""
	switch {
	case o.name == "Account" && old == nil && fields["LastName"] != nil:
		fields["IsPersonAccount"] = true
	case o.name == "Account" && fields["IsPersonAccount"] != true:
		for _, name := range slices.Sorted(maps.Keys(personPairs())) {
			if _, given := set[name]; given && name != "OwnerId" {
				forbidden = name
			}
		}
	case o.name == "Contact" && old["IsPersonAccount"] == true:
		for _, name := range []string{"OwnerId", "AccountId"} {
			if _, given := set[name]; given && old[name] != fields[name] {
				forbidden = name
			}
		}
	}
	if o.name == "Account" && fields["IsPersonAccount"] == true {
		if _, given := set["Name"]; given {
			forbidden = "Name"
		}
		fields["Name"] = fullName(fields)
	}
	if forbidden != "" {
		return notWritable(forbidden)
	}
	return nil
}

// mirror brings the other half of a person account to what a save left in one: the account's contact, or the
// contact's account.
func (s *Sim) mirror(r *row, fields values, d deed) {
	if !s.set.personAccounts || fields["IsPersonAccount"] != true {
		return
	}
	d = d.derived()
	pairs := personPairs()
	if r.obj.name == "Account" {
		contact := s.byID(text(fields, "PersonContactId"))
		if contact == nil {
			o := s.keyed["contact"]
			id := s.mint(o)
			contact = &row{obj: o, id: id, salt: saltOf(id, s.cfg.Seed)}
			fields["PersonContactId"] = id
		}
		next := maps.Clone(contact.last())
		if next == nil {
			next = s.defaults(contact.obj)
			next["Id"], next["CreatedDate"], next["CreatedById"] = contact.id, d.stamp(), d.actor
		}
		for here, there := range pairs {
			overlay(next, values{there: fields[here]})
		}
		next["AccountId"], next["IsPersonAccount"], next["Name"] = r.id, true, fields["Name"]
		s.stampAndCommit(contact, next, d)
		return
	}
	account := s.byID(text(fields, "AccountId"))
	if account == nil {
		return
	}
	next := maps.Clone(account.last())
	for there, here := range pairs {
		overlay(next, values{there: fields[here]})
	}
	next["Name"] = fields["Name"]
	s.stampAndCommit(account, next, d)
}

func (s *Sim) stampAndCommit(r *row, fields values, d deed) {
	fields["LastModifiedDate"], fields["LastModifiedById"], fields["SystemModstamp"] = d.stamp(), d.actor, d.stamp()
	s.commit(r, fields, d)
}

// settleSandbox makes users' e-mails what a refresh makes of them, or takes it back.
func (s *Sim) settleSandbox(now time.Time) {
	org := s.tables["Organization"].rows[s.orgID]
	if org == nil || (org.last()["IsSandbox"] == true) == s.set.sandbox {
		return
	}
	change := func(r *row, set values) {
		fields := maps.Clone(r.last())
		overlay(fields, set)
		s.tables[r.obj.name].put(&tx{}, r, fields, now, time.Time{})
	}
	change(org, values{"IsSandbox": s.set.sandbox})
	for _, r := range s.tables["User"].order {
		if mail := text(r.last(), "Email"); mail != "" {
			mail = strings.TrimSuffix(mail, ".invalid")
			if s.set.sandbox {
				mail += ".invalid"
			}
			change(r, values{"Email": mail})
		}
	}
	const live, copied = defaultBaseURL, "https://handoffd--uat.sandbox.my.salesforce.com"
	switch {
	case s.set.sandbox && s.baseURL == live:
		s.baseURL = copied
	case !s.set.sandbox && s.baseURL == copied:
		s.baseURL = live
	}
	s.learnWorld()
}
