package salesforce

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/crmhttp"
)

// started is since when a describe counts as read by this inspection.
func (*inspection) started() time.Time { return time.Now().Add(-time.Minute) }

// validation names the rules that may refuse what we write. Their formulas are
// not read: they may call on anything.
func (x *inspection) validation(ctx context.Context) *connectors.Error {
	const code, subject = "validation-rule", "validation rules"
	s := statement{columns: []string{"ValidationName", "EntityDefinition.QualifiedApiName"}, object: "ValidationRule", where: "Active = true", order: "ValidationName"}
	rows, err := x.tooling(ctx, s)
	if err != nil {
		if stopsAll(err) {
			return err
		}
		x.unseen(code, subject)
		return nil
	}
	n := 0
	for _, row := range rows {
		entity, _ := row["EntityDefinition"].(map[string]any)
		object := textOf(entity, "QualifiedApiName")
		if !slices.Contains(x.objects, object) {
			continue
		}
		n++
		x.add(code, connectors.Notice, object+"."+textOf(row, "ValidationName"),
			"an active validation rule may refuse a write of handoffd's; its own words then stand in handoffd status, and the rest of the plan goes on",
			"except the integration user in its formula: NOT($User.Username = \"…\")")
	}
	if n == 0 {
		x.add(code, connectors.Fine, subject, "none is active on what handoffd writes", "")
	}
	return nil
}

// tooling runs a query of the Tooling API.
func (x *inspection) tooling(ctx context.Context, s statement) ([]map[string]any, *connectors.Error) {
	resp, err := x.get(ctx, purposeInspect, opInspect, x.data+"/tooling/query?q="+url.QueryEscape(s.String()), nil)
	if err != nil {
		return nil, connectors.AsError(opInspect, err)
	}
	page, cerr := decodeRows(opInspect, subresponse{Body: resp.Body, Status: resp.Status}, true)
	if cerr != nil {
		return nil, cerr
	}
	return x.rest(ctx, purposeInspect, opInspect, page)
}

// permissions looks at whether we see all records: polls cannot find what
// sharing hides.
func (x *inspection) permissions(ctx context.Context) *connectors.Error {
	_, user, err := x.tokens.who(ctx)
	if err != nil {
		return connectors.AsError(opInspect, err)
	}
	long, ok := normalizeID(user)
	if !ok {
		x.unseen("view-all", "permissions")
		return nil
	}
	var ours []string
	for _, object := range x.objects {
		if object != taskObject {
			ours = append(ours, object)
		}
	}
	rows, seen, cerr := x.ask(ctx, "view-all", "permissions", statement{
		columns: []string{"SobjectType", "PermissionsEdit", "PermissionsViewAllRecords"}, object: "ObjectPermissions",
		where: in("SobjectType", ours) + " AND ParentId IN (SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = " + literal(long) + ")",
	})
	if cerr != nil || !seen {
		return cerr
	}
	for _, object := range ours {
		all, edit := false, false
		for _, row := range rows {
			if textOf(row, "SobjectType") == object {
				all, edit = all || row["PermissionsViewAllRecords"] == true, edit || row["PermissionsEdit"] == true
			}
		}
		switch {
		case !all:
			x.add("view-all", connectors.Warning, object, "the integration user does not see all records: what sharing hides from it is never handed over",
				"give its permission set View All Records on "+object)
		case !edit:
			x.add("edit", connectors.Warning, object, "the integration user may not edit these records", "give its permission set Edit on "+object)
		default:
			x.add("view-all", connectors.Fine, object, "the integration user sees and edits all records", "")
		}
	}
	return nil
}

// limits looks at how much of the day's calls is left.
func (x *inspection) limits(ctx context.Context) *connectors.Error {
	const code, subject = "api-limit", "API calls"
	resp, err := x.get(ctx, purposeInspect, opInspect, x.data+"/limits", nil)
	if err != nil {
		cerr := connectors.AsError(opInspect, err)
		if !stopsAll(cerr) {
			x.unseen(code, subject)
		}
		return cerr
	}
	var all map[string]struct{ Max, Remaining int }
	if json.Unmarshal(resp.Body, &all) != nil || all["DailyApiRequests"].Max <= 0 {
		x.unseen(code, subject)
		return nil //nolint:nilerr // an answer that cannot be read tells nothing, and that has been said
	}
	day := all["DailyApiRequests"]
	level, fix := connectors.Fine, ""
	if day.Remaining*5 < day.Max {
		level, fix = connectors.Warning, "find out who else calls (Setup → Company Information → API Requests), poll less often, or buy more calls"
	}
	x.add(code, level, subject, fmt.Sprintf("%d of %d calls of the last 24 hours are left to everybody", day.Remaining, day.Max), fix)
	return nil
}

// taskKey looks at what keeps a task from being made twice, and tries it if
// allowed to.
func (x *inspection) taskKey(ctx context.Context) *connectors.Error {
	const code, subject = "task-key", "Task.Handoff_Key__c"
	const create = "on Activity, create the field Handoff Key: text of 80, External ID, Unique, case insensitive, and give the permission set Edit on it"
	s, err := x.schema(ctx, taskObject)
	if err != nil {
		if !stopsAll(err) {
			x.add(code, connectors.Failure, taskObject, "the org does not show tasks to the integration user", "give its permission set Read, Create and Edit on Tasks")
		}
		return err
	}
	f, ok := s.column(keyWord)
	switch {
	case !ok:
		x.add(code, connectors.Warning, subject, "the field is missing or hidden: duplicate protection is reduced to a mark in the description", create)
	case !f.Createable:
		x.add(code, connectors.Warning, subject, "the field cannot be written by the integration user: duplicate protection is reduced", create)
	case !f.Unique:
		x.add(code, connectors.Warning, subject, "the field is not unique: duplicate protection is reduced", "tick Unique on it; existing tasks keep their keys")
	case !f.ExternalID:
		x.add(code, connectors.Notice, subject, "the field is unique and not an external id: a task is found by query, which may be late", "tick External ID on it")
	case x.Probe:
		return x.probe(ctx, f)
	default:
		x.add(code, connectors.Fine, subject, "the org refuses a second task with the same key (not tried)", "")
	}
	return nil
}

// probe makes two tasks of one key, of which the second must be refused, and
// deletes what it made.
func (x *inspection) probe(ctx context.Context, f *field) *connectors.Error {
	const code = "task-key"
	key := fmt.Sprintf("handoffdprobe%x", time.Now().UnixNano())
	var made []string
	defer func() {
		for _, id := range made {
			_, err := x.do(ctx, crmhttp.Call{Purpose: purposeInspect, Op: opInspect, Method: http.MethodDelete, Path: x.data + "/sobjects/" + taskObject + "/" + id})
			if err != nil {
				x.add(code, connectors.Warning, id, "the task made to try it could not be deleted", "delete it by hand")
			}
		}
	}()
	var second *connectors.Error
	for _, name := range []string{key, strings.ToUpper(key)} {
		body := map[string]any{"Subject": "handoffd doctor: may be deleted", f.Name: name}
		if s, err := x.schema(ctx, taskObject); err == nil {
			if status, ok := s.column("Status"); ok && status.standard() != "" {
				body["Status"] = status.standard()
			}
		}
		header := http.Header{}
		for k, v := range writeHeaders() {
			header.Set(k, v)
		}
		resp, err := x.do(ctx, crmhttp.Call{
			Purpose: purposeInspect, Op: opInspect, Method: http.MethodPost, Path: x.data + "/sobjects/" + taskObject, Header: header, Body: body,
		})
		if err != nil {
			second = connectors.AsError(opInspect, err)
			break
		}
		var task struct{ ID string }
		if json.Unmarshal(resp.Body, &task) == nil && task.ID != "" {
			made = append(made, task.ID)
		}
	}
	subject := "Task." + f.Name
	switch {
	case len(made) == 1 && second != nil && second.Class == connectors.Conflict: // DUPLICATE_VALUE; no other rule of tasks says so
		x.add(code, connectors.Fine, subject, "tried: the org refuses a second task with the same key", "")
	case len(made) == 2:
		x.add(code, connectors.Failure, subject, "tried: the org took two tasks with the same key, so one may be made twice", "make the field Unique, case insensitive")
	case len(made) == 0:
		x.add(code, connectors.Failure, subject, "tried: the org refused to make a task: "+x.scrub(second).Error(), "give the permission set Create on Tasks")
	default:
		x.add(code, connectors.Unseen, subject, "the trial was not answered clearly: "+x.scrub(second).Error(), "run doctor --probe again")
	}
	if second != nil && stopsAll(second) {
		return second
	}
	return nil
}
