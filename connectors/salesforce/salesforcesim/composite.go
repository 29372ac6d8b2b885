package salesforcesim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

const (
	maxSubrequests = 25
	maxHeavy       = 5 // queries and collections among them
)

var (
	// reference is @{NewLead.id} or @{found.records[0].Id}.
	reference = regexp.MustCompile(`@\{([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+|\[[0-9]+\])*)\}`)
	step      = regexp.MustCompile(`\.([A-Za-z0-9_]+)|\[([0-9]+)\]`)
	goodName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_]*$`)
)

type subrequest struct {
	Method      string            `json:"method"`
	URL         string            `json:"url"`
	ReferenceID string            `json:"referenceId"`
	Body        json.RawMessage   `json:"body"`
	HTTPHeaders map[string]string `json:"httpHeaders"`
}

type subresponse struct {
	Body           json.RawMessage   `json:"body"`
	HTTPHeaders    map[string]string `json:"httpHeaders"`
	HTTPStatusCode int               `json:"httpStatusCode"`
	ReferenceID    string            `json:"referenceId"`
}

func (s *Sim) serveComposite(c *call) reply {
	if len(c.parts) >= 2 && c.parts[1] == "sobjects" {
		return s.serveCollections(c)
	}
	switch {
	case len(c.parts) == 2 && c.parts[1] == "batch" && !c.inside:
		return s.serveBatch(c)
	case len(c.parts) == 2 && c.parts[1] == "graph" && !c.inside:
		return s.serveGraphs(c)
	case len(c.parts) == 3 && c.parts[1] == "tree":
		return s.serveTree(c, c.parts[2])
	}
	if len(c.parts) != 1 || c.inside {
		return refused(notFound())
	}
	if c.method != http.MethodPost {
		return badMethod(c)
	}
	var in struct {
		AllOrNone        bool         `json:"allOrNone"`
		Collate          bool         `json:"collateSubrequests"`
		CompositeRequest []subrequest `json:"compositeRequest"`
	}
	if err := decodeObject(c.body, &in); err != nil {
		return refused(err)
	}
	if err := checkComposite(in.CompositeRequest); err != nil {
		return refused(err)
	}
	list, _, applied := s.perform(c, in.CompositeRequest, in.AllOrNone)
	return reply{status: http.StatusOK, body: mustJSON(map[string]any{"compositeResponse": list}), applied: applied}
}

// perform answers subrequests one after the other. With whole, the first that fails takes all of them back.
func (s *Sim) perform(c *call, subs []subrequest, whole bool) (list []subresponse, good, applied bool) {
	list, good = make([]subresponse, len(subs)), true
	bodies := map[string]any{}
	start, locked := c.tx.mark(), s.lockedWrite(subs)
	for i, sub := range subs {
		var rep reply
		if before := c.tx.mark(); i == locked {
			rep = refused(s.rowLocked())
		} else if rep = s.serveSub(c, sub, bodies, whole); rep.status >= 300 {
			c.tx.back(before)
		}
		good = good && rep.status < 300 && !rep.broken
		if !good && whole {
			c.tx.back(start)
			return rolledBack(subs, i, rep), false, false
		}
		applied = applied || rep.applied
		list[i] = answerSub(sub, rep)
		if rep.status < 300 {
			var v any
			if len(rep.body) > 0 {
				_ = json.Unmarshal(rep.body, &v) // this package wrote it
			}
			bodies[sub.ReferenceID] = v
		}
	}
	return list, good, applied
}

func answerSub(sub subrequest, rep reply) subresponse {
	out := subresponse{Body: rep.body, HTTPHeaders: rep.header, HTTPStatusCode: rep.status, ReferenceID: sub.ReferenceID}
	if out.Body == nil {
		out.Body = json.RawMessage("null")
	}
	if out.HTTPHeaders == nil {
		out.HTTPHeaders = map[string]string{}
	}
	return out
}

// rolledBack is the answer when all was to be done or none: the failure itself, and PROCESSING_HALTED for
// every other subrequest, before and after it.
func rolledBack(subs []subrequest, culprit int, rep reply) []subresponse {
	list := make([]subresponse, len(subs))
	for i, sub := range subs {
		if i == culprit {
			list[i] = answerSub(sub, rep)
			continue
		}
		list[i] = answerSub(sub, refused(&apiError{code: "PROCESSING_HALTED", message: "The transaction was rolled back since another operation in the same transaction failed."}))
	}
	return list
}

func checkComposite(subs []subrequest) *apiError {
	if len(subs) == 0 {
		return &apiError{code: "REQUIRED_FIELD_MISSING", message: "At least 1 subrequest is required", fields: []string{"compositeRequest"}}
	}
	if len(subs) > maxSubrequests {
		return &apiError{code: "LIMIT_EXCEEDED", message: "The request can't contain more than 25 subrequests."}
	}
	heavy, names := 0, map[string]bool{}
	for _, sub := range subs {
		if !goodName.MatchString(sub.ReferenceID) || names[sub.ReferenceID] {
			return badName(sub)
		}
		names[sub.ReferenceID] = true
		if isHeavy(sub.URL) {
			heavy++
		}
	}
	if heavy > maxHeavy {
		return &apiError{code: "LIMIT_EXCEEDED", message: "The request can't contain more than 5 query or sObject Collections subrequests."}
	}
	return nil
}

func badName(sub subrequest) *apiError {
	return &apiError{code: "INVALID_INPUT", message: "referenceId is missing, malformed or used twice: " + sub.ReferenceID}
}

func isHeavy(raw string) bool {
	path, _, _ := strings.Cut(strings.TrimPrefix(raw, "/services/data/v"), "?")
	_, path, _ = strings.Cut(path, "/")
	return strings.HasPrefix(path, "query") || strings.HasPrefix(path, "composite/sobjects")
}

// lockedWrite draws the writing subrequest whose row somebody else holds; -1: none.
func (s *Sim) lockedWrite(subs []subrequest) int {
	if !s.gate.Chance(s.gate.Faults().Rate["partial"]) {
		return -1
	}
	var writes []int
	for i, sub := range subs {
		if sub.Method != http.MethodGet {
			writes = append(writes, i)
		}
	}
	if len(writes) == 0 {
		return -1
	}
	return writes[s.rand.IntN(len(writes))]
}

// serveSub answers one subrequest. It has only the headers it brought: nothing is inherited from the
// outer call.
func (s *Sim) serveSub(outer *call, sub subrequest, bodies map[string]any, whole bool) reply {
	header := http.Header{}
	for k, v := range sub.HTTPHeaders {
		switch strings.ToLower(k) {
		case "accept", "authorization", "content-type":
			return refused(&apiError{code: "INVALID_HEADER", message: "header not allowed in a subrequest: " + k})
		}
		header.Set(k, v)
	}
	target, missing := fill(sub.URL, bodies, true)
	var body string
	if missing == "" && len(sub.Body) > 0 && string(sub.Body) != "null" {
		body, missing = fill(string(sub.Body), bodies, false)
	}
	if missing != "" {
		name, _, _ := strings.Cut(missing, ".")
		return refused(&apiError{code: "PROCESSING_HALTED", message: "Invalid reference specified. No value for " + missing + " found in " + name})
	}
	u, err := url.Parse(target)
	if err != nil || u.IsAbs() {
		return refused(notFound())
	}
	c, e := newCall(sub.Method, u, header, []byte(body), outer.now)
	if e != nil {
		return refused(e)
	}
	if !c.composable() {
		return refused(&apiError{code: "INVALID_INPUT", message: "The url specified is not supported in a composite request: " + sub.URL})
	}
	c.inside, c.whole, c.tx = true, whole, outer.tx
	return s.dispatch(c)
}

// composable says that a resource may stand in a composite: rows and what is said of objects, queries and collections.
func (c *call) composable() bool {
	if len(c.parts) == 0 {
		return false
	}
	switch c.parts[0] {
	case "sobjects", "query", "queryAll":
		return true
	case "composite":
		return len(c.parts) == 1 || c.parts[1] == "sobjects" // a composite in a composite is not found
	}
	return false
}

// fill replaces every @{ref.path} in text, which is a URL or JSON. missing is the first reference without
// a value: its subrequest failed, stands later, or answered no such field (an update answers nothing).
func fill(text string, bodies map[string]any, isURL bool) (out, missing string) {
	query := strings.IndexByte(text, '?')
	var b strings.Builder
	last := 0
	for _, m := range reference.FindAllStringSubmatchIndex(text, -1) {
		name, path := text[m[2]:m[3]], text[m[4]:m[5]]
		v, found := follow(bodies[name], path)
		if !found {
			return "", name + path
		}
		switch {
		case !isURL:
			quoted := string(mustJSON(v))
			v = quoted[1 : len(quoted)-1]
		case query >= 0 && m[0] > query:
			v = url.QueryEscape(v)
		default:
			v = url.PathEscape(v)
		}
		b.WriteString(text[last:m[0]])
		b.WriteString(v)
		last = m[1]
	}
	return b.String() + text[last:], ""
}

// follow walks .name and [n] through a decoded answer to a plain value.
func follow(v any, path string) (string, bool) {
	for _, m := range step.FindAllStringSubmatch(path, -1) {
		if m[1] != "" {
			object, isObject := v.(map[string]any)
			if !isObject {
				return "", false
			}
			v = object[m[1]]
			continue
		}
		list, isList := v.([]any)
		n, err := strconv.Atoi(m[2])
		if !isList || err != nil || n >= len(list) {
			return "", false
		}
		v = list[n]
	}
	switch v := v.(type) {
	case string:
		return v, true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}
