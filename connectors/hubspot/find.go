package hubspot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// Exact implements connectors.Finder: the portal has a unique property for our
// key on that kind. False until the schema was read once.
func (c *Connector) Exact(kind connectors.Kind) bool {
	info, ok := infoOf(kind)
	if !ok {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.schemas[info.path]
	return s != nil && s.unique(keyProperty)
}

// Find implements connectors.Finder: by the unique property where there is
// one, else by the marker in the tasks associated with its records, else, for a
// contact, by e-mail address.
func (c *Connector) Find(ctx context.Context, writes []connectors.Write) ([]connectors.Ref, error) {
	out := make([]connectors.Ref, len(writes))
	schemas, err := c.schemasFor(ctx, writes)
	if err != nil {
		return nil, err
	}
	exact := make(map[string][]int)
	marked := make(map[string][]int) // by the paths of the records the task belongs to
	var byEmail []int
	for i, w := range writes {
		info, ok := infoOf(w.Ref.Kind)
		switch paths := anchorPaths(w); {
		case !ok:
		case w.Key != "" && schemas[info.path].unique(keyProperty):
			exact[info.path] = append(exact[info.path], i)
		case info.path == string(tasks) && w.Key != "" && len(paths) > 0:
			for _, path := range paths {
				marked[path] = append(marked[path], i)
			}
		case w.Ref.Kind == contacts && emailOf(w) != "":
			byEmail = append(byEmail, i)
		}
	}
	for _, kind := range kinds() {
		if err := c.findExact(ctx, kind, writes, exact[string(kind)], out); err != nil {
			return nil, err
		}
		if err := c.findMarked(ctx, kind, writes, marked[string(kind)], out); err != nil {
			return nil, err
		}
	}
	return out, c.findByEmail(ctx, writes, byEmail, out)
}

// anchors are the records, under one path, through which a task is found again:
// all of its links, for it may have been made without some of them.
func anchors(w connectors.Write, path string) (ids []string) {
	for _, link := range w.Links {
		if info, ok := infoOf(link.Kind); ok && link.ID != "" && info.path == path {
			ids = append(ids, link.ID)
		}
	}
	return ids
}

// anchorPaths are the paths, each once, under which a task has such records.
func anchorPaths(w connectors.Write) (paths []string) {
	for _, kind := range kinds() {
		if plain, _ := linkTypes(string(tasks), string(kind)); plain != 0 && len(anchors(w, string(kind))) > 0 {
			paths = append(paths, string(kind))
		}
	}
	return paths
}

func emailOf(w connectors.Write) string {
	s, _ := w.Set["email"].(string)
	return strings.ToLower(strings.TrimSpace(s))
}

func (c *Connector) findExact(ctx context.Context, kind connectors.Kind, writes []connectors.Write, at []int, out []connectors.Ref) error {
	info, _ := infoOf(kind)
	for chunk := range slices.Chunk(at, batchSize) {
		keys := make([]string, len(chunk))
		for i, n := range chunk {
			keys[i] = writes[n].Key
		}
		slices.Sort(keys)
		rows, failed, err := c.readBatch(ctx, "find", info, keyProperty, slices.Compact(keys), []string{keyProperty})
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		for i := range rows {
			for _, n := range chunk {
				if rows[i].Properties[keyProperty] == writes[n].Key {
					out[n] = c.ref(writes[n].Ref.Kind, string(rows[i].ID))
				}
			}
		}
	}
	return nil
}

func (c *Connector) findMarked(ctx context.Context, from connectors.Kind, writes []connectors.Write, at []int, out []connectors.Ref) error {
	at = slices.DeleteFunc(at, func(n int) bool { return !out[n].IsZero() }) // found on a record of another kind
	return c.eachMarked(ctx, from, writes, at, nil, func(n int, task *row) {
		// Should there be two, the older one is the one.
		if out[n].IsZero() || numericLess(string(task.ID), out[n].ID) {
			out[n] = c.ref(writes[n].Ref.Kind, string(task.ID))
		}
	})
}

// eachMarked reads the tasks of the records, of one kind, that writes belong to,
// with further properties, and yields those that carry the key of one of them in
// their body. at are the writes that are looked for.
func (c *Connector) eachMarked(ctx context.Context, from connectors.Kind, writes []connectors.Write, at []int, further []string, yield func(n int, task *row)) error {
	if len(at) == 0 {
		return nil
	}
	var on []string
	for _, n := range at {
		on = append(on, anchors(writes[n], string(from))...)
	}
	slices.Sort(on)
	ids, err := c.tasksOf(ctx, from, slices.Compact(on))
	if err != nil {
		return err
	}
	info, _ := infoOf(tasks)
	for chunk := range slices.Chunk(ids, batchSize) {
		rows, failed, err := c.readBatch(ctx, "find", info, "", chunk, append([]string{bodyProperty}, further...))
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		for i := range rows {
			key := markedKey(rows[i].Properties[bodyProperty])
			for _, n := range at {
				if key == writes[n].Key {
					yield(n, &rows[i])
				}
			}
		}
	}
	return nil
}

// associationInput asks for one record's associations, from a place on.
type associationInput struct {
	ID    string `json:"id"`
	After string `json:"after,omitempty"`
}

// associationRead is the body of an associations batch/read.
type associationRead struct {
	Inputs []associationInput `json:"inputs"`
}

// associations is its answer. HubSpot has no other way to read them: the call
// for one record's is not in 2026-09.
type associations struct {
	Results []struct {
		From struct {
			ID id `json:"id"`
		} `json:"from"`
		To     []associated `json:"to"`
		Paging paging       `json:"paging"`
	} `json:"results"`
	Errors []problem `json:"errors"`
}

type associated struct {
	ID    id `json:"toObjectId"`
	Types []struct {
		ID    int    `json:"typeId"`
		Label string `json:"label"`
	} `json:"associationTypes"`
}

func (a associated) has(typeID int) bool {
	for _, t := range a.Types {
		if t.ID == typeID {
			return true
		}
	}
	return false
}

// associationsFailed is the first error that is not "none there": having no
// association is reported as not found.
func (c *Connector) associationsFailed(answer *associations, op string) *connectors.Error {
	for i := range answer.Errors {
		if cerr := c.rowError(&answer.Errors[i], op, false); cerr.Class != connectors.NotFound {
			return cerr
		}
	}
	return nil
}

// tasksOf is the ids of all tasks associated with the records, sorted.
func (c *Connector) tasksOf(ctx context.Context, from connectors.Kind, ids []string) ([]string, error) {
	var out []string
	path := fmt.Sprintf("/crm/associations/%s/%s/tasks/batch/read", c.version, from)
	err := c.associated(ctx, "find", "read the tasks of a record", path, ids, func(_ string, to associated) {
		out = append(out, string(to.ID))
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// associated asks for the associations of many records, a thousand in a call,
// and once more for each that has more of them than a page.
func (c *Connector) associated(ctx context.Context, purpose, op, path string, ids []string, each func(from string, to associated)) error {
	const inputs = 1000 // of an associations batch/read
	asks := make([]associationInput, len(ids))
	for i, one := range ids {
		asks[i] = associationInput{ID: one}
	}
	for len(asks) > 0 {
		chunk := asks[:min(len(asks), inputs)]
		asks = asks[len(chunk):]
		var answer associations
		if err := c.read(ctx, purpose, op, http.MethodPost, path, nil, associationRead{chunk}, &answer); err != nil {
			return err
		}
		if failed := c.associationsFailed(&answer, op); failed != nil {
			return failed
		}
		for _, r := range answer.Results {
			for _, to := range r.To {
				each(string(r.From.ID), to)
			}
			if next := (associationInput{string(r.From.ID), string(r.Paging.Next.After)}); next.After != "" && !slices.Contains(chunk, next) {
				asks = append(asks, next)
			}
		}
	}
	return nil
}

func (c *Connector) findByEmail(ctx context.Context, writes []connectors.Write, at []int, out []connectors.Ref) error {
	questions := make([]connectors.Question, len(at))
	for i, n := range at {
		questions[i] = connectors.Question{Kinds: []connectors.Kind{contacts}, Field: "email", Value: emailOf(writes[n])}
	}
	found, err := c.locate(ctx, "find", questions, nil)
	if err != nil {
		return err
	}
	for i, n := range at {
		if len(found[i]) > 0 {
			out[n] = found[i][0].Ref
		}
	}
	return nil
}
