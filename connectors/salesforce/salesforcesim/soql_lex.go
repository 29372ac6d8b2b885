package salesforcesim

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxSOQL is the longest statement Salesforce accepts, in characters.
const maxSOQL = 100_000

type tokenKind int

const (
	tokEnd    tokenKind = iota
	tokWord             // SELECT, Owner.Name, LAST_N_DAYS
	tokString           // text is what stands between the quotes, still escaped
	tokNumber           // 12, -3.5
	tokDate             // 2026-11-20
	tokTime             // 2026-11-20T00:00:00Z
	tokPunct            // ( ) , : = != <> < <= > >=
)

type token struct {
	kind tokenKind
	text string
	pos  int // byte offset in the statement
}

// is reports whether the token is the keyword or sign want; SOQL keywords have no case.
func (t token) is(want string) bool {
	return (t.kind == tokWord || t.kind == tokPunct) && strings.EqualFold(t.text, want)
}

// lexSOQL cuts a statement into tokens. Its errors are MALFORMED_QUERY.
func lexSOQL(src string) ([]token, *apiError) {
	if utf8.RuneCountInString(src) > maxSOQL {
		return nil, malformed(src, 0, "SOQL statements cannot be longer than 100000 characters.")
	}
	var toks []token
	for i := 0; i < len(src); {
		c := src[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case isLetter(c):
			end := i + 1
			for end < len(src) && (isLetter(src[end]) || isDigit(src[end]) || src[end] == '.') {
				end++
			}
			toks = append(toks, token{tokWord, src[i:end], i})
			i = end
		case isDigit(c) || ((c == '-' || c == '+') && i+1 < len(src) && isDigit(src[i+1])):
			t := lexNumeric(src, i)
			toks = append(toks, t)
			i += len(t.text)
		case c == '\'':
			end, err := lexString(src, i)
			if err != nil {
				return nil, err
			}
			toks = append(toks, token{tokString, src[i+1 : end], i})
			i = end + 1
		default:
			text := punct(src[i:])
			if text == "" {
				return nil, malformed(src, i, fmt.Sprintf("line 1:%d no viable alternative at character '%s'", i, firstRune(src[i:])))
			}
			toks = append(toks, token{tokPunct, text, i})
			i += len(text)
		}
	}
	return append(toks, token{tokEnd, "<EOF>", len(src)}), nil
}

func lexNumeric(src string, start int) token {
	end, kind := start+1, tokNumber
	for end < len(src) && (isDigit(src[end]) || strings.IndexByte("-+:.TZtz", src[end]) >= 0) {
		switch src[end] {
		case '-':
			if kind == tokNumber {
				kind = tokDate
			}
		case 'T', 't', ':':
			kind = tokTime
		}
		end++
	}
	return token{kind, src[start:end], start}
}

// lexString returns the offset of the closing quote.
func lexString(src string, start int) (int, *apiError) {
	for i := start + 1; i < len(src); i++ {
		switch src[i] {
		case '\\':
			i++
			if i < len(src) && strings.IndexByte(`nNrRtTbBfF"'\_%`, src[i]) < 0 {
				return 0, malformed(src, i-1, fmt.Sprintf("Invalid string literal '%s'. Illegal character sequence '\\%s' in string literal.", src[start+1:i], firstRune(src[i:])))
			}
		case '\'':
			return i, nil
		}
	}
	return 0, malformed(src, start, fmt.Sprintf("line 1:%d mismatched character '<EOF>' expecting '''", len(src)))
}

func punct(s string) string {
	for _, p := range []string{"!=", "<>", "<=", ">=", "(", ")", ",", ":", "=", "<", ">"} {
		if strings.HasPrefix(s, p) {
			return p
		}
	}
	return ""
}

func isLetter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func firstRune(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}

// unescape turns the inside of a SOQL string literal into its value.
func unescape(raw string) string {
	if !strings.Contains(raw, `\`) {
		return raw
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 == len(raw) {
			b.WriteByte(raw[i])
			continue
		}
		i++
		b.WriteByte(escaped(raw[i]))
	}
	return b.String()
}

func escaped(c byte) byte {
	switch c {
	case 'n', 'N':
		return '\n'
	case 'r', 'R':
		return '\r'
	case 't', 'T':
		return '\t'
	case 'b', 'B':
		return '\b'
	case 'f', 'F':
		return '\f'
	}
	return c
}

// malformed is the MALFORMED_QUERY answer, with the place as Salesforce prints it.
func malformed(src string, pos int, message string) *apiError {
	return &apiError{code: "MALFORMED_QUERY", message: at(src, pos) + message}
}

// at renders the excerpt with the caret that precedes query errors.
func at(src string, pos int) string {
	pos = min(max(pos, 0), len(src))
	from, to := max(0, pos-20), min(len(src), pos+20)
	excerpt := strings.ToValidUTF8(strings.ReplaceAll(src[from:to], "\n", " "), "?")
	row := 1 + strings.Count(src[:pos], "\n")
	column := pos - strings.LastIndexByte(src[:pos], '\n')
	return fmt.Sprintf("\n%s\n%s^\nERROR at Row:%d:Column:%d\n", excerpt, strings.Repeat(" ", pos-from), row, column)
}
