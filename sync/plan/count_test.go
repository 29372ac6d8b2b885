package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// justThis is a folder with one type besides the starter pack's settings, and
// further words in HubSpot's mapping.
func justThis(t *testing.T, typ string, words ...string) *plan.Rules {
	t.Helper()
	edits := map[string]string{"handoffs/alone.yaml": typ}
	for name := range starterTypes(t) {
		edits[name] = ""
	}
	return writing(t, edit(t, "mappings/hubspot.yaml", words...), edits)
}

func starterTypes(t *testing.T) map[string]bool {
	t.Helper()
	doc, _ := mappings.Load(folder(t, nil))
	out := map[string]bool{}
	for name := range doc.Files {
		if strings.HasPrefix(name, "handoffs/") {
			out[name] = true
		}
	}
	return out
}

const expanding = `handoff: expanding
what: Several people of one department have become active.
about: %s
on: hubspot
from: product
to: sales
starts_when:
  - {person.became_active_on: {count_at_least: 3, within: 14 days, same: department}}
context: {must_have: [company.name], if_missing: route_then_chase}
sla: high_intent
owner: [round robin sdr_us]
accountable_until_accepted: receiver
receiver_becomes: %s
accepted_when: {%s.handoff_status: Accepted}
completed_when: {%s.handoff_status: Completed}
if_stalled: [standard]
`

func counting(t *testing.T, about string) *plan.Rules {
	t.Helper()
	typ := fmt.Sprintf(expanding, about, about+".owner", about, about)
	return justThis(t, typ, "    owner:             {read: hubspot_owner_id, is_a: user}", "    owner:             {read: hubspot_owner_id, write: hubspot_owner_id, is_a: user}",
		"    phone:  ", "    became_active_on: {read: became_active_on, is_a: date}\n    department: {read: department}\n    phone:  ",
		"    employees:  ", "    handoff_status: {read: handoff_status, write: handoff_status}\n    employees:  ")
}

func active(id, dep, day string, links ...connectors.Ref) state.Record {
	r := contact(id, map[string]string{"email": "p" + id + "@acme.com", "email_domain": "acme.com", "department": dep, "became_active_on": day})
	r.Links = links
	return r
}

// TestCount: three people of one company and department within the time start
// one handoff, whether the CRM links them or their address does (1.40, 1.69).
func TestCount(t *testing.T) {
	t.Parallel()
	acme := company("hubspot", "900", map[string]string{"name": "Acme", "domain": "acme.com"})
	other := company("hubspot", "901", map[string]string{"name": "Other", "domain": "other.example"})
	day := func(back int) string { return monday.AddDate(0, 0, -back).Format(time.DateOnly) }
	in := func(id, dep string, back int) state.Record { return active(id, dep, day(back), acme.Ref) }
	moved := in("3", "Sales", 2)
	moved.MovedTo = connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "1"}
	tests := []struct {
		name string
		seen []state.Record
		want int
	}{
		{"three of one department", []state.Record{in("1", "Sales", 9), in("2", "Sales", 5), in("3", "Sales", 0)}, 1},
		{"two", []state.Record{in("1", "Sales", 9), in("2", "Sales", 5)}, 0},
		{"three of two departments", []state.Record{in("1", "Sales", 9), in("2", "IT", 5), in("3", "Sales", 0)}, 0},
		{"upper and lower case are one department", []state.Record{in("1", "sales", 9), in("2", "SALES", 5), in("3", "Sales", 0)}, 1},
		{"the same person thrice", []state.Record{in("1", "Sales", 9), in("1", "Sales", 5), in("1", "Sales", 0)}, 0},
		{"the last day counts", []state.Record{in("1", "Sales", 14), in("2", "Sales", 5), in("3", "Sales", 0)}, 1},
		{"the day before it does not", []state.Record{in("1", "Sales", 15), in("2", "Sales", 5), in("3", "Sales", 0)}, 0},
		{"a day to come does not", []state.Record{in("1", "Sales", 1), in("2", "Sales", 5), in("3", "Sales", -2)}, 0},
		{"without a department nobody is counted", []state.Record{in("1", "", 1), in("2", "", 5), in("3", "", 0)}, 0},
		{"of two companies", []state.Record{in("1", "Sales", 1), in("2", "Sales", 5), active("3", "Sales", day(0), other.Ref)}, 0},
		{"found by their address", []state.Record{in("1", "Sales", 1), active("2", "Sales", day(3)), active("3", "Sales", day(0))}, 1},
		{"a merged one is not counted", []state.Record{in("1", "Sales", 1), in("2", "Sales", 5), moved}, 0},
		{"a fourth joins", []state.Record{in("1", "Sales", 9), in("2", "Sales", 5), in("3", "Sales", 0), in("4", "Sales", 0)}, 1},
		{"another department is another group", []state.Record{
			in("1", "Sales", 9), in("2", "Sales", 5), in("3", "Sales", 0), in("4", "IT", 0), in("5", "IT", 0), in("6", "IT", 0),
		}, 1}, // it joins: one company, one open handoff
	}
	for _, about := range []string{"company", "person"} {
		rules := counting(t, about)
		for _, test := range tests {
			t.Run(about+"/"+test.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld()
				w.add(acme, other)
				for i, r := range test.seen {
					w.decide(t, rules, monday.Add(time.Duration(i)*time.Minute), see(r))
				}
				want := test.want
				if about == "person" && test.name == "another department is another group" {
					want = 2 // each group has somebody who completed it
				}
				if len(w.handoffs) != want {
					t.Fatalf("%d handoffs, want %d", len(w.handoffs), want)
				}
				for _, h := range w.handoffs {
					if about == "company" && h.Record != acme.Ref {
						t.Errorf("it is about %s, want the company", h.Record)
					}
				}
			})
		}
	}
}

// TestCountNames: whoever gets a group reads in what department it is, as the CRM
// has it, within what time, and who they are (1.40).
func TestCountNames(t *testing.T) {
	t.Parallel()
	acme := company("hubspot", "900", map[string]string{"name": "Acme", "domain": "acme.com"})
	w := newWorld()
	w.add(acme)
	for i, name := range []string{"Dana Ito", "Lee Berg", ""} {
		r := active(fmt.Sprint(i), "IT", monday.Format(time.DateOnly), acme.Ref)
		r.Fields["full_name"] = name
		w.decide(t, counting(t, "company"), monday.Add(time.Duration(i)*time.Minute), see(r))
	}
	h := w.only(t)
	if why := h.Why[0].Text; !strings.Contains(why, `3 of one company with the department "IT" (became active on, within 14 days)`) {
		t.Errorf("why: %s", why)
	}
	brief, _ := w.steps()["assign"].Write.Set["handoff_brief"].(string)
	if want := "Counted: p2@acme.com; Dana Ito, p0@acme.com; Lee Berg, p1@acme.com."; !strings.Contains(brief, want) {
		t.Errorf("the brief does not say %q:\n%s", want, brief)
	}
}

// TestCountOncePerWindow: a group starts one handoff within its time, however
// that one ended, and another when as many have followed later (1.40).
func TestCountOncePerWindow(t *testing.T) {
	t.Parallel()
	rules := counting(t, "company")
	acme := company("hubspot", "900", map[string]string{"name": "Acme", "domain": "acme.com"})
	w := newWorld()
	w.add(acme)
	var got []int
	for n := range 10 { // one more person every three days
		now := monday.AddDate(0, 0, 3*n)
		w.decide(t, rules, now, see(active(fmt.Sprint(n), "Sales", now.Format(time.DateOnly), acme.Ref)))
		got = append(got, len(w.handoffs))
		for id, h := range w.handoffs {
			h.Stage = state.Completed
			w.handoffs[id] = h
		}
	}
	// The third on day 6; on day 20 that is over, and five have come since.
	if diff := cmp.Diff([]int{0, 0, 1, 1, 1, 1, 1, 2, 2, 2}, got); diff != "" {
		t.Errorf("handoffs after each person (-want +got):\n%s", diff)
	}
}

const healthDrop = `handoff: health_drop
what: A customer is doing badly.
about: company
on: hubspot
from: product
to: customer success
starts_when:
  - {company.health: {at_most: 40}}
context: {must_have: [company.name], if_missing: route_then_chase}
sla: high_intent
owner: [round robin sdr_us]
accountable_until_accepted: receiver
accepted_when: {company.lifecycle: customer}
completed_when: {company.lifecycle: other}
if_stalled: [standard]
`

// TestBoundIsCrossed: a number that falls below a bound is one signal however
// it moves below, and another when it has been above in between (1.49, 1.50).
func TestBoundIsCrossed(t *testing.T) {
	t.Parallel()
	rules := justThis(t, healthDrop, "    employees:  ", "    health: {read: health, is_a: number}\n    lifecycle: {read: lifecyclestage}\n    employees:  ",
		"    parent:            {read: hs_parent_company_id}\n    owner:             {read: hubspot_owner_id, is_a: user}", "    parent:            {read: hs_parent_company_id}\n    owner:             {read: hubspot_owner_id, write: hubspot_owner_id, is_a: user}")
	w := newWorld()
	var got []int
	for i, health := range []string{"80", "41", "40", "35", "38", "45", "39", "12", "90", "30"} {
		r := company("hubspot", "900", map[string]string{"name": "Acme", "domain": "acme.com", "health": health})
		r.ModifiedAt = monday.AddDate(0, 0, i)
		ev := see(r)
		ev.Came = monday.AddDate(0, 0, i)
		w.decide(t, rules, ev.Came, ev)
		got = append(got, len(w.handoffs))
		for id, h := range w.handoffs {
			h.Stage = state.Completed
			w.handoffs[id] = h
		}
	}
	if diff := cmp.Diff([]int{0, 0, 1, 1, 1, 1, 2, 2, 2, 3}, got); diff != "" {
		t.Errorf("handoffs after each reading (-want +got):\n%s", diff)
	}
}

// TestCountRefused: what cannot be counted is told.
func TestCountRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ cond, code string }{
		"without a time":             {"{person.last_form_at: {count_at_least: 3}}", "count-without-time"},
		"of a company's field":       {"{company.founded_on: {count_at_least: 3, within: 7 days}}", "wrong-noun"},
		"of what is no date":         {"{person.title: {count_at_least: 3, within: 7 days}}", "not-a-date"},
		"beside another":             {"{person.last_form_at: {count_at_least: 3, within: 7 days, filled: yes}}", "count-alone"},
		"same of another noun":       {"{person.last_form_at: {count_at_least: 3, within: 7 days, same: company.segment}}", "wrong-noun"},
		"of an unknown word":         {"{person.last_from_at: {count_at_least: 3, within: 7 days}}", "undefined-field"},
		"within working time":        {"{person.last_form_at: {count_at_least: 3, within: 2 working days}}", "bad-duration"},
		"nothing to be counted with": {"{person.last_form_at: {count_at_least: 0, within: 2 days}}", "bad-number"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edits := edit(t, "handoffs/demo-request.yaml", "  - {person.intent_signal: Pricing inquiry}", "  - "+test.cond)
			for k, v := range edit(t, "mappings/hubspot.yaml", "    employees:  ", "    founded_on: {read: founded, is_a: date}\n    employees:  ") {
				edits[k] = v
			}
			doc, ds := mappings.Load(folder(t, edits))
			_, more := plan.Compile(doc)
			var codes []string
			for _, d := range append(ds, more...) {
				codes = append(codes, d.Code)
			}
			if !strings.Contains(strings.Join(codes, " "), test.code) {
				t.Errorf("got %v, want %s", codes, test.code)
			}
		})
	}
	_, ds := plan.Compile(load(t, edit(t, "handoffs/demo-request.yaml", "  person.email: {filled: yes}", "  person.last_form_at: {count_at_least: 3, within: 7 days}")))
	if len(ds) == 0 || ds[0].Code != "count-elsewhere" {
		t.Errorf("a count in only_if: %v", ds)
	}
}

func load(t *testing.T, edits map[string]string) *mappings.Doc {
	t.Helper()
	doc, ds := mappings.Load(folder(t, edits))
	if mappings.Failed(ds) {
		t.Fatalf("load: %s", mappings.Render(ds, doc.Files))
	}
	return doc
}
