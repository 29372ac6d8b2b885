package match

// parted parts compounds of two descriptors (Bauphysik), and those with one of
// the usual last parts (kinderziekenhuis, Schienenverkehrsforschung), before
// which any word may stand.
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
	minCompound = 9 // letters of a word that is looked at
	minKnown    = 3 // of its first part, where that is a descriptor
	minFirst    = 4 // and where it may be any word
	minLast     = 5 // of its last part
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
	for at := minKnown; at+minLast <= len(w); at++ {
		usual, known := lastParts[w[at:]]
		if usual && at >= minFirst {
			return at
		}
		if !known {
			continue
		}
		if to := descriptors[w[:at]]; to != "" && to != descriptors[w[at:]] {
			return at
		}
	}
	return 0
}

// lastParts are the descriptors that may end a compound; true: one of those with
// which compounds usually end.
var lastParts = func() map[string]bool {
	out := map[string]bool{}
	for w := range descriptors {
		if len(w) >= minLast {
			out[w] = false
		}
	}
	for w := range words(compoundsFile) {
		if len(w) >= minLast {
			out[w] = true
		}
	}
	return out
}()
