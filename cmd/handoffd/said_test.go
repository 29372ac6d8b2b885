package main

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors/simulators"
)

// TestSaidElsewhereAtAnyTime: who gives a handoff back is heard, whenever they say so in
// one CRM while an acceptance in the other is on its way to us: our status is never
// written over theirs (C11).
func TestSaidElsewhereAtAnyTime(t *testing.T) {
	unraced(t)
	t.Parallel()
	for offset := -40 * time.Second; offset <= 80*time.Second; offset += 3 * time.Second {
		for _, v := range []variant{{name: "told"}, {name: "without webhooks", hooks: simulators.WebhookFaults{Drop: 1}}} {
			t.Run(fmt.Sprint(v.name, " ", offset), func(t *testing.T) {
				t.Parallel()
				s := readStory(t, filepath.Join(root, "testdata", "scenarios", "accepted-and-returned-elsewhere.txtar"))
				n := len(s.lines)
				s.lines[n-1].at = s.lines[n-2].at + offset
				if offset < 0 { // what they accept after it was given back stays as they say it
					s.lines[n-2], s.lines[n-1] = s.lines[n-1], s.lines[n-2]
					delete(s.wants[0].fields, "Handoff_Status__c=")
				}
				play(t, s, v)
			})
		}
	}
}
