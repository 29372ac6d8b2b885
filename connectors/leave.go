package connectors

import (
	"context"
	"time"
)

// Absentee is a connector whose CRM knows when its users are away.
type Absentee interface {
	// Absences lists what overlaps the time from..until, in order of person
	// and beginning. Denied means that the credentials may not see it, which
	// is not the same as nobody being away.
	Absences(ctx context.Context, from, until time.Time) ([]Absence, error)
}

// Absence is one time in which one person is away.
type Absence struct {
	Who    string    `json:"who"`  // by e-mail, lower case
	From   time.Time `json:"from"` // inclusive
	Until  time.Time `json:"until"`
	Source string    `json:"source"` // where it stands, for the receipt: "HubSpot out of office"
}
