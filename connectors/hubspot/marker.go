package hubspot

import "strings"

// The body of a task is HTML to those who look at it in HubSpot. Ours is text,
// part of which a stranger typed into a form: no tag may come of it, and its
// lines must stay lines. An ampersand is left alone: it does no harm, and the
// text can still be searched for.
var (
	bodyToHTML = strings.NewReplacer("<", "&lt;", "\r\n", "<br>\n", "\n", "<br>\n")
	htmlToBody = strings.NewReplacer("<br>\n", "\n", "<br>", "\n", "&lt;", "<")
)

// bodyText is a body as it was written, without the marker.
func bodyText(html string) string {
	if at := strings.LastIndex(html, markerStart); at >= 0 && markedKey(html) != "" {
		html = strings.TrimSuffix(html[:at], "<br>\n")
	}
	return htmlToBody.Replace(html)
}

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
	const newLine = "<br>\n"
	body = cutText(body, maxText-len(line)-len(newLine))
	if body == "" {
		return line
	}
	return body + newLine + line
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
