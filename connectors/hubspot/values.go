package hubspot

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/handoffd/handoffd/connectors"
)

// taskWord ties a word of connectors.Task to HubSpot's property.
type taskWord struct{ word, property string }

// taskWords: hs_timestamp is a task's due instant (tasks guide). TaskZone has
// no counterpart and needs none, because that instant has a time of day.
var taskWords = [...]taskWord{
	{connectors.TaskSubject, "hs_task_subject"},
	{connectors.TaskBody, "hs_task_body"},
	{connectors.TaskDue, "hs_timestamp"},
	{connectors.TaskOwner, "hubspot_owner_id"},
	{connectors.TaskPriority, "hs_task_priority"},
	{connectors.TaskStatus, "hs_task_status"},
	{connectors.TaskType, "hs_task_type"},
}

// Names of the properties with a meaning of their own.
const (
	keyProperty    = "handoff_key"
	bodyProperty   = "hs_task_body"
	statusProperty = "hs_task_status"
	dueProperty    = "hs_timestamp"
	editorProperty = "hs_updated_by_user_id"
	mergedProperty = "hs_merged_object_ids"
	stageProperty  = "lifecyclestage"
	ownerProperty  = "hubspot_owner_id"
)

// propertyOf is HubSpot's name for a field of a kind.
func propertyOf(kind connectors.Kind, field string) string {
	if kind == connectors.Task || kind == tasks {
		for _, w := range taskWords {
			if w.word == field {
				return w.property
			}
		}
	}
	if isWork(field) {
		return workProperty(field)
	}
	return field
}

// taskValue is HubSpot's word for a value of a task.
func taskValue(property, value string) string {
	switch property {
	case statusProperty:
		switch value {
		case "open":
			return "NOT_STARTED"
		case "done":
			return "COMPLETED"
		}
	case "hs_task_priority", "hs_task_type":
		return strings.ToUpper(value)
	}
	return value
}

// wordValue is taskValue the other way round. A task in progress, waiting or
// deferred is open.
func wordValue(property, value string) string {
	switch property {
	case statusProperty:
		if value == "COMPLETED" {
			return "done"
		}
		return "open"
	case "hs_task_priority", "hs_task_type":
		return strings.ToLower(value)
	case bodyProperty:
		return bodyText(value)
	}
	return value
}

// encodeValue is a value as HubSpot wants it. False: not a sort of value that
// the contract allows.
func encodeValue(p *property, value any) (string, bool) {
	switch v := value.(type) {
	case nil:
		return "", true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case string:
		return encodeText(p, v), true
	}
	return "", false
}

func encodeText(p *property, text string) string {
	if p != nil && (p.Type == "date" || p.Type == "datetime") {
		t, err := time.Parse(time.RFC3339, text)
		switch {
		case err != nil:
		case p.Type == "date":
			return t.Format(time.DateOnly) // the day where it was written
		default:
			return t.UTC().Format("2006-01-02T15:04:05.000Z")
		}
		return text
	}
	return cutText(text, maxText)
}

// cutText keeps at most n bytes of whole characters. HubSpot speaks of
// characters without saying of which sort; bytes are right by any count.
func cutText(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// decodeValue is a property's text as the contract's value.
func decodeValue(p *property, text string) any {
	if p == nil {
		return text
	}
	switch p.kindOf() {
	case "yes_no":
		if b, err := strconv.ParseBool(text); err == nil {
			return b
		}
	case "number":
		f, err := strconv.ParseFloat(text, 64)
		if err == nil && len(text) <= 15 { // more digits than a float keeps stay text
			return f
		}
	case "datetime", "date":
		if t := parseTime(text); !t.IsZero() {
			if p.Type == "date" {
				return t.Format(time.DateOnly)
			}
			return t.Format(time.RFC3339Nano)
		}
	}
	return text
}

// selection is which properties to ask for and what to make of them.
type selection struct {
	kind   connectors.Kind
	info   kindInfo
	schema *schema
	wanted []string // the caller's names
	names  []string // HubSpot's, sorted, what we need ourselves included
}

// choose drops what HubSpot does not show; Lacks says what that is.
func choose(kind connectors.Kind, info kindInfo, s *schema, fields []string) selection {
	sel := selection{kind: kind, info: info, schema: s, names: []string{info.modified}}
	for _, field := range fields {
		name := propertyOf(kind, field)
		switch {
		case name == "" || field == connectors.TaskZone && info.path == string(tasks):
		case name == keyProperty && info.path == string(tasks):
			sel.wanted = append(sel.wanted, field)
			if s.known && s.has(keyProperty) {
				sel.names = append(sel.names, keyProperty)
			}
			sel.names = append(sel.names, bodyProperty) // tasks made before the property was
		case s.has(name):
			sel.wanted = append(sel.wanted, field)
			sel.names = append(sel.names, name)
			sel.names = append(sel.names, besides(name)...)
		}
	}
	for _, own := range []string{editorProperty, info.company} {
		if own != "" && s.has(own) {
			sel.names = append(sel.names, own)
		}
	}
	for _, x := range crossIDs(info) {
		if s.has(x.property) {
			sel.names = append(sel.names, x.property)
		}
	}
	if info.merges && s.has(mergedProperty) {
		sel.names = append(sel.names, mergedProperty)
	}
	slices.Sort(sel.names)
	sel.names = slices.Compact(sel.names)
	return sel
}

// object is a row in the contract's form.
func (c *Connector) object(sel selection, r *row) connectors.Object {
	at := r.modified(sel.info)
	o := connectors.Object{
		Ref: c.ref(sel.kind, string(r.ID)), Version: versionOf(at),
		CreatedAt: r.CreatedAt.Time, ModifiedAt: at,
		ModifiedBy: c.hand(r.Properties[editorProperty]), Deleted: r.Archived,
		Fields: make(map[string]any, len(sel.wanted)),
	}
	for _, field := range sel.wanted {
		name := propertyOf(sel.kind, field)
		text := r.Properties[name]
		if name == keyProperty && text == "" && sel.info.path == string(tasks) {
			text = markedKey(r.Properties[bodyProperty])
		}
		switch {
		case text == "":
		case isWork(field):
			if v := workValue(sel.schema, r, field); v != nil {
				o.Fields[field] = v
			}
		case field != name: // a Task word
			o.Fields[field] = wordValue(name, text)
			if name == dueProperty {
				o.Fields[field] = decodeValue(sel.schema.fields[name], text)
			}
		default:
			o.Fields[field] = decodeValue(sel.schema.fields[name], text)
		}
	}
	if id := r.Properties[sel.info.company]; sel.info.company != "" && id != "" {
		o.Links = []connectors.Ref{c.ref(companies, id)}
	}
	o.Same = sameAs(sel.info, r)
	for old := range strings.SplitSeq(r.Properties[mergedProperty], ";") {
		if old != "" {
			o.Absorbed = append(o.Absorbed, c.ref(sel.kind, old))
		}
	}
	return o
}
