package plan

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
	"github.com/handoffd/handoffd/sync/normalize"
	"github.com/handoffd/handoffd/sync/sla"
)

// Rules are the admin's folder, checked and ready. They never change, and
// nothing in them has to be checked again. [Compile] makes them.
type Rules struct {
	digest    string
	files     map[string]string
	write     bool
	live      shares
	conns     []*conn
	byConn    map[string]*conn
	types     []*typ
	byName    map[string]*typ
	byNoun    map[place][]*typ // types that may start there
	countedBy map[place][]*typ // types about a company that count such records
	people    map[string]*person
	caps      map[string]int // the smallest cap a person has in any team
	teams     map[string]*team
	tiers     map[string]*tier
	never     []never
	imports   imports
	sources   []source
	freeMail  map[string]bool
	phrases   []string                 // that fill a note and say nothing
	authority *conn                    // the one CRM whose owner field may be written; nil: each its own
	sayOver   map[string]*conn         // the same for other fields, by word or noun.word
	untouched map[string]mappings.Text // e-mails, and names of queues, by what they are in lower case
	safety    Safety
	calendars map[string]sla.Calendar
	feeds     []Feed
	leaveCRM  bool
	calendar  sla.Calendar // of people who have none
	revops    string       // who looks after the rules; blank: nobody is named
	notify    notify
	reports   reports
	back      map[string]bool // nouns of which something is told back
}

// place is a noun of a connection.
type place struct{ conn, noun string }

// conn is one connection with its vocabulary.
type conn struct {
	name, crm string
	file      string // its mapping
	webhooks  bool
	tells     bool // by webhooks, what people change
	pollEvery time.Duration
	share     float64
	group     int
	made      bool      // people there are made by the CRMs' own sync
	from      time.Time // handoffs_from; zero: the first start
	m         *normalize.Mapping
	match     match.Config
	weights   match.Weights               // of accounts that are alike
	reviewer  string                      // who looks at what nobody can tell; blank: nobody is named
	codes     map[field]map[string]string // our word → the CRM's code
	speaks    *speaker                    // the program that speaks of its records; nil: none
	several   map[field]map[string]bool   // our words that stand for several codes
	shared    map[field]string            // words that read a field of ours which people fill in too → that field
	signals   map[string][]string         // noun → words that some type starts by
	asked     map[connectors.Kind]string  // names the fields that are read of a kind
	// peopleCount says that what is counted on people tells of their company.
	peopleCount bool
}

// person may own, manage or stand in.
type person struct {
	who, manager, backup string
	calendar             sla.Calendar
	can                  map[string][]string
	away                 []absence // as people.yaml says, by beginning
	leaveCRM, leaveFeeds bool      // a team they are in believes these
}

// team is a pool, or a name for who is accountable.
type team struct {
	name, accountable, manager string
	members                    []member
	backupIfFull               bool
	byTier                     bool
	atMost                     int // all members together; 0: no cap
	pos                        mappings.Pos
}

type member struct {
	who            string
	weight, atMost int
}

// never is a condition under which nothing starts.
type never struct {
	name string
	when cond
	pos  mappings.Pos
}

// imports gives bulk lists a tier of their own.
type imports struct {
	when cond
	tier *tier
	most int // start in one per; 0: any number
	per  time.Duration
	span string // per, in the admin's words
	pos  mappings.Pos
}

// typ is one type of handoff.
type typ struct {
	name, what, about string
	file              string
	pos               mappings.Pos
	on                []*conn
	deliver           *conn // nil: it stays where it started
	starts            []start
	happened          field
	onlyIf            cond
	onlyIfPos         mappings.Pos
	onlyIfLocal       bool      // it looks at the record itself only
	days              []dayEdge // what of it the calendar can make true
	otherwiseSet      []setting
	listAs            string
	context           contextRule
	before, after     []checkItem // the checklist
	milestones        []milestone
	prepared          mappings.Text // the type that should have run before
	back              tellBack
	tiers             []tierRow
	lines             []ownerLine
	from              string
	giver             *team // nil: whoever owns the record
	until             string
	becomes           string // the word the receiver is written to
	support           field
	accepted          cond
	acceptFields      []field
	steps             []step // of all escalations, list after list
	subject           template
	taskType          string
	firstTouch        string // "call", "email", "meeting"
	firstTouches      []touchKind
	watchers          []watcher
	exceptions        []exception
	completed         cond
	returned          returning
}

// start is one of the alternatives that start a type.
type start struct {
	when cond
	tag  string // names the condition, so that a rule changed later is noticed
	see  []field
	// counts are the parts of when that count; they point into it.
	counts []*cond
	pos    mappings.Pos
}

type setting struct {
	field field
	value string
}

type tierRow struct {
	when cond
	tier *tier
	pos  mappings.Pos
}

// tier is a set of clocks.
type tier struct {
	name, purpose string
	none          bool
	rank          int
	priority      string
	assign        sla.Duration       // of the clock that always runs, from the signal
	lasts         map[string]lasting // by clock; the others
	attempts      int                // how many, at least
}

// step is one step of an escalation.
type step struct {
	clock   string
	percent float64
	remind  string // a role, or a person; blank: nobody
	alert   []string
	tell    []string
	give    string
	task    template // what it says
	taskFor string
	say     template // in place of the usual words
	mark    bool
	pos     mappings.Pos
}

// Digest names the rules by the text of their files and the mode.
func (r *Rules) Digest() string { return r.digest }

// Files are the texts the rules were made of, by file name.
func (r *Rules) Files() map[string]string { return maps.Clone(r.files) }

// Mode is "observe" or "write".
func (r *Rules) Mode() string {
	if r.write {
		return modeWrite
	}
	return "observe"
}

// Observing reports whether nothing leaves, whatever was decided before.
func (r *Rules) Observing() bool { return !r.write }

// Conn is what the engine has to know of a connection.
type Conn struct {
	Name, CRM string
	Webhooks  bool
	PollEvery time.Duration // 0: the default
	Share     float64       // of the daily calls, 0 < Share ≤ 1; 0: the default
	Group     int           // connections with one number share decisions
	From      time.Time     // no signal before this counts; zero: the first start
}

// Conns are the connections in declared order.
func (r *Rules) Conns() []Conn {
	out := make([]Conn, 0, len(r.conns))
	for _, c := range r.conns {
		out = append(out, Conn{c.name, c.crm, c.webhooks, c.pollEvery, c.share, c.group, c.from})
	}
	return out
}

// Groups are the connections that decide together, each in exactly one group,
// in the order of their first connection.
func (r *Rules) Groups() [][]string {
	var out [][]string
	at := map[int]int{}
	for _, c := range r.conns {
		i, ok := at[c.group]
		if !ok {
			i = len(out)
			at[c.group] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], c.name)
	}
	return out
}

// Types are the names of the handoff types in declared order.
func (r *Rules) Types() []string {
	out := make([]string, len(r.types))
	for i, t := range r.types {
		out[i] = t.name
	}
	return out
}

// Watch is one kind to follow.
type Watch struct {
	Kind   connectors.Kind
	Noun   string
	Mirror bool     // list everything before following changes: companies, deals
	Fields []string // the CRM's names, sorted, and handoffd's own by their standard names
	Own    []string // those of them that no mapping names
	Wakes  []string // what of it the calendar alone can start a type by, as text
}

// Watched is what to follow in a connection, in the order of its mapping.
func (r *Rules) Watched(name string) []Watch {
	c := r.byConn[name]
	if c == nil {
		return nil
	}
	var out []Watch
	for _, k := range c.m.Kinds() {
		noun := c.m.Noun(k)
		out = append(out, Watch{Kind: k, Noun: noun, Mirror: noun != nounPerson, Fields: r.fields(c, k), Own: r.unmapped(c, k), Wakes: r.wakes(c, noun)})
	}
	if r.handsOver(c) {
		out = append(out, Watch{Kind: connectors.Activity, Noun: nounActivity})
	}
	return out
}

// handsOver reports whether any type starts or lands in a connection.
func (r *Rules) handsOver(c *conn) bool {
	return slices.ContainsFunc(r.types, func(t *typ) bool { return t.deliver == c || slices.Contains(t.on, c) })
}

// Fields are the CRM's fields to read for a kind, sorted; nil for a kind that
// no rule looks at.
func (r *Rules) Fields(name string, kind connectors.Kind) []string {
	if c := r.byConn[name]; c != nil {
		return r.fields(c, kind)
	}
	return nil
}

// LocateFields are the fields to read of a record that a need found, by kind.
func (r *Rules) LocateFields(name string) map[connectors.Kind][]string {
	c := r.byConn[name]
	if c == nil {
		return nil
	}
	out := map[connectors.Kind][]string{}
	for _, k := range c.m.Kinds() {
		out[k] = r.fields(c, k)
	}
	return out
}

// Normalize turns a CRM's object into a record in the company's words, with
// what could not be read as listings without a time.
func (r *Rules) Normalize(o connectors.Object) (state.Record, []state.Listing) {
	c := r.byConn[o.Ref.Conn]
	if c == nil {
		return state.Record{Ref: o.Ref, Version: o.Version, Deleted: o.Deleted, MovedTo: o.MovedTo}, nil
	}
	if o.Ref.Kind == connectors.Activity {
		return activityRecord(o), nil
	}
	rec, unmapped := c.m.Record(o)
	rec.Asked = c.asked[o.Ref.Kind]
	r.recall(c, o, &rec)
	var out []state.Listing
	for _, u := range unmapped {
		out = append(out, state.Listing{
			List: "unmapped", Subject: o.Ref.Conn + " " + rec.Noun + "." + u.Word + " " + quote(u.Raw), Text: u.Why, Count: 1,
		})
	}
	return rec, out
}

// kinds are the kinds in which a connection keeps what the type is about.
func (t *typ) kinds(c *conn) []connectors.Kind { return c.m.NounKinds(t.about) }

func isEmail(s string) bool { return strings.Contains(s, "@") }
