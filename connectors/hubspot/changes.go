package hubspot

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/crmhttp"
	"golang.org/x/sync/errgroup"
)

const (
	pollsAtOnce = 4
	// maxQuery is how long the names of the properties may be in an address
	// before HubSpot answers 414; beyond it a listing brings ids only.
	maxQuery = 8000
)

// Changes implements connectors.Connector.
//
// The first time, a kind is listed whole, in order of id, which costs no
// search. Then windows of time are walked by search: everything changed
// since From, in order of id, each page starting after the last id of the one
// before. So ten thousand records with one timestamp are as good as any others,
// and the 10,000 results a search shows at most are never reached. A record that
// changes during the walk, by our own writes too, stays in the window: at its last
// page everything is read that had changed when it was opened, which is its Upper.
// What is made during the walk has higher ids, and a window of several pages ends
// with the highest there was (one search more), so that an import cannot keep it
// open. The next window begins one overlap before Upper, because the index is late.
func (c *Connector) Changes(ctx context.Context, polls []connectors.Poll) ([]connectors.Page, error) {
	pages := make([]connectors.Page, len(polls))
	about := c.subjects(polls)
	var g errgroup.Group
	g.SetLimit(pollsAtOnce)
	for i, poll := range polls {
		g.Go(func() error {
			page, err := c.page(ctx, poll, about)
			if err != nil {
				page = connectors.Page{Next: poll.From, Err: connectors.AsError("poll "+string(poll.Kind), err)}
			}
			page.Kind = poll.Kind
			pages[i] = page
			return nil
		})
	}
	return pages, g.Wait()
}

func (c *Connector) page(ctx context.Context, poll connectors.Poll, about []connectors.Kind) (connectors.Page, error) {
	if poll.Kind == connectors.Activity {
		return c.activities(ctx, poll, about)
	}
	info, ok := infoOf(poll.Kind)
	if !ok {
		return connectors.Page{}, unknownKind("poll", poll.Kind)
	}
	if poll.From.IsZero() || poll.From.Listing {
		return c.listing(ctx, poll, info)
	}
	return c.window(ctx, poll, info)
}

// listing is one page of the whole kind. Lists come in order of id, and the
// cursor "after" is the id to go on with. What changes while the list is walked
// is in the first window.
func (c *Connector) listing(ctx context.Context, poll connectors.Poll, info kindInfo) (connectors.Page, error) {
	from := poll.From
	from.Listing = true
	s, err := c.schemaOf(ctx, info)
	if err != nil {
		return connectors.Page{}, err
	}
	sel := choose(poll.Kind, info, s, poll.Fields)
	names := strings.Join(sel.names, ",")
	whole := len(names) <= maxQuery
	if !whole {
		names = info.modified
	}
	query := url.Values{"limit": {strconv.Itoa(pageSize(poll.Limit, batchSize))}, "properties": {names}, "archived": {"false"}}
	page := connectors.Page{More: true}
	if from.After != "" {
		query.Set("after", from.After)
	} else {
		page.Total = c.count(ctx, info)
	}
	var answer list
	resp, err := c.ask(ctx, "poll", "list "+info.path, http.MethodGet, c.objects(info, ""), query, nil, &answer)
	if err != nil {
		return connectors.Page{}, err
	}
	if from.From.IsZero() || from.From.After(resp.At) {
		from.From = resp.AsOf.Add(-c.overlap)
	}
	page.Changes = make([]connectors.Change, 0, len(answer.Results))
	for i := range answer.Results {
		r := &answer.Results[i]
		change := c.polledRow(poll.Kind, info, r)
		if whole {
			o := c.object(sel, r)
			change.Object = &o
		}
		page.Changes = append(page.Changes, change)
	}
	page.Next = from
	after := string(answer.Paging.Next.After)
	switch after {
	case "":
		page.Next = connectors.Cursor{From: from.From}
	case from.After:
		return connectors.Page{}, errStuck("list " + info.path)
	default:
		page.Next.After = after
	}
	return page, nil
}

// count is how many records of a kind there are, for a progress display: one
// search of one row. 0 if it cannot be had.
func (c *Connector) count(ctx context.Context, info kindInfo) int {
	var answer list
	if _, err := c.search(ctx, info, searchRequest{Properties: []string{info.modified}, Limit: 1}, &answer); err != nil {
		return 0 // only the display suffers
	}
	return answer.Total
}

// maxSearch is how many characters the body of a search may have (CRM search,
// limits).
const maxSearch = 3000

// searchRequest is the body of a search. One that asks for more properties
// than fit asks for ids only.
type searchRequest struct {
	FilterGroups []filterGroup `json:"filterGroups,omitempty"`
	Sorts        []sorting     `json:"sorts,omitempty"`
	Properties   []string      `json:"properties"`
	Limit        int           `json:"limit"`
}

type filterGroup struct {
	Filters []filter `json:"filters"`
}

type filter struct {
	PropertyName string `json:"propertyName"`
	Operator     string `json:"operator"`
	Value        string `json:"value"`
}

type sorting struct {
	PropertyName string `json:"propertyName"`
	Direction    string `json:"direction"`
}

func (c *Connector) search(ctx context.Context, info kindInfo, body searchRequest, out *list) (*crmhttp.Response, error) {
	op := "poll " + info.path
	resp, err := c.http.Do(ctx, crmhttp.Call{
		Purpose: "poll", Op: op, Method: http.MethodPost, Path: c.objects(info, "/search"), Body: body,
		Budget: []string{budgetSearch}, Replayable: true, // search is outside the ten-second limit
	})
	if err != nil {
		return nil, err
	}
	return resp, decode(op, connectors.Unavailable, resp, out)
}

// window is one page of what changed.
func (c *Connector) window(ctx context.Context, poll connectors.Poll, info kindInfo) (connectors.Page, error) {
	from := poll.From
	if from.Upper.IsZero() {
		from.After, from.Until = "", ""
	}
	sel, whole := c.wholeRows(poll, info)
	w, err := c.searchWindow(ctx, info, &from, from.After, pageSize(poll.Limit, searchSize), sel.names)
	if err != nil {
		return connectors.Page{}, err
	}
	page := connectors.Page{Changes: make([]connectors.Change, 0, len(w.rows)), Next: from, More: w.more, Indexed: whole}
	for i := range w.rows {
		change := c.polledRow(poll.Kind, info, &w.rows[i])
		if whole {
			o := c.object(sel, &w.rows[i])
			change.Object = &o
		}
		page.Changes = append(page.Changes, change)
	}
	if w.more {
		page.Next.After, page.Next.Until = w.last, w.until
	} else {
		page.Next = connectors.Cursor{From: c.nextFrom(from, w)}
	}
	return page, nil
}

// wholeRows is what a search asks for so that its rows are the records
// themselves, which then need not be read. Where that is more than fits into a
// search, where what belongs to the record is not on its row, and while the
// schema is not known, it is the time of the last change only: reading the
// record renews the schema.
func (c *Connector) wholeRows(poll connectors.Poll, info kindInfo) (sel selection, whole bool) {
	hint := selection{kind: poll.Kind, info: info, names: []string{info.modified}}
	s := c.knownSchema(info)
	if s == nil || len(poll.Fields) == 0 || info.path == string(leads) || c.committees(poll.Kind, poll.Fields) {
		return hint, false
	}
	sel = choose(poll.Kind, info, s, poll.Fields)
	highest := strings.Repeat("9", 19)
	longest := windowSearch(info, connectors.Cursor{From: farthest, Until: highest}, highest, searchSize, sel.names)
	if body, err := json.Marshal(longest); err != nil || len(body) > maxSearch {
		return hint, false
	}
	return sel, true
}

// farthest has as many digits in milliseconds as any instant we shall see.
var farthest = time.UnixMilli(9999999999999)

// walked is one page of a window.
type walked struct {
	rows  []row
	last  string // the highest id in it
	until string // the highest id of the window; blank: it has one page
	more  bool
	asOf  time.Time // by HubSpot's clock; see crmhttp.Response
}

// searchWindow is one page of what changed in a window, in order of id, after
// the last id of the page before. The first page opens the window. One that begins
// in the future, by HubSpot's clock, was damaged or kept by a wrong clock: it
// begins an overlap before now (P6).
func (c *Connector) searchWindow(ctx context.Context, info kindInfo, in *connectors.Cursor, after string, size int, properties []string) (walked, error) {
	var answer list
	resp, err := c.search(ctx, info, windowSearch(info, *in, after, size, properties), &answer)
	if err == nil && in.From.After(resp.At) {
		*in, after, answer = connectors.Cursor{From: resp.AsOf.Add(-c.overlap)}, "", list{}
		resp, err = c.search(ctx, info, windowSearch(info, *in, after, size, properties), &answer)
	}
	if err != nil {
		return walked{}, err
	}
	if in.Upper.IsZero() {
		in.Upper = resp.AsOf
	}
	w := walked{rows: answer.Results, last: after, until: in.Until, asOf: resp.AsOf}
	for i := range answer.Results {
		if id := string(answer.Results[i].ID); numericLess(w.last, id) {
			w.last = id
		}
	}
	w.more = answer.Paging.Next.After != "" || answer.Total > len(answer.Results) && len(answer.Results) >= size
	if w.more && w.last == after {
		return walked{}, errStuck("poll " + info.path)
	}
	if w.more && w.until == "" {
		last := windowSearch(info, *in, "", 1, []string{info.modified})
		last.Sorts[0].Direction = "DESCENDING"
		var found list
		if _, err := c.search(ctx, info, last, &found); err != nil {
			return walked{}, err
		}
		if len(found.Results) > 0 {
			w.until = string(found.Results[0].ID)
		}
	}
	return w, nil
}

func windowSearch(info kindInfo, in connectors.Cursor, after string, size int, properties []string) searchRequest {
	filters := []filter{{info.modified, "GTE", strconv.FormatInt(in.From.UnixMilli(), 10)}}
	if after != "" {
		filters = append(filters, filter{"hs_object_id", "GT", after})
	}
	if in.Until != "" {
		filters = append(filters, filter{"hs_object_id", "LTE", in.Until})
	}
	return searchRequest{
		FilterGroups: []filterGroup{{filters}},
		Sorts:        []sorting{{"hs_object_id", "ASCENDING"}},
		Properties:   properties,
		Limit:        size,
	}
}

// nextFrom is where the window after this one begins. It never goes back
// behind this one's own beginning.
func (c *Connector) nextFrom(done connectors.Cursor, last walked) time.Time {
	upper := done.Upper
	if upper.After(last.asOf) { // damaged (P6)
		upper = last.asOf
	}
	if next := upper.Add(-c.overlap); next.After(done.From) {
		return next
	}
	return done.From
}

func (c *Connector) polledRow(kind connectors.Kind, info kindInfo, r *row) connectors.Change {
	at := r.modified(info)
	return connectors.Change{
		Ref: c.ref(kind, string(r.ID)), At: at,
		EventID: "poll:" + c.name + ":" + string(kind) + ":" + string(r.ID) + ":" + versionOf(at),
	}
}

func errStuck(op string) error {
	return &connectors.Error{Class: connectors.Unavailable, Op: op, Err: errors.New("the pages do not advance")}
}

func pageSize(wanted, most int) int {
	if wanted <= 0 || wanted > most {
		return most
	}
	return wanted
}

// numericLess compares ids as the numbers they are.
func numericLess(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}
