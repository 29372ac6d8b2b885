package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/plan"
	"github.com/handoffd/handoffd/sync/plan/plantest"
)

func calendarOf(events ...string) []byte {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n")
	for _, e := range events {
		b.WriteString("BEGIN:VEVENT\r\nUID:" + uidOf(e) + "\r\nDTSTAMP:20260101T000000Z\r\n" + strings.ReplaceAll(e, "\n", "\r\n") + "\r\nEND:VEVENT\r\n")
	}
	b.WriteString("END:VCALENDAR\r\n")
	return []byte(b.String())
}

func uidOf(e string) string {
	if _, id, ok := strings.Cut(e, "X-UID:"); ok {
		id, _, _ = strings.Cut(id, "\n")
		return id
	}
	return e[len(e)-min(len(e), 12):]
}

// TestICal (1.88): what an iCalendar says of when somebody is away, on their
// own clock.
func TestICal(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	r := feedReader{who: "ana@example.com", zone: zone, from: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), until: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}
	for name, test := range map[string]struct {
		events []string
		want   []string // "from/until" in UTC
		err    string
	}{
		"whole days, the end excluded; free or not": {
			[]string{"DTSTART;VALUE=DATE:20260316\nDTEND;VALUE=DATE:20260318\nTRANSP:TRANSPARENT"}, []string{"2026-03-16T04:00/2026-03-18T04:00"}, "",
		},
		"whole days over a change of the clock": {[]string{"DTSTART;VALUE=DATE:20260307\nDTEND;VALUE=DATE:20260309"}, []string{"2026-03-07T05:00/2026-03-09T04:00"}, ""},
		"one day":                               {[]string{"DTSTART;VALUE=DATE:20260316"}, []string{"2026-03-16T04:00/2026-03-17T04:00"}, ""},
		"hours, in UTC":                         {[]string{"DTSTART:20260316T130000Z\nDTEND:20260316T150000Z"}, []string{"2026-03-16T13:00/2026-03-16T15:00"}, ""},
		"hours, in a zone":                      {[]string{"DTSTART;TZID=Europe/Berlin:20260316T130000\nDTEND;TZID=Europe/Berlin:20260316T150000"}, []string{"2026-03-16T12:00/2026-03-16T14:00"}, ""},
		"hours, on their clock":                 {[]string{"DTSTART:20260316T130000\nDURATION:PT1H30M"}, []string{"2026-03-16T17:00/2026-03-16T18:30"}, ""},
		"a zone nobody knows":                   {[]string{"DTSTART;TZID=Customized Zone:20260316T130000\nDTEND;TZID=Customized Zone:20260316T140000"}, []string{"2026-03-16T17:00/2026-03-16T18:00"}, ""},
		"hours marked as free":                  {[]string{"DTSTART:20260316T130000Z\nDTEND:20260316T150000Z\nTRANSP:TRANSPARENT"}, nil, ""},
		"cancelled":                             {[]string{"DTSTART;VALUE=DATE:20260316\nSTATUS:CANCELLED"}, nil, ""},
		"over, or far ahead":                    {[]string{"DTSTART;VALUE=DATE:20260216", "DTSTART;VALUE=DATE:20260716"}, nil, ""},
		"begun before the window":               {[]string{"DTSTART;VALUE=DATE:20260201\nDTEND;VALUE=DATE:20260303"}, []string{"2026-02-01T05:00/2026-03-03T05:00"}, ""},
		"without a length":                      {[]string{"DTSTART:20260316T130000Z"}, nil, ""},
		"every second Friday":                   {[]string{"DTSTART;VALUE=DATE:20260306\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=3"}, []string{"2026-03-06T05:00/2026-03-07T05:00", "2026-03-20T04:00/2026-03-21T04:00", "2026-04-03T04:00/2026-04-04T04:00"}, ""},
		"an afternoon every week, one left out, one moved, one called off": {
			[]string{
				"X-UID:a\nDTSTART;TZID=America/New_York:20260304T140000\nDTEND;TZID=America/New_York:20260304T180000\nRRULE:FREQ=WEEKLY;UNTIL=20260402T000000Z\nEXDATE;TZID=America/New_York:20260311T140000",
				"X-UID:a\nRECURRENCE-ID;TZID=America/New_York:20260318T140000\nDTSTART;TZID=America/New_York:20260319T140000\nDTEND;TZID=America/New_York:20260319T180000",
				"X-UID:a\nRECURRENCE-ID;TZID=America/New_York:20260325T140000\nDTSTART;TZID=America/New_York:20260325T140000\nSTATUS:CANCELLED",
			},
			[]string{"2026-03-04T19:00/2026-03-04T23:00", "2026-03-19T18:00/2026-03-19T22:00", "2026-04-01T18:00/2026-04-01T22:00"},
			"",
		},
		"every second":   {[]string{"DTSTART:20260316T130000Z\nDTEND:20260316T150000Z\nRRULE:FREQ=SECONDLY"}, nil, "more often than daily"},
		"a broken rule":  {[]string{"DTSTART;VALUE=DATE:20260316\nRRULE:FREQ=SOMETIMES"}, nil, "cannot be read"},
		"not a day":      {[]string{"DTSTART;VALUE=DATE:20261316"}, nil, ""},
		"a login screen": {nil, nil, "no iCalendar"},
	} {
		raw := calendarOf(test.events...)
		if name == "a login screen" {
			raw = []byte("<html>sign in</html>")
		}
		got, err := r.absences(raw)
		if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %v, want %q", name, err, test.err)
		}
		var said []string
		for _, a := range got {
			said = append(said, a.From.Format("2006-01-02T15:04")+"/"+a.Until.Format("2006-01-02T15:04"))
			if a.Who != "ana@example.com" || a.Source != "calendar feed" {
				t.Errorf("%s: %+v", name, a)
			}
		}
		if diff := cmp.Diff(test.want, said); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func FuzzICal(f *testing.F) {
	f.Add(calendarOf("DTSTART;VALUE=DATE:20260306\nRRULE:FREQ=WEEKLY;COUNT=3\nEXDATE:20260313"))
	f.Add([]byte("BEGIN:VCALENDAR"))
	r := feedReader{who: "a", zone: time.UTC, from: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), until: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}
	f.Fuzz(func(t *testing.T, raw []byte) {
		_ = engine.Safely("read", func() error {
			got, err := r.absences(raw)
			for _, a := range got {
				if !a.From.Before(a.Until) || err != nil {
					t.Errorf("%+v, %v", a, err)
				}
			}
			return nil
		})
	})
}

// webOf answers requests in memory.
type webOf func(r *http.Request) (status int, etag, body string)

func (w webOf) RoundTrip(r *http.Request) (*http.Response, error) {
	status, etag, body := w(r)
	if status == 0 {
		return nil, errors.New("no route to host")
	}
	h := http.Header{"Etag": {etag}}
	if status == http.StatusFound {
		h.Set("Location", body)
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// rulesWithFeed is the starter pack where ana has a calendar feed and her team
// believes it and the CRM.
func rulesWithFeed(t *testing.T, at string) *plan.Rules {
	t.Helper()
	return leaveFolder(t).Replace(t, "people.yaml", anasLine+"}", anasLine+", leave_feed: \""+at+"\"}").Rules(t)
}

// leaveFolder is the starter pack whose teams believe every source of leave.
func leaveFolder(t *testing.T) plantest.Folder {
	t.Helper()
	return plantest.Starter(t).Replace(t, "teams.yaml", "    if_everyone_is_full:", "    leave_from: [crm, calendar_feeds]\n    if_everyone_is_full:")
}

const anasLine = "backup: ben@example.com,    calendar: us_east"

// TestFeeds (1.88): a feed is read every quarter of an hour and kept; while it
// cannot be read what it said last counts, and since when is told; a feed that
// nobody names any more is forgotten. Its address is never told.
func TestFeeds(t *testing.T) {
	t.Parallel()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "s.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	now := time.Date(2026, 3, 16, 12, 0, 0, 0, time.UTC)
	var asked []string
	status, body := http.StatusOK, string(calendarOf("DTSTART;VALUE=DATE:20260316"))
	var log strings.Builder
	book := engine.NewBook(rulesWithFeed(t, "ANA_FEED"))
	f := &Feeds{
		Store: store, Book: book, Wall: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&log, nil)), tried: map[string]time.Time{},
		Lookup: func(name string) (string, bool) { return "https://cal.example/s3cret.ics", name == "ANA_FEED" },
		Transport: webOf(func(r *http.Request) (int, string, string) {
			asked = append(asked, r.Header.Get("If-None-Match"))
			if status == http.StatusOK && r.Header.Get("If-None-Match") == `"1"` {
				return http.StatusNotModified, "", ""
			}
			return status, `"1"`, body
		}),
	}
	type kept struct {
		Away   int
		ReadAt time.Time
		Failed time.Time
		Error  string
	}
	look := func() (k kept) {
		if err := f.round(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := store.View(t.Context(), func(tx state.Tx) error {
			s := state.GetLeaveSource(tx, state.FeedName("ana@example.com"))
			k = kept{0, s.ReadAt, s.Failed, s.Error}
			for _, l := range state.LeaveOf(tx, "ana@example.com", now) {
				k.Away += len(l.Away)
			}
			return tx.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := now
	want := kept{1, first, time.Time{}, ""}
	check := func(what string, w kept, questions ...string) {
		t.Helper()
		if diff := cmp.Diff(w, look()); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
		if diff := cmp.Diff(questions, asked); diff != "" {
			t.Errorf("%s: asked %s", what, diff)
		}
	}
	check("first", want, "")
	now = now.Add(time.Minute)
	check("too soon", want, "")
	now = now.Add(15 * time.Minute)
	check("unchanged", want, "", `"1"`)
	status, now = http.StatusInternalServerError, now.Add(15*time.Minute)
	failed := now
	check("down", kept{1, first, failed, "it answers Internal Server Error"}, "", `"1"`, `"1"`)
	status, now = 0, now.Add(15*time.Minute)
	check("still down", kept{1, first, failed, "it cannot be reached: no route to host"}, "", `"1"`, `"1"`, `"1"`)
	status, body, now = http.StatusFound, "http://169.254.1.1/x", now.Add(15*time.Minute)
	check("moved", kept{1, first, failed, "it cannot be reached: it is moved to an address that may not be read"}, "", `"1"`, `"1"`, `"1"`, `"1"`)
	asked = nil
	status, body, now = http.StatusOK, "BEGIN:VCALENDAR"+strings.Repeat("x", feedLimit), first.Add(25*time.Hour)
	check("too large, asked in full after a day", kept{0, first, failed, "it is larger than 2 MB"}, "")
	body, now = string(calendarOf("DTSTART;VALUE=DATE:20260320", "DTSTART;VALUE=DATE:20260321")), now.Add(15*time.Minute)
	check("back", kept{2, now, time.Time{}, ""}, "", "")
	if strings.Contains(log.String(), "s3cret") || !strings.Contains(log.String(), "ana@example.com") {
		t.Errorf("the log: %s", log.String())
	}
	book.Swap(leaveFolder(t).Rules(t))
	check("nobody names it", kept{}, "", "")
}

// TestFeedFiles: a feed may be a file, and a variable may name a file that
// holds the address.
func TestFeedFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.ics"), calendarOf("DTSTART;VALUE=DATE:20260316"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "where"), []byte("file://"+dir+"/a.ics\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &Feeds{Lookup: func(name string) (string, bool) { return dir + "/where", name == "X_FILE" }}
	at, err := f.address("X")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.fetch(t.Context(), at, ""); err != nil || len(got.body) == 0 {
		t.Errorf("%v, %d bytes", err, len(got.body))
	}
	for _, bad := range []string{"http://cal.example/a.ics", "ftp://x/y", "file://" + dir + "/none.ics", "https://"} {
		if _, err := f.fetch(t.Context(), bad, ""); err == nil || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := f.address("Y"); err == nil {
		t.Error("a variable that is not set is no address")
	}
}

// absentee is a CRM that knows who is away.
type absentee struct {
	connectors.Connector
	away  []connectors.Absence
	err   error
	asked int
}

func (a *absentee) Absences(context.Context, time.Time, time.Time) ([]connectors.Absence, error) {
	a.asked++
	return a.away, a.err
}

// TestLeaveFromTheCRM (1.88): asked every quarter of an hour where a team
// believes it; refused, what it said last stays and is listed; who is back is
// taken out.
func TestLeaveFromTheCRM(t *testing.T) {
	t.Parallel()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "s.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	now := time.Date(2026, 3, 16, 12, 0, 0, 0, time.UTC)
	crm := &absentee{away: []connectors.Absence{
		{Who: "ana@example.com", From: now.Add(-time.Hour), Until: now.Add(time.Hour), Source: "out of office"},
		{Who: "ben@example.com", From: now, Until: now.Add(50 * time.Hour), Source: "out of office"},
	}}
	p := &Poller{
		Conn: "hubspot", Connector: crm, Store: store, Book: engine.NewBook(leaveFolder(t).Rules(t)),
		Wall: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Metrics: NewMetrics(nil),
	}
	look := func(asked int, want string) {
		t.Helper()
		if err := p.leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := map[string]any{}
		err := store.View(t.Context(), func(tx state.Tx) error {
			for _, who := range []string{"ana@example.com", "ben@example.com"} {
				for _, l := range state.LeaveOf(tx, who, now) {
					got[who] = len(l.Away)
				}
			}
			got["error"] = state.GetLeaveSource(tx, "hubspot").Error
			return tx.Err()
		})
		raw, _ := json.Marshal(got)
		if string(raw) != want || err != nil || crm.asked != asked {
			t.Errorf("%s, %v, asked %d times; want %s, %d", raw, err, crm.asked, want, asked)
		}
	}
	look(1, `{"ana@example.com":1,"ben@example.com":1,"error":""}`)
	look(1, `{"ana@example.com":1,"ben@example.com":1,"error":""}`)
	now, crm.err = now.Add(16*time.Minute), &connectors.Error{Class: connectors.Denied, Op: "read leave", Err: errors.New("scope crm.objects.users.read is missing")}
	look(2, `{"ana@example.com":1,"ben@example.com":1,"error":"read leave: denied: scope crm.objects.users.read is missing"}`)
	now, crm.err, crm.away = now.Add(16*time.Minute), nil, crm.away[1:]
	look(3, `{"ben@example.com":1,"error":""}`)
}
