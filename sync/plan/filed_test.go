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
		filed  connectors.Actor // who set that, as the history shows beside our own write; ourselves: nobody yet
		back   any
		listed int
	}{
		"a person's":                         {stood: &connectors.FieldValue{Value: "u-vera", At: monday, By: "u-erin"}, back: "u-vera"},
		"nobody's still":                     {stood: &connectors.FieldValue{At: monday, By: "u-erin"}, back: "none"},
		"a person's, and only ours is filed": {stood: &connectors.FieldValue{Value: "u-vera", At: monday, By: "u-erin"}, filed: connectors.ActorIntegration, back: "u-vera"},
		"a program's, which is filed":        {stood: &connectors.FieldValue{Value: "u-vera", At: monday}, filed: connectors.ActorAutomation, back: "none"},
		"ours already":                       {stood: &connectors.FieldValue{Value: "u-ana", By: "u-erin"}, back: "none"},
		"not told":                           {back: "none", listed: 1},
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
		if c.filed != "" {
			past := []connectors.FieldValue{value(rec.Fields["owner"], done.Stamp, connectors.ActorIntegration)}
			if c.filed != connectors.ActorIntegration {
				past = append(past, value("u-vera", monday.Add(time.Second/2), c.filed))
			}
			w.trails = map[string]state.Trail{"51": {Values: past}}
		}
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

// TestTakenUnread: where the backup takes a buyer over before the record could be read
// again, who had come just before our first write is found out all the same: before the
// second one leaves or after it, and whether the CRM told of them with its answer or
// keeps a history (A10, C11).
func TestTakenUnread(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, c := range map[string]struct {
		stood   string // whom the answer named; blank: nobody
		history bool
		first   bool // the record is read before the second write leaves
		guarded bool // and that one made sure of whom it took the record from
		back    any
	}{
		"told, read before":            {stood: "u-vera", first: true, back: "u-vera"},
		"told, read after":             {stood: "u-vera", back: "u-vera"},
		"told, read after a sure one":  {stood: "u-vera", guarded: true, back: "u-vera"},
		"filed, read before":           {history: true, first: true, back: "u-vera"},
		"filed, read after":            {history: true, back: "u-vera"},
		"filed, read after a sure one": {history: true, guarded: true, back: "u-vera"},
		"ours, read before":            {stood: "u-ana", first: true, back: "none"},
		"ours, read after":             {stood: "u-ana", back: "none"},
	} {
		w := newWorld()
		rec := demo("51", "dana@acme.com")
		w.decide(t, r, monday, see(rec))
		one := w.steps()["assign"]
		delete(w.intents, one.Write.Key)
		done := plan.Delivered{Intent: one, Ref: rec.Ref, Version: "2", Stamp: monday.Add(time.Second)}
		ours := fmt.Sprint(one.Write.Set["hubspot_owner_id"])
		if c.stood != "" {
			done.Stood = map[string]connectors.FieldValue{"hubspot_owner_id": {Value: c.stood, At: monday, By: "u-erin"}}
		}
		w.decide(t, r, done.Stamp, done)
		late := monday.Add(23 * time.Minute)
		for _, timer := range w.due(late) {
			w.decide(t, r, late, plan.Fired{Timer: timer})
		}
		two := w.steps()["assign"]
		theirs := fmt.Sprint(two.Write.Set["hubspot_owner_id"])
		if theirs == ours {
			t.Fatalf("%s: not taken over", name)
		}
		rec.Version, rec.ModifiedAt, rec.Fields = "2", done.Stamp, clone(rec.Fields)
		rec.Fields["owner"] = ours
		past := []connectors.FieldValue{value(ours, done.Stamp, connectors.ActorIntegration), value("u-vera", monday.Add(time.Second/2), connectors.ActorPerson)}
		if !c.first {
			delete(w.intents, two.Write.Key)
			rec.Version, rec.ModifiedAt, rec.Fields["owner"] = "3", late.Add(time.Second), theirs
			past = append([]connectors.FieldValue{value(theirs, rec.ModifiedAt, connectors.ActorIntegration)}, past...)
			w.decide(t, r, rec.ModifiedAt, plan.Delivered{
				Intent: two, Ref: rec.Ref, Version: "3", Stamp: rec.ModifiedAt, Guarded: c.guarded,
				Stood: map[string]connectors.FieldValue{"hubspot_owner_id": {Value: ours, At: done.Stamp}},
			})
		}
		if c.history {
			w.trails = map[string]state.Trail{"51": {Values: past}}
		}
		w.decide(t, r, late.Add(2*time.Second), see(rec))
		got, stage := any("none"), state.Assigned
		if i, put := w.steps()["restore"]; put {
			got = i.Write.Set["hubspot_owner_id"]
			if i.Expect["hubspot_owner_id"] != rec.Fields["owner"] {
				t.Errorf("%s: put back over %v, and %s stands there", name, i.Expect, rec.Fields["owner"])
			}
		}
		if c.back != "none" {
			stage = state.Superseded
		}
		h := w.only(t)
		if _, leaves := w.steps()["assign"]; got != c.back || h.Stage != stage || leaves != (c.first && c.back == "none") {
			t.Errorf("%s: put back %v, %s, the backup's leaves %v", name, got, h.Stage, leaves)
		}
		if h.Stake.Under != nil {
			t.Errorf("%s: still to be found out: %+v", name, h.Stake.Under)
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
