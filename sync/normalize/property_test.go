package normalize_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/sync/normalize"
)

// pieces is what people and machines put into fields.
var pieces = []string{
	"acme", "Acme", "ACME", ".com", ".co.uk", "www.", "https://", "//", "@", "dana", "+x", " ", "\t", "\u00a0", "\u200b", "\ufeff", "\x00", "\xff", "\u202e", "\u0301", "İ", "ı", "ß", "ŉ", "ǰ", "ﬁ", "Ａ", "株式会社", "(株)", "㈱", "주식회사",
	"S.A.", "A/S", "GmbH", "& Co. KG", "Inc.", "the ", "The", "n/a", ";", ",", ":", "-", "--", ".", "..", "/", "xn--", "xn--bcher-kva", "bücher", "例え", "😀", "1", "2026-03-20", "T09:04:00", "Z", "+05:30", "1773964800000", "e9", "yes", "TRUE", "United", "Kingdom", "US", "+44", "020 7946 0958", " ext 12", "\u0645", "שלום", "K", "ſ", "ΐ", "\u0345", "and", "and ", "x", "'", "’", "(", ")", "[", "]", "%", "#", "?", "\\", "\"",
}

func hostile() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8), func(p []string) string { return strings.Join(p, "") }),
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 40), func(b []byte) string { return string(b) }),
	)
}

var allSteps = []string{"trim", "lowercase", "phone", "domain", "country_code", "email"}

// A canonical value read again is itself.
func TestCanonicalIsFixed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := normalize.Field{
			IsA:   rapid.SampledFrom([]string{"text", "number", "yes_no", "date", "datetime", "user", "list"}).Draw(t, "is_a"),
			Clean: rapid.SliceOfN(rapid.SampledFrom(allSteps), 0, 1).Draw(t, "clean"),
		}
		fixed(t, f, hostile().Draw(t, "raw"))
	})
}

func fixed(t interface{ Fatalf(string, ...any) }, f normalize.Field, raw string) {
	once, ok := normalize.Value(f, raw, "GB")
	if !utf8.ValidString(once) || strings.ContainsRune(once, 0) {
		t.Fatalf("%v of %q is no text: %q", f, raw, once)
	}
	if !ok {
		return
	}
	if twice, ok := normalize.Value(f, once, "GB"); !ok || twice != once {
		t.Fatalf("%s %v: %q becomes %q, and that %q (%v)", f.IsA, f.Clean, raw, once, twice, ok)
	}
}

func TestNamesAreFixed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { namesFixed(t, hostile().Draw(t, "raw")) })
}

func namesFixed(t interface{ Fatalf(string, ...any) }, raw string) {
	for name, f := range map[string]func(string) string{
		"company": normalize.CompanyName, "host": normalize.HostOf, "registrable": normalize.Registrable,
		"email": func(s string) string { e, _ := normalize.Email(s); return e },
	} {
		once := f(raw)
		if twice := f(once); twice != once {
			t.Fatalf("%s: %q becomes %q, and that %q", name, raw, once, twice)
		}
		if !utf8.ValidString(once) || strings.TrimSpace(once) != once {
			t.Fatalf("%s of %q is %q", name, raw, once)
		}
	}
	if host := normalize.HostOf(raw); host != "" {
		if d := normalize.Registrable(host); d != "" && d != host && !strings.HasSuffix(host, "."+d) {
			t.Fatalf("%q is registered under %q", host, d)
		}
	}
}

// One record and what it says of itself, whatever is in it.
func TestRecordNeverPanics(t *testing.T) {
	t.Parallel()
	m := compile(t, sample())
	long := strings.Repeat("x\u200b@\u202e.", 32<<10/8)
	rapid.Check(t, func(t *rapid.T) {
		fields := map[string]any{}
		for _, f := range m.Fields("Lead") {
			switch rapid.IntRange(0, 5).Draw(t, f) {
			case 0:
				fields[f] = rapid.Float64().Draw(t, "number")
			case 1:
				fields[f] = rapid.Bool().Draw(t, "bool")
			case 2:
				fields[f] = long
			case 3:
				fields[f] = []any{nil}
			default:
				fields[f] = hostile().Draw(t, "text")
			}
		}
		r, unmapped := m.Record(connectors.Object{Ref: ref("Lead"), Fields: fields})
		for w, v := range r.Fields {
			if v == "" || !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
				t.Fatalf("%s is %q", w, v)
			}
		}
		again, _ := m.Record(connectors.Object{Ref: ref("Lead"), Fields: fields})
		if len(again.Fields) != len(r.Fields) {
			t.Fatalf("read twice, another record")
		}
		for _, u := range unmapped {
			if !utf8.ValidString(u.Raw) || utf8.RuneCountInString(u.Raw) > 200 || u.Why == "" {
				t.Fatalf("reported as %+v", u)
			}
			if _, there := r.Fields[u.Word]; u.Held && there {
				t.Fatalf("%s is held and there", u.Word)
			}
		}
	})
}

func TestHostileValues(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		strings.Repeat("a", 32<<10), strings.Repeat("a.", 16<<10) + "com", strings.Repeat("@", 32<<10), strings.Repeat("1", 32<<10), strings.Repeat(";", 32<<10),
		strings.Repeat("株式会社", 8<<10), strings.Repeat("\u0301", 16<<10), strings.Repeat("+", 250), "\u202eacme.com", "a@b@c", "xn--", "xn--a.com", "\x00", "\xff\xfe", "", "\xff.com", "acme株式会社//",
		strings.Repeat("S. ", 10<<10), strings.Repeat("the ", 8<<10), strings.Repeat(" inc", 8<<10), "https://" + strings.Repeat("www.", 500) + "com",
	} {
		namesFixed(t, raw)
		for _, is := range []string{"text", "number", "yes_no", "date", "datetime", "user", "list"} {
			for _, c := range allSteps {
				fixed(t, normalize.Field{IsA: is, Clean: []string{c}}, raw)
			}
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for i, p := range pieces {
		f.Add(p+pieces[(i*7)%len(pieces)], uint8(i))
	}
	isA := []string{"text", "number", "yes_no", "date", "datetime", "user", "list"}
	f.Fuzz(func(t *testing.T, raw string, n uint8) {
		fixed(t, normalize.Field{IsA: isA[int(n)%len(isA)], Clean: []string{allSteps[int(n)/len(isA)%len(allSteps)]}}, raw)
		namesFixed(t, raw)
	})
}
