package report

// The answers that one person can have given about one lead.
const (
	Unanswered Answer = ""
	Ready      Answer = "yes"
	NotReady   Answer = "no"
)

// Unhurried is how many seconds an answer may take: criteria that need longer
// are not binary yet (4.32).
const Unhurried = 10.0

// Answer is whether a lead is ready to be handed over.
type Answer string

// Opinion is what one person said of a lead. Seconds is how long it took, 0 if
// nobody measured it.
type Opinion struct {
	Ready   Answer
	Seconds float64
}

// CalibrationLead is one lead of a draw and what two people said of it.
type CalibrationLead struct {
	Number, Record, Shows string
	First, Second         Opinion
}

// Calibration is how far two people who judged the same leads agree on which
// are ready (4.32).
type Calibration struct {
	Leads      int         `json:"leads"`
	Both       int         `json:"answered_by_both"`
	Agreement  *float64    `json:"agreement"` // share of those that both answered; null: there is none
	Kappa      *float64    `json:"kappa"`     // Cohen's; null: it cannot be computed
	Band       string      `json:"band,omitempty"`
	Reading    string      `json:"reading"`
	Table      Fourfold    `json:"table"`
	People     [2]Answerer `json:"people"`
	Differ     []Dispute   `json:"disagreements"`
	Unanswered []OpenLead  `json:"unanswered"`
}

// Fourfold counts the leads that both answered, by what the first and the second
// person said.
type Fourfold struct {
	BothReady  int `json:"both_ready"`
	OnlyFirst  int `json:"only_first_ready"`
	OnlySecond int `json:"only_second_ready"`
	Neither    int `json:"neither_ready"`
}

// Answerer is how one of the two answered.
type Answerer struct {
	Sheet    string  `json:"sheet"`
	Answered int     `json:"answered"`
	Ready    int     `json:"ready"`
	Timed    int     `json:"timed"`     // answers whose time is known
	Slow     int     `json:"over_10_s"` // of them
	Slowest  float64 `json:"slowest_s"` // of them
}

// Dispute is a lead on which the two differ.
type Dispute struct {
	Number string `json:"number"`
	Record string `json:"record"`
	Shows  string `json:"shows"`
	First  Answer `json:"first"`
	Second Answer `json:"second"`
}

// OpenLead is a lead that somebody has not answered.
type OpenLead struct {
	Number string   `json:"number"`
	Record string   `json:"record"`
	By     []string `json:"by"` // the sheets without an answer
}

// Calibrate compares what two people said, who are named by their sheets.
func Calibrate(sheets [2]string, leads []CalibrationLead) Calibration {
	c := Calibration{Leads: len(leads), Differ: []Dispute{}, Unanswered: []OpenLead{}}
	c.People[0].Sheet, c.People[1].Sheet = sheets[0], sheets[1]
	for _, l := range leads {
		var missing []string
		for i, o := range []Opinion{l.First, l.Second} {
			if o.Ready == Unanswered {
				missing = append(missing, sheets[i])
				continue
			}
			c.People[i].count(o)
		}
		if len(missing) > 0 {
			c.Unanswered = append(c.Unanswered, OpenLead{l.Number, l.Record, missing})
			continue
		}
		c.Both++
		c.Table.count(l.First.Ready, l.Second.Ready)
		if l.First.Ready != l.Second.Ready {
			c.Differ = append(c.Differ, Dispute{l.Number, l.Record, l.Shows, l.First.Ready, l.Second.Ready})
		}
	}
	if c.Both > 0 {
		share := float64(c.Table.BothReady+c.Table.Neither) / float64(c.Both)
		c.Agreement = &share
	}
	c.read()
	return c
}

func (a *Answerer) count(o Opinion) {
	a.Answered++
	if o.Ready == Ready {
		a.Ready++
	}
	if o.Seconds <= 0 {
		return
	}
	a.Timed++
	a.Slowest = max(a.Slowest, o.Seconds)
	if o.Seconds > Unhurried {
		a.Slow++
	}
}

func (t *Fourfold) count(first, second Answer) {
	switch {
	case first == Ready && second == Ready:
		t.BothReady++
	case first == Ready:
		t.OnlyFirst++
	case second == Ready:
		t.OnlySecond++
	default:
		t.Neither++
	}
}

// Kappa is Cohen's kappa (1960): how much of the agreement that chance would not
// give is there. false: there is nothing to compare, or both gave one and the
// same answer to every lead, so that chance alone would agree as well and
// nothing is left to measure.
func (t Fourfold) Kappa() (float64, bool) {
	n := t.BothReady + t.OnlyFirst + t.OnlySecond + t.Neither
	// The agreement that is expected by chance, and each share below, times n².
	// Whole numbers, so that "nothing is left" is exact.
	expected := (t.BothReady+t.OnlyFirst)*(t.BothReady+t.OnlySecond) + (t.OnlySecond+t.Neither)*(t.OnlyFirst+t.Neither)
	if n*n == expected {
		return 0, false
	}
	return float64(n*(t.BothReady+t.Neither)-expected) / float64(n*n-expected), true
}

// Band is the word for a kappa, and what it means here. The bands are those of
// Landis and Koch, The Measurement of Observer Agreement for Categorical Data,
// Biometrics 33 (1977), p. 165; they called them arbitrary themselves.
func Band(kappa float64) (name, means string) {
	switch {
	case kappa < 0:
		return "poor", "You agree less often than by chance: you do not mean the same by ready."
	case kappa <= 0.20:
		return "slight", "You hardly agree more often than by chance: the criteria are not clear yet."
	case kappa <= 0.40:
		return "fair", "You agree somewhat more often than by chance: the criteria leave too much open."
	case kappa <= 0.60:
		return "moderate", "The criteria are half clear: settle the leads that you differ on, and draw again."
	case kappa <= 0.80:
		return "substantial", "You mostly mean the same: settle the leads that you differ on."
	}
	return "almost perfect", "You mean the same by ready."
}

// read puts kappa into words.
func (c *Calibration) read() {
	if c.Both == 0 {
		c.Reading = "No lead was answered by both, so there is nothing to compare."
		return
	}
	kappa, ok := c.Table.Kappa()
	if !ok {
		c.Reading = "Kappa cannot be computed: both gave the same answer to every lead, which says nothing of the criteria; draw leads of which some are ready and some are not."
		return
	}
	c.Kappa = &kappa
	c.Band, c.Reading = Band(kappa)
	if who := c.unvarying(); who != "" {
		c.Band, c.Reading = "", who+" has one answer for every lead: then kappa is 0 whatever the other one says, and tells nothing."
	}
}

// unvarying is the sheet of who gave one answer to all that both answered.
func (c *Calibration) unvarying() string {
	t := c.Table
	switch {
	case t.BothReady+t.OnlyFirst == c.Both, t.OnlySecond+t.Neither == c.Both:
		return c.People[0].Sheet
	case t.BothReady+t.OnlySecond == c.Both, t.OnlyFirst+t.Neither == c.Both:
		return c.People[1].Sheet
	}
	return ""
}
