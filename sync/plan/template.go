package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/mappings"
)

// template is a text with fields in it: parts are literal and field in turns,
// beginning with a literal.
type template struct{ parts []string }

// The words a template may hold beside fields.
func templateWords() []string { return []string{"accept_by", "touch_by", "owner", "backup", "tier"} }

func (c *compiler) template(t mappings.Text, conns []*conn) template {
	return c.templateOf(t, conns, templateWords())
}

func (c *compiler) templateOf(t mappings.Text, conns []*conn, words []string) template {
	var out template
	rest := t.S
	for {
		before, after, found := strings.Cut(rest, "{{")
		out.parts = append(out.parts, before)
		if !found {
			return out
		}
		name, behind, _ := strings.Cut(after, "}}")
		name = strings.TrimSpace(name)
		if strings.Contains(name, ".") {
			c.fieldIn(mappings.Text{S: name, Pos: t.Pos}, conns, true)
		} else if !slices.Contains(words, name) {
			c.bad(t.Pos, "undefined-field", didYouMean(name, words, "it can be a field, or one of "+strings.Join(words, ", ")), "{{%s}} stands for nothing", name)
		}
		out.parts = append(out.parts, name)
		rest = behind
	}
}

// given reports whether any text was written.
func (t template) given() bool { return len(t.parts) > 1 || len(t.parts) == 1 && t.parts[0] != "" }

// render fills a template. A blank is said to be one: "(no company name)".
func (t template) render(f *facts, words map[string]string) string {
	var b strings.Builder
	for i, p := range t.parts {
		if i%2 == 0 {
			b.WriteString(p)
			continue
		}
		v := words[p]
		if noun, word, dotted := strings.Cut(p, "."); dotted {
			v = f.value(field{noun, word})
		}
		if v == "" {
			v = "(no " + strings.NewReplacer(".", " ", "_", " ").Replace(p) + ")"
		}
		b.WriteString(v)
	}
	return b.String()
}

// clockText is an instant as its reader's clock shows it.
func clockText(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format("Mon 2 Jan 15:04 MST")
}
