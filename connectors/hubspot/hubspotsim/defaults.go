package hubspotsim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// fieldSpec writes a property in one line: name, label, type and, after a bar, options or "ro" for
// read-only.
type fieldSpec struct{ name, label, kind, more string }

const (
	lifecycle  = "subscriber|lead|marketingqualifiedlead|salesqualifiedlead|opportunity|customer|evangelist|other"
	leadStatus = "NEW|OPEN|IN_PROGRESS|OPEN_DEAL|UNQUALIFIED|ATTEMPTED_TO_CONTACT|CONNECTED|BAD_TIMING|Working|Nurture"
	statuses   = "Assigned|Accepted|Touched|Completed|Returned|Cancelled|Superseded"
	sources    = "ORGANIC_SEARCH|PAID_SEARCH|EMAIL_MARKETING|SOCIAL_MEDIA|REFERRALS|DIRECT_TRAFFIC|PAID_SOCIAL|OTHER_CAMPAIGNS|AI_REFERRALS|OFFLINE"
)

// owned are the fields of every type that has an owner.
var owned = []fieldSpec{
	{"hubspot_owner_id", "Owner", "owner", ""},
	{"hubspot_owner_assigneddate", "Owner assigned date", "datetime", "ro"},
	{"hubspot_team_id", "Team", "string", "ro"},
	{"hs_all_owner_ids", "All owner ids", "string", "ro"},
	{"hs_object_id", "Record ID", "number", "ro"},
	{"hs_lastmodifieddate", "Object last modified date", "datetime", "ro"},
	{"hs_object_source", "Record source", "string", "ro"},
	{"hs_object_source_label", "Record source label", "string", "ro"},
	{"hs_merged_object_ids", "Merged object ids", "string", "ro"},
	{"hs_created_by_user_id", "Created by user ID", "number", "ro"},
	{"hs_updated_by_user_id", "Updated by user ID", "number", "ro"},
	{"hs_unique_creation_key", "Unique creation key", "string", "ro"},
}

// touched are the signs of work that HubSpot keeps on contacts, companies and deals.
var touched = []fieldSpec{
	{"notes_last_contacted", "Last contacted", "datetime", "ro"},
	{"notes_last_updated", "Last activity date", "datetime", "ro"},
	{"notes_next_activity_date", "Next activity date", "datetime", "ro"},
	{"num_contacted_notes", "Number of times contacted", "number", "ro"},
	{"num_notes", "Number of sales activities", "number", "ro"},
	{"hs_last_sales_activity_timestamp", "Last engagement date", "datetime", "ro"},
}

// handoffFields are the full set that the daemon may write, on contacts, companies and deals.
var handoffFields = []fieldSpec{
	{"handoff_id", "Handoff ID", "string", ""},
	{"handoff_status", "Handoff status", "select", statuses},
	{"handoff_accountable", "Accountable", "string", ""},
	{"handoff_accept_by", "Accept by", "datetime", ""},
	{"handoff_touch_by", "Touch by", "datetime", ""},
	{"handoff_why", "Why", "textarea", ""},
	{"handoff_type", "Handoff type", "string", ""},
	{"handoff_tier", "Tier", "string", ""},
	{"handoff_reason_started", "Reason started", "textarea", ""},
	{"handoff_need", "Need", "textarea", ""},
	{"handoff_next_step", "Next step", "textarea", ""},
	{"handoff_giver", "Giver", "string", ""},
	{"handoff_created_by", "Created by", "string", ""},
	{"handoff_backup_owner", "Backup owner", "string", ""},
	{"handoff_support_contact", "Support contact", "string", ""},
	{"handoff_watchers", "Watchers", "string", ""},
	{"handoff_assigned_at", "Assigned at", "datetime", ""},
	{"handoff_accepted_by", "Accepted by", "string", ""},
	{"handoff_accepted_at", "Accepted at", "datetime", ""},
	{"handoff_first_touch_at", "First touch at", "datetime", ""},
	{"handoff_touch_attempts", "Touch attempts", "number", ""},
	{"handoff_breached", "Breached", "bool", ""},
	{"handoff_return_reason", "Return reason", "string", ""},
	{"handoff_return_note", "Return note", "textarea", ""},
	{"handoff_gaps", "Gaps", "textarea", ""},
	{"handoff_questions", "Questions", "number", ""},
	{"handoff_rated_by_giver", "Rated by giver", "number", ""},
	{"handoff_rated_by_receiver", "Rated by receiver", "number", ""},
	{"handoff_quality_check", "Quality check", "string", ""},
	{"handoff_completeness", "Completeness", "number", ""},
	{"handoff_brief", "Brief", "textarea", ""},
	{"handoff_rule", "Rule", "string", ""},
	{"handoff_decision_id", "Decision ID", "string", ""},
}

var contactFields = []fieldSpec{
	{"email", "Email", "string", ""},
	{"firstname", "First name", "string", ""},
	{"lastname", "Last name", "string", ""},
	{"jobtitle", "Job title", "string", ""},
	{"phone", "Phone number", "string", ""},
	{"mobilephone", "Mobile phone number", "string", ""},
	{"company", "Company name", "string", ""},
	{"website", "Website", "string", ""},
	{"address", "Street address", "string", ""},
	{"city", "City", "string", ""},
	{"state", "State", "string", ""},
	{"zip", "Postal code", "string", ""},
	{"country", "Country", "string", ""},
	{"industry", "Industry", "string", ""},
	{"message", "Message", "textarea", ""},
	{"hs_buying_role", "Buying role", "checkbox", "BLOCKER|BUDGET_HOLDER|CHAMPION|DECISION_MAKER|END_USER|EXECUTIVE_SPONSOR|INFLUENCER|LEGAL_AND_COMPLIANCE|OTHER"},
	{"hs_language", "Language", "select", "en|de|es|fr"},
	{"hs_email_optout", "Unsubscribed from all email", "bool", "ro"},
	{"hs_legal_basis", "Legal basis for processing contact's data", "checkbox", "Legitimate interest – prospect/lead|Legitimate interest – existing customer|Performance of a contract|Freely given consent from contact|Not applicable"},
	{"do_not_call", "Do not call", "bool", ""},
	{"lifecyclestage", "Lifecycle stage", "select", lifecycle},
	{"hs_lead_status", "Lead status", "select", leadStatus},
	{"intent_signal", "Intent signal", "string", ""},
	{"primary_business_problem", "Primary business problem", "textarea", ""},
	{"buying_timeline", "Buying timeline", "string", ""},
	{"products_of_interest", "Products of interest", "checkbox", "Core|Analytics|Services"},
	{"createdate", "Create date", "datetime", "ro"},
	{"lastmodifieddate", "Last modified date", "datetime", "ro"},
	{"associatedcompanyid", "Primary associated company ID", "number", "ro"},
	{"hs_additional_emails", "Additional email addresses", "string", "ro"},
	{"hs_email_domain", "Email domain", "string", "ro"},
	{"hs_analytics_source", "Original source", "select", sources + "|ro"},
	{"recent_conversion_event_name", "Recent conversion", "string", "ro"},
	{"recent_conversion_date", "Recent conversion date", "datetime", "ro"},
	{"first_conversion_event_name", "First conversion", "string", "ro"},
	{"first_conversion_date", "First conversion date", "datetime", "ro"},
	{"num_conversion_events", "Number of form submissions", "number", "ro"},
	{"hs_sa_first_engagement_date", "Date of first engagement", "datetime", "ro"},
	{"hs_sa_first_engagement_object_type", "Type of first engagement", "select", "CALL|CONVERSATION_SESSION|EMAIL|MEETING_EVENT|TASK|ro"},
	{"hs_first_outreach_date", "First outreach date", "datetime", "ro"},
	{"hs_time_to_first_engagement", "Lead response time", "number", "ro"},
	{"department", "Department", "string", ""},
	{"became_active_on", "Became active on", "date", ""},
	{"partner_name", "Partner", "string", ""},
	{"qualification_notes", "Qualification notes", "textarea", ""},
	{"recommended_motion", "Recommended motion", "string", ""},
}

var companyFields = []fieldSpec{
	{"name", "Company name", "string", ""},
	{"domain", "Company domain name", "string", ""},
	{"website", "Website URL", "string", ""},
	{"phone", "Phone number", "string", ""},
	{"address", "Street address", "string", ""},
	{"city", "City", "string", ""},
	{"state", "State/Region", "string", ""},
	{"zip", "Postal code", "string", ""},
	{"country", "Country/Region", "string", ""},
	{"industry", "Industry", "select", industries},
	{"numberofemployees", "Number of employees", "number", ""},
	{"annualrevenue", "Annual revenue", "number", ""},
	{"segment", "Segment", "string", ""},
	{"is_named_account", "Named account", "bool", ""},
	{"lifecyclestage", "Lifecycle stage", "select", lifecycle},
	{"csm", "Customer success manager", "owner", ""},
	{"createdate", "Create date", "datetime", "ro"},
	{"hs_parent_company_id", "Parent company", "number", "ro"},
	{"hs_additional_domains", "Additional domains", "string", "ro"},
	{"engagement_score", "Engagement score", "number", ""},
	{"product_usage", "Product usage, percent of the plan", "number", ""},
	{"health_score", "Health score", "number", ""},
	{"renewal_on", "Renewal date", "date", ""},
	{"expansion_signal", "Expansion signal", "string", ""},
	{"account_manager", "Account manager", "owner", ""},
}

var dealFields = []fieldSpec{
	{"dealname", "Deal name", "string", ""},
	{"pipeline", "Pipeline", "string", ""},
	{"dealstage", "Deal stage", "string", ""},
	{"amount", "Amount", "number", ""},
	{"closedate", "Close date", "datetime", ""},
	{"description", "Description", "textarea", ""},
	{"dealtype", "Deal type", "select", "newbusiness|existingbusiness"},
	{"hs_next_step", "Next step", "string", ""},
	{"hs_analytics_source", "Original source type", "select", sources + "|ro"},
	{"csm", "Customer success manager", "owner", ""},
	{"csm_planned", "Planned customer success manager", "owner", ""},
	{"budget_confirmed", "Budget confirmed", "bool", ""},
	{"authority_confirmed", "Authority confirmed", "bool", ""},
	{"need_confirmed", "Need confirmed", "bool", ""},
	{"timeline_known", "Timeline known", "bool", ""},
	{"use_case", "Use case", "textarea", ""},
	{"current_stack", "Current stack", "textarea", ""},
	{"createdate", "Create date", "datetime", "ro"},
	{"amount_in_home_currency", "Amount in company currency", "number", "ro"},
	{"hs_primary_associated_company", "Primary associated company", "number", "ro"},
	{"hs_is_closed", "Is closed", "bool", "ro"},
	{"hs_is_closed_won", "Is closed won", "bool", "ro"},
	{"api_docs_requested", "API documentation requested", "bool", ""},
	{"committee_mapped", "Buying committee mapped", "bool", ""},
	{"founder_led", "Founder led", "bool", ""},
	{"sales_engineer", "Sales engineer", "owner", ""},
	{"validation_done", "Technical validation done", "bool", ""},
	{"review_requested", "Review requested", "checkbox", "Legal|Security|Procurement|Finance"},
	{"legal_owner", "Legal contact", "owner", ""},
	{"legal_review_done", "Legal review done", "bool", ""},
	{"finance_owner", "Finance contact", "owner", ""},
	{"finance_review_done", "Finance review done", "bool", ""},
	{"business_problem", "Business problem", "textarea", ""},
	{"why_bought", "Why they bought", "textarea", ""},
	{"customer_goals", "Customer goals", "textarea", ""},
	{"stakeholder_map", "Stakeholder map", "textarea", ""},
	{"commitments_made", "Commitments made", "textarea", ""},
	{"technical_needs", "Technical needs", "textarea", ""},
	{"open_risks", "Open risks", "textarea", ""},
	{"success_criteria", "Success after 30, 60 and 90 days", "textarea", ""},
	{"deal_origin", "Deal origin", "string", ""},
	{"competitors", "Competitors", "string", ""},
	{"call_recordings", "Call recordings", "textarea", ""},
	{"proposal_link", "Proposal", "string", ""},
	{"key_emails", "Key e-mails", "textarea", ""},
	{"onboarding_plan", "Onboarding action plan", "textarea", ""},
	{"onboarding_score", "Onboarding score", "number", ""},
	{"project_plan", "Project plan", "string", ""},
	{"success_confirmed_on", "Success criteria confirmed on", "date", ""},
	{"internal_kickoff_on", "Internal kickoff held on", "date", ""},
	{"meeting_at", "Meeting", "datetime", ""},
	{"handoff_note", "Handoff note", "textarea", ""},
	{"buying_signal", "Buying signal", "string", ""},
	{"buying_timeline", "Buying timeline", "string", ""},
	{"market_story", "Market story", "textarea", ""},
	{"original_objection", "Original objection", "textarea", ""},
	{"political_landscape", "Political landscape", "textarea", ""},
	{"onboarding_mode", "Onboarding", "select", "Self-serve|Guided"},
}

var taskFields = []fieldSpec{
	{"hs_timestamp", "Due date", "datetime", ""},
	{"hs_task_subject", "Task title", "string", ""},
	{"hs_task_body", "Task notes", "textarea", ""},
	{"hs_task_status", "Task status", "select", "NOT_STARTED|IN_PROGRESS|WAITING|DEFERRED|COMPLETED"},
	{"hs_task_priority", "Priority", "select", "NONE|LOW|MEDIUM|HIGH"},
	{"hs_task_type", "Task type", "select", "TODO|CALL|EMAIL"},
	{"hs_task_reminders", "Reminders", "string", ""},
	{"hs_queue_membership_ids", "Queue", "string", ""},
	{"hs_createdate", "Create date", "datetime", "ro"},
	{"hs_task_completion_date", "Completed at", "datetime", "ro"},
	{"handoff_key", "Handoff key", "string", ""},
}

// activityFields are those of notes, meetings, calls and e-mails that matter here.
var activityFields = []fieldSpec{
	{"hs_timestamp", "Activity date", "datetime", ""},
	{"hs_note_body", "Note body", "textarea", ""},
	{"hs_meeting_title", "Meeting name", "string", ""},
	{"hs_meeting_outcome", "Meeting outcome", "select", "SCHEDULED|COMPLETED|RESCHEDULED|NO_SHOW|CANCELED"},
	{"hs_call_title", "Call title", "string", ""},
	{"hs_call_disposition", "Call outcome", "string", ""},
	{"hs_email_subject", "Email subject", "string", ""},
	{"hs_email_direction", "Email direction", "select", "EMAIL|INCOMING_EMAIL|FORWARDED_EMAIL"},
	{"hs_email_status", "Email send status", "select", "BOUNCED|FAILED|SCHEDULED|SENDING|SENT"},
	{"hs_email_text", "Email body", "textarea", ""},
	{"hs_call_direction", "Call direction", "select", "INBOUND|OUTBOUND"},
	{"hs_call_status", "Call status", "select", "BUSY|CANCELED|COMPLETED|FAILED|NO_ANSWER|QUEUED|RINGING"},
	{"hs_call_duration", "Call duration", "number", ""},
	{"hs_meeting_start_time", "Meeting start time", "datetime", ""},
	{"hs_meeting_end_time", "Meeting end time", "datetime", ""},
	{"hs_createdate", "Create date", "datetime", "ro"},
}

// activityFieldsOf are one kind's among the fields of activities: its own, and those that are nobody's own.
func activityFieldsOf(singular string) []fieldSpec {
	return slices.DeleteFunc(slices.Concat(activityFields, standardActivityFields), func(f fieldSpec) bool {
		return slices.ContainsFunc([]string{"note", "meeting", "call", "email"}, func(kind string) bool {
			return kind != singular && (strings.HasPrefix(f.name, "hs_"+kind+"_") || f.name == "hs_internal_"+kind+"_notes")
		})
	})
}

var ticketFields = []fieldSpec{
	{"subject", "Ticket name", "string", ""},
	{"content", "Ticket description", "textarea", ""},
	{"hs_pipeline", "Pipeline", "string", ""},
	{"hs_pipeline_stage", "Ticket status", "string", ""},
	{"createdate", "Create date", "datetime", "ro"},
}

var leadFields = []fieldSpec{
	{"hs_lead_name", "Lead name", "string", ""},
	{"hs_lead_type", "Lead type", "select", "NEW_BUSINESS|RE_ATTEMPTING|UPSELL"},
	{"hs_lead_label", "Lead label", "select", "HOT|WARM|COLD"},
	{"hs_pipeline", "Lead pipeline", "string", ""},
	{"hs_pipeline_stage", "Lead stage", "string", ""},
	{"hs_createdate", "Create date", "datetime", "ro"},
}

// makeSchema makes the object types, their fields and the users.
func (s *Sim) makeSchema() {
	full := [][]fieldSpec{owned, touched, handoffFields}
	for _, t := range [...]struct {
		object
		fields [][]fieldSpec
	}{
		{object{
			name: "contacts", singular: "contact", typeID: "0-1", created: "createdate", modified: "lastmodifieddate", merges: true,
			required: []string{"email", "firstname", "lastname"}, defaults: []string{"firstname", "lastname", "email"},
		}, append(full, contactFields, standardContactFields)},
		{object{
			name: "companies", singular: "company", typeID: "0-2", merges: true, created: "createdate",
			required: []string{"domain", "name"}, defaults: []string{"name", "domain"},
		}, append(full, companyFields, standardCompanyFields)},
		{object{
			name: "deals", singular: "deal", typeID: "0-3", merges: true, created: "createdate",
			required: []string{"dealname", "dealstage", "pipeline"},
			defaults: []string{"dealname", "amount", "closedate", "pipeline", "dealstage"},
		}, append(full, dealFields, standardDealFields)},
		{object{
			name: "tickets", singular: "ticket", typeID: "0-5", merges: true, created: "createdate",
			required: []string{"subject", "hs_pipeline", "hs_pipeline_stage"},
			defaults: []string{"subject", "content", "hs_pipeline", "hs_pipeline_stage"},
		}, [][]fieldSpec{owned, ticketFields, standardTicketFields}},
		{object{name: "tasks", singular: "task", typeID: "0-27", required: []string{"hs_timestamp"}}, [][]fieldSpec{owned, taskFields, standardTaskFields}},
		{object{name: "notes", singular: "note", typeID: "0-46", required: []string{"hs_timestamp"}}, [][]fieldSpec{owned, activityFieldsOf("note")}},
		{object{name: "meetings", singular: "meeting", typeID: "0-47", required: []string{"hs_timestamp"}}, [][]fieldSpec{owned, activityFieldsOf("meeting")}},
		{object{name: "calls", singular: "call", typeID: "0-48", required: []string{"hs_timestamp"}}, [][]fieldSpec{owned, activityFieldsOf("call")}},
		{object{name: "emails", singular: "email", typeID: "0-49", required: []string{"hs_timestamp"}}, [][]fieldSpec{owned, activityFieldsOf("email")}},
		{object{name: "users", singular: "user", typeID: "0-115"}, [][]fieldSpec{userFields}},
		{object{name: "leads", singular: "lead", typeID: "0-136", required: []string{"hs_lead_name"}}, [][]fieldSpec{owned, handoffFields, leadFields}},
	} {
		o := t.object
		if o.created == "" {
			o.created = "hs_createdate"
		}
		if o.modified == "" {
			o.modified = "hs_lastmodifieddate"
		}
		o.props, o.rows, o.unique = map[string]*property{}, map[string]*record{}, map[string]map[string]*record{}
		o.nextID = 901 + s.cfg.Seed%50
		o.ids = simhttp.NewRand(s.cfg.Seed, "hubspot/ids/"+o.name)
		information := o.singular + "information"
		o.groups = []group{{Name: information, Label: strings.ToUpper(o.singular[:1]) + o.singular[1:] + " information"}, {Name: "handoff", Label: "Handoff"}}
		for _, specs := range t.fields {
			for _, spec := range specs {
				o.define(spec.property(information))
			}
		}
		s.objects[o.name] = &o
	}
	s.objects["contacts"].unique["email"] = map[string]*record{}
	s.setUniqueTasks(s.cfg.Faults.UniqueTasks)
	s.makeOwners()
}

// property spells a line of the tables out.
func (f fieldSpec) property(information string) property {
	p := property{
		Name: f.name, Label: f.label, Type: f.kind, FieldType: "text", Group: information,
		HubSpot: true, FormField: true, Options: []option{}, CreatedAt: "2024-01-08T09:00:00Z", UpdatedAt: "2024-01-08T09:00:00Z",
		Modification: modification{ReadOnlyDefinition: true},
	}
	switch f.kind {
	case "number":
		p.FieldType = "number"
	case "datetime":
		p.FieldType = "date"
	case "textarea":
		p.Type, p.FieldType = "string", "textarea"
	case "bool":
		p.FieldType = "booleancheckbox"
		p.Options = []option{{Label: "Yes", Value: "true"}, {Label: "No", Value: "false", Order: 1}}
	case "owner":
		p.Type, p.FieldType, p.External, p.Referenced = "enumeration", "select", true, "OWNER"
	case "select", "checkbox":
		p.Type, p.FieldType = "enumeration", f.kind
	}
	for word := range strings.SplitSeq(f.more, "|") {
		switch {
		case word == "ro":
			p.Modification.ReadOnlyValue = true
			p.FormField = false
			p.Calculated = strings.Contains(f.name, "conversion")
		case word != "":
			p.Options = append(p.Options, option{Label: word, Value: word, Order: len(p.Options)})
		}
	}
	if strings.HasPrefix(f.name, "handoff_") {
		p.Group = "handoff"
	}
	if p.Group == "handoff" || !strings.HasPrefix(f.name, "hs_") && isCustom(f.name) {
		p.HubSpot = false
		p.Modification = modification{Archivable: true}
	}
	return p
}

// isCustom tells the fields that this portal's admin has made.
func isCustom(name string) bool {
	return slices.Contains([]string{
		"intent_signal", "primary_business_problem", "buying_timeline", "products_of_interest", "segment", "is_named_account",
		"csm", "csm_planned", "do_not_call", "budget_confirmed", "authority_confirmed", "need_confirmed", "timeline_known", "use_case", "current_stack",
	}, name)
}

// defaultPeople are the users, in the order of their ids: everyone the starter pack names.
var defaultPeople = []struct{ name, team string }{
	{"ana", "sdr_us"},
	{"ben", "sdr_us"},
	{"cleo", "sdr_us"},
	{"isla", "sdr_uk"},
	{"dev", "ae_enterprise"},
	{"erin", "ae_enterprise"},
	{"farah", "cs_onboarding"},
	{"gus", "cs_onboarding"},
	{"jo", "marketing"},
	{"kim", "marketing"},
	{"morgan", "sdr_us"},
	{"hugh", "sdr_uk"},
	{"vera", "ae_enterprise"},
	{"tomas", "cs_onboarding"},
	{"revops", ""},
	{"mktg", ""},
	{"ceo", ""},
	{"sam", "sales_engineers"},
	{"lena", "legal"},
	{"finn", "finance"},
	{"pia", "partners"},
}

func (s *Sim) makeOwners() {
	r := simhttp.NewRand(s.cfg.Seed, "hubspot/owners")
	id := 71_000_000 + r.IntN(1_000_000)
	for i, who := range defaultPeople {
		id += 1 + r.IntN(5_000)
		s.owners = append(s.owners, &owner{
			id: strconv.Itoa(id), userID: strconv.Itoa(4_100_000 + 37*i + r.IntN(30)), email: who.name + "@example.com",
			first: strings.ToUpper(who.name[:1]) + who.name[1:], last: "Example", team: who.team,
			created: time.Date(2024, 1, 8, 9, 0, 0, 0, time.UTC),
		})
	}
	s.addUsers(time.Date(2024, 1, 8, 9, 0, 0, 0, time.UTC))
}

// defaultPipelines are one sales pipeline and one for renewals, whose stages have the same labels under
// other ids, and the support pipeline of tickets.
func defaultPipelines() map[string][]pipeline {
	build := func(id, label string, order int, stages ...[3]string) pipeline {
		const at = "2024-01-08T09:00:00Z"
		p := pipeline{ID: id, Label: label, Order: order, CreatedAt: at, UpdatedAt: at}
		for i, st := range stages {
			meta := map[string]string{"probability": st[2], "isClosed": strconv.FormatBool(st[2] == "1.0" || st[2] == "0.0")}
			p.Stages = append(p.Stages, stage{ID: st[0], Label: st[1], Order: i, Metadata: meta, CreatedAt: at, UpdatedAt: at})
		}
		return p
	}
	support := build("0", "Support", 0, [3]string{"1", "New", "0.2"}, [3]string{"4", "Closed", "1.0"})
	for i, state := range [...]string{"OPEN", "CLOSED"} {
		support.Stages[i].Metadata = map[string]string{"ticketState": state, "isClosed": strconv.FormatBool(state == "CLOSED")}
	}
	leads := build(leadPipeline, "Lead pipeline", 0,
		[3]string{"new-stage-id", "New", ""}, [3]string{"attempting-stage-id", "Attempting", ""}, [3]string{"connected-stage-id", "Connected", ""},
		[3]string{"qualified-stage-id", "Qualified", ""}, [3]string{"unqualified-stage-id", "Disqualified", ""})
	for i, state := range [...]string{"NEW", "ATTEMPTING", "CONNECTED", "QUALIFIED", "UNQUALIFIED"} {
		leads.Stages[i].Metadata = map[string]string{"leadState": state, "isClosed": strconv.FormatBool(i > 2)}
	}
	return map[string][]pipeline{
		"deals": {
			build("default", "Sales", 0,
				[3]string{"appointmentscheduled", "Appointment scheduled", "0.1"}, [3]string{"1048231", "Meeting booked", "0.2"},
				[3]string{"qualifiedtobuy", "Qualified to buy", "0.4"}, [3]string{"presentationscheduled", "Presentation scheduled", "0.6"},
				[3]string{"1048240", "Technical validation", "0.7"}, [3]string{"contractsent", "Contract sent", "0.9"}, [3]string{"closedwon", "Closed Won", "1.0"}, [3]string{"closedlost", "Closed Lost", "0.0"}),
			build("2201877", "Renewals", 1,
				[3]string{"2201878", "Due", "0.5"}, [3]string{"2201879", "Closed Won", "1.0"}, [3]string{"2201880", "Closed Lost", "0.0"}),
		},
		"tickets": {support},
		"leads":   {leads},
	}
}
