package hubspot

import (
	"context"
	"net/http"
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/crmhttp"
)

const (
	taskStatusProperty = "hs_task_status"
	taskOwnerProperty  = "hubspot_owner_id"
	taskNotStarted     = "NOT_STARTED"
)

// Copies implements connectors.Healer: by the marker in the tasks associated
// with its records. A task that is no longer open, or is somebody else's, was
// touched.
func (c *Connector) Copies(ctx context.Context, writes []connectors.Write) ([][]connectors.Copy, error) {
	out := make([][]connectors.Copy, len(writes))
	at := map[string][]int{} // by the paths of the records the task belongs to
	for i, w := range writes {
		if task, ok := infoOf(w.Ref.Kind); !ok || task.path != string(tasks) || w.Key == "" {
			continue
		}
		for _, path := range anchorPaths(w) {
			at[path] = append(at[path], i)
		}
	}
	for _, from := range kinds() {
		if err := c.copies(ctx, from, writes, at[string(from)], out); err != nil {
			return nil, err
		}
	}
	for i := range out {
		slices.SortFunc(out[i], func(a, b connectors.Copy) int {
			if numericLess(a.Ref.ID, b.Ref.ID) {
				return -1
			}
			return 1
		})
	}
	return out, nil
}

func (c *Connector) copies(ctx context.Context, from connectors.Kind, writes []connectors.Write, at []int, out [][]connectors.Copy) error {
	return c.eachMarked(ctx, from, writes, at, []string{taskStatusProperty, taskOwnerProperty}, func(n int, task *row) {
		ref := c.ref(writes[n].Ref.Kind, string(task.ID))
		if slices.ContainsFunc(out[n], func(o connectors.Copy) bool { return o.Ref == ref }) {
			return // it is on several of its records
		}
		owner, _ := writes[n].Set[connectors.TaskOwner].(string)
		out[n] = append(out[n], connectors.Copy{
			Ref:     ref,
			Touched: task.Properties[taskStatusProperty] != taskNotStarted || task.Properties[taskOwnerProperty] != owner,
		})
	})
}

// Remove implements connectors.Healer.
func (c *Connector) Remove(ctx context.Context, refs []connectors.Ref) error {
	info, _ := infoOf(tasks)
	for chunk := range slices.Chunk(refs, batchSize) {
		body := struct {
			Inputs []input `json:"inputs"`
		}{}
		for _, ref := range chunk {
			if of, ok := infoOf(ref.Kind); !ok || of.path != info.path {
				return unknownKind("remove", ref.Kind)
			}
			body.Inputs = append(body.Inputs, input{ref.ID})
		}
		_, err := c.http.Do(ctx, crmhttp.Call{
			Purpose: "write", Op: "archive tasks", Method: http.MethodPost, Path: c.objects(info, "/batch/archive"), Body: body,
			Budget: []string{budgetCalls}, Replayable: true,
		})
		if err != nil && connectors.ClassOf(err) != connectors.NotFound {
			return err
		}
	}
	return nil
}
