package salesforcesim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// field is one column of an object, with what describe tells about it.
type field struct {
	name, label, typ string
	length           int
	scale            int
	required         bool
	createable       bool
	updateable       bool
	unique           bool
	externalID       bool
	idLookup         bool
	calculated       bool
	refTo            []string
	rel              string // relationship name: Owner of OwnerId
	values           []string
	restricted       bool
	def              string
}

func (f *field) custom() bool { return strings.HasSuffix(f.name, "__c") }

// longText fields can be neither filtered nor sorted by; nor can compound ones.
func (f *field) longText() bool {
	return f.typ == "textarea" && f.length > 255 || f.typ == "anyType" || f.typ == "address"
}

// numeric fields can be summed up.
func (f *field) numeric() bool {
	switch f.typ {
	case "int", "double", "currency", "percent":
		return true
	}
	return false
}

// groupable fields may stand in GROUP BY: of the numbers, whole ones only.
func (f *field) groupable() bool {
	return !f.longText() && f.typ != "datetime" && f.typ != "multipicklist" && (!f.numeric() || f.typ == "int")
}

// aggregatable fields may be counted.
func (f *field) aggregatable() bool { return !f.longText() && f.typ != "boolean" }

func (f *field) textual() bool {
	switch f.typ {
	case "string", "textarea", "email", "phone", "url", "picklist", "combobox":
		return true
	}
	return false
}

// indexed fields carry an index from value to rows.
func (f *field) indexed() bool {
	actor := f.name == "CreatedById" || f.name == "LastModifiedById" // half the table each: no use as an index
	return f.unique || f.externalID || f.idLookup || f.typ == "email" || f.typ == "reference" && !actor
}

// object is one sObject type.
type object struct {
	name, plural, prefix string
	fields               []*field
	byName               map[string]*field // lower-case name
	byRel                map[string]*field // lower-case relationship name
	writable             bool              // by the API; people edit the others in Setup
	queueOwned           bool
	setup                bool   // made from what Setup says; the right View Setup shows it
	tooling              bool   // only the Tooling API has it
	history              bool   // the tracked changes of parent
	parent               string // object name
	// described is what describe says of it, by version: another schema has other objects.
	described map[string]json.RawMessage
}

func (o *object) field(name string) *field { return o.byName[strings.ToLower(name)] }

// spec is one object as the tables of this package write it down; parseField reads the lines of fields.
type spec struct{ name, plural, prefix, flags, fields string }

// orgSchema builds the objects of the simulated org. uniqueTasks says whether Activity carries the unique
// external id Handoff_Key__c, set what else the org has.
func orgSchema(uniqueTasks bool, set shape) (map[string]*object, error) {
	handoff := fmt.Sprintf(handoffFields, "")
	keyed := fmt.Sprintf(handoffFields, "ext uniq")
	activityKey := ""
	if uniqueTasks {
		activityKey = "Handoff_Key__c string 80 ext uniq\n"
	}
	specs := []spec{
		{"Lead", "Leads", "00Q", "write queue", leadFields + deletable + auditFields + personSignals + keyed},
		{"Contact", "Contacts", "003", "write", contactFields + deletable + auditFields + personSignals + handoff},
		{"Account", "Accounts", "001", "write", accountFields + deletable + auditFields + handoff},
		{"Opportunity", "Opportunities", "006", "write", opportunityFields + deletable + auditFields + handoff},
		{"Task", "Tasks", "00T", "write queue", taskFields + deletable + auditFields + activityKey},
		{"Event", "Events", "00U", "write", eventFields + deletable + auditFields + activityKey},
		{"EmailMessage", "Email Messages", "02s", "write", emailFields + deletable + auditFields},
		{"OpportunityContactRole", "Opportunity Contact Roles", "00K", "write", contactRoleFields + deletable + auditFields},
		{"AccountContactRelation", "Account Contact Relationships", "07k", "write", accountRelationFields + deletable + auditFields},
		{"User", "Users", "005", "", userFields + auditFields},
		{"Group", "Groups", "00G", "", "Id id ro\nName string 40\nDeveloperName string 80\nType picklist 40 pick=Regular;Queue\nEmail email 255\n" + auditFields},
		{"QueueSobject", "Queue Sobjects", "03g", "", "Id id ro\nQueueId reference ref=Group rel=Queue\nSobjectType string 40\nCreatedById reference ro ref=User rel=CreatedBy\nSystemModstamp datetime ro\n"},
		{"GroupMember", "Group Members", "011", "", "Id id ro\nGroupId reference ref=Group rel=Group\nUserOrGroupId reference ref=User,Group rel=UserOrGroup\nSystemModstamp datetime ro\n"},
		{"Organization", "Organizations", "00D", "", "Id id ro\nName string 80\nIsSandbox boolean ro\nInstanceName string 5 ro\nOrganizationType picklist 40 ro pick=Enterprise_Edition;Developer_Edition\nTimeZoneSidKey picklist 40\nDefaultLocaleSidKey string 40\n" + auditFields},
		{"LeadStatus", "Lead Status Values", "01J", "", "Id id ro\nMasterLabel string 255\nApiName string 255\nSortOrder int\nIsDefault boolean\nIsConverted boolean\n" + auditFields},
		{"OpportunityStage", "Opportunity Stages", "01K", "", "Id id ro\nMasterLabel string 255\nApiName string 255\nIsActive boolean\nSortOrder int\nIsClosed boolean\nIsWon boolean\nDefaultProbability percent 3.0\n" + auditFields},
		{"Name", "Names", "", "", nameFields},
		{"AssignmentRule", "Assignment Rules", "01Q", "setup", "Id id ro\nName string 120\nSobjectType picklist 40 pick=Lead\nActive boolean\n" + auditFields},
		{"DuplicateRule", "Duplicate Rules", "0Bm", "setup", duplicateRuleFields + auditFields},
		{"Profile", "Profiles", "00e", "setup", "Id id ro\nName string 255\nUserType picklist 40 pick=Standard;AutomatedProcess\n" + auditFields},
		{"UserRole", "Roles", "00E", "setup", "Id id ro\nName string 80\nDeveloperName string 80\nParentRoleId reference ref=UserRole rel=ParentRole\n"},
		{"RecordType", "Record Types", "012", "setup", "Id id ro\nName string 80\nDeveloperName string 80\nSobjectType string 40\nIsActive boolean\n" + auditFields},
		{"FlowDefinitionView", "Flow Definitions", "3dd", "setup", flowFields},
		{"EntityDefinition", "Entity Definitions", "4ie", "setup tooling", "Id id ro\nQualifiedApiName string 80\nLabel string 80\nDurableId string 80\n"},
		{"ValidationRule", "Validation Rules", "03d", "setup tooling", validationFields},
	}
	specs = append(specs, historyObjects()...)
	org := map[string]*object{}
	for _, s := range specs {
		o := &object{
			name: s.name, plural: s.plural, prefix: s.prefix, byName: map[string]*field{}, byRel: map[string]*field{}, described: map[string]json.RawMessage{},
			writable: strings.Contains(s.flags, "write"), queueOwned: strings.Contains(s.flags, "queue"),
			setup: strings.Contains(s.flags, "setup"), tooling: strings.Contains(s.flags, "tooling"),
		}
		if _, parent, is := strings.Cut(s.flags, "history="); is {
			o.history, o.parent = true, parent
		}
		for line := range strings.Lines(s.fields + set.extraFields(s.name)) {
			if strings.TrimSpace(line) == "" {
				continue
			}
			f, err := parseField(line)
			if err != nil {
				return nil, fmt.Errorf("object %s: %w", s.name, err)
			}
			o.fields = append(o.fields, f)
			o.byName[strings.ToLower(f.name)] = f
			if f.rel != "" {
				o.byRel[strings.ToLower(f.rel)] = f
			}
		}
		org[strings.ToLower(s.name)] = o
	}
	return org, nil
}

// extraFields are the columns that an edition or a setting of the org adds.
func (set shape) extraFields(object string) string {
	var b strings.Builder
	for _, name := range set.drift {
		if object == "Lead" {
			b.WriteString(name + " string 255\n")
		}
	}
	if set.personAccounts {
		b.WriteString(personAccountFields(object))
	}
	if set.multiCurrency && slices.Contains(moneyObjects(), object) {
		b.WriteString("CurrencyIsoCode picklist 3 restricted pick=" + strings.Join(currencies(), ";") + " def=" + currencies()[0] + "\n")
	}
	if prefix, has := addressPrefix(object); set.countryLists && has {
		b.WriteString(prefix + "CountryCode picklist 10 restricted pick=" + strings.Join(countryCodes(), ";") + "\n" +
			prefix + "StateCode picklist 10 restricted pick=" + strings.Join(stateCodes(), ";") + "\n")
	}
	return b.String()
}

// hide takes fields out of the org; a missing permission looks the same as a missing field.
func hide(org map[string]*object, names []string) {
	for _, name := range names {
		kind, column, _ := strings.Cut(strings.ToLower(name), ".")
		o := org[kind]
		if o == nil || o.byName[column] == nil {
			continue
		}
		delete(o.byRel, strings.ToLower(o.byName[column].rel))
		delete(o.byName, column)
		o.fields = slices.DeleteFunc(o.fields, func(f *field) bool { return strings.EqualFold(f.name, column) })
	}
}

// parseField reads "Name type [length] [flag…]"; a flag with spaces in its values writes them as _.
func parseField(line string) (*field, error) {
	words := strings.Fields(line)
	if len(words) < 2 {
		return nil, fmt.Errorf("field %q: name and type", line)
	}
	f := &field{name: words[0], typ: words[1], label: labelOf(words[0]), createable: true, updateable: true}
	for _, w := range words[2:] {
		key, arg, _ := strings.Cut(w, "=")
		arg = strings.ReplaceAll(arg, "_", " ")
		switch key {
		case "ro":
			f.createable, f.updateable = false, false
		case "noup":
			f.updateable = false
		case "req":
			f.required = true
		case "calc":
			f.calculated = true
		case "uniq":
			f.unique, f.idLookup = true, true
		case "ext":
			f.externalID, f.idLookup = true, true
		case "idlookup":
			f.idLookup = true
		case "restricted":
			f.restricted = true
		case "ref":
			f.refTo, f.length = strings.Split(arg, ","), 18
		case "rel":
			f.rel = strings.ReplaceAll(arg, " ", "_")
		case "pick":
			f.values = strings.Split(arg, ";")
		case "def":
			f.def = arg
		default:
			whole, scale, dotted := strings.Cut(w, ".")
			n, err := strconv.Atoi(whole)
			if err != nil {
				return nil, fmt.Errorf("field %s: unknown flag %q", f.name, w)
			}
			f.length = n
			if dotted {
				if f.scale, err = strconv.Atoi(scale); err != nil {
					return nil, fmt.Errorf("field %s: scale %q", f.name, w)
				}
			}
		}
	}
	if f.name == "TimeZoneSidKey" || f.name == "SobjectType" { // their values keep the underscore
		for i, v := range f.values {
			f.values[i] = strings.ReplaceAll(v, " ", "_")
		}
	}
	return f, nil
}

// labelOf is what Salesforce shows for a field: "Last Name" for LastName, "Owner ID" for OwnerId.
func labelOf(name string) string {
	if custom, ok := strings.CutSuffix(name, "__c"); ok {
		return strings.ReplaceAll(custom, "_", " ")
	}
	var b strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	label := b.String()
	if rest, ok := strings.CutSuffix(label, " Id"); ok {
		return rest + " ID"
	}
	return label
}
