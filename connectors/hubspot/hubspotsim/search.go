package hubspotsim

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The search API's limits.
const (
	searchBody    = 3_000
	searchGroups  = 5
	searchFilters = 6
	searchAll     = 18
	searchLimit   = 200
	searchWindow  = 10_000
)

type searchInput struct {
	Groups     []filterGroup `json:"filterGroups"`
	Filters    []filterInput `json:"filters"` // one group more, whose filters stand bare
	Sorts      []sortInput   `json:"sorts"`
	Properties []string      `json:"properties"`
	Limit      *int          `json:"limit"`
	After      text          `json:"after"`
	Query      string        `json:"query"`
}

type filterGroup struct {
	Filters []filterInput `json:"filters"`
}

type filterInput struct {
	Property string `json:"propertyName"`
	Operator string `json:"operator"`
	Value    *text  `json:"value"`
	High     *text  `json:"highValue"`
	Values   []text `json:"values"`
}

// sortInput is the one sort rule: an object, that object as a text, or a property's name.
type sortInput struct {
	Property  string `json:"propertyName"`
	Direction string `json:"direction"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *sortInput) UnmarshalJSON(raw []byte) error {
	type plain sortInput
	if len(raw) > 0 && raw[0] == '"' {
		err := json.Unmarshal(raw, &s.Property)
		if strings.HasPrefix(s.Property, "{") { // the object as a text, as HubSpot's own client's manual has it
			return json.Unmarshal([]byte(s.Property), (*plain)(s))
		}
		return err
	}
	return json.Unmarshal(raw, (*plain)(s))
}

// search answers what the index knows: which records match may be old news, while the properties shown
// are always those of now.
func (c *call) search(o *object) (*reply, *apiError) {
	if len(c.body) > searchBody {
		return nil, invalid("The request body is longer than 3000 characters.")
	}
	var in searchInput
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	groups, bad := c.compile(o, in)
	if bad != nil {
		return nil, bad
	}
	limit, after, bad := searchPage(in)
	if bad != nil {
		return nil, bad
	}
	var hits []*record
	for _, rec := range o.order {
		if !rec.archived && rec.born(c.now) && c.matches(rec, groups) && c.mentions(rec, in.Query) {
			hits = append(hits, rec)
		}
	}
	if len(in.Sorts) == 1 {
		if bad := c.sort(o, hits, in.Sorts[0]); bad != nil {
			return nil, bad
		}
	}
	total := len(hits)
	page := pageView{Total: &total, Results: []view{}}
	for _, rec := range hits[min(after, total):min(after+limit, total)] {
		page.Results = append(page.Results, rec.show(in.Properties))
	}
	if after+limit < total {
		page.Paging = &pageNext{nextPage{After: strconv.Itoa(after + limit)}}
	}
	return ok(page), nil
}

func searchPage(in searchInput) (limit, after int, bad *apiError) {
	limit = 10
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 1 || limit > searchLimit {
		return 0, 0, invalid("limit must be between 1 and 200")
	}
	if in.After != "" {
		n, err := strconv.Atoi(string(in.After))
		if err != nil || n < 0 {
			return 0, 0, invalid("after must be a number of results to skip")
		}
		after = n
	}
	if after+limit > searchWindow {
		return 0, 0, refuse(http.StatusBadRequest, "VALIDATION_ERROR", "Paging beyond 10000 results of one query is not possible.")
	}
	return limit, after, nil
}

// searched are the properties that a free-text query looks at.
var searched = map[string][]string{
	"contacts":  {"firstname", "lastname", "email", "hs_additional_emails", "phone", "mobilephone", "fax", "company"},
	"companies": {"name", "domain", "website", "phone"},
	"deals":     {"dealname", "pipeline", "dealstage", "description", "dealtype"},
	"tickets":   {"subject", "content", "hs_pipeline_stage", "hs_ticket_category"},
	"tasks":     {"hs_task_subject", "hs_task_body"},
	"notes":     {"hs_note_body"},
	"meetings":  {"hs_meeting_title", "hs_meeting_body"},
	"calls":     {"hs_call_title", "hs_call_body"},
	"emails":    {"hs_email_subject"},
	"users":     {"hs_given_name", "hs_family_name", "hs_email"},
	"leads":     {"hs_lead_name"},
}

// mentions answers the free-text query over the properties that the manual says it looks at.
func (c *call) mentions(rec *record, query string) bool {
	if query == "" {
		return true
	}
	for _, name := range searched[rec.of.name] {
		if value, set := rec.indexed(name, c.now); set && rec.of.defined(name) != nil && containsTokens(strings.ToLower(value), strings.ToLower(query)+"*") {
			return true
		}
	}
	return false
}

func (c *call) sort(o *object, hits []*record, by sortInput) *apiError {
	p := o.defined(by.Property)
	if p == nil || (by.Direction != "" && by.Direction != "ASCENDING" && by.Direction != "DESCENDING") {
		return invalid("The sort is not possible.")
	}
	order := 1
	if by.Direction == "DESCENDING" {
		order = -1
	}
	if by.Property == "hs_object_id" {
		if order < 0 {
			slices.Reverse(hits)
		}
		return nil
	}
	f := filter{name: by.Property, kind: compareAs(p)}
	slices.SortStableFunc(hits, func(a, b *record) int {
		va, seta := a.indexed(f.name, c.now)
		vb, setb := b.indexed(f.name, c.now)
		if seta != setb { // unset ones stand last
			if seta {
				return -1
			}
			return 1
		}
		pa, na, _ := f.operand(va)
		pb, nb, _ := f.operand(vb)
		if f.kind == "number" || f.kind == "moment" {
			return order * cmp.Compare(na, nb)
		}
		return order * cmp.Compare(pa, pb)
	})
	return nil
}
