package salesforce

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// roster is a list of people that hangs on a record. A mapping reads it by its
// name in queries, as if it were a text of the record; it is never written.
type roster struct {
	parent, name, object string // name: the relationship, as in OpportunityContactRoles
	role                 string // the column that says what somebody is there
}

// rosters are those that the adapter can read: who decides about a deal, and
// who else belongs to a company.
func rosters() [2]roster {
	return [...]roster{
		{"Opportunity", "OpportunityContactRoles", "OpportunityContactRole", "Role"},
		{"Account", "AccountContactRelations", "AccountContactRelation", "Roles"},
	}
}

// roster finds the one that a name stands for, as far as the org has it.
func (s *schema) roster(name string) (roster, bool) {
	for _, r := range rosters() {
		if r.parent == s.object && strings.EqualFold(r.name, name) && s.children[r.name] {
			return r, true
		}
	}
	return roster{}, false
}

// meetRosters reads the describes of the rosters that are asked for.
func (o *org) meetRosters(ctx context.Context, s *schema, asked []string, life time.Duration) *connectors.Error {
	for _, name := range asked {
		r, ok := s.roster(name)
		if !ok {
			continue
		}
		if _, err := o.shown(ctx, r.object, life); err != nil && err.Class != connectors.Schema {
			return err
		}
	}
	return nil
}

// dropRosters forgets what the rosters of an object look like, since a query
// with them was refused. It reports whether there was anything to forget.
func (o *org) dropRosters(s *schema) bool {
	dropped := false
	for _, r := range rosters() {
		if list := o.schemas.get(r.object); r.parent == s.object && list != nil && !list.missing {
			o.schemas.forget(list)
			dropped = true
		}
	}
	return dropped
}

// subquery reads the people of a roster; "": the org does not show them.
func (o *org) subquery(r roster) string {
	s := o.schemas.get(r.object)
	if s == nil || s.missing {
		return ""
	}
	contact, ok := s.column("ContactId")
	if !ok || !identifier.MatchString(contact.Relation) {
		return ""
	}
	columns := []string{contact.Relation + ".Name"}
	for _, name := range []string{r.role, "IsPrimary"} {
		if f, ok := s.column(name); ok {
			columns = append(columns, f.Name)
		}
	}
	var where []string
	for _, c := range [][2]string{{"IsDeleted", "false"}, {"IsActive", "true"}} {
		if f, ok := s.column(c[0]); ok {
			where = append(where, f.Name+" = "+c[1])
		}
	}
	q := "(SELECT " + strings.Join(columns, ",") + " FROM " + r.name
	if len(where) > 0 {
		q += " WHERE " + strings.Join(where, " AND ")
	}
	return q + " ORDER BY Id)"
}

// people are a roster's people as one text, the primary one first: "Dana Ito
// (Economic Buyer, primary); Lee Okafor (Evaluator)".
func (r roster) people(row map[string]any) string {
	nested, _ := row[r.name].(map[string]any)
	records, _ := nested["records"].([]any)
	type person struct {
		text    string
		primary bool
	}
	var all []person
	for _, record := range records {
		fields, _ := record.(map[string]any)
		contact, _ := fields["Contact"].(map[string]any)
		p := person{textOf(contact, "Name"), fields["IsPrimary"] == true}
		if p.text == "" {
			continue
		}
		var is []string
		if role := strings.ReplaceAll(textOf(fields, r.role), ";", ", "); role != "" {
			is = append(is, role)
		}
		if p.primary {
			is = append(is, "primary")
		}
		if is != nil {
			p.text += " (" + strings.Join(is, ", ") + ")"
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b person) int {
		switch {
		case a.primary == b.primary:
			return cmp.Compare(a.text, b.text)
		case a.primary:
			return -1
		}
		return 1
	})
	texts := make([]string, len(all))
	for i, p := range all {
		texts[i] = p.text
	}
	return strings.Join(slices.Compact(texts), "; ")
}

// unreadColumn is what a lead's present owner has not seen yet. It may not move
// the lead's stamp, so polls may miss it and reading by id does not.
const unreadColumn = "IsUnreadByOwner"

// isWork reports whether a field is one of the words in which a CRM counts work.
func isWork(name string) bool { return strings.HasPrefix(name, connectors.WorkPrefix) }

// derivedColumn is what is read for a name that is no column; "": nothing.
func (o *org) derivedColumn(s *schema, name string) string {
	if name == connectors.WorkOpened {
		if f, ok := s.column(unreadColumn); ok {
			return f.Name
		}
	}
	if r, ok := s.roster(name); ok {
		return o.subquery(r)
	}
	return ""
}

// derived is the value of a name that is no column; nil: there is none.
func (sel selection) derived(name string, row map[string]any) any {
	if name == connectors.WorkOpened {
		if unread, ok := row[unreadColumn].(bool); ok {
			return !unread
		}
		return nil
	}
	if r, ok := sel.schema.roster(name); ok {
		if text := r.people(row); text != "" {
			return text
		}
	}
	return nil
}
