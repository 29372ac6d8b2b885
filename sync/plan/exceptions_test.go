package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/sync/plan"
)

// TestExceptionEndsAtMidnight: the last day of an exception is one of whom it names, as
// that of a cover is, and not of Greenwich (2.43).
func TestExceptionEndsAtMidnight(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "handoffs/demo-request.yaml", "sla:  ",
		"exceptions:\n  - {name: acme pilot, if: {person.email_domain: acme.com}, owner: dev@example.com, reason: he runs it, until: 2026-03-31}\nsla:  "))
	for said, want := range map[string]bool{"2026-03-31T23:30:00-04:00": true, "2026-04-01T00:30:00-04:00": false} {
		at, err := time.Parse(time.RFC3339, said)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld()
		rec := demo("51", "dana@acme.com", "country", "US", "last_form_at", at.UTC().Format(time.RFC3339))
		rec.CreatedAt, rec.ModifiedAt = at.UTC(), at.UTC()
		w.decide(t, r, at.UTC(), plan.Observed{Record: rec, Via: "poll", Came: at.UTC()})
		if h := w.only(t); (h.Exception != "") != want {
			t.Errorf("%s: %q", said, h.Exception)
		}
	}
}
