package plan

import (
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
	"github.com/handoffd/handoffd/sync/sla"
)

// Two records of one company or person in one CRM are listed, and the steward is
// asked once about the two, with both linked as far as the CRM takes it. Nothing is
// ever merged by us. Meanwhile a buyer whose other record is being worked on
// has one handoff: what the second record asks for joins the first one's.

const (
	stepTwins  = "twins"
	stepTwin   = "same buyer"    // and the record it is said on
	twinsADay  = 20              // that a steward is asked about in one connection; more are listed
	twinsAfter = 2 * time.Minute // what somebody merges at once is not asked about
	paceTwins  = "twins "        // and the connection, or the key of the two
)

// twins looks for another record of the same company or person, where one is new
// or says something else of who it is.
func (d *deciding) twins(c *conn, rec, prev *state.Record, seen bool) {
	if c.speaks != nil {
		return
	}
	switch rec.Noun {
	case nounCompany:
		d.companyTwins(c, rec, prev, seen)
	case nounPerson:
		d.personTwins(c, rec, prev, seen)
	}
}

func (d *deciding) companyTwins(c *conn, rec, prev *state.Record, seen bool) {
	q := match.Twins(*rec, d.r.isFreeMail)
	if before := match.Twins(*prev, d.r.isFreeMail); seen && !prev.Deleted && before.Host == q.Host && before.Name == q.Name {
		return
	}
	if known, ok := d.v.Conn(c.name); !ok || !known.Mirror {
		return // of what was there before us only what changes is looked at
	}
	asked := false
	for _, a := range d.v.Candidates(q) {
		what := sharedBy(q, a)
		if a.Record.Ref == rec.Ref || what == "" || slices.Contains(rec.Absorbed, a.Record.Ref) || match.Related(*rec, a.Record) {
			continue
		}
		asked = d.twin(c, rec, &a.Record, asked, what, "If they are one company, merge them in "+c.name+"; if one is part of the other, note it there")
	}
}

func (d *deciding) personTwins(c *conn, rec, prev *state.Record, seen bool) {
	if news := !seen && d.madeSince(c, rec) || seen && (prev.Deleted || !slices.Equal(match.Keys(*rec), match.Keys(*prev)) || !sameEmployer(rec, prev)); !news {
		return
	}
	asked, known := false, map[connectors.Ref]bool{rec.Ref: true}
	for _, old := range rec.Absorbed {
		known[old] = true
	}
	for _, key := range match.Keys(*rec) {
		for _, other := range d.v.Sharing(c.name, key) {
			if known[other.Ref] || other.Noun != nounPerson {
				continue
			}
			known[other.Ref] = true
			what := match.SamePerson(*rec, other, d.r.isFreeMail)
			if what == "" {
				continue
			}
			if what == match.SharedAddress {
				d.same(rec.Ref, other.Ref, sameEmail)
				d.selves = append(d.selves, other.Ref)
			}
			asked = d.twin(c, rec, &other, asked, what, "If they are one person, merge them in "+c.name)
		}
	}
}

// twin lists two records that look like one, and asks the steward, about one pair for
// a record. It reports whether the steward is asked.
func (d *deciding) twin(c *conn, rec, other *state.Record, asked bool, what, then string) bool {
	found := accountName(*rec) + " and " + accountName(*other) + " have " + what + " in common."
	d.list(listDuplicates, rec.Ref.String(), found+" "+then)
	who := d.r.reviewer(c)
	u, ok := d.user(c, who)
	if asked || !ok || !u.Active || !d.r.acts(c) {
		return asked
	}
	k := twinsKey(rec.Ref, other.Ref)
	if before, _ := d.v.Pace(paceTwins + k); before.Used > 0 || !d.paced(paceTwins+c.name, twinsADay, d.now.Truncate(24*time.Hour)) {
		return false
	}
	d.c.Paces = append(d.c.Paces, state.Pace{Name: paceTwins + k, From: d.now, Used: 1})
	cal := d.r.calendarOf(who)
	set := map[string]any{
		connectors.TaskSubject: "Is " + titled(rec) + " here twice?", connectors.TaskOwner: u.ID,
		connectors.TaskBody: found + "\n\n" + then + ", and tick this off. If they are not, tick this off, and nobody is asked about the two again.",
		connectors.TaskZone: cal.Zone().String(), connectors.TaskPriority: "low", connectors.TaskType: "todo", connectors.TaskStatus: "open",
		connectors.TaskDue: text(cal.Add(d.now, sla.Of(mappings.Duration{N: 1, Unit: mappings.Day, Working: true}))),
	}
	d.c.Intents = append(d.c.Intents, state.Intent{
		Step: stepTwins, Dest: c.name, Rank: leastUrgent, State: state.Ready, Due: d.now.Add(twinsAfter), Created: d.now,
		Write: connectors.Write{Ref: connectors.Ref{Conn: c.name, Kind: connectors.Task}, Set: set, Key: k, Links: []connectors.Ref{rec.Ref, other.Ref}},
	})
	d.audit(auditDuplicate, rec.Ref.String(), map[string]string{"who": who, "existing": other.Ref.String()})
	return true
}

// twinsKey names the question about two records.
func twinsKey(a, b connectors.Ref) string {
	return state.Digest(stepTwins, min(a.String(), b.String()), max(a.String(), b.String()))
}

// untwin takes back what the steward has not been asked yet about a record that is
// gone.
func (d *deciding) untwin(gone connectors.Ref) {
	was, known := d.v.Record(gone)
	if !known {
		return
	}
	for _, key := range match.Keys(was) {
		for _, other := range d.v.Sharing(gone.Conn, key) {
			k := twinsKey(gone, other.Ref)
			if i, waits := d.v.Intent(k); waits && i.State == state.Ready && !slices.Contains(d.c.Withdraw, k) {
				d.drop(k)
			}
		}
	}
}

// livesAsTwin starts anew what had joined the handoff of a record that was deleted,
// on the other record of the same person that had asked for it. Where the handoff
// was accepted already, it is listed: somebody knows the buyer.
func (d *deciding) livesAsTwin(rec *state.Record, carried []state.Handoff, ev Observed) {
	for _, h := range carried {
		t := d.r.byName[h.Type]
		if now := d.current(h); t == nil || !rec.Deleted || !h.Stage.Open() || now.Stage != state.Cancelled || h.Record != rec.Ref || h.Observed {
			continue
		}
		twin, known := d.askedAs(h, rec.Ref)
		switch {
		case !known:
		case !h.AcceptedAt.IsZero():
			d.list(listDuplicates, twin.Ref.String(), h.Type+": the handoff to "+h.Owner+" has ended with "+rec.Ref.String()+", which was deleted; the buyer is still here as "+accountName(twin))
		default:
			f := d.r.facts(d.now, d.v, &twin)
			if s := d.look(t, f, ev.Came); s.holds {
				s = d.anew(s, f)
				s.at = d.bounded(rec.ModifiedAt)
				d.because(d.why(where(t.pos), "%s was deleted; the same buyer has asked as %s", rec.Ref, twin.Ref))
				d.take(t, f, s, ev, d.aboutNow(&twin))
			}
		}
		if d.stopped() {
			return
		}
	}
}

// askedAs is the other living record in the same CRM that has asked for the same.
func (d *deciding) askedAs(h state.Handoff, gone connectors.Ref) (state.Record, bool) {
	for _, s := range slices.Backward(h.Signals) {
		r, known := d.v.Record(s.Record)
		if s.Record != gone && s.Record.Conn == gone.Conn && known && !r.Deleted && r.MovedTo.IsZero() {
			return r, true
		}
	}
	return state.Record{}, false
}

// sameEmployer reports whether two readings name the same employer.
func sameEmployer(a, b *state.Record) bool {
	return a.Fields[wordCompanyName] == b.Fields[wordCompanyName] && slices.Equal(a.Links, b.Links)
}

// paced takes one of so many places in the time that begins at from, if there is
// one left.
func (d *deciding) paced(name string, most int, from time.Time) bool {
	p, _ := d.v.Pace(name)
	for _, taken := range d.c.Paces {
		if taken.Name == name {
			p = taken
		}
	}
	if p.From.Before(from) {
		p.Used = 0
	}
	if p.Used >= most {
		return false
	}
	d.c.Paces = append(d.c.Paces, state.Pace{Name: name, From: from, Used: p.Used + 1})
	return true
}

// sharedBy is what makes a candidate look like the same company; "" nothing.
func sharedBy(q match.Query, a match.Account) string {
	if slices.Contains(a.Via, match.ByGeneric) {
		return ""
	}
	theirs := match.Twins(a.Record, nil)
	switch {
	case slices.Contains(a.Via, match.ByHost) && theirs.Host == q.Host:
		return "the website " + q.Host
	case !slices.Contains(a.Via, match.ByName) || theirs.Name != q.Name,
		theirs.Country != "" && q.Country != "" && theirs.Country != q.Country,
		theirs.Domain != "" && q.Domain != "" && theirs.Domain != q.Domain:
		return ""
	}
	return "their name"
}
