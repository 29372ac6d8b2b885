package ingest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
)

// TestEarly: a kind that a deadline waits for is polled sooner, alone, fifteen
// seconds after it was last; not where the regular poll comes within that time, and
// where it fails not at once again. The lanes learn how far it was read (1.93).
func TestEarly(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		at    time.Duration // from the last poll
		fails bool
		want  []string // when it was polled, within forty seconds
	}{
		{name: "nothing waits", at: -1},
		{name: "at once", at: 50 * time.Second, want: []string{"2m50s activity"}},
		{name: "just polled", at: 5 * time.Second, want: []string{"2m15s activity"}},
		{name: "the regular one comes", at: 106 * time.Second, want: []string{"4m0s activity"}},
		{name: "it fails", at: 20 * time.Second, fails: true, want: []string{"2m20s activity", "2m21s activity", "2m23s activity", "2m27s activity", "2m35s activity", "2m51s activity"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			for r.now.Sub(r.start) < 2*time.Minute { // the second regular poll
				r.later(time.Second)
			}
			r.now = r.start.Add(2 * time.Minute)
			if _, err := r.p.round(t.Context()); err != nil {
				t.Fatal(err)
			}
			begun := len(r.crm.polls)
			if tc.fails {
				page := r.crm.page
				r.crm.page = func(p connectors.Poll) connectors.Page {
					out := page(p)
					if p.Kind == connectors.Activity {
						out.Err = &connectors.Error{Class: connectors.Unavailable, Op: "poll"}
					}
					return out
				}
			}
			r.now = r.now.Add(max(tc.at, 0))
			asked := r.now
			if tc.at >= 0 {
				r.p.Gate.Want(connectors.Activity)
			}
			rounds := 0
			for end := r.now.Add(40 * time.Second); r.now.Before(end); rounds++ {
				more, err := r.p.round(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				r.now = r.now.Add(max(r.p.rest(more), time.Millisecond))
			}
			got := slices.DeleteFunc(slices.Clone(r.crm.polls[begun:]), func(p string) bool { return tc.want == nil || !slices.Contains([]string{"activity"}, p[len(p)-8:]) })
			if tc.want == nil {
				if got = r.crm.polls[begun:]; len(got) > 0 {
					t.Errorf("polled %v", got)
				}
				return
			}
			if rounds > 20 {
				t.Errorf("%d rounds", rounds)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("polled (-want +got):\n%s", d)
			}
			if read := r.p.Gate.ReadBy(connectors.Activity, asked); read == tc.fails {
				t.Errorf("the lanes take it for read: %v", read)
			}
		})
	}
}

// TestUnwatched: a kind that is waited for, and that the rules no longer look at, has
// nothing polled sooner.
func TestUnwatched(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.later(5 * time.Minute)
	r.p.asked["no_such_kind"] = r.now.Add(-time.Minute)
	r.p.Gate.Want("no_such_kind")
	if n := r.later(10 * time.Minute); n > 100 {
		t.Errorf("%d rounds in ten minutes", n)
	}
}
