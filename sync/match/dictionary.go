package match

import (
	_ "embed"
	"iter"
	"strings"
)

// What is known of words and domains stands in words/*.txt. The head of each
// file says how its lines are read.
var (
	//go:embed words/meanings.txt
	meaningsFile string
	//go:embed words/phrases.txt
	phrasesFile string
	//go:embed words/natives.txt
	nativesFile string
	//go:embed words/letters.txt
	lettersFile string
	//go:embed words/joining.txt
	joiningFile string
	//go:embed words/compounds.txt
	compoundsFile string
	//go:embed words/places.txt
	placesFile string
	//go:embed words/streets.txt
	streetsFile string
	//go:embed words/free_mail.txt
	freeMailFile string
	//go:embed words/disposable_mail.txt
	disposableMailFile string
	//go:embed words/shared_hosts.txt
	sharedHostsFile string
)

// descriptors say of words that stand for a kind, a field or a place what they
// are in English, folded and without plural s.
var descriptors = meanings(meaningsFile)

// meant are the words that descriptors are put in.
var meant = func() map[string]bool {
	out := map[string]bool{}
	for _, to := range descriptors {
		out[to] = true
	}
	return out
}()

// descriptorStems are the same by their stems, for forms that the table lacks.
// A stem of two meanings has none.
var descriptorStems = func() map[string]string {
	out := map[string]string{}
	for w, to := range descriptors {
		s := stem(w)
		if len(s) < minStem {
			continue
		}
		if had, ok := out[s]; ok && had != to {
			to = ""
		}
		out[s] = to
	}
	for s, to := range out {
		if to == "" {
			delete(out, s)
		}
	}
	return out
}()

// phrases are the same of texts whose words are not parted by blanks.
var phrases = phraseTable(phrasesFile)

// nativeWords are the same in alphabets of their own that part words by blanks.
var nativeWords = nativeTable(nativesFile)

// letterTable is one letter each: Cyrillic, Greek, Hebrew, Arabic, kana,
// Devanagari, Bengali.
var letterTable = letterPairs(lettersFile)

// stopWords join the words that tell; folded.
var stopWords = words(joiningFile)

// placeWords are countries and parts of the world in the spelling of the
// descriptors.
var placeWords = words(placesFile)

// kindWords are kinds of houses in the spelling of the descriptors.
var kindWords = words("university institute college school faculty academy department center laboratory hospital clinic ministry government agency authority office council commission committee association society foundation fund federation union network group museum library archive observatory bank division unit service company alliance consortium chamber trust park station")

// streetWords shorten the words that stand in most addresses.
var streetWords = phraseTable(streetsFile)

// lines yields the lines of a table that are neither blank nor a remark.
func lines(table string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.SplitSeq(table, "\n") {
			if line != "" && line[0] != '#' && !yield(line) {
				return
			}
		}
	}
}

// words reads a list parted by blanks.
func words(list string) map[string]bool {
	out := map[string]bool{}
	for line := range lines(list) {
		for w := range strings.FieldsSeq(line) {
			out[w] = true
		}
	}
	return out
}

// meanings reads lines of words that mean the first of them. Of two lines with
// one word the first counts.
func meanings(table string) map[string]string {
	out := map[string]string{}
	for line := range lines(table) {
		f := strings.Fields(line)
		to := f[0]
		if already, ok := out[to]; ok {
			to = already
		}
		for _, w := range f {
			for _, form := range []string{w, singular(w)} {
				if _, ok := out[form]; !ok {
					out[form] = to
				}
			}
		}
	}
	return out
}

// phraseTable reads lines of a phrase and what stands for it.
func phraseTable(table string) map[string]string {
	out := map[string]string{}
	for line := range lines(table) {
		from, to, _ := strings.Cut(line, " ")
		out[from] = to
	}
	return out
}

// nativeTable reads lines of words behind what they mean.
func nativeTable(table string) map[string]string {
	out := map[string]string{}
	for line := range lines(table) {
		to, list, _ := strings.Cut(line, " ")
		for w := range strings.FieldsSeq(list) {
			out[w] = to
		}
	}
	return out
}

// letterPairs reads "letter text letter text …"; a dash stands for nothing.
func letterPairs(table string) map[rune]string {
	out := map[rune]string{}
	for line := range lines(table) {
		f := strings.Fields(line)
		for i := 0; i+1 < len(f); i += 2 {
			out[firstRune(f[i])] = strings.Trim(f[i+1], "-")
		}
	}
	return out
}
