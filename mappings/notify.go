package mappings

import (
	"fmt"
	"slices"
	"strings"
)

// Notify is who is told what, and where, beside the CRM. The zero Notify tells
// everything in the CRM only.
type Notify struct {
	Channels  []Channel
	ByTier    []TierChannels
	Each      Budget
	Heartbeat Duration // every; zero: none
	Wording   []Pair   // sort of notice → template
	Pos       Pos
}

// Channel is one place to write to. Its address and secret come from the
// environment.
type Channel struct {
	Name Text
	Kind Text // "slack", "teams", "email", "webhook"
	From Text // of e-mail: the sender's address
	Pos  Pos
}

// TierChannels says where the handoffs of a tier are told of, in order.
type TierChannels struct {
	Tier     Text // "otherwise" for all that are not named
	Channels []Text
}

// Budget is how much one person is told in a day; what is beyond it waits for
// the digest.
type Budget struct {
	AtMost Pace
	Digest int // minutes from midnight
	Pos    Pos
}

// InCRM is the channel that every folder has: a task in the CRM.
const InCRM = "crm"

// ChannelKinds are the sorts of channels.
func ChannelKinds() []string { return []string{"slack", "teams", "email", "webhook"} }

// Wordings are the sorts of notices whose text can be written anew.
func Wordings() []string { return []string{"remind", "alert", "tell", "task", "given"} }

func notify(v value) Notify {
	if !v.given() {
		return Notify{}
	}
	s := v.scope("notify")
	n := Notify{Pos: v.pos()}
	for _, e := range s.field("channels").entries("write it like {sales: {kind: slack}}") {
		n.Channels = append(n.Channels, channel(e))
	}
	for _, e := range s.field("by_tier").entries("write it like {high_intent: [crm, sales], otherwise: [crm]}") {
		n.ByTier = append(n.ByTier, TierChannels{Tier: e.key, Channels: readAll(e.val.oneOrMore(), value.word)})
	}
	if each := s.field("each_person"); each.given() {
		n.Each = budget(each)
	}
	if beat := s.field("heartbeat"); beat.given() {
		f := beat.scope("heartbeat")
		n.Heartbeat = f.need("every", "write it like 5 minutes").clockTimeOnly()
		f.done()
	}
	for _, e := range s.field("wording").entries("write it like {remind: \"{{person.full_name}} is waiting\"}") {
		if !slices.Contains(Wordings(), e.key.S) {
			e.val.r.add(e.key.Pos, "bad-value", fmt.Sprintf("wording cannot be of %q", e.key.S), didYouMean(e.key.S, Wordings()))
			continue
		}
		n.Wording = append(n.Wording, Pair{e.key, e.val.template()})
	}
	s.done()
	return n
}

func channel(e entry) Channel {
	switch {
	case !isName(e.key.S):
		e.val.r.add(e.key.Pos, "bad-name", fmt.Sprintf("%q is not a name for a channel", e.key.S), "use small letters, digits, _ and -")
	case e.key.S == InCRM:
		e.val.r.add(e.key.Pos, "bad-name", "crm is the CRM itself, a task there, and needs no channel", "give the channel another name")
	}
	s := e.val.scope("channel " + e.key.S)
	c := Channel{Name: e.key, Kind: s.need("kind", "it can be "+strings.Join(ChannelKinds(), ", ")).oneOf(ChannelKinds()...), Pos: e.key.Pos}
	from := s.field("from")
	c.From = from.email()
	switch {
	case c.Kind.S == "email" && !from.given() && s.ok:
		e.val.bad("missing-key", "channel "+e.key.S+" has no from", "write the address its mails come from")
	case c.Kind.S != "email" && from.given():
		from.bad("bad-value", "from has no effect on a "+c.Kind.S+" channel", "leave it out")
	}
	s.done()
	return c
}

func budget(v value) Budget {
	s := v.scope("each_person")
	b := Budget{AtMost: s.need("at_most", "write it like 10 a day").pace(), Pos: v.pos()}
	if p := b.AtMost; p.N > 0 && p.Per != Day {
		s.field("at_most").bad("bad-pace", "at_most counts a day", "write it like 10 a day")
	}
	then := s.need("then", "write it like digest at 09:00")
	if t := then.text(); t.Given() {
		at, ok := strings.CutPrefix(t.S, "digest at ")
		minutes, good := clockTime(strings.TrimSpace(at))
		if !ok || !good || minutes >= 24*60 {
			then.bad("bad-value", fmt.Sprintf("then cannot be %q", t.S), "write it like digest at 09:00")
		}
		b.Digest = minutes
	}
	s.done()
	return b
}
