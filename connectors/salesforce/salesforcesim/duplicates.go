package salesforcesim

import (
	"cmp"
	"slices"
	"strings"
)

// DuplicateRule is what the org's duplicate rule on leads does about a second lead or contact with the same
// e-mail address. Setup can do more.
type DuplicateRule int

// What a duplicate rule may do; DuplicatesAllowed is the default.
const (
	DuplicatesAllowed DuplicateRule = iota // no active rule
	DuplicatesAlert                        // refused unless the call says allowSave=true
	DuplicatesBlock                        // refused always
)

func (d duplicateRule) name() string {
	return cmp.Or(d.Name, "Standard_"+d.Object+"_Duplicate_Rule")
}

// checkDuplicates answers DUPLICATES_DETECTED for a record that a rule finds again. A person is
// asked on the screen, and is taken to have said yes.
func (s *Sim) checkDuplicates(o *object, r *row, set values, d deed) *apiError {
	for _, rule := range s.set.duplicates {
		if !strings.EqualFold(rule.Object, o.name) || d.person || rule.Action == "alert" && d.dup.allow {
			continue
		}
		var results []any
		for _, kind := range rule.against() {
			found := s.same(kind, r, set)
			if len(rule.Match) > 0 {
				found = s.equal(kind, rule.Match, r, set)
			}
			found = slices.DeleteFunc(found, func(other *row) bool { return other == d.converting })
			if len(found) > 0 {
				results = append(results, s.matchResult(kind, found, d.dup.details))
			}
		}
		if results == nil {
			continue
		}
		text := cmp.Or(rule.Message, "Use one of these records?")
		return &apiError{code: "DUPLICATES_DETECTED", message: text, fields: nil, duplicates: mustJSON(map[string]any{
			"allowSave": rule.Action == "alert", "duplicateRule": rule.name(), "duplicateRuleEntityType": rule.Object,
			"errorMessage": text, "matchResults": results,
		})}
	}
	return nil
}

// against are the objects that a rule compares with.
func (d duplicateRule) against() []string {
	if d.Object == "Account" || len(d.Match) > 0 {
		return []string{d.Object}
	}
	return []string{"Contact", "Lead"}
}

// equal are the rows of an object that have all of some columns as a save sets them.
func (s *Sim) equal(kind string, columns []string, r *row, set values) []*row {
	var found []*row
	for _, other := range s.tables[kind].order {
		alike := other != r && !other.deleted() && other.last()["IsConverted"] != true
		for _, name := range columns {
			v, given := set[name].(string)
			alike = alike && given && v != "" && strings.EqualFold(v, text(other.last(), name))
		}
		if alike {
			found = append(found, other)
		}
	}
	return found
}

// same are the rows of an object that share what a save sets: the e-mail address, or an account's name or
// website.
func (s *Sim) same(kind string, r *row, set values) []*row {
	var found []*row
	if kind == "Account" {
		for _, other := range s.tables[kind].order {
			f := other.last()
			for _, name := range []string{"Name", "Website"} {
				if v, given := set[name].(string); given && other != r && !other.deleted() && strings.EqualFold(v, text(f, name)) && !slices.Contains(found, other) {
					found = append(found, other)
				}
			}
		}
		return found
	}
	mail, given := set["Email"].(string)
	if !given {
		return nil
	}
	for _, other := range s.tables[kind].holders("Email", mail) {
		if other != r && other.last()["IsConverted"] != true {
			found = append(found, other)
		}
	}
	return found
}

func (s *Sim) matchResult(kind string, found []*row, details bool) map[string]any {
	var matches []any
	for _, other := range found {
		record := map[string]any{"attributes": map[string]string{"type": kind, "url": "/services/data/v60.0/sobjects/" + kind + "/" + other.id}, "Id": other.id}
		if o := s.org[strings.ToLower(kind)]; details && o != nil {
			for _, f := range o.fields {
				if v := other.last()[f.name]; v != nil {
					record[f.name] = plainValue(v)
				}
			}
		}
		matches = append(matches, map[string]any{"additionalInformation": []any{}, "fieldDiffs": []any{}, "matchConfidence": 100.0, "record": record})
	}
	return map[string]any{
		"entityType": kind, "errors": []any{}, "matchEngine": "ExactMatchEngine", "matchRecords": matches,
		"rule": "Standard_" + kind + "_Match_Rule_v1_0", "size": len(matches), "success": true,
	}
}

// duplicateWish is what Sforce-Duplicate-Rule-Header asks for.
type duplicateWish struct{ allow, details bool }

// readDuplicateWish reads Sforce-Duplicate-Rule-Header: allowSave=true; includeRecordDetails=false.
func readDuplicateWish(header string) duplicateWish {
	var w duplicateWish
	for part := range strings.FieldsFuncSeq(header, func(r rune) bool { return r == ';' || r == ',' }) {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		yes := strings.EqualFold(strings.TrimSpace(v), "true")
		switch strings.ToLower(strings.TrimSpace(k)) {
		case "allowsave":
			w.allow = yes
		case "includerecorddetails":
			w.details = yes
		}
	}
	return w
}
