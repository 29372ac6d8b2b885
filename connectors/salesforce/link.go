package salesforce

import (
	"net/url"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// Link implements connectors.Linker: the record's page in Lightning, on the
// org's own host. That is the one the last token named; before the first, the
// one that is configured, unless that is where people only log in.
func (o *org) Link(ref connectors.Ref, _ string) string {
	kind := string(ref.Kind)
	if ref.Kind == connectors.Task {
		kind = "Task"
	}
	id, ok := normalizeID(ref.ID)
	if base := o.tokens.site(); ok && base != "" && kind != "" && url.PathEscape(kind) == kind && ref.Kind != connectors.Activity {
		return strings.TrimSuffix(base, "/") + "/lightning/r/" + kind + "/" + id + "/view"
	}
	return ""
}
