package mappings

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the expected diagnostics in testdata/faults")

// base is a sound folder; each fault is laid over it.
const base = "testdata/base"

// TestFaults lays one broken file over a sound folder and compares what Load
// says with the archive's section "want". The archive's comment says what is
// wrong; a first line "#!repeat FILE N" makes FILE N times as long (F1, F5).
func TestFaults(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("testdata/faults/*.txtar")
	if err != nil || len(archives) < 20 {
		t.Fatalf("archives: %d, %v", len(archives), err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			folder := baseFolder(t)
			for _, f := range ar.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				folder[f.Name] = unescape(f.Data)
			}
			repeat(t, string(ar.Comment), folder)
			d, ds := Load(mapFS(folder))
			got := Render(ds, d.Files)
			if len(ds) == 0 {
				t.Error("the fault was not found")
			}
			if *update {
				rewrite(t, name, ar, got)
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("diagnostics (-want +got):\n%s", diff)
			}
		})
	}
}

// unescape writes characters that an editor would lose: \t and \u00a0 in a
// line that begins with "\" stand for themselves there.
func unescape(data []byte) string {
	lines := strings.SplitAfter(string(data), "\n")
	for i, l := range lines {
		if rest, ok := strings.CutPrefix(l, "|"); ok {
			lines[i] = strings.NewReplacer(`\t`, "\t", `\u00a0`, "\u00a0", `\ufeff`, "\ufeff", `\xff`, "\xff", `\xfe`, "\xfe", `\0`, "\x00", `\n`, "").Replace(rest)
		}
	}
	return strings.Join(lines, "")
}

func repeat(t *testing.T, comment string, folder map[string]string) {
	t.Helper()
	first, _, _ := strings.Cut(comment, "\n")
	var file string
	var n int
	if _, err := fmt.Sscanf(first, "#!repeat %s %d", &file, &n); err == nil {
		folder[file] = strings.Repeat(folder[file], n)
	}
}

func rewrite(t *testing.T, name string, ar *txtar.Archive, got string) {
	t.Helper()
	out := *ar
	out.Files = nil
	for _, f := range ar.Files {
		if f.Name != "want" {
			out.Files = append(out.Files, f)
		}
	}
	out.Files = append(out.Files, txtar.File{Name: "want", Data: []byte(got)})
	if err := os.WriteFile(name, txtar.Format(&out), 0o644); err != nil {
		t.Fatal(err)
	}
}

func baseFolder(t testing.TB) map[string]string {
	t.Helper()
	folder := map[string]string{}
	err := fs.WalkDir(os.DirFS(base), ".", func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(base, p))
		folder[p] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return folder
}
