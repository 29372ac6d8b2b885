package normalize_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/normalize"
)

func text(s string) mappings.Text {
	return mappings.Text{S: s, Pos: mappings.Pos{File: "mappings/crm.yaml", Line: 7, Column: 3}}
}

func texts(s ...string) (out []mappings.Text) {
	for _, t := range s {
		out = append(out, text(t))
	}
	return out
}

// field reads "word=source,Kind:source | is_a | clean,clean".
func field(spec string) mappings.Field {
	parts := append(strings.Split(spec, "|"), "", "")
	word, from, _ := strings.Cut(parts[0], "=")
	f := mappings.Field{Word: text(strings.TrimSpace(word)), Pos: text("").Pos}
	for s := range strings.SplitSeq(from, ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		kind, name, ok := strings.Cut(s, ":")
		if !ok {
			kind, name = "", s
		}
		f.Read = append(f.Read, mappings.Source{Kind: text(kind), Field: text(name)})
	}
	if is := strings.TrimSpace(parts[1]); is != "" {
		f.IsA = text(is)
	}
	for c := range strings.SplitSeq(parts[2], ",") {
		if c = strings.TrimSpace(c); c != "" {
			f.Clean = append(f.Clean, text(c))
		}
	}
	return f
}

func sample() mappings.Mapping {
	name := field("full_name=first,last")
	space := text(" ")
	name.JoinWith = &space
	status := field("lead_status=Lead:Status,Contact:Contact_Status")
	status.Values = []mappings.Pair{{From: text("NEW"), To: text("New")}, {From: text("IN_PROGRESS"), To: text("In progress")}}
	owner := field("owner=OwnerId|owner")
	owner.Write = []mappings.Source{{Field: text("OwnerId")}}
	acceptBy := mappings.Field{Word: text("accept_by"), IsA: text("datetime"), Write: []mappings.Source{{Kind: text("Lead"), Field: text("Accept_By")}}}
	customer := field("is_customer=Type")
	customer.YesIf = texts("Customer - Direct", "Customer - Channel")
	return mappings.Mapping{
		Name: text("crm"),
		Nouns: []mappings.Noun{
			{Word: text("person"), StoredIn: texts("Lead", "Contact"), Fields: []mappings.Field{
				field("email=Email||trim,lowercase"),
				name,
				field("phone=Phone,Mobile||phone"),
				field("country=Lead:Country,Contact:MailingCountry||country_code"),
				field("score=Score|number"),
				field("last_form_at=Form_At|datetime"),
				field("interests=Interests|list|lowercase"),
				field("agreed=Agreed"),
				status, owner, acceptBy,
			}},
			{Word: text("company"), StoredIn: texts("Account"), Fields: []mappings.Field{
				field("name=Name"), field("domain=Website||domain"), field("named_account=Named|yes_no"), customer,
			}},
			{Word: text("deal"), StoredIn: texts("Opportunity"), Fields: []mappings.Field{
				field("amount=Amount|number"), field("signed_on=CloseDate|date"), field("handoff_status=handoff_status"),
			}},
		},
	}
}

func compile(t testing.TB, m mappings.Mapping) *normalize.Mapping {
	t.Helper()
	c, ds := normalize.Compile(m, "crm-eu")
	for _, d := range ds {
		t.Errorf("unexpected: %s", d)
	}
	return c
}

func ref(kind connectors.Kind) connectors.Ref {
	return connectors.Ref{Conn: "crm-eu", Kind: kind, ID: "51"}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	m := compile(t, sample())
	made := time.Date(2026, 3, 20, 9, 0, 0, 0, time.FixedZone("", -4*3600))
	for _, tc := range []struct {
		name     string
		kind     connectors.Kind
		fields   map[string]any
		want     map[string]string
		unmapped []normalize.Unmapped
	}{
		{
			name: "a lead", kind: "Lead",
			fields: map[string]any{
				"Email": " Dana@ACME.co.uk ", "first": "Dana", "last": " Scully ", "Phone": "020 7946 0958", "Country": "United Kingdom",
				"Score": 42.0, "Form_At": "2026-03-20T09:04:00.000+0000", "Interests": "Demo; pricing;demo", "Agreed": true, "Status": "in_progress", "OwnerId": "005x",
			},
			want: map[string]string{
				"email": "dana@acme.co.uk", "email_domain": "acme.co.uk", "full_name": "Dana Scully", "phone": "+442079460958", "country": "GB",
				"score": "42", "last_form_at": "2026-03-20T09:04:00Z", "interests": "demo;pricing", "agreed": "yes", "lead_status": "In progress", "owner": "005x",
			},
		},
		{
			name: "a contact keeps things elsewhere", kind: "Contact",
			fields: map[string]any{"Status": "NEW", "Contact_Status": "NEW", "Country": "France", "MailingCountry": "Deutschland", "first": "", "last": "Mulder"},
			want:   map[string]string{"lead_status": "New", "country": "DE", "full_name": "Mulder"},
		},
		{
			name: "what cannot be read is blank and told", kind: "Lead",
			fields: map[string]any{
				"Score": "many", "Form_At": "yesterday", "Country": "Atlantis", "Phone": "n/a", "Mobile": "+1 415 555 2671", "Status": "Recycled", "Email": "  ",
			},
			want: map[string]string{"phone": "+14155552671", "lead_status": "Recycled"},
			unmapped: []normalize.Unmapped{
				{Word: "country", Raw: "Atlantis", Why: "is not a country"},
				{Word: "phone", Raw: "n/a", Why: "is not a phone number"},
				{Word: "score", Raw: "many", Why: "is not a number"},
				{Word: "last_form_at", Raw: "yesterday", Why: "is not a point in time"},
				{Word: "lead_status", Raw: "Recycled", Why: "is not among the values", Kept: true},
			},
		},
		{
			name: "a phone number without a country is kept as typed", kind: "Lead",
			fields:   map[string]any{"Phone": "555-123-4567"},
			want:     map[string]string{"phone": "555-123-4567"},
			unmapped: []normalize.Unmapped{{Word: "phone", Raw: "555-123-4567", Why: "is not a phone number", Kept: true}},
		},
		{
			name: "a company", kind: "Account",
			fields: map[string]any{"Name": "Acme", "Website": "https://www.Shop.Acme.com/de?x=1", "Named": "true", "Type": "customer - direct"},
			want:   map[string]string{"name": "Acme", "domain": "shop.acme.com", "named_account": "yes", "is_customer": "yes"},
		},
		{
			name: "not a customer", kind: "Account",
			fields: map[string]any{"Named": false, "Type": "Prospect"},
			want:   map[string]string{"named_account": "no", "is_customer": "no"},
		},
		{
			name: "a deal", kind: "Opportunity",
			fields: map[string]any{"Amount": 1e6, "CloseDate": "2026-03-20", "handoff_status": "Accepted", "StageName": "not mapped"},
			want:   map[string]string{"amount": "1000000", "signed_on": "2026-03-20", "handoff_status": "Accepted"},
		},
		{name: "a kind nobody mapped", kind: "Case", fields: map[string]any{"Email": "a@b.example"}},
		{name: "nothing", kind: "Lead"},
		{name: "odd shapes", kind: "Lead", fields: map[string]any{"Email": nil, "Agreed": map[string]any{}, "Score": []any{1}}, unmapped: []normalize.Unmapped{
			{Word: "score", Why: "is not a value that can be read"},
			{Word: "agreed", Why: "is not a value that can be read"},
		}},
	} {
		got, unmapped := m.Record(connectors.Object{Ref: ref(tc.kind), Version: "7", CreatedAt: made, Fields: tc.fields, Links: []connectors.Ref{ref("Account")}})
		want := state.Record{Ref: ref(tc.kind), Noun: m.Noun(tc.kind), Version: "7", CreatedAt: made.UTC(), Fields: tc.want, Links: []connectors.Ref{ref("Account")}}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", tc.name, d)
		}
		if d := cmp.Diff(tc.unmapped, unmapped); d != "" {
			t.Errorf("%s: unmapped (-want +got)\n%s", tc.name, d)
		}
	}
}

func TestHold(t *testing.T) {
	t.Parallel()
	s := sample()
	for i, f := range s.Nouns[0].Fields {
		if f.Word.S == "lead_status" {
			s.Nouns[0].Fields[i].OtherValues = text("hold_and_report")
		}
	}
	got, unmapped := compile(t, s).Record(connectors.Object{Ref: ref("Lead"), Fields: map[string]any{"Status": "Recycled"}})
	if got.Fields["lead_status"] != "" {
		t.Errorf("held value stands in the record: %v", got.Fields)
	}
	if d := cmp.Diff([]normalize.Unmapped{{Word: "lead_status", Raw: "Recycled", Why: "is not among the values", Held: true}}, unmapped); d != "" {
		t.Error(d)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	m := compile(t, sample())
	check := func(what string, got, want any) {
		t.Helper()
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", what, d)
		}
	}
	check("kinds", m.Kinds(), []connectors.Kind{"Lead", "Contact", "Account", "Opportunity"})
	check("person", m.NounKinds("person"), []connectors.Kind{"Lead", "Contact"})
	check("fields", m.Fields("Contact"), []string{"Agreed", "Contact_Status", "Email", "Form_At", "Interests", "MailingCountry", "Mobile", "OwnerId", "Phone", "Score", "first", "last"})
	check("words", m.Words("company"), []string{"name", "domain", "named_account", "is_customer"})
	check("derived", m.Words("person")[len(m.Words("person"))-1], "email_domain")
	for _, tc := range []struct {
		kind        connectors.Kind
		word        string
		read, write string
	}{
		{"Lead", "owner", "OwnerId", "OwnerId"},
		{"Lead", "accept_by", "", "Accept_By"},
		{"Contact", "accept_by", "", ""},
		{"Contact", "country", "MailingCountry", ""},
		{"Lead", "phone", "Phone", ""},
		{"Case", "owner", "", ""},
		{"Account", "owner", "", ""},
	} {
		read, ok := m.ReadName(tc.kind, tc.word)
		check("read "+tc.word, read, tc.read)
		check("read ok", ok, tc.read != "")
		write, ok := m.WriteName(tc.kind, tc.word)
		check("write "+tc.word, write, tc.write)
		check("write ok", ok, tc.write != "")
	}
	f, ok := m.Word("company", "is_customer")
	check("is_customer", []any{ok, f.IsA, f.Reads, f.Writes, f.String()}, []any{true, "yes_no", true, false, "company.is_customer"})
	f, ok = m.Word("person", "email_domain")
	check("email_domain", []any{ok, f.Derived}, []any{true, true})
	_, ok = m.Word("company", "email_domain")
	check("company has no email", ok, false)
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, code, hint string
		edit             func(*mappings.Mapping)
	}{
		{"clean", "bad-value", `did you mean "lowercase"?`, func(m *mappings.Mapping) { m.Nouns[1].Fields[0].Clean = texts("lowercas") }},
		{"is_a", "bad-value", `did you mean "number"?`, func(m *mappings.Mapping) { m.Nouns[1].Fields[0].IsA = text("numbr") }},
		{"is_a like nothing", "bad-value", "it can be text, number", func(m *mappings.Mapping) { m.Nouns[1].Fields[0].IsA = text("geolocation") }},
		{"noun", "unknown-noun", `did you mean "person"?`, func(m *mappings.Mapping) { m.Nouns[2].Word = text("persn") }},
		{"noun twice", "noun-twice", "", func(m *mappings.Mapping) { m.Nouns = append(m.Nouns, m.Nouns[1]) }},
		{"kind twice", "kind-twice", "", func(m *mappings.Mapping) { m.Nouns[2].StoredIn = texts("Opportunity", "Account") }},
		{"source of another kind", "unknown-kind", `did you mean "Account"?`, func(m *mappings.Mapping) { m.Nouns[1].Fields[0] = field("name=Acount:Name") }},
		{"word twice", "duplicate-key", "", func(m *mappings.Mapping) {
			m.Nouns[1].Fields = append(m.Nouns[1].Fields, field("name=Other"))
		}},
		{"no source", "missing-key", "", func(m *mappings.Mapping) { m.Nouns[1].Fields[0] = field("name=") }},
		{"yes_if number", "clash", "", func(m *mappings.Mapping) { m.Nouns[1].Fields[3].IsA = text("number") }},
		{"clean a number", "no-effect", "", func(m *mappings.Mapping) { m.Nouns[2].Fields[0].Clean = texts("lowercase") }},
		{"phone without country", "phone-without-country", "country_code", func(m *mappings.Mapping) { m.Nouns[0].Fields[3].Clean = nil }},
	} {
		s := sample()
		tc.edit(&s)
		m, ds := normalize.Compile(s, "crm")
		if len(ds) != 1 || ds[0].Code != tc.code || !strings.Contains(ds[0].Hint, tc.hint) || ds[0].Pos.Line == 0 {
			t.Errorf("%s: %v, want one %s with %q", tc.name, ds, tc.code, tc.hint)
		}
		m.Record(connectors.Object{Ref: ref("Account"), Fields: map[string]any{"Name": "Acme"}})
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	is := func(a string, clean ...string) normalize.Field { return normalize.Field{IsA: a, Clean: clean} }
	for _, tc := range []struct {
		f    normalize.Field
		raw  any
		want string // "!" for what cannot be read
	}{
		{is("number"), "007", "7"},
		{is("number"), "-0", "0"},
		{is("number"), "+1.50", "1.5"},
		{is("number"), ".5", "0.5"},
		{is("number"), "1e3", "1000"},
		{is("number"), "1,234,567", "1234567"},
		{is("number"), "1,234.50", "1234.5"},
		{is("number"), "1,234", "!"},
		{is("number"), "1,23,4", "!"},
		{is("number"), "0x10", "!"},
		{is("number"), "0x1e4", "!"},
		{is("number"), "NaN", "!"},
		{is("number"), "--1", "!"},
		{is("number"), ".", "!"},
		{is("number"), "123456789012345678901234567890.10", "123456789012345678901234567890.1"},
		{is("number"), strings.Repeat("9", 100), "!"},
		{is("yes_no"), true, "yes"},
		{is("yes_no"), "FALSE", "no"},
		{is("yes_no"), 1.0, "yes"},
		{is("yes_no"), "maybe", "!"},
		{is("date"), "2026-02-29", "!"},
		{is("date"), "2026-03-20T23:30:00-04:00", "2026-03-21"},
		{is("date"), "1773964800000", "2026-03-20"},
		{is("date"), "03/20/2026", "!"},
		{is("datetime"), "2026-03-20", "2026-03-20T00:00:00Z"},
		{is("datetime"), "2026-03-20T09:04:00.120+0000", "2026-03-20T09:04:00.12Z"},
		{is("datetime"), "2026-03-20T09:04:00+05:30", "2026-03-20T03:34:00Z"},
		{is("datetime"), 1773964800123.0, "2026-03-20T00:00:00.123Z"},
		{is("datetime"), "2026-03-20T09:04:00", "!"},
		{is("datetime"), "2026", "!"},
		{is("datetime"), "9999-12-31T23:59:59-12:00", "!"},
		{is("user"), 51.0, "51"},
		{is("text"), "\u200b  x \ufeff", "x"},
		{is("text"), "a\x00b", "ab"},
		{is("text"), "a\xffb", "a\ufffdb"},
		{is("text"), false, "no"},
		{is("list"), ";b; a;;b", "b;a"},
		{is("list", "country_code"), "UK;USA", "GB;US"},
		{is("text", "domain"), "n/a", "!"},
		{is("text", "domain"), "dana@mail.acme.com", "mail.acme.com"},
		{is("text", "email"), "Dana+x@Bücher.example", "dana+x@xn--bcher-kva.example"},
		{is("text", "email"), "a@b@c.example", "!"},
		{is("text", "country_code"), "", ""},
		{is("text", "phone"), "+49 (0)30 901820 ext 12", "+4930901820 ext. 12"},
	} {
		got, ok := normalize.Value(tc.f, tc.raw, "")
		if !ok {
			got = "!"
		}
		if got != tc.want {
			t.Errorf("%s %v of %q is %q, want %q", tc.f.IsA, tc.f.Clean, tc.raw, got, tc.want)
		}
	}
}

func TestCountry(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"US": "US", "us": "US", "USA": "US", "U.S.A.": "US", "U.S.": "US", "United States": "US", "the United States of America": "US", "Vereinigte Staaten": "US", "États-Unis": "US",
		"UK": "GB", "England": "GB", "Great Britain": "GB", "GBR": "GB", "Royaume-Uni": "GB", "Eire": "IE", "EL": "GR",
		"Deutschland": "DE", "GERMANY": "DE", "Alemania": "DE", "España": "ES", "Espana": "ES", "Côte d'Ivoire": "CI", "Ivory Coast": "CI",
		"Korea, Republic of": "KR", "South Korea": "KR", "Korea (Democratic People's Republic of)": "KP", "Viet Nam": "VN", "Russian Federation": "RU", "Czechia": "CZ", "Czech Republic": "CZ",
		"Turkey": "TR", "Türkiye": "TR", "Taiwan": "TW", "Hong Kong": "HK", "日本": "JP", "中国": "CN", "The Netherlands": "NL", "Holland": "NL", "Brasil": "BR", "UAE": "AE", "Bosnia & Herzegovina": "BA",
		"Schweiz": "CH", "Suisse": "CH", "Österreich": "AT", "Polska": "PL", "Sverige": "SE", "Danmark": "DK", "Georgia": "GE", "Congo": "CG", "DRC": "CD", "Macedonia": "MK", "Kosovo": "XK",
		"Atlantis": "", "California": "", "": "", "N/A": "", "EU": "", "--": "", "ZZ": "",
	} {
		if got, ok := normalize.Country(s); got != want || ok != (want != "") {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
	for _, code := range strings.Fields("AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW") {
		if got, _ := normalize.Country(code); got != code {
			t.Errorf("the code %s is %q", code, got)
		}
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, host, registrable string }{
		{"dana@mail.acme.co.uk", "mail.acme.co.uk", "acme.co.uk"},
		{"https://user:pw@www.acme.com:8443/path?q#f", "acme.com", "acme.com"},
		{"https://www.acme.com:8443/path?q#f", "acme.com", "acme.com"},
		{"HTTP://ACME.COM.", "acme.com", "acme.com"},
		{"//cdn.acme.com/x", "cdn.acme.com", "acme.com"},
		{"mailto:Dana@Acme.com", "acme.com", "acme.com"},
		{"www.acme.com", "acme.com", "acme.com"},
		{"www.com", "www.com", "www.com"},
		{"acme.github.io", "acme.github.io", "acme.github.io"},
		{"github.io", "github.io", ""},
		{"acme.wixsite.com", "acme.wixsite.com", "acme.wixsite.com"},
		{"bücher.de", "xn--bcher-kva.de", "xn--bcher-kva.de"},
		{"XN--BCHER-KVA.de", "xn--bcher-kva.de", "xn--bcher-kva.de"},
		{"例え.jp", "xn--r8jz45g.jp", "xn--r8jz45g.jp"},
		{"acme.com, acme.de", "acme.com", "acme.com"},
		{"acme.com/a@b", "acme.com", "acme.com"},
		{"rival.example", "rival.example", "rival.example"},
		{"localhost", "", ""},
		{"10.0.0.1", "", ""},
		{"[::1]:80", "", ""},
		{"a@b@c.example", "", ""},
		{"@acme.com", "", ""},
		{"n/a", "", ""},
		{"J.P. Morgan", "", ""},
		{"acme..com", "", ""},
		{"-acme.com", "", ""},
		{"xn--zzzzzzzzzzz.com", "", ""},
		{"acme com", "", ""},
		{"javascript:alert(1)", "", ""},
		{strings.Repeat("a", 64) + ".com", "", ""},
		{strings.Repeat("a.", 200) + "com", "", ""},
	} {
		if got := normalize.HostOf(tc.in); got != tc.host {
			t.Errorf("host of %q is %q, want %q", tc.in, got, tc.host)
		}
		if got := normalize.Registrable(normalize.HostOf(tc.in)); got != tc.registrable {
			t.Errorf("registrable part of %q is %q, want %q", tc.in, got, tc.registrable)
		}
	}
}

func TestCompanyName(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"ACME, Inc.": "acme", "Acme Incorporated": "acme", "The Acme Company": "acme", "acme": "acme", "Acme Co., Ltd.": "acme", "Acme Pty. Ltd.": "acme",
		"Müller & Söhne GmbH": "muller and sohne", "Muller and Sohne": "muller and sohne", "Müller GmbH & Co. KG": "muller",
		"J.P. Morgan Chase & Co.": "jp morgan chase", "JP Morgan Chase": "jp morgan chase", "J P Morgan Chase": "jp morgan chase",
		"Telecom Italia S.p.A.": "telecom italia", "Telefónica, S.A.": "telefonica", "Novo Nordisk A/S": "novo nordisk", "L'Oréal SA": "loreal", "McDonald's Corp": "mcdonalds",
		"PKN Orlen Sp. z o.o.": "pkn orlen", "Škoda Auto a.s.": "skoda auto", "Grupo Bimbo S.A.B. de C.V.": "grupo bimbo", "Philips N.V.": "philips", "Ørsted A/S": "orsted", "Straße AG": "strasse",
		"株式会社リクルート": "リクルート", "トヨタ自動車(株)": "トヨタ自動車", "华为技术有限公司": "华为技术", "삼성전자주식회사": "삼성전자", "ООО «Ромашка»": "ромашка", "Ромашка ООО": "ромашка",
		"Ａｃｍｅ　ＬＬＣ": "acme", "Ａｃｍｅ\u200b": "acme", "AT&T": "at and t", "3M Company": "3m", "37signals": "37signals", "Co": "co", "S.A.": "sa", "Infosys Pvt Ltd": "infosys", "Grab Sdn. Bhd.": "grab",
		"がるる": "がるる", "Acme (UK) Limited": "acme uk", "Acme Group": "acme group", "E.ON SE": "e on",
		"n/a": "", "N.A.": "", "none": "", "None.": "", "self": "", "Self-Employed": "", "self employed": "", "Freelancer": "", "student": "", "Étudiante": "", "-": "", "...": "", "": "", "  ": "", "test": "", "Company Ltd": "", "keine": "", "個人": "", "x": "", "-1": "",
	} {
		if got := normalize.CompanyName(s); got != want {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	m := compile(b, sample())
	o := connectors.Object{Ref: ref("Lead"), Fields: map[string]any{
		"Email": "Dana@acme.co.uk", "first": "Dana", "last": "Scully", "Phone": "020 7946 0958", "Country": "United Kingdom", "Score": 42.0,
		"Form_At": "2026-03-20T09:04:00.000+0000", "Interests": "Demo; pricing", "Agreed": true, "Status": "NEW", "OwnerId": "005x",
	}}
	for _, phone := range []bool{true, false} {
		if !phone {
			delete(o.Fields, "Phone")
		}
		b.Run(fmt.Sprintf("phone=%v", phone), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.Record(o)
			}
		})
	}
}

func BenchmarkCompanyName(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		normalize.CompanyName("Müller & Söhne GmbH & Co. KG")
	}
}
