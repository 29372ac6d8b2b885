package hubspot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// HubSpot keeps each sort of activity as an object type of its own. Tasks and
// meetings are followed: only they say whether a person's to-do is done and
// whether the buyer came. Calls and e-mails, many times as many, are not: the
// counters of the record (work.go) tell of them for nothing. They can be read.
const (
	meetings connectors.Kind = "meetings"
	calls    connectors.Kind = "calls"
	emails   connectors.Kind = "emails"
)

// followed are the sorts that a poll walks, in this order.
func followed() []connectors.Kind { return []connectors.Kind{tasks, meetings} }

// activityInfo is what the adapter knows of a sort of activity.
func activityInfo(sort connectors.Kind) (kindInfo, bool) {
	if !slices.Contains([]connectors.Kind{tasks, meetings, calls, emails}, sort) {
		return kindInfo{}, false
	}
	return kindInfo{path: string(sort), modified: "hs_lastmodifieddate"}, true
}

// activityProperties are those that make an activity: no subject and no body.
// A task's body alone is asked for, since the marker of a task of ours may
// stand in it; nothing else of it is looked at.
func activityProperties(sort connectors.Kind) []string {
	out := []string{"hs_lastmodifieddate", "hs_createdate", dueProperty, ownerProperty, creatorProperty, editorProperty}
	switch sort {
	case tasks:
		out = append(out, statusProperty, "hs_task_completion_date", keyProperty, bodyProperty)
	case meetings:
		out = append(out, "hs_meeting_start_time", "hs_meeting_outcome")
	case calls:
		out = append(out, "hs_call_direction", "hs_call_status")
	case emails:
		out = append(out, "hs_email_direction", "hs_email_status")
	default:
	}
	return out
}

const creatorProperty = "hs_created_by_user_id"

// activityID is the id of an activity: HubSpot's own are unique only within
// their sort.
func activityID(sort connectors.Kind, id string) string { return string(sort) + "-" + id }

// splitActivity is activityID the other way round.
func splitActivity(s string) (sort connectors.Kind, id string, ok bool) {
	before, id, _ := strings.Cut(s, "-")
	_, known := activityInfo(connectors.Kind(before))
	return connectors.Kind(before), id, known && isNumber(id)
}

// activities is one page of what has changed in tasks and meetings: one search
// for each sort, in one window of time, the second when the first is read to
// its end. The zero cursor begins now: what went before is nobody's handoff.
func (c *Connector) activities(ctx context.Context, poll connectors.Poll, about []connectors.Kind) (connectors.Page, error) {
	from := poll.From
	if from.IsZero() || from.Listing {
		from = connectors.Cursor{From: time.Now().UTC().Truncate(time.Millisecond).Add(-c.overlap)}
	}
	if from.Upper.IsZero() {
		from.After, from.Until = "", ""
	}
	sort, last, resumes := splitActivity(from.After)
	if !resumes { // a window's beginning, or damaged
		last, from.Until = "", ""
	}
	var page connectors.Page
	var w walked
	for _, at := range followed() {
		if resumes && at != sort {
			continue // read to its end by an earlier page
		}
		resumes = false
		info, _ := activityInfo(at)
		// A row shows the properties of now, even where the index is late.
		found, err := c.searchWindow(ctx, info, &from, last, pageSize(poll.Limit, searchSize), activityProperties(at))
		if at != tasks && connectors.ClassOf(err) == connectors.Denied {
			break // the app may not see meetings; Inspect says so
		}
		if err != nil {
			return connectors.Page{}, err
		}
		w = found
		objects, err := c.activityObjects(ctx, at, w.rows, about)
		if err != nil {
			return connectors.Page{}, err
		}
		for i := range objects {
			page.Changes = append(page.Changes, c.activityChange(&objects[i]))
		}
		if w.more {
			page.More, page.Next = true, from
			page.Next.After, page.Next.Until = activityID(at, w.last), w.until
			return page, nil
		}
		last, from.Until = "", ""
	}
	page.Next = connectors.Cursor{From: c.nextFrom(from, w)}
	return page, nil
}

// activityChange is a change that brings its object. Its event is another one
// once the activity is linked to more: an association alone does not move the
// row's version.
func (c *Connector) activityChange(o *connectors.Object) connectors.Change {
	return connectors.Change{
		Ref: o.Ref, At: o.ModifiedAt, Object: o,
		EventID: fmt.Sprintf("poll:%s:%s:%s:%s:%d", c.name, o.Ref.Kind, o.Ref.ID, o.Version, len(o.Links)),
	}
}

// readActivities is Read for the kind of activities: one call for each 100 of
// a sort, and those for their links.
func (c *Connector) readActivities(ctx context.Context, ids []string) ([]connectors.Object, error) {
	bySort := map[connectors.Kind][]string{}
	var out []connectors.Object
	for _, one := range ids {
		sort, id, ok := splitActivity(one)
		if !ok { // no such activity can exist
			out = append(out, connectors.Object{Ref: c.ref(connectors.Activity, one), Deleted: true})
			continue
		}
		bySort[sort] = append(bySort[sort], id)
	}
	for _, sort := range []connectors.Kind{tasks, meetings, calls, emails} {
		for chunk := range slices.Chunk(sortedUnion(bySort[sort]), batchSize) {
			found, err := c.readActivityChunk(ctx, sort, chunk)
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
		}
	}
	return out, nil
}

func (c *Connector) readActivityChunk(ctx context.Context, sort connectors.Kind, ids []string) ([]connectors.Object, error) {
	info, _ := activityInfo(sort)
	rows, failed, err := c.readBatch(ctx, "read", info, "", ids, activityProperties(sort))
	if err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	out, err := c.activityObjects(ctx, sort, rows, c.subjects(nil))
	if err != nil {
		return nil, err
	}
	missing := slices.DeleteFunc(slices.Clone(ids), func(one string) bool {
		return slices.ContainsFunc(rows, func(r row) bool { return string(r.ID) == one })
	})
	gone, err := c.confirmGone(ctx, selection{kind: sort, info: info, schema: &schema{}, names: []string{info.modified}}, missing)
	if err != nil {
		return nil, err
	}
	for _, o := range gone {
		if o.Deleted {
			out = append(out, connectors.Object{Ref: c.ref(connectors.Activity, activityID(sort, o.Ref.ID)), Deleted: true})
		}
	}
	return out, nil
}

// activityObjects makes the contract's objects of rows of one sort, with what
// they are about.
func (c *Connector) activityObjects(ctx context.Context, sort connectors.Kind, rows []row, about []connectors.Kind) ([]connectors.Object, error) {
	info, _ := activityInfo(sort)
	out := make([]connectors.Object, len(rows))
	for i := range rows {
		r := &rows[i]
		at := r.modified(info)
		out[i] = connectors.Object{
			Ref: c.ref(connectors.Activity, activityID(sort, string(r.ID))), Version: versionOf(at), CreatedAt: r.CreatedAt.Time,
			ModifiedAt: at, ModifiedBy: c.hand(r.Properties[editorProperty]), Deleted: r.Archived, Fields: c.activityFields(sort, r),
		}
	}
	return out, c.linkActivities(ctx, sort, out, about)
}

// activityFields are an activity in the contract's words.
func (c *Connector) activityFields(sort connectors.Kind, r *row) map[string]any {
	p := r.Properties
	f := map[string]any{connectors.ActType: strings.TrimSuffix(string(sort), "s"), connectors.ActState: "open"}
	at := parseTime(p[dueProperty])
	put := func(word, value string) {
		if value != "" {
			f[word] = value
		}
	}
	switch sort {
	case tasks:
		put(connectors.ActKey, taskKey(r))
		switch p[statusProperty] {
		case "IN_PROGRESS", "WAITING":
			f[connectors.ActState] = "started"
		case "DEFERRED":
			f[connectors.ActState] = "deferred"
		case "COMPLETED":
			f[connectors.ActState] = "done"
			if done := parseTime(p["hs_task_completion_date"]); !done.IsZero() {
				at = done
			}
		}
	case meetings:
		if start := parseTime(p["hs_meeting_start_time"]); !start.IsZero() {
			at = start
		}
		f[connectors.ActState] = meetingState(p["hs_meeting_outcome"], !at.After(time.Now()))
		put(connectors.ActOutcome, meetingOutcome(p["hs_meeting_outcome"]))
	case calls:
		f[connectors.ActState] = sentState(p["hs_call_status"], !at.After(time.Now()))
		put(connectors.ActTowards, towards(p["hs_call_direction"]))
	case emails:
		f[connectors.ActState] = sentState(p["hs_email_status"], !at.After(time.Now()))
		put(connectors.ActTowards, towards(p["hs_email_direction"]))
	default:
	}
	if !at.IsZero() {
		f[connectors.ActAt] = at.Format(time.RFC3339Nano)
	}
	made := parseTime(p["hs_createdate"])
	if made.IsZero() {
		made = r.CreatedAt.Time
	}
	if !made.IsZero() {
		f[connectors.ActMade] = made.UTC().Format(time.RFC3339Nano)
	}
	put(connectors.ActOwner, p[ownerProperty])
	put(connectors.ActMadeBy, c.ownerOf(p[creatorProperty]))
	return f
}

// taskKey is the key of a task that handoffd made.
func taskKey(r *row) string {
	if key := r.Properties[keyProperty]; key != "" {
		return key
	}
	return markedKey(r.Properties[bodyProperty])
}

// meetingState: an outcome says it; without one a meeting that was logged
// afterwards has happened. One that was scheduled and is past stays open: that
// it was held is for somebody to say (meetings guide, hs_meeting_outcome).
func meetingState(outcome string, past bool) string {
	switch outcome {
	case "COMPLETED":
		return "done"
	case "NO_SHOW", "CANCELED", "RESCHEDULED":
		return "cancelled"
	case "":
		if past {
			return "done"
		}
	case "SCHEDULED":
	default: // an outcome of the portal's own
		if past {
			return "done"
		}
	}
	return "open"
}

func meetingOutcome(outcome string) string {
	switch outcome {
	case "COMPLETED":
		return "held"
	case "NO_SHOW":
		return "no_show"
	case "CANCELED":
		return "cancelled"
	}
	return ""
}

// sentState is that of a call or an e-mail. One that nobody answered is an
// attempt all the same.
func sentState(status string, past bool) string {
	switch status {
	case "CANCELED", "FAILED", "BOUNCED":
		return "cancelled"
	case "SCHEDULED", "SENDING", "QUEUED", "RINGING", "IN_PROGRESS", "CONNECTING", "CALLING_CRM_USER":
		return "open"
	}
	if past {
		return "done"
	}
	return "open"
}

// towards says who reached out to whom.
func towards(direction string) string {
	switch direction {
	case "OUTBOUND", "EMAIL", "FORWARDED_EMAIL":
		return "buyer"
	case "INBOUND", "INCOMING_EMAIL":
		return "us"
	}
	return ""
}
