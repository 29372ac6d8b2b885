package hubspotsim

import (
	"net/http"
	"strconv"
)

// lists answers GET /crm/v3/lists and /crm/lists/{date}: this portal has none, whichever are asked for.
func (c *call) lists() (*reply, *apiError) {
	if len(c.rest) > 0 || c.r.Method != http.MethodGet {
		return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
	}
	for _, id := range c.list("listIds") {
		if _, err := strconv.Atoi(id); err != nil {
			return nil, invalid("listIds are numbers, not " + id + ".")
		}
	}
	return ok(map[string]any{"lists": []any{}}), nil
}
