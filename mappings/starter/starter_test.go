package starter_test

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/mappings/starter"
)

// TestStarterIsSound: the folder that people begin with has nothing to say
// about, embedded and on disk alike, and starts by only looking.
func TestStarterIsSound(t *testing.T) {
	t.Parallel()
	d, ds := mappings.Load(starter.FS())
	if len(ds) > 0 {
		t.Fatalf("the starter folder:\n%s", mappings.Render(ds, d.Files))
	}
	if d.Mode.S != "observe" || len(d.Live) > 0 {
		t.Errorf("mode %q, live %v", d.Mode.S, d.Live)
	}
	disk, ds := mappings.Load(os.DirFS("."))
	if len(ds) > 0 {
		t.Fatalf("on disk:\n%s", mappings.Render(ds, disk.Files))
	}
	if diff := cmp.Diff(disk, d); diff != "" {
		t.Errorf("disk and embedded differ (-disk +embedded):\n%s", diff)
	}
}

// TestStarterContent: the connections, every transition as a
// type of its own, on by default, no caps, and the words a delivered handoff
// needs to create a person (0.1, 0.8, 0.19, 1.12, 1.39, 1.119, 1.121, 2.47, 3.1).
func TestStarterContent(t *testing.T) {
	t.Parallel()
	d, _ := mappings.Load(starter.FS())
	var conns, types []string
	for _, c := range d.Connections {
		conns = append(conns, c.Name.S)
	}
	for _, h := range d.Handoffs {
		types = append(types, h.Name.S+" on "+h.On.S+" to "+h.DeliverTo.S)
	}
	if diff := cmp.Diff([]string{"hubspot", "salesforce"}, conns); diff != "" {
		t.Errorf("connections (-want +got):\n%s", diff)
	}
	slices.Sort(types)
	want := []string{
		"ae_to_finance on  to ", "ae_to_legal on  to ", "ae_to_sales_engineer on  to ", "closed_won_to_cs on  to ", "contact_sales on hubspot to salesforce",
		"cs_to_account_manager on  to ", "demo_request on hubspot to ", "demo_request_salesforce on salesforce to ", "early_interest on  to ", "founder_to_ae on  to ",
		"health_drop on  to ", "inbound_to_ae on  to ", "marketing_to_outbound on  to ", "medium_intent on  to ", "partner_lead on  to ", "pre_sale_to_cs on  to ",
		"product_to_sales on  to ", "renewal on  to ", "sdr_to_ae on  to ", "several_contacts on  to ",
	}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	for _, team := range d.Teams {
		capped := team.AtMost != 0
		for _, m := range team.Members {
			capped = capped || m.AtMost != 0
		}
		if capped {
			t.Errorf("team %s has a cap", team.Name.S)
		}
	}
	writes := map[string]bool{}
	for _, m := range d.Mappings {
		for _, n := range m.Nouns {
			for _, f := range n.Fields {
				for _, w := range f.Write {
					writes[m.Name.S+" "+w.Field.S] = true
				}
			}
		}
	}
	for _, f := range []string{"FirstName", "LastName", "Company", "Email", "Phone", "LeadSource", "OwnerId"} {
		if !writes["salesforce "+f] {
			t.Errorf("a delivered handoff cannot write %s", f)
		}
	}
}

// TestStarterRefersToWhatIsThere: people, teams, tiers, calendars, lists and
// fields that a starter file names are in the starter folder.
func TestStarterRefersToWhatIsThere(t *testing.T) {
	t.Parallel()
	d, _ := mappings.Load(starter.FS())
	known := map[string]bool{}
	for _, p := range d.People {
		known["person "+p.Who.S] = true
	}
	for _, x := range d.Teams {
		known["team "+x.Name.S] = true
	}
	for _, x := range d.Tiers {
		known["tier "+x.Name.S] = true
	}
	for _, x := range d.Calendars {
		known["calendar "+x.Name.S] = true
	}
	for _, x := range d.Escalations {
		known["escalation "+x.Name.S] = true
	}
	for _, m := range d.Mappings {
		for _, n := range m.Nouns {
			for _, f := range n.Fields {
				known[m.Name.S+" "+n.Word.S+"."+f.Word.S] = true
			}
		}
	}
	need := func(what string, ts ...mappings.Text) {
		for _, x := range ts {
			if x.Given() && !known[what+" "+x.S] {
				t.Errorf("%s: no %s %q", x.Pos, what, x.S)
			}
		}
	}
	for _, p := range d.People {
		need("person", p.Manager, p.Backup)
		need("calendar", p.Calendar)
		if p.Backup.Given() && p.Backup.S == p.Manager.S {
			t.Errorf("%s: the backup of %s is the manager", p.Pos, p.Who.S)
		}
	}
	for _, x := range d.Teams {
		need("person", x.Manager, x.Accountable)
		for _, m := range x.Members {
			need("person", m.Who)
		}
	}
	for _, x := range d.Territories {
		for _, row := range x.Rows {
			need("team", row.Team)
		}
	}
	for _, h := range d.Handoffs {
		need("escalation", h.IfStalled...)
		for _, row := range h.SLA {
			need("tier", row.Use)
		}
		on := []string{h.On.S}
		if on[0] == "" {
			on = []string{"hubspot", "salesforce"} // it starts in both
		}
		for _, crm := range on {
			for _, row := range append(h.Context.MustHave, h.Context.ShouldHave...) {
				need(crm, row.Fields...)
			}
			need(crm, h.HappenedAt)
			for _, c := range h.StartsWhen {
				need(crm, c.Field)
			}
		}
	}
}

// TestFreeMail: the built-in list is sorted, unique and holds the obvious.
func TestFreeMail(t *testing.T) {
	t.Parallel()
	list, ok := mappings.BuiltInList("free_mail")
	if !ok || len(list) < 150 || !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
		t.Fatalf("%d domains, found %v", len(list), ok)
	}
	for _, d := range []string{"gmail.com", "outlook.com", "yahoo.co.uk", "gmx.de", "qq.com"} {
		if !slices.Contains(list, d) {
			t.Errorf("%s is missing", d)
		}
	}
	for _, d := range list {
		if strings.ToLower(d) != d || !strings.Contains(d, ".") || strings.ContainsAny(d, " @/") {
			t.Errorf("%q is not a domain", d)
		}
	}
	if _, ok := mappings.BuiltInList("paid_mail"); ok {
		t.Error("there is no such list")
	}
	if _, err := fs.Stat(starter.FS(), "handoffd.yaml"); err != nil {
		t.Error(err)
	}
}

// TestEveryTypeAnswers: each type of the starter pack says when it starts, who
// has it, what travels, how fast, when it is done and what happens if it
// stalls, in one file; a file without one of them does not load and says which
// (0.13, 0.14, 0.15, 0.20, 0.21, 0.22, 1.8, 1.11, 1.122, 1.123, 1.125, 1.126,
// 1.130, 2.12).
func TestEveryTypeAnswers(t *testing.T) {
	t.Parallel()
	keys := []string{"starts_when", "owner", "context", "sla", "accepted_when", "completed_when", "if_stalled"}
	files, err := fs.Glob(starter.FS(), "handoffs/*.yaml")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		text, err := fs.ReadFile(starter.FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			without := lacking(string(text), key)
			if without == string(text) {
				t.Errorf("%s says nothing of %s", name, key)
				continue
			}
			if key == "accepted_when" {
				continue // a type that nobody has to accept may go without
			}
			_, ds := mappings.Load(fstest.MapFS{name: {Data: []byte(without)}})
			if !slices.ContainsFunc(ds, func(d mappings.Diagnostic) bool {
				return d.Code == "missing-part" && strings.Contains(d.Text, "lacks "+key+" (")
			}) {
				t.Errorf("%s loads without %s", name, key)
			}
		}
	}
}

// lacking is a type without one of its keys and what stands under it.
func lacking(text, key string) string {
	var out strings.Builder
	drop := false
	for line := range strings.Lines(text) {
		if c := line[0]; c != ' ' && c != '\n' && c != '#' {
			drop = strings.HasPrefix(line, key+":")
		}
		if !drop {
			out.WriteString(line)
		}
	}
	return out.String()
}
