package engine

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// TestAnyOrder: up to fifty changes of a few records, of which hints tell and
// pages bring the record as it was then, come in any order, some of them up to 46
// times and some of them after others have been decided. The end is that of the
// right order: the newest reading of each record, and one handoff for each that
// has asked (I1, I2).
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.lane.MaxOutbox = math.MaxInt // nobody writes here, however many checks are asked for
	began := r.now
	past := map[string][]connectors.Object{}
	r.crms["hubspot"].read = func(ids []string) (out []connectors.Object, _ error) {
		for _, id := range ids {
			out = append(out, past[id][len(past[id])-1])
		}
		return out, nil
	}
	checked := 0
	rapid.Check(t, func(t *rapid.T) {
		checked++
		r.now = began.Add(time.Duration(checked) * time.Second)
		ids := map[bool][]string{} // shuffled or not
		var events []connectors.Object
		asked := map[int]bool{}
		records := rapid.IntRange(1, 4).Draw(t, "records")
		for n := range rapid.IntRange(1, 50).Draw(t, "changes") {
			who := rapid.IntRange(0, records-1).Draw(t, "who")
			asked[who] = asked[who] || rapid.Bool().Draw(t, "form")
			events = append(events, change(fmt.Sprintf("%d%d", checked, who), n, asked[who], r.now))
		}
		order := rapid.Permutation(events).Draw(t, "order")
		for _, shuffled := range []bool{false, true} {
			name := func(o connectors.Object) connectors.Object {
				return named(o, map[bool]string{false: "1", true: "2"}[shuffled])
			}
			for _, o := range events {
				o = name(o)
				past[o.Ref.ID] = append(past[o.Ref.ID], o)
				if !slices.Contains(ids[shuffled], o.Ref.ID) {
					ids[shuffled] = append(ids[shuffled], o.Ref.ID)
				}
			}
			come := events
			if shuffled {
				come = order
			}
			var heard []state.Change
			for _, o := range come {
				o = name(o)
				var along *connectors.Object
				if rapid.Bool().Draw(t, "a page brings it") {
					along = &o
				}
				times := 1
				if shuffled && rapid.IntRange(0, 9).Draw(t, "again") == 0 {
					times = rapid.IntRange(2, 46).Draw(t, "times")
				}
				for range times {
					r.seq++
					heard = append(heard, state.Change{Change: connectors.Change{Ref: o.Ref, EventID: fmt.Sprint(r.seq), At: o.ModifiedAt, Object: along}, Via: "webhook", Came: r.now})
				}
				if shuffled && rapid.IntRange(0, 19).Draw(t, "decided now") == 0 {
					r.take(heard)
					heard = nil
				}
			}
			r.take(heard)
		}
		if d := cmp.Diff(r.ends(ids[false]), r.ends(ids[true])); d != "" {
			t.Fatalf("in order, and shuffled: %s", d)
		}
	})
}

// take puts what was heard into the inbox and has all of it decided.
func (r *rig) take(heard []state.Change) {
	r.Helper()
	r.update(func(tx state.Tx) {
		for _, c := range heard {
			state.AppendInbox(tx, c)
		}
	})
	for n := 0; len(r.inbox()) > 0; n++ {
		if r.round(); n > 20 {
			r.Fatalf("left in the inbox: %v", r.inbox())
		}
	}
}

// named is the same of another person.
func named(o connectors.Object, suffix string) connectors.Object {
	o.Ref.ID += suffix
	o.Fields = maps.Clone(o.Fields)
	o.Fields["email"] = "p" + o.Ref.ID + "@firm.example"
	return o
}

// change is what a record was after its n-th change.
func change(id string, n int, asked bool, now time.Time) connectors.Object {
	at := now.Add(time.Duration(n) * time.Millisecond)
	o := connectors.Object{
		Ref: connectors.Ref{Conn: "hubspot", Kind: kindOf("hubspot"), ID: id}, Version: at.UTC().Format("2006-01-02T15:04:05.000Z"), CreatedAt: now, ModifiedAt: at,
		Fields: map[string]any{"jobtitle": fmt.Sprint("title ", n)},
	}
	if asked {
		o.Fields["recent_conversion_event_name"], o.Fields["recent_conversion_date"] = "Pricing: Demo request", now.UTC().Format(time.RFC3339)
	}
	return o
}

// ends is what is known of each record, and what stage each of its handoffs is at.
func (r *rig) ends(ids []string) (out []string) {
	r.Helper()
	r.update(func(tx state.Tx) {
		out = nil
		for _, id := range ids {
			ref := connectors.Ref{Conn: "hubspot", Kind: kindOf("hubspot"), ID: id}
			rec, _ := state.GetRecord(tx, ref)
			line := rec.Version
			for h := range state.HandoffsOf(tx, ref) {
				line += fmt.Sprintf(" %s %s of %d signals", h.Type, h.Stage, len(h.Signals))
			}
			out = append(out, line)
		}
	})
	return out
}
