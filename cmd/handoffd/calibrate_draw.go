package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/plan"
)

// drawOrder says which leads to draw.
type drawOrder struct {
	Type  string // "": of any
	N     int
	Since string
	Seed  uint64
	Show  []string // fields to show beside those of the rules, as noun.word
}

// drawAnswer is a draw: the cells of each lead below the columns that show it.
type drawAnswer struct {
	Schema  int         `json:"schema"`
	Seed    uint64      `json:"seed"`
	Of      int         `json:"of"` // so many could have been drawn
	Columns []string    `json:"columns"`
	Leads   []drawnLead `json:"leads"`
}

type drawnLead struct {
	Record string   `json:"record"`
	Cells  []string `json:"cells"`
}

func newCalibrateDrawCommand(s streams) *cobra.Command {
	var o drawOrder
	var out string
	cmd := &cobra.Command{
		Use:   "draw [TYPE] --out SHEET.csv",
		Short: "Draw leads at random into a sheet",
		Long: "Draw leads at random among those that the handoff type took, or that a rule under\n" +
			"never: or a low tier kept from it, each record once. The sheet has a line for each,\n" +
			"with who it is, what they did and the context that the type asks for, and a blank\n" +
			"column ready. What was decided about a lead is not in it, for it would bias whoever\n" +
			"answers. The same seed draws the same leads while the state is the same. TIME is an\n" +
			"instant, a day, or an age such as 30d. Without TYPE leads of every type are drawn.",
		Example:               "  handoffd calibrate draw demo_request --out leads.csv",
		DisableFlagsInUseLine: true,
		Args:                  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Type = args[0]
			}
			if !cmd.Flags().Changed("seed") {
				o.Seed = rand.Uint64N(1_000_000)
			}
			if err := o.check(out); err != nil {
				return err
			}
			var a drawAnswer
			err := withState(cmd.Context(), http.MethodGet, "/calibrate?"+o.query().Encode(), &a, func(store *bolt.Store) (any, error) {
				rules, err := folderRules(cmd.Context())
				if err != nil {
					return nil, err
				}
				return draw(cmd.Context(), store, rules, o, time.Now())
			})
			if err != nil {
				return err
			}
			return a.save(s, o, out)
		},
	}
	fl := cmd.Flags()
	fl.IntVar(&o.N, "n", 20, "`HOW_MANY` leads to draw")
	fl.StringVar(&o.Since, "since", "90d", "among those seen since `TIME`")
	fl.Uint64Var(&o.Seed, "seed", 0, "repeat the draw that had this `SEED`")
	fl.StringSliceVar(&o.Show, "show", []string{"person.source"}, "further `FIELDS` of the record or its account to show, such as person.title,company.employees")
	fl.StringVar(&out, "out", "", "the sheet, a CSV `FILE` that is not there yet; - is the standard output")
	return cmd
}

func (o *drawOrder) check(out string) error {
	if _, err := sinceTime(o.Since, time.Now()); err != nil {
		return err
	}
	switch {
	case out == "":
		return &exitError{code: exitUsage, err: errors.New("calibrate draw needs --out, the sheet to write"), try: "handoffd calibrate draw --out leads.csv"}
	case out != "-" && fileExists(out):
		return &exitError{code: exitUsage, err: fmt.Errorf("%s is there already, and may hold answers", out), try: "name another file, or move that one away"}
	case o.N < 1:
		return usageError("--n %d: at least one lead has to be drawn", o.N)
	}
	for _, f := range o.Show {
		if noun, word, ok := strings.Cut(f, "."); !ok || noun == "" || word == "" {
			return usageError("--show %s: write a field as rules do, such as person.title", f)
		}
	}
	return nil
}

func (o *drawOrder) query() url.Values {
	return url.Values{"type": {o.Type}, "n": {strconv.Itoa(o.N)}, "since": {o.Since}, "seed": {strconv.FormatUint(o.Seed, 10)}, "show": o.Show}
}

// serveCalibrate answers `handoffd calibrate draw` over the control socket.
func (d *daemon) serveCalibrate(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	n, errN := strconv.Atoi(q.Get("n"))
	seed, errSeed := strconv.ParseUint(q.Get("seed"), 10, 64)
	if err := errors.Join(errN, errSeed); err != nil {
		answer(w)(nil, usageError("calibrate draw: %w", err))
		return
	}
	o := drawOrder{Type: q.Get("type"), N: n, Since: q.Get("since"), Seed: seed, Show: q["show"]}
	answer(w)(draw(r.Context(), d.config.Store, d.book.Rules(), o, d.config.Wall()))
}

// draw picks leads at random.
func draw(ctx context.Context, store state.Store, rules *plan.Rules, o drawOrder, now time.Time) (drawAnswer, error) {
	a := drawAnswer{Schema: 1, Seed: o.Seed}
	since, err := sinceTime(o.Since, now)
	if err != nil {
		return a, err
	}
	if o.Type != "" && !slices.Contains(rules.Types(), o.Type) {
		return a, &exitError{code: exitUsage, err: fmt.Errorf("there is no handoff type %q", o.Type), try: "one of " + strings.Join(rules.Types(), ", ")}
	}
	err = store.View(ctx, func(tx state.Tx) error {
		all := candidates(tx, o.Type, since)
		a.Of = len(all)
		chance := rand.New(rand.NewPCG(o.Seed, 0))
		chance.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		a.lay(all[:min(o.N, len(all))], columnsOf(rules, o))
		return tx.Err()
	})
	if err != nil {
		return a, fmt.Errorf("calibrate draw: %w", err)
	}
	if a.Of == 0 {
		what := "no lead was"
		if o.Type != "" {
			what = "no lead of " + o.Type + " was"
		}
		return a, &exitError{
			code: exitWrong, err: fmt.Errorf("%s taken or refused since %s", what, since.Format(time.DateOnly)),
			try: "an earlier --since, another TYPE or none, or let `handoffd run` look for a while: observe is enough",
		}
	}
	return a, nil
}

// candidate is a lead that can be drawn: its record, and those around it that
// tell of it as well, the account first.
type candidate []state.Record

// The lists of records that a rule kept from being handed over.
var keptFrom = []string{"never", "low_tier"}

// candidates are the leads that a type took or refused since an instant, each
// record once, in the order of their names. A record that is gone shows nobody
// anything.
func candidates(tx state.Tx, typ string, since time.Time) []candidate {
	accounts := map[connectors.Ref]connectors.Ref{}
	for _, h := range state.AllHandoffs(tx) {
		if (typ == "" || h.Type == typ) && !h.DetectedAt.Before(since) {
			accounts[h.Record] = cmp.Or(h.Account, accounts[h.Record])
		}
	}
	for _, l := range state.AllListings(tx) {
		ref, err := connectors.ParseRef(l.Subject)
		if err != nil || !slices.Contains(keptFrom, l.List) || l.Last.Before(since) {
			continue
		}
		// The lists do not say of which type; what the type has seen does.
		seen, _ := state.GetTrigger(tx, typ, ref)
		if _, handed := accounts[ref]; !handed && (typ == "" || seen.Version != "") {
			accounts[ref] = connectors.Ref{}
		}
	}
	var out []candidate
	for _, ref := range slices.SortedFunc(maps.Keys(accounts), func(a, b connectors.Ref) int { return cmp.Compare(a.String(), b.String()) }) {
		rec, ok := state.GetRecord(tx, ref)
		if !ok || rec.Deleted || !rec.MovedTo.IsZero() {
			continue
		}
		c := candidate{rec}
		for _, near := range append([]connectors.Ref{accounts[ref]}, rec.Links...) {
			if r, ok := state.GetRecord(tx, near); ok && !r.Deleted {
				c = append(c, r)
			}
		}
		out = append(out, c)
	}
	return out
}

// value is the first of the fields that a candidate has; "" if none.
func (c candidate) value(fields ...string) string {
	for _, f := range fields {
		noun, word, _ := strings.Cut(f, ".")
		for _, r := range c {
			if v := r.Fields[word]; r.Noun == noun && v != "" {
				return v
			}
		}
	}
	return ""
}

// column is one column of a sheet, and the fields that can fill it.
type column struct {
	name   string
	fields []string
}

// columnsOf are the columns that show who a lead is, by the words that the rules
// themselves know, and what they did, by those that the types name.
func columnsOf(rules *plan.Rules, o drawOrder) []column {
	out := []column{
		{"name", []string{"person.full_name", "deal.name", "company.name"}},
		{"company", []string{"company.name", "person.company_name"}},
		{"country", []string{"person.country", "company.country"}},
	}
	types := rules.Types()
	if o.Type != "" {
		types = []string{o.Type}
	}
	var more []string
	for _, t := range types {
		more = append(more, rules.Shows(t)...)
	}
	for _, f := range append(more, o.Show...) {
		if !slices.ContainsFunc(out, func(c column) bool { return slices.Contains(c.fields, f) }) {
			out = append(out, column{f, []string{f}})
		}
	}
	return out
}

// lay lays the leads out in columns, without those that none of them fills.
func (a *drawAnswer) lay(leads []candidate, columns []column) {
	columns = slices.DeleteFunc(columns, func(c column) bool {
		return !slices.ContainsFunc(leads, func(l candidate) bool { return l.value(c.fields...) != "" })
	})
	a.Columns, a.Leads = []string{}, []drawnLead{}
	for _, c := range columns {
		a.Columns = append(a.Columns, c.name)
	}
	for _, l := range leads {
		d := drawnLead{Record: l[0].Ref.String(), Cells: []string{}}
		for _, c := range columns {
			d.Cells = append(d.Cells, l.value(c.fields...))
		}
		a.Leads = append(a.Leads, d)
	}
}

// save writes the sheet, and says what was drawn and what to do with it.
func (a *drawAnswer) save(s streams, o drawOrder, out string) error {
	sh := sheet{path: out, shows: a.Columns}
	for i, l := range a.Leads {
		row := sheetRow{number: strconv.Itoa(i + 1), record: l.Record}
		for _, c := range l.Cells {
			row.shows = append(row.shows, glimpse(c))
		}
		sh.rows = append(sh.rows, row)
	}
	if err := sh.write(s, false); err != nil {
		return err
	}
	fmt.Fprintf(s.err, "%d of %d leads drawn, seed %d.\n", len(a.Leads), a.Of, a.Seed)
	if a.Of < o.N {
		fmt.Fprintf(s.err, "There are no %d since then, so all are in the sheet.\n", o.N)
	}
	if out != "-" {
		fmt.Fprintf(s.err, "Now each of two people: handoffd calibrate answer %s --as NAME\nor a copy each, with yes or no in the column ready.\n", out)
	}
	return nil
}

// glimpse is as much of a value as can be read in a few seconds.
func glimpse(value string) string {
	const most = 300
	text := []rune(plainCell(value))
	if len(text) <= most {
		return string(text)
	}
	return string(text[:most-1]) + "…"
}
