package hubspot

import "testing"

// TestEighteen: an id is told from another whatever its form, so each is made
// the long one; a long one stays.
func TestEighteen(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"003000000000XYZ": "003000000000XYZAA2", "00Q000000000ABC": "00Q000000000ABCEA2",
		"003000000000XYZAA2": "003000000000XYZAA2", "abc": "abc",
	} {
		if got := eighteen(id); got != want {
			t.Errorf("eighteen(%s) = %s, want %s", id, got, want)
		}
	}
}
