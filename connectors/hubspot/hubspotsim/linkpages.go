package hubspotsim

import (
	"fmt"
	"slices"
	"strconv"
)

// How many associations of one record and kind a page has: beside the record itself and in a batch of v3, which has
// no way to ask for more, and where associations are what is asked for.
const (
	maxLinksBeside = 100
	maxLinksPage   = 500
)

// pageOfLinks is the page of rows that begins with the record after, blank for the first, and the record that the
// next one begins with. The rows of one record stay together.
func pageOfLinks[T any](rows []T, id func(T) string, after string, limit int) (page []T, next string) {
	from := 0
	if after != "" {
		at, _ := strconv.ParseUint(after, 10, 64) // read before: asked for by number
		if from = slices.IndexFunc(rows, func(row T) bool {
			n, err := strconv.ParseUint(id(row), 10, 64)
			return err == nil && n >= at
		}); from < 0 {
			from = len(rows)
		}
	}
	to := min(from+limit, len(rows))
	for to > from && to < len(rows) && id(rows[to]) == id(rows[to-1]) {
		to++
	}
	if to < len(rows) {
		next = id(rows[to])
	}
	return rows[from:to], next
}

func linkID(l linkView) string { return l.ID }

func typedID(row map[string]any) string { return fmt.Sprint(row["toObjectId"]) }

// linksGoOn says where a record's associations to a kind go on; nil: nowhere.
func (c *call) linksGoOn(rec *record, to *object, next string) *pageNext {
	if next == "" {
		return nil
	}
	return &pageNext{nextPage{After: next, Link: "https://api.hubapi.com/crm/v3/objects/" + rec.of.typeID + "/" + rec.id + "/associations/" + to.typeID + "?after=" + next}}
}

// linkCursor reads limit, 500 by default, and after of a reading of one record's associations.
func (c *call) linkCursor() (limit int, after string, bad *apiError) {
	limit = maxLinksPage
	if v := c.query.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > maxLinksPage {
			return 0, "", invalid("limit must be between 1 and 500")
		}
		limit = n
	}
	return limit, c.query.Get("after"), badLinkCursor(c.query.Get("after"))
}

// badLinkCursor refuses a cursor that no page can have named.
func badLinkCursor(after string) *apiError {
	if _, err := strconv.ParseUint(after, 10, 64); after != "" && err != nil {
		return invalid("after is not a valid paging cursor")
	}
	return nil
}

// pageOfAssociations answers GET .../{type}/{id}/associations/{to}, in the words of v3 or of those after it.
func (c *call) pageOfAssociations(rec *record, to *object) (*reply, *apiError) {
	limit, after, bad := c.linkCursor()
	if bad != nil {
		return nil, bad
	}
	var rows any
	var next string
	if c.version == "v3" {
		rows, next = pageOfLinks(c.legacyLinks(rec, to), linkID, after, limit)
	} else {
		rows, next = pageOfLinks(c.typed(rec, to), typedID, after, limit)
	}
	body := map[string]any{"results": rows}
	if next != "" {
		body["paging"] = pageNext{nextPage{After: next, Link: c.nextLink(next)}}
	}
	return ok(body), nil
}
