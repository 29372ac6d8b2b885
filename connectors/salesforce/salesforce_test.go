package salesforce

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

const simURL = "https://handoffd.my.salesforce.com"

// world is a simulated org with a connector on it.
type world struct {
	t     testing.TB
	sim   *salesforcesim.Sim
	org   *org
	seed  uint64
	calls atomic.Int64
	wrap  func(*http.Request) *http.Response // answers in the simulator's place if not nil
}

// RoundTrip carries requests to the simulator, counting those of the API.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Path, "/services/data/") {
		w.calls.Add(1)
	}
	if w.wrap != nil {
		if resp := w.wrap(r); resp != nil {
			return resp, nil
		}
	}
	return simhttp.Carrier(map[string]http.Handler{r.URL.Host: w.sim}).RoundTrip(r)
}

// known are the credentials of simulated orgs, which follow from the seed. To
// ask for them makes a signing key, which takes long.
var known sync.Map

func credentials(seed uint64) salesforcesim.Credentials {
	c, ok := known.Load(seed)
	if !ok {
		c, _ = known.LoadOrStore(seed, salesforcesim.New(salesforcesim.Config{Seed: seed}).Credentials())
	}
	return c.(salesforcesim.Credentials)
}

func newWorld(t testing.TB, cfg salesforcesim.Config) *world {
	t.Helper()
	if cfg.Seed == 0 {
		cfg.Seed = 7
	}
	w := &world{t: t, sim: salesforcesim.New(cfg), seed: cfg.Seed}
	w.org = w.connect(connectors.Settings{})
	return w
}

// connect makes a connector on the simulated org, with client credentials
// unless s has others.
func (w *world) connect(s connectors.Settings) *org {
	w.t.Helper()
	s.Name, s.Transport = "sf", w
	if s.URL == "" {
		s.URL = simURL
	}
	if s.ClientID == "" && s.Token == "" {
		access := credentials(w.seed)
		s.ClientID, s.ClientSecret = access.ClientID, connectors.Secret(access.ClientSecret)
	}
	c, err := New(s)
	if err != nil {
		w.t.Fatal(err)
	}
	return c.(*org)
}

// counted runs f and returns how many API calls it made, describes aside.
func (w *world) counted(f func()) int64 {
	w.t.Helper()
	schema := w.org.Usage().Calls[purposeSchema]
	before := w.calls.Load()
	f()
	return w.calls.Load() - before - (w.org.Usage().Calls[purposeSchema] - schema)
}

func (w *world) edit(e simhttp.Edit) string {
	w.t.Helper()
	e.CRM = "salesforce"
	out, err := w.sim.Edit(e)
	if err != nil {
		w.t.Fatalf("edit %+v: %v", e, err)
	}
	return out["id"]
}

func (w *world) lead(n int) string {
	w.t.Helper()
	name := "Lead" + strconv.Itoa(n)
	return w.edit(simhttp.Edit{Object: "Lead", Op: "create", Fields: map[string]any{
		"LastName": name, "Company": name + " Ltd", "Email": strings.ToLower(name) + "@example.com",
	}})
}

// soql asks the org behind the connector's back.
func (w *world) soql(q string) []map[string]any {
	w.t.Helper()
	resp, err := w.org.get(w.t.Context(), "test", "test", w.org.data+"/queryAll?q="+url.QueryEscape(q), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	var out rows
	if err := json.Unmarshal(resp.Body, &out); err != nil {
		w.t.Fatal(err)
	}
	return out.Records
}

func (w *world) apply(writes ...connectors.Write) []connectors.Result {
	w.t.Helper()
	results, err := w.org.Apply(w.t.Context(), writes)
	if err != nil {
		w.t.Fatal(err)
	}
	return results
}

func (w *world) read(kind connectors.Kind, fields []string, ids ...string) map[string]connectors.Object {
	w.t.Helper()
	objs, err := w.org.Read(w.t.Context(), kind, ids, fields)
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]connectors.Object{}
	for _, o := range objs {
		out[o.Ref.ID] = o
	}
	return out
}
