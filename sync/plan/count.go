package plan

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/normalize"
)

// Crowd asks for the records around one account that hold a date: those the
// CRM links to it and, for people it links to nothing, those with an address
// at its domain. Only records that have been read are known, and at most the
// 200 newest are answered.
type Crowd struct {
	Noun    string         // "person" or "deal"
	Account connectors.Ref // and its connection
	Domain  string         // registrable; blank where it identifies nobody
	Word    string         // the date field
	Since   time.Time      // the date is not older; a day counts to its end
}

// Fits reports whether a record holds a date that is young enough.
func (q Crowd) Fits(r state.Record) bool {
	_, ok := q.at(r)
	return ok
}

// at is the instant of a record's date, if it is young enough.
func (q Crowd) at(r state.Record) (time.Time, bool) {
	at, day, ok := instant(r.Fields[q.Word])
	if day {
		return at, ok && at.Add(24*time.Hour).After(q.Since)
	}
	return at, ok && !at.Before(q.Since)
}

func (q Crowd) id() string {
	return state.Digest("crowd", q.Noun, q.Account.String(), q.Domain, q.Word, q.Since.UTC().Format(time.RFC3339Nano))
}

// count is `count_at_least`: so many records around one account hold a date
// that is not older than within, all with the same value of a word.
type count struct {
	least  int
	within time.Duration
	same   string // a word of the counted noun; blank: any
	span   string // within, as the admin typed it
}

// group are the records that reach a count, by the value they share.
type group struct {
	token  string // names it in a trigger version
	label  string // in small letters
	said   string // as the first of them has it
	newest time.Time
	refs   []connectors.Ref
	who    []string // who they are, for a person
}

// groups are those that reach the count now, ordered by what they share. A
// record about which is decided has to be one of its group.
func (f *facts) groups(c *cond) []group {
	if known, ok := f.counted[c]; ok {
		return known
	}
	if f.counted == nil {
		f.counted = map[*cond][]group{}
	}
	var out []group
	for _, g := range f.gather(c) {
		among := f.rec.Noun != c.field.noun || slices.Contains(g.refs, f.rec.Ref)
		if len(g.refs) >= c.count.least && among {
			out = append(out, g)
		}
	}
	f.counted[c] = out
	return out
}

// gather counts each record once, and one e-mail address once.
func (f *facts) gather(c *cond) []group {
	a := f.account().record
	if a == nil || f.wait != "" || a.Ref.Conn != f.conn.name {
		return nil
	}
	q := Crowd{Noun: c.field.noun, Account: a.Ref, Word: c.field.word, Since: f.now.Add(-c.count.within)}
	if d := normalize.Registrable(normalize.HostOf(a.Fields[wordDomain])); !f.r.freeMail[d] {
		q.Domain = d
	}
	var out []group
	seen := map[string]bool{}
	for _, r := range f.present(q) {
		at, ok := q.at(r)
		label := strings.ToLower(r.Fields[c.count.same])
		who := r.Fields[wordEmail]
		if !ok || at.After(f.now) || c.count.same != "" && label == "" || who != "" && seen[who] {
			continue
		}
		seen[who] = true
		i := slices.IndexFunc(out, func(g group) bool { return g.label == label })
		if i < 0 {
			i = len(out)
			out = append(out, group{token: state.Digest("group", c.text, label)[:8], label: label, said: r.Fields[c.count.same]})
		}
		out[i].refs, out[i].who = append(out[i].refs, r.Ref), append(out[i].who, counted(&r))
		if at.After(out[i].newest) {
			out[i].newest = at
		}
	}
	slices.SortFunc(out, func(a, b group) int { return strings.Compare(a.label, b.label) })
	return out
}

// sayGroups says which groups reach the count.
func (f *facts) sayGroups(c *cond) string {
	var said []string
	for _, g := range f.groups(c) {
		text := strconv.Itoa(len(g.refs)) + " of one " + nounCompany
		if g.label != "" {
			text += " with the " + strings.ReplaceAll(c.count.same, "_", " ") + " " + quote(g.said)
		}
		said = append(said, text+" ("+c.field.said()+", within "+c.count.span+")")
	}
	if len(said) == 0 {
		return "not yet: " + c.text
	}
	return strings.Join(said, " and ")
}

// mostNamed is how many of a group a brief names.
const mostNamed = 12

// whoCounted names those whose number is the signal, for whoever has to write to
// them.
func (f *facts) whoCounted(t *typ) string {
	var names []string
	for i := range t.starts {
		for _, c := range t.starts[i].counts {
			for _, g := range f.groups(c) {
				for _, name := range g.who {
					if !slices.Contains(names, name) {
						names = append(names, name)
					}
				}
			}
		}
	}
	if len(names) == 0 {
		return ""
	}
	more := ""
	if n := len(names) - mostNamed; n > 0 {
		names, more = names[:mostNamed], " and "+strconv.Itoa(n)+" more"
	}
	return "Counted: " + strings.Join(names, "; ") + more + "."
}

// counted is one of a group, with how to reach them.
func counted(r *state.Record) string {
	text := who(r)
	if email := r.Fields[wordEmail]; email != "" && email != text {
		text += ", " + email
	}
	if r.Fields[wordDoNotCall] == yes {
		text += " (do not call)"
	}
	return text
}

// present are the records of a crowd, with the one at hand as it was read just
// now.
func (f *facts) present(q Crowd) []state.Record {
	now := f.rec
	if f.news != nil {
		now = f.news
	}
	crowd := slices.DeleteFunc(slices.Clone(f.v.Crowd(q)), func(r state.Record) bool { return r.Ref == now.Ref })
	if now.Noun == q.Noun && !now.Deleted {
		crowd = append([]state.Record{*now}, crowd...)
	}
	return crowd
}

// counts are the counting leaves of a condition.
func (c *cond) counts() []*cond {
	var out []*cond
	c.walk(func(leaf *cond) {
		if leaf.kind == counting {
			out = append(out, leaf)
		}
	})
	return out
}

// groupMark stands between the parts of a version that name groups: each is
// the group and when it started something, in Unix seconds.
const groupMark = "+"

// reached names the groups of an alternative. A group that has started
// something is the same one until as much time has passed as the count looks
// back: then none of those counted was counted before.
func (st *start) reached(f *facts, prev string) string {
	var b strings.Builder
	for _, c := range st.counts {
		for _, g := range f.groups(c) {
			since := f.now.Unix()
			for old := range strings.SplitSeq(prev, groupMark) {
				name, at, _ := strings.Cut(old, "@")
				if sec, err := strconv.ParseInt(at, 10, 64); err == nil && name == g.token && time.Unix(sec, 0).Add(c.count.within).After(f.now) {
					since = sec
				}
			}
			b.WriteString(groupMark + g.token + "@" + strconv.FormatInt(since, 10))
		}
	}
	return b.String()
}

// isNews compares what an alternative looked at with what it saw before. A
// group that is no longer complete is no news.
func isNews(was, is string) bool {
	before, after := strings.Split(was, groupMark), strings.Split(is, groupMark)
	if before[0] != after[0] {
		return true
	}
	return slices.ContainsFunc(after[1:], func(g string) bool { return !slices.Contains(before[1:], g) })
}

// counted is the newest date that an alternative has counted; zero: it counts
// nothing.
func (s *signal) counted(f *facts) time.Time {
	var newest time.Time
	for _, st := range s.spoke {
		for _, c := range st.counts {
			for _, g := range f.groups(c) {
				if g.newest.After(newest) {
					newest = g.newest
				}
			}
		}
	}
	return newest
}

// startedByGroup finds the handoff that another record of the same group has
// started: one group starts one handoff within its time.
func (d *deciding) startedByGroup(t *typ, f *facts, s signal) (state.Handoff, bool) {
	for _, st := range s.spoke {
		for _, c := range st.counts {
			for _, g := range f.groups(c) {
				for _, ref := range g.refs {
					for _, h := range d.v.Handoffs(ref) {
						if h.Type == t.name && h.Record != f.rec.Ref && d.now.Sub(h.DetectedAt) < c.count.within {
							return h, true
						}
					}
				}
			}
		}
	}
	return state.Handoff{}, false
}

// aroundIt asks the types about a company that count records like this one.
func (d *deciding) aroundIt(f *facts, ev Observed) {
	types := d.r.countedBy[place{f.rec.Ref.Conn, f.rec.Noun}]
	if len(types) == 0 {
		return
	}
	a := f.account().record
	if d.waits(f) || a == nil || a.Ref.Conn != f.rec.Ref.Conn {
		return
	}
	d.about(a, f.rec, types, ev)
}

// about asks types about one record because of news that another brought.
func (d *deciding) about(rec, news *state.Record, types []*typ, ev Observed) (taken bool) {
	f := d.r.facts(d.now, d.v, rec)
	f.news = news
	for _, t := range types {
		if d.stopped() {
			return taken
		}
		taken = d.consider(t, f, ev, d.aboutNow(rec)) || taken
	}
	return taken
}

// counted are the nouns of the records that a type about a company counts.
func (t *typ) counted() []string {
	var out []string
	for _, st := range t.starts {
		for _, c := range st.counts {
			if t.about == nounCompany && !slices.Contains(out, c.field.noun) {
				out = append(out, c.field.noun)
			}
		}
	}
	return out
}

// counting reads {person.became_active_on: {count_at_least: 3, within: 14 days, same: department}}.
func (c *compiler) counting(d mappings.Cond, f field, conns []*conn, known bool) cond {
	out := cond{kind: counting, field: f, text: textOf(d)}
	for _, op := range d.Ops {
		switch op.Name {
		case opCount:
			out.count.least, _ = strconv.Atoi(op.Args[0].S)
			if !c.startsNow {
				c.bad(op.Pos, "count-elsewhere", "move it to starts_when", "count_at_least can only start something")
			}
		case opWithin:
			out.count.within, out.count.span = plain(mappings.ParseDuration(op.Args[0].S)), op.Args[0].S
		case opSame:
			same := op.Args[0]
			if !strings.Contains(same.S, ".") {
				same.S = f.noun + "." + same.S
			}
			g, ok := c.fieldIn(same, conns, false)
			if ok && g.noun != f.noun {
				c.bad(op.Args[0].Pos, "wrong-noun", "name a field of the "+f.noun, "what is counted are %s records, and %s is none of their fields", f.noun, g)
			}
			out.count.same = g.word
		default:
			c.bad(op.Pos, "count-alone", "write it as a condition of its own, under all:", "%s does not go with count_at_least", strings.ReplaceAll(op.Name, "_", " "))
		}
	}
	if out.count.within <= 0 {
		c.bad(d.Pos, "count-without-time", "write {count_at_least: 3, within: 14 days}", "count_at_least has no time within which to count")
	}
	if f.noun == nounCompany {
		c.bad(d.Field.Pos, "wrong-noun", "name a date of the person or the deal", "records around one company are counted, and %s is one of the company", f)
	}
	if known {
		c.datelike(d.Field, f, conns)
	}
	return out
}
