package salesforce

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

const opPoll = "poll"

// poll is one kind's next page under way.
type poll struct {
	connectors.Poll
	sel   selection
	stmt  statement
	bare  bool  // the rows carry no fields: hints only
	count bool  // the page also asks how many there are in all
	legs  []leg // of a poll of activities, in place of the statement
}

// Changes reads the next page of every kind, up to five kinds a call.
//
// A listing goes by id. Following goes by (stamp, id) from the window's start,
// so equal stamps are neither skipped nor stuck on. No page is fetched by a
// server-side cursor: each is a query of its own from the last key taken, and
// so survives a restart.
func (o *org) Changes(ctx context.Context, polls []connectors.Poll) ([]connectors.Page, error) {
	pages := make([]connectors.Page, len(polls))
	todo := make([]int, 0, len(polls))
	for i, p := range polls {
		pages[i] = connectors.Page{Kind: p.Kind, Next: p.From}
		todo = append(todo, i)
	}
	again, err := o.pollOnce(ctx, polls, todo, pages)
	if err != nil {
		return nil, err
	}
	// A column was gone; once more without it, and without the next one.
	for n := 0; len(again) > 0 && n < mostLessons; n++ {
		tried := again
		if again, err = o.pollOnce(ctx, polls, tried, pages); err != nil {
			for _, i := range tried {
				pages[i].Err = err
			}
			return pages, nil
		}
	}
	return pages, nil
}

// pollOnce fills the pages named by todo and returns those worth a second try.
// Its error means that nothing was read.
func (o *org) pollOnce(ctx context.Context, polls []connectors.Poll, todo []int, pages []connectors.Page) (again []int, err *connectors.Error) {
	ready := make(map[int]poll, len(todo))
	var order []int
	var asks []ask
	for _, i := range todo {
		p, err := o.preparePoll(ctx, polls[i])
		if err != nil {
			if stopsAll(err) {
				return nil, err
			}
			pages[i].Err = err
			continue
		}
		ready[i] = p
		order = append(order, i)
		asks = append(asks, p.asks(i)...)
	}
	got, err := o.sendPolls(ctx, asks, ready)
	if err != nil {
		return nil, err
	}
	for _, i := range order {
		page, stale, perr := o.answered(ctx, i, ready[i], got)
		if perr != nil {
			pages[i].Err = o.scrub(perr)
			if stale != nil && o.relearn(ctx, stale, perr) {
				again = append(again, i)
			}
			continue
		}
		pages[i] = page
	}
	return again, nil
}

// ask is one query of a poll: the i-th, or one of its legs.
type ask struct {
	poll, leg int
	stmt      statement
}

func (k ask) reference() string { return reference("p", k.poll) + reference("x", k.leg) }

// asks are the queries of a poll.
func (p poll) asks(i int) []ask {
	if p.legs == nil {
		return []ask{{poll: i, stmt: p.stmt}}
	}
	var out []ask
	for n, l := range p.legs {
		if l.asked {
			out = append(out, ask{i, n, l.stmt})
		}
	}
	return out
}

// answered makes the i-th poll's page. With an error comes the schema that the
// query was made by, where a query failed.
func (o *org) answered(ctx context.Context, i int, p poll, got map[string]answered) (connectors.Page, *schema, *connectors.Error) {
	op := opPoll + " " + string(p.Kind)
	read := func(leg int, s *schema) (rows, answers, *schema, *connectors.Error) {
		g := got[ask{poll: i, leg: leg}.reference()]
		if g.err != nil {
			return rows{}, g.answers, nil, g.err
		}
		part, present := g.parts[ask{poll: i, leg: leg}.reference()]
		found, err := decodeRows(op, part, present)
		return found, g.answers, s, err
	}
	if p.legs == nil {
		found, a, s, err := read(0, p.sel.schema)
		if err != nil {
			return connectors.Page{}, s, err
		}
		page := o.page(p, found, a)
		if p.From.Listing {
			page.Total = o.total(p.Kind, a, reference("n", i))
		}
		return page, nil, nil
	}
	var found []legRows
	var first answers
	for n, l := range p.legs {
		if !l.asked {
			found = append(found, legRows{leg: l})
			continue
		}
		rows, a, s, err := read(n, l.sel.schema)
		if err != nil && l.name == emailObject && codeOf(err) == codeInvalidType { // e-mails were switched off
			o.schemas.forget(s)
			continue
		}
		if err != nil {
			if tasks := o.schemas.get(taskObject); l.name == emailObject && tasks != nil {
				o.schemas.forget(tasks) // its columns are read through the task
			}
			return connectors.Page{}, s, err
		}
		if first.parts == nil {
			first = a
		}
		found = append(found, legRows{l, rows})
	}
	page, err := o.activityPage(ctx, p, found, first)
	return page, nil, err
}

// stopsAll reports whether an error speaks of the connection, not of a kind.
func stopsAll(err *connectors.Error) bool {
	return err.Class == connectors.Throttled || err.Class == connectors.Unavailable || err.Class == connectors.AuthBroken
}

// answered is the composite that a query travelled in.
type answered struct {
	answers
	err *connectors.Error
}

// sendPolls sends the queries, five a call, and counts where there is room. Its
// error is that of the first call: then nothing was read.
func (o *org) sendPolls(ctx context.Context, asks []ask, ready map[int]poll) (map[string]answered, *connectors.Error) {
	got := make(map[string]answered, len(asks))
	for n, chunk := range slices.Collect(slices.Chunk(asks, heavyPer)) {
		c := composite{purpose: purposePoll, op: opPoll}
		for _, k := range chunk {
			c.subs = append(c.subs, subrequest{Method: http.MethodGet, URL: o.queryURL(k.stmt, true), Reference: k.reference()})
		}
		for _, k := range chunk {
			if !ready[k.poll].count || len(c.subs) == heavyPer {
				continue
			}
			count := statement{columns: []string{"COUNT()"}, object: k.stmt.object, where: ready[k.poll].sel.live()}
			c.subs = append(c.subs, subrequest{Method: http.MethodGet, URL: o.queryURL(count, true), Reference: reference("n", k.poll)})
		}
		a, err := o.send(ctx, c)
		if err != nil && n == 0 {
			return nil, err
		}
		for _, k := range chunk {
			got[k.reference()] = answered{a, err}
		}
	}
	return got, nil
}

// total is how many there are to list: as just counted, or as counted on an
// earlier page since the start.
func (o *org) total(kind connectors.Kind, a answers, name string) int {
	if part, present := a.parts[name]; present {
		if found, err := decodeRows(opPoll, part, true); err == nil {
			o.totals.Store(kind, found.Total)
		}
	}
	n, _ := o.totals.Load(kind)
	total, _ := n.(int)
	return total
}

// live is the condition that leaves out deleted rows.
func (sel selection) live() string {
	if sel.schema.has("IsDeleted") {
		return both(sel.companies(), "IsDeleted = false")
	}
	return sel.companies()
}

func (o *org) preparePoll(ctx context.Context, p connectors.Poll) (poll, *connectors.Error) {
	if p.Limit <= 0 || p.Limit > perPage {
		p.Limit = perPage
	}
	if p.From.IsZero() {
		p.From = connectors.Cursor{Listing: true}
	}
	if now := time.Now().UTC(); p.From.From.After(now) { // damaged, or from another clock
		p.From = connectors.Cursor{Listing: p.From.Listing, From: now.Add(-o.overlap)}
	}
	if p.Kind == connectors.Activity {
		legs, err := o.legs(ctx, p)
		return poll{Poll: p, legs: legs}, err
	}
	s, err := o.shown(ctx, objectOf(p.Kind), pollSchemaLife)
	if err != nil {
		return poll{}, err
	}
	stamp := s.stampColumn()
	if stamp == "" {
		return poll{}, &connectors.Error{Class: connectors.Schema, Op: opPoll + " " + string(p.Kind), Fields: []string{"SystemModstamp"}}
	}
	if err := o.meetRosters(ctx, s, p.Fields, pollSchemaLife); err != nil {
		return poll{}, err
	}
	out := poll{Poll: p, sel: o.choose(p.Kind, s, p.Fields)}
	out.stmt = statement{object: s.object, limit: p.Limit}
	if p.From.Listing {
		_, counted := o.totals.Load(p.Kind)
		out.count = !counted || p.From.After == ""
		out.stmt.where, out.stmt.order = listWhere(out.sel, p.From.After), "Id"
	} else {
		out.stmt.where, out.stmt.order = both(followWhere(stamp, p.From), out.sel.companies()), stamp+",Id"
	}
	out.stmt.columns = out.sel.names
	if len(o.queryURL(out.stmt, true)) > maxURL {
		out.bare = true
		out.sel = out.sel.bare(o)
		out.stmt.columns = out.sel.names
	}
	return out, nil
}

func listWhere(sel selection, after string) string {
	where := sel.live()
	if id, ok := normalizeID(after); ok {
		if where != "" {
			where += " AND "
		}
		where += "Id > " + literal(id)
	}
	return where
}

// followWhere takes up after the last key, or starts the window.
func followWhere(stamp string, c connectors.Cursor) string {
	at, id, ok := splitKey(c.After)
	if !ok {
		return stamp + " >= " + instant(c.From)
	}
	return "(" + stamp + " = " + instant(at) + " AND Id > " + literal(id) + ") OR " + stamp + " > " + instant(at)
}

func joinKey(version, id string) string { return version + "|" + id }

func splitKey(key string) (at time.Time, id string, ok bool) {
	stamp, id, found := strings.Cut(key, "|")
	if !found {
		return time.Time{}, "", false
	}
	at, okStamp := parseStamp(stamp)
	id, okID := normalizeID(id)
	return at, id, okStamp && okID
}

// page makes the contract's page of an answer.
func (o *org) page(p poll, found rows, a answers) connectors.Page {
	out := connectors.Page{Kind: p.Kind, Changes: make([]connectors.Change, 0, len(found.Records))}
	last := ""
	for _, row := range found.Records {
		obj := p.sel.object(row)
		last = obj.Ref.ID
		if !p.From.Listing {
			last = joinKey(obj.Version, obj.Ref.ID)
		}
		change := connectors.Change{Ref: obj.Ref, EventID: eventID(obj, row), At: obj.ModifiedAt}
		if !p.bare {
			change.Object = &obj
		}
		out.Changes = append(out.Changes, change)
	}
	if p.From.Listing && p.From.After == "" {
		p.From.From = a.asOf.Add(-o.overlap)
	}
	more := last != "" && (!found.Done || len(found.Records) >= p.Limit)
	switch {
	case p.From.Listing && more:
		out.Next, out.More = p.From, true
		out.Next.After = last
	case p.From.Listing:
		out.Next, out.More = connectors.Cursor{From: p.From.From}, true
	default:
		out.Next, out.More = o.follow(p.From, more, last, a), more
	}
	return out
}

// eventID tells one state of a record from the next. The stamp alone cannot:
// it counts seconds, and a record may change twice in one.
func eventID(obj connectors.Object, row map[string]any) string {
	h := fnv.New64a()
	if content, err := json.Marshal(row); err == nil {
		_, _ = h.Write(content) // a hash never fails
	}
	return obj.Ref.String() + "@" + obj.Version + "#" + strconv.FormatUint(h.Sum64(), 36)
}

// follow is the cursor after a page of changes. The window's end is when its
// first page was read, by the server's clock where it tells the time: ours may
// be wrong. Rows stamped earlier than that can still become visible, so the
// next window starts an overlap before it.
func (o *org) follow(from connectors.Cursor, more bool, last string, a answers) connectors.Cursor {
	upper := from.Upper
	if upper.IsZero() {
		upper = a.asOf
	}
	if more {
		return connectors.Cursor{From: from.From, Upper: upper, After: last}
	}
	next := upper.Add(-o.overlap)
	if next.Before(from.From) && !from.From.After(upper) {
		next = from.From
	}
	return connectors.Cursor{From: next}
}
