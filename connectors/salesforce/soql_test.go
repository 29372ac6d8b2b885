package salesforce

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
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

// tokens cuts a statement as a SOQL parser would; every string literal becomes
// one token of its own kind.
func tokens(soql string) []string {
	var out []string
	word := regexp.MustCompile(`^(?:[A-Za-z0-9_.:+-]+|\s+|<=|>=|!=|[(),=<>])`)
	for len(soql) > 0 {
		if soql[0] == '\'' {
			end := 1
			for end < len(soql) && soql[end] != '\'' {
				if soql[end] == '\\' {
					end++
				}
				end++
			}
			out = append(out, "literal")
			soql = soql[min(end+1, len(soql)):]
			continue
		}
		t := word.FindString(soql)
		if t == "" {
			return append(out, "not SOQL: "+soql)
		}
		if strings.TrimSpace(t) != "" {
			out = append(out, t)
		}
		soql = soql[len(t):]
	}
	return out
}

// FuzzSOQLBuilder: whatever the values are, the statement has the same tokens
// as with harmless ones, exactly as many literals, and each reads back as the
// value; so it does after its way through an address (CWE-943).
func FuzzSOQLBuilder(f *testing.F) {
	for _, s := range []string{
		"a@b.example", `O'Brien`, `\`, `\'`, `' OR Id != '`, "x\n\r\t\x00y", `"quoted"`, "J\u00fcrgen", "') --", "\u2019", "\x7f", "%_", "\ufffd", "a\u2028b",
		"' LIMIT 1 OFFSET ", "{0}", "\\u0027", "' IN (SELECT Id FROM User) OR Name = '", "\u00a0", "\u202e", strings.Repeat("'", 300), "\xff\xfe", "&q=", "+", "%27",
	} {
		f.Add(s, s+"x")
	}
	build := func(a, b string) []statement {
		sel := selection{schema: &schema{object: "Lead", fields: map[string]*field{"isdeleted": {Name: "IsDeleted"}, "isconverted": {Name: "IsConverted"}}}}
		l := lookup{column: &field{Name: "Email"}, sel: sel}
		return []statement{
			{columns: []string{"Id"}, object: "Lead", where: in("Email", []string{a, b}) + " AND IsConverted = false", order: "Id", limit: 5},
			{columns: []string{"Id", "Email"}, object: "Lead", where: l.where([]string{a, b})},
			{columns: []string{"Id"}, object: "LeadHistory", where: "Field = " + literal(a) + " AND OldValue != " + literal(b)},
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		harmless := build("a", "b")
		for i, stmt := range build(a, b) {
			got, whole := literals(stmt.String())
			if !whole || len(got) != 2 {
				t.Fatalf("%q, %q: literals %q, whole %v in %s", a, b, got, whole, stmt)
			}
			if diff := cmp.Diff(tokens(harmless[i].String()), tokens(stmt.String())); diff != "" {
				t.Fatalf("%q, %q: another statement (-want +got):\n%s", a, b, diff)
			}
			o := &org{data: "/services/data/v60.0"}
			u, err := url.Parse(o.queryURL(stmt, true))
			if err != nil || len(u.Query()) != 1 || u.Query().Get("q") != stmt.String() || u.Fragment != "" {
				t.Fatalf("%q, %q: the address is %v, %v", a, b, u, err)
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
