package salesforce

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Tenant is the org's id in its 18-character form.
func (o *org) Tenant(ctx context.Context) (string, error) {
	if t := o.tenant.Load(); t != nil {
		return *t, nil
	}
	id, _, err := o.tokens.who(ctx)
	if err != nil {
		return "", err
	}
	if id == "" {
		found, errs, err := o.queries(ctx, purposeSchema, "read the org's id", []query{{statement{columns: []string{"Id"}, object: "Organization"}, false}})
		if err != nil {
			return "", err
		}
		if errs[0] != nil {
			return "", o.scrub(errs[0])
		}
		for _, row := range found[0] {
			text, _ := row["Id"].(string)
			id, _ = normalizeID(text)
		}
	}
	if id == "" {
		return "", &connectors.Error{Class: connectors.Unknown, Op: "read the org's id"}
	}
	o.tenant.Store(&id)
	return id, nil
}

// notPeople are the user types that can own nothing.
func notPeople(userType string) bool {
	switch userType {
	case "AutomatedProcess", "CloudIntegrationUser", "CsnOnly", "Guest":
		return true
	}
	return false
}

// Users lists people, the inactive included, and queues.
func (o *org) Users(ctx context.Context) ([]connectors.User, error) {
	const op = "read users"
	s, err := o.schema(ctx, "User")
	if err != nil {
		return nil, err
	}
	columns := []string{"Id"}
	for _, name := range []string{"Name", "Email", "IsActive", "TimeZoneSidKey", "UserType"} {
		if f, ok := s.column(name); ok {
			columns = append(columns, f.Name)
		}
	}
	found, errs, err := o.queries(ctx, purposeSchema, op, []query{
		{statement{columns: columns, object: "User", order: "Id"}, false},
		{statement{columns: []string{"Id", "Name"}, object: "Group", where: "Type = 'Queue'", order: "Id"}, false},
		queueObjects(),
		{statement{columns: []string{"Id", "IsSandbox"}, object: "Organization"}, false},
	})
	if err != nil {
		return nil, err
	}
	if errs[0] != nil {
		return nil, o.scrub(errs[0])
	}
	if errs[1] != nil && stopsAll(errs[1]) {
		return nil, o.scrub(errs[1])
	}
	if errs[2] == nil {
		o.owns.learn(found[2], time.Now())
	}
	sandbox := false
	for _, row := range found[3] {
		sandbox = row["IsSandbox"] == true
	}
	var out []connectors.User
	for i, rows := range found[:2] {
		for _, row := range rows {
			text := func(column string) string { s, _ := row[column].(string); return s }
			if notPeople(text("UserType")) {
				continue
			}
			id, ok := normalizeID(text("Id"))
			if !ok {
				continue
			}
			u := connectors.User{ID: id, Name: text("Name"), Active: true, Queue: i == 1}
			if i == 0 {
				if u.Email = strings.ToLower(text("Email")); sandbox {
					// A sandbox appends .invalid, so that nobody is mailed from it.
					u.Email = strings.TrimSuffix(u.Email, ".invalid")
				}
				u.Zone, u.Active = text("TimeZoneSidKey"), row["IsActive"] != false
			}
			out = append(out, u)
		}
	}
	return out, nil
}

// scrub blanks secrets and addresses in the CRM's words.
func (o *org) scrub(err *connectors.Error) *connectors.Error {
	var words *crmError
	if err == nil || !errors.As(err.Err, &words) {
		return err
	}
	clean := *err
	clean.Err = &crmError{code: words.code, message: o.http.Text(words.message)}
	return &clean
}
