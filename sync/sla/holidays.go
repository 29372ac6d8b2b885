package sla

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/ar"
	"github.com/rickar/cal/v2/at"
	"github.com/rickar/cal/v2/au"
	"github.com/rickar/cal/v2/be"
	"github.com/rickar/cal/v2/bg"
	"github.com/rickar/cal/v2/br"
	"github.com/rickar/cal/v2/ca"
	"github.com/rickar/cal/v2/ch"
	"github.com/rickar/cal/v2/cz"
	"github.com/rickar/cal/v2/de"
	"github.com/rickar/cal/v2/dk"
	"github.com/rickar/cal/v2/es"
	"github.com/rickar/cal/v2/fr"
	"github.com/rickar/cal/v2/gb"
	"github.com/rickar/cal/v2/gr"
	"github.com/rickar/cal/v2/hr"
	"github.com/rickar/cal/v2/ie"
	"github.com/rickar/cal/v2/it"
	"github.com/rickar/cal/v2/jp"
	"github.com/rickar/cal/v2/lt"
	"github.com/rickar/cal/v2/lv"
	"github.com/rickar/cal/v2/nl"
	"github.com/rickar/cal/v2/no"
	"github.com/rickar/cal/v2/nz"
	"github.com/rickar/cal/v2/pl"
	"github.com/rickar/cal/v2/ro"
	"github.com/rickar/cal/v2/se"
	"github.com/rickar/cal/v2/si"
	"github.com/rickar/cal/v2/sk"
	"github.com/rickar/cal/v2/ua"
	"github.com/rickar/cal/v2/us"
	"github.com/rickar/cal/v2/za"
)

// country is one list of holidays.
type country struct {
	code     string
	holidays []*cal.Holiday
}

// countries is the lists that are built in, by code. A state or canton has
// the code of its country before its own.
var countries = []country{
	{"AR", ar.Holidays},
	{"AT", at.Holidays},
	// What all states of Australia share.
	{"AU", []*cal.Holiday{au.NewYear, au.AustraliaDay, au.GoodFriday, au.EasterMonday, au.AnzacDay, au.ChristmasDay, au.BoxingDay}},
	{"AU-ACT", au.HolidaysACT},
	{"AU-NSW", au.HolidaysNSW},
	{"AU-NT", au.HolidaysNT},
	{"AU-QLD", au.HolidaysQLD},
	{"AU-SA", au.HolidaysSA},
	{"AU-TAS", au.HolidaysTAS},
	{"AU-VIC", au.HolidaysVIC},
	{"AU-WA", au.HolidaysWA},
	{"BE", be.Holidays},
	{"BG", bg.Holidays},
	{"BR", br.Holidays},
	{"CA", ca.Holidays},
	{"CH", ch.Holidays},
	{"CH-BE", ch.HolidaysBE},
	{"CH-BS", ch.HolidaysBS},
	{"CH-GE", ch.HolidaysGE},
	{"CH-LU", ch.HolidaysLU},
	{"CH-SG", ch.HolidaysSG},
	{"CH-TI", ch.HolidaysTI},
	{"CH-VD", ch.HolidaysVD},
	{"CH-ZG", ch.HolidaysZG},
	{"CH-ZH", ch.HolidaysZH},
	{"CZ", cz.Holidays},
	{"DE", de.Holidays},
	{"DE-BB", de.HolidaysBB},
	{"DE-BE", de.HolidaysBE},
	{"DE-BW", de.HolidaysBW},
	{"DE-BY", de.HolidaysBY},
	{"DE-HB", de.HolidaysHB},
	{"DE-HE", de.HolidaysHE},
	{"DE-HH", de.HolidaysHH},
	{"DE-MV", de.HolidaysMV},
	{"DE-NI", de.HolidaysNI},
	{"DE-NW", de.HolidaysNW},
	{"DE-RP", de.HolidaysRP},
	{"DE-SH", de.HolidaysSH},
	{"DE-SL", de.HolidaysSL},
	{"DE-SN", de.HolidaysSN},
	{"DE-ST", de.HolidaysST},
	{"DE-TH", de.HolidaysTH},
	{"DK", dk.Holidays},
	{"ES", es.Holidays},
	{"FR", fr.Holidays},
	{"GB", gb.Holidays},
	{"GR", gr.Holidays},
	{"HR", hr.Holidays},
	{"IE", ie.Holidays},
	{"IT", it.Holidays},
	{"JP", jp.Holidays},
	{"LT", lt.Holidays},
	{"LV", lv.Holidays},
	{"NL", nl.Holidays},
	{"NO", no.Holidays},
	{"NZ", nz.Holidays},
	{"PL", pl.Holidays},
	{"RO", ro.Holidays},
	{"SE", se.Holidays},
	{"SI", si.Holidays},
	{"SK", sk.Holidays},
	{"UA", ua.Holidays},
	{"US", us.Holidays},
	{"ZA", za.Holidays},
}

// Holiday is one day on which a country does not work.
type Holiday struct {
	Name string `json:"name"` // as the country calls it
	Date string `json:"date"` // YYYY-MM-DD
	// Observed says that the holiday itself falls on another day, a weekend,
	// and this one is given instead.
	Observed bool `json:"observed,omitempty"`
}

// Countries is the codes that have a built-in list, in order.
func Countries() []string {
	out := make([]string, len(countries))
	for i, c := range countries {
		out[i] = c.code
	}
	return out
}

// Holidays is the holidays of a country in a year, in order; false for a code
// that Countries does not list.
func Holidays(code string, year int) ([]Holiday, bool) {
	c := countryOf(code)
	if c == nil {
		return nil, false
	}
	var out []Holiday
	for _, h := range c.year(year, nil) {
		out = append(out, Holiday{Name: h.name, Date: civil(h.day).Format(time.DateOnly), Observed: h.observed})
	}
	return out, true
}

func countryOf(code string) *country {
	for i := range countries {
		if strings.EqualFold(countries[i].code, code) {
			return &countries[i]
		}
	}
	return nil
}

// names is what the country's holidays are called, in order, each once.
func (c *country) names() []string {
	var out []string
	for _, h := range c.holidays {
		if !slices.Contains(out, h.Name) {
			out = append(out, h.Name)
		}
	}
	return out
}

// held is one holiday on one day.
type held struct {
	day      int
	name     string
	observed bool
}

// year is the holidays that fall into a year, by day, except those named. Some
// belong to its neighbours: New Year's Day may be given in December.
func (c *country) year(year int, except map[string]bool) []held {
	var out []held
	for y := year - 1; y <= year+1; y++ {
		for _, h := range c.of(y, except) {
			if civil(h.day).Year() == year {
				out = append(out, h)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b held) int { return cmp.Or(a.day-b.day, cmp.Compare(a.name, b.name)) })
	return slices.CompactFunc(out, func(a, b held) bool { return a.day == b.day && a.name == b.name })
}

// of is the holidays that a year has by rule, on whatever day they are given.
func (c *country) of(year int, except map[string]bool) []held {
	var out []held
	for _, h := range c.holidays {
		if except[folded(h.Name)] {
			continue
		}
		// A copy: the rules of Japan's equinoxes write the day into the holiday
		// they are given, which several goroutines would share.
		own := *h
		actual, observed := own.Calc(year)
		if actual.IsZero() {
			continue
		}
		a, o := calendarDay(actual), calendarDay(observed)
		out = append(out, held{a, h.Name, false})
		if o != a {
			out = append(out, held{o, h.Name, true})
		}
	}
	return out
}

// closes reports whether a day is a holiday, by rule.
func (c *country) closes(day int, except map[string]bool) bool {
	return slices.ContainsFunc(c.year(civil(day).Year(), except), func(h held) bool { return h.day == day })
}

// calendarDay is the day of a holiday. It is given as midnight in the zone of
// the machine; twelve hours on it is still that day, even where the clock
// skips midnight.
func calendarDay(t time.Time) int {
	t = t.Add(12 * time.Hour)
	return dayOf(t.Year(), t.Month(), t.Day())
}

func dayOf(year int, month time.Month, day int) int {
	return floorDiv(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix(), daySeconds)
}

func civil(day int) time.Time { return time.Unix(int64(day)*daySeconds, 0).UTC() }

// folded is a holiday's name as far as people agree on it.
func folded(name string) string {
	return strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(name, "’", "'")), " "))
}
