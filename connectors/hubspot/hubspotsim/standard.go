package hubspotsim

// What every portal has beside what a handoff needs: the properties that HubSpot's manuals and its clients' samples
// read and write. A client that is run against this portal unchanged finds them.

var standardContactFields = []fieldSpec{
	{"salutation", "Salutation", "string", ""},
	{"fax", "Fax number", "string", ""},
	{"annualrevenue", "Annual revenue", "string", ""},
	{"numemployees", "Number of employees", "select", "1-5|5-25|25-50|50-100|100-500|500-1000|1000+"},
	{"closedate", "Close date", "datetime", ""},
	{"date_of_birth", "Date of birth", "string", ""},
	{"job_function", "Job function", "string", ""},
	{"seniority", "Seniority", "string", ""},
	{"work_email", "Work email", "string", ""},
	{"twitterhandle", "Twitter username", "string", ""},
	{"hs_linkedin_url", "LinkedIn URL", "string", ""},
	{"hs_whatsapp_phone_number", "WhatsApp phone number", "string", ""},
	{"hs_timezone", "Time zone", "string", ""},
}

var standardCompanyFields = []fieldSpec{
	{"description", "Description", "textarea", ""},
	{"about_us", "About us", "textarea", ""},
	{"address2", "Street address 2", "string", ""},
	{"timezone", "Time zone", "string", ""},
	{"type", "Type", "select", "PROSPECT|PARTNER|RESELLER|VENDOR|OTHER"},
	{"founded_year", "Year founded", "string", ""},
	{"is_public", "Is public", "bool", ""},
	{"linkedin_company_page", "LinkedIn company page", "string", ""},
	{"twitterhandle", "Twitter handle", "string", ""},
	{"hs_lead_status", "Lead status", "select", leadStatus},
	{"closedate", "Close date", "datetime", ""},
	{"total_money_raised", "Total money raised", "string", ""},
}

var standardDealFields = []fieldSpec{
	{"hs_priority", "Priority", "select", "low|medium|high"},
	{"closed_lost_reason", "Closed lost reason", "textarea", ""},
	{"closed_won_reason", "Closed won reason", "textarea", ""},
	{"hs_manual_forecast_category", "Forecast category", "select", "OMIT|PIPELINE|BEST_CASE|COMMIT|CLOSED"},
	{"hs_forecast_probability", "Forecast probability", "number", ""},
}

var standardTicketFields = []fieldSpec{
	{"hs_ticket_priority", "Priority", "select", "LOW|MEDIUM|HIGH|URGENT"},
	{"hs_ticket_category", "Category", "checkbox", "PRODUCT_ISSUE|BILLING_ISSUE|FEATURE_REQUEST|GENERAL_INQUIRY"},
	{"source_type", "Source", "select", "CHAT|EMAIL|FORM|PHONE"},
	{"hs_resolution", "Resolution", "textarea", ""},
}

// standardActivityFields are those of notes, meetings, calls and e-mails.
var standardActivityFields = []fieldSpec{
	{"hs_attachment_ids", "Attached file IDs", "string", ""},
	{"hs_activity_type", "Activity type", "string", ""},
	{"hs_call_body", "Call notes", "textarea", ""},
	{"hs_call_from_number", "From number", "string", ""},
	{"hs_call_to_number", "To number", "string", ""},
	{"hs_call_callee_object_id", "Callee object ID", "number", ""},
	{"hs_call_callee_object_type_id", "Callee object type", "string", ""},
	{"hs_call_recording_url", "Recording URL", "string", ""},
	{"hs_call_source", "Call source", "string", ""},
	{"hs_call_external_id", "External ID", "string", ""},
	{"hs_meeting_body", "Meeting description", "textarea", ""},
	{"hs_internal_meeting_notes", "Internal meeting notes", "textarea", ""},
	{"hs_meeting_external_url", "External URL", "string", ""},
	{"hs_meeting_location", "Meeting location", "string", ""},
	{"hs_email_html", "Email body as HTML", "textarea", ""},
	{"hs_email_headers", "Email headers", "textarea", ""},
}

var standardTaskFields = []fieldSpec{
	{"hs_activity_type", "Activity type", "string", ""},
	{"hs_attachment_ids", "Attached file IDs", "string", ""},
}
