package judge

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// TestMergedSignals: a record that another was merged into may be handed over for
// both their signals, whether or not both ever stood on it; not for a third (C8).
func TestMergedSignals(t *testing.T) {
	t.Parallel()
	into := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "1"}
	gone := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "2"}
	f := &Facts{
		Versions: map[string]int{typed("demo", into): 1, typed("demo", gone): 1, typed("other", gone): 1},
		Objects:  map[connectors.Ref]*Object{}, Missing: map[string]string{}, Heirs: map[connectors.Ref]connectors.Ref{},
	}
	w := &walk{l: &loading{f: f}, signs: &signs{triggers: map[string]state.Trigger{
		typed("demo", into): {Type: "demo", Record: into}, typed("demo", gone): {Type: "demo", Record: gone}, typed("other", gone): {Type: "other", Record: gone},
	}}}
	w.gone(change{Op: "merge", Time: time.Now(), Into: into.ID}, gone, &Object{})
	for n, want := range map[int]int{2: 0, 3: 1} {
		if got := invented(f, map[string]int{typed("demo", into): n}); len(got) != want {
			t.Errorf("%d signals: %v", n, got)
		}
	}
	if got := f.Versions[typed("other", into)]; got != 1 {
		t.Errorf("of another type it shows %d", got)
	}
}

// TestMergeHasAnOwner: what two HubSpot records are merged into lives, and whom it shows
// and what we write there are judged as on any other record (A4, A10). Whom a handoff of
// the merged ones had given it to, the merge has given it to nobody.
func TestMergeHasAnOwner(t *testing.T) {
	t.Parallel()
	heir := connectors.Ref{Conn: "crm", Kind: "people", ID: "9"}
	returned := func(f *Facts) {
		f.Handoffs[0].Stage, f.Handoffs[0].Accountable = state.Returned, "ben@example.com"
		m := momentOf(f.Handoffs[0])
		m.At = at(5)
		f.Lives["h1"] = append(f.Lives["h1"], m)
	}
	second := func(stage state.Stage) func(*Facts) {
		return func(f *Facts) {
			returned(f)
			h := state.Handoff{
				ID: "h2", Type: "demo", Record: heir, Target: heir, Stage: stage, Owner: "ana@example.com", Accountable: "ana@example.com",
				DetectedAt: at(1), AssignedAt: at(1), Written: at(6), Before: map[string]any{"owner_id": "1"},
				Effects: map[string]state.Effect{stepAssign: {Key: "k3", State: "done", Ref: heir}},
			}
			f.Handoffs = append(f.Handoffs, h)
			m := momentOf(h)
			m.At = at(1)
			f.Lives["h2"] = []Moment{m}
		}
	}
	tests := map[string]struct {
		shows string // whom the merge shows
		more  func(*Facts)
		write string // whom we give it to, later
		want  string // the rule that breaks
	}{
		"the handoff's own":                             {shows: "1"},
		"given to somebody that nothing says":           {shows: "1", write: "2", want: "A4"},
		"taken from whom a person had chosen":           {shows: "2", write: "1", want: "A10"},
		"handed back to its giver":                      {shows: "1", more: returned, write: "2"},
		"handed back, where another handoff was over":   {shows: "1", more: second(state.Superseded), write: "2"},
		"handed back, where another handoff is at work": {shows: "1", more: second(state.Accepted), write: "2", want: "A4"},
	}
	for name, tc := range tests {
		f := fine()
		f.Heirs = map[connectors.Ref]connectors.Ref{}
		w := walk{fields: map[connectors.Ref]map[string]any{}, tasks: map[connectors.Ref]*Task{}, l: &loading{f: f, words: &words{
			noun: map[[2]string]string{{"crm", "people"}: "person"}, owners: map[Field]bool{{"crm", "people", "owner_id"}: true},
			carries: map[string]string{"crm": "handoff_id"},
		}}}
		w.step(change{Op: "merge", Time: at(4), Actor: "person:ben@example.com", Fields: map[string]fromTo{"owner_id": {To: tc.shows}, "handoff_id": {To: "h1"}}}, heir)
		w.step(change{Op: "merge", Time: at(4), Actor: "person:ben@example.com", Into: heir.ID}, lead)
		o := f.Objects[heir]
		if tc.more != nil {
			tc.more(f)
		}
		o.Owner = tc.shows
		if tc.write != "" {
			w.moved(change{Op: "update", Time: at(60), Actor: "api:us", Fields: map[string]fromTo{"owner_id": {From: tc.shows, To: tc.write}}}, heir, o, true)
			o.Owner = tc.write
		}
		if f.Objects[lead].Gone.IsZero() || !o.Gone.IsZero() {
			t.Fatalf("%s: %s is gone: %v, its heir: %v", name, lead, f.Objects[lead].Gone, o.Gone)
		}
		o.Seen, o.Live, f.Objects[lead].Live = true, true, false
		for _, v := range Weigh(f) {
			if (v.Rule == "A4" || v.Rule == "A10") && (len(v.Offence) > 0) != (v.Rule == tc.want) {
				t.Errorf("%s: %s: %v", name, v.Rule, v.Offence)
			}
		}
	}
}
