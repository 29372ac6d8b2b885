package match

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/normalize"
)

// Tie is one step of the order among accounts that were found in the same way.
// Each looks at one account alone.
type Tie int

// The steps, in the order that applies where the admin writes none, but for
// Subsidiary, which is the opposite of ParentCompany.
//
//	step            first comes                                        settles a review
//	confirmed       what a person has said the domain or name is       yes
//	closest host    the longest host that the address is under         yes
//	same country    the person's country, then unknown, then else      yes
//	customer        is_customer; last was_customer without an open deal yes
//	open deal       at least one open deal                             yes
//	named account   named_account                                      yes
//	named owner     a person owns it; not a queue, not nobody          yes
//	parent company  no company stands above it                         yes
//	recent activity something happened last; never comes last          no
//	most people     more of its people known                           no
//	oldest          created first; unknown last                        no
//	lowest id       the shorter, then the smaller id                   no
//
// What settles no review says nothing of whose buyer this is.
const (
	SaidSo Tie = iota
	ClosestHost
	SameCountry
	Customer
	OpenDeal
	NamedAccount
	NamedOwner
	ParentCompany
	RecentActivity
	MostPeople
	Oldest
	Subsidiary
	lowestID
	tieCount = int(lowestID)
)

var tieNames = [...]string{
	"confirmed", "closest host", "same country", "customer", "open deal", "named account", "named owner",
	"parent company", "recent activity", "most people", "oldest", "subsidiary", "lowest id",
}

// String is the step as a receipt names it.
func (t Tie) String() string { return tieNames[t] }

// Key is the step as an admin writes it.
func (t Tie) Key() string { return strings.ReplaceAll(tieNames[t], " ", "_") }

// settles reports whether a step says whose buyer it is.
func (t Tie) settles() bool { return t < RecentActivity || t == Subsidiary }

// DefaultTies are the steps that apply where the admin writes none.
func DefaultTies() []Tie { return slices.Clone(defaultTies[:]) }

var defaultTies = [...]Tie{
	SaidSo, ClosestHost, SameCountry, Customer, OpenDeal, NamedAccount, NamedOwner, ParentCompany, RecentActivity, MostPeople, Oldest,
}

func (c Config) ties() []Tie {
	if c.Ties == nil {
		return defaultTies[:]
	}
	return c.Ties
}

// needs is the word of a company that a step looks at; "": none, or one of
// handoffd's own knowing.
func (t Tie) needs() string {
	switch t {
	case SameCountry:
		return wordCountry
	case Customer:
		return wordCustomer
	case NamedAccount:
		return wordNamed
	case NamedOwner:
		return wordOwner
	case ClosestHost:
		return wordDomain
	case ParentCompany, Subsidiary, SaidSo, OpenDeal, RecentActivity, MostPeople, Oldest, lowestID:
	}
	return ""
}

// of is an account's place by a step: small comes first.
func (t Tie) of(q Query, a *Account) int64 {
	f := a.Record.Fields
	switch t {
	case SaidSo:
		return no(a.Confirmed != "")
	case ClosestHost:
		return -closeness(q.Host, normalize.HostOf(f[wordDomain]))
	case SameCountry:
		return countryPlace(q.Country, f[wordCountry])
	case Customer:
		switch {
		case f[wordCustomer] == "yes":
			return 0
		case f[wordFormer] == "yes" && len(a.Deals) == 0:
			return 2
		}
		return 1
	case OpenDeal:
		return no(len(a.Deals) > 0)
	case NamedAccount:
		return no(f[wordNamed] == "yes")
	case NamedOwner:
		return no(f[wordOwner] != "" && !a.Idle)
	case ParentCompany:
		return no(above(a.Record) == "")
	case Subsidiary:
		return no(above(a.Record) != "")
	case RecentActivity:
		return -seconds(lastActivity(a.Record))
	case MostPeople:
		return -int64(a.People)
	case Oldest:
		if a.Record.CreatedAt.IsZero() {
			return 1<<63 - 1
		}
		return a.Record.CreatedAt.Unix()
	case lowestID:
	}
	return 0
}

func countryPlace(person, account string) int64 {
	switch {
	case differ(person, account):
		return 2
	case person != "" && account != "":
		return 0
	}
	return 1
}

// above is the id of the company above a company; "": none is known.
func above(r state.Record) string {
	if id := r.Fields[wordParent]; id != "" && id != r.Ref.ID {
		return id
	}
	for _, l := range r.Links {
		if l.Kind == r.Ref.Kind && l != r.Ref {
			return l.ID
		}
	}
	return ""
}

// lastActivity is when something last happened with an account, as far as the
// mapping or the CRM's own counters tell.
func lastActivity(r state.Record) string {
	return cmp.Or(r.Fields[wordLastActivity], r.Fields[connectors.WorkLastAt])
}

func seconds(text string) int64 {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.Unix()
		}
	}
	return 0
}
