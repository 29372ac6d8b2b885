package salesforcesim

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// apiError is one entry of the array that Salesforce answers a refused call with. As the whole answer
// its key is errorCode, inside a collections result it is statusCode.
type apiError struct {
	code    string
	message string
	fields  []string // nil: not about fields, the key is left out
	status  int      // 0: 400
	// duplicates is the duplicateResult of DUPLICATES_DETECTED.
	duplicates json.RawMessage
}

func (e *apiError) http() int {
	if e.status == 0 {
		return http.StatusBadRequest
	}
	return e.status
}

// errorBody is the body of a refused call.
func errorBody(errs ...*apiError) json.RawMessage {
	type wire struct {
		Message   string          `json:"message"`
		ErrorCode string          `json:"errorCode"`
		Fields    *[]string       `json:"fields,omitempty"`
		Duplicate json.RawMessage `json:"duplicateResult,omitempty"`
	}
	list := make([]wire, 0, len(errs))
	for _, e := range errs {
		w := wire{Message: e.message, ErrorCode: e.code, Duplicate: e.duplicates}
		if e.fields != nil {
			w.Fields = &e.fields
		}
		list = append(list, w)
	}
	return mustJSON(list)
}

// mustJSON encodes values this package built itself; they always encode.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage(`[{"message":` + strconv.Quote(err.Error()) + `,"errorCode":"UNKNOWN_EXCEPTION"}]`)
	}
	return b
}

func refused(errs ...*apiError) reply {
	return reply{status: errs[0].http(), body: errorBody(errs...)}
}

func notFound() *apiError {
	return &apiError{code: "NOT_FOUND", message: "The requested resource does not exist", status: http.StatusNotFound}
}

func noSuchType(name string) *apiError {
	return &apiError{code: "INVALID_TYPE", message: "sObject type '" + name + "' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."}
}

func noSuchColumn(name, entity string) string {
	return "No such column '" + name + "' on entity '" + entity + "'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names."
}
