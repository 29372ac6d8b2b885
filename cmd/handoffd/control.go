package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// The control socket lies beside the state file and is the operator's alone.
// Verbs beside a running daemon ask it; without one they open the file.
func socketPath(statePath string) string { return statePath + ".sock" }

// listenControl opens the control socket. A socket left by a killed daemon is
// removed: whoever holds the state file's lock is the daemon.
func listenControl(ctx context.Context, statePath string) (net.Listener, error) {
	path := socketPath(statePath)
	if len(path) > 100 {
		// The kernel bounds a socket's path; a relative one is shorter.
		if wd, err := os.Getwd(); err == nil {
			if rel, err := filepath.Rel(wd, path); err == nil && len(rel) < len(path) {
				path = rel
			}
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("control socket: %w", err), l.Close())
	}
	return l, nil
}

// control is the handler behind the control socket.
func (d *daemon) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		answer(w)(d.status(r.Context()))
	})
	mux.HandleFunc("GET /team", func(w http.ResponseWriter, r *http.Request) {
		answer(w)(teams(r.Context(), d.config.Store, d.book.Rules(), r.URL.Query(), d.config.Wall().UTC()))
	})
	mux.HandleFunc("GET /team/draws", func(w http.ResponseWriter, r *http.Request) {
		answer(w)(teamLedger(r.Context(), d.config.Store, d.book.Rules(), r.URL.Query(), d.config.Wall().UTC()))
	})
	mux.HandleFunc("GET /calendar", func(w http.ResponseWriter, r *http.Request) {
		year, _ := strconv.Atoi(r.URL.Query().Get("year"))
		answer(w)(calendarFrom(r.Context(), d.config.Store, d.book.Rules(), r.URL.Query().Get("name"), year, d.config.Wall().UTC()))
	})
	mux.HandleFunc("GET /explain", func(w http.ResponseWriter, r *http.Request) {
		answer(w)(explain(r.Context(), d.config.Store, r.URL.Query().Get("what")))
	})
	mux.HandleFunc("POST /doctor", func(w http.ResponseWriter, r *http.Request) {
		answer(w)(d.doctor(r.Context(), r.URL.Query().Get("probe") != ""))
	})
	mux.HandleFunc("GET /describe", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		var kinds []connectors.Kind
		for _, kind := range q["kind"] {
			kinds = append(kinds, connectors.Kind(kind))
		}
		answer(w)(showFields(r.Context(), d.config.Conns, q.Get("conn"), kinds, q.Get("users") != ""))
	})
	mux.HandleFunc("POST /pause", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		answer(w)(pause(r.Context(), d.config.Store, q.Get("off") == "", ordererOf(q), d.config.Wall().UTC()))
	})
	mux.HandleFunc("POST /approve", func(w http.ResponseWriter, r *http.Request) {
		by := ordererOf(r.URL.Query())
		done, err := approve(r.Context(), d.config.Store, by, d.config.Wall().UTC())
		for _, w := range d.writers {
			w.Bell.Ring()
		}
		if err == nil {
			var let string
			if let, err = d.approveRules(r.Context(), by); let != "" {
				done = append(done, state.Reconcile{Why: let})
			}
		}
		answer(w)(done, err)
	})
	mux.HandleFunc("POST /undo", patient(d.serveUndo))
	mux.HandleFunc("POST /reassign", patient(d.serveReassign))
	mux.HandleFunc("POST /queue", d.serveQueue)
	mux.HandleFunc("POST /aliases", d.serveAliases)
	mux.HandleFunc("GET /report", patient(d.serveReport))
	mux.HandleFunc("GET /calibrate", d.serveCalibrate)
	return mux
}

// refusedAnswer is an error as it travels over the control socket.
type refusedAnswer struct {
	Exit  int    `json:"exit"`
	Error string `json:"error"`
	Try   string `json:"try,omitempty"`
}

// answer writes a verb's answer, or its error with the exit code it stands for.
func answer(w http.ResponseWriter) func(v any, err error) {
	return func(v any, err error) {
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
			v = refusedAnswer{Exit: codeOf(err), Error: err.Error(), Try: tryOf(err)}
		}
		_ = json.NewEncoder(w).Encode(v) // the asker is gone
	}
}

// errNoDaemon says that nobody listens on the control socket.
var errNoDaemon = errors.New("no daemon is running on this state")

// ask sends one request to the running daemon and decodes its answer.
func ask(ctx context.Context, statePath, method, path string, into any) error {
	client := &http.Client{
		Timeout: 2 * time.Minute, // doctor asks the CRMs
		Transport: &http.Transport{
			DisableKeepAlives: true, // one question, one connection: nobody would close it
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", socketPath(statePath))
			},
		},
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://handoffd"+path, nil)
	if err != nil {
		return fmt.Errorf("ask the daemon: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return errNoDaemon
	}
	defer resp.Body.Close() //nolint:errcheck // it has been read
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("ask the daemon: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		no := refusedAnswer{Exit: exitWrong, Error: strings.TrimSpace(string(body))}
		_ = json.Unmarshal(body, &no) // as text where it is none of ours
		return &exitError{code: no.Exit, err: errors.New(no.Error), try: no.Try}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read the daemon's answer: %w", err)
	}
	return nil
}

// reloads remembers how the last reload went.
type reloads struct {
	mu   sync.Mutex
	last reload
}

type reload struct {
	At    time.Time `json:"at,omitzero"` // when the folder was last read again
	Error string    `json:"error,omitempty"`
	Waits bool      `json:"waits,omitempty"` // for `handoffd approve`; Error says why
}

func (r *reloads) note(at time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = reload{At: at}
	var config *configError
	var waits *held
	switch {
	case errors.As(err, &waits):
		r.last.Error, r.last.Waits = err.Error(), true
	case errors.As(err, &config):
		r.last.Error = config.first()
	case err != nil:
		r.last.Error = err.Error()
	}
}

func (r *reloads) get() reload {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}
