package mappings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Failed reports whether ds holds anything worse than a warning.
func Failed(ds []Diagnostic) bool {
	return slices.ContainsFunc(ds, func(d Diagnostic) bool { return !d.Warn })
}

// Sort puts diagnostics in the order of file, line, column, code and text.
func Sort(ds []Diagnostic) {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(
			strings.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column),
			strings.Compare(a.Code, b.Code),
			strings.Compare(a.Text, b.Text),
		)
	})
}

// Render writes diagnostics for a person: the sentence, then the line with a
// caret under the place. files are the texts by name, as in [Doc.Files]; a
// place outside them is told without its line.
func Render(ds []Diagnostic, files map[string]string) string {
	var b strings.Builder
	split := map[string][]string{}
	for i, d := range ds {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.Pos.String() + ": ")
		if d.Warn {
			b.WriteString("warning: ")
		}
		b.WriteString(d.Text)
		if d.Hint != "" {
			b.WriteString("; " + d.Hint)
		}
		fmt.Fprintf(&b, " [%s]\n", d.Code)
		text, ok := files[d.Pos.File]
		if !ok || d.Pos.Line == 0 {
			continue
		}
		lines, ok := split[d.Pos.File]
		if !ok {
			lines = strings.Split(text, "\n")
			split[d.Pos.File] = lines
		}
		if d.Pos.Line <= len(lines) {
			b.WriteString(excerpt(lines[d.Pos.Line-1], d.Pos.Line, d.Pos.Column))
		}
	}
	return b.String()
}

// excerptWidth is how much of a long line is shown around the place.
const excerptWidth = 120

// excerpt is a line of a file with a caret under column, which counts
// characters from 1. Of a long line only the surroundings are shown.
func excerpt(line string, number, column int) string {
	chars := []rune(strings.TrimRight(strings.ToValidUTF8(line, "\uFFFD"), "\r"))
	at := min(max(column-1, 0), len(chars))
	from := 0
	before, after := "", ""
	if len(chars) > excerptWidth {
		from = max(0, min(at-excerptWidth/2, len(chars)-excerptWidth))
		if from > 0 {
			before = "…"
		}
		if from+excerptWidth < len(chars) {
			after = "…"
		}
		chars = chars[from:min(from+excerptWidth, len(chars))]
		at -= from
	}
	for i, c := range chars {
		if c == '\t' || c < ' ' || c == 0x7f || c == bom || c == zeroWidth || c == wordJoiner {
			chars[i] = ' '
		}
	}
	head := fmt.Sprintf("%6d | ", number)
	pad := strings.Repeat(" ", utf8.RuneCountInString(before)+at)
	return head + before + string(chars) + after + "\n       | " + pad + "^\n"
}

// nearest is the member of known that typed was probably meant to be, or "".
func nearest(typed string, known []string) string {
	if len(typed) > 60 {
		return ""
	}
	a := strings.ToLower(typed)
	// A third of the letters may be wrong, and never more than three.
	best, limit := "", min(3, max(1, utf8.RuneCountInString(a)/3))
	for _, k := range known {
		if d := distance([]rune(a), []rune(strings.ToLower(k))); d <= limit && (best == "" || d < limit) {
			best, limit = k, d
		}
	}
	return best
}

// distance counts the letters to add, drop, change or swap with their
// neighbour to get from a to b.
func distance(a, b []rune) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// didYouMean is the hint for a word that is none of known.
func didYouMean(typed string, known []string) string {
	if k := nearest(typed, known); k != "" {
		return fmt.Sprintf("did you mean %q?", k)
	}
	if len(known) > 0 && len(known) <= 12 {
		return "it can be " + either(known)
	}
	return ""
}

// either lists words for a sentence: "a, b or c".
func either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
