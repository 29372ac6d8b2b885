package main

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/state"
)

// TestBacklog: after a fortnight's outage the hottest buyers are served first,
// all of them within minutes and for a fraction of a call each, and what was
// overdue is told once each, the oldest deadline first, on one entry a handoff
// (I13). BACKLOG=7000 is 500 a day.
func TestBacklog(t *testing.T) {
	unraced(t)
	t.Parallel()
	const before, days = 20, 14
	missed := scale(t, "BACKLOG", 140)
	s := readStory(t, filepath.FromSlash("../../testdata/scenarios/stopped-for-weeks.txtar"))
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(s.start))
		st := newStage(t, s, dir, variant{name: "plain"})
		defer st.close()
		for n := range before {
			st.do(storyLine{verb: "edit", edit: someBuyer(n, "hubspot", true)})
			time.Sleep(2 * time.Second)
		}
		time.Sleep(3 * time.Minute)
		st.do(storyLine{verb: "stop"})
		hot := map[string]bool{}
		for n := range missed {
			e := someBuyer(before+n, "hubspot", n%2 == 1)
			st.do(storyLine{verb: "edit", edit: e})
			hot[st.idOf("hubspot", "contacts", e.Fields["email"].(string))] = n%2 == 1
			time.Sleep(days * 24 * time.Hour / time.Duration(missed))
		}
		calls, changes := len(st.pair.History.Snapshot()), len(st.pair.History.Changes())
		began := time.Now()
		st.do(storyLine{verb: "start"})
		for st.standing() < before+missed && time.Since(began) < time.Hour {
			time.Sleep(time.Second)
		}
		took := time.Since(began)
		perDay := float64(missed) / took.Hours() * 24
		if arrival := 500.0; perDay < 5*arrival || st.standing() < before+missed {
			t.Errorf("%d of %d handed over in %s: %.0f a day, want five times %.0f", st.standing()-before, missed, took, perDay, arrival)
		}
		if spent := len(st.pair.History.Snapshot()) - calls; float64(spent) > 40+0.3*float64(missed) {
			t.Errorf("%d calls for %d handoffs", spent, missed)
		}
		var order []bool
		for _, c := range st.pair.History.Changes()[changes:] {
			_, came := hot[c.ID] // while we stood still; the owners of those before move as well, to their backups
			if _, owned := c.Fields["hubspot_owner_id"]; owned && came && c.Object == "contacts" {
				order = append(order, hot[c.ID])
			}
		}
		first := 0
		for _, h := range order[:min(len(order), missed/2)] {
			if h {
				first++
			}
		}
		if 10*first < 9*(missed/2) {
			t.Errorf("of the first %d that were written %d are hot", missed/2, first)
		}
		st.toldOnce(before)
	})
}

// standing counts the handoffs whose owner stands in the CRM.
func (st *stage) standing() (n int) {
	st.t.Helper()
	err := st.store.View(st.t.Context(), func(tx state.Tx) error {
		n = 0
		for _, h := range state.AllHandoffs(tx) {
			if !h.Written.IsZero() {
				n++
				continue
			}
			st.t.Logf("%s of %s is %s, and its owner was not written; frozen: %q; %+v", h.ID, h.Target, h.Stage, h.Frozen, h.Effects["assign"])
		}
		return tx.Err()
	})
	if err != nil {
		st.t.Fatal(err)
	}
	return n
}

// toldOnce checks that so many handoffs are in breach, each told once and the
// oldest deadline first.
func (st *stage) toldOnce(want int) {
	st.t.Helper()
	told, listed := map[string]int{}, 0
	last := ""
	err := st.store.View(st.t.Context(), func(tx state.Tx) error {
		told, listed, last = map[string]int{}, 0, ""
		for _, row := range state.AllAudit(tx, 0) {
			if row.Action != "breached" || row.Detail["clock"] != "accept" {
				continue
			}
			told[row.Subject]++
			if by := row.Detail["by"]; by < last {
				st.t.Errorf("%s is told after %s", by, last)
			} else {
				last = by
			}
		}
		for _, l := range state.AllListings(tx) {
			if l.List == "escalation" {
				listed++
			}
		}
		return tx.Err()
	})
	if err != nil {
		st.t.Fatal(err)
	}
	if len(told) != want || listed != want {
		st.t.Errorf("%d breaches are told and %d entries listed, want %d", len(told), listed, want)
	}
	for id, n := range told {
		if n != 1 {
			st.t.Errorf("the breach of %s is told %d times", id, n)
		}
	}
}
