package connectors

import "context"

// UrgentRank is the least urgent rank that is still urgent: a receiver who has
// an hour or less.
const UrgentRank = 1

type urgentKey struct{}

// Urgent marks everything asked of a connector under the context as urgent: it
// may use what is kept of the CRM's daily calls for owners and escalations
// when all other work has to wait for the next day (C7).
func Urgent(ctx context.Context) context.Context {
	return context.WithValue(ctx, urgentKey{}, true)
}

// IsUrgent reports whether the context comes from [Urgent].
func IsUrgent(ctx context.Context) bool { return ctx.Value(urgentKey{}) != nil }
