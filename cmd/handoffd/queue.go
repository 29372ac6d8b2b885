package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/handoff"
)

// queue is the work that does not go on by itself, or waits.
type queue struct {
	Schema int         `json:"schema"`
	Did    string      `json:"did,omitempty"`     // what was done, in words
	Held   []string    `json:"held_by,omitempty"` // what keeps everything from leaving, and what lets it go
	Items  []queueItem `json:"items"`
}

// The reasons for which something stands in the queue.
const (
	waitsForApproval = "held"        // a first write: `queue approve`
	waitsRefused     = "refused"     // a CRM will not take it: `queue retry` or `queue drop`
	waitsUnanswered  = "unanswered"  // a create whose answer never came: it is looked for
	waitsLater       = "later"       // it failed and is tried again
	waitsQuarantine  = "quarantined" // it cannot be decided: `queue retry` or `queue drop`
	waitsPaused      = "paused"      // writing is paused: `pause --off`
	waitsStopped     = "stopped"     // writing has stopped by itself: `approve`
)

// listQuarantined is the list of what was put aside.
const listQuarantined = "quarantined"

// queueItem is one write, or one record, that is stuck.
type queueItem struct {
	ID      string         `json:"id"`
	Reason  string         `json:"reason"`
	Handoff string         `json:"handoff,omitempty"`
	Conn    string         `json:"conn,omitempty"`
	Record  string         `json:"record"`
	Step    string         `json:"step,omitempty"`
	Since   time.Time      `json:"since"`
	Due     time.Time      `json:"due,omitzero"`
	Tries   int            `json:"tries,omitempty"`
	Text    string         `json:"text,omitempty"` // in the CRM's words
	Set     map[string]any `json:"set,omitempty"`  // of `queue show`

	final bool // there is nothing to try again
}

// queueOrder is what to do with what.
type queueOrder struct {
	Verb string // "list", "show", "approve", "drop", "retry"
	IDs  []string
	All  bool
	By   string
}

func newQueueCommand(s streams) *cobra.Command {
	var o queueOrder
	var format string
	cmd := &cobra.Command{
		Use:   "queue [list | show ID | approve ID… | retry ID… | drop ID…]",
		Short: "What is stuck: first writes, refused writes, records put aside",
		Long: "Work that is stuck or waits for somebody, and what a pause or a safety stop keeps\n" +
			"from leaving. `approve` lets first writes go; `retry`\n" +
			"sends what was refused, or reads and judges anew a record that was put aside;\n" +
			"`drop` gives it up. ID is that of a line of the list, of a handoff for all its\n" +
			"writes, or of a record. Whoever approves, retries or drops stands in the audit\n" +
			"trail.",
		Example: "  handoffd queue\n" +
			"  handoffd queue show eu-portal/contacts/51\n" +
			"  handoffd queue approve --all",
		DisableFlagsInUseLine: true,
		Args:                  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.read(args); err != nil {
				return err
			}
			q := url.Values{"verb": {o.Verb}, "id": o.IDs, "by": {operator()}}
			if o.All {
				q.Set("all", "1")
			}
			o.By = operator()
			var a queue
			err := withState(cmd.Context(), http.MethodPost, "/queue?"+q.Encode(), &a, func(store *bolt.Store) (any, error) {
				return runQueue(cmd.Context(), store, o, time.Now().UTC())
			})
			if err != nil {
				return err
			}
			if format == "table" {
				fmt.Fprintln(s.out, fitting(a.lead()))
			}
			return show(s.out, format, a, a.tables(o.Verb == "show"))
		},
	}
	cmd.Flags().BoolVar(&o.All, "all", false, "everything that the verb is for")
	formatFlag(cmd, &format)
	return cmd
}

// read understands the verb's own arguments.
func (o *queueOrder) read(args []string) error {
	o.Verb = "list"
	if len(args) > 0 {
		o.Verb, o.IDs = args[0], args[1:]
	}
	switch o.Verb {
	case "list":
		if len(o.IDs) > 0 {
			return usageError("queue list takes no id; queue show %s shows one", o.IDs[0])
		}
		return nil
	case "show":
		o.All = o.All || len(o.IDs) == 0
		return nil
	case "approve", "retry":
		if len(o.IDs) == 0 && !o.All {
			return &exitError{code: exitUsage, err: fmt.Errorf("queue %s: say which, or --all", o.Verb), try: "handoffd queue"}
		}
		return nil
	case "drop":
		if len(o.IDs) == 0 {
			return &exitError{code: exitUsage, err: errors.New("queue drop: say which; nothing is dropped wholesale"), try: "handoffd queue"}
		}
		return nil
	}
	return usageError("queue %s: it must be list, show, approve, retry or drop", o.Verb)
}

// serveQueue answers `handoffd queue` over the control socket.
func (d *daemon) serveQueue(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	o := queueOrder{Verb: q.Get("verb"), IDs: q["id"], All: q.Get("all") != "", By: ordererOf(q)}
	a, err := runQueue(r.Context(), d.config.Store, o, d.config.Wall().UTC())
	if err == nil {
		d.decider.Lanes.Ring()
		for _, writer := range d.writers {
			writer.Bell.Ring()
		}
	}
	answer(w)(a, err)
}

// runQueue carries out one order on the state, and answers with what it was
// about: the whole queue for a list.
func runQueue(ctx context.Context, store state.Store, o queueOrder, now time.Time) (queue, error) {
	var a queue
	run := store.View
	if o.Verb != "list" && o.Verb != "show" {
		run = store.Update
	}
	err := run(ctx, func(tx state.Tx) error {
		a = queue{Schema: 1, Items: []queueItem{}}
		all := stuck(tx, now)
		a.Held = heldLines(tx)
		if o.Verb == "list" {
			a.Items = append(a.Items, all...)
			return tx.Err()
		}
		picked, err := o.pick(all)
		if err != nil {
			return err
		}
		for _, i := range picked {
			o.do(tx, i, now)
			if o.Verb == "show" {
				if intent, ok := state.GetIntent(tx, i.ID); ok {
					i.Set = intent.Write.Set
				}
			}
			a.Items = append(a.Items, i)
		}
		a.Did = map[string]string{"approve": "approved", "retry": "tried again", "drop": "given up"}[o.Verb]
		return tx.Err()
	})
	if err != nil {
		return a, fmt.Errorf("queue: %w", err)
	}
	return a, nil
}

// stuck is everything that waits, the longest first.
func stuck(tx state.Tx, now time.Time) []queueItem {
	trial := map[string]bool{}
	for _, c := range state.AllConns(tx) {
		trial[c.Name] = c.First != nil && !c.First.Over
	}
	var out []queueItem
	for _, i := range state.AllIntents(tx) {
		reason := ""
		switch {
		case i.State == state.Parked:
			reason = waitsRefused
		case trial[i.Dest] && !state.Approved(tx, i):
			reason = waitsForApproval
		case i.State == state.Sending && (i.Attempts+i.Looked > 0 || !state.MayWrite(tx, i.Dest)):
			reason = waitsUnanswered
		case i.Due.After(now) && i.Error != "":
			reason = waitsLater
		default:
			if reason = heldReason(tx, i); reason == "" {
				continue
			}
		}
		item := queueItem{
			ID: i.Write.Key, Reason: reason, Handoff: i.Handoff, Conn: i.Dest, Step: i.Step, Record: i.Write.Ref.String(),
			Since: i.Created, Due: i.Due, Tries: i.Attempts, Text: i.Error,
		}
		if i.Write.Creates() {
			item.Record = i.Dest + "/" + string(i.Write.Ref.Kind) + " (to be made)"
		}
		out = append(out, item)
	}
	for _, l := range state.AllListings(tx) {
		if l.List == listQuarantined {
			out = append(out, asideItem(tx, l))
		}
	}
	slices.SortStableFunc(out, func(a, b queueItem) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) })
	return out
}

// asideItem is something that was put aside. Of a timer it is said what for.
func asideItem(tx state.Tx, l state.Listing) queueItem {
	i := queueItem{
		ID: l.Subject, Reason: waitsQuarantine, Record: l.Subject, Since: l.First, Tries: l.Count, Text: l.Text, final: !triable(tx, l.Subject),
	}
	if aside, ok := state.GetAside(tx, l.Subject); ok && aside.Timer != nil {
		i.Handoff, i.Step = aside.Timer.Handoff, "timer "+aside.Timer.Clock
		if h, ok := state.GetHandoff(tx, i.Handoff); ok {
			i.Record = h.Record.String()
		}
	}
	return i
}

// pick is what an order is about. An id nobody knows is an error, and so is one
// that the verb does nothing to.
func (o queueOrder) pick(all []queueItem) ([]queueItem, error) {
	fit := func(i queueItem) bool {
		switch o.Verb {
		case "approve":
			return i.Reason == waitsForApproval
		case "retry":
			return i.Reason == waitsRefused || i.Reason == waitsQuarantine && !i.final || i.Reason == waitsLater
		case "drop":
			return i.Reason != waitsUnanswered
		}
		return true
	}
	var out []queueItem
	for _, i := range all {
		if o.All && fit(i) {
			out = append(out, i)
		}
	}
	for _, id := range o.IDs {
		known := false
		for _, i := range all {
			if i.ID != id && i.Handoff != id && i.Record != id {
				continue
			}
			known = true
			if fit(i) && !slices.ContainsFunc(out, func(o queueItem) bool { return o.ID == i.ID }) {
				out = append(out, i)
			}
		}
		if !known {
			return nil, &exitError{code: exitWrong, err: fmt.Errorf("nothing in the queue is called %q", id), try: "handoffd queue"}
		}
	}
	if len(out) == 0 && !o.All {
		return nil, &exitError{code: exitWrong, err: fmt.Errorf("there is nothing to %s about it", o.Verb), try: "handoffd queue"}
	}
	return out, nil
}

// do carries an order out for one thing.
func (o queueOrder) do(tx state.Tx, i queueItem, now time.Time) {
	switch {
	case o.Verb == "approve":
		state.PutApproval(tx, state.Approval{ID: cmp.Or(i.Handoff, i.ID), By: o.By, At: now})
	case o.Verb == "retry" && i.Reason == waitsQuarantine:
		lookAgain(tx, i, now)
	case o.Verb == "retry":
		intent, _ := state.GetIntent(tx, i.ID)
		intent.State, intent.Due, intent.Attempts, intent.Error, intent.Class, intent.ReadAt = state.Ready, now, 0, "", "", time.Time{}
		state.PutIntent(tx, intent)
		track(tx, intent, handoff.Sent, "", now)
	case o.Verb == "drop" && i.Reason == waitsQuarantine:
		if aside, ok := state.GetAside(tx, i.ID); ok && !aside.Deadly {
			state.DropAside(tx, i.ID) // what is deadly is passed over until its day is out
		}
		state.DropListing(tx, listQuarantined, i.ID)
	case o.Verb == "drop":
		intent, _ := state.GetIntent(tx, i.ID)
		state.DropIntent(tx, i.ID)
		track(tx, intent, handoff.Refused, "given up by "+o.By, now)
	default:
		return
	}
	state.AppendAudit(tx, state.AuditRow{
		At: now, Actor: o.By, Action: "queue " + o.Verb, Subject: cmp.Or(i.Handoff, i.ID),
		Detail: map[string]string{"step": i.Step, "record": i.Record, "reason": i.Reason},
	})
}

// lookAgain hands what was put aside to the lanes once more, whatever has put it
// there: a record is read and judged anew, a timer is due at once.
func lookAgain(tx state.Tx, i queueItem, now time.Time) {
	aside, _ := state.GetAside(tx, i.ID)
	if aside.Timer != nil {
		timer := *aside.Timer
		timer.Due = now
		state.SetTimer(tx, timer)
	} else if ref, err := connectors.ParseRef(i.ID); err == nil {
		state.AppendInbox(tx, state.Change{
			Change: connectors.Change{Ref: ref, EventID: "retry " + i.ID + " " + now.Format(time.RFC3339Nano)}, Via: "reread", Came: now,
		})
	}
	state.DropAside(tx, i.ID)
	state.DropListing(tx, listQuarantined, i.ID)
}

// triable reports whether something that was put aside can be looked at again:
// a record by reading it, a timer that was kept. What was asked for once, like
// an order or the answer to a write, has passed.
func triable(tx state.Tx, name string) bool {
	if aside, ok := state.GetAside(tx, name); ok && aside.Timer != nil {
		return true
	}
	ref, err := connectors.ParseRef(name)
	return err == nil && ref.Kind != connectors.Task && ref.Kind != "undo"
}

// track notes on a handoff how far one of its writes has gone.
func track(tx state.Tx, i state.Intent, to, why string, now time.Time) {
	h, ok := state.GetHandoff(tx, i.Handoff)
	e, tracked := h.Effects[i.Step]
	if !ok || !tracked || e.Key != i.Write.Key {
		return
	}
	e.State, e.Error, e.At = to, why, now
	state.PutHandoff(tx, handoff.Track(h, i.Step, e))
}

// lead is what a person reads first.
func (q queue) lead() string {
	held := 0
	for _, i := range q.Items {
		if i.Reason == waitsForApproval {
			held++
		}
	}
	text := fmt.Sprintf("%d waiting.", len(q.Items))
	switch {
	case q.Did != "":
		text = fmt.Sprintf("%d %s.", len(q.Items), q.Did)
	case len(q.Items) == 0 && len(q.Held) == 0:
		text = "Nothing is stuck."
	case held > 0:
		text += fmt.Sprintf(" %d of them are first writes: `handoffd queue approve ID…` or `--all` lets them go.", held)
	}
	return strings.Join(append(slices.Clone(q.Held), text), "\n") + "\n"
}

func (q queue) tables(whole bool) []table {
	t := table{head: []string{"reason", "step", "record", "since", "tries", "text", "handoff", "id"}, said: []int{5}, below: []int{6, 7}}
	for _, i := range q.Items {
		t.add(i.Reason, i.Step, i.Record, when(i.Since), i.Tries, i.Text, i.Handoff, i.ID)
	}
	out := []table{t}
	for _, i := range q.Items {
		if !whole || len(i.Set) == 0 {
			continue
		}
		set := table{title: i.Step + " of " + i.Record, head: []string{"field", "value"}}
		var names []string
		for name := range i.Set {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			set.add(name, strings.ReplaceAll(text(i.Set[name]), "\n", " / "))
		}
		out = append(out, set)
	}
	return out
}
