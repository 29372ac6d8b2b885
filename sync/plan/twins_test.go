package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
	"github.com/handoffd/handoffd/sync/plan"
)

// stewarded are the base rules with revops as the steward of both CRMs.
func stewarded(t *testing.T) *plan.Rules {
	t.Helper()
	review := []string{"if_several_match: review", "if_several_match: review\n  reviewed_by: revops@example.com"}
	return writing(t, edit(t, "mappings/hubspot.yaml", review...), edit(t, "mappings/salesforce.yaml", review...))
}

// TestTwins: a company that is new or renamed, and looks like one that the same
// CRM has, is listed; nothing is merged.
func TestTwins(t *testing.T) {
	t.Parallel()
	r := stewarded(t)
	acme := company("hubspot", "9", map[string]string{"name": "Acme Inc.", "domain": "acme.com", "country": "US"})
	bakery := company("hubspot", "8", map[string]string{"name": "Bakery Rossi", "domain": "facebook.com/rossi"})
	for name, tc := range map[string]struct {
		comes  map[string]string
		before map[string]string // where it was there already
		conn   string
		want   string
	}{
		"the same website":              {comes: map[string]string{"name": "ACME Corporation", "domain": "https://www.acme.com/"}, want: "the website acme.com"},
		"the same name":                 {comes: map[string]string{"name": "ACME, Inc", "country": "US"}, want: "their name"},
		"the same name elsewhere":       {comes: map[string]string{"name": "ACME, Inc", "country": "SE"}},
		"the same name, another site":   {comes: map[string]string{"name": "ACME, Inc", "domain": "acme-tools.com"}},
		"part of it":                    {comes: map[string]string{"name": "Acme Labs", "domain": "acme.com", "parent": "9"}},
		"a host of its own":             {comes: map[string]string{"name": "Acme Japan", "domain": "jp.acme.com"}},
		"nothing in common":             {comes: map[string]string{"name": "Globex", "domain": "globex.com"}},
		"in the other CRM":              {comes: map[string]string{"name": "Acme Inc.", "domain": "acme.com"}, conn: "salesforce"},
		"there already":                 {comes: map[string]string{"name": "ACME", "domain": "acme.com", "country": "US"}, before: map[string]string{"name": "ACME", "domain": "acme.com"}},
		"renamed into it":               {comes: map[string]string{"name": "Acme Inc"}, before: map[string]string{"name": "Bolt"}, want: "their name"},
		"a site of many":                {comes: map[string]string{"name": "Garage Lopez", "domain": "facebook.com/garage"}},
		"a website that says nothing":   {comes: map[string]string{"name": "Dana's shop", "domain": "gmail.com"}},
		"a name that is a website only": {comes: map[string]string{"name": "acme.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.add(acme, bakery)
			conn := tc.conn
			if conn == "" {
				conn = "hubspot"
			}
			rec := company(conn, "10", tc.comes)
			if tc.before != nil {
				was := company(conn, "10", tc.before)
				was.Version = "0"
				w.records[was.Ref] = was
			}
			w.decide(t, r, monday, see(rec))
			got := w.listed("duplicates")
			if len(got) > 0 != (tc.want != "") || tc.want != "" && !strings.Contains(strings.Join(got, "\n"), tc.want) {
				t.Errorf("listed %q, want %q", got, tc.want)
			}
			task, asked := w.steps()["twins"]
			if asked != (tc.want != "") {
				t.Errorf("the steward's task: %+v", task)
			}
			if asked && (!slices.Equal(task.Write.Links, []connectors.Ref{rec.Ref, acme.Ref}) || task.Write.Set[connectors.TaskOwner] != "u-revops" || len(w.handoffs) > 0) {
				t.Errorf("the steward's task: %+v", task.Write)
			}
		})
	}
	t.Run("before the mirror is full", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		w.records[acme.Ref] = acme
		w.conns["hubspot"] = state.Conn{Name: "hubspot", Live: live}
		w.decide(t, r, monday, see(company("hubspot", "10", acme.Fields)))
		if got := w.listed("duplicates"); len(got) > 0 {
			t.Errorf("listed %q", got)
		}
	})
}

// person is a lead who has asked for a demo in Salesforce.
func asking(id, email, first, last string, more ...string) state.Record {
	return lead(id, append([]string{
		"email", email, "first_name", first, "last_name", last, "last_form", "Demo request", "last_form_at", monday.Add(-time.Minute).Format(time.RFC3339),
	}, more...)...)
}

// TestPersonTwins: who is a person that the same CRM has already is listed and
// asked about once. One address is one buyer: a second record of theirs joins the
// handoff of the first, and nobody else gets it (1.86).
func TestPersonTwins(t *testing.T) {
	t.Parallel()
	r := stewarded(t)
	dana := asking("00Q1", "dana@acme.com", "Dana", "Fox", "company_name", "Acme Inc", "phone", "+14155550101", "country", "US")
	for name, tc := range map[string]struct {
		comes state.Record
		want  string // in common
		joins bool
	}{
		"the same address":                {asking("00Q2", "Dana@Acme.com", "Dana", "Fox"), match.SharedAddress, true},
		"the same address, misspelt":      {asking("00Q2", "dana@acme.com", "Dana", "Foxx"), match.SharedAddress, true},
		"the same address, no name":       {asking("00Q2", "dana@acme.com", "", "Fox"), match.SharedAddress, true},
		"somebody else at an address":     {asking("00Q2", "dana@acme.com", "Ravi", "Mehta"), "", false},
		"a private address, the number":   {asking("00Q2", "dfox@gmail.com", "Dana", "Fox", "phone", "(415) 555-0101", "country", "US"), match.SharedNameAndNumber, false},
		"a private address, the employer": {asking("00Q2", "dfox@gmail.com", "Dana", "Fox", "company_name", "ACME, Inc."), match.SharedNameAndWork, false},
		"another one at the employer":     {asking("00Q2", "ravi@acme.com", "Ravi", "Mehta", "company_name", "Acme Inc"), "", false},
		"the name in another country":     {asking("00Q2", "dana@acme.se", "Dana", "Fox", "company_name", "Acme Inc", "country", "SE"), "", false},
		"the name alone":                  {asking("00Q2", "dana@fox.example", "Dana", "Fox"), "", false},
		"the number alone":                {asking("00Q2", "ravi@initech.com", "Ravi", "Mehta", "phone", "+14155550101"), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.decide(t, r, monday, see(dana))
			first := w.only(t)
			w.decide(t, r, monday, see(tc.comes))
			got := strings.Join(w.listed("duplicates"), "\n")
			if got != "" != (tc.want != "") || !strings.Contains(got, tc.want) {
				t.Errorf("listed %q, want %q", got, tc.want)
			}
			task, asked := w.steps()["twins"]
			if asked != (tc.want != "") || asked && !slices.Equal(task.Write.Links, []connectors.Ref{tc.comes.Ref, dana.Ref}) {
				t.Errorf("the steward's task: %+v", task)
			}
			if joined := len(w.handoffs) == 1; joined != tc.joins {
				t.Fatalf("%d handoffs", len(w.handoffs))
			}
			if h := w.handoffs[first.ID]; tc.joins && (len(h.Signals) != 2 || h.Owner != first.Owner) {
				t.Errorf("%d signals, owner %s", len(h.Signals), h.Owner)
			}
		})
	}
}

// TestTwinsAskedOnce: two records are asked about once, and a day's import does not
// bury the steward.
func TestTwinsAskedOnce(t *testing.T) {
	t.Parallel()
	r, w := stewarded(t), newWorld()
	asked := func() (n int) {
		for _, i := range w.intents {
			if i.Step == "twins" {
				n++
			}
		}
		return n
	}
	a, b := asking("00Q1", "dana@acme.com", "Dana", "Fox"), asking("00Q2", "dana@acme.com", "Dana", "Fox")
	w.decide(t, r, monday, see(a))
	w.decide(t, r, monday, see(b))
	clear(w.intents)
	for n, email := range []string{"dana@gmail.com", "dana@acme.com"} { // away and back
		a = asking("00Q1", email, "Dana", "Fox")
		a.Version = fmt.Sprint(n + 2)
		w.decide(t, r, monday, see(a))
	}
	if n := asked(); n != 0 {
		t.Errorf("asked about the two %d times more", n)
	}
	for n := range 30 {
		w.decide(t, r, monday, see(asking(fmt.Sprintf("00QA%d", n), fmt.Sprintf("p%d@x.example", n), "Ann", "Lee")))
		w.decide(t, r, monday, see(asking(fmt.Sprintf("00QB%d", n), fmt.Sprintf("p%d@x.example", n), "Ann", "Lee")))
	}
	if n := asked(); n >= 20 || len(w.listed("duplicates")) < 30 {
		t.Errorf("%d tasks in a day, %d listed", n, len(w.listed("duplicates")))
	}
	before := asked()
	again := asking("00QB25", "p25@x.example", "Ann", "Lee", "phone", "+14155550101") // was only listed
	again.Version = "2"
	w.decide(t, r, monday.Add(24*time.Hour), see(again))
	if asked() == before {
		t.Error("nothing is asked the next day")
	}
}

// TestTwinsMergedAtOnce: what somebody merges or deletes before the steward was
// asked is not asked about.
func TestTwinsMergedAtOnce(t *testing.T) {
	t.Parallel()
	r := stewarded(t)
	for name, end := range map[string]func(*state.Record){
		"merged":  func(r *state.Record) { r.MovedTo = connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q1"} },
		"deleted": func(r *state.Record) { r.Deleted = true },
	} {
		w := newWorld()
		a, b := asking("00Q1", "dana@acme.com", "Dana", "Fox"), asking("00Q2", "dana@acme.com", "Dana", "Fox")
		w.decide(t, r, monday, see(a))
		w.decide(t, r, monday, see(b))
		if task := w.steps()["twins"]; !task.Due.After(monday) {
			t.Fatalf("%s: asked at once: %+v", name, task)
		}
		b.Version = "2"
		end(&b)
		w.decide(t, r, monday.Add(time.Minute), see(b))
		if task, asked := w.steps()["twins"]; asked {
			t.Errorf("%s: still asked: %+v", name, task.Write)
		}
	}
}

// TestAddressCorrected: two records are one person's as long as they say so.
func TestAddressCorrected(t *testing.T) {
	t.Parallel()
	r, w := stewarded(t), newWorld()
	w.decide(t, r, monday, see(asking("00Q1", "dana@acme.com", "Dana", "Fox")))
	first := w.only(t)
	typo := asking("00Q2", "dana@acme.com", "", "Fox")
	delete(typo.Fields, "last_form")
	w.decide(t, r, monday, see(typo))
	for n, tc := range []struct {
		email string
		count int
	}{{"dave@fox.example", 2}, {"dana@acme.com", 2}} {
		rec := asking("00Q2", tc.email, "", "Fox")
		rec.Version = fmt.Sprint(n + 2)
		rec.Fields["last_form_at"] = monday.Add(time.Duration(n+1) * time.Hour).Format(time.RFC3339)
		rec.ModifiedAt = monday.Add(time.Duration(n+1) * time.Hour)
		at := rec.ModifiedAt.Add(time.Minute)
		w.decide(t, r, at, plan.Observed{Record: rec, Via: "webhook", Came: at, Read: at})
		if len(w.handoffs) != tc.count || len(w.handoffs[first.ID].Signals) != 1 {
			t.Errorf("%s: %d handoffs, want %d; the first has %d signals", tc.email, len(w.handoffs), tc.count, len(w.handoffs[first.ID].Signals))
		}
	}
}

// TestTwinDeleted: the older of two records of a buyer is deleted in place of
// merged. What the other had asked for is not lost: it starts anew there, unless
// somebody had accepted it, which is listed.
func TestTwinDeleted(t *testing.T) {
	t.Parallel()
	r := stewarded(t)
	for _, accepted := range []bool{false, true} {
		w := newWorld()
		a, b := asking("00Q1", "dana@acme.com", "Dana", "Fox"), asking("00Q2", "dana@acme.com", "Dana", "Fox")
		w.decide(t, r, monday, see(a))
		first := w.only(t)
		w.done(t, r, monday.Add(time.Second))
		w.decide(t, r, monday.Add(time.Minute), see(b))
		w.done(t, r, monday.Add(2*time.Minute))
		h := w.only(t)
		if len(h.Signals) != 2 {
			t.Fatalf("%d signals", len(h.Signals))
		}
		if accepted {
			h.Stage, h.AcceptedAt, h.AcceptedBy = state.Accepted, monday.Add(3*time.Minute), h.Owner
			w.handoffs[h.ID] = h
		}
		a.Version, a.Deleted, a.ModifiedAt = "7", true, monday.Add(5*time.Minute)
		at := monday.Add(5 * time.Minute)
		w.decide(t, r, at, plan.Observed{Record: a, Via: "poll", Came: at, Read: at})
		if now := w.handoffs[first.ID]; now.Stage != state.Cancelled {
			t.Fatalf("the first: %s", now.Stage)
		}
		open := 0
		for _, h := range w.handoffs {
			if h.Record == b.Ref && h.Stage == state.Assigned && h.Owner != "" && h.AcceptBy.After(at) {
				open++
			}
		}
		listed := slices.ContainsFunc(w.listed("duplicates"), func(s string) bool { return strings.Contains(s, "still here as") })
		if (open == 1) == accepted || listed != accepted {
			t.Errorf("accepted %v: %d open on the other record, listed %v", accepted, open, listed)
		}
	}
}

// TestTwinsOfMany: one record that looks like many is one question to the steward.
func TestTwinsOfMany(t *testing.T) {
	t.Parallel()
	r, w := stewarded(t), newWorld()
	for n := range 30 {
		w.add(company("hubspot", fmt.Sprint(100+n), map[string]string{"name": fmt.Sprintf("Acme %d", n), "domain": "acme.com"}))
	}
	w.decide(t, r, monday, see(company("hubspot", "10", map[string]string{"name": "Acme Newtown", "domain": "acme.com"})))
	if len(w.intents) != 1 || len(w.listed("duplicates")) < 30 {
		t.Errorf("%d questions, %d listed", len(w.intents), len(w.listed("duplicates")))
	}
}

// TestLandsOnWhoeverTheyAre: of two leads that were one person's, one has become
// somebody else's. A buyer lands on the one that has their address.
func TestLandsOnWhoeverTheyAre(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	rec, dave, dana := sales("51", "dana@acme.com"), lead("00Q1", "email", "dave@fox.example"), lead("00Q2")
	w.add(dave, dana, rec)
	all := state.Same{Refs: []connectors.Ref{rec.Ref, dave.Ref, dana.Ref}}
	for _, ref := range all.Refs {
		w.same[ref] = all
	}
	rec.Version = "2"
	w.decide(t, r, monday, see(rec))
	if h := w.only(t); h.Target != dana.Ref {
		t.Errorf("landed on %s", h.Target)
	}
}
