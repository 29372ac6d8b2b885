package mappings

import (
	"fmt"
	"strings"
)

// Checklist is what giver and receiver have to do, one task each.
type Checklist struct {
	Before []CheckItem // before_transfer: the giver's
	After  []CheckItem // after_transfer: the receiver's, where nobody else is named
	Pos    Pos
}

// CheckItem is one thing to do. A zero Within has no deadline of its own.
type CheckItem struct {
	Do       Text
	Who      Text // "giver", "receiver", "support"; "": as the list says
	If       Cond // IsZero: always
	Within   Clock
	AfterAll bool // after_all_of_the_above
	Proof    Text // "call", "email" or "meeting", or a field that is filled; "": the task is ticked off
	Pos      Pos
}

// Milestone is one thing to do at a time that a date field gives.
type Milestone struct {
	At     At
	Do     Text
	Who    Text // as of a CheckItem; "" is the receiver
	If     Cond // asked when its time has come; IsZero: always
	Within Duration
	Proof  Text
	Pos    Pos
}

// At is so long before or after a date field: "30 days after deal.signed_on".
type At struct {
	By     Duration
	Before bool
	Field  Text
	Pos    Pos
}

func (v value) checklist() Checklist {
	if !v.given() {
		return Checklist{}
	}
	s := v.scope("checklist")
	c := Checklist{Pos: v.pos()}
	for _, i := range s.field("before_transfer").list() {
		item := i.checkItem()
		if item.Who.Given() && item.Who.S != "giver" {
			i.bad("bad-value", fmt.Sprintf("before the transfer there is no %s yet", item.Who.S), "leave who out, or put it under after_transfer")
		}
		c.Before = append(c.Before, item)
	}
	for _, i := range s.field("after_transfer").list() {
		c.After = append(c.After, i.checkItem())
	}
	s.done()
	c.told(v)
	return c
}

// told refuses two items of one text: each is known by what it says.
func (c Checklist) told(v value) {
	seen := map[string]bool{}
	for _, list := range [][]CheckItem{c.Before, c.After} {
		for _, i := range list {
			if i.Do.Given() && seen[i.Do.S] {
				v.r.add(i.Do.Pos, "item-twice", fmt.Sprintf("%q stands in the checklist a second time", i.Do.S), "an item is known by its text: say what is different")
			}
			seen[i.Do.S] = true
		}
	}
}

func (v value) checkItem() CheckItem {
	if !v.isMap() {
		return CheckItem{Do: v.text(), Pos: v.pos()}
	}
	s := v.scope("an item of the checklist")
	c := CheckItem{
		Do:       s.need("do", "say what to do").text(),
		Who:      s.field("who").oneOf(doers()...),
		If:       s.field("if").cond(),
		Within:   Clock{Time: s.field("within").duration(), CountedFrom: s.field("counted_from").fieldName()},
		AfterAll: s.field("after_all_of_the_above").yesNo(),
		Proof:    s.field("proof").proof(),
		Pos:      v.pos(),
	}
	s.done()
	if c.Within.CountedFrom.Given() && c.Within.Time.IsZero() {
		v.bad("missing-key", "counted_from says where a deadline begins, and there is none", "add within")
	}
	return c
}

func doers() []string { return []string{"giver", "receiver", "support"} }

// proof is a kind of activity, or a field that has to be filled.
func (v value) proof() Text {
	t := v.text()
	if !t.Given() || strings.Contains(t.S, ".") {
		return v.fieldName()
	}
	return v.oneOf("call", "email", "meeting")
}

func (v value) milestones() []Milestone {
	var out []Milestone
	for _, item := range v.list() {
		s := item.scope("a milestone")
		out = append(out, Milestone{
			At:     s.need("at", atHint).at(),
			Do:     s.need("do", "say what to do").text(),
			Who:    s.field("who").oneOf(doers()...),
			If:     s.field("if").cond(),
			Within: s.field("within").duration(),
			Proof:  s.field("proof").proof(),
			Pos:    item.pos(),
		})
		s.done()
	}
	return out
}

const atHint = "write it like 30 days after deal.signed_on, or 1 day before deal.meeting_at"

// at is "DURATION before|after FIELD".
func (v value) at() At {
	t := v.text()
	if !t.Given() {
		return At{}
	}
	for _, word := range []string{" before ", " after "} {
		long, name, found := strings.Cut(t.S, word)
		if !found {
			continue
		}
		d, ok := parseDuration(strings.TrimSpace(long))
		if name = strings.TrimSpace(name); !ok || !isField(name) {
			break
		}
		d.Pos = t.Pos
		return At{By: d, Before: word == " before ", Field: Text{S: name, Pos: t.Pos}, Pos: t.Pos}
	}
	v.bad("bad-moment", fmt.Sprintf("at is %q, which is no moment", t.S), atHint)
	return At{}
}
