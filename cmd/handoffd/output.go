package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	prettytable "github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

// table is one table of a verb's answer. An empty one is not shown.
type table struct {
	title string
	head  []string
	rows  []prettytable.Row
	// said and below are the columns that a person finds under the row, in lines
	// of their own, because they would make the table wider than a terminal:
	// sentences, and behind them, with their heads, values. Where the names of
	// this or that team make it too wide all the same, the last ones follow.
	said, below []int
}

func (t *table) add(cells ...any) { t.rows = append(t.rows, cells) }

func formatFlag(cmd *cobra.Command, format *string) {
	cmd.Flags().StringVarP(format, "output", "o", "table", "`FORMAT`: table, json, csv or markdown")
}

// show writes an answer in the format asked for: v as JSON, the tables
// otherwise.
func show(w io.Writer, format string, v any, tables []table) error {
	switch format {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	case "table", "csv", "markdown":
	default:
		return usageError("-o %s: it must be table, json, csv or markdown", format)
	}
	for _, t := range tables {
		if len(t.rows) == 0 {
			continue
		}
		var text string
		switch format {
		case "csv":
			text = t.pretty(nil).RenderCSV()
		case "markdown":
			text = t.titled().RenderMarkdown()
		default:
			text = t.text()
		}
		if _, err := fmt.Fprintf(w, "%s\n\n", text); err != nil {
			return err
		}
	}
	return nil
}

// pretty is the table without the columns left out.
func (t table) pretty(without []int) prettytable.Writer {
	pt := prettytable.NewWriter()
	pt.SetStyle(plainStyle())
	keep := func(cells prettytable.Row) prettytable.Row {
		var out prettytable.Row
		for i, c := range cells {
			if !slices.Contains(without, i) {
				out = append(out, c)
			}
		}
		return out
	}
	head := make(prettytable.Row, len(t.head))
	named := false
	for i, h := range t.head {
		head[i] = h
		named = named || h != ""
	}
	if named {
		pt.AppendHeader(keep(head))
	}
	for _, row := range t.rows {
		pt.AppendRow(keep(row))
	}
	return pt
}

func (t table) titled() prettytable.Writer {
	pt := t.pretty(nil)
	pt.SetTitle("%s", t.title)
	return pt
}

// fitted is the table with so many of its last columns under the rows that the
// others fit on a terminal.
func (t table) fitted() table {
	for c := len(t.head) - 1; c > 0; c-- {
		if widest(t.pretty(slices.Concat(t.said, t.below)).Render()) <= lineWidth {
			break
		}
		switch {
		case slices.Contains(t.said, c), slices.Contains(t.below, c):
		case t.head[c] == "":
			t.said = append(slices.Clone(t.said), c)
		default:
			t.below = append(slices.Clone(t.below), c)
			slices.Sort(t.below)
		}
	}
	return t
}

func widest(text string) (most int) {
	for line := range strings.SplitSeq(trimLines(text), "\n") {
		most = max(most, utf8.RuneCountInString(line))
	}
	return most
}

// text is the table for a terminal.
func (t table) text() string {
	t = t.fitted()
	lines := strings.Split(trimLines(t.pretty(slices.Concat(t.said, t.below)).Render()), "\n")
	first := len(lines) - len(t.rows)
	out := append(indented(t.title, 1), lines[:first]...)
	for i, row := range t.rows {
		out = append(out, lines[first+i])
		for _, column := range t.said {
			out = append(out, indented(fmt.Sprint(row[column]), 4)...)
		}
		for _, column := range t.below {
			if value := fmt.Sprint(row[column]); value != "" {
				out = append(out, indented(t.head[column]+": "+value, 4)...)
			}
		}
	}
	return strings.Join(out, "\n")
}

// indented are the lines of a text, so many columns from the left.
func indented(text string, by int) []string {
	if text == "" {
		return nil
	}
	lines := strings.Split(wrapped(text, lineWidth-by), "\n")
	for i := range lines {
		lines[i] = strings.Repeat(" ", by) + lines[i]
	}
	return lines
}

// plainStyle is a table without lines, its heads as they are written.
func plainStyle() prettytable.Style {
	style := prettytable.StyleLight
	style.Options = prettytable.OptionsNoBordersAndSeparators
	style.Format = prettytable.FormatOptions{}
	return style
}

// trimLines takes away the blanks that fill up a table's last column.
func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}

// lineWidth is how wide a text may be.
const lineWidth = 80

// fitting breaks every line of a text where a terminal ends.
func fitting(text string) string {
	lines := strings.Split(text, "\n")
	for n := range lines {
		lines[n] = wrapped(lines[n], lineWidth)
	}
	return strings.Join(lines, "\n")
}

// wrapped breaks a text into lines of a width.
func wrapped(text string, width int) string {
	var b strings.Builder
	line := 0
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case line+1+n > width:
			b.WriteByte('\n')
			line = 0
		default:
			b.WriteByte(' ')
			line++
		}
		b.WriteString(word)
		line += n
	}
	return b.String()
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
