package judge

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing/fstest"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/builtin"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// words is what the CRMs call things, as far as the admin's folder and the
// table of adapters say.
type words struct {
	rules   *plan.Rules
	conns   map[string]plan.Conn // by name
	byCRM   map[string]string    // CRM → connection
	keys    map[string]string    // connection → the field of a task's key
	status  map[string]string    // connection → the field of a handoff's status
	carries map[string]string    // connection → the field of its id
	owners  map[Field]bool       // fields that receivers are written to
	fields  map[Field]bool       // fields that the rules read
	noun    map[[2]string]string // connection, kind → noun
	allowed map[Field]bool
}

// compile reads an admin's folder.
func compile(folder fs.FS, mode string) (*plan.Rules, *mappings.Doc, error) {
	doc, problems := mappings.Load(folder)
	if mode != "" {
		doc.Mode.S = mode
	}
	rules, more := plan.Compile(doc)
	for _, d := range append(problems, more...) {
		if !d.Warn {
			return nil, nil, fmt.Errorf("the rules do not load: %s", d)
		}
	}
	if rules == nil {
		return nil, nil, errors.New("the rules do not load")
	}
	return rules, doc, nil
}

// stored compiles a rule set that the state keeps.
func stored(r state.RuleSet) (*plan.Rules, *mappings.Doc, error) {
	folder := fstest.MapFS{}
	for name, text := range r.Files {
		folder[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o600}
	}
	return compile(folder, r.Mode)
}

func newWords(rules *plan.Rules, doc *mappings.Doc) *words {
	w := &words{
		rules: rules, conns: map[string]plan.Conn{}, byCRM: map[string]string{}, keys: map[string]string{}, status: map[string]string{}, carries: map[string]string{},
		owners: map[Field]bool{}, fields: map[Field]bool{}, noun: map[[2]string]string{}, allowed: map[Field]bool{},
	}
	for _, c := range rules.Conns() {
		w.conns[c.Name] = c
		if _, taken := w.byCRM[c.CRM]; !taken {
			w.byCRM[c.CRM] = c.Name
		}
		if a, ok := builtin.Adapters()[c.CRM]; ok && a.OwnField != nil {
			w.keys[c.Name], w.status[c.Name], w.carries[c.Name] = a.OwnField(connectors.OwnFieldPrefix+"key"), a.OwnField(connectors.OwnFieldPrefix+"status"), a.OwnField(connectors.OwnFieldPrefix+"id")
		}
		for _, watched := range rules.Watched(c.Name) {
			w.noun[[2]string{c.Name, string(watched.Kind)}] = watched.Noun
			for _, f := range watched.Fields {
				w.fields[Field{c.Name, string(watched.Kind), f}] = true
			}
		}
	}
	w.allow(rules)
	w.receivers(doc)
	return w
}

// allow adds what rules may write, by the CRM's own names.
func (w *words) allow(rules *plan.Rules) {
	own := map[string]func(string) string{}
	for _, c := range rules.Conns() {
		own[c.Name] = builtin.Adapters()[c.CRM].OwnField
	}
	for _, line := range rules.Writes() {
		conn, rest, _ := strings.Cut(line, " ")
		kind, field, _ := strings.Cut(rest, ".")
		if name := own[conn]; name != nil && strings.HasPrefix(field, connectors.OwnFieldPrefix) {
			field = name(field)
		}
		w.allowed[Field{conn, kind, field}] = true
	}
}

// receivers finds the fields that a receiver is written to.
func (w *words) receivers(doc *mappings.Doc) {
	become := map[string]bool{"owner": true}
	for _, h := range doc.Handoffs {
		if _, word, ok := strings.Cut(h.ReceiverBecomes.S, "."); ok {
			become[word] = true
		}
	}
	for _, c := range doc.Connections {
		file := c.Mapping.S
		if file == "" {
			file = path.Join("mappings", c.CRM.S+".yaml")
		}
		for _, m := range doc.Mappings {
			if m.Pos.File == path.Clean(file) || m.Name.Pos.File == path.Clean(file) {
				w.receiversIn(c.Name.S, m, become)
			}
		}
	}
}

func (w *words) receiversIn(conn string, m mappings.Mapping, become map[string]bool) {
	for _, n := range m.Nouns {
		for _, f := range n.Fields {
			if !become[f.Word.S] {
				continue
			}
			for _, to := range append(append([]mappings.Source{}, f.Write...), f.Read...) {
				for _, kind := range n.StoredIn {
					if to.Kind.S == "" || to.Kind.S == kind.S {
						w.owners[Field{conn, kind.S, to.Field.S}] = true
					}
				}
			}
		}
	}
}

// keyIn is the key of ours that fields carry: in its own field, or as the
// marker in a text.
func (w *words) keyIn(conn string, values func(yield func(name string, v any) bool)) string {
	key := ""
	for name, v := range values {
		s, _ := v.(string)
		if s == "" {
			continue
		}
		if name == w.keys[conn] {
			return s
		}
		if at := strings.LastIndex(s, marker); at >= 0 {
			if k, _, ok := strings.Cut(s[at+len(marker):], "]"); ok && !strings.ContainsAny(k, " \t\n<>") {
				key = k
			}
		}
	}
	return key
}

// marker begins the line that carries the key where no field can.
const marker = "[handoff "

// text is a CRM's value as text; blank for none.
func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
