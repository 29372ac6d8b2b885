package salesforce

import (
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

const (
	taskObject = "Task"

	// keyWord names the field that carries a create's key: defined on Activity
	// for tasks, unique where the admin followed the advice.
	keyWord = connectors.OwnFieldPrefix + "key"

	markerStart = "[handoff "
)

// marker ends the description of a task where no field can carry its key.
func marker(key string) string { return markerStart + key + "]" }

// markedKey is the key at the end of a description, "" if there is none.
func markedKey(description string) string {
	_, after, ok := lastCut(description, markerStart)
	if !ok {
		return ""
	}
	key, _, ok := strings.Cut(after, "]")
	if !ok {
		return ""
	}
	return key
}

func withoutMarker(description string) string {
	before, after, ok := lastCut(description, markerStart)
	if !ok || !strings.HasSuffix(strings.TrimSpace(after), "]") {
		return description
	}
	return strings.TrimRight(before, "\n ")
}

func lastCut(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// taskColumns are the columns behind a task word.
func taskColumns(word string) []string {
	switch word {
	case connectors.TaskSubject:
		return []string{"Subject"}
	case connectors.TaskBody:
		return []string{"Description"}
	case keyWord:
		return []string{"Handoff_Key__c", "Description"}
	case connectors.TaskDue:
		return []string{"ActivityDate", "ReminderDateTime", "IsReminderSet"}
	case connectors.TaskOwner:
		return []string{"OwnerId"}
	case connectors.TaskPriority:
		return []string{"Priority"}
	case connectors.TaskStatus:
		return []string{"Status", "IsClosed"}
	case connectors.TaskType:
		return []string{"TaskSubtype", "Type"}
	}
	return nil
}

// readTask adds the task words that were asked for.
func (sel selection) readTask(obj *connectors.Object, row map[string]any) {
	text := func(column string) string { s, _ := row[column].(string); return s }
	for _, word := range sel.asked {
		value := ""
		switch word {
		case connectors.TaskSubject:
			value = text("Subject")
		case connectors.TaskBody:
			value = withoutMarker(text("Description"))
		case keyWord:
			if value = text("Handoff_Key__c"); value == "" {
				value = markedKey(text("Description"))
			}
		case connectors.TaskDue:
			value = text("ActivityDate")
			if t, ok := parseStamp(text("ReminderDateTime")); ok && row["IsReminderSet"] != false {
				value = t.Format(stampLayout)
			}
		case connectors.TaskOwner:
			value = text("OwnerId")
		case connectors.TaskPriority:
			value = map[string]string{"high": "high", "normal": "medium", "medium": "medium", "low": "low"}[strings.ToLower(text("Priority"))]
		case connectors.TaskStatus:
			value = "open"
			if row["IsClosed"] == true || row["IsClosed"] == nil && text("Status") == "Completed" {
				value = "done"
			}
		case connectors.TaskType:
			value = map[string]string{"call": "call", "email": "email"}[strings.ToLower(text("TaskSubtype"))]
			if value == "" {
				value = "todo"
			}
		default:
			continue
		}
		delete(obj.Fields, word)
		if value != "" {
			sel.set(obj, word, value)
		}
	}
}

// taskSet turns the task words of a write into columns; other names stay. What
// the org's picklists cannot say is returned as skipped.
func taskSet(s *schema, set map[string]any) (out map[string]any, skipped []string) {
	out = make(map[string]any, len(set)+3)
	choose := func(word, column string, wanted ...string) {
		f, ok := s.column(column)
		if !ok || len(wanted) == 0 || f.option(wanted...) == "" {
			skipped = append(skipped, word)
			return
		}
		out[column] = f.option(wanted...)
	}
	for _, word := range sortedKeys(set) {
		v := set[word]
		text, _ := v.(string)
		switch word {
		case connectors.TaskSubject:
			out["Subject"] = v
		case connectors.TaskBody:
			out["Description"] = v
		case connectors.TaskOwner:
			out["OwnerId"] = v
		case connectors.TaskDue:
			zone, _ := set[connectors.TaskZone].(string)
			setDue(out, s, text, zone)
		case connectors.TaskZone: // read with the due instant
		case connectors.TaskPriority:
			choose(word, "Priority", map[string][]string{"high": {"High"}, "medium": {"Normal", "Medium"}, "low": {"Low"}}[text]...)
		case connectors.TaskStatus:
			switch f, ok := s.column("Status"); {
			case ok && text == "open":
				choose(word, "Status", "Not Started", f.standard())
			default:
				choose(word, "Status", map[string][]string{"done": {"Completed", "Closed", "Done"}}[text]...)
			}
		case connectors.TaskType:
			if !setType(out, s, text) {
				skipped = append(skipped, word)
			}
		default:
			out[word] = v
		}
	}
	return out, skipped
}

// setDue writes the day in the owner's own zone, since the due date has none,
// and the instant as a reminder.
func setDue(out map[string]any, s *schema, due, zone string) {
	t, err := time.Parse(time.RFC3339, due)
	if err != nil {
		out["ActivityDate"] = nil
		if len(due) == len(time.DateOnly) {
			out["ActivityDate"] = due
		}
		if s.has("IsReminderSet") {
			out["IsReminderSet"] = false
		}
		return
	}
	local := t
	if loc, err := time.LoadLocation(zone); err == nil && zone != "" {
		local = t.In(loc)
	}
	out["ActivityDate"] = local.Format(time.DateOnly)
	if s.has("ReminderDateTime") && s.has("IsReminderSet") {
		out["ReminderDateTime"] = t.UTC().Format(stampLayout)
		out["IsReminderSet"] = true
	}
}

// setType sets what the org has of the two columns that tell a call from an
// e-mail. TaskSubtype decides where the task shows; Type is the org's own list.
func setType(out map[string]any, s *schema, kind string) bool {
	subtype := map[string]string{"call": "Call", "email": "Email", "todo": "Task"}[kind]
	if subtype == "" {
		return false
	}
	done := false
	if f, ok := s.column("TaskSubtype"); ok {
		if v := f.option(subtype); v != "" {
			out["TaskSubtype"], done = v, true
		}
	}
	if f, ok := s.column("Type"); ok && kind != "todo" {
		if v := f.option(subtype); v != "" {
			out["Type"], done = v, true
		}
	}
	return done || kind == "todo"
}
