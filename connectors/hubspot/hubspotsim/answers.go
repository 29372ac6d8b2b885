package hubspotsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	exact "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// apiError is an answer other than success.
type apiError struct {
	status int
	body   any
}

// errorBody is HubSpot's error document; all its fields are optional.
type errorBody struct {
	Status        string              `json:"status"`
	Message       string              `json:"message"`
	CorrelationID string              `json:"correlationId,omitempty"`
	Category      string              `json:"category,omitempty"`
	SubCategory   string              `json:"subCategory,omitempty"`
	Context       map[string][]string `json:"context,omitzero"`
	Errors        []errorDetail       `json:"errors,omitzero"`
	Links         map[string]string   `json:"links,omitzero"`
}

// complete gives the rows of a batch's errors all the keys that HubSpot's specification requires of them: its clients
// for Python and Java refuse an answer without.
func complete(rows []errorBody) []errorBody {
	for i := range rows {
		if rows[i].Context == nil {
			rows[i].Context = map[string][]string{}
		}
		if rows[i].Errors == nil {
			rows[i].Errors = []errorDetail{}
		}
		rows[i].Links = map[string]string{}
	}
	return rows
}

type errorDetail struct {
	Message string              `json:"message"`
	Code    string              `json:"code,omitempty"`
	In      string              `json:"in,omitempty"`
	Context map[string][]string `json:"context,omitempty"`
}

func refuse(status int, category, message string) *apiError {
	return &apiError{status, errorBody{Status: "error", Message: message, Category: category}}
}

func invalid(message string) *apiError {
	return refuse(http.StatusBadRequest, "VALIDATION_ERROR", message)
}

// noProperties refuses a create whose properties do not stand under that key, as a client's may that sends them bare.
func noProperties() *apiError { return unset("properties") }

// unset refuses a body without a field that every such body has.
func unset(field string) *apiError {
	return invalid("Invalid input JSON on line 1, column 1: Some required fields were not set: [" + field + "]")
}

// nothingToUpdate refuses an update that names no property.
func nothingToUpdate() *apiError {
	return &apiError{http.StatusBadRequest, errorBody{
		Status: "error", Category: "VALIDATION_ERROR", Message: "No properties found to update, please provide at least one.",
		Context: map[string][]string{"properties": {"{}"}},
	}}
}

func notFound(message string) *apiError {
	return refuse(http.StatusNotFound, "OBJECT_NOT_FOUND", message)
}

func conflict(message string) *apiError {
	return refuse(http.StatusConflict, "CONFLICT", message)
}

// row returns the error as one entry of a batch's errors.
func (e *apiError) row() errorBody {
	body, ok := e.body.(errorBody)
	if !ok {
		return errorBody{Status: "error", Message: http.StatusText(e.status)}
	}
	return body
}

// badValue is one refused property of a write.
type badValue struct {
	Valid   bool   `json:"isValid"`
	Message string `json:"message"`
	Code    string `json:"error"`
	Name    string `json:"name"`
}

// badValues words refused properties as HubSpot does: the list stands as JSON inside the message, and
// again in errors.
func badValues(bad []badValue) *apiError {
	list, err := json.Marshal(bad)
	if err != nil {
		list = []byte("[]")
	}
	body := errorBody{
		Status: "error", Category: "VALIDATION_ERROR",
		Message: "Property values were not valid: " + string(list),
	}
	for _, b := range bad {
		body.Errors = append(body.Errors, errorDetail{
			Message: b.Message, Code: b.Code, Context: map[string][]string{"propertyName": {b.Name}},
		})
	}
	return &apiError{http.StatusBadRequest, body}
}

// reply is a success: a status and a document, nil for none.
type reply struct {
	status int
	body   any
}

func ok(body any) *reply { return &reply{http.StatusOK, body} }

// write sends the answer of one call. The correlation id stands in the header and in error bodies.
func (c *call) write(out *reply, bad *apiError) {
	c.w.Header().Set("X-HubSpot-Correlation-Id", c.correlation)
	status, body := http.StatusNoContent, any(nil)
	switch {
	case bad != nil:
		status, body = bad.status, bad.body
		if doc, isDoc := body.(errorBody); isDoc {
			doc.CorrelationID = c.correlation
			body = doc
		}
	case out != nil:
		status, body = out.status, out.body
	}
	if body == nil {
		c.w.WriteHeader(status)
		return
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil { // our own documents always encode; say so rather than lie
		c.w.WriteHeader(http.StatusInternalServerError)
		return
	}
	c.w.Header().Set("Content-Type", "application/json;charset=utf-8")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(buf.Bytes())
}

// read decodes the call's JSON body into v. Names are exact, letter case and all; of a name that comes twice the last
// one counts.
func (c *call) read(v any) *apiError {
	kind := c.r.Header.Get("Content-Type")
	if !strings.HasPrefix(kind, "application/json") {
		return refuse(http.StatusUnsupportedMediaType, "", "Unsupported media type: send application/json")
	}
	if err := exact.Unmarshal(c.body, v, jsontext.AllowDuplicateNames(true)); err != nil {
		return invalid("Invalid input JSON on line 1, column " + strconv.Itoa(column(err)) + ": " + unreadable(err))
	}
	return nil
}

// unreadable says what is wrong with a body without a word of how it is read here.
func unreadable(err error) string {
	wrong := (*exact.SemanticError)(nil)
	if !errors.As(err, &wrong) {
		return "Unexpected character or end of input"
	}
	if deeper := (*exact.SemanticError)(nil); wrong.Err != nil && !errors.As(wrong.Err, &deeper) {
		return wrong.Err.Error()
	}
	return "Cannot deserialize the value at " + string(wrong.JSONPointer)
}

func column(err error) int {
	if syntax := (*jsontext.SyntacticError)(nil); errors.As(err, &syntax) {
		return int(syntax.ByteOffset)
	}
	return 1
}
