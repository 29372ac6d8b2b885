package salesforcesim

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ingested is one line of an upload and what became of it.
type ingested struct {
	cells   []string
	id      string
	created bool
	fail    string // CODE:message:FIELDS --; empty: it went well
}

// prepareIngest checks what an ingest job may be.
func (s *Sim) prepareIngest(j *job, wish jobWish) *apiError {
	o := s.org[strings.ToLower(wish.Object)]
	switch {
	case wish.Object == "":
		return invalidJob("Object is required")
	case o == nil || o.prefix == "":
		return invalidJob("Unable to find object: " + wish.Object)
	case !o.writable:
		return &apiError{code: "INVALIDENTITY", message: o.name + " is not supported by the Bulk API"}
	case wish.Operation == "hardDelete":
		return &apiError{code: "FEATURENOTENABLED", message: "hardDelete operation requires special user profile permission, please contact your system administrator"}
	case !slices.Contains([]string{"insert", "update", "upsert", "delete"}, wish.Operation):
		return invalidJob("Unsupported operation: " + wish.Operation)
	}
	if wish.Operation == "upsert" {
		f := o.field(wish.ExternalIDFieldName)
		if wish.ExternalIDFieldName == "" {
			return invalidJob("External ID was blank for " + o.name + ". An External ID must be specified for upsert.")
		}
		if f == nil || !f.idLookup && f.typ != "id" {
			return invalidJob("Field name provided, " + wish.ExternalIDFieldName + " does not match an External ID, Salesforce Id, or indexed field for " + o.name)
		}
		j.ExternalIDFieldName = f.name
	}
	none := 0
	j.Object, j.JobType, j.State, j.Failed = o.name, "V2Ingest", "Open", &none
	return nil
}

// upload takes the data of a job, once.
func (s *Sim) upload(c *call, j *job) reply {
	switch {
	case j.State != "Open":
		return refused(wrongState("Data can be uploaded to a job that is Open only, and it is " + j.State + "."))
	case j.data != nil:
		return refused(wrongState("The data of this job has been uploaded already."))
	case len(c.body) > bulkUpload:
		return refused(&apiError{code: "CLIENTINPUTERROR", message: "ClientInputError : the upload is larger than 150 MB", status: http.StatusRequestEntityTooLarge})
	}
	j.data = append([]byte{}, c.body...)
	return reply{status: http.StatusCreated, applied: true}
}

// ingest runs a job: every line for itself, in no order that anybody promised.
func (s *Sim) ingest(j *job, now time.Time) {
	o := s.org[strings.ToLower(j.Object)]
	if fault := s.readUpload(j, o); fault != "" {
		j.State, j.ErrorMessage, j.rows = "Failed", fault, nil
		return
	}
	records := make([]map[string]any, len(j.rows))
	order := make([]int, len(j.rows))
	for i := range j.rows {
		records[i], order[i] = s.recordOf(j, o, j.rows[i].cells), i
	}
	for i := len(order) - 1; i > 0; i-- {
		n := s.bulkDraw.IntN(i + 1)
		order[i], order[n] = order[n], order[i]
	}
	for chunk := range slices.Chunk(order, maxRecords) {
		s.ingestChunk(j, o, records, chunk, now)
	}
	j.Processed = len(j.rows)
}

// ingestChunk writes up to 200 lines in one transaction, in which each may fail for itself.
func (s *Sim) ingestChunk(j *job, o *object, records []map[string]any, chunk []int, now time.Time) {
	part := make([]map[string]any, len(chunk))
	for n, i := range chunk {
		part[n] = records[i]
	}
	method, key := http.MethodPatch, (*field)(nil)
	switch j.Operation {
	case "insert":
		method = http.MethodPost
	case "upsert":
		key = o.field(j.ExternalIDFieldName)
	}
	repeated, locked := repeats(part, method, key), s.lockedRows(len(chunk))
	d := deed{tx: &tx{}, now: now, actor: s.caller, who: j.who, assign: j.AssignmentRuleID != ""}
	for n, i := range chunk {
		var out outcome
		before := d.tx.mark()
		switch {
		case locked[n]:
			out = failed(s.rowLocked())
		case repeated[n] != "":
			out = failed(&apiError{code: "DUPLICATE_VALUE", message: "Duplicate id specified: " + repeated[n]})
		default:
			out = s.ingestOne(j, o, records[i], d)
		}
		line := &j.rows[i]
		line.id, line.created = out.ID, out.Created != nil && *out.Created
		if !out.Success {
			d.tx.back(before)
			line.fail = faultOf(out.Errors[0])
			*j.Failed++
		}
	}
	s.publish(d.tx)
}

// mistyped is the first value that is none of its column's type. There is no JSON here for a parser to refuse.
func mistyped(o *object, rec map[string]any) *apiError {
	for _, name := range slices.Sorted(maps.Keys(rec)) {
		f, v := o.field(name), rec[name]
		if _, e := f.coerce(v); e == nil || e.code != "JSON_PARSER_ERROR" {
			continue
		}
		if v == nil {
			v = "#N/A"
		}
		return &apiError{code: "INVALID_TYPE_ON_FIELD_IN_RECORD", message: fmt.Sprintf("%s: value not of required type: %v", f.label, v), fields: []string{f.name}}
	}
	return nil
}

// faultOf is an error as the sheet of failed lines has it.
func faultOf(e outcomeFail) string {
	if len(e.Fields) == 0 {
		return e.StatusCode + ":" + e.Message + ":--"
	}
	return e.StatusCode + ":" + e.Message + ":" + strings.Join(e.Fields, ",") + " --"
}

func (s *Sim) ingestOne(j *job, o *object, rec map[string]any, d deed) outcome {
	yes, no := true, false
	if e := mistyped(o, rec); e != nil {
		return failed(e)
	}
	switch j.Operation {
	case "insert":
		id, err := s.insert(o, rec, d)
		if err != nil {
			return failed(err)
		}
		return outcome{ID: id, Success: true, Created: &yes}
	case "delete":
		id, _ := rec["Id"].(string)
		r, err := s.rowOf(o, id)
		if err == nil {
			err = s.remove(r, d)
		}
		if err != nil {
			return failed(err)
		}
		return outcome{ID: r.id, Success: true, Created: &no}
	case "upsert":
		key := o.field(j.ExternalIDFieldName)
		if key.typ != "id" {
			return s.upsertOne(o, key, rec, d)
		}
		if rec["Id"] == nil {
			id, err := s.insert(o, rec, d)
			if err != nil {
				return failed(err)
			}
			return outcome{ID: id, Success: true, Created: &yes}
		}
	}
	return s.updateOne(o, rec, d)
}

// readUpload cuts the data into lines. It returns what is wrong with the whole of it.
func (s *Sim) readUpload(j *job, o *object) (fault string) {
	if len(bytes.TrimSpace(j.data)) == 0 {
		return "InvalidBatch : The upload holds no data"
	}
	if crlf := bytes.Contains(j.data, []byte("\r\n")); crlf != (j.LineEnding == "CRLF") && (crlf || bytes.Count(j.data, []byte("\n")) > 0) {
		return "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is " + j.LineEnding
	}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(j.data, []byte("\ufeff"))))
	in.Comma, _ = delimiterOf(j.ColumnDelimiter)
	lines, err := in.ReadAll()
	if err != nil {
		return "InvalidBatch : Unable to read the data: " + err.Error()
	}
	j.header = lines[0]
	met := map[string]bool{}
	for _, name := range j.header {
		if o.field(name) == nil {
			return "InvalidBatch : Field name not found : " + name
		}
		if met[strings.ToLower(name)] {
			return "InvalidBatch : Field name was repeated : " + name
		}
		met[strings.ToLower(name)] = true
	}
	if (j.Operation == "update" || j.Operation == "delete") && !met["id"] {
		return "InvalidBatch : Field name not found : Id"
	}
	if j.Operation == "delete" && len(j.header) > 1 {
		return "InvalidBatch : A delete takes Id only"
	}
	for _, cells := range lines[1:] {
		j.rows = append(j.rows, ingested{cells: cells})
	}
	return ""
}

// recordOf turns a line into what the REST API would have been sent. An empty cell is left out, #N/A is null.
func (s *Sim) recordOf(j *job, o *object, cells []string) map[string]any {
	rec := map[string]any{}
	for i, cell := range cells {
		f := o.field(j.header[i])
		switch cell {
		case "":
			continue
		case "#N/A":
			rec[f.name] = nil
			continue
		}
		rec[f.name] = cell
		switch f.typ {
		case "boolean":
			if b, err := strconv.ParseBool(strings.ToLower(cell)); err == nil {
				rec[f.name] = b
			}
		case "int", "double", "currency", "percent":
			if _, err := strconv.ParseFloat(cell, 64); err == nil {
				rec[f.name] = json.Number(cell)
			}
		}
	}
	return rec
}

// outcome is the sheet of what went well, what failed, or what was never looked at.
func (j *job) outcome(which string) []byte {
	sheet := newSheet(j)
	header := j.header
	switch which {
	case "successfulresults":
		header = append([]string{"sf__Id", "sf__Created"}, header...)
	case "failedresults":
		header = append([]string{"sf__Id", "sf__Error"}, header...)
	}
	sheet.line(header)
	looked := j.State == "JobComplete"
	for _, r := range j.rows {
		switch {
		case !looked && which == "unprocessedrecords":
			sheet.line(r.cells)
		case looked && which == "successfulresults" && r.fail == "":
			sheet.line(append([]string{r.id, strconv.FormatBool(r.created)}, r.cells...))
		case looked && which == "failedresults" && r.fail != "":
			sheet.line(append([]string{r.id, r.fail}, r.cells...))
		}
	}
	return sheet.bytes
}

// sheet is CSV as the Bulk API writes it: every cell in quotes, the job's delimiter and line ending.
type sheet struct {
	bytes     []byte
	delimiter string
	end       string
}

func newSheet(j *job) *sheet {
	r, _ := delimiterOf(j.ColumnDelimiter)
	return &sheet{delimiter: string(r), end: map[string]string{"LF": "\n", "CRLF": "\r\n"}[j.LineEnding]}
}

func (s *sheet) line(cells []string) {
	for i, cell := range cells {
		if i > 0 {
			s.bytes = append(s.bytes, s.delimiter...)
		}
		s.bytes = append(append(append(s.bytes, '"'), strings.ReplaceAll(cell, `"`, `""`)...), '"')
	}
	s.bytes = append(s.bytes, s.end...)
}

// cellOf writes a value as the Bulk API does: nothing for null, datetimes with a Z.
func cellOf(f *field, v any) string {
	switch v := v.(type) {
	case nil:
		if f.typ == "boolean" {
			return "false"
		}
		return ""
	case string:
		return v
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return strings.Trim(string(appendValue(nil, f, v)), `"`)
}
