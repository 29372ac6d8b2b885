package main

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/handoffd/handoffd/mappings/starter"
)

// TestBrokenFolders puts every broken file of the reader's own tests into the
// starter pack: none is used, none stops the search for further problems, and
// a mistake in another file is still found in the same pass.
func TestBrokenFolders(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root, "mappings", "testdata", "faults", "*.txtar"))
	if err != nil || len(files) < 15 {
		t.Fatalf("%d broken folders were found: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			folder := mapFolder(t, starter.FS())
			for _, f := range archive.Files {
				if f.Name != "want" {
					folder[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
				}
			}
			rules, problems, err := loadRules(folder, "")
			if err == nil && len(problems) == 0 {
				t.Errorf("nothing was said about it, and there are %v rules", rules != nil)
			}
		})
	}
}

// TestOnePass: a misspelt key in one file and an unknown team in another are
// told together.
func TestOnePass(t *testing.T) {
	t.Parallel()
	folder := mapFolder(t, starter.FS())
	edit := func(file, from, to string) {
		text := string(folder[file].Data)
		if !strings.Contains(text, from) {
			t.Fatalf("%s does not hold %q", file, from)
		}
		folder[file] = &fstest.MapFile{Data: []byte(strings.Replace(text, from, to, 1)), Mode: 0o644}
	}
	edit("handoffs/demo-request.yaml", "accepted_when", "acepted_when")
	edit("handoffs/contact-sales.yaml", "round robin sdr_us", "round robin sdr_uss")
	edit("sla.yaml", "15 minutes", "15 minuts")
	_, problems, err := loadRules(folder, "")
	if err == nil {
		t.Fatal("it loaded")
	}
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	for _, want := range []string{"acepted_when", "sdr_uss", "minuts"} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("nothing was said of %s:\n%s", want, strings.Join(got, "\n"))
		}
	}
	if len(got) != 3 {
		t.Errorf("%d problems, want 3:\n%s", len(got), strings.Join(got, "\n"))
	}
}
