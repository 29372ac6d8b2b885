package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
)

// facts answer what a condition or a template asks about the record at hand.
// What costs a look into the view is looked up when it is first asked for.
type facts struct {
	r           *Rules
	v           View
	now         time.Time
	conn        *conn          // where the record lives
	rec         *state.Record  // the record at hand
	to          *conn          // where the handoff lands
	land        *state.Record  // the record that carries it there, when that is another one
	landPending bool           // it is being made for another handoff right now
	landWith    *state.Handoff // another record's, for which it is being made
	landCached  bool           // and how old our reading of it is, nobody knows
	landBy      string         // how it was found

	// before holds what the fields of a condition said at assignment; a value
	// that has not changed since says nothing new. Keyed by beforeKey.
	before map[string]any

	// news is the record that brought the news, where that is not the one at
	// hand: somebody who completes a count, or what a program has said.
	news    *state.Record
	usage   *state.Record // what programs have said of it; nil: look it up
	counted map[*cond][]group

	// said is the record whose last words these are, where it was merged into the
	// one at hand before they were read.
	said connectors.Ref

	// handoff is the one that is judged, where there is one; another says that
	// handoffd's own fields on the record at hand speak of another one.
	handoff *state.Handoff
	another bool
	// accepting says that a task somebody has begun counts like one ticked off.
	accepting bool

	found  *finding
	linked map[string]*state.Record
	wait   string // why nothing can be decided yet
}

// finding is the account a record belongs to.
type finding struct {
	record *state.Record // nil: none
	deals  []state.Record
	conn   *conn // whose user ids the account speaks
	review bool
	// suspects are the accounts a person has to choose from, the likeliest first.
	suspects []state.Record
	why      []state.Reason
}

func (r *Rules) facts(now time.Time, v View, rec *state.Record) *facts {
	c := r.byConn[rec.Ref.Conn]
	return &facts{r: r, v: v, now: now, conn: c, rec: rec, to: c}
}

// spokeFor is the record whose signal it is.
func (f *facts) spokeFor() connectors.Ref {
	if !f.said.IsZero() {
		return f.said
	}
	return f.rec.Ref
}

// value is a field of the record at hand, of its account, or of a record it is
// linked to; blank where there is none.
func (f *facts) value(of field) string {
	if !of.given() {
		return ""
	}
	r := f.record(of.noun)
	if r == nil {
		return ""
	}
	v := r.Fields[of.word]
	if c := f.r.byConn[r.Ref.Conn]; c != nil && v != "" && c.shared[of] != "" {
		return f.theirs(r.Ref, c.shared[of], v)
	}
	return v
}

// record is the record a noun stands for; nil: there is none.
func (f *facts) record(noun string) *state.Record {
	switch noun {
	case f.rec.Noun:
		return f.rec
	case nounCompany:
		return f.account().record
	case nounUsage:
		if f.usage == nil {
			t, _ := f.v.Told(state.ToldKey(f.rec.Ref))
			f.usage = &t.Last
		}
		return f.usage
	}
	if f.linked == nil {
		f.linked = map[string]*state.Record{}
	}
	r, known := f.linked[noun]
	if !known {
		r = f.link(f.conn, f.rec, noun)
		f.linked[noun] = r
	}
	return r
}

// has reports whether there is a record of the noun at all.
func (f *facts) has(noun string) bool { return f.record(noun) != nil }

// link is the first record of a noun that another is linked to.
func (f *facts) link(c *conn, from *state.Record, noun string) *state.Record {
	if c == nil {
		return nil
	}
	for _, ref := range from.Links {
		if c.m.Noun(ref.Kind) != noun {
			continue
		}
		if r, ok := f.v.Record(ref); ok && !r.Deleted {
			return &r
		}
	}
	return nil
}

func beforeKey(ref connectors.Ref, of field) string { return ref.String() + " " + of.String() }

// unchanged reports whether a field still says what it said at assignment.
func (f *facts) unchanged(of field, v string) bool {
	if f.before == nil {
		return false
	}
	was, known := f.before[beforeKey(f.rec.Ref, of)]
	return known && was == any(v)
}

// account finds the account once, and says why it is the one.
func (f *facts) account() *finding {
	if f.found != nil {
		return f.found
	}
	f.found = &finding{}
	if f.rec.Noun == nounCompany {
		f.itself()
		return f.found
	}
	where := []*conn{f.to}
	if f.conn != f.to {
		where = append(where, f.conn)
	}
	for _, c := range where {
		if c != nil && f.find(c) {
			break
		}
	}
	return f.found
}

// itself is a company that is at hand: it is its own account.
func (f *facts) itself() {
	f.found.record, f.found.conn = f.rec, f.conn
	for _, a := range f.v.Candidates(match.Query{Conn: f.conn.name, Link: f.rec.Ref}) {
		if a.Record.Ref == f.rec.Ref {
			f.found.deals = a.Deals
		}
	}
}

// find looks for the account in one connection. It reports whether to look no
// further: it was found, or cannot be looked for yet.
func (f *facts) find(c *conn) bool {
	q := f.query(c)
	result := match.Pick(q, f.candidates(c, q), c.match)
	if result.Account == nil || result.Via != match.ByLink {
		if known, ok := f.v.Conn(c.name); !ok || !known.Mirror {
			// "No match" may be said only of a complete mirror.
			f.wait = "the accounts of " + c.name + " have not all been read yet"
			return true
		}
	}
	switch {
	case f.rec.Noun != nounPerson && (result.Account == nil || result.Review):
		return false // whose a person is, is asked about that person
	case result.Account == nil:
		return f.similar(c, q)
	}
	f.found.record, f.found.conn, f.found.review = &result.Account.Record, c, result.Review
	f.found.deals = result.Account.Deals
	f.found.why = matchWhy(result)
	if result.Review {
		f.found.suspects = append(f.found.suspects, result.Account.Record)
		for _, l := range result.Losers {
			f.found.suspects = append(f.found.suspects, l.Account.Record)
		}
	}
	return true
}

// candidates are the accounts that may be the one, with whether a person owns
// them, where there are several.
func (f *facts) candidates(c *conn, q match.Query) []match.Account {
	found := f.v.Candidates(q)
	if len(found) < 2 {
		return found
	}
	out := slices.Clone(found)
	for i := range out {
		id := out[i].Record.Fields[wordOwner]
		if id == "" || isEmail(id) {
			continue
		}
		u, known := f.v.User(c.name, id)
		// Whether they are there is the owner list's to say, and who would have
		// it without them: the account is the same either way.
		out[i].Idle = !known || u.Queue
	}
	return out
}

func matchWhy(m match.Result) []state.Reason {
	var out []state.Reason
	for _, w := range m.Why {
		out = append(out, state.Reason{Text: w})
	}
	return out
}

// titled names a record to a person.
func titled(r *state.Record) string {
	for _, w := range []string{wordName, wordFullName, wordEmail} {
		if v := r.Fields[w]; v != "" {
			return v
		}
	}
	return r.Ref.String()
}

// query is what is known for finding the account in a connection.
func (f *facts) query(c *conn) match.Query {
	var q match.Query
	if who := f.buyer(); who != nil {
		q = match.About(*who, c.name, f.r.isFreeMail)
		if _, ok := c.m.Word(nounCompany, wordPhone); ok {
			q.Phone = match.Phone(*who)
		}
	}
	q.Conn, q.Link = c.name, f.companyLink(c)
	return q
}

// companyLink is the account that a CRM itself links, as a record of c.
func (f *facts) companyLink(c *conn) connectors.Ref {
	from, of := f.rec, f.conn
	if f.land != nil && f.to == c {
		from, of = f.land, c
	}
	if of == nil {
		return connectors.Ref{}
	}
	link := of.belongs(from)
	if from.Noun == nounCompany {
		link = from.Ref
	}
	if who := f.buyer(); link.IsZero() && from == f.rec && who != nil {
		link = of.belongs(who)
	}
	if link.IsZero() || link.Conn == c.name {
		return link
	}
	return f.elsewhere(link, c, nounCompany)
}

// elsewhere is who a record is in another connection; zero: not known there.
func (f *facts) elsewhere(ref connectors.Ref, c *conn, noun string) connectors.Ref {
	same, _ := f.v.Same(ref)
	own, _ := f.v.Record(ref)
	var found connectors.Ref
	over := false
	for _, r := range same.Refs {
		if r.Conn != c.name || c.m.Noun(r.Kind) != noun {
			continue
		}
		rec, known := f.v.Record(r)
		alive := known && !rec.Deleted && rec.MovedTo.IsZero()
		if found.IsZero() || over && alive {
			found, over = r, known && !alive // one that was merged away lives on as another of them
		}
		// Of two that were one person's there, one may have another address by now.
		if alive && own.Fields[wordEmail] != "" && strings.EqualFold(rec.Fields[wordEmail], own.Fields[wordEmail]) {
			return r
		}
	}
	return found
}

// user is the person behind a CRM's user id, or behind an address; "" for a
// queue, for nobody and for one the CRM does not know.
func (f *facts) user(c *conn, id string) string {
	if id == "" || c == nil {
		return ""
	}
	if strings.Contains(id, "@") {
		return strings.ToLower(id)
	}
	if u, ok := f.v.User(c.name, id); ok && !u.Queue {
		return u.Email
	}
	return ""
}
