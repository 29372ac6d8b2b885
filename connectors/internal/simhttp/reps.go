package simhttp

import "time"

// Reps says how those work who are given something: shares of what they are given. The zero value accepts at
// once and does nothing else.
type Reps struct {
	// Ignore it altogether.
	Ignore float64 `json:"ignore"`
	// Slow ones take ten times as long for everything.
	Slow float64 `json:"slow"`
	// Return it instead of accepting.
	Return float64 `json:"return"`
	// Silent is the share of those returns that give no reason; a third of them do when they are asked.
	Silent float64 `json:"silent"`
	// Tacit is the share that never says that it accepts and just begins to work.
	Tacit float64 `json:"tacit"`
	// Call, Email and Meet the buyer; who calls tries up to three times.
	Call  float64 `json:"call"`
	Email float64 `json:"email"`
	Meet  float64 `json:"meet"`
	// Absent is the share of buyers who do not come to the meeting.
	Absent float64 `json:"absent"`
	// Next is the share that plans a next task.
	Next float64 `json:"next"`
	// Finish is the share that ticks off the task they were given, late.
	Finish float64 `json:"finish"`
}

// Deed is one thing that a rep does about a record, so long after the last one.
type Deed struct {
	After time.Duration
	Do    string // one of the Do words
}

// What reps do.
const (
	DoAccept = "accept" // says so in the status
	DoReturn = "return" // with a reason
	DoRefuse = "refuse" // returns without one
	DoReason = "reason" // gives the reason after all
	DoCall   = "call"
	DoEmail  = "email"
	DoMeet   = "meet"    // a meeting is held and its outcome noted
	DoNoShow = "no_show" // the buyer stays away
	DoNext   = "next"    // plans a task of their own
	DoFinish = "finish"  // ticks off the tasks they were given about it
)

// Plan draws what a rep does about one record. wait is how long a step takes.
func (r Reps) Plan(rand *Rand, wait [2]time.Duration) []Deed {
	if rand.Chance(r.Ignore) {
		return nil
	}
	if rand.Chance(r.Slow) {
		wait = [2]time.Duration{10 * wait[0], 10 * wait[1]}
	}
	var out []Deed
	add := func(do string) { out = append(out, Deed{rand.Between(wait[0], wait[1]), do}) }
	if rand.Chance(r.Return) {
		if !rand.Chance(r.Silent) {
			add(DoReturn)
			return out
		}
		add(DoRefuse)
		if rand.Chance(1.0 / 3) {
			out = append(out, Deed{10 * rand.Between(wait[0], wait[1]), DoReason})
		}
		return out
	}
	if !rand.Chance(r.Tacit) {
		add(DoAccept)
	}
	if rand.Chance(r.Call) {
		for range 1 + rand.IntN(3) {
			add(DoCall)
		}
	}
	if rand.Chance(r.Email) {
		add(DoEmail)
	}
	if rand.Chance(r.Next) {
		add(DoNext)
	}
	if rand.Chance(r.Meet) {
		if rand.Chance(r.Absent) {
			add(DoNoShow)
		} else {
			add(DoMeet)
		}
	}
	if rand.Chance(r.Finish) {
		add(DoFinish)
	}
	return out
}

// ReturnReasons are what reps give as reasons.
func ReturnReasons() []string {
	return []string{"not a fit", "wrong person", "no budget", "duplicate", "wrong contact data"}
}
