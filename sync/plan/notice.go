package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// The sorts of notices; `wording:` may give each a text of its own.
const (
	sortRemind = "remind"
	sortAlert  = "alert"
	sortTell   = "tell"
	sortTask   = "task"
	sortGiven  = "given" // to the new owner
)

// notice is one thing that one person is told about a handoff.
type notice struct {
	sort, who, clock, step string
	subject, text          string
	urgent                 bool             // the breach of a buyer who wants it now
	about                  []connectors.Ref // of a digest, a record for each line
}

// aboutOf are the records a message speaks of: where the handoff stands, else
// where it began.
func (n notice) aboutOf(h state.Handoff) []connectors.Ref {
	switch {
	case n.about != nil:
		return n.about
	case h.Target.ID != "":
		return []connectors.Ref{h.Target}
	}
	return []connectors.Ref{h.Record}
}

// stepSay begins the step of everything that is told.
const stepSay = "say "

// compose puts a notice into words. They say what the buyer needs and ask what
// is in the way; they name no misses of anybody (1.102).
func (d *deciding) compose(was, h state.Handoff, e *stepping, sort, who string) notice {
	zone := d.calendarOf(who).Zone()
	n := notice{
		sort: sort, who: who, clock: e.s.clock, step: stepSay + e.s.clock + " " + strconv.Itoa(e.i) + " " + sort + " " + who,
		urgent: e.s.mark && h.Rank <= connectors.UrgentRank,
	}
	by := deadline(h, e.s.clock)
	words := map[string]string{
		"by": clockText(by, zone), "accept_by": clockText(h.AcceptBy, zone), "touch_by": clockText(h.TouchBy, zone),
		"owner": h.Owner, "backup": h.Backup, "tier": h.Tier, "manager": d.managerFor(h), "was": was.Owner, "who": who,
		"seen": d.seenText(h, e, zone),
	}
	buyer := d.buyer(e.f, h)
	n.subject = subjects(sort) + buyer
	own := d.r.notify.wording[sort]
	if e.s.say.given() && sort != sortTask {
		own = e.s.say
	}
	if sort == sortTask {
		n.subject = e.s.task.fill(e.f, words) + ": " + buyer
	}
	if e.f != nil && sort != sortAlert && sort != sortTell {
		n.subject += e.f.careful()
	}
	if n.text = own.fill(e.f, words); n.text == "" {
		n.text = usual(sort, e.s, buyer, words, !by.After(d.now), was.Owner != h.Owner)
	}
	return n
}

// subjects is how the headline of a notice begins.
func subjects(sort string) string {
	return map[string]string{
		sortRemind: "Reminder: ", sortAlert: "Still waiting: ", sortTell: "For your information: ", sortGiven: "Now with you: ",
	}[sort]
}

// fill renders a template; blank where there is none.
func (t template) fill(f *facts, words map[string]string) string {
	if !t.given() || f == nil {
		return ""
	}
	return t.render(f, words)
}

// wants is what a clock waits for, as the end of a sentence about the buyer.
func wants(clock string) string {
	return map[string]string{
		clockAssign: "have an owner", clockAccept: "be taken up", clockOpened: "be looked at", clockTouch: "hear from us",
		clockOuter: "hear from us the same day", clockAttempts: "be tried again", clockActivity: "see something happen",
		clockReturn: "be taken up, or returned with a reason", clockDocument: "have the handover document", clockKickoff: "have the kickoff",
	}[clock]
}

// usual is what is said where nothing else is written.
func usual(sort string, s step, buyer string, w map[string]string, past, given bool) string {
	need := fmt.Sprintf("%s is to %s by %s.", buyer, wants(s.clock), w["by"])
	if past {
		need = fmt.Sprintf("%s was to %s by %s.", buyer, wants(s.clock), w["by"])
	}
	owner := w["owner"]
	if owner == "" {
		owner = "nobody yet"
	}
	switch {
	case sort == sortRemind:
		help := "If you are tied up, say so"
		if w["backup"] != "" {
			help += ": " + w["backup"] + " can take it"
		}
		return need + " " + w["seen"] + " " + help + "."
	case sort == sortGiven:
		return fmt.Sprintf("%s %s had it, and the buyer should not wait any longer: it is with you now. The deadlines have not moved.", need, w["was"])
	case given:
		return fmt.Sprintf("%s %s So that the buyer does not wait any longer it is with %s now, in place of %s.", need, w["seen"], w["owner"], w["was"])
	case sort == sortTask:
		return need + " " + w["seen"]
	}
	return fmt.Sprintf("%s %s It is with %s. Is somebody away or tied up, or does something they need for it lack?", need, w["seen"], owner)
}

// seenText says what has been seen, and as of when.
func (d *deciding) seenText(h state.Handoff, e *stepping, zone *time.Location) string {
	at := clockText(d.now, zone)
	c := d.r.byConn[h.Record.Conn]
	switch {
	case !e.ev.Fresh:
		return "No touch seen as of " + at + "; the CRM could not be read just now."
	case e.ev.Unheard:
		return "Nothing was seen as of " + at + "; what was logged in the last minutes could not be read yet."
	case e.s.clock == clockAccept && d.showsOpened(h):
		if w := workOf(h); !w.Opened.IsZero() {
			return "It was opened at " + clockText(w.Opened, zone) + "; nothing else was seen as of " + at + "."
		}
		return "Its owner had not opened it as of " + at + "."
	case e.s.clock == clockOpened && c != nil && !d.showsOpened(h):
		return "Judged by status and activity as of " + at + ", because the CRM does not show who has opened it."
	}
	return "Nothing was seen as of " + at + "."
}

// showsOpened reports whether the CRM tells that a record was opened.
func (d *deciding) showsOpened(h state.Handoff) bool {
	rec, ok := d.v.Record(h.Target)
	if !ok {
		return false
	}
	_, shown := rec.Fields[connectors.WorkOpened]
	return shown
}

// buyer names whom a notice is about by name and company, and by nothing that
// a channel should not hold.
func (d *deciding) buyer(f *facts, h state.Handoff) string {
	if f == nil {
		return h.Record.String()
	}
	name := f.rec.Fields[wordFullName]
	if f.rec.Noun != nounPerson {
		name = f.rec.Fields[wordName]
	}
	company := f.value(field{nounCompany, wordName})
	if company == "" {
		company = f.rec.Fields[wordCompanyName]
	}
	switch {
	case name == "" && company == "":
		return "a " + f.rec.Noun + " (" + h.Record.String() + ")"
	case name == "":
		return "a " + f.rec.Noun + " of " + company
	case company == "" || company == name:
		return name
	}
	return name + " (" + company + ")"
}

// say tells one person, at once or together with other things, in the CRM
// first and then in the channels of the tier.
func (d *deciding) say(h state.Handoff, n notice) state.Handoff {
	if n.sort == sortRemind && slices.Contains(d.r.notify.in(h.Tier), mappings.InCRM) && n.who == h.Owner {
		h = d.raise(h, n)
	} else if d.keepsFor(h, n) {
		return h
	} else if slices.Contains(d.r.notify.in(h.Tier), mappings.InCRM) && n.sort != sortGiven {
		h = d.noticeTask(h, n)
	}
	for _, ch := range d.r.notify.in(h.Tier) {
		if ch != mappings.InCRM {
			h = d.inChannel(h, n, ch)
		}
	}
	return h
}

// turn tells what is said while somebody has a handoff from what was said while the one
// before had it, whose clock of silence it was.
func turn(h state.Handoff) string {
	if _, lost := lostAt(h); !lost {
		return ""
	}
	return " " + strconv.Itoa(len(h.Holders))
}

// inChannel plans a message.
func (d *deciding) inChannel(h state.Handoff, n notice, channel string) state.Handoff {
	step := n.step + " in " + channel
	k := key(h, step, "send"+turn(h))
	d.c.Intents = append(d.c.Intents, state.Intent{
		Handoff: h.ID, Step: step, Dest: notifyDest + channel, Rank: h.Rank, Write: connectors.Write{Key: k},
		Message: &state.Message{To: n.who, Subject: n.subject, Text: n.text, About: n.aboutOf(h), Digest: n.about != nil},
		State:   state.Ready, Due: d.now, Created: d.now,
	})
	return handoff.Track(h, step, state.Effect{Key: k, State: sent, At: d.now})
}

// raise brings the owner's own task to their mind: a second one for the same
// thing would only be one more.
func (d *deciding) raise(h state.Handoff, n notice) state.Handoff {
	e := h.Effects[stepTask]
	switch {
	case e.State == sent:
		return h // it has not even left, or nobody knows: the task itself will be news
	case e.State != handoff.Done || e.Ref.ID == "":
		return d.noticeTask(h, n)
	}
	return d.intend(h, n.step, connectors.Write{Ref: e.Ref, Key: key(h, n.step, "set"+turn(h)), Set: map[string]any{
		connectors.TaskSubject: n.subject, connectors.TaskPriority: "high",
	}})
}

// noticeTask plans one task for somebody in the CRM that carries the handoff.
func (d *deciding) noticeTask(h state.Handoff, n notice) state.Handoff {
	c := d.r.byConn[h.Target.Conn]
	u, ok := d.user(c, n.who)
	if !ok || !u.Active {
		if len(d.r.notify.in(h.Tier)) < 2 {
			d.list(listUntold, h.ID, n.who+" should have been told and is no user of the CRM: "+n.subject)
		}
		return h
	}
	at := h.Target
	if at.ID == "" {
		at = h.Record
	}
	zone := d.calendarOf(n.who).Zone()
	w := connectors.Write{
		Ref: connectors.Ref{Conn: c.name, Kind: connectors.Task}, Key: key(h, n.step, "create"+turn(h)),
		Set: map[string]any{
			connectors.TaskSubject: n.subject, connectors.TaskBody: n.text, connectors.TaskOwner: u.ID, connectors.TaskDue: text(d.now),
			connectors.TaskZone: zone.String(), connectors.TaskStatus: "open", connectors.TaskType: "todo", connectors.TaskPriority: importance(n.sort),
		},
	}
	if at.ID != "" && at.Conn == c.name {
		w.Links = append(w.Links, at)
		if h.Account.Conn == c.name && h.Account != at {
			w.Links = append(w.Links, h.Account)
		}
	}
	return d.intend(h, n.step, w)
}

func importance(sort string) string {
	if sort == sortTell {
		return "low"
	}
	return "high"
}

// Nobody is told more than so many things one by one in a minute, all people
// taken together (I13); a breach of a buyer who wants it now may go beyond a
// person's daily budget by as much again.
const (
	stormMost   = 20
	stormWithin = time.Minute
	mostWaiting = 50
)

// keepsFor counts a notice, and keeps it for the person's digest where they
// have been told enough. It reports whether it did.
func (d *deciding) keepsFor(h state.Handoff, n notice) bool {
	minute := d.budget("")
	if d.now.Sub(minute.Since) >= stormWithin || d.now.Before(minute.Since) {
		minute.Since, minute.Count = d.now, 0
	}
	t := d.budget(n.who)
	if day := d.now.In(d.calendarOf(n.who).Zone()).Format(time.DateOnly); t.Day != day {
		t.Day, t.Count = day, 0
	}
	most := d.r.notify.atMost
	if n.urgent {
		most *= 2
	}
	switch {
	case n.sort == sortGiven: // it is theirs to do now
	case minute.Count >= stormMost:
		d.keep(h, n, t, minute.Since.Add(stormWithin))
		return true
	case most > 0 && t.Count >= most:
		d.keep(h, n, t, d.nextDigest(n.who))
		return true
	}
	minute.Count++
	t.Count++
	d.setBudget(minute)
	d.setBudget(t)
	return false
}

// keep puts a notice into a digest.
func (d *deciding) keep(h state.Handoff, n notice, t state.Budget, due time.Time) {
	if len(t.Wait) < mostWaiting {
		t.Wait = append(slices.Clone(t.Wait), state.Notice{Handoff: h.ID, Clock: n.clock, Text: n.subject + ". " + n.text})
	} else {
		t.More++
	}
	for _, ch := range d.r.notify.in(h.Tier) {
		if !slices.Contains(t.Channels, ch) {
			t.Channels = append(slices.Clone(t.Channels), ch)
		}
	}
	if t.Due.IsZero() || due.Before(t.Due) {
		t.Due = due
		d.c.Timers = append(d.c.Timers, state.Timer{
			ID: state.Digest("timer", clockDigest, n.who), Handoff: h.ID, Clock: clockDigest + n.who, Due: due.UTC(),
		})
	}
	d.setBudget(t)
	d.audit("kept for the digest", h.ID, map[string]string{"who": n.who, "at": due.UTC().Format(time.RFC3339), "says": n.subject})
}

// nextDigest is when a person's digest is sent next.
func (d *deciding) nextDigest(who string) time.Time {
	now := d.now.In(d.calendarOf(who).Zone())
	at := func(days int) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()+days, 0, d.r.notify.digest, 0, 0, now.Location())
	}
	if today := at(0); today.After(now) {
		return today.UTC()
	}
	return at(1).UTC()
}

// told is what a person has been told, as this deciding has left it.
func (d *deciding) budget(who string) state.Budget {
	if i := slices.IndexFunc(d.c.Budgets, func(t state.Budget) bool { return t.Who == who }); i >= 0 {
		return d.c.Budgets[i]
	}
	t, _ := d.v.Budget(who)
	t.Who = who
	return t
}

func (d *deciding) setBudget(t state.Budget) {
	if i := slices.IndexFunc(d.c.Budgets, func(o state.Budget) bool { return o.Who == t.Who }); i >= 0 {
		d.c.Budgets[i] = t
		return
	}
	d.c.Budgets = append(d.c.Budgets, t)
}

// digest tells a person everything that waits for them in one piece. What has
// been seen to meanwhile is left out.
func (d *deciding) digest(who string) {
	t := d.budget(who)
	if len(t.Wait) == 0 || t.Due.After(d.now) {
		return
	}
	var lines []string
	var about []connectors.Ref
	var of []state.Handoff
	for _, n := range t.Wait {
		h, ok := d.v.Handoff(n.Handoff)
		if !ok || !h.Stage.Open() && n.Clock != clockAttempts || n.Clock != "" && d.met(h, n.Clock) {
			continue
		}
		of = append(of, h)
		lines = append(lines, strings.Join(strings.Fields(n.Text), " "))
		about = append(about, notice{}.aboutOf(h)...)
	}
	due := t.Due
	more, channels := t.More, t.Channels
	t.Wait, t.More, t.Due, t.Channels = nil, 0, time.Time{}, nil
	d.setBudget(t)
	if len(lines) == 0 {
		return
	}
	waiting := len(lines) + more
	if more > 0 {
		lines = append(lines, fmt.Sprintf("And %d more.", more))
	}
	carrier := d.carrying(of, who)
	n := notice{
		sort: sortAlert, who: who, step: stepSay + clockDigest + who + " " + due.UTC().Format(time.RFC3339),
		subject: fmt.Sprintf("%d handoffs are waiting", waiting), text: strings.Join(lines, "\n"), about: about,
	}
	d.audit("digest", carrier.ID, map[string]string{"who": who, "notices": strconv.Itoa(waiting)})
	d.list(listEscalation, carrier.ID, fmt.Sprintf("a digest of %d for %s", waiting, who))
	for _, ch := range channels {
		if ch == mappings.InCRM {
			carrier = d.noticeTask(carrier, n)
		} else {
			carrier = d.inChannel(carrier, n, ch)
		}
	}
	d.put(carrier)
}
