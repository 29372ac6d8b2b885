package hubspot

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/crmhttp"
)

// problem is HubSpot's error body, of a call or of one row of a batch. All of
// its fields are optional (error-handling).
type problem struct {
	Status      string          `json:"status"`
	Message     string          `json:"message"`
	Category    string          `json:"category"`
	SubCategory json.RawMessage `json:"subCategory"` // text, in old answers an object
	PolicyName  string          `json:"policyName"`
	ErrorType   string          `json:"errorType"`
	Error       string          `json:"error"`
	Context     problemContext  `json:"context"`
	Errors      []detail        `json:"errors"`
}

type detail struct {
	Message string         `json:"message"`
	Code    string         `json:"code"`
	In      string         `json:"in"`
	Name    string         `json:"name"` // in the JSON inside "Property values were not valid"
	Error   string         `json:"error"`
	Context problemContext `json:"context"`
}

// problemContext is a map of lists; some answers put a plain value there.
type problemContext map[string]texts

// texts is a JSON list of texts, or one text or number.
type texts []string

// UnmarshalJSON implements json.Unmarshaler. A shape we do not know is empty:
// an error body must never fail to be read.
func (t *texts) UnmarshalJSON(b []byte) error {
	var list []json.RawMessage
	if json.Unmarshal(b, &list) != nil {
		list = []json.RawMessage{b}
	}
	*t = (*t)[:0]
	for _, item := range list {
		var s string
		if json.Unmarshal(item, &s) != nil {
			s = strings.Trim(string(item), `"`)
		}
		*t = append(*t, s)
	}
	return nil
}

// of is every text under one of the names.
func (c problemContext) of(names ...string) []string {
	var out []string
	for _, name := range names {
		out = append(out, c[name]...)
	}
	return out
}

// existingID finds the holder of a unique value: "Existing ID: 123" for a
// contact, "… on 9. 123 already has that value." for a property.
var existingID = regexp.MustCompile(`(?i)existing (?:object )?id:?\s*(\d+)|(\d+) already has that value`)

const (
	// statusMoving: the account is being moved to another data centre, and
	// Retry-After names up to a day (error-handling).
	statusMoving = 477
	// lockedFor is how long a locked object has to be left alone at least, and
	// a little for the way.
	lockedFor = 2*time.Second + 200*time.Millisecond
)

// classify reads an answer that is not 2xx.
func classify(resp *crmhttp.Response) *connectors.Error {
	var p problem
	isJSON := unmarshal(resp.Body, &p) == nil && len(resp.Body) > 0
	p.unfold()
	cerr := &connectors.Error{Status: resp.Status}
	if isJSON {
		cerr.Class, cerr.Err, cerr.Fields = p.class(), errors.New(p.words()), p.fields()
		cerr.Existing = p.existing()
	} else {
		cerr.Err = errors.New(strings.TrimSpace(http.StatusText(resp.Status) + " " + plainText(resp)))
	}
	switch s := resp.Status; {
	case s == http.StatusUnauthorized:
		cerr.Class = connectors.AuthBroken
	case s == http.StatusTooManyRequests:
		cerr.Class, cerr.RetryAfter = connectors.Throttled, p.wait()
	case s == statusMoving:
		cerr.Class, cerr.RetryAfter = connectors.Unavailable, crmhttp.MaxWait
		if wait, ok := crmhttp.RetryAfterUpTo(resp.Header, time.Now(), 24*time.Hour); ok {
			cerr.RetryAfter = wait
		}
	case s == http.StatusLocked:
		cerr.Class, cerr.RetryAfter = connectors.Unavailable, lockedFor
	case s >= 500:
		cerr.Class = connectors.Unavailable
		if s == 530 {
			cerr.Err = errors.New("530: HubSpot's edge answers so to a malformed token")
		}
	case !isJSON: // a proxy speaks, not HubSpot: its 404 says nothing of a record
		cerr.Class = connectors.Unavailable
		if s == http.StatusRequestURITooLong || s == http.StatusRequestEntityTooLarge || s == http.StatusMethodNotAllowed {
			cerr.Class = connectors.Invalid
		}
	case s == http.StatusForbidden:
		cerr.Class = connectors.Denied
		if p.Category == "MISSING_SCOPES" { // stays so until an admin does something
			cerr.RetryAfter = time.Minute
		}
	case s == http.StatusNotFound && p.Status == "" && p.Category == "": // some gateway's, not HubSpot's
		cerr.Class = connectors.Unavailable
	case s == http.StatusNotFound:
		cerr.Class = connectors.NotFound
	case s == http.StatusConflict:
		cerr.Class = connectors.Conflict
	case s == http.StatusRequestTimeout:
		cerr.Class = connectors.Unavailable
	case s == http.StatusGone:
		cerr.Class = connectors.Schema
	case cerr.Class == connectors.Unknown && s >= 400 && s < 500:
		cerr.Class = connectors.Invalid
	}
	return cerr
}

// class reads the body alone; in a 207 there is nothing else.
func (p *problem) class() connectors.Class {
	codes := p.codes()
	switch {
	case p.Error == "invalid_grant" || p.Error == "access_denied" || p.Error == "invalid_client":
		return connectors.AuthBroken
	case slices.Contains(codes, "PROPERTY_DOESNT_EXIST") || strings.Contains(p.Message, "PROPERTY_DOESNT_EXIST"),
		strings.Contains(p.Message, "non-unique"), // "Unable to perform update/upsert by non-unique 0-27 property"
		slices.Contains(codes, "PROPERTY_NOT_UNIQUE"),
		strings.Contains(p.Message, "Unable to infer object type"):
		return connectors.Schema
	case slices.Contains(codes, "CONFLICTING_UNIQUE_VALUE") || strings.Contains(p.Message, "already has that value"),
		strings.Contains(p.Message, "CONFLICTING_UNIQUE_VALUE"):
		return connectors.Conflict
	}
	switch p.Category {
	case "VALIDATION_ERROR", "BAD_REQUEST":
		return connectors.Invalid
	case "CONFLICT", "OBJECT_ALREADY_EXISTS":
		return connectors.Conflict
	case "OBJECT_NOT_FOUND":
		return connectors.NotFound
	case "RATE_LIMITS", "RATE_LIMIT":
		return connectors.Throttled
	case "MISSING_SCOPES", "FORBIDDEN", "PERMISSION_DENIED", "USER_DOES_NOT_HAVE_PERMISSIONS":
		return connectors.Denied
	case "INVALID_AUTHENTICATION", "EXPIRED_AUTHENTICATION":
		return connectors.AuthBroken
	case "INTERNAL_ERROR", "APPLICATION_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE", "LOCKED", "MIGRATION_IN_PROGRESS":
		return connectors.Unavailable
	}
	if slices.ContainsFunc(codes, func(code string) bool {
		return strings.HasPrefix(code, "INVALID_") || strings.HasPrefix(code, "MISSING_")
	}) {
		return connectors.Invalid
	}
	if p.ErrorType == "RATE_LIMIT" {
		return connectors.Throttled
	}
	return connectors.Unknown
}

// rowError is the error of one row of a batch: a create that failed for no
// reason we know may have been applied.
func (c *Connector) rowError(p *problem, op string, creates bool) *connectors.Error {
	p.unfold()
	cerr := &connectors.Error{
		Class: p.class(), Op: op, Status: http.StatusMultiStatus, Err: errors.New(c.http.Text(p.words())),
		Fields: p.fields(), Existing: p.existing(),
	}
	switch {
	case cerr.Class == connectors.Throttled:
		cerr.RetryAfter = p.wait()
	case creates && (cerr.Class == connectors.Unknown || cerr.Class == connectors.Unavailable):
		cerr.Class = connectors.Ambiguous
	case p.Category == "LOCKED":
		cerr.RetryAfter = lockedFor
	}
	return cerr
}

// unfold takes over what an error hides as JSON inside its message, where it
// says nothing itself.
func (p *problem) unfold() {
	if p.Category != "" || len(p.Errors) > 0 || !strings.HasPrefix(p.Message, "{") {
		return
	}
	var inner problem
	if json.Unmarshal([]byte(p.Message), &inner) != nil || inner.Category == "" {
		return
	}
	if inner.Status == "" {
		inner.Status = p.Status
	}
	*p = inner
}

// wait is how long the three sorts of "too many" last. HubSpot sends no
// Retry-After with them; where one comes, it wins (crmhttp).
func (p *problem) wait() time.Duration {
	switch {
	case p.PolicyName == "DAILY" || strings.Contains(strings.ToLower(p.Message), "daily limit"):
		return crmhttp.MaxWait // until midnight in the portal's zone: asked again now and then
	case strings.Contains(p.Message, "secondly limit") && !strings.Contains(p.Message, "ten_secondly"), p.PolicyName == "SECONDLY":
		return time.Second
	case p.PolicyName == "" && p.Message == "": // the edge: "error code: 1015"
		return 30 * time.Second
	}
	return 10 * time.Second
}

func (p *problem) codes() []string {
	var out []string
	for _, d := range p.details() {
		out = append(out, d.Code, d.Error)
	}
	return out
}

// details is errors[], or the list that older answers hide inside the message:
// `Property values were not valid: [{"isValid":false,"name":"x",…}]`.
func (p *problem) details() []detail {
	if len(p.Errors) > 0 {
		return p.Errors
	}
	_, list, found := strings.Cut(p.Message, "Property values were not valid: ")
	if !found {
		return nil
	}
	var out []detail
	if json.Unmarshal([]byte(list), &out) != nil {
		return nil
	}
	return out
}

// fields are the properties HubSpot blames, sorted.
func (p *problem) fields() []string {
	out := p.Context.of("propertyName", "properties")
	for _, d := range p.details() {
		out = append(out, d.Context.of("propertyName", "properties")...)
		if d.Name != "" {
			out = append(out, d.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// existing is the object that already holds a unique value: HubSpot names it
// in the message only.
func (p *problem) existing() connectors.Ref {
	if m := existingID.FindStringSubmatch(p.Message); m != nil {
		return connectors.Ref{ID: m[1] + m[2]} // one of the two is empty
	}
	return connectors.Ref{}
}

// scopes are the permissions that were missing, sorted.
func (p *problem) scopes() []string {
	out := p.Context.of("missingScopes", "requiredScopes", "requiredGranularScopes")
	for _, d := range p.Errors {
		out = append(out, d.Context.of("missingScopes", "requiredScopes", "requiredGranularScopes")...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// words are HubSpot's, bounded.
func (p *problem) words() string {
	var parts []string
	for _, s := range []string{p.Category, p.Message} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	for _, d := range p.Errors {
		parts = append(parts, strings.TrimSpace(d.Code+" "+d.Message))
	}
	if strings.Contains(string(p.SubCategory), linkLimit) {
		parts = append(parts, linkLimit)
	}
	if missing := p.scopes(); len(missing) > 0 {
		parts = append(parts, "missing scopes "+strings.Join(missing, " "))
	}
	if slices.Contains(p.codes(), "MISSING_CONDITIONAL_REQUIRED_PROPERTY") {
		parts = append(parts, "the portal requires "+strings.Join(p.fields(), ", ")+" under a condition: have it filled, relax the rule, or use API version "+LaxAPIVersion+", which does not enforce it")
	}
	return strings.Join(parts, ": ")
}

func plainText(resp *crmhttp.Response) string {
	text := string(resp.Body[:min(len(resp.Body), 200)])
	if strings.Contains(resp.Header.Get("Content-Type"), "html") || strings.HasPrefix(strings.TrimSpace(text), "<") {
		return "(a web page)"
	}
	return text
}
