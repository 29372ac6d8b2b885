package hubspotsim

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
)

// maxBatch is how many inputs a batch takes.
const maxBatch = 100

// batchInput is one row of a batch update, upsert, read or archive.
type batchInput struct {
	ID         text    `json:"id"`
	IDProperty string  `json:"idProperty"`
	Properties written `json:"properties"`
	Trace      string  `json:"objectWriteTraceId"`
}

// batchView is the answer of a batch: 200 when all rows are in results, 207 when errors say otherwise.
type batchView struct {
	Status    string      `json:"status"`
	Results   []view      `json:"results"`
	NumErrors int         `json:"numErrors,omitempty"`
	Errors    []errorBody `json:"errors,omitempty"`
	StartedAt string      `json:"startedAt"`
	Completed string      `json:"completedAt"`
}

func (c *call) batch(o *object, verb string) (*reply, *apiError) {
	switch verb {
	case "create":
		return c.batchCreate(o)
	case "read":
		return c.batchRead(o)
	case "update":
		return c.batchUpdate(o)
	case "upsert":
		return c.batchUpsert(o)
	case "archive":
		return c.batchArchive(o)
	}
	return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
}

// finish makes the batch's answer. A hostile portal shuffles the rows: their order was never promised.
func (c *call) finish(status int, results []view, errors []errorBody) *reply {
	if c.s.gate.Chance(c.s.Faults().Rate["shuffled"]) {
		c.s.rand.Shuffle(len(results), func(i, j int) { results[i], results[j] = results[j], results[i] })
	}
	if results == nil {
		results = []view{}
	}
	if len(errors) > 0 {
		status = http.StatusMultiStatus
	}
	return &reply{status, batchView{
		Status: "COMPLETE", Results: results, NumErrors: len(errors), Errors: complete(errors),
		StartedAt: moment(c.now), Completed: moment(stamp()),
	}}
}

// count refuses an empty batch and one above the limit.
func count(n, most int) *apiError {
	if n == 0 || n > most {
		return invalid("The number of inputs must be between 1 and " + strconv.Itoa(most) + ", not " + strconv.Itoa(n) + ".")
	}
	return nil
}

// traced is an error row; only the trace id the caller sent leads back to its input.
func traced(bad *apiError, trace string) errorBody {
	row := bad.row()
	if trace != "" {
		context := map[string][]string{"objectWriteTraceId": {trace}}
		for k, v := range row.Context {
			context[k] = v
		}
		row.Context = context
	}
	return row
}

// unlucky draws the rows that a partial fault fails; nil for none.
func (c *call) unlucky(n int) map[int]bool {
	if !c.s.gate.Chance(c.s.Faults().Rate["partial"]) {
		return nil
	}
	rows := map[int]bool{c.s.rand.IntN(n): true}
	for i := range n {
		if c.s.rand.Chance(0.1) {
			rows[i] = true
		}
	}
	return rows
}

// transient is the row error of a partial fault.
func transient() *apiError {
	return refuse(http.StatusInternalServerError, "INTERNAL_ERROR", "There was a problem with this input.")
}

// batchCreate gives results by row only when every input carries a trace id of its own; otherwise the
// first bad row fails the call and nothing is created.
func (c *call) batchCreate(o *object) (*reply, *apiError) {
	var in struct {
		Inputs []createInput `json:"inputs"`
	}
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	if bad := count(len(in.Inputs), maxBatch); bad != nil {
		return nil, bad
	}
	traces := map[string]bool{}
	for _, row := range in.Inputs {
		if row.Trace != "" {
			traces[row.Trace] = true
		}
	}
	if len(traces) < len(in.Inputs) {
		return c.createAllOrNone(o, in.Inputs)
	}
	var results []view
	var errors []errorBody
	failing := c.unlucky(len(in.Inputs))
	for i, row := range in.Inputs {
		if failing[i] {
			errors = append(errors, traced(transient(), row.Trace))
			continue
		}
		rec, bad := c.make(o, row)
		if bad != nil {
			errors = append(errors, traced(bad, row.Trace))
			continue
		}
		v := rec.showWritten(row.Properties)
		v.Trace = row.Trace
		results = append(results, v)
	}
	return c.finish(http.StatusCreated, results, errors), nil
}

func (c *call) createAllOrNone(o *object, inputs []createInput) (*reply, *apiError) {
	seen, coming := map[string]map[string]bool{}, map[*record]int{}
	for _, row := range inputs {
		if row.Properties == nil {
			return nil, noProperties()
		}
		set, bad := c.check(o, nil, row.Properties)
		var links []newLink
		if bad == nil {
			links, bad = c.s.checkLinks(o, row.Associations)
		}
		if bad == nil {
			bad = checkLead(o, links)
		}
		if bad == nil {
			bad = c.s.linkLimitAfter(o, nil, links, coming)
		}
		if bad != nil {
			return nil, bad
		}
		ends := map[*record]bool{}
		for _, l := range links {
			ends[l.to] = true
		}
		for to := range ends {
			coming[to]++
		}
		for name := range o.unique {
			if v := set[name]; v != "" {
				if seen[name] == nil {
					seen[name] = map[string]bool{}
				}
				if seen[name][v] {
					return nil, conflict("Two inputs of this batch have the same value of the unique property " + name + ".")
				}
				seen[name][v] = true
			}
		}
	}
	var results []view
	for _, row := range inputs {
		rec, bad := c.make(o, row)
		if bad != nil {
			return nil, bad
		}
		results = append(results, rec.showWritten(row.Properties))
	}
	return c.finish(http.StatusCreated, results, nil), nil
}

func (c *call) batchRead(o *object) (*reply, *apiError) {
	var in struct {
		Inputs     []batchInput `json:"inputs"`
		Properties []string     `json:"properties"`
		History    []string     `json:"propertiesWithHistory"`
		IDProperty string       `json:"idProperty"`
	}
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	most := maxBatch
	if len(in.History) > 0 {
		most = 50
	}
	if bad := cmp.Or(count(len(in.Inputs), most), identified(in.Inputs)); bad != nil {
		return nil, bad
	}
	var results []view
	var errors []errorBody
	var absent []string
	seen := map[*record]bool{}
	failing := c.unlucky(len(in.Inputs))
	for i, row := range in.Inputs {
		if failing[i] {
			bad := transient().row()
			bad.Context = map[string][]string{"ids": {string(row.ID)}}
			errors = append(errors, bad)
			continue
		}
		rec, bad := o.lookup(string(row.ID), in.IDProperty, c.archived())
		if bad != nil {
			return nil, bad
		}
		if rec == nil {
			absent = append(absent, string(row.ID))
			continue
		}
		if seen[rec] { // asked for twice, or by the ids of both halves of a merge
			continue
		}
		seen[rec] = true
		v := rec.show(append(slices.Clone(in.Properties), in.History...))
		v.History = rec.history(in.History)
		results = append(results, v)
	}
	if len(absent) > 0 {
		errors = append(errors, errorBody{
			Status: "error", Category: "OBJECT_NOT_FOUND", Context: map[string][]string{"ids": absent},
			Message: "Could not get some " + o.singular + " objects, they may be deleted or not exist.",
		})
	}
	return c.finish(http.StatusOK, results, errors), nil
}

// batchUpdate takes record ids, or a property that is unique by definition; neither a contact's e-mail nor the record
// id's own property is one, and an id that is no id at all is passed over in silence.
func (c *call) batchUpdate(o *object) (*reply, *apiError) {
	inputs, bad := c.batchInputs()
	if bad != nil {
		return nil, bad
	}
	seen := map[string]bool{}
	for _, row := range inputs {
		p := o.defined(row.IDProperty)
		if row.IDProperty != "" && (p == nil || !p.Unique) {
			return nil, invalid("Unable to perform update by non-unique " + o.typeID + " property " + row.IDProperty)
		}
		if seen[string(row.ID)] {
			return nil, invalid("Duplicate IDs found in batch input: [" + string(row.ID) + "]. IDs must be unique")
		}
		seen[string(row.ID)] = true
	}
	var results []view
	var errors []errorBody
	var absent []string
	failing := c.unlucky(len(inputs))
	for i, row := range inputs {
		rec, _ := o.lookup(string(row.ID), row.IDProperty, false)
		if rec == nil {
			if _, err := strconv.ParseUint(string(row.ID), 10, 64); err == nil || row.IDProperty != "" {
				absent = append(absent, string(row.ID))
			}
			continue
		}
		var v view
		bad := nothingToUpdate()
		if len(row.Properties) > 0 {
			v, bad = c.updateRow(o, rec, row, failing[i])
		}
		if bad != nil {
			errors = append(errors, traced(bad, row.Trace))
			continue
		}
		results = append(results, v)
	}
	if len(absent) > 0 {
		errors = append(errors, errorBody{
			Status: "error", Category: "OBJECT_NOT_FOUND", Message: "Could not update some objects, they may be deleted or not exist.",
			Context: map[string][]string{"ids": absent},
		})
	}
	return c.finish(http.StatusOK, results, errors), nil
}

func (c *call) updateRow(o *object, rec *record, row batchInput, fail bool) (view, *apiError) {
	if fail {
		return view{}, transient()
	}
	set, bad := c.check(o, rec, row.Properties)
	if bad != nil {
		return view{}, bad
	}
	c.s.update(rec, set, c.by, c.now)
	v := rec.showWritten(row.Properties)
	v.Trace = row.Trace
	return v, nil
}

func (c *call) batchInputs() ([]batchInput, *apiError) {
	var in struct {
		Inputs []batchInput `json:"inputs"`
	}
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	return in.Inputs, cmp.Or(count(len(in.Inputs), maxBatch), identified(in.Inputs))
}

// identified refuses a batch in which a row names no record.
func identified(rows []batchInput) *apiError {
	if slices.ContainsFunc(rows, func(row batchInput) bool { return row.ID == "" }) {
		return unset("id")
	}
	return nil
}

// batchUpsert creates or updates by a unique property. By e-mail it is all or nothing.
func (c *call) batchUpsert(o *object) (*reply, *apiError) {
	inputs, bad := c.batchInputs()
	if bad != nil {
		return nil, bad
	}
	byEmail := false
	seen := map[string]bool{}
	for _, row := range inputs {
		if seen[row.IDProperty+" "+string(row.ID)] {
			return nil, invalid("Duplicate IDs found in batch input: [" + string(row.ID) + "]. IDs must be unique")
		}
		seen[row.IDProperty+" "+string(row.ID)] = true
		if row.Properties == nil {
			return nil, noProperties()
		}
		if row.IDProperty == "" {
			return nil, invalid("idProperty is required for upsert")
		}
		if !o.isKey(row.IDProperty) {
			return nil, invalid("Unable to perform upsert by non-unique " + o.typeID + " property " + row.IDProperty)
		}
		byEmail = byEmail || row.IDProperty == "email"
	}
	if byEmail {
		for _, row := range inputs {
			rec, _ := o.lookup(string(row.ID), row.IDProperty, false)
			if _, bad := c.check(o, rec, row.keyed()); bad != nil {
				return nil, bad
			}
		}
	}
	var results []view
	var errors []errorBody
	failing := map[int]bool(nil)
	if !byEmail {
		failing = c.unlucky(len(inputs))
	}
	for i, row := range inputs {
		v, bad := c.upsertRow(o, row, failing[i])
		if bad != nil {
			errors = append(errors, traced(bad, row.Trace))
			continue
		}
		results = append(results, v)
	}
	return c.finish(http.StatusOK, results, errors), nil
}

// keyed is the row's properties with the key among them.
func (b batchInput) keyed() written {
	in := written{}
	for name, value := range b.Properties {
		in[name] = value
	}
	if in[b.IDProperty] == nil {
		key := string(b.ID)
		in[b.IDProperty] = &key
	}
	return in
}

func (c *call) upsertRow(o *object, row batchInput, fail bool) (view, *apiError) {
	rec, bad := o.lookup(string(row.ID), row.IDProperty, false)
	if bad != nil {
		return view{}, bad
	}
	isNew := rec == nil
	var v view
	if isNew {
		if fail {
			return view{}, transient()
		}
		if rec, bad = c.make(o, createInput{Properties: row.keyed()}); bad != nil {
			return view{}, bad
		}
		v = rec.showWritten(row.Properties)
	} else if v, bad = c.updateRow(o, rec, row, fail); bad != nil {
		return view{}, bad
	}
	v.New, v.Trace = &isNew, row.Trace
	return v, nil
}

func (c *call) batchArchive(o *object) (*reply, *apiError) {
	inputs, bad := c.batchInputs()
	if bad != nil {
		return nil, bad
	}
	for _, row := range inputs {
		if rec := o.live(string(row.ID)); rec != nil {
			c.s.archive(rec, c.by, c.now)
		}
	}
	return nil, nil
}
