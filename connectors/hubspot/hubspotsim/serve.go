package hubspotsim

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// call is one request being answered.
type call struct {
	s           *Sim
	w           http.ResponseWriter
	r           *http.Request
	body        []byte
	query       url.Values
	now         time.Time
	kind        appKind
	by          source
	correlation string
	version     string   // "2026-09", "2026-03", "v3" or "v4"
	rest        []string // the path behind the family and version
}

// maxURL is how long a request line may be before the edge answers 414.
const maxURL = 16_000

// dated are the versions that this portal answers by date.
func dated(v string) bool { return v == "2026-09" || v == "2026-03" }

func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead { // answered as a GET, whose body the server leaves out
		r = r.Clone(r.Context())
		r.Method = http.MethodGet
	}
	c := &call{s: s, w: w, r: r, query: r.URL.Query(), now: stamp(), correlation: uuid(s.traces)}
	if len(r.URL.RequestURI()) > maxURL {
		c.write(nil, refuse(http.StatusRequestURITooLong, "", "URI Too Long"))
		return
	}
	var err error
	if c.body, err = io.ReadAll(r.Body); err != nil {
		c.write(nil, invalid("the body could not be read"))
		return
	}
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case isInstallation(path):
		s.install(w, r, path, c.now)
		return
	case path[0] == "oauth":
		c.write(c.oauth(path[1:]))
		return
	}
	if s.refusedAtTheEdge(r) {
		edgePage(w, "530")
		return
	}
	var bad *apiError
	if c.kind, bad = s.authenticate(r, c.now); bad != nil {
		c.write(nil, bad)
		return
	}
	c.by = s.apiBy(c.kind)
	family := c.resolve(path)
	if bad := s.limits.admit(w.Header(), family, path, c.kind, s.Faults().Quota, c.now, c.correlation); bad != nil {
		c.write(nil, bad)
		return
	}
	handle, known := families[family]
	if !known {
		c.write(nil, refuse(http.StatusNotFound, "", "Unable to find an endpoint for "+r.URL.Path))
		return
	}
	c.carryOut(family, handle)
}

// carryOut does what an admitted call asks for, unless the network or the portal's state is in the way.
func (c *call) carryOut(family string, handle func(*call) (*reply, *apiError)) {
	c.s.mu.Lock()
	edge, applied := c.edge()
	var out *reply
	var bad *apiError
	if edge == "" || applied {
		if bad = c.troubled(family); bad == nil {
			bad = c.allowed(family)
		}
		if bad == nil {
			out, bad = handle(c)
		}
		applied = bad == nil && changes(c.r)
	}
	c.s.mu.Unlock()
	if applied {
		simhttp.Applied(c.w)
	}
	if edge != "" {
		edgePage(c.w, edge)
		return
	}
	c.write(out, bad)
}

// changes says whether a call that succeeded has written something: everything but reads and searches.
func changes(r *http.Request) bool {
	if r.Method == http.MethodGet {
		return false
	}
	return !strings.HasSuffix(r.URL.Path, "/search") && !strings.HasSuffix(r.URL.Path, "/batch/read")
}

// resolve finds the family a path belongs to and leaves version and rest in the call. Both
// /crm/objects/2026-09/contacts and /crm/v3/objects/contacts are the family "objects".
func (c *call) resolve(path []string) string {
	if path[0] == "account-info" && len(path) > 2 && (dated(path[1]) || path[1] == "v3") {
		c.version, c.rest = path[1], path[2:]
		return "account-info"
	}
	if path[0] == "automation" && len(path) > 2 && (dated(path[1]) || path[1] == "v4") && path[2] == "flows" {
		c.version, c.rest = path[1], path[3:]
		return "automation"
	}
	if path[0] == "webhooks" && len(path) > 3 && path[1] == "v3" {
		c.version, c.rest = path[1], path[3:]
		return "webhooks"
	}
	if strings.Join(path, "/") == "integrations/v1/me" {
		return "me"
	}
	if path[0] == "crm-object-schemas" && len(path) > 2 && (path[1] == "v3" || dated(path[1])) && path[2] == "schemas" {
		c.version, c.rest = path[1], path[3:]
		return "schemas"
	}
	if path[0] != "crm" || len(path) < 3 {
		return ""
	}
	c.rest = path[3:]
	labels := path[1] == "associations" && path[2] == "v4" && len(path) > 5 && path[5] == "labels"
	if dated(path[2]) || labels { // a date stands behind the family, a number before it; v4's labels have both forms
		c.version = path[2]
		return path[1]
	}
	family := path[2]
	switch c.version = path[1]; {
	case c.version == "v3":
	case c.version == "v4" && family == "associations":
	case c.version == "v4" && family == "objects":
	default:
		return ""
	}
	return family
}

var families = map[string]func(*call) (*reply, *apiError){
	"objects":      (*call).objects,
	"associations": (*call).associations,
	"properties":   (*call).properties,
	"pipelines":    (*call).pipelines,
	"owners":       (*call).owners,
	"account-info": (*call).account,
	"automation":   (*call).flows,
	"schemas":      (*call).schemas,
	"me":           (*call).me,
	"webhooks":     (*call).developer,
	"lists":        (*call).lists,
}

func (c *call) methodNotAllowed() *apiError {
	return refuse(http.StatusMethodNotAllowed, "", c.r.Method+" is not allowed here")
}

// archived says that the recycle bin is asked for, in any case of letters: Python's clients send "True".
func (c *call) archived() bool { return strings.EqualFold(c.query.Get("archived"), "true") }

// list reads a list of the query: repeated, separated by commas, or both.
func (c *call) list(name string) []string {
	var out []string
	for _, v := range c.query[name] {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// account answers /account-info.
func (c *call) account() (*reply, *apiError) {
	if c.r.Method != http.MethodGet {
		return nil, c.methodNotAllowed()
	}
	switch strings.Join(c.rest, "/") {
	case "details":
		_, offset := c.now.In(c.s.zone).Zone()
		return ok(map[string]any{
			"portalId": c.s.portal, "accountType": "STANDARD", "timeZone": portalZone,
			"companyCurrency": "USD", "additionalCurrencies": []string{},
			"utcOffset": offsetText(offset), "utcOffsetMilliseconds": offset * 1000,
			"uiDomain": "app.hubspot.com", "dataHostingLocation": "na1",
		}), nil
	case "api-usage/daily/private-apps":
		used, limit, resets := c.s.limits.usage(c.s.Faults().Quota, c.now)
		return ok(map[string]any{"results": []any{map[string]any{
			"name": "private-apps-api-calls-daily", "usageLimit": limit, "currentUsage": used,
			"collectedAt": moment(c.now), "fetchStatus": "SUCCESS", "resetsAt": moment(resets),
		}}}), nil
	}
	return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
}

func offsetText(seconds int) string {
	return time.Unix(0, 0).In(time.FixedZone("", seconds)).Format("-07:00")
}
