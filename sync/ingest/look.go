package ingest

import (
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// lookEvery is how often the records of open handoffs are read by id.
const lookEvery = 24 * time.Hour

// lookAgain has the open handoffs of people who have just left looked at.
func (p *Poller) lookAgain(tx state.Tx, left map[string]bool) {
	if !slices.Contains(slices.Collect(maps.Values(left)), true) {
		return
	}
	now := p.Wall().UTC()
	for _, h := range state.AllHandoffs(tx) {
		if h.Stage.Open() && !h.Observed && h.Owner != "" && left[h.Owner] && h.Target.Conn == p.Conn && h.Target.ID != "" {
			state.AppendInbox(tx, state.Change{
				Change: connectors.Change{Ref: h.Target, EventID: "left:" + h.ID + ":" + h.Owner + ":" + now.Format(time.RFC3339)}, Via: "reread", Came: now, Rank: 1,
			})
		}
	}
}

// lookDaily has the records of every open handoff read by id once a day: what
// was deleted shows in no list of changes, and a webhook that tells of it may
// be lost (I4, C9). It costs a hundredth of a call for each.
func (p *Poller) lookDaily(tx state.Tx) {
	now := p.Wall().UTC()
	conn, ok := state.GetConn(tx, p.Conn)
	if age := now.Sub(conn.Looked); !ok || age >= 0 && age < lookEvery {
		return
	}
	first := conn.Looked.IsZero()
	conn.Looked = now
	state.PutConn(tx, conn)
	if first {
		return // whatever is open by now has just been read
	}
	for _, h := range state.AllHandoffs(tx) {
		if !h.Stage.Open() || h.Observed {
			continue
		}
		for _, ref := range []connectors.Ref{h.Record, h.Target} {
			if ref.Conn == p.Conn && ref.ID != "" {
				state.AppendInbox(tx, state.Change{
					Change: connectors.Change{Ref: ref, EventID: "daily:" + ref.String() + ":" + now.Format(time.RFC3339)}, Via: "reread", Came: now, Rank: 9,
				})
			}
		}
	}
}
