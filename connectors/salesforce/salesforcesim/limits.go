package salesforcesim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxHeader bounds URI and headers together.
	maxHeader = 16_384
	// defaultQuota is Enterprise Edition's daily base; each user licence adds a thousand.
	defaultQuota  = 100_000
	quotaPerUser  = 1_000
	firstVersion  = 31.0 // older ones have been retired
	retiredFrom   = 7.0
	lastVersion   = 68.0
	usageSlots    = 24 * 60
	quotaExceeded = "TotalRequests Limit exceeded."
)

// refuseOversized answers like the server in front of the API does: in HTML.
func refuseOversized(w http.ResponseWriter, r *http.Request) bool {
	uri := len(r.Method) + len(r.URL.RequestURI()) + len(" HTTP/1.1\r\n ")
	total := uri + len("Host: \r\n") + len(r.Host)
	for k, vs := range r.Header {
		for _, v := range vs {
			total += len(k) + len(v) + len(": \r\n")
		}
	}
	status, reason := 0, ""
	switch {
	case uri > maxHeader:
		status, reason = http.StatusRequestURITooLong, "URI Too Long"
	case total > maxHeader:
		status, reason = http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large"
	default:
		return false
	}
	w.Header().Set("Content-Type", "text/html;charset=iso-8859-1")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<h1>Bad Message %d</h1><pre>reason: %s</pre>", status, reason)
	return true
}

// usage counts calls over a rolling day, by the minute.
type usage struct {
	slots [usageSlots]int
	last  int64 // minute of the newest slot
	used  int
	seen  bool
}

// spend counts one call, or refuses it once the day's allocation is used up.
func (u *usage) spend(now time.Time, quota int) *apiError {
	minute := now.Unix() / 60
	if !u.seen || minute-u.last >= usageSlots {
		*u = usage{last: minute, seen: true}
	}
	for ; u.last < minute; u.last++ {
		slot := &u.slots[(u.last+1)%usageSlots]
		u.used -= *slot
		*slot = 0
	}
	if u.used >= quota {
		return &apiError{code: "REQUEST_LIMIT_EXCEEDED", message: quotaExceeded, status: http.StatusForbidden}
	}
	u.used++
	u.slots[u.last%usageSlots]++
	return nil
}

// spend counts one call, unless the org bears no more of them: now, or today.
func (s *Sim) spend(now time.Time) *apiError {
	e := s.crowded()
	if e == nil {
		e = s.usage.spend(now, s.quota())
	}
	if e != nil {
		s.refusedCalls++
	}
	return e
}

func (s *Sim) quota() int {
	if q := s.gate.Faults().Quota; q > 0 {
		return q
	}
	return defaultQuota + quotaPerUser*len(s.tables["User"].order)
}

func (s *Sim) limitInfo() string {
	return "api-usage=" + strconv.Itoa(s.usage.used) + "/" + strconv.Itoa(s.quota())
}

func (s *Sim) limits() json.RawMessage {
	type limit struct {
		Max, Remaining int
	}
	q := s.quota()
	return mustJSON(map[string]limit{
		"DailyApiRequests":                  {q, max(0, q-s.usage.used)},
		"DailyBulkV2QueryJobs":              {bulkPerDay, bulkPerDay - s.queryJobs(time.Now().UTC())},
		"DailyBulkV2QueryFileStorageMB":     {976_562, 976_562},
		"DailyBulkApiBatches":               {15_000, 15_000},
		"DailyDeliveredPlatformEvents":      {25_000, 25_000},
		"DailyStandardVolumePlatformEvents": {25_000, 25_000},
		"DataStorageMB":                     {10_240, 10_000},
		"FileStorageMB":                     {10_240, 10_000},
	})
}

// Stats implements simhttp.Sim: calls by verb and path, and refusals for quota or concurrency under "429",
// which Salesforce answers as 403 REQUEST_LIMIT_EXCEEDED.
func (s *Sim) Stats() map[string]int {
	stats := maps.Clone(s.gate.Stats())
	s.mu.Lock()
	defer s.mu.Unlock()
	stats["429"] += s.refusedCalls
	return stats
}

// wordFault words the faults that the gate injects as Salesforce would. It sends no Retry-After: Salesforce
// has none.
func (s *Sim) wordFault(w http.ResponseWriter, r *http.Request, fault string) bool {
	w.Header().Del("Retry-After")
	if r.URL.Path == "/services/oauth2/token" {
		return wordTokenFault(w, fault)
	}
	if fault == "504" && strings.HasSuffix(strings.Trim(r.URL.Path, "/"), "/query") && s.wording.Chance(0.5) { // too much to look through
		send(w, refused(&apiError{code: "QUERY_TIMEOUT", message: "Your query request was running for too long."}))
		return true
	}
	var e *apiError
	switch fault {
	case "401":
		e = sessionEnded()
	case "429":
		s.mu.Lock()
		s.refusedCalls++
		s.mu.Unlock()
		e = &apiError{code: "REQUEST_LIMIT_EXCEEDED", message: "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", status: http.StatusForbidden}
	case "500":
		e = &apiError{code: "UNKNOWN_EXCEPTION", message: "An unexpected error occurred. Please include this ErrorId if you contact support: 1234567890-12345 (-1234567890)", status: http.StatusInternalServerError}
	case "503":
		e = &apiError{code: "SERVER_UNAVAILABLE", message: "Server unavailable", status: http.StatusServiceUnavailable}
	default: // 502 and 504 come from the servers in front: no JSON
		status, err := strconv.Atoi(fault)
		if err != nil {
			return false
		}
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = w.Write([]byte("<html><head><title>" + strings.TrimSpace(http.StatusText(status)) + "</title></head><body></body></html>"))
		return true
	}
	if d, _, soap := soapAddress(r.URL.Path); soap {
		sendFault(w, d, &soapFault{e.code, e.message})
	} else {
		send(w, refused(e))
	}
	return true
}

func wordTokenFault(w http.ResponseWriter, fault string) bool {
	status, err := strconv.Atoi(fault)
	if err != nil {
		return false
	}
	if status < 500 {
		status = http.StatusServiceUnavailable // a good log-in is never refused for good
	}
	send(w, reply{status: status, body: mustJSON(map[string]string{"error": "temporarily_unavailable", "error_description": "the authorization server is temporarily unavailable"})})
	return true
}

func versionList() json.RawMessage {
	type entry struct {
		Label   string `json:"label"`
		URL     string `json:"url"`
		Version string `json:"version"`
	}
	seasons := [...]string{"Winter", "Spring", "Summer"}
	var list []entry
	for v := int(firstVersion); v <= int(lastVersion); v++ {
		k := v - 29 // v29 is Winter '14
		year := 14 + k/3
		list = append(list, entry{seasons[k%3] + " '" + strconv.Itoa(year), fmt.Sprintf("/services/data/v%d.0", v), fmt.Sprintf("%d.0", v)})
	}
	return mustJSON(list)
}

// resources lists what lies below a version; identity is where clients of old ask who they are.
func resources(version, identity string) json.RawMessage {
	base := "/services/data/v" + version + "/"
	out := map[string]string{}
	for _, name := range [...]string{"sobjects", "query", "queryAll", "search", "recent", "composite", "limits", "tooling", "jobs"} {
		out[name] = base + name
	}
	out["identity"] = identity
	return mustJSON(out)
}
