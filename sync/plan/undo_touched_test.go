package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// ordered is an operator's order about the only handoff, and what came of it.
func (w *world) ordered(t testing.TB, r *plan.Rules, at time.Time, ev plan.Undo) state.Undone {
	t.Helper()
	ev.Handoffs, ev.By, ev.Read = []string{w.only(t).ID}, "ops", at
	w.decide(t, r, at, ev)
	return *w.only(t).Undone
}

// whoTouched is who did each thing that keeps a handoff from being taken back.
func whoTouched(un state.Undone) []string {
	var who []string
	for _, touch := range un.Touches {
		who = append(who, touch.Who)
	}
	return who
}

// TestTouchedElsewhere: a handoff that came to a record of the other CRM is left as it is
// where a person has changed another mapped field there: against the record as it was
// decided upon, and of one that we have made against our own last write (G13).
func TestTouchedElsewhere(t *testing.T) {
	t.Parallel()
	r, at := writing(t), monday.Add(time.Hour)
	const us, person = "005us", "u-isla"
	for name, c := range map[string]struct {
		made     bool
		version  string // as it stands now; we left 2
		title    string
		by       string
		trail    []connectors.FieldValue
		selfSeen bool
		want     []string
	}{
		"as we left it":                       {version: "2", by: us},
		"a person, of an older one":           {version: "3", title: "CTO", by: person, trail: []connectors.FieldValue{{Value: "CTO", At: at, By: person, Actor: connectors.ActorPerson}}, want: []string{"isla@example.com"}},
		"a program, of an older one":          {version: "3", title: "CTO", by: "005x", trail: []connectors.FieldValue{{Value: "CTO", At: at, Actor: connectors.ActorIntegration}}},
		"nothing mapped, of an older one":     {version: "3", by: "005x"},
		"no history, of an older one":         {version: "3", title: "CTO", by: person, want: []string{"isla@example.com"}},
		"made by us, and as we left it":       {made: true, version: "2", by: us},
		"made by us, a person since":          {made: true, version: "3", by: person, selfSeen: true, want: []string{"isla@example.com"}},
		"made by us, and written by us since": {made: true, version: "3", by: us, selfSeen: true},
	} {
		w := newWorld()
		source, theirs := sales("51", "dana@acme.com"), lead("00Q1")
		step := "assign"
		if c.made {
			step = "create"
			w.locate(t, r, source)
		} else {
			w.locate(t, r, source, theirs)
		}
		w.came(t, r, monday, w.steps()[step], plan.Delivered{Ref: theirs.Ref, Version: "2", Stamp: monday})
		if c.trail != nil {
			w.trails = map[string]state.Trail{"00Q1": {Values: c.trail}}
		}
		now := connectors.Object{Ref: theirs.Ref, Version: c.version, ModifiedAt: at, ModifiedBy: c.by, Fields: map[string]any{"Email": "dana@acme.com"}}
		for name, v := range w.befores[theirs.Ref].Last {
			now.Fields[name] = v
		}
		if c.title != "" {
			now.Fields["Title"] = c.title
		}
		ev := plan.Undo{Found: []connectors.Object{now, {Ref: source.Ref, Version: "1", ModifiedBy: "hubspot us"}}, Saw: []state.Record{source}}
		if c.selfSeen {
			ev.Self = map[string]string{"salesforce": us}
		}
		if !c.made {
			ev.Saw = append(ev.Saw, theirs)
		}
		if diff := cmp.Diff(c.want, whoTouched(w.ordered(t, r, at, ev))); diff != "" {
			t.Errorf("%s: touched by (-want +got):\n%s%+v", name, diff, w.only(t).Undone)
		}
	}
}

// TestSeenThen: the record that a handoff came to is found in the decision that assigned
// it, also where it was known from the CRM's answer alone; one that was made since is
// not (G13).
func TestSeenThen(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	source, theirs := sales("51", "dana@acme.com"), lead("00Q1")
	made := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q2"}
	w.locate(t, r, source, theirs)
	delete(w.records, theirs.Ref) // it was found by asking alone
	w.handoffs, w.intents, w.triggers = map[string]state.Handoff{}, map[string]state.Intent{}, map[string]state.Trigger{}
	seen := plan.Record(w)
	c, err := r.Decide(monday, seen, see(source))
	if err != nil || len(c.Handoffs) != 1 {
		t.Fatalf("%v %+v", err, c)
	}
	past, kept, err := plan.Keep(monday, r, seen, see(source), c)
	if err != nil {
		t.Fatal(err)
	}
	version := func(hash string) (state.Record, bool, error) {
		for _, rec := range kept {
			if state.RecordHash(rec) == hash {
				return rec, true, nil
			}
		}
		return state.Record{}, false, nil
	}
	got, err := plan.SeenThen(past, []connectors.Ref{source.Ref, theirs.Ref, made}, version)
	if diff := cmp.Diff([]state.Record{source, theirs}, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

// TestTakenOverBy: who touched a record is whoever gave it away, as the history of its
// owner tells, and not whoever got it. Where that does not tell, nobody is named (G13).
func TestTakenOverBy(t *testing.T) {
	t.Parallel()
	r := writing(t)
	morgan := connectors.FieldValue{Value: "u-cleo", At: monday.Add(2 * time.Minute), By: "u-morgan", Actor: connectors.ActorPerson}
	for name, c := range map[string]struct {
		trail  []connectors.FieldValue
		merged bool
		want   []string
	}{
		"by hand":                   {trail: []connectors.FieldValue{morgan}, want: []string{"morgan@example.com", "morgan@example.com"}},
		"the history is not told":   {want: []string{"", ""}},
		"by hand, and merged since": {trail: []connectors.FieldValue{morgan}, merged: true, want: []string{"morgan@example.com"}},
		"the survivor's own owner":  {trail: []connectors.FieldValue{{Value: "u-cleo", At: live, By: "u-morgan", Actor: connectors.ActorPerson}}, merged: true, want: []string{""}},
	} {
		w, rec := newWorld(), demo("51", "dana@acme.com", "country", "US")
		w.decide(t, r, monday, see(rec))
		w.came(t, r, monday.Add(time.Second), w.steps()["assign"], plan.Delivered{Version: "2", Stamp: monday.Add(time.Second)})
		id, at := w.only(t).ID, monday.Add(3*time.Minute)
		if c.trail != nil {
			w.past(c.trail...)
			w.trails["52"] = w.trails["51"]
		}
		rec = shown(rec, monday.Add(2*time.Minute), "3", "owner", "u-cleo", "handoff_id", id, "handoff_status", "Assigned", "handoff_accountable", "ana@example.com")
		w.look(t, r, rec, at)
		h := w.only(t)
		if h.Stage != state.Superseded {
			t.Fatalf("%s: %s", name, h.Stage)
		}
		found := connectors.Object{Ref: rec.Ref, Version: "3", Fields: map[string]any{"hubspot_owner_id": "u-cleo", "handoff_id": id, "handoff_status": "Assigned"}}
		if c.merged {
			found.Ref.ID = "52"
			h.Record, h.Target = found.Ref, found.Ref
			w.handoffs[id] = h
		}
		if diff := cmp.Diff(c.want, whoTouched(w.ordered(t, r, at, plan.Undo{Found: []connectors.Object{found}}))); diff != "" {
			t.Errorf("%s: touched by (-want +got):\n%s", name, diff)
		}
	}
}
