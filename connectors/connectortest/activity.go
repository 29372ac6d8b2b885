package connectortest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// Activities is how the people of a CRM log what they do.
type Activities struct {
	// Log is the edit with which a person logs something.
	Log func(Logged) simhttp.Edit
	// Defer is the edit with which a person puts a task off, and Finish that with
	// which they tick it off.
	Defer, Finish func(taskID string) simhttp.Edit
	// Follows are the types that polls bring. The others are counted on the
	// record: Counts.
	Follows []string
	Counts  bool
	// Quiet is how many calls a poll may cost while nothing happens.
	Quiet int
}

// Logged is something that a person logs.
type Logged struct {
	Type    string // as in connectors.ActType
	Person  string // whom it is about, by id
	Owner   string // the user's id
	Subject string
	At      time.Time
	Outcome string // of a meeting, as in connectors.ActOutcome; blank: it is planned
}

// activitiesOf polls until there is no more, keyed by what the edit that made
// them was told to call them.
func activitiesOf(t *testing.T, c connectors.Connector, from connectors.Cursor, limit int) (map[string]connectors.Object, connectors.Cursor) {
	t.Helper()
	out := map[string]connectors.Object{}
	for range 1000 {
		pages, err := c.Changes(t.Context(), []connectors.Poll{{Kind: connectors.Activity, From: from, Limit: limit}})
		if err != nil || len(pages) != 1 || pages[0].Err != nil {
			t.Fatalf("poll: %v %+v", err, pages)
		}
		for _, ch := range pages[0].Changes {
			if ch.EventID == "" || ch.Object == nil || ch.Object.Ref != ch.Ref || ch.Object.Version == "" || ch.Ref.Kind != connectors.Activity {
				t.Fatalf("an incomplete change: %+v", ch)
			}
			out[ch.Ref.ID] = *ch.Object
		}
		from = pages[0].Next
		if !pages[0].More {
			return out, from
		}
	}
	t.Fatal("the pages never end")
	return nil, from
}

// shown is an activity without what differs from one CRM to the next.
func shown(o connectors.Object) string {
	var words []string
	for _, name := range []string{connectors.ActType, connectors.ActState, connectors.ActOutcome, connectors.ActKey} {
		if v, ok := o.Fields[name].(string); ok {
			words = append(words, v)
		}
	}
	return strings.Join(words, " ")
}

// ourTask: a task of ours is known by its key, open until a person ticks it
// off, and nothing that anybody has typed is told with it.
func ourTask(t *testing.T, c connectors.Connector, w World) {
	a := w.activities(t)
	start := time.Now().Add(-time.Minute)
	person := w.add(t, 1)[0]
	made := apply(t, c, w.task("k7", person))[0]
	if made.Err != nil {
		t.Fatal(made.Err)
	}
	time.Sleep(w.Lag)
	got, cursor := activitiesOf(t, c, connectors.Cursor{From: start}, 0)
	if diff := cmp.Diff([]string{"task open k7"}, shownAll(got)); diff != "" {
		t.Errorf("made (-want +got):\n%s", diff)
	}
	w.edit(t, a.Defer(made.Ref.ID))
	time.Sleep(w.Lag)
	got, cursor = activitiesOf(t, c, cursor, 0)
	if diff := cmp.Diff([]string{"task deferred k7"}, shownAll(got)); diff != "" {
		t.Errorf("put off (-want +got):\n%s", diff)
	}
	w.edit(t, a.Finish(made.Ref.ID))
	done := time.Now()
	time.Sleep(w.Lag)
	got, _ = activitiesOf(t, c, cursor, 0)
	if diff := cmp.Diff([]string{"task done k7"}, shownAll(got)); diff != "" {
		t.Errorf("ticked off (-want +got):\n%s", diff)
	}
	for _, o := range got {
		if at := instant(t, o, connectors.ActAt); at.Sub(done).Abs() > 2*time.Second {
			t.Errorf("done at %v, want %v", at, done)
		}
		tellsNothing(t, o, "asked for a demo", "Call them")
	}
}

// theirActivities: what people log has its type, state, owner and whom it is
// about; planned and held meetings are told apart, and one that the buyer
// stayed away from.
func theirActivities(t *testing.T, c connectors.Connector, w World) {
	a := w.activities(t)
	now := time.Now()
	person := w.add(t, 3)[1]
	log := func(kind string, at time.Time, outcome string) {
		t.Helper()
		w.edit(t, a.Log(Logged{Type: kind, Person: person, Owner: w.Owner, Subject: "secret plan", At: at, Outcome: outcome}))
	}
	var want []string
	for _, kind := range []string{"call", "email"} {
		log(kind, now.Add(-time.Minute), "")
		if slices.Contains(a.Follows, kind) {
			want = append(want, kind+" done")
		}
	}
	log("task", now.Add(time.Hour), "")
	log("meeting", now.Add(time.Hour), "")
	log("meeting", now.Add(-time.Hour), "held")
	want = append(want, "task open", "meeting open")
	if !a.Counts {
		want = append(want, "meeting done")
	} else { // a CRM that counts also keeps outcomes
		want = append(want, "meeting done held")
		log("meeting", now.Add(-time.Hour), "no_show")
		want = append(want, "meeting cancelled no_show")
	}
	time.Sleep(w.Lag)
	got, cursor := activitiesOf(t, c, connectors.Cursor{From: now.Add(-time.Minute)}, 0)
	slices.Sort(want)
	if diff := cmp.Diff(want, shownAll(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, o := range got {
		if o.Fields[connectors.ActOwner] != w.Owner {
			t.Errorf("%s is %v's, want %s", shown(o), o.Fields[connectors.ActOwner], w.Owner)
		}
		if !slices.ContainsFunc(o.Links, func(r connectors.Ref) bool { return r.Kind == w.Person && r.ID == person }) {
			t.Errorf("%s is about %v", shown(o), o.Links)
		}
		if made := instant(t, o, connectors.ActMade); made.Sub(now).Abs() > 2*time.Second {
			t.Errorf("%s was made at %v, want %v", shown(o), made, now)
		}
		tellsNothing(t, o, "secret plan")
	}
	readBack(t, c, got)
	time.Sleep(24 * time.Hour)
	_, cursor = activitiesOf(t, c, cursor, 0)
	time.Sleep(time.Hour)
	w.Wire.Forget()
	if more, _ := activitiesOf(t, c, cursor, 0); len(more) > 0 {
		t.Errorf("nothing has happened, and the poll brings %v", shownAll(more))
	}
	if n := len(w.Wire.Seen()); n > a.Quiet {
		t.Errorf("a quiet poll cost %d calls: %+v", n, w.Wire.Seen())
	}
}

// readBack: an activity is read as it was polled.
func readBack(t *testing.T, c connectors.Connector, polled map[string]connectors.Object) {
	t.Helper()
	var ids []string
	for id := range polled {
		ids = append(ids, id)
	}
	read, err := c.Read(t.Context(), connectors.Activity, append(ids, "no-such-activity"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(read) != len(ids)+1 {
		t.Errorf("%d activities read, want %d and the one that is not there", len(read), len(ids))
	}
	for _, o := range read {
		if o.Ref.ID == "no-such-activity" {
			if !o.Deleted {
				t.Errorf("what is not there: %+v", o)
			}
			continue
		}
		if diff := cmp.Diff(polled[o.Ref.ID], o); diff != "" {
			t.Errorf("polled and read differ (-polled +read):\n%s", diff)
		}
	}
}

// manyActivities: more than a page holds, all of one instant, read over a
// restart: none is skipped (P1, P3, P5).
func manyActivities(t *testing.T, c connectors.Connector, w World) {
	a := w.activities(t)
	start := time.Now().Add(-time.Minute)
	person := w.add(t, 1)[0]
	var want []string
	for i := range 25 {
		kind := []string{"task", "meeting"}[i%2]
		w.edit(t, a.Log(Logged{Type: kind, Person: person, Owner: w.Owner, At: start.Add(time.Hour), Subject: fmt.Sprint(i)}))
		want = append(want, kind+" open")
	}
	time.Sleep(w.Lag)
	pages, err := c.Changes(t.Context(), []connectors.Poll{{Kind: connectors.Activity, From: connectors.Cursor{From: start}, Limit: 7}})
	if err != nil || pages[0].Err != nil {
		t.Fatal(err, pages[0].Err)
	}
	raw, err := json.Marshal(pages[0].Next)
	if err != nil {
		t.Fatal(err)
	}
	var cursor connectors.Cursor
	if err := json.Unmarshal(raw, &cursor); err != nil {
		t.Fatal(err)
	}
	got, _ := activitiesOf(t, c, cursor, 5)
	for _, ch := range pages[0].Changes {
		got[ch.Ref.ID] = *ch.Object
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, shownAll(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// workCounted: where the CRM counts on the record what people do, the counters
// are read with it; what it does not keep is left out, and none is written.
func workCounted(t *testing.T, c connectors.Connector, w World) {
	a := w.activities(t)
	if !a.Counts {
		t.Skip("the CRM keeps no counters that can be believed")
	}
	person := w.add(t, 1)[0]
	w.edit(t, simhttp.Edit{Object: string(w.Person), Op: "update", ID: person, Fields: map[string]any{w.OwnerField: w.Owner}})
	work := func() map[string]any {
		t.Helper()
		objects, err := c.Read(t.Context(), w.Person, []string{person}, connectors.WorkFields())
		if err != nil || len(objects) != 1 {
			t.Fatal(objects, err)
		}
		return objects[0].Fields
	}
	if got := work(); len(got) != 0 {
		t.Errorf("before anybody did anything: %v", got)
	}
	time.Sleep(time.Minute)
	now := time.Now().UTC().Truncate(time.Second)
	w.edit(t, a.Log(Logged{Type: "call", Person: person, Owner: w.Owner, At: now}))
	w.edit(t, a.Log(Logged{Type: "task", Person: person, Owner: w.Owner, At: now.Add(time.Hour)}))
	at, next := now.Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339)
	want := map[string]any{
		connectors.WorkFirstAt: at, connectors.WorkFirstType: "call", connectors.WorkReachedAt: at, connectors.WorkLastAt: at,
		connectors.WorkCount: 1.0, connectors.WorkNextAt: next,
	}
	if diff := cmp.Diff(want, work()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r := apply(t, c, connectors.Write{Ref: w.ref(person), Key: "no", Set: map[string]any{connectors.WorkCount: 9.0, w.Text: "x"}})[0]
	if r.Err != nil || !slices.Contains(r.Skipped, connectors.WorkCount) || work()[connectors.WorkCount] != 1.0 {
		t.Errorf("a counter was written: %+v, %v", r, work())
	}
}

func (w World) activities(t *testing.T) *Activities {
	t.Helper()
	if w.Activities == nil {
		t.Skip("the adapter follows no activities")
	}
	return w.Activities
}

func shownAll(all map[string]connectors.Object) []string {
	out := []string{}
	for _, o := range all {
		out = append(out, shown(o))
	}
	slices.Sort(out)
	return out
}

func instant(t *testing.T, o connectors.Object, word string) time.Time {
	t.Helper()
	text, _ := o.Fields[word].(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Errorf("%s has no %s: %v", shown(o), word, o.Fields[word])
	}
	return at
}

// tellsNothing holds that an activity brings none of the texts, nor a word
// that is not one of an activity's.
func tellsNothing(t *testing.T, o connectors.Object, texts ...string) {
	t.Helper()
	words := []string{
		connectors.ActType, connectors.ActState, connectors.ActAt, connectors.ActMade, connectors.ActOwner,
		connectors.ActMadeBy, connectors.ActTowards, connectors.ActOutcome, connectors.ActKey,
	}
	for name, v := range o.Fields {
		if !slices.Contains(words, name) {
			t.Errorf("%s brings %s", shown(o), name)
		}
		for _, text := range texts {
			if strings.Contains(fmt.Sprint(v), text) {
				t.Errorf("%s tells %q in %s", shown(o), text, name)
			}
		}
	}
}
