package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
	"github.com/handoffd/handoffd/sync/normalize"
	"github.com/handoffd/handoffd/sync/sla"
)

// A match that a person has to look at is one task for whoever `reviewed_by`
// names, with both records linked. The buyer is handed over meanwhile. The
// answer is given in the CRM: the person is linked to their account, or its id
// is written where the mapping keeps `belongs_to`; ticking the task off says
// that it is none of these. Either answer is remembered.

const (
	stepReview      = "review"
	auditReviewed   = "review answered"
	mostSuspects    = 4
	wordBelongsTo   = "belongs_to" // person: the id of the account that somebody has written there
	listRematched   = "rematched"  // of another account now than when it was assigned
	reviewNoAccount = "none of these"
)

// matching reads who looks at what nobody can tell, and the weights of what is
// alike.
func (c *compiler) matching() {
	told := map[string]match.Weights{}
	for _, n := range c.r.conns {
		m := c.mapping(n.file).MatchPeople
		n.reviewer = m.ReviewedBy.S
		w, known := told[n.file]
		if !known { // one mapping may serve several connections
			w = c.weights(m)
			told[n.file] = w
			c.whom(m.ReviewedBy)
			if m.ReviewedBy.Given() && !m.IfSeveral.Given() {
				c.warn(m.ReviewedBy.Pos, "no-effect", "add if_several_match: review", "nothing is given to a person to look at")
			}
		}
		n.weights = w
	}
}

// weights are those of the file that a mapping names, else those that come with
// handoffd.
func (c *compiler) weights(m mappings.Match) match.Weights {
	text, given := c.doc.Files[path.Clean(m.Weights.S)]
	if !m.Weights.Given() || !given { // of one that cannot be read the loader has told
		w, err := match.Shipped()
		if err != nil {
			c.bad(mappings.Pos{File: "handoffd.yaml"}, "weights", "", "the weights that come with handoffd cannot be read: %v", err)
		}
		return w
	}
	w, err := match.ReadWeights([]byte(text))
	if err != nil {
		c.bad(m.Weights.Pos, "weights", "estimate them anew: handoffd match --accounts A.csv --leads confirmed.csv --fit "+m.Weights.S, "%s cannot be used: %v", m.Weights.S, err)
	}
	if len(m.Try) > 0 && !slices.ContainsFunc(m.Try, func(t mappings.MatchStep) bool { return t.Alike[0].Given() }) {
		c.warn(m.Weights.Pos, "no-effect", "add a line alike to try_in_order", "nothing is weighed where no line of try_in_order says alike")
	}
	return w
}

// reviewer is who looks at a connection's matches; "": nobody is named.
func (r *Rules) reviewer(c *conn) string {
	if c == nil || c.match.IfSeveral == "" {
		return ""
	}
	if c.reviewer == roleRevops {
		return r.revops
	}
	return c.reviewer
}

// review gives a match that nobody can tell to a person to look at.
func (d *deciding) review(f *facts, h state.Handoff) state.Handoff {
	a := f.account()
	who := d.r.reviewer(a.conn)
	if !a.review || who == "" || h.Observed || h.Review != nil || d.inReview(h) {
		return h
	}
	suspects := a.suspects[:min(len(a.suspects), mostSuspects)]
	r := &state.Review{At: d.now, By: who}
	for _, s := range suspects {
		r.Suspects = append(r.Suspects, s.Ref)
	}
	on := h.Target
	if on.ID == "" || on.Conn != a.conn.name && h.Record.Conn == a.conn.name {
		on = h.Record
	}
	var with connectors.Ref
	if len(suspects) > 0 && suspects[0].Ref.Conn == on.Conn {
		with = suspects[0].Ref
	}
	h.Review = r
	d.audit("review asked", h.ID, map[string]string{"who": who, "suspects": joinRefs(r.Suspects)})
	return d.chore(h, chore{
		step: stepReview, who: who, subject: "Which account is " + titled(f.rec) + " of?", body: f.reviewText(h, suspects),
		kind: "todo", priority: "medium", due: d.calendarOf(who).Add(d.now, sla.Of(mappings.Duration{N: 1, Unit: mappings.Day, Working: true})), on: on, with: with,
	})
}

// inReview reports whether another handoff of the same person asks already.
func (d *deciding) inReview(h state.Handoff) bool {
	return slices.ContainsFunc(slices.Concat(d.c.Handoffs, d.v.Handoffs(h.Record)), func(o state.Handoff) bool {
		return o.ID != h.ID && o.Review != nil && o.Review.Answered.IsZero()
	})
}

func joinRefs(refs []connectors.Ref) string {
	var out []string
	for _, r := range refs {
		out = append(out, r.String())
	}
	return strings.Join(out, " ")
}

func (f *facts) reviewText(h state.Handoff, suspects []state.Record) string {
	who := titled(f.rec)
	if e := f.rec.Fields[wordEmail]; e != "" && e != who {
		who += ", " + e
	}
	if e := f.rec.Fields[wordCompanyName]; e != "" {
		who += ", " + e
	}
	lines := []string{
		"handoffd cannot tell which account this is a buyer of: " + who + " (" + f.rec.Ref.String() + ").",
		orNobody(h.Owner) + " has the handoff meanwhile.", "", "It may be:",
	}
	for _, s := range suspects {
		text := "- " + accountName(s)
		for _, w := range []string{wordDomain, wordCountry} {
			if v := s.Fields[w]; v != "" {
				text += ", " + v
			}
		}
		lines = append(lines, text)
	}
	lines = append(lines, "", sentence(f.account().why), "")
	answer := "Link the person to their account"
	if c := f.conn; c != nil {
		if _, ok := c.m.Word(nounPerson, wordBelongsTo); ok {
			answer += fmt.Sprintf(", or write the account's id where %s is kept", strings.ReplaceAll(wordBelongsTo, "_", " "))
		}
	}
	return strings.Join(append(lines, answer+": handoffd remembers it for the next buyer. If it is none of these, tick this off, and nobody is asked about them again."), "\n")
}

// reviewTicked is a review whose task was ticked off without an answer in the
// CRM: it is none of those that were named.
func (d *deciding) reviewTicked(h state.Handoff, by string) {
	if h.Review == nil || !h.Review.Answered.IsZero() {
		return
	}
	d.put(d.answered(h, connectors.Ref{}, by))
	rec, known := d.v.Record(h.Record)
	if !known {
		return
	}
	f := d.r.facts(d.now, d.v, &rec)
	for _, s := range h.Review.Suspects {
		if c := d.r.byConn[s.Conn]; c != nil {
			for _, key := range f.learnable(c) {
				d.deny(c, key, s, rec.Ref)
			}
		}
	}
}

// learnable are the domain and the company's name of a person, as far as they say
// something.
func (f *facts) learnable(c *conn) (keys []string) {
	q := f.query(c)
	if q.Domain != "" {
		keys = append(keys, "domain:"+q.Domain)
	}
	if q.Name != "" && f.employer() != "" {
		keys = append(keys, "name:"+q.Name)
	}
	return keys
}

// deny remembers that a domain or a name is not an account's, so that nobody is
// asked again. What a person has said it is stays, and so does what an operator
// has taken back.
func (d *deciding) deny(c *conn, key string, account, from connectors.Ref) {
	for _, known := range d.v.Aliases(c.name, key) {
		if known.Account == account && (known.Forgotten || known.Not || known.By != state.AliasHistory) {
			return
		}
	}
	d.c.Aliases = append(d.c.Aliases, state.Alias{Conn: c.name, Key: key, Account: account, By: state.AliasReview, From: []connectors.Ref{from}, At: d.now, Not: true})
	d.because(d.why("", "%s is remembered as not %s", key, account))
	d.audit("alias denied", key, map[string]string{"account": account.String(), "from": from.String()})
}

// answered closes a review.
func (d *deciding) answered(h state.Handoff, account connectors.Ref, by string) state.Handoff {
	r := *h.Review
	r.Answered, r.Account = d.now, account
	h.Review = &r
	said := reviewNoAccount
	if !account.IsZero() {
		said = account.String()
	}
	d.because(d.why("", "the review was answered: %s", said))
	d.audit(auditReviewed, h.ID, map[string]string{"account": said, "by": by})
	return h
}

// belongs is the account that a CRM itself, or a person in it, says somebody
// belongs to; zero: none.
func (c *conn) belongs(rec *state.Record) connectors.Ref {
	if id := rec.Fields[wordBelongsTo]; id != "" && rec.Noun == nounPerson {
		if kinds := c.m.NounKinds(nounCompany); len(kinds) > 0 {
			return connectors.Ref{Conn: c.name, Kind: kinds[0], ID: id}
		}
	}
	if i := slices.IndexFunc(rec.Links, func(l connectors.Ref) bool { return c.m.Noun(l.Kind) == nounCompany }); i >= 0 {
		return rec.Links[i]
	}
	return connectors.Ref{}
}

// teaches learns from the account that a person is linked to: their domain and
// company name are shown to be its.
func (d *deciding) teaches(c *conn, rec, prev *state.Record, seen bool, carried []state.Handoff) {
	if rec.Noun != nounPerson {
		return
	}
	link := c.belongs(rec)
	was := c.belongs(prev)
	if link.IsZero() || link.Conn != c.name || seen && link == was && samePerson(rec, prev) {
		return
	}
	account, ok := d.v.Record(link)
	if !ok || account.Deleted || !account.MovedTo.IsZero() || account.Noun != nounCompany {
		return
	}
	by := state.AliasHistory
	if seen && link != was && d.byPerson(c, rec) {
		by = state.AliasLink
	}
	for _, h := range carried {
		h = d.current(h)
		if link != was && h.Review != nil && h.Review.Answered.IsZero() {
			by = state.AliasReview
			d.put(d.choreDone(d.answered(h, link, d.modifier(c, rec)), stepReview))
		}
	}
	f := d.r.facts(d.now, d.v, rec)
	q := f.query(c)
	if q.Domain != "" && (by == state.AliasReview || normalize.Registrable(normalize.HostOf(account.Fields[wordDomain])) != q.Domain) {
		d.learn(c, "domain:"+q.Domain, link, by, rec.Ref)
	}
	if q.Name != "" && f.employer() != "" && (by == state.AliasReview || normalize.CompanyName(account.Fields[wordName]) != q.Name) {
		d.learn(c, "name:"+q.Name, link, by, rec.Ref)
	}
}

// samePerson reports whether two readings say the same of who somebody works for.
func samePerson(a, b *state.Record) bool {
	return !slices.ContainsFunc(identifying(), func(w string) bool { return a.Fields[w] != b.Fields[w] })
}

// identifying are the words of a person that an account is found by.
func identifying() []string {
	return []string{wordEmail, wordCompanyName, wordCountry, wordPhone, wordBelongsTo}
}

// byPerson reports whether an active person of the CRM has changed a record last.
func (d *deciding) byPerson(c *conn, rec *state.Record) bool { return d.modifier(c, rec) != "" }

func (d *deciding) modifier(c *conn, rec *state.Record) string {
	u, ok := d.v.User(c.name, rec.ModifiedBy)
	if !ok || u.Queue || !u.Active {
		return ""
	}
	return u.Email
}

// learn remembers that a domain or a name is an account's. What an operator has
// taken back is not learnt again.
func (d *deciding) learn(c *conn, key string, account connectors.Ref, by string, from connectors.Ref) {
	a := state.Alias{Conn: c.name, Key: key, Account: account, By: by}
	for _, known := range d.v.Aliases(c.name, key) {
		if known.Account != account {
			continue
		}
		if known.Forgotten || known.Not && by == state.AliasHistory || known.Counts() && (by == state.AliasHistory || known.By == by || known.By == state.AliasReview) {
			return
		}
		a = known
		a.Not = false
		if by != state.AliasHistory {
			a.By = by
		}
	}
	if slices.Contains(a.From, from) && a.By == state.AliasHistory {
		return
	}
	if !slices.Contains(a.From, from) {
		a.From = append(slices.Clone(a.From), from)
	}
	a.From, a.At = a.From[max(0, len(a.From)-2):], d.now
	d.c.Aliases = append(d.c.Aliases, a)
	if a.Counts() {
		d.because(d.why("", "%s is remembered as %s", key, account))
		d.audit("alias learnt", key, map[string]string{"account": account.String(), "by": a.By, "from": from.String()})
	}
}
