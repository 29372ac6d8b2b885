package judge

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/builtin"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

// Judge reads the report in dir and applies every rule to it. It writes nothing
// there. An error means that the report cannot be read.
func Judge(ctx context.Context, dir string) ([]Verdict, error) {
	f, err := Load(ctx, dir)
	if err != nil {
		return nil, err
	}
	return Weigh(f), nil
}

// loading is a report on its way to facts.
type loading struct {
	dir   string
	f     *Facts
	words *words
	store *bolt.Store
	kept  map[string]*keptRules
	trail map[string]int // lines of the trail, by content, that no decision has claimed yet
	walk  *walk
}

// Load reads a report.
func Load(ctx context.Context, dir string) (_ *Facts, err error) {
	l := &loading{dir: dir, f: &Facts{
		Missing: map[string]string{}, Lives: map[string][]Moment{}, Users: map[string]map[string]connectors.User{},
		Versions: map[string]int{}, Heirs: map[connectors.Ref]connectors.Ref{}, Objects: map[connectors.Ref]*Object{}, Decided: map[string]string{},
		Expected: map[connectors.Ref][]Expect{}, Touched: map[Field]*Touch{}, Allowed: map[Field]bool{}, Calls: map[string]*Calls{},
	}, kept: map[string]*keptRules{}, trail: map[string]int{}}
	raw, err := os.ReadFile(filepath.Join(dir, runFile))
	if err == nil {
		err = json.Unmarshal(raw, &l.f.Run)
	}
	if err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	rules, doc, err := compile(os.DirFS(filepath.Join(dir, rulesDir)), l.f.Run.Mode)
	if err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	l.words = newWords(rules, doc)
	closeStore, err := l.open()
	if err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	for _, read := range []func(context.Context) error{
		l.files, l.readState, l.decisions, l.changes, l.world, l.reached, l.acks, l.history, l.logs,
	} {
		if err := read(ctx); err != nil {
			return nil, fmt.Errorf("read the report: %w", err)
		}
	}
	l.f.Allowed = l.words.allowed
	return l.f, nil
}

// open opens a copy of the state, for opening writes beside the file.
func (l *loading) open() (func() error, error) {
	tmp, err := os.MkdirTemp("", "judge")
	if err != nil {
		return nil, err
	}
	gone := func() error { return os.RemoveAll(tmp) }
	err = saveState(tmp, filepath.Join(l.dir, stateFile))
	if err == nil {
		l.store, err = bolt.Open(filepath.Join(tmp, stateFile), bolt.Options{})
	}
	if err != nil {
		return nil, errors.Join(err, gone())
	}
	return func() error { return errors.Join(l.store.Close(), gone()) }, nil
}

// files checks every page and value, and what rows say of one another.
func (l *loading) files(ctx context.Context) error {
	names := []string{filepath.Join(l.dir, stateFile)}
	months, err := filepath.Glob(filepath.Join(l.dir, "history-*.db"))
	if err != nil {
		return err
	}
	for _, name := range append(names, months...) {
		l.f.Files++
		if err := bolt.Check(name); err != nil {
			l.f.Unsound = append(l.f.Unsound, offend(filepath.Base(name), "%v", err))
		}
	}
	err = l.store.View(ctx, func(tx state.Tx) error { return state.VerifyIndexes(tx) })
	if err != nil {
		l.f.Unsound = append(l.f.Unsound, offend(stateFile, "%v", err))
	}
	l.f.AuditErr = l.store.View(ctx, state.VerifyAudit)
	return nil
}

// mostWaiting is how much of the inbox is kept.
const mostWaiting = 10

func (l *loading) readState(ctx context.Context) error {
	f := l.f
	return l.store.View(ctx, func(tx state.Tx) error {
		for _, h := range state.AllHandoffs(tx) {
			f.Handoffs = append(f.Handoffs, h)
			for _, step := range steps(h) {
				if step == stepTask {
					f.Decided[h.Effects[step].Key] = h.ID
				}
			}
		}
		for _, i := range state.AllIntents(tx) {
			f.Intents = append(f.Intents, i)
		}
		for _, li := range state.AllListings(tx) {
			f.Listings = append(f.Listings, li)
		}
		for _, c := range l.words.rules.Conns() {
			f.Users[c.Name] = map[string]connectors.User{}
			for _, u := range state.UsersOf(tx, c.Name) {
				f.Users[c.Name][u.ID] = u
			}
			for row := range state.InboxRows(tx, c.Name) {
				if f.Waiting++; len(f.Inbox) < mostWaiting {
					f.Inbox = append(f.Inbox, row)
				}
			}
		}
		for _, row := range state.AllAudit(tx, 0) {
			f.AuditRows++
			l.trail[rowID(row)]++
		}
		return tx.Err()
	})
}

// acks asks the state about every event of an acknowledged webhook.
func (l *loading) acks(ctx context.Context) error {
	receivers := map[string]connectors.Receiver{}
	for name, c := range l.words.conns {
		adapter, ok := builtin.Adapters()[c.CRM]
		if !ok {
			continue
		}
		connector, err := adapter.New(connectors.Settings{
			Name: name, URL: "https://nowhere.example", Token: "none", ClientID: "none",
			ClientSecret:  connectors.Secret(l.f.Run.Conns[name].ClientSecret),
			WebhookSecret: connectors.Secret(l.f.Run.Conns[name].PathSecret),
		})
		if r, receives := connector.(connectors.Receiver); err == nil && receives {
			receivers[name] = r
		}
	}
	return l.lines(ackFile, func(line []byte) error {
		var a Ack
		if err := json.Unmarshal(line, &a); err != nil {
			return err
		}
		l.f.Events = append(l.f.Events, l.events(ctx, receivers[a.Conn], a)...)
		return nil
	})
}

func (l *loading) events(ctx context.Context, r connectors.Receiver, a Ack) []Event {
	name := "a webhook of " + clock(a.Time) + " to " + a.Conn
	if r == nil {
		return []Event{{ID: name, Bad: "there is no connection that receives it"}}
	}
	got, err := r.Receive(connectors.Request{
		Method: a.Method, URL: a.URL, Header: http.Header(a.Header), Body: []byte(a.Body), At: a.Time, Tenant: l.f.Run.Conns[a.Conn].Tenant,
	})
	if err != nil {
		return []Event{{ID: name, Bad: err.Error()}}
	}
	var out []Event
	err = l.store.View(ctx, func(tx state.Tx) error {
		for _, c := range got.Changes {
			if l.words.noun[[2]string{c.Ref.Conn, string(c.Ref.Kind)}] != "" {
				out = append(out, Event{ID: c.EventID, Ref: c.Ref, At: c.At, Known: state.WasSeen(tx, c)})
			}
		}
		return tx.Err()
	})
	if err != nil {
		out = append(out, Event{ID: name, Bad: err.Error()})
	}
	return out
}

// history counts calls.
func (l *loading) history(context.Context) error {
	for _, c := range l.words.conns {
		share := c.Share
		if share == 0 {
			share = 1
		}
		if l.f.Calls[c.CRM] == nil {
			l.f.Calls[c.CRM] = &Calls{Day: map[string]int{}, Share: share}
		}
	}
	return l.lines(historyFile, func(line []byte) error {
		var e struct {
			Time   time.Time `json:"time"`
			CRM    string    `json:"crm"`
			Status int       `json:"status"`
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
		c := l.f.Calls[e.CRM]
		if c == nil {
			return nil
		}
		c.All++
		c.Day[e.Time.UTC().Format(time.DateOnly)]++
		if e.Status == http.StatusTooManyRequests {
			c.Throttled++
		}
		return nil
	})
}

var address = regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+[A-Za-z0-9]`)

// logs looks for secrets and buyers in what the daemon has said.
func (l *loading) logs(context.Context) error {
	buyers := map[string]bool{}
	for _, o := range l.f.Objects {
		if o.Email != "" {
			buyers[o.Email] = true
		}
	}
	if len(buyers) == 0 && len(l.f.Run.Canaries) == 0 {
		l.f.Missing[logFile] = "it is not known what must not stand there"
		return nil
	}
	n := 0
	for _, name := range []string{logFile, metricsFile} {
		n = 0
		err := l.lines(name, func(line []byte) error {
			n++
			l.f.Lines++
			where := fmt.Sprintf("%s, line %d", name, n)
			for i, c := range l.f.Run.Canaries {
				if c != "" && bytes.Contains(line, []byte(c)) {
					l.f.Leaks = append(l.f.Leaks, offend(where, "secret %d of run.json stands there", i+1))
				}
			}
			for _, m := range address.FindAll(line, -1) {
				if buyers[strings.ToLower(string(m))] {
					l.f.Leaks = append(l.f.Leaks, offend(where, "a buyer's address stands there"))
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// longestLine bounds one line of a report: an exchange with its bodies.
const longestLine = 64 << 20

// lines gives each line of a file to do, without keeping it. A file that is
// not there is noted.
func (l *loading) lines(name string, do func([]byte) error) (err error) {
	file, err := os.Open(filepath.Join(l.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		l.f.Missing[name] = "the report has no " + name
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	n, err := each(file, do)
	if err != nil {
		return fmt.Errorf("%s, line %d: %w", name, n, err)
	}
	if n == 0 {
		l.f.Missing[name] = name + " is empty"
	}
	return nil
}

// each counts the lines of r and gives each to do.
func each(r io.Reader, do func([]byte) error) (n int, err error) {
	scan := bufio.NewScanner(r)
	scan.Buffer(make([]byte, 1<<20), longestLine)
	for scan.Scan() {
		n++
		if line := bytes.TrimSpace(scan.Bytes()); len(line) > 0 {
			if err := do(line); err != nil {
				return n, err
			}
		}
	}
	return n, scan.Err()
}
