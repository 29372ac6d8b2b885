package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryListIsExplained: whatever is listed for a person says what it is, in
// status and in the README.
func TestEveryListIsExplained(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for list, text := range listMeanings {
		if line := "| `" + list + "` | " + text + " |\n"; !strings.Contains(string(readme), line) {
			t.Errorf("README.md has no line %s", line)
		}
		if len(text) > lineWidth {
			t.Errorf("%s: %d letters", list, len(text))
		}
	}
	named := regexp.MustCompile(`\blist[A-Z]\w* += "([^"]+)"|\bList: +"([^"]+)"`)
	found := 0
	err = filepath.WalkDir(filepath.Join(root, "sync"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, m := range named.FindAllStringSubmatch(string(raw), -1) {
			found++
			if list := m[1] + m[2]; listMeanings[list] == "" && list != "otherwise" { // stands for the type's own list_as
				t.Errorf("%s: the list %q has no meaning in lists.go", path, list)
			}
		}
		return err
	})
	if err != nil || found == 0 {
		t.Fatalf("%d lists found: %v", found, err)
	}
}
