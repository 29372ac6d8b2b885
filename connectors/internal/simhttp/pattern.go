package simhttp

import "strings"

// pattern replaces the ids in a path by {id}, so that calls of one kind count together. An id is a
// number, an e-mail address, a CRM key of 15, 18 or more than 23 letters and digits, a query locator, or
// whatever follows the name of a custom field.
func pattern(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		afterCustom := i > 0 && strings.HasSuffix(parts[i-1], "__c")
		if p != "" && (afterCustom || isID(p)) {
			parts[i] = "{id}"
		}
	}
	return strings.Join(parts, "/")
}

func isID(s string) bool {
	if strings.ContainsRune(s, '@') {
		return true
	}
	if locator, _, found := strings.Cut(s, "-"); found && strings.HasPrefix(locator, "01g") {
		return true
	}
	digits, letters := 0, 0
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			letters++
		default:
			return false
		}
	}
	if letters == 0 {
		return true
	}
	return digits > 0 && (len(s) == 15 || len(s) == 18 || len(s) > 23)
}
