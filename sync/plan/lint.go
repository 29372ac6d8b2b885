package plan

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/handoffd/handoffd/state"
)

// NoteCriteria say what a note has to be.
type NoteCriteria struct {
	AtLeast     int      // characters; 0: no minimum
	Boilerplate []string // phrases that say nothing, in small letters
}

// NoteVerdict is what a note is worth to who reads it.
type NoteVerdict struct {
	Score  int      // 0 to 100
	Faults []string // what is wrong, each to be read behind "the note"; none: it is useful
}

// How the score is made up: two points for each content word up to twenty of
// them, twelve for each of the four questions, twelve for something one can
// check: a number, a date, an amount.
const (
	perWord     = 2
	wordsCount  = 20
	perQuestion = 12
	forSpecific = 12
	leastWords  = 8 // content words, below which nothing was said
	leastAsked  = 3 // of the four questions
	mostFaulty  = 40
)

// question is one of those that a note answers (2.21), with the words that
// give an answer away. They are English: a note in another language is judged
// by everything else.
type question struct {
	said string
	cues []string
}

func questions() []question {
	return []question{
		{"why they engage", []string{"because", "since their", "need", "problem", "pain", "struggl", "losing", "lost", "cost", "waste", "manual", "slow", "want", "goal", "trying to", "replac", "fail", "risk", "reduce", "cut ", "grow", "switch", "migrat", "complian", "audit", "churn", "looking to", "has to", "have to"}},
		{"why now", []string{"deadline", "renewal", "renews", "expire", "quarter", " q1", " q2", " q3", " q4", "this month", "next month", "this week", "next week", "this year", "by the end", "end of", "before ", "until ", "budget", "urgent", "now that", "just raised", "just hired", "new ceo", "new cfo", "new head", "go live", "go-live", "launch", "january", "february", "march", "april", "may ", "june", "july", "august", "september", "october", "november", "december", "by monday", "by friday", "contract ends", "fiscal"}},
		{"what was already said", []string{"told", "said", "promised", "agreed", "showed", "shown", "demoed", "explained", "quoted", "offered", "discussed", "walked", "sent them", "sent her", "sent him", "we sent", "i sent", "mentioned", "confirmed", "objection", "committed", "shared", "talked", "asked us", "asked for", "asked whether", "asked about", "answered"}},
		{"what should happen next", []string{"next", "schedule", "book", "follow", "send ", "prepare", "invite", "introduce", "kickoff", "kick-off", "pilot", "trial", "demo on", "call on", "call her", "call him", "call them", "meeting on", "meet on", "proposal", "to do", "should ", "must ", "please ", "bring "}},
	}
}

// JudgeNote says what a note is worth, and why. The same text and criteria
// give the same verdict.
func JudgeNote(text string, c NoteCriteria) NoteVerdict {
	text = strings.TrimSpace(text)
	if text == "" {
		return NoteVerdict{Faults: []string{"is blank"}}
	}
	var v NoteVerdict
	if n := utf8.RuneCountInString(text); n < c.AtLeast {
		v.Faults = append(v.Faults, fmt.Sprintf("has %d of %d characters", n, c.AtLeast))
	}
	if pasted(text) {
		v.Faults = append(v.Faults, "is pasted from a recorder: say in your own words what matters")
	}
	plain := " " + strings.Join(words(text), " ") + " "
	bare, phrases := without(plain, c.Boilerplate)
	content := contentWords(bare)
	distinct := len(slices.Compact(slices.Sorted(slices.Values(content))))
	switch {
	case distinct < leastWords && len(phrases) > 0:
		v.Faults = append(v.Faults, "says no more than "+quote(phrases[0]))
	case distinct < leastWords:
		v.Faults = append(v.Faults, "says too little to work with")
	case distinct*3 < len(content):
		v.Faults = append(v.Faults, "repeats itself")
	}
	v.Score = perWord * min(distinct, wordsCount)
	missing := unanswered(plain, bare)
	v.Score += perQuestion * (len(questions()) - len(missing))
	if measured(text) {
		v.Score += forSpecific
	}
	if len(questions())-len(missing) < leastAsked && english(plain) && distinct >= leastWords {
		v.Faults = append(v.Faults, "does not say "+strings.Join(missing, ", or "))
	}
	if len(v.Faults) > 0 {
		v.Score = min(v.Score/2, mostFaulty)
	}
	return v
}

// unanswered are the questions that a note leaves open. What boilerplate says
// answers nothing.
func unanswered(plain, bare string) []string {
	if !english(plain) {
		return nil
	}
	var out []string
	for _, q := range questions() {
		if !slices.ContainsFunc(q.cues, func(cue string) bool { return strings.Contains(bare, " "+strings.TrimLeft(cue, " ")) }) {
			out = append(out, q.said)
		}
	}
	return out
}

// words are the words of a text in small letters, digits kept.
func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '%' && r != '\''
	})
}

// without takes phrases out of a text of words, the longest first, and says
// which were there.
func without(text string, phrases []string) (bare string, found []string) {
	sorted := slices.SortedFunc(slices.Values(phrases), func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	for _, p := range sorted {
		p = strings.Join(words(p), " ")
		if p != "" && strings.Contains(text, " "+p+" ") {
			found = append(found, p)
			text = strings.ReplaceAll(text, " "+p+" ", " ")
		}
	}
	return text, found
}

const smallWords = " a about after all also am an and any are as at be been but by can could did do does for from get had has have he her here him his how i if in into is it its just like me more my no not of off on one or our out over she so some than that the their them then there these they this to too up us was we were what when which who will with would yes you your "

func isSmall(w string) bool { return strings.Contains(smallWords, " "+w+" ") }

// contentWords are those that carry something: no small words, nothing of one
// letter, and nothing typed without looking.
func contentWords(text string) []string {
	return slices.DeleteFunc(strings.Fields(text), func(w string) bool {
		w = strings.Trim(w, "-'%")
		return utf8.RuneCountInString(w) < 2 || isSmall(w) || mashed(w)
	})
}

// mashed reports whether a word of plain letters has no vowel and is too long
// for an abbreviation, or is one letter over and over.
func mashed(w string) bool {
	latin := strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") == ""
	return latin && len(w) > 4 && !strings.ContainsAny(w, "aeiouy") || len(w) > 2 && strings.Trim(w, w[:1]) == "" && latin
}

// otherWords are small words of other languages that are none in English.
const otherWords = " der die das und ist nicht ein eine einen sie wir auf für von mit im zu den dem des bis le la les des une est et pour dans sur avec qui que du el los las en es por para con una se het een van zijn niet il che per sono não os uma "

// english reports whether a text may be English: in our letters, and without
// the small words of other languages.
func english(text string) bool {
	all := strings.Fields(text)
	foreign := 0
	for _, w := range all {
		if strings.Contains(otherWords, " "+w+" ") || strings.ContainsFunc(w, func(r rune) bool { return unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) }) {
			foreign++
		}
	}
	return foreign*12 < len(all)
}

// pasted reports whether a text was copied out of a meeting recorder: two
// marks of one.
func pasted(text string) bool {
	marks := 0
	low := strings.ToLower(text)
	for _, m := range []string{"transcript", "speaker 1", "speaker 2", "action items:", "attendees:", "participants:", "meeting summary", "key takeaways", "ai-generated", "ai generated", "generated by", "recording started", "talk time", "talk ratio", "sentiment:"} {
		if strings.Contains(low, m) {
			marks++
		}
	}
	for _, w := range strings.Fields(text) {
		if timecode(strings.Trim(w, "[]()-–,")) {
			marks++
		}
	}
	return marks >= 2
}

// timecode is 12:34 in brackets' clothes, or 01:12:34.
func timecode(w string) bool {
	p := strings.Split(w, ":")
	return len(p) == 3 && strings.Trim(strings.Join(p, ""), "0123456789") == "" && len(w) >= 7
}

// measured reports whether a text has a number or a unit in it, so that
// somebody can tell later whether it came true (3.21).
func measured(text string) bool {
	if strings.ContainsFunc(text, unicode.IsDigit) || strings.ContainsAny(text, "%€$£¥") {
		return true
	}
	for _, w := range words(text) {
		if strings.Contains(" half halve halved double doubled twice third quarter two three four five six seven eight nine ten dozen hundred thousand million percent second seconds minute minutes hour hours day days week weeks month months year years ", " "+w+" ") {
			return true
		}
	}
	return false
}

// linked says what is wrong with a field that should hold web addresses; ""
// where it holds at least one and every one is well-formed. Nothing is fetched.
func linked(text string) string {
	good := 0
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;<>\"'|", r) }) {
		if !strings.Contains(w, "://") && !strings.HasPrefix(strings.ToLower(w), "www.") {
			continue
		}
		u, err := url.Parse(strings.TrimRight(w, ".)"))
		switch {
		case err != nil || u.Host == "" || !strings.Contains(u.Hostname(), "."):
			return "holds " + quote(w) + ", which is no web address"
		case u.Scheme != "https":
			return "holds " + quote(w) + ", which does not begin with https"
		case u.User != nil:
			return "holds a web address with a password in it"
		}
		good++
	}
	if good == 0 {
		return "holds no web address"
	}
	return ""
}

// noteHash names a text, however it is spaced and capitalised.
func noteHash(text string) string { return state.Digest("note", strings.Join(words(text), " ")) }
