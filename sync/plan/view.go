package plan

import (
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
)

// View is everything Decide may look at: a store transaction plus the engine's
// index while the daemon runs, a [Snapshot] in tests and in replay. Reads that
// fail find nothing and are remembered: the first failure sticks in Err.
// Answers must not be changed by the caller, and come in a fixed order.
type View interface {
	// Record is a record as last read.
	Record(ref connectors.Ref) (state.Record, bool)
	// Candidates are the accounts that share a key with the query.
	Candidates(q match.Query) []match.Account
	// Sharing are the records of a connection that are found by a key of
	// [match.Keys], by Ref; none where it is so many that it says nothing.
	Sharing(conn, key string) []state.Record
	// Alike are the accounts that are likest to a lead, and how; w chooses
	// which of them are answered.
	Alike(conn string, l match.Lead, w *match.Weights) match.Alike
	// Aliases are the accounts a domain or name was shown to be of, in order.
	Aliases(conn, key string) []state.Alias
	// Handoffs are those a record started or carries, by id.
	Handoffs(ref connectors.Ref) []state.Handoff
	// HandoffsAt are those of an account that are about something else, by id,
	// while they are open or something of them is told back.
	HandoffsAt(account connectors.Ref) []state.Handoff
	// HandoffOfTask is the one for which a task was made with this key.
	HandoffOfTask(key string) (state.Handoff, bool)
	Handoff(id string) (state.Handoff, bool)
	Trigger(typ string, ref connectors.Ref) (state.Trigger, bool)
	Pool(team string) (state.Pool, bool)
	// User and UserByEmail know the inactive too.
	User(conn, id string) (connectors.User, bool)
	UserByEmail(conn, email string) (connectors.User, bool)
	// Unaccepted counts the handoffs a person owns and has not accepted.
	Unaccepted(person string) int
	// Leave is what each source outside the rules says of when a person is
	// away, as far as it is not over.
	Leave(person string, now time.Time) []state.Leave
	// Same is who the record is elsewhere.
	Same(ref connectors.Ref) (state.Same, bool)
	// Located is the answer to a need; false: nobody has asked yet.
	Located(n state.Need) ([]state.Record, bool)
	// Trail is the answer to a need that asks for the past of a field; false:
	// nobody has asked yet.
	Trail(n state.Need) (state.Trail, bool)
	// Intent is a write that waits to be sent or answered, by its key.
	Intent(key string) (state.Intent, bool)
	Conn(name string) (state.Conn, bool)
	// Crowd are the records around an account that [Crowd] asks for.
	Crowd(q Crowd) []state.Record
	// Told is what programs have said by signals; state.Told has the keys.
	Told(key string) (state.Told, bool)
	// Pace is how much of something was let through.
	Pace(name string) (state.Pace, bool)
	// Note is where a text of these words was last seen, of late.
	Note(hash string) (state.Note, bool)
	// Budget is what a person has been told; "": everybody, in a minute.
	Budget(who string) (state.Budget, bool)
	// Timer is one that is set, by its id.
	Timer(id string) (state.Timer, bool)
	// Before is what the fields of a record held before we wrote them.
	Before(ref connectors.Ref) (state.Before, bool)
	Err() error
}
