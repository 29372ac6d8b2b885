package mappings

// Calendar is when somebody works.
type Calendar struct {
	Name           Text
	Timezone       Text
	AlwaysOpen     bool // open: always
	Open           []Hours
	Holidays       Text // a country: US, GB, DE …
	ExceptHolidays []Text
	Also           []Dates
	Pos            Pos
}

// Hours are the opening hours of some weekdays, in minutes from midnight. To
// may be up to 48*60: a shift that ends the next day.
type Hours struct {
	Days  []int // time.Weekday, 0 is Sunday
	Spans []Span
	Pos   Pos
}

// Span is [From, To) in minutes from midnight.
type Span struct{ From, To int }

// Dates is one day or a range, both ends included, as YYYY-MM-DD.
type Dates struct{ From, To Text }

// Person may own, manage or stand in.
type Person struct {
	Who      Text // e-mail, lower case
	Manager  Text
	Backup   Text
	Calendar Text
	Works    []Hours         // instead of the calendar's hours
	Can      map[string]List // skill: values
	// LeaveFeed is where their iCalendar of absences is: an address (https, or
	// http on this machine), a file: path, or the name of an environment
	// variable that holds one of these.
	LeaveFeed Text
	Pos       Pos
}

// Cover is somebody else's work, for a while.
type Cover struct {
	Who, By     Text
	From, Until Text // YYYY-MM-DD, both included, or YYYY-MM-DD HH:MM where they are
	OpenOnes    bool
	Pos         Pos
}

// Team is a pool of people, or a name for who is accountable.
type Team struct {
	Name             Text
	Accountable      Text // a person, for a team that only gives
	Manager          Text
	AtMost           int  // unaccepted handoffs, each; 0: no cap
	AllTogether      int  // unaccepted handoffs of the whole team; 0: no cap
	CountBy          Text // "tier": each tier is a rotation of its own; "" counts all together
	Members          []Member
	LeaveFrom        []Text
	IfEveryoneIsFull Text // "queue" (default) or "backup"
	Pos              Pos
}

// Member is one person of a pool.
type Member struct {
	Who    Text
	Weight int // 1 when not written
	AtMost int // 0: the team's
	Note   Text
	Pos    Pos
}

// Territory is an ordered list; the first row that fits wins.
type Territory struct {
	Name Text
	Rows []TerritoryRow
	Pos  Pos
}

// TerritoryRow sends what fits If (always, when Otherwise) to a team.
type TerritoryRow struct {
	If        Cond
	Team      Text
	Otherwise bool
	Pos       Pos
}
