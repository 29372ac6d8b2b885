package match

import (
	"strings"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/normalize"
)

// Version numbers the keys. It changes whenever the same record would give
// another key; an index of another version is built anew.
const Version = normalize.Version

// The words of the vocabulary that identify, and those that decide a tie.
const (
	wordEmail    = "email"
	wordDomain   = "domain"
	wordName     = "name"
	wordEmployer = "company_name" // a person's company, as they typed it
	wordCountry  = "country"
	wordPhone    = "phone"
	wordCustomer = "is_customer"
	wordFormer   = "was_customer"
	wordNamed    = "named_account"
	wordOwner    = "owner"
	wordParent   = "parent"

	wordLastActivity = "last_activity"
)

// Keys is what a record can be found by. A company has "host:", "domain:",
// "name:" and "phone:" keys, a person "email:", "tel:" and "called:". A host that
// is a public suffix, and a name that is none, give no key.
func Keys(r state.Record) []string {
	switch r.Noun {
	case "company":
		host := normalize.HostOf(r.Fields[wordDomain])
		return keys("", host, normalize.Registrable(host), normalize.CompanyName(r.Fields[wordName]), Phone(r))
	case "person":
		email, _ := normalize.Email(r.Fields[wordEmail])
		return append(keys(email, "", "", "", ""), personal(r)...)
	}
	return nil
}

// Keys is what to look up, strongest first, in the alphabet of the function
// Keys. The e-mail address finds people; the accounts they belong to are then
// candidates by e-mail.
func (q Query) Keys() []string { return keys(q.Email, q.Host, q.Domain, q.Name, q.Phone) }

// Keys are the domain and the company name of a lead, as aliases are kept under.
func (l Lead) Keys() []string {
	return keys("", "", normalize.Registrable(normalize.HostOf(l.Email)), normalize.CompanyName(l.Company), "")
}

func keys(email, host, domain, name, phone string) []string {
	out := make([]string, 0, 5)
	if email != "" {
		out = append(out, "email:"+email)
	}
	if host != "" && domain != "" {
		out = append(out, "host:"+host)
	}
	if domain != "" {
		out = append(out, "domain:"+domain)
	}
	if name != "" {
		out = append(out, "name:"+name)
	}
	if phone != "" {
		out = append(out, "phone:"+phone)
	}
	return out
}

// Phone is a record's telephone number in E.164, without an extension; "" where
// it cannot be told, for want of a country.
func Phone(r state.Record) string {
	typed := r.Fields[wordPhone]
	if typed == "" {
		return ""
	}
	e164, ok := normalize.Value(normalize.Field{Clean: []string{"phone"}}, typed, r.Fields[wordCountry])
	if !ok || !strings.HasPrefix(e164, "+") {
		return ""
	}
	number, _, _ := strings.Cut(e164, " ext")
	return number
}

// KeyVia is the way to find an account that a key stands for.
func KeyVia(key string) Via {
	via, _, _ := strings.Cut(key, ":")
	return Via(via)
}

// About is the query for a person: the accounts of conn that may be theirs.
// free says which registrable domains identify nobody; nil: none does.
func About(person state.Record, conn string, free func(domain string) bool) Query {
	q := Query{Conn: conn, Name: normalize.CompanyName(person.Fields[wordEmployer]), Country: person.Fields[wordCountry]}
	q.Email, _ = normalize.Email(person.Fields[wordEmail])
	host := normalize.HostOf(q.Email)
	if domain := normalize.Registrable(host); domain != "" && (free == nil || !free(domain)) {
		q.Host, q.Domain = host, domain
	}
	if len(person.Links) > 0 && person.Links[0].Conn == conn {
		q.Link = person.Links[0]
	}
	return q
}
