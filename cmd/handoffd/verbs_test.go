package main

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNamedVerbsAreThere: whoever is told to run a verb, by a message, a comment of the
// starter pack or a README, finds it.
func TestNamedVerbsAreThere(t *testing.T) {
	t.Parallel()
	verbs := newRoot(streams{out: io.Discard, err: io.Discard})
	named := regexp.MustCompile("`handoffd ([a-z]+)(?: ([a-z]+))?")
	found := 0
	for _, dir := range []string{"cmd/handoffd", "connectors", "mappings", "state", "sync"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata") || !slices.Contains([]string{".go", ".yaml", ".md"}, filepath.Ext(path)) {
				return err
			}
			raw, err := os.ReadFile(path)
			for _, m := range named.FindAllStringSubmatch(string(raw), -1) {
				found++
				cmd, rest, err := verbs.Find(slices.DeleteFunc(m[1:], func(word string) bool { return word == "" }))
				if err != nil || cmd == verbs || len(rest) > 0 && len(cmd.ValidArgs) > 0 && !slices.Contains(cmd.ValidArgs, rest[0]) {
					t.Errorf("%s: there is no %s`", path, m[0])
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 20 {
		t.Errorf("only %d verbs are named", found)
	}
}
