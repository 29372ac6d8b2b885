package plan

import (
	"time"

	"github.com/handoffd/handoffd/state"
)

// settled is what one decision comes to for the people a handoff is about.
type settled struct {
	stage       state.Stage
	owner, team string
	backup      string
	conn        string // where it lands
	tier        string
	accept      time.Time
	touch       time.Time
}

// Differ compares what two decisions come to for people: by handoff, whether
// it would be another, or have another stage, owner, team, tier or deadline.
// Wording and brief do not count, nor whether it was only observed.
func Differ(a, b state.Changes) map[string]bool {
	was, is := settle(a), settle(b)
	out := map[string]bool{}
	for id, s := range was {
		out[id] = s != is[id]
	}
	for id, s := range is {
		out[id] = s != was[id]
	}
	return out
}

func settle(c state.Changes) map[string]settled {
	out := map[string]settled{}
	for _, h := range c.Handoffs {
		out[h.ID] = settled{
			h.Stage, h.Owner, h.Team, h.Backup, h.Target.Conn, h.Tier, h.AcceptBy.UTC(), h.TouchBy.UTC(),
		}
	}
	return out
}
