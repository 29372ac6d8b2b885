// Package plantest gives rules to the tests of the packages around plan: the
// starter pack as a folder that a test may edit, and the rules of a folder.
package plantest

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/mappings/starter"
	"github.com/handoffd/handoffd/sync/plan"
)

// Starter is a copy of the starter pack.
func Starter(t testing.TB) Folder {
	t.Helper()
	folder := Folder{}
	err := fs.WalkDir(starter.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(starter.FS(), name)
		folder[name] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// Folder is the text of each file of a configuration folder.
type Folder map[string]string

// Replace changes the first old in a file to new; one that is not there ends
// the test.
func (f Folder) Replace(t testing.TB, file, old, replacement string) Folder {
	t.Helper()
	if !strings.Contains(f[file], old) {
		t.Fatalf("%s has no %q", file, old)
	}
	f[file] = strings.Replace(f[file], old, replacement, 1)
	return f
}

// Writing puts the folder in mode write.
func (f Folder) Writing(t testing.TB) Folder {
	t.Helper()
	return f.Replace(t, "handoffd.yaml", "mode: observe", "mode: write")
}

// Rules compiles the folder; anything wrong with it ends the test.
func (f Folder) Rules(t testing.TB) *plan.Rules {
	t.Helper()
	files := fstest.MapFS{}
	for name, text := range f {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	doc, ds := mappings.Load(files)
	rules, more := plan.Compile(doc)
	if ds = append(ds, more...); rules == nil || mappings.Failed(ds) {
		t.Fatal(mappings.Render(ds, doc.Files))
	}
	return rules
}
