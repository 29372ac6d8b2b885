package mappings

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func mapFS(folder map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, text := range folder {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func loadBase(t *testing.T) *Doc {
	t.Helper()
	d, ds := Load(os.DirFS(base))
	if len(ds) > 0 {
		t.Fatalf("the sound folder has faults:\n%s", Render(ds, d.Files))
	}
	return d
}

// TestScalarsStayAsTyped: 01234, NO and 09:00 are text.
func TestScalarsStayAsTyped(t *testing.T) {
	t.Parallel()
	d := loadBase(t)
	i := slices.IndexFunc(d.Lists, func(l List) bool { return l.Name.S == "codes" })
	want := []string{"01234", "NO", "09:00", "1e3", "null", "~", "true"}
	if diff := cmp.Diff(want, plain(d.Lists[i].Values)); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	ben := d.People[1]
	if diff := cmp.Diff([]string{"en", "NO", "007"}, append(plain(ben.Can["language"].Values), plain(ben.Can["product"].Values)...)); diff != "" {
		t.Errorf("skills (-want +got):\n%s", diff)
	}
	var pairs []string
	for _, f := range d.Mappings[0].Nouns[0].Fields {
		for _, p := range f.Values {
			pairs = append(pairs, p.From.S+"="+p.To.S)
		}
	}
	if diff := cmp.Diff([]string{"01=New", "NO=Norway", "1.50=Third"}, pairs); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func plain(ts []Text) []string {
	var out []string
	for _, t := range ts {
		out = append(out, t.S)
	}
	return out
}

// TestEveryValueKnowsItsPlace looks at a few values of every kind.
func TestEveryValueKnowsItsPlace(t *testing.T) {
	t.Parallel()
	d := loadBase(t)
	at := func(text Text) string { return text.S + " " + text.Pos.String() }
	first := d.Handoffs[0]
	got := []string{
		at(d.Mode), at(d.Connections[0].CRM), at(d.People[0].Who), at(d.Tiers[0].For),
		at(first.Name), at(first.Owner[3].Arg), at(first.StartsWhen[0].Field), at(first.StartsWhen[0].Ops[0].Args[0]),
		first.SLA[1].Pos.String(), first.Context.HoldAtMost.Pos.String(),
	}
	want := []string{
		"write handoffd.yaml:1:7", "alpha handoffd.yaml:5:10", "ana@example.com people.yaml:2:11", "those who ask sla.yaml:3:10",
		"first_call handoffs/first-call.yaml:1:10", "inbound handoffs/first-call.yaml:33:15",
		"person.last_form handoffs/first-call.yaml:9:6", "Demo handoffs/first-call.yaml:9:35",
		"handoffs/first-call.yaml:28:5", "handoffs/first-call.yaml:24:17",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

// TestUnits reads hours, durations, clocks, dates and shares of the sound folder.
func TestUnits(t *testing.T) {
	t.Parallel()
	d := loadBase(t)
	noPos := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Pos" }, cmp.Ignore())
	hours := []Hours{
		{Days: []int{1, 2, 3, 4}, Spans: []Span{{9 * 60, 18 * 60}}},
		{Days: []int{5}, Spans: []Span{{9 * 60, 12*60 + 30}, {13*60 + 30, 17 * 60}}},
		{Days: []int{6, 0}, Spans: []Span{{10 * 60, 12 * 60}, {22 * 60, 30 * 60}}},
	}
	if diff := cmp.Diff(hours, d.Calendars[0].Open, noPos); diff != "" {
		t.Errorf("hours (-want +got):\n%s", diff)
	}
	if !d.Calendars[1].AlwaysOpen || d.Calendars[0].AlwaysOpen {
		t.Error("the hotline alone is always open")
	}
	if diff := cmp.Diff([]int{5, 6, 0, 1}, d.People[1].Works[0].Days); diff != "" {
		t.Errorf("friday to monday (-want +got):\n%s", diff)
	}
	fast := d.Tiers[0]
	got := []Duration{fast.Assign.Time, fast.FirstTouch.Time, fast.AttemptsIn, fast.Return.Time, fast.Kickoff.Time, d.Connections[0].PollEvery}
	want := []Duration{{N: 5, Unit: Minute}, {N: 4, Unit: Hour, Working: true}, {N: 48, Unit: Hour}, {N: 1, Unit: Day, Working: true}, {N: 5, Unit: Day, Working: true}, {N: 30, Unit: Second}}
	if diff := cmp.Diff(want, got, noPos); diff != "" {
		t.Errorf("durations (-want +got):\n%s", diff)
	}
	if fast.Kickoff.CountedFrom.S != "deal.signed_on" || d.Connections[0].APIShare.P != 12.5 || d.Imports.AtMost.N != 50 || d.Imports.AtMost.Per != Day {
		t.Errorf("kickoff %+v, share %+v, imports %+v", fast.Kickoff, d.Connections[0].APIShare, d.Imports)
	}
	if d.Reports[0].Day != 1 || d.Reports[0].At != 480 || d.Safety.NeverTakeFrom[0].S != "ceo@example.com" {
		t.Errorf("report %+v, safety %+v", d.Reports[0], d.Safety)
	}
}

// TestConditions reads every form of condition.
func TestConditions(t *testing.T) {
	t.Parallel()
	first := loadBase(t).Handoffs[0]
	var got []string
	for _, c := range append(slices.Clone(first.StartsWhen), first.OnlyIf, first.AcceptedWhen, first.CompletedWhen) {
		got = append(got, show(c))
	}
	want := []string{
		"person.last_form contains(Demo)",
		"all[company.visits count_at_least(3) within(7 days) same(department); none[all[person.country is(US, CA); person.role is_not(intern) or blank]]]",
		"all[person.email filled(yes); person.score between(1, 99); company filled(yes)]",
		"any[person.handoff_status is(Accepted); next_task_created; first_touch_logged]",
		"first_touch",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
}

// show writes a condition in one line.
func show(c Cond) string {
	join := func(name string, cs []Cond) string {
		var parts []string
		for _, c := range cs {
			parts = append(parts, show(c))
		}
		return name + "[" + strings.Join(parts, "; ") + "]"
	}
	switch {
	case c.All != nil:
		return join("all", c.All)
	case c.Any != nil:
		return join("any", c.Any)
	case c.None != nil:
		return join("none", c.None)
	}
	s := c.Field.S
	for _, o := range c.Ops {
		s += " " + o.Name + "(" + strings.Join(plain(o.Args), ", ") + ")"
	}
	if c.OrBlank {
		s += " or blank"
	}
	return s
}

func TestOwnerLines(t *testing.T) {
	t.Parallel()
	var got []string
	for _, l := range loadBase(t).Handoffs[0].Owner {
		got = append(got, l.Rule+"|"+l.Arg.S+"|"+l.LookUp.S)
	}
	want := []string{
		"named account owner||", "customer owner||parents", "owner in|company.csm|", "territory|inbound|",
		"round robin|callers|", "person|ana@example.com|", "queue|callers|",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("owner lines (-want +got):\n%s", diff)
	}
}

// TestAllFaultsInOnePass breaks three files at once.
func TestAllFaultsInOnePass(t *testing.T) {
	t.Parallel()
	folder := baseFolder(t)
	folder["sla.yaml"] = strings.Replace(folder["sla.yaml"], "5 minutes", "5 minuets", 1)
	folder["teams.yaml"] = strings.Replace(folder["teams.yaml"], "manager", "maneger", 1)
	folder["people.yaml"] = "people: [\n"
	d, ds := Load(mapFS(folder))
	var got []string
	for _, x := range ds {
		got = append(got, x.String())
	}
	want := []string{
		`people.yaml:2:1: the file ends in the middle of a list or a group; add what is missing, and the ] or } that closes it [syntax]`,
		`sla.yaml:4:20: assign_within is "5 minuets", which is not an amount of time; did you mean "5 minutes"? [bad-duration]`,
		`teams.yaml:4:5: team callers has no key "maneger"; did you mean "manager"? [unknown-key]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"people.yaml"}, d.Unread); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
	if len(d.Teams) != 2 || len(d.Handoffs) != 2 || len(d.Tiers) != 2 {
		t.Error("what could be read is not there")
	}
}

// FuzzLoad: any bytes in any file give a document or an error, and rendering
// what is said never fails either (F1, F5). Run it with -fuzzminimizetime=20x:
// with the default it spends its time on shortening.
func FuzzLoad(f *testing.F) {
	paths := []string{settingsFile, calendarsFile, peopleFile, teamsFile, slaFile, listsFile, "mappings/alpha.yaml", "handoffs/first-call.yaml", "tests/first-call.yaml"}
	folder := baseFolder(f)
	for i, p := range paths {
		f.Add(uint8(i), []byte(folder[p]))
	}
	broken, err := filepath.Glob("testdata/faults/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range broken {
		if data, err := os.ReadFile(name); err == nil {
			_, body, _ := bytes.Cut(data, []byte("--\n"))
			f.Add(uint8(len(data)), body)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		p := paths[int(which)%len(paths)]
		fsys := fstest.MapFS{}
		for name, text := range folder {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
		fsys[p] = &fstest.MapFile{Data: data}
		d, ds := Load(fsys)
		if d == nil {
			t.Fatal("no document")
		}
		if !slices.IsSortedFunc(ds, func(a, b Diagnostic) int { return strings.Compare(a.Pos.File, b.Pos.File) }) {
			t.Error("not in order")
		}
		Render(ds, d.Files)
	})
}
