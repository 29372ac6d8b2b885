package judge

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// keptRules is a rule set that decisions name.
type keptRules struct {
	rules *plan.Rules
	err   error
}

// again is a decision and what it comes to when it is made again.
type again struct {
	d       state.Decision
	ev      plan.Event
	changes state.Changes
	bad     string // why it does not come out the same
}

// replayStep is how many decisions are made again at once.
const replayStep = 1024

// decisions makes every stored decision again, in the order they were made,
// and lives through the handoffs they moved.
func (l *loading) decisions(ctx context.Context) error {
	timers := map[string]int{}
	var group []again
	flush := func() {
		slices.SortStableFunc(group, func(a, b again) int { return cmp.Compare(a.rank(), b.rank()) })
		for _, a := range group {
			l.live(a, timers)
		}
		group = group[:0]
	}
	var batch []state.Decision
	work := func() error {
		done, err := l.replay(ctx, batch)
		for _, a := range done {
			if len(group) > 0 && !group[0].d.At.Equal(a.d.At) {
				flush()
			}
			group = append(group, a)
		}
		batch = batch[:0]
		return err
	}
	for d, err := range l.store.Past(ctx, time.Unix(0, 0), time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)) {
		if err != nil {
			return err
		}
		if batch = append(batch, d); len(batch) == replayStep {
			if err := work(); err != nil {
				return err
			}
		}
	}
	if err := work(); err != nil {
		return err
	}
	flush()
	for _, h := range l.f.Handoffs {
		if l.rulesOf(ctx, h.Rules).err != nil {
			l.f.Strayed = append(l.f.Strayed, offend(h.ID, "%s: %v", h.Record, l.rulesOf(ctx, h.Rules).err))
		}
		slices.SortStableFunc(l.f.Lives[h.ID], compareMoments)
	}
	return nil
}

// compareMoments orders what happened at one instant by how far it went.
func compareMoments(a, b Moment) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(stageRank(a.Stage), stageRank(b.Stage)), cmp.Compare(a.Signals, b.Signals), cmp.Compare(a.done, b.done))
}

// stageRank orders stages as a handoff goes through them.
func stageRank(s state.Stage) int {
	order := []state.Stage{state.Detected, state.Held, state.Queued, state.Assigned, state.Stalled, state.Accepted, state.Touched}
	if i := slices.Index(order, s); i >= 0 {
		return i
	}
	return len(order)
}

// rank orders decisions of one instant.
func (a again) rank() int {
	if len(a.changes.Handoffs) == 0 {
		return -1
	}
	return stageRank(a.changes.Handoffs[0].Stage)
}

// replay makes decisions again, side by side.
func (l *loading) replay(ctx context.Context, batch []state.Decision) ([]again, error) {
	out := make([]again, len(batch))
	for _, d := range batch {
		l.rulesOf(ctx, d.Rules) // compiled here, only looked up below
	}
	var workers errgroup.Group
	n := runtime.GOMAXPROCS(0)
	for w := range n {
		workers.Go(func() error {
			for i := w; i < len(batch); i += n {
				out[i] = l.replayOne(ctx, batch[i])
			}
			return nil
		})
	}
	return out, workers.Wait()
}

func (l *loading) replayOne(ctx context.Context, d state.Decision) (a again) {
	a.d = d
	defer func() {
		if p := recover(); p != nil {
			a.bad = fmt.Sprintf("made again, it breaks off: %v", p)
		}
	}()
	kept := l.kept[d.Rules]
	if kept.err != nil {
		a.bad = kept.err.Error()
		return a
	}
	var err error
	if a.ev, err = plan.DecodeEvent(d.Event); err == nil {
		a.changes, err = plan.Replay(kept.rules, d, func(hash string) (state.Record, bool, error) { return l.store.Version(ctx, hash) })
	}
	if err != nil {
		a.bad = "it cannot be made again: " + err.Error()
		return a
	}
	outcome, err := plan.Outcome(a.changes)
	if err != nil || outcome != d.Outcome {
		a.bad = "made again under its own rules, it comes out otherwise"
	}
	return a
}

// rulesOf are the rules of a digest, compiled once.
func (l *loading) rulesOf(ctx context.Context, digest string) *keptRules {
	if k := l.kept[digest]; k != nil {
		return k
	}
	k := &keptRules{}
	l.kept[digest] = k
	if digest == "" {
		k.err = fmt.Errorf("it names no rules")
		return k
	}
	var set state.RuleSet
	found := false
	err := l.store.View(ctx, func(tx state.Tx) error {
		set, found = state.GetRuleSet(tx, digest)
		return tx.Err()
	})
	switch {
	case err != nil:
		k.err = err
	case !found:
		k.err = fmt.Errorf("the text of its rules (%s) was not kept", digest)
	default:
		if k.rules, _, k.err = stored(set); k.err == nil && k.rules.Digest() != digest {
			k.err = fmt.Errorf("the rules kept as %s are others", digest)
		}
	}
	if k.err == nil {
		l.words.allow(k.rules)
	}
	return k
}

// live takes what a decision changed into the lives of the handoffs.
func (l *loading) live(a again, timers map[string]int) {
	f := l.f
	f.Decisions++
	about := a.d.Record.String()
	if about == "" {
		about = a.d.Handoff
	}
	if a.bad != "" {
		f.Strayed = append(f.Strayed, offend(about, "the decision %s of %s: %s", a.d.ID, clock(a.d.At), a.bad))
	}
	for _, h := range a.changes.Handoffs {
		m := momentOf(h)
		m.At = a.d.At
		f.Lives[h.ID] = append(f.Lives[h.ID], m)
	}
	for _, i := range a.changes.Intents {
		l.intended(i, a.d.At)
	}
	for _, row := range a.changes.Audit {
		id := rowID(row)
		if l.trail[id]--; l.trail[id] < 0 {
			f.Untold = append(f.Untold, offend(row.Subject, "%s at %s, and the trail does not say so", row.Action, clock(row.At)))
		}
	}
	l.clocks(a, timers)
}

func (l *loading) intended(i state.Intent, at time.Time) {
	f := l.f
	if i.Write.Creates() {
		f.Creates++
		if i.Write.Ref.Kind == connectors.Task {
			f.Decided[i.Write.Key] = i.Handoff
		}
	}
	for name, v := range i.Expect {
		ref := i.Write.Ref
		if l.words.owners[Field{ref.Conn, string(ref.Kind), name}] {
			f.Expected[ref] = append(f.Expected[ref], Expect{at, text(v)})
		}
	}
}

// acceptClock ends with acceptance, the others with the handoff at the latest.
const acceptClock = "accept"

// reportClock begins the clocks of reports.
const reportClock = "report "

// clocks follows the timers of handoffs; timers is where each stands in
// the facts, by its id.
func (l *loading) clocks(a again, timers map[string]int) {
	f := l.f
	if fired, ok := a.ev.(plan.Fired); ok {
		if n, known := timers[fired.Timer.ID]; known {
			if f.Timers[n].Times++; f.Timers[n].Fired.IsZero() {
				f.Timers[n].Fired = a.d.At
			}
		}
	}
	for _, id := range a.changes.Cancel {
		if n, known := timers[id]; known && f.Timers[n].Fired.IsZero() && f.Timers[n].Cancelled.IsZero() {
			f.Timers[n].Cancelled = a.d.At
		}
	}
	for _, t := range a.changes.Timers {
		if t.Handoff == "" || strings.HasPrefix(t.Clock, reportClock) {
			continue // a record's: nobody is told; a report's: it is no deadline
		}
		due := Due{Handoff: t.Handoff, Clock: t.Clock, Step: t.Step, Due: t.Due, Set: a.d.At}
		if n, known := timers[t.ID]; known {
			f.Timers[n] = due // moved
			continue
		}
		timers[t.ID] = len(f.Timers)
		f.Timers = append(f.Timers, due)
	}
}

// rowID names a line of the trail by what it says.
func rowID(row state.AuditRow) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s %s %s %s", row.At.UnixNano(), row.Actor, row.Action, row.Subject, row.Rules)
	for _, k := range slices.Sorted(keysOf(row.Detail)) {
		b.WriteByte(0)
		b.WriteString(k)
		b.WriteByte('=')
		b.WriteString(row.Detail[k])
	}
	return state.Digest(b.String())
}
