package mappings

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// parse turns inspected text into the node of the file's one mapping; nil
// when there is none, which has then been told.
func (r *reader) parse(text string) *yaml.Node {
	var docs []*yaml.Node
	loader, err := yaml.NewLoader(strings.NewReader(text))
	for err == nil && len(docs) < 2 {
		var n yaml.Node
		if err = loader.Load(&n); err == nil {
			docs = append(docs, &n)
		}
	}
	if err != nil && !errors.Is(err, io.EOF) && len(docs) < 2 {
		var bad *yaml.LoadError
		if errors.As(err, &bad) && bad.Mark.Line > 0 {
			r.syntax(bad, text)
		} else {
			r.add(Pos{File: r.file, Line: 1, Column: 1}, "syntax", "this is not YAML: "+err.Error(), "")
		}
		return nil
	}
	if len(docs) == 0 || len(docs[0].Content) == 0 || empty(docs[0].Content[0]) {
		r.add(Pos{File: r.file, Line: 1, Column: 1}, "empty-file", "this file is empty", "delete it or fill it in")
		return nil
	}
	if len(docs) > 1 {
		r.add(r.pos(docs[1]), "many-documents", "a second document begins here after ---", "one file holds one document; remove the ---")
	}
	root := docs[0].Content[0]
	if !r.lint(root, 1) {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		r.add(r.pos(root), "wrong-shape", "this file should be a list of keys, each with its value", "begin a line with a key and a colon")
		return nil
	}
	return root
}

// empty reports whether nothing was typed where n stands.
func empty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

// syntax says in plain words what the parser could not read.
func (r *reader) syntax(bad *yaml.LoadError, text string) {
	at := Pos{File: r.file, Line: bad.Mark.Line, Column: max(1, bad.Mark.Column)}
	began := ""
	if bad.ContextMark.Line > 0 {
		began = fmt.Sprintf(" that began on line %d", bad.ContextMark.Line)
	}
	opened := Pos{File: r.file, Line: bad.ContextMark.Line, Column: max(1, bad.ContextMark.Column)}
	m := bad.Message
	has := func(s string) bool { return strings.Contains(m, s) }
	switch {
	case has("mapping values are not allowed"):
		r.add(at, "syntax", "a second colon stands where only one value can be", "put the text in quotes, or indent the lines below alike")
	case has("expected ',' or ']'"):
		r.add(opened, "syntax", "the list that opens here with [ is not closed", "add the missing ] or comma")
	case has("expected ',' or '}'"):
		r.add(opened, "syntax", "the group that opens here with { is not closed", "add the missing } or comma")
	case has("unexpected end of stream") && strings.Contains(bad.ContextMsg, "quoted"):
		r.add(opened, "syntax", "the quote that opens here is not closed", "add the closing quote")
	case has("cannot start any token"):
		r.add(at, "syntax", fmt.Sprintf("the character %q cannot begin a value", charAt(text, at)), "put the value in quotes")
	case has("expected key"), has("expected '-' indicator"), has("could not find expected ':'"):
		r.add(at, "syntax", "this line does not fit the lines above it", "indent it like its neighbours; a key ends with a colon and a space")
	case has("expected node content") && charAt(text, at) == "":
		r.add(at, "syntax", "the file ends in the middle of a list or a group", "add what is missing, and the ] or } that closes it")
	case has("expected node content"):
		r.add(at, "syntax", "a value is missing before this place", "remove the comma or bracket too many, or put the text in quotes")
	case has("unknown anchor"):
		r.add(at, "anchor", "aliases (*name) are not used here", "write the value out")
	case has("max depth"):
		r.add(Pos{File: r.file, Line: at.Line}, "too-deep", fmt.Sprintf("this file nests deeper than %d levels", maxDepth), "")
	default:
		r.add(at, "syntax", "this is not YAML here"+began+": "+m, "")
	}
}

// charAt is the character at a place of text.
func charAt(text string, p Pos) string {
	lines := strings.SplitN(text, "\n", p.Line+1)
	if p.Line > len(lines) {
		return ""
	}
	chars := []rune(lines[p.Line-1])
	if p.Column > len(chars) {
		return ""
	}
	return string(chars[p.Column-1])
}

// lint refuses the parts of YAML that surprise people. It reports whether the
// tree may be read.
func (r *reader) lint(n *yaml.Node, depth int) bool {
	if depth > maxDepth {
		r.add(r.pos(n), "too-deep", fmt.Sprintf("this nests deeper than %d levels", maxDepth), "")
		return false
	}
	if n.Anchor != "" {
		r.add(r.pos(n), "anchor", fmt.Sprintf("anchors (&%s) are not used here", n.Anchor), "write the value out where it is needed")
	}
	if n.Kind == yaml.AliasNode {
		r.add(r.pos(n), "anchor", fmt.Sprintf("aliases (*%s) are not used here", n.Value), "write the value out")
		return true
	}
	if n.Style&yaml.TaggedStyle != 0 {
		r.add(r.pos(n), "tag", "tags like "+n.Tag+" are not used here", "write the plain value; everything is kept as it is typed")
	}
	if n.Kind == yaml.MappingNode {
		r.lintKeys(n)
	}
	ok := true
	for _, c := range n.Content {
		ok = r.lint(c, depth+1) && ok
	}
	return ok
}

func (r *reader) lintKeys(n *yaml.Node) {
	first := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch line, twice := first[k.Value]; {
		case k.Kind == yaml.AliasNode:
		case k.Kind != yaml.ScalarNode:
			r.add(r.pos(k), "wrong-shape", "a key has to be one word, not a list or a group", "")
		case k.Value == "<<" && k.Style == 0:
			r.add(r.pos(k), "merge", "merges (<<) are not used here", "write the keys out")
		case twice:
			r.add(r.pos(k), "duplicate-key", fmt.Sprintf("%q is written a second time; the first is on line %d", k.Value, line), "keep one of them")
		default:
			first[k.Value] = k.Line
		}
	}
}
