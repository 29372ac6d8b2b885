package judge

import (
	"cmp"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// acknowledged is A1: what was answered with 2xx is remembered.
func acknowledged(f *Facts) (int, []Offence, string) {
	var broken []Offence
	for _, e := range f.Events {
		switch {
		case e.Bad != "":
			broken = append(broken, offend(e.ID, "was acknowledged and cannot be read: %s", e.Bad))
		case !e.Known:
			broken = append(broken, offend(e.Ref.String(), "the event %s was acknowledged and is lost", e.ID))
		}
	}
	why := f.Missing[ackFile]
	if len(f.Events) == 0 && why == "" {
		why = "nobody recorded which webhooks were acknowledged"
	}
	return len(f.Events), broken, why
}

// outcomes is A2: what the CRMs saw a buyer do has led to exactly one thing,
// what was decided has been answered, and no record was read past.
func outcomes(f *Facts) (int, []Offence, string) {
	if !f.Run.Quiesced {
		return 0, nil, "the run did not come to rest"
	}
	taken := map[string][]taken{}
	signals := map[string]int{}
	looked := 0
	var broken []Offence
	for _, h := range f.Handoffs {
		for _, s := range h.Signals {
			key := typed(h.Type, s.Record)
			taken[key] = append(taken[key], taking(h, s))
			signals[key]++
		}
		n, bad := unanswered(f, h)
		looked, broken = looked+n, append(broken, bad...)
	}
	listed := map[string]bool{}
	for _, l := range f.Listings {
		listed[l.Subject] = true
	}
	for _, g := range f.Given {
		looked++
		broken = append(broken, g.judge(taken, listed, f.latest(g.Changed.Add(f.Run.lag())))...)
	}
	broken = append(broken, invented(f, signals)...)
	for _, r := range f.Reached {
		looked++
		switch {
		case !r.Known && listed[r.Ref.String()]: // it was put aside, and is listed
		case !r.Known:
			broken = append(broken, offend(r.Ref.String(), "was read past: the CRM has it and the state does not"))
		case r.Changed.After(r.AsOf.Add(time.Second)):
			broken = append(broken, offend(r.Ref.String(), "changed at %s and is known as of %s", clock(r.Changed), clock(r.AsOf)))
		}
	}
	if f.Waiting > 0 {
		first := f.Inbox[0]
		broken = append(broken, offend(first.Ref.String(), "and %d more still wait to be decided since %s", f.Waiting-1, clock(first.Came)))
	}
	return looked, broken, cmp.Or(f.Missing[changesFile], f.Missing[worldFile])
}

// taken is a signal that a handoff holds.
type taken struct {
	handoff string
	at      time.Time
}

func taking(h state.Handoff, s state.Signal) taken { return taken{h.ID, s.At} }

// together is how far apart two dates of one signal may lie: a CRM may keep
// whole seconds only.
const together = 2 * time.Second

// judge looks for what a signal led to, of what was taken in by record and type; seen is by
// when somebody has to have looked.
func (g Given) judge(all map[string][]taken, listed map[string]bool, seen time.Time) []Offence {
	var mine []string
	later := false
	for _, t := range all[typed(g.Type, g.Record)] {
		switch d := t.at.Sub(g.At); {
		case d >= -together && d <= together:
			if !slices.Contains(mine, t.handoff) { // two of a merged pair may lie as close
				mine = append(mine, t.handoff)
			}
		case d > 0 || t.at.After(g.Changed.Add(-together)):
			later = true
		}
	}
	// A signal that another followed before anybody could look is that other's; the
	// record only shows the last.
	later = later && (g.Next.IsZero() || !g.Next.After(seen))
	switch {
	case len(mine) > 1:
		return []Offence{offend(g.Record.String(), "the signal of %s (%s) led to %d handoffs: %v", clock(g.At), g.Type, len(mine), mine)}
	case len(mine) == 0 && !later && !g.Gone && !g.Held && !listed[g.Record.String()]:
		return []Offence{offend(g.Record.String(), "the signal of %s (%s) led to nothing", clock(g.At), g.Type)}
	}
	return nil
}

// invented are handoffs with more signals than the CRM's records ever showed.
func invented(f *Facts, signals map[string]int) []Offence {
	var broken []Offence
	if f.Missing[changesFile] != "" {
		return nil
	}
	for key, n := range signals {
		if shown, known := f.Versions[key]; known && n > shown {
			broken = append(broken, offend(key, "%d signals were taken in and the record only ever showed %d", n, shown))
		}
	}
	return broken
}

// unanswered are the writes of a handoff that were decided and neither stand,
// nor were refused, nor wait.
func unanswered(f *Facts, h state.Handoff) (looked int, broken []Offence) {
	for _, step := range steps(h) {
		looked++
		e := h.Effects[step]
		if e.State != "sent" || !h.Stage.Open() {
			continue
		}
		if i := slices.IndexFunc(f.Intents, func(i state.Intent) bool { return i.Write.Key == e.Key }); i >= 0 && f.Intents[i].State == state.Parked {
			continue // it waits for a person, and is listed
		} else if i >= 0 {
			broken = append(broken, offend(h.ID, "%s: %s is still to be written since %s (%s)", h.Record, step, clock(f.Intents[i].Created), f.Intents[i].Error))
			continue
		}
		broken = append(broken, offend(h.ID, "%s: %s was decided and nobody knows what became of it", h.Record, step))
	}
	return looked, broken
}

func steps(h state.Handoff) []string {
	var out []string
	for s := range h.Effects {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// doubled is A3.
func doubled(f *Facts) (int, []Offence, string) {
	if f.Missing[changesFile] != "" {
		return 0, nil, f.Missing[changesFile]
	}
	byKey := map[string][]*Task{}
	known := stepKeys(f.Handoffs)
	var broken []Offence
	for _, t := range f.Tasks {
		id := typed(t.Ref.Conn, connectors.Ref{Conn: t.Ref.Conn, Kind: "key", ID: t.Key})
		byKey[id] = append(byKey[id], t)
		h, decided := f.Decided[t.Key]
		switch {
		case !decided && t.ByUs:
			broken = append(broken, offend(t.Ref.String(), "a task with the key %s, which no decision named", t.Key))
		case decided && t.live() && known[h] != nil && !known[h][t.Key]:
			broken = append(broken, offend(h, "has the live task %s at the end, which no step of it knows", t.Ref))
		}
	}
	for _, tasks := range byKey {
		broken = append(broken, f.twice(tasks)...)
	}
	made, bad := f.madeTwice()
	broken = append(broken, bad...)
	lacking, bad := f.lackTask()
	return len(f.Tasks) + made + lacking, append(broken, bad...), ""
}

// stepKeys are the keys of what each handoff has written, a key a step: a task
// that somebody should have has the key of its step, and no other.
func stepKeys(handoffs []state.Handoff) map[string]map[string]bool {
	out := make(map[string]map[string]bool, len(handoffs))
	for _, h := range handoffs {
		keys := make(map[string]bool, len(h.Effects))
		for _, e := range h.Effects {
			keys[e.Key] = true
		}
		out[h.ID] = keys
	}
	return out
}

// twice finds two tasks of one key that lived beside each other: for longer
// than it takes to heal, where the CRM does not refuse the second.
func (f *Facts) twice(tasks []*Task) []Offence {
	allowed := time.Duration(0)
	if !f.Run.UniqueTasks {
		allowed = f.Run.lag()
	}
	for i, a := range tasks {
		for _, b := range tasks[i+1:] {
			for _, s := range a.Spans {
				for _, o := range b.Spans {
					long, ended := f.beside(s, o)
					if long > allowed || long > 0 && !ended && f.Run.Quiesced {
						return []Offence{offend(a.Ref.String(), "and %s lived beside each other with the key %s, for %s", b.Ref, a.Key, long.Round(time.Second))}
					}
				}
			}
		}
	}
	return nil
}

// beside is for how long two spans overlap, and whether that has ended.
func (f *Facts) beside(a, b Span) (long time.Duration, ended bool) {
	from := a.From
	if b.From.After(from) {
		from = b.From
	}
	until := f.Run.Ended
	for _, s := range []Span{a, b} {
		if !s.Until.IsZero() && (s.Until.Before(until) || !ended) {
			until, ended = s.Until, true
		}
	}
	return max(until.Sub(from), 0), ended
}

// madeTwice are buyers for whom we made more than one record.
func (f *Facts) madeTwice() (looked int, broken []Offence) {
	type buyer struct{ conn, email string }
	made := map[buyer][]connectors.Ref{}
	for ref, o := range f.Objects {
		if o.ByUs && o.Email != "" {
			looked++
			if o.Gone.IsZero() {
				b := buyer{ref.Conn, o.Email}
				made[b] = append(made[b], ref)
			}
		}
	}
	for _, refs := range made {
		if len(refs) > 1 {
			slices.SortFunc(refs, func(a, b connectors.Ref) int { return cmp.Compare(a.String(), b.String()) })
			broken = append(broken, offend(refs[0].String(), "and %s were both made for one buyer", refs[1]))
		}
	}
	return looked, broken
}

// lackTask are handoffs whose task is said to stand and never did.
func (f *Facts) lackTask() (looked int, broken []Offence) {
	stood := map[string]*Task{}
	for _, t := range f.Tasks {
		if old := stood[t.Key]; old == nil || t.live() {
			stood[t.Key] = t
		}
	}
	for _, h := range f.Handoffs {
		e, ok := h.Effects[stepTask]
		if !ok || e.State != "done" {
			continue
		}
		looked++
		switch t := stood[e.Key]; {
		case t == nil:
			broken = append(broken, offend(h.ID, "%s: its task %s is said to be made and never was", h.Record, e.Ref))
		case !t.live() && f.Run.ours(t.Removed) && h.Stage.Open():
			broken = append(broken, offend(h.ID, "%s: its only task %s was removed by us", h.Record, t.Ref))
		}
	}
	return looked, broken
}

// The steps of a handoff that the rules look at by name; see sync/plan.
const (
	stepTask   = "task"
	stepAssign = "assign"
	stepCreate = "create"
)
