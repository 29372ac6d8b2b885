package salesforcesim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// node is one subrequest of a graph.
func node(ref, method, path, body string) string {
	if body != "" {
		body = `,"body":` + body
	}
	return fmt.Sprintf(`{"referenceId":%q,"method":%q,"url":"/services/data/v60.0/sobjects/%s"%s}`, ref, method, path, body)
}

func graphOf(id string, nodes ...string) string {
	return fmt.Sprintf(`{"graphId":%q,"compositeRequest":[%s]}`, id, strings.Join(nodes, ","))
}

func (c *client) graphs(graphs ...string) answer {
	c.t.Helper()
	return c.do("POST", "composite/graph", `{"graphs":[`+strings.Join(graphs, ",")+`]}`)
}

// TestGraphs: a graph is done whole or not at all, and the next is none the worse for it.
func TestGraphs(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	a := c.graphs(
		graphOf("good", node("acc", "POST", "Account", `{"Name":"Graph"}`), node("con", "POST", "Contact", `{"LastName":"G","AccountId":"@{acc.id}"}`), node("read", "GET", "Contact/@{con.id}?fields=AccountId", "")),
		graphOf("bad", node("a", "POST", "Lead", `{"LastName":"Undone","Company":"C"}`), node("b", "POST", "Lead", `{"LastName":"No company"}`), node("c", "PATCH", "Lead/@{a.id}", `{"Title":"x"}`)),
		graphOf("last", node("a", "POST", "Lead", `{"LastName":"Done","Company":"C"}`)),
	)
	var got struct {
		Graphs []struct {
			GraphID       string
			IsSuccessful  bool
			GraphResponse struct {
				CompositeResponse []struct {
					HTTPStatusCode int
					ReferenceID    string
				}
			}
		}
	}
	a.into(t, &got)
	var told []string
	for _, g := range got.Graphs {
		line := fmt.Sprint(g.GraphID, " ", g.IsSuccessful)
		for _, n := range g.GraphResponse.CompositeResponse {
			line += fmt.Sprint(" ", n.ReferenceID, n.HTTPStatusCode)
		}
		told = append(told, line)
	}
	if s := strings.Join(told, ", "); a.Status != http.StatusOK || s != "good true acc201 con201 read200, bad false a400 b400 c400, last true a201" {
		t.Errorf("%d %s", a.Status, s)
	}
	if !strings.Contains(a.Raw, "REQUIRED_FIELD_MISSING") || strings.Count(a.Raw, "PROCESSING_HALTED") != 2 {
		t.Errorf("why: %s", a.Raw)
	}
	if rows := c.rows("SELECT LastName FROM Lead WHERE LastName IN ('Undone', 'Done')"); len(rows) != 1 || rows[0]["LastName"] != "Done" {
		t.Errorf("rows %v", rows)
	}
	if n := len(c.rows("SELECT Id FROM Contact WHERE Account.Name = 'Graph'")); n != 1 {
		t.Errorf("%d contacts", n)
	}
}

func TestGraphLimits(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	many := func(n int, one func(i int) string) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = one(i)
		}
		return out
	}
	lead := func(i int) string {
		return node(fmt.Sprintf("n%d", i), "POST", "Lead", `{"LastName":"L","Company":"C"}`)
	}
	single := func(i int) string { return graphOf(fmt.Sprint("g", i), lead(i)) }
	chain := func(n int) string {
		return graphOf("g", many(n, func(i int) string {
			if i == 0 {
				return node("n0", "POST", "Account", `{"Name":"A"}`)
			}
			return node(fmt.Sprintf("n%d", i), "POST", "Account", fmt.Sprintf(`{"Name":"A","ParentId":"@{n%d.id}"}`, i-1))
		})...)
	}
	for name, tc := range map[string]struct {
		graphs []string
		code   string // empty: 200
	}{
		"75 graphs":         {many(75, single), ""},
		"76 graphs":         {many(76, single), "LIMIT_EXCEEDED"},
		"501 nodes":         {[]string{graphOf("g", many(501, lead)...)}, "LIMIT_EXCEEDED"},
		"15 deep":           {[]string{chain(15)}, ""},
		"16 deep":           {[]string{chain(16)}, "LIMIT_EXCEEDED"},
		"none":              {nil, "REQUIRED_FIELD_MISSING"},
		"an empty graph":    {[]string{graphOf("g")}, "REQUIRED_FIELD_MISSING"},
		"one name twice":    {[]string{single(1), single(1)}, "INVALID_INPUT"},
		"a node's twice":    {[]string{graphOf("g", lead(1), lead(1))}, "INVALID_INPUT"},
		"no name":           {[]string{graphOf("", lead(1))}, "INVALID_INPUT"},
		"a query as a node": {[]string{`{"graphId":"g","compositeRequest":[{"referenceId":"q","method":"GET","url":"/services/data/v60.0/query?q=SELECT+Id+FROM+Lead"}]}`}, "INVALID_INPUT"},
		"16 kinds of nodes": {[]string{graphOf("g", many(16, func(i int) string { return node(fmt.Sprintf("n%d", i), "GET", fmt.Sprintf("Kind%d/x", i), "") })...)}, "LIMIT_EXCEEDED"},
	} {
		if a := c.graphs(tc.graphs...); (tc.code == "") != (a.Status == http.StatusOK) || tc.code != "" && a.code(t) != tc.code {
			t.Errorf("%s: %d %.300s", name, a.Status, a.Raw)
		}
	}
	failing := c.graphs(many(17, func(i int) string { return graphOf(fmt.Sprint("g", i), node("n", "POST", "Lead", `{}`)) })...)
	if failing.Status != http.StatusOK || strings.Count(failing.Raw, "REQUIRED_FIELD_MISSING") != 15 || strings.Count(failing.Raw, "more than 14 graphs have failed") != 2 {
		t.Errorf("failing: %d %s", failing.Status, failing.Raw)
	}
	if a := c.do("POST", "/services/data/v49.0/composite/graph", `{"graphs":[]}`); a.Status != http.StatusNotFound {
		t.Errorf("before they came: %d", a.Status)
	}
}
