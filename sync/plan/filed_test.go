package plan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestNotFiledYet: a history that does not show our own write yet says nothing
// of who came before it: it is asked again for a minute, and then it is said
// that nobody knows. What it does show of a person counts at once, and a poll
// that shows our write would have shown its history (C11, P4).
func TestNotFiledYet(t *testing.T) {
	t.Parallel()
	r := writing(t)
	const soon, late = 3 * time.Second, 63 * time.Second
	vera := value("u-vera", monday, connectors.ActorPerson)
	old := value("u-dev", monday.Add(-time.Hour), connectors.ActorPerson)
	for name, c := range map[string]struct {
		after  time.Duration
		via    string
		trail  state.Trail
		waits  bool
		back   bool
		listed int
	}{
		"nothing yet":                {after: soon, via: "webhook", waits: true},
		"what stood before":          {after: soon, via: "webhook", trail: state.Trail{Values: []connectors.FieldValue{old}}, waits: true},
		"a person, and not yet us":   {after: soon, via: "webhook", trail: state.Trail{Values: []connectors.FieldValue{vera, old}}, back: true},
		"nothing after a minute":     {after: late, via: "webhook", listed: 1},
		"not us after a minute":      {after: late, via: "webhook", trail: state.Trail{Values: []connectors.FieldValue{old}}, listed: 1},
		"nothing where we are shown": {after: soon, via: "poll", listed: 1},
		"not told":                   {after: soon, via: "webhook", trail: state.Trail{Unseen: true}, listed: 1},
		"a clock far ahead":          {after: -time.Hour, via: "webhook", listed: 1},
	} {
		w, rec, h := written(t, r)
		w.trails = map[string]state.Trail{"51": c.trail}
		seen := see(rec)
		seen.Check, seen.Via = true, c.via
		got := w.decide(t, r, rec.ModifiedAt.Add(c.after), seen)
		_, put := w.steps()["restore"]
		if (got.Wait != "") != c.waits || put != c.back || len(w.listed("unseen")) != c.listed {
			t.Errorf("%s: waits %q, put back %v, listed %q", name, got.Wait, put, w.listed("unseen"))
		}
		if done := w.handoffs[h.ID].Stake.Checked; done == c.waits {
			t.Errorf("%s: looked at %v", name, done)
		}
		if !c.waits {
			continue
		}
		w.trails["51"] = state.Trail{Values: []connectors.FieldValue{value(rec.Fields["owner"], rec.ModifiedAt, connectors.ActorIntegration), vera, old}}
		w.decide(t, r, rec.ModifiedAt.Add(2*c.after), seen)
		if back, put := w.steps()["restore"]; !put || back.Write.Set["hubspot_owner_id"] != "u-vera" {
			t.Errorf("%s: once it is filed, put back %v", name, back.Write.Set)
		}
	}
}

// TestReturnedAtOnce: a record that comes back within moments of our write is
// given back only when the history shows that write, and with it who has had
// the record since (C11).
func TestReturnedAtOnce(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec, h := written(t, r)
	owner := rec.Fields["owner"]
	back := given(rec, owner, 10*time.Second)
	back.Fields["handoff_id"], back.Fields["handoff_status"] = h.ID, "Returned"
	w.trails = map[string]state.Trail{"51": {}}
	if c := w.decide(t, r, back.ModifiedAt.Add(time.Second), see(back)); c.Wait == "" {
		t.Fatalf("not waited for: %+v", c.Intents)
	}
	w.trails["51"] = state.Trail{Values: []connectors.FieldValue{
		value(owner, back.ModifiedAt, connectors.ActorPerson), value("u-vera", back.ModifiedAt.Add(-time.Second), connectors.ActorPerson),
		value(owner, rec.ModifiedAt, connectors.ActorIntegration),
	}}
	w.decide(t, r, back.ModifiedAt.Add(3*time.Second), see(back))
	if _, taken := w.steps()["return"].Write.Set["hubspot_owner_id"]; w.handoffs[h.ID].Stage != state.Returned || taken {
		t.Errorf("%s, written %v", w.handoffs[h.ID].Stage, w.steps()["return"].Write.Set)
	}
}

// TestTakenUntracked: where a CRM keeps no history but told with its answer who
// had the record right before our write, a person who had taken it has it back,
// and nobody is listed as unseen; what another handoff of ours had written is
// nobody's (C11).
func TestTakenUntracked(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, c := range map[string]struct {
		stood  *connectors.FieldValue
		back   any
		listed int
	}{
		"a person's":     {stood: &connectors.FieldValue{Value: "u-vera", At: monday, By: "u-erin"}, back: "u-vera"},
		"nobody's still": {stood: &connectors.FieldValue{At: monday, By: "u-erin"}, back: "none"},
		"ours already":   {stood: &connectors.FieldValue{Value: "u-ana", By: "u-erin"}, back: "none"},
		"not told":       {back: "none", listed: 1},
	} {
		w := newWorld()
		rec := demo("51", "dana@acme.com")
		w.decide(t, r, monday, see(rec))
		i := w.steps()["assign"]
		delete(w.intents, i.Write.Key)
		done := plan.Delivered{Intent: i, Ref: rec.Ref, Version: "2", Stamp: monday.Add(time.Second)}
		if c.stood != nil {
			done.Stood = map[string]connectors.FieldValue{"hubspot_owner_id": *c.stood}
		}
		w.decide(t, r, done.Stamp, done)
		rec.Version, rec.ModifiedAt, rec.Fields = "2", done.Stamp, clone(rec.Fields)
		rec.Fields["owner"] = fmt.Sprint(i.Write.Set["hubspot_owner_id"])
		seen := see(rec)
		seen.Check, seen.Via = true, state.ViaAnswer
		w.decide(t, r, monday.Add(2*time.Second), seen)
		got, stage := any("none"), state.Assigned
		if i, put := w.steps()["restore"]; put {
			got = i.Write.Set["hubspot_owner_id"]
		}
		if c.back != "none" {
			stage = state.Superseded
		}
		if got != c.back || w.only(t).Stage != stage || len(w.listed("unseen")) != c.listed {
			t.Errorf("%s: put back %v, %s, unseen %q", name, got, w.only(t).Stage, w.listed("unseen"))
		}
	}
}

// TestNamedNotFound: a record that a CRM has just named, or made for us, and that
// its queries do not find yet is not gone: that is waited for, some minutes long.
// One that lies in the bin is gone at once (C9, C10, P4).
func TestNamedNotFound(t *testing.T) {
	t.Parallel()
	r := writing(t)
	there := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q1"}
	for name, c := range map[string]struct {
		answer  plan.Delivered
		version string
		after   time.Duration
		waits   bool
	}{
		"named":            {answer: plan.Delivered{Class: connectors.Conflict.String(), Existing: there}, after: time.Minute, waits: true},
		"made":             {answer: plan.Delivered{Ref: there, Version: "1"}, after: time.Minute, waits: true},
		"named long ago":   {answer: plan.Delivered{Class: connectors.Conflict.String(), Existing: there}, after: 4 * time.Minute},
		"named and binned": {answer: plan.Delivered{Class: connectors.Conflict.String(), Existing: there}, version: "7", after: time.Minute},
	} {
		w := newWorld()
		w.locate(t, r, sales("51", "dana@acme.com"))
		c.answer.Err = map[bool]string{true: "Use one of these records?"}[c.answer.Class != ""]
		w.answered(t, r, monday, "create", c.answer)
		got := w.decide(t, r, monday.Add(c.after), plan.Observed{Record: state.Record{Ref: there, Noun: "person", Deleted: true, Version: c.version}, Via: "reread", Came: monday})
		if (got.Wait != "") != c.waits || (w.only(t).Stage == state.Cancelled) == c.waits {
			t.Errorf("%s: waits %q, %s", name, got.Wait, w.only(t).Stage)
		}
	}
}
