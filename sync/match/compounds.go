package match

import "strings"

// parted parts compounds whose last part the table of descriptors knows:
// kinderziekenhuis, Zentralbibliothek, Schienenverkehrsforschung. What stands
// before it may be any word.
func parted(ws []string) []string {
	for i := 0; i < len(ws); i++ {
		if at := seam(ws[i]); at > 0 {
			whole := ws[i]
			ws = append(append(append(make([]string, 0, len(ws)+1), ws[:i]...), whole[:at], whole[at:]), ws[i+1:]...)
			i++
		}
	}
	return ws
}

const (
	minCompound = 10 // letters of a word that is looked at
	minFirst    = 4  // of its first part
	minLast     = 5  // and of its last
)

// seam is where the last part of a compound begins, the longest that is known;
// 0: the word is none.
func seam(w string) int {
	if len(w) < minCompound || descriptors[w] != "" || !plainLetters(w) {
		return 0
	}
	if descriptorStems[stem(singular(w))] != "" {
		return 0
	}
	for at := minFirst; at+minLast <= len(w); at++ {
		if lastParts[w[at:]] {
			return at
		}
	}
	return 0
}

// lastParts are descriptors of the languages that write compounds in one word.
var lastParts = func() map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(lastWords) {
		if len(w) >= minLast {
			out[w] = true
		}
	}
	return out
}()
