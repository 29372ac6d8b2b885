package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
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

// TestNoReturnIsWrittenOver: who gives a handoff back is heard while we wait to say how far
// it is: on the record itself or on the one it came from, after an acceptance or a call, in
// an outage of either CRM, and while a webhook that tells of it lies in our inbox (C11).
func TestNoReturnIsWrittenOver(t *testing.T) {
	unraced(t)
	t.Parallel()
	const (
		hubspot    = "5s hubspot form lee@newco.example Pricing \"Demo request\" firstname=Lee lastname=Berg company=Newco"
		salesforce = "5s salesforce form lee@newco.example Home \"Demo request\" FirstName=Lee LastName=Berg Company=Newco"
		across     = "5s hubspot form lee@newco.example Contact \"Contact sales\" firstname=Lee lastname=Berg company=Newco country=\"United States\""
		calls      = "hubspot create calls x about=lee@newco.example hs_call_direction=OUTBOUND by=person:ana@example.com"
		callsThere = "salesforce create Task x about=lee@newco.example TaskSubtype=Call Status=Completed by=person:ana@example.com"
		says       = "hubspot update contacts lee@newco.example by=person:ana@example.com handoff_status="
		saysThere  = "salesforce update Lead lee@newco.example by=person:ana@example.com Handoff_Status__c="
	)
	stories := map[string][]string{
		"completed, carrier down": {across, "470s salesforce faults 503=1", "480s " + calls, "520s " + saysThere + "Returned", "700s salesforce faults"},
		"completed, source down":  {across, "475s " + callsThere, "478s hubspot faults 503=1", "560s " + says + "Returned", "700s hubspot faults"},
		"completed, source busy":  {across, "475s " + callsThere, "478s hubspot faults 429=1", "560s " + says + "Returned", "700s hubspot faults"},
		"accepted, carrier down":  {across, "470s salesforce faults 503=1", "480s " + says + "Accepted", "520s " + saysThere + "Returned", "700s salesforce faults"},
		"accepted, source down":   {across, "475s " + saysThere + "Accepted", "478s hubspot faults 503=1", "560s " + says + "Returned", "700s hubspot faults"},
		"accepted, source slow":   {across, "470s hubspot faults writes_take=20s", "475s " + saysThere + "Accepted", "505s " + says + "Returned", "700s hubspot faults"},
	}
	for at := 481; at < 590; at += 9 {
		stories[fmt.Sprint("hubspot at ", at)] = []string{hubspot, "480s " + calls, fmt.Sprint(at, "s ", says, "Returned")}
		stories[fmt.Sprint("salesforce at ", at)] = []string{salesforce, "480s " + callsThere, fmt.Sprint(at, "s ", saysThere, "Returned")}
	}
	for up := 700; up <= 730; up += 3 { // the writer or the lane is the first to find the CRM again
		stories[fmt.Sprint("told of, back at ", up)] = []string{
			hubspot, "470s hubspot faults webhooks.drop=1", "480s " + says + "Accepted", "586.76s hubspot faults 503=1",
			"640s " + says + "Returned", fmt.Sprint(up, "s hubspot faults"),
		}
	}
	for name, lines := range stories {
		for _, v := range []variant{{name: "told"}, {name: "without webhooks", hooks: simulators.WebhookFaults{Drop: 1}}} {
			t.Run(v.name+" "+name, func(t *testing.T) {
				t.Parallel()
				text := "(C11)\n-- story --\nsilent\n" + strings.Join(lines, "\n") + "\n900s look\n-- want --\nhandoff * lee@newco.example count=1\n"
				for _, over := range writtenOver(t, parseStory(t, name, []byte(text)), v, "Returned") {
					t.Error(over)
				}
			})
		}
	}
}

// writtenOver plays a story and lists where we wrote a status over a word of a person's
// that stood for longer than what comes within a moment of our write.
func writtenOver(t *testing.T, s *story, v variant, word string) (over []string) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(s.start))
		st := newStage(t, s, dir, v)
		defer st.close()
		began := time.Now()
		for _, l := range s.lines {
			st.playUntil(began.Add(l.at))
			st.do(l)
		}
		st.playUntil(time.Now().Add(s.length))
		type said struct {
			by string
			at time.Time
		}
		last := map[string]said{}
		for _, c := range st.pair.History.Changes() {
			for field, v := range c.Fields {
				if name := strings.ToLower(field); name != "handoff_status" && name != "handoff_status__c" {
					continue
				}
				at := c.CRM + " " + c.Object + " " + c.ID
				p := last[at]
				last[at] = said{c.Actor, c.Time}
				ours := strings.HasPrefix(c.Actor, "api:") && strings.HasPrefix(p.by, "person:")
				if ours && v.From == any(word) && v.To != v.From && c.Time.Sub(p.at) > 5500*time.Millisecond {
					over = append(over, fmt.Sprintf("%s: %s said %s at %s, and we wrote %v at %s", at, p.by, word, p.at.Sub(began), v.To, c.Time.Sub(began)))
				}
			}
		}
	})
	return over
}

// TestSaidRightBefore: what a person says in the moment before our status comes over it is
// heard all the same, once, and stays: a webhook tells of it, or a poll shows what we wrote
// without one having told of that, and the field's history says what it was (C11; design
// 1.5 ii).
func TestSaidRightBefore(t *testing.T) {
	unraced(t)
	t.Parallel()
	for from, deed := range map[time.Duration]string{ // when we hear of it, and write
		480 * time.Second: "update contacts lee@newco.example by=person:ana@example.com handoff_status=Accepted",
		586 * time.Second: "create calls x about=lee@newco.example hs_call_direction=OUTBOUND by=person:ana@example.com",
	} {
		for after := 700 * time.Millisecond; after <= 4*time.Second; after += 800 * time.Millisecond {
			for name, hooks := range map[string]simulators.WebhookFaults{"told": {}, "polled": {Drop: 1}} {
				t.Run(fmt.Sprint(name, " ", deed[:6], " ", from+after), func(t *testing.T) {
					t.Parallel()
					play(t, parseStory(t, "said", fmt.Appendf(nil, `(C11)
-- story --
silent
rest 20m
5s   hubspot form lee@newco.example Pricing "Demo request" firstname=Lee lastname=Berg company=Newco
470s hubspot faults writes_take=4s
480s hubspot %s
%s   hubspot update contacts lee@newco.example by=person:ana@example.com handoff_status=Returned
600s hubspot faults
900s look
-- want --
handoff demo_request lee@newco.example stage=returned count=1
hubspot contacts lee@newco.example handoff_status=Returned
`, deed, from+after)), variant{name: name, hooks: hooks})
				})
			}
		}
	}
}

// TestSaidOverAgain: who accepts and gives back at once has given back: how far the handoff
// is stands on the record already, and is not written over what they say next, which no
// webhook tells of (C11).
func TestSaidOverAgain(t *testing.T) {
	t.Parallel()
	for after := 500 * time.Millisecond; after <= 3500*time.Millisecond; after += time.Second {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			play(t, parseStory(t, "said", fmt.Appendf(nil, `(C11)
-- story --
silent
rest 20m
5s   hubspot form lee@newco.example Pricing "Demo request" firstname=Lee lastname=Berg company=Newco
470s hubspot faults writes_take=4s
480s hubspot update contacts lee@newco.example by=person:ana@example.com handoff_status=Accepted
480.4s hubspot faults writes_take=4s webhooks.drop=1
%s   hubspot update contacts lee@newco.example by=person:ana@example.com handoff_status=Returned
484s hubspot faults
900s look
-- want --
handoff demo_request lee@newco.example stage=returned count=1
hubspot contacts lee@newco.example handoff_status=Returned
`, 480*time.Second+after)), variant{name: "told"})
		})
	}
}

// TestSaidOfAnother: what is said of the handoff that a record has shown until then is not
// heard as said of the one that it shows next (1.73, C11).
func TestSaidOfAnother(t *testing.T) {
	unraced(t)
	t.Parallel()
	const sams = "update deals \"Soylent - pilot\" by=person:sam@example.com "
	stories := map[string]string{"returned": "30m  hubspot " + sams + "handoff_status=Returned\n"}
	for at := 1917 * time.Second; at < 1921500*time.Millisecond; at += 750 * time.Millisecond {
		stories[fmt.Sprint("completed, returned at ", at)] = "1790s hubspot faults writes_take=2s\n" +
			"1800s hubspot " + sams + "validation_done=true\n" + fmt.Sprint(at) + " hubspot " + sams + "handoff_status=Returned\n2100s hubspot faults\n"
	}
	for name, lines := range stories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, parseStory(t, "another", []byte(`(C11)
-- story --
silent
rest 30m
5s   hubspot create deals x dealname="Soylent - pilot" pipeline=default dealstage=qualifiedtobuy hubspot_owner_id=erin@example.com
5m   hubspot update deals "Soylent - pilot" dealstage=1048240
10m  hubspot update deals "Soylent - pilot" review_requested=Legal
20m  hubspot update tasks "Technical validation" hs_task_status=COMPLETED by=person:sam@example.com
`+lines+`50m  look
-- want --
handoff ae_to_legal * stage=assigned owner=lena@example.com
`)), variant{name: "told"})
		})
	}
}
