package salesforcesim

import "time"

// dateRange resolves a date literal to [from, to) in the running user's zone, which is GMT here.
// n is the number behind the colon, -1 without one.
func dateRange(word string, n int, now time.Time) (from, to time.Time, ok bool) {
	y, m, d := now.UTC().Date()
	day := func(k int) time.Time { return time.Date(y, m, d+k, 0, 0, 0, 0, time.UTC) }
	month := func(k int) time.Time { return time.Date(y, m+time.Month(k), 1, 0, 0, 0, 0, time.UTC) }
	sunday := -int(now.UTC().Weekday()) // weeks start on Sunday in the default locale
	if n >= 0 {
		switch word {
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
	}
	return from, to, false
}
