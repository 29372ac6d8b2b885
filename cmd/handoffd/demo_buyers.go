package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/simulators"
)

// buyers fill in forms in both CRMs, one of the three variants after the other.
type buyers struct {
	rand *rand.Rand
	pair *simulators.Pair

	mu   sync.Mutex
	came map[connectors.Ref]time.Time // by the record that the form made
}

// buyerEvery is the mean time between two buyers.
const buyerEvery = 120 * time.Millisecond

func newBuyers(seed uint64, pair *simulators.Pair) *buyers {
	return &buyers{
		rand: rand.New(rand.NewPCG(seed, 0x6275796572)), //nolint:gosec // buyers are drawn, secrets are not
		pair: pair, came: map[connectors.Ref]time.Time{},
	}
}

// arrive lets buyers come until ctx ends.
func (b *buyers) arrive(ctx context.Context) error {
	for n := 0; ; n++ {
		wait := time.NewTimer(time.Duration((0.5 + b.rand.Float64()) * float64(buyerEvery)))
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil
		case <-wait.C:
		}
		if err := b.submit(n); err != nil {
			return fmt.Errorf("buyer %d: %w", n, err)
		}
	}
}

func (b *buyers) submit(n int) error {
	p := b.person(n)
	var sim simulators.Sim = b.pair.HubSpot
	ref := connectors.Ref{Conn: "hubspot", Kind: "contacts"}
	edit := simulators.Edit{CRM: "hubspot", Object: "contacts", Op: "submit_form", Fields: map[string]any{
		"page": "Pricing", "form": "Demo request", "email": p.email, "firstname": p.first, "lastname": p.last, "company": p.company,
		"jobtitle": p.title, "country": p.country, "primary_business_problem": p.problem,
	}}
	switch n % 3 {
	case 1:
		edit.Fields["form"], edit.Fields["page"] = "Contact sales", "Contact"
	case 2:
		sim = b.pair.Salesforce
		ref = connectors.Ref{Conn: "salesforce", Kind: "Lead"}
		edit = simulators.Edit{CRM: "salesforce", Object: "Lead", Op: "submit_form", Fields: map[string]any{
			"form": "Home: Demo request", "Email": p.email, "FirstName": p.first, "LastName": p.last, "Company": p.company,
			"Title": p.title, "Country": p.country, "Business_Problem__c": p.problem,
		}}
	}
	at := time.Now()
	ids, err := sim.Edit(edit)
	if err != nil {
		return err
	}
	ref.ID = ids["id"]
	b.mu.Lock()
	defer b.mu.Unlock()
	b.came[ref] = at
	return nil
}

type person struct{ first, last, email, company, title, country, problem string }

func (b *buyers) person(n int) person {
	pick := func(from ...string) string { return from[b.rand.IntN(len(from))] }
	first := pick("Dana", "Lee", "Noor", "Sam", "Ada", "Kofi", "Mira", "Tom", "Yuki", "Lena", "Omar", "Ines")
	last := pick("Ito", "Weber", "Okafor", "Silva", "Novak", "Berg", "Haddad", "Moreau", "Khan", "Rossi")
	company, domain := pick("Acme", "Initech", "Northwind", "Contoso", "Fabrikam", "Tailspin", "Lakeside", "Oakridge"), ""
	domain = strings.ToLower(company) + ".com"
	switch b.rand.IntN(5) {
	case 0: // a company nobody knows
		company = fmt.Sprintf("%s %s", pick("Blue", "Green", "Iron", "Clear", "High"), pick("Harbor", "Field", "Bridge", "Peak"))
		domain = fmt.Sprintf("%s%d.example", strings.ToLower(strings.ReplaceAll(company, " ", "")), n)
	case 1:
		domain = "gmail.com"
	}
	return person{
		first: first, last: last, company: company,
		email:   fmt.Sprintf("%s.%s.%d@%s", strings.ToLower(first), strings.ToLower(last), n, domain),
		title:   pick("VP Sales", "Head of Operations", "RevOps Manager", "CTO", "Founder"),
		country: pick("United States", "United States", "Canada", "United Kingdom", "Germany"),
		problem: pick("Leads wait for days", "Nobody knows who owns an account", "Two tools, two answers", "Handoffs get lost"),
	}
}

func (b *buyers) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.came)
}

// arrived is when the buyer behind a record filled in the form.
func (b *buyers) arrived(ref connectors.Ref) (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, ok := b.came[ref]
	return at, ok
}

func (b *buyers) refs() []connectors.Ref {
	b.mu.Lock()
	defer b.mu.Unlock()
	refs := make([]connectors.Ref, 0, len(b.came))
	for ref := range b.came {
		refs = append(refs, ref)
	}
	return refs
}
