package normalize

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// Unmapped is a value that could not be read, or one that the mapping's values
// do not list.
type Unmapped struct {
	Word string // "lead_status"
	Raw  string // what the CRM says, cut to 200 characters
	Why  string // "is not a number", "is not among the values"
	Held bool   // left out because of other_values: hold_and_report
	Kept bool   // it stands in the record all the same
}

const maxRaw = 200

// Record turns an object into a record, and says which values could not be
// read, in the order of the mapping. An object of a kind that is not mapped
// becomes a record without noun and fields.
func (m *Mapping) Record(o connectors.Object) (state.Record, []Unmapped) {
	r := state.Record{
		Ref:        o.Ref,
		Noun:       m.noun[o.Ref.Kind],
		Version:    o.Version,
		CreatedAt:  utc(o.CreatedAt),
		ModifiedAt: utc(o.ModifiedAt),
		ModifiedBy: o.ModifiedBy,
		Deleted:    o.Deleted,
		MovedTo:    o.MovedTo,
		Absorbed:   slices.Clone(o.Absorbed),
		Links:      slices.Clone(o.Links),
		Same:       slices.Clone(o.Same),
	}
	p := m.plans[o.Ref.Kind]
	if p == nil || len(o.Fields) == 0 {
		return r, nil
	}
	x := extraction{o: o}
	r.Fields = make(map[string]string, len(p.words)+1)
	for _, w := range p.words {
		text := x.word(w)
		if w.country {
			x.country = text
		}
		if text != "" {
			r.Fields[w.Word] = text
		}
	}
	if p.derived {
		if d := mailDomain(r.Fields["email"]); d != "" {
			r.Fields[EmailDomain] = d
		}
	}
	if len(r.Fields) == 0 {
		r.Fields = nil
	}
	return r, x.unmapped
}

// mailDomain is the registrable domain of an address, or its whole host where
// there is none.
func mailDomain(email string) string {
	host := HostOf(email)
	if d := Registrable(host); d != "" {
		return d
	}
	return host
}

// extraction reads the words of one object.
type extraction struct {
	o        connectors.Object
	country  string
	unmapped []Unmapped
}

func (x *extraction) word(w reading) string {
	if w.join != nil {
		return x.joined(w)
	}
	kept := ""
	for _, s := range w.sources {
		raw, there := x.o.Fields[s]
		if !there || raw == nil {
			continue
		}
		text, good := x.one(w.word, raw)
		if good && text != "" {
			return text
		}
		if kept == "" {
			kept = text
		}
	}
	return kept
}

// joined is all sources that are filled, in order, cleaned as one text.
func (x *extraction) joined(w reading) string {
	var parts []string
	for _, s := range w.sources {
		if t, _ := plain(x.o.Fields[s]); t != "" {
			if w.codes != nil {
				t, _ = x.coded(w.word, t)
			}
			if t != "" {
				parts = append(parts, t)
			}
		}
	}
	if len(parts) == 0 {
		return ""
	}
	whole := strings.Join(parts, *w.join)
	text, why := convert(w.Field, whole, x.country)
	if why != "" {
		x.report(w.word, whole, why, text != "")
	}
	return text
}

// one is one raw value; good is false where it could not be read.
func (x *extraction) one(w *word, raw any) (text string, good bool) {
	t, ok := plain(raw)
	if !ok {
		x.report(w, t, "is not a value that can be read", false)
		return "", false
	}
	if t == "" {
		return "", true
	}
	if w.codes != nil {
		if t, good = x.coded(w, t); t == "" || !good {
			return t, good
		}
		raw = t
	}
	text, why := convert(w.Field, raw, x.country)
	if why != "" {
		x.report(w, t, why, text != "")
	}
	return text, why == ""
}

// coded replaces the CRM's codes by our words, each of a list.
func (x *extraction) coded(w *word, t string) (string, bool) {
	if w.IsA != "list" {
		return x.code(w, t)
	}
	var out []string
	good := true
	for _, part := range parts(t) {
		c, ok := x.code(w, part)
		good = good && ok
		if c != "" {
			out = append(out, c)
		}
	}
	return strings.Join(out, ";"), good || len(out) > 0
}

func (x *extraction) code(w *word, t string) (string, bool) {
	if ours, ok := w.codes[t]; ok {
		return ours, true
	}
	if ours, ok := w.codes[strings.ToLower(t)]; ok {
		return ours, true
	}
	if w.ours[t] {
		return t, true
	}
	x.unmapped = append(x.unmapped, Unmapped{Word: w.Word, Raw: cut(t), Why: "is not among the values", Held: w.hold, Kept: !w.hold})
	if w.hold {
		return "", false
	}
	return t, true
}

func (x *extraction) report(w *word, raw, why string, kept bool) {
	x.unmapped = append(x.unmapped, Unmapped{Word: w.Word, Raw: cut(raw), Why: why, Kept: kept})
}

func cut(s string) string {
	if len(s) <= maxRaw {
		return s
	}
	n := 0
	for i := range s {
		if n++; n > maxRaw {
			return s[:i]
		}
	}
	if !utf8.ValidString(s) {
		return ""
	}
	return s
}
