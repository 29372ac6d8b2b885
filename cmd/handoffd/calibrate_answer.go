package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/sync/report"
)

func newCalibrateAnswerCommand(s streams) *cobra.Command {
	var as, out string
	cmd := &cobra.Command{
		Use:   "answer SHEET.csv --as NAME",
		Short: "Say of one lead after the other whether it is ready",
		Long: "Say of one lead after the other whether it is ready to be handed over. Each answer\n" +
			"should take 10 seconds at most; how long it took is noted. The answers go to a file\n" +
			"of your own beside the sheet, after each of them, so you can stop with q and go on\n" +
			"later with the same command. What others have answered is not shown.",
		Example:               "  handoffd calibrate answer leads.csv --as ana     # writes leads.ana.csv",
		DisableFlagsInUseLine: true,
		Args:                  takesOne("the sheet of a draw"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !isFileWord(as) {
				return &exitError{code: exitUsage, err: fmt.Errorf("--as %q: it must be who answers, in letters, digits, - _ or @", as), try: "handoffd calibrate answer " + args[0] + " --as ana"}
			}
			if out == "" {
				out = strings.TrimSuffix(args[0], filepath.Ext(args[0])) + "." + as + ".csv"
			}
			mine, err := answersOf(args[0], out)
			if err != nil {
				return err
			}
			return mine.fillIn(cmd.Context(), s, cmd.InOrStdin())
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "`NAME` of who answers")
	cmd.Flags().StringVar(&out, "out", "", "the answers, a CSV `FILE`; SHEET.NAME.csv when not written")
	return cmd
}

// isFileWord reports whether a name can be a part of a file's name anywhere.
func isFileWord(name string) bool {
	bad := strings.IndexFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_@.", r)
	})
	return name != "" && bad < 0
}

// answersOf is the sheet of one person: that of the draw without anybody's
// answers, or what they have answered of it already.
func answersOf(drawn, out string) (sheet, error) {
	all, err := readSheet(drawn)
	if err != nil {
		return all, err
	}
	mine := all
	mine.path = out
	if !fileExists(out) {
		for i := range mine.rows {
			mine.rows[i].ready, mine.rows[i].seconds = "", ""
		}
		return mine, nil
	}
	if mine, err = readSheet(out); err != nil {
		return mine, err
	}
	if err := sameDraw(all, mine); err != nil {
		return mine, err
	}
	_, err = mine.opinions()
	return mine, err
}

// fillIn asks of each lead that has no answer, and saves after each answer.
func (s *sheet) fillIn(ctx context.Context, to streams, in io.Reader) error {
	lines := linesOf(in)
	fmt.Fprintln(to.out, "Is the lead ready to be handed over? y or n, within 10 seconds; q to stop.")
	for i := range s.rows {
		r := &s.rows[i]
		if r.ready != "" {
			continue
		}
		fmt.Fprintf(to.out, "\nLead %d of %d\n", i+1, len(s.rows))
		for c, v := range r.shows {
			if v != "" {
				fmt.Fprintln(to.out, strings.Join(indented(s.shows[c]+": "+v, 2), "\n"))
			}
		}
		began := time.Now()
		said := heard(ctx, to, lines)
		if said == report.Unanswered {
			break
		}
		r.ready, r.seconds = string(said), strconv.FormatFloat(time.Since(began).Seconds(), 'f', 1, 64)
		if err := s.write(to, true); err != nil {
			return err
		}
	}
	s.sayFilled(to)
	return nil
}

// heard waits for an answer; none: whoever answers has stopped.
func heard(ctx context.Context, to streams, lines <-chan string) report.Answer {
	for {
		fmt.Fprint(to.out, "ready? y/n ")
		select {
		case <-ctx.Done():
			return report.Unanswered
		case line, more := <-lines:
			word := plainCell(line)
			if !more || strings.EqualFold(word, "q") {
				return report.Unanswered
			}
			if said, ok := readyOf(word); ok && said != report.Unanswered {
				return said
			}
			fmt.Fprintln(to.out, "Write y for ready, n for not ready, or q to stop and go on later.")
		}
	}
}

// linesOf reads line by line beside us, so that Ctrl-C is heard while nobody
// types. Closed: there are no more.
func linesOf(in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(in); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	return lines
}

// sayFilled says how far the sheet is, and what to do next.
func (s *sheet) sayFilled(to streams) {
	left := 0
	for _, r := range s.rows {
		if r.ready == "" {
			left++
		}
	}
	switch {
	case left == len(s.rows):
		fmt.Fprintln(to.out, "\nNothing was answered, so nothing was written.")
	case left > 0:
		fmt.Fprintf(to.out, "\n%d answered in %s, %d left: the same command goes on.\n", len(s.rows)-left, s.path, left)
	default:
		fmt.Fprintf(to.out, "\nAll %d answered, in %s. Once the other one has answered too:\n  handoffd calibrate score %s OTHER.csv\n", len(s.rows), s.path, s.path)
	}
}
