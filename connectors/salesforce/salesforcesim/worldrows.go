package salesforcesim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// person is one user of the default world: those of the sample configuration.
type person struct{ name, title, zone, manager string }

func defaultPeople() []person {
	const us, uk = "America/New_York", "Europe/London"
	return []person{
		{"Morgan", "SDR Manager", us, ""},
		{"Hugh", "SDR Manager UK", uk, ""},
		{"Vera", "VP Sales", us, ""},
		{"Tomas", "Head of Customer Success", us, ""},
		{"Revops", "Revenue Operations", uk, ""},
		{"Ana", "SDR", us, "Morgan"},
		{"Ben", "SDR", us, "Morgan"},
		{"Cleo", "SDR", us, "Morgan"},
		{"Isla", "SDR", uk, "Hugh"},
		{"Dev", "Account Executive", us, "Vera"},
		{"Erin", "Account Executive", us, "Vera"},
		{"Farah", "CSM", us, "Tomas"},
		{"Gus", "CSM", us, "Tomas"},
		{"Jo", "Marketing", uk, "Revops"},
		{"Kim", "Marketing", uk, "Revops"},
		{"Sam", "Sales Engineer", us, "Vera"},
		{"Lena", "Legal Counsel", us, "Revops"},
		{"Finn", "Finance", us, "Revops"},
		{"Pia", "Partner Manager", us, "Vera"},
	}
}

// reps are the people who answer handoffs by themselves, in the order in which Config.People takes them.
func reps() []string {
	return []string{"ana", "ben", "cleo", "isla", "dev", "erin", "farah", "gus", "morgan", "hugh", "vera", "tomas", "jo", "kim", "revops"}
}

const integrationProfile = "Minimum Access - API Only Integrations"

// profiles are what users may at the least, in the order of their ids. No user has a role, and no object a record type
// beside its master.
func profiles() []string {
	return []string{"System Administrator", "Standard User", integrationProfile}
}

func profileID(name string) string { return newID("00e", uint64(1+slices.Index(profiles(), name))) }

func mailOf(name string) string { return strings.ToLower(name) + "@example.com" }

// buildWorld fills a new org, all of it older than now.
func (s *Sim) buildWorld(now time.Time) {
	s.born = now.Add(-90 * 24 * time.Hour)
	old := now.Add(-60 * 24 * time.Hour)
	s.orgID = newID("00D", 1+s.cfg.Seed%1_000_000)
	s.caller = s.mint(s.keyed["user"])
	s.place(s.keyed["user"], s.caller, values{
		"Username": integrationUser, "Email": mailOf("handoffd"), "LastName": "Handoffd", "FirstName": "Integration", "Alias": "handoffd",
		"IsActive": true, "ProfileId": profileID(integrationProfile), "UserType": "Standard", "TimeZoneSidKey": "GMT", "LocaleSidKey": "en_US",
	}, s.born)
	s.add("User", s.born, values{"Username": autoprocUser, "LastName": "Automated Process", "Alias": "autoproc", "UserType": "AutomatedProcess", "TimeZoneSidKey": "GMT"})
	ids := map[string]string{}
	for _, p := range defaultPeople() {
		fields := values{
			"Username": mailOf(p.name), "Email": mailOf(p.name), "FirstName": p.name, "LastName": "Example", "Alias": strings.ToLower(p.name),
			"Title": p.title, "TimeZoneSidKey": p.zone, "LocaleSidKey": "en_US", "ProfileId": profileID("Standard User"),
		}
		if p.manager != "" {
			fields["ManagerId"] = ids[p.manager]
		}
		ids[p.name] = s.add("User", s.born, fields)
	}
	o := s.keyed["organization"]
	s.place(o, s.orgID, values{"Name": "Example Ltd", "IsSandbox": false, "InstanceName": "DEU00", "OrganizationType": "Enterprise Edition", "TimeZoneSidKey": "GMT", "DefaultLocaleSidKey": "en_GB"}, s.born)
	s.buildSetup()
	s.learnWorld()
	s.buildCompanies(now, old, ids)
	s.add("User", s.born, values{"Username": hubspotUser, "LastName": "Integration", "FirstName": "HubSpot", "Alias": "hubspot", "UserType": "Standard", "TimeZoneSidKey": "GMT", "LocaleSidKey": "en_US"})
	s.learnWorld()
	s.buildMembers()
}

// buildMembers puts people into the queues.
func (s *Sim) buildMembers() {
	for _, m := range []struct{ queue, people string }{
		{"Inbound Leads", "morgan hugh"},
		{"SDR US", "ana ben cleo"},
		{"SDR UK", "isla"},
		{"AE Enterprise", "dev erin"},
		{"CS Onboarding", "farah gus"},
		{"RevOps Review", "revops"},
	} {
		for name := range strings.FieldsSeq(m.people) {
			s.add("GroupMember", s.born, values{"GroupId": s.ownerNamed(m.queue), "UserOrGroupId": s.users[mailOf(name)]})
		}
	}
}

// buildSetup makes queues and the picklists that are rows.
func (s *Sim) buildSetup() {
	for _, name := range []string{"Inbound Leads", "SDR US", "SDR UK", "AE Enterprise", "CS Onboarding", "RevOps Review"} {
		id := s.add("Group", s.born, values{"Name": name, "DeveloperName": strings.ReplaceAll(name, " ", "_"), "Type": "Queue", "Email": mailOf(strings.ReplaceAll(name, " ", "-"))})
		s.add("QueueSobject", s.born, values{"QueueId": id, "SobjectType": "Lead"})
		if name == "Inbound Leads" {
			s.rule = id // the active assignment rule sends every lead here; tasks it does not take
			continue
		}
		s.add("QueueSobject", s.born, values{"QueueId": id, "SobjectType": "Task"})
	}
	s.add("Group", s.born, values{"Name": "All Sales", "DeveloperName": "All_Sales", "Type": "Regular"})
	for i, status := range s.keyed["lead"].field("Status").values {
		s.add("LeadStatus", s.born, values{"MasterLabel": status, "ApiName": status, "SortOrder": float64(i + 1), "IsDefault": i == 0, "IsConverted": status == convertedStatus})
	}
	for i, name := range s.keyed["opportunity"].field("StageName").values {
		won, lost := name == "Closed Won", name == "Closed Lost"
		probability := float64(10 * (i + 1))
		switch {
		case won:
			probability = 100
		case lost:
			probability = 0
		}
		s.add("OpportunityStage", s.born, values{"MasterLabel": name, "ApiName": name, "IsActive": true, "SortOrder": float64(i + 1), "IsClosed": won || lost, "IsWon": won, "DefaultProbability": probability})
	}
}

type company struct {
	name, domain, country, kind, owner string
	employees                          float64
	named                              bool
}

// defaultCompanies are 40 accounts; the first are those that the sample configuration's tests name.
func defaultCompanies() []company {
	list := []company{
		{"Acme", "acme.com", "United States", "Prospect", "Ana", 450, true},
		{"Initech", "initech.com", "United States", "Prospect", "Ben", 300, false},
		{"Globex", "globex.com", "United States", "Customer - Direct", "Dev", 5200, false},
		{"Acme GmbH", "acme.de", "Germany", "Prospect", "Isla", 120, false},
		{"Umbra Health", "umbrahealth.com", "United Kingdom", "Customer - Channel", "Isla", 800, false},
		{"Rival Systems", "rival.example", "United States", "Other", "Vera", 900, false},
	}
	first := []string{"Blue", "North", "Silver", "Stone", "Green", "Bright", "Iron", "Clear", "Red", "Swift"}
	second := []string{"field", "port", "works", "bridge"}
	countries := []string{"United States", "United Kingdom", "Germany", "Canada", "Ireland", "France"}
	kinds := []string{"Prospect", "Prospect", "Customer - Direct", "Prospect", "Customer - Channel"}
	owners := []string{"Dev", "Erin", "Ben", "Isla", "Ana"}
	for i := 0; len(list) < 40; i++ {
		name := first[i%len(first)] + second[i/len(first)]
		list = append(list, company{
			name, strings.ToLower(name) + ".com", countries[i%len(countries)], kinds[i%len(kinds)], owners[i%len(owners)],
			float64(20 + i*i*11), i%9 == 4,
		})
	}
	return list
}

// buildCompanies makes accounts (all stamped in one second, like a bulk load), with contacts, deals and a
// few leads that a queue owns.
func (s *Sim) buildCompanies(now, old time.Time, ids map[string]string) {
	given := []string{"Dana", "Lee", "Sam", "Noor", "Max", "Ines", "Theo", "Yuki", "Omar", "Lena"}
	family := []string{"Fischer", "Okafor", "Smith", "Rossi", "Novak", "Garcia", "Larsen", "Ito"}
	stages := []string{"Prospecting", "Meeting booked", "Proposal/Price Quote", "Closed Won", "Closed Lost"}
	for i, c := range defaultCompanies() {
		segment := "SMB"
		if c.employees >= 1000 {
			segment = "Enterprise"
		}
		account := s.add("Account", old, values{
			"Name": c.name, "Website": "https://www." + c.domain, "BillingCountry": c.country, "NumberOfEmployees": c.employees, "Type": c.kind,
			"Segment__c": segment, "Named_Account__c": c.named, "OwnerId": ids[c.owner], "Industry": "Technology",
		})
		if strings.HasPrefix(c.kind, "Customer") {
			s.add("Opportunity", old, values{"Name": c.name + " platform", "AccountId": account, "StageName": "Closed Won", "Amount": 24000.0, "CloseDate": dateOf(old), "OwnerId": ids[c.owner]})
		}
		for k := range i % 3 {
			first, last := given[(i+k)%len(given)], family[(i*3+k)%len(family)]
			s.add("Contact", old.Add(time.Duration(i)*time.Minute), values{
				"FirstName": first, "LastName": last, "AccountId": account, "OwnerId": ids[c.owner], "MailingCountry": c.country,
				"Email": strings.ToLower(first+"."+last) + "@" + c.domain, "Title": "Director", "Contact_Status__c": "New",
			})
		}
		if i%4 == 2 {
			st := stages[(i/4)%len(stages)]
			s.add("Opportunity", old.Add(time.Hour), values{"Name": fmt.Sprintf("%s expansion", c.name), "AccountId": account, "StageName": st, "Amount": float64(5000 + 1000*i), "CloseDate": dateOf(now.AddDate(0, 1, 0)), "OwnerId": ids["Erin"]})
		}
	}
	for i, last := range []string{"Brandt", "Costa", "Duval"} {
		s.add("Lead", old.Add(time.Duration(i)*time.Second), values{
			"FirstName": given[i], "LastName": last, "Company": last + " Consulting", "Email": strings.ToLower(last) + "@example.org",
			"Country": "United States", "LeadSource": "Web", "OwnerId": s.rule,
		})
	}
}
