package hubspot

import "strings"

// A task carries its key in a unique property where the portal has one, else
// in the last line of its body (level "healed"). HubSpot may wrap the body in
// HTML, so the marker is looked for anywhere.
const (
	markerStart = "[handoff "
	markerEnd   = "]"
)

// withMarker is a body that ends in the marker and still fits.
func withMarker(body, key string) string {
	line := markerStart + key + markerEnd
	body = cutText(body, maxText-len(line)-1)
	if body == "" {
		return line
	}
	return body + "\n" + line
}

// markedKey is the key of the last marker in a body, "" if there is none.
func markedKey(body string) string {
	at := strings.LastIndex(body, markerStart)
	if at < 0 {
		return ""
	}
	key, _, found := strings.Cut(body[at+len(markerStart):], markerEnd)
	if !found || strings.ContainsAny(key, " \t\n<>") {
		return ""
	}
	return key
}
