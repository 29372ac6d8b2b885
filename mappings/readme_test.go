package mappings

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeExamples loads every yaml block of the README over the starter
// folder, under the file name behind its fence.
func TestReadmeExamples(t *testing.T) {
	t.Parallel()
	readme := readme(t)
	blocks := regexp.MustCompile("(?ms)^```yaml ?(\\S*)\n(.*?)^```").FindAllStringSubmatch(readme, -1)
	if len(blocks) < 8 {
		t.Fatalf("only %d blocks", len(blocks))
	}
	starter := os.DirFS("starter")
	all := map[string]string{}
	for _, b := range blocks {
		name, text := b[1], b[2]
		if name == "" {
			t.Errorf("a block names no file:\n%s", text)
			continue
		}
		all[name] = text
		d, _ := Load(starter)
		folder := d.Files
		if folder[name] == "" {
			t.Errorf("%s is no file of the starter folder", name)
		}
		folder[name] = text
		d, ds := Load(mapFS(folder))
		if len(ds) > 0 {
			t.Errorf("%s:\n%s", name, Render(ds, d.Files))
		}
	}
	for _, kind := range []string{settingsFile, calendarsFile, peopleFile, teamsFile, slaFile, listsFile, "mappings/salesforce.yaml", "handoffs/demo-request.yaml"} {
		if all[kind] == "" {
			t.Errorf("%s has no example", kind)
		}
	}
}

// TestReadmeNamesEveryKey reads the keys out of the source: one that the page
// leaves out is a key nobody will find.
func TestReadmeNamesEveryKey(t *testing.T) {
	t.Parallel()
	text := readme(t)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\b(?:field|need|role)\("([a-z_]+)"`).FindAllStringSubmatch(string(src), -1) {
			found++
			if !regexp.MustCompile("`[^`\n]*\\b" + m[1] + "\\b[^`\n]*`").MatchString(text) {
				t.Errorf("%s: the README does not explain `%s`", f, m[1])
			}
		}
	}
	for _, op := range append(Operators(), append(NamedEvents(), "or_blank", "all", "any", "none")...) {
		if !regexp.MustCompile("`[^`\n]*\\b" + op + "\\b").MatchString(text) {
			t.Errorf("the README does not explain `%s`", op)
		}
	}
	if found < 80 {
		t.Errorf("only %d keys found in the source", found)
	}
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
