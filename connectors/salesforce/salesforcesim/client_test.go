package salesforcesim

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// TestRealClient logs in with x/oauth2 over a real socket and works as any client would.
func TestRealClient(t *testing.T) {
	t.Parallel()
	sim := New(Config{Seed: 7})
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	sim.SetBaseURL(srv.URL)
	cred := sim.Credentials()
	conf := clientcredentials.Config{ClientID: cred.ClientID, ClientSecret: cred.ClientSecret, TokenURL: srv.URL + "/services/oauth2/token", AuthStyle: oauth2.AuthStyleInParams}
	token, err := conf.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !token.Expiry.IsZero() || token.Extra("instance_url") != srv.URL {
		t.Errorf("expiry %v, instance_url %v", token.Expiry, token.Extra("instance_url"))
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(`{"LastName":"Zip","Company":"Co"}`))
	_ = z.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/services/data/v66.0/sobjects/Lead/", &zipped)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json; charset=UTF-8")
	req.Header.Set("Content-Encoding", "gzip")
	res, err := conf.Client(t.Context()).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != http.StatusCreated || !strings.Contains(string(body), `"success":true`) {
		t.Errorf("%d %s %v", res.StatusCode, body, err)
	}
}

// TestReplyDropped: a write may be applied although its caller sees a broken connection.
func TestReplyDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := simhttp.NewHistory()
		sim := New(Config{Seed: 7, History: h, UniqueTasks: true, Faults: simhttp.Faults{DropReply: 1}})
		client := http.Client{Transport: simhttp.Carrier(map[string]http.Handler{"handoffd.my.salesforce.com": sim})}
		call := func(method, path, body string) (*http.Response, error) {
			req, err := http.NewRequestWithContext(t.Context(), method, defaultBaseURL+"/services/data/v60.0/"+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+sim.auth.token)
			req.Header.Set("Content-Type", "application/json")
			return client.Do(req)
		}
		if res, err := call("POST", "sobjects/Task", `{"Subject":"s","Handoff_Key__c":"k"}`); err == nil {
			_ = res.Body.Close()
			t.Fatal("the reply arrived")
		}
		if last := h.Snapshot()[0]; !last.Applied || last.Status != 0 {
			t.Errorf("history: %+v", last)
		}
		res, err := call("GET", "sobjects/Task/Handoff_Key__c/k", "")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("read back by key: %d", res.StatusCode)
		}
	})
}

// TestManyCallers looks for races: writers, readers, edits, worlds and fault changes at once.
func TestManyCallers(t *testing.T) {
	t.Parallel()
	hostile, err := simhttp.Profile("default")
	if err != nil {
		t.Fatal(err)
	}
	delete(hostile.Rate, "hang")
	delete(hostile.Rate, "truncated") // half of the cut answers break the connection, which has no caller here
	hostile.DropReply = 0
	c := newClient(t, Config{Faults: hostile, People: 5, History: simhttp.NewHistory()})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 40 {
				c.do("POST", "sobjects/Lead", `{"LastName":"L","Company":"C","Handoff_Status__c":"Assigned"}`)
				c.query("SELECT Id, Owner.Name FROM Lead ORDER BY SystemModstamp DESC, Id LIMIT 20")
				_, _ = c.sim.Edit(simhttp.Edit{Object: "Lead", Op: "submit_form", Fields: map[string]any{"email": "x@race.example", "form": "f"}})
			}
		})
	}
	for range 10 {
		if _, err := json.Marshal(c.sim.World()); err != nil {
			t.Error(err)
		}
		c.sim.SetFaults(hostile)
		c.sim.Stats()
	}
	wg.Wait()
}

func TestLocatorExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{PageSize: 10, SessionLife: 100 * time.Hour})
		var page struct{ NextRecordsURL string }
		c.query("SELECT Id FROM Account").into(t, &page)
		u, err := url.Parse(page.NextRecordsURL)
		if err != nil || !strings.HasPrefix(u.Path, "/services/data/v60.0/query/01g") {
			t.Fatalf("nextRecordsUrl %q", page.NextRecordsURL)
		}
		time.Sleep(47 * time.Hour)
		if a := c.do("GET", page.NextRecordsURL, ""); a.Status != http.StatusOK {
			t.Errorf("after 47 h: %s", a.Raw)
		}
		time.Sleep(2 * time.Hour)
		if a := c.do("GET", page.NextRecordsURL, ""); a.Status != http.StatusBadRequest || a.code(t) != "INVALID_QUERY_LOCATOR" {
			t.Errorf("after 49 h: %d %s", a.Status, a.Raw)
		}
	})
}
