package plan

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

const sent = handoff.Sent

// key names one write of a handoff: the same intention, the same key.
func key(h state.Handoff, step, action string) string { return state.Digest(h.ID, step, action) }

// seen is what was seen of the fields a person may have changed since.
type seen struct {
	expect map[string]any
	read   time.Time // when it was asked for; zero: nobody knows
	over   time.Time // the CRM's stamp on it
	atRisk bool      // a person has the record
	listed bool      // a list of the CRM's showed it, which may lag behind
}

// intend plans one write of a handoff.
func (d *deciding) intend(h state.Handoff, step string, w connectors.Write) state.Handoff {
	return d.intendSeen(h, step, w, seen{})
}

// intendSeen is intend with what the write rests on. A handoff that goes round
// in a circle is written no more; what is only told is told less often.
func (d *deciding) intendSeen(h state.Handoff, step string, w connectors.Write, s seen) state.Handoff {
	if step != stepRestore && !isUndo(step) {
		looped := strings.HasPrefix(h.Frozen, frozenLoop)
		if !looped && w.Ref.ID != "" && (step != stepSource && step != stepAssign || h.Effects[step].Key != "") {
			if tells(step) {
				h, w = d.spaced(h, step, w)
			} else {
				h, looped = d.loops(h, step, w)
			}
		}
		if looped || len(w.Set) == 0 && tells(step) {
			return h
		}
	}
	if tells(step) {
		w = d.inOne(h, step, w)
	}
	if s.expect == nil && d.says(h, w) {
		w.Set = maps.Clone(w.Set)
		delete(w.Set, ownStatus)
	}
	h = d.noteEdit(h, w)
	says := s.expect == nil && saysStatus(step, w)
	if says {
		w.IfVersion, s.over = d.versionOf(h, w.Ref)
		s.read = d.readOf(w.Ref)
		s.listed = s.read.IsZero() && d.isAbout(w.Ref)
	}
	d.c.Intents = append(d.c.Intents, d.guarded(h, step, state.Intent{
		Handoff: h.ID, Step: step, Dest: w.Ref.Conn, Rank: rankOf(h, step), Write: w,
		Expect: s.expect, ReadAt: s.read, Fresh: says, Listed: s.listed, Over: s.over, AtRisk: s.atRisk,
		State: state.Ready, Due: d.now, Created: d.now,
	}))
	e := state.Effect{Key: w.Key, State: sent, At: d.now, Task: w.Ref.Kind == connectors.Task && w.Creates()}
	if w.Ref.ID != "" {
		e.Ref = w.Ref
	}
	return handoff.Track(h, step, e)
}

// rankOf is how urgent a write is: nothing is more urgent than what somebody has lost to
// one of ours.
func rankOf(h state.Handoff, step string) int {
	if step == stepRestore {
		return state.FirstRank
	}
	return h.Rank
}

// saysStatus reports whether a write says how far a handoff is. People say so in the same
// field, and what they have said there is heard before it is written over. What an
// operator takes back is compared field by field.
func saysStatus(step string, w connectors.Write) bool {
	_, status := w.Set[ownStatus]
	return status && !w.Creates() && !isUndo(step)
}

// says reports whether a record, as it has just been read, says already how far its handoff
// is: a person has, most often, and what they may have said since is not written over. Not
// where anything of ours is on its way that says something else.
func (d *deciding) says(h state.Handoff, w connectors.Write) bool {
	status, set := w.Set[ownStatus]
	_, another := w.Set[ownID]
	if !set || another || len(w.Set) == 1 || w.Creates() || !d.isAbout(w.Ref) || !d.saidAt.IsZero() || d.c.Records[0].Fields[ownStatus] != status {
		return false
	}
	otherwise := func(i state.Intent) bool {
		_, says := i.Write.Set[ownStatus]
		return says && i.Write.Ref == w.Ref
	}
	if slices.ContainsFunc(d.c.Intents, otherwise) {
		return false
	}
	for _, o := range append(d.sharing(w.Ref, h), h) {
		if age(&d.c.Records[0], o) <= 0 {
			return false
		}
		for _, step := range slices.Sorted(maps.Keys(o.Effects)) {
			if e := o.Effects[step]; e.Ref == w.Ref && e.State == sent {
				if i, waits := d.v.Intent(e.Key); waits && otherwise(i) {
					return false
				}
			}
		}
	}
	return true
}

// isAbout reports whether a record is the one whose reading is decided about.
func (d *deciding) isAbout(ref connectors.Ref) bool {
	return len(d.c.Records) > 0 && d.c.Records[0].Ref == ref
}

// readOf is when a record was asked for; zero where nobody knows.
func (d *deciding) readOf(ref connectors.Ref) time.Time {
	if d.isAbout(ref) {
		return d.read
	}
	if ref == d.carrier {
		return d.carrierRead
	}
	rec, _ := d.lastRead(ref)
	return rec.Read
}

// versionOf is the version of a record as it was read last, with the CRM's stamp on it;
// blank where we have written there since.
func (d *deciding) versionOf(h state.Handoff, ref connectors.Ref) (string, time.Time) {
	rec, known := d.lastRead(ref)
	if !known || age(&rec, h) < 0 {
		return "", time.Time{}
	}
	return rec.Version, rec.ModifiedAt
}

// write plans what an assignment leaves in the CRM: the owner and handoffd's
// own fields on the record that carries it, which may have to be made first,
// one task, and the own fields where the signal came from.
func (d *deciding) write(t *typ, f *facts, h state.Handoff, tier *tier, c choice) state.Handoff {
	h = d.rememberBefore(t, f, h)
	h = d.beside(t, f, h)
	d.timer(h, clockTried, 0, h.Due[clockAttempts])
	brief := d.brief(t, f, h, tier, c)
	set := d.carried(t, f, h, tier, c, brief)
	switch {
	case t.deliver == nil:
		if !d.shows(f.rec.Ref, h) {
			set = map[string]any{}
		}
		h = d.writeOwner(t, f, h, f.conn, f.rec, fresh(set, f.rec, h), d.read)
		h = d.writeTask(t, f, h, tier, brief, "")
	case f.land != nil:
		d.same(f.rec.Ref, f.land.Ref, f.landBy)
		read := d.asked
		if f.landCached {
			read = time.Time{}
		}
		own := set
		if !d.shows(f.land.Ref, h) {
			own = map[string]any{}
		}
		h = d.writeOwner(t, f, h, f.to, f.land, fresh(own, f.land, h), read)
		h = d.writeTask(t, f, h, tier, brief, "")
		h = d.writeSource(h, fresh(set, f.rec, h))
	case f.landPending:
		if f.landWith != nil {
			d.same(f.rec.Ref, f.landWith.Record, sameEmail)
		}
		h = d.writeSource(h, set)
	default:
		h = d.writeCreate(t, f, h, tier, set, brief)
		h = d.writeSource(h, set)
	}
	return h
}

// writeCreate plans the making of the record that carries a handoff, and its task.
func (d *deciding) writeCreate(t *typ, f *facts, h state.Handoff, tier *tier, set map[string]any, brief string) state.Handoff {
	kind, fields, ok := d.creation(t, f)
	if !ok {
		d.list(listRefused, f.rec.Ref.String(), t.name+": nothing can be made in "+t.deliver.name+": the mapping writes no e-mail address and receiver, or the record has none")
		return h
	}
	made := d.owned(t, h, f.to, kind, set)
	maps.Copy(made, fields)
	k := createKey(t.deliver.name, f.rec.Fields[wordEmail])
	h = d.intend(h, stepCreate, connectors.Write{Ref: connectors.Ref{Conn: t.deliver.name, Kind: kind}, Set: made, Key: k})
	return d.writeTask(t, f, h, tier, brief, k)
}

// owned is the own fields together with the receiver.
func (d *deciding) owned(t *typ, h state.Handoff, c *conn, kind connectors.Kind, set map[string]any) map[string]any {
	out := make(map[string]any, len(set)+1)
	for k, v := range set {
		out[k] = v
	}
	if name, ok := c.m.WriteName(kind, t.becomes); ok {
		if u, known := d.user(c, h.Owner); known {
			out[name] = u.ID
		}
	}
	return out
}

// writeOwner plans the write of the receiver on a record that exists: it says
// what stood there and which version it was decided on. read is when that was
// asked for; zero: nobody knows, and it is read again before it leaves. Who
// stands there already is not written.
func (d *deciding) writeOwner(t *typ, f *facts, h state.Handoff, c *conn, at *state.Record, set map[string]any, read time.Time) state.Handoff {
	w := connectors.Write{Ref: at.Ref, Key: key(h, stepAssign, "set"+ownedBy(h))}
	if d.elsewhereOwned(t, c, h, at.Ref) {
		d.toldOnly(h, at.Ref, h.Owner)
		w.Set, h.Stake = set, nil
		return d.intend(h, stepAssign, w)
	}
	w.Set = d.owned(t, h, c, at.Ref.Kind, set)
	name, ok := c.m.WriteName(at.Ref.Kind, t.becomes)
	if !ok {
		return d.intend(h, stepAssign, w)
	}
	h, before, tried := d.inPlace(h, name, w, lastKnown(t, h, at), stepAssign, stepRewrite, stepReassign)
	h = handoff.Remember(h, map[string]any{name: blankNil(before.who)})
	ours, _ := w.Set[name].(string)
	if ours == "" {
		return d.intend(h, stepAssign, w)
	}
	h.Stake = &state.Stake{Field: name, Value: ours, Was: before.who, Over: before.since, Tried: tried, Under: unread(h.Stake, !before.hidden)}
	if ours == before.who && len(tried) == 0 && len(w.Set) > 1 {
		delete(w.Set, name)
	}
	w.IfVersion = before.version
	return d.intendSeen(h, stepAssign, w, before.seen(name, read, f.user(c, before.who) != ""))
}

// stood is the receiver who stands on a record.
type stood struct {
	who     string    // the CRM's id; blank: nobody
	since   time.Time // the CRM's stamp
	version string    // what a write of another rests on
	hidden  bool      // by our own write, which the CRM does not show to readers yet, or may not
}

// seen is what a write of another receiver into a field rests on. read is when
// who stands there was asked for; zero: nobody knows.
func (s stood) seen(field string, read time.Time, atRisk bool) seen {
	if s.hidden {
		read = time.Time{}
	}
	return seen{expect: map[string]any{field: blankNil(s.who)}, read: read, over: s.since, atRisk: atRisk}
}

// lastKnown is the receiver who stands on a record. A CRM may hide from readers
// for minutes what it has written (P2): where the reading is older than our own
// write, that stands there and not what was read. So it does where the CRM has not
// told since when, until there is another reading than the one it rests on.
func lastKnown(t *typ, h state.Handoff, at *state.Record) stood {
	read := stood{at.Fields[t.becomes], at.ModifiedAt, at.Version, false}
	s := h.Stake
	if s == nil || s.Ceded != "" {
		return read
	}
	switch left, stands := ownerVersion(h, at.Ref); {
	case left != "" && at.ModifiedAt.Before(s.Stamp):
		return stood{s.Value, s.Stamp, left, true}
	case stands && s.Stamp.IsZero() && !s.Over.IsZero() && !at.ModifiedAt.After(s.Over):
		return stood{s.Value, s.Over, at.Version, true}
	}
	return read
}

// ownerVersion is the version that our last write of the owner left on a record; blank:
// none stands there, or the CRM has not told. stands says that there was one, and that
// none is left to be done.
func ownerVersion(h state.Handoff, ref connectors.Ref) (left string, stands bool) {
	open := false
	for _, step := range []string{stepAssign, stepRewrite, stepReassign} {
		switch e, wrote := h.Effects[step]; {
		case !wrote:
		case e.State == handoff.Done && e.Ref == ref && !slices.Contains(e.Skipped, h.Stake.Field):
			left, stands = max(left, e.Version), true
		default:
			open = true
		}
	}
	return left, stands && !open
}

// ownedBy tells the writes of one owner of a handoff from those of another.
func ownedBy(h state.Handoff) string {
	if n := len(h.Holders); n > 0 {
		return " " + h.Owner + " " + strconv.Itoa(n)
	}
	return ""
}

func blankNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// writeTask plans the owner's one task. after is the key of the write that
// makes the record it belongs to.
func (d *deciding) writeTask(t *typ, f *facts, h state.Handoff, tier *tier, brief, after string) state.Handoff {
	due := h.AcceptBy
	if due.IsZero() {
		due = h.TouchBy
	}
	zone := d.r.calendarOf(h.Owner).Zone()
	set := map[string]any{
		connectors.TaskSubject: d.subject(t, f, h, zone), connectors.TaskBody: brief,
		connectors.TaskZone: zone.String(), connectors.TaskPriority: tier.priority, connectors.TaskType: t.kind(f),
		connectors.TaskStatus: "open",
	}
	if !due.IsZero() {
		set[connectors.TaskDue] = text(due)
	}
	if u, ok := d.user(f.to, h.Owner); ok {
		set[connectors.TaskOwner] = u.ID
	}
	w := connectors.Write{
		Ref: connectors.Ref{Conn: f.to.name, Kind: connectors.Task}, Set: set, Key: key(h, stepTask, "create "+h.Target.String()), After: after,
	}
	if h.Target.ID != "" {
		w.Links = append(w.Links, h.Target)
		if h.Account.Conn == f.to.name && h.Account != h.Target {
			w.Links = append(w.Links, h.Account)
		}
	}
	return d.intend(h, stepTask, w)
}

// writeSource plans the own fields on the record the signal came from, when
// another one carries the handoff.
func (d *deciding) writeSource(h state.Handoff, set map[string]any) state.Handoff {
	if h.Record == h.Target || !d.shows(h.Record, h) {
		return h
	}
	return d.intend(h, stepSource, connectors.Write{Ref: h.Record, Set: set, Key: key(h, stepSource, "set")})
}

// writeQueued tells the CRM who is accountable while nobody is free.
func (d *deciding) writeQueued(t *typ, f *facts, h state.Handoff) state.Handoff {
	at := h.Target
	if at.ID == "" {
		at = h.Record
	}
	set := map[string]any{
		ownID: h.ID, ownType: t.name, ownTier: h.Tier, ownAccountable: h.Accountable, ownWhy: h.Note, ownReason: f.what(h), ownDecision: d.id,
	}
	return d.intend(h, stepQueue, connectors.Write{Ref: at, Set: set, Key: key(h, stepQueue, h.Note)})
}

// carried are handoffd's own fields for an assignment.
func (d *deciding) carried(t *typ, f *facts, h state.Handoff, tier *tier, c choice, brief string) map[string]any {
	zone := d.r.calendarOf(h.Owner).Zone()
	set := map[string]any{
		ownID: h.ID, ownStatus: statusAssigned, ownAccountable: h.Accountable, ownWhy: whySentence(c),
		ownType: t.name, ownTier: tier.name, ownReason: f.what(h), ownNextStep: nextStep(t, f, h, zone),
		ownCreatedBy: createdBy(t, h), ownAssignedAt: text(h.AssignedAt), ownBrief: brief,
		ownRule: c.where, ownDecision: h.Decision, ownCompleteness: strconv.Itoa(h.Complete),
	}
	for name, v := range map[string]string{
		ownGiver: h.Giver, ownBackup: h.Backup, ownNeed: t.need(f), ownSupport: h.Support, ownWatchers: strings.Join(h.Watchers, "; "),
	} {
		if v != "" {
			set[name] = v
		}
	}
	for name, at := range map[string]time.Time{ownAcceptBy: h.AcceptBy, ownTouchBy: h.TouchBy} {
		if !at.IsZero() {
			set[name] = text(at)
		}
	}
	return set
}

// beside notes who else has to do with a handoff without being accountable: who
// is asked (3.31), and who looks on (1.73).
func (d *deciding) beside(t *typ, f *facts, h state.Handoff) state.Handoff {
	h.Support, h.Watchers = f.user(f.conn, f.value(t.support)), nil
	for _, o := range d.sharing(h.Target, h) {
		if o.Owner != h.Owner && o.Rank <= h.Rank {
			h.Behind = o.ID
		}
	}
	for _, w := range t.watchers {
		who := w.who
		if w.field.given() {
			who = f.user(f.conn, f.value(w.field))
		}
		if who != "" && who != h.Owner && !slices.Contains(h.Watchers, who) {
			h.Watchers = append(h.Watchers, who)
		}
	}
	return h
}

// watcher is a person, or the field that names one.
type watcher struct {
	who   string
	field field
}

func (c *compiler) watching(t *typ, d *mappings.Handoff, all []*conn) {
	for _, w := range d.Watchers {
		if isEmail(w.S) {
			c.person(w)
			t.watchers = append(t.watchers, watcher{who: strings.ToLower(w.S)})
		} else if f, ok := c.fieldIn(w, all, true); ok {
			t.watchers = append(t.watchers, watcher{field: f})
		}
	}
}

// fresh clears what people and an earlier handoff have left on a record, so
// that none of it is taken for this one's.
func fresh(set map[string]any, rec *state.Record, h state.Handoff) map[string]any {
	if len(set) == 0 {
		return set
	}
	out := maps.Clone(set)
	clearLeft(out, rec)
	if id := rec.Fields[ownID]; id != h.ID {
		for _, name := range []string{ownAcceptedBy, ownAcceptedAt, ownFirstTouch, ownAttempts, ownBreached, ownQuality, ownQuestions} {
			if id != "" || rec.Fields[name] != "" {
				out[name] = nil // an assignment sets none of them
			}
		}
	}
	return out
}

// clearLeft takes away what people have said about another handoff.
func clearLeft(set map[string]any, rec *state.Record) {
	for _, name := range []string{ownReturnReason, ownReturnNote, ownGaps, ownGivenRating, ownTakenRating} {
		if rec.Fields[name] != "" {
			set[name] = nil
		}
	}
}

func createdBy(t *typ, h state.Handoff) string {
	switch {
	case h.Giver != "":
		return h.Giver
	case t.from != "":
		return t.from
	}
	return actor
}

// rememberBefore notes what the fields of accepted_when say now, so that only
// what changes later counts as acceptance. handoffd's own fields are left out:
// the assignment itself sets them.
func (d *deciding) rememberBefore(t *typ, f *facts, h state.Handoff) state.Handoff {
	before := map[string]any{}
	for _, r := range []*state.Record{f.rec, f.land} {
		if r == nil {
			continue
		}
		for _, of := range t.acceptFields {
			if v := r.Fields[of.word]; of.noun == r.Noun && v != "" && !isOwn(of.word) {
				before[beforeKey(r.Ref, of)] = v
			}
		}
	}
	return handoff.Remember(h, before)
}
