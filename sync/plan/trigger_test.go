package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

const undated = `handoff: asked_price
what: A buyer asked for a price.
about: person
on: hubspot
from: marketing
to: sales development
starts_when:
  - {person.intent_signal: Price}
only_if:
  person.email: {filled: yes}
otherwise: {list_as: nurture}
context: {must_have: [person.email], if_missing: route_then_chase}
sla: high_intent
owner: [round robin sdr_us]
accountable_until_accepted: receiver
accepted_when: {any: [{person.handoff_status: Accepted}, {person.lead_status: Working}]}
first_touch_is: [call]
completed_when: first_touch
if_stalled: [standard]
`

func priced(t *testing.T) *plan.Rules {
	t.Helper()
	return writing(t, map[string]string{"handoffs/asked-price.yaml": undated, "handoffs/demo-request.yaml": "", "handoffs/contact-sales.yaml": "", "handoffs/demo-request-salesforce.yaml": ""})
}

// TestBaseline: what a record says at first sight is history unless it is
// dated after the connection went live.
func TestBaseline(t *testing.T) {
	t.Parallel()
	dated, plain := writing(t), priced(t)
	old := func(r state.Record) state.Record { r.CreatedAt = live.Add(-time.Hour); return r }
	price := func(v string) state.Record {
		return contact("51", map[string]string{"email": "dana@acme.com", "email_domain": "acme.com", "intent_signal": v})
	}
	before := live.Add(-time.Hour).Format(time.RFC3339)
	tests := []struct {
		name  string
		rules *plan.Rules
		seen  []state.Record
		via   string
		want  int
	}{
		{name: "a form after going live, on an old record", rules: dated, seen: []state.Record{old(demo("51", "dana@acme.com"))}, want: 1},
		{name: "a form before going live", rules: dated, seen: []state.Record{demo("51", "dana@acme.com", "last_form_at", before)}},
		{name: "without a date, on a record made since", rules: plain, seen: []state.Record{price("Price")}, want: 1},
		{name: "without a date, on an old record", rules: plain, seen: []state.Record{old(price("Price"))}},
		{name: "an old record that says it later", rules: plain, seen: []state.Record{old(price("")), old(price("Price"))}, want: 1},
		{name: "the same twice", rules: dated, seen: []state.Record{demo("51", "dana@acme.com"), demo("51", "dana@acme.com")}, want: 1},
		{name: "listing at a first start finds an older form", rules: dated, via: "listing", seen: []state.Record{old(demo("51", "dana@acme.com", "last_form_at", before))}},
		{name: "backfill only looks", rules: dated, via: "backfill", seen: []state.Record{demo("51", "dana@acme.com")}},
		{name: "another field changes", rules: dated, seen: []state.Record{demo("51", "dana@acme.com"), demo("51", "dana@acme.com", "title", "CTO")}, want: 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			for i, r := range test.seen {
				ev := see(r)
				if test.via != "" {
					ev.Via = test.via
				}
				w.decide(t, test.rules, monday.Add(time.Duration(i)*time.Hour), ev)
			}
			if len(w.handoffs) != test.want {
				t.Errorf("%d handoffs, want %d", len(w.handoffs), test.want)
			}
		})
	}
}

// TestSameAgainChangesNothing: level-triggered, so our own echo and a doubled
// webhook are no difference (I1).
func TestSameAgainChangesNothing(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	rec := demo("51", "dana@acme.com")
	w.decide(t, r, monday, see(rec))
	for range 2 {
		if c := w.decide(t, r, monday.Add(time.Minute), see(rec)); !c.Empty() || len(c.Records) != 1 {
			t.Fatalf("a second look changes %+v", c)
		}
	}
	rec.Version, rec.Fields["title"] = "0", "CTO"
	if c := w.decide(t, r, monday.Add(time.Minute), see(rec)); len(c.Records) != 0 {
		t.Errorf("an older reading was taken for news: %+v", c.Records)
	}
}

// TestSignals: a second form is a second signal; what went away and came back
// is one too; an edited rule is not.
func TestSignals(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	w.decide(t, r, monday, see(demo("51", "dana@acme.com")))
	later := monday.Add(time.Hour)
	w.decide(t, r, later, plan.Observed{Record: demo("51", "dana@acme.com", "last_form_at", later.Format(time.RFC3339)), Came: later})
	h := w.only(t)
	if len(h.Signals) != 2 || !h.Signals[1].At.Equal(later) {
		t.Fatalf("signals %+v, want a second one that joined", h.Signals)
	}
	edited := writing(t, edit(t, "handoffs/demo-request.yaml", "contains: Demo request", "contains: Demo"))
	w.decide(t, edited, later.Add(time.Hour), see(demo("51", "dana@acme.com", "last_form_at", later.Format(time.RFC3339))))
	if h := w.only(t); len(h.Signals) != 2 {
		t.Errorf("an edited rule made a signal of an old form: %+v", h.Signals)
	}

	p, w := priced(t), newWorld()
	say := func(v string, at time.Time) state.Changes {
		rec := contact("51", map[string]string{"email": "dana@acme.com", "intent_signal": v})
		rec.ModifiedAt = at
		return w.decide(t, p, at, see(rec))
	}
	say("Price", monday)
	first := w.only(t)
	first.Stage = state.Completed
	w.handoffs[first.ID] = first
	say("", monday.Add(time.Hour))
	say("Price", monday.Add(2*time.Hour))
	if len(w.handoffs) != 2 {
		t.Errorf("%d handoffs, want a second one for a signal that came back", len(w.handoffs))
	}
}

// TestHeldBack: a handoff starts when the last of its lines becomes true, and
// what the type does otherwise is done once.
func TestHeldBack(t *testing.T) {
	t.Parallel()
	r, w := priced(t), newWorld()
	rec := contact("51", map[string]string{"intent_signal": "Price"})
	w.decide(t, r, monday, see(rec))
	w.decide(t, r, monday.Add(time.Minute), see(rec))
	if len(w.handoffs) != 0 || len(w.listings) != 1 || w.listings[0].List != "nurture" || !strings.Contains(w.listings[0].Text, "email is blank") {
		t.Fatalf("handoffs %v, listings %+v", w.handoffs, w.listings)
	}
	rec.Fields = map[string]string{"intent_signal": "Price", "email": "dana@acme.com"}
	w.decide(t, r, monday.Add(time.Hour), see(rec))
	w.only(t)
}

// TestLowTierStartsNothing (1.70): it is looked at again when the record
// changes.
func TestLowTierStartsNothing(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "handoffs/demo-request.yaml", "{otherwise: medium_intent}", "{otherwise: low_intent}"))
	w := newWorld()
	rec := demo("51", "kid@gmail.com")
	w.decide(t, r, monday, see(rec))
	if len(w.handoffs) != 0 || len(w.listings) != 1 {
		t.Fatalf("handoffs %v, listings %+v", w.handoffs, w.listings)
	}
	rec = demo("51", "kid@acme.com")
	w.decide(t, r, monday.Add(time.Hour), see(rec))
	if h := w.only(t); h.Tier != "high_intent" {
		t.Errorf("tier %s", h.Tier)
	}
}

// TestNever: excluded before any type, and listed (4.9).
func TestNever(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	w.decide(t, r, monday, see(demo("51", "x@mit.edu")))
	if len(w.handoffs)+len(w.intents) != 0 {
		t.Errorf("a student was handed over: %v", w.handoffs)
	}
	want := []state.Listing{{List: "never", Subject: "hubspot/contacts/51", Text: `student: email domain is "mit.edu"`, Count: 1, First: monday, Last: monday}}
	if diff := cmp.Diff(want, w.listings); diff != "" {
		t.Error(diff)
	}
}

// TestUnmatched: a signal that no type takes is seen (1.7).
func TestUnmatched(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	rec := demo("51", "dana@acme.com", "last_form", "Blog: Newsletter")
	w.decide(t, r, monday, see(rec))
	w.decide(t, r, monday, see(rec))
	if len(w.listings) != 1 || w.listings[0].List != "unmatched" || !strings.Contains(w.listings[0].Subject, "Newsletter") {
		t.Errorf("listings %+v", w.listings)
	}
}

// TestWaitsForTheMirror: "no match" may be said only of a complete mirror.
func TestWaitsForTheMirror(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	c := w.conns["hubspot"]
	c.Mirror = false
	w.conns["hubspot"] = c
	if c := w.decide(t, r, monday, see(demo("51", "dana@acme.com"))); c.Wait == "" || len(c.Records) != 0 {
		t.Errorf("decided before the mirror was full: %+v", c)
	}
	w.add(acme("named_account", "yes", "owner", "u-dev"))
	rec := demo("51", "dana@acme.com")
	rec.Links = []connectors.Ref{{Conn: "hubspot", Kind: "companies", ID: "9"}}
	w.decide(t, r, monday, see(rec))
	if h := w.only(t); h.Owner != "dev@example.com" {
		t.Errorf("a linked account needs no mirror: %s", h.Owner)
	}
}

// TestUnreadableView: a damaged view is an error, and nothing is decided.
func TestUnreadableView(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	w.err = state.ErrCorrupt
	c, err := r.Decide(monday, w, see(demo("51", "dana@acme.com")))
	if err == nil || !c.Empty() || len(c.Records) != 0 {
		t.Errorf("got %+v, %v", c, err)
	}
}
