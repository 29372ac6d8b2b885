package hubspotsim

// What every portal has beside what a handoff needs: the properties that HubSpot's manuals and its clients' samples
// read and write. A client that is run against this portal unchanged finds them.

// industries are the options of a company's industry; a contact's is free text.
const industries = "ACCOUNTING|AIRLINES_AVIATION|ALTERNATIVE_DISPUTE_RESOLUTION|ALTERNATIVE_MEDICINE|ANIMATION|APPAREL_FASHION|ARCHITECTURE_PLANNING" +
	"|ARTS_AND_CRAFTS|AUTOMOTIVE|AVIATION_AEROSPACE|BANKING|BIOTECHNOLOGY|BROADCAST_MEDIA|BUILDING_MATERIALS" +
	"|BUSINESS_SUPPLIES_AND_EQUIPMENT|CAPITAL_MARKETS|CHEMICALS|CIVIC_SOCIAL_ORGANIZATION|CIVIL_ENGINEERING|COMMERCIAL_REAL_ESTATE" +
	"|COMPUTER_NETWORK_SECURITY|COMPUTER_GAMES|COMPUTER_HARDWARE|COMPUTER_NETWORKING|COMPUTER_SOFTWARE|INTERNET|CONSTRUCTION" +
	"|CONSUMER_ELECTRONICS|CONSUMER_GOODS|CONSUMER_SERVICES|COSMETICS|DAIRY|DEFENSE_SPACE|DESIGN|EDUCATION_MANAGEMENT|E_LEARNING" +
	"|ELECTRICAL_ELECTRONIC_MANUFACTURING|ENTERTAINMENT|ENVIRONMENTAL_SERVICES|EVENTS_SERVICES|EXECUTIVE_OFFICE|FACILITIES_SERVICES" +
	"|FARMING|FINANCIAL_SERVICES|FINE_ART|FISHERY|FOOD_BEVERAGES|FOOD_PRODUCTION|FUND_RAISING|FURNITURE|GAMBLING_CASINOS" +
	"|GLASS_CERAMICS_CONCRETE|GOVERNMENT_ADMINISTRATION|GOVERNMENT_RELATIONS|GRAPHIC_DESIGN|HEALTH_WELLNESS_AND_FITNESS" +
	"|HIGHER_EDUCATION|HOSPITAL_HEALTH_CARE|HOSPITALITY|HUMAN_RESOURCES|IMPORT_AND_EXPORT|INDIVIDUAL_FAMILY_SERVICES" +
	"|INDUSTRIAL_AUTOMATION|INFORMATION_SERVICES|INFORMATION_TECHNOLOGY_AND_SERVICES|INSURANCE|INTERNATIONAL_AFFAIRS" +
	"|INTERNATIONAL_TRADE_AND_DEVELOPMENT|INVESTMENT_BANKING|INVESTMENT_MANAGEMENT|JUDICIARY|LAW_ENFORCEMENT|LAW_PRACTICE" +
	"|LEGAL_SERVICES|LEGISLATIVE_OFFICE|LEISURE_TRAVEL_TOURISM|LIBRARIES|LOGISTICS_AND_SUPPLY_CHAIN|LUXURY_GOODS_JEWELRY|MACHINERY" +
	"|MANAGEMENT_CONSULTING|MARITIME|MARKET_RESEARCH|MARKETING_AND_ADVERTISING|MECHANICAL_OR_INDUSTRIAL_ENGINEERING|MEDIA_PRODUCTION" +
	"|MEDICAL_DEVICES|MEDICAL_PRACTICE|MENTAL_HEALTH_CARE|MILITARY|MINING_METALS|MOTION_PICTURES_AND_FILM|MUSEUMS_AND_INSTITUTIONS" +
	"|MUSIC|NANOTECHNOLOGY|NEWSPAPERS|NON_PROFIT_ORGANIZATION_MANAGEMENT|OIL_ENERGY|ONLINE_MEDIA|OUTSOURCING_OFFSHORING" +
	"|PACKAGE_FREIGHT_DELIVERY|PACKAGING_AND_CONTAINERS|PAPER_FOREST_PRODUCTS|PERFORMING_ARTS|PHARMACEUTICALS|PHILANTHROPY|PHOTOGRAPHY" +
	"|PLASTICS|POLITICAL_ORGANIZATION|PRIMARY_SECONDARY_EDUCATION|PRINTING|PROFESSIONAL_TRAINING_COACHING|PROGRAM_DEVELOPMENT" +
	"|PUBLIC_POLICY|PUBLIC_RELATIONS_AND_COMMUNICATIONS|PUBLIC_SAFETY|PUBLISHING|RAILROAD_MANUFACTURE|RANCHING|REAL_ESTATE" +
	"|RECREATIONAL_FACILITIES_AND_SERVICES|RELIGIOUS_INSTITUTIONS|RENEWABLES_ENVIRONMENT|RESEARCH|RESTAURANTS|RETAIL" +
	"|SECURITY_AND_INVESTIGATIONS|SEMICONDUCTORS|SHIPBUILDING|SPORTING_GOODS|SPORTS|STAFFING_AND_RECRUITING|SUPERMARKETS" +
	"|TELECOMMUNICATIONS|TEXTILES|THINK_TANKS|TOBACCO|TRANSLATION_AND_LOCALIZATION|TRANSPORTATION_TRUCKING_RAILROAD|UTILITIES" +
	"|VENTURE_CAPITAL_PRIVATE_EQUITY|VETERINARY|WAREHOUSING|WHOLESALE|WINE_AND_SPIRITS|WIRELESS|WRITING_AND_EDITING|MOBILE_GAMES"

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
