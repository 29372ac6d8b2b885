package hubspotsim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// workflow is automation of the portal: when a record is made, or its owner changes by any hand but a workflow's,
// it sets one property a moment later.
type workflow struct {
	Name   string `json:"name"`
	Object string `json:"object"`
	Sets   string `json:"sets"`
	On     string `json:"on"` // create or owner_change
	To     string `json:"to"` // a value; an owner by e-mail
}

// How long a workflow takes to act.
const (
	workflowSoonest = 200 * time.Millisecond
	workflowLatest  = 3 * time.Second
)

func (s *Sim) checkAutomation(list *[]workflow) error {
	if list == nil {
		return nil
	}
	for _, w := range *list {
		o := s.objects[w.Object]
		switch {
		case w.Name == "" || o == nil || o.props[w.Sets] == nil:
			return fmt.Errorf("automation %q: a name, an object and a property of it", w.Name)
		case w.On != "create" && w.On != "owner_change":
			return fmt.Errorf("automation %q: on is create or owner_change", w.Name)
		case o.props[w.Sets].External && s.ownerByEmail(w.To) == nil:
			return fmt.Errorf("automation %q: no owner has the e-mail %q", w.Name, w.To)
		}
	}
	return nil
}

// enroll lets the workflows see what has just been made or changed.
func (s *Sim) enroll(rec *record, by source, born bool, changed []string, now time.Time) {
	if s.loading || by.kind == "AUTOMATION_PLATFORM" {
		return
	}
	for _, w := range s.traits.automation {
		starts := w.On == "create" && born || w.On == "owner_change" && !born && slices.Contains(changed, "hubspot_owner_id")
		if w.Object == rec.of.name && starts {
			s.people.agenda.Put(now.Add(s.people.rand.Between(workflowSoonest, workflowLatest)), func() { s.act(w, rec) })
		}
	}
}

// act is the workflow's one action.
func (s *Sim) act(w workflow, rec *record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for rec.into != nil {
		rec = rec.into
	}
	by, err := s.sourceOf("automation:" + w.Name)
	if err != nil || rec.archived || rec.gone || !slices.Contains(s.traits.automation, w) {
		return
	}
	value := w.To
	if o := s.ownerByEmail(value); o != nil && rec.of.props[w.Sets].External {
		value = o.id
	}
	set, bad := s.check(rec.of, rec, written{w.Sets: &value})
	if bad != nil || maps.Equal(set, map[string]string{w.Sets: rec.values[w.Sets]}) {
		return
	}
	s.update(rec, set, by, stamp())
}

// flows answers /automation/v4/flows: a list without actions, one flow with them, and a batch read.
func (c *call) flows() (*reply, *apiError) {
	list := c.s.traits.automation
	path := strings.Join(c.rest, "/")
	switch {
	case path == "" && c.r.Method == http.MethodGet:
		results := []map[string]any{}
		for i, w := range list {
			results = append(results, c.s.flow(i, w))
		}
		return ok(map[string]any{"results": results}), nil
	case path == "batch/read" && c.r.Method == http.MethodPost:
		return c.readFlows(list)
	case len(c.rest) == 1 && c.r.Method == http.MethodGet:
		for i, w := range list {
			if flowID(i) == path {
				return ok(c.s.flowInFull(i, w)), nil
			}
		}
		return nil, notFound("No flow has id " + path + ".")
	}
	return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
}

func (c *call) readFlows(list []workflow) (*reply, *apiError) {
	var in struct {
		Inputs []struct {
			ID text `json:"flowId"`
		} `json:"inputs"`
	}
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	if bad := count(len(in.Inputs), maxBatch); bad != nil {
		return nil, bad
	}
	results := []map[string]any{}
	for _, row := range in.Inputs {
		for i, w := range list {
			if flowID(i) == string(row.ID) {
				results = append(results, c.s.flowInFull(i, w))
			}
		}
	}
	return c.finishAny(http.StatusOK, results, nil), nil
}

func flowID(i int) string { return strconv.Itoa(585_051_900 + i) }

func (s *Sim) flow(i int, w workflow) map[string]any {
	const at = "2024-01-08T09:00:00Z"
	return map[string]any{
		"id": flowID(i), "isEnabled": true, "name": w.Name, "objectTypeId": s.objects[w.Object].typeID,
		"flowType": "WORKFLOW", "type": "CONTACT_FLOW", "revisionId": "1", "createdAt": at, "updatedAt": at,
	}
}

// flowInFull is a flow with its action: set property (action type 0-5).
func (s *Sim) flowInFull(i int, w workflow) map[string]any {
	out := s.flow(i, w)
	value := w.To
	if o := s.ownerByEmail(w.To); o != nil && s.objects[w.Object].props[w.Sets].External {
		value = o.id
	}
	out["startActionId"], out["nextAvailableActionId"] = "1", "2"
	out["actions"] = []any{map[string]any{
		"type": "SINGLE_CONNECTION", "actionId": "1", "actionTypeVersion": 0, "actionTypeId": "0-5",
		"fields": map[string]any{"property_name": w.Sets, "value": map[string]any{"staticValue": value, "type": "STATIC_VALUE"}},
	}}
	criterion := map[string]any{"type": "EVENT_BASED", "shouldReEnroll": true}
	if w.On == "owner_change" {
		criterion["propertyName"] = "hubspot_owner_id"
	}
	out["enrollmentCriteria"] = criterion
	return out
}
