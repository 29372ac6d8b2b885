package hubspotsim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// mostDeals is how many open deals the screens associate with an activity about a contact or company.
const mostDeals = 5

// logged completes an activity as the screens do: its time is now and its owner whoever logs it, unless they say
// otherwise, and it is associated with whom it is about, with their primary company and with their open deals.
func (s *Sim) logged(o *object, fields written, by source, now time.Time) ([]editLink, error) {
	fill := func(name, value string) {
		if o.props[name] != nil && value != "" && (fields[name] == nil || *fields[name] == "") {
			fields[name] = &value
		}
	}
	if start := fields["hs_meeting_start_time"]; start != nil {
		fill("hs_timestamp", *start)
	}
	fill("hs_timestamp", moment(now))
	if o.name == "meetings" {
		fill("hs_meeting_start_time", *fields["hs_timestamp"])
	}
	if at := slices.IndexFunc(s.owners, func(u *owner) bool { return u.userID == by.user }); at >= 0 {
		fill("hubspot_owner_id", s.owners[at].id)
	}
	about := popField(fields, "about", "")
	if about == "" {
		return nil, nil
	}
	rec := s.known(about)
	if rec == nil {
		return nil, fmt.Errorf("about: there is no contact, company or deal %q", about)
	}
	var links []editLink
	add := func(kind, id string) {
		if plainType(o.name, kind) != 0 && !slices.ContainsFunc(links, func(l editLink) bool { return l.Kind == kind && string(l.ID) == id }) {
			links = append(links, editLink{Kind: kind, ID: text(id)})
		}
	}
	add(rec.of.name, rec.id)
	if company := rec.primary(); company != "" {
		add("companies", company)
	}
	if rec.of.name == "deals" {
		return links, nil
	}
	for _, id := range rec.linked("deals") {
		if deal := s.objects["deals"].live(id); deal != nil && deal.values["hs_is_closed"] != "true" && len(links) < mostDeals {
			add("deals", id)
		}
	}
	return links, nil
}

// known is the record that a person would call so, or that "contacts/51" names; nil: there is none.
func (s *Sim) known(key string) *record {
	for _, by := range [...][2]string{{"contacts", "email"}, {"companies", "domain"}, {"companies", "name"}, {"deals", "dealname"}} {
		for _, rec := range s.objects[by[0]].order {
			if !rec.archived && !rec.gone && strings.EqualFold(rec.values[by[1]], key) {
				return rec
			}
		}
	}
	if kind, id, named := strings.Cut(key, "/"); named && s.objects[kind] != nil {
		return s.objects[kind].live(id)
	}
	for _, kind := range [...]string{"contacts", "companies", "deals"} {
		if rec := s.objects[kind].live(key); rec != nil {
			return rec
		}
	}
	return nil
}
