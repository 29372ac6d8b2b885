package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/handoffd/handoffd/sync/report"
)

// The columns of a sheet that mean something to us; the others show who it is.
const (
	columnNumber  = "number"
	columnRecord  = "record"
	columnReady   = "ready"
	columnSeconds = "seconds"
)

// sheet is a draw as people fill it in: a CSV file with a row for each lead.
type sheet struct {
	path  string
	shows []string // the names of the columns that show who it is
	rows  []sheetRow
}

type sheetRow struct {
	line           int
	number, record string
	shows          []string
	ready, seconds string // as they stand there
}

// readSheet reads a sheet as handoffd or a spreadsheet has saved it.
func readSheet(path string) (sheet, error) {
	s := sheet{path: path}
	text, err := os.ReadFile(path)
	if err != nil {
		return s, &exitError{code: exitUsage, err: err, try: "handoffd calibrate draw --out SHEET.csv makes a sheet"}
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	in := csv.NewReader(bytes.NewReader(text))
	in.FieldsPerRecord = -1
	first, _, _ := bytes.Cut(text, []byte("\n"))
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		in.Comma = ';' // as spreadsheets save it where the comma is the decimal point
	}
	head, err := in.Read()
	if err != nil {
		return s, usageError("%s:1: there is no line with the names of the columns: %w", path, err)
	}
	if err := s.columns(head); err != nil {
		return s, err
	}
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return s, s.check()
		}
		if err != nil {
			return s, usageError("%s: %w", path, err)
		}
		line, _ := in.FieldPos(0)
		s.add(csvRow{line: line, head: head, cells: cells})
	}
}

// columns reads the names of the columns, and tidies them in place.
func (s *sheet) columns(head []string) error {
	for i := range head {
		head[i] = plainCell(head[i])
		switch low := strings.ToLower(head[i]); low {
		case columnNumber, columnRecord, columnReady, columnSeconds:
			head[i] = low
		case "":
		default:
			s.shows = append(s.shows, head[i])
		}
	}
	for _, c := range []string{columnNumber, columnRecord, columnReady} {
		if !slices.Contains(head, c) {
			return &exitError{
				code: exitUsage, err: fmt.Errorf("%s:1: there is no column %q; it has %s", s.path, c, strings.Join(head, ", ")),
				try: "give the column that name back, or begin with a sheet of `handoffd calibrate draw`",
			}
		}
	}
	return nil
}

// add takes a row. One of blanks, as spreadsheets leave them at the end, is none.
func (s *sheet) add(r csvRow) {
	row := sheetRow{
		line: r.line, number: plainCell(r.get(columnNumber)), record: plainCell(r.get(columnRecord)),
		ready: plainCell(r.get(columnReady)), seconds: plainCell(r.get(columnSeconds)),
	}
	blank := row.number+row.record+row.ready == ""
	for _, c := range s.shows {
		row.shows = append(row.shows, plainCell(r.get(c)))
		blank = blank && r.get(c) == ""
	}
	if !blank {
		s.rows = append(s.rows, row)
	}
}

// check says what no sheet of a draw can have.
func (s *sheet) check() error {
	lines := map[string]int{}
	for _, r := range s.rows {
		switch at := lines[r.record]; {
		case r.record == "":
			return &exitError{code: exitUsage, err: fmt.Errorf("%s:%d: no record stands there", s.path, r.line), try: "put back what stood in the column record of the sheet that was drawn"}
		case at > 0:
			return &exitError{code: exitUsage, err: fmt.Errorf("%s:%d: %s stands in line %d already", s.path, r.line, r.record, at), try: "take one of the two lines out"}
		}
		lines[r.record] = r.line
	}
	if len(s.rows) == 0 {
		return &exitError{code: exitUsage, err: fmt.Errorf("%s: there is no lead in it", s.path), try: "handoffd calibrate draw --out SHEET.csv makes a sheet"}
	}
	return nil
}

// write saves the sheet whole, for its owner alone: it names buyers. With -
// it is printed.
func (s *sheet) write(to streams, timed bool) error {
	out, err := createOut(to, s.path)
	if err != nil {
		return err
	}
	defer out.discard()
	out.mode = 0o600
	head := slices.Concat([]string{columnNumber, columnRecord}, s.shows, []string{columnReady})
	if timed {
		head = append(head, columnSeconds)
	}
	out.row(cells(head)...)
	for _, r := range s.rows {
		row := slices.Concat([]string{r.number, r.record}, r.shows, []string{r.ready})
		if timed {
			row = append(row, r.seconds)
		}
		out.row(cells(row)...)
	}
	return out.commit()
}

// formula is what a spreadsheet takes the beginning of a formula by.
const formula = "=+-@"

// cells are values as a spreadsheet shows them: what begins like a formula gets
// an apostrophe before it, which makes it text.
func cells(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		if v != "" && strings.ContainsRune(formula, rune(v[0])) {
			v = "'" + v
		}
		out[i] = v
	}
	return out
}

// plainCell is a cell's value in one line, without that apostrophe and without
// what would steer a terminal.
func plainCell(cell string) string {
	v := strings.Join(strings.FieldsFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if len(v) > 1 && v[0] == '\'' && strings.ContainsRune(formula, rune(v[1])) {
		v = v[1:]
	}
	return v
}

// readyOf reads an answer in any of the ways people write one; false: it is none.
func readyOf(text string) (report.Answer, bool) {
	switch strings.ToLower(text) {
	case "":
		return report.Unanswered, true
	case "yes", "y", "ready", "1":
		return report.Ready, true
	case "no", "n", "not ready", "0":
		return report.NotReady, true
	}
	return report.Unanswered, false
}

// opinions are the answers of a sheet by record, or all that is wrong with them.
func (s *sheet) opinions() (map[string]report.Opinion, error) {
	out := map[string]report.Opinion{}
	var wrong []error
	for _, r := range s.rows {
		var o report.Opinion
		var ok bool
		if o.Ready, ok = readyOf(r.ready); !ok {
			wrong = append(wrong, fmt.Errorf("%s:%d: %q in the column ready is neither yes nor no", s.path, r.line, r.ready))
		}
		if r.seconds != "" {
			var err error
			if o.Seconds, err = strconv.ParseFloat(strings.Replace(r.seconds, ",", ".", 1), 64); err != nil || !(o.Seconds >= 0 && o.Seconds < 1e9) {
				wrong = append(wrong, fmt.Errorf("%s:%d: %q in the column seconds is not a number of seconds", s.path, r.line, r.seconds))
			}
		}
		out[r.record] = o
	}
	if len(wrong) > 0 {
		return nil, &exitError{code: exitUsage, err: errors.Join(wrong...), try: "write yes or no into the column ready, a number into seconds, or leave them blank"}
	}
	return out, nil
}

// sameDraw says where two sheets are not of one draw.
func sameDraw(a, b sheet) error {
	for _, pair := range [][2]sheet{{a, b}, {b, a}} {
		numbers := map[string]string{}
		for _, r := range pair[1].rows {
			numbers[r.record] = r.number
		}
		for _, r := range pair[0].rows {
			if number, ok := numbers[r.record]; !ok || number != r.number {
				return &exitError{
					code: exitUsage,
					err:  fmt.Errorf("%s:%d: lead %s, %s, is not lead %s of %s: the two are of different draws", pair[0].path, r.line, r.number, r.record, r.number, pair[1].path),
					try:  "let both people answer copies of one sheet of `handoffd calibrate draw`",
				}
			}
		}
	}
	return nil
}
