package route

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Entry is one draw as it is kept in the audit trail: enough to recompute
// everybody's share by hand (field, G6).
type Entry struct {
	Seq     uint64 // of the team's draws
	At      time.Time
	Team    string
	Handoff string
	Type    string
	Tier    string
	Who     string
	// Free are those it could have gone to, with their weights; Skipped the
	// others. Both in the team's order.
	Free    []Candidate
	Skipped []Skip
	// Credited says that the turn was given back: the draw counts for nobody.
	Credited bool
}

// Due is the share of the draw that was owed to a member: their weight among
// the weights of those it could have gone to.
func (e Entry) Due(who string) float64 {
	sum, own := 0, 0
	for _, c := range e.Free {
		sum += c.weight()
		if c.Who == who {
			own = c.weight()
		}
	}
	if sum == 0 {
		return 0
	}
	return float64(own) / float64(sum)
}

// ActionCredited is the audit row of a turn that was given back: of the last
// draw of its subject's handoff that went to its owner.
const ActionCredited = "turn given back"

// CreditEntry marks the draw that a turn given back was of.
func CreditEntry(entries []Entry, handoff, who string) {
	for i := len(entries) - 1; i >= 0; i-- {
		if e := &entries[i]; e.Handoff == handoff && e.Who == who {
			e.Credited = true
			return
		}
	}
}

// The details of an audit row that hold a draw.
const (
	DetailTeam    = "drawn_from"
	DetailSeq     = "draw"
	DetailFree    = "free"    // "ana@example.com 2, ben@example.com 1"
	DetailSkipped = "skipped" // "cleo@example.com cap, dev@example.com leave"
)

// Detail writes a draw into the details of an audit row.
func (d Draw) Detail(into map[string]string) {
	free := make([]string, len(d.Free))
	for i, c := range d.Free {
		free[i] = c.Who + " " + strconv.Itoa(c.weight())
	}
	skipped := make([]string, len(d.Skipped))
	for i, s := range d.Skipped {
		skipped[i] = s.Who + " " + string(s.Kind)
	}
	into[DetailTeam], into[DetailSeq] = d.Pool.Team, strconv.FormatUint(d.Pool.Seq, 10)
	into[DetailFree] = strings.Join(free, ", ")
	if len(skipped) > 0 {
		into[DetailSkipped] = strings.Join(skipped, ", ")
	}
}

// ReadDetail reads what Detail wrote; ok is false where there was no draw.
func ReadDetail(detail map[string]string) (e Entry, ok bool) {
	seq, err := strconv.ParseUint(detail[DetailSeq], 10, 64)
	if err != nil {
		return Entry{}, false
	}
	e = Entry{Seq: seq, Team: detail[DetailTeam], Who: detail["owner"], Tier: detail["tier"], Type: detail["type"]}
	for part := range pairs(detail[DetailFree]) {
		weight, _ := strconv.Atoi(part[1])
		e.Free = append(e.Free, Candidate{Who: part[0], Weight: weight})
	}
	for part := range pairs(detail[DetailSkipped]) {
		e.Skipped = append(e.Skipped, Skip{Who: part[0], Kind: Kind(part[1])})
	}
	return e, true
}

// pairs yields "a b, c d" as {a, b} and {c, d}.
func pairs(text string) func(func([2]string) bool) {
	return func(yield func([2]string) bool) {
		for part := range strings.SplitSeq(text, ", ") {
			if who, what, found := strings.Cut(part, " "); found && !yield([2]string{who, what}) {
				return
			}
		}
	}
}

// Account is what one member has had in a time, and what was owed to them.
type Account struct {
	Who      string
	Turns    int     // given, without those that were given back
	Due      float64 // the sum of what each draw owed them
	Credited int     // given back
	Tiers    map[string]TierAccount
	Skips    map[Kind]int // times passed over, by the sort of reason
}

// TierAccount is the part of an account that one tier has.
type TierAccount struct {
	Turns int
	Due   float64
}

// Accounts sums up the draws of one team, a line for each member who was in
// any of them, in order of their names. The sum of Due is the sum of Turns.
func Accounts(entries []Entry) []Account {
	by := map[string]*Account{}
	of := func(who string) *Account {
		if by[who] == nil {
			by[who] = &Account{Who: who, Tiers: map[string]TierAccount{}, Skips: map[Kind]int{}}
		}
		return by[who]
	}
	for _, e := range entries {
		for _, s := range e.Skipped {
			of(s.Who).Skips[s.Kind]++
		}
		for _, c := range e.Free {
			a := of(c.Who)
			switch {
			case e.Credited && c.Who == e.Who:
				a.Credited++
				continue
			case e.Credited:
				continue
			}
			t := a.Tiers[e.Tier]
			due := e.Due(c.Who)
			a.Due, t.Due = a.Due+due, t.Due+due
			if c.Who == e.Who {
				a.Turns, t.Turns = a.Turns+1, t.Turns+1
			}
			a.Tiers[e.Tier] = t
		}
	}
	out := make([]Account, 0, len(by))
	for _, a := range by {
		out = append(out, *a)
	}
	slices.SortFunc(out, func(a, b Account) int { return cmp.Compare(a.Who, b.Who) })
	return out
}

// Share writes a number of turns that need not be whole.
func Share(f float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.2f", math.Round(f*100)/100), ".00")
}
