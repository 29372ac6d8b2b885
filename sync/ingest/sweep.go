package ingest

import "time"

// What a CRM shows late, its search index behind by more than the overlap with
// which polls read back, or a transaction that was long under way, would be
// passed over for good. So now and then more is read again than the overlap;
// what is known of it already costs the page it comes on and nothing else (P2,
// P4).
var lookBacks = [...]struct{ every, back time.Duration }{
	{15 * time.Minute, 30 * time.Minute},
	{24 * time.Hour, 26 * time.Hour},
}

// sweeps are when each of lookBacks was done last; zero: not since the start,
// from which it counts.
type sweeps [len(lookBacks)]time.Time

// sweep lets cursors that follow changes read back further where that is due,
// never behind when the connection went live. It returns what has been done
// when the readings have succeeded.
func (p *Poller) sweep(readings []reading, live time.Time) sweeps {
	now, done := p.Wall().UTC(), p.swept
	var back time.Duration
	for i, l := range lookBacks {
		switch age := now.Sub(done[i]); {
		case done[i].IsZero() || age < 0:
			done[i] = now
		case age >= l.every:
			done[i], back = now, l.back
		}
	}
	if back == 0 {
		return done
	}
	for i := range readings {
		c := &readings[i].poll.From
		if readings[i].lists() || c.From.IsZero() || !c.Upper.IsZero() || c.After != "" {
			continue
		}
		if from := later(live, now.Add(-back)); from.Before(c.From) {
			c.From = from
		}
	}
	return done
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
