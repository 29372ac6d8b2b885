package plan_test

import (
	"strings"
	"testing"
)

// Where companies' numbers are mapped, a buyer without a company's name or
// address is known by theirs, however it is written; where they are not, nothing
// is said of numbers.
func TestSamePhone(t *testing.T) {
	t.Parallel()
	mapped := matching(t,
		"    domain:            {read: domain, clean: [domain]}", "    domain:            {read: domain, clean: [domain]}\n    phone:             {read: phone, clean: [phone]}",
		"    - {alike: [person.company_name, company.name], and_same: country, sure_at: 92%}", "    - {alike: [person.company_name, company.name], and_same: country, sure_at: 92%}\n    - {same: [person.phone, company.phone]}")
	for _, tc := range []struct {
		name, phone string
		known       bool
	}{
		{"the same number", "(212) 555-0142 x9", true},
		{"another", "+12125550143", false},
	} {
		w := town()
		account := w.records[northwind]
		account.Fields["phone"] = "+12125550142"
		w.records[northwind] = account
		w.decide(t, mapped, monday, see(demo("51", "dana@gmail.com", "phone", tc.phone, "country", "US")))
		h := w.only(t)
		if (h.Account == northwind) != tc.known || tc.known && !strings.Contains(why(h), "it has the same telephone number") {
			t.Errorf("%s: of %s\n%s", tc.name, h.Account, why(h))
		}
	}
	w := town()
	w.records[northwind].Fields["phone"] = "+12125550142"
	w.decide(t, writing(t), monday, see(demo("51", "dana@gmail.com", "phone", "+12125550142", "country", "US")))
	if h := w.only(t); !h.Account.IsZero() {
		t.Errorf("no number of companies is mapped: of %s", h.Account)
	}
}
