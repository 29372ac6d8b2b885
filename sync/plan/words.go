package plan

import (
	"github.com/handoffd/handoffd/connectors"
)

// The words of a mapping that the rules themselves look at. Every other word
// is the admin's, and no code names it. They are listed in sync/README.md.
const (
	wordEmail        = "email"         // person: who it is
	wordFullName     = "full_name"     // person
	wordLastName     = "last_name"     // person: a CRM may demand it of a new one
	wordCompanyName  = "company_name"  // person: what they typed
	wordCountry      = "country"       // person, company
	wordName         = "name"          // company, deal
	wordDomain       = "domain"        // company
	wordPhone        = "phone"         // person, company
	wordOwner        = "owner"         // any noun: the CRM's user id
	wordNamedAccount = "named_account" // company: yes or no
	wordIsCustomer   = "is_customer"   // company: yes or no
	wordParent       = "parent"        // company: the id of the company above it
	wordIsClosed     = "is_closed"     // deal: yes or no
	wordPipeline     = "pipeline"      // deal: qualifies a stage
)

// The nouns.
const (
	nounPerson  = "person"
	nounCompany = "company"
	nounDeal    = "deal"
	nounUsage   = "usage" // what programs say of a person or a company
)

// The canonical yes, and the forms of a value that are not plain text.
const (
	yes        = "yes"
	isNumber   = "number"
	isDate     = "date"
	isDatetime = "datetime"
	isList     = "list"
	isUser     = "user"
	isOwner    = "owner"
)

// The operators.
const (
	opIs         = "is"
	opIsNot      = "is_not"
	opIn         = "in"
	opNotIn      = "not_in"
	opSameAs     = "same_as"
	opAtLeast    = "at_least"
	opAtMost     = "at_most"
	opBetween    = "between"
	opFilled     = "filled"
	opContains   = "contains"
	opStartsWith = "starts_with"
	opEndsWith   = "ends_with"
	opWithinDays = "within_days"
	opChangedTo  = "changed_to"
	opPipeline   = "pipeline"
	opCount      = "count_at_least"
	opWithin     = "within"
	opSame       = "same"
)

// handoffd's own fields, by their standard names.
const (
	own             = connectors.OwnFieldPrefix
	ownID           = own + "id"
	ownStatus       = own + "status"
	ownAccountable  = own + "accountable"
	ownAcceptBy     = own + "accept_by"
	ownTouchBy      = own + "touch_by"
	ownWhy          = own + "why"
	ownType         = own + "type"
	ownTier         = own + "tier"
	ownReason       = own + "reason_started"
	ownNeed         = own + "need"
	ownNextStep     = own + "next_step"
	ownGiver        = own + "giver"
	ownCreatedBy    = own + "created_by"
	ownBackup       = own + "backup_owner"
	ownSupport      = own + "support_contact"
	ownAssignedAt   = own + "assigned_at"
	ownAcceptedBy   = own + "accepted_by"
	ownAcceptedAt   = own + "accepted_at"
	ownBreached     = own + "breached"
	ownCompleteness = own + "completeness"
	ownBrief        = own + "brief"
	ownRule         = own + "rule"
	ownDecision     = own + "decision_id"
	ownFirstTouch   = own + "first_touch_at"
	ownAttempts     = own + "touch_attempts"
	ownQuality      = own + "quality_check"
	ownReturnReason = own + "return_reason"
	ownReturnNote   = own + "return_note"
	ownWatchers     = own + "watchers"
	ownQuestions    = own + "questions" // how often the receiver asked what the context should have said
	ownGaps         = own + "gaps"      // what they ask; people write it
	ownGivenRating  = own + "rated_by_giver"
	ownTakenRating  = own + "rated_by_receiver"
)

// The values of handoff_status.
const (
	statusAssigned   = "Assigned"
	statusAccepted   = "Accepted"
	statusSuperseded = "Superseded"
	statusTouched    = "Touched"
	statusCompleted  = "Completed"
	statusReturned   = "Returned"
	statusCancelled  = "Cancelled"
)

// What stands in handoff_quality_check: that it was taken, or why not (4.21).
const (
	qualityAccepted = "accepted"
	qualityReturned = "returned"
)

// What happens to a handoff, as conditions name it.
const (
	eventNextTask    = "next_task_created"
	eventTouchLogged = "first_touch_logged"
	eventTouch       = "first_touch"
	eventTaskDone    = "task_done"
	eventTaskDefer   = "task_deferred"
	eventChecklist   = "checklist_done"
)

// The steps of a handoff that are written.
const (
	stepAssign     = "assign"        // owner and own fields on the record that carries it
	stepCreate     = "create"        // the same, on a record that has to be made first
	stepTask       = "task"          // the owner's task
	stepSource     = "source"        // own fields where the signal came from
	stepPassed     = "source passed" // who has it now, there
	stepQueue      = "queue"         // own fields while nobody is free
	stepJoin       = "join"          // nearer deadlines after a further signal
	stepAccept     = "accept"        // who accepted and when
	stepTouch      = "touch"         // the first buyer-facing action
	stepComplete   = "complete"      // done
	stepHere       = " here"         // behind a step: the same where the signal came from
	stepTaskDone   = "task done"     // the task of a handoff that is over
	stepAttempts   = "attempts"      // how often the buyer was tried
	stepShow       = "show"          // the fields of a record, to the handoff they now speak of
	stepReturn     = "return"        // owner and own fields back to the giver
	stepGiverTask  = "giver task"    // theirs
	stepReason     = "reason"        // why, where that followed
	stepAskReason  = "ask reason"    // a task for who returned it without a reason
	stepGaps       = "gaps"          // how often the receiver has asked
	stepGapTask    = "gap task"      // a task for the giver, who is asked something
	stepRating     = "rating"        // the fields of the ratings, before anybody is asked
	stepRateGiven  = "rate given"    // a task for the giver, to rate it
	stepRateTaken  = "rate received" // one for the receiver
	stepBreach     = "breach"        // late
	stepSupersede  = "supersede"     // a person took over
	stepTaskOwner  = "task owner"    // the task, to who took the handoff over
	stepRewrite    = "rewrite"       // the owner once more, after a program took it away
	stepRestore    = "restore"       // a person's owner, written over and put back
	stepOtherwise  = "otherwise"     // what a type sets when it does not start
	clockTried     = "attempts over" // the attempts are counted up
	clockReason    = "return reason" // a return without a reason is asked about
	untilGiver     = "giver"
	untilReceiver  = "receiver"
	untilQueue     = "queue"
	viaBackfill    = "backfill"
	sameCreated    = "created"
	sameEmail      = "email"
	sameMoved      = "moved"
	sameID         = "id"
	modeWrite      = "write"
	lookUpParents  = "parents"
	ifFullBackup   = "backup"
	markBreached   = "breached"
	roleOwner      = "owner"
	roleManager    = "manager"
	roleBackup     = "backup"
	roleGiver      = "giver"
	roleRevops     = "revops"
	listNever      = "never"
	listUnmatched  = "unmatched"
	listReview     = "review"
	listRefused    = "refused"
	listSpared     = "spared"     // of somebody whose records are never taken
	listEscalation = "escalation" // what was said to whom
	listUntold     = "untold"     // somebody who should have been told and cannot be
	listLowTier    = "low_tier"
	listUnowned    = "unowned"
	listRestored   = "restored" // back from the bin, where its handoff has ended (C9)
	listSkipped    = "skipped field"
	listContext    = "context"
	listReversed   = "reversed"    // a program keeps setting an owner (G10)
	listLoop       = "loop"        // written too often (C13)
	listUnseen     = "unseen"      // the CRM does not tell who changes a field
	listElsewhere  = "authority"   // a field that another CRM has the say over
	listExceptions = "exceptions"  // that end soon, or have ended (2.43)
	listAttempts   = "attempts"    // tried too seldom (4.13)
	listReturned   = "returned"    // came back late, or without a reason
	listLate       = "late_intake" // a signal heard of after its deadline (I3)
	listRating     = "rating"      // not a whole number from 1 to 5
	listImports    = "imports"     // waits for its turn
	listOtherwise  = "otherwise"   // stands for the type's own list_as
	actor          = "handoffd"
)
