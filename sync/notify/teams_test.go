package notify

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/handoffd/handoffd/state"
)

// TestTeamsLinks (1.71): what somebody writes into a form as their name is no link in Teams.
func TestTeamsLinks(t *testing.T) {
	t.Parallel()
	name := "[Open the record](https://evil.example/x)"
	b, err := json.Marshal(Teams(Parcel{Message: state.Message{To: name, Subject: "Reminder: " + name, Text: name + " waits"}}))
	if err != nil || strings.Contains(string(b), "](") {
		t.Errorf("%s %v", b, err)
	}
}
