package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// returnable lets what is signed come back, and be handed over again.
const returnable = `first_touch_is: [meeting]
returned_when: {deal.handoff_status: Returned}
on_return: {reason: required, then: return_to_giver}
`

// latest is the handoff that was detected last.
func (w *world) latest() state.Handoff {
	var last state.Handoff
	for _, h := range w.handoffs {
		if last.ID == "" || h.DetectedAt.After(last.DetectedAt) {
			last = h
		}
	}
	return last
}

// inCRM is a record as the CRM has it: what we write stands there.
type inCRM struct {
	w     *world
	r     *plan.Rules
	rec   state.Record
	words map[string]string // what the mapping calls a field we write; absent: the same
	n     int
}

// says lets somebody change the record, once what we were to write stands there.
func (d *inCRM) says(t *testing.T, at time.Time, pairs ...string) {
	t.Helper()
	for _, i := range d.w.intents {
		if i.Write.Ref != d.rec.Ref {
			continue
		}
		for name, v := range i.Write.Set {
			text, _ := v.(string)
			d.rec.Fields[name] = text
			if word := d.words[name]; word != "" {
				d.rec.Fields[word] = text
			}
		}
		d.w.came(t, d.r, at.Add(-time.Minute), i, plan.Delivered{})
	}
	d.w.done(t, d.r, at.Add(-time.Minute))
	d.n++
	d.rec.Version, d.rec.ModifiedAt, d.rec.Fields = strconv.Itoa(d.n), at, fields(d.rec, pairs...)
	d.w.decide(t, d.r, at, plan.Observed{Record: d.rec, Via: "webhook", Came: at, Read: at})
}

// TestAgainThroughTheGate: what came back incomplete and is handed over again as
// it was waits at the gate once more, with the giver, who is told what lacks;
// filled in, it goes on (3.46, 4.14).
func TestAgainThroughTheGate(t *testing.T) {
	t.Parallel()
	r, w := signing(t, "first_touch_is: [meeting]\n", returnable, "after_hold: escalate", "after_hold: release"), newWorld()
	d := &inCRM{w: w, r: r, rec: deal("0")}
	d.says(t, monday)
	d.says(t, monday.Add(47*time.Hour))
	w.fire(t, r, monday.Add(48*time.Hour), "hold")
	first := w.latest()
	if first.Stage != state.Assigned {
		t.Fatalf("it was not let go: %s", first.Stage)
	}
	at := monday.Add(50 * time.Hour)
	d.says(t, at, "handoff_status", "Returned", "handoff_return_reason", "Clerical")
	d.says(t, at.Add(time.Hour), "handoff_status", "Assigned")
	again, steps := w.latest(), w.steps()
	if again.ID == first.ID || again.Stage != state.Held || again.Accountable != "erin@example.com" || !slices.Equal(again.Missing, []string{"deal.the_why"}) {
		t.Fatalf("handed over again: %s with %q, without %v, want held with the giver", again.Stage, again.Accountable, again.Missing)
	}
	if steps["chase"].Write.Set[connectors.TaskOwner] != "u-erin" {
		t.Errorf("the giver is not told what lacks: %v", steps)
	}
	if status, set := steps["hold"].Write.Set["handoff_status"]; !set || status != nil {
		t.Errorf("the status of what is held says %v", status)
	}
	d.says(t, at.Add(2*time.Hour), "the_why", "Their churn")
	if again = w.latest(); again.Stage != state.Assigned || again.Complete != 100 {
		t.Errorf("filled in: %s, %d%%", again.Stage, again.Complete)
	}
}

// TestAgainKnowsWhatLacks: what is handed over again after a return, by the giver
// or at once, tells how much of the context is there, and the giver is chased
// for the rest (2.1, 4.14).
func TestAgainKnowsWhatLacks(t *testing.T) {
	t.Parallel()
	for _, then := range []string{"next_owner", "return_to_giver"} {
		r := signing(t, "first_touch_is: [meeting]\n", strings.Replace(returnable, "return_to_giver", then, 1), "[deal.the_why]", "[deal.the_why, deal.the_goals]",
			"if_missing: gate, hold_at_most: 48 hours, after_hold: escalate", "if_missing: route_then_chase")
		w := newWorld()
		d := &inCRM{w: w, r: r, rec: deal("0", "the_why", "Their churn")}
		d.says(t, monday)
		first := w.latest()
		d.says(t, monday.Add(time.Hour), "handoff_status", "Returned", "handoff_return_reason", "Clerical", "handoff_return_note", "No contract")
		if then == "return_to_giver" {
			d.says(t, monday.Add(2*time.Hour), "handoff_status", "Assigned")
		}
		again, steps := w.latest(), w.steps()
		if told := steps["assign"].Write.Set["handoff_completeness"]; again.ID == first.ID || again.Complete != 50 || told != "50" || !slices.Equal(again.Missing, []string{"deal.the_goals"}) {
			t.Errorf("%s: %s, %d%%, without %v, and the record says %v", then, again.Stage, again.Complete, again.Missing, told)
		}
		if steps["chase"].Write.Set[connectors.TaskOwner] != "u-erin" {
			t.Errorf("%s: the giver is not asked for the rest", then)
		}
		if brief := fmt.Sprint(steps["assign"].Write.Set["handoff_brief"]); !strings.Contains(brief, "(signed, returned, because: Clerical, No contract)") || !strings.Contains(brief, "the csm is filled in, before") {
			t.Errorf("%s: the next owner does not read why it came back, or how to take it:\n%s", then, brief)
		}
	}
}

// TestOurOwnWords: what handoffd has written into the fields for the need and the
// next step is not read back as what the buyer wants: whoever gets it next reads
// the giver's words, an undo puts those back, and a gate is not opened by ours (1.60, 2.18, G13).
func TestOurOwnWords(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "handoffs/demo-request.yaml", "person.business_problem, person.timeline]", "person.business_problem, person.need]"))
	begin := func(t *testing.T) *inCRM {
		d := &inCRM{w: newWorld(), r: r, words: map[string]string{"handoff_need": "need", "handoff_next_step": "next_step", "hubspot_owner_id": "owner"}}
		d.rec = demo("51", "dana@acme.com", "country", "US", "full_name", "Dana Fox", "need", "SSO for 400 seats", "next_step", "A demo on Friday")
		d.says(t, monday)
		return d
	}
	asks := func(t *testing.T, d *inCRM, when, next string) {
		t.Helper()
		set := d.w.steps()["assign"].Write.Set
		brief, _ := set["handoff_brief"].(string)
		if !strings.Contains(brief, "Asked for: "+next+"\n") || strings.Contains(brief, "Asked for: Call before") || !strings.Contains(brief, "Need: SSO for 400 seats\n") {
			t.Errorf("%s, the brief says\n%s", when, brief)
		}
		if need := set["handoff_need"]; need != "need: SSO for 400 seats" {
			t.Errorf("%s, the need is %q", when, need)
		}
	}
	d := begin(t)
	asks(t, d, "at first", "A demo on Friday")
	d.says(t, monday.Add(5*time.Minute), "handoff_status", "Returned", "handoff_return_reason", "Clerical")
	d.says(t, monday.Add(10*time.Minute), "handoff_status", "Assigned")
	asks(t, d, "handed over again", "A demo on Friday")
	d.says(t, monday.Add(15*time.Minute), "handoff_status", "Returned", "handoff_return_reason", "Clerical")
	d.says(t, monday.Add(20*time.Minute), "handoff_status", "Assigned", "next_step", "Send the price list")
	asks(t, d, "mended and handed over again", "Send the price list")

	d = begin(t)
	d.says(t, monday.Add(time.Minute))
	stands := connectors.Object{Ref: d.rec.Ref, Version: d.rec.Version, Fields: d.w.befores[d.rec.Ref].Last}
	d.w.takenBack(t, r, monday.Add(2*time.Minute), stands)
	var back map[string]any
	for _, i := range d.w.intents {
		if i.Write.Ref == d.rec.Ref {
			back = i.Write.Set
		}
	}
	if back["handoff_next_step"] != "A demo on Friday" || back["handoff_need"] != "SSO for 400 seats" {
		t.Errorf("taken back, the record says %v", back)
	}
}

// TestTheirWordsStay: somebody has written over our next step since: that is a touch,
// and an undo leaves the record as it is; our own text, cut to what fits a field, is
// none (G13).
func TestTheirWordsStay(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for stands, touched := range map[string]bool{"Call me on Monday": true, "ours": false, "cut": false, "": false} {
		d := &inCRM{w: newWorld(), r: r, words: map[string]string{"hubspot_owner_id": "owner"}}
		d.rec = demo("51", "dana@acme.com", "country", "US", "business_problem", "Leads wait for days and nobody knows why")
		d.says(t, monday)
		d.says(t, monday.Add(time.Minute))
		now := maps.Clone(d.w.befores[d.rec.Ref].Last)
		switch stands {
		case "ours":
		case "cut":
			now["handoff_need"] = fmt.Sprint(now["handoff_need"])[:45]
		default:
			now["handoff_next_step"] = stands
		}
		id := d.w.only(t).ID
		d.w.decide(t, r, monday.Add(2*time.Minute), plan.Undo{
			Handoffs: []string{id}, By: "ops", Saw: []state.Record{d.rec},
			Found: []connectors.Object{{Ref: d.rec.Ref, Version: d.rec.Version, ModifiedAt: monday, Fields: now}},
		})
		if un := d.w.only(t).Undone; un == nil || un.Restored == touched {
			t.Errorf("%q stands there: %+v", stands, un)
		}
	}
}

// TestOurWordsFillNothing: a required field that handoffd itself has written is
// still missing (1.15, 2.1).
func TestOurWordsFillNothing(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "handoffs/demo-request.yaml", "must_have: [person.email]", "must_have: [person.email, person.need]"))
	d := &inCRM{w: newWorld(), r: r, words: map[string]string{"handoff_need": "need", "hubspot_owner_id": "owner"}}
	d.rec = demo("51", "dana@acme.com", "country", "US", "business_problem", "Leads wait for days")
	d.says(t, monday)
	d.says(t, monday.Add(time.Minute))
	if h := d.w.only(t); d.rec.Fields["need"] == "" || !slices.Equal(h.Missing, []string{"person.need"}) {
		t.Errorf("the need says %q, missing is %v", d.rec.Fields["need"], h.Missing)
	}
	d.says(t, monday.Add(2*time.Minute), "need", "SSO for 400 seats")
	if h := d.w.only(t); len(h.Missing) != 0 {
		t.Errorf("the giver has filled it in, missing is %v", h.Missing)
	}
}

// TestHeldSaysNothing: the status of the handoff before does not stand beside what
// is held; when more is filled in, what somebody has set since is left (3.46).
func TestHeldSaysNothing(t *testing.T) {
	t.Parallel()
	r, w := signing(t, "[deal.the_why]", "[deal.the_why, deal.the_goals]"), newWorld()
	d := &inCRM{w: w, r: r, rec: deal("0", "handoff_status", "Completed", "handoff_id", "an earlier one")}
	d.says(t, monday)
	if status, set := w.steps()["hold"].Write.Set["handoff_status"]; !set || status != nil {
		t.Errorf("held, it says %v", status)
	}
	d.says(t, monday.Add(time.Minute))
	d.says(t, monday.Add(time.Hour), "the_why", "Their churn")
	if set := w.steps()["hold"].Write.Set; len(set) == 0 {
		t.Error("what it waits for is not said anew")
	} else if status, again := set["handoff_status"]; again {
		t.Errorf("held still, it writes %v once more", status)
	}
}

// TestReturnedChecklist: what came back is nobody's to do any longer: the tasks of
// its checklist are ticked off, those that were on their way when they come, and
// whoever gets it next has them once (3.47, 4.14).
func TestReturnedChecklist(t *testing.T) {
	t.Parallel()
	r := signing(t, "first_touch_is: [meeting]\n", returnable, "checklist: {}", "checklist: {after_transfer: [Review the notes, {do: Name a date, who: giver}]}", "if_missing: gate, hold_at_most: 48 hours, after_hold: escalate", "if_missing: route_then_chase")
	for name, answered := range map[string]bool{"answered": true, "on their way": false} {
		d := &inCRM{w: newWorld(), r: r, rec: deal("0")}
		d.says(t, monday)
		made := map[string]bool{}
		var late []state.Intent
		for key, i := range d.w.intents {
			if set := i.Write.Set; i.Write.Ref.Kind == connectors.Task && i.Step != "task" {
				made[fmt.Sprint(set[connectors.TaskSubject])] = true
				if !answered {
					i.State = state.Sending
					late = append(late, i)
					delete(d.w.intents, key)
				}
			}
		}
		if len(made) != 3 {
			t.Fatalf("%s: %v, want two things to do and what is missing", name, made)
		}
		d.says(t, monday.Add(time.Hour))
		for _, i := range late {
			d.w.intents[i.Write.Key] = i
		}
		d.rec.Fields = fields(d.rec, "handoff_status", "Returned", "handoff_return_reason", "Clerical")
		d.rec.Version, d.rec.ModifiedAt = "r", monday.Add(2*time.Hour)
		d.w.decide(t, r, d.rec.ModifiedAt, plan.Observed{Record: d.rec, Via: "webhook", Came: d.rec.ModifiedAt, Read: d.rec.ModifiedAt})
		for _, i := range late {
			d.w.came(t, r, monday.Add(2*time.Hour+time.Second), i, plan.Delivered{Ref: connectors.Ref{Conn: "hubspot", Kind: connectors.Task, ID: "late-" + i.Write.Key[:4]}})
		}
		over := 0
		for _, i := range d.w.intents {
			if i.Write.Ref.ID != "" && i.Write.Set[connectors.TaskStatus] == "done" {
				over++
			}
		}
		if over != 4 {
			t.Errorf("%s: %d tasks are ticked off, want that of the handoff and three more", name, over)
		}
	}
}
