package main

import (
	"strings"
	"time"
)

// order carries out what an operator orders: "undo TYPE" and "reassign OWNER TO",
// both with --apply, "pause" and "resume". A daemon that dies over it is started again, and asked
// once more when it has recognized its CRMs.
func (st *stage) order(l storyLine) {
	st.t.Helper()
	for range 5 {
		died := st.reaper.isDead()
		if st.revive(); died {
			time.Sleep(time.Second)
		}
		var err error
		switch to := strings.Fields(l.file); l.verb {
		case "undo":
			_, err = st.daemon.desk().undo(st.t.Context(), undoOrder{Type: to[0], Apply: true, By: "operator"})
		case "reassign":
			_, err = st.daemon.desk().reassign(st.t.Context(), reassignOrder{Where: []string{"owner=" + to[0]}, To: to[1], Apply: true, By: "operator"})
		case "pause", "resume":
			_, err = pause(st.t.Context(), st.daemon.config.Store, l.verb == "pause", "operator", time.Now().UTC())
		case "queue": // approve everything
			_, err = runQueue(st.t.Context(), st.daemon.config.Store, queueOrder{Verb: "approve", All: true, By: "operator"}, time.Now().UTC())
		}
		switch {
		case err == nil && !st.reaper.isDead():
			for _, w := range st.daemon.writers {
				w.Bell.Ring()
			}
			return
		case !st.reaper.isDead():
			st.t.Fatalf("%s: %s %s: %v", st.story.name, l.verb, l.file, err)
		}
	}
}
