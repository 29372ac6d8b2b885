package report_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/sync/report"
)

// TestKappa holds Cohen's kappa to tables whose kappa is known (4.32).
func TestKappa(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		table report.Fourfold
		want  float64
		ok    bool
		band  string
	}{
		{"the textbook's", report.Fourfold{BothReady: 20, OnlyFirst: 5, OnlySecond: 10, Neither: 15}, 0.4, true, "fair"},
		{"the same share, other margins", report.Fourfold{BothReady: 45, OnlyFirst: 15, OnlySecond: 25, Neither: 15}, 0.13043, true, "slight"},
		{"the same share, lopsided margins", report.Fourfold{BothReady: 25, OnlyFirst: 35, OnlySecond: 5, Neither: 35}, 0.25926, true, "fair"},
		{"all alike", report.Fourfold{BothReady: 8, Neither: 12}, 1, true, "almost perfect"},
		{"never alike", report.Fourfold{OnlyFirst: 10, OnlySecond: 10}, -1, true, "poor"},
		{"as by chance", report.Fourfold{BothReady: 5, OnlyFirst: 5, OnlySecond: 5, Neither: 5}, 0, true, "slight"},
		{"nine of ten", report.Fourfold{BothReady: 9, OnlyFirst: 1, OnlySecond: 1, Neither: 9}, 0.8, true, "substantial"},
		{"eight of ten", report.Fourfold{BothReady: 8, OnlyFirst: 2, OnlySecond: 2, Neither: 8}, 0.6, true, "moderate"},
		{"one says yes to all", report.Fourfold{BothReady: 12, OnlyFirst: 8}, 0, true, "slight"},
		{"both say yes to all", report.Fourfold{BothReady: 20}, 0, false, ""},
		{"both say no to all", report.Fourfold{Neither: 20}, 0, false, ""},
		{"one yes to all, one no to all", report.Fourfold{OnlyFirst: 20}, 0, true, "slight"},
		{"nothing", report.Fourfold{}, 0, false, ""},
	} {
		got, ok := tt.table.Kappa()
		if math.Abs(got-tt.want) > 1e-5 || ok != tt.ok {
			t.Errorf("%s: %+v has kappa %v, %v, want %v, %v", tt.name, tt.table, got, ok, tt.want, tt.ok)
		}
		if band, _ := report.Band(got); ok && band != tt.band {
			t.Errorf("%s: kappa %v is %s, want %s", tt.name, got, band, tt.band)
		}
	}
}

// TestKappaOfAny holds what is true of every table: kappa lies within [-1, 1], is
// the same whoever is named first and whichever answer is called ready, and is
// 1 for those who differ on nothing and do not say one thing of all (4.32).
func TestKappaOfAny(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(0, 60)
		f := report.Fourfold{BothReady: count.Draw(t, "both"), OnlyFirst: count.Draw(t, "first"), OnlySecond: count.Draw(t, "second"), Neither: count.Draw(t, "neither")}
		k, ok := f.Kappa()
		if math.IsNaN(k) || k < -1 || k > 1 {
			t.Fatalf("%+v has kappa %v", f, k)
		}
		for _, other := range []report.Fourfold{
			{BothReady: f.BothReady, OnlyFirst: f.OnlySecond, OnlySecond: f.OnlyFirst, Neither: f.Neither},
			{BothReady: f.Neither, OnlyFirst: f.OnlySecond, OnlySecond: f.OnlyFirst, Neither: f.BothReady},
		} {
			if k2, ok2 := other.Kappa(); k2 != k || ok2 != ok {
				t.Fatalf("%+v has kappa %v, %v, and %+v has %v, %v", f, k, ok, other, k2, ok2)
			}
		}
		alike := report.Fourfold{BothReady: f.BothReady + 1, Neither: f.Neither + 1}
		if k, ok := alike.Kappa(); k != 1 || !ok {
			t.Fatalf("%+v has kappa %v, %v", alike, k, ok)
		}
	})
}

// TestCalibrate counts what two people said: agreement, who took longer than
// ten seconds, what they differ on, what is not answered (4.32).
func TestCalibrate(t *testing.T) {
	t.Parallel()
	yes := func(s float64) report.Opinion { return report.Opinion{Ready: report.Ready, Seconds: s} }
	no := func(s float64) report.Opinion { return report.Opinion{Ready: report.NotReady, Seconds: s} }
	lead := func(n int, first, second report.Opinion) report.CalibrationLead {
		return report.CalibrationLead{Number: fmt.Sprint(n), Record: fmt.Sprintf("crm/people/%d", n), Shows: "name: Al", First: first, Second: second}
	}
	got := report.Calibrate([2]string{"a", "b"}, []report.CalibrationLead{
		lead(1, yes(3), yes(0)), lead(2, no(10), no(0)), lead(3, no(10.1), yes(0)), lead(4, no(31), no(0)),
		lead(5, yes(2), report.Opinion{}), lead(6, report.Opinion{}, report.Opinion{}),
	})
	share, kappa := 0.75, 0.5
	want := report.Calibration{
		Leads: 6, Both: 4, Agreement: &share, Kappa: &kappa, Band: "moderate", Reading: got.Reading,
		Table: report.Fourfold{BothReady: 1, OnlySecond: 1, Neither: 2},
		People: [2]report.Answerer{
			{Sheet: "a", Answered: 5, Ready: 2, Timed: 5, Slow: 2, Slowest: 31},
			{Sheet: "b", Answered: 4, Ready: 2},
		},
		Differ: []report.Dispute{{Number: "3", Record: "crm/people/3", Shows: "name: Al", First: report.NotReady, Second: report.Ready}},
		Unanswered: []report.OpenLead{
			{Number: "5", Record: "crm/people/5", By: []string{"b"}},
			{Number: "6", Record: "crm/people/6", By: []string{"a", "b"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestCalibrationReading holds that a kappa which says nothing says so (4.32).
func TestCalibrationReading(t *testing.T) {
	t.Parallel()
	yes, no := report.Opinion{Ready: report.Ready}, report.Opinion{Ready: report.NotReady}
	for _, tt := range []struct {
		name        string
		leads       []report.CalibrationLead
		kappa, band bool
		reading     string
	}{
		{"nobody", nil, false, false, "No lead was answered by both, so there is nothing to compare."},
		{"both the same to all", []report.CalibrationLead{{First: yes, Second: yes}}, false, false, "Kappa cannot be computed: both gave the same answer to every lead, which says nothing of the criteria; draw leads of which some are ready and some are not."},
		{"the second the same to all", []report.CalibrationLead{{First: yes, Second: no}, {First: no, Second: no}}, true, false, "b has one answer for every lead: then kappa is 0 whatever the other one says, and tells nothing."},
		{"the first the same to all", []report.CalibrationLead{{First: yes, Second: no}, {First: yes, Second: yes}}, true, false, "a has one answer for every lead: then kappa is 0 whatever the other one says, and tells nothing."},
		{"alike", []report.CalibrationLead{{First: yes, Second: yes}, {First: no, Second: no}}, true, true, "You mean the same by ready."},
	} {
		c := report.Calibrate([2]string{"a", "b"}, tt.leads)
		if (c.Kappa != nil) != tt.kappa || (c.Band != "") != tt.band || c.Reading != tt.reading {
			t.Errorf("%s: kappa %v, band %q, %q", tt.name, c.Kappa, c.Band, c.Reading)
		}
	}
}
