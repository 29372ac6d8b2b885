package salesforcesim

import (
	"encoding/json"
	"slices"
)

// describe is the answer to /sobjects/X/describe, with the keys that the real one carries.
func (s *Sim) describe(o *object, version string) json.RawMessage {
	if known := o.described[version]; known != nil {
		return known
	}
	d := s.summary(o, version)
	fields := make([]describedField, 0, len(o.fields))
	for _, f := range o.fields {
		fields = append(fields, describeField(o, f))
	}
	d["fields"] = fields
	d["childRelationships"] = s.children(o)
	d["actionOverrides"], d["namedLayoutInfos"] = []any{}, []any{}
	d["recordTypeInfos"] = []map[string]any{masterType(o, version)}
	d["supportedScopes"] = []map[string]string{{"label": "All " + o.plural, "name": "everything"}, {"label": "My " + o.plural, "name": "mine"}}
	d["compactLayoutable"], d["searchLayoutable"], d["listviewable"], d["lookupLayoutable"] = true, true, nil, nil
	d["networkScopeFieldName"], d["defaultImplementation"], d["extendedBy"], d["extendsInterfaces"] = nil, nil, nil, nil
	d["implementedBy"], d["implementsInterfaces"], d["sobjectDescribeOption"] = nil, nil, "FULL"
	o.described[version] = mustJSON(d)
	return o.described[version]
}

// masterRecordType is the id of the record type that every object has and nobody made.
const masterRecordType = "012000000000000AAA"

func masterType(o *object, version string) map[string]any {
	return map[string]any{
		"active": true, "available": true, "defaultRecordTypeMapping": true, "developerName": "Master", "master": true, "name": "Master",
		"recordTypeId": masterRecordType, "urls": map[string]string{"layout": "/services/data/v" + version + "/sobjects/" + o.name + "/describe/layouts/" + masterRecordType},
	}
}

// layouts answers /describe/layouts, with a layout that shows nothing: no client of the data reads more of it.
func (s *Sim) layouts(c *call, o *object) reply {
	layout := map[string]any{
		"id": newID("00h", 1), "buttonLayoutSection": nil, "detailLayoutSections": []any{}, "editLayoutSections": []any{}, "feedView": nil,
		"highlightsPanelLayoutSection": nil, "multirowEditLayoutSections": []any{}, "offlineLinks": []any{}, "quickActionList": nil,
		"relatedContent": nil, "relatedLists": []any{}, "saveOptions": []any{},
	}
	if len(c.parts) == 5 {
		if id, _ := normalizeID(c.parts[4]); id != masterRecordType {
			return refused(notFound())
		}
		return ok(mustJSON(layout))
	}
	mapping := masterType(o, c.version)
	mapping["layoutId"], mapping["picklistsForRecordType"] = layout["id"], nil
	return ok(mustJSON(map[string]any{"layouts": []any{layout}, "recordTypeMappings": []any{mapping}, "recordTypeSelectorRequired": []bool{false}}))
}

// summary is what the global describe says about an object.
func (s *Sim) summary(o *object, version string) map[string]any {
	url := "/services/data/v" + version + "/sobjects/" + o.name
	merges := o.name == "Lead" || o.name == "Contact" || o.name == "Account"
	return map[string]any{
		"name": o.name, "label": labelOf(o.name), "labelPlural": o.plural, "keyPrefix": o.prefix, "activateable": false,
		"associateEntityType": nil, "associateParentEntity": nil, "createable": o.writable, "custom": false,
		"customSetting": false, "deepCloneable": false, "deletable": o.writable, "deprecatedAndHidden": false,
		"feedEnabled": false, "hasSubtypes": false, "isInterface": false, "isSubtype": false, "layoutable": true,
		"mergeable": merges, "mruEnabled": true, "queryable": true, "replicateable": true, "retrieveable": true,
		"searchable": o.writable, "triggerable": true, "undeletable": o.writable, "updateable": o.writable,
		"urls": map[string]string{"sobject": url, "describe": url + "/describe", "rowTemplate": url + "/{ID}"},
	}
}

func (s *Sim) describeGlobal(version string) json.RawMessage {
	names := make([]string, 0, len(s.org))
	for name, o := range s.org {
		if o.prefix != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	list := make([]map[string]any, 0, len(names))
	for _, name := range names {
		list = append(list, s.summary(s.org[name], version))
	}
	return mustJSON(map[string]any{"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": list})
}

func (s *Sim) objectInfo(o *object, version string) json.RawMessage {
	return mustJSON(map[string]any{"objectDescribe": s.summary(o, version), "recentItems": []any{}})
}

// children lists the references to o, as describe's childRelationships.
func (s *Sim) children(o *object) []map[string]any {
	list := []map[string]any{}
	for _, kind := range []string{"account", "accountcontactrelation", "contact", "event", "lead", "opportunity", "opportunitycontactrole", "task"} {
		child := s.org[kind]
		if child == nil {
			continue
		}
		for _, f := range child.fields {
			if slices.Contains(f.refTo, o.name) {
				list = append(list, map[string]any{
					"cascadeDelete": f.name == "WhoId" || f.name == "WhatId" || f.name == "AccountId" && child.name != "Task" && child.name != "Event", "childSObject": child.name, "deprecatedAndHidden": false, "field": f.name,
					"junctionIdListNames": []string{}, "junctionReferenceTo": []string{}, "relationshipName": relationName(o.name, child.name, f.name), "restrictedDelete": false,
				})
			}
		}
	}
	return list
}

// relationName is what o's children of that reference are called in SOQL; nil: nothing.
func relationName(parent, child, field string) any {
	for _, rel := range childRelations() {
		if rel.parent == parent && rel.child == child && rel.field == field {
			return rel.name
		}
	}
	return nil
}

// soapTypes are the xsd names that describe gives beside each type.
func soapType(typ string) string {
	switch typ {
	case "id", "reference":
		return "tns:ID"
	case "boolean", "int", "double", "date":
		return "xsd:" + typ
	case "currency", "percent":
		return "xsd:double"
	case "datetime":
		return "xsd:dateTime"
	case "address":
		return "urn:address"
	}
	return "xsd:string"
}

// describedField is what describe says of one field.
type describedField struct {
	Name           string           `json:"name"`
	Label          string           `json:"label"`
	Type           string           `json:"type"`
	SoapType       string           `json:"soapType"`
	Length         int              `json:"length"`
	ByteLength     int              `json:"byteLength"`
	Precision      int              `json:"precision"`
	Scale          int              `json:"scale"`
	Digits         int              `json:"digits"`
	Nillable       bool             `json:"nillable"`
	Createable     bool             `json:"createable"`
	Updateable     bool             `json:"updateable"`
	ExternalID     bool             `json:"externalId"`
	Unique         bool             `json:"unique"`
	IDLookup       bool             `json:"idLookup"`
	Picklist       []describedValue `json:"picklistValues"`
	Restricted     bool             `json:"restrictedPicklist"`
	ReferenceTo    []string         `json:"referenceTo"`
	Relation       *string          `json:"relationshipName"`
	Filterable     bool             `json:"filterable"`
	Sortable       bool             `json:"sortable"`
	Groupable      bool             `json:"groupable"`
	Defaulted      bool             `json:"defaultedOnCreate"`
	Compound       *string          `json:"compoundFieldName"`
	Custom         bool             `json:"custom"`
	Aggregatable   bool             `json:"aggregatable"`
	Default        *bool            `json:"defaultValue"`
	ExtraType      *string          `json:"extraTypeInfo"`
	NameField      bool             `json:"nameField"`
	NamePointing   bool             `json:"namePointing"`
	Permissionable bool             `json:"permissionable"`
	Polymorphic    bool             `json:"polymorphicForeignKey"`

	sameOfAll
}

// sameOfAll is what describe says of each field alike.
type sameOfAll struct {
	AutoNumber                   bool `json:"autoNumber"`
	Calculated                   bool `json:"calculated"`
	CascadeDelete                bool `json:"cascadeDelete"`
	CaseSensitive                bool `json:"caseSensitive"`
	DependentPicklist            bool `json:"dependentPicklist"`
	DeprecatedAndHidden          bool `json:"deprecatedAndHidden"`
	DisplayLocationInDecimal     bool `json:"displayLocationInDecimal"`
	Encrypted                    bool `json:"encrypted"`
	FormulaTreatNullNumberAsZero bool `json:"formulaTreatNullNumberAsZero"`
	HighScaleNumber              bool `json:"highScaleNumber"`
	HTMLFormatted                bool `json:"htmlFormatted"`
	QueryByDistance              bool `json:"queryByDistance"`
	RestrictedDelete             bool `json:"restrictedDelete"`
	SearchPrefilterable          bool `json:"searchPrefilterable"`
	WriteRequiresMasterRead      bool `json:"writeRequiresMasterRead"`

	CalculatedFormula    any `json:"calculatedFormula"`
	ControllerName       any `json:"controllerName"`
	DefaultValueFormula  any `json:"defaultValueFormula"`
	FilteredLookupInfo   any `json:"filteredLookupInfo"`
	InlineHelpText       any `json:"inlineHelpText"`
	Mask                 any `json:"mask"`
	MaskType             any `json:"maskType"`
	ReferenceTargetField any `json:"referenceTargetField"`
	RelationshipOrder    any `json:"relationshipOrder"`
}

type describedValue struct {
	Active   bool   `json:"active"`
	Default  bool   `json:"defaultValue"`
	Label    string `json:"label"`
	Value    string `json:"value"`
	ValidFor any    `json:"validFor"`
}

func describeField(o *object, f *field) describedField {
	long, several := f.longText(), len(f.refTo) > 1
	d := describedField{
		Name: f.name, Label: f.label, Type: f.typ, SoapType: soapType(f.typ), Length: f.length, Scale: f.scale,
		Nillable:   !f.required && f.typ != "boolean" && f.typ != "id" && f.createable,
		Createable: f.createable && o.writable, Updateable: f.updateable && o.writable,
		ExternalID: f.externalID, Unique: f.unique, IDLookup: f.idLookup || f.typ == "id",
		Picklist: make([]describedValue, 0, len(f.values)), Restricted: f.restricted, ReferenceTo: f.refTo, Relation: orNull(f.rel),
		Filterable: !long, Sortable: !long && f.typ != "multipicklist", Groupable: f.groupable(), Aggregatable: f.aggregatable(),
		Defaulted: f.typ == "boolean" || f.def != "" || f.name == "OwnerId" || !f.createable, Compound: orNull(o.compoundOf(f)),
		Custom: f.custom(), NameField: f.name == "Name", NamePointing: several, Polymorphic: several,
		Permissionable: !f.required && f.createable && f.name != "OwnerId",
	}
	for _, v := range f.values {
		d.Picklist = append(d.Picklist, describedValue{Active: true, Default: v == f.def, Label: v, Value: v})
	}
	switch f.typ {
	case "int":
		d.Length, d.Digits = 0, intDigits
	case "double", "currency", "percent":
		d.Length, d.Precision = 0, f.length
	case "id":
		d.Length = 18
	case "date", "datetime":
		d.Length = 0
	case "boolean":
		on := f.def == "true"
		d.Length, d.Default = 0, &on
	case "textarea":
		d.ExtraType = orNull("plaintextarea")
	}
	d.ByteLength = 3 * d.Length
	if d.ReferenceTo == nil {
		d.ReferenceTo = []string{}
	}
	return d
}

// orNull is null for a text that is blank.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
