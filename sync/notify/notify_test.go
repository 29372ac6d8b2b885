package notify

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/plan/plantest"
)

// box fails as often as it is told to, and keeps what arrives.
type box struct {
	fail int
	got  []Parcel
}

func (b *box) Send(_ context.Context, p Parcel) error {
	if b.fail != 0 {
		b.fail--
		return errors.New("no")
	}
	b.got = append(b.got, p)
	return nil
}

func sender(t *testing.T, c Channel) (*Sender, func(n int)) {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "s.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	s := &Sender{Dest: "notify/sales", Channel: c, Store: store, Book: engine.NewBook(plantest.Starter(t).Writing(t).Rules(t)), Bell: engine.NewBell(), Wall: time.Now, Log: slog.New(slog.DiscardHandler)}
	return s, func(n int) {
		err := store.Update(t.Context(), func(tx state.Tx) error {
			for i := range n {
				state.PutIntent(tx, state.Intent{
					Handoff: "h", Dest: s.Dest, Write: connectors.Write{Key: "k" + string(rune('a'+i))}, State: state.Ready, Due: time.Now(), Created: time.Now(),
					Message: &state.Message{To: "ana@example.com", Subject: "s", Text: "t"},
				})
			}
			return tx.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestSender: a message that fails is tried again and arrives once; one that
// never arrives is listed after a day and given up (1.71).
func TestSender(t *testing.T) {
	for _, tc := range []struct {
		name        string
		fail        int
		arrive, old int
	}{{"at once", 0, 3, 0}, {"after some trouble", 5, 3, 0}, {"never", -1, 0, 3}} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &box{fail: tc.fail}
				s, put := sender(t, b)
				put(3)
				ctx, cancel := context.WithTimeout(t.Context(), 26*time.Hour)
				defer cancel()
				if err := s.Run(ctx); err != nil {
					t.Fatal(err)
				}
				listed, left := 0, 0
				_ = s.Store.View(context.Background(), func(tx state.Tx) error {
					for _, l := range state.AllListings(tx) {
						if l.List == "undelivered" {
							listed += l.Count
						}
					}
					for range state.AllIntents(tx) {
						left++
					}
					return nil
				})
				if len(b.got) != tc.arrive || listed != tc.old || left != 0 {
					t.Errorf("%d arrived, %d listed, %d left", len(b.got), listed, left)
				}
			})
		})
	}
}

// post reaches everybody but one.
type post struct {
	err error // for who is gone
	at  map[string]time.Time
}

func (p *post) Send(_ context.Context, m Parcel) error {
	if m.To == "gone@example.com" {
		return p.err
	}
	p.at[m.Key] = time.Now()
	return nil
}

// TestOthersDoNotWait: messages to somebody whom the channel does not reach hold up one
// to somebody else by a minute at most (1.71).
func TestOthersDoNotWait(t *testing.T) {
	for name, gone := range map[string]error{"there is no address": ErrNobody, "refused": errors.New("451 try later")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &post{err: gone, at: map[string]time.Time{}}
				s, _ := sender(t, p)
				put := func(key, to string) {
					err := s.Store.Update(t.Context(), func(tx state.Tx) error {
						state.PutIntent(tx, state.Intent{
							Handoff: key, Dest: s.Dest, Write: connectors.Write{Key: key}, State: state.Ready, Due: time.Now(), Created: time.Now(),
							Message: &state.Message{To: to, Subject: "s", Text: "t"},
						})
						return tx.Err()
					})
					if err != nil {
						t.Error(err)
					}
					s.Bell.Ring()
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- s.Run(ctx) }()
				for n := range 2 * perRound {
					put(fmt.Sprint("gone", n), "gone@example.com")
				}
				time.Sleep(time.Hour)
				asked := time.Now()
				put("k", "ana@example.com")
				time.Sleep(time.Hour)
				cancel()
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				if late := p.at["k"].Sub(asked); p.at["k"].IsZero() || late > time.Minute {
					t.Errorf("it left after %s", late)
				}
			})
		})
	}
}

// TestLinks: a message carries the address of the record it speaks of, a digest
// one in each line that has a record, and none where nobody knows.
func TestLinks(t *testing.T) {
	t.Parallel()
	s := &Sender{Wall: time.Now, Link: func(_ context.Context, about connectors.Ref) string {
		if about.ID == "" {
			return ""
		}
		return "https://crm.example/" + about.ID
	}}
	about := func(ids ...string) (out []connectors.Ref) {
		for _, id := range ids {
			out = append(out, connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: id})
		}
		return out
	}
	for _, tc := range []struct {
		name       string
		m          state.Message
		text, link string
	}{
		{"one", state.Message{Text: "waits", About: about("51")}, "waits", "https://crm.example/51"},
		{"nothing", state.Message{Text: "waits"}, "waits", ""},
		{"not known", state.Message{Text: "waits", About: about("")}, "waits", ""},
		{"a digest", state.Message{Text: "a\nb\nc\nAnd 3 more.", Digest: true, About: about("1", "", "3")}, "a https://crm.example/1\nb\nc https://crm.example/3\nAnd 3 more.", ""},
	} {
		p := s.parcel(t.Context(), state.Intent{Message: &tc.m})
		if p.Text != tc.text || p.Link != tc.link {
			t.Errorf("%s: %q, link %q", tc.name, p.Text, p.Link)
		}
	}
}

// TestAlarm: while writing has stopped by itself, what speaks of that leaves
// and everything else waits; while a person has paused it, all of it waits.
func TestAlarm(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		hold   func(tx state.Tx)
		arrive string
	}{
		{"nothing holds it back", func(state.Tx) {}, "ka alarm"},
		{"stopped by itself", func(tx state.Tx) { state.PutReconcile(tx, state.Reconcile{Stop: true}) }, "alarm"},
		{"paused as well", func(tx state.Tx) {
			state.PutReconcile(tx, state.Reconcile{Stop: true})
			state.PutPause(tx, state.Pause{On: true})
		}, ""},
		{"an older copy", func(tx state.Tx) { state.PutReconcile(tx, state.Reconcile{Why: "restored"}) }, ""},
	} {
		b := &box{}
		s, put := sender(t, b)
		put(1)
		err := s.Store.Update(t.Context(), func(tx state.Tx) error {
			tc.hold(tx)
			state.PutIntent(tx, state.Intent{
				Step: "safety stop", Dest: s.Dest, Write: connectors.Write{Key: "alarm"}, State: state.Ready, Due: time.Now(), Created: time.Now(),
				Message: &state.Message{Subject: "stopped", Alarm: true},
			})
			return tx.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.round(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range b.got {
			got = append(got, p.Key)
		}
		if text := strings.Join(got, " "); text != tc.arrive {
			t.Errorf("%s: %q arrived, want %q", tc.name, text, tc.arrive)
		}
	}
}

// TestHooks: the three bodies, the signature, and no secret in an error.
func TestHooks(t *testing.T) {
	t.Parallel()
	var body []byte
	var head http.Header
	status := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		head = r.Header
		w.WriteHeader(status)
	}))
	defer srv.Close()
	p := Parcel{Key: "k1", At: time.Unix(1700000000, 0).UTC(), Message: state.Message{To: "ana@example.com", Subject: "Dana <Ito>", Text: "waits & waits"}, Link: "https://crm.example/51"}
	for _, tc := range []struct {
		name string
		body func(Parcel) any
		key  connectors.Secret
		want string
	}{
		{"slack", Slack, "", `Dana \u0026lt;Ito\u0026gt;`},
		{"teams", Teams, "", `"type":"AdaptiveCard"`},
		{"webhook", Signed, "sesame", `"key":"k1"`},
	} {
		h := &Hook{URL: connectors.Secret(srv.URL + "/hidden"), Key: tc.key, Body: tc.body}
		if err := h.Send(t.Context(), p); err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if !strings.Contains(string(body), p.Link) {
			t.Errorf("%s: no link: %s", tc.name, body)
		}
		if !json.Valid(body) || !strings.Contains(string(body), tc.want) || head.Get(HeaderKey) != "k1" {
			t.Errorf("%s: %s", tc.name, body)
		}
		if signed := head.Get(HeaderSignature); tc.key != "" && signed != Sign("sesame", "1700000000", body) || tc.key == "" && signed != "" {
			t.Errorf("%s: signature %q", tc.name, signed)
		}
	}
	status = http.StatusGone
	err := (&Hook{URL: connectors.Secret(srv.URL + "/hidden"), Body: Slack}).Send(t.Context(), p)
	srv.Close()
	down := (&Hook{URL: connectors.Secret(srv.URL + "/hidden"), Body: Slack}).Send(t.Context(), p)
	for _, err := range []error{err, down} {
		if err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("error %v", err)
		}
	}
}

// TestMail: the same message has the same Message-ID, and a server elsewhere
// that offers no encryption is told nothing.
func TestMail(t *testing.T) {
	t.Parallel()
	host, port, got := mailServer(t)
	m := &Mail{Host: host, Port: port, Plain: true, From: "handoffd@example.com"}
	p := Parcel{Key: "k1", At: time.Now(), Message: state.Message{To: "ana@example.com", Subject: "Dana\r\nBcc: x@example.com", Text: "waits"}, Link: "https://crm.example/51"}
	if err := m.Send(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	text := <-got
	if !strings.Contains(text, "Message-ID: <k1@example.com>") || strings.Contains(text, "\nBcc:") || !strings.Contains(text, "waits") || !strings.Contains(text, p.Link) {
		t.Errorf("sent:\n%s", text)
	}
	m.Plain = false
	if err := m.Send(t.Context(), p); err == nil {
		t.Error("sent without encryption")
	}
	m.Plain = true
	for to, nobody := range map[string]bool{"": true, "unknown@example.com": true, "refused@example.com": false} {
		if p.To = to; errors.Is(m.Send(t.Context(), p), ErrNobody) != nobody {
			t.Errorf("%q is nobody: %v", to, !nobody)
		}
	}
}

// mailServer takes mail on this machine and offers no encryption.
func mailServer(t *testing.T) (host string, port int, got chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	got = make(chan string, 4)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serveMail(c, got)
		}
	}()
	a := l.Addr().(*net.TCPAddr)
	return a.IP.String(), a.Port, got
}

func serveMail(c net.Conn, got chan string) {
	defer c.Close()
	say := func(s string) { _, _ = io.WriteString(c, s+"\r\n") }
	say("220 here")
	in := bufio.NewScanner(c)
	data, text := false, ""
	for in.Scan() {
		line := in.Text()
		switch verb, _, _ := strings.Cut(strings.ToUpper(line), " "); {
		case data && line == ".":
			data = false
			got <- text
			say("250 kept")
		case data:
			text += line + "\n"
		case verb == "DATA":
			data = true
			say("354 go on")
		case verb == "EHLO":
			say("250-here")
			say("250 ENHANCEDSTATUSCODES")
		case verb == "RCPT" && strings.Contains(line, "unknown"):
			say("550 5.1.1 no such mailbox")
		case verb == "RCPT" && strings.Contains(line, "refused"):
			say("550 5.7.1 relaying denied")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

// TestBeat: the heartbeat beats while all is well, and stops when it is not.
func TestBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		beats := 0
		var ill atomic.Bool
		b := &Beat{
			URL: "https://beat.example", Every: 5 * time.Minute, Log: slog.New(slog.DiscardHandler),
			Client: &http.Client{Transport: trip(func(*http.Request) { beats++ })},
			Healthy: func(context.Context) error {
				if ill.Load() {
					return errors.New("nothing has been decided")
				}
				return nil
			},
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- b.Run(ctx) }()
		time.Sleep(29 * time.Minute)
		synctest.Wait()
		first := beats
		ill.Store(true)
		time.Sleep(time.Hour)
		cancel()
		<-done
		if first != 6 || beats != first {
			t.Errorf("%d beats while well, %d in all", first, beats)
		}
	})
}

type trip func(*http.Request)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) {
	f(r)
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}
