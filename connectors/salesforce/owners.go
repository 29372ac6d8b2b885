package salesforce

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// ownersLife is how old what we know of queues may be (C14).
const ownersLife = 15 * time.Minute

// ownership is what queues may own, as last read.
type ownership struct {
	mu     sync.Mutex
	read   time.Time
	queues map[string][]string // queue -> objects
}

// learn keeps QueueSobject rows.
func (w *ownership) learn(rows []map[string]any, now time.Time) {
	queues := map[string][]string{}
	for _, row := range rows {
		queue, _ := row["QueueId"].(string)
		object, _ := row["SobjectType"].(string)
		if id, ok := normalizeID(queue); ok {
			queues[id] = append(queues[id], object)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.read, w.queues = now, queues
}

// known is what the queues may own, false if that is too long ago.
func (w *ownership) known(now time.Time) (map[string][]string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.queues, !w.read.IsZero() && now.Sub(w.read) < ownersLife
}

func queueObjects() query {
	return query{statement{columns: []string{"QueueId", "SobjectType"}, object: "QueueSobject", order: "Id"}, false}
}

const queuePrefix = "00G"

// ownersFit refuses, before anything is sent, what a queue cannot own: the
// org's own words for it differ from case to case and help nobody. Contacts,
// accounts and opportunities belong to people in every org; the rest is the
// admin's list in each queue.
func (o *org) ownersFit(ctx context.Context, op *operation) *connectors.Error {
	owner, _ := op.body["OwnerId"].(string)
	if !strings.HasPrefix(owner, queuePrefix) {
		return nil
	}
	refuse := func(text string) *connectors.Error {
		e := invalid(text)
		e.Fields = []string{"OwnerId"}
		return e
	}
	switch connectors.Kind(op.schema.object) {
	default:
	case Contact, Account, Opportunity:
		return refuse("no queue can own records of " + op.schema.object + "; name a person")
	}
	queues, fresh := o.owns.known(time.Now())
	if !fresh {
		found, errs, err := o.queries(ctx, purposeRead, "read what queues may own", []query{queueObjects()})
		if err != nil || errs[0] != nil {
			return nil //nolint:nilerr // not to be seen: the org decides
		}
		o.owns.learn(found[0], time.Now())
		queues, _ = o.owns.known(time.Now())
	}
	if objects, exists := queues[owner]; exists && !slices.Contains(objects, op.schema.object) {
		return refuse("the queue may not own records of " + op.schema.object + "; add it to the queue's supported objects in Setup")
	}
	return nil
}
