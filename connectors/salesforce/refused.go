package salesforce

import (
	"errors"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// refusedTo gives a refusal the meaning it has for one operation. The same
// code says different things of a create and of a change.
func refusedTo(op *operation, err *connectors.Error) *connectors.Error {
	own := *err
	if !own.Existing.IsZero() && (!op.creates() || op.write.Ref.Kind == connectors.Task || !fits(op.write.Ref.Kind, own.Existing.Kind)) {
		own.Existing = connectors.Ref{} // not one that could stand in for what was to be made
	}
	switch code := codeOf(err); code {
	case codeDuplicates, codeDuplicateValue, "DUPLICATE_EXTERNAL_ID":
		if !op.creates() { // the record is ours to change, its double is for a person to sort out
			own.Class = connectors.Invalid
		}
	case codeInactive:
		own = op.inactive(own)
	case codeIntegrity, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST":
		if placesOnly(own.Fields) {
			own.Class = connectors.Schema
		}
	case codeInvalidType, codeNotFound: // the object was shown when we last asked, and is not any more
		if code == codeInvalidType || op.creates() {
			own.Class, own.RetryAfter = connectors.Schema, hiddenLife
		}
	case codeFieldWrite, codeInvalidField:
		own.Fields = namedFields(own)
	}
	return &own
}

// inactive tells the two meanings of INACTIVE_OWNER_OR_USER apart: the owner we
// wanted to set is inactive, or the one the record has is, and then nobody
// without a certain permission may change anything of it.
func (op *operation) inactive(err connectors.Error) connectors.Error {
	var words *crmError
	if !errors.As(err.Err, &words) {
		return err
	}
	wanted, sets := op.body["OwnerId"].(string)
	named := anyUser(words.message)
	if sets && (named == "" || named == wanted) {
		err.Fields = []string{"OwnerId"}
		return err
	}
	err.Class = connectors.Denied
	err.Err = &crmError{code: words.code, message: withFix(words.message,
		"the record's present owner is inactive; give the integration user the permission Update Records with Inactive Owners, or give the record to somebody active")}
	return err
}

// anyUser is the user whom a message names, "" for none.
func anyUser(message string) string {
	for at := strings.Index(message, "005"); at >= 0; {
		for _, n := range []int{18, 15} {
			if at+n <= len(message) {
				if id, ok := normalizeID(message[at : at+n]); ok {
					return id
				}
			}
		}
		next := strings.Index(message[at+1:], "005")
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return ""
}

// namedFields are the columns that a refusal names, in its list or its words.
func namedFields(err connectors.Error) []string {
	if len(err.Fields) > 0 {
		return err.Fields
	}
	var words *crmError
	if !errors.As(err.Err, &words) {
		return nil
	}
	if named := missingColumn.FindStringSubmatch(words.message); named != nil {
		return []string{named[1]}
	}
	_, list, ok := strings.Cut(words.message, "fields: ") // "Unable to create/update fields: A__c, B__c. Please check …"
	if !ok {
		return nil
	}
	list, _, _ = strings.Cut(list, ". ")
	var out []string
	for name := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ' ' || r == '.' }) {
		if identifier.MatchString(name) {
			out = append(out, name)
		}
	}
	return out
}
