package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
	"github.com/handoffd/handoffd/sync/plan"
	"github.com/handoffd/handoffd/sync/report"
)

// TestTablesFitATerminal: no table is wider than a terminal, however long the names of
// types and people are, and nothing of it is left out.
func TestTablesFitATerminal(t *testing.T) {
	t.Parallel()
	const who, typ = "bartholomew.featherstonehaugh@example.com", "customer_success_to_account_management"
	agreement := reportAnswer{}
	agreement.Types = []report.AgreementRow{{Type: typ, Decided: 1234, Same: 1000, Different: 101, Nobody: 102, Unknown: 103, Gone: 104, Waiting: 105, Faster: 8000, FasterOf: 999}}
	agreement.Differences = []report.Difference{{Type: typ, Rule: "handoffs/customer-success-to-account-management.yaml:27", Decided: who, Had: "x." + who, Count: 77}}
	standing := teamReport{Standing: plan.Standing{
		Team: "account_management_emea", Manager: who, Next: map[string]string{"high_intent": who, "low_intent": who},
		Members: []plan.MemberStanding{{Who: who, Weight: 2, Why: "is outside working hours", Unaccepted: 22, AtMost: 30, Turns: 123}},
	}, Share: []shareRow{{Who: who, Due: 12.5, Turns: 13, Credited: 1}}}
	var listed []entry
	for _, name := range slices.Sorted(maps.Keys(listMeanings)) {
		listed = append(listed, entry{Listing: state.Listing{List: name}})
	}
	for name, c := range map[string]struct {
		tables []table
		shows  []string
	}{
		"report": {agreement.tables(), []string{typ, "1234", "91 %", "not yet known: 103", "sooner by: 2h13m20s (middle of 999)", "who had it: x." + who, "times: 77"}},
		"team":   {teamsReport{Teams: []teamReport{standing}}.tables(), []string{who, "22 of 30", "123"}},
		"lists":  {[]table{meaningsOf(listed)}, []string{"spared", listMeanings["refused"]}},
	} {
		var out strings.Builder
		if err := show(&out, "table", nil, c.tables); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(out.String(), "\n") {
			if n := len([]rune(line)); n > lineWidth {
				t.Errorf("%s: %d wide: %s", name, n, line)
			}
		}
		for _, want := range c.shows {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s does not show %q:\n%s", name, want, out.String())
			}
		}
	}
}

// TestExplainFits: what explain says of writes is broken where a terminal ends, and a
// record that is yet to be made has no empty name.
func TestExplainFits(t *testing.T) {
	t.Parallel()
	h := state.Handoff{
		ID: "h", Type: "demo_request", Stage: state.Assigned, Signals: []state.Signal{{At: time.Unix(0, 0)}},
		Record: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "1"}, Target: connectors.Ref{Conn: "salesforce"},
		Effects: map[string]state.Effect{"assign": {
			State: handoff.Sent, Ref: connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q000000000001"},
			Error: "a rule of the CRM refuses it until somebody has filled in the region and the size of the company",
		}},
	}
	var out strings.Builder
	if err := (explanation{Handoffs: []handoffReceipt{{Handoff: h}}}).write(streams{out: &out}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(out.String(), "\n") {
		if n := len([]rune(line)); n > lineWidth {
			t.Errorf("%d wide: %s", n, line)
		}
	}
	if want := "salesforce, on a record that is yet to be made"; !strings.Contains(out.String(), want) || strings.Contains(out.String(), "//") {
		t.Errorf("no %q:\n%s", want, out.String())
	}
}

// TestExplainRefused: a write that a CRM has refused waits for a person, as the queue
// says, and its reason is told once.
func TestExplainRefused(t *testing.T) {
	t.Parallel()
	h := state.Handoff{
		ID: "h", Type: "demo_request", Stage: state.Assigned, Signals: []state.Signal{{At: time.Unix(0, 0)}},
		Effects: map[string]state.Effect{"task": {State: handoff.Sent, Error: "no such owner"}},
	}
	parked := state.Intent{Step: "task", Dest: "hubspot", State: state.Parked, Error: "no such owner"}
	var out strings.Builder
	if err := (explanation{Handoffs: []handoffReceipt{{Handoff: h, Waiting: []state.Intent{parked}}}}).write(streams{out: &out}); err != nil {
		t.Fatal(err)
	}
	if want := "task: refused by hubspot, see `handoffd queue`: no such owner\n"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q:\n%s", want, out.String())
	}
}

// TestAlikeEntriesMakeRoom: where more is listed than status shows, what says the same stands
// there once, with how many more there are; the newest first.
func TestAlikeEntriesMakeRoom(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 19, 14, 0, 0, 0, time.UTC)
	of := func(n int, list, text string) (all []entry) {
		for i := range n {
			all = append(all, entry{Listing: state.Listing{List: list, Subject: fmt.Sprint(list, " ", i), Text: text, Last: at.Add(time.Duration(i) * time.Second)}})
		}
		return all
	}
	few := append(of(3, "refused", "no such value"), of(1, "unmatched", "no company")...)
	if got := newest(few); len(got) != 4 || got[0].about() != "refused 2" {
		t.Errorf("few: %v", got)
	}
	many := append(of(2*mostListed, "refused", "no such value"), of(1, "unmatched", "no company")...)
	got := newest(newest(many)) // what the state says, and then what the daemon adds
	if len(got) != 2 || got[0].about() != "refused 39 and 39 more" || got[1].about() != "unmatched 0" {
		t.Errorf("many: %v", got)
	}
}
