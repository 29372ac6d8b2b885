package hubspot_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
)

// said is what a reading says of each record.
func said(t *testing.T, c connectors.Connector, ids []string) map[string]string {
	t.Helper()
	objects, err := c.Read(t.Context(), "contacts", ids, []string{"email"})
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string, len(objects))
	for _, o := range objects {
		switch {
		case o.Deleted:
			out[o.Ref.ID] = "deleted"
		case !o.MovedTo.IsZero():
			out[o.Ref.ID] = "moved to " + o.MovedTo.ID
		default:
			out[o.Ref.ID] = "live"
		}
	}
	return out
}

// (C8) Merges make a third record or, with the beta that keeps ids, do not;
// a chain of them leads to the last survivor.
func TestMergedRecords(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]bool{"a new id": false, "the primary id is kept": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, sim, _ := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
				setUp(t, sim, fmt.Sprintf(`{"preserve_merge_id":%v}`, keep))
				ids := people(t, sim, 4)
				first := edit(t, sim, "contacts", "merge", ids[1], map[string]any{"into": ids[0]})
				if (first == ids[0]) != keep {
					t.Fatalf("%s survives as %s", ids[0], first)
				}
				last := edit(t, sim, "contacts", "merge", first, map[string]any{"into": ids[2]})
				want := map[string]string{ids[3]: "live"}
				for _, id := range ids[:3] {
					want[id] = "moved to " + last
				}
				want[last] = "live"
				if diff := cmp.Diff(want, said(t, c, append(ids, last))); diff != "" {
					t.Errorf("with the survivor (-want +got):\n%s", diff)
				}
				if !keep {
					delete(want, last)
				}
				if diff := cmp.Diff(want, said(t, c, ids)); diff != "" {
					t.Errorf("without it (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// (C9) Archived, restored, deleted for good.
func TestDeletedRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
		ids := people(t, sim, 4)
		edit(t, sim, "contacts", "delete", ids[1], nil)
		edit(t, sim, "contacts", "delete", ids[2], nil)
		edit(t, sim, "contacts", "purge", ids[3], nil)
		want := map[string]string{ids[0]: "live", ids[1]: "deleted", ids[2]: "deleted", ids[3]: "deleted"}
		if diff := cmp.Diff(want, said(t, c, ids)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		edit(t, sim, "contacts", "restore", ids[2], nil)
		want[ids[2]] = "live"
		if diff := cmp.Diff(want, said(t, c, ids)); diff != "" {
			t.Errorf("restored (-want +got):\n%s", diff)
		}
	})
}

// (C8, C9) A batch that leaves rows out for no reason deletes nobody. A hundred
// archived records cost one call more; what neither is live nor in the bin is
// asked for one by one, ten at most, and else left for the next reading.
func TestLeftOutIsNotDeleted(t *testing.T) {
	t.Parallel()
	const n = 100
	tests := map[string]struct {
		op    string // what happens to every record
		keep  int    // rows that the batch answers
		want  map[string]int
		calls int
	}{
		"none is left out":         {"", n, map[string]int{"live": n}, 1},
		"one is":                   {"", n - 1, map[string]int{"live": n}, 2},
		"all are, for no reason":   {"", 0, map[string]int{"live": 10}, 12},
		"a hundred are archived":   {"delete", n, map[string]int{"deleted": n}, 2},
		"a hundred are purged":     {"purge", n, map[string]int{"deleted": 10}, 12},
		"a page without its rows":  {"", -1, map[string]int{"live": 10}, 12},
		"a page that says nothing": {"", -2, map[string]int{"live": 10}, 12},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, sim, wire := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
				ids := people(t, sim, n)
				if test.op != "" {
					for _, id := range ids {
						edit(t, sim, "contacts", test.op, id, nil)
					}
				}
				if _, err := c.(connectors.Describer).Describe(t.Context(), []connectors.Kind{"contacts"}); err != nil {
					t.Fatal(err)
				}
				wire.Forget()
				next := wire.Next
				wire.Next = trip(func(r *request) (*response, error) {
					if !strings.Contains(r.path, "/batch/read?archived=false") || test.keep == n {
						return nil, nil
					}
					switch test.keep {
					case -1:
						return &response{200, `{}`}, nil
					case -2:
						return &response{200, `null`}, nil
					}
					var rows []string
					for _, id := range ids[:test.keep] {
						rows = append(rows, fmt.Sprintf(`{"id":%q,"properties":{}}`, id))
					}
					return &response{200, `{"results":[` + strings.Join(rows, ",") + `]}`}, nil
				}).over(next)
				got := make(map[string]int)
				for _, what := range said(t, c, ids) {
					got[what]++
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if calls := len(wire.Seen()); calls != test.calls {
					t.Errorf("%d calls, want %d", calls, test.calls)
				}
			})
		})
	}
}

// (C8, C17) A page in place of a single record's answer deletes nobody.
func TestPageInPlaceOfARecord(t *testing.T) {
	t.Parallel()
	for name, resp := range map[string]response{
		"a page":         {404, `<html>not here</html>`},
		"a gateway":      {404, `{"message":"no route matched"}`},
		"another status": {410, `{"message":"gone"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, sim, wire := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
				ids := people(t, sim, 2)
				wire.Next = trip(func(r *request) (*response, error) {
					if strings.Contains(r.path, "/batch/read") {
						return &response{200, fmt.Sprintf(`{"results":[{"id":%q,"properties":{}}]}`, ids[0])}, nil
					}
					if strings.Contains(r.path, "/contacts/"+ids[1]) {
						return &resp, nil
					}
					return nil, nil
				}).over(wire.Next)
				objects, err := c.Read(t.Context(), "contacts", ids, nil)
				if err == nil {
					t.Errorf("%+v", objects)
				}
			})
		})
	}
}

// (C8) A write to a record that was merged away lands on the survivor, and the
// result says so.
func TestWriteToAMergedRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
		ids := people(t, sim, 3)
		survivor := edit(t, sim, "contacts", "merge", ids[1], map[string]any{"into": ids[0]})
		var writes []connectors.Write
		for i, id := range ids[1:] {
			writes = append(writes, connectors.Write{Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: id}, Key: fmt.Sprint(i), Set: map[string]any{"firstname": "x"}})
		}
		results, err := c.Apply(t.Context(), writes)
		if err != nil || results[0].Err != nil || results[0].Ref.ID != survivor || results[1].Err != nil {
			t.Errorf("%+v %v, want %s", results, err, survivor)
		}
	})
}

// A lead (0-136) is found by polling, read with the contact it belongs to,
// written to, made with its primary contact, and carries a task.
func TestLeads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, wire := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
		who := owner(t, c)
		ids := people(t, sim, 2)
		person := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: ids[0]}
		from := connectors.Cursor{From: time.Now()}
		create := func(w connectors.Write) connectors.Result {
			t.Helper()
			w.Ref, w.Key = connectors.Ref{Conn: "hubspot", Kind: "leads"}, "lead"
			results, err := c.Apply(t.Context(), []connectors.Write{w})
			if err != nil {
				t.Fatal(err)
			}
			return results[0]
		}
		wire.Forget()
		for name, w := range map[string]connectors.Write{
			"no contact": {Set: map[string]any{"hs_lead_name": "Ann"}},
			"no name":    {Set: map[string]any{"hubspot_owner_id": who}, Links: []connectors.Ref{person}},
		} {
			if r := create(w); r.Err == nil || r.Err.Class != connectors.Invalid || !strings.Contains(r.Err.Error(), "HubSpot makes no lead without") {
				t.Errorf("%s: %v", name, r.Err)
			}
		}
		if n := len(wire.Writes()); n != 0 {
			t.Errorf("%d requests for leads that cannot be", n)
		}
		made := create(connectors.Write{Set: map[string]any{"hs_lead_name": "Ann", "hubspot_owner_id": who}, Links: []connectors.Ref{person, {Conn: "hubspot", Kind: "contacts", ID: ids[1]}}})
		if made.Err != nil || made.Ref.ID == "" || len(made.Skipped) > 0 {
			t.Fatalf("%+v", made)
		}
		time.Sleep(time.Minute)
		pages, err := c.Changes(t.Context(), []connectors.Poll{{Kind: "leads", From: from}})
		if err != nil || pages[0].Err != nil || len(pages[0].Changes) != 1 || pages[0].Changes[0].Ref != made.Ref {
			t.Fatalf("%+v %v", pages, err)
		}
		results, err := c.Apply(t.Context(), []connectors.Write{
			{Ref: made.Ref, Key: "o", Set: map[string]any{"hs_lead_name": "Ann B."}},
			{Ref: connectors.Ref{Conn: "hubspot", Kind: connectors.Task}, Key: "t", Links: []connectors.Ref{made.Ref}, Set: map[string]any{connectors.TaskSubject: "call", connectors.TaskDue: time.Now().Format(time.RFC3339)}},
		})
		if err != nil || results[0].Err != nil || results[1].Err != nil || len(results[1].Skipped) > 0 {
			t.Fatalf("%+v %v", results, err)
		}
		objects, err := c.Read(t.Context(), "leads", []string{made.Ref.ID}, []string{"hs_lead_name", "hubspot_owner_id"})
		if err != nil || len(objects) != 1 {
			t.Fatalf("%+v %v", objects, err)
		}
		want := connectors.Object{
			Fields: map[string]any{"hs_lead_name": "Ann B.", "hubspot_owner_id": who},
			Links:  []connectors.Ref{person, {Conn: "hubspot", Kind: "contacts", ID: ids[1]}},
		}
		if diff := cmp.Diff(want, connectors.Object{Fields: objects[0].Fields, Links: objects[0].Links}); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		found, err := c.(connectors.Finder).Find(t.Context(), []connectors.Write{{Ref: connectors.Ref{Conn: "hubspot", Kind: connectors.Task}, Key: "t", Links: []connectors.Ref{made.Ref}}})
		if err != nil || found[0] != results[1].Ref {
			t.Errorf("the lead's task is found as %v, %v; it is %v", found, err, results[1].Ref)
		}
	})
}

// (C1, C3) What could be read comes with the error that says why the rest is missing: of
// several batches, and of one batch in which some records have to be asked about again.
func TestReadInPart(t *testing.T) {
	t.Parallel()
	unavailable := &response{503, `<html>`}
	for name, test := range map[string]struct {
		gone int // of the first, how many are in the recycle bin
		fail func(r *request) bool
		want int
	}{
		"all of it":          {2, func(*request) bool { return false }, 150},
		"one of two batches": {0, func(r *request) bool { return strings.Count(r.body, `"id"`) == 50 }, 100},
		"the bin":            {3, func(r *request) bool { return strings.Contains(r.path, "archived=true") }, 147},
		"none":               {0, func(*request) bool { return true }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, sim, wire := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
				ids := people(t, sim, 150)
				for _, id := range ids[:test.gone] {
					edit(t, sim, "contacts", "delete", id, nil)
				}
				wire.Next = trip(func(r *request) (*response, error) {
					if strings.Contains(r.path, "/batch/read") && test.fail(r) {
						return unavailable, nil
					}
					return nil, nil
				}).over(wire.Next)
				objects, err := c.Read(t.Context(), "contacts", ids, nil)
				if len(objects) != test.want || (err == nil) != (test.want == len(ids)) {
					t.Errorf("%d objects, want %d: %v", len(objects), test.want, err)
				}
				if err != nil && connectors.ClassOf(err) != connectors.Unavailable {
					t.Error(err)
				}
			})
		})
	}
}
