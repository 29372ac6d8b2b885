package salesforcesim

// The columns of each object, one a line: name, type, length, flags; parseField reads them.

const auditFields = `
CreatedDate datetime ro
CreatedById reference ro ref=User rel=CreatedBy
LastModifiedDate datetime ro
LastModifiedById reference ro ref=User rel=LastModifiedBy
SystemModstamp datetime ro
`

const deletable = `
IsDeleted boolean ro
`

// handoffFields is the full set of the product's own fields. %s: Handoff_Id__c is the key of
// a created Lead only.
const handoffFields = `
Handoff_Id__c string 64 %s
Handoff_Status__c picklist 255 restricted pick=Assigned;Accepted;Touched;Completed;Returned;Cancelled;Superseded
Handoff_Accountable__c string 255
Handoff_Accept_By__c datetime
Handoff_Touch_By__c datetime
Handoff_Why__c string 255
Handoff_Type__c string 80
Handoff_Tier__c string 80
Handoff_Reason_Started__c string 255
Handoff_Need__c textarea 255
Handoff_Next_Step__c textarea 255
Handoff_Giver__c string 255
Handoff_Created_By__c string 255
Handoff_Backup_Owner__c string 255
Handoff_Support_Contact__c string 255
Handoff_Watchers__c string 255
Handoff_Assigned_At__c datetime
Handoff_Accepted_By__c string 255
Handoff_Accepted_At__c datetime
Handoff_First_Touch_At__c datetime
Handoff_Touch_Attempts__c double 4.0
Handoff_Breached__c boolean
Handoff_Return_Reason__c string 255
Handoff_Return_Note__c textarea 4096
Handoff_Gaps__c textarea 4096
Handoff_Questions__c double 4.0
Handoff_Rated_By_Giver__c double 2.0
Handoff_Rated_By_Receiver__c double 2.0
Handoff_Quality_Check__c string 255
Handoff_Completeness__c double 5.2
Handoff_Brief__c textarea 32768
Handoff_Rule__c string 255
Handoff_Decision_Id__c string 64
`

const personSignals = `
Became_Active_On__c date
Partner_Name__c string 255
Last_Form__c string 255
Last_Form_At__c datetime
Intent_Signal__c string 255
Business_Problem__c textarea 4096
Timeline__c string 255
Product_Interest__c string 255
Interests__c multipicklist 4099 restricted pick=Platform;Analytics;Support
Qualification_Notes__c textarea 4096
Recommended_Motion__c string 255
`

const leadFields = `
Id id ro
MasterRecordId reference ro ref=Lead rel=MasterRecord
LastName string 80 req
FirstName string 40
Salutation picklist 40 pick=Mr.;Ms.;Mrs.;Dr.;Prof.
Name string 121 ro calc
Title string 128
Company string 255 req
Street textarea 255
City string 40
State string 80
PostalCode string 20
Country string 80
Address address ro
Phone phone 40
MobilePhone phone 40
Fax phone 40
Email email 80 idlookup
Website url 255
Description textarea 32000
LeadSource picklist 255 pick=Web;Phone;Inquiry;Partner;Event;HubSpot;Other
Status picklist 255 req pick=Open_-_Not_Contacted;New;Working;Working_-_Contacted;Nurture;Closed_-_Converted;Closed_-_Not_Converted def=Open_-_Not_Contacted
Industry picklist 255 pick=Technology;Manufacturing;Finance;Retail;Other
Rating picklist 255 pick=Hot;Warm;Cold
NumberOfEmployees int
AnnualRevenue currency 18.0
OwnerId reference ref=User,Group rel=Owner
HasOptedOutOfEmail boolean
DoNotCall boolean
EmailBouncedDate datetime ro
IsConverted boolean ro
ConvertedDate date ro
ConvertedAccountId reference ro ref=Account rel=ConvertedAccount
ConvertedContactId reference ro ref=Contact rel=ConvertedContact
ConvertedOpportunityId reference ro ref=Opportunity rel=ConvertedOpportunity
IsUnreadByOwner boolean def=true
LastActivityDate date ro
LastViewedDate datetime ro
LastReferencedDate datetime ro
Account__c reference ref=Account rel=Account__r
`

const contactFields = `
Id id ro
MasterRecordId reference ro ref=Contact rel=MasterRecord
AccountId reference ref=Account rel=Account
LastName string 80 req
FirstName string 40
Salutation picklist 40 pick=Mr.;Ms.;Mrs.;Dr.;Prof.
Name string 121 ro calc
MailingStreet textarea 255
MailingCity string 40
MailingState string 80
MailingPostalCode string 20
MailingCountry string 80
MailingAddress address ro
OtherStreet textarea 255
OtherCity string 40
OtherState string 80
OtherPostalCode string 20
OtherCountry string 80
OtherAddress address ro
Phone phone 40
MobilePhone phone 40
HomePhone phone 40
OtherPhone phone 40
AssistantName string 40
AssistantPhone phone 40
Fax phone 40
Birthdate date
Email email 80 idlookup
Title string 128
Department string 80
LeadSource picklist 255 pick=Web;Phone;Inquiry;Partner;Event;HubSpot;Other
Description textarea 32000
OwnerId reference ref=User rel=Owner
ReportsToId reference ref=Contact rel=ReportsTo
HasOptedOutOfEmail boolean
DoNotCall boolean
EmailBouncedDate datetime ro
LastActivityDate date ro
LastViewedDate datetime ro
LastReferencedDate datetime ro
Contact_Status__c picklist 255 pick=New;Working;Nurture;Customer
`

const accountFields = `
Id id ro
MasterRecordId reference ro ref=Account rel=MasterRecord
Name string 255 req
Type picklist 255 pick=Prospect;Customer_-_Direct;Customer_-_Channel;Channel_Partner_/_Reseller;Other
ParentId reference ref=Account rel=Parent
BillingStreet textarea 255
BillingCity string 40
BillingState string 80
BillingPostalCode string 20
BillingCountry string 80
BillingAddress address ro
ShippingStreet textarea 255
ShippingCity string 40
ShippingState string 80
ShippingPostalCode string 20
ShippingCountry string 80
ShippingAddress address ro
Phone phone 40
Fax phone 40
AccountNumber string 40
Site string 80
Rating picklist 255 pick=Hot;Warm;Cold
Ownership picklist 255 pick=Public;Private;Subsidiary;Other
TickerSymbol string 20
Sic string 20
AccountSource picklist 255 pick=Web;Phone;Inquiry;Partner;Event;HubSpot;Other
Website url 255
Industry picklist 255 pick=Technology;Manufacturing;Finance;Retail;Other
AnnualRevenue currency 18.0
NumberOfEmployees int
Description textarea 32000
OwnerId reference ref=User rel=Owner
LastActivityDate date ro
LastViewedDate datetime ro
LastReferencedDate datetime ro
Segment__c string 80
Named_Account__c boolean
CSM__c reference ref=User rel=CSM__r
Engagement_Score__c double 5.2
Product_Usage__c double 5.2
Health_Score__c double 5.2
Renewal_On__c date
Expansion_Signal__c string 255
Account_Manager__c reference ref=User rel=Account_Manager__r
`

const opportunityFields = `
Id id ro
AccountId reference ref=Account rel=Account
Name string 120 req
Description textarea 32000
StageName picklist 255 req pick=Prospecting;Qualification;Meeting_booked;Technical_validation;Proposal/Price_Quote;Negotiation/Review;Closed_Won;Closed_Lost
Amount currency 16.2
Probability percent 3.0
CloseDate date req
Type picklist 255 pick=New_Customer;Existing_Customer_-_Upgrade
NextStep string 255
LeadSource picklist 255 pick=Web;Phone;Inquiry;Partner;Event;HubSpot;Other
TotalOpportunityQuantity double 16.2
IsPrivate boolean
IsClosed boolean ro
IsWon boolean ro
OwnerId reference ref=User rel=Owner
ContactId reference noup ref=Contact rel=Contact
LastActivityDate date ro
LastViewedDate datetime ro
LastReferencedDate datetime ro
Qualified_Meeting_Outcome__c string 255
Use_Case__c textarea 4096
Current_Stack__c textarea 4096
Buying_Signal__c string 255
Timeline__c string 255
Market_Story__c textarea 4096
Original_Objection__c textarea 4096
Political_Landscape__c textarea 4096
Stakeholder_Map__c textarea 4096
Why_Bought__c textarea 4096
Commitments_Made__c textarea 4096
Open_Risks__c textarea 4096
Success_Criteria__c textarea 4096
Call_Recordings__c textarea 4096
CSM__c reference ref=User rel=CSM__r
CSM_Planned__c reference ref=User rel=CSM_Planned__r
Budget_Confirmed__c boolean
Authority_Confirmed__c boolean
Need_Confirmed__c boolean
Timeline_Known__c boolean
API_Docs_Requested__c boolean
Committee_Mapped__c boolean
Founder_Led__c boolean
Sales_Engineer__c reference ref=User rel=Sales_Engineer__r
Validation_Done__c boolean
Review_Requested__c string 255
Legal_Owner__c reference ref=User rel=Legal_Owner__r
Legal_Review_Done__c boolean
Finance_Owner__c reference ref=User rel=Finance_Owner__r
Finance_Review_Done__c boolean
Business_Problem__c textarea 4096
Customer_Goals__c textarea 4096
Technical_Needs__c textarea 4096
Deal_Origin__c string 255
Competitors__c string 255
Proposal__c url 255
Key_Emails__c textarea 4096
Onboarding_Plan__c textarea 4096
Onboarding_Mode__c picklist 255 pick=Self-serve;Guided
Onboarding_Score__c double 5.2
Project_Plan__c string 255
Success_Confirmed_On__c date
Internal_Kickoff_On__c date
Meeting_At__c datetime
Handoff_Note__c textarea 4096
`

const activityFields = `
Id id ro
WhoId reference ref=Lead,Contact rel=Who
WhatId reference ref=Account,Opportunity rel=What
Subject combobox 255 pick=Call;Email;Send_Letter;Other
OwnerId reference ref=User,Group rel=Owner
Description textarea 32000
AccountId reference ro ref=Account rel=Account
IsArchived boolean ro
IsRecurrence boolean ro
ReminderDateTime datetime
IsReminderSet boolean
`

const taskFields = activityFields + `
ActivityDate date
Status picklist 255 req pick=Not_Started;In_Progress;Completed;Waiting_on_someone_else;Deferred def=Not_Started
Priority picklist 255 req pick=High;Normal;Low def=Normal
Type picklist 255 pick=Call;Email;Meeting;Other
TaskSubtype picklist 40 restricted noup pick=Task;Email;ListEmail;Cadence;Call;LinkedIn def=Task
CallDurationInSeconds int
CallType picklist 40 restricted pick=Internal;Inbound;Outbound
CallDisposition string 255
IsHighPriority boolean ro
IsClosed boolean ro
CompletedDateTime datetime ro
`

const eventFields = activityFields + `
ActivityDate date
ActivityDateTime datetime
StartDateTime datetime
EndDateTime datetime
DurationInMinutes int
IsAllDayEvent boolean
IsChild boolean ro
ShowAs picklist 40 restricted pick=Busy;OutOfOffice;Free def=Busy
Type picklist 255 pick=Call;Email;Meeting;Other
EventSubtype picklist 40 restricted noup pick=Event def=Event
`

const emailFields = `
Id id ro
ActivityId reference ref=Task rel=Activity
RelatedToId reference ref=Account,Opportunity rel=RelatedTo
Subject string 3000
TextBody textarea 32000
FromAddress email 1000
ToAddress string 4000
Incoming boolean
Status picklist 40 restricted pick=0;1;2;3;4;5 def=3
MessageDate datetime
`

const contactRoleFields = `
Id id ro
OpportunityId reference req noup ref=Opportunity rel=Opportunity
ContactId reference req ref=Contact rel=Contact
Role picklist 40 pick=Business_User;Decision_Maker;Economic_Buyer;Economic_Decision_Maker;Evaluator;Executive_Sponsor;Influencer;Technical_Buyer;Other
IsPrimary boolean
`

const accountRelationFields = `
Id id ro
AccountId reference req noup ref=Account rel=Account
ContactId reference req noup ref=Contact rel=Contact
Roles string 4099
IsDirect boolean ro
IsActive boolean def=true
`

const userFields = `
Id id ro
Username string 80 idlookup
LastName string 80
FirstName string 40
Name string 121 ro calc
Alias string 8
Email email 128
Title string 80
CompanyName string 80
Phone phone 40
MobilePhone phone 40
Department string 80
IsActive boolean def=true
UserType picklist 40 pick=Standard;AutomatedProcess def=Standard
TimeZoneSidKey picklist 40 restricted pick=GMT;Europe/London;Europe/Berlin;America/New_York;America/Chicago;America/Los_Angeles;Asia/Tokyo def=GMT
LocaleSidKey string 40
ManagerId reference ref=User rel=Manager
ProfileId reference ref=Profile rel=Profile
UserRoleId reference ref=UserRole rel=UserRole
`

// nameFields is what a relationship to several types (Owner, Who, What) can be asked for.
const nameFields = `
Id id ro
Name string 255 ro
FirstName string 40 ro
LastName string 80 ro
Type picklist 40 ro
Email email 128 ro
Username string 80 ro
IsActive boolean ro
Title string 128 ro
Phone phone 40 ro
Alias string 8 ro
`
