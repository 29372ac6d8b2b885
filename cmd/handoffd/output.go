package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	prettytable "github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

// table is one table of a verb's answer. An empty one is not shown.
type table struct {
	title string
	head  []string
	rows  []prettytable.Row
}

func (t *table) add(cells ...any) { t.rows = append(t.rows, cells) }

func formatFlag(cmd *cobra.Command, format *string) {
	cmd.Flags().StringVarP(format, "output", "o", "table", "table, json, csv or markdown")
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
		pt := prettytable.NewWriter()
		pt.SetStyle(plainStyle())
		if format != "csv" {
			pt.SetTitle("%s", t.title)
		}
		head := make(prettytable.Row, len(t.head))
		titled := false
		for i, h := range t.head {
			head[i] = h
			titled = titled || h != ""
		}
		if titled {
			pt.AppendHeader(head)
		}
		pt.AppendRows(t.rows)
		text := trimLines(pt.Render())
		switch format {
		case "csv":
			text = pt.RenderCSV()
		case "markdown":
			text = pt.RenderMarkdown()
		}
		if _, err := fmt.Fprintf(w, "%s\n\n", text); err != nil {
			return err
		}
	}
	return nil
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

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
