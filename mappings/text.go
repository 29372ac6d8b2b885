package mappings

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of one file. A folder of rules is not a database: these keep a bad
// or hostile file from costing more than a few milliseconds (F5).
const (
	maxFile    = 1 << 20 // bytes
	maxLine    = 8192    // bytes
	maxEntries = 20_000  // lines and commas
	maxDepth   = 32
	maxFaults  = 20  // of one sort in one text
	maxTold    = 200 // in one file
)

// Characters that look like others.
const (
	nbsp       = '\u00a0'
	narrowNbsp = '\u202f'
	figureNbsp = '\u2007'
	zeroWidth  = '\u200b'
	wordJoiner = '\u2060'
	bom        = '\ufeff'
)

// inspect looks at the raw text before it is parsed. It answers the text to
// parse, with look-alike characters replaced by what was meant, so that the
// rest of the file is still checked; ok is false when parsing is pointless.
func (r *reader) inspect(raw []byte) (text string, ok bool) {
	start := Pos{File: r.file, Line: 1, Column: 1}
	if len(raw) > maxFile {
		r.add(Pos{File: r.file}, "file-too-big", "this file is larger than 1 MiB, which no rules need", "split it, or keep the data in the CRM")
		return "", false
	}
	if bytes.HasPrefix(raw, []byte{0xff, 0xfe}) || bytes.HasPrefix(raw, []byte{0xfe, 0xff}) || looksUTF16(raw) {
		r.add(Pos{File: r.file}, "utf16", "this file is saved as UTF-16", "save it as UTF-8 in your editor")
		return "", false
	}
	if rest, found := bytes.CutPrefix(raw, []byte(string(bom))); found {
		r.add(start, "bom", "this file begins with an invisible byte order mark", "save it as UTF-8 without BOM")
		raw = rest
	}
	if !utf8.Valid(raw) {
		r.add(r.badByte(raw), "not-utf8", "this file holds bytes that are not UTF-8 text", "save it as UTF-8 in your editor")
		return "", false
	}
	return r.inspectLines(string(raw))
}

// looksUTF16 finds a UTF-16 file without its mark: every other byte is zero.
func looksUTF16(raw []byte) bool {
	head := raw[:min(len(raw), 64)]
	return len(head) >= 4 && bytes.Count(head, []byte{0})*3 >= len(head)
}

func (r *reader) badByte(raw []byte) Pos {
	p := Pos{File: r.file, Line: 1, Column: 1}
	for len(raw) > 0 {
		c, n := utf8.DecodeRune(raw)
		switch {
		case c == utf8.RuneError && n == 1:
			return p
		case c == '\n':
			p.Line, p.Column = p.Line+1, 1
		default:
			p.Column++
		}
		raw = raw[n:]
	}
	return p
}

// inspectLines checks the lines of a valid UTF-8 text for what YAML would
// take, or refuse, in a way that nobody would understand.
func (r *reader) inspectLines(text string) (string, bool) {
	if n := strings.Count(text, "\n") + strings.Count(text, ","); n > maxEntries {
		r.add(Pos{File: r.file}, "file-too-big", fmt.Sprintf("this file has more than %d entries, which no rules need", maxEntries), "keep the data in the CRM")
		return "", false
	}
	s := scanner{r: r, count: map[string]int{}, ok: true}
	var out strings.Builder
	out.Grow(len(text))
	for i, line := range strings.SplitAfter(text, "\n") {
		if len(line) > maxLine {
			r.add(Pos{File: r.file, Line: i + 1, Column: 1}, "line-too-long", fmt.Sprintf("this line is longer than %d characters", maxLine), "write one entry a line")
			return "", false
		}
		s.line(i+1, line, &out)
	}
	return out.String(), s.ok
}

// scanner follows quotes over the lines of one file. It knows only as much
// YAML as is needed to tell a comment and a quoted text from the rest.
type scanner struct {
	r       *reader
	quote   rune // the open quote, or 0
	escaped bool // the last character was a backslash that counts
	count   map[string]int
	ok      bool
}

func (s *scanner) line(number int, line string, out *strings.Builder) {
	indent, comment := true, false
	prev, solid := rune(0), rune(0) // the last character, and the last that is no blank
	chars := []rune(line)
	for i, c := range chars {
		next := rune(0)
		if i+1 < len(chars) {
			next = chars[i+1]
		}
		at := Pos{File: s.r.file, Line: number, Column: i + 1}
		keep := c
		switch {
		case comment:
		case s.quote != 0:
			keep = s.quoted(at, c)
		case c == '#' && (prev == 0 || prev == ' '):
			comment = true
		case (c == '"' || c == '\'') && (opensQuote(solid) || c == '\'' && prev == c):
			s.quote = c
		default:
			keep = s.bare(at, c, prev, next, indent)
		}
		if c != ' ' {
			indent, solid = false, keep
		}
		prev = keep
		out.WriteRune(keep)
	}
}

// opensQuote reports whether a quote begins a quoted text, rather than
// standing inside one that began without: solid is what stands before it.
func opensQuote(solid rune) bool { return solid == 0 || strings.ContainsRune("[{,:-?", solid) }

func (s *scanner) quoted(at Pos, c rune) rune {
	if c == s.quote && !s.escaped {
		s.quote = 0
	}
	s.escaped = s.quote == '"' && c == '\\' && !s.escaped
	return s.invisible(at, c)
}

// bare checks a character outside quotes and comments.
func (s *scanner) bare(at Pos, c, prev, next rune, indent bool) rune {
	switch c {
	case '\t':
		if indent {
			s.fault(at, "tab", "a tab stands in the indentation of this line", "indent with spaces")
			s.ok = false
		} else {
			s.fault(at, "tab", "a tab stands in this line", "write spaces")
		}
		return ' '
	case '“', '”', '„', '«', '»':
		s.fault(at, "curly-quote", fmt.Sprintf("the curly quote %c means nothing here", c), `use straight quotes: "`)
		return '"'
	case '‘', '’', '‚':
		if isWord(prev) && isWord(next) {
			return c // an apostrophe in prose
		}
		s.fault(at, "curly-quote", fmt.Sprintf("the curly quote %c means nothing here", c), "use straight quotes: '")
		return '\''
	}
	return s.invisible(at, c)
}

// invisible refuses characters that cannot be seen.
func (s *scanner) invisible(at Pos, c rune) rune {
	switch {
	case c == nbsp || c == narrowNbsp || c == figureNbsp:
		s.fault(at, "nbsp", "a non-breaking space stands here; it looks like a space and is none", "delete it and type a space")
		return ' '
	case c == zeroWidth || c == wordJoiner || c == bom:
		s.fault(at, "invisible", "an invisible character stands here", "delete it and type the word again")
		return ' '
	case c == '\u2028' || c == '\u2029' || c == '\u0085':
		s.fault(at, "invisible", "an invisible line separator stands here", "delete it")
		return ' '
	case c < ' ' && c != '\n' && c != '\r' && c != '\t', c == 0x7f:
		s.fault(at, "control-character", fmt.Sprintf("the control character %U stands here", c), "delete it")
		s.ok = false
	}
	return c
}

func isWord(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0xc0 && c < 0x2000
}

// fault notes one problem of the text, and stops telling after a while.
func (s *scanner) fault(at Pos, code, text, hint string) {
	s.count[code]++
	if s.count[code] <= maxFaults {
		s.r.add(at, code, text, hint)
	}
}
