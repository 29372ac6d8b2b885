package crmhttp

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/handoffd/handoffd/connectors"
)

// maxErrorText is how much of a CRM's words an error keeps, in bytes.
const maxErrorText = 512

var (
	bearer  = regexp.MustCompile(`(?i)(bearer\s+|"?(?:access_token|refresh_token|client_secret|assertion)"?\s*[:=]\s*"?)[^\s"',&}]+`)
	address = regexp.MustCompile(`[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+\.[A-Za-z]{2,}`)
)

// Text is s fit for an error or a log: secrets and e-mail addresses blanked,
// control characters gone, at most 512 bytes.
func (c *Client) Text(s string) string { return c.redact(s, "") }

func (c *Client) redact(s, token string) string {
	if len(s) > 64<<10 { // bound the work; the tail is cut anyway
		s = s[:64<<10]
	}
	for _, secret := range c.cfg.Secrets {
		s = blank(s, secret.Reveal())
	}
	for _, secret := range c.hidden.all() {
		s = blank(s, secret.Reveal())
	}
	s = blank(s, token)
	s = bearer.ReplaceAllString(s, "${1}[redacted]")
	s = address.ReplaceAllString(s, "[e-mail]")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	return cut(s, maxErrorText)
}

// Hide keeps a secret that came up on the way, such as a new token, out of
// every later error, beside [Config.Secrets].
func (c *Client) Hide(secret connectors.Secret) { c.hidden.add(secret) }

// hidden are the newest secrets that came up on the way.
type hidden struct {
	mu   sync.Mutex
	list []connectors.Secret
}

const mostHidden = 16

func (h *hidden) add(secret connectors.Secret) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.Contains(h.list, secret) {
		return
	}
	if len(h.list) == mostHidden {
		h.list = h.list[1:]
	}
	h.list = append(h.list, secret)
}

func (h *hidden) all() []connectors.Secret {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.list)
}

func blank(s, secret string) string {
	if len(secret) < 4 {
		return s
	}
	return strings.ReplaceAll(s, secret, "[redacted]")
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[:n]
	for len(s) > 0 && !utf8.ValidString(s[len(s)-min(len(s), utf8.UTFMax):]) {
		s = s[:len(s)-1]
	}
	return s
}

// redactErr keeps what a caller may ask an error with errors.Is, and only
// redacted words.
func (c *Client) redactErr(err error, token string) error {
	if err == nil {
		return nil
	}
	clean := errors.New(c.redact(err.Error(), token))
	for _, known := range []error{context.Canceled, context.DeadlineExceeded, connectors.ErrTooLate} {
		if errors.Is(err, known) {
			return &cause{text: clean.Error(), is: known}
		}
	}
	return clean
}

type cause struct {
	text string
	is   error
}

func (c *cause) Error() string { return c.text }
func (c *cause) Unwrap() error { return c.is }
