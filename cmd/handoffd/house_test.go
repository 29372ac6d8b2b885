package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/handoffd/handoffd/"

// root is the top of the tree, seen from this package.
const root = "../.."

// TestImportsRunOneWay: cmd -> sync -> {state, mappings,
// connectors}, state -> connectors, and nothing else.
func TestImportsRunOneWay(t *testing.T) {
	t.Parallel()
	allowed := map[string][]string{
		"connectors": {},
		"mappings":   {},
		"state":      {"connectors"},
		"sync":       {"connectors", "mappings", "state"},
		"cmd":        {"connectors", "mappings", "state", "sync"},
	}
	seen := 0
	for _, p := range packages(t) {
		from := top(p.ImportPath)
		for _, imp := range p.Imports {
			if owner := soleImporter[imp]; owner != "" && p.ImportPath != module+owner {
				t.Errorf("%s imports %s; only %s may", p.ImportPath, imp, owner)
			}
			if !strings.HasPrefix(imp, module) {
				continue
			}
			seen++
			if to := top(imp); to != from && !slices.Contains(allowed[from], to) {
				t.Errorf("%s imports %s; %s may import only %v", p.ImportPath, imp, from, allowed[from])
			}
			if isSimulator(imp) && !mayUseSimulators(p.ImportPath) {
				t.Errorf("%s imports %s; the simulators are for tests, crmsim and the demo", p.ImportPath, imp)
			}
			if strings.HasSuffix(imp, "/connectortest") || strings.HasSuffix(imp, "/storetest") {
				t.Errorf("%s imports %s outside a test", p.ImportPath, imp)
			}
		}
		if isSimulator(p.ImportPath) {
			for _, imp := range p.Imports {
				if imp == filepath.Dir(p.ImportPath) || imp == module+"connectors" {
					t.Errorf("%s imports %s; a simulator shares no type with the adapter", p.ImportPath, imp)
				}
			}
		}
	}
	if seen == 0 {
		t.Fatal("no import of our own was seen: the test looks in the wrong place")
	}
}

// soleImporter names the one package that may import a library.
var soleImporter = map[string]string{
	"go.etcd.io/bbolt":        "state/bolt",
	"github.com/jackc/pgx/v5": "state/postgres",
	"go.yaml.in/yaml/v4":      "mappings",
}

// simulatorPair puts both simulated CRMs side by side.
const simulatorPair = module + "connectors/simulators"

func isSimulator(path string) bool {
	return strings.HasPrefix(path, module+"connectors/") && strings.HasSuffix(path, "sim") || path == simulatorPair
}

func mayUseSimulators(path string) bool {
	return strings.HasPrefix(path, module+"cmd/") || path == simulatorPair
}

func top(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, module), "/")
	return first
}

type goPackage struct {
	ImportPath string
	Dir        string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Imports", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p goPackage
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, p)
	}
}

// purePackages decide and do nothing else.
var purePackages = []string{"normalize", "match", "route", "sla", "handoff", "plan"}

// TestPurePackagesStayPure: no clock, no I/O, no chance, no waiting.
func TestPurePackagesStayPure(t *testing.T) {
	t.Parallel()
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "NewTimer", "NewTicker", "Tick", "AfterFunc"}
	barred := []string{"net/http", "net", "os", "math/rand", "math/rand/v2", "crypto/rand", "context", "log", "log/slog"}
	files := 0
	for _, name := range purePackages {
		eachGoFile(t, filepath.Join(root, "sync", name), func(path string, f *ast.File, fset *token.FileSet) {
			files++
			for _, imp := range f.Imports {
				if p := strings.Trim(imp.Path.Value, `"`); slices.Contains(barred, p) {
					t.Errorf("%s imports %s", path, p)
				}
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, sel.Sel.Name) {
						t.Errorf("%s uses time.%s; take now as an argument", fset.Position(n.Pos()), sel.Sel.Name)
					}
				}
				if g, ok := n.(*ast.GoStmt); ok {
					t.Errorf("%s starts a goroutine", fset.Position(g.Pos()))
				}
				return true
			})
		})
	}
	if files < len(purePackages) {
		t.Fatalf("only %d files were seen: the test looks in the wrong place", files)
	}
}

// TestNoCRMNamedOutsideConnectors: a CRM's name in the core is a CRM's rule in
// the core.
func TestNoCRMNamedOutsideConnectors(t *testing.T) {
	t.Parallel()
	crm := regexp.MustCompile(`(?i)hubspot|salesforce`)
	for _, dir := range []string{"sync", "state", "mappings", "cmd/handoffd"} {
		eachGoFile(t, filepath.Join(root, dir), func(path string, f *ast.File, fset *token.FileSet) {
			if strings.HasPrefix(filepath.Base(path), "demo") || filepath.Base(path) == "main.go" {
				return // the demo starts the simulators; main.go says what the program is for
			}
			if filepath.Base(filepath.Dir(path)) == "storetest" {
				return // tests, though no _test.go: the names there are examples
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && crm.MatchString(lit.Value) && !strings.Contains(lit.Value, module) {
					t.Errorf("%s names a CRM: %s", fset.Position(lit.Pos()), lit.Value)
				}
				return true
			})
		})
	}
}

// TestNoGoFileInSync keeps sync.Mutex the standard library's.
func TestNoGoFileInSync(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root, "sync", "*.go"))
	if err != nil || len(files) > 0 {
		t.Errorf("Go files directly in sync/: %v, %v", files, err)
	}
}

// TestTopLevel: the user fixed what stands there.
func TestTopLevel(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Skip("not a git checkout: ", err)
	}
	fixed := []string{
		"cmd", "connectors", "sync", "state", "mappings", "testdata", "go.mod", "go.sum", "README.md",
		".ci", ".golangci.yml", ".gitignore", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md",
	}
	for _, file := range strings.Fields(string(out)) {
		if first, _, _ := strings.Cut(file, "/"); !slices.Contains(fixed, first) {
			t.Errorf("%s stands at the top level", first)
		}
	}
}

// TestFuzzTargetsAreListed: .ci runs the targets of its list, so one that is not
// there is never run.
func TestFuzzTargetsAreListed(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join(root, ".ci", "fuzz-targets"))
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	fuzz := regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range fuzz.FindAllSubmatch(source, -1) {
			pkg, relErr := filepath.Rel(root, filepath.Dir(path))
			there = append(there, "./"+filepath.ToSlash(pkg)+" "+string(m[1]))
			err = errors.Join(err, relErr)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(there)
	if got, want := strings.TrimSpace(string(raw)), strings.Join(there, "\n"); got != want {
		t.Errorf(".ci/fuzz-targets lists\n%s\nand there are\n%s", got, want)
	}
}

// TestEveryDependencyHasItsReason: a direct dependency stands in
// CONTRIBUTING.md with the reason it is there.
func TestEveryDependencyHasItsReason(t *testing.T) {
	t.Parallel()
	text := func(name string) string {
		raw, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	reasons := text("CONTRIBUTING.md")
	direct := regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(text("go.mod"), -1)
	if len(direct) < 10 {
		t.Fatalf("%d direct dependencies were seen: the test looks in the wrong place", len(direct))
	}
	for _, m := range direct {
		if name := strings.TrimPrefix(m[1], "github.com/"); !strings.Contains(reasons, "| "+name+" |") {
			t.Errorf("%s has no line in CONTRIBUTING.md", m[1])
		}
	}
}

// eachGoFile parses every Go file below dir that is not a test.
func eachGoFile(t *testing.T, dir string, do func(path string, f *ast.File, fset *token.FileSet)) {
	t.Helper()
	fset := token.NewFileSet()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err == nil {
			do(path, f, fset)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
