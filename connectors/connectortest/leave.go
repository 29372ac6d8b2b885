package connectortest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// absences: what the CRM knows of leave is told by e-mail address, in order,
// as far as it overlaps what was asked for; credentials that may not see it
// are Denied, not told that everybody is there.
func absences(t *testing.T, c connectors.Connector, w World) {
	absentee, ok := c.(connectors.Absentee)
	if !ok || w.Away == nil {
		t.Skip("not an Absentee")
	}
	now := time.Now().UTC().Truncate(time.Second)
	day := func(n int) time.Time { return now.Add(time.Duration(n) * 24 * time.Hour) }
	for _, a := range [][2]int{{-9, -7}, {-1, 2}, {5, 6}, {60, 70}} {
		w.edit(t, w.Away(day(a[0]), day(a[1])))
	}
	got, err := absentee.Absences(t.Context(), now, day(30))
	if err != nil {
		t.Fatal(err)
	}
	who := w.ownerEmail(t, c)
	for i := range got {
		if got[i].Source == "" {
			t.Errorf("an absence that nobody can trace: %+v", got[i])
		}
		got[i].From, got[i].Until, got[i].Source = got[i].From.UTC(), got[i].Until.UTC(), ""
	}
	want := []connectors.Absence{{Who: who, From: day(-1), Until: day(2)}, {Who: who, From: day(5), Until: day(6)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	refusal, ok := w.Refusals[connectors.Denied]
	if !ok {
		return
	}
	w.Wire.Fail(false, refusal)
	if _, err := absentee.Absences(t.Context(), now, day(30)); connectors.ClassOf(err) != connectors.Denied {
		t.Errorf("hidden leave: %v, want denied", err)
	}
}

// ownerEmail is the e-mail address of the world's active user.
func (w World) ownerEmail(t *testing.T, c connectors.Connector) string {
	t.Helper()
	users, err := c.(connectors.Describer).Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(users, func(u connectors.User) bool { return u.ID == w.Owner })
	if at < 0 {
		t.Fatalf("%s is no user", w.Owner)
	}
	return users[at].Email
}

// Away is the edit with which the world's Owner notes that they are away.
type Away func(from, until time.Time) simhttp.Edit
