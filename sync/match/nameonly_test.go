package match_test

import (
	"strings"
	"testing"

	"github.com/handoffd/handoffd/sync/match"
)

// Two companies of which only the names are known: legal forms in short and in
// full, numbers in words, blanks, brackets, initials and slips make no other
// company; another place, another number or another word does.
func TestOnlyNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"Nordwind Aktiengesellschaft", "Nordwind AG", true},
		{"Open Joint Stock Company Severstroy", "OAO Severstroy", true},
		{"ОБЩЕСТВО С ОГРАНИЧЕННОЙ ОТВЕТСТВЕННОСТЬЮ \"Ромашка\"", "ООО Ромашка", true},
		{"Forty-Two Degrees Ltd", "42 Degrees Limited", true},
		{"Third Harbour Bank", "3rd Harbour Bank", true},
		{"Vanderberg Shipping", "Van der Berg Shipping", true},
		{"Good Wood Furniture", "Goodwood Furniture", true},
		{"NordwindAG", "Nordwind AG", true},
		{"Great Western Steel", "GWS", true},
		{"Meridiam Logistics Inc.", "Meridian Logistics Inc.", true},
		{"United States Lumber", "U.S. Lumber", true},
		{"The Hartwell & Sons Company", "Hartwell and Sons", true},

		{"Harbour Partners Fund III", "Harbour Partners Fund IV", false},
		{"Harbour Street Mortgage Loan Trust 2019-1", "Harbour Street Mortgage Loan Trust 2019-2", false},
		{"Hartwell (Chile) Ltd", "Hartwell (Australia) Ltd", false},
		{"Nordwind Systems", "Nordwind Textiles", false},
		{"Hartwell Foods", "Castellan Foods", false},
		{"North Bay Gas Company", "North Bay Copper Company", false},
	} {
		rows := []match.Row{{ID: "1", Company: c.a, Pair: "1"}, {ID: "2", Company: c.b, Pair: "1"}}
		if got := len(duplicates(t, rows)) > 0; got != c.same {
			t.Errorf("%s, %s: same is %v, want %v", c.a, c.b, got, c.same)
		}
		rows[0].Company, rows[1].Company = c.b, c.a
		if got := len(duplicates(t, rows)) > 0; got != c.same {
			t.Errorf("%s, %s the other way round: same is %v, want %v", c.b, c.a, got, c.same)
		}
	}
}

// Rows of a pair that is asked about are compared with each other and with
// nobody else.
func TestAskedPairs(t *testing.T) {
	t.Parallel()
	rows := []match.Row{
		{ID: "1", Company: "Nordwind AG", Pair: "x"},
		{ID: "2", Company: "Nordwind", Pair: "x"},
		{ID: "3", Company: "Nordwind AG", Pair: "y"},
		{ID: "4", Company: "Hartwell", Pair: "y"},
		{ID: "5", Company: "Hartwell", Pair: "y"},
	}
	var got []string
	for _, p := range duplicates(t, rows) {
		got = append(got, p.A+p.B)
	}
	if s := strings.Join(got, " "); s != "12 45" {
		t.Errorf("the same are %s, want 12 45", s)
	}
}
