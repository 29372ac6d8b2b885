package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// TestThreeMergedIntoOne: two records with an open handoff of one type each are merged into a
// third at once (one Salesforce merge takes three records; HubSpot names all that were merged).
// One of the two goes on, as where one is merged after the other.
func TestThreeMergedIntoOne(t *testing.T) {
	t.Parallel()
	for _, together := range []bool{false, true} {
		r, w := writing(t), newWorld()
		a, b := demo("51", "dana@acme.com", "country", "US"), demo("52", "d.fox@fox.example", "country", "US")
		w.decide(t, r, monday, see(a))
		w.done(t, r, monday)
		w.decide(t, r, monday, see(b))
		w.done(t, r, monday)
		if len(w.handoffs) != 2 {
			t.Fatalf("%d handoffs", len(w.handoffs))
		}
		heir := contact("60", map[string]string{"email": "dana@acme.com", "full_name": "Dana Fox"})
		heir.ModifiedAt = monday.Add(time.Hour)
		if !together {
			heir.Version, heir.Absorbed = "8", []connectors.Ref{a.Ref}
			w.decide(t, r, monday.Add(time.Hour), see(heir))
		}
		heir.Version, heir.Absorbed = "9", []connectors.Ref{a.Ref, b.Ref}
		w.decide(t, r, monday.Add(2*time.Hour), see(heir))
		open := map[string]string{}
		for _, h := range w.handoffs {
			if h.Stage.Open() {
				open[h.ID] = h.Owner + " " + h.Target.String() + " " + string(h.Stage)
			}
		}
		if len(open) != 1 {
			t.Errorf("together %v: %d open handoffs of one type on one record: %v", together, len(open), open)
		}
	}
}

// TestLandsOnWhatItWasMergedInto: who a buyer was known to be over there was merged into a record
// with another address. The handoff lands there, and nobody is made a second time.
func TestLandsOnWhatItWasMergedInto(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	old, heir := lead("00Q1"), lead("00Q9")
	old.Fields, old.MovedTo = nil, heir.Ref
	heir.Fields["email"] = "dana.ito@acme.com"
	w.add(old, heir)
	rec := sales("51", "dana@acme.com")
	w.same[rec.Ref] = state.Same{Refs: []connectors.Ref{rec.Ref, old.Ref, heir.Ref}, By: "email", At: monday.Add(-time.Hour)}
	if c := w.decide(t, r, monday, see(rec)); len(c.Needs) > 0 {
		w.located[c.Needs[0].ID()] = nil // nobody has the address
		w.decide(t, r, monday, see(rec))
	}
	if _, made := w.steps()["create"]; made {
		t.Errorf("a second record is made; %s lives on as %s", old.Ref, heir.Ref)
	}
}

// TestAccountMerged: the handoff of a person is of the account that theirs was merged into.
func TestAccountMerged(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	acme := company("hubspot", "1", map[string]string{"name": "Acme", "domain": "acme.com"})
	w.add(acme)
	rec := demo("51", "dana@acme.com", "country", "US")
	rec.Links = []connectors.Ref{acme.Ref}
	w.decide(t, r, monday, see(rec))
	if h := w.only(t); h.Account != acme.Ref {
		t.Fatalf("of %s", h.Account)
	}
	heir := company("hubspot", "3", map[string]string{"name": "Acme", "domain": "acme.com"})
	heir.Version, heir.ModifiedAt, heir.Absorbed = "9", monday.Add(time.Hour), []connectors.Ref{acme.Ref}
	w.decide(t, r, monday.Add(time.Hour), see(heir))
	if h := w.only(t); h.Account != heir.Ref {
		t.Errorf("of %s, which was merged into %s", h.Account, heir.Ref)
	}
}

// TestMergedIntoObserved: what is only observed is nobody's work, so a handoff goes on where the survivor has but that.
func TestMergedIntoObserved(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	a, b := demo("51", "dana@acme.com", "country", "US"), demo("52", "d.fox@fox.example", "country", "US")
	w.decide(t, r, monday, see(a))
	w.done(t, r, monday)
	w.decide(t, r, monday, see(b))
	w.done(t, r, monday)
	for id, h := range w.handoffs {
		if h.Record == b.Ref {
			h.Observed = true
			w.handoffs[id] = h
		}
	}
	b.Version, b.ModifiedAt, b.Absorbed = "9", monday.Add(time.Minute), []connectors.Ref{a.Ref}
	w.decide(t, r, monday.Add(time.Minute), see(b))
	open := 0
	for _, h := range w.handoffs {
		if h.Stage.Open() && !h.Observed {
			open++
		}
	}
	if open != 1 {
		t.Errorf("%d handoffs are left that somebody works on", open)
	}
}
