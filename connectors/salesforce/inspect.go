package salesforce

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

const (
	purposeInspect = "inspect"
	opInspect      = "inspect"
)

var _ connectors.Inspector = (*org)(nil)

// inspection is one Inspect under way.
type inspection struct {
	*org
	connectors.Inspection
	objects []string // behind the kinds, sorted
	found   []connectors.Finding
}

// Inspect implements connectors.Inspector. What the org does not show us is
// told as such; only an org that cannot be reached is an error.
func (o *org) Inspect(ctx context.Context, q connectors.Inspection) ([]connectors.Finding, error) {
	x := &inspection{org: o, Inspection: q}
	for _, kind := range append(slices.Clone(q.Kinds), connectors.Task) {
		if object := objectOf(kind); kind != connectors.Activity && identifier.MatchString(object) && !slices.Contains(x.objects, object) {
			x.objects = append(x.objects, object)
		}
	}
	slices.Sort(x.objects)
	for _, look := range []func(context.Context) *connectors.Error{
		x.whatOrg, x.taskKey, x.fields, x.automation, x.validation, x.history, x.work, x.permissions, x.limits,
	} {
		if err := look(ctx); err != nil && stopsAll(err) {
			return x.found, o.scrub(err)
		}
	}
	x.messages()
	return x.found, nil
}

func (x *inspection) add(code string, level connectors.Level, subject, text, fix string) {
	x.found = append(x.found, connectors.Finding{Code: code, Level: level, Subject: subject, Text: text, Fix: fix})
}

// setupHint is how the integration user comes to see the org's setup.
const setupHint = "add View Setup and Configuration to the integration user's permission set, or look in Setup yourself"

// ask runs one query each; what the org does not show is a finding.
func (x *inspection) ask(ctx context.Context, code, subject string, s statement) ([]map[string]any, bool, *connectors.Error) {
	found, errs, err := x.queries(ctx, purposeInspect, opInspect, []query{{s, false}})
	if err == nil {
		err = errs[0]
	}
	if err == nil {
		return found[0], true, nil
	}
	if stopsAll(err) {
		return nil, false, err
	}
	x.unseen(code, subject)
	return nil, false, nil
}

func (x *inspection) unseen(code, subject string) {
	x.add(code, connectors.Unseen, subject, "the integration user may not see this, so nothing can be said about it", setupHint)
}

func textOf(row map[string]any, column string) string { s, _ := row[column].(string); return s }

// ofOurKinds is the condition that a column names one of our objects.
func (x *inspection) ofOurKinds(column string) string { return in(column, x.objects) }

// whatOrg looks at what sort of org it is.
func (x *inspection) whatOrg(ctx context.Context) *connectors.Error {
	rows, ok, err := x.ask(ctx, "org", "organization", statement{columns: []string{"Id", "IsSandbox"}, object: "Organization"})
	if err != nil {
		return err
	}
	if ok && len(rows) > 0 && rows[0]["IsSandbox"] == true {
		x.add("sandbox", connectors.Notice, "organization",
			"it is a sandbox: users' addresses end in .invalid, which is taken off so that they match people.yaml", "")
	}
	account, aerr := x.schema(ctx, string(Account))
	if aerr != nil && stopsAll(aerr) {
		return aerr
	}
	if aerr == nil && account.has(personAccount) {
		x.add("person-accounts", connectors.Notice, string(Account),
			"person accounts are on: they are people here, never companies, and their owner is written to the account", "")
	}
	lead, lerr := x.schema(ctx, string(Lead))
	if lerr != nil && stopsAll(lerr) {
		return lerr
	}
	if lerr == nil {
		if lead.has("CurrencyIsoCode") {
			x.add("multi-currency", connectors.Notice, "currencies",
				"several currencies are on: amounts are compared as they stand, each in its record's own currency", "compare amounts within one currency, by a condition on CurrencyIsoCode")
		}
		if _, listed := lead.fields["countrycode"]; listed {
			x.add("country-lists", connectors.Notice, string(Lead), "State and Country picklists are on: a country that is not in the list is left out of what is written", "")
		}
	}
	return nil
}

// fields looks at what we are to write and may not.
func (x *inspection) fields(ctx context.Context) *connectors.Error {
	for _, object := range x.objects {
		s, err := x.schema(ctx, object)
		if err != nil && stopsAll(err) {
			return err
		}
		if err != nil {
			x.add("object", connectors.Failure, object, "the org does not show this object to the integration user",
				"give its permission set Read, Edit and View All on "+object)
			continue
		}
		for kind, names := range x.Writes {
			if objectOf(kind) != object || kind == connectors.Task {
				continue
			}
			for _, name := range slices.Sorted(slices.Values(names)) {
				f, shown := s.column(name)
				subject := object + "." + OwnField(name)
				switch {
				case !shown:
					x.add("field-hidden", connectors.Warning, subject, "the field does not exist, or is hidden from the integration user: it is not written",
						"create it, or give the permission set Read and Edit on it (Setup → Permission Sets → Object Settings → "+object+")")
				case !f.Updateable:
					x.add("field-read-only", connectors.Warning, subject, "the integration user may read the field and not write it: it is not written",
						"give the permission set Edit on it (Setup → Permission Sets → Object Settings → "+object+")")
				}
			}
		}
	}
	return nil
}

// automation looks for what sets owners or refuses creates by itself.
func (x *inspection) automation(ctx context.Context) *connectors.Error {
	rows, seen, err := x.ask(ctx, "assignment-rule", "assignment rules", statement{
		columns: []string{"Name", "SobjectType"}, object: "AssignmentRule", where: "Active = true AND " + x.ofOurKinds("SobjectType"), order: "Name",
	})
	if err != nil {
		return err
	}
	for _, row := range rows {
		x.add("assignment-rule", connectors.Notice, textOf(row, "Name"),
			"an active assignment rule on "+textOf(row, "SobjectType")+" gives new records an owner before handoffd does; handoffd's own writes switch it off",
			"let it assign to a queue that nobody works from, or switch it off")
	}
	if seen && len(rows) == 0 {
		x.add("assignment-rule", connectors.Fine, "assignment rules", "none is active on what handoffd writes", "")
	}
	rows, seen, err = x.ask(ctx, "duplicate-rule", "duplicate rules", statement{
		columns: []string{"DeveloperName", "SobjectType"}, object: "DuplicateRule", where: "IsActive = true AND " + x.ofOurKinds("SobjectType"), order: "DeveloperName",
	})
	if err != nil {
		return err
	}
	for _, row := range rows {
		x.add("duplicate-rule", connectors.Notice, textOf(row, "DeveloperName"),
			"an active duplicate rule on "+textOf(row, "SobjectType")+" may refuse what handoffd creates: one match is taken in its place, several are listed for you", "")
	}
	if seen && len(rows) == 0 {
		x.add("duplicate-rule", connectors.Fine, "duplicate rules", "none is active on what handoffd creates", "")
	}
	if err := x.flows(ctx); err != nil {
		return err
	}
	return x.nativeSync(ctx)
}

// flows names the record-triggered flows. What they set stands in their
// metadata, which needs rights no integration user should have.
func (x *inspection) flows(ctx context.Context) *connectors.Error {
	const subject = "flows"
	rows, seen, err := x.ask(ctx, "flow", subject, statement{
		columns: []string{"ApiName", "Label", "TriggerType", "TriggerObjectOrEventLabel"}, object: "FlowDefinitionView",
		where: "IsActive = true AND TriggerType IN ('RecordBeforeSave','RecordAfterSave')", order: "ApiName",
	})
	if err != nil {
		return err
	}
	n := 0
	for _, row := range rows {
		object := textOf(row, "TriggerObjectOrEventLabel")
		if !slices.ContainsFunc(x.objects, func(o string) bool { return strings.EqualFold(o, strings.ReplaceAll(object, " ", "")) }) {
			continue
		}
		n++
		x.add("flow", connectors.Notice, textOf(row, "ApiName"),
			fmt.Sprintf("a flow runs on every save of %s, ours too, as whoever saved; whether it sets the owner cannot be told from outside", object),
			"open it in Setup → Flows and see that it does not set OwnerId; if it must, give it the entry condition that the integration user did not make the change")
	}
	if seen && n == 0 {
		x.add("flow", connectors.Fine, subject, "no record-triggered flow is active on what handoffd writes", "")
	}
	return nil
}

// nativeSync looks for the user of HubSpot's own connector.
func (x *inspection) nativeSync(ctx context.Context) *connectors.Error {
	rows, seen, err := x.ask(ctx, "native-sync", "users", statement{
		columns: []string{"Id", "Name", "Username"}, object: "User", where: "IsActive = true AND (Username LIKE '%hubspot%' OR Name LIKE '%HubSpot%')", order: "Username",
	})
	if err != nil || !seen {
		return err
	}
	for _, row := range rows {
		x.add("native-sync", connectors.Warning, textOf(row, "Name"),
			"an active user of this name looks like HubSpot's own connector, which writes the same records",
			"say which CRM decides each field under authority: in handoffd.yaml, and choose created_in_salesforce_by; give the connector no owner mapping where handoffd sets owners")
	}
	if len(rows) == 0 {
		x.add("native-sync", connectors.Fine, "users", "no user looks like HubSpot's own connector", "")
	}
	return nil
}

// history looks at whether it can be told who changed an owner.
func (x *inspection) history(ctx context.Context) *connectors.Error {
	for _, kind := range []connectors.Kind{Lead, Contact, Account, Opportunity} {
		if !slices.Contains(x.objects, string(kind)) {
			continue
		}
		object := string(kind) + "History"
		if kind == Opportunity {
			object = "OpportunityFieldHistory"
		}
		s, err := x.schemaAsOf(ctx, object, x.started())
		switch {
		case err != nil && stopsAll(err):
			return err
		case err != nil || s.missing:
			x.add("owner-history", connectors.Warning, string(kind),
				"field history is off, or hidden from the integration user: who changed an owner cannot be told, so every change by somebody else counts as a person's; "+
					fmt.Sprintf("and where more than %d records are written at once and the answer is lost, an owner whom a person gives to a record of a queue within 5 s before our write is written over and not put back (listed as unseen)", perComposite-2),
				"Setup → Object Manager → "+string(kind)+" → Fields & Relationships → Set History Tracking: tick the owner")
		default:
			x.add("owner-history", connectors.Fine, string(kind), "field history is kept", "")
		}
	}
	return nil
}

// messages says what cannot be seen from here at all.
func (x *inspection) messages() {
	if x.unguarded {
		x.add("outbound-message", connectors.Notice, "outbound messages",
			"none can be taken: they are not signed, and no secret for their address is set", "set the connection's WEBHOOK_SECRET and end the address in the outbound message with it")
		return
	}
	x.add("outbound-message", connectors.Unseen, "outbound messages",
		"which outbound messages the org sends, and whether they leave out our own changes, cannot be seen from outside",
		"in each flow that sends one, add the entry condition that the integration user did not make the change; untick Send Session ID")
}
