// Package judge says whether a run of handoffd kept its promises: the rules A1
// to A15, each over what a run has left behind. It reads a
// report, which is a folder, and nothing else; the same folder always gets the
// same verdicts. README.md says what each rule looks at.
package judge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// The files of a report.
const (
	runFile     = "run.json"      // Run
	ackFile     = "acked.jsonl"   // Ack, one a line
	historyFile = "history.jsonl" // GET /history
	changesFile = "changes.jsonl" // GET /changes
	sentFile    = "sent.jsonl"    // GET /sent
	worldFile   = "world.json"    // GET /world
	statsFile   = "stats.json"    // GET /stats
	stateFile   = "state.db"      // with history-*.db beside it
	rulesDir    = "rules"         // the admin's folder
	logFile     = "daemon.log"
	metricsFile = "metrics.txt"
)

// Run says how a run was made. Durations are seconds.
type Run struct {
	Schema   int         `json:"schema"`
	Seed     uint64      `json:"seed"`
	Profile  string      `json:"profile"` // "calm", "default", "hell"
	Mode     string      `json:"mode"`    // HANDOFFD_MODE; "": as the files say
	Began    time.Time   `json:"began"`
	Ended    time.Time   `json:"ended"`
	Quiesced bool        `json:"quiesced"` // at the end it had been left alone for long enough to come to rest
	Starts   []time.Time `json:"starts"`   // of the daemon, in order
	Stops    []time.Time `json:"stops"`    // its ends, by whatever hand, in order
	PollS    float64     `json:"poll_s"`   // how often a CRM is polled
	LagS     float64     `json:"lag_s"`    // how late its search or its commits show, at most
	// WebhookLoss is the share of webhooks that never came, 0 to 1.
	WebhookLoss float64 `json:"webhook_loss"`
	UniqueTasks bool    `json:"unique_tasks"` // the CRMs refuse a second task with one key
	// Ours are the ledger's names for the daemon; none: every "api:".
	Ours  []string        `json:"ours,omitempty"`
	Conns map[string]Conn `json:"connections,omitempty"`
	// Quota is how many calls a day each CRM allows, Throttled the share of
	// calls that it was told to refuse although there was room.
	Quota     map[string]int     `json:"quota,omitempty"`
	Throttled map[string]float64 `json:"throttled,omitempty"`
	Canaries  []string           `json:"canaries,omitempty"` // secrets and personal data that no log may show
	Second    *Second            `json:"second,omitempty"`
}

// Conn is what it takes to read an acknowledged webhook again. The secrets are
// those of simulators.
type Conn struct {
	Tenant       string `json:"tenant"`
	ClientSecret string `json:"client_secret,omitempty"`
	PathSecret   string `json:"path_secret,omitempty"`
}

// Second is what a daemon did that was started again on the state at rest.
type Second struct {
	Calls  int `json:"calls"`
	Writes int `json:"writes"` // calls that changed something, or tried to
}

// Ack is one webhook that the daemon answered with 2xx.
type Ack struct {
	Time   time.Time           `json:"time"`
	Conn   string              `json:"conn"`
	Method string              `json:"method"`
	URL    string              `json:"url"` // the address it was signed for
	Header map[string][]string `json:"header"`
	Body   string              `json:"body"`
}

// Source is where a report is saved from.
type Source struct {
	Run     Run
	Acks    []Ack
	Control func(ctx context.Context, path string, w io.Writer) error // the simulators' control API
	State   string                                                    // the state file; nobody has it open
	Rules   fs.FS                                                     // the admin's folder
	Log     string                                                    // a file; "": none
	Metrics []byte                                                    // as scraped; nil: none
}

// From asks the control API at an address.
func From(base string) func(context.Context, string, io.Writer) error {
	return func(ctx context.Context, path string, w io.Writer) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, http.NoBody)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close() //nolint:errcheck // it was read
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s", path, resp.Status)
		}
		_, err = io.Copy(w, resp.Body)
		return err
	}
}

// Here asks the control API of simulators in this process. What it answers goes
// straight to where it is wanted: a long run's is more than memory holds twice.
func Here(control http.Handler) func(context.Context, string, io.Writer) error {
	return func(ctx context.Context, path string, w io.Writer) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, path, http.NoBody)
		if err != nil {
			return err
		}
		out := &poured{to: w, header: http.Header{}, status: http.StatusOK}
		if control.ServeHTTP(out, req); out.status != http.StatusOK {
			return fmt.Errorf("GET %s: %s", path, http.StatusText(out.status))
		}
		return out.err
	}
}

// poured is an answer on its way through.
type poured struct {
	to     io.Writer
	header http.Header
	status int
	err    error
}

func (p *poured) Header() http.Header    { return p.header }
func (p *poured) WriteHeader(status int) { p.status = status }

func (p *poured) Write(b []byte) (n int, err error) {
	n, err = p.to.Write(b)
	if p.err == nil {
		p.err = err
	}
	return n, err
}

// Save writes a report into dir, which is made. The state must not be open.
func Save(ctx context.Context, dir string, s Source) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("save a report: %w", err)
	}
	s.Run.Schema = 1
	raw, err := json.MarshalIndent(s.Run, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, runFile), raw, 0o600)
	}
	if err == nil {
		err = saveAcks(filepath.Join(dir, ackFile), s.Acks)
	}
	for name, path := range map[string]string{
		historyFile: "/history", changesFile: "/changes", sentFile: "/sent", worldFile: "/world", statsFile: "/stats",
	} {
		if err == nil {
			err = saveFrom(ctx, filepath.Join(dir, name), path, s.Control)
		}
	}
	if err == nil {
		err = saveState(dir, s.State)
	}
	if err == nil {
		err = os.RemoveAll(filepath.Join(dir, rulesDir))
	}
	if err == nil {
		err = os.CopyFS(filepath.Join(dir, rulesDir), s.Rules)
	}
	if err == nil && s.Log != "" {
		err = copyFile(filepath.Join(dir, logFile), s.Log)
	}
	if err == nil && s.Metrics != nil {
		err = os.WriteFile(filepath.Join(dir, metricsFile), s.Metrics, 0o600)
	}
	if err != nil {
		return fmt.Errorf("save a report: %w", err)
	}
	return nil
}

func saveAcks(path string, acks []Ack) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	for _, a := range acks {
		if err := enc.Encode(a); err != nil {
			return err
		}
	}
	return os.WriteFile(path, buf.Bytes(), 0o600)
}

func saveFrom(ctx context.Context, name, path string, control func(context.Context, string, io.Writer) error) (err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return control(ctx, path, f)
}

// saveState copies the state and the files of its months.
func saveState(dir, state string) error {
	if err := copyFile(filepath.Join(dir, stateFile), state); err != nil {
		return err
	}
	months, err := filepath.Glob(filepath.Join(filepath.Dir(state), "history-*.db"))
	for _, m := range months {
		err = errors.Join(err, copyFile(filepath.Join(dir, filepath.Base(m)), m))
	}
	return err
}

func copyFile(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it was read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

// ReadAcks reads a file of acknowledged webhooks, one a line.
func ReadAcks(path string) (acks []Ack, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	n, err := each(f, func(line []byte) error {
		var a Ack
		err := json.Unmarshal(line, &a)
		acks = append(acks, a)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s, line %d: %w", path, n, err)
	}
	return acks, nil
}
