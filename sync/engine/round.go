package engine

import (
	"cmp"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// work is one round: the records to look at and the timers that are due.
type work struct {
	rules  *plan.Rules // by which the round reads and decides
	items  []*item
	byRef  map[connectors.Ref]*item
	timers []due
	unread []string        // inbox keys that say nothing new
	heard  []state.Change  // of a webhook that tell what we wrote
	deaf   []string        // connections whose webhooks have missed such a write
	lost   []*item         // the CRM will not answer for them
	deadly map[string]bool // what has killed process after process, and is not looked at
	cut    map[string]bool // connections with more than was taken of what tells of itself

	gates  map[string]*Gate        // as they stood when the inbox was opened: what was read since is not in it
	flying map[string]bool         // connections that are being read beside the round
	failed bool                    // something could not be read, and is left alone now
	timed  int                     // items that only timers have asked for
	spoken map[connectors.Ref]bool // timers speak of them, and they are read only where there is news
}

// item is one record with the inbox rows that speak of it.
type item struct {
	ref    connectors.Ref
	rows   []string
	via    string
	came   time.Time
	news   time.Time // when the last of what speaks of it came
	silent bool      // the CRM was asked, and said nothing
	read   bool      // what came along is not enough: a timer speaks of it
	hint   time.Time // the latest of the rows that brought nothing along
	object *connectors.Object
	record *state.Record   // once read
	asked  time.Time       // when it was asked for
	along  time.Time       // when the object that came along was
	check  bool            // somebody may have written the owner just before us
	says   state.Window    // and the status
	odd    []state.Listing // what could not be read
	why    string          // it is lost
	rank   int             // below 0: it goes before all others
}

// due is a timer with the records that have to be read before it speaks.
type due struct {
	timer state.Timer
	about []connectors.Ref
	told  connectors.Ref // is read only where there is news of it

	polled  []plan.Polled // tell what people did
	unheard bool          // and have not, in time
}

func (w *work) empty() bool {
	return len(w.items) == 0 && len(w.timers) == 0 && len(w.unread) == 0 && len(w.deaf) == 0
}

func (w *work) item(ref connectors.Ref) *item {
	it := w.byRef[ref]
	if it == nil {
		it = &item{ref: ref}
		w.byRef[ref] = it
		w.items = append(w.items, it)
	}
	return it
}

// add joins an inbox row to what is known of its record. The owner has to be
// checked where a change is dated between our reading and our write of it, where
// the answer to our write told of one, and where our write comes back by polling
// without a webhook having told of it; the status in the first and the last case, and by
// any reading where no webhook can be relied on to tell.
func (it *item) add(c state.Change, echo state.Echo, written, hears bool) {
	if written {
		it.check = it.check || unheard(c, echo.Owner) || c.Object == nil && echo.Owner.Holds(c.At) || c.Via == state.ViaAnswer
		within := c.Object == nil && echo.Says.Holds(c.At)
		it.read = it.read || within // what came along may be from before our write
		if within || untold(echo.Says, hears) || unheard(c, echo.Says) {
			it.says = echo.Says
		}
	}
	it.rows = append(it.rows, c.Key)
	it.rank = min(it.rank, c.Rank)
	if c.Came.After(it.news) {
		it.news = c.Came
	}
	if it.came.IsZero() || c.Came.Before(it.came) {
		it.came, it.via = c.Came, c.Via
	}
	switch {
	case c.Object != nil && (it.object == nil || c.Object.Version > it.object.Version):
		it.object, it.along = c.Object, c.Read
	case c.Object == nil && c.At.IsZero():
		it.read = true
	case c.Object == nil && c.At.After(it.hint):
		it.hint = c.At
	}
}

// heardOut closes the window in which somebody may have said something before us: what
// was read is from after our write, and it has been decided what they had said.
func (it *item) heardOut(tx state.Tx) {
	e, ok := state.GetEcho(tx, it.ref)
	if ok && it.says.Open() && e.Says.At.Equal(it.says.At) && !it.record.ModifiedAt.Before(it.says.At) {
		e.Says = state.Window{}
		state.PutEcho(tx, it.ref, e)
	}
}

// complete reports whether what came along says everything the rows speak of.
func (it *item) complete() bool {
	return it.object != nil && !it.read && !it.hint.After(it.object.ModifiedAt)
}

// drop takes out of the inbox what the round has done with, without deciding.
func (w *work) drop(now time.Time) func(tx state.Tx) {
	return func(tx state.Tx) {
		for _, key := range w.unread {
			state.DropInbox(tx, key)
		}
		for _, c := range w.heard {
			if e, ok := state.GetEcho(tx, c.Ref); ok {
				e.Owner.Heard = e.Owner.Heard || c.At.Equal(e.Owner.At)
				e.Says.Heard = e.Says.Heard || c.At.Equal(e.Says.At)
				state.PutEcho(tx, c.Ref, e)
			}
		}
		for _, conn := range w.deaf {
			if c, ok := state.GetConn(tx, conn); ok {
				c.Deaf = now.UTC()
				state.PutConn(tx, c)
			}
		}
		for _, it := range w.lost {
			quarantine(tx, it.ref.String(), cmp.Or(it.why, "the CRM has no answer about it"), now)
			for _, key := range it.rows {
				state.DropInbox(tx, key)
			}
		}
	}
}

// observed puts what was read into events.
func (w *work) observed(now time.Time) []Ask {
	var asks []Ask
	for _, it := range w.items {
		if it.record == nil {
			continue
		}
		asks = append(asks, Ask{
			Event: plan.Observed{Record: *it.record, Via: it.via, Came: it.came, Read: it.asked, Check: it.check, Says: it.says},
			Rules: w.rules,
			Done: func(tx state.Tx) {
				for _, key := range it.rows {
					state.DropInbox(tx, key)
				}
				it.heardOut(tx)
				for _, l := range it.odd {
					l.First, l.Last = now, now
					state.AddListing(tx, l)
				}
			},
		})
	}
	return asks
}

// fired puts the timers that are due into events. They come after the records,
// so that they speak of what those say now; a record that was read and could
// not be decided about is no news to them.
func (w *work) fired(undecided map[connectors.Ref]bool) []Ask {
	var asks []Ask
	for _, d := range w.timers {
		fresh, read := true, time.Time{}
		if len(d.about) > 0 {
			read = w.byRef[d.about[0]].asked
		}
		for _, ref := range d.about {
			fresh = fresh && w.byRef[ref].record != nil && !undecided[ref]
		}
		if it := w.byRef[d.told]; it != nil {
			fresh = fresh && it.record != nil && !undecided[d.told]
		}
		asks = append(asks, Ask{
			Event: plan.Fired{Timer: d.timer, Fresh: fresh, Read: read, Unheard: d.unheard},
			Rules: w.rules,
			Done:  func(tx state.Tx) { cancelFired(tx, d.timer) },
		})
	}
	return asks
}

// cancelFired removes a timer that has spoken, unless deciding set it anew.
func cancelFired(tx state.Tx, t state.Timer) {
	for now := range state.TimersUntil(tx, t.Due) {
		if now == t {
			state.CancelTimer(tx, t.ID)
			return
		}
	}
}
