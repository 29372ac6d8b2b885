package connectors

// Activity is the kind every adapter understands as "something that people do
// or plan about records": calls, e-mails, meetings and tasks. An adapter
// follows as many of them as its CRM shows; what it cannot see is told by
// [Inspector]. The objects of this kind hold the Act* words below and nothing
// else: no subject, body or note ever leaves the adapter. Their links are the
// records they are about, whatever their noun; a CRM may give none for a task
// of our own, which is known by its key.
//
// One thing that somebody did is one object: where a CRM keeps an e-mail twice,
// as a message and as a task, the adapter gives it once.
const Activity Kind = "activity"

// The words of an [Activity]. Times are RFC 3339.
const (
	ActType    = "type"    // "call", "email", "meeting" or "task"
	ActState   = "state"   // "open": planned; "started": a task somebody has begun; "deferred": one they have put off; "done": it happened, or the task is ticked off; "cancelled": it will not
	ActAt      = "at"      // when it happened or is planned for
	ActMade    = "made"    // when it was put into the CRM
	ActOwner   = "owner"   // the CRM's user id of who does or did it
	ActMadeBy  = "made_by" // the CRM's user id of who put it there; absent where the CRM does not say
	ActTowards = "towards" // "buyer": we to them; "us": they to us; absent: it cannot be told
	ActOutcome = "outcome" // of a meeting: "held", "no_show", "cancelled"; absent: it is not said
	ActKey     = "key"     // of a task that handoffd made: the write's key
)

// WorkPrefix marks a field in which a CRM itself counts, on the record, what
// people have done about it. Such a name may stand in a field list like one of
// handoffd's own fields; an adapter whose CRM does not keep it leaves it out of
// the answer. They are never written.
const WorkPrefix = "work_"

// The words with [WorkPrefix].
const (
	WorkFirstAt   = WorkPrefix + "first_at"   // when the present owner first reached out
	WorkFirstType = WorkPrefix + "first_type" // by "call", "email" or "meeting"
	WorkReachedAt = WorkPrefix + "reached_at" // when anybody first reached out, ever
	WorkLastAt    = WorkPrefix + "last_at"    // when anybody last did
	WorkCount     = WorkPrefix + "count"      // how often anybody did, ever; merges add up, deletions lower it
	WorkNextAt    = WorkPrefix + "next_at"    // when the next planned activity is due
	WorkOpened    = WorkPrefix + "opened"     // yes: the present owner has opened the record
	// WorkOwnedAt is when the owner was set last, by anybody. It is no count and
	// not among [WorkFields].
	WorkOwnedAt = WorkPrefix + "owned_at"
)

// WorkFields are all of them, in order.
func WorkFields() []string {
	return []string{WorkFirstAt, WorkFirstType, WorkReachedAt, WorkLastAt, WorkCount, WorkNextAt, WorkOpened}
}
