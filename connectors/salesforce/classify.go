package salesforce

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/handoffd/handoffd/connectors"
)

// Codes that the code acts on beyond their class.
const (
	codeDuplicateValue = "DUPLICATE_VALUE"
	codeDuplicates     = "DUPLICATES_DETECTED"
	codeRolledBack     = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
	codeHalted         = "PROCESSING_HALTED"
	codeLocked         = "UNABLE_TO_LOCK_ROW"
	codeInvalidField   = "INVALID_FIELD"
	codeInvalidType    = "INVALID_TYPE"
	codeNotFound       = "NOT_FOUND"
	codeFieldWrite     = "INVALID_FIELD_FOR_INSERT_UPDATE"
	codeBadReference   = "INVALID_CROSS_REFERENCE_KEY"
	codeIntegrity      = "FIELD_INTEGRITY_EXCEPTION"
	codeSession        = "INVALID_SESSION_ID"
	codeInactive       = "INACTIVE_OWNER_OR_USER"
	codeLimit          = "REQUEST_LIMIT_EXCEEDED"
	codeConverted      = "CANNOT_UPDATE_CONVERTED_LEAD"
)

const (
	maxMessage = 512 // bytes of the CRM's words that an error keeps

	// The daily allocation rolls over hour by hour, so asking sooner is vain.
	limitWait = 15 * time.Minute
	// concurrentWait is for the limit on calls that run at once, which frees
	// itself as soon as one of them ends.
	concurrentWait = 3 * time.Second
)

// apiError is one entry of an error answer. Rows say errorCode, collections
// say statusCode.
type apiError struct {
	ErrorCode       string   `json:"errorCode"`
	StatusCode      string   `json:"statusCode"`
	Message         string   `json:"message"`
	Fields          []string `json:"fields"`
	DuplicateResult *struct {
		RuleEntity   string `json:"duplicateRuleEntityType"`
		MatchResults []struct {
			MatchRecords []struct {
				Record struct {
					Attributes struct {
						Type string `json:"type"`
					} `json:"attributes"`
					ID string `json:"Id"`
				} `json:"record"`
			} `json:"matchRecords"`
		} `json:"matchResults"`
	} `json:"duplicateResult"`
}

func (e apiError) code() string {
	if e.ErrorCode != "" {
		return e.ErrorCode
	}
	return e.StatusCode
}

// crmError is the CRM's own words.
type crmError struct{ code, message string }

func (e *crmError) Error() string {
	if e.message == "" {
		return e.code
	}
	return e.code + ": " + e.message
}

// codeOf is the CRM's code behind an error, "" if it gave none.
func codeOf(err *connectors.Error) string {
	var c *crmError
	if err != nil && errors.As(err.Err, &c) {
		return c.code
	}
	return ""
}

// errNoAPI is a page where the API should be: the org has another address, or a
// proxy speaks in its place.
var errNoAPI = errors.New("there is a web page at this address, and no API")

// classify reads an error answer of any shape: a list, one object, or a web
// page from something in between.
func classify(op string, status int, body []byte) *connectors.Error {
	var list []apiError
	if json.Unmarshal(body, &list) != nil || len(list) == 0 {
		var one apiError
		if json.Unmarshal(body, &one) == nil && one.code() != "" {
			list = []apiError{one}
		}
	}
	if len(list) == 0 {
		e := &connectors.Error{Op: op, Status: status, Class: classOfStatus(status)}
		switch text := bytes.TrimSpace(body); {
		case bytes.HasPrefix(text, []byte("<")) && (status == http.StatusNotFound || status == http.StatusGone):
			// A record that is gone is told of in JSON: this is not the API.
			e.Class, e.Err = connectors.Unavailable, errNoAPI
		case bytes.HasPrefix(text, []byte("<")):
			e.Err = errors.New("answered with a web page")
		case len(text) > 0 && !bytes.Equal(text, []byte("null")):
			e.Err = errors.New("answered with something else than its error format")
		}
		return e
	}
	return classifyErrors(op, status, list)
}

// classifyErrors turns a list of errors about one thing into one. The first
// with a class decides; the fields of all are kept.
func classifyErrors(op string, status int, list []apiError) *connectors.Error {
	first := list[0]
	e := &connectors.Error{
		Op: op, Status: status, Class: classOfCode(first.code(), first.Message, status),
		Err: &crmError{code: first.code(), message: shorten(first.Message)},
	}
	for _, entry := range list {
		e.Fields = append(e.Fields, entry.Fields...)
	}
	if named := missingColumn.FindStringSubmatch(first.Message); named != nil && len(e.Fields) == 0 {
		e.Fields = []string{named[1]} // kept apart: the words may be cut before they come to it
	}
	switch {
	case e.Class == connectors.Throttled:
		e.RetryAfter = limitWait
		if concurrent(first.code(), first.Message) {
			e.RetryAfter = concurrentWait
		}
	case first.code() == codeDuplicates:
		first.duplicate(e)
	case first.code() == codeDuplicateValue:
		e.Existing = recordNamed(first.Message)
	}
	return e
}

// concurrent tells the limit on calls that run at once, which frees itself in
// seconds, from the day's allocation: both have one code.
func concurrent(code, message string) bool {
	return strings.HasPrefix(code, "CONCURRENT") || strings.Contains(message, "ConcurrentRequests") || strings.Contains(message, "Concurrent")
}

// fits reports whether a record of one kind can stand in for one of another
// that was to be made: a person for a person.
func fits(made, there connectors.Kind) bool {
	person := func(k connectors.Kind) bool { return k == Lead || k == Contact }
	return made == there || person(made) && person(there)
}

// duplicate says what a duplicate rule's refusal comes to. One match of a kind
// that fits: that record is the one meant, so it is adopted. Several: only a
// person can tell which, and so the CRM's words are for one.
func (e apiError) duplicate(out *connectors.Error) {
	var found []connectors.Ref
	told := 0
	if e.DuplicateResult != nil {
		for _, result := range e.DuplicateResult.MatchResults {
			for _, match := range result.MatchRecords {
				told++
				id, ok := normalizeID(match.Record.ID)
				ref := connectors.Ref{Kind: connectors.Kind(match.Record.Attributes.Type), ID: id}
				if ok && (e.DuplicateResult.RuleEntity == "" || fits(connectors.Kind(e.DuplicateResult.RuleEntity), ref.Kind)) && !slices.Contains(found, ref) {
					found = append(found, ref)
				}
			}
		}
	}
	out.Alike = true
	switch {
	case told == 0: // which record it is was not told, as in a collection's answer
	case len(found) == 1:
		out.Existing = found[0]
	default:
		out.Class = connectors.Invalid
		var words *crmError
		if errors.As(out.Err, &words) {
			out.Err = &crmError{code: words.code, message: withFix(words.message, strconv.Itoa(told)+" records match; merge them or enter the buyer by hand")}
		}
	}
}

// anID finds a record's id in a refusal's words, whose language is the org's.
var anID = regexp.MustCompile(`\b(?:00Q|003|001|006|00T)[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?\b`)

// recordNamed is the record that holds the value a create wanted for itself.
func recordNamed(message string) connectors.Ref {
	id, ok := normalizeID(anID.FindString(message))
	if !ok {
		return connectors.Ref{}
	}
	return connectors.Ref{Kind: kindOfID(id), ID: id}
}

// classOfCode is what a code means to us. A trigger or flow that failed on a
// locked row says so only in its text.
func classOfCode(code, message string, status int) connectors.Class {
	switch code {
	case "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "UNKNOWN_EXCEPTION", "APEX_ERROR":
		if strings.Contains(message, codeLocked) || strings.Contains(message, "unable to obtain exclusive access") {
			return connectors.Unavailable
		}
	}
	for _, row := range codes {
		if slices.Contains(row.codes, code) {
			return row.class
		}
	}
	return classOfStatus(status)
}

// codes sorts what the error reference names. Whatever the org's own rules,
// triggers and lists refuse is Invalid: only a person can change that.
var codes = [...]struct {
	class connectors.Class
	codes []string
}{
	{connectors.Throttled, []string{
		codeLimit, "TXN_SECURITY_METERING_ERROR", "EXCEEDED_MAX_SIZE_REQUEST_RATE", "CONCURRENT_API_REQUEST_LIMIT_EXCEEDED",
	}},
	{connectors.Unavailable, []string{
		codeLocked, "SERVER_UNAVAILABLE", "REQUEST_RUNNING_TOO_LONG", "QUERY_TIMEOUT", "UNKNOWN_EXCEPTION",
		"API_CURRENTLY_DISABLED", codeRolledBack, codeHalted, "OPERATION_TOO_LARGE", "DATACLOUD_API_SERVER_EXCEPTION",
		"CONCURRENT_LOCK", "TOO_MANY_APEX_REQUESTS", "DB_CONNECTION_ERROR", "INTERNAL_ERROR",
	}},
	{connectors.AuthBroken, []string{
		codeSession, "INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT", "INVALID_LOGIN", "INVALID_GRANT", "LOGIN_MUST_USE_SECURITY_TOKEN",
		"PASSWORD_LOCKOUT", "USER_INACTIVE", "ORG_LOCKED", "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", "LOGIN_DURING_RESTRICTED_TIME",
		"LOGIN_DURING_RESTRICTED_DOMAIN", "UNVERIFIED_IP_ADDRESS",
	}},
	{connectors.Denied, []string{
		"INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
		"API_DISABLED_FOR_ORG", "FUNCTIONALITY_NOT_ENABLED", "TRANSFER_REQUIRES_READ", "CANNOT_DELETE_OWNER",
		"INSUFFICIENT_ACCESS_TO_INSIGHTSEXTERNALDATA", "LIMIT_EXCEEDED_LICENSE", "CANNOT_REPARENT_RECORD",
	}},
	{connectors.NotFound, []string{"ENTITY_IS_DELETED", codeNotFound, "DELETE_FAILED_ENTITY_GONE", "UNDELETE_FAILED"}},
	{connectors.Conflict, []string{
		codeDuplicateValue, codeDuplicates, "DUPLICATE_EXTERNAL_ID", codeConverted, "PRECONDITION_FAILED", "ENTITY_SAVE_CONFLICT",
		"CONFLICTING_EDITS", "ENTITY_IS_LOCKED_BY_MERGE",
	}},
	{connectors.CursorGone, []string{"INVALID_QUERY_LOCATOR", "INVALID_REPLICATION_DATE", "EXCEEDED_ID_LIMIT"}},
	{connectors.Schema, []string{codeInvalidField, codeFieldWrite, codeInvalidType, "INVALID_TYPE_FOR_OPERATION"}},
	{connectors.Invalid, []string{
		"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "APEX_ERROR", "FIELD_CUSTOM_VALIDATION_EXCEPTION",
		"REQUIRED_FIELD_MISSING", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "STRING_TOO_LONG", "FIELD_INTEGRITY_EXCEPTION",
		codeBadReference, codeInactive, "MALFORMED_ID", "MALFORMED_QUERY", "JSON_PARSER_ERROR", "INVALID_TYPE_ON_FIELD_IN_RECORD",
		"NUMBER_OUTSIDE_VALID_RANGE", "INVALID_EMAIL_ADDRESS", "ENTITY_IS_LOCKED", "STORAGE_LIMIT_EXCEEDED", "LIMIT_EXCEEDED",
		"FIELD_FILTER_VALIDATION_EXCEPTION", "INVALID_STATUS", "INVALID_LINEITEM_CLONE_STATUS", "INVALID_ID_FIELD", "MISSING_ARGUMENT",
		"INVALID_ARGUMENT_TYPE", "INVALID_QUERY_FILTER_OPERATOR", "FIELD_NOT_UPDATABLE", "OP_WITH_INVALID_USER_TYPE_EXCEPTION",
		"OPERATION_NOT_ALLOWED", "METHOD_NOT_ALLOWED", "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS", "EMAIL_NOT_PROCESSED_DUE_TO_PRIOR_ERROR",
		"ILLEGAL_QUERY_PARAMETER_VALUE", "INVALID_BATCH_SIZE", "TOO_MANY_ENUM_VALUE", "SELF_REFERENCE_FROM_TRIGGER",
		"CIRCULAR_DEPENDENCY", "DEPENDENCY_EXISTS", "INVALID_MULTIPART_REQUEST", "MAX_ACTIONS_PER_RULE_EXCEEDED", "NO_RECIPIENTS",
	}},
}

// classOfStatus is the class where no code, or one we do not know, was given.
func classOfStatus(status int) connectors.Class {
	switch {
	case status == http.StatusUnauthorized:
		return connectors.AuthBroken
	case status == http.StatusForbidden:
		return connectors.Denied
	case status == http.StatusNotFound, status == http.StatusGone:
		return connectors.NotFound
	case status == http.StatusPreconditionFailed, status == http.StatusConflict, status == http.StatusMultipleChoices:
		return connectors.Conflict
	case status == http.StatusTooManyRequests:
		return connectors.Throttled
	case status == http.StatusRequestTimeout, status == http.StatusLocked, status >= 500:
		return connectors.Unavailable
	case status >= 400:
		return connectors.Invalid
	}
	return connectors.Unknown
}

// shorten cuts the CRM's words to a bound, between characters.
func shorten(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	s = s[:maxMessage]
	for s != "" && !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
