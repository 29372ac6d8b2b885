package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/handoffd/handoffd/connectors/simulators"
)

// ready is the one line on stdout.
type ready struct {
	HubSpot struct {
		URL          string `json:"url"`
		Token        string `json:"token"`
		PortalID     string `json:"portal_id"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		RefreshToken string `json:"refresh_token"`
	} `json:"hubspot"`
	Salesforce struct {
		URL            string `json:"url"`
		Token          string `json:"token"`
		OrgID          string `json:"org_id"`
		ClientID       string `json:"client_id"`
		ClientSecret   string `json:"client_secret"`
		RefreshToken   string `json:"refresh_token"`
		PrivateKeyFile string `json:"private_key_file"`
		Username       string `json:"username"`
	} `json:"salesforce"`
	Control struct {
		URL string `json:"url"`
	} `json:"control"`
}

// serve listens, tells that it is ready, and serves until ctx ends.
func serve(ctx context.Context, o options, stdout, stderr io.Writer) error {
	listeners, err := listen(ctx, o.hubspot, o.salesforce, o.control)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	defer closeAll(listeners)
	urls := make([]string, len(listeners))
	for i, l := range listeners {
		urls[i] = "http://" + l.Addr().String()
	}
	pair, err := simulators.New(simulators.Config{
		Seed: o.seed, Faults: o.faults, People: o.people, World: o.world,
		WebhookURL: o.webhooks, MessagesURL: o.messages, OrgURL: urls[1], Setup: o.setup, Sync: o.sync,
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	keys, err := os.MkdirTemp("", "crmsim-")
	if err != nil {
		return fmt.Errorf("make folder for the private key: %w", err)
	}
	defer os.RemoveAll(keys) //nolint:errcheck // a leftover in the temporary folder harms nobody
	line, err := readyLine(urls, pair, filepath.Join(keys, "salesforce.key"))
	if err != nil {
		return err
	}

	group, ctx := errgroup.WithContext(ctx)
	logger := log.New(stderr, "crmsim: ", log.LstdFlags)
	for i, h := range [...]http.Handler{pair.HubSpot, pair.Salesforce, pair.Control()} {
		group.Go(func() error { return serveOne(ctx, listeners[i], h, logger) })
	}
	group.Go(func() error { return pair.Run(ctx) })
	if _, err := stdout.Write(line); err != nil {
		return fmt.Errorf("write ready line: %w", err)
	}
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func listen(ctx context.Context, addresses ...string) ([]net.Listener, error) {
	var out []net.Listener
	for _, a := range addresses {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a)
		if err != nil {
			closeAll(out)
			return nil, fmt.Errorf("listen: %w", err)
		}
		out = append(out, l)
	}
	return out, nil
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close() // closed already after a clean stop
	}
}

// serveOne serves until ctx ends, then lets calls on their way finish for a moment.
func serveOne(ctx context.Context, l net.Listener, h http.Handler, logger *log.Logger) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: logger}
	stopped := make(chan struct{})
	defer context.AfterFunc(ctx, func() {
		defer close(stopped)
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(patience) != nil { // a hanging call does not keep the process
			_ = server.Close()
		}
	})()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	<-stopped
	return nil
}

// readyLine writes the private key to keyFile and makes the line that names everything.
func readyLine(urls []string, pair *simulators.Pair, keyFile string) ([]byte, error) {
	hc, fc := pair.HubSpot.Credentials(), pair.Salesforce.Credentials()
	if err := os.WriteFile(keyFile, []byte(fc.PrivateKeyPEM), 0o600); err != nil {
		return nil, fmt.Errorf("write private key: %w", err)
	}
	var r ready
	r.HubSpot.URL, r.Salesforce.URL, r.Control.URL = urls[0], urls[1], urls[2]
	r.HubSpot.Token, r.HubSpot.PortalID = hc.Token, hc.PortalID
	r.HubSpot.ClientID, r.HubSpot.ClientSecret, r.HubSpot.RefreshToken = hc.ClientID, hc.ClientSecret, hc.RefreshToken
	r.Salesforce.Token, r.Salesforce.OrgID, r.Salesforce.Username = fc.Token, fc.OrgID, fc.Username
	r.Salesforce.ClientID, r.Salesforce.ClientSecret, r.Salesforce.PrivateKeyFile = fc.ClientID, fc.ClientSecret, keyFile
	r.Salesforce.RefreshToken = fc.RefreshToken
	line, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write ready line: %w", err)
	}
	return append(line, '\n'), nil
}
