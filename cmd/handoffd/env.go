package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/sethvargo/go-envconfig"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/sync/plan"
)

// environment is what the operator sets. It beats the files.
type environment struct {
	Config      string `env:"CONFIG, default=./handoffd.d"`
	State       string `env:"STATE, default=./handoffd.db"`
	WebhookAddr string `env:"WEBHOOK_ADDR, default=127.0.0.1:8080"`
	AdminAddr   string `env:"ADMIN_ADDR, default=127.0.0.1:8081"`
	PublicURL   string `env:"PUBLIC_URL"`
	Mode        string `env:"MODE"`
}

// credentials are one connection's, from HANDOFFD_<NAME>_….
type credentials struct {
	URL           string `env:"URL"`
	Token         string `env:"TOKEN"`
	ClientID      string `env:"CLIENT_ID"`
	ClientSecret  string `env:"CLIENT_SECRET"`
	RefreshToken  string `env:"REFRESH_TOKEN"`
	PrivateKey    string `env:"PRIVATE_KEY"`
	Username      string `env:"USERNAME"`
	WebhookSecret string `env:"WEBHOOK_SECRET"`
	APIVersion    string `env:"API_VERSION"`
}

const envPrefix = "HANDOFFD_"

// orFile looks a variable up, and where it is not set reads the file that the
// variable with _FILE behind its name points to.
type orFile struct{ env envconfig.Lookuper }

func (l orFile) Lookup(key string) (string, bool) {
	if v, ok := l.env.Lookup(key); ok && v != "" { // X= says as much as no X
		return v, true
	}
	path, ok := l.env.Lookup(key + "_FILE")
	if !ok || path == "" {
		return "", false
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", false // reported by readable, with the file's name
	}
	return strings.TrimRight(string(raw), "\r\n"), true
}

// readable checks that every …_FILE variable of ours can be read.
func readable(environ []string) error {
	var errs []error
	for _, kv := range environ {
		key, path, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(key, envPrefix) || !strings.HasSuffix(key, "_FILE") || path == "" {
			continue
		}
		if _, err := os.ReadFile(path); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	return errors.Join(errs...)
}

func readEnvironment(ctx context.Context, lookup envconfig.Lookuper) (environment, error) {
	var env environment
	err := envconfig.ProcessWith(ctx, &envconfig.Config{
		Target: &env, Lookuper: envconfig.PrefixLookuper(envPrefix, orFile{lookup}),
	})
	if err != nil {
		return env, usageError("read the environment: %w", err)
	}
	if env.PublicURL == "" {
		env.PublicURL = "http://" + env.WebhookAddr
	}
	if _, err := url.Parse(env.PublicURL); err != nil {
		return env, usageError("HANDOFFD_PUBLIC_URL: %w", err)
	}
	if env.Mode != "" && env.Mode != "observe" && env.Mode != "write" {
		return env, usageError("HANDOFFD_MODE is %q; it must be observe or write", env.Mode)
	}
	return env, nil
}

// connPrefix is what the variables of a connection begin with.
func connPrefix(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_"
}

// credentialsHint names the variables that a connection looks at.
func credentialsHint(name string) string {
	p := connPrefix(name)
	return fmt.Sprintf("for %s set %[2]sTOKEN, or %[2]sCLIENT_ID and %[2]sCLIENT_SECRET, or …REFRESH_TOKEN with …CLIENT_ID, or …PRIVATE_KEY with …USERNAME and …CLIENT_ID; %[2]sURL where the CRM has an address of its own. A name with _FILE behind it names a file", name, p)
}

// settings are what an adapter needs for a connection.
func settings(ctx context.Context, lookup envconfig.Lookuper, name string) (connectors.Settings, error) {
	prefix := connPrefix(name)
	var c credentials
	err := envconfig.ProcessWith(ctx, &envconfig.Config{
		Target: &c, Lookuper: envconfig.PrefixLookuper(prefix, orFile{lookup}),
	})
	if err != nil {
		return connectors.Settings{}, usageError("read %s…: %w", prefix, err)
	}
	if c.URL != "" {
		if err := encrypted(c.URL); err != nil {
			return connectors.Settings{}, usageError("%sURL: %w", prefix, err)
		}
	}
	return connectors.Settings{
		Name: name, URL: c.URL, Token: connectors.Secret(c.Token),
		ClientID: c.ClientID, ClientSecret: connectors.Secret(c.ClientSecret),
		RefreshToken: connectors.Secret(c.RefreshToken), PrivateKey: connectors.Secret(c.PrivateKey),
		Username: c.Username, WebhookSecret: connectors.Secret(c.WebhookSecret),
		APIVersion: c.APIVersion,
	}, nil
}

// signalSecrets are HANDOFFD_SIGNAL_<SOURCE>_SECRET of every source the rules
// name; one without a secret is closed.
func signalSecrets(lookup envconfig.Lookuper, rules *plan.Rules) map[string]connectors.Secret {
	out := map[string]connectors.Secret{}
	for _, s := range rules.Signals() {
		if v, ok := lookup.Lookup(connPrefix("signal-"+s.Name) + "SECRET"); ok {
			out[s.Name] = connectors.Secret(v)
		}
	}
	return out
}

// encrypted refuses an address without TLS, except on this machine.
func encrypted(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	if u.Scheme == "https" || (u.Scheme == "http" && loopback(u.Hostname())) {
		return nil
	}
	return fmt.Errorf("%s is not https; only an address of this machine may be", address)
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
