package hubspotsim

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// source says who changes something. kind and id stand in a property's history and in webhooks: INTEGRATION with
// an app's id (an API call, a native sync), CRM_UI with a user's id (a person), AUTOMATION_PLATFORM with an
// enrollment (a workflow), FORM, or CALCULATED (HubSpot itself). actor is the ledger's word for the same hand.
type source struct {
	kind, id string
	user     string // the person's user id; blank for everything else
	actor    string
}

// appID is the id of the app whose credentials the portal gives out. A real app's id tells nothing about who
// is behind it; what is certain is that other programs have other ids.
const appID = 51_879_189

// system is HubSpot itself, keeping its calculated properties.
var system = source{kind: "CALCULATED", actor: "system"}

// who is the hand in the ledger's words.
func (b source) who() string {
	if b.actor != "" {
		return b.actor
	}
	return "system"
}

// personBy is how a change by an owner in the screens is recorded.
func (s *Sim) personBy(ownerID string) source {
	o := s.ownerByID(ownerID)
	if o == nil {
		return source{kind: "CRM_UI", id: "userId:0", actor: "person:"}
	}
	return source{kind: "CRM_UI", id: "userId:" + o.userID, user: o.userID, actor: "person:" + o.email}
}

// apiBy is how a change by an API call is recorded: our own app, whichever way it proved itself.
func (s *Sim) apiBy(kind appKind) source {
	by := source{kind: "INTEGRATION", id: strconv.Itoa(appID), actor: "api:private"}
	if kind == oauthApp {
		by.actor = "api:" + s.creds.ClientID
	}
	return by
}

// sourceOf reads an edit's By: "person:<e-mail>", "automation:<name>", "sync:<crm>", "api:<program>" or "form".
// Blank is some person.
func (s *Sim) sourceOf(by string) (source, error) {
	sort, name, _ := strings.Cut(by, ":")
	switch {
	case by == "":
		return s.personBy(s.owners[0].id), nil
	case by == "form":
		return source{kind: "FORM", id: "form-0", actor: "form"}, nil
	case name == "":
	case sort == "person":
		o := s.ownerByEmail(name)
		if o == nil {
			return source{}, fmt.Errorf("by %q: no user has this e-mail", by)
		}
		return s.personBy(o.id), nil
	case sort == "automation":
		return source{kind: "AUTOMATION_PLATFORM", id: fmt.Sprintf("enrollmentId:%d;actionExecutionIndex:0", 1_000_000_000+number(name)), actor: by}, nil
	case sort == "sync", sort == "api":
		return source{kind: "INTEGRATION", id: strconv.Itoa(1_000_000 + number(name)), actor: by}, nil
	}
	return source{}, fmt.Errorf("by %q: person:<e-mail>, automation:<name>, sync:<crm>, api:<program> or form", by)
}

// number turns a name into a number below a million that is always the same.
func number(name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return int(h.Sum32() % 1_000_000)
}
