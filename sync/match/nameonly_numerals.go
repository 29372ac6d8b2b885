package match

import (
	"slices"
	"strconv"
	"strings"
)

// inDigits writes numbers that are spelt out, ordinals, and Roman numbers
// behind the first word in digits: forty four, 1st, III.
func inDigits(ws []string) []string {
	var out []string
	for i := 0; i < len(ws); i++ {
		w := ws[i]
		if n, ok := numberWords[w]; ok {
			if n >= 20 && n%10 == 0 && i+1 < len(ws) {
				if unit, ok := numberWords[ws[i+1]]; ok && unit > 0 && unit < 10 {
					n += unit
					i++
				} else if isDigits(ws[i+1]) && len(ws[i+1]) == 1 {
					unit, _ := strconv.Atoi(ws[i+1])
					n += unit
					i++
				}
			}
			out = append(out, strconv.Itoa(n))
			continue
		}
		if n, ok := roman(w); ok && i > 0 {
			out = append(out, strconv.Itoa(n))
			continue
		}
		if stem := strings.TrimRight(w, "abcdefghijklmnopqrstuvwxyz"); isDigits(stem) && slices.Contains(ordinalEnds, w[len(stem):]) {
			w = stem
		}
		out = append(out, w)
	}
	return out
}

var ordinalEnds = []string{"st", "nd", "rd", "th"}

var numberWords = map[string]int{
	"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
	"thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30,
	"forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
	"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
}

// roman reads a Roman number from 1 to 39.
func roman(w string) (n int, ok bool) {
	if w == "" || len(w) > 6 || strings.Trim(w, "ivx") != "" {
		return 0, false
	}
	for i := range len(w) {
		v := romanDigit(w[i])
		if i+1 < len(w) && romanDigit(w[i+1]) > v {
			n -= v
		} else {
			n += v
		}
	}
	return n, true
}

func romanDigit(c byte) int {
	switch c {
	case 'i':
		return 1
	case 'v':
		return 5
	}
	return 10
}
