package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	prettytable "github.com/jedib0t/go-pretty/v6/table"

	"github.com/handoffd/handoffd/state"
)

// screen shows the demo: a table that is drawn anew on a terminal, a line a
// handoff in a pipe, nothing where only the JSON at the end is wanted.
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
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			s.mode = "live"
		}
	}
	return s
}

// show brings the screen up to date.
func (s *screen) show(r *demoRun) {
	if s.mode == "quiet" {
		return
	}
	var all []state.Handoff
	people := map[string]string{}
	_ = r.daemon.config.Store.View(context.Background(), func(tx state.Tx) error { // shown again in a moment
		all = nil
		for _, h := range state.AllHandoffs(tx) {
			all = append(all, h)
			if rec, ok := state.GetRecord(tx, h.Record); ok {
				people[h.ID] = rec.Fields["full_name"] + ", " + rec.Fields["company_name"]
			}
		}
		return nil
	})
	slices.SortFunc(all, func(a, b state.Handoff) int { return a.DetectedAt.Compare(b.DetectedAt) })
	if s.mode == "lines" {
		s.lines(all, people)
		return
	}
	s.draw(r, all, people)
}

func (s *screen) lines(all []state.Handoff, people map[string]string) {
	for _, h := range all {
		if s.shown[h.ID] == h.Stage {
			continue
		}
		s.shown[h.ID] = h.Stage
		fmt.Fprintf(s.out, "%s  %-9s %-24s %-36s %-20s %s\n",
			h.DetectedAt.Local().Format(time.TimeOnly), h.Stage, h.Type, people[h.ID], h.Owner, reasonOf(h))
	}
}

// liveRows is how many handoffs the live table shows.
const liveRows = 18

func (s *screen) draw(r *demoRun, all []state.Handoff, people map[string]string) {
	t := prettytable.NewWriter()
	t.SetStyle(prettytable.StyleLight)
	t.Style().Options = prettytable.OptionsNoBordersAndSeparators
	t.AppendHeader(prettytable.Row{"signal", "handoff", "buyer", "owner", "accept by", "stage", "why"})
	for _, h := range all[max(0, len(all)-liveRows):] {
		t.AppendRow(prettytable.Row{
			h.DetectedAt.Local().Format(time.TimeOnly), h.Type, people[h.ID], h.Owner,
			h.AcceptBy.Local().Format(time.TimeOnly), string(h.Stage), cut(reasonOf(h), 60),
		})
	}
	text := fmt.Sprintf("handoffd demo: %d buyers, %d handoffs, %s\n\n%s\n",
		r.buyers.count(), len(all), time.Since(r.started).Round(time.Second), t.Render())
	if s.drawn > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.drawn)
	}
	s.drawn = 0
	for _, c := range text {
		if c == '\n' {
			s.drawn++
		}
	}
	fmt.Fprint(s.out, text)
}

func reasonOf(h state.Handoff) string {
	if len(h.Why) == 0 {
		return h.Note
	}
	return h.Why[len(h.Why)-1].Text
}

func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
