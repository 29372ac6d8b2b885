package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// written is a world in which a demo request was handed over and its owner
// stands, a second after the record was read.
func written(t failer, r *plan.Rules) (*world, state.Record, state.Handoff) {
	w := newWorld()
	rec := demo("51", "dana@acme.com")
	w.decide(t, r, monday, see(rec))
	i := w.steps()["assign"]
	delete(w.intents, i.Write.Key)
	stamp := monday.Add(time.Second)
	w.decide(t, r, stamp, plan.Delivered{Intent: i, Ref: rec.Ref, Version: "2", Stamp: stamp})
	rec.Version, rec.ModifiedAt = "2", stamp
	rec.Fields = clone(rec.Fields)
	rec.Fields["owner"] = fmt.Sprint(i.Write.Set["hubspot_owner_id"])
	return w, rec, w.handoffs[i.Handoff]
}

func clone(m map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// given is the record with another owner, read later.
func given(rec state.Record, owner string, after time.Duration) state.Record {
	rec.Fields = clone(rec.Fields)
	rec.Fields["owner"] = owner
	rec.ModifiedAt = rec.ModifiedAt.Add(after)
	rec.Version = fmt.Sprint("3 ", rec.ModifiedAt.Format(time.RFC3339Nano))
	return rec
}

func value(v string, at time.Time, actor connectors.Actor) connectors.FieldValue {
	return connectors.FieldValue{Value: v, At: at, Actor: actor, By: string(actor) + " 7"}
}

// TestPutBack: a person's owner that came between our reading and our write is
// put back once, guarded by what stands there, and left alone (C11).
func TestPutBack(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, c := range map[string]struct {
		between []connectors.FieldValue
		back    any
	}{
		"a person":           {[]connectors.FieldValue{value("u-vera", monday, connectors.ActorPerson)}, "u-vera"},
		"nobody known":       {[]connectors.FieldValue{value("u-vera", monday, connectors.ActorUnknown)}, "u-vera"},
		"a person's blank":   {[]connectors.FieldValue{{At: monday, Actor: connectors.ActorPerson}, value("u-dev", monday.Add(-time.Second), connectors.ActorPerson)}, nil},
		"a program":          {[]connectors.FieldValue{value("u-vera", monday, connectors.ActorAutomation)}, "none"},
		"before the reading": {[]connectors.FieldValue{value("u-vera", monday.Add(-time.Hour), connectors.ActorPerson)}, "none"},
		"nobody":             {nil, "none"},
	} {
		w, rec, h := written(t, r)
		ours := value(rec.Fields["owner"], rec.ModifiedAt, connectors.ActorIntegration)
		w.trails = map[string]state.Trail{"51": {Values: append([]connectors.FieldValue{ours}, c.between...)}}
		seen := see(rec)
		seen.Check = true
		w.decide(t, r, monday.Add(time.Minute), seen)
		i, put := w.steps()["restore"]
		got, stage := any("none"), state.Assigned
		if put {
			got = i.Write.Set["hubspot_owner_id"]
		}
		if c.back != "none" {
			stage = state.Superseded
		}
		if got != c.back || w.handoffs[h.ID].Stage != stage || put && (i.Expect["hubspot_owner_id"] != rec.Fields["owner"] || i.Rank != state.FirstRank) {
			t.Errorf("%s: put back %v, %s, expecting %v, rank %d", name, got, w.handoffs[h.ID].Stage, i.Expect, i.Rank)
		}
		again := w.decide(t, r, monday.Add(2*time.Minute), seen)
		if len(again.Intents) > 0 {
			t.Errorf("%s: written again: %v", name, again.Intents)
		}
	}
}

// TestOwnerTakenBeforeUs: who is to have a record owns it already, so the first write leaves
// the owner alone. A program takes it from them, or it is merged into another, before
// that write leaves: then the owner is written after all (C8).
func TestOwnerTakenBeforeUs(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for now, expect := range map[string]any{"": nil, "u-queue": "u-queue"} {
		w := newWorld()
		w.users = append(w.users, user{"hubspot", connectors.User{ID: "u-queue", Queue: true, Active: true}})
		rec := demo("51", "dana@acme.com", "owner", "u-vera")
		w.decide(t, r, monday, see(rec))
		i := w.steps()["assign"]
		if _, set := i.Write.Set["hubspot_owner_id"]; set || w.only(t).Owner != "vera@example.com" {
			t.Fatalf("assigned to %s: %v", w.only(t).Owner, i.Write.Set)
		}
		later := given(rec, now, 20*time.Second)
		w.trails = map[string]state.Trail{"51": {Values: []connectors.FieldValue{value(now, later.ModifiedAt, connectors.ActorAutomation)}}}
		w.decide(t, r, monday.Add(time.Minute), see(later))
		if i := w.steps()["assign"]; i.Write.Set["hubspot_owner_id"] != "u-vera" || i.Expect["hubspot_owner_id"] != expect {
			t.Errorf("owner %q now: written %v, expecting %v", now, i.Write.Set, i.Expect)
		}
	}
}

// TestNotPutBack: who had the record just before us has left by the time it is to be
// given back, or somebody has given it on. The record says all the same how it stands,
// and what the CRM refuses is listed (C14). Where it was only edited, or nobody knows yet
// what was done to it, it is tried again on what it is by then (C11).
func TestNotPutBack(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, c := range map[string]struct {
		class  connectors.Class
		owner  string // who has it when it is read next; blank: it is not read before the answer
		back   bool
		listed bool
	}{
		"they may own nothing": {connectors.Invalid, "", false, true},
		"not read yet":         {connectors.Conflict, "", true, false},
		"edited":               {connectors.Conflict, "u-ana", true, false},
		"given on":             {connectors.Conflict, "u-dev", false, false},
	} {
		w, rec, h := written(t, r)
		w.trails = map[string]state.Trail{"51": {Values: []connectors.FieldValue{
			value(rec.Fields["owner"], rec.ModifiedAt, connectors.ActorIntegration), value("u-vera", monday, connectors.ActorPerson),
		}}}
		seen := see(rec)
		seen.Check = true
		w.decide(t, r, monday.Add(time.Minute), seen)
		i := w.steps()["restore"]
		delete(w.intents, i.Write.Key)
		version := rec.Version
		if c.owner != "" {
			rec = given(rec, c.owner, 70*time.Second)
			version = rec.Version
			w.decide(t, r, monday.Add(90*time.Second), see(rec))
		}
		w.decide(t, r, monday.Add(2*time.Minute), plan.Delivered{Intent: i, Class: c.class.String(), Err: "INVALID_OWNER_ID", Fields: []string{"hubspot_owner_id"}})
		back, again := w.steps()["restore"]
		tell, told := w.steps()["supersede"]
		if again != c.back || told == c.back || (len(w.listed("refused")) > 0) != c.listed || w.handoffs[h.ID].Stage != state.Superseded {
			t.Errorf("%s: again %v, told %v, listed %q", name, again, told, w.listed("refused"))
		}
		if told && tell.Write.Set["hubspot_owner_id"] != nil {
			t.Errorf("%s: told %v", name, tell.Write.Set)
		}
		if w := back.Write; again && (w.Set["hubspot_owner_id"] != "u-vera" || w.IfVersion != version || back.Expect["hubspot_owner_id"] != "u-ana") {
			t.Errorf("%s: %+v, expecting %v", name, w, back.Expect)
		}
	}
}

// TestPutBackLate: the same where the CRM did not tell when our write stood, and
// where the handoff was completed before the record was read: the record is the person's,
// as it was when that was done (A4, C11).
func TestPutBackLate(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, tc := range map[string]struct {
		stamped, completed bool
		by                 connectors.Actor
		back               bool
	}{
		"no stamp":                       {false, false, connectors.ActorPerson, true},
		"no stamp, a program":            {false, false, connectors.ActorAutomation, false},
		"completed":                      {true, true, connectors.ActorPerson, true},
		"completed, no stamp":            {false, true, connectors.ActorPerson, true},
		"completed, no stamp, a program": {false, true, connectors.ActorAutomation, false},
	} {
		w, rec, h := written(t, r)
		stamp := rec.ModifiedAt
		if !tc.stamped {
			s := *h.Stake
			s.Stamp = time.Time{}
			h.Stake = &s
		}
		if tc.completed {
			h.Stage = state.Completed
		}
		w.handoffs[h.ID] = h
		w.trails = map[string]state.Trail{"51": {Values: []connectors.FieldValue{
			value(rec.Fields["owner"], stamp, connectors.ActorIntegration), value("u-vera", stamp.Add(-40*time.Millisecond), tc.by),
		}}}
		seen := see(rec)
		seen.Check = true
		w.decide(t, r, monday.Add(time.Minute), seen)
		i, put := w.steps()["restore"]
		if put != tc.back || put && (i.Write.Set["hubspot_owner_id"] != "u-vera" || i.Expect["hubspot_owner_id"] != rec.Fields["owner"]) {
			t.Errorf("%s: put back %v: %+v", name, put, i.Write)
		}
		if now := w.handoffs[h.ID]; (now.Stage == state.Superseded) != tc.back || tc.back && (now.Stake.Ceded != "u-vera" || now.Accountable != "vera@example.com") {
			t.Errorf("%s: %s, left to %q", name, now.Stage, now.Stake.Ceded)
		}
		if again := w.decide(t, r, monday.Add(2*time.Minute), seen); len(again.Intents) > 0 {
			t.Errorf("%s: written again: %v", name, again.Intents)
		}
	}
}

// TestReversed: a program that takes our owner away is answered once; then it
// is left as it is, and the admin is told which program it is (G10). A person
// is not answered at all (C11).
func TestReversed(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec, h := written(t, r)
	ours := value(rec.Fields["owner"], rec.ModifiedAt, connectors.ActorIntegration)
	flow := value("u-vera", rec.ModifiedAt.Add(time.Minute), connectors.ActorAutomation)
	w.trails = map[string]state.Trail{"51": {Values: []connectors.FieldValue{flow, ours}}}
	taken := given(rec, "u-vera", time.Minute)
	w.decide(t, r, monday.Add(2*time.Minute), see(taken))
	i, ok := w.steps()["rewrite"]
	if !ok || i.Write.Set["hubspot_owner_id"] != rec.Fields["owner"] || i.Expect["hubspot_owner_id"] != "u-vera" {
		t.Fatalf("rewrite %+v", i)
	}
	delete(w.intents, i.Write.Key)
	w.decide(t, r, monday.Add(3*time.Minute), plan.Delivered{Intent: i, Ref: rec.Ref, Version: taken.Version + "+", Stamp: taken.ModifiedAt.Add(time.Second)})
	flow.At = flow.At.Add(time.Hour)
	w.trails["51"] = state.Trail{Values: []connectors.FieldValue{flow, ours}}
	c := w.decide(t, r, monday.Add(2*time.Hour), see(given(rec, "u-vera", 2*time.Hour)))
	frozen := w.handoffs[h.ID]
	if len(c.Intents) > 0 || frozen.Frozen == "" || !frozen.Stage.Open() || len(c.Listings) != 1 || c.Listings[0].List != "reversed" {
		t.Fatalf("after the second time: %+v, frozen %q, listed %v", c.Intents, frozen.Frozen, c.Listings)
	}
	person := value("u-dev", flow.At.Add(time.Hour), connectors.ActorPerson)
	w.trails["51"] = state.Trail{Values: []connectors.FieldValue{person, flow, ours}}
	c = w.decide(t, r, monday.Add(4*time.Hour), see(given(rec, "u-dev", 4*time.Hour)))
	if w.handoffs[h.ID].Stage != state.Superseded || w.steps()["rewrite"].Write.Key != "" {
		t.Errorf("a person after it: %s, %+v", w.handoffs[h.ID].Stage, c.Intents)
	}
}

// flipped is a handoff whose owner a program has taken away, and the write that is
// about to give the record back.
func flipped(t *testing.T, r *plan.Rules) (*world, state.Handoff, state.Intent) {
	t.Helper()
	w, rec, h := written(t, r)
	w.trails = map[string]state.Trail{"51": {Values: []connectors.FieldValue{
		value("u-vera", rec.ModifiedAt.Add(time.Minute), connectors.ActorAutomation), value(rec.Fields["owner"], rec.ModifiedAt, connectors.ActorIntegration),
	}}}
	w.decide(t, r, monday.Add(2*time.Minute), see(given(rec, "u-vera", time.Minute)))
	i, ok := w.steps()["rewrite"]
	if !ok {
		t.Fatalf("no rewrite: %v", w.steps())
	}
	return w, h, i
}

// TestRewriteAnswerLost: the owner was written once more, and the answer was lost, so that it
// seemed to come too late: the next time the program has its way all the same (G10, C2).
// Where the trail does not show it, nothing was written.
func TestRewriteAnswerLost(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for owner, again := range map[string]bool{"ours": false, "u-dev": true} {
		w, h, i := flipped(t, r)
		flip, rec := w.trails["51"].Values[0], w.records[h.Target]
		if owner == "ours" {
			owner = h.Stake.Value
		}
		between := value(owner, flip.At.Add(time.Minute), connectors.ActorIntegration)
		delete(w.intents, i.Write.Key)
		w.decide(t, r, monday.Add(4*time.Minute), plan.Delivered{Intent: i, Class: connectors.Conflict.String(), Err: "the record was changed before it was written"})
		first := flip
		flip.At = flip.At.Add(time.Hour)
		w.trails["51"] = state.Trail{Values: []connectors.FieldValue{flip, between, first}}
		w.decide(t, r, monday.Add(2*time.Hour), see(given(rec, "u-vera", 2*time.Hour)))
		h = w.handoffs[h.ID]
		if _, rewrites := w.steps()["rewrite"]; rewrites != again || (h.Frozen == "") != again {
			t.Errorf("it showed %s: written again %v, frozen %q", owner, rewrites, h.Frozen)
		}
	}
}

// TestOrderInPlaceOfRewrite: an order that comes while the owner is about to be written
// once more comes in its place, and nothing is left of that.
func TestOrderInPlaceOfRewrite(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, h, _ := flipped(t, r)
	w.decide(t, r, monday.Add(3*time.Minute), plan.Reassign{Handoff: h.ID, To: "revops@example.com", By: "revops@example.com"})
	steps, h := w.steps(), w.handoffs[h.ID]
	_, waits := steps["rewrite"]
	_, known := h.Effects["rewrite"]
	if waits || known || steps["reassign"].Write.Set["hubspot_owner_id"] != "u-revops" {
		t.Errorf("the rewrite waits: %v, is known: %v; reassign %v", waits, known, steps["reassign"].Write.Set)
	}
}

// TestReversedForGood: a program takes the owner away, and they can own nothing any more
// when it is written once more. Where the handoff is over by then it is left so, and
// listed (G10, C14).
func TestReversedForGood(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, h, i := flipped(t, r)
	delete(w.intents, i.Write.Key)
	over := w.handoffs[h.ID]
	over.Stage, over.ClosedAt = state.Completed, monday.Add(2*time.Minute)
	w.handoffs[h.ID] = over
	w.decide(t, r, monday.Add(3*time.Minute), plan.Delivered{Intent: i, Class: connectors.Invalid.String(), Err: "INVALID_OWNER_ID", Fields: []string{"hubspot_owner_id"}})
	if h = w.handoffs[h.ID]; h.Stake.Ceded != "u-vera" || len(w.listed("reversed")) != 1 {
		t.Errorf("left to %q, listed %q", h.Stake.Ceded, w.listed("reversed"))
	}
}

// TestUnansweredOverPerson: a write whose answer was lost is settled by the
// reading that finds it done, and so is whether it came over a person: their
// owner is put back (C2, C11).
func TestUnansweredOverPerson(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, person := range []bool{false, true} {
		w := newWorld()
		rec := demo("51", "dana@acme.com")
		w.decide(t, r, monday, see(rec))
		i := w.steps()["assign"]
		i.Attempts = 1
		w.intents[i.Write.Key] = i
		ours := value(fmt.Sprint(i.Write.Set["hubspot_owner_id"]), rec.ModifiedAt.Add(3*time.Second), connectors.ActorIntegration)
		past := []connectors.FieldValue{ours}
		if person {
			past = append(past, value("u-vera", ours.At.Add(-time.Second), connectors.ActorPerson))
		}
		w.trails = map[string]state.Trail{"51": {Values: past}}
		found := given(rec, fmt.Sprint(ours.Value), 20*time.Second) // somebody has typed into it since
		found.Fields["handoff_id"], found.Fields["handoff_status"] = i.Handoff, "Assigned"
		w.decide(t, r, monday.Add(time.Minute), see(found))
		h := w.only(t)
		back, put := w.steps()["restore"]
		_, waits := w.steps()["assign"]
		switch {
		case waits || h.Written.IsZero():
			t.Errorf("person %v: still to be written %v, written at %s", person, waits, h.Written)
		case person && (h.Stage != state.Superseded || !put || back.Write.Set["hubspot_owner_id"] != "u-vera" || back.Expect["hubspot_owner_id"] != ours.Value):
			t.Errorf("over a person: %s, put back %+v", h.Stage, back.Write.Set)
		case !person && (h.Stage != state.Assigned || put):
			t.Errorf("over nobody: %s, put back %+v", h.Stage, back.Write.Set)
		}
	}
}

// TestUnansweredTakenSince: a write whose answer was lost stood, as handoffd's own
// fields tell, and somebody has changed the owner since, it may be to whom it was
// before us. A person's is kept, a program's is answered once; a record that does
// not carry the handoff is written as it was to be (C2, C11).
func TestUnansweredTakenSince(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, tc := range map[string]struct {
		by     connectors.Actor
		owner  string
		carry  bool
		stage  state.Stage
		writes string
	}{
		"a person gives it back":       {connectors.ActorPerson, "u-jo", true, state.Superseded, ""},
		"a person gives it to a third": {connectors.ActorPerson, "u-tomas", true, state.Superseded, ""},
		"a program gives it back":      {connectors.ActorAutomation, "u-jo", true, state.Accepted, "rewrite"},
		"it has not been written":      {connectors.ActorPerson, "u-jo", false, state.Assigned, "assign"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			rec := demo("51", "dana@acme.com", "owner", "u-jo")
			w.decide(t, r, monday, see(rec))
			i := w.steps()["assign"]
			i.Attempts = 1
			w.intents[i.Write.Key] = i
			ours := value(fmt.Sprint(i.Write.Set["hubspot_owner_id"]), rec.ModifiedAt.Add(3*time.Second), connectors.ActorIntegration)
			past := []connectors.FieldValue{value("u-jo", rec.ModifiedAt.Add(-time.Hour), connectors.ActorAutomation)}
			found := given(rec, tc.owner, 20*time.Second)
			if tc.carry {
				past = append([]connectors.FieldValue{value(tc.owner, found.ModifiedAt, tc.by), ours}, past...)
				found.Fields["handoff_id"], found.Fields["handoff_status"] = i.Handoff, "Accepted"
				found.Fields["handoff_assigned_at"] = fmt.Sprint(i.Write.Set["handoff_assigned_at"])
			}
			w.trails = map[string]state.Trail{"51": {Values: past}}
			w.decide(t, r, monday.Add(time.Minute), see(found))
			h := w.only(t)
			var writes []string
			for _, step := range []string{"assign", "rewrite", "restore"} {
				if _, waits := w.steps()[step]; waits {
					writes = append(writes, step)
				}
			}
			if h.Stage != tc.stage || strings.Join(writes, " ") != tc.writes || h.Written.IsZero() == tc.carry {
				t.Errorf("%s, to be written %q, written at %s", h.Stage, writes, h.Written)
			}
		})
	}
}

// TestReturnGivenAgain: a person has given the record to somebody and back to
// the receiver before we read that it was returned. The return counts, and the
// owner is theirs to say from then on (C11).
func TestReturnGivenAgain(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, actor := range []connectors.Actor{connectors.ActorPerson, connectors.ActorIntegration} {
		w, rec, h := written(t, r)
		at := rec.ModifiedAt
		owner := rec.Fields["owner"]
		w.trails = map[string]state.Trail{"51": {Values: []connectors.FieldValue{
			value(owner, at.Add(3*time.Minute), actor), value("u-vera", at.Add(2*time.Minute), actor), value(owner, at, connectors.ActorIntegration),
		}}}
		back := given(rec, owner, 3*time.Minute)
		back.Fields["handoff_id"], back.Fields["handoff_status"] = h.ID, "Returned"
		w.decide(t, r, monday.Add(4*time.Minute), see(back))
		left := w.steps()["return"]
		set := left.Write.Set
		_, taken := set["hubspot_owner_id"]
		if got := w.handoffs[h.ID]; got.Stage != state.Returned || shows(back, left, "handoff_status") != "Returned" || taken != (actor == connectors.ActorIntegration) {
			t.Errorf("set by %s: %s, written %v", actor, got.Stage, set)
		}
	}
}

// TestGivenOnMeanwhile: a reading that waited its turn shows whom a person gave
// the record to, and the trail to whom they gave it next: that is who has it (C11).
func TestGivenOnMeanwhile(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for actor, want := range map[connectors.Actor]string{connectors.ActorPerson: "dev@example.com", connectors.ActorAutomation: "vera@example.com"} {
		w, rec, h := written(t, r)
		taken := given(rec, "u-vera", time.Minute)
		w.trails = map[string]state.Trail{"51": {Values: []connectors.FieldValue{
			value("u-dev", taken.ModifiedAt.Add(time.Minute), actor), value("u-vera", taken.ModifiedAt, connectors.ActorPerson),
			value(rec.Fields["owner"], rec.ModifiedAt, connectors.ActorIntegration),
		}}}
		w.decide(t, r, monday.Add(5*time.Minute), see(taken))
		if got := w.handoffs[h.ID]; got.Stage != state.Superseded || got.Accountable != want || w.steps()["supersede"].Write.Set["handoff_accountable"] != want {
			t.Errorf("then by %s: %s, %s has it, want %s", actor, got.Stage, got.Accountable, want)
		}
	}
}

// TestBeforeUs: what is seen of a record while our write of its owner waits
// counts: a person's owner is left to them, a program's is written over (C11, G10).
func TestBeforeUs(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for actor, stage := range map[connectors.Actor]state.Stage{
		connectors.ActorPerson: state.Superseded, connectors.ActorUnknown: state.Superseded, connectors.ActorAutomation: state.Assigned,
	} {
		w := newWorld()
		rec := demo("51", "dana@acme.com")
		w.decide(t, r, monday, see(rec))
		later := given(rec, "u-vera", time.Minute)
		w.trails = map[string]state.Trail{"51": {Values: []connectors.FieldValue{value("u-vera", later.ModifiedAt, actor)}}}
		w.decide(t, r, monday.Add(time.Minute), see(later))
		h := w.only(t)
		i, waits := w.steps()["assign"]
		if h.Stage != stage || waits != (stage == state.Assigned) || waits && i.Expect["hubspot_owner_id"] != "u-vera" {
			t.Errorf("%q: %s, still to be written %v, expecting %v", actor, h.Stage, waits, i.Expect)
		}
	}
}

// TestLoopBreaker: however long a program and the CRM play with us, a field of
// one handoff is written four times within an hour at most (C13).
func TestLoopBreaker(t *testing.T) {
	t.Parallel()
	r := writing(t)
	rapid.Check(t, func(rt *rapid.T) {
		w, rec, h := written(rt, r)
		sent := []time.Time{monday}
		now := monday.Add(time.Minute)
		form := 0
		for range rapid.IntRange(1, 25).Draw(rt, "rounds") {
			now = now.Add(time.Duration(rapid.IntRange(1, 20).Draw(rt, "minutes")) * time.Minute)
			form++
			rec.ModifiedAt, rec.Version = now, "3 "+now.Format(time.RFC3339Nano)
			rec.Fields = clone(rec.Fields)
			rec.Fields["last_form_at"] = now.Format(time.RFC3339)
			c := w.decide(rt, r, now, see(rec))
			for _, i := range c.Intents {
				if i.Handoff == h.ID && i.Write.Set["handoff_reason_started"] != nil {
					sent = append(sent, now)
				}
			}
			n := 0
			for _, at := range sent {
				if now.Sub(at) < time.Hour {
					n++
				}
			}
			if n > 4 {
				rt.Fatalf("written %d times within an hour: %v", n, sent)
			}
		}
	})
}

// TestLoopBreakerSpares: a buyer who asks again and again, a gate that is filled in
// field by field and orders that come close together are no circle: what is told too
// often is left out, and the handoff goes on (C13, 1.78).
func TestLoopBreakerSpares(t *testing.T) {
	t.Parallel()
	t.Run("signals that join", func(t *testing.T) {
		t.Parallel()
		r := writing(t)
		w, rec := assigned(t, r)
		at, said := monday, 0
		for n := range 6 {
			at = at.Add(5 * time.Minute)
			rec.Version, rec.ModifiedAt, rec.Fields = fmt.Sprint(10+n), at, fields(rec, "last_form_at", at.Add(-time.Second).Format(time.RFC3339))
			w.decide(t, r, at, see(rec))
			if _, writes := w.steps()["join"]; writes {
				said++
			}
			w.done(t, r, at.Add(time.Second))
		}
		if h := w.only(t); h.Frozen != "" || len(h.Signals) != 7 || said != 3 || len(w.listed("loop")) == 0 {
			t.Errorf("frozen %q, %d signals, %d told, listed %v", h.Frozen, len(h.Signals), said, w.listed("loop"))
		}
		rec.Version, rec.ModifiedAt, rec.Fields = "20", at.Add(time.Minute), fields(rec, "lead_status", "Working")
		w.decide(t, r, at.Add(time.Minute), see(rec))
		if i, writes := w.steps()["accept"]; w.only(t).Stage != state.Accepted || !writes {
			t.Errorf("it is %s, and written: %v", w.only(t).Stage, i.Write.Set)
		}
	})
	t.Run("a gate", func(t *testing.T) {
		t.Parallel()
		words := []string{"the_why", "the_goals", "the_risks", "the_proposal", "the_note", "the_mode"}
		r, w := signing(t, "[deal.the_why]", "[deal."+strings.Join(words, ", deal.")+"]"), newWorld()
		w.decide(t, r, monday, see(deal("1")))
		at, filled := monday, []string{}
		for n, word := range words {
			w.done(t, r, at)
			at, filled = at.Add(11*time.Minute), append(filled, word, "said")
			rec := deal(fmt.Sprint(n+2), filled...)
			rec.ModifiedAt = at
			w.decide(t, r, at, plan.Observed{Record: rec, Via: "webhook", Came: at, Read: at})
		}
		h, steps := w.of(t), w.steps()
		if _, task := steps["task"]; h.Frozen != "" || h.Stage != state.Assigned || steps["assign"].Write.Set["the_csm"] == nil || !task {
			t.Errorf("%s to %s, frozen %q; written %v, a task %v", h.Stage, h.Owner, h.Frozen, steps["assign"].Write.Set, task)
		}
	})
	t.Run("orders", func(t *testing.T) {
		t.Parallel()
		r := writing(t)
		w, rec := unmoved(t, r)
		at := monday.Add(2 * time.Minute)
		frozen := w.only(t) // by whatever wrote against us before somebody looked
		frozen.Frozen = "loop: handoff_status"
		w.handoffs[frozen.ID] = frozen
		for n, to := range []string{"cleo", "ben", "cleo", "ben", "cleo"} {
			at = at.Add(5 * time.Minute)
			w.decide(t, r, at, plan.Reassign{Handoff: w.only(t).ID, To: to + "@example.com", By: "ops"})
			if got := w.steps()["reassign"].Write.Set["hubspot_owner_id"]; got != "u-"+to || w.only(t).Frozen != "" {
				t.Fatalf("order %d to %s: %v is written, frozen %q", n+1, to, got, w.only(t).Frozen)
			}
			w.answered(t, r, at.Add(time.Second), "reassign", plan.Delivered{Version: fmt.Sprint(10 + n), Stamp: at.Add(time.Second)})
			rec.Version, rec.ModifiedAt, rec.Fields = fmt.Sprint(10+n), at.Add(time.Second), fields(rec, "owner", "u-"+to)
			past := append([]connectors.FieldValue{value("u-"+to, rec.ModifiedAt, connectors.ActorIntegration)}, w.trails["51"].Values...)
			w.trails["51"] = state.Trail{Values: past}
			w.decide(t, r, at.Add(2*time.Second), see(rec))
		}
	})
}

// TestToldWhileDown: what a CRM that is down has not been told of further signals is
// one write, which is not made any more once the handoff is over (C13).
func TestToldWhileDown(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec := assigned(t, r)
	for n := range 3 {
		at := monday.Add(time.Duration(n+1) * time.Minute)
		rec.Version, rec.ModifiedAt, rec.Fields = fmt.Sprint(10+n), at, fields(rec, "last_form_at", at.Add(-time.Second).Format(time.RFC3339))
		w.decide(t, r, at, see(rec))
	}
	told := func() (n int) {
		for _, i := range w.intents {
			if i.Step == "join" {
				n++
			}
		}
		return n
	}
	if told() != 1 || len(w.only(t).Signals) != 4 {
		t.Errorf("%d writes tell of %d signals", told(), len(w.only(t).Signals))
	}
	rec.Version, rec.ModifiedAt, rec.Deleted = "20", monday.Add(time.Hour), true
	w.decide(t, r, monday.Add(time.Hour), see(rec))
	if told() != 0 {
		t.Errorf("it is %s, and %d writes tell of it", w.only(t).Stage, told())
	}
}

// TestContested: a write that is refused again and again, because the CRM still
// hides a later change from whoever reads, is no write: it counts for no loop,
// and is tried with growing pauses until it is taken (C1, C13, P4).
func TestContested(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for step, begin := range map[string]func() (*world, time.Time){
		"assign": func() (*world, time.Time) {
			w := newWorld()
			w.decide(t, r, monday, see(demo("51", "dana@acme.com")))
			return w, monday
		},
		"return": func() (*world, time.Time) {
			w, rec := unmoved(t, r)
			at := monday.Add(3 * time.Minute)
			rec.Version, rec.ModifiedAt = "7", at
			rec.Fields = fields(rec, "handoff_status", "Returned", "handoff_return_reason", "Too early")
			w.decide(t, r, at, see(rec))
			return w, at
		},
	} {
		w, now := begin()
		pause := time.Duration(0)
		for n := range 10 {
			i, waits := w.steps()[step]
			if !waits || i.Write.Set["hubspot_owner_id"] == nil {
				t.Fatalf("%s: given up after %d attempts; frozen: %q", step, n, w.only(t).Frozen)
			}
			if wait := i.Due.Sub(now); n > 0 && (wait < pause || wait > 5*time.Minute || n == 9 && wait < time.Minute) {
				t.Errorf("%s: attempt %d waits %s after %s", step, n+1, wait, pause)
			} else {
				pause = wait
			}
			now = i.Due
			w.answered(t, r, now, step, plan.Delivered{Class: connectors.Conflict.String(), Err: "changed"})
		}
		w.answered(t, r, now, step, plan.Delivered{Version: "9"})
		if h := w.only(t); h.Written.IsZero() || h.Effects[step].State != "done" || len(w.listed("loop")) > 0 {
			t.Errorf("%s: written at %s, %v, loops %v", step, h.Written, h.Effects[step], w.listed("loop"))
		}
	}
}

// TestReturnedAndGone: a return whose record is deleted before it is written is over, and
// not tried for ever (C9).
func TestReturnedAndGone(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec := unmoved(t, r)
	at := monday.Add(3 * time.Minute)
	rec.Version, rec.ModifiedAt = "7", at
	rec.Fields = fields(rec, "handoff_status", "Returned", "handoff_return_reason", "Too early")
	w.decide(t, r, at, see(rec))
	rec.Deleted = true
	w.decide(t, r, at.Add(time.Minute), see(rec))
	w.answered(t, r, at.Add(time.Minute), "return", plan.Delivered{Class: connectors.Conflict.String(), Err: "changed"})
	if i, waits := w.steps()["return"]; waits {
		t.Errorf("written again at %s", i.Due)
	}
}

// TestCannotOwn: a receiver who left between the decision and the write is no
// dead end: their backup gets it, record and task (C14).
func TestCannotOwn(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	rec := demo("51", "dana@acme.com")
	w.decide(t, r, monday, see(rec))
	was := w.only(t)
	i := w.steps()["assign"]
	w.decide(t, r, monday.Add(time.Second), plan.Delivered{
		Intent: i, Ref: rec.Ref, Class: connectors.Invalid.String(), Err: "INACTIVE_OWNER_OR_USER", Fields: []string{"hubspot_owner_id"},
	})
	h := w.only(t)
	steps := w.steps()
	u, _ := w.UserByEmail("hubspot", h.Owner)
	if h.Owner == was.Owner || h.Owner != was.Backup || h.Stage != state.Assigned {
		t.Fatalf("owner %s after %s with backup %s", h.Owner, was.Owner, was.Backup)
	}
	if steps["assign"].Write.Set["hubspot_owner_id"] != u.ID || steps["task"].Write.Set[connectors.TaskOwner] != u.ID || h.Accountable == was.Owner {
		t.Errorf("written for %v, the task for %v, accountable %s", steps["assign"].Write.Set["hubspot_owner_id"], steps["task"].Write.Set[connectors.TaskOwner], h.Accountable)
	}
}

// TestStaysWith: the receiver has left, and whoever was to have the handoff instead
// can own nothing either, as the CRM says when it is written. Whom the record shows
// has it, also where it has ended meanwhile, and the next reading finds another (C14).
func TestStaysWith(t *testing.T) {
	t.Parallel()
	for _, ended := range []bool{false, true} {
		r := writing(t)
		w, rec, h := written(t, r)
		was := h.Owner
		who, _, _ := strings.Cut(was, "@")
		w.inactive("hubspot", who)
		later := given(rec, rec.Fields["owner"], time.Minute)
		w.decide(t, r, monday.Add(2*time.Minute), see(later))
		passed := w.handoffs[h.ID]
		i, writes := w.steps()["reassign"]
		if passed.Owner == was || !writes {
			t.Fatalf("owner %s, %v", passed.Owner, i.Write)
		}
		if ended {
			passed.Stage = state.Completed
			w.handoffs[h.ID] = passed
		}
		delete(w.intents, i.Write.Key)
		w.decide(t, r, monday.Add(3*time.Minute), plan.Delivered{Intent: i, Class: connectors.Invalid.String(), Err: "INVALID_OWNER_ID", Fields: []string{"hubspot_owner_id"}})
		now := w.handoffs[h.ID]
		if now.Owner != was || now.Stake.Value != rec.Fields["owner"] || len(now.Holders) != 0 || len(w.listed("unowned")) == 0 {
			t.Errorf("ended %v: owner %s, stake %+v, holders %v", ended, now.Owner, now.Stake, now.Holders)
		}
		again := given(later, rec.Fields["owner"], time.Minute)
		w.inactive("hubspot", strings.TrimSuffix(passed.Owner, "@example.com"))
		w.decide(t, r, monday.Add(4*time.Minute), see(again))
		if next := w.handoffs[h.ID]; ended != (next.Owner == was) || next.Owner == passed.Owner {
			t.Errorf("ended %v: then %s", ended, next.Owner)
		}
	}
}

// TestOneAddressTwoRecords: two records with one address, of two portals, say,
// make one record over there, and the second does not take the first's place.
func TestOneAddressTwoRecords(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	w.locate(t, r, sales("51", "dana@acme.com"))
	first := w.steps()["create"]
	c := w.decide(t, r, monday.Add(time.Second), see(sales("52", "dana@acme.com")))
	if now := w.steps()["create"]; now.Handoff != first.Handoff || len(c.Needs) > 0 {
		t.Fatalf("the create is of %s, want %s", now.Handoff, first.Handoff)
	}
	if h := w.only(t); len(h.Signals) != 2 {
		t.Errorf("%d signals, want both on one handoff", len(h.Signals))
	}
}
