package main

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/sync/match"
)

type matchFlags struct {
	accounts, leads, people, out, weights, fit string
}

func newMatchCommand(s streams) *cobra.Command {
	var f matchFlags
	cmd := &cobra.Command{
		Use:   "match",
		Short: "Match a list to accounts, or find its duplicates",
		Long: "Match a list of leads to a list of accounts, or find the rows of a list that are\n" +
			"one person or one company, without touching any CRM.\n\n" +
			"Accounts have the columns id and name, and as far as known domain, website,\n" +
			"country, city and parent_id. Leads have id, email, company, country. The answer has\n" +
			"the columns lead_id, account_id, decision (auto, review or none), score (points: one\n" +
			"more is twice as likely) and why. People have id, first, last, email, phone, company, street,\n" +
			"city, postcode, website; a list without first and last is taken for companies. The\n" +
			"answer has id1, id2, score and why, a line for each pair. With a column pair, rows\n" +
			"that have the same there are compared with each other only: is it one, or two?\n\n" +
			"With --fit, the leads have a column expected_account_id that people have\n" +
			"confirmed (blank: there is no account): the weights are estimated from it and\n" +
			"written to the file named, for --weights. People have a column entity_id then,\n" +
			"the same for rows that are one.",
		Example: "  handoffd match --accounts A.csv --leads L.csv --out P.csv\n" +
			"  handoffd match --people R.csv --out P.csv\n" +
			"  handoffd match --accounts A.csv --leads confirmed.csv --fit W.json",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			switch {
			case f.people != "" && f.accounts == "" && f.leads == "" && f.fit == "" && f.out != "":
				return matchPeople(s, f)
			case f.people == "" && f.accounts != "" && f.leads != "" && f.fit != "" && f.out == "":
				return matchFit(s, f)
			case f.people != "" && f.accounts == "" && f.leads == "" && f.fit != "" && f.out == "":
				return matchFitRows(s, f)
			case f.people == "" && f.accounts != "" && f.leads != "" && f.fit == "" && f.out != "":
				return matchLeads(s, f)
			}
			return &exitError{
				code: exitUsage, err: errors.New("match needs --accounts, --leads and --out, or --people and --out"),
				try: "handoffd match --help",
			}
		},
	}
	cmd.AddCommand(newAliasesCommand(s))
	fl := cmd.Flags()
	fl.StringVar(&f.accounts, "accounts", "", "the accounts, a CSV `FILE`")
	fl.StringVar(&f.leads, "leads", "", "the leads to match, a CSV `FILE`")
	fl.StringVar(&f.people, "people", "", "the rows to find duplicates in, a CSV `FILE`")
	fl.StringVar(&f.out, "out", "", "where the answer goes, a CSV `FILE`; - is the standard output")
	fl.StringVar(&f.weights, "weights", "", "a `FILE` of weights written by --fit, in place of those that come with handoffd")
	fl.StringVar(&f.fit, "fit", "", "estimate weights from confirmed rows and write them to this `FILE`")
	return cmd
}

// matchTarget are the shares that --fit aims at: of automatic matches that are
// right, and of leads that people are asked about.
const (
	fitPrecision = 0.982
	fitReview    = 0.0799

	fitRowsPrecision = 0.9965
)

func matchLeads(s streams, f matchFlags) error {
	w, err := matchWeights(f.weights)
	if err != nil {
		return err
	}
	x, refused, err := readAccounts(s, f.accounts)
	if err != nil {
		return err
	}
	out, err := createOut(s, f.out)
	if err != nil {
		return err
	}
	defer out.discard()
	out.row("lead_id", "account_id", "decision", "score", "why")
	counts := map[match.Decision]int{}
	n := 0
	more, err := eachRow(s, f.leads, []string{"id"}, func(r csvRow) {
		found := x.Find(&w, leadOf(r))
		counts[found.Decision]++
		account := found.Account
		if found.Decision == match.None {
			account = ""
		}
		out.row(r.get("id"), account, string(found.Decision), strconv.FormatFloat(found.Certainty, 'f', 2, 64), strings.Join(found.Why, "; "))
		n++
		if n%1000 == 0 {
			fmt.Fprintf(s.err, "%d leads\n", n)
		}
	})
	if err != nil {
		return err
	}
	if err := out.commit(); err != nil {
		return err
	}
	fmt.Fprintf(s.err, "%d leads: %d matched, %d for review, %d without an account\n", n, counts[match.Auto], counts[match.Review], counts[match.None])
	return refusedRows(refused + more)
}

func matchFit(s streams, f matchFlags) error {
	x, refused, err := readAccounts(s, f.accounts)
	if err != nil {
		return err
	}
	var confirmed []match.Confirmed
	more, err := eachRow(s, f.leads, []string{"id", "expected_account_id"}, func(r csvRow) {
		confirmed = append(confirmed, match.Confirmed{Lead: leadOf(r), Account: r.get("expected_account_id")})
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.err, "estimating from %d confirmed leads\n", len(confirmed))
	w, rep := match.Fit(x, confirmed, filepath.Base(f.fit), fitPrecision, fitReview)
	text, err := match.WriteWeights(w)
	if err != nil {
		return err
	}
	if err := os.WriteFile(f.fit, text, 0o644); err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	fmt.Fprintf(s.out, "On leads the weights had not seen: precision %.4f, recall %.4f, F1 %.4f, matched without an account %.4f, for review %.4f, right one first %.4f, among the candidates %.4f.\n",
		rep.Precision, rep.Recall, rep.F1(), rep.FalseMatch, rep.Review, rep.TopRecall, rep.Blocking)
	return refusedRows(refused + more)
}

func leadOf(r csvRow) match.Lead {
	return match.Lead{ID: r.get("id"), Email: r.get("email"), Company: r.get("company"), Country: r.get("country"), Website: r.get("website")}
}

func matchWeights(path string) (match.Weights, error) {
	if path == "" {
		return match.Shipped()
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return match.Weights{}, &exitError{code: exitUsage, err: err}
	}
	w, err := match.ReadWeights(text)
	if err != nil {
		return w, usageError("%s: %w", path, err)
	}
	return w, nil
}

func readAccounts(s streams, path string) (*match.Index, int, error) {
	var orgs []match.Org
	seen := map[string]bool{}
	twice := 0
	refused, err := eachRow(s, path, []string{"id", "name"}, func(r csvRow) {
		if seen[r.get("id")] {
			fmt.Fprintf(s.err, "%s:%d: the id %q stood above already; refused\n", path, r.line, r.get("id"))
			twice++
			return
		}
		seen[r.get("id")] = true
		orgs = append(orgs, match.Org{
			ID: r.get("id"), Name: r.get("name"), Domains: []string{r.get("website"), r.get("domain")},
			Country: r.get("country"), City: r.get("city"), Parent: r.get("parent_id"),
		})
	})
	if err != nil {
		return nil, 0, err
	}
	fmt.Fprintf(s.err, "%d accounts\n", len(orgs))
	return match.NewIndex(orgs), refused + twice, nil
}

func matchPeople(s streams, f matchFlags) error {
	var weights []byte
	if f.weights != "" {
		var err error
		if weights, err = os.ReadFile(f.weights); err != nil {
			return &exitError{code: exitUsage, err: err}
		}
	}
	var rows []match.Row
	refused, err := eachRow(s, f.people, []string{"id"}, func(r csvRow) { rows = append(rows, rowOf(r)) })
	if err != nil {
		return err
	}
	pairs, err := match.Duplicates(rows, weights)
	if err != nil {
		return usageError("%s: %w", f.weights, err)
	}
	out, err := createOut(s, f.out)
	if err != nil {
		return err
	}
	defer out.discard()
	fmt.Fprintf(s.err, "%d rows\n", len(rows))
	out.row("id1", "id2", "score", "why")
	n := 0
	for _, p := range pairs {
		out.row(p.A, p.B, strconv.FormatFloat(p.Bits, 'f', 2, 64), strings.Join(p.Why, "; "))
		n++
	}
	if err := out.commit(); err != nil {
		return err
	}
	fmt.Fprintf(s.err, "%d pairs are the same\n", n)
	return refusedRows(refused)
}

func rowOf(r csvRow) match.Row {
	return match.Row{
		ID: r.get("id"), First: r.get("first"), Last: r.get("last"), Email: r.get("email"), Phone: r.get("phone"),
		Company: cmp.Or(r.get("company"), r.get("name")), Street: cmp.Or(r.get("street"), r.get("address")), Street2: r.get("street2"),
		City: r.get("city"), Postcode: cmp.Or(r.get("postcode"), r.get("zip")), Country: r.get("country"), Website: r.get("website"),
		Pair: r.get("pair"),
	}
}

func matchFitRows(s streams, f matchFlags) error {
	var rows []match.Labelled
	refused, err := eachRow(s, f.people, []string{"id", "entity_id"}, func(r csvRow) {
		rows = append(rows, match.Labelled{Row: rowOf(r), Entity: r.get("entity_id")})
	})
	if err != nil {
		return err
	}
	text, err := match.FitRows([][]match.Labelled{rows}, filepath.Base(f.fit), fitRowsPrecision)
	if err != nil {
		return err
	}
	if err := os.WriteFile(f.fit, text, 0o644); err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	fmt.Fprintf(s.err, "estimated from %d rows\n", len(rows))
	return refusedRows(refused)
}

// refusedRows makes rows that were refused an exit code of their own.
func refusedRows(n int) error {
	if n == 0 {
		return nil
	}
	return &exitError{code: exitWrong, err: fmt.Errorf("%d rows were refused; the others are in the answer", n)}
}

// csvRow is one line of a CSV file.
type csvRow struct {
	line  int
	head  []string
	cells []string
}

func (r csvRow) get(column string) string {
	if i := slices.Index(r.head, column); i >= 0 && i < len(r.cells) {
		return strings.TrimSpace(r.cells[i])
	}
	return ""
}

// eachRow reads a CSV file line by line. Lines that cannot be read, that have
// another number of cells than the head, or no id, are told and counted.
func eachRow(s streams, path string, need []string, do func(csvRow)) (refused int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, &exitError{code: exitUsage, err: err}
	}
	defer func() { _ = file.Close() }()
	in := csv.NewReader(bufio.NewReaderSize(file, 1<<16))
	in.FieldsPerRecord = -1
	head, err := in.Read()
	if err != nil {
		return 0, usageError("%s: no line with the names of the columns: %w", path, err)
	}
	for i, h := range head {
		head[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")))
	}
	for _, c := range need {
		if !slices.Contains(head, c) {
			return 0, usageError("%s: there is no column %q; it has %s", path, c, strings.Join(head, ", "))
		}
	}
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return refused, nil
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			fmt.Fprintf(s.err, "%s:%d: %v; refused\n", path, bad.Line, bad.Err)
			refused++
			continue
		}
		if err != nil {
			return refused, fmt.Errorf("read %s: %w", path, err)
		}
		line, _ := in.FieldPos(0)
		r := csvRow{line: line, head: head, cells: cells}
		switch {
		case len(cells) != len(head):
			fmt.Fprintf(s.err, "%s:%d: %d cells under %d columns; refused\n", path, line, len(cells), len(head))
			refused++
		case r.get("id") == "":
			fmt.Fprintf(s.err, "%s:%d: no id; refused\n", path, line)
			refused++
		default:
			do(r)
		}
	}
}

// outFile is an answer that appears under its name only once it is whole.
type outFile struct {
	csv        *csv.Writer
	file       *os.File // nil: the standard output
	name, path string
	mode       fs.FileMode
}

func createOut(s streams, path string) (*outFile, error) {
	if path == "-" {
		return &outFile{csv: csv.NewWriter(s.out)}, nil
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".handoffd-*")
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	return &outFile{csv: csv.NewWriter(file), file: file, name: file.Name(), path: path, mode: 0o644}, nil
}

// row writes one line; what goes wrong is said by commit.
func (o *outFile) row(cells ...string) { _ = o.csv.Write(cells) }

func (o *outFile) commit() error {
	o.csv.Flush()
	if err := o.csv.Error(); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	if o.file == nil {
		return nil
	}
	if err := errors.Join(o.file.Chmod(o.mode), o.file.Close(), os.Rename(o.name, o.path)); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	o.file = nil
	return nil
}

// discard takes away an answer that was not finished.
func (o *outFile) discard() {
	if o.file != nil {
		_ = o.file.Close()
		_ = os.Remove(o.name)
	}
}
