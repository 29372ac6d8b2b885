package salesforcesim

import (
	"fmt"
	"net/http"
	"strings"
)

// What a call of /composite/graph may hold at most.
const (
	graphsFrom    = 50.0 // the version that brought them
	maxGraphs     = 75
	maxNodes      = 500
	maxGraphDepth = 15
	maxNodeKinds  = 15 // of version, method and object, in one graph
	maxBadGraphs  = 14 // beyond which the others are not tried
)

type graph struct {
	ID               string       `json:"graphId"`
	CompositeRequest []subrequest `json:"compositeRequest"`
}

type graphAnswer struct {
	ID       string `json:"graphId"`
	Response struct {
		List []subresponse `json:"compositeResponse"`
	} `json:"graphResponse"`
	Good bool `json:"isSuccessful"`
}

// serveGraphs answers /composite/graph: each graph is done whole or not at all, whatever becomes of the others.
func (s *Sim) serveGraphs(c *call) reply {
	if c.number() < graphsFrom {
		return refused(notFound())
	}
	if c.method != http.MethodPost {
		return badMethod(c)
	}
	var in struct {
		Graphs []graph `json:"graphs"`
	}
	if err := decodeObject(c.body, &in); err != nil {
		return refused(err)
	}
	if err := checkGraphs(in.Graphs); err != nil {
		return refused(err)
	}
	answers, applied, bad := make([]graphAnswer, len(in.Graphs)), false, 0
	for i, g := range in.Graphs {
		a := &answers[i]
		a.ID = g.ID
		if bad > maxBadGraphs {
			for _, sub := range g.CompositeRequest {
				a.Response.List = append(a.Response.List, answerSub(sub, refused(&apiError{code: "PROCESSING_HALTED", message: "Processing was halted: more than 14 graphs have failed."})))
			}
			continue
		}
		wrote := false
		if a.Response.List, a.Good, wrote = s.perform(c, g.CompositeRequest, true); !a.Good {
			bad++
		}
		applied = applied || wrote
	}
	return reply{status: http.StatusOK, body: mustJSON(map[string]any{"graphs": answers}), applied: applied}
}

func checkGraphs(graphs []graph) *apiError {
	if len(graphs) == 0 {
		return &apiError{code: "REQUIRED_FIELD_MISSING", message: "At least 1 graph is required", fields: []string{"graphs"}}
	}
	if len(graphs) > maxGraphs {
		return beyond("graphs", len(graphs), maxGraphs)
	}
	nodes, names := 0, map[string]bool{}
	for _, g := range graphs {
		if g.ID == "" || names[g.ID] {
			return &apiError{code: "INVALID_INPUT", message: "graphId is missing or used twice: " + g.ID}
		}
		names[g.ID] = true
		if nodes += len(g.CompositeRequest); nodes > maxNodes {
			return beyond("nodes", nodes, maxNodes)
		}
		if err := g.check(); err != nil {
			return err
		}
	}
	return nil
}

func beyond(what string, n, most int) *apiError {
	return &apiError{code: "LIMIT_EXCEEDED", message: fmt.Sprintf("The request has %d %s, and can't have more than %d.", n, what, most)}
}

// check looks at one graph's names, how long its longest chain of references is, and how many kinds of nodes it has.
// A node is a row: nothing but /sobjects has a place in a graph.
func (g graph) check() *apiError {
	if len(g.CompositeRequest) == 0 {
		return &apiError{code: "REQUIRED_FIELD_MISSING", message: "At least 1 subrequest is required", fields: []string{"compositeRequest"}}
	}
	depths, kinds := map[string]int{}, map[string]bool{}
	for _, sub := range g.CompositeRequest {
		if _, met := depths[sub.ReferenceID]; met || !goodName.MatchString(sub.ReferenceID) {
			return badName(sub)
		}
		path := strings.Split(strings.TrimPrefix(sub.URL, "/services/data/"), "/")
		if len(path) < 3 || path[1] != "sobjects" {
			return &apiError{code: "INVALID_INPUT", message: "The url specified is not supported in a composite graph: " + sub.URL}
		}
		depth := 1
		for _, m := range reference.FindAllStringSubmatch(sub.URL+string(sub.Body), -1) {
			depth = max(depth, depths[m[1]]+1)
		}
		if depth > maxGraphDepth {
			return beyond("levels of references", depth, maxGraphDepth)
		}
		depths[sub.ReferenceID] = depth
		name, _, _ := strings.Cut(path[2], "?")
		if kinds[strings.Join([]string{path[0], sub.Method, strings.ToLower(name)}, " ")] = true; len(kinds) > maxNodeKinds {
			return beyond("different nodes in a graph", len(kinds), maxNodeKinds)
		}
	}
	return nil
}
