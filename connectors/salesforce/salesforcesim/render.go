package salesforcesim

import (
	"maps"
	"strconv"
)

// record renders a row as REST does. cols nil: every field.
func (s *Sim) record(b []byte, o *object, version, id string, fields values, cols []column) []byte {
	b = appendAttributes(b, o.name, version, o.name, id)
	if cols == nil {
		for _, f := range o.fields {
			v := fields[f.name]
			if f.typ == "address" {
				v = o.address(f, fields)
			}
			b = appendValue(append(strconv.AppendQuote(append(b, ','), f.name), ':'), f, v)
		}
		return append(b, '}')
	}
	return append(s.appendColumns(b, version, fields, cols, 0), '}')
}

func appendAttributes(b []byte, typ, version, object, id string) []byte {
	b = append(b, `{"attributes":{"type":"`...)
	b = append(b, typ...)
	b = append(b, `","url":"/services/data/v`...)
	b = append(b, version...)
	b = append(b, "/sobjects/"...)
	b = append(append(append(b, object...), '/'), id...)
	return append(b, `"}`...)
}

// appendColumns writes the columns that go through the same references as one nested record each.
func (s *Sim) appendColumns(b []byte, version string, fields values, cols []column, depth int) []byte {
	done := map[string]bool{}
	for i := range cols {
		c := &cols[i]
		if len(c.hops) == depth {
			direct := column{leaf: c.leaf, entity: c.entity}
			b = append(strconv.AppendQuote(append(b, ','), c.leaf.name), ':')
			b = appendValue(b, c.leaf, s.get(fields, &direct))
			continue
		}
		hop := c.hops[depth]
		if done[hop.rel] {
			continue
		}
		done[hop.rel] = true
		var below []column
		for _, other := range cols {
			if len(other.hops) > depth && other.hops[depth].rel == hop.rel {
				below = append(below, other)
			}
		}
		b = append(strconv.AppendQuote(append(b, ','), hop.rel), ':')
		parent := s.byID(text(fields, hop.name))
		if parent == nil {
			b = append(b, "null"...)
			continue
		}
		typ := parent.obj.name
		if len(hop.refTo) > 1 {
			typ = "Name"
		}
		b = appendAttributes(b, typ, version, parent.obj.name, parent.id)
		seen := parent.last()
		if typ == "Name" {
			seen = maps.Clone(seen)
			seen["Type"] = s.get(fields, &column{hops: []*field{hop}, leaf: s.org["name"].field("Type"), entity: s.org["name"]})
		}
		b = append(s.appendColumns(b, version, seen, below, depth+1), '}')
	}
	return b
}
