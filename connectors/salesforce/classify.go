package salesforce

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
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
	codeBadReference   = "INVALID_CROSS_REFERENCE_KEY"
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
	if e.Class == connectors.Throttled {
		e.RetryAfter = limitWait
		if strings.HasPrefix(first.Message, "ConcurrentRequests") {
			e.RetryAfter = concurrentWait
		}
	}
	if first.DuplicateResult != nil {
		for _, result := range first.DuplicateResult.MatchResults {
			for _, match := range result.MatchRecords {
				id, ok := normalizeID(match.Record.ID)
				if ok && e.Existing.IsZero() {
					e.Existing = connectors.Ref{Kind: connectors.Kind(match.Record.Attributes.Type), ID: id}
				}
			}
		}
	}
	return e
}

// classOfCode is what a code means to us. A trigger or flow that failed on a
// locked row says so only in its text.
func classOfCode(code, message string, status int) connectors.Class {
	switch code {
	case "REQUEST_LIMIT_EXCEEDED":
		return connectors.Throttled
	case codeLocked, "SERVER_UNAVAILABLE", "REQUEST_RUNNING_TOO_LONG", "QUERY_TIMEOUT", "UNKNOWN_EXCEPTION",
		"API_CURRENTLY_DISABLED", codeRolledBack, codeHalted:
		return connectors.Unavailable
	case "INVALID_SESSION_ID", "INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT", "INVALID_LOGIN", "INVALID_GRANT":
		return connectors.AuthBroken
	case "INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
		"API_DISABLED_FOR_ORG", "FUNCTIONALITY_NOT_ENABLED":
		return connectors.Denied
	case "ENTITY_IS_DELETED", "NOT_FOUND":
		return connectors.NotFound
	case codeDuplicateValue, codeDuplicates, "DUPLICATE_EXTERNAL_ID", "CANNOT_UPDATE_CONVERTED_LEAD", "PRECONDITION_FAILED":
		return connectors.Conflict
	case "INVALID_QUERY_LOCATOR", "INVALID_REPLICATION_DATE", "EXCEEDED_ID_LIMIT":
		return connectors.CursorGone
	case codeInvalidField, "INVALID_FIELD_FOR_INSERT_UPDATE", "INVALID_TYPE":
		return connectors.Schema
	case "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER":
		if strings.Contains(message, codeLocked) {
			return connectors.Unavailable
		}
		return connectors.Invalid
	case "FIELD_CUSTOM_VALIDATION_EXCEPTION", "REQUIRED_FIELD_MISSING", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
		"STRING_TOO_LONG", "FIELD_INTEGRITY_EXCEPTION", codeBadReference, "INACTIVE_OWNER_OR_USER",
		"MALFORMED_ID", "MALFORMED_QUERY", "JSON_PARSER_ERROR", "INVALID_TYPE_ON_FIELD_IN_RECORD",
		"NUMBER_OUTSIDE_VALID_RANGE", "INVALID_EMAIL_ADDRESS":
		return connectors.Invalid
	}
	return classOfStatus(status)
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
	case status == http.StatusRequestTimeout, status >= 500:
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
