package state

import (
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Leave is what one source last said of when one person is away. It stays as
// it is while the source cannot be read.
type Leave struct {
	Who    string               `json:"who"`    // by e-mail
	Source string               `json:"source"` // a connection, or [FeedSource]
	Away   []connectors.Absence `json:"away"`
}

// FeedSource is the source of what a person's own calendar feed says. No
// connection can be called so.
const FeedSource = "calendar feed"

// LeaveSource is how one source of absences was last read.
type LeaveSource struct {
	Name   string    `json:"name"`             // a connection, or [FeedName]
	ReadAt time.Time `json:"read_at,omitzero"` // last in full; zero: never
	Failed time.Time `json:"failed,omitzero"`  // since when it cannot be read; zero: it can
	Error  string    `json:"error,omitempty"`
	// ETag and At are what a feed said of itself, so that it is not sent again
	// while it is the same at the same address.
	ETag string `json:"etag,omitempty"`
	At   string `json:"at,omitempty"` // digest of the address
}

// FeedName names the feed of a person among the sources.
func FeedName(who string) string { return "calendar feed of " + who }

var (
	leaves  = Table[Leave]{Bucket: Meta, Subject: func(l Leave) string { return l.Who }}
	sources = Table[LeaveSource]{Bucket: Meta}
)

const (
	leaveKey       = "leave"
	leaveSourceKey = "leave source"
)

// mostLeave is how many absences of one person a decision looks at.
const mostLeave = 8

// LeaveOf is what each source says of when a person is away, as far as it is
// not over, the nearest first. Key: "leave", person, source.
func LeaveOf(tx Tx, who string, now time.Time) []Leave {
	var out []Leave
	for _, l := range leaves.All(tx, Key(leaveKey, who)) {
		l.Away = slices.DeleteFunc(l.Away, func(a connectors.Absence) bool { return !a.Until.After(now) })
		slices.SortStableFunc(l.Away, func(a, b connectors.Absence) int { return a.From.Compare(b.From) })
		if l.Away = l.Away[:min(len(l.Away), mostLeave)]; len(l.Away) > 0 {
			out = append(out, l)
		}
	}
	return out
}

// PutLeave stores what a source says of one person.
func PutLeave(tx Tx, l Leave) {
	if len(l.Away) == 0 {
		leaves.Delete(tx, Key(leaveKey, l.Who, l.Source))
		return
	}
	leaves.Put(tx, Key(leaveKey, l.Who, l.Source), l)
}

// ReplaceLeave stores all that a source says, in place of what it said before.
func ReplaceLeave(tx Tx, source string, all []connectors.Absence) {
	by := map[string][]connectors.Absence{}
	for _, a := range all {
		by[a.Who] = append(by[a.Who], a)
	}
	var gone []Leave
	for _, l := range leaves.All(tx, Key(leaveKey)) {
		if l.Source == source && by[l.Who] == nil {
			gone = append(gone, Leave{Who: l.Who, Source: source})
		}
	}
	for _, l := range gone {
		PutLeave(tx, l)
	}
	for who, away := range by {
		PutLeave(tx, Leave{Who: who, Source: source, Away: away})
	}
}

// GetLeaveSource returns how a source was last read. Key: "leave source", name.
func GetLeaveSource(tx Tx, name string) LeaveSource {
	s, _ := sources.Get(tx, Key(leaveSourceKey, name))
	s.Name = name
	return s
}

// PutLeaveSource stores it.
func PutLeaveSource(tx Tx, s LeaveSource) { sources.Put(tx, Key(leaveSourceKey, s.Name), s) }

// DropLeaveSource forgets a source that is not read any more.
func DropLeaveSource(tx Tx, name string) { sources.Delete(tx, Key(leaveSourceKey, name)) }

// LeaveSources are all of them, by name.
func LeaveSources(tx Tx) []LeaveSource {
	var out []LeaveSource
	for _, s := range sources.All(tx, Key(leaveSourceKey)) {
		out = append(out, s)
	}
	return out
}

var covers = Table[time.Time]{Bucket: Meta}

// GetCover returns when the open handoffs of a cover were handed over. Key:
// "cover", its name.
func GetCover(tx Tx, name string) (time.Time, bool) { return covers.Get(tx, Key("cover", name)) }

// PutCover notes it, so that they are handed over once.
func PutCover(tx Tx, name string, at time.Time) { covers.Put(tx, Key("cover", name), at) }
