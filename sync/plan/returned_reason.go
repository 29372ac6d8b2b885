package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// askAfter is how long a reason may follow the return before it is asked for.
const askAfter = 10 * time.Minute

// explained takes in the reason of a handoff that came back without one.
func (d *deciding) explained(t *typ, rec *state.Record, h state.Handoff) {
	if d.handedOverAgain(t, rec, h) || h.Stage != state.Returned || h.Returned == nil || h.Returned.Reason != "" || !d.stillShown(rec, h) {
		return
	}
	reason, note := t.returned.reason(rec)
	done, err := handoff.Explain(h, reason, note)
	if err != nil {
		return
	}
	d.audit("reason given", h.ID, map[string]string{"by": h.Returned.By, "reason": reason, "rule": h.Returned.Rule})
	d.c.Cancel = append(d.c.Cancel, timerID(h.ID, clockReason, 0))
	done = d.choreDone(done, stepAskReason)
	done = d.giverLearns(rec, done)
	set := map[string]any{}
	if id := rec.Fields[ownID]; id == h.ID || id == "" {
		set[ownQuality] = returnedQuality(done)
	} else {
		clearReason(set, rec)
	}
	d.put(d.intend(done, stepReason, connectors.Write{Ref: rec.Ref, Set: set, Key: key(h, stepReason, "set")}))
}

// saysWhy reports whether the reason for a return that stands on a record is about a
// handoff which is coming back, or has: the record speaks of it, or of one that is not
// being returned itself and whose receiver has not written last.
func (d *deciding) saysWhy(rec *state.Record, h state.Handoff, r state.Return) bool {
	if d.speaksOf(rec, h) {
		return true
	}
	shown, ok := d.v.Handoff(rec.Fields[ownID])
	if !ok || rec.Fields[ownStatus] == statusReturned {
		return false
	}
	c := d.r.byConn[rec.Ref.Conn]
	who := d.r.facts(d.now, d.v, rec).user(c, rec.ModifiedBy)
	return who == "" || who == r.By || who != d.current(shown).Owner
}

// clearReason takes the reason for a return away from a record that shows another
// handoff, which nobody has returned.
func clearReason(set map[string]any, rec *state.Record) {
	for _, name := range []string{ownReturnReason, ownReturnNote} {
		if rec.Fields[name] != "" {
			set[name] = nil
		}
	}
}

// returnedQuality is what the quality check of a returned handoff came to (4.21).
func returnedQuality(h state.Handoff) string {
	return qualityReturned + ": " + orNone(h.Returned.Reason)
}

// giverLearns brings the giver's task up to date with a reason that came later.
func (d *deciding) giverLearns(rec *state.Record, h state.Handoff) state.Handoff {
	e := h.Effects[stepGiverTask]
	if e.Key == "" {
		return h
	}
	set := map[string]any{connectors.TaskSubject: d.cameBack(rec, h)}
	if h.Returned.Note != "" {
		set[connectors.TaskBody] = h.Returned.Note
	}
	if i, waits := d.waiting(e.Key); waits && e.State == sent {
		all := maps.Clone(i.Write.Set)
		maps.Copy(all, set)
		d.rewaiting(e.Key, all)
		return h
	}
	if e.State == handoff.Done && e.Ref.ID != "" {
		return d.choreNow(h, stepGiverTask, e.Ref, set)
	}
	return h
}

// cameBack is the subject of the giver's task.
func (d *deciding) cameBack(rec *state.Record, h state.Handoff) string {
	return fmt.Sprintf("Returned by %s: %s. %s", h.Returned.By, orNone(h.Returned.Reason), d.titleOf(rec))
}

// stillShown reports whether what people write on a record is about a handoff
// that is over: its id stands there, that of the one that followed it, or of one
// that is shown since, or was all along, and not being returned itself. Where no id can be read, it is about what came back last, unless something is open.
func (d *deciding) stillShown(rec *state.Record, h state.Handoff) bool {
	id := rec.Fields[ownID]
	switch id {
	case h.ID:
		return true
	case "":
		return rec.Ref == h.Target && age(rec, h) > 0 && !slices.ContainsFunc(d.aboutNow(rec), func(o state.Handoff) bool {
			return o.ID != h.ID && !o.Observed && (o.Stage.Open() || o.ClosedAt.After(h.ClosedAt))
		})
	}
	next, ok := d.v.Handoff(id)
	shownSince := next.Stage.Open() && next.Effects[stepShow].Key == key(next, stepShow, h.ID) && rec.Fields[ownStatus] != statusReturned
	return ok && (next.Follows == h.ID || shownSince || d.cameBackBeside(rec, h, d.current(next)))
}

// cameBackBeside reports whether what people write on a record that shows another
// handoff is about this one, which came back meanwhile: the last to do so.
func (d *deciding) cameBackBeside(rec *state.Record, h, shown state.Handoff) bool {
	return shown.Stage.Open() && shown.AssignedAt.Before(h.ClosedAt) && rec.Ref == h.Target && d.saysWhy(rec, h, *h.Returned) &&
		!slices.ContainsFunc(d.v.Handoffs(rec.Ref), func(o state.Handoff) bool {
			o = d.current(o)
			return o.Stage == state.Returned && o.Returned != nil && o.Returned.Reason == "" && o.ClosedAt.After(h.ClosedAt)
		})
}

// askReason asks who has returned a handoff why, once.
func (d *deciding) askReason(h state.Handoff) {
	if h.Stage != state.Returned || h.Returned == nil || h.Returned.Reason != "" || !h.Returned.Asked.IsZero() || h.Observed {
		return
	}
	c := d.r.byConn[h.Target.Conn]
	if c == nil || h.Target.ID == "" {
		return
	}
	r := *h.Returned
	r.Asked = d.now
	h.Returned = &r
	subject := "Why was it returned?"
	if rec, ok := d.v.Record(h.Target); ok {
		subject += " " + d.titleOf(&rec)
	}
	d.audit("asked for a reason", h.ID, map[string]string{"of": r.By})
	d.list(listReturned, h.ID, h.Type+": returned by "+r.By+" without a reason")
	d.put(d.taskFor(h, c, stepAskReason, r.By, subject, "It went back without a reason. Please choose one in the field for the return reason, so that "+r.To+" can mend it."))
}

// asks counts what the receiver asks because the context does not say it, and
// puts each question to the giver once (2.46, 3.32).
func (d *deciding) asks(t *typ, rec *state.Record, h state.Handoff) {
	said := strings.TrimSpace(rec.Fields[ownGaps])
	if said == "" || !d.speaksOf(rec, h) || !h.Stage.Open() {
		return
	}
	digest := state.Digest("gap", said)[:12]
	w := workOf(h)
	if w.Gap == digest {
		return
	}
	w.Gap, w.Heard = digest, d.now
	h.Work, h.Questions = &w, h.Questions+1
	asked := h.Giver
	if h.Support != "" {
		asked = h.Support
	}
	d.because(d.why(where(t.pos), "%s asks what the context does not say", h.Owner))
	detail := map[string]string{"by": h.Owner, "of": asked, "questions": fmt.Sprint(h.Questions)}
	if by := h.Due[clockReturn]; !by.IsZero() && d.now.After(by) {
		detail["late"] = by.Format(time.RFC3339)
	}
	d.audit("question", h.ID, detail)
	if asked != "" && asked != h.Owner {
		h = d.taskFor(h, d.r.byConn[h.Target.Conn], fmt.Sprintf("%s %d", stepGapTask, h.Questions), asked, h.Owner+" asks about "+d.titleOf(rec), said)
	}
	d.put(d.intend(h, stepGaps, connectors.Write{Ref: rec.Ref, Set: map[string]any{ownQuestions: float64(h.Questions)}, Key: key(h, stepGaps, fmt.Sprint(h.Questions))}))
}
