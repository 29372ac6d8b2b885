package mappings

// Tier is a set of clocks by intent. A Duration that is zero is no clock.
type Tier struct {
	Name        Text
	For         Text
	None        bool // handoff: none
	LookAgain   Text
	Assign      Clock
	Accept      Clock
	FirstTouch  Clock
	OuterLimit  Text // "same day"
	AttemptsMin int
	AttemptsMax int
	AttemptsIn  Duration
	Return      Clock
	Document    Clock
	Kickoff     Clock
	Opened      Duration
	NoActivity  Duration
	Pos         Pos
}

// Clock is a duration and what it is counted from: a field, "acceptance", or
// "" for the assignment.
type Clock struct {
	Time        Duration
	CountedFrom Text
}

// Unit is a unit of time.
type Unit string

// The units.
const (
	Second Unit = "second"
	Minute Unit = "minute"
	Hour   Unit = "hour"
	Day    Unit = "day"
	Week   Unit = "week"
)

// Duration is an amount as the admin wrote it. Minutes and working days follow
// the owner's calendar; hours of 24 and more, and days without "working", are
// clock time. Package sla gives it its meaning.
type Duration struct {
	N       int
	Unit    Unit
	Working bool
	Pos     Pos
}

// IsZero reports whether no duration was written.
func (d Duration) IsZero() bool { return d.Unit == "" }

// Percent is a whole or fractional percentage, 40 for 40%.
type Percent struct {
	P   float64
	Pos Pos
}

// Escalation is an ordered list of steps on one clock.
type Escalation struct {
	Name  Text
	Clock Text // "accept", "first_touch", …; [ClockNames]
	Steps []EscalationStep
	Pos   Pos
}

// EscalationStep happens At percent of the clock. Whom it speaks to is owner,
// manager, backup, revops, giver or a person by e-mail.
type EscalationStep struct {
	At      Percent
	Remind  Text
	Alert   []Text
	Mark    Text
	GiveTo  Text
	Tell    []Text
	Task    Text
	TaskFor Text // "" for the owner
	Say     Text // the text in place of the usual one
	Pos     Pos
}
