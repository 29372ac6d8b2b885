package mappings

import (
	"os"
	"regexp"
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
	keys := keysOfSource(t)
	if len(keys) < 100 {
		t.Errorf("only %d keys found in the source", len(keys))
	}
	for _, k := range keys {
		if !regexp.MustCompile("`[^`\n]*\\b" + k + "\\b[^`\n]*`").MatchString(text) {
			t.Errorf("the README does not explain `%s`", k)
		}
	}
	for _, op := range NamedEvents() {
		if !regexp.MustCompile("`[^`\n]*\\b" + op + "\\b").MatchString(text) {
			t.Errorf("the README does not explain `%s`", op)
		}
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
