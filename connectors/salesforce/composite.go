package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/crmhttp"
)

const (
	// A composite holds at most 25 subrequests, five of them queries or
	// collections, and counts as one call.
	perComposite = 25
	heavyPer     = 5
)

// subrequest is one part of a composite. Headers other than Accept,
// Authorization and Content-Type are not inherited from the outer request.
type subrequest struct {
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Reference string            `json:"referenceId"`
	Headers   map[string]string `json:"httpHeaders,omitempty"`
	Body      any               `json:"body,omitempty"`
}

type subresponse struct {
	Body      json.RawMessage `json:"body"`
	Status    int             `json:"httpStatusCode"`
	Reference string          `json:"referenceId"`
}

func (r subresponse) ok() bool { return r.Status >= 200 && r.Status < 300 }

func (r subresponse) err(op string) *connectors.Error { return classify(op, r.Status, r.Body) }

// composite is a call with several parts. Atomic: all of it happens or none.
type composite struct {
	purpose, op string
	atomic      bool
	write       bool
	subs        []subrequest
	notAfter    time.Time // zero: it may leave at any time
}

// answers are the parts of an answer by reference id. A part that is missing
// was not answered.
type answers struct {
	parts map[string]subresponse
	asOf  time.Time // see crmhttp.Response
}

// writeHeaders keep assignment rules from overwriting the owner we set, and
// mark the change as ours in the org's change events.
func writeHeaders() map[string]string {
	return map[string]string{"Sforce-Auto-Assign": "FALSE", "Sforce-Call-Options": "client=" + clientName}
}

// send sends a composite. A session may end between two parts of it; then
// what only reads is sent again under a new one, once (C4). Writes find out
// for themselves which of them were applied.
func (o *org) send(ctx context.Context, c composite) (answers, *connectors.Error) {
	session := o.tokens.latest.Load()
	a, err := o.sendOnce(ctx, c)
	if err != nil || c.write {
		return a, err
	}
	for _, part := range a.parts {
		if part.Status == http.StatusUnauthorized {
			o.tokens.end(session)
			return o.sendOnce(ctx, c)
		}
	}
	return a, nil
}

func (o *org) sendOnce(ctx context.Context, c composite) (answers, *connectors.Error) {
	header := http.Header{}
	if c.write {
		for name, value := range writeHeaders() {
			header.Set(name, value)
		}
	}
	// Uncollated: the default may run the parts in another order.
	body := struct {
		AllOrNone bool         `json:"allOrNone"`
		Collate   bool         `json:"collateSubrequests"`
		Requests  []subrequest `json:"compositeRequest"`
	}{c.atomic, false, c.subs}
	resp, err := o.do(ctx, crmhttp.Call{
		Purpose: c.purpose, Op: c.op, Method: http.MethodPost, Path: o.data + "/composite",
		Header: header, Body: body, Replayable: !c.write, NotAfter: c.notAfter, Urgent: urgentPurpose(c.purpose),
	})
	if err != nil {
		return answers{}, connectors.AsError(c.op, err)
	}
	var out struct {
		Parts []subresponse `json:"compositeResponse"`
	}
	if err := json.Unmarshal(resp.Body, &out); err != nil || out.Parts == nil {
		class := connectors.Unavailable
		if c.write {
			class = connectors.Ambiguous
		}
		return answers{}, &connectors.Error{Class: class, Op: c.op, Status: resp.Status, Err: errors.New("the answer is not a composite's")}
	}
	a := answers{parts: make(map[string]subresponse, len(out.Parts)), asOf: resp.AsOf}
	for _, part := range out.Parts {
		a.parts[part.Reference] = part
	}
	return a, nil
}

// reference names the i-th part of a composite.
func reference(prefix string, i int) string { return prefix + strconv.Itoa(i) }

// queryURL is the address of a query; all: deleted and archived rows too.
func (o *org) queryURL(s statement, all bool) string {
	resource := "/query"
	if all {
		resource = "/queryAll"
	}
	return o.data + resource + "?q=" + url.QueryEscape(s.String())
}

// rows is a query's answer.
type rows struct {
	Total   int              `json:"totalSize"`
	Done    bool             `json:"done"`
	Next    string           `json:"nextRecordsUrl"`
	Records []map[string]any `json:"records"`
}

func decodeRows(op string, r subresponse, present bool) (rows, *connectors.Error) {
	if !present {
		return rows{}, &connectors.Error{Class: connectors.Unavailable, Op: op, Err: errors.New("a part of the composite was not answered")}
	}
	if !r.ok() {
		return rows{}, r.err(op)
	}
	var out rows
	if err := json.Unmarshal(r.Body, &out); err != nil || out.Records == nil {
		return rows{}, &connectors.Error{Class: connectors.Unavailable, Op: op, Status: r.Status, Err: errors.New("the answer is not a query's")}
	}
	return out, nil
}

// query is one statement of [org.queries].
type query struct {
	statement
	deleted bool // deleted and archived rows too
}

// queries runs statements, five a call, and returns each one's rows, all pages
// of them. An error of a single statement comes back in errs at its place.
func (o *org) queries(ctx context.Context, purpose, op string, qs []query) (found [][]map[string]any, errs []*connectors.Error, err *connectors.Error) {
	found, errs = make([][]map[string]any, len(qs)), make([]*connectors.Error, len(qs))
	start := 0
	for chunk := range slices.Chunk(qs, heavyPer) {
		c := composite{purpose: purpose, op: op}
		for i, q := range chunk {
			c.subs = append(c.subs, subrequest{Method: http.MethodGet, URL: o.queryURL(q.statement, q.deleted), Reference: reference("q", i)})
		}
		a, cerr := o.send(ctx, c)
		if cerr != nil {
			return nil, nil, cerr
		}
		for i := range chunk {
			part, present := a.parts[reference("q", i)]
			page, perr := decodeRows(op, part, present)
			if perr == nil {
				page.Records, perr = o.rest(ctx, purpose, op, page)
			}
			found[start+i], errs[start+i] = page.Records, perr
		}
		start += len(chunk)
	}
	return found, errs, nil
}

// rest adds the further pages of a query to its first.
func (o *org) rest(ctx context.Context, purpose, op string, page rows) ([]map[string]any, *connectors.Error) {
	records := page.Records
	for !page.Done {
		if page.Next == "" {
			return nil, &connectors.Error{Class: connectors.Unavailable, Op: op, Err: errors.New("a query is not done and names no next page")}
		}
		resp, err := o.get(ctx, purpose, op, page.Next, nil)
		if err != nil {
			return nil, connectors.AsError(op, err)
		}
		next, cerr := decodeRows(op, subresponse{Body: resp.Body, Status: resp.Status}, true)
		if cerr != nil {
			return nil, cerr
		}
		records, page = append(records, next.Records...), next
	}
	return records, nil
}
