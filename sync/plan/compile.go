package plan

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/normalize"
	"github.com/handoffd/handoffd/sync/sla"
)

// Compile turns a checked document into rules. All names that refer from one
// file to another are looked up, and everything wrong is told in one pass,
// ordered by place. The rules are nil when any diagnostic is an error; a
// warning does not stop them.
func Compile(doc *mappings.Doc) (*Rules, []mappings.Diagnostic) {
	c := &compiler{doc: doc, r: &Rules{
		files: doc.Files, write: doc.Mode.S == modeWrite, live: shares{},
		byConn: map[string]*conn{}, byName: map[string]*typ{}, byNoun: map[place][]*typ{}, countedBy: map[place][]*typ{},
		people: map[string]*person{}, teams: map[string]*team{}, caps: map[string]int{},
		freeMail: map[string]bool{}, untouched: map[string]mappings.Text{},
	}, lists: map[string]map[string]bool{}, calendars: map[string]sla.Calendar{}, tiers: map[string]*tier{}}
	c.r.tiers = c.tiers
	c.namedLists()
	c.connections()
	c.speakers()
	c.calendarsOf()
	c.peopleOf()
	c.teamsOf()
	c.territoriesOf()
	c.tiersOf()
	c.escalationsOf()
	c.notifyOf()
	c.settings()
	c.matching()
	c.reportsOf()
	for i := range doc.Handoffs {
		c.typ(&doc.Handoffs[i])
	}
	c.clashes()
	c.startable()
	c.steady()
	c.paths()
	c.parallels()
	c.live()
	c.groups()
	c.watch()
	c.unused()
	c.r.digest = digestOf(doc)
	mappings.Sort(c.ds)
	if mappings.Failed(c.ds) {
		return nil, c.ds
	}
	return c.r, c.ds
}

// digestOf names a folder: the text of its files and the mode it runs in.
func digestOf(doc *mappings.Doc) string {
	mode := doc.Mode.S
	if mode != modeWrite {
		mode = ""
	}
	parts := []string{"rules", mode}
	names := make([]string, 0, len(doc.Files))
	for name := range doc.Files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		parts = append(parts, name, doc.Files[name])
	}
	return state.Digest(parts...)
}

// compiler collects the rules and what is wrong with them.
type compiler struct {
	doc         *mappings.Doc
	r           *Rules
	ds          []mappings.Diagnostic
	lists       map[string]map[string]bool
	calendars   map[string]sla.Calendar
	territories []territory
	tiers       map[string]*tier
	escalations []escalation
	startsNow   bool // what is compiled is a starts_when
	used        map[string]bool
}

func (c *compiler) bad(at mappings.Pos, code, hint, text string, args ...any) {
	c.ds = append(c.ds, mappings.Diagnostic{Pos: at, Code: code, Text: fmt.Sprintf(text, args...), Hint: hint})
}

func (c *compiler) warn(at mappings.Pos, code, hint, text string, args ...any) {
	c.ds = append(c.ds, mappings.Diagnostic{Pos: at, Code: code, Text: fmt.Sprintf(text, args...), Hint: hint, Warn: true})
}

// undefined tells of a name that nothing defines, unless a file that could not
// be read may define it.
func (c *compiler) undefined(name mappings.Text, code, what, file string, known []string) {
	if c.isUnread(file) {
		return
	}
	c.bad(name.Pos, code, didYouMean(name.S, known, "add it to "+file), "there is no %s %q", what, name.S)
}

func (c *compiler) isUnread(file string) bool {
	return slices.ContainsFunc(c.doc.Unread, func(f string) bool { return path.Clean(f) == file })
}

// didYouMean guesses which known name was meant, or says what else to do.
func didYouMean(typed string, known []string, otherwise string) string {
	best, least := "", max(1, min(3, len(typed)/3))+1
	for _, k := range known {
		if d := distance(strings.ToLower(typed), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return otherwise
}

// distance counts the bytes to add, drop, change or swap to get from a to b.
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	last := make([]int, len(b)+1)
	for i := 1; i <= len(a); i++ {
		copy(before, last)
		copy(last, row)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

func (c *compiler) namedLists() {
	for _, l := range c.doc.Lists {
		values := map[string]bool{}
		for _, v := range l.Values {
			values[strings.ToLower(v.S)] = true
		}
		if l.BuiltIn {
			known, ok := mappings.BuiltInList(l.Name.S)
			if !ok {
				c.bad(l.Name.Pos, "undefined-list", "write its values out", "no list %q comes with handoffd", l.Name.S)
			}
			for _, v := range known {
				values[v] = true
			}
		}
		c.lists[l.Name.S] = values
	}
	c.r.phrases, _ = mappings.BuiltInList(boilerplateList)
	c.r.phrases = append(slices.Clone(c.r.phrases), slices.Sorted(maps.Keys(c.lists[boilerplateList]))...)
	free, _ := mappings.BuiltInList(freeMailList)
	for _, d := range free {
		c.r.freeMail[d] = true
	}
	for d := range c.lists[freeMailList] {
		c.r.freeMail[d] = true
	}
}

// freeMailList is the list of mail hosts at which anybody may have an address;
// sharing one of them makes nobody a colleague.
const freeMailList = "free_mail"

// boilerplateList is the list of phrases that fill a note and say nothing.
const boilerplateList = "boilerplate"

// list is a named list; nil and false where there is none.
func (c *compiler) list(name mappings.Text) (map[string]bool, bool) {
	c.use(aList, name.S)
	if l, ok := c.lists[name.S]; ok {
		return l, true
	}
	if values, ok := mappings.BuiltInList(name.S); ok {
		l := map[string]bool{}
		for _, v := range values {
			l[v] = true
		}
		return l, true
	}
	return nil, false
}

func (c *compiler) listNames() []string {
	names := []string{freeMailList}
	for _, l := range c.doc.Lists {
		names = append(names, l.Name.S)
	}
	return names
}

// word finds what is known of a field in any of some connections.
func word(conns []*conn, f field) (normalize.Field, bool) {
	for _, c := range conns {
		if w, ok := c.m.Word(f.noun, f.word); ok {
			return w, true
		}
	}
	return normalize.Field{}, false
}

// fieldIn reads a field that has to be known in one of some connections.
func (c *compiler) fieldIn(t mappings.Text, conns []*conn, optional bool) (field, bool) {
	noun, name, dotted := strings.Cut(t.S, ".")
	f := field{noun, name}
	if !dotted || !slices.Contains(mappings.Nouns(), noun) {
		c.bad(t.Pos, "bad-field", "a field is written like person.email", "%q is not a field", t.S)
		return f, false
	}
	if _, ok := word(conns, f); ok {
		return f, true
	}
	if len(conns) == 0 || c.unreadMapping(conns) { // that has been told, where it is wrong
		return f, false
	}
	var known, names []string
	for _, cn := range conns {
		names = append(names, cn.name)
		for _, w := range cn.m.Words(noun) {
			known = append(known, noun+"."+w)
		}
	}
	hint := didYouMean(t.S, known, "add it to the mapping, or leave it out")
	if optional {
		c.warn(t.Pos, "unmapped-field", hint, "%s is mapped nowhere in %s, so it stays blank", t.S, strings.Join(names, ", "))
	} else {
		c.bad(t.Pos, "undefined-field", hint, "%s is mapped nowhere in %s", t.S, strings.Join(names, ", "))
	}
	return f, false
}

// unreadMapping reports whether a word may stand in a mapping that could not
// be read.
func (c *compiler) unreadMapping(conns []*conn) bool {
	return slices.ContainsFunc(conns, func(n *conn) bool { return c.isUnread(n.file) })
}

// isFreeMail reports whether anybody may have an address at a domain.
func (r *Rules) isFreeMail(domain string) bool { return r.freeMail[domain] }
