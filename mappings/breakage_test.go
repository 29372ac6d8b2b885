package mappings

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// minimal is the smallest mapping that loads.
const minimal = "mapping: alpha\n"

// TestEveryMisspeltKeyIsFound puts an x before each key of the sound folder,
// one at a time: none may pass in silence (F1).
func TestEveryMisspeltKeyIsFound(t *testing.T) {
	t.Parallel()
	folder := baseFolder(t)
	keys := keysOfSource(t)
	if _, ds := Load(mapFS(map[string]string{settingsFile: folder[settingsFile], "mappings/alpha.yaml": minimal, "mappings/us.yaml": minimal})); Failed(ds) {
		t.Fatal(ds) // else every key would seem to be found
	}
	broken := 0
	for name, text := range folder {
		if strings.HasPrefix(name, testsDir) {
			continue
		}
		for _, at := range regexp.MustCompile(`[a-z_]+:[ \n]`).FindAllStringIndex(text, -1) {
			key := text[at[0] : at[1]-2]
			line := text[strings.LastIndex(text[:at[0]], "\n")+1 : at[0]]
			// Under authority and fields any word is a name of the admin's.
			if !slices.Contains(keys, key) || strings.HasSuffix(line, ".") || strings.HasPrefix(line, "authority") || strings.HasPrefix(line, "    ") && strings.HasPrefix(name, mappingsDir) && strings.TrimSpace(line) == "" {
				continue
			}
			// The broken file with what it needs to be the only fault.
			changed := map[string]string{settingsFile: folder[settingsFile], "mappings/alpha.yaml": minimal, "mappings/us.yaml": minimal}
			changed[name] = text[:at[0]] + "x" + text[at[0]:]
			_, ds := Load(mapFS(changed))
			if broken++; !Failed(ds) {
				t.Errorf("%s: x%s passes in %q", name, key, line)
			}
		}
	}
	if broken < 150 {
		t.Errorf("only %d keys were broken", broken)
	}
}

// keysOfSource is every fixed key that the reader asks for.
func keysOfSource(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	keys := append(Operators(), append(Nouns(), "all", "any", "none", "or_blank")...)
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\b(?:field|need|role)\("([a-z_]+)"`).FindAllStringSubmatch(string(src), -1) {
			keys = append(keys, m[1])
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// TestHalfWrittenFiles cuts every file of the sound folder at every line and
// in the middle of it: Load answers, and says the same twice (F2).
func TestHalfWrittenFiles(t *testing.T) {
	t.Parallel()
	folder := baseFolder(t)
	for name, text := range folder {
		for cut := 0; cut < len(text); cut += 1 + len(text)/40 {
			changed := map[string]string{name: text[:cut]}
			d, ds := Load(mapFS(changed))
			_, again := Load(mapFS(changed))
			if diff := cmp.Diff(ds, again); diff != "" {
				t.Fatalf("%s cut at %d is told in two ways:\n%s", name, cut, diff)
			}
			Render(ds, d.Files)
		}
	}
}

// TestMountedVolume reads a folder as a container platform mounts it: every
// name a link into a hidden folder.
func TestMountedVolume(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "..data"), os.DirFS(base)); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "..data"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Symlink(filepath.Join("..data", e.Name()), filepath.Join(dir, e.Name())); err != nil {
			t.Skip(err)
		}
	}
	d, ds := Load(os.DirFS(dir))
	if len(ds) > 0 {
		t.Fatalf("diagnostics:\n%s", Render(ds, d.Files))
	}
	if diff := cmp.Diff(loadBase(t), d); diff != "" {
		t.Errorf("it reads differently (-plain +mounted):\n%s", diff)
	}
}

// TestQuotesInProse: what only looks like a quote hides nothing behind it.
func TestQuotesInProse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"lists:\n  a: [rock 'n roll]\n  b: [“x”]\n":               "curly-quote 3:7 curly-quote 3:9",
		"lists:\n  a: ['it''s “so”', \"she said \\\"“x”\\\"\"]\n": "",
		"lists:\n  a: [\"back\\\\\", “x]\n":                       "curly-quote 2:17 syntax 2:17",
		"lists:\n  a: [the buyer’s wish] # “so” and\u00a0so\n":    "",
		"lists:\n  a: [\"x\u00a0y\", b#“c]\n":                     "nbsp 2:9 curly-quote 2:16",
		"lists:\n  a: [x\u200by]\n":                               "invisible 2:8",
		"lists: # comment\twith a tab\n  a:\t[x]\n":               "tab 2:5",
		"lists:\n  a: [x\x00]\n":                                  "control-character 2:8",
		"lists:\n  a: [x, \"multi\n    line “text”\", “z”]\n":     "curly-quote 3:19 curly-quote 3:21",
	} {
		_, ds := Load(mapFS(map[string]string{listsFile: text}))
		var got []string
		for _, d := range ds {
			if d.Pos.File == listsFile {
				got = append(got, fmt.Sprintf("%s %d:%d", d.Code, d.Pos.Line, d.Pos.Column))
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: got %q, want %q", text, s, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		want Duration
		ok   bool
	}{
		{"15 minutes", Duration{N: 15, Unit: Minute}, true},
		{"1 minute", Duration{N: 1, Unit: Minute}, true},
		{"4 working hours", Duration{N: 4, Unit: Hour, Working: true}, true},
		{"1 working day", Duration{N: 1, Unit: Day, Working: true}, true},
		{"48  hours", Duration{N: 48, Unit: Hour}, true},
		{"2 seconds", Duration{N: 2, Unit: Second}, true},
		{"0 minutes", Duration{Unit: Minute}, true},
		{in: "15"},
		{in: "minutes"},
		{in: "-1 minutes"},
		{in: "1.5 hours"},
		{in: "2 working seconds"},
		{in: "2 working"},
		{in: "99999999999 days"},
		{in: "1 month"},
		{in: "1 2 minutes"},
	} {
		got, ok := parseDuration(c.in)
		if ok != c.ok || got != c.want {
			t.Errorf("%q: got %+v %v, want %+v %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func TestParseDaysAndSpans(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]int{
		"monday to thursday": {1, 2, 3, 4}, "saturday, sunday": {6, 0}, "friday to monday": {5, 6, 0, 1},
		"Monday": {1}, "every day": {0, 1, 2, 3, 4, 5, 6}, "monday to tuesday, friday": {1, 2, 5}, "someday": nil, "monday to": nil, "": nil,
	} {
		got, wrong := parseDays(in)
		if diff := cmp.Diff(want, got); diff != "" || (want == nil) == (wrong == "" && in != "") {
			t.Errorf("%q: wrong %q (-want +got):\n%s", in, wrong, diff)
		}
	}
	for in, want := range map[string]Span{
		"09:00-17:30": {540, 1050}, "9:00-17:00": {540, 1020}, "22:00-06:00": {1320, 1800}, "00:00-24:00": {0, 1440}, "08:00-00:00": {480, 1440},
		"all day": {0, 1440}, "9-17": {}, "09:00": {}, "24:00-06:00": {}, "09:00-09:00": {}, "09:60-10:00": {}, "09:00-10:00-11:00": {}, "009:00-10:00": {},
	} {
		got, ok := parseSpan(in)
		if got != want || ok != (want != Span{}) {
			t.Errorf("%q: got %v %v, want %v", in, got, ok, want)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"manager", "members", "at_most", "leave_from"}
	for in, want := range map[string]string{
		"maneger": "manager", "Manager": "manager", "memebrs": "members", "atmost": "at_most", "leave-from": "leave_from",
		"colour": "", "x": "", strings.Repeat("m", 100): "",
	} {
		if got := nearest(in, known); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// TestRenderLongLines shows only the surroundings of the place, with the caret
// still under it.
func TestRenderLongLines(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("é", 500) + "HERE" + strings.Repeat("x", 500)
	out := Render([]Diagnostic{{Pos: Pos{"a.yaml", 1, 501}, Code: "c", Text: "t"}}, map[string]string{"a.yaml": line})
	lines := strings.Split(out, "\n")
	if len(lines[1]) > 400 || !strings.Contains(lines[1], "…") {
		t.Fatalf("line: %q", lines[1])
	}
	caret := strings.Index(lines[2], "^")
	if got := string([]rune(lines[1])[caret : caret+4]); got != "HERE" {
		t.Errorf("the caret is under %q", got)
	}
}
