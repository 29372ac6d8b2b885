package connectors

// Gate is what a CRM should refuse by itself to save: a record that says one
// thing and lacks another. A sidecar sees a save when it is done; only the CRM
// can stop it (1.93, 3.10).
type Gate struct {
	Name     string // of the handoff type it comes from: "sales_to_cs"
	Kind     Kind   // the CRM's own: "deals", "Opportunity"
	When     []GateWhen
	Required []Field // must be filled; only Name is sure to be set, the other facts are as known
}

// GateWhen is one condition of a [Gate]; all of them have to hold.
type GateWhen struct {
	Field  Field    // only Name is sure to be set
	Values []string // the CRM's internal values, any of them; none: whenever the field changes
}

// GateRule is how one CRM is made to keep a [Gate].
type GateRule struct {
	Name string // what the rule is called there
	// File is where Text belongs, relative to the CRM's own project folder;
	// blank: Text is what a person sets up by hand, step by step.
	File string
	Text string
	// Left are the fields, of conditions or required, that the CRM cannot
	// make part of such a rule.
	Left []string
}
