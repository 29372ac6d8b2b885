package hubspot_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"pgregory.net/rapid"
)

// step is one thing that happens while we poll.
type step struct {
	what   string // "create", "update", "page" or "pause"
	record int
	limit  int
	pause  time.Duration
}

// story is what happens in one world.
type story struct {
	seed  uint64
	lag   time.Duration
	list  bool // begin with the zero cursor
	steps []step
}

func drawStory(rt *rapid.T) story {
	s := story{
		seed: rapid.Uint64().Draw(rt, "seed"),
		lag:  time.Duration(rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 240)).Draw(rt, "lag")) * time.Second,
		list: rapid.Bool().Draw(rt, "list"),
	}
	for range rapid.IntRange(1, 40).Draw(rt, "steps") {
		s.steps = append(s.steps, step{
			what:   rapid.SampledFrom([]string{"create", "create", "update", "page", "page", "pause"}).Draw(rt, "what"),
			record: rapid.IntRange(0, 9).Draw(rt, "record"),
			limit:  rapid.IntRange(1, 3).Draw(rt, "limit"),
			pause:  time.Duration(rapid.IntRange(0, 200_000).Draw(rt, "pause")) * time.Millisecond,
		})
	}
	return s
}

// (P1, P2, P3, P5) Whatever people change between the pages, however late the
// index, whenever we restart: every record's last change is seen, and what had changed
// before a window was opened is seen by its end.
func TestEveryLastChangeIsSeen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := drawStory(rt)
		problem := ""
		synctest.Test(t, func(t *testing.T) { problem = s.play(t) })
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}

func (s story) play(t *testing.T) string {
	c, sim, _ := portal(t, hubspotsim.Config{Seed: s.seed, Empty: true, Faults: simhttp.Faults{SearchLag: s.lag}}, nil)
	w := watcher{c: c, seen: make(map[string]time.Time)}
	if !s.list {
		w.cursor.From = time.Now()
	}
	last, all := make(map[string]time.Time), make(map[string][]time.Time)
	var ids []string
	missing := ""
	page := func(limit int) (more bool) {
		opened, more := w.page(t, limit)
		for id, changes := range all {
			for _, at := range changes {
				if !more && at.Before(opened.Add(-s.lag)) && w.seen[id].Before(at.Truncate(time.Millisecond)) {
					missing = fmt.Sprintf("%s changed at %v, and a window that was opened at %v ended without it", id, at, opened)
				}
			}
		}
		return more
	}
	for i, step := range s.steps {
		switch {
		case step.what == "create":
			id := edit(t, sim, "contacts", "create", "", map[string]any{"firstname": "x"})
			ids, last[id] = append(ids, id), time.Now()
			all[id] = append(all[id], time.Now())
		case step.what == "update" && len(ids) > 0:
			id := ids[step.record%len(ids)]
			edit(t, sim, "contacts", "update", id, map[string]any{"firstname": fmt.Sprint(i)})
			last[id] = time.Now()
			all[id] = append(all[id], time.Now())
		case step.what == "page":
			page(step.limit)
		case step.what == "pause":
			time.Sleep(step.pause)
		}
	}
	for range 4 { // rest: the index catches up while we poll on
		time.Sleep(2 * time.Minute)
		for page(200) {
		}
	}
	if missing != "" {
		return missing
	}
	for id, at := range last {
		if w.seen[id].Before(at.Truncate(time.Millisecond)) {
			return fmt.Sprintf("%s changed at %v, seen as of %v", id, at, w.seen[id])
		}
	}
	return ""
}

// watcher polls contacts, keeping nothing but the stored cursor.
type watcher struct {
	c      connectors.Connector
	cursor connectors.Cursor
	seen   map[string]time.Time
}

// page reads on. It says when the window was opened; what is listed has none.
func (w *watcher) page(t *testing.T, limit int) (opened time.Time, more bool) {
	opened = time.Now()
	if was := w.cursor.Upper; !was.IsZero() {
		opened = was
	}
	pages, err := w.c.Changes(t.Context(), []connectors.Poll{{Kind: "contacts", From: w.cursor, Limit: limit}})
	if err != nil || pages[0].Err != nil {
		t.Fatal(err, pages[0].Err)
	}
	for _, ch := range pages[0].Changes {
		if ch.At.After(w.seen[ch.Ref.ID]) {
			w.seen[ch.Ref.ID] = ch.At
		}
	}
	raw, err := json.Marshal(pages[0].Next)
	if err != nil {
		t.Fatal(err)
	}
	w.cursor = connectors.Cursor{}
	if err := json.Unmarshal(raw, &w.cursor); err != nil {
		t.Fatal(err)
	}
	return opened, pages[0].More
}

// TestWindowEnds: a window ends although records are made for as long as it is walked, a
// page of them with each page that is read (P3).
func TestWindowEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Empty: true}, nil)
		w := watcher{c: c, cursor: connectors.Cursor{From: time.Now()}, seen: make(map[string]time.Time)}
		time.Sleep(time.Minute)
		first := edit(t, sim, "contacts", "create", "", map[string]any{"firstname": "x"})
		ended := time.Time{}
		for range 20 {
			edit(t, sim, "contacts", "create", "", map[string]any{"firstname": "x"})
			if opened, more := w.page(t, 1); !more && opened.After(ended) {
				ended = opened
				edit(t, sim, "contacts", "update", first, map[string]any{"firstname": "y"})
			}
			time.Sleep(2 * time.Second)
		}
		if ended.IsZero() || w.seen[first].Before(ended) {
			t.Errorf("a window ended at %v, and the first record was seen as of %v", ended, w.seen[first])
		}
	})
}
