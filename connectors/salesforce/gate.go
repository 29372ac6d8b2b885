package salesforce

import (
	"encoding/xml"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/handoffd/handoffd/connectors"
)

const (
	// A validation rule's name has at most 40 characters, its message 255, its
	// formula 3,900 (Metadata API, ValidationRule; formula size limits).
	longestRule    = 40
	longestMessage = 255
	longestFormula = 3900
)

// GateRule is a validation rule, in the source format that `sf project deploy
// start` takes: it refuses the save that brings a record to where the gate
// stands while something required is blank. Later saves are not refused, so
// neither a record that was let through before nor a write of handoffd's to it
// ever is. Where a condition cannot be said in a formula there is no rule: one
// without it would refuse more than was asked.
func GateRule(g connectors.Gate) connectors.GateRule {
	out := connectors.GateRule{Name: ruleName(g.Name)}
	var changed, conditions, blank, labels []string
	for _, w := range g.When {
		f, ok := formulaField(w.Field)
		var is []string
		for _, v := range w.Values {
			text, can := equals(f, v)
			is, ok = append(is, text), ok && can
		}
		if !ok {
			out.Left = append(out.Left, w.Field.Name)
			continue
		}
		changed = append(changed, "ISCHANGED("+f.Name+")")
		if is != nil {
			conditions = append(conditions, anyOfThem(is))
		}
	}
	impossible := out.Left != nil || len(g.When) == 0
	parts := append([]string{anyOfThem(append([]string{"ISNEW()"}, changed...))}, conditions...)
	size := len(strings.Join(parts, ",\n  ")) + len("AND(\n  ,\n  OR(\n    \n  )\n)")
	for _, r := range g.Required {
		f, ok := formulaField(r)
		test := isBlank(f)
		if size += len(test) + len(",\n    "); !ok || test == "" || size > longestFormula {
			out.Left = append(out.Left, r.Name)
			continue
		}
		blank, labels = append(blank, test), append(labels, spoken(f.Name))
	}
	if impossible || blank == nil || !identifier.MatchString(string(g.Kind)) {
		return out
	}
	formula := "AND(\n  " + strings.Join(append(parts, "OR(\n    "+strings.Join(blank, ",\n    ")+"\n  )"), ",\n  ") + "\n)"
	out.File = "force-app/main/default/objects/" + string(g.Kind) + "/validationRules/" + out.Name + ".validationRule-meta.xml"
	out.Text = ruleXML(out.Name, formula, "handoffd: what the handoff "+g.Name+" needs", missing(labels))
	return out
}

// formulaField is a field by the name that formulas know it by; false: they
// know none.
func formulaField(f connectors.Field) (connectors.Field, bool) {
	f.Name = OwnField(f.Name)
	if f.Type == "" && slices.Contains([]string{"StageName", "Status", "Type", "LeadSource", "Rating", "Industry", "ForecastCategoryName"}, f.Name) {
		f.Type = "choice"
	}
	lists := rosters()
	isList := slices.ContainsFunc(lists[:], func(r roster) bool { return strings.EqualFold(r.name, f.Name) })
	return f, identifier.MatchString(f.Name) && !isList && !isWork(f.Name)
}

// equals is the formula for a field that holds a value.
func equals(f connectors.Field, value string) (string, bool) {
	switch f.Type {
	case "choice":
		return "ISPICKVAL(" + f.Name + ", " + quoted(value) + ")", true
	case "choices":
		return "INCLUDES(" + f.Name + ", " + quoted(value) + ")", true
	case "yes_no":
		if slices.Contains([]string{"true", "yes", "1"}, strings.ToLower(value)) {
			return f.Name, true
		}
		return "NOT(" + f.Name + ")", true
	case "number":
		return f.Name + " = " + value, value != "" && strings.Trim(value, "-0123456789.") == ""
	case "date":
		_, err := time.Parse(time.DateOnly, value)
		return f.Name + ` = DATEVALUE("` + value + `")`, err == nil
	case "datetime":
		return "", false
	}
	return f.Name + " = " + quoted(value), true
}

// isBlank is the formula for a field that holds nothing; "": there is none, as
// for a checkbox, which always holds something.
func isBlank(f connectors.Field) string {
	switch f.Type {
	case "yes_no":
		return ""
	case "choice":
		return "ISBLANK(TEXT(" + f.Name + "))"
	}
	return "ISBLANK(" + f.Name + ")"
}

func anyOfThem(terms []string) string {
	if len(terms) == 1 {
		return terms[0]
	}
	return "OR(" + strings.Join(terms, ", ") + ")"
}

// quoted is a text in a formula.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ", "\r", " ").Replace(s) + `"`
}

// ruleName makes a name that the org takes: letters, digits and single
// underscores, a letter first.
func ruleName(gate string) string {
	words := strings.FieldsFunc("handoff "+gate, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	name := strings.Join(words, "_")
	return strings.TrimRight(name[:min(len(name), longestRule)], "_")
}

// spoken is a field as a person would say it.
func spoken(name string) string { return strings.ReplaceAll(strings.TrimSuffix(name, "__c"), "_", " ") }

// missing names what is missing, as far as there is room.
func missing(labels []string) string {
	const before, more = "Please fill in first: ", " and more."
	text := before
	for i, l := range labels {
		sep := ""
		if i > 0 {
			sep = ", "
		}
		if len(text)+len(sep)+len(l)+len(more) > longestMessage {
			return text + more
		}
		text += sep + l
	}
	return text + "."
}

func ruleXML(name, formula, description, message string) string {
	var b strings.Builder
	b.WriteString(xml.Header + `<ValidationRule xmlns="http://soap.sforce.com/2006/04/metadata">` + "\n")
	for _, e := range [][2]string{
		{"fullName", name}, {"active", "true"}, {"description", description}, {"errorConditionFormula", formula}, {"errorMessage", message},
	} {
		b.WriteString("    <" + e[0] + ">")
		b.WriteString(strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(e[1]))
		b.WriteString("</" + e[0] + ">\n")
	}
	b.WriteString("</ValidationRule>\n")
	return b.String()
}
