package match

import (
	"slices"
	"strings"
)

// better is the better of two of labelLevels.
func better(a, b uint8) uint8 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// subLabel is how what stands before a host's domain stands to a name.
func subLabel(h *Host, n Name) uint8 {
	best := uint8(0)
	for _, sub := range h.Sub {
		best = better(labelLevel(sub, n), best)
	}
	return best
}

// hostLabel is how a host's label stands to a name, or one of its pieces.
func hostLabel(h *Host, n Name) uint8 {
	best := labelLevel(h.Label, n)
	piece := level(fLabel, "a piece")
	if best != 0 && best < piece {
		return best
	}
	for _, p := range h.Pieces {
		if l := labelLevel(p, n); len(p) > 2 && l != 0 && l < piece {
			return piece
		}
	}
	return best
}

// labelLevel is how a domain's label stands to a name.
func labelLevel(label string, n Name) uint8 {
	best := uint8(0)
	for i := range n.Forms {
		best = better(level(fLabel, labelForm(label, &n.Forms[i])), best)
	}
	return best
}

// labelForm is the same of one form, by name; "none": they have nothing in
// common.
func labelForm(label string, f *Form) string {
	switch {
	case label == f.Compact || label == strings.Join(f.Tokens, ""):
		return "whole"
	case sameBare(label, f.Compact):
		return "bare"
	case len(label) > 2 && (label == f.Short || label == f.Long || label == f.Acronym):
		return "initials"
	case len(label) >= 4 && len(f.Compact) >= 4 && (strings.HasPrefix(f.Compact, label) || strings.HasPrefix(label, f.Compact)):
		return "begins"
	case len(label) > 2 && slices.Contains(f.Words, label):
		return "word"
	}
	if passed, ok := f.spelled(label); ok {
		if passed == 0 {
			return "beginnings"
		}
		return "some beginnings"
	}
	switch {
	case len(label) >= 5 && len(f.Compact) >= 5 && (strings.Contains(f.Compact, label) || strings.Contains(label, f.Compact)):
		return "inside"
	case len(label) >= 5 && winkler(label, f.Compact) >= 0.9:
		return "alike"
	}
	return "none"
}
