package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// TestSlowSenders: a thousand senders that never finish their request are let
// go within seconds, headers or body, and others are served meanwhile; headers
// have a bound (I9).
func TestSlowSenders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := newPipes()
		done := make(chan error, 1)
		go func() {
			done <- serveHTTP(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					w.WriteHeader(http.StatusBadRequest)
				}
			}))
		}()
		ended := make(chan time.Duration, 1000)
		start := time.Now()
		for i := range 1000 {
			begin := "POST /webhooks/x HTTP/1.1\r\nHost: x\r\n"
			if i%2 == 0 {
				begin += "Content-Length: 100\r\n\r\n"
			}
			c := l.dial()
			go func() {
				go func() { _, _ = io.Copy(io.Discard, c) }()
				_, _ = io.WriteString(c, begin)
				for { // one more byte every now and then
					time.Sleep(time.Second)
					if _, err := io.WriteString(c, "x"); err != nil {
						break
					}
				}
				ended <- time.Since(start)
			}()
		}
		for n := range 10 {
			asked := time.Now()
			c := l.dial()
			go func() { _, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") }()
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || resp.StatusCode != http.StatusOK || time.Since(asked) > time.Second {
				t.Errorf("%d: %v after %v", n, err, time.Since(asked))
			}
			_ = c.Close()
			time.Sleep(time.Second)
		}
		for range 1000 {
			if d := <-ended; d > readTimeout+3*time.Second {
				t.Errorf("a slow sender was borne for %v", d)
			}
		}
		c := l.dial()
		go func() {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 2*maxHeader)+"\r\n\r\n")
		}()
		if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("long headers: %v, %v", resp, err)
		}
		_ = c.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
