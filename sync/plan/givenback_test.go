package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// curious is a world that counts how often it is asked for the past of a field.
type curious struct {
	*world
	asked int
}

func (c *curious) Trail(n state.Need) (state.Trail, bool) {
	c.asked++
	return c.world.Trail(n)
}

// unmoved is a world in which ana has had a handoff for a while, done nothing,
// and whose record has been read again since; past is what its owner field held
// since then, latest first, before it was ana's by our own write.
func unmoved(t *testing.T, r *plan.Rules, past ...connectors.FieldValue) (*world, state.Record) {
	t.Helper()
	w := newWorld()
	rec := demo("51", "dana@acme.com", "country", "US", "lead_status", "New")
	w.decide(t, r, monday, see(rec))
	stamp := monday.Add(time.Second)
	w.answered(t, r, stamp, "assign", plan.Delivered{Version: "2", Stamp: stamp})
	w.answered(t, r, stamp, "task", plan.Delivered{Ref: connectors.Ref{Conn: "hubspot", Kind: "tasks", ID: "t1"}})
	rec.Version, rec.ModifiedAt, rec.Fields = "2", stamp, fields(rec, "owner", "u-ana", "handoff_id", w.only(t).ID, "handoff_status", "Assigned")
	past = append(past, value("u-ana", stamp, connectors.ActorIntegration))
	w.trails = map[string]state.Trail{"51": {Values: past}}
	if past[0].At.After(stamp) {
		rec.Version, rec.ModifiedAt = "3", past[0].At
	}
	w.decide(t, r, rec.ModifiedAt.Add(time.Second), see(rec))
	return w, rec
}

// andBack is what the owner field held where somebody gave the record to vera
// and, a minute later, to ana again.
func andBack(actor connectors.Actor, at time.Time) []connectors.FieldValue {
	return []connectors.FieldValue{value("u-ana", at.Add(time.Minute), actor), value("u-vera", at, actor)}
}

// takeover fires what is due until the backup would take it over.
func takeover(t *testing.T, r *plan.Rules, w *world) { w.fireDue(t, r, monday.Add(23*time.Minute)) }

// TestGivenBackKeeps: whom a person has given the record to, and be it back to
// the receiver, keeps it where a step of an escalation, a cover or an operator's
// order would give it to somebody else; what a program does hinders nobody (C11, 1.98).
func TestGivenBackKeeps(t *testing.T) {
	t.Parallel()
	r := writing(t)
	orders := map[string]func(*world){
		"backup": func(w *world) { takeover(t, r, w) },
		"reassign": func(w *world) {
			w.decide(t, r, monday.Add(time.Hour), plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"})
		},
	}
	for name, order := range orders {
		for actor, kept := range map[connectors.Actor]bool{connectors.ActorPerson: true, connectors.ActorUnknown: true, connectors.ActorAutomation: false} {
			w, _ := unmoved(t, r, andBack(actor, monday.Add(2*time.Minute))...)
			order(w)
			h := w.only(t)
			owner, written := any(nil), false
			for _, i := range w.intents {
				if v, set := i.Write.Set["hubspot_owner_id"]; set && i.Write.Ref.Kind == "contacts" {
					owner, written = v, true
				}
			}
			if (h.Owner == "ana@example.com") != kept || written == kept || h.Stage != state.Assigned {
				t.Errorf("%s, by %q: %s has it, %s; owner to be written %v", name, actor, h.Owner, h.Stage, owner)
			}
			if told := len(w.listed("untold"))+len(w.listed("reassign")) > 0; told != kept {
				t.Errorf("%s, by %q: listed %v", name, actor, told)
			}
		}
	}
}

// TestGivenBackUnread: where the record cannot be read when a step is due, whoever
// is to be told is told; what the last reading had shown is asked about when the
// record is read again, before the owner is written.
func TestGivenBackUnread(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for actor, stage := range map[connectors.Actor]state.Stage{connectors.ActorPerson: state.Superseded, connectors.ActorAutomation: state.Assigned} {
		w, rec := unmoved(t, r, andBack(actor, monday.Add(2*time.Minute))...)
		for _, timer := range w.due(monday.Add(23 * time.Minute)) {
			c := &curious{world: w}
			if _, err := r.Decide(monday.Add(23*time.Minute), c, plan.Fired{Timer: timer}); err != nil || c.asked > 0 {
				t.Fatalf("asked %d times of a CRM that does not answer, %v", c.asked, err)
			}
			w.decide(t, r, monday.Add(23*time.Minute), plan.Fired{Timer: timer})
			delete(w.timers, timer.ID)
		}
		if h := w.only(t); h.Owner != "ben@example.com" {
			t.Fatalf("%s has it", h.Owner)
		}
		w.decide(t, r, monday.Add(30*time.Minute), see(rec))
		_, waits := w.steps()["assign"]
		if h := w.only(t); h.Stage != stage || waits != (stage == state.Assigned) {
			t.Errorf("by %s: %s, to be written %v", actor, h.Stage, waits)
		}
	}
}

// TestGivenBackAskedOnce: who changed the owner is asked only where somebody
// else has changed the record since, though our own writes came after, and not
// again once it is known.
func TestGivenBackAskedOnce(t *testing.T) {
	t.Parallel()
	r := writing(t)
	asked := func(w *world, now time.Time) int {
		n := 0
		for _, timer := range w.due(now) {
			c := &curious{world: w}
			if _, err := r.Decide(now, c, plan.Fired{Timer: timer, Fresh: true}); err != nil {
				t.Fatal(err)
			}
			n += min(c.asked, 1)
			w.decide(t, r, now, plan.Fired{Timer: timer, Fresh: true})
			delete(w.timers, timer.ID)
		}
		return n
	}
	w, _ := unmoved(t, r)
	if n := asked(w, monday.Add(23*time.Minute)); n != 0 || w.only(t).Owner != "ben@example.com" {
		t.Errorf("nobody touched it: asked %d times, %s has it", n, w.only(t).Owner)
	}
	w, rec := unmoved(t, r)
	rec.Version, rec.ModifiedAt = "4", monday.Add(time.Minute) // our task has changed the record, too
	rec.Fields = fields(rec, "work_owned_at", monday.Add(time.Second).Format(time.RFC3339))
	w.decide(t, r, monday.Add(2*time.Minute), see(rec))
	if n := asked(w, monday.Add(23*time.Minute)); n != 0 || w.only(t).Owner != "ben@example.com" {
		t.Errorf("the CRM says that the owner was set by nobody else: asked %d times, %s has it", n, w.only(t).Owner)
	}
	w, rec = unmoved(t, r, andBack(connectors.ActorPerson, monday.Add(2*time.Minute))...)
	rec.Version, rec.Fields = "4", fields(rec, "work_owned_at", rec.ModifiedAt.Format(time.RFC3339))
	w.decide(t, r, monday.Add(4*time.Minute), see(rec))
	if n := asked(w, monday.Add(23*time.Minute)); n != 1 || w.only(t).Owner != "ana@example.com" {
		t.Errorf("the CRM says that it was set again: asked %d times, %s has it", n, w.only(t).Owner)
	}
	w, rec = unmoved(t, r, andBack(connectors.ActorPerson, monday.Add(2*time.Minute))...)
	w.fireDue(t, r, monday.Add(17*time.Minute)) // the breach is marked on the record
	stamp := monday.Add(17*time.Minute + time.Second)
	w.answered(t, r, stamp, "breach", plan.Delivered{Ref: rec.Ref, Version: "9", Stamp: stamp})
	rec.Version, rec.ModifiedAt = "9", stamp
	w.decide(t, r, stamp.Add(time.Second), see(rec))
	if n := asked(w, monday.Add(23*time.Minute)); n != 1 || w.only(t).Owner != "ana@example.com" {
		t.Errorf("given back before our mark: asked %d times, %s has it", n, w.only(t).Owner)
	}
	c := &curious{world: w}
	if _, err := r.Decide(monday.Add(time.Hour), c, plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"}); err != nil || c.asked != 0 {
		t.Errorf("asked again %d times, %v", c.asked, err)
	}
}

// TestGivenBackMeanwhile: a person who gives the record away and back while our
// write of another owner waits has the last word: it does not leave (C11).
func TestGivenBackMeanwhile(t *testing.T) {
	t.Parallel()
	r := writing(t)
	orders := map[string]func(*world) string{
		"backup": func(w *world) string { takeover(t, r, w); return "assign" },
		"reassign": func(w *world) string {
			w.decide(t, r, monday.Add(23*time.Minute), plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"})
			return "reassign"
		},
	}
	for name, order := range orders {
		for actor, stage := range map[connectors.Actor]state.Stage{connectors.ActorPerson: state.Superseded, connectors.ActorAutomation: state.Assigned} {
			w, rec := unmoved(t, r)
			step := order(w)
			now := monday.Add(25 * time.Minute)
			w.trails["51"] = state.Trail{Values: append(andBack(actor, monday.Add(24*time.Minute)), w.trails["51"].Values...)}
			rec.Version, rec.ModifiedAt = "9", now
			w.decide(t, r, now.Add(time.Second), see(rec))
			h := w.only(t)
			_, waits := w.steps()[step]
			if h.Stage != stage || waits == (stage == state.Superseded) || !waits && h.Accountable != "ana@example.com" {
				t.Errorf("%s, by %s: %s, %s answers for it, to be written %v", name, actor, h.Stage, h.Accountable, waits)
			}
			for s := range w.steps() {
				if !waits && strings.HasPrefix(s, "say ") {
					t.Errorf("%s: %q is said though it was not given away", name, s)
				}
			}
			c := &curious{world: w}
			if _, err := r.Decide(now.Add(2*time.Second), c, see(rec)); err != nil || c.asked != 0 {
				t.Errorf("%s, by %s: asked again %d times, %v", name, actor, c.asked, err)
			}
		}
	}
}

// TestReassignContested: an order whose write came upon a change that is
// nobody's taking of the record is made again, and not given up.
func TestReassignContested(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec := unmoved(t, r)
	w.decide(t, r, monday.Add(23*time.Minute), plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"})
	first := w.steps()["reassign"].Write.Key
	rec.Version, rec.ModifiedAt, rec.Fields = "9", monday.Add(24*time.Minute), fields(rec, "phone", "+15550100")
	w.decide(t, r, monday.Add(24*time.Minute), see(rec))
	w.answered(t, r, monday.Add(24*time.Minute), "reassign", plan.Delivered{Class: connectors.Conflict.String(), Err: "changed"})
	i, waits := w.steps()["reassign"]
	if !waits || i.Write.Key == first || i.Write.Set["hubspot_owner_id"] != "u-cleo" || i.Write.IfVersion != "9" || len(w.listed("refused")) > 0 {
		t.Fatalf("after a harmless edit: %v, %+v, listed %v", waits, i.Write, w.listed("refused"))
	}
	w.answered(t, r, monday.Add(25*time.Minute), "reassign", plan.Delivered{Ref: rec.Ref, Version: "91", Stamp: monday.Add(25 * time.Minute)})
	rec.Version, rec.ModifiedAt, rec.Fields = "91", monday.Add(25*time.Minute), fields(rec, "owner", "u-cleo")
	w.decide(t, r, monday.Add(26*time.Minute), see(rec))
	if h := w.only(t); h.Owner != "cleo@example.com" || h.Stage != state.Assigned {
		t.Errorf("%s has it, %s", h.Owner, h.Stage)
	}
}

// TestGivenBackAndOn: where the CRM says that a person has given the record on since the
// reading at hand, which has waited its turn, it is theirs whom they gave it to.
func TestGivenBackAndOn(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec := unmoved(t, r)
	w.decide(t, r, monday.Add(23*time.Minute), plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"})
	read := monday.Add(25 * time.Minute)
	past := append([]connectors.FieldValue{value("u-vera", read.Add(time.Minute), connectors.ActorPerson)}, andBack(connectors.ActorPerson, monday.Add(23*time.Minute+30*time.Second))...)
	w.trails["51"] = state.Trail{Values: append(past, w.trails["51"].Values...)}
	rec.Version, rec.ModifiedAt = "9", read
	w.decide(t, r, read.Add(2*time.Minute), see(rec))
	if h := w.only(t); h.Stage != state.Superseded || h.Accountable != "vera@example.com" {
		t.Errorf("%s, %s answers for it, want vera", h.Stage, h.Accountable)
	}
}
