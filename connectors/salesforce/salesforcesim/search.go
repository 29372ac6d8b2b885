package salesforcesim

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// sosl is FIND {text} [IN … FIELDS] [RETURNING Lead(Id, Name), Account].
var (
	sosl       = regexp.MustCompile(`(?is)^\s*FIND\s*\{(.*?)\}\s*(?:IN\s+(?:ALL|NAME|EMAIL|PHONE)\s+FIELDS\s*)?(?:RETURNING\s+(.*?))?\s*$`)
	soslReturn = regexp.MustCompile(`(?is)^\s*([A-Za-z][A-Za-z0-9_]*)\s*(?:\(([A-Za-z0-9_,\s]*?)(?:\s+LIMIT\s+[0-9]+)?\))?\s*(?:,|$)`)
)

// serveSearch answers /search?q=FIND… and /parameterizedSearch?q=text&sobject=Lead. Only whole words and beginnings
// marked with * are found, and only in text fields.
func (s *Sim) serveSearch(c *call) reply {
	src := c.query.Get("q")
	if c.method != http.MethodGet {
		return badMethod(c)
	}
	malformedSearch := func(text string) reply { return refused(&apiError{code: "MALFORMED_SEARCH", message: text}) }
	if len(c.parts) > 1 || src == "" {
		return malformedSearch("search string has to be specified")
	}
	text, targets := src, ""
	if c.parts[0] == "search" {
		m := sosl.FindStringSubmatch(src)
		if m == nil {
			return malformedSearch("line 1:0 unexpected token: '" + src + "'")
		}
		text, targets = m[1], m[2]
	} else {
		for i, name := range c.query["sobject"] {
			if i > 0 {
				targets += ","
			}
			targets += name
		}
	}
	if len([]rune(strings.Trim(text, "* "))) < 2 {
		return malformedSearch("search term must be longer than one character: " + text)
	}
	if targets == "" {
		targets = "Account, Contact, Lead, Opportunity"
	}
	found := []json.RawMessage{}
	for strings.TrimSpace(targets) != "" {
		m := soslReturn.FindStringSubmatch(targets)
		if m == nil {
			return malformedSearch("unexpected token in RETURNING: " + targets)
		}
		targets = targets[len(m[0]):]
		hits, err := s.searched(c, text, m[1], m[2])
		if err != nil {
			return refused(err)
		}
		found = append(found, hits...)
	}
	return ok(mustJSON(map[string]any{"searchRecords": found}))
}

func (s *Sim) searched(c *call, text, name, fields string) ([]json.RawMessage, *apiError) {
	o := s.org[strings.ToLower(name)]
	if o == nil || o.prefix == "" {
		return nil, noSuchType(name)
	}
	if fields = strings.Join(strings.Fields(fields), ""); fields == "" {
		fields = "Id"
	}
	var cols []column
	for part := range strings.SplitSeq(fields, ",") {
		col, err := s.column(&query{src: part}, o, path{text: part})
		if err != nil {
			return nil, err
		}
		cols = append(cols, col)
	}
	var out []json.RawMessage
	for _, h := range s.run(&query{limit: -1}, o, false, c.now) {
		if len(out) < maxPage && mentions(o, h.fields, text) {
			out = append(out, s.record(nil, o, c.version, h.row.id, h.fields, cols))
		}
	}
	return out, nil
}

// mentions says whether some text field holds every word of text.
func mentions(o *object, fields values, text string) bool {
	var words []string
	for _, f := range o.fields {
		if v, isText := fields[f.name].(string); isText && f.textual() {
			words = append(words, strings.FieldsFunc(strings.ToLower(v), between)...)
		}
	}
	for want := range strings.FieldsSeq(strings.ToLower(text)) {
		stem, open := strings.CutSuffix(want, "*")
		for _, part := range strings.FieldsFunc(stem, between) {
			found := false
			for _, w := range words {
				found = found || w == part || open && strings.HasPrefix(w, part)
			}
			if !found {
				return false
			}
		}
	}
	return true
}

// between tells what stands between words.
func between(r rune) bool { return strings.ContainsRune(" \t\n,.;:@-_/\\()'\"&+", r) }
