package connectortest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// listThenFollow: the zero cursor lists everything once, then what changes.
func listThenFollow(t *testing.T, c connectors.Connector, w World) {
	ids := w.add(t, 2*w.MaxRead+7)
	time.Sleep(time.Hour) // else the overlap would bring them again
	changes, cursor := drain(t, c, w, connectors.Cursor{}, 0)
	if diff := cmp.Diff(sorted(ids), sorted(idsOf(changes))); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	for _, ch := range changes {
		if ch.EventID == "" || ch.At.IsZero() || ch.Object != nil && (ch.Object.Ref != ch.Ref || ch.Object.Version == "") {
			t.Fatalf("an incomplete change: %+v", ch)
		}
	}
	time.Sleep(time.Hour)
	w.change(t, ids[3], "changed")
	added := w.edit(t, simhttp.Edit{Object: string(w.Person), Op: "create", Fields: w.person(9999)})
	time.Sleep(w.Lag)
	changes, _ = drain(t, c, w, cursor, 0)
	if diff := cmp.Diff(sorted([]string{ids[3], added}), sorted(idsOf(changes))); diff != "" {
		t.Errorf("followed (-want +got):\n%s", diff)
	}
}

// changeDuringList: a record that changes after its page was read is seen (P3).
func changeDuringList(t *testing.T, c connectors.Connector, w World) {
	ids := w.add(t, w.MaxRead+20)
	time.Sleep(time.Hour)
	first := page(t, c, w, connectors.Cursor{}, 10)
	if len(first.Changes) == 0 || !first.More {
		t.Fatalf("the first page has %d changes", len(first.Changes))
	}
	moved := first.Changes[0].Ref.ID
	time.Sleep(time.Second)
	w.change(t, moved, "while listing")
	var list []connectors.Change
	cursor := first.Next
	for cursor.Listing {
		p := page(t, c, w, cursor, 10)
		list, cursor = append(list, p.Changes...), p.Next
	}
	if got := sorted(append(idsOf(list), idsOf(first.Changes)...)); len(got) != len(ids) {
		t.Errorf("%d of %d records listed", len(got), len(ids))
	}
	time.Sleep(w.Lag)
	after, _ := drain(t, c, w, cursor, 0)
	for _, ch := range after {
		if ch.Ref.ID == moved {
			return
		}
	}
	t.Errorf("the change made during the list was lost")
}

// equalTimestamps: more records with one timestamp than a page holds, none
// skipped and none twice (P1).
func equalTimestamps(t *testing.T, c connectors.Connector, w World) {
	start := time.Now().Add(-time.Minute)
	ids := w.add(t, 5*w.MaxRead/2)
	time.Sleep(w.Lag)
	changes, _ := drain(t, c, w, connectors.Cursor{From: start}, w.MaxRead)
	if diff := cmp.Diff(sorted(ids), sorted(idsOf(changes))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(changes) != len(ids) {
		t.Errorf("%d changes for %d records", len(changes), len(ids))
	}
}

// restartMidWindow: a cursor survives being stored, another page size and
// changes in between (P3, P5).
func restartMidWindow(t *testing.T, c connectors.Connector, w World) {
	start := time.Now().Add(-time.Minute)
	ids := w.add(t, 40)
	time.Sleep(w.Lag)
	p := page(t, c, w, connectors.Cursor{From: start}, 10)
	seen := idsOf(p.Changes)
	raw, err := json.Marshal(p.Next)
	if err != nil {
		t.Fatal(err)
	}
	var cursor connectors.Cursor
	if err := json.Unmarshal(raw, &cursor); err != nil {
		t.Fatal(err)
	}
	time.Sleep(24 * time.Hour) // an outage
	w.change(t, ids[len(ids)-1], "moves out of the window")
	time.Sleep(w.Lag)
	rest, next := drain(t, c, w, cursor, 7)
	seen = append(seen, idsOf(rest)...)
	again, _ := drain(t, c, w, next, 200)
	seen = append(seen, idsOf(again)...)
	if diff := cmp.Diff(sorted(ids), sorted(seen)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// quietWindow: nothing new costs one call and moves the cursor on.
func quietWindow(t *testing.T, c connectors.Connector, w World) {
	w.add(t, 3)
	time.Sleep(24 * time.Hour)
	_, cursor := drain(t, c, w, connectors.Cursor{From: time.Now().Add(-time.Hour)}, 0)
	time.Sleep(24 * time.Hour)
	w.Wire.Forget()
	p := page(t, c, w, cursor, 0)
	if len(p.Changes) != 0 || p.More || !p.Next.From.After(cursor.From) {
		t.Errorf("got %+v after %+v", p, cursor)
	}
	if n := len(w.Wire.Seen()); n != 1 {
		t.Errorf("%d calls: %+v", n, w.Wire.Seen())
	}
}

// damagedCursor: one from the future does not blind us (P6).
func damagedCursor(t *testing.T, c connectors.Connector, w World) {
	ids := w.add(t, 1)
	time.Sleep(w.Lag)
	changes, cursor := drain(t, c, w, connectors.Cursor{From: time.Now().Add(24 * 365 * time.Hour)}, 0)
	if cursor.From.After(time.Now()) {
		t.Errorf("the cursor stays in the future: %+v", cursor)
	}
	if len(changes) != 1 || changes[0].Ref.ID != ids[0] {
		t.Errorf("what has just changed is not seen: %+v", changes)
	}
}

func unknownKind(t *testing.T, c connectors.Connector, w World) {
	w.add(t, 1)
	from := connectors.Cursor{From: time.Now().Add(-time.Hour)}
	pages, err := c.Changes(t.Context(), []connectors.Poll{{Kind: "no_such_kind", From: from}, {Kind: w.Person, From: from}})
	if err != nil || len(pages) != 2 {
		t.Fatalf("%v %+v", err, pages)
	}
	if pages[0].Err == nil || pages[0].Next != from || pages[1].Err != nil || pages[1].Kind != w.Person {
		t.Errorf("got %+v", pages)
	}
}

// read: the wanted fields that exist, in as few calls as can be.
func read(t *testing.T, c connectors.Connector, w World) {
	ids := w.add(t, 2*w.MaxRead+1)
	fields := []string{w.Email, w.Text, "handoff_no_such_field", "no_such_field"}
	if _, err := c.Read(t.Context(), w.Person, ids[:1], fields); err != nil { // describes
		t.Fatal(err)
	}
	w.Wire.Forget()
	objects, err := c.Read(t.Context(), w.Person, append(ids, ids[0]), fields)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(w.Wire.Seen()); n != 3 {
		t.Errorf("%d calls for %d records of %d a call", n, len(ids), w.MaxRead)
	}
	got := make(map[string]map[string]any)
	for _, o := range objects {
		if o.Deleted || o.Version == "" || o.ModifiedAt.IsZero() || o.Ref.Kind != w.Person || !o.MovedTo.IsZero() {
			t.Fatalf("an incomplete object: %+v", o)
		}
		got[o.Ref.ID] = o.Fields
	}
	if len(objects) != len(ids) || len(got) != len(ids) {
		t.Errorf("%d objects for %d ids", len(objects), len(ids))
	}
	p := w.person(1)
	want := map[string]any{w.Email: p[w.Email], w.Text: p[w.Text]}
	if diff := cmp.Diff(want, got[ids[1]]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if none, err := c.Read(t.Context(), w.Person, nil, fields); err != nil || len(none) != 0 {
		t.Errorf("no ids: %v %v", none, err)
	}
}

func readGone(t *testing.T, c connectors.Connector, w World) {
	ids := w.add(t, 3)
	w.edit(t, simhttp.Edit{Object: string(w.Person), Op: "delete", ID: ids[1]})
	objects, err := c.Read(t.Context(), w.Person, ids, []string{w.Text})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]bool)
	for _, o := range objects {
		got[o.Ref.ID] = o.Deleted
	}
	if diff := cmp.Diff(map[string]bool{ids[0]: false, ids[1]: true, ids[2]: false}, got); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
}

// readMerged: the loser says where it lives on (C8).
func readMerged(t *testing.T, c connectors.Connector, w World) {
	if !w.Merges {
		t.Skip("the simulator does not merge this kind")
	}
	ids := w.add(t, 3)
	survivor := w.edit(t, simhttp.Edit{Object: string(w.Person), Op: "merge", ID: ids[1], Fields: map[string]any{"into": ids[0]}})
	objects, err := c.Read(t.Context(), w.Person, ids, []string{w.Text})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		switch o.Ref.ID {
		case ids[1]:
			if o.MovedTo.ID != survivor || o.MovedTo.Kind != w.Person {
				t.Errorf("the loser: %+v, want moved to %s", o, survivor)
			}
		case ids[0]:
			if ids[0] != survivor && o.MovedTo.ID != survivor {
				t.Errorf("the other: %+v, want moved to %s", o, survivor)
			}
		}
	}
	if len(objects) != 3 {
		t.Errorf("%d objects", len(objects))
	}
}

func locate(t *testing.T, c connectors.Connector, w World) {
	locator, ok := c.(connectors.Locator)
	if !ok {
		t.Skip("not a Locator")
	}
	ids := w.add(t, 5)
	ask := func(value string) connectors.Question {
		return connectors.Question{Kinds: []connectors.Kind{w.Person}, Field: w.Email, Value: value}
	}
	found, err := locator.Locate(t.Context(), []connectors.Question{ask("p3@buyer.example"), ask("nobody@buyer.example"), ask("P1@Buyer.example"), ask("")}, map[connectors.Kind][]string{w.Person: {w.Text}})
	if err != nil || len(found) != 4 {
		t.Fatalf("%v %v", found, err)
	}
	for i, want := range []string{ids[3], "", ids[1], ""} {
		got := ""
		if len(found[i]) > 0 {
			got = found[i][0].Ref.ID
		}
		if got != want {
			t.Errorf("question %d found %q, want %q", i, got, want)
		}
	}
}

// links: a record has a page for people, a kind nobody knows has none, and what
// is no id never gets into an address.
func links(t *testing.T, c connectors.Connector, d connectors.Describer, w World) {
	l, ok := c.(connectors.Linker)
	if !ok {
		return
	}
	tenant, err := d.Tenant(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id := w.add(t, 1)[0]
	if link := l.Link(connectors.Ref{Kind: w.Person, ID: id}, tenant); !strings.Contains(link, "/"+id) || !strings.HasPrefix(link, "http") {
		t.Errorf("the page of %s %s is %q", w.Person, id, link)
	}
	for _, ref := range []connectors.Ref{{}, {Kind: w.Person}, {Kind: w.Person, ID: "../../x?y=" + id}, {Kind: connectors.Activity, ID: id}} {
		if link := l.Link(ref, tenant); link != "" {
			t.Errorf("the page of %q is %q", ref, link)
		}
	}
}

func describe(t *testing.T, c connectors.Connector, w World) {
	describer, ok := c.(connectors.Describer)
	if !ok {
		t.Skip("not a Describer")
	}
	schemas, err := describer.Describe(t.Context(), []connectors.Kind{w.Person, "no_such_kind", connectors.Task})
	if err != nil {
		t.Fatal(err)
	}
	if _, there := schemas["no_such_kind"]; there || len(schemas[connectors.Task].Fields) == 0 {
		t.Errorf("described %d kinds", len(schemas))
	}
	if f := schemas[w.Person].Fields[w.Text]; f.Name != w.Text || f.Type != "text" || !f.Writable {
		t.Errorf("the field is %+v", f)
	}
	users, err := describer.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	links(t, c, describer, w)
	active := false
	for _, u := range users {
		active = active || u.ID == w.Owner && u.Active
	}
	if !active {
		t.Errorf("%s is not among the active users %+v", w.Owner, users)
	}
	if tenant, err := describer.Tenant(t.Context()); err != nil || tenant == "" {
		t.Errorf("tenant %q, %v", tenant, err)
	}
}

func usage(t *testing.T, c connectors.Connector, w World) {
	meter, ok := c.(connectors.Meter)
	if !ok {
		t.Skip("not a Meter")
	}
	ids := w.add(t, 1)
	if _, err := c.Read(t.Context(), w.Person, ids, []string{w.Text}); err != nil {
		t.Fatal(err)
	}
	apply(t, c, w.task("k1", ids[0]))
	page(t, c, w, connectors.Cursor{From: time.Now().Add(-time.Hour)}, 0)
	total := int64(0)
	calls := meter.Usage().Calls
	for _, n := range calls {
		total += n
	}
	if total != int64(len(w.Wire.Seen())) || calls["read"] == 0 || calls["write"] == 0 || calls["poll"] == 0 {
		t.Errorf("counted %v for %d requests", calls, len(w.Wire.Seen()))
	}
}
