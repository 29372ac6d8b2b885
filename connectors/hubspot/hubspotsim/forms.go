package hubspotsim

import (
	"strconv"
	"strings"
	"time"
)

// submitForm plays a visitor who sends a form: the contact is found by e-mail or made, its fields are
// set, and HubSpot itself sets what it alone may set. The name of a conversion is "Page title: Form
// name"; the same form sent again moves the date and the count only.
func (s *Sim) submitForm(page, form string, in written, now time.Time) (*record, *apiError) {
	o := s.objects["contacts"]
	if in["email"] == nil || *in["email"] == "" {
		return nil, invalid("A form needs an email.")
	}
	if form == "" {
		return nil, invalid("Which form?")
	}
	conversion := page + ": " + form
	if strings.Contains(form, ": ") {
		conversion = form
	}
	by := source{kind: "FORM", id: "form-" + strconv.Itoa(len(form)), actor: "form"}
	rec := o.unique["email"][strings.ToLower(strings.TrimSpace(*in["email"]))]
	set, bad := s.check(o, rec, in)
	if bad != nil {
		return nil, bad
	}
	var count int
	if rec != nil {
		count, _ = strconv.Atoi(rec.values["num_conversion_events"]) // unset: none yet
	}
	set["recent_conversion_event_name"] = conversion
	set["recent_conversion_date"] = moment(now)
	set["num_conversion_events"] = strconv.Itoa(count + 1)
	if count == 0 {
		set["first_conversion_event_name"] = conversion
		set["first_conversion_date"] = moment(now)
	}
	if rec == nil {
		set["hs_analytics_source"] = "DIRECT_TRAFFIC"
		if set["lifecyclestage"] == "" {
			set["lifecyclestage"] = "lead"
		}
		rec = s.create(o, set, by, now)
		for _, name := range [...]string{"recent_conversion_date", "recent_conversion_event_name"} {
			s.hooks.changed(rec, name, by, now)
		}
		return rec, nil
	}
	s.update(rec, set, by, now)
	return rec, nil
}
