package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/handoffd/handoffd/connectors"
)

// Mail sends e-mail over a submission server. The line is encrypted from the
// beginning or by STARTTLS; only a server on this machine is spoken to plainly.
type Mail struct {
	Host     string
	Port     int
	User     string            // blank: no login
	Password connectors.Secret // of the user
	Implicit bool              // encrypted from the beginning
	Plain    bool              // the server is on this machine
	From     string
}

// Send implements [Channel].
func (m *Mail) Send(ctx context.Context, p Parcel) error {
	if !strings.Contains(p.To, "@") {
		return ErrNobody
	}
	msg := mail.NewMsg()
	if err := msg.From(m.From); err != nil {
		return fmt.Errorf("the sender's address: %w", err)
	}
	if err := msg.To(p.To); err != nil {
		return fmt.Errorf("%w: %w", ErrNobody, err)
	}
	_, domain, _ := strings.Cut(m.From, "@")
	msg.SetMessageIDWithValue(p.Key + "@" + domain)
	msg.SetDateWithValue(p.At)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.Subject(strings.Join(strings.Fields(p.Subject), " "))
	text := p.Text
	if p.Link != "" {
		text += "\n\n" + p.Link
	}
	msg.SetBodyString(mail.TypeTextPlain, text)
	client, err := m.client()
	if err != nil {
		return fmt.Errorf("reach the mail server: %w", err)
	}
	// Once the server has taken it, how the line ends is no news: it would be sent again.
	if err := client.DialAndSendWithContext(ctx, msg); err != nil && !msg.IsDelivered() {
		if unknown(err) {
			return fmt.Errorf("%w: %w", ErrNobody, err)
		}
		return fmt.Errorf("send an e-mail: %w", err)
	}
	return nil
}

// unknown reports whether a server says that there is no such mailbox (RFC 3463, 5.1).
// What it refuses for another reason may be its settings, and is tried again.
func unknown(err error) bool {
	var refused *mail.SendError
	return errors.As(err, &refused) && refused.Reason == mail.ErrSMTPRcptTo && strings.HasPrefix(refused.EnhancedStatusCode(), "5.1.")
}

func (m *Mail) client() (*mail.Client, error) {
	opts := []mail.Option{mail.WithPort(m.Port), mail.WithTimeout(callTimeout), mail.WithTLSPolicy(mail.TLSMandatory)}
	switch {
	case m.Implicit:
		opts = append(opts, mail.WithSSL())
	case m.Plain:
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	}
	if m.User != "" {
		opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.User), mail.WithPassword(string(m.Password)))
	}
	return mail.NewClient(m.Host, opts...)
}
