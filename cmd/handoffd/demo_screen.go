package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/state"
)

// screen shows the demo: a table that stays in its place on a terminal, a line
// a change in a pipe, nothing where only the JSON at the end is wanted.
type screen struct {
	out   io.Writer
	mode  string // "live", "lines", "quiet"
	every time.Duration
	shown map[string]state.Stage
	drawn int // lines of the last drawing
}

func newScreen(out io.Writer, format string) *screen {
	s := &screen{out: out, mode: "lines", every: 250 * time.Millisecond, shown: map[string]state.Stage{}}
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
			if rec, ok := state.GetRecord(tx, h.Record); ok {
				shot.buyers[h.ID] = rec.Fields["full_name"] + ", " + rec.Fields["company_name"]
			}
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

// lines prints every handoff whose stage has changed. Why is said once.
func (s *screen) lines(shot shot) {
	for _, h := range shot.handoffs {
		before, known := s.shown[h.ID]
		if before == h.Stage {
			continue
		}
		s.shown[h.ID] = h.Stage
		why := ""
		if !known {
			why = reasonOf(h)
		}
		line := fmt.Sprintf("%s  %-9s  %-23s  %-30s  %-16s  %s",
			since(h).Local().Format(time.TimeOnly), h.Stage, h.Type, cut(shot.buyers[h.ID], 30), h.Owner, why)
		fmt.Fprintln(s.out, strings.TrimRight(line, " "))
	}
}

// since is when a handoff reached its stage.
func since(h state.Handoff) time.Time {
	at := h.DetectedAt
	for _, t := range []time.Time{h.AssignedAt, h.AcceptedAt, h.TouchedAt, h.ClosedAt} {
		if t.After(at) {
			at = t
		}
	}
	return at
}

// liveRows is how many handoffs the live table shows; with head and foot it
// fits a terminal of 24 lines.
const liveRows = 15

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

// liveLines is the live table, at most 99 columns wide and always as high.
func liveLines(r *demoRun, shot shot, note string) []string {
	const row = "  %-8s  %-23s  %-25s  %-16s  %-9s  %6s"
	assigned, accepted, overdue := 0, 0, 0
	var waits []float64
	for _, h := range shot.handoffs {
		if !h.AssignedAt.IsZero() {
			assigned++
		}
		if !h.AcceptedAt.IsZero() {
			accepted++
		}
		if !h.BreachedAt.IsZero() {
			overdue++
		}
		if at, ok := r.buyers.arrived(h.Record); ok && !h.Written.IsZero() {
			waits = append(waits, h.Written.Sub(at).Seconds())
		}
	}
	lines := []string{
		fmt.Sprintf("handoffd demo  %s  %s", time.Since(r.started).Round(time.Second), note),
		fmt.Sprintf("%d buyers, %d with an owner, %d accepted, %d late; an owner within %.1f s (half), %.1f s (99 %%)",
			r.buyers.count(), assigned, accepted, overdue, percentile(waits, 50), percentile(waits, 99)),
		"",
		fmt.Sprintf(row, "signal", "handoff", "buyer", "owner", "stage", "owned"),
	}
	shown := shot.handoffs[max(0, len(shot.handoffs)-liveRows):]
	for _, h := range shown {
		owned := ""
		if at, ok := r.buyers.arrived(h.Record); ok && !h.Written.IsZero() {
			owned = fmt.Sprintf("%.1f s", h.Written.Sub(at).Seconds())
		}
		lines = append(lines, fmt.Sprintf(row, h.DetectedAt.Local().Format(time.TimeOnly), cut(h.Type, 23),
			cut(shot.buyers[h.ID], 25), cut(h.Owner, 16), h.Stage, owned))
	}
	for range liveRows - len(shown) {
		lines = append(lines, "")
	}
	why := ""
	if len(shown) > 0 {
		last := shown[len(shown)-1]
		why = cut(fmt.Sprintf("Why %s went to %s: %s", shot.buyers[last.ID], last.Owner, reasonOf(last)), 98)
	}
	return append(lines, "", why)
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
