package salesforce

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// literals reads the string literals of a statement by SOQL's own rules.
func literals(soql string) (out []string, whole bool) {
	for i := 0; i < len(soql); i++ {
		if soql[i] != '\'' {
			continue
		}
		var b strings.Builder
		closed := false
		for i++; i < len(soql); i++ {
			switch soql[i] {
			case '\\':
				i++
				if i == len(soql) {
					return out, false
				}
				switch soql[i] {
				case 'n':
					b.WriteByte('\n')
				case 'r':
					b.WriteByte('\r')
				case 't':
					b.WriteByte('\t')
				default:
					b.WriteByte(soql[i])
				}
				continue
			case '\'':
				closed = true
			default:
				b.WriteByte(soql[i])
			}
			if closed {
				break
			}
		}
		if !closed {
			return out, false
		}
		out = append(out, b.String())
	}
	return out, true
}

// FuzzSOQL: whatever the values are, the statement has exactly that many
// literals, and each reads back as the value (CWE-943).
func FuzzSOQL(f *testing.F) {
	for _, s := range []string{"a@b.example", `O'Brien`, `\`, `\'`, `' OR Id != '`, "x\n\r\t\x00y", `"quoted"`, "Jürgen", "') --", "\u2019", "\x7f"} {
		f.Add(s, s+"x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		stmt := statement{columns: []string{"Id"}, object: "Lead", where: in("Email", []string{a, b}) + " AND IsConverted = false", order: "Id", limit: 5}
		got, whole := literals(stmt.String())
		if !whole || len(got) != 2 {
			t.Fatalf("%q, %q: literals %q, whole %v in %s", a, b, got, whole, stmt)
		}
		for i, v := range []string{a, b} {
			if !utf8.ValidString(v) {
				continue
			}
			want := strings.Map(func(r rune) rune {
				if (r < ' ' && r != '\n' && r != '\r' && r != '\t') || r == 0x7f {
					return -1
				}
				return r
			}, v)
			if got[i] != want {
				t.Errorf("literal %q, want %q", got[i], want)
			}
		}
	})
}

func TestNormalizeID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"00Q000000000001": "00Q000000000001EAA", "00Q000000000001EAA": "00Q000000000001EAA", "00Q000000000001eaa": "00Q000000000001EAA",
		"001D000000IRFma": "001D000000IRFmaIAH", "001d000000irfmaIAH": "", "00Q000000000001EAB": "",
		"": "", "00Q": "", "00Q00000000000'": "", "00Q0000000000011": "", "@{w0.id}": "",
	} {
		got, ok := normalizeID(id)
		if ok != (want != "") || got != want {
			t.Errorf("%q: %q %v, want %q", id, got, ok, want)
		}
	}
}

func TestParseStamp(t *testing.T) {
	t.Parallel()
	want := time.Date(2024, 9, 24, 3, 26, 7, 0, time.UTC)
	for _, s := range []string{"2024-09-24T03:26:07.000+0000", "2024-09-24T03:26:07.000Z", "2024-09-24T05:26:07+02:00"} {
		if got, ok := parseStamp(s); !ok || !got.Equal(want) {
			t.Errorf("%q: %v %v", s, got, ok)
		}
	}
	if _, ok := parseStamp("yesterday"); ok {
		t.Error("took nonsense for an instant")
	}
}

func TestOwnField(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"handoff_why": "Handoff_Why__c", "handoff_accept_by": "Handoff_Accept_By__c", "handoff_id": "Handoff_Id__c",
		"LastName": "LastName", "Own__c": "Own__c",
	} {
		if got := OwnField(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
