package match

import (
	"strings"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/normalize"
)

// The words of a person's name.
const (
	wordFirstName = "first_name"
	wordLastName  = "last_name"
	wordFullName  = "full_name"
)

// Twins is the query for the accounts that may be the same company as this one.
// free says which registrable domains identify nobody; nil: none does.
func Twins(company state.Record, free func(domain string) bool) Query {
	q := Query{Conn: company.Ref.Conn, Name: normalize.CompanyName(company.Fields[wordName]), Country: company.Fields[wordCountry]}
	host := normalize.HostOf(company.Fields[wordDomain])
	if domain := normalize.Registrable(host); ClassOf(domain) == Corporate && (free == nil || !free(domain)) {
		q.Host, q.Domain = host, domain
	}
	return q
}

// Related reports whether one of two accounts stands above the other, or the same
// one above both.
func Related(a, b state.Record) bool {
	x, y := above(a), above(b)
	return x != "" && (x == y || x == b.Ref.ID) || y != "" && y == a.Ref.ID
}

// personal are the keys of a person beside the address: the number, and the whole
// name.
func personal(r state.Record) (keys []string) {
	if tel := Phone(r); tel != "" {
		keys = append(keys, "tel:"+tel)
	}
	if name := called(r); name != "" {
		keys = append(keys, "called:"+name)
	}
	return keys
}

// called is the whole name of a person in small Latin letters; "" where it is only
// a part.
func called(r state.Record) string {
	name := plain(r.Fields[wordFirstName] + " " + r.Fields[wordLastName])
	if r.Fields[wordFirstName] == "" || r.Fields[wordLastName] == "" {
		name = plain(r.Fields[wordFullName])
	}
	if !strings.Contains(name, " ") || strings.Contains(r.Fields[wordFullName], "@") {
		return ""
	}
	return name
}

// What shows that two records of one CRM are one person.
const (
	SharedAddress       = "the address"
	SharedNameAndNumber = "name and number"
	SharedNameAndWork   = "name and company"
)

// SamePerson is what two people of one CRM have in common that makes them one; ""
// for too little. Colleagues share an address like info@, a number or a name
// with a person elsewhere, so none but the address says it alone, and not where
// the names differ. free says which registrable domains identify nobody.
func SamePerson(a, b state.Record, free func(domain string) bool) string {
	names := called(a) != "" && called(a) == called(b)
	email := func(r state.Record) string { e, _ := normalize.Email(r.Fields[wordEmail]); return e }
	if e := email(a); e != "" && e == email(b) {
		if names || called(a) == "" || called(b) == "" || alikeText(called(a), called(b)) {
			return SharedAddress
		}
		return ""
	}
	x, y := About(a, a.Ref.Conn, free), About(b, b.Ref.Conn, free)
	switch {
	case !names, x.Country != "" && y.Country != "" && x.Country != y.Country:
		return ""
	case Phone(a) != "" && Phone(a) == Phone(b):
		return SharedNameAndNumber
	case x.Name != "" && x.Name == y.Name, x.Domain != "" && x.Domain == y.Domain:
		return SharedNameAndWork
	case len(a.Links) > 0 && len(b.Links) > 0 && a.Links[0] == b.Links[0]:
		return SharedNameAndWork
	}
	return ""
}
