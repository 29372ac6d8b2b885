package salesforcesim

import (
	"strings"
)

// DuplicateRule is what the org's duplicate rule on leads does about a second lead or contact with the same
// e-mail address.
type DuplicateRule int

// What a duplicate rule may do; DuplicatesAllowed is the default.
const (
	DuplicatesAllowed DuplicateRule = iota // no active rule
	DuplicatesAlert                        // refused unless the call says allowSave=true
	DuplicatesBlock                        // refused always
)

// checkDuplicates answers DUPLICATES_DETECTED for a lead whose e-mail somebody has already (facts §2.3).
func (s *Sim) checkDuplicates(o *object, r *row, set values, d deed) *apiError {
	mail, given := set["Email"].(string)
	if s.cfg.DuplicateRule == DuplicatesAllowed || o.name != "Lead" || !given || d.person || s.cfg.DuplicateRule == DuplicatesAlert && d.allowDuplicate {
		return nil
	}
	var results []any
	for _, kind := range []string{"Contact", "Lead"} {
		var matches []any
		for _, other := range s.tables[kind].holders("Email", mail) {
			if other != r && other.last()["IsConverted"] != true {
				matches = append(matches, map[string]any{
					"additionalInformation": []any{}, "fieldDiffs": []any{}, "matchConfidence": 100.0,
					"record": map[string]any{"attributes": map[string]string{"type": kind, "url": "/services/data/v60.0/sobjects/" + kind + "/" + other.id}, "Id": other.id},
				})
			}
		}
		if matches != nil {
			results = append(results, map[string]any{
				"entityType": kind, "errors": []any{}, "matchEngine": "ExactMatchEngine", "matchRecords": matches,
				"rule": "Standard_" + kind + "_Match_Rule_v1_0", "size": len(matches), "success": true,
			})
		}
	}
	if results == nil {
		return nil
	}
	const text = "Use one of these records?"
	return &apiError{code: "DUPLICATES_DETECTED", message: text, fields: nil, duplicates: mustJSON(map[string]any{
		"allowSave": s.cfg.DuplicateRule == DuplicatesAlert, "duplicateRule": "Standard_Lead_Duplicate_Rule", "duplicateRuleEntityType": "Lead",
		"errorMessage": text, "matchResults": results,
	})}
}

// allowsDuplicate reads Sforce-Duplicate-Rule-Header: allowSave=true; includeRecordDetails=false.
func allowsDuplicate(header string) bool {
	for part := range strings.FieldsFuncSeq(header, func(r rune) bool { return r == ';' || r == ',' }) {
		if k, v, _ := strings.Cut(strings.TrimSpace(part), "="); strings.EqualFold(k, "allowSave") && strings.EqualFold(v, "true") {
			return true
		}
	}
	return false
}
