package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/sync/report"
)

func newCalibrateCommand(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "calibrate",
		Short: "Whether two people agree on which leads are ready",
		Long: "Whether two people agree on which leads are ready to be handed over: draw some at\n" +
			"random, let each of the two say ready or not ready, and compare what they said.",
		Example: "  handoffd calibrate draw demo_request --out leads.csv\n" +
			"  handoffd calibrate answer leads.csv --as ana\n" +
			"  handoffd calibrate answer leads.csv --as ben\n" +
			"  handoffd calibrate score leads.ana.csv leads.ben.csv",
	}
	cmd.AddCommand(newCalibrateDrawCommand(s), newCalibrateAnswerCommand(s), newCalibrateScoreCommand(s))
	return cmd
}

// calibrationAnswer is how far two people agree.
type calibrationAnswer struct {
	Schema int `json:"schema"`
	report.Calibration
}

func newCalibrateScoreCommand(s streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "score SHEET.csv SHEET.csv",
		Short: "Compare what two people answered",
		Long: "Compare what two people answered about one draw: on how many leads they agree,\n" +
			"Cohen's kappa, which takes away what chance would give, where they differ, and who\n" +
			"took longer than 10 seconds. The column ready may have been filled in with a\n" +
			"spreadsheet: yes, y, ready, 1 or no, n, not ready, 0; blank is not answered.",
		Example:               "  handoffd calibrate score leads.ana.csv leads.ben.csv",
		DisableFlagsInUseLine: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return &exitError{code: exitUsage, err: fmt.Errorf("calibrate score needs the sheets of two people"), try: "handoffd calibrate score leads.ana.csv leads.ben.csv"}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := score(args[0], args[1])
			if err != nil {
				return err
			}
			if format == "table" {
				fmt.Fprintln(s.out, lead(c)+"\n")
			}
			return show(s.out, format, calibrationAnswer{Schema: 1, Calibration: c}, calibrationTables(c))
		},
	}
	formatFlag(cmd, &format)
	return cmd
}

// score compares two sheets.
func score(first, second string) (c report.Calibration, err error) {
	if one, err := os.Stat(first); err == nil {
		if other, err := os.Stat(second); err == nil && os.SameFile(one, other) {
			return c, &exitError{code: exitUsage, err: fmt.Errorf("%s and %s are the same file", first, second), try: "name the sheet of the one person, then that of the other"}
		}
	}
	var sheets [2]sheet
	var said [2]map[string]report.Opinion
	for i, path := range []string{first, second} {
		if sheets[i], err = readSheet(path); err != nil {
			return c, err
		}
		if said[i], err = sheets[i].opinions(); err != nil {
			return c, err
		}
	}
	if err := sameDraw(sheets[0], sheets[1]); err != nil {
		return c, err
	}
	var leads []report.CalibrationLead
	for _, r := range sheets[0].rows {
		leads = append(leads, report.CalibrationLead{
			Number: r.number, Record: r.record, Shows: inOneLine(sheets[0].shows, r.shows), First: said[0][r.record], Second: said[1][r.record],
		})
	}
	names := [2]string{filepath.Base(first), filepath.Base(second)}
	if names[0] == names[1] {
		names = [2]string{first, second}
	}
	return report.Calibrate(names, leads), nil
}

// inOneLine is what a row shows, in one line.
func inOneLine(columns, values []string) string {
	var parts []string
	for i, v := range values {
		if v != "" {
			parts = append(parts, columns[i]+": "+v)
		}
	}
	return strings.Join(parts, "; ")
}

// lead is the answer in some sentences.
func lead(c report.Calibration) string {
	if c.Both == 0 {
		return c.Reading
	}
	text := fmt.Sprintf("Both answered %d of %d leads, and agree on %d (%.0f %%).", c.Both, c.Leads, c.Table.BothReady+c.Table.Neither, 100**c.Agreement)
	switch {
	case c.Kappa == nil:
	case c.Band == "":
		text += fmt.Sprintf(" Kappa is %.2f.", *c.Kappa)
	default:
		text += fmt.Sprintf(" Kappa is %.2f, %s.", *c.Kappa, c.Band)
	}
	return wrapped(text+" "+c.Reading, lineWidth)
}

func calibrationTables(c report.Calibration) []table {
	first, second := c.People[0].Sheet, c.People[1].Sheet
	square := table{title: "What they said", head: []string{"", second + " yes", second + " no"}}
	square.add(first+" yes", c.Table.BothReady, c.Table.OnlyFirst)
	square.add(first+" no", c.Table.OnlySecond, c.Table.Neither)
	people := table{title: "How they answered", head: []string{"sheet", "answered", "yes", "no", "timed", "over 10 s", "slowest"}}
	for _, p := range c.People {
		slowest := ""
		if p.Timed > 0 {
			slowest = fmt.Sprintf("%.1f s", p.Slowest)
		}
		people.add(p.Sheet, p.Answered, p.Ready, p.Answered-p.Ready, p.Timed, p.Slow, slowest)
	}
	differ := table{title: "Where they differ", head: []string{"lead", "record", first, second, "shows"}, said: []int{4}}
	for _, d := range c.Differ {
		differ.add(d.Number, d.Record, d.First, d.Second, d.Shows)
	}
	open := table{title: "Not answered", head: []string{"lead", "record", "in"}}
	for _, l := range c.Unanswered {
		open.add(l.Number, l.Record, strings.Join(l.By, ", "))
	}
	return []table{square, people, differ, open}
}
