package main

import (
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/sync/engine"
)

// TestRevoked: an app that is uninstalled in the middle of the day is not
// hammered, nothing is written through it, the other CRM is served as ever, and
// status says what is wrong (C6).
func TestRevoked(t *testing.T) {
	t.Parallel()
	s := readStory(t, filepath.FromSlash("../../testdata/scenarios/app-uninstalled.txtar"))
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(s.start))
		st := newStage(t, s, dir, variant{name: "plain"})
		defer st.close()
		began := time.Now()
		for _, l := range s.lines[:4] {
			time.Sleep(time.Until(began.Add(l.at)))
			st.do(l)
		}
		time.Sleep(time.Minute)
		before := len(st.pair.History.Snapshot())
		time.Sleep(time.Hour)
		asked := 0
		for _, e := range st.pair.History.Snapshot()[before:] {
			if e.CRM == "hubspot" {
				asked++
				if e.Applied {
					t.Errorf("%s %s was applied", e.Method, e.Path)
				}
			}
		}
		if asked > 61 {
			t.Errorf("%d calls in an hour to a portal that has shut us out", asked)
		}
		got, err := st.daemon.status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if c := got.Connections["hubspot"]; c.State != "down" || c.Trouble == "" {
			t.Errorf("status: %s, %q", c.State, c.Trouble)
		}
		if c := got.Connections["salesforce"]; c.State != "live" {
			t.Errorf("status of the other: %s, %q", c.State, c.Trouble)
		}
		if !slices.ContainsFunc(got.Failed, func(f engine.Failure) bool {
			return f.Conn == "hubspot" && f.Class == connectors.AuthBroken.String()
		}) {
			t.Errorf("status does not say that the credentials are refused: %+v", got.Failed)
		}
	})
}
