package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"

	"github.com/handoffd/handoffd/connectors/simulators"
)

// options are the flags of serve, checked.
type options struct {
	hubspot, salesforce, control string
	seed                         uint64
	faults                       simulators.Faults
	world                        map[string]json.RawMessage // by CRM; nil: the default world alone
	webhooks, messages           string
	people                       int
	setup                        map[string]json.RawMessage // by CRM, and "sync"
	sync                         simulators.SyncConfig
}

// parseFlags reads and checks the flags; every error but a call for help is an errUsage.
func parseFlags(args []string, stderr io.Writer) (options, error) {
	var o options
	var profile, world, unique, setup, native string
	flags := flag.NewFlagSet("crmsim serve", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.hubspot, "hubspot", "127.0.0.1:0", "`address` of the HubSpot portal; port 0 picks one")
	flags.StringVar(&o.salesforce, "salesforce", "127.0.0.1:0", "`address` of the Salesforce org")
	flags.StringVar(&o.control, "control", "127.0.0.1:0", "`address` of the control API")
	flags.StringVar(&profile, "profile", "default", "how hostile: calm, default or hell")
	flags.Uint64Var(&o.seed, "seed", 1, "equal seeds give equal ids and faults")
	flags.StringVar(&world, "world", "", "JSON `file` with records to add, in the shape of GET /world")
	flags.StringVar(&o.webhooks, "hubspot-webhooks", "", "`URL` that receives HubSpot's webhooks")
	flags.StringVar(&o.messages, "salesforce-messages", "", "`URL` that receives Salesforce's outbound messages")
	flags.IntVar(&o.people, "people", 5, "simulated reps and meddlers; 0: nobody")
	flags.StringVar(&unique, "unique-tasks", "yes", "yes or no: whether tasks accept a unique key")
	flags.StringVar(&setup, "setup", "", "JSON `file` with what the CRMs are: {\"hubspot\":{…},\"salesforce\":{…},\"sync\":{…}}, as POST /setup and /sync take it")
	flags.StringVar(&native, "sync", "off", "HubSpot's own Salesforce connector: off, recent (the last change wins) or salesforce (it wins)")
	if err := flags.Parse(args); err != nil {
		if err == flag.ErrHelp { //nolint:errorlint // flag returns it as it is
			return o, err
		}
		return o, fmt.Errorf("%w: %w", errUsage, err)
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%w: unexpected argument %q", errUsage, flags.Arg(0))
	}
	err := o.check(profile, unique)
	if err == nil {
		o.sync, err = syncOf(native)
	}
	if err != nil {
		return o, fmt.Errorf("%w: %w", errUsage, err)
	}
	for _, f := range [...]struct {
		what, name string
		into       *map[string]json.RawMessage
	}{{"world", world, &o.world}, {"setup", setup, &o.setup}} {
		if f.name == "" {
			continue
		}
		raw, err := os.ReadFile(f.name)
		if err == nil {
			err = json.Unmarshal(raw, f.into)
		}
		if err != nil {
			return o, fmt.Errorf("%w: read %s: %w", errUsage, f.what, err)
		}
	}
	return o, nil
}

// syncOf is the native sync as --sync turns it on: owners too, and Leads and contacts are created.
func syncOf(mode string) (simulators.SyncConfig, error) {
	switch mode {
	case "off":
		return simulators.SyncConfig{}, nil
	case simulators.PreferRecent, simulators.PreferSalesforce:
		return simulators.SyncConfig{On: true, Prefer: mode, Owner: true, CreateLeads: true, CreateContacts: true}, nil
	}
	return simulators.SyncConfig{}, fmt.Errorf("--sync %q: off, recent or salesforce", mode)
}

func (o *options) check(profile, unique string) error {
	var err error
	if o.faults, err = simulators.Profile(profile); err != nil {
		return err
	}
	if unique != "yes" && unique != "no" {
		return fmt.Errorf("--unique-tasks %q: yes or no", unique)
	}
	o.faults.UniqueTasks = unique == "yes"
	if o.people < 0 {
		return fmt.Errorf("--people %d: 0 or more", o.people)
	}
	for _, a := range [...]struct{ flag, address string }{
		{"hubspot", o.hubspot}, {"salesforce", o.salesforce}, {"control", o.control},
	} {
		if err := loopback(a.address); err != nil {
			return fmt.Errorf("--%s: %w", a.flag, err)
		}
	}
	for _, t := range [...]struct{ flag, target string }{
		{"hubspot-webhooks", o.webhooks}, {"salesforce-messages", o.messages},
	} {
		if t.target == "" {
			continue
		}
		if u, err := url.Parse(t.target); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("--%s %q is not an http or https address", t.flag, t.target)
		}
	}
	return nil
}

// loopback refuses an address that others than this machine could reach.
func loopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if host == "localhost" {
		return nil
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%q is not a loopback address, and the simulators have no other protection", address)
	}
	return nil
}
