package salesforcesim

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The Bulk API 2.0: jobs that run some time after they were asked for, on CSV.
const (
	bulkIngestFrom = 41.0 // the version that brought ingest jobs
	bulkQueryFrom  = 47.0 // and query jobs
	bulkKept       = 7 * 24 * time.Hour
	bulkPerDay     = 10_000 // query jobs
	bulkPage       = 50_000 // rows of one page of results, unless the caller wants fewer
	bulkUpload     = 150_000_000
)

// job is one bulk job. Its state follows from the moments until it has run.
type job struct {
	ID                  string  `json:"id"`
	Operation           string  `json:"operation"`
	Object              string  `json:"object"`
	CreatedByID         string  `json:"createdById"`
	CreatedDate         string  `json:"createdDate"`
	SystemModstamp      string  `json:"systemModstamp"`
	State               string  `json:"state"`
	ExternalIDFieldName string  `json:"externalIdFieldName,omitempty"`
	AssignmentRuleID    string  `json:"assignmentRuleId,omitempty"`
	ConcurrencyMode     string  `json:"concurrencyMode"`
	ContentType         string  `json:"contentType"`
	APIVersion          float64 `json:"apiVersion"`
	ContentURL          string  `json:"contentUrl,omitempty"`
	LineEnding          string  `json:"lineEnding"`
	ColumnDelimiter     string  `json:"columnDelimiter"`
	JobType             string  `json:"jobType"`
	Processed           int     `json:"numberRecordsProcessed"`
	Failed              *int    `json:"numberRecordsFailed,omitempty"` // ingest only
	Retries             int     `json:"retries"`
	Time                int     `json:"totalProcessingTime"`
	ErrorMessage        string  `json:"errorMessage,omitempty"`

	query  string
	who    string
	born   time.Time
	begins time.Time // zero: not asked to run yet
	ends   time.Time
	done   bool
	data   []byte // what was uploaded; nil: nothing yet
	pages  *cursor
	rows   []ingested
	header []string
}

// jobWish is what creates a job, or changes its state.
type jobWish struct {
	ID                  string `json:"id"`
	Operation           string `json:"operation"`
	Object              string `json:"object"`
	Query               string `json:"query"`
	ExternalIDFieldName string `json:"externalIdFieldName"`
	AssignmentRuleID    string `json:"assignmentRuleId"`
	ContentType         string `json:"contentType"`
	LineEnding          string `json:"lineEnding"`
	ColumnDelimiter     string `json:"columnDelimiter"`
	ConcurrencyMode     string `json:"concurrencyMode"`
	State               string `json:"state"`
}

func delimiterOf(name string) (rune, bool) {
	switch name {
	case "COMMA":
		return ',', true
	case "TAB":
		return '\t', true
	case "SEMICOLON":
		return ';', true
	case "PIPE":
		return '|', true
	case "CARET":
		return '^', true
	case "BACKQUOTE":
		return '`', true
	}
	return 0, false
}

func invalidJob(text string) *apiError {
	return &apiError{code: "INVALIDJOB", message: "InvalidJob : " + text}
}

func wrongState(text string) *apiError { return &apiError{code: "INVALIDJOBSTATE", message: text} }

// serveJobs answers /jobs/query and /jobs/ingest.
func (s *Sim) serveJobs(c *call) reply {
	if len(c.parts) < 2 || c.inside {
		return refused(notFound())
	}
	from := map[string]float64{"query": bulkQueryFrom, "ingest": bulkIngestFrom}[c.parts[1]]
	if from == 0 || c.number() < from {
		return refused(notFound())
	}
	switch {
	case len(c.parts) == 2 && c.method == http.MethodPost:
		return s.openJob(c)
	case len(c.parts) == 2:
		return get(c, func() reply { return s.listJobs(c) })
	}
	id, _ := normalizeID(c.parts[2])
	j := s.jobs[id]
	if j == nil || (j.query == "") != (c.parts[1] == "ingest") {
		return refused(notFound())
	}
	if len(c.parts) == 4 {
		return s.serveJobData(c, j, c.parts[3])
	}
	switch {
	case len(c.parts) > 4:
		return refused(notFound())
	case c.method == http.MethodPatch:
		return s.changeJob(c, j)
	case c.method == http.MethodDelete:
		if j.State == "Open" || j.State == "InProgress" {
			return refused(wrongState("The job is " + j.State + ". Close or abort it before you delete it."))
		}
		delete(s.jobs, id)
		return reply{status: http.StatusNoContent}
	}
	return get(c, func() reply { return ok(mustJSON(j)) })
}

// serveJobData answers what lies below a job.
func (s *Sim) serveJobData(c *call, j *job, what string) reply {
	over := j.State == "JobComplete" || j.State == "Failed" || j.State == "Aborted"
	switch {
	case j.query == "" && what == "batches":
		if c.method != http.MethodPut {
			return badMethod(c)
		}
		return s.upload(c, j)
	case j.query != "" && what == "results":
		return get(c, func() reply {
			if j.State != "JobComplete" {
				return refused(wrongState("Job must be complete to get its results, and is " + j.State + "."))
			}
			return s.jobPage(c, j)
		})
	case j.query == "" && slices.Contains([]string{"successfulresults", "failedresults", "unprocessedrecords"}, strings.ToLower(what)):
		return get(c, func() reply {
			if !over {
				return refused(wrongState("Job must be complete to get its results, and is " + j.State + "."))
			}
			return csvReply(j.outcome(strings.ToLower(what)))
		})
	}
	return refused(notFound())
}

func (s *Sim) openJob(c *call) reply {
	wish := jobWish{ContentType: "CSV", LineEnding: "LF", ColumnDelimiter: "COMMA"}
	if e := decodeObject(c.body, &wish); e != nil {
		e.code = "API_ERROR"
		return refused(e)
	}
	_, known := delimiterOf(wish.ColumnDelimiter)
	switch {
	case wish.ContentType != "CSV":
		return refused(invalidJob("Unsupported content type: " + wish.ContentType))
	case !known || wish.LineEnding != "LF" && wish.LineEnding != "CRLF":
		return refused(&apiError{code: "API_ERROR", message: "Value does not match expected type"})
	case wish.AssignmentRuleID != "" && s.assignmentRule(wish.AssignmentRuleID) == nil:
		return refused(invalidJob("no assignment rule " + wish.AssignmentRuleID))
	}
	j := &job{
		Operation: wish.Operation, Object: wish.Object, CreatedByID: s.caller, CreatedDate: c.now.Format(wireTime), SystemModstamp: c.now.Format(wireTime),
		ConcurrencyMode: "Parallel", ContentType: "CSV", LineEnding: wish.LineEnding, ColumnDelimiter: wish.ColumnDelimiter, born: c.now,
		who: s.callerName(callOption(c.header, "client")), AssignmentRuleID: wish.AssignmentRuleID,
	}
	j.APIVersion = c.number()
	var e *apiError
	if c.parts[1] == "query" {
		e = s.prepareQuery(c, j, wish)
	} else {
		e = s.prepareIngest(j, wish)
	}
	if e != nil {
		return refused(e)
	}
	s.serial++
	j.ID = newID("750", s.serial)
	if j.query == "" {
		j.ContentURL = "services/data/v" + c.version + "/jobs/ingest/" + j.ID + "/batches"
	}
	s.jobs[j.ID] = j
	return reply{status: http.StatusOK, body: mustJSON(j), applied: j.query == ""}
}

// assignmentRule is the lead assignment rule if that is its id.
func (s *Sim) assignmentRule(raw string) *row {
	id, _ := normalizeID(raw)
	if r := s.byID(id); r != nil && r.obj.name == "AssignmentRule" {
		return r
	}
	return nil
}

// prepareQuery checks what a query job may ask, and starts it.
func (s *Sim) prepareQuery(c *call, j *job, wish jobWish) *apiError {
	if wish.Operation != "query" && wish.Operation != "queryAll" {
		return invalidJob("Unsupported operation for a query job: " + wish.Operation)
	}
	if s.queryJobs(c.now) >= bulkPerDay {
		return &apiError{code: "EXCEEDEDQUOTA", message: "Exceeded the daily limit of query jobs"}
	}
	q, e := parseSOQL(wish.Query, c.now)
	if e != nil {
		return e
	}
	o, cols, e := s.bind(q)
	if e != nil {
		return e
	}
	if slices.ContainsFunc(cols, func(c column) bool { return c.leaf.typ == "address" }) {
		return &apiError{code: "FUNCTIONALITY_NOT_ENABLED", message: "Selecting compound data not supported in Bulk Query"}
	}
	if q.count || q.offset > 0 || len(q.aggs)+len(q.group)+len(q.subs)+len(q.types) > 0 {
		return &apiError{code: "API_ERROR", message: "Aggregate queries, OFFSET, TYPEOF and nested queries are not supported in Bulk Query"}
	}
	j.query, j.Object, j.JobType = wish.Query, o.name, "V2Query"
	s.schedule(j, c.now)
	j.advance(c.now)
	return nil
}

// queryJobs is how many query jobs the last day has seen.
func (s *Sim) queryJobs(now time.Time) int {
	n := 0
	for _, j := range s.jobs {
		if j.query != "" && now.Sub(j.born) < 24*time.Hour {
			n++
		}
	}
	return n
}

// schedule says when a job will run: soon, as everybody hopes.
func (s *Sim) schedule(j *job, now time.Time) {
	j.begins = now.Add(s.bulkDraw.Between(50*time.Millisecond, 500*time.Millisecond))
	j.ends = j.begins.Add(s.bulkDraw.Between(50*time.Millisecond, 1500*time.Millisecond))
}

// advance brings the state up to now.
func (j *job) advance(now time.Time) {
	switch {
	case j.begins.IsZero() || j.done:
	case now.Before(j.begins):
		j.State = "UploadComplete"
	default:
		j.State = "InProgress"
	}
}

// runJobs does the work of every job that is due and forgets the old ones. Each call begins with it, so that nobody
// sees a job unfinished after its end.
func (s *Sim) runJobs(now time.Time) {
	if len(s.jobs) == 0 {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(s.jobs)) {
		j := s.jobs[id]
		if now.Sub(j.born) >= bulkKept {
			delete(s.jobs, id)
			continue
		}
		j.advance(now)
		if j.begins.IsZero() || j.done || now.Before(j.ends) {
			continue
		}
		j.done, j.State = true, "JobComplete"
		j.SystemModstamp, j.Time = now.Format(wireTime), int(j.ends.Sub(j.begins).Milliseconds())
		if j.query == "" {
			s.ingest(j, now)
		} else {
			s.ask(j, now)
		}
	}
}

// ask runs a query job.
func (s *Sim) ask(j *job, now time.Time) {
	q, e := parseSOQL(j.query, now)
	if e == nil {
		var o *object
		var cols []column
		if o, cols, e = s.bind(q); e == nil {
			j.pages = &cursor{obj: o, cols: cols, hits: s.run(q, o, j.Operation == "queryAll", now)}
			j.Processed = len(j.pages.hits)
			return
		}
	}
	j.State, j.ErrorMessage = "Failed", "InvalidBatch : Failed to process query: "+e.code+": "+strings.TrimSpace(e.message)
}

// changeJob closes or aborts a job.
func (s *Sim) changeJob(c *call, j *job) reply {
	var wish jobWish
	if e := decodeObject(c.body, &wish); e != nil {
		e.code = "API_ERROR"
		return refused(e)
	}
	switch {
	case wish.State == "Aborted" && (j.State == "Open" || j.State == "UploadComplete" || j.State == "InProgress"):
		j.State, j.done = "Aborted", true
	case wish.State == "UploadComplete" && j.State == "Open":
		s.schedule(j, c.now)
		j.advance(c.now)
	case wish.State == "UploadComplete" || wish.State == "Aborted":
		return refused(wrongState("A job that is " + j.State + " cannot become " + wish.State + "."))
	default:
		return refused(&apiError{code: "API_ERROR", message: "Unsupported state: " + wish.State})
	}
	j.SystemModstamp = c.now.Format(wireTime)
	return reply{status: http.StatusOK, body: mustJSON(j), applied: true}
}

// listJobs answers what jobs there are.
func (s *Sim) listJobs(c *call) reply {
	list := []*job{}
	for _, j := range s.jobs {
		if (j.query != "") == (c.parts[1] == "query") {
			list = append(list, j)
		}
	}
	slices.SortFunc(list, func(a, b *job) int { return strings.Compare(a.ID, b.ID) })
	return ok(mustJSON(map[string]any{"done": true, "nextRecordsUrl": nil, "records": list}))
}

// jobPage answers one page of a query job's results, each with the line of names. Its locator is the text null
// on the last page; every page may be asked for again.
func (s *Sim) jobPage(c *call, j *job) reply {
	from := 0
	if locator := c.query.Get("locator"); locator != "" {
		raw, err := base64.RawStdEncoding.DecodeString(locator)
		if from, _ = strconv.Atoi(string(raw)); err != nil || from <= 0 || from >= len(j.pages.hits) {
			return refused(&apiError{code: "INVALIDLOCATOR", message: "invalid locator: " + locator})
		}
	}
	size := bulkPage
	if s.cfg.PageSize < maxPage {
		size = s.cfg.PageSize
	}
	if asked := c.query.Get("maxRecords"); asked != "" {
		n, err := strconv.Atoi(asked)
		if err != nil || n <= 0 {
			return refused(&apiError{code: "API_ERROR", message: "maxRecords must be a positive number, not " + asked})
		}
		size = min(size, n)
	}
	to, locator := min(from+size, len(j.pages.hits)), "null"
	if to < len(j.pages.hits) {
		locator = base64.RawStdEncoding.EncodeToString([]byte(strconv.Itoa(to)))
	}
	sheet := newSheet(j)
	names := make([]string, len(j.pages.cols))
	for i := range j.pages.cols {
		names[i] = j.pages.cols[i].name
	}
	sheet.line(names)
	for _, h := range j.pages.hits[from:to] {
		cells := make([]string, len(j.pages.cols))
		for i := range j.pages.cols {
			cells[i] = cellOf(j.pages.cols[i].leaf, s.get(h.fields, &j.pages.cols[i]))
		}
		sheet.line(cells)
	}
	rep := csvReply(sheet.bytes)
	rep.header["Sforce-Locator"], rep.header["Sforce-NumberOfRecords"] = locator, strconv.Itoa(to-from)
	return rep
}

func csvReply(body []byte) reply {
	return reply{status: http.StatusOK, body: json.RawMessage(body), header: map[string]string{"Content-Type": "text/csv"}}
}
