package salesforce

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
)

// (1.93, 3.10) what only the org can refuse becomes a validation rule that it
// can be given, as source: on the save that comes to the stage, while one of
// the required fields is blank.
func TestGateRule(t *testing.T) {
	t.Parallel()
	got := GateRule(connectors.Gate{
		Name: "sales_to_cs", Kind: Opportunity,
		When: []connectors.GateWhen{
			{Field: connectors.Field{Name: "StageName"}, Values: []string{"Closed Won", `Won & "signed"`}},
			{Field: connectors.Field{Name: "Renewal__c", Type: "yes_no"}, Values: []string{"no"}},
			{Field: connectors.Field{Name: "OwnerId"}},
		},
		Required: []connectors.Field{
			{Name: "Use_Case__c"},
			{Name: "handoff_need", Type: "text"},
			{Name: "Type", Type: "choice"},
			{Name: "CSM__c", Type: "user"},
			{Name: "Seen__c", Type: "yes_no"},
			{Name: "OpportunityContactRoles"},
		},
	})
	want := connectors.GateRule{
		Name: "Handoff_Sales_To_Cs",
		File: "force-app/main/default/objects/Opportunity/validationRules/Handoff_Sales_To_Cs.validationRule-meta.xml",
		Left: []string{"Seen__c", "OpportunityContactRoles"},
		Text: `<?xml version="1.0" encoding="UTF-8"?>
<ValidationRule xmlns="http://soap.sforce.com/2006/04/metadata">
    <fullName>Handoff_Sales_To_Cs</fullName>
    <active>true</active>
    <description>handoffd: what the handoff sales_to_cs needs</description>
    <errorConditionFormula>AND(
  OR(ISNEW(), ISCHANGED(StageName), ISCHANGED(Renewal__c), ISCHANGED(OwnerId)),
  OR(ISPICKVAL(StageName, "Closed Won"), ISPICKVAL(StageName, "Won &amp; \"signed\"")),
  NOT(Renewal__c),
  OR(
    ISBLANK(Use_Case__c),
    ISBLANK(Handoff_Need__c),
    ISBLANK(TEXT(Type)),
    ISBLANK(CSM__c)
  )
)</errorConditionFormula>
    <errorMessage>Please fill in first: Use Case, Handoff Need, Type, CSM.</errorMessage>
</ValidationRule>
`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A condition that no formula can say leaves no rule: it would refuse more than
// was asked. Names, messages and formulas stay within what the org takes.
func TestGateRuleLimits(t *testing.T) {
	t.Parallel()
	stage := []connectors.GateWhen{{Field: connectors.Field{Name: "StageName"}, Values: []string{"Won"}}}
	field := connectors.Field{Name: "Use_Case__c"}
	for name, g := range map[string]connectors.Gate{
		"no condition":    {Kind: Opportunity, Required: []connectors.Field{field}},
		"nothing to ask":  {Kind: Opportunity, When: stage},
		"an instant":      {Kind: Opportunity, Required: []connectors.Field{field}, When: []connectors.GateWhen{stage[0], {Field: connectors.Field{Name: "At__c", Type: "datetime"}, Values: []string{"2026-01-01T00:00:00Z"}}}},
		"no number":       {Kind: Opportunity, Required: []connectors.Field{field}, When: []connectors.GateWhen{{Field: connectors.Field{Name: "Amount", Type: "number"}, Values: []string{"1) OR (1"}}}},
		"a list":          {Kind: Opportunity, Required: []connectors.Field{field}, When: []connectors.GateWhen{{Field: connectors.Field{Name: "OpportunityContactRoles"}}}},
		"no field's name": {Kind: Opportunity, When: stage, Required: []connectors.Field{{Name: "A) OR (B"}}},
		"no object":       {Kind: "../../x", When: stage, Required: []connectors.Field{field}},
	} {
		if got := GateRule(g); got.Text != "" || got.File != "" || got.Name == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	var many []connectors.Field
	for range 300 {
		many = append(many, connectors.Field{Name: "A_Rather_Long_Field_Name_Indeed__c"})
	}
	got := GateRule(connectors.Gate{Name: strings.Repeat("very long ", 9) + "Ünicode", Kind: "Deal__c", When: stage, Required: many})
	var rule struct {
		FullName string `xml:"fullName"`
		Formula  string `xml:"errorConditionFormula"`
		Message  string `xml:"errorMessage"`
	}
	if err := xml.Unmarshal([]byte(got.Text), &rule); err != nil {
		t.Fatal(err)
	}
	if len(rule.FullName) > longestRule || len(rule.Formula) > longestFormula || len(rule.Message) > longestMessage || len(got.Left) == 0 {
		t.Errorf("name %q, formula of %d, message of %d, %d left", rule.FullName, len(rule.Formula), len(rule.Message), len(got.Left))
	}
	if !identifier.MatchString(rule.FullName) || strings.Contains(rule.FullName, "__") || strings.HasSuffix(rule.FullName, "_") {
		t.Errorf("no name for a rule: %q", rule.FullName)
	}
	if strings.Count(rule.Formula, "(") != strings.Count(rule.Formula, ")") {
		t.Errorf("unbalanced: %s", rule.Formula)
	}
}
