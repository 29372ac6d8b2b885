package salesforce

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// Leave of whole days is midnight to midnight where its owner lives, of hours
// as it stands; what is only busy is none; one call tells of everybody, and
// what is hidden is not the same as nobody being away.
func TestAbsences(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{})
		w.setup(`{"sandbox":true}`)
		event := func(who string, fields map[string]any) {
			fields["OwnerId"], fields["Subject"] = who+"@example.com", "Away"
			w.edit(simhttp.Edit{Object: "Event", Op: "create", Fields: fields})
		}
		event("isla", map[string]any{"ShowAs": "OutOfOffice", "IsAllDayEvent": true, "ActivityDate": "2000-03-25", "DurationInMinutes": 2 * 1440})
		event("ana", map[string]any{"ShowAs": "OutOfOffice", "IsAllDayEvent": true, "ActivityDate": "2000-03-21"})
		event("ana", map[string]any{"ShowAs": "OutOfOffice", "StartDateTime": "2000-03-22T13:00:00Z", "EndDateTime": "2000-03-22T15:00:00Z"})
		event("ana", map[string]any{"ShowAs": "Busy", "StartDateTime": "2000-03-23T13:00:00Z", "EndDateTime": "2000-03-23T15:00:00Z"})
		event("ben", map[string]any{"ShowAs": "OutOfOffice", "IsAllDayEvent": true, "ActivityDate": "2000-02-01"})
		at := func(text string) time.Time {
			v, err := time.Parse(time.RFC3339, text)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		ask := func() ([]connectors.Absence, error) {
			return w.org.Absences(t.Context(), at("2000-03-20T00:00:00Z"), at("2000-04-20T00:00:00Z"))
		}
		var got []connectors.Absence
		if _, err := w.org.schema(t.Context(), eventObject); err != nil {
			t.Fatal(err)
		}
		before := w.calls.Load()
		got, _ = ask()
		calls := w.calls.Load() - before
		zone := map[string]string{"ana": "-05:00", "isla": "Z"}
		want := []connectors.Absence{
			{Who: "ana@example.com", From: at("2000-03-21T00:00:00" + zone["ana"]).UTC(), Until: at("2000-03-22T00:00:00" + zone["ana"]).UTC(), Source: leaveSource},
			{Who: "ana@example.com", From: at("2000-03-22T13:00:00Z"), Until: at("2000-03-22T15:00:00Z"), Source: leaveSource},
			// The clocks of London went forward that night.
			{Who: "isla@example.com", From: at("2000-03-25T00:00:00Z"), Until: at("2000-03-26T23:00:00Z"), Source: leaveSource},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if calls != 1 {
			t.Errorf("calls = %d, want 1", calls)
		}
		w.setup(`{"hidden":["Event.ShowAs"]}`)
		for range 2 {
			if _, err := ask(); connectors.ClassOf(err) != connectors.Denied {
				t.Errorf("hidden: %v, want denied", err)
			}
		}
		w.setup(`{"no_access":["Event"]}`)
		if _, err := ask(); connectors.ClassOf(err) != connectors.Denied {
			t.Errorf("no access: %v, want denied", err)
		}
	})
}
