package main

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

func (d *dailyStatus) text() string {
	switch {
	case d == nil:
		return ""
	case d.Ends.IsZero():
		return fmt.Sprintf("%d of %d", d.Left, d.Limit)
	}
	return fmt.Sprintf("%d of %d until %s", d.Left, d.Limit, clock(d.Ends))
}

// pausedLine says what lets a pause end.
const pausedLine = "Writing is paused; `handoffd pause --off` lets it go on."

// lead is what a person reads first.
func (st status) lead() []string {
	var lines []string
	switch st.Mode {
	case "stopped":
		lines = append(lines, "No daemon is running on this state; this is how it was left.")
	case "observe":
		lines = append(lines, "Observing since "+clock(st.Since)+": nothing is written to any CRM.")
	default:
		lines = append(lines, "Running since "+clock(st.Since)+", mode "+st.Mode+".")
	}
	if st.Full != "" {
		lines = append(lines, "Nothing is taken in, webhooks are answered 503 and no CRM is polled: "+st.Full+". It goes on by itself once there is space.")
	}
	if st.Paused {
		lines = append(lines, pausedLine)
	}
	for _, r := range st.Reconcile {
		lines = append(lines, "Held back: "+heldLine(r))
	}
	if st.Held > 0 {
		lines = append(lines, several(st.Held, "first write")+" wait for `handoffd queue approve`; `handoffd queue` shows them.")
	}
	switch {
	case st.Reload == nil || st.Reload.Error == "":
	case st.Reload.Waits:
		lines = append(lines, "The configuration edited at "+clock(st.Reload.At)+" waits for `handoffd approve`: "+st.Reload.Error,
			"The rules before it stay until then.")
	default:
		lines = append(lines, "The configuration edited at "+clock(st.Reload.At)+" is not in force: "+st.Reload.Error,
			"The rules before it stay; `handoffd check` shows what is wrong.")
	}
	for _, name := range slices.Sorted(maps.Keys(st.Connections)) {
		if t := st.Connections[name].Trouble; t != "" {
			lines = append(lines, name+" cannot be polled: "+t)
		}
	}
	return lines
}

func clock(t time.Time) string { return t.Local().Format("2 Jan 15:04:05") }

// longestText bounds what an entry may take up on a terminal, some three lines;
// JSON, CSV, Markdown and explain have it whole.
const longestText = 3 * (lineWidth - 5)

// tables are what a person sees; brief leaves out what the lead says.
func (st status) tables(brief bool) []table {
	head := table{head: []string{"what", "count"}}
	if brief {
		head.head = []string{"", ""}
	} else {
		head.add("mode", st.Mode)
		head.add("paused", st.Paused)
	}
	for _, stage := range slices.Sorted(maps.Keys(st.Handoffs)) {
		head.add("handoffs "+stage, st.Handoffs[stage])
	}
	head.add("overdue: not accepted in time", st.Overdue)
	head.add("changes waiting to be decided", st.Inbox)
	head.add("writes waiting for a CRM", st.Outbox)
	head.add("writes refused by a CRM", st.Refused)
	head.add("signals no rule took", st.Unmatched)
	short := func(s string) string { return s }
	if brief {
		short = func(s string) string { return cut(s, longestText) }
	}
	conns := table{head: []string{"connection", "state", "accounts and deals", "last poll", "a second task is", "calls left today"}, below: []int{5}}
	for _, name := range slices.Sorted(maps.Keys(st.Connections)) {
		c := st.Connections[name]
		conns.add(name, c.State, c.Mirror.text(c.State), time.Duration(c.PollLag*float64(time.Second)).Round(time.Second).String()+" ago", c.second(), c.Daily.text())
	}
	turned := table{title: "Webhooks turned away", head: []string{"connection", "reason", "times", "last time", "because"}, said: []int{4}}
	for _, t := range st.Turned {
		turned.add(t.Conn, t.Reason, t.Count, clock(t.Last), short(t.Detail))
	}
	failed := table{title: "Calls that failed", head: []string{"connection", "doing", "times", "last time", "because"}, said: []int{4}}
	for _, f := range st.Failed {
		failed.add(f.Conn, f.Doing, f.Count, clock(f.Last), short(f.Text))
	}
	late := table{title: "Overdue, by clock", head: []string{"clock", "handoffs", "the longest since", "with", "record", "handoff"}, below: []int{4, 5}}
	for _, c := range st.Clocks {
		late.add(c.Clock, c.Count, clock(c.Since), c.Owner, c.Record, c.Handoff)
	}
	listed := table{title: "To look at", head: []string{"list", "what", "why", "times", "last time"}, said: []int{2}}
	for _, l := range byList(st.Listed) {
		listed.add(l.List, l.about(), short(l.Text), l.Count, clock(l.Last))
	}
	all := []table{head, late, conns, turned, failed, listed}
	if brief {
		all = append(all, meaningsOf(st.Listed))
	}
	return all
}

// about is what an entry is about.
func (e entry) about() string {
	if e.More > 0 {
		return fmt.Sprintf("%s and %d more", e.Subject, e.More)
	}
	return e.Subject
}

func (m mirrorStatus) text(state string) string {
	if state == "live" || m.Total <= m.Done {
		return fmt.Sprint(m.Done)
	}
	return fmt.Sprintf("%d of %d", m.Done, m.Total)
}

// second is how a second task for one handoff is ruled out.
func (c connectionStatus) second() string {
	switch c.Duplicates {
	case "exact":
		return "refused by the CRM"
	case "healed":
		return "found and archived"
	}
	return ""
}
