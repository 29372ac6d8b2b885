package salesforcesim

import (
	"encoding/json"
	"net/http"
	"strings"
)

const (
	maxRecords = 200
	maxChunks  = 10
)

// outcome is one record's line in a collections answer; the key of an error is statusCode here, and a
// failed record has no id.
type outcome struct {
	ID      string        `json:"id,omitempty"`
	Success bool          `json:"success"`
	Errors  []outcomeFail `json:"errors"`
	Created *bool         `json:"created,omitempty"`
}

type outcomeFail struct {
	StatusCode string   `json:"statusCode"`
	Message    string   `json:"message"`
	Fields     []string `json:"fields"`
}

func failed(e *apiError) outcome {
	fields := e.fields
	if fields == nil {
		fields = []string{}
	}
	return outcome{Errors: []outcomeFail{{e.code, e.message, fields}}}
}

// serveCollections answers /composite/sobjects and what lies below it.
func (s *Sim) serveCollections(c *call) reply {
	switch rest := c.parts[2:]; {
	case len(rest) == 0 && c.method == http.MethodDelete:
		return s.deleteMany(c)
	case len(rest) == 0 && (c.method == http.MethodPost || c.method == http.MethodPatch):
		return s.saveMany(c, nil, nil)
	case len(rest) == 1 && (c.method == http.MethodGet || c.method == http.MethodPost):
		return s.readMany(c, rest[0])
	case len(rest) == 2 && c.method == http.MethodPatch:
		o := s.org[strings.ToLower(rest[0])]
		if o == nil || o.prefix == "" {
			return refused(notFound())
		}
		f, err := keyField(o, rest[1])
		if err != nil {
			return refused(err)
		}
		return s.saveMany(c, o, f)
	}
	return badMethod(c)
}

// batch is the body of a collections write.
type batch struct {
	AllOrNone bool             `json:"allOrNone"`
	Records   []map[string]any `json:"records"`
}

// saveMany creates (POST), updates (PATCH) or, with a key field, upserts.
func (s *Sim) saveMany(c *call, only *object, key *field) reply {
	var in batch
	if err := decodeObject(c.body, &in); err != nil {
		return refused(err)
	}
	if err := checkBatch(in.Records); err != nil {
		return refused(err)
	}
	locked := s.lockedRows(len(in.Records))
	repeated := repeats(in.Records, c.method, key)
	return s.each(c, in.AllOrNone, len(in.Records), func(i int, d deed) outcome {
		rec := in.Records[i]
		o, err := s.recordType(rec, only)
		switch {
		case err != nil:
			return failed(err)
		case locked[i]:
			return failed(s.rowLocked())
		case repeated[i] != "":
			return failed(&apiError{code: "DUPLICATE_VALUE", message: "Duplicate id specified: " + repeated[i]})
		case key != nil:
			return s.upsertOne(o, key, rec, d)
		case c.method == http.MethodPost:
			id, err := s.insert(o, rec, d)
			if err != nil {
				return failed(err)
			}
			return outcome{ID: id, Success: true, Errors: []outcomeFail{}}
		}
		return s.updateOne(o, rec, d)
	})
}

func checkBatch(records []map[string]any) *apiError {
	if len(records) == 0 {
		return &apiError{code: "REQUIRED_FIELD_MISSING", message: "At least 1 record is required", fields: []string{"records"}}
	}
	if len(records) > maxRecords {
		return &apiError{code: "EXCEEDED_ID_LIMIT", message: "record limit reached. cannot submit more than 200 records into this call"}
	}
	chunks, last := 0, ""
	for _, r := range records {
		if t := strings.ToLower(typeOf(r)); chunks == 0 || t != last {
			chunks, last = chunks+1, t
		}
	}
	if chunks > maxChunks {
		return &apiError{code: "INVALID_INPUT", message: "Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce chunking."}
	}
	return nil
}

func typeOf(rec map[string]any) string {
	attributes, _ := rec["attributes"].(map[string]any)
	name, _ := attributes["type"].(string)
	return name
}

func (s *Sim) recordType(rec map[string]any, only *object) (*object, *apiError) {
	name := typeOf(rec)
	o := s.org[strings.ToLower(name)]
	if o == nil || o.prefix == "" || only != nil && o != only {
		return nil, &apiError{code: "INVALID_TYPE", message: "sObject type '" + name + "' is not supported."}
	}
	return o, nil
}

// repeats names the records whose id or key stands in the batch more than once.
func repeats(records []map[string]any, method string, key *field) []string {
	names := make([]string, len(records))
	if method == http.MethodPost {
		return names
	}
	name := "Id"
	if key != nil {
		name = key.name
	}
	first := map[string]int{}
	for i, r := range records {
		v, _ := fold(r, name)
		id, _ := v.(string)
		if n, valid := normalizeID(id); valid && key == nil {
			id = n
		}
		id = strings.ToLower(id)
		if id == "" {
			continue
		}
		if at, met := first[id]; met {
			names[at], names[i] = id, id
		} else {
			first[id] = i
		}
	}
	return names
}

// fold looks a name up without case, as Salesforce does, and returns the key it stood under.
func fold(rec map[string]any, name string) (any, string) {
	if v, given := rec[name]; given {
		return v, name
	}
	for k, v := range rec { // at most one key differs only in case in any sane request
		if strings.EqualFold(k, name) {
			return v, k
		}
	}
	return nil, ""
}

func (s *Sim) updateOne(o *object, rec map[string]any, d deed) outcome {
	raw, key := fold(rec, "Id")
	text, _ := raw.(string)
	if text == "" {
		return failed(&apiError{code: "MISSING_ARGUMENT", message: "Id not specified in an update call", fields: []string{"Id"}})
	}
	r, err := s.rowOf(o, text)
	if err == nil {
		err = s.update(r, without(rec, key), d)
	}
	if err != nil {
		return failed(err)
	}
	return outcome{ID: r.id, Success: true, Errors: []outcomeFail{}}
}

// rowOf finds a row by an id that stands in a body.
func (s *Sim) rowOf(o *object, raw string) (*row, *apiError) {
	id, valid := normalizeID(raw)
	if !valid || s.prefixes[id[:3]] != o.name {
		return nil, &apiError{code: "MALFORMED_ID", message: o.name + " ID: id value of incorrect type: " + raw, fields: []string{"Id"}}
	}
	r := s.byID(id)
	if r == nil {
		return nil, &apiError{code: "INVALID_CROSS_REFERENCE_KEY", message: "invalid cross reference id"}
	}
	return r, nil
}

func without(rec map[string]any, key string) map[string]any {
	out := make(map[string]any, len(rec))
	for k, v := range rec {
		if k != key {
			out[k] = v
		}
	}
	return out
}

func (s *Sim) upsertOne(o *object, key *field, rec map[string]any, d deed) outcome {
	raw, _ := fold(rec, key.name)
	value, _ := raw.(string)
	if value == "" {
		return failed(&apiError{code: "MISSING_ARGUMENT", message: key.name + " not specified", fields: []string{}})
	}
	created := false
	switch rows := s.tables[o.name].holders(key.name, value); len(rows) {
	case 0:
		created = true
		id, err := s.insert(o, rec, d)
		if err != nil {
			return failed(err)
		}
		return outcome{ID: id, Success: true, Errors: []outcomeFail{}, Created: &created}
	case 1:
		if err := s.update(rows[0], rec, d); err != nil {
			return failed(err)
		}
		return outcome{ID: rows[0].id, Success: true, Errors: []outcomeFail{}, Created: &created}
	}
	return failed(&apiError{code: "DUPLICATE_EXTERNAL_ID", message: key.name + ": more than one record found for external id field", fields: []string{key.name}})
}

// each runs one write per record and answers for every one of them.
func (s *Sim) each(c *call, allOrNone bool, n int, write func(i int, d deed) outcome) reply {
	list, good := s.tryAll(s.apiDeed(c), allOrNone || c.whole, n, write)
	return reply{status: http.StatusOK, body: mustJSON(list), applied: good > 0, broken: good < n}
}

// tryAll runs one write per record, counts the good ones and takes all of them back when one fails and the caller
// wants all or none.
func (s *Sim) tryAll(d deed, allOrNone bool, n int, write func(i int, d deed) outcome) (list []outcome, good int) {
	outer := d.tx
	d.tx = &tx{outer: outer}
	list = make([]outcome, n)
	for i := range list {
		before := d.tx.mark()
		if list[i] = write(i, d); list[i].Success {
			good++
		} else {
			d.tx.back(before)
		}
	}
	if allOrNone && good < n {
		d.tx.rollback()
		for i := range list {
			if list[i].Success {
				list[i] = failed(&apiError{code: "ALL_OR_NONE_OPERATION_ROLLED_BACK", message: "Record rolled back because not all records were valid and the request was using AllOrNone header"})
			}
		}
		good = 0
	}
	outer.undo, outer.log = append(outer.undo, d.tx.undo...), append(outer.log, d.tx.log...)
	return list, good
}

// lockedRows draws which rows of a batch somebody else holds, in the share of batches that Faults calls
// partial.
func (s *Sim) lockedRows(n int) []bool {
	locked := make([]bool, n)
	if n == 0 || !s.gate.Chance(s.gate.Faults().Rate["partial"]) {
		return locked
	}
	locked[s.rand.IntN(n)] = true
	for i := range locked {
		locked[i] = locked[i] || s.rand.Chance(0.2)
	}
	return locked
}

// rowLocked is how an org says that somebody else holds a row. When it was a trigger's own write that met the lock,
// only the text tells.
func (s *Sim) rowLocked() *apiError {
	const words = "unable to obtain exclusive access to this record"
	if s.wording.Chance(0.3) {
		return &apiError{code: "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message: "HandoffTrigger: execution of AfterUpdate\n\ncaused by: System.DmlException: Update failed. First exception on row 0; first error: UNABLE_TO_LOCK_ROW, " + words + ": []", fields: []string{}}
	}
	return &apiError{code: "UNABLE_TO_LOCK_ROW", message: words, fields: []string{}}
}

func (s *Sim) deleteMany(c *call) reply {
	ids := strings.Split(c.query.Get("ids"), ",")
	if c.query.Get("ids") == "" {
		return refused(checkBatch(nil))
	}
	if len(ids) > maxRecords {
		return refused(checkBatch(make([]map[string]any, len(ids))))
	}
	if err := s.checkRuns(ids); err != nil {
		return refused(err)
	}
	return s.each(c, c.query.Get("allOrNone") == "true", len(ids), func(i int, d deed) outcome {
		return s.onID(ids[i], d, s.remove)
	})
}

// onID does something to the row of an id that may be of any object.
func (s *Sim) onID(raw string, d deed, do func(r *row, d deed) *apiError) outcome {
	id, valid := normalizeID(raw)
	r := s.byID(id)
	var err *apiError
	switch {
	case !valid:
		err = &apiError{code: "MALFORMED_ID", message: "malformed id " + raw}
	case r == nil || s.org[strings.ToLower(r.obj.name)] == nil: // not there, or not for this user
		err = &apiError{code: "INVALID_CROSS_REFERENCE_KEY", message: "invalid cross reference id"}
	default:
		err = do(r, d)
	}
	if err != nil {
		return failed(err)
	}
	return outcome{ID: id, Success: true, Errors: []outcomeFail{}}
}

// checkRuns holds that ids lie in few runs of one object each, as the records of a save do.
func (s *Sim) checkRuns(ids []string) *apiError {
	records := make([]map[string]any, len(ids))
	for i, raw := range ids {
		prefix := raw[:min(3, len(raw))]
		records[i] = map[string]any{"attributes": map[string]any{"type": s.prefixes[prefix]}}
	}
	return checkBatch(records)
}

// readMany reads rows by id, null for those that are not there, in the order asked.
func (s *Sim) readMany(c *call, name string) reply {
	o := s.org[strings.ToLower(name)]
	if o == nil || o.prefix == "" {
		return refused(notFound())
	}
	var in struct {
		IDs    []string `json:"ids"`
		Fields []string `json:"fields"`
	}
	if c.method == http.MethodPost {
		if err := decodeObject(c.body, &in); err != nil {
			return refused(err)
		}
	} else {
		in.IDs, in.Fields = strings.Split(c.query.Get("ids"), ","), strings.Split(c.query.Get("fields"), ",")
	}
	if len(in.IDs) == 0 || in.IDs[0] == "" {
		return refused(&apiError{code: "REQUIRED_FIELD_MISSING", message: "At least 1 record is required", fields: []string{"ids"}})
	}
	if len(in.Fields) == 0 || in.Fields[0] == "" {
		return refused(&apiError{code: "REQUIRED_FIELD_MISSING", message: "At least 1 field is required", fields: []string{"fields"}})
	}
	if len(in.IDs) > maxPage {
		return refused(&apiError{code: "EXCEEDED_ID_LIMIT", message: "record limit reached. cannot submit more than 2000 records into this call"})
	}
	cols, err := s.fieldList(o, strings.Join(in.Fields, ","))
	if err != nil {
		return refused(err)
	}
	list := make([]json.RawMessage, len(in.IDs))
	for i, raw := range in.IDs {
		r, err := s.rowOf(o, raw)
		if err != nil && err.code == "MALFORMED_ID" {
			return refused(err)
		}
		list[i] = json.RawMessage("null")
		if err == nil && !r.deleted() {
			list[i] = s.record(nil, o, c.version, r.id, r.last(), cols)
		}
	}
	return ok(mustJSON(list))
}
