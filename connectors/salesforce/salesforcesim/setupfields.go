package salesforcesim

// The columns of what shows an org's setup.

const duplicateRuleFields = `
Id id ro
DeveloperName string 80
MasterLabel string 80
SobjectType string 40
Language string 40
IsActive boolean
`

const flowFields = `
Id id ro
ApiName string 255
Label string 255
ProcessType string 40
TriggerType string 40
RecordTriggerType string 40
TriggerObjectOrEventLabel string 255
TriggerObjectOrEventId string 255
IsActive boolean
`

const validationFields = `
Id id ro
ValidationName string 80
Active boolean
Description string 255
ErrorMessage string 255
ErrorDisplayField string 80
NamespacePrefix string 15
EntityDefinitionId reference ref=EntityDefinition rel=EntityDefinition
`
