package salesforcesim

import (
	"strings"
)

const (
	idAlphabet    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	checkAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
)

// newID composes an 18-character id: key prefix, the pod that every org has, a running number and the
// checksum over the letters' case.
func newID(prefix string, n uint64) string {
	body := []byte(prefix + pod + "0000000000")[:15]
	for i := 14; i > 2+len(pod) && n > 0; i-- {
		body[i] = idAlphabet[n%62]
		n /= 62
	}
	return string(body) + checksum(string(body))
}

// checksum is the three characters that make a case-sensitive 15-character id case-safe: one
// character per five, each bit saying that a letter is a capital.
func checksum(id15 string) string {
	var out [3]byte
	for chunk := range 3 {
		bits := 0
		for i := range 5 {
			if c := id15[chunk*5+i]; c >= 'A' && c <= 'Z' {
				bits |= 1 << i
			}
		}
		out[chunk] = checkAlphabet[bits]
	}
	return string(out[:])
}

// normalizeID turns a 15- or 18-character id into its 18-character form. ok is false for anything that
// is no id: wrong length, foreign characters, wrong checksum. The 18-character form has no case, so
// the capitals are restored from its last three characters.
func normalizeID(id string) (string, bool) {
	if len(id) != 15 && len(id) != 18 {
		return "", false
	}
	for i := range len(id) {
		if strings.IndexByte(idAlphabet, id[i]) < 0 {
			return "", false
		}
	}
	if len(id) == 15 {
		return id + checksum(id), true
	}
	body, check := []byte(id[:15]), strings.ToUpper(id[15:])
	for chunk := range 3 {
		bits := strings.IndexByte(checkAlphabet, check[chunk])
		if bits < 0 {
			return "", false
		}
		for i := range 5 {
			c := &body[chunk*5+i]
			letter := *c >= 'A' && *c <= 'Z' || *c >= 'a' && *c <= 'z'
			switch upper := bits&(1<<i) != 0; {
			case upper && !letter:
				return "", false
			case upper && *c >= 'a':
				*c -= 'a' - 'A'
			case !upper && letter && *c <= 'Z':
				*c += 'a' - 'A'
			}
		}
	}
	return string(body) + check, true
}
