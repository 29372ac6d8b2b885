package hubspotsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// portal is a simulator with a client that sends its token.
type portal struct {
	t    testing.TB
	sim  *hubspotsim.Sim
	http *http.Client
}

func newPortal(t testing.TB, cfg hubspotsim.Config) *portal {
	t.Helper()
	if cfg.Seed == 0 {
		cfg.Seed = 7
	}
	sim := hubspotsim.New(cfg)
	carrier := simhttp.Carrier(map[string]http.Handler{"api.hubapi.com": sim})
	return &portal{t, sim, &http.Client{Transport: carrier}}
}

// answer is a response in the shapes the tests look at.
type answer struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

// at reads a value deep in the answer by keys and list positions.
func (a answer) at(path ...any) any {
	var v any = a.body
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

func (a answer) text(path ...any) string {
	v, _ := a.at(path...).(string)
	return v
}

func (a answer) len(path ...any) int {
	l, _ := a.at(path...).([]any)
	return len(l)
}

func (p *portal) do(method, path, body string) answer {
	p.t.Helper()
	return p.as(p.sim.Credentials().Token, method, path, body)
}

func (p *portal) as(token, method, path, body string) answer {
	p.t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(p.t.Context()), method, "https://api.hubapi.com"+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", "application/json")
	if strings.HasPrefix(path, "/oauth") {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := p.http.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	out := answer{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if len(raw) > 0 && bytes.HasPrefix(raw, []byte("{")) {
		if err := json.Unmarshal(raw, &out.body); err != nil {
			p.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
	return out
}

// must is do for a call that has to succeed.
func (p *portal) must(method, path, body string) answer {
	p.t.Helper()
	a := p.do(method, path, body)
	if a.status >= 300 || a.status == http.StatusMultiStatus {
		p.t.Fatalf("%s %s: %d %s", method, path, a.status, a.raw)
	}
	return a
}

// contact creates a contact and returns its id.
func (p *portal) contact(properties string) string {
	p.t.Helper()
	return p.must("POST", "/crm/objects/2026-09/contacts", `{"properties":`+properties+`}`).text("id")
}

// owner returns the id of the owner with an e-mail.
func (p *portal) owner(name string) string {
	p.t.Helper()
	return p.must("GET", "/crm/owners/2026-09?email="+name+"@example.com", "").text("results", 0, "id")
}

// edit makes a person's change.
func (p *portal) edit(op, object, id string, fields map[string]any) string {
	p.t.Helper()
	out, err := p.sim.Edit(simhttp.Edit{CRM: "hubspot", Object: object, Op: op, ID: id, Fields: fields})
	if err != nil {
		p.t.Fatal(err)
	}
	return out["id"]
}

// TestDefaultWorld holds that the world New loads without asking is right, and that a world survives
// being written and loaded again.
func TestDefaultWorld(t *testing.T) {
	t.Parallel()
	empty := newPortal(t, hubspotsim.Config{Empty: true}).sim
	if err := empty.LoadWorld(hubspotsim.DefaultWorld()); err != nil {
		t.Fatal(err)
	}
	full := newPortal(t, hubspotsim.Config{})
	first, err := json.Marshal(full.sim.World())
	if err != nil {
		t.Fatal(err)
	}
	if err := empty.Load(first); err != nil {
		t.Fatal(err)
	}
	second, err := json.Marshal(empty.World())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Errorf("a world loaded again differs:\n%s\n%s", first[:2000], second[:2000])
	}
	for _, who := range []string{"ana", "ben", "cleo", "isla", "dev", "erin", "farah", "gus", "jo", "kim", "morgan", "hugh", "vera", "tomas", "revops"} {
		if full.owner(who) == "" {
			t.Errorf("owner %s is missing", who)
		}
	}
	acme := full.must("POST", "/crm/v3/objects/companies/search",
		`{"filterGroups":[{"filters":[{"propertyName":"domain","operator":"EQ","value":"acme.com"}]}],"properties":["is_named_account","hubspot_owner_id"]}`)
	if acme.text("results", 0, "properties", "is_named_account") != "true" || acme.text("results", 0, "properties", "hubspot_owner_id") != full.owner("ana") {
		t.Errorf("acme.com is not ana's named account: %s", acme.raw)
	}
}
