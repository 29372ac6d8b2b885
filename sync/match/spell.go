package match

import "strings"

// run is a stretch of a form's words that one word stands for: their initials
// (NIH: National Institutes of Health) or all of them in one (PoplarML).
type run struct{ from, to int } // words from <= i < to

// stretch finds the words of a form that w abbreviates or writes in one.
func (f *Form) stretch(w string) (run, bool) {
	if len(w) < 2 || len(f.Words) < 2 {
		return run{}, false
	}
	for i := range f.Words {
		if f.Words[i][0] != w[0] {
			continue
		}
		if to := f.glue(i, w); to > i+1 {
			return run{i, to}, true
		}
		for _, skip := range [2]bool{true, false} {
			if to := f.initials(i, w, skip); to > i+1 && len(w) > 2 {
				return run{i, to}, true
			}
		}
	}
	return run{}, false
}

// glue is where the words from i on end that are w in one; 0: they are not.
func (f *Form) glue(i int, w string) int {
	for ; i < len(f.Words) && w != ""; i++ {
		rest, ok := strings.CutPrefix(w, f.Words[i])
		if !ok {
			return 0
		}
		w = rest
	}
	if w != "" {
		return 0
	}
	return i
}

// initials is where the words from i on end whose first letters are w.
func (f *Form) initials(i int, w string, skip bool) int {
	if len(w) > 8 {
		return 0
	}
	for ; i < len(f.Words) && w != ""; i++ {
		switch v := f.Words[i]; {
		case v[0] == w[0] && (!skip || !stopWords[v]):
			w = w[1:]
		case skip && stopWords[v]:
		default:
			return 0
		}
	}
	if w != "" {
		return 0
	}
	return i
}

// spelled is how a short text is put together from the beginnings of a form's
// words in their order (COLPOS: Colegio de Postgraduados): how many words that
// tell it passes over. ok is false where it is not.
func (f *Form) spelled(s string) (passed int, ok bool) {
	if len(s) < 3 || len(s) > 14 || len(f.Words) < 2 || len(f.Words) > 14 {
		return 0, false
	}
	return f.spell(s, 0, 0, 0, new(int))
}

// maxSpelled bounds the ways that are tried.
const maxSpelled = 400

func (f *Form) spell(s string, at, took, passed int, tried *int) (int, bool) {
	if *tried++; *tried > maxSpelled {
		return 0, false
	}
	if s == "" {
		for _, w := range f.Words[at:] {
			passed += count(!stopWords[w])
		}
		return passed, took > 1
	}
	if at == len(f.Words) || passed > 2 {
		return 0, false
	}
	w := f.Words[at]
	for n := min(prefix(s, w), 6); n > 0; n-- {
		if p, ok := f.spell(s[n:], at+1, took+1, passed, tried); ok {
			return p, true
		}
	}
	if took == 0 && !stopWords[w] {
		return 0, false // the first word is not passed over
	}
	return f.spell(s, at+1, took, passed+count(!stopWords[w]), tried)
}
