package salesforcesim

import "time"

// dateRange resolves a date literal to [from, to) in the running user's zone, which is GMT here.
// n is the number behind the colon, -1 without one.
func dateRange(word string, n int, now time.Time) (from, to time.Time, ok bool) {
	y, m, d := now.UTC().Date()
	day := func(k int) time.Time { return time.Date(y, m, d+k, 0, 0, 0, 0, time.UTC) }
	month := func(k int) time.Time { return time.Date(y, m+time.Month(k), 1, 0, 0, 0, 0, time.UTC) }
	sunday := -int(now.UTC().Weekday()) // weeks start on Sunday in the default locale
	quarter := func(k int) time.Time { return time.Date(y, (m-1)/3*3+1+time.Month(3*k), 1, 0, 0, 0, 0, time.UTC) }
	year := func(k int) time.Time { return time.Date(y+k, 1, 1, 0, 0, 0, 0, time.UTC) }
	if n >= 0 {
		switch word {
		case "LAST_N_WEEKS":
			return day(sunday - 7*n), day(sunday), true
		case "NEXT_N_WEEKS":
			return day(sunday + 7), day(sunday + 7*(n+1)), true
		case "N_WEEKS_AGO":
			return day(sunday - 7*n), day(sunday - 7*(n-1)), true
		case "LAST_N_MONTHS":
			return month(-n), month(0), true
		case "NEXT_N_MONTHS":
			return month(1), month(n + 1), true
		case "N_MONTHS_AGO":
			return month(-n), month(-n + 1), true
		case "LAST_N_QUARTERS":
			return quarter(-n), quarter(0), true
		case "NEXT_N_QUARTERS":
			return quarter(1), quarter(n + 1), true
		case "N_QUARTERS_AGO":
			return quarter(-n), quarter(-n + 1), true
		case "LAST_N_YEARS":
			return year(-n), year(0), true
		case "NEXT_N_YEARS":
			return year(1), year(n + 1), true
		case "N_YEARS_AGO":
			return year(-n), year(-n + 1), true
		case "LAST_N_DAYS":
			return day(-n), day(1), true
		case "NEXT_N_DAYS":
			return day(1), day(n + 1), true
		case "N_DAYS_AGO":
			return day(-n), day(-n + 1), true
		}
		return from, to, false
	}
	switch word {
	case "TODAY":
		return day(0), day(1), true
	case "YESTERDAY":
		return day(-1), day(0), true
	case "TOMORROW":
		return day(1), day(2), true
	case "THIS_WEEK":
		return day(sunday), day(sunday + 7), true
	case "LAST_WEEK":
		return day(sunday - 7), day(sunday), true
	case "NEXT_WEEK":
		return day(sunday + 7), day(sunday + 14), true
	case "THIS_MONTH":
		return month(0), month(1), true
	case "LAST_MONTH":
		return month(-1), month(0), true
	case "NEXT_MONTH":
		return month(1), month(2), true
	case "THIS_QUARTER":
		return quarter(0), quarter(1), true
	case "LAST_QUARTER":
		return quarter(-1), quarter(0), true
	case "NEXT_QUARTER":
		return quarter(1), quarter(2), true
	case "THIS_YEAR":
		return year(0), year(1), true
	case "LAST_YEAR":
		return year(-1), year(0), true
	case "NEXT_YEAR":
		return year(1), year(2), true
	case "LAST_90_DAYS":
		return day(-90), day(1), true
	case "NEXT_90_DAYS":
		return day(1), day(91), true
	}
	return from, to, false
}
