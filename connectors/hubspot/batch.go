package hubspot

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// batchWrite is the body of batch/update and batch/create. Without a trace id
// on every input, one bad row of a create fails the whole call
// (error-handling, multi-status errors).
type batchWrite struct {
	Inputs []writeInput `json:"inputs"`
}

type writeInput struct {
	ID           string            `json:"id,omitempty"`
	Properties   map[string]string `json:"properties"`
	TraceID      string            `json:"objectWriteTraceId"`
	Associations []association     `json:"associations,omitempty"`
}

type association struct {
	To    input             `json:"to"`
	Types []associationType `json:"types"`
}

type associationType struct {
	Category string `json:"associationCategory"`
	ID       int    `json:"associationTypeId"`
}

// linkTypes are the ids of the associations from one kind to another; the
// direction matters. The second is the "primary" label, for the first link of
// that kind (associate records guide).
func linkTypes(from, to string) (plain, primary int) {
	switch from + ">" + to {
	case "tasks>contacts":
		return 204, 0
	case "tasks>companies":
		return 192, 0
	case "tasks>deals":
		return 216, 0
	case "contacts>companies":
		return 279, 1
	case "contacts>deals":
		return 4, 0
	case "companies>contacts":
		return 280, 0
	case "companies>deals":
		return 342, 0
	case "deals>contacts":
		return 3, 0
	case "deals>companies":
		return 341, 5
	case "tasks>leads":
		return 647, 0
	case "leads>contacts":
		return 608, 578
	case "leads>companies":
		return 610, 580
	case "leads>deals":
		return 1037, 0
	case "contacts>leads":
		return 609, 0
	case "companies>leads":
		return 611, 0
	}
	return 0, 0
}

// link makes the inline associations of a new record. A link of a sort HubSpot
// does not have is left out and named in the result.
func (p *pending) link(links []connectors.Ref) {
	seen := make(map[connectors.Ref]bool)
	primaryGiven := false
	for _, link := range links {
		info, _ := infoOf(link.Kind)
		plain, primary := linkTypes(p.info.path, info.path)
		if plain == 0 || link.ID == "" {
			p.result.Skipped = append(p.result.Skipped, "link:"+string(link.Kind))
			continue
		}
		if seen[link] {
			continue
		}
		seen[link] = true
		a := association{To: input{link.ID}, Types: []associationType{{"HUBSPOT_DEFINED", plain}}}
		if primary != 0 && !primaryGiven {
			a.Types = append(a.Types, associationType{"HUBSPOT_DEFINED", primary})
			primaryGiven = true
		}
		p.associations, p.linked = append(p.associations, a), append(p.linked, link.Kind)
	}
}

// create sends one batch/create.
func (c *Connector) create(ctx context.Context, group []*pending) {
	op := "create " + group[0].info.path
	body := batchWrite{Inputs: make([]writeInput, len(group))}
	for i, p := range group {
		body.Inputs[i] = writeInput{Properties: p.props, TraceID: p.trace, Associations: p.associations}
	}
	var answer batch
	if err := c.write(ctx, op, c.objects(group[0].info, "/batch/create"), group, body, &answer); err != nil {
		c.wholeFailed(ctx, group, connectors.AsError(op, err), c.create)
		return
	}
	open := c.rowsDone(group, answer.Results, (*pending).made)
	open, nameless := c.rowsFailed(group, open, answer.Errors, op)
	for _, p := range open {
		if nameless != nil && len(group) == 1 {
			p.fail(c, c.rowError(nameless, op, true))
			continue
		}
		// Which of several creates failed cannot be told: all of them are ambiguous.
		p.fail(c, &connectors.Error{Class: connectors.Ambiguous, Op: op, Status: http.StatusMultiStatus, Err: errors.New("the answer does not mention this record")})
	}
	c.adoptOwn(ctx, group)
}

// made reports whether a row of the answer is the record of this write: by
// trace id, by key, or, when HubSpot echoes neither, by the marker.
func (p *pending) made(r *row) bool {
	switch {
	case r.ID == "":
		return false
	case r.TraceID != "":
		return r.TraceID == p.trace
	case p.write.Key == "":
		return false
	case p.keyed:
		return r.Properties[keyProperty] == p.write.Key
	case p.info.path == string(tasks):
		return markedKey(r.Properties[bodyProperty]) == p.write.Key
	}
	email := p.props["email"]
	return email != "" && r.Properties["email"] == email
}

// rowsDone hands the rows of an answer to their writes, and returns the writes
// that have none. Two rows for one write that speak of two records confirm
// neither.
func (c *Connector) rowsDone(group []*pending, rows []row, is func(*pending, *row) bool) (open []*pending) {
	for _, p := range group {
		var mine *row
		several := false
		for i := range rows {
			if r := &rows[i]; is(p, r) {
				several = several || mine != nil && mine.ID != r.ID
				mine = r
			}
		}
		if mine == nil || several {
			open = append(open, p)
			continue
		}
		p.done(c, mine)
	}
	return open
}

// rowsFailed hands the errors of a 207 to their writes, by trace id or record
// id, and returns the writes that no error names, with an error that names no
// row. A write that has both a row and an error is not confirmed.
func (c *Connector) rowsFailed(group, open []*pending, rowErrors []problem, op string) (rest []*pending, nameless *problem) {
	for i := range rowErrors {
		e := &rowErrors[i]
		traces, ids := e.rows()
		if len(traces)+len(ids) == 0 {
			nameless = e
			continue
		}
		named := func(p *pending) bool {
			creates := p.write.Creates()
			return slices.Contains(traces, p.trace) || !creates && len(traces) == 0 && slices.Contains(ids, p.write.Ref.ID)
		}
		for _, p := range group {
			if !named(p) {
				continue
			}
			cerr := c.rowError(e, op, p.write.Creates())
			if !slices.Contains(open, p) && p.result.Err == nil { // a row says the opposite
				cerr.Class, cerr.Existing = unconfirmed(p), connectors.Ref{}
			}
			p.fail(c, cerr)
		}
		open = slices.DeleteFunc(open, named)
	}
	return open, nameless
}

// unconfirmed is the class of a write about which an answer contradicts
// itself: a set may be sent again, a create has to be looked for.
func unconfirmed(p *pending) connectors.Class {
	if p.write.Creates() {
		return connectors.Ambiguous
	}
	return connectors.Unavailable
}

// rows are the trace ids and record ids that an error names. Where it has trace
// ids an id beside them may be another record's: the one that is in the way.
func (p *problem) rows() (traces, ids []string) {
	contexts := []problemContext{p.Context}
	for _, d := range p.Errors {
		contexts = append(contexts, d.Context)
	}
	for _, context := range contexts {
		traces = append(traces, context.of("objectWriteTraceId")...)
		ids = append(ids, context.of("ids", "id", "objectId")...)
	}
	return traces, ids
}

// wholeFailed deals with an answer that refused a whole batch. A refusal of
// the content means that nothing was applied, so each half is sent on its own:
// one bad row never stops ninety-nine good ones (C15, I10). A field that is
// not there concerns every row, so nothing is sent before it is described.
func (c *Connector) wholeFailed(ctx context.Context, group []*pending, cerr *connectors.Error, send func(context.Context, []*pending)) {
	for _, p := range group {
		p.fail(c, cerr)
	}
	if cerr.Class == connectors.Conflict || len(group) == 1 {
		c.adoptOwn(ctx, group)
	}
	divisible := cerr.Status >= 400 && cerr.Status < 500 &&
		(cerr.Class == connectors.Invalid || cerr.Class == connectors.Conflict || cerr.Class == connectors.NotFound)
	if cerr.Status == http.StatusLocked && len(group) > 1 && c.awaitLock(ctx) {
		divisible = true // one record is locked; the others should not wait for it
	}
	var rest []*pending
	for _, p := range group {
		if p.result.Err == nil {
			continue
		}
		rest = append(rest, p)
		divisible = divisible && p.result.Err.Class == cerr.Class
	}
	if !divisible || len(group) == 1 || len(rest) == 0 {
		return
	}
	for _, p := range rest {
		p.result.Err = nil
	}
	if len(rest) < len(group) { // the culprits are known
		send(ctx, rest)
		return
	}
	half := len(rest) / 2
	send(ctx, rest[:half])
	send(ctx, rest[half:])
}

// awaitLock waits as long as HubSpot asks for before a locked object is
// written to again (error-handling, 423). False: there is no time left.
func (c *Connector) awaitLock(ctx context.Context) bool {
	timer := time.NewTimer(lockedFor)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// adoptOwn turns the refusal of a key that exists already into success: the
// record with our key is the one we wanted. Content
// that is refused is looked for as well: it may have been taken the first time,
// and nobody asks again about a write that was refused for good.
func (c *Connector) adoptOwn(ctx context.Context, group []*pending) {
	var keys []string
	for _, p := range group {
		if p.keyed && p.result.Err != nil && (p.result.Err.Class == connectors.Conflict || p.result.Err.Class == connectors.Invalid) {
			keys = append(keys, p.write.Key)
		}
	}
	if len(keys) == 0 {
		return
	}
	info := group[0].info
	rows, _, err := c.readBatch(ctx, "find", info, keyProperty, keys, []string{keyProperty, info.modified})
	if err != nil { // the record is there, which one is not known yet
		for _, p := range group {
			if p.result.Err != nil && slices.Contains(keys, p.write.Key) {
				p.result.Err.Class, p.result.Err.Existing = connectors.Ambiguous, connectors.Ref{}
			}
		}
		return
	}
	for i := range rows {
		for _, p := range group {
			if p.result.Err != nil && p.keyed && rows[i].Properties[keyProperty] == p.write.Key {
				p.result.Err = nil
				p.done(c, &rows[i])
			}
		}
	}
}
