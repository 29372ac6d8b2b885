package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// screen shows the demo: a table that stays in its place on a terminal, a line
// a change in a pipe, nothing where only the JSON at the end is wanted.
type screen struct {
	out   io.Writer
	mode  string // "live", "lines", "quiet"
	every time.Duration
	told  map[string]bool // by handoff, and by what happened to it when
	drawn int             // lines of the last drawing
}

func newScreen(out io.Writer, format string) *screen {
	s := &screen{out: out, mode: "lines", every: 250 * time.Millisecond, told: map[string]bool{}}
	if format == "json" {
		s.mode = "quiet"
	} else if f, ok := out.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" {
			s.mode = "live"
		}
	}
	return s
}

// shot is what there is to show at one moment.
type shot struct {
	handoffs []state.Handoff // the oldest first
	buyers   map[string]string
}

// buyerOf is whom a handoff is about, by name and company; a record that was
// merged away meanwhile says neither.
func buyerOf(tx state.Tx, h state.Handoff) string {
	for _, ref := range []connectors.Ref{h.Record, h.Target} {
		if rec, ok := state.GetRecord(tx, ref); ok && rec.Fields["full_name"] != "" {
			return rec.Fields["full_name"] + ", " + rec.Fields["company_name"]
		}
	}
	return h.Record.String()
}

// show brings the screen up to date. note is what the demo is busy with.
func (s *screen) show(r *demoRun, note string) {
	if s.mode == "quiet" {
		return
	}
	shot := shot{buyers: map[string]string{}}
	_ = r.daemon.config.Store.View(context.Background(), func(tx state.Tx) error { // shown again in a moment
		shot.handoffs = nil
		for _, h := range state.AllHandoffs(tx) {
			shot.handoffs = append(shot.handoffs, h)
			shot.buyers[h.ID] = buyerOf(tx, h)
		}
		return nil
	})
	slices.SortFunc(shot.handoffs, func(a, b state.Handoff) int { return a.DetectedAt.Compare(b.DetectedAt) })
	if s.mode == "lines" {
		s.lines(shot)
		return
	}
	s.draw(r, shot, note)
}

// lines prints what has happened since the last time, in order. Why is said of
// every handoff once.
func (s *screen) lines(shot shot) {
	var news []happening
	for _, h := range shot.handoffs {
		buyer := shot.buyers[h.ID]
		came := happening{at: h.DetectedAt, what: string(h.Stage), text: fmt.Sprintf("%s, %s: %s", buyer, h.Type, begun(h))}
		if !s.told[h.ID] {
			s.told[h.ID] = true
			news = append(news, came)
		}
		for _, n := range happenings(h, buyer) {
			if key := h.ID + n.what + n.at.String(); !s.told[key] {
				s.told[key] = true
				news = append(news, n)
			}
		}
	}
	slices.SortStableFunc(news, func(a, b happening) int { return a.at.Compare(b.at) })
	for _, n := range news {
		fmt.Fprintf(s.out, "%s  %-9s  %s\n", n.at.Local().Format(time.TimeOnly), n.what, n.text)
	}
}

// begun is who got a handoff and why.
func begun(h state.Handoff) string {
	if h.Owner == "" {
		return reasonOf(h)
	}
	return name(h.Owner) + " has it: " + reasonOf(h)
}

// liveRows is how many handoffs the live table shows; with head and foot it
// fits a terminal of 24 lines, and liveWidth one of 80 columns.
const (
	liveRows  = 8
	liveWidth = 79
)

// What a terminal is told. A line that is longer than the terminal is cut, not
// wrapped, so that the number of lines drawn is the number of lines there are.
const (
	termBegin   = "\x1b[?25l\x1b[?7l" // no cursor, no wrapping
	termEnd     = "\x1b[?7h\x1b[?25h"
	termUp      = "\x1b[%dA\r"
	termLineEnd = "\x1b[K\n" // what the line before it left is wiped
	termBelow   = "\x1b[J"
)

// draw writes over the last drawing, line by line: nothing is wiped before it
// is written, so nothing flickers.
func (s *screen) draw(r *demoRun, shot shot, note string) {
	var b strings.Builder
	b.WriteString(termBegin)
	if s.drawn > 0 {
		fmt.Fprintf(&b, termUp, s.drawn)
	}
	lines := liveLines(r, shot, note)
	for _, l := range lines {
		b.WriteString(strings.TrimRight(l, " ") + termLineEnd)
	}
	b.WriteString(termBelow + termEnd)
	s.drawn = len(lines)
	fmt.Fprint(s.out, b.String())
}

// liveLines is the live table, at most liveWidth columns wide and always as
// high: what has become of all, the newest handoffs, and of each thing that
// may happen to one the last.
func liveLines(r *demoRun, shot shot, note string) []string {
	var waits []float64
	for _, h := range shot.handoffs {
		if h.Follows != "" || len(h.Holders) > 0 {
			continue // written again since
		}
		if at, ok := r.buyers.arrived(h.Record); ok && !h.Written.IsZero() {
			waits = append(waits, h.Written.Sub(at).Seconds())
		}
	}
	head := fmt.Sprintf("handoffd demo  %s  %s", time.Since(r.started).Round(time.Second), note)
	return shot.table(head, r.buyers.count(), percentile(waits, 50), percentile(waits, 99))
}

func (s shot) table(head string, buyers int, half, most float64) []string {
	const row = "%-8s  %-23s  %-25s  %-6s  %-9s"
	counts, last := s.tally()
	lines := []string{
		head,
		fmt.Sprintf("%d buyers, %d handoffs; an owner within %.1f s (half), %.1f s (99 %%)", buyers, counts["assigned"], half, most),
		fmt.Sprintf("%d accepted, %d returned, %d late, %d taken over, %d completed",
			counts["accepted"], counts["returned"], counts["late"], counts["backup"], counts["completed"]),
		"",
		fmt.Sprintf(row, "signal", "handoff", "buyer", "owner", "stage"),
	}
	shown := s.handoffs[max(0, len(s.handoffs)-liveRows):]
	for _, h := range shown {
		lines = append(lines, fmt.Sprintf(row, h.DetectedAt.Local().Format(time.TimeOnly), cut(h.Type, 23),
			cut(s.buyers[h.ID], 25), cut(name(h.Owner), 6), h.Stage))
	}
	for range liveRows - len(shown) {
		lines = append(lines, "")
	}
	lines = append(lines, "", "the last of each")
	for _, what := range stations() {
		line := ""
		if n, ok := last[what]; ok {
			line = n.at.Local().Format(time.TimeOnly) + "  " + n.text
		}
		lines = append(lines, fmt.Sprintf("%-9s  %s", what, line))
	}
	why := ""
	if len(shown) > 0 {
		newest := shown[len(shown)-1]
		why = fmt.Sprintf("why %s: %s", name(newest.Owner), reasonOf(newest))
	}
	lines = append(lines, "", why)
	for i := range lines {
		lines[i] = cut(lines[i], liveWidth)
	}
	return lines
}

// tally counts the handoffs to which each thing has happened, and finds the
// last of each.
func (s shot) tally() (counts map[string]int, last map[string]happening) {
	counts, last = map[string]int{}, map[string]happening{}
	for _, h := range s.handoffs {
		if !h.AssignedAt.IsZero() {
			counts["assigned"]++
		}
		seen := map[string]bool{}
		for _, n := range happenings(h, s.buyers[h.ID]) {
			if !seen[n.what] {
				seen[n.what] = true
				counts[n.what]++
			}
			was, known := last[n.what]
			if !n.at.Before(was.at) && (!n.bare || !known || was.bare) || known && was.bare && !n.bare {
				last[n.what] = n
			}
		}
	}
	return counts, last
}

// reasonOf is the reason that decided, without the owner's name in front.
func reasonOf(h state.Handoff) string {
	if len(h.Why) == 0 {
		return h.Note
	}
	return strings.TrimPrefix(h.Why[len(h.Why)-1].Text, h.Owner+": ")
}

func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
