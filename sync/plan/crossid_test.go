package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// asked decides until nothing has to be asked any more, answering from what
// the other CRM holds, and returns the questions by value.
func (w *world) asked(t *testing.T, r *plan.Rules, rec state.Record, there map[string][]state.Record) []string {
	t.Helper()
	var out []string
	for range 6 {
		c := w.decide(t, r, monday, see(rec))
		if len(c.Needs) == 0 {
			return out
		}
		for _, n := range c.Needs {
			out = append(out, n.Question.Field+"="+n.Question.Value)
			w.located[n.ID()] = there[n.Question.Value]
		}
	}
	t.Fatal("it asks forever")
	return nil
}

// TestLandingByID: the id that a CRM keeps of another is asked for before the
// address, followed to where that record lives on, and given up where it is
// gone (C8, C10).
func TestLandingByID(t *testing.T) {
	t.Parallel()
	ref := func(kind connectors.Kind, id string) connectors.Ref {
		return connectors.Ref{Conn: "salesforce", Kind: kind, ID: id}
	}
	byMail, byID, contact := lead("00QM"), lead("00QI"), lead("003C")
	contact.Ref.Kind = "Contact"
	converted := lead("00QI")
	converted.MovedTo = contact.Ref
	deleted := lead("00QI")
	deleted.Deleted = true
	for _, c := range []struct {
		name  string
		there map[string][]state.Record
		want  connectors.Ref
		asked []string
	}{
		{"by id", map[string][]state.Record{"00QI": {byID}, "dana@acme.com": {byMail}}, ref("Lead", "00QI"), []string{"=00QI"}},
		{"converted since", map[string][]state.Record{"00QI": {converted}, "003C": {contact}, "dana@acme.com": {byMail}}, ref("Contact", "003C"), []string{"=00QI", "=003C"}},
		{"deleted", map[string][]state.Record{"00QI": {deleted}, "dana@acme.com": {byMail}}, ref("Lead", "00QM"), []string{"=00QI", "Email=dana@acme.com"}},
		{"unknown there", map[string][]state.Record{"dana@acme.com": {byMail}}, ref("Lead", "00QM"), []string{"=00QI", "Email=dana@acme.com"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, w := writing(t), newWorld()
			rec := sales("51", "dana@acme.com")
			rec.Same = []connectors.Ref{ref("Lead", "00QI")}
			if diff := cmp.Diff(c.asked, w.asked(t, r, rec, c.there)); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if h := w.only(t); h.Target != c.want {
				t.Errorf("lands on %s, want %s", h.Target, c.want)
			}
			if same := w.same[rec.Ref]; same.By == "" {
				t.Error("the two are not joined")
			}
		})
	}
}
