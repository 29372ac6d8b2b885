package hubspot

import (
	"fmt"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// GateRule says how a portal is made to refuse what a gate forbids. HubSpot
// has no rule that a program can bring in: an admin sets it up on the screens
// for conditional stage properties (pipelines) or conditional property logic
// (everything else). It knows stages and choices, not "whenever this changes".
func GateRule(g connectors.Gate) connectors.GateRule {
	rule := connectors.GateRule{Name: "Handoff gate: " + g.Name}
	required := fillable(g.Required, &rule)
	stageField, pipelineField := stageOf(g.Kind)
	var stage, pipeline, choice connectors.GateWhen
	for _, w := range g.When {
		switch name := w.Field.Name; {
		case len(w.Values) == 0:
			rule.Left = append(rule.Left, name)
		case name == stageField && stageField != "":
			stage = w
		case name == pipelineField && pipelineField != "":
			pipeline = w
		case choice.Field.Name == "" && chooses(w.Field):
			choice = w
		default:
			rule.Left = append(rule.Left, name)
		}
	}
	switch {
	case len(required) == 0:
		rule.Text = "Nothing of this gate can be filled in by people in HubSpot, so there is no rule to set up.\n"
	case stage.Field.Name != "":
		if choice.Field.Name != "" {
			rule.Left = append(rule.Left, choice.Field.Name)
		}
		rule.Text = stageSteps(g, stage.Values, pipeline.Values, required)
	case choice.Field.Name != "":
		rule.Text = choiceSteps(g, choice, required)
	default:
		rule.Text = fmt.Sprintf("HubSpot requires properties of %s when a stage or a choice is saved, and this gate names neither. handoffd holds the handoff back; the save itself cannot be refused.\n", g.Kind)
	}
	slices.Sort(rule.Left)
	rule.Left = slices.Compact(rule.Left)
	if len(rule.Left) > 0 {
		rule.Text += "\nNot part of it, because HubSpot's screens cannot say it: " + strings.Join(rule.Left, ", ") + ". handoffd goes on looking at them.\n"
	}
	return rule
}

// stageOf is where a kind keeps its stage and its pipeline; blank: it has none.
func stageOf(kind connectors.Kind) (stage, pipeline string) {
	switch kind {
	case deals:
		return "dealstage", "pipeline"
	case leads:
		return "hs_pipeline_stage", "hs_pipeline"
	default:
		return "", ""
	}
}

// chooses reports whether a field can steer others: it has options.
func chooses(f connectors.Field) bool {
	return f.Type == "" || f.Type == "choice" || f.Type == "choices" || f.Type == "yes_no"
}

// fillable are the required fields that a person can fill in, in order. Those
// that HubSpot calculates are left to handoffd.
func fillable(required []connectors.Field, rule *connectors.GateRule) []string {
	var out []string
	for _, f := range required {
		name := OwnField(f.Name)
		switch {
		case f.Type != "" && !f.Writable || isWork(f.Name):
			rule.Left = append(rule.Left, name)
		case !slices.Contains(out, name):
			out = append(out, name)
		}
	}
	return out
}

func stageSteps(g connectors.Gate, stages, pipelines, required []string) string {
	var b strings.Builder
	object := titled(string(g.Kind))
	fmt.Fprintf(&b, "1. Open Settings > Objects > %s > Pipelines.\n", object)
	if len(pipelines) > 0 {
		fmt.Fprintf(&b, "2. Choose the pipeline with the internal id %s.\n", strings.Join(pipelines, ", then the same again for "))
	} else {
		b.WriteString("2. Choose the pipeline; do the same again for every pipeline that has the stage.\n")
	}
	fmt.Fprintf(&b, "3. At the stage with the internal id %s (the code sign beside a stage shows its id) choose to edit its properties.\n", strings.Join(stages, " and at "))
	fmt.Fprintf(&b, "4. Add these properties and tick \"required\" at each: %s.\n", strings.Join(required, ", "))
	b.WriteString("5. Save. ")
	b.WriteString(aftermath(g))
	return b.String()
}

func choiceSteps(g connectors.Gate, when connectors.GateWhen, required []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "1. Open Settings > Properties > %s properties and the property %s.\n", titled(strings.TrimSuffix(string(g.Kind), "s")), when.Field.Name)
	b.WriteString("2. Open its conditional logic.\n")
	fmt.Fprintf(&b, "3. Add a rule for the option with the internal value %s.\n", strings.Join(when.Values, ", then the same again for "))
	fmt.Fprintf(&b, "4. Let it show these properties and tick \"required\" at each: %s.\n", strings.Join(required, ", "))
	b.WriteString("5. Save. ")
	b.WriteString(aftermath(g))
	return b.String()
}

// aftermath is what an admin has to expect of either sort of rule.
func aftermath(g connectors.Gate) string {
	return fmt.Sprintf("From now on whoever moves one of the %s there on a screen has to fill them in first. Imports, workflows and older API versions pass the rule by; from API version %s on it binds programs, handoffd included, which then lists what was refused.\n", g.Kind, APIVersion)
}

func titled(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
