package salesforce

import (
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

const (
	// maxURL bounds a query's address. Salesforce refuses address and headers
	// of more than 16,384 bytes together, with a web page.
	maxURL = 14_000

	// perQuery is how many values one IN holds, perPage how many rows a query
	// answers at most.
	perQuery = 200
	perPage  = 2000
)

// statement is a query in parts. Its identifiers come from describe (see
// [schema.column]), never from a caller; values go through [literal].
type statement struct {
	columns []string
	object  string
	where   string
	order   string
	limit   int // 0: none
}

func (s statement) String() string {
	var b strings.Builder
	b.WriteString("SELECT " + strings.Join(s.columns, ",") + " FROM " + s.object)
	if s.where != "" {
		b.WriteString(" WHERE " + s.where)
	}
	if s.order != "" {
		b.WriteString(" ORDER BY " + s.order)
	}
	if s.limit > 0 {
		b.WriteString(" LIMIT " + strconv.Itoa(s.limit))
	}
	return b.String()
}

// literal is s as a SOQL string. Control characters that SOQL has no escape
// for are dropped: no value in the CRM holds them.
func literal(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('\'')
	for _, r := range s {
		switch r {
		case '\\', '\'', '"':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			if r >= ' ' && r != 0x7f {
				b.WriteRune(r)
			}
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// in is "column IN (…)", its values as literals.
func in(column string, values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = literal(v)
	}
	return column + " IN (" + strings.Join(quoted, ",") + ")"
}

// instant is t as a SOQL datetime.
func instant(t time.Time) string { return t.UTC().Format(stampLayout) }

// stampLayout is how versions and datetimes are written: they sort as text.
const stampLayout = "2006-01-02T15:04:05.000Z"

// parseStamp reads a datetime as Salesforce sends it ("+0000", no colon) or as
// RFC 3339.
func parseStamp(s string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05.000-0700", time.RFC3339Nano, "2006-01-02T15:04:05-0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// normalizeID is an id in its 18-character form. The last three characters of
// that form tell which of the others are capitals, so a mangled id is noticed.
func normalizeID(id string) (string, bool) {
	if len(id) != 15 && len(id) != 18 {
		return "", false
	}
	var suffix [3]byte
	for i := range 15 {
		c := id[i]
		switch {
		case c >= 'A' && c <= 'Z':
			suffix[i/5] |= 1 << (i % 5)
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		default:
			return "", false
		}
	}
	for i, bits := range suffix {
		suffix[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
	}
	long := id[:15] + string(suffix[:])
	if len(id) == 18 && !strings.EqualFold(id, long) {
		return "", false
	}
	return long, true
}

// kindOfID tells a record's kind from the first three characters of its id;
// "" for one we do not know.
func kindOfID(id string) connectors.Kind {
	if len(id) < 3 {
		return ""
	}
	switch id[:3] {
	case "001":
		return Account
	case "003":
		return Contact
	case "005":
		return "User"
	case "006":
		return Opportunity
	case "00Q":
		return Lead
	case "00T":
		return connectors.Task
	}
	return ""
}
