package simhttp_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

var update = flag.Bool("update", false, "rewrite what README.md shows of the profiles")

// TestReadme holds that README.md shows the profiles as they are.
func TestReadme(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- profiles -->\n", "<!-- /profiles -->"
	raw, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(raw), begin)
	_, after, found := strings.Cut(rest, end)
	if !found {
		t.Fatal("README.md has no place for the table")
	}
	want := before + begin + simhttp.ProfileTable() + end + after
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil { //nolint:gosec // a page for everybody
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Errorf("README.md is not what the profiles say; run go test -update: %s", diff)
	}
}

// TestProfiles holds the shares of faults in the default profile, and that hell is
// worse in every one of them without being certain for a call.
func TestProfiles(t *testing.T) {
	t.Parallel()
	f, hell := profile(t, "default"), profile(t, "hell")
	if diff := cmp.Diff(simhttp.Faults{}, profile(t, "calm")); diff != "" {
		t.Errorf("calm: %s", diff)
	}
	fives := f.Rate["500"] + f.Rate["502"] + f.Rate["503"] + f.Rate["504"]
	for _, tc := range []struct {
		what      string
		got, want float64
	}{
		{"429", f.Rate["429"], 0.05},
		{"500/502/503/504", fives, 0.03},
		{"applied then dropped", f.DropReply, 0.02},
		{"applied then 500", f.Rate["applied_500"], 0.02},
		{"hang 60 s", f.Rate["hang"], 0.01},
		{"HTML 200", f.Rate["html"], 0.01},
		{"truncated JSON", f.Rate["truncated"], 0.01},
		{"valid token refused", f.Rate["401"], 0.05},
		{"partial batches", f.Rate["partial"], 0.10},
		{"search lag in seconds", f.SearchLag.Seconds(), 90},
		{"property lag in seconds", f.PropertyLag.Seconds(), 0.5},
		{"property lag in seconds in hell", hell.PropertyLag.Seconds(), 0.7},
		{"index missing", f.IndexMissing, 0.005},
		{"webhooks doubled", f.Webhooks.Double, 0.10},
		{"webhooks reordered", f.Webhooks.Shuffle, 0.10},
		{"webhooks dropped", f.Webhooks.Drop, 0.05},
		{"webhooks late", f.Webhooks.Late, 0.01},
		{"wrong portal", f.Webhooks.WrongPortal, 0.001},
		{"humans edit a minute", f.Life.Edits, 0.02},
		{"merges", f.Life.Merges, 0.005},
		{"deletes", f.Life.Deletes, 0.005},
		{"schema drift a day", f.Life.Drift, 1},
	} {
		if diff := tc.got - tc.want; diff > 1e-9 || diff < -1e-9 {
			t.Errorf("%s: %v, want %v", tc.what, tc.got, tc.want)
		}
	}
	sum := hell.DropReply
	for name, v := range hell.Rate {
		if v <= f.Rate[name] {
			t.Errorf("hell is no worse in %s: %v, default %v", name, v, f.Rate[name])
		}
		if name != "partial" && name != "shuffled" {
			sum += v
		}
	}
	if sum >= 0.8 || hell.SearchLag > 10*time.Minute {
		t.Errorf("hell: faults of a call add up to %v, lag %v", sum, hell.SearchLag)
	}
	for what, share := range map[string][2]float64{
		"lost replies": {f.DropReply, hell.DropReply}, "edits": {f.Life.Edits, hell.Life.Edits}, "owners": {f.Life.Owners, hell.Life.Owners},
		"flips": {f.Life.Flips, hell.Life.Flips}, "merges": {f.Life.Merges, hell.Life.Merges}, "deletes": {f.Life.Deletes, hell.Life.Deletes},
		"deactivations": {f.Life.Deactivations, hell.Life.Deactivations}, "drift": {f.Life.Drift, hell.Life.Drift},
	} {
		if times := share[1] / share[0]; times < 9.999 || times > 10.001 {
			t.Errorf("hell: %s %v times as many", what, times)
		}
	}
}

func profile(t *testing.T, name string) simhttp.Faults {
	t.Helper()
	f, err := simhttp.Profile(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
