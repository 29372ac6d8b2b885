package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
)

// touchKind is one kind of buyer-facing action that counts as the first touch.
type touchKind struct {
	kind       string
	byReceiver bool // sent by the receiver themself, not by a colleague
}

func touchKinds(ts []mappings.Touch) []touchKind {
	var out []touchKind
	for _, t := range ts {
		out = append(out, touchKind{t.Kind.S, t.Qualifier.Given()})
	}
	return out
}

// touch reports whether an activity of the receivers is a first touch: of a
// kind the type names, and a meeting to which the buyer came.
func (t *typ) touch(a act, owner string) bool {
	if a.typ == actMeeting && a.outcome == outcomeNoShow {
		return false
	}
	return slices.ContainsFunc(t.firstTouches, func(k touchKind) bool {
		return k.kind == a.typ && (!k.byReceiver || a.owner == owner)
	})
}

// touches reports whether a kind counts.
func (t *typ) touches(kind string) bool {
	return slices.ContainsFunc(t.firstTouches, func(k touchKind) bool { return k.kind == kind })
}

// anyTouch reports whether a contact of which the CRM does not say what it was
// counts: calls and messages both do.
func (t *typ) anyTouch() bool { return t.touches(actCall) && t.touches(actEmail) }

// facing reports whether the type involves a buyer at all. Where nothing is
// named as a first touch, as for legal or finance, it does not.
func (t *typ) facing() bool { return len(t.firstTouches) > 0 }

// AwaitsCount reports whether a handoff is open, stands in the CRM, and has not seen
// a contact that the record which carries it may count.
func AwaitsCount(h state.Handoff, ref connectors.Ref) bool {
	return h.Stage.Open() && !h.Observed && !h.Written.IsZero() && h.Target == ref && h.TouchedAt.IsZero()
}

// attempted says how often the buyer was contacted, and whether that was too
// seldom: fewer than the tier wants, and nobody answered or met us (4.13).
func (d *deciding) attempted(h state.Handoff) (n int, tooFew bool) {
	tier := d.r.tiers[h.Tier]
	w := workOf(h)
	if tier == nil || tier.attempts == 0 || !w.Reply.IsZero() || !w.Met.IsZero() {
		return w.Count, false
	}
	switch h.Stage {
	case state.Returned, state.Cancelled, state.Superseded, state.Refused:
		return w.Count, false
	default:
		return w.Count, w.Count < tier.attempts
	}
}

// attemptsOver is the end of the window in which the buyer had to be tried:
// how often it was is written where it is not known yet, and too seldom is
// listed.
func (d *deciding) attemptsOver(h state.Handoff) {
	if !h.Stage.Open() && h.Stage != state.Completed || h.Observed || h.AssignedAt.IsZero() {
		return
	}
	n, tooFew := d.attempted(h)
	if tier := d.r.tiers[h.Tier]; tooFew {
		d.list(listAttempts, h.ID, fmt.Sprintf("%s: %s tried to reach the buyer %d times of %d, by %s",
			h.Type, h.Owner, n, tier.attempts, h.Due[clockAttempts].Format(time.RFC3339)))
		d.audit("too few attempts", h.ID, map[string]string{"owner": h.Owner, "attempts": strconv.Itoa(n), "at_least": strconv.Itoa(tier.attempts)})
	}
	w := workOf(h)
	if h.Target.ID == "" || w.Told == n || !d.shows(h.Target, h) {
		return
	}
	w.Told = n
	h.Work = &w
	d.put(d.intend(h, stepAttempts, connectors.Write{Ref: h.Target, Set: map[string]any{ownAttempts: float64(n)}, Key: key(h, stepAttempts, "set")}))
}

// tried is the number of attempts as the CRM is told of it.
func tried(h state.Handoff, set map[string]any) state.Handoff {
	w := workOf(h)
	w.Told = w.Count
	set[ownAttempts] = float64(w.Count)
	h.Work = &w
	return h
}

// happened evaluates what happens to a handoff.
func (c *cond) happened(f *facts) bool {
	h := f.handoff
	if h == nil {
		return false
	}
	w := workOf(*h)
	switch c.event {
	case eventNextTask:
		return !w.Next.IsZero()
	case eventTouchLogged, eventTouch:
		return !h.TouchedAt.IsZero() || !w.First.IsZero()
	case eventTaskDone:
		return !w.Ticked.IsZero() || f.accepting && !w.Started.IsZero()
	case eventTaskDefer:
		return !w.Deferred.IsZero()
	case eventChecklist:
		if lost, ok := lostAt(*h); ok && f.accepting && !slices.ContainsFunc(h.Items, func(i state.Item) bool { return i.Done.After(lost) }) {
			return false // it was done by who had it before
		}
		return checklistDone(*h)
	}
	return false
}

// deed is who made an event happen, and when.
func (c *cond) deed(h state.Handoff) (by string, at time.Time) {
	w := workOf(h)
	switch c.event {
	case eventNextTask:
		return w.Maker, w.Next
	case eventTouchLogged, eventTouch:
		return w.By, w.First
	case eventTaskDone:
		if !w.Started.IsZero() && (w.Ticked.IsZero() || w.Started.Before(w.Ticked)) {
			return ownerAt(h, w.Started), w.Started
		}
		return ownerAt(h, w.Ticked), w.Ticked
	case eventTaskDefer:
		return ownerAt(h, w.Deferred), w.Deferred
	}
	return "", time.Time{}
}

// sayHappened explains an event.
func (c *cond) sayHappened(f *facts) string {
	h := f.handoff
	if h == nil || !c.happened(f) {
		return c.text + ": not yet"
	}
	w := workOf(*h)
	switch c.event {
	case eventNextTask:
		return w.Maker + " has planned a next action"
	case eventTouchLogged, eventTouch:
		what := w.Type
		if what == "" {
			what = "contact"
		}
		return strings.TrimSpace("first "+what+" by "+w.By) + " at " + w.First.Format(time.RFC3339)
	case eventTaskDone:
		if w.Ticked.IsZero() {
			return "somebody works on the task"
		}
		return "the task was ticked off"
	case eventTaskDefer:
		return "the task was put off"
	}
	return c.text
}
