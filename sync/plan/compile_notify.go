package plan

import (
	"slices"
	"time"

	"github.com/handoffd/handoffd/mappings"
)

// otherwiseTier stands in by_tier for every tier that is not named.
const otherwiseTier = "otherwise"

// notify is who is told where, and how much.
type notify struct {
	channels []Channel
	byTier   map[string][]string // "crm" is a task; nil: that only
	atMost   int                 // notices a person and day, one by one; 0: as many as there are
	digest   int                 // minutes from midnight, where the person works
	beat     time.Duration
	wording  map[string]template
}

// Channel is one place outside the CRM to write to.
type Channel struct {
	Name string
	Kind string // "slack", "teams", "email" or "webhook"
	From string // of e-mail
}

// Dest is where the outbox keeps what is written to the channel.
func (c Channel) Dest() string { return notifyDest + c.Name }

const notifyDest = "notify/"

// Channels are those of `notify:`, in declared order.
func (r *Rules) Channels() []Channel { return slices.Clone(r.notify.channels) }

// Heartbeat is how often a URL is told that all is well; 0: never.
func (r *Rules) Heartbeat() time.Duration { return r.notify.beat }

// in are the channels a tier's notices go to, the CRM among them.
func (n *notify) in(tier string) []string {
	if c, ok := n.byTier[tier]; ok {
		return c
	}
	if c, ok := n.byTier[otherwiseTier]; ok {
		return c
	}
	return []string{mappings.InCRM}
}

func (c *compiler) notifyOf() {
	d, n := c.doc.Notify, &c.r.notify
	n.byTier, n.wording = map[string][]string{}, map[string]template{}
	n.atMost, n.digest, n.beat = d.Each.AtMost.N, d.Each.Digest, plain(d.Heartbeat)
	known := []string{mappings.InCRM}
	for _, ch := range d.Channels {
		known = append(known, ch.Name.S)
		n.channels = append(n.channels, Channel{ch.Name.S, ch.Kind.S, ch.From.S})
	}
	used := map[string]bool{}
	for _, t := range d.ByTier {
		if t.Tier.S != otherwiseTier {
			c.tier(t.Tier)
		}
		var to []string
		for _, ch := range t.Channels {
			if !slices.Contains(known, ch.S) {
				c.undefined(ch, "undefined-channel", "channel", "handoffd.yaml", known)
			}
			used[ch.S] = true
			to = append(to, ch.S)
		}
		n.byTier[t.Tier.S] = to
	}
	for _, ch := range d.Channels {
		if !used[ch.Name.S] && c.doc.Safety.OwnerChanges == 0 { // a safety stop is told in every channel
			c.warn(ch.Pos, "unused-channel", "name it under by_tier", "nothing is told in channel %s", ch.Name.S)
		}
	}
	for _, w := range d.Wording {
		n.wording[w.From.S] = c.notice(w.To)
	}
}

// notice is a template of something that is told.
func (c *compiler) notice(t mappings.Text) template {
	return c.templateOf(t, c.r.conns, append(templateWords(), noticeWords()...))
}

// noticeWords are what a notice may hold beside what the subject of a task may.
func noticeWords() []string { return []string{"by", "manager", "was", "who", "seen"} }
