package hubspot

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// elsewhen is a portal with one contact, one task and a clock that is not ours. Its
// searches have two pages for as long as more says so.
type elsewhen struct {
	off  time.Duration // of its clock from ours
	more bool
	from []time.Time // where the searches began
}

func (e *elsewhen) now() time.Time { return time.Now().Add(e.off).UTC() }

func (e *elsewhen) RoundTrip(r *http.Request) (*http.Response, error) {
	body := `{"results":[]}`
	if strings.HasPrefix(r.URL.Path, "/crm/properties/") {
		body = `{"results":[{"name":"lastmodifieddate","type":"datetime"}]}`
	}
	if strings.HasSuffix(r.URL.Path, "/search") {
		var in searchRequest
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			return nil, err
		}
		if len(in.FilterGroups) == 0 { // how many there are
			return e.answer(`{"total":1,"results":[]}`, r), nil
		}
		filters := in.FilterGroups[0].Filters
		ms, err := strconv.ParseInt(filters[0].Value, 10, 64)
		if err != nil {
			return nil, err
		}
		id, next := 1, ""
		if len(filters) == 1 {
			e.from = append(e.from, time.UnixMilli(ms).UTC())
		} else {
			id = 2
		}
		if e.more && id == 1 {
			next = `,"paging":{"next":{"after":"1"}}`
		}
		body = fmt.Sprintf(`{"total":2,"results":[{"id":"%d","properties":{"lastmodifieddate":%q}}]%s}`, id, e.now().Format(time.RFC3339), next)
	}
	return e.answer(body, r), nil
}

func (e *elsewhen) answer(body string, r *http.Request) *http.Response {
	header := http.Header{"Content-Type": {"application/json"}, "Date": {e.now().Format(http.TimeFormat)}}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// TestTheirClockCounts: how far a portal has been read is told by its own clock. A clock
// of ours that is fast by an hour skips nothing, and one that is slow is not kept from
// going on (L8, P6).
func TestTheirClockCounts(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{0, -time.Hour, time.Hour, -365 * 24 * time.Hour, 365 * 24 * time.Hour} {
		for _, kind := range []connectors.Kind{"contacts", connectors.Activity} {
			t.Run(fmt.Sprint(kind, " ", off), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { theirClock(t, kind, &elsewhen{off: off}) })
			})
		}
	}
}

func theirClock(t *testing.T, kind connectors.Kind, portal *elsewhen) {
	t.Helper()
	c := testConnector(t, connectors.Settings{Transport: portal})
	poll := func(from connectors.Cursor) connectors.Page {
		t.Helper()
		time.Sleep(time.Minute)
		portal.from = nil
		pages, err := c.Changes(t.Context(), []connectors.Poll{{Kind: kind, From: from}})
		if err != nil || pages[0].Err != nil {
			t.Fatal(err, pages[0].Err)
		}
		return pages[0]
	}
	// begins holds that the next window begins an overlap before their now.
	begins := func(what string, next connectors.Cursor) {
		t.Helper()
		if late := portal.now().Add(-defaultOverlap).Sub(next.From); late < 0 || late > 3*time.Second || next != (connectors.Cursor{From: next.From}) {
			t.Errorf("%s: the next window begins at %s and it is %s there: %+v", what, next.From, portal.now(), next)
		}
	}
	next := poll(connectors.Cursor{}).Next
	if kind != connectors.Activity { // which begin now, and by our clock: nobody's handoff is older
		begins("listed", next)
	}
	next = poll(next).Next
	next = poll(next).Next
	begins("followed", next)
	if got := poll(next); len(portal.from) == 0 || !portal.from[0].Equal(next.From.Truncate(time.Millisecond)) || len(got.Changes) == 0 {
		t.Errorf("searched from %v, want %v", portal.from, next.From)
	}
	portal.more = true
	first := poll(next)
	if !first.More || first.Next.After == "" || portal.now().Sub(first.Next.Upper) > 3*time.Second {
		t.Fatalf("a page with another behind it: %+v", first.Next)
	}
	portal.more = false
	if second := poll(first.Next); len(portal.from) > 1 || second.Next.From.Before(first.Next.Upper.Add(-defaultOverlap)) {
		t.Errorf("the window was begun anew: %v, %+v", portal.from, second.Next)
	}
	ahead := portal.now().Add(2 * time.Minute)
	begins("from the future", poll(connectors.Cursor{From: ahead}).Next)
	if at := portal.from[0]; !at.Equal(ahead.Truncate(time.Millisecond)) || len(portal.from) < 2 || portal.now().Add(-defaultOverlap).Sub(portal.from[1]) > 3*time.Second {
		t.Errorf("of a window from the future it was searched from %v", portal.from)
	}
	late := portal.now().Add(-time.Hour)
	begins("opened in the future", poll(connectors.Cursor{From: late, Upper: portal.now().Add(24 * time.Hour), After: "tasks-1"}).Next)
}
