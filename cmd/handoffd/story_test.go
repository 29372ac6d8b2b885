package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/handoffd/handoffd/connectors/simulators"
	"github.com/handoffd/handoffd/mappings/starter"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// story is one txtar file of testdata/scenarios: what the admin has written,
// what the CRMs hold, what happens when, and what stands in the CRMs at the
// end. Its README says how to write one.
type story struct {
	name   string
	start  time.Time
	length time.Duration // how long after the last line everything is at rest
	sweep  string        // "every" k, or "some"
	unique bool          // tasks accept a unique key
	mode   string
	world  map[string]json.RawMessage
	folder fstest.MapFS
	types  []string // of the starter pack's handoffs/, those that are there; nil: all
	lines  []storyLine
	wants  []want
}

// rulesOf are the rules of every folder that is played, by its content: the daemon of a
// story is started many times, and rules are never changed.
var rulesOf sync.Map

// rules are those of the story's folder as it is now.
func (s *story) rules(t testing.TB) *plan.Rules {
	t.Helper()
	parts := []string{s.mode}
	for _, name := range slices.Sorted(maps.Keys(s.folder)) {
		parts = append(parts, name, string(s.folder[name].Data))
	}
	once, _ := rulesOf.LoadOrStore(state.Digest(parts...), sync.OnceValue(func() *plan.Rules { return compiled(t, s.folder, s.mode) }))
	return once.(func() *plan.Rules)()
}

// storyLine is one thing that somebody does, at an offset from the start.
type storyLine struct {
	at      time.Duration
	edit    simulators.Edit // with the record's natural key in ID, resolved when played
	key     string
	verb    string  // "edit", "stop", "start", "look", "config", "mode", "faults", "setup", "sync", "signal"
	file    string  // of config; the mode of mode; the document of setup, sync and signal
	trouble trouble // of faults
}

// want is one line about the end: a record and what its fields are.
type want struct {
	line   int
	crm    string // "hubspot", "salesforce", "handoff", "listing"
	kind   string
	key    string
	fields map[string]string
	absent bool
}

var word = regexp.MustCompile(`"[^"]*"|[^\s"=~]+(?:=|~)"[^"]*"|\S+`)

// words splits a line; quotes keep spaces.
func words(line string) []string {
	var out []string
	for _, w := range word.FindAllString(line, -1) {
		out = append(out, strings.ReplaceAll(w, `"`, ""))
	}
	return out
}

func readStory(t *testing.T, path string) *story {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return parseStory(t, strings.TrimSuffix(filepath.Base(path), ".txtar"), raw)
}

// parseStory reads a story of that name.
func parseStory(t *testing.T, name string, raw []byte) *story {
	t.Helper()
	archive := txtar.Parse(raw)
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	s := &story{
		name: name, length: 7 * time.Minute, sweep: "some", unique: true, mode: "write",
		start: time.Date(2026, 3, 19, 10, 0, 0, 0, zone), // a Thursday
	}
	s.folder = mapFolder(t, starter.FS())
	for _, f := range archive.Files {
		switch {
		case f.Name == "story":
			s.readLines(t, string(f.Data))
		case f.Name == "want":
			s.readWants(t, string(f.Data))
		case f.Name == "world":
			if err := json.Unmarshal(f.Data, &s.world); err != nil {
				t.Fatalf("%s: world: %v", s.name, err)
			}
		case strings.HasPrefix(f.Name, "config/"):
			s.folder[strings.TrimPrefix(f.Name, "config/")] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
		case strings.HasPrefix(f.Name, "later/"), strings.HasPrefix(f.Name, "feed/"):
			s.folder[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644} // for a config line
		default:
			t.Fatalf("%s: %s is none of story, want, world, config/…, later/…", s.name, f.Name)
		}
	}
	s.keepTypes(t, archive)
	if len(s.lines) == 0 || len(s.wants) == 0 {
		t.Fatalf("%s: a story needs a story and a want", s.name)
	}
	return s
}

// silence leaves of the starter pack's escalations the marks only: the story
// is about something else, and takes longer than anybody waits.
func (s *story) silence(t *testing.T) {
	t.Helper()
	sla := string(s.folder["sla.yaml"].Data)
	at := strings.Index(sla, "escalations:")
	if at < 0 {
		t.Fatalf("%s: sla.yaml has no escalations", s.name)
	}
	var kept strings.Builder
	lists := strings.SplitAfter(sla[at:], "steps:\n")
	for n, list := range lists {
		if n > 0 && strings.Contains(list, "mark: breached") {
			kept.WriteString("      - {at: 100%, mark: breached}\n")
		} else if n > 0 {
			kept.WriteString("      - {at: 9999%, tell: giver}\n") // a list has steps
		}
		for line := range strings.Lines(list) {
			if !strings.Contains(line, "- {at:") {
				kept.WriteString(line)
			}
		}
	}
	s.folder["sla.yaml"] = &fstest.MapFile{Data: []byte(sla[:at] + kept.String()), Mode: 0o644}
}

// pollEvery has both CRMs polled at another pace.
func (s *story) pollEvery(pace string) {
	f := *s.folder["handoffd.yaml"]
	f.Data = regexp.MustCompile(`poll_every: \d+ \w+`).ReplaceAll(f.Data, []byte("poll_every: "+pace))
	s.folder["handoffd.yaml"] = &f
}

// keepTypes takes the types of the starter pack away that a story does not name.
func (s *story) keepTypes(t *testing.T, archive *txtar.Archive) {
	t.Helper()
	replaced := func(name string) bool {
		return slices.ContainsFunc(archive.Files, func(f txtar.File) bool { return strings.HasSuffix(f.Name, "/"+name) })
	}
	if replaced("people.yaml") {
		s.keepPeople(t)
	}
	if s.types == nil && (replaced("people.yaml") || replaced("teams.yaml") || replaced("sla.yaml")) {
		s.types = []string{"demo-request", "contact-sales", "demo-request-salesforce"}
	}
	if s.types == nil {
		return
	}
	left := slices.Clone(s.types)
	for name := range s.folder {
		typ, is := strings.CutPrefix(strings.TrimSuffix(name, ".yaml"), "handoffs/")
		own := slices.ContainsFunc(archive.Files, func(f txtar.File) bool { return f.Name == "config/"+name })
		switch i := slices.Index(left, typ); {
		case !is || own:
		case i >= 0:
			left = slices.Delete(left, i, i+1)
		default:
			delete(s.folder, name)
		}
	}
	left = slices.DeleteFunc(left, func(typ string) bool { return s.folder["handoffs/"+typ+".yaml"] != nil })
	if len(left) > 0 {
		t.Fatalf("%s: the starter pack has no handoffs/%s.yaml", s.name, left[0])
	}
}

// keepPeople adds those of the starter pack's people whom the story's own
// people.yaml leaves out: teams name them.
func (s *story) keepPeople(t *testing.T) {
	t.Helper()
	whole, err := fs.ReadFile(starter.FS(), "people.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range s.folder {
		text := string(f.Data)
		if !strings.HasSuffix(name, "people.yaml") || !strings.HasPrefix(text, "people:\n") && !strings.Contains(text, "\npeople:\n") {
			continue
		}
		for line := range strings.Lines(string(whole)) {
			who, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "- {who: "), ",")
			if strings.HasPrefix(strings.TrimSpace(line), "- {who: ") && !strings.Contains(text, "who: "+who) {
				text = strings.Replace(text, "people:\n", "people:\n"+line, 1)
			}
		}
		s.folder[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
}

func mapFolder(t *testing.T, from fs.FS) fstest.MapFS {
	t.Helper()
	m := fstest.MapFS{}
	err := fs.WalkDir(from, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(from, name)
		m[name] = &fstest.MapFile{Data: raw, Mode: 0o644}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// readLines reads "OFFSET CRM OP …" and the settings before them.
func (s *story) readLines(t *testing.T, text string) {
	t.Helper()
	for n, line := range numbered(text) {
		w := words(line)
		fail := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("%s: story:%d: %s", s.name, n, fmt.Sprintf(format, args...))
		}
		switch w[0] {
		case "begin":
			zone, err := time.LoadLocation(w[2])
			if err != nil {
				fail("%v", err)
			}
			if s.start, err = time.ParseInLocation("2006-01-02T15:04", w[1], zone); err != nil {
				fail("%v", err)
			}
			continue
		case "silent":
			s.silence(t)
			continue
		case "types":
			s.types = w[1:]
			continue
		case "polls":
			s.pollEvery(strings.Join(w[1:], " "))
			continue
		case "rest", "sweep", "tasks", "mode":
			switch w[0] {
			case "rest":
				d, err := time.ParseDuration(w[1])
				if err != nil {
					fail("%v", err)
				}
				s.length = d
			case "sweep":
				s.sweep = w[1]
			case "tasks":
				s.unique = w[1] == "unique"
			case "mode":
				s.mode = w[1]
			}
			continue
		}
		at, err := time.ParseDuration(w[0])
		if err != nil {
			fail("a line begins with an offset such as 5s: %v", err)
		}
		l := storyLine{at: at, verb: "edit"}
		switch w[1] {
		case "stop", "start", "look":
			l.verb = w[1]
		case "config", "mode", "disk":
			l.verb, l.file = w[1], w[2]
		case "sync":
			l.verb, l.file = w[1], strings.TrimSpace(line[strings.Index(line, "sync")+len("sync"):])
		case "signal":
			l.verb, l.key, l.file = w[1], w[2], line[strings.Index(line, "{"):]
		case "undo", "reassign", "queue", "pause", "resume":
			l.verb, l.file = w[1], strings.Join(w[2:], " ")
		case "backup", "restore", "forget", "approve":
			l.verb = w[1]
			if len(w) > 2 {
				l.file = w[2] // restore elsewhere
			}
		case "hubspot", "salesforce":
			if w[2] == "faults" {
				l.verb, l.edit.CRM = "faults", w[1]
				if l.trouble, err = readTrouble(w[3:]); err != nil {
					fail("%v", err)
				}
				break
			}
			if w[2] == "setup" {
				l.verb, l.edit.CRM, l.file = "setup", w[1], line[strings.Index(line, "{"):]
				break
			}
			l.edit, l.key = readEdit(w[1:])
		default:
			fail("%q is none of hubspot, salesforce, stop, start, config", w[1])
		}
		s.lines = append(s.lines, l)
	}
}

// readEdit reads "CRM OP KIND KEY field=value …"; a form has no kind:
// "hubspot form KEY PAGE FORM field=value …".
func readEdit(w []string) (simulators.Edit, string) {
	e := simulators.Edit{CRM: w[0], Fields: map[string]any{}}
	rest := w[2:]
	key := ""
	switch w[1] {
	case "form":
		e.Op, e.Object = "submit_form", "contacts"
		e.Fields["email"] = rest[0]
		e.Fields["page"], e.Fields["form"] = rest[1], rest[2]
		rest = rest[3:]
		if e.CRM == "salesforce" {
			e.Object = "Lead"
			e.Fields = map[string]any{"Email": e.Fields["email"], "form": fmt.Sprintf("%s: %s", e.Fields["page"], e.Fields["form"])}
		}
	default:
		e.Op, e.Object, key = w[1], rest[0], rest[1]
		rest = rest[2:]
	}
	for _, f := range rest {
		name, value, _ := strings.Cut(f, "=")
		if name == "by" {
			e.By = value
			continue
		}
		if plain, is := strings.CutSuffix(name, ":"); is { // a value as JSON
			var v any
			if json.Unmarshal([]byte(value), &v) == nil {
				e.Fields[plain] = v
				continue
			}
		}
		e.Fields[name] = value
	}
	return e, key
}

// readWants reads "CRM KIND KEY field=value field~part …", with "handoff TYPE
// KEY …" for our own state and "no …" for what must not be there.
func (s *story) readWants(t *testing.T, text string) {
	t.Helper()
	for n, line := range numbered(text) {
		w := words(line)
		wt := want{line: n, fields: map[string]string{}}
		if w[0] == "no" {
			wt.absent, w = true, w[1:]
		}
		if len(w) < 3 {
			t.Fatalf("%s: want:%d: a line is CRM KIND KEY field=value …", s.name, n)
		}
		wt.crm, wt.kind, wt.key = w[0], w[1], w[2]
		for _, f := range w[3:] {
			at := strings.IndexAny(f, "=~")
			if at < 0 {
				t.Fatalf("%s: want:%d: %q is not field=value", s.name, n, f)
			}
			wt.fields[f[:at+1]] = f[at+1:]
		}
		s.wants = append(s.wants, wt)
	}
}

// numbered yields the lines that say something, with their numbers.
func numbered(text string) func(func(int, string) bool) {
	return func(yield func(int, string) bool) {
		scan := bufio.NewScanner(strings.NewReader(text))
		for n := 1; scan.Scan(); n++ {
			line := strings.TrimSpace(scan.Text())
			if line != "" && !strings.HasPrefix(line, "#") && !yield(n, line) {
				return
			}
		}
	}
}

func storyFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "testdata", "scenarios", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no story was found: %v", err)
	}
	if only := os.Getenv("STORY"); only != "" {
		files = slices.DeleteFunc(files, func(f string) bool { return !strings.Contains(f, only) })
	}
	return files
}
