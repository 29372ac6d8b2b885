package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/notify"
	"github.com/handoffd/handoffd/sync/plan"
)

// mailbox is a channel in memory. It outlives the daemon.
type mailbox struct {
	mu  sync.Mutex
	got []notify.Parcel
}

// Send implements notify.Channel.
func (m *mailbox) Send(_ context.Context, p notify.Parcel) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, p)
	return nil
}

// channels are the story's, by name.
func (st *stage) channels(rules *plan.Rules) map[string]notify.Channel {
	out := map[string]notify.Channel{}
	for _, c := range rules.Channels() {
		if st.boxes == nil {
			st.boxes = map[string]*mailbox{}
		}
		if st.boxes[c.Name] == nil {
			st.boxes[c.Name] = &mailbox{}
		}
		out[c.Name] = mortalChannel{st.boxes[c.Name], st.reaper}
	}
	return out
}

// mortalChannel lets the process die before and after a message.
type mortalChannel struct {
	next notify.Channel
	r    *reaper
}

func (c mortalChannel) Send(ctx context.Context, p notify.Parcel) error {
	if c.r.effect() {
		return errDead
	}
	err := c.next.Send(ctx, p)
	if c.r.effect() {
		return errDead
	}
	return err
}

// told is what somebody has been told: `told <crm> PERSON`, their live tasks
// there, or `told channel NAME`, the messages in it, each counted once however
// many copies came. doubled counts the copies.
func (st *stage) told(w want) (map[string]string, bool) {
	st.t.Helper()
	var lines []string
	doubled := 0
	if w.kind == "channel" {
		seen := map[string]bool{}
		box := st.boxes[w.key]
		for _, p := range box.got {
			if seen[p.Key] {
				doubled++
				continue
			}
			seen[p.Key] = true
			lines = append(lines, strings.TrimSpace(p.To+": "+p.Subject+": "+p.Text+" "+p.Link))
		}
	} else {
		lines = st.toldInCRM(w.kind, w.key)
	}
	return map[string]string{"count": fmt.Sprint(len(lines)), "text": strings.Join(lines, "\n"), "doubled": fmt.Sprint(doubled)}, true
}

func (st *stage) toldInCRM(crm, who string) (lines []string) {
	st.t.Helper()
	kind := map[string]string{"hubspot": "tasks", "salesforce": "Task"}[crm]
	for _, t := range st.rows(crm, kind) {
		owner := t.text("hubspot_owner_id") + t.text("OwnerId")
		_ = st.store.View(st.t.Context(), func(tx state.Tx) error {
			if u, ok := state.GetUser(tx, crm, owner); ok && u.Email == who {
				lines = append(lines, t.text("hs_task_subject")+t.text("Subject")+": "+t.text("hs_task_body")+t.text("Description"))
			}
			return nil
		})
	}
	return lines
}
