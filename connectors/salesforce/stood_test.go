package salesforce

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// TestStood: a full batch, in which nothing is under a condition, tells of every
// record who had it when it was written, in the one call it takes, also where
// queries do not see that yet; a write under a condition and one that leaves the
// owner alone are not asked about (C11, P4).
func TestStood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{UniqueTasks: true, Faults: simhttp.Faults{SearchLag: 30 * time.Minute}})
		owner := w.owner()
		var leads []string
		var writes []connectors.Write
		for i := range 200 {
			leads = append(leads, w.lead(i))
			writes = append(writes, handoff(owner, leads[i], fmt.Sprint(i))...)
		}
		taken := 2 * 7
		delete(writes[2*8].Set, "OwnerId")
		time.Sleep(time.Hour)
		objs := w.read(Lead, []string{"OwnerId"}, leads...)
		writes[2*9].IfVersion = objs[leads[9]].Version
		w.edit(simhttp.Edit{Object: "Lead", Op: "update", ID: leads[7], By: "person:ana@example.com", Fields: map[string]any{"OwnerId": "hugh@example.com"}})
		edited := time.Now()
		var results []connectors.Result
		if calls := w.counted(func() { results = w.apply(writes...) }); calls != 2 { // one is under a condition
			t.Errorf("%d calls, want 2", calls)
		}
		for i, r := range results {
			if r.Err != nil {
				t.Fatalf("result %d = %+v", i, r)
			}
			got, told := r.Stood["OwnerId"]
			switch {
			case i%2 == 1 || i == 2*8 || i == 2*9:
				if told {
					t.Errorf("write %d tells who had it: %+v", i, got)
				}
			case i == taken && (got.Value != w.user("hugh") || !got.At.Equal(edited.Truncate(time.Second)) || got.By != w.user("ana") || got.Actor != connectors.ActorUnknown):
				t.Errorf("%+v had it, want hugh since %s by ana", got, edited)
			case i != taken && (!told || got.Value != objs[leads[i/2]].Fields["OwnerId"]):
				t.Errorf("write %d: told %v, %v had it, want %v", i, told, got.Value, objs[leads[i/2]].Fields["OwnerId"])
			}
		}
	})
}

// TestLookedAt: in a full batch of which each write rests on a version, and may be looked
// at in place of a condition, all of them are, by id, in one call more; what a person has
// changed since, and queries do not see yet, is left as it is, and no task is made for it
// (C11, P4, design 1.5).
func TestLookedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{UniqueTasks: true, Faults: simhttp.Faults{SearchLag: 30 * time.Minute}})
		owner := w.owner()
		var leads []string
		for i := range 200 {
			leads = append(leads, w.lead(i))
		}
		time.Sleep(time.Hour)
		objs := w.read(Lead, []string{"OwnerId"}, leads...)
		w.edit(simhttp.Edit{Object: "Lead", Op: "update", ID: leads[7], By: "person:ana@example.com", Fields: map[string]any{"OwnerId": "hugh@example.com"}})
		var writes []connectors.Write
		for i, id := range leads {
			both := handoff(owner, id, fmt.Sprint(i))
			both[0].IfVersion, both[0].Loose = objs[id].Version, true
			writes = append(writes, both...)
		}
		var results []connectors.Result
		if calls := w.counted(func() { results = w.apply(writes...) }); calls != 2 {
			t.Errorf("%d calls, want 2", calls)
		}
		for i, r := range results {
			switch changed := i/2 == 7; {
			case changed && (r.Err == nil || i%2 == 0 && r.Err.Class != connectors.Conflict):
				t.Errorf("write %d over what has changed: %+v", i, r)
			case !changed && (r.Err != nil || r.Guarded):
				t.Errorf("write %d: %+v", i, r)
			}
		}
		time.Sleep(time.Hour)
		if now := w.read(Lead, []string{"OwnerId"}, leads...); now[leads[7]].Fields["OwnerId"] != w.user("hugh") || now[leads[8]].Fields["OwnerId"] != owner {
			t.Errorf("%v has the changed one, %v the next", now[leads[7]].Fields["OwnerId"], now[leads[8]].Fields["OwnerId"])
		}
	})
}

// TestLookedAtEverywhere: what is looked at in place of a condition is so whichever field
// says who has it; a lone one has its condition; where the CRM does not say, nothing is
// sent; and a look that takes long does not use up the time that a write has (C11, C5).
func TestLookedAtEverywhere(t *testing.T) {
	t.Parallel()
	looks := func(w *world, answer func(reference string) *http.Response) {
		w.wrap = func(r *http.Request) *http.Response {
			if !strings.HasSuffix(r.URL.Path, "/composite") {
				return nil
			}
			raw, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(raw))
			var c sent
			if json.Unmarshal(raw, &c) != nil || len(c.CompositeRequest) != 1 || !strings.Contains(c.CompositeRequest[0].URL, "/composite/sobjects/Lead?") {
				return nil
			}
			return answer(c.CompositeRequest[0].ReferenceID)
		}
	}
	for _, tc := range []struct {
		name  string
		leads int
		taken bool
		edit  func(w *world, writes []connectors.Write)
		want  connectors.Class // of the first write's error
	}{
		{name: "another field", leads: 40, taken: true, want: connectors.Conflict, edit: func(_ *world, writes []connectors.Write) {
			delete(writes[0].Set, "OwnerId")
		}},
		{name: "a lone one", leads: 1, taken: true, want: connectors.Conflict, edit: func(*world, []connectors.Write) {}},
		{name: "no answer", leads: 40, taken: true, want: connectors.Unavailable, edit: func(w *world, _ []connectors.Write) {
			looks(w, func(reference string) *http.Response {
				body, _ := json.Marshal(map[string]any{"compositeResponse": []any{part(reference, 503, `[{"errorCode":"SERVER_UNAVAILABLE","message":"try later"}]`)}})
				return page(200, "application/json", string(body))()
			})
		}},
		{name: "a late answer", leads: 40, want: connectors.Unknown, edit: func(w *world, writes []connectors.Write) {
			for i := 0; i < len(writes); i += 2 {
				writes[i].NotAfter = time.Now().Add(2400 * time.Millisecond)
			}
			looks(w, func(string) *http.Response { time.Sleep(2600 * time.Millisecond); return nil })
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
				var leads []string
				for i := range tc.leads {
					leads = append(leads, w.lead(i))
				}
				time.Sleep(time.Hour)
				objs := w.read(Lead, []string{"OwnerId"}, leads...)
				var writes []connectors.Write
				for i, id := range leads {
					both := handoff(w.owner(), id, fmt.Sprint(i))
					both[0].IfVersion, both[0].Loose = objs[id].Version, true
					writes = append(writes, both...)
				}
				if tc.taken {
					w.edit(simhttp.Edit{Object: "Lead", Op: "update", ID: leads[0], By: "person:ana@example.com", Fields: map[string]any{"OwnerId": "hugh@example.com"}})
				}
				tc.edit(w, writes)
				results, err := w.org.Apply(t.Context(), writes)
				if err == nil && results[0].Err != nil {
					err = results[0].Err
				}
				if done := err == nil; done != (tc.want == connectors.Unknown) || !done && connectors.ClassOf(err) != tc.want {
					t.Errorf("%v, want %v", err, tc.want)
				}
			})
		})
	}
}
