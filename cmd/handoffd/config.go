package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/sync/plan"
)

// configError is a folder that does not load, with every problem of it.
type configError struct {
	problems []mappings.Diagnostic
	files    map[string]string
}

func (e *configError) Error() string {
	n := 0
	for _, d := range e.problems {
		if !d.Warn {
			n++
		}
	}
	return "the configuration has " + several(n, "problem") + " and is not used"
}

// first is the error with the first problem that stops the load, for where all
// of them have no room.
func (e *configError) first() string {
	for _, d := range e.problems {
		if !d.Warn {
			return e.Error() + ": " + d.String()
		}
	}
	return e.Error()
}

// loadRules reads and compiles the admin's folder. mode, where given, beats
// the file. The diagnostics hold the warnings; problems that stop the load are
// in the error, all of them.
func loadRules(folder fs.FS, mode string) (*plan.Rules, []mappings.Diagnostic, error) {
	doc, problems := mappings.Load(folder)
	if mode != "" {
		doc.Mode.S = mode
	}
	rules, more := plan.Compile(doc)
	problems = gather(problems, more, doc.Unread)
	if stops(problems) {
		return nil, problems, &configError{problems: problems, files: doc.Files}
	}
	return rules, problems, nil
}

// gather puts what compiling found beside what reading found. Of two problems
// at one place the first is the cause. Where the folder does not read, only
// what is wrong for certain is told: a warning, or a thing that is missing,
// may come of what could not be read. The files of which nothing could be read
// come first.
func gather(read, compiled []mappings.Diagnostic, unread []string) []mappings.Diagnostic {
	broken := stops(read)
	told := map[mappings.Pos]bool{}
	lines := map[[2]string]bool{}
	at := func(d mappings.Diagnostic) [2]string { return [2]string{d.Pos.File, strconv.Itoa(d.Pos.Line)} }
	for _, d := range read {
		told[d.Pos], lines[at(d)] = true, true
	}
	all := slices.Clone(read)
	for _, d := range compiled {
		if told[d.Pos] || broken && (d.Warn || lines[at(d)]) {
			continue
		}
		all = append(all, d)
	}
	mappings.Sort(all)
	var first, rest []mappings.Diagnostic
	for _, d := range all {
		if slices.Contains(unread, d.Pos.File) {
			first = append(first, d)
		} else {
			rest = append(rest, d)
		}
	}
	return append(first, rest...)
}

func stops(problems []mappings.Diagnostic) bool {
	for _, d := range problems {
		if !d.Warn {
			return true
		}
	}
	return false
}

// openFolder opens the admin's folder.
func openFolder(path string) (fs.FS, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &exitError{
			code: exitUsage, err: fmt.Errorf("there is no configuration folder %s", path),
			try: "set HANDOFFD_CONFIG to the folder, or copy mappings/starter to begin with",
		}
	case err != nil:
		return nil, usageError("open the configuration: %w", err)
	case !info.IsDir():
		return nil, usageError("%s is a file; HANDOFFD_CONFIG names the folder", path)
	}
	return os.DirFS(path), nil
}
