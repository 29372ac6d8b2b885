package hubspot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/connectortest"
	"github.com/handoffd/handoffd/connectors/hubspot"
	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// safe is a vault that can fail.
type safe struct {
	mu     sync.Mutex
	kept   map[connectors.Secret]connectors.Secret
	events []string
	broken error
}

func (v *safe) Load(_ context.Context, configured connectors.Secret) (connectors.Secret, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.kept[configured], v.broken
}

func (v *safe) Keep(_ context.Context, configured, token connectors.Secret) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.broken != nil {
		return v.broken
	}
	if v.kept == nil {
		v.kept = make(map[connectors.Secret]connectors.Secret)
	}
	v.kept[configured] = token
	v.events = append(v.events, "kept")
	return nil
}

func setUp(t *testing.T, sim *hubspotsim.Sim, doc string) {
	t.Helper()
	if err := sim.Setup(json.RawMessage(doc)); err != nil {
		t.Fatal(err)
	}
}

// oauthPortal is a connector with an OAuth app's credentials.
func oauthPortal(t *testing.T, v connectors.Vault, change func(*connectors.Settings)) (connectors.Connector, *hubspotsim.Sim, *connectortest.Wire) {
	t.Helper()
	_, sim, wire := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
	creds := sim.Credentials()
	s := connectors.Settings{
		Name: "hubspot", URL: "https://" + host, Transport: wire, Vault: v,
		ClientID: creds.ClientID, ClientSecret: connectors.Secret(creds.ClientSecret), RefreshToken: connectors.Secret(creds.RefreshToken),
	}
	if change != nil {
		change(&s)
	}
	c, err := hubspot.New(s)
	if err != nil {
		t.Fatal(err)
	}
	setUp(t, sim, `{"track":"oauth","rotate_refresh":true}`)
	return c, sim, wire
}

func ask(t *testing.T, c connectors.Connector) error {
	t.Helper()
	_, err := c.(connectors.Describer).Tenant(t.Context())
	return err
}

// (C5) A new refresh token is stored before the access token is used; a
// restart begins with it, and one that cannot be stored is not used.
func TestRefreshTokenIsKeptBeforeUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &safe{}
		c, sim, wire := oauthPortal(t, v, nil)
		for range 5 { // an access token lives half an hour
			if err := ask(t, c); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		if len(v.events) != 5 {
			t.Errorf("%d tokens were kept in five exchanges", len(v.events))
		}
		creds := sim.Credentials()
		restart := func() connectors.Connector {
			again, err := hubspot.New(connectors.Settings{
				Name: "hubspot", URL: "https://" + host, Transport: wire, Vault: v,
				ClientID: creds.ClientID, ClientSecret: connectors.Secret(creds.ClientSecret), RefreshToken: connectors.Secret(creds.RefreshToken),
			})
			if err != nil {
				t.Fatal(err)
			}
			return again
		}
		if err := ask(t, restart()); err != nil {
			t.Errorf("after a restart: %v", err)
		}

		v.broken = errors.New("disk full")
		c = restart()
		if err := ask(t, c); connectors.ClassOf(err) != connectors.Unavailable {
			t.Errorf("a vault that cannot be read: %v", err)
		}
		v.broken = nil
		if err := ask(t, c); err != nil { // looked up
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		v.broken = errors.New("disk full")
		wire.Forget()
		if err := ask(t, c); connectors.ClassOf(err) != connectors.AuthBroken || !strings.Contains(err.Error(), "cannot be stored") {
			t.Errorf("a token that cannot be kept: %v", err)
		}
		if seen := wire.Seen(); len(seen) != 1 || !strings.Contains(seen[0].Path, "/oauth/") {
			t.Errorf("the access token was used: %+v", seen)
		}
		v.broken = nil
		time.Sleep(time.Minute)
		if err := ask(t, c); err != nil {
			t.Errorf("once it can be stored: %v", err)
		}
	})
}

// (C5) The reply to an exchange is lost, with the new refresh token in it.
func TestLostExchange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _, wire := oauthPortal(t, &safe{}, nil)
		wire.Fail(false, connectortest.Answer{Applied: true, Err: errors.New("reset")})
		if err := ask(t, c); connectors.ClassOf(err) != connectors.Unavailable {
			t.Errorf("got %v", err)
		}
		time.Sleep(5 * time.Second)
		if err := ask(t, c); err != nil {
			t.Errorf("the next exchange: %v", err)
		}
	})
}

// (C5, C6) A revoked installation and a wrong configuration are told apart,
// each with what to do, and neither is asked about in a loop.
func TestRefusedExchanges(t *testing.T) {
	t.Parallel()
	body := func(word, status string) string {
		return fmt.Sprintf(`{"error":%q,"error_description":"d","status":%q,"message":"m"}`, word, status)
	}
	tests := map[string]struct {
		status int
		body   string
		class  string
		want   string
	}{
		"revoked":        {400, body("invalid_grant", "BAD_REFRESH_TOKEN"), "auth_broken", "install the app in the portal again"},
		"portal gone":    {400, body("access_denied", "BAD_HUB"), "auth_broken", "the portal is gone"},
		"client id":      {400, body("invalid_client", "BAD_CLIENT_ID"), "auth_broken", "our configuration is wrong: CLIENT_ID"},
		"client secret":  {400, body("invalid_client", "BAD_CLIENT_SECRET"), "auth_broken", "our configuration is wrong: CLIENT_SECRET"},
		"no status":      {401, `{"error":"invalid_client"}`, "auth_broken", "our configuration is wrong"},
		"scopes":         {400, body("invalid_scope", "BAD_SCOPES"), "auth_broken", "install it again with the scopes"},
		"redirect":       {400, body("invalid_request", "BAD_REDIRECT_URI"), "auth_broken", "our configuration is wrong"},
		"forbidden":      {403, `{"message":"no"}`, "auth_broken", "our configuration is wrong"},
		"too many":       {429, `{"error":"rate","message":"slow down"}`, "throttled", "slow down"},
		"down":           {503, `{"error":"server_error"}`, "unavailable", "server_error"},
		"maintenance":    {200, `<html>soon</html>`, "unavailable", "token endpoint"},
		"a firewall":     {403, `<html>blocked</html>`, "unavailable", "not JSON"},
		"half an answer": {200, `{"access_token":"x`, "unavailable", "token endpoint"},
		"no token in it": {200, `{"token_type":"bearer"}`, "unavailable", "token endpoint"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, _, wire := oauthPortal(t, nil, nil)
				wire.Fail(false, answer(test.status, test.body))
				err := ask(t, c)
				if connectors.ClassOf(err).String() != test.class || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %s with %q", err, test.class, test.want)
				}
				if test.class == "auth_broken" {
					sent := len(wire.Seen())
					if err := ask(t, c); connectors.ClassOf(err) != connectors.AuthBroken || len(wire.Seen()) != sent {
						t.Errorf("asked again at once: %v", err)
					}
				}
				time.Sleep(time.Minute)
				if err := ask(t, c); err != nil {
					t.Errorf("a minute later: %v", err)
				}
			})
		})
	}
}

// (C6) The app is uninstalled while we work: an hour of trying costs no more
// than one probe a minute, and a new installation is noticed within one.
func TestRevokedInstallation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, wire := oauthPortal(t, &safe{}, nil)
		ids := people(t, sim, 1)
		read := func() error {
			_, err := c.Read(t.Context(), "contacts", ids, nil)
			return err
		}
		if err := read(); err != nil {
			t.Fatal(err)
		}
		setUp(t, sim, `{"revoked":true}`)
		wire.Forget()
		for range 3600 {
			if err := read(); connectors.ClassOf(err) != connectors.AuthBroken {
				t.Fatalf("got %v", err)
			}
			time.Sleep(time.Second)
		}
		if n := len(wire.Seen()); n > 2*62 {
			t.Errorf("%d requests in an hour", n)
		}
		setUp(t, sim, `{"revoked":false}`)
		time.Sleep(time.Minute)
		if err := read(); err != nil {
			t.Errorf("a minute after the access was given back: %v", err)
		}
	})
}

// (C4) A thousand calls whose token has ended: one refresh.
func TestOneRefreshForAThousand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &safe{}
		c, sim, wire := oauthPortal(t, v, nil)
		ids := people(t, sim, 1)
		if _, err := c.Read(t.Context(), "contacts", ids, nil); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		ended, expired := "", 0
		wire.Next = trip(func(r *request) (*response, error) {
			mu.Lock()
			defer mu.Unlock()
			if ended == "" {
				ended = r.token
			}
			if r.token != ended || r.token == "" {
				return nil, nil
			}
			expired++
			return &response{401, `{"status":"error","category":"EXPIRED_AUTHENTICATION","message":"expired"}`}, nil
		}).over(wire.Next)
		wire.Forget()
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if _, err := c.Read(t.Context(), "contacts", ids, nil); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		refreshes := 0
		for _, r := range wire.Seen() {
			if strings.Contains(r.Path, "/oauth/") {
				refreshes++
			}
		}
		if refreshes != 1 || expired == 0 {
			t.Errorf("%d refreshes after %d refusals", refreshes, expired)
		}
	})
}

// (C4) The token ends between two batches of one Apply: what was done is not
// sent again.
func TestTokenEndsBetweenBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, wire := oauthPortal(t, &safe{}, nil)
		ids := people(t, sim, 300)
		var writes []connectors.Write
		for i, id := range ids {
			writes = append(writes, connectors.Write{Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: id}, Key: fmt.Sprint("k", i), Set: map[string]any{"firstname": "x"}})
		}
		if _, err := c.(connectors.Describer).Describe(t.Context(), []connectors.Kind{"contacts"}); err != nil {
			t.Fatal(err)
		}
		wire.Forget()
		second := 0
		counting := wire.IsWrite
		wire.IsWrite = func(method, path, body string) bool {
			if !counting(method, path, body) {
				return false
			}
			if second++; second == 2 { // the second batch meets a token that is no more
				setUp(t, sim, `{"revoked":true}`)
				setUp(t, sim, `{"revoked":false}`)
			}
			return true
		}
		wire.Fail(true, connectortest.Answer{Status: 401, Body: `{"status":"error","category":"EXPIRED_AUTHENTICATION","message":"expired"}`})
		results, err := c.Apply(t.Context(), writes)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
		sent := make(map[string]int)
		for _, w := range wire.Writes() {
			sent[w.Body]++
		}
		if n := len(wire.Writes()); n != 4 || len(sent) != 3 {
			t.Errorf("%d requests with %d bodies for three batches and one 401", n, len(sent))
		}
	})
}

// (C6) A scope is taken away: the call it opened is refused with its name and
// asked about once a minute; other calls go on.
func TestScopeTakenAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, wire := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
		ids := people(t, sim, 1)
		ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: ids[0]}
		write := func() *connectors.Error {
			results, err := c.Apply(t.Context(), []connectors.Write{{Ref: ref, Key: "k", Set: map[string]any{"firstname": "x"}}})
			if err != nil {
				t.Fatal(err)
			}
			return results[0].Err
		}
		if err := write(); err != nil {
			t.Fatal(err)
		}
		setUp(t, sim, `{"scopes":["crm.objects.contacts.read","crm.schemas.contacts.read"]}`)
		wire.Forget()
		for range 600 {
			if err := write(); err == nil || err.Class != connectors.Denied || !strings.Contains(err.Error(), "crm.objects.contacts.write") {
				t.Fatalf("got %v", err)
			}
			time.Sleep(time.Second)
		}
		if n := len(wire.Writes()); n > 11 {
			t.Errorf("%d refused requests in ten minutes", n)
		}
		if _, err := c.Read(t.Context(), "contacts", ids, nil); err != nil {
			t.Errorf("reading: %v", err)
		}
		setUp(t, sim, `{"scopes":["*"]}`)
		time.Sleep(time.Minute)
		if err := write(); err != nil {
			t.Errorf("a minute after it was given back: %v", err)
		}
	})
}

// (C6, I5) A service key has no client secret and no webhooks: none is taken,
// the reason says so, and polling brings the change.
func TestServiceKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, func(s *connectors.Settings) { s.ClientSecret = "" })
		setUp(t, sim, `{"track":"service_key"}`)
		_, err := c.(connectors.Receiver).Receive(connectors.Request{Method: "POST", URL: "https://a.example/h", Body: []byte(`[]`), At: time.Now(), Tenant: "1"})
		var refusal *connectors.Refusal
		if !errors.As(err, &refusal) || refusal.Reason != "no_secret" || refusal.Status != 401 || !strings.Contains(refusal.Detail, "service key") {
			t.Errorf("got %v", err)
		}
		from := connectors.Cursor{From: time.Now()}
		ids := people(t, sim, 1)
		time.Sleep(time.Minute)
		pages, err := c.Changes(t.Context(), []connectors.Poll{{Kind: "contacts", From: from}})
		if err != nil || pages[0].Err != nil || len(pages[0].Changes) != 1 || pages[0].Changes[0].Ref.ID != ids[0] {
			t.Errorf("%+v %v", pages, err)
		}
	})
}

// (C7) A thousand calls a day and three thousand wanted: everything urgent is
// done, the day's end is known, and the next day goes on.
func TestDailyReserve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Seed: 3, Empty: true, Faults: simhttp.Faults{Quota: 1000}}, nil)
		who := owner(t, c)
		ids := people(t, sim, 1)
		if err := ask(t, c); err != nil { // the portal's zone
			t.Fatal(err)
		}
		ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: ids[0]}
		done := map[string]int{}
		count := func(what string, err error) {
			switch connectors.ClassOf(err) {
			case connectors.Unknown:
				if err != nil {
					t.Fatal(err)
				}
				done[what]++
			case connectors.Throttled:
			default:
				t.Fatal(err)
			}
		}
		apply := func(what string, w connectors.Write) {
			results, err := c.Apply(t.Context(), []connectors.Write{w})
			if err == nil && results[0].Err != nil {
				err = results[0].Err
			}
			count(what, err)
		}
		for i := range 3000 {
			switch {
			case i%20 == 0:
				apply("owner", connectors.Write{Ref: ref, Key: "o", Rank: 9, Set: map[string]any{"hubspot_owner_id": who}})
			case i%60 == 1:
				apply("escalation", connectors.Write{Ref: ref, Key: "e", Rank: 0, Set: map[string]any{"handoff_breached": true}})
			case i%20 == 2:
				apply("cosmetics", connectors.Write{Ref: ref, Key: "c", Rank: 7, Set: map[string]any{"handoff_why": "x"}})
			case i%20 == 3:
				pages, err := c.Changes(t.Context(), []connectors.Poll{{Kind: "contacts", From: connectors.Cursor{From: time.Now()}}})
				if err == nil && pages[0].Err != nil {
					err = pages[0].Err
				}
				count("poll", err)
			case i%20 == 4:
				_, err := c.(connectors.Locator).Locate(t.Context(), []connectors.Question{{Kinds: []connectors.Kind{"contacts"}, Field: "email", Value: "a@b.example"}}, nil)
				count("locate", err)
			default:
				_, err := c.Read(t.Context(), "contacts", ids, nil)
				count("read", err)
			}
		}
		if done["owner"] != 150 || done["escalation"] != 50 {
			t.Errorf("not all that was urgent: %v", done)
		}
		u := c.(connectors.Meter).Usage()
		if u.DailyLimit != 1000 || u.DailyLeft > 200 || u.DailyEnds.IsZero() || time.Until(u.DailyEnds) > 24*time.Hour {
			t.Errorf("%+v", u)
		}
		if sent := u.Calls["read"] + u.Calls["write"] + u.Calls["poll"] + u.Calls["locate"] + u.Calls["schema"]; sent > 1000 {
			t.Errorf("%d calls of 1,000", sent)
		}
		time.Sleep(time.Until(u.DailyEnds) + time.Minute)
		if _, err := c.Read(t.Context(), "contacts", ids, nil); err != nil {
			t.Errorf("the next day: %v", err)
		}
	})
}

// (C1, C7) The day is over: one call finds out, the rest wait for the portal's
// midnight at most, asking four times an hour.
func TestDayIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, wire := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
		ids := people(t, sim, 1)
		if err := ask(t, c); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(t.Context(), "contacts", ids, nil); err != nil {
			t.Fatal(err)
		}
		sim.SetFaults(simhttp.Faults{Quota: 3})
		wire.Forget()
		ends := c.(connectors.Meter).Usage().DailyEnds
		start := time.Now()
		for {
			_, err := c.Read(t.Context(), "contacts", ids, nil)
			if err == nil {
				break
			}
			var cerr *connectors.Error
			if !errors.As(err, &cerr) || cerr.Class != connectors.Throttled || cerr.RetryAfter > time.Until(ends)+time.Second || cerr.RetryAfter > 15*time.Minute {
				t.Fatalf("got %v, wait %v, %v before midnight", err, cerr.RetryAfter, time.Until(ends))
			}
			time.Sleep(time.Second)
		}
		if late := time.Since(ends); late > 2*time.Second {
			t.Errorf("went on %v after midnight", late)
		}
		if n, most := len(wire.Seen()), int(time.Since(start)/(15*time.Minute))+3; n > most {
			t.Errorf("%d requests, want %d at most", n, most)
		}
	})
}

// (C1) A locked record delays nobody else, and is not written to again before
// two seconds are over.
func TestLockedRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, wire := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
		ids := people(t, sim, 8)
		locked := ids[5]
		body := `{"status":"error","category":"LOCKED","message":"locked"}`
		var last time.Time
		next := wire.Next
		wire.Next = trip(func(r *request) (*response, error) {
			if strings.Contains(r.path, "/batch/update") && strings.Contains(r.body, `"`+locked+`"`) {
				if wait := time.Since(last); wait < 2*time.Second {
					t.Errorf("written to again after %v", wait)
				}
				last = time.Now()
				return &response{423, body}, nil
			}
			return nil, nil
		}).over(next)
		var writes []connectors.Write
		for i, id := range ids {
			writes = append(writes, connectors.Write{Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: id}, Key: fmt.Sprint(i), Set: map[string]any{"firstname": "x"}})
		}
		results, err := c.Apply(t.Context(), writes)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, r := range results {
			if r.Err != nil {
				got = append(got, fmt.Sprintf("%d %s %v", i, r.Err.Class, r.Err.RetryAfter >= 2*time.Second))
			}
		}
		if diff := cmp.Diff([]string{"5 unavailable true"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// (C1) The portal moves to another data centre and says for how long: up to a
// day, which is believed, while a quarter of an hour's call finds an earlier end.
func TestMovingPortal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, wire := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
		ids := people(t, sim, 1)
		if _, err := c.Read(t.Context(), "contacts", ids, nil); err != nil {
			t.Fatal(err)
		}
		setUp(t, sim, `{"migration_477":{"retry_after":43200,"share":1}}`)
		wire.Forget()
		for range 60 {
			_, err := c.Read(t.Context(), "contacts", ids, nil)
			if connectors.ClassOf(err) != connectors.Unavailable {
				t.Fatalf("got %v", err)
			}
			time.Sleep(time.Minute)
		}
		if n := len(wire.Seen()); n > 5 {
			t.Errorf("%d requests in an hour", n)
		}
		setUp(t, sim, `{"migration_477":{"retry_after":1,"share":0}}`)
		time.Sleep(15 * time.Minute)
		if _, err := c.Read(t.Context(), "contacts", ids, nil); err != nil {
			t.Errorf("after the move: %v", err)
		}
	})
}
