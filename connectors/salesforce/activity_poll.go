package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// leg is one of the walks that a poll of activities consists of. Each keeps a
// place of its own in the cursor; one that is not named there has been walked
// to the window's end.
type leg struct {
	name  string // in the cursor
	sel   selection
	by    string    // the column that orders it, with the id
	until time.Time // rows beyond are not fetched; zero: none are beyond
	after string    // the last key taken
	stmt  statement
	asked bool
}

// endedLeg walks the meetings that have ended in the window: their end changes
// no stamp, so no other walk would tell of it.
const endedLeg = "Ended"

// endedAhead bounds how far our clock may be behind the org's for the end of a
// meeting to be seen in time.
const endedAhead = 15 * time.Minute

// legs are the walks of a poll of activities: over the tasks, the events, the
// e-mails, as far as the org shows them.
func (o *org) legs(ctx context.Context, p connectors.Poll) ([]leg, *connectors.Error) {
	places, begun := readPlaces(p.From.After)
	var tasks *schema
	var all []leg
	for _, object := range []string{taskObject, eventObject, emailObject} {
		s, err := o.shown(ctx, object, pollSchemaLife)
		if err != nil && err.Class == connectors.Schema {
			continue
		}
		if err != nil {
			return nil, err
		}
		stamp := s.stampColumn()
		if stamp == "" {
			continue
		}
		if object == taskObject {
			tasks = s
		}
		if p.From.Listing {
			stamp = "Id"
		}
		sel := o.chooseActs(s, tasks)
		all = append(all, leg{name: object, sel: sel, by: stamp})
		if object == eventObject && !p.From.Listing && s.has("EndDateTime") && s.has("IsAllDayEvent") {
			all = append(all, leg{name: endedLeg, sel: sel, by: "EndDateTime", until: time.Now().UTC().Add(endedAhead)})
		}
	}
	if len(all) == 0 {
		return nil, &connectors.Error{Class: connectors.Schema, Op: opPoll + " " + string(p.Kind), Err: errors.New("the org shows no tasks, events or e-mails")}
	}
	if begun {
		all = slices.DeleteFunc(all, func(l leg) bool { _, open := places[l.name]; return !open })
	}
	each := max(1, p.Limit/max(1, len(all)))
	for i := range all {
		l := &all[i]
		l.after, l.asked = places[l.name], i < p.Limit
		l.stmt = statement{columns: l.sel.names, object: l.sel.schema.object, where: l.where(p.From), order: l.by + ",Id", limit: each}
		if p.From.Listing {
			l.stmt.order = "Id"
		}
	}
	return all, nil
}

func (l leg) where(from connectors.Cursor) string {
	if from.Listing {
		return listWhere(l.sel, l.after)
	}
	from.After = l.after
	where := followWhere(l.by, from)
	if l.until.IsZero() {
		return where
	}
	return both(both(where, l.by+" <= "+instant(l.until)), "IsAllDayEvent = false")
}

// readPlaces reads the places of the legs; begun: the window is being walked.
func readPlaces(after string) (places map[string]string, begun bool) {
	places = map[string]string{}
	if after == "" {
		return places, false
	}
	for part := range strings.SplitSeq(after, ";") {
		name, key, _ := strings.Cut(part, "=")
		places[name] = key
	}
	return places, true
}

// legRows is what one leg's query answered.
type legRows struct {
	leg  leg
	rows rows
}

// activityPage makes one page of what the legs have found. An e-mail and its
// task are given once, as the e-mail.
func (o *org) activityPage(ctx context.Context, p poll, found []legRows, a answers) (connectors.Page, *connectors.Error) {
	var acts []act
	var open []string
	for _, f := range found {
		some, last, more := f.read(a.asOf)
		acts = append(acts, some...)
		if more {
			open = append(open, f.leg.name+"="+last)
		}
	}
	objs, err := o.once(ctx, purposePoll, opPoll, acts)
	if err != nil {
		return connectors.Page{}, err
	}
	out := connectors.Page{Kind: p.Kind, Changes: make([]connectors.Change, len(objs))}
	for i := range objs {
		out.Changes[i] = connectors.Change{Ref: objs[i].Ref, EventID: actEventID(objs[i]), At: objs[i].ModifiedAt, Object: &objs[i]}
	}
	if p.From.Listing && p.From.After == "" {
		p.From.From = a.asOf.Add(-o.overlap)
	}
	last := strings.Join(open, ";")
	switch {
	case p.From.Listing && last != "":
		out.Next, out.More = p.From, true
		out.Next.After = last
	case p.From.Listing:
		out.Next, out.More = connectors.Cursor{From: p.From.From}, true
	default:
		out.Next, out.More = o.follow(p.From, last != "", last, a), last != ""
	}
	return out, nil
}

// read makes activities of the rows. It returns the last key taken and whether
// more rows can be had now.
func (f legRows) read(now time.Time) (acts []act, last string, more bool) {
	if !f.leg.asked {
		return nil, f.leg.after, true
	}
	last = f.leg.after
	for _, row := range f.rows.Records {
		if end, ok := parseStamp(textOf(row, f.leg.by)); ok && !f.leg.until.IsZero() && end.After(now) {
			return acts, last, false // it has not ended, nor has any that follows
		}
		last = f.leg.key(row)
		if obj, is := f.leg.sel.activity(row, now); is {
			acts = append(acts, act{obj, f.leg.sel.schema.object, idOf(row, "Id")})
		}
	}
	return acts, last, len(f.rows.Records) > 0 && (!f.rows.Done || len(f.rows.Records) >= f.leg.stmt.limit)
}

// key is a row's place in the leg's walk.
func (l leg) key(row map[string]any) string {
	id := idOf(row, "Id")
	if l.by == "Id" {
		return id
	}
	at, _ := parseStamp(textOf(row, l.by))
	return joinKey(at.Format(stampLayout), id)
}

// actEventID tells one state of an activity from the next: a meeting's end
// changes nothing in its row.
func actEventID(obj connectors.Object) string {
	h := fnv.New64a()
	if content, err := json.Marshal(obj); err == nil {
		_, _ = h.Write(content) // a hash never fails
	}
	return obj.Ref.String() + "@" + obj.Version + "#" + strconv.FormatUint(h.Sum64(), 36)
}
