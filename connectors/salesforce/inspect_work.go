package salesforce

import (
	"context"

	"github.com/handoffd/handoffd/connectors"
)

// work looks at whether it can be seen what people do: a handoff is touched by
// a call, an e-mail or a meeting, and only as far as the org has a row for it.
func (x *inspection) work(ctx context.Context) *connectors.Error {
	for _, look := range []struct{ object, without, fix string }{
		{taskObject, "calls that are logged and to-dos are not seen, so nobody is ever found to have called", "give its permission set Access Activities, and Read on the records that tasks are about"},
		{eventObject, "meetings are not seen, and neither is leave in the calendar", "give its permission set Access Activities; to see everybody's, View All Data or shared calendars"},
		{
			emailObject, "which way an e-mail went cannot be told: every e-mail logged as a task counts as one to the buyer, answers of theirs too",
			"switch on Enhanced Email (Setup → Enhanced Email) and give its permission set Read on Email Messages",
		},
	} {
		s, err := x.schemaAsOf(ctx, look.object, x.started())
		switch {
		case err != nil && stopsAll(err):
			return err
		case err != nil || s.missing:
			x.add("activity", connectors.Warning, look.object, "the org does not show it to the integration user: "+look.without, look.fix)
		case look.object == taskObject && !s.has("TaskSubtype"):
			x.add("activity", connectors.Warning, look.object, "TaskSubtype is hidden: calls and e-mails are told from other tasks by their Type alone", "give the permission set Read on it")
		case look.object == eventObject && !s.has("ShowAs"):
			x.add("activity", connectors.Notice, look.object, "ShowAs is hidden: leave in the calendar is not seen", "give the permission set Read on it")
		default:
			x.add("activity", connectors.Fine, look.object, "it is followed", "")
		}
	}
	x.add("activity-capture", connectors.Unseen, "Einstein Activity Capture",
		"e-mails and meetings that it captures leave no rows in the org (unless it syncs them as such): they cannot be seen, and no handoff is touched by them",
		"let reps log what counts, or set Einstein Activity Capture to sync e-mails and events as Salesforce activities")
	if err := x.opened(ctx); err != nil {
		return err
	}
	if err := x.sequencer(ctx); err != nil {
		return err
	}
	return x.reached(ctx)
}

// opened looks at whether it can be seen that an owner has opened a lead.
func (x *inspection) opened(ctx context.Context) *connectors.Error {
	s, err := x.schema(ctx, string(Lead))
	switch {
	case err != nil && stopsAll(err):
		return err
	case err != nil: // told by the others that look at leads
	case !s.has(unreadColumn):
		x.add("opened", connectors.Warning, "Lead."+unreadColumn, "it is hidden: whether an owner has opened a lead cannot be seen, so acceptance, status and activity stand in for it", "give the permission set Read on it (Unread By Owner)")
	default:
		x.add("opened", connectors.Fine, "Lead."+unreadColumn, "whether its owner has opened a lead is seen; of contacts, accounts and deals Salesforce does not say it", "")
	}
	return nil //nolint:nilerr // what stops nothing else is theirs to tell
}

// sequencer looks for Sales Engagement, whose own first dates mislead.
func (x *inspection) sequencer(ctx context.Context) *connectors.Error {
	s, err := x.schemaAsOf(ctx, "ActionCadence", x.started())
	if err != nil && stopsAll(err) {
		return err
	}
	if err == nil && !s.missing {
		x.add("sales-engagement", connectors.Notice, "Sales Engagement",
			"cadences are in use: their calls and e-mails are followed as the tasks they log; the first-call and first-e-mail dates on the record are the first ever, of any owner, and are not looked at",
			"have cadence steps log completed tasks")
	}
	return nil
}

// reached looks at whether calls and e-mails come into the org at all, by hand
// or from a sequencer.
func (x *inspection) reached(ctx context.Context) *connectors.Error {
	const code, subject = "activity-seen", "calls and e-mails"
	s, err := x.schema(ctx, taskObject)
	if err != nil || !s.has("TaskSubtype") {
		return nil //nolint:nilerr // said above
	}
	rows, seen, err := x.ask(ctx, code, subject, statement{
		columns: []string{"Id"}, object: taskObject, limit: 1,
		where: "IsClosed = true AND TaskSubtype IN ('Call','Email','ListEmail') AND CreatedDate = LAST_N_DAYS:7",
	})
	switch {
	case err != nil || !seen:
		return err
	case len(rows) == 0:
		x.add(code, connectors.Warning, subject, "none has reached the org in the last 7 days: people's calls and e-mails, or their sequencer's, are not logged here, and every handoff will look untouched",
			"switch on logging to Salesforce in the dialler, the mail integration or the sequencer (Outreach, Salesloft, Sales Engagement)")
	default:
		x.add(code, connectors.Fine, subject, "they reach the org", "")
	}
	return nil
}
