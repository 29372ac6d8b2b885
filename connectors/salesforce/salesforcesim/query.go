package salesforcesim

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxPage    = 2000 // rows a page holds at most
	cursorLife = 48 * time.Hour
	// cursorsKept bounds the memory of long runs; the real org has no such limit since v56.
	cursorsKept = 1000
	wideSelect  = 30 // columns beyond which pages shrink
)

// cursor is the rest of an answer, frozen when the query ran.
type cursor struct {
	obj   *object
	cols  []column
	hits  []hit
	until time.Time
	subs  []*subquery
	types []*typeChoice
	all   bool // queryAll
}

func (s *Sim) serveQuery(c *call) reply {
	if len(c.parts) == 2 {
		return s.queryMore(c, c.parts[1])
	}
	if src := c.query.Get("explain"); src != "" && len(c.parts) == 1 {
		return s.explain(c, src)
	}
	src := c.query.Get("q")
	if len(c.parts) > 2 || src == "" {
		return refused(&apiError{code: "MALFORMED_QUERY", message: "A query string has to be specified"})
	}
	q, err := parseSOQL(src, c.now)
	if err != nil {
		return refused(err)
	}
	o, cols, err := s.bind(q)
	if err != nil {
		return refused(err)
	}
	all := c.parts[0] == "queryAll"
	if len(q.aggs)+len(q.group) > 0 {
		rep, err := s.aggregated(q, o, all, c.now)
		if err != nil {
			return refused(err)
		}
		return rep
	}
	hits := s.run(q, o, all, c.now)
	if q.count {
		return ok([]byte(`{"totalSize":` + strconv.Itoa(len(hits)) + `,"done":true,"records":[]}`))
	}
	return s.page(c, &cursor{obj: o, cols: cols, hits: hits, until: c.now.Add(cursorLife), subs: q.subs, types: q.types, all: all}, "", 0)
}

func (s *Sim) queryMore(c *call, locator string) reply {
	name, offset, _ := strings.Cut(locator, "-")
	from, err := strconv.Atoi(offset)
	cur := s.cursors[name]
	if err != nil || cur == nil || from < 0 || from >= len(cur.hits) || c.now.After(cur.until) {
		return refused(&apiError{code: "INVALID_QUERY_LOCATOR", message: "invalid query locator"})
	}
	return s.page(c, cur, name, from)
}

// page renders the rows from offset on and, when rows remain, keeps the cursor under its locator.
func (s *Sim) page(c *call, cur *cursor, name string, from int) reply {
	to := from + s.pageSize(c, len(cur.cols))
	b := append([]byte(`{"totalSize":`), strconv.Itoa(len(cur.hits))...)
	if to < len(cur.hits) {
		if name == "" {
			name = s.keep(cur, c.now)
		}
		b = append(b, `,"done":false,"nextRecordsUrl":"/services/data/v`+c.version+`/query/`+name+`-`+strconv.Itoa(to)+`"`...)
	} else {
		to = len(cur.hits)
		b = append(b, `,"done":true`...)
	}
	b = append(b, `,"records":[`...)
	for i, h := range cur.hits[from:to] {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.record(b, cur.obj, c.version, h.row.id, h.fields, cur.cols)
		b = s.appendTypes(b, c.version, h, cur.types)
		b = s.appendChildren(b, c, h, cur.subs, cur.all)
	}
	return reply{status: http.StatusOK, body: append(b, "]}"...)}
}

func (s *Sim) keep(cur *cursor, now time.Time) string {
	oldest := ""
	for name, old := range s.cursors {
		if now.After(old.until) {
			delete(s.cursors, name)
		} else if oldest == "" || name < oldest { // names rise with time
			oldest = name
		}
	}
	if len(s.cursors) >= cursorsKept {
		delete(s.cursors, oldest)
	}
	s.serial++
	name := newID("01g", s.serial)
	s.cursors[name] = cur
	return name
}

// pageSize is how many rows the next page holds: a suggestion at most, fewer for wide rows, and in a hostile
// org now and then a handful.
func (s *Sim) pageSize(c *call, columns int) int {
	n := s.cfg.PageSize
	for part := range strings.SplitSeq(c.header.Get("Sforce-Query-Options"), ",") {
		if k, v, _ := strings.Cut(strings.TrimSpace(part), "="); strings.EqualFold(k, "batchSize") {
			if asked, err := strconv.Atoi(v); err == nil {
				n = min(n, max(asked, 200))
			}
		}
	}
	if columns > wideSelect {
		n = max(1, n*2/3)
	}
	if s.gate.Faults().SearchLag > 0 && s.rand.Chance(0.3) {
		n = 1 + s.rand.IntN(min(n, 50))
	}
	return max(1, n-s.rand.IntN(n/10+1))
}
