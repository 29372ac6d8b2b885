package hubspot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// pending is one write on its way: what HubSpot is sent, and where its result
// goes.
type pending struct {
	write        connectors.Write
	info         kindInfo
	schema       *schema
	trace        string // matches a row of the answer with this write
	keyed        bool   // the key travels in a unique property
	props        map[string]string
	associations []association     // of a create
	linked       []connectors.Kind // what they lead to
	result       *connectors.Result
}

// Apply implements connectors.Connector. Writes are sent in waves: an update
// before a create, at most one write of a record in a batch, and a write that
// waits for a new id after the create that makes it. Every request is sent
// once: HubSpot has no idempotency key, and a person may have changed the
// record since.
func (c *Connector) Apply(ctx context.Context, writes []connectors.Write) ([]connectors.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: "write", Err: err}
	}
	schemas, err := c.schemasFor(ctx, writes)
	if err != nil {
		return nil, err
	}
	results := make([]connectors.Result, len(writes))
	for i, w := range writes {
		results[i] = connectors.Result{Key: w.Key, Ref: w.Ref}
	}
	var broken *connectors.Error // the credentials are: nothing more is sent
	for _, wave := range waves(writes) {
		var ready []*pending
		for _, i := range wave {
			p := c.prepare(ctx, writes, results, i, schemas)
			if p != nil {
				ready = append(ready, p)
			}
		}
		for _, group := range groups(ready) {
			group = slices.DeleteFunc(group, func(p *pending) bool { return p.heldBack(writes, results) })
			for chunk := range slices.Chunk(group, batchSize) {
				broken = c.send(ctx, chunk, broken)
			}
		}
	}
	shareResults(writes, results)
	return results, nil
}

// send attempts one batch, unless the credentials were refused before.
func (c *Connector) send(ctx context.Context, chunk []*pending, broken *connectors.Error) *connectors.Error {
	switch {
	case broken != nil:
		for _, p := range chunk {
			p.fail(c, broken)
		}
		return broken
	case chunk[0].write.Creates():
		c.create(ctx, chunk)
	default:
		c.update(ctx, chunk)
	}
	c.sendSpared(ctx, chunk)
	c.sendUnlinked(ctx, chunk)
	if err := chunk[0].result.Err; err != nil && err.Class == connectors.AuthBroken {
		return err
	}
	return nil
}

// schemasFor reads the schemas of every kind in the batch before anything is
// written. Unknown kinds have none.
func (c *Connector) schemasFor(ctx context.Context, writes []connectors.Write) (map[string]*schema, error) {
	out := make(map[string]*schema)
	for _, w := range writes {
		info, ok := infoOf(w.Ref.Kind)
		if !ok || out[info.path] != nil {
			continue
		}
		s, err := c.schemaOf(ctx, info)
		if err != nil {
			return nil, err
		}
		out[info.path] = s
	}
	return out, nil
}

// waves orders the writes: the index of each, by the round in which it can be
// sent. A second create with the same key is left out and shares the first
// one's result.
func waves(writes []connectors.Write) [][]int {
	level := make([]int, len(writes))
	creates := make(map[string]int) // key -> level
	updates := make(map[connectors.Ref]int)
	var out [][]int
	for i, w := range writes {
		if w.Creates() && w.Key != "" {
			if _, twice := creates[w.Key]; twice {
				continue
			}
		}
		if w.After != "" {
			level[i] = creates[w.After] + 1 // a create further down is refused in prepare
		}
		if !w.Creates() {
			ref := w.Ref
			if info, ok := infoOf(ref.Kind); ok {
				ref.Kind = connectors.Kind(info.path)
			}
			if earlier, ok := updates[ref]; ok {
				level[i] = max(level[i], earlier+1)
			}
			updates[ref] = level[i]
		} else if w.Key != "" {
			creates[w.Key] = level[i]
		}
		for len(out) <= level[i] {
			out = append(out, nil)
		}
		out[level[i]] = append(out[level[i]], i)
	}
	return out
}

// groups splits a wave by kind and verb, updates first, those of tasks after
// those they may rest on, otherwise in the order of appearance.
func groups(all []*pending) [][]*pending {
	rank := func(p *pending) int {
		switch {
		case p.write.Creates():
			return 2
		case p.info.path == string(tasks):
			return 1
		}
		return 0
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b *pending) int { return rank(a) - rank(b) })
	var out [][]*pending
	at := make(map[string]int)
	for _, p := range all {
		name := p.info.path + strconv.FormatBool(p.write.Creates())
		i, ok := at[name]
		if !ok {
			i = len(out)
			at[name] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], p)
	}
	return out
}

// heldBack reports whether a change rests on another of the batch that was not
// made, and says so in its result.
func (p *pending) heldBack(writes []connectors.Write, results []connectors.Result) bool {
	if p.write.Creates() {
		return false
	}
	for _, link := range p.write.Links {
		n := slices.IndexFunc(writes, func(w connectors.Write) bool { return w.Ref == link })
		if n < 0 || results[n].Err == nil {
			continue
		}
		p.result.Err = &connectors.Error{
			Class: connectors.Unavailable, Op: "update " + p.info.path, Err: fmt.Errorf("not sent, because what it rests on was not changed: %s", writes[n].Key),
		}
		return true
	}
	return false
}

// prepare translates one write. Nil: there is nothing to send, and the result
// says why.
func (c *Connector) prepare(ctx context.Context, writes []connectors.Write, results []connectors.Result, i int, schemas map[string]*schema) *pending {
	w, r := writes[i], &results[i]
	info, ok := infoOf(w.Ref.Kind)
	if !ok {
		r.Err = unknownKind("write", w.Ref.Kind)
		return nil
	}
	p := &pending{write: w, info: info, schema: schemas[info.path], result: r, trace: w.Key}
	if p.trace == "" {
		p.trace = "write-" + strconv.Itoa(i)
	}
	links := w.Links
	if w.After != "" {
		first := slices.IndexFunc(writes[:i], func(other connectors.Write) bool { return other.Creates() && other.Key == w.After })
		if first < 0 {
			r.Err = &connectors.Error{Class: connectors.Invalid, Op: "write " + info.path, Err: errors.New("it waits for a create that is not before it in the batch")}
			return nil
		}
		if cause := results[first].Err; cause != nil {
			e := *cause
			e.Err = fmt.Errorf("the record it belongs to was not created: %w", cause)
			if e.Class == connectors.Ambiguous || e.Class == connectors.Conflict {
				e.Class, e.Existing = connectors.Unavailable, connectors.Ref{} // this write surely was not sent
			}
			r.Err = &e
			return nil
		}
		links = append(slices.Clone(links), results[first].Ref)
	}
	p.translate()
	if w.Creates() {
		p.link(links)
	}
	if info.path == string(tasks) {
		if r.Err = c.finishTask(ctx, p); r.Err != nil {
			return nil
		}
	} else if w.Creates() && w.Key != "" && p.schema.unique(keyProperty) {
		p.props[keyProperty], p.keyed = w.Key, true
	}
	if info.path == string(leads) {
		if r.Err = finishLead(p); r.Err != nil {
			return nil
		}
	}
	if len(p.props) == 0 && !w.Creates() {
		return nil // everything was left out
	}
	return p
}

// translate fills props and the result's list of fields left out.
func (p *pending) translate() {
	p.props = make(map[string]string, len(p.write.Set))
	isTask := p.info.path == string(tasks)
	for field, value := range p.write.Set {
		if isTask && (field == connectors.TaskZone || field == keyProperty) {
			continue // no counterpart; ours to set
		}
		name := propertyOf(p.write.Ref.Kind, field)
		text, ok := encodeValue(p.schema.fields[name], value)
		if !ok || isWork(field) || !p.schema.writable(name) {
			p.result.Skipped = append(p.result.Skipped, field)
			continue
		}
		if isTask {
			text = taskValue(name, text)
		}
		if isTask && field == connectors.TaskBody {
			text = cutText(bodyToHTML.Replace(text), maxText)
		}
		p.props[name] = text
	}
	slices.Sort(p.result.Skipped)
}

// finishTask puts the key where this portal keeps it.
func (c *Connector) finishTask(ctx context.Context, p *pending) *connectors.Error {
	exact := p.schema.unique(keyProperty)
	if !p.write.Creates() {
		body, changes := p.props[bodyProperty]
		if !changes || exact {
			return nil
		}
		// The marker must outlive a new body.
		rows, _, err := c.readBatch(ctx, "write", p.info, "", []string{p.write.Ref.ID}, []string{bodyProperty})
		if err != nil {
			return connectors.AsError("write tasks", err)
		}
		for i := range rows {
			if key := markedKey(rows[i].Properties[bodyProperty]); key != "" {
				p.props[bodyProperty] = withMarker(body, key)
			}
		}
		return nil
	}
	if p.props[dueProperty] == "" {
		return &connectors.Error{Class: connectors.Invalid, Op: "create tasks", Fields: []string{connectors.TaskDue}, Err: errors.New("HubSpot makes no task without a due time")}
	}
	switch {
	case p.write.Key == "":
	case exact:
		p.props[keyProperty], p.keyed = p.write.Key, true
	default:
		p.props[bodyProperty] = withMarker(p.props[bodyProperty], p.write.Key)
	}
	return nil
}

// shareResults gives a create that was in the batch twice one result.
func shareResults(writes []connectors.Write, results []connectors.Result) {
	first := make(map[string]int)
	for i, w := range writes {
		if !w.Creates() || w.Key == "" {
			continue
		}
		if j, twice := first[w.Key]; twice {
			results[i] = results[j]
		} else {
			first[w.Key] = i
		}
	}
}

// update sends one batch/update.
func (c *Connector) update(ctx context.Context, group []*pending) {
	op := "update " + group[0].info.path
	body := batchWrite{Inputs: make([]writeInput, len(group))}
	for i, p := range group {
		body.Inputs[i] = writeInput{ID: p.write.Ref.ID, Properties: p.props, TraceID: p.trace}
	}
	var answer batch
	if err := c.write(ctx, op, c.objects(group[0].info, "/batch/update"), group, body, &answer); err != nil {
		c.wholeFailed(ctx, group, connectors.AsError(op, err), c.update)
		return
	}
	open := c.rowsDone(group, answer.Results, (*pending).updated)
	open, nameless := c.rowsFailed(group, open, answer.Errors, op)
	if nameless != nil && len(group) > 1 { // whose error it is shows when each goes alone: a set does no harm twice
		for _, p := range open {
			c.update(ctx, []*pending{p})
		}
		return
	}
	if nameless != nil {
		for _, p := range open {
			p.fail(c, c.rowError(nameless, op, false))
		}
		return
	}
	for _, p := range open { // no row, no error: ask again later
		p.fail(c, &connectors.Error{Class: connectors.Unavailable, Op: op, Status: http.StatusMultiStatus, Err: errors.New("the answer does not mention this record")})
	}
}

// updated reports whether a row of the answer is the record of this write. One
// that was merged away answers with the survivor, under this write's trace id;
// without a trace id such a row is nobody's, and the record is read again.
func (p *pending) updated(r *row) bool {
	if r.TraceID != "" && r.TraceID != p.trace {
		return false
	}
	return string(r.ID) == p.write.Ref.ID || r.TraceID != "" && r.ID != ""
}

// deadline is when the batch must have left.
func deadline(group []*pending) time.Time {
	writes := make([]connectors.Write, len(group))
	for i, p := range group {
		writes[i] = p.write
	}
	return connectors.Deadline(writes...)
}

// urgent reports whether the write may use what is kept of the day's calls:
// those of a receiver who has to act within the hour, and every owner's (C7).
func (p *pending) urgent() bool {
	_, owner := p.props[ownerProperty]
	return owner && p.info.path != string(tasks) || p.write.Rank <= connectors.UrgentRank
}

// done takes over the row of a write that went through.
func (p *pending) done(c *Connector, r *row) {
	p.result.Ref = c.ref(p.write.Ref.Kind, string(r.ID))
	p.result.ModifiedAt = r.modified(p.info)
	p.result.Version = versionOf(p.result.ModifiedAt)
	// A lifecycle stage moves forward only; backwards HubSpot answers that all
	// is well and keeps the old one (lifecycle stages).
	want, set := p.props[stageProperty]
	if got, shown := r.Properties[stageProperty]; set && shown && want != "" && got != want {
		p.result.Skipped = append(p.result.Skipped, stageProperty)
	}
}

// fail records an error, and forgets a schema that it disproves.
func (p *pending) fail(c *Connector, cerr *connectors.Error) {
	e := *cerr
	if e.Existing.ID != "" {
		e.Existing = c.ref(p.write.Ref.Kind, e.Existing.ID)
	}
	p.result.Err = &e
	if e.Class == connectors.Schema {
		c.forget(p.info)
	}
}
