package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/notify"
	"github.com/handoffd/handoffd/sync/plan"
)

// place is one channel's, from HANDOFFD_NOTIFY_<NAME>_….
type place struct {
	URL    string `env:"URL"`
	Secret string `env:"SECRET"`
}

// heartbeat is what stands for a channel's name in the variable of the
// heartbeat's address.
const heartbeat = "heartbeat"

// openChannels makes every channel of the rules, and the address of the
// heartbeat.
func openChannels(ctx context.Context, lookup envconfig.Lookuper, rules *plan.Rules) (map[string]notify.Channel, connectors.Secret, error) {
	out := map[string]notify.Channel{}
	for _, c := range rules.Channels() {
		prefix, at, err := placeOf(ctx, lookup, c.Name)
		if err != nil {
			return nil, "", err
		}
		if out[c.Name], err = openChannel(c, prefix, at); err != nil {
			return nil, "", err
		}
	}
	if rules.Heartbeat() == 0 {
		return out, "", nil
	}
	_, at, err := placeOf(ctx, lookup, heartbeat)
	return out, connectors.Secret(at.URL), err
}

// placeOf reads where a channel is. An address that is not encrypted is one of
// this machine.
func placeOf(ctx context.Context, lookup envconfig.Lookuper, name string) (prefix string, at place, err error) {
	prefix = connPrefix("NOTIFY_" + name)
	err = envconfig.ProcessWith(ctx, &envconfig.Config{Target: &at, Lookuper: envconfig.PrefixLookuper(prefix, orFile{lookup})})
	if err != nil {
		return prefix, at, usageError("read %s…: %w", prefix, err)
	}
	if at.URL == "" {
		return prefix, at, &exitError{code: exitUsage, err: fmt.Errorf("channel %s has no address", name), try: "set " + prefix + "URL, or " + prefix + "URL_FILE"}
	}
	return prefix, at, nil
}

func openChannel(c plan.Channel, prefix string, at place) (notify.Channel, error) {
	if c.Kind == "email" {
		return openMail(c, prefix, at)
	}
	if err := encrypted(at.URL); err != nil {
		return nil, usageError("%sURL: it is not https, and only an address of this machine may be", prefix) // it is a secret
	}
	h := &notify.Hook{URL: connectors.Secret(at.URL), Key: connectors.Secret(at.Secret), Body: notify.Signed}
	switch c.Kind {
	case "slack":
		h.Body = notify.Slack
	case "teams":
		h.Body = notify.Teams
	default:
		if at.Secret == "" {
			return nil, &exitError{code: exitUsage, err: fmt.Errorf("channel %s signs what it sends, and has no secret", c.Name), try: "set " + prefix + "SECRET"}
		}
	}
	return h, nil
}

// openMail reads smtp://user@host:port, or smtps:// where the line is
// encrypted from the beginning.
func openMail(c plan.Channel, prefix string, at place) (notify.Channel, error) {
	u, err := url.Parse(at.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, usageError("%sURL: write it like smtp://user@mail.example.com:587, the password in %[1]sSECRET", prefix)
	}
	m := &notify.Mail{
		Host: u.Hostname(), Port: 587, User: u.User.Username(), Password: connectors.Secret(at.Secret), From: c.From,
		Implicit: u.Scheme == "smtps", Plain: u.Scheme == "smtp" && loopback(u.Hostname()),
	}
	if m.Implicit {
		m.Port = 465
	}
	if p := u.Port(); p != "" {
		m.Port, _ = strconv.Atoi(p)
	}
	return m, nil
}

// senders are one for each channel that can be reached.
func (d *daemon) makeSenders(bells map[string]engine.Bell) {
	for _, c := range d.config.Rules.Channels() {
		channel, ok := d.config.Channels[c.Name]
		if !ok {
			continue
		}
		bells[c.Dest()] = engine.NewBell()
		d.senders = append(d.senders, &notify.Sender{
			Dest: c.Dest(), Channel: channel, Store: d.config.Store, Book: d.book, Bell: bells[c.Dest()], Link: d.link, Wall: d.config.Wall, Log: d.config.Log,
		})
	}
}

// link is where a person sees a record in its CRM; "" where nobody knows.
func (d *daemon) link(ctx context.Context, about connectors.Ref) string {
	l, ok := d.config.Conns[about.Conn].(connectors.Linker)
	if !ok || about.ID == "" {
		return ""
	}
	tenant := ""
	err := d.config.Store.View(ctx, func(tx state.Tx) error {
		c, _ := state.GetConn(tx, about.Conn)
		tenant = c.Tenant
		return tx.Err()
	})
	if err != nil {
		return "" // a message without its link is better than none
	}
	return l.Link(about, tenant)
}

// How long polling and deciding may take before nobody should think that all is
// well.
const (
	pollsMissed  = 3
	leastStalled = 10 * time.Minute
	laneStalled  = 3 * time.Minute
)

// healthy is whether the heartbeat may say that all is well: the state answers,
// every lane turns, and every connection has been polled of late.
func (d *daemon) healthy(ctx context.Context) error {
	if err := d.liveness(ctx); err != nil {
		return err
	}
	now := d.config.Wall()
	for _, l := range d.lanes {
		if at := l.Turned(); !at.IsZero() && now.Sub(at) > laneStalled {
			return fmt.Errorf("nothing has been decided since %s", at.UTC().Format(time.RFC3339))
		}
	}
	return d.config.Store.View(ctx, func(tx state.Tx) error {
		for _, c := range d.book.Rules().Conns() {
			for _, w := range d.book.Rules().Watched(c.Name) {
				cur, _ := state.GetCursor(tx, c.Name, w.Kind)
				at := cur.At
				if at.Before(d.started) {
					at = d.started
				}
				if late := now.Sub(at); late > max(leastStalled, pollsMissed*c.PollEvery) {
					return fmt.Errorf("%s %s has not been polled for %s", c.Name, w.Kind, late.Round(time.Second))
				}
			}
		}
		return tx.Err()
	})
}
