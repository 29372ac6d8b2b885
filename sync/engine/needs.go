package engine

import (
	"context"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// needsOf gathers the needs of several verdicts, each once, by connection.
func needsOf(verdicts []Verdict) map[string][]state.Need {
	byConn := map[string][]state.Need{}
	for _, v := range verdicts {
		for _, n := range v.Needs {
			if !slices.ContainsFunc(byConn[n.Conn], func(o state.Need) bool { return o.ID() == n.ID() }) {
				byConn[n.Conn] = append(byConn[n.Conn], n)
			}
		}
	}
	return byConn
}

// ask puts to the CRMs what deciding needs to know, another one first each time: one that
// hangs may use up the time. What is not answered is left out.
func (l *Lane) ask(ctx context.Context, rules *plan.Rules, needs map[string][]state.Need) Answers {
	answers := Answers{}
	for n := range l.Group {
		conn := l.Group[(l.turn+n)%len(l.Group)]
		if !l.Gates[conn].Open() || ctx.Err() != nil { // another CRM has used up the time: not this one's fault
			continue
		}
		var locate, past []state.Need
		for _, n := range needs[conn] {
			if n.Past.ID != "" {
				past = append(past, n)
			} else {
				locate = append(locate, n)
			}
		}
		l.locate(ctx, rules, conn, locate, answers)
		l.trails(ctx, conn, past, answers)
	}
	return answers
}

// locate asks who holds a value.
func (l *Lane) locate(ctx context.Context, rules *plan.Rules, conn string, asked []state.Need, answers Answers) {
	began := l.Decider.Wall()
	if len(asked) == 0 || l.held(conn, locating, began) {
		return
	}
	known := slices.DeleteFunc(slices.Clone(asked), func(n state.Need) bool { return n.Question.Field != "" })
	l.readKnown(ctx, rules, conn, known, answers)
	asked = slices.DeleteFunc(asked, func(n state.Need) bool { return n.Question.Field == "" })
	if len(asked) == 0 {
		return
	}
	questions := make([]connectors.Question, len(asked))
	for i, n := range asked {
		questions[i] = n.Question
	}
	found, err := locate(ctx, l.Conns[conn], questions, rules.LocateFields(conn))
	if err != nil {
		l.failed(conn, locating, "locate", err)
		return
	}
	l.worked(conn, locating)
	for i, objects := range found {
		records := make([]state.Record, 0, len(objects))
		for _, o := range objects {
			r, _ := rules.Normalize(o)
			records = append(records, r)
		}
		answers[asked[i].ID()] = Answer{Records: records, At: began.UTC()}
	}
}

// readKnown reads records that are asked for by their ids, a kind in one call.
// One that is gone is an answer too, and one that is left out is none.
func (l *Lane) readKnown(ctx context.Context, rules *plan.Rules, conn string, asked []state.Need, answers Answers) {
	byKind := map[connectors.Kind][]string{}
	var order []connectors.Kind
	for _, n := range asked {
		kind := n.Question.Kinds[0]
		if byKind[kind] == nil {
			order = append(order, kind)
		}
		byKind[kind] = append(byKind[kind], n.Question.Value)
	}
	for _, kind := range order {
		began := l.Decider.Wall()
		calls := mostCalls
		objects, err := read(ctx, l.Conns[conn], kind, byKind[kind], rules.Fields(conn, kind), &calls)
		if c := connectors.ClassOf(err); err != nil && len(objects) == 0 && c != connectors.Invalid && c != connectors.NotFound {
			l.failed(conn, locating, "read "+string(kind), err)
			continue
		}
		found := map[string][]state.Record{}
		for _, o := range objects {
			r, _ := rules.Normalize(o)
			found[o.Ref.ID] = append(found[o.Ref.ID], r)
		}
		for _, n := range asked {
			if records, told := found[n.Question.Value]; told && n.Question.Kinds[0] == kind {
				answers[n.ID()] = Answer{Records: records, At: began.UTC()}
			}
		}
	}
}

// trails asks who has changed a field, all records of one field in one call.
func (l *Lane) trails(ctx context.Context, conn string, asked []state.Need, answers Answers) {
	type column struct {
		kind  connectors.Kind
		field string
	}
	byColumn := map[column][]state.Need{}
	var order []column
	for _, n := range asked {
		c := column{n.Past.Kind, n.Past.Field}
		if byColumn[c] == nil {
			order = append(order, c)
		}
		byColumn[c] = append(byColumn[c], n)
	}
	for _, c := range order {
		began := l.Decider.Wall()
		if l.held(conn, c.kind, began) {
			continue
		}
		needs := byColumn[c]
		since := slices.MinFunc(needs, func(a, b state.Need) int { return a.Past.Since.Compare(b.Past.Since) }).Past.Since
		ids := make([]string, len(needs))
		for i, n := range needs {
			ids[i] = n.Past.ID
		}
		found, err := trail(ctx, l.Conns[conn], c.kind, ids, c.field, since)
		doing := "read the history of " + string(c.kind)
		if err != nil && len(found) == 0 {
			l.failed(conn, c.kind, doing, err)
			continue
		}
		if err != nil { // some of it
			l.Decider.Failures.Note(conn, doing, err, l.Decider.Wall())
		}
		for _, n := range needs {
			if values, told := found[n.Past.ID]; told || found == nil {
				answers[n.ID()] = Answer{Trail: state.Trail{Values: values, Unseen: found == nil}, At: began.UTC()}
			}
		}
	}
}

// trail asks one connector. One that keeps no history, or does not show it,
// has none for any record, and answers nil.
func trail(ctx context.Context, c connectors.Connector, kind connectors.Kind, ids []string, field string, since time.Time) (found map[string][]connectors.FieldValue, err error) {
	historian, ok := c.(connectors.Historian)
	if !ok {
		return nil, nil
	}
	err = Safely("read history", func() error {
		found, err = historian.Trail(ctx, kind, ids, field, since)
		return err
	})
	if err == nil && found == nil {
		found = map[string][]connectors.FieldValue{}
	}
	switch connectors.ClassOf(err) {
	case connectors.Denied, connectors.Invalid, connectors.NotFound, connectors.Schema:
		return nil, nil // it does not tell
	default:
		return found, err
	}
}

// answered is the ask with its needs answered; false where a CRM did not. What is
// optional is decided without an answer, as if nothing were there, and so is what a
// CRM keeps of the past where a timer asks: nobody is told late because of it.
func answered(ask Ask, needs []state.Need, answers Answers) (Ask, bool) {
	all := Answers{}
	for id, a := range ask.Answers {
		all[id] = a
	}
	for _, n := range needs {
		a, ok := answers[n.ID()]
		if _, timer := ask.Event.(plan.Fired); !ok && !n.Optional && (!timer || n.Past.ID == "") {
			return Ask{}, false
		}
		if !ok {
			all[n.ID()] = Answer{Trail: state.Trail{Unseen: true}}
			continue
		}
		all[n.ID()] = a
		if seen, ok := ask.Event.(plan.Observed); ok && (seen.Asked.IsZero() || a.At.Before(seen.Asked)) {
			seen.Asked = a.At
			ask.Event = seen
		}
	}
	ask.Answers = all
	return ask, true
}
