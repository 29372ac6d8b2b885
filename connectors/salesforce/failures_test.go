package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// setup changes what the org is.
func (w *world) setup(doc string) {
	w.t.Helper()
	if err := w.sim.Setup(json.RawMessage(doc)); err != nil {
		w.t.Fatal(err)
	}
}

// vault is a vault in memory that can fail.
type vault struct {
	kept map[string]string
	fail error
	log  []string
}

func (v *vault) Load(_ context.Context, configured connectors.Secret) (connectors.Secret, error) {
	return connectors.Secret(v.kept[configured.Reveal()]), v.fail
}

func (v *vault) Keep(_ context.Context, configured, token connectors.Secret) error {
	if v.fail != nil {
		return v.fail
	}
	v.kept[configured.Reveal()] = token.Reveal()
	v.log = append(v.log, token.Reveal())
	return nil
}

// TestRotatedRefreshToken: a new refresh token is stored before the session it
// came with is used, survives a restart, and is not lost while it cannot be
// stored (C5).
func TestRotatedRefreshToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{})
		w.setup(`{"rotate_refresh": true}`)
		v := &vault{kept: map[string]string{}}
		access := w.sim.Credentials()
		connect := func() *org {
			return w.connect(connectors.Settings{ClientID: access.ClientID, ClientSecret: connectors.Secret(access.ClientSecret), RefreshToken: connectors.Secret(access.RefreshToken), Vault: v})
		}
		stored := 0
		w.wrap = func(r *http.Request) *http.Response {
			if strings.HasPrefix(r.URL.Path, "/services/data/") && len(v.log) == stored {
				t.Errorf("%s before the new token was stored", r.URL.Path)
			}
			return nil
		}
		for range 3 { // restarts
			o := connect()
			for range 3 { // renewals
				if _, err := o.Users(t.Context()); err != nil {
					t.Fatal(err)
				}
				stored = len(v.log)
				time.Sleep(tokenLife)
			}
			stored = len(v.log)
		}
		if len(v.log) < 9 {
			t.Errorf("stored %d times", len(v.log))
		}
		w.wrap = nil
		o := connect()
		v.fail = errors.New("disk full")
		if _, err := o.Users(t.Context()); connectors.ClassOf(err) != connectors.Unavailable {
			t.Errorf("a vault that cannot be read: %v", err)
		}
		v.fail = nil
		if _, err := o.Users(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(tokenLife)
		v.fail = errors.New("disk full")
		for range 3 {
			if _, err := o.Users(t.Context()); connectors.ClassOf(err) != connectors.Unavailable {
				t.Errorf("a token that cannot be stored: %v", err)
			}
		}
		v.fail = nil
		if _, err := o.Users(t.Context()); err != nil {
			t.Errorf("the token that came meanwhile is lost: %v", err)
		}
		if _, err := connect().Users(t.Context()); err != nil {
			t.Errorf("after a restart: %v", err)
		}
	})
}

// TestRevokedAccess: an app that was revoked or a user who was deactivated is
// told with what to do about it, and asked about at most once a minute (C6).
func TestRevokedAccess(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ setup, fix string }{
		"revoked": {`{"app_revoked": true}`, "connect handoffd to the org again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, salesforcesim.Config{})
				access := w.sim.Credentials()
				o := w.connect(connectors.Settings{ClientID: access.ClientID, RefreshToken: connectors.Secret(access.RefreshToken), ClientSecret: connectors.Secret(access.ClientSecret)})
				if _, err := o.Users(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.setup(c.setup)
				tokens := o.Usage().Calls["token"]
				for range 600 { // ten minutes
					_, err := o.Users(t.Context())
					if connectors.ClassOf(err) != connectors.AuthBroken || !strings.Contains(err.Error(), c.fix) {
						t.Fatalf("%v; want auth_broken with %q", err, c.fix)
					}
					time.Sleep(time.Second)
				}
				if n := o.Usage().Calls["token"] - tokens; n > 13 {
					t.Errorf("asked %d times in ten minutes", n)
				}
			})
		})
	}
	for text, fix := range map[string]string{
		"expired access/refresh token": "connect handoffd", "user hasn't approved this consumer": "pre-authorize", "inactive user": "activate",
		"no client credentials user enabled": "Run As", "audience is invalid": "_URL", "authentication failure": "certificate",
	} {
		if got := fixOf("invalid_grant", text); !strings.Contains(got, fix) {
			t.Errorf("%q: fix %q, want %q in it", text, got, fix)
		}
	}
}

// TestSessionEndsMidway: a session that ends between two calls, or between two
// parts of a composite of 25, costs one log-in; nothing is written twice or
// not at all (C4).
func TestSessionEndsMidway(t *testing.T) {
	t.Parallel()
	for after := 1; after <= 30; after += 3 {
		w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
		owner := w.owner()
		var writes []connectors.Write
		for i := range 12 {
			writes = append(writes, handoff(owner, w.lead(i), fmt.Sprint(i))...)
		}
		for i := range writes {
			if !writes[i].Creates() {
				writes[i].IfVersion = "2030-01-01T00:00:00.000Z"
			}
		}
		if _, err := w.org.Users(t.Context()); err != nil {
			t.Fatal(err)
		}
		tokens := w.org.Usage().Calls["token"]
		w.setup(fmt.Sprintf(`{"revoke_sessions_after": %d}`, after))
		left := writes
		for round := 0; len(left) > 0; round++ {
			if round == 3 {
				t.Fatalf("after %d: %d writes are left", after, len(left))
			}
			results, err := w.org.Apply(t.Context(), left)
			if err != nil {
				t.Fatal(err)
			}
			var again []connectors.Write
			for i, r := range results {
				if r.Err != nil && r.Err.Class != connectors.Unavailable {
					t.Errorf("after %d: %v", after, r.Err)
				}
				if r.Err != nil {
					again = append(again, left[i])
				}
			}
			left = again
		}
		if n := len(w.soql("SELECT Id FROM Task WHERE Subject LIKE 'Call %'")); n != 12 {
			t.Errorf("after %d: %d tasks", after, n)
		}
		if n := w.org.Usage().Calls["token"] - tokens; n > 2 {
			t.Errorf("after %d: %d log-ins", after, n)
		}
	}
}

// TestSessionEndsInsideAComposite: an answer whose parts say that the session
// is over is asked for again under a new one, once; writes come back as not
// applied.
func TestSessionEndsInsideAComposite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
	owner, lead := w.owner(), w.lead(1)
	w.read(Lead, nil, lead)
	const over = `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`
	left := 0
	w.onComposite(func(n int, c sent) any {
		left++
		if n > 0 {
			return nil
		}
		var out []any
		for _, sub := range c.CompositeRequest {
			out = append(out, part(sub.ReferenceID, 401, over))
		}
		return out
	})
	for i, r := range w.apply(handoff(owner, lead, "x")...) {
		if r.Err != nil {
			t.Errorf("%d: %v", i, r.Err)
		}
	}
	if left > 3 {
		t.Errorf("sent %d times", left)
	}
}

// TestOrgMoves: an org that was given another address is found there (C4).
func TestOrgMoves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{})
	id := w.lead(1)
	w.read(Lead, nil, id)
	w.setup(`{"instance_url": "https://handoffd2.my.salesforce.com"}`)
	if got := w.read(Lead, []string{"LastName"}, id)[id]; got.Fields["LastName"] != "Lead1" {
		t.Errorf("got %+v", got)
	}
	r := w.apply(connectors.Write{Ref: connectors.Ref{Conn: "sf", Kind: Lead, ID: id}, Key: "k", Set: map[string]any{"Title": "CTO"}})[0]
	if r.Err != nil {
		t.Error(r.Err)
	}
}

// TestLimits: the day's allocation and the limit on calls at once have one
// code and nothing else in common (C1, C7).
func TestLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{})
		id := w.lead(1)
		w.read(Lead, nil, id)
		w.setup(`{"long_running": 25}`)
		_, err := w.org.Read(t.Context(), Lead, []string{id}, nil)
		if e := connectors.AsError("", err); e.Class != connectors.Throttled || e.RetryAfter > 10*time.Second {
			t.Errorf("too many at once: %v, again in %v", err, e.RetryAfter)
		}
		w.setup(`{"long_running": 0}`)
		time.Sleep(10 * time.Second)
		w.read(Lead, nil, id)
		u := w.org.Usage()
		if u.DailyLimit == 0 || u.DailyLeft == 0 {
			t.Errorf("usage %+v", u)
		}
		w.sim.SetFaults(simhttp.Faults{Quota: 1})
		_, err = w.org.Read(t.Context(), Lead, []string{id}, nil)
		if e := connectors.AsError("", err); e.Class != connectors.Throttled || e.RetryAfter < 10*time.Minute {
			t.Errorf("the day is spent: %v, again in %v", err, e.RetryAfter)
		}
		before := w.calls.Load()
		for range 100 {
			_, _ = w.org.Read(t.Context(), Lead, []string{id}, nil)
		}
		if n := w.calls.Load() - before; n != 0 {
			t.Errorf("asked %d times while the day was spent", n)
		}
	})
	for body, want := range map[string]time.Duration{
		"TotalRequests Limit exceeded.":                                 limitWait,
		"ConcurrentRequests (Concurrent API Requests) Limit exceeded.":  concurrentWait,
		"ConcurrentPerOrgLongTxn (Concurrent API long) Limit exceeded.": concurrentWait,
	} {
		e := classify("x", 403, []byte(`[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"`+body+`"}]`))
		if e.Class != connectors.Throttled || e.RetryAfter != want {
			t.Errorf("%s: %v, %v", body, e.Class, e.RetryAfter)
		}
	}
}

// TestLockedRows: a locked row is tried again later, with its mates, and
// nothing of it is lost or doubled (C16).
func TestLockedRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
		owner := w.owner()
		var writes []connectors.Write
		for i := range 6 {
			writes = append(writes, handoff(owner, w.lead(i), fmt.Sprint(i))...)
		}
		w.setup(`{"lock_hold": "2s"}`)
		left := writes
		for round := 0; len(left) > 0; round++ {
			if round > 20 {
				t.Fatalf("%d writes are left", len(left))
			}
			var again []connectors.Write
			for i, r := range w.apply(left...) {
				if r.Err != nil && r.Err.Class != connectors.Unavailable {
					t.Errorf("%v", r.Err)
				}
				if r.Err != nil {
					again = append(again, left[i])
				}
			}
			left = again
			time.Sleep(3 * time.Second)
		}
		if n := len(w.soql("SELECT Id FROM Task WHERE Subject LIKE 'Call %'")); n != 6 {
			t.Errorf("%d tasks", n)
		}
	})
}

// TestHiddenFields: a field that is hidden or read-only costs itself: it is
// named in Skipped, and the rest is written and read (C15, C18).
func TestHiddenFields(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{`{"hidden": ["Lead.Title", "Lead.Phone", "Lead.Company"]}`, `{"read_only": ["Lead.Title", "Lead.Phone"]}`} {
		w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
		id := w.lead(1)
		fields := []string{"LastName", "Title", "Phone", "Company"}
		w.read(Lead, fields, id) // the schema is known by now
		w.setup(doc)
		for _, many := range []bool{false, true} {
			write := connectors.Write{
				Ref: connectors.Ref{Conn: "sf", Kind: Lead, ID: id}, Key: "k",
				Set: map[string]any{"Title": "CTO", "Phone": "1", "FirstName": "Ada"},
			}
			writes := []connectors.Write{write}
			if many {
				writes = append(writes, connectors.Write{Ref: connectors.Ref{Conn: "sf", Kind: Lead, ID: w.lead(2)}, Key: "l", Set: map[string]any{"FirstName": "Bo"}})
			}
			for i, r := range w.apply(writes...) {
				if r.Err != nil {
					t.Errorf("%s: %d: %v", doc, i, r.Err)
				}
				if diff := cmp.Diff([]string{"Phone", "Title"}, r.Skipped); i == 0 && diff != "" {
					t.Errorf("%s: skipped (-want +got):\n%s", doc, diff)
				}
			}
		}
		if got := w.read(Lead, append(fields, "FirstName"), id)[id]; got.Fields["FirstName"] != "Ada" || got.Fields["LastName"] != "Lead1" {
			t.Errorf("%s: got %v", doc, got.Fields)
		}
		pages, err := w.org.Changes(t.Context(), []connectors.Poll{{Kind: Lead, Fields: fields}, {Kind: Contact}})
		if err != nil || pages[0].Err != nil || pages[1].Err != nil || len(pages[0].Changes) == 0 {
			t.Errorf("%s: poll %v %+v", doc, err, pages)
		}
	}
	w := newWorld(t, salesforcesim.Config{})
	w.read(Lead, nil, w.lead(1))
	w.setup(`{"no_access": ["Opportunity"]}`)
	pages, err := w.org.Changes(t.Context(), []connectors.Poll{{Kind: Opportunity}, {Kind: Lead}})
	if err != nil || pages[0].Err == nil || pages[1].Err != nil {
		t.Errorf("an object out of reach: %v %+v", err, pages)
	}
}

// TestOrgsRules: what the org's own rules refuse comes back in their words,
// and what shares nothing with it is applied (C3, C15).
func TestOrgsRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
	w.setup(`{"validation_rules": [{"object":"Lead","name":"No_CTO","when":{"Title":"CTO"},"message":"We do not sell to CTOs","field":"Title"}],
		"flows": [{"name":"Broken","object":"Lead","on":"update","when":{"FirstName":"Boom"},"fail":"The flow failed"}]}`)
	a, b, c := w.lead(1), w.lead(2), w.lead(3)
	set := func(id string, values map[string]any) connectors.Write {
		return connectors.Write{Ref: connectors.Ref{Conn: "sf", Kind: Lead, ID: id}, Key: "k" + id, Set: values}
	}
	results := w.apply(set(a, map[string]any{"Title": "CTO"}), set(b, map[string]any{"FirstName": "Boom"}), set(c, map[string]any{"FirstName": "Cy"}),
		connectors.Write{Ref: connectors.Ref{Conn: "sf", Kind: Lead}, Key: "n", Set: map[string]any{"LastName": "Nobody"}})
	if diff := cmp.Diff([]string{"invalid", "invalid", "", "invalid"}, classes(results)); diff != "" {
		t.Fatalf("classes (-want +got):\n%s", diff)
	}
	for i, words := range []string{"We do not sell to CTOs", "The flow failed", "", "Company"} {
		if words != "" && !strings.Contains(results[i].Err.Error(), words) {
			t.Errorf("%d: %v, want %q in it", i, results[i].Err, words)
		}
	}
}

// TestInactiveOwners: the two things INACTIVE_OWNER_OR_USER may mean (C14).
func TestInactiveOwners(t *testing.T) {
	t.Parallel()
	op := func(set map[string]any) *operation {
		return &operation{id: "00Q000000000001EAA", body: set, schema: &schema{object: "Lead"}}
	}
	refusal := func(message string) *connectors.Error {
		return classifyErrors(opWrite, 400, []apiError{{ErrorCode: codeInactive, Message: message}})
	}
	const gone, other = "005000000000001AAA", "005000000000002AAA"
	for name, tc := range map[string]struct {
		set     map[string]any
		message string
		want    connectors.Class
		fields  []string
	}{
		"the one we set":         {map[string]any{"OwnerId": gone}, "operation performed with inactive user [" + gone + "] as owner of lead", connectors.Invalid, []string{"OwnerId"}},
		"the one we set, unsaid": {map[string]any{"OwnerId": gone}, "operation performed with inactive user", connectors.Invalid, []string{"OwnerId"}},
		"the one it has":         {map[string]any{"Title": "x"}, "operation performed with inactive user [" + gone + "] as owner of lead", connectors.Denied, nil},
		"another":                {map[string]any{"OwnerId": other}, "operation performed with inactive user [005000000000001] as owner of lead", connectors.Denied, nil},
	} {
		got := refusedTo(op(tc.set), refusal(tc.message))
		if got.Class != tc.want || !slices.Equal(got.Fields, tc.fields) {
			t.Errorf("%s: %v, fields %v", name, got, got.Fields)
		}
		if fix := "Update Records with Inactive Owners"; strings.Contains(got.Error(), fix) != (tc.want == connectors.Denied) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
