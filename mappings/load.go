package mappings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// The folder, file by file.
const (
	settingsFile  = "handoffd.yaml"
	calendarsFile = "calendars.yaml"
	peopleFile    = "people.yaml"
	teamsFile     = "teams.yaml"
	slaFile       = "sla.yaml"
	listsFile     = "lists.yaml"
	mappingsDir   = "mappings"
	handoffsDir   = "handoffs"
	testsDir      = "tests"
	maxFiles      = 500
)

// Load reads the admin's folder. It answers everything it could read together
// with all problems of all files, ordered by file, line and column; where
// [Failed] says true of those, the Doc is for looking at and not for running.
// The Doc is never nil. Load never panics and never stops at the first fault.
//
// Names that refer from one file to another (teams, fields, tiers, calendars)
// are checked when the rules are compiled; only files that must be there are
// missed here.
func Load(fsys fs.FS) (*Doc, []Diagnostic) {
	l := &loader{fsys: fsys, doc: &Doc{Mode: Text{S: "observe"}, Files: map[string]string{}}}
	files := l.find()
	for _, f := range files {
		l.read(f)
	}
	l.presence(files)
	l.weights()
	l.doubles()
	Sort(l.ds)
	return l.doc, l.ds
}

type loader struct {
	fsys    fs.FS
	doc     *Doc
	ds      []Diagnostic
	files   []string
	strays  int
	tooMany bool
}

// readers says what reads a top-level file or a folder's files.
func readers() map[string]func(*Doc, value) {
	return map[string]func(*Doc, value){
		settingsFile:  (*Doc).settings,
		calendarsFile: (*Doc).calendars,
		peopleFile:    (*Doc).people,
		teamsFile:     (*Doc).teams,
		slaFile:       (*Doc).sla,
		listsFile:     (*Doc).lists,
		mappingsDir:   (*Doc).vocabulary,
		handoffsDir:   (*Doc).handoff,
		testsDir:      func(*Doc, value) {},
	}
}

// find lists the files to read, in order, and tells of YAML that nobody reads.
// It goes three folders deep: what lies further down is somebody else's.
func (l *loader) find() []string {
	l.walk(".", 3)
	return l.files
}

func (l *loader) walk(dir string, levels int) {
	entries, err := fs.ReadDir(l.fsys, dir)
	if err != nil {
		l.add(Diagnostic{Pos: Pos{File: dir}, Code: "unreadable", Text: "this folder cannot be read: " + reason(err)})
		l.doc.Unread = append(l.doc.Unread, dir)
	}
	for _, e := range entries {
		p := path.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue // .git, .handoffd, an editor's swap file
		}
		folder := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			// A mounted volume may hold links, also to folders.
			info, err := fs.Stat(l.fsys, p)
			folder = err == nil && info.IsDir()
		}
		switch {
		case !folder:
			l.take(p)
		case levels > 1:
			l.walk(p, levels-1)
		}
	}
}

// take puts a file on the list, or tells of it, or leaves it alone.
func (l *loader) take(p string) {
	switch ext := path.Ext(p); {
	case ext == ".yml":
		l.stray(p, "rename it to "+strings.TrimSuffix(p, ext)+".yaml")
	case ext != ".yaml":
		// A README, a program: not ours.
	case readers()[kindOf(p)] == nil:
		l.stray(p, strayHint(p))
	case len(l.files) < maxFiles:
		l.files = append(l.files, p)
	case !l.tooMany:
		l.tooMany = true
		l.add(Diagnostic{Pos: Pos{File: p}, Code: "too-many-files", Text: fmt.Sprintf("this folder holds more than %d files; the rest is not read", maxFiles)})
	}
}

// reason is the plain part of a file system's error.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// kindOf is the key of readers for a path: its folder, or itself at the top.
func kindOf(p string) string {
	dir, name := path.Split(p)
	switch dir {
	case "":
		if name == mappingsDir || name == handoffsDir || name == testsDir {
			return ""
		}
		return name
	case mappingsDir + "/", handoffsDir + "/", testsDir + "/":
		return strings.TrimSuffix(dir, "/")
	}
	return ""
}

func (l *loader) stray(p, hint string) {
	if l.strays++; l.strays > maxFaults {
		return
	}
	l.add(Diagnostic{Pos: Pos{File: p}, Code: "unknown-file", Text: "nothing reads this file", Hint: hint, Warn: true})
}

func strayHint(p string) string {
	known := []string{settingsFile, calendarsFile, peopleFile, teamsFile, slaFile, listsFile}
	dir, name := path.Split(p)
	if dir == "" {
		if k := nearest(name, known); k != "" {
			return fmt.Sprintf("did you mean %q?", k)
		}
		return "a handoff type belongs in handoffs/, a CRM's words in mappings/"
	}
	top, rest, _ := strings.Cut(dir, "/")
	if k := nearest(top, []string{mappingsDir, handoffsDir, testsDir}); k != "" && rest == "" {
		return fmt.Sprintf("did you mean %q?", path.Join(k, name))
	}
	if slices.Contains([]string{mappingsDir, handoffsDir, testsDir}, top) {
		return "put it directly into " + top + "/"
	}
	return "move it into handoffs/, mappings/ or tests/"
}

func (l *loader) add(d Diagnostic) { l.ds = append(l.ds, d) }

// read takes one file into the document.
func (l *loader) read(p string) {
	r := &reader{file: p}
	if root := l.open(r, p); root != nil {
		readers()[kindOf(p)](l.doc, value{r, p, root})
	} else {
		l.doc.Unread = append(l.doc.Unread, p)
	}
	l.ds = append(l.ds, r.ds...)
}

// open reads and parses one file; nil when there is nothing to go on with.
func (l *loader) open(r *reader, p string) *yaml.Node {
	raw, err := readSome(l.fsys, p)
	if err != nil {
		r.add(Pos{File: p}, "unreadable", "this file cannot be read: "+reason(err), "")
		return nil
	}
	if len(raw) <= maxFile {
		l.doc.Files[p] = string(raw)
	}
	text, ok := r.inspect(raw)
	if !ok {
		return nil
	}
	return r.parse(text)
}

// readSome reads a file, but never more than one byte too much.
func readSome(fsys fs.FS, p string) ([]byte, error) {
	f, err := fsys.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// weights reads the files that the mappings name as the weights of their
// matching, so that they are kept and compared together with the rules.
func (l *loader) weights() {
	for _, m := range l.doc.Mappings {
		w := m.MatchPeople.Weights
		if !w.Given() {
			continue
		}
		const hint = "write where in this folder the file is that `handoffd match --fit FILE` has written, like mappings/weights.json"
		raw, err := readSome(l.fsys, path.Clean(w.S))
		switch {
		case err != nil:
			l.add(Diagnostic{Pos: w.Pos, Code: "missing-file", Text: fmt.Sprintf("weights names %s, which cannot be read: %s", w.S, reason(err)), Hint: hint})
		case len(raw) > maxFile || path.Ext(w.S) != ".json":
			l.add(Diagnostic{Pos: w.Pos, Code: "bad-value", Text: fmt.Sprintf("%s is no file of weights", w.S), Hint: hint})
		default:
			l.doc.Files[path.Clean(w.S)] = string(raw)
		}
	}
}

// doubles finds names that two files, or two lines of a list, give to
// different things.
func (l *loader) doubles() {
	check := func(what string, names []Text) {
		first := map[string]Pos{}
		for _, n := range names {
			if !n.Given() {
				continue
			}
			if at, twice := first[n.S]; twice {
				l.add(Diagnostic{Pos: n.Pos, Code: "duplicate-name", Text: fmt.Sprintf("%s %s is written a second time; the first is at %s", what, n.S, at), Hint: "keep one of them"})
				continue
			}
			first[n.S] = n.Pos
		}
	}
	var handoffs, people []Text
	for _, h := range l.doc.Handoffs {
		handoffs = append(handoffs, h.Name)
	}
	for _, p := range l.doc.People {
		people = append(people, p.Who)
	}
	check("handoff", handoffs)
	check("person", people)
	for _, t := range l.doc.Teams {
		var members []Text
		for _, m := range t.Members {
			members = append(members, m.Who)
		}
		check("member", members)
	}
}

// presence misses the files that have to be there.
func (l *loader) presence(files []string) {
	if !slices.Contains(files, settingsFile) {
		l.add(Diagnostic{Pos: Pos{File: settingsFile}, Code: "missing-file", Text: "handoffd.yaml is missing, so no CRM is named", Hint: "copy mappings/starter to begin with"})
	}
	if !slices.ContainsFunc(files, func(f string) bool { return kindOf(f) == handoffsDir }) {
		l.add(Diagnostic{Pos: Pos{File: handoffsDir}, Code: "missing-file", Text: "no handoff type is written, so nothing would ever start", Hint: "write one file for each in handoffs/", Warn: true})
	}
	for _, c := range l.doc.Connections {
		at, want := c.Mapping.Pos, c.Mapping.S
		if !c.Mapping.Given() {
			at, want = c.CRM.Pos, path.Join(mappingsDir, c.CRM.S+".yaml")
		}
		if c.CRM.Given() && !slices.Contains(files, path.Clean(want)) {
			l.add(Diagnostic{Pos: at, Code: "missing-file", Text: fmt.Sprintf("connection %s needs %s, which is not there", c.Name.S, want), Hint: didYouMean(want, files)})
		}
	}
}
