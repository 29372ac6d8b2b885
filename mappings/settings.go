package mappings

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// settings reads handoffd.yaml.
func (d *Doc) settings(root value) {
	s := root.scope("handoffd.yaml")
	if m := s.field("mode"); m.given() {
		d.Mode = m.oneOf("observe", "write")
	}
	for _, e := range s.field("live").entries("write it like {demo_request: 10%}") {
		d.Live = append(d.Live, live(e)...)
	}
	for _, e := range s.need("connections", "name at least one CRM").entries("write one key for each CRM") {
		d.Connections = append(d.Connections, connection(e))
	}
	d.Authority = authority(s.field("authority"))
	for _, v := range s.field("never").list() {
		n := v.scope("an entry of never")
		d.Never = append(d.Never, Never{Name: n.need("name", "").word(), If: n.need("if", condHint).cond(), Pos: v.pos()})
		n.done()
	}
	d.Imports = imports(s.field("imports"))
	for _, e := range s.field("signals").entries("write it like {product: {on: a connection, find_by: …}}") {
		d.Signals = append(d.Signals, signalSource(e))
	}
	for _, v := range s.field("sources").list() {
		n := v.scope("an entry of sources")
		d.Sources = append(d.Sources, Origin{
			Name: n.need("name", "").text(), If: n.need("if", condHint).cond(), Wait: n.need("wait", "write it like 2 minutes").clockTimeOnly(), Pos: v.pos(),
		})
		n.done()
	}
	d.Safety = safety(s.field("safety"))
	for _, e := range s.field("reports").entries("write it like {weekly: {on: monday 08:00, …}}") {
		d.Reports = append(d.Reports, report(e))
	}
	d.Notify = notify(s.field("notify"))
	s.done()
}

// live reads 10%, {share: 10%, on: a connection}, or a list of such maps.
func live(e entry) []Live {
	if !e.val.isMap() && !e.val.isList() {
		return []Live{{Handoff: e.key, Share: e.val.percent(100)}}
	}
	var out []Live
	for _, v := range e.val.oneOrMore() {
		s := v.scope("live " + e.key.S)
		out = append(out, Live{
			Handoff: e.key,
			Share:   s.need("share", "write it like {share: 10%, on: a connection}").percent(100),
			On:      s.need("on", "name a connection, or write just the share").word(),
		})
		s.done()
	}
	return out
}

func connection(e entry) Connection {
	if !isName(e.key.S) {
		e.val.r.add(e.key.Pos, "bad-name", fmt.Sprintf("%q is not a name for a connection", e.key.S), "use small letters, digits, _ and -")
	}
	s := e.val.scope("connection " + e.key.S)
	c := Connection{
		Name:         e.key,
		CRM:          s.need("crm", "name its CRM").word(),
		Mapping:      s.field("mapping").text(),
		APIShare:     s.field("api_share").percent(100),
		HandoffsFrom: s.field("handoffs_from").instant(),
		Pos:          e.key.Pos,
	}
	if ch := s.field("changes_from"); ch.given() {
		f := ch.scope("changes_from")
		c.Webhooks = f.field("webhooks").yesNo()
		c.Messages = f.field("outbound_messages").yesNo()
		c.PollEvery = f.field("poll_every").clockTimeOnly()
		f.done()
	}
	s.done()
	return c
}

// clockTimeOnly is a duration that runs day and night.
func (v value) clockTimeOnly() Duration {
	d := v.duration()
	if d.Working || !d.IsZero() && d.N == 0 {
		v.bad("bad-duration", v.name+" runs day and night and cannot be nothing", "write it like 2 minutes")
		return Duration{}
	}
	return d
}

// instant is a day or a moment, as RFC 3339.
func (v value) instant() Text {
	t := v.text()
	if !t.Given() {
		return t
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if _, err := time.Parse(layout, t.S); err == nil {
			return t
		}
	}
	v.bad("bad-date", fmt.Sprintf("%s: %q is not a day or a moment", v.name, t.S), "write it like 2026-11-27 or 2026-11-27T09:00:00Z")
	return Text{}
}

func authority(v value) Authority {
	a := Authority{Pos: v.pos()}
	for _, e := range v.entries("write it like {owner: a connection}") {
		in, created := strings.CutPrefix(e.key.S, "created_in_")
		in, by := strings.CutSuffix(in, "_by")
		switch {
		case created && by && in != "":
			a.CreatedBy = e.val.oneOf("connector", "handoffd")
			a.CreatedIn = Text{in, e.key.Pos}
		case e.key.S == "owner":
			a.Owner = e.val.word()
		default:
			a.Fields = append(a.Fields, Pair{e.key, e.val.word()})
		}
	}
	return a
}

func imports(v value) Imports {
	if !v.given() {
		return Imports{}
	}
	s := v.scope("imports")
	i := Imports{
		When:    s.need("when", condHint).cond(),
		UseTier: s.need("use_tier", "").word(),
		AtMost:  s.field("at_most").pace(),
		Pos:     v.pos(),
	}
	s.done()
	return i
}

func safety(v value) Safety {
	if !v.given() {
		return Safety{}
	}
	s := v.scope("safety")
	out := Safety{Pos: v.pos()}
	if stop := s.field("stop_if_more_than"); stop.given() {
		f := stop.scope("stop_if_more_than")
		out.OwnerChanges = f.need("owner_changes", "").whole(1)
		out.In = f.need("in", "write it like 10 minutes").clockTimeOnly()
		out.StopPos = stop.pos()
		f.done()
	}
	out.NeverTakeFrom = readAll(s.field("never_take_records_from").oneOrMore(), value.holder)
	if first := s.field("first_writes"); first.given() {
		out.FirstWrites = first.whole(0)
	}
	s.done()
	return out
}

// holder is a person by e-mail, or a queue by its name.
func (v value) holder() Text {
	if t := v.text(); !strings.Contains(t.S, "@") {
		return t
	}
	return v.email()
}

func report(e entry) Report {
	s := e.val.scope("report " + e.key.S)
	r := Report{Name: e.key, Pos: e.key.Pos}
	if e.key.S == Retro {
		r.After = s.need("after", "write it like 14 days").days()
	} else {
		r.Day, r.At = s.need("on", "write it like monday 08:00").weekdayTime()
	}
	if e.key.S == Sample {
		r.Size = s.field("size").sampleSize()
	}
	r.Timezone = s.need("timezone", "write it like Europe/London").timezone()
	r.SendTo = readAll(s.need("send_to", "").oneOrMore(), value.email)
	s.done()
	return r
}

// weekdayTime reads a weekday, -1 for every day, and minutes from midnight.
func (v value) weekdayTime() (day, at int) {
	t := v.text()
	if !t.Given() {
		return 0, 0
	}
	i := strings.LastIndex(t.S, " ")
	name := strings.ToLower(strings.TrimSpace(t.S[:max(i, 0)]))
	at, ok := clockTime(t.S[i+1:])
	if day = slices.Index(weekdays, name); !ok || day < 0 && name != "every day" {
		v.bad("bad-hours", fmt.Sprintf("%s: %q is not a weekday with a time", v.name, t.S), "write it like monday 08:00")
	}
	return day, at
}

// days is a whole number of days, day and night.
func (v value) days() int {
	d := v.duration()
	if !d.IsZero() && (d.Working || d.Unit != Day || d.N == 0) {
		v.bad("bad-duration", v.name+" is a whole number of days", "write it like 14 days")
		return 0
	}
	return d.N
}

// How many handoffs are drawn for the sample.
const (
	usualSample = 5
	mostSampled = 20
)

// sampleSize is how many handoffs are drawn, where nothing is written the usual number.
func (v value) sampleSize() int {
	t := v.text()
	if !t.Given() {
		return usualSample
	}
	n, ok := number(t.S)
	if !ok || n < 1 || n > mostSampled {
		v.bad("bad-number", fmt.Sprintf("%s is %q, which is not a whole number from 1 to %d", v.name, t.S, mostSampled), "")
	}
	return n
}

// timezone is the name of a zone: Europe/London. Whether there is such a
// place is found when the rules are compiled.
func (v value) timezone() Text {
	t := v.text()
	if t.Given() && t.S != "UTC" && (!strings.Contains(t.S, "/") || strings.ContainsAny(t.S, " ,")) {
		v.bad("bad-timezone", fmt.Sprintf("%s: %q is not a time zone", v.name, t.S), "write it like America/New_York or UTC")
	}
	return t
}

// lists reads lists.yaml.
func (d *Doc) lists(root value) {
	s := root.scope("lists.yaml")
	for _, e := range s.need("lists", "").entries("write it like {competitors: [rival.example]}") {
		l := List{Name: e.key}
		if !isName(e.key.S) {
			root.r.add(e.key.Pos, "bad-name", fmt.Sprintf("%q is not a name for a list", e.key.S), "use small letters, digits and _")
		}
		if e.val.isText() && e.val.n.Value == "built_in" {
			l.BuiltIn = true
			if values, ok := BuiltInList(e.key.S); ok {
				for _, v := range values {
					l.Values = append(l.Values, Text{v, e.val.pos()})
				}
			} else {
				e.val.bad("unknown-list", fmt.Sprintf("no list called %q comes with handoffd", e.key.S), didYouMean(e.key.S, builtInNames()))
			}
		} else {
			l.Values = readAll(e.val.list(), value.text)
		}
		d.Lists = append(d.Lists, l)
	}
	s.done()
}

func signalSource(e entry) SignalSource {
	if !isName(e.key.S) {
		e.val.r.add(e.key.Pos, "bad-name", fmt.Sprintf("%q is not a name for a source", e.key.S), "use small letters, digits, _ and -")
	}
	s := e.val.scope("the signals of " + e.key.S)
	out := SignalSource{Name: e.key, On: s.need("on", "name the connection whose records it speaks of").word(), Mapping: s.field("mapping").text(), Pos: e.key.Pos}
	for _, v := range s.need("find_by", "write [{same: [usage.email, person.email]}]").list() {
		f := v.scope("a line of find_by")
		out.FindBy = append(out.FindBy, f.need("same", "write {same: [usage.email, person.email]}").twoFields())
		f.done()
	}
	s.done()
	return out
}
