// Package mappings reads the admin's folder of YAML into a checked [Doc]:
// every scalar is the text that was typed, every value knows its file, line
// and column, and all problems of all files are found in one pass. It knows
// the shape of the files and nothing of what the rules mean; package plan
// compiles a Doc into rules.
package mappings

import "fmt"

// Pos is a place in the admin's folder. Line and Column count from 1.
type Pos struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Text is a scalar as it was typed, with its place. The zero Text is one that
// was not written.
type Text struct {
	S   string
	Pos Pos
}

// Given reports whether the text was written at all.
func (t Text) Given() bool { return t.Pos.Line != 0 }

// Doc is the whole folder.
//
// A Doc of a folder with errors holds what could be read, so that everything
// else can still be checked; only one for which [Failed] says false may run.
type Doc struct {
	Mode        Text // "observe" or "write"; "observe", without a place, when not written
	Live        []Live
	Connections []Connection
	Authority   Authority
	Never       []Never
	Imports     Imports
	Sources     []Origin
	Signals     []SignalSource
	Safety      Safety
	Reports     []Report
	Notify      Notify
	Lists       []List
	Mappings    []Mapping
	Calendars   []Calendar
	People      []Person
	Cover       []Cover
	Teams       []Team
	Territories []Territory
	Tiers       []Tier
	Escalations []Escalation
	Handoffs    []Handoff
	// Files are the texts as read, by name, for digests and diagnostics.
	Files map[string]string
	// Unread names the files that could not be read at all, in order. A name
	// that such a file may define is not undefined.
	Unread []string
}

// Live lets one handoff type act, in write mode, on a share of its records;
// where any is written, the types not named stay observed.
type Live struct {
	Handoff Text
	Share   Percent
	On      Text // one connection it may start in; "" for all of them
}

// Imports gives bulk lists their own tier and pace. The zero Imports is none.
type Imports struct {
	When    Cond
	UseTier Text
	AtMost  Pace
	Pos     Pos
}

// SignalSource is a program that posts what it knows of people or companies.
type SignalSource struct {
	Name    Text
	On      Text // the connection whose records it speaks of
	Mapping Text // file name, or "" for mappings/<name>.yaml
	FindBy  [][2]Text
	Pos     Pos
}

// Origin is a way in which records come, and how long one that came so has to
// rest before it starts anything.
type Origin struct {
	Name Text
	If   Cond
	Wait Duration
	Pos  Pos
}

// Pace is so many per unit of time: "50 a day".
type Pace struct {
	N   int
	Per Unit
	Pos Pos
}

// Safety is what stops the daemon by itself.
type Safety struct {
	OwnerChanges  int      // stop_if_more_than: owner_changes; 0: it never stops by itself
	In            Duration // in
	StopPos       Pos
	NeverTakeFrom []Text // never_take_records_from: e-mails, or names of queues
	// FirstWrites wait, on a connection that was never written, until somebody
	// has approved them; 0: none does.
	FirstWrites int
	Pos         Pos
}

// Retro is the report that is sent once, some days after the start.
const Retro = "retro"

// Sample is the report of how giver and receiver rate some handoffs, drawn at random.
const Sample = "sample"

// Report is one that is sent by itself: weekly, or once, as the retro.
type Report struct {
	Name     Text
	Day      int // time.Weekday; -1 for every day
	At       int // minutes from midnight
	After    int // days, of the retro
	Size     int // handoffs that are drawn for the sample, 1 to 20
	Timezone Text
	SendTo   []Text // e-mails
	Pos      Pos
}

// Connection is one account of one CRM.
type Connection struct {
	Name      Text
	CRM       Text // the adapter's name in package builtin
	Mapping   Text // file name, or "" for mappings/<crm>.yaml
	Webhooks  bool
	Messages  bool     // outbound_messages
	PollEvery Duration // zero: the default
	// HandoffsFrom is the date or instant before which no signal counts; not
	// written: the connection's first start.
	HandoffsFrom Text
	APIShare     Percent // of the daily limit; zero: the default
	Pos          Pos
}

// Authority names, with several CRMs connected, the one that may be written.
type Authority struct {
	Owner     Text   // a connection
	CreatedBy Text   // "connector" or "handoffd"; the key is created_in_<connection or crm>_by
	CreatedIn Text   // the <connection or crm> of that key
	Fields    []Pair // any other word → the connection that may be written
	Pos       Pos
}

// Never is a condition under which no handoff starts, tried before any type.
type Never struct {
	Name Text
	If   Cond
	Pos  Pos
}

// List is a named list of values.
type List struct {
	Name    Text
	BuiltIn bool // the list of that name that comes with handoffd
	Values  []Text
}

// Mapping is the vocabulary of one CRM: left our word, right where it keeps it.
type Mapping struct {
	Name  Text // of the line "mapping: …"
	Nouns []Noun
	// MatchPeople is match_people_to_companies.
	MatchPeople Match
	Pos         Pos
}

// Noun is person, company or deal.
type Noun struct {
	Word      Text   // "person", "company", "deal"
	StoredIn  []Text // kinds of the CRM, preferred first
	FoundFrom Text   // company: "person" (its primary company, else matching)
	Fields    []Field
	Pos       Pos
}

// Field says where one of our words is kept.
type Field struct {
	Word        Text
	Read        []Source // in order
	JoinWith    *Text    // join all sources; nil: use the first filled one
	Clean       []Text   // trim, lowercase, phone, domain, country_code, email
	IsA         Text     // "", text, number, yes_no, date, datetime, user, owner, list
	Values      []Pair   // the CRM's code → our word
	OtherValues Text     // keep, hold_and_report
	YesIf       []Text   // yes when the raw value is one of these
	Write       []Source // where to write; empty: never written
	Provision   bool
	Pos         Pos
}

// Source is one CRM field; with Kind, only for that kind of object
// ({Lead: Status, Contact: Contact_Status__c}).
type Source struct {
	Kind  Text // "" for every kind of the noun
	Field Text
}

// Pair is one line of a map of plain texts.
type Pair struct{ From, To Text }

// Match is how people find their company when the CRM has no link.
type Match struct {
	Try       []MatchStep
	IfSeveral Text // "review"
	// AmongSeveral is the order in which accounts that fit equally well are
	// told apart; none: the usual one.
	AmongSeveral []Text
	// ReviewedBy is who looks where nobody can tell: a person by e-mail, or revops.
	ReviewedBy Text
	// Weights is the file of the folder, written by `handoffd match --fit`, that
	// accounts that are alike are weighed by; its text is in Doc.Files. Not
	// given: the weights that come with handoffd.
	Weights Text
	Pos     Pos
}

// MatchStep is one line of try_in_order: same, or alike with and_same and sure_at.
type MatchStep struct {
	Same    [2]Text // person field, company field
	Alike   [2]Text
	NotIn   Text
	AndSame Text
	SureAt  Percent
	Pos     Pos
}

// Handoff is one type: one YAML file.
type Handoff struct {
	Name             Text
	What             Text
	About            Text // person, company or deal
	On               Text // a connection; "" for every one whose mapping has the words
	DeliverTo        Text // a connection; "" where it starts
	From, To         Text // free words, or a team
	StartsWhen       []Cond
	HappenedAt       Text // field
	OnlyIf           Cond // IsZero: always
	OtherwiseSet     []Pair
	OtherwiseListAs  Text
	Context          Context
	Checklist        Checklist
	Milestones       []Milestone
	PreparedBy       Text // a type that should have run before on the same record
	TellBack         TellBack
	SLA              []TierRow
	Owner            []OwnerLine
	AccountableUntil Text // accountable_until_accepted: giver, receiver, queue or a person
	ReceiverBecomes  Text // field
	SupportContact   Text // field
	AcceptedWhen     Cond
	FirstTouchIs     []Touch
	CompletedWhen    Cond
	ReturnedWhen     Cond
	OnReturnReason   Text // required
	OnReturnThen     Text // return_to_giver, queue, next_owner
	OnReturnReasons  []Text
	Watchers         []Text // fields and people
	Exceptions       []Exception
	OnReturnAsk      Duration // how long a reason may be missing; zero: the default
	IfStalled        []Text
	TaskSubject      Text
	TaskType         Text
	Pos              Pos
}

// Exception gives some records to one person for a while, before the owner
// list is asked.
type Exception struct {
	Name   Text
	If     Cond
	Owner  Text // a person
	Reason Text
	Until  Text // YYYY-MM-DD, included
	Pos    Pos
}

// TierRow picks a tier; the first that fits wins.
type TierRow struct {
	If        Cond
	Use       Text
	Otherwise bool
	Pos       Pos
}

// OwnerLine is one line of owner:. Use is the sentence as typed; Rule and Arg
// are its parts: {"named account owner", ""}, {"round robin", "sdr_us"},
// {"owner in", "company.csm"}, {"territory", "inbound"}, {"queue", "sdr_us"},
// {"person", "ana@example.com"}.
type OwnerLine struct {
	Use    Text
	Rule   string
	Arg    Text
	If     Cond // IsZero: always
	With   []Pair
	LookUp Text // "parents"
	Pos    Pos
}

// Touch is a kind of buyer-facing action: "call", "meeting", or email with a
// qualifier such as "sent by the receiver".
type Touch struct{ Kind, Qualifier Text }

// Cond is a condition: data, not a language. Exactly one of its parts is set;
// the zero Cond is "nothing written".
type Cond struct {
	Pos  Pos
	All  []Cond
	Any  []Cond
	None []Cond
	// Field with Ops: every operator has to hold. A Field without a dot and
	// with no Ops is a named event (next_task_created, first_touch_logged,
	// first_touch, task_done, task_deferred, checklist_done). Field "company" with filled means that the
	// record is there at all.
	Field   Text
	Ops     []Op
	OrBlank bool
}

// IsZero reports whether no condition was written.
func (c Cond) IsZero() bool {
	return c.All == nil && c.Any == nil && c.None == nil && c.Field.S == ""
}

// Op is one operator with its arguments: is, is_not, in (a list of values or
// one named list), not_in, same_as, at_least, at_most, between, filled (yes or
// no), contains, starts_with, ends_with, within_days, changed_to,
// count_at_least; pipeline, within and same qualify their neighbours. A
// scalar is "is" with one argument, a list "is" with several.
type Op struct {
	Name string
	Args []Text
	Pos  Pos
}

// Diagnostic is one problem, with its place and, where we know it, the fix.
type Diagnostic struct {
	Pos  Pos    `json:"pos"`
	Code string `json:"code"` // stable: "unknown-key", "undefined-team"
	Text string `json:"text"` // one sentence
	Hint string `json:"hint,omitempty"`
	Warn bool   `json:"warn,omitempty"` // a warning does not stop the load
}

func (d Diagnostic) String() string {
	s := d.Pos.String() + ": " + d.Text
	if d.Hint != "" {
		s += "; " + d.Hint
	}
	return s + " [" + d.Code + "]"
}
