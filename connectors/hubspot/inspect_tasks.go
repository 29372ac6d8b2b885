package hubspot

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// inspectTaskKey tells which promise holds about doubled tasks. HubSpot's
// documentation does not say that tasks may have a unique property, so only
// the proof is believed.
func (c *Connector) inspectTaskKey(ctx context.Context, q connectors.Inspection) ([]connectors.Finding, error) {
	info, _ := infoOf(tasks)
	s, err := c.schemaOf(ctx, info)
	if err != nil {
		return nil, err
	}
	f := connectors.Finding{Code: "task-key", Subject: "tasks." + keyProperty}
	const fix = "make a text property " + keyProperty + " for tasks that requires unique values; a property that exists cannot be made unique later"
	switch {
	case !s.known:
		f.Level, f.Text, f.Fix = connectors.Unseen, "the tasks' properties cannot be read", "grant crm.objects.contacts.read"
	case s.fields[keyProperty] == nil:
		f.Level, f.Text, f.Fix = connectors.Warning, "duplicate protection is reduced: a lost answer is settled by a marker in the task's body, so a task can stand there twice until the next poll", fix
	case !s.unique(keyProperty):
		f.Level, f.Text, f.Fix = connectors.Warning, "the property is there but does not require unique values, so HubSpot would take a second task with the same key", "archive the property and make it anew: "+fix
	case !q.Probe:
		f.Level, f.Text, f.Fix = connectors.Notice, "the property requires unique values, by its description; nobody has tried", "run doctor with --probe: it makes two tasks with one key and archives them"
	default:
		return c.probeTaskKey(ctx, info, f)
	}
	return []connectors.Finding{f}, nil
}

// probeTaskKey makes two tasks with one key, which HubSpot must refuse, and
// archives what was made.
func (c *Connector) probeTaskKey(ctx context.Context, info kindInfo, f connectors.Finding) ([]connectors.Finding, error) {
	key := "probe-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	var made []string
	var refusals []error
	for range 2 {
		id, err := c.probe(ctx, info, key)
		if err != nil {
			refusals = append(refusals, err)
		} else {
			made = append(made, id)
		}
	}
	left := c.sweep(ctx, info, key, made)
	switch {
	case len(made) == 2:
		f.Level, f.Text = connectors.Failure, "HubSpot took two tasks with one key although the property requires unique values"
		f.Fix = "archive the property: without it handoffd uses a marker in the task's body, which is safer than a promise that does not hold"
	case len(made) == 1 && connectors.ClassOf(refusals[0]) == connectors.Conflict:
		f.Level, f.Text = connectors.Fine, "proved: HubSpot refuses a second task with the same key"
	default:
		f.Level, f.Text, f.Fix = connectors.Unseen, "the proof failed: "+errors.Join(refusals...).Error(), "run doctor with --probe again"
	}
	out := []connectors.Finding{f}
	if len(left) > 0 {
		out = append(out, connectors.Finding{
			Code: "probe-left", Level: connectors.Warning, Subject: "tasks", Text: "throw-away tasks could not be archived: " + strings.Join(left, ", "), Fix: "delete them in HubSpot",
		})
	}
	return out, nil
}

// probe makes one throw-away task. It is done when it is made, so that it
// stands on nobody's list.
func (c *Connector) probe(ctx context.Context, info kindInfo, key string) (id string, err error) {
	body := batchWrite{Inputs: []writeInput{{TraceID: key, Properties: map[string]string{
		keyProperty: key, "hs_task_subject": "handoffd: proof that keys are unique (throw-away)", statusProperty: "COMPLETED",
		dueProperty: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
	}}}}
	const op = "make a throw-away task"
	var answer batch
	if err := c.write(ctx, op, c.objects(info, "/batch/create"), nil, body, &answer); err != nil {
		return "", err
	}
	switch {
	case len(answer.Errors) > 0:
		return "", c.rowError(&answer.Errors[0], op, true)
	case len(answer.Results) != 1 || !isNumber(string(answer.Results[0].ID)):
		return "", &connectors.Error{Class: connectors.Ambiguous, Op: op, Err: errors.New("the answer does not mention the task")}
	}
	return string(answer.Results[0].ID), nil
}

// sweep archives the throw-away tasks, those that nobody told us about too,
// and returns what is left.
func (c *Connector) sweep(ctx context.Context, info kindInfo, key string, made []string) (left []string) {
	rows, _, err := c.readBatch(ctx, "find", info, keyProperty, []string{key}, []string{keyProperty})
	if err == nil { // else what we know of has to do
		for i := range rows {
			if rows[i].Properties[keyProperty] == key {
				made = append(made, string(rows[i].ID))
			}
		}
	}
	for _, id := range sortedUnion(made) {
		if err := c.drop(ctx, info, id); err != nil {
			left = append(left, id)
		}
	}
	return left
}
