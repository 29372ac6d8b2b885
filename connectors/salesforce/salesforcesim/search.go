package salesforcesim

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// sosl is FIND {text} [IN … FIELDS] [RETURNING …] [LIMIT n]; a backslash takes a sign's meaning in the text.
var (
	sosl      = regexp.MustCompile(`(?is)^\s*FIND\s*\{((?:\\.|[^}\\])*)\}\s*(?:IN\s+(ALL|NAME|EMAIL|PHONE|SIDEBAR)\s+FIELDS\s*)?(?:RETURNING\s+(.*?))??(?:\bLIMIT\s+([0-9]+))?\s*$`)
	soslPlain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	soslSign  = regexp.MustCompile(`\\(.)`)
)

// seek is one search: what, in which fields, and a SOQL statement for each object.
type seek struct {
	text, in string
	targets  []string
	most     int
}

func malformedSearch(text string) *apiError {
	return &apiError{code: "MALFORMED_SEARCH", message: text}
}

// serveSearch answers /search?q=FIND… and /parameterizedSearch, the latter by GET or POST. Only whole words and
// beginnings marked with * are found, and only in text fields.
func (s *Sim) serveSearch(c *call) reply {
	find := readSOSL
	if c.parts[0] == "parameterizedSearch" {
		find = readSearch
	} else if c.method != http.MethodGet {
		return badMethod(c)
	}
	if len(c.parts) > 1 {
		return refused(notFound())
	}
	k, err := find(c)
	if err == nil && len([]rune(strings.Trim(k.text, "* "))) < 2 {
		err = malformedSearch("search term must be longer than one character: " + k.text)
	}
	if err != nil {
		return refused(err)
	}
	found := []json.RawMessage{}
	for _, soql := range k.targets {
		hits, err := s.searched(c, k, soql)
		if err != nil {
			return refused(err)
		}
		found = append(found, hits...)
	}
	return ok(mustJSON(map[string]any{"searchRecords": found[:min(len(found), k.most)]}))
}

func everywhere() []string {
	return []string{"SELECT Id FROM Account", "SELECT Id FROM Contact", "SELECT Id FROM Lead", "SELECT Id FROM Opportunity"}
}

// readSOSL reads ?q=FIND….
func readSOSL(c *call) (*seek, *apiError) {
	src := c.query.Get("q")
	if src == "" {
		return nil, malformedSearch("search string has to be specified")
	}
	m := sosl.FindStringSubmatch(src)
	if m == nil {
		return nil, malformedSearch("line 1:0 unexpected token: '" + src + "'")
	}
	k := &seek{text: soslSign.ReplaceAllString(m[1], "$1"), in: strings.ToUpper(m[2]), most: maxPage}
	if m[4] != "" {
		n, err := strconv.Atoi(m[4])
		if err != nil || n < 1 || n > maxPage {
			return nil, malformedSearch("LIMIT must lie between 1 and 2000, not " + m[4])
		}
		k.most = n
	}
	if m[3] == "" {
		k.targets = everywhere()
		return k, nil
	}
	for _, part := range topLevel(m[3]) {
		soql, err := targetOf(part)
		if err != nil {
			return nil, err
		}
		k.targets = append(k.targets, soql)
	}
	return k, nil
}

// topLevel cuts a RETURNING list at the commas outside parentheses and texts.
func topLevel(list string) []string {
	var parts []string
	depth, start, quoted := 0, 0, false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case quoted && c == '\\':
			i++
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			parts, start = append(parts, list[start:i]), i+1
		}
	}
	return append(parts, list[start:])
}

// targetOf turns Lead(Id, Name WHERE … ORDER BY … LIMIT 5) into the query that it stands for.
func targetOf(part string) (string, *apiError) {
	name, inner, has := strings.Cut(strings.TrimSpace(part), "(")
	name = strings.TrimSpace(name)
	inner, closed := strings.CutSuffix(inner, ")")
	if !soslPlain.MatchString(name) || has != closed {
		return "", malformedSearch("unexpected token in RETURNING: " + part)
	}
	if !has {
		return "SELECT Id FROM " + name, nil
	}
	toks, err := lexSOQL(inner)
	if err != nil {
		return "", malformedSearch(err.message)
	}
	end := len(inner)
	for _, t := range toks {
		if slices.ContainsFunc([]string{"WHERE", "ORDER", "LIMIT", "OFFSET"}, t.is) {
			end = t.pos
			break
		}
	}
	return "SELECT " + inner[:end] + " FROM " + name + " " + inner[end:], nil
}

// searchWish is what /parameterizedSearch is asked.
type searchWish struct {
	Q            string       `json:"q"`
	In           string       `json:"in"`
	Fields       []string     `json:"fields"`
	Objects      []searchable `json:"sobjects"`
	DefaultLimit int          `json:"defaultLimit"`
	OverallLimit int          `json:"overallLimit"`
	SpellCorrect *bool        `json:"spellCorrection"`
}

type searchable struct {
	Name    string   `json:"name"`
	Fields  []string `json:"fields"`
	Where   string   `json:"where"`
	OrderBy string   `json:"orderBy"`
	Limit   int      `json:"limit"`
}

// readSearch reads /parameterizedSearch: ?q=text&sobject=Lead&Lead.fields=Id,Name&Lead.limit=2&in=NAME, or the same
// as a document.
func readSearch(c *call) (*seek, *apiError) {
	var in searchWish
	switch c.method {
	case http.MethodPost:
		if err := decodeObject(c.body, &in); err != nil {
			return nil, err
		}
	case http.MethodGet:
		in = wishOf(c.query)
	default:
		return nil, &apiError{code: "METHOD_NOT_ALLOWED", message: "HTTP Method '" + c.method + "' not allowed.", status: http.StatusMethodNotAllowed}
	}
	if in.Q == "" {
		return nil, malformedSearch("search string has to be specified")
	}
	k := &seek{text: in.Q, in: strings.ToUpper(in.In), most: maxPage}
	if in.OverallLimit > 0 {
		k.most = min(k.most, in.OverallLimit)
	}
	for _, o := range in.Objects {
		if !soslPlain.MatchString(o.Name) {
			return nil, malformedSearch("no name of an object: " + o.Name)
		}
		k.targets = append(k.targets, o.soql(in))
	}
	if k.targets == nil {
		k.targets = everywhere()
	}
	return k, nil
}

func wishOf(q url.Values) searchWish {
	list := func(key string) []string {
		return strings.FieldsFunc(q.Get(key), func(r rune) bool { return r == ',' })
	}
	number := func(key string) int {
		n, _ := strconv.Atoi(q.Get(key))
		return n
	}
	in := searchWish{Q: q.Get("q"), In: q.Get("in"), Fields: list("fields"), DefaultLimit: number("defaultLimit"), OverallLimit: number("overallLimit")}
	for _, name := range q["sobject"] {
		in.Objects = append(in.Objects, searchable{
			Name: name, Fields: list(name + ".fields"), Where: q.Get(name + ".where"), OrderBy: q.Get(name + ".orderBy"), Limit: number(name + ".limit"),
		})
	}
	return in
}

// soql is the query that one object of a search stands for.
func (o searchable) soql(in searchWish) string {
	fields := o.Fields
	if len(fields) == 0 {
		fields = in.Fields
	}
	if len(fields) == 0 {
		fields = []string{"Id"}
	}
	soql := "SELECT " + strings.Join(fields, ",") + " FROM " + o.Name
	if o.Where != "" {
		soql += " WHERE " + o.Where
	}
	if o.OrderBy != "" {
		soql += " ORDER BY " + o.OrderBy
	}
	if n := cmp.Or(o.Limit, in.DefaultLimit); n > 0 {
		soql += " LIMIT " + strconv.Itoa(n)
	}
	return soql
}

// searched runs one target: the rows of its query that mention the text.
func (s *Sim) searched(c *call, k *seek, soql string) ([]json.RawMessage, *apiError) {
	q, err := parseSOQL(soql, c.now)
	if err != nil {
		return nil, malformedSearch(err.message)
	}
	o, cols, err := s.bind(q)
	if err != nil {
		return nil, err
	}
	if q.count || len(q.aggs)+len(q.group)+len(q.subs)+len(q.types) > 0 {
		return nil, malformedSearch("only plain fields in RETURNING")
	}
	limit, offset := q.limit, q.offset
	q.limit, q.offset = -1, 0
	hits := slices.DeleteFunc(s.run(q, o, false, c.now), func(h hit) bool { return !k.mentionedIn(o, h.fields) })
	hits = hits[min(offset, len(hits)):]
	if limit >= 0 {
		hits = hits[:min(limit, len(hits))]
	}
	var out []json.RawMessage
	for _, h := range hits[:min(len(hits), k.most)] {
		out = append(out, s.record(nil, o, c.version, h.row.id, h.fields, cols))
	}
	return out, nil
}

// looksAt says whether a search goes through a field.
func (k *seek) looksAt(f *field) bool {
	switch k.in {
	case "NAME":
		return f.textual() && slices.Contains([]string{"Name", "FirstName", "LastName", "Company", "Subject"}, f.name)
	case "EMAIL", "PHONE":
		return f.typ == strings.ToLower(k.in)
	}
	return f.textual()
}

// mentionedIn says whether the fields hold every word of the text, or of a part of it between ORs.
func (k *seek) mentionedIn(o *object, fields values) bool {
	var words []string
	for _, f := range o.fields {
		if v, isText := fields[f.name].(string); isText && k.looksAt(f) {
			words = append(words, strings.FieldsFunc(strings.ToLower(v), between)...)
		}
	}
	for option := range strings.SplitSeq(strings.ReplaceAll(k.text, " AND ", " "), " OR ") {
		if holdsWords(words, strings.ToLower(option)) {
			return true
		}
	}
	return false
}

func holdsWords(words []string, text string) bool {
	any := false
	for want := range strings.FieldsSeq(text) {
		stem, open := strings.CutSuffix(strings.TrimRight(want, `"`), "*")
		for _, part := range strings.FieldsFunc(stem, between) {
			any = true
			if !slices.ContainsFunc(words, func(w string) bool { return w == part || open && strings.HasPrefix(w, part) }) {
				return false
			}
		}
	}
	return any
}

// between tells what stands between words.
func between(r rune) bool { return strings.ContainsRune(" \t\n,.;:@-_/\\()'\"&+", r) }
