package salesforce

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// past asks for one field's past of one record, as "value actor", with names
// for ids.
func (w *world) past(kind connectors.Kind, id, field string, since time.Time, names map[string]string) []string {
	w.t.Helper()
	all, err := w.org.Trail(w.t.Context(), kind, []string{id}, field, since)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for i, v := range all[id] {
		if i > 0 && v.At.After(all[id][i-1].At) {
			w.t.Errorf("%v stands after an older one", v)
		}
		value := fmt.Sprint(v.Value)
		if name, ok := names[value]; ok {
			value = name
		}
		out = append(out, value+" "+string(v.Actor))
	}
	return out
}

// TestTrail: who had a record, the newest first, back to what stood there at an
// instant; a value that was taken away is blank. What the org's own automation
// did, what we did and what a person did are told apart; another program is a
// person, unless its user's licence says otherwise (C11, G10).
func TestTrail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{})
		w.setup(`{"track_history":["Lead.OwnerId","Lead.Title"]}`)
		names := map[string]string{}
		for _, u := range w.soql("SELECT Id, Email FROM User") {
			if id, ok := normalizeID(fmt.Sprint(u["Id"])); ok && u["Email"] != nil {
				names[id] = fmt.Sprint(u["Email"])
			}
		}
		id := w.lead(1)
		w.edit(simhttp.Edit{Object: "Lead", Op: "update", ID: id, Fields: map[string]any{"OwnerId": "ben@example.com"}})
		time.Sleep(time.Minute)
		began := time.Now()
		by := func(who string, set map[string]any) {
			t.Helper()
			time.Sleep(time.Minute)
			w.edit(simhttp.Edit{Object: "Lead", Op: "update", ID: id, By: who, Fields: set})
		}
		by("person:ana@example.com", map[string]any{"OwnerId": "erin@example.com", "Title": "one"})
		by("automation:Routing", map[string]any{"OwnerId": "hugh@example.com", "Title": "two"})
		by("person:ana@example.com", map[string]any{"OwnerId": "erin@example.com", "Title": ""})
		time.Sleep(time.Minute)
		for _, r := range w.apply(connectors.Write{Ref: connectors.Ref{Conn: "sf", Kind: Lead, ID: id}, Key: "k", Set: map[string]any{"Title": "ours"}}) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
		owners := []string{"erin@example.com person", "hugh@example.com automation", "erin@example.com person", "ben@example.com "}
		for name, c := range map[string]struct {
			field string
			since time.Time
			want  []string
		}{
			"owners":                {"OwnerId", began, owners},
			"with what stood there": {"OwnerId", began.Add(150 * time.Second), []string{"erin@example.com person", "hugh@example.com "}},
			"nothing since":         {"OwnerId", began.Add(time.Hour), nil},
			"a text":                {"Title", began, []string{"ours self", "<nil> person", "two automation", "one person", "<nil> "}},
			"a field nobody tracks": {"Company", began, nil},
			"one that is not there": {"Nonsense__c", began, nil},
		} {
			if diff := cmp.Diff(c.want, w.past(Lead, id, c.field, c.since, names)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

// TestTrailOff: where no history is kept, or none is kept of that kind of
// record, nobody can tell, and that is said (C11).
func TestTrailOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{})
		id := w.lead(1)
		for _, kind := range []connectors.Kind{Lead, connectors.Task} {
			_, err := w.org.Trail(t.Context(), kind, []string{id}, "OwnerId", time.Now())
			if e := (*connectors.Error)(nil); !errors.As(err, &e) || e.Class != connectors.Denied {
				t.Errorf("%s: %v, want class Denied", kind, err)
			}
		}
	})
}

// TestTrailOfMany: five statements travel in one call, ids are known however
// long they are, and what is no id is not asked for (C11).
func TestTrailOfMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{})
		w.setup(`{"track_history":["Lead.OwnerId"]}`)
		began := time.Now()
		ask := []string{"", "nonsense"}
		for n := range 60 {
			id := w.lead(n)
			for _, owner := range []string{"erin@example.com", "hugh@example.com"} {
				w.edit(simhttp.Edit{Object: "Lead", Op: "update", ID: id, By: "person:ana@example.com", Fields: map[string]any{"OwnerId": owner}})
			}
			ask = append(ask, id[:15])
		}
		time.Sleep(time.Minute)
		if _, err := w.org.Trail(t.Context(), Lead, ask[2:3], "OwnerId", began); err != nil { // schemas are read
			t.Fatal(err)
		}
		var all map[string][]connectors.FieldValue
		calls := w.counted(func() {
			var err error
			if all, err = w.org.Trail(t.Context(), Lead, ask, "OwnerId", began); err != nil {
				t.Error(err)
			}
		})
		answered := len(all)
		maps.DeleteFunc(all, func(_ string, past []connectors.FieldValue) bool { return len(past) == 0 })
		if calls != 1 || len(all) != 60 || answered != len(ask) {
			t.Errorf("%d calls, %d records answered, %d with a past; want 1, %d and 60", calls, answered, len(all), len(ask))
		}
	})
}
