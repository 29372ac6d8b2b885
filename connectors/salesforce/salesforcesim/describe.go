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
	fields := make([]map[string]any, 0, len(o.fields))
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

func describeField(o *object, f *field) map[string]any {
	picklist := []map[string]any{}
	for _, v := range f.values {
		picklist = append(picklist, map[string]any{"active": true, "defaultValue": v == f.def, "label": v, "validFor": nil, "value": v})
	}
	length, precision, digits := f.length, 0, 0
	switch f.typ {
	case "int":
		length, digits = 0, intDigits
	case "double", "currency", "percent":
		length, precision = 0, f.length
	case "id":
		length = 18
	case "date", "datetime", "boolean":
		length = 0
	}
	var def any
	if f.typ == "boolean" {
		def = f.def == "true"
	}
	refTo := f.refTo
	if refTo == nil {
		refTo = []string{}
	}
	var rel, extra, compound any
	if f.rel != "" {
		rel = f.rel
	}
	if f.typ == "textarea" {
		extra = "plaintextarea"
	}
	if name := o.compoundOf(f); name != "" {
		compound = name
	}
	nillable := !f.required && f.typ != "boolean" && f.typ != "id" && f.createable
	return map[string]any{
		"name": f.name, "label": f.label, "type": f.typ, "soapType": soapType(f.typ), "length": length, "byteLength": 3 * length,
		"precision": precision, "scale": f.scale, "digits": digits, "nillable": nillable, "createable": f.createable && o.writable,
		"updateable": f.updateable && o.writable, "externalId": f.externalID, "unique": f.unique, "idLookup": f.idLookup || f.typ == "id",
		"picklistValues": picklist, "restrictedPicklist": f.restricted, "referenceTo": refTo, "relationshipName": rel,
		"calculated": false, "filterable": !f.longText(), "sortable": !f.longText() && f.typ != "multipicklist",
		"groupable":         f.groupable(),
		"defaultedOnCreate": f.typ == "boolean" || f.def != "" || f.name == "OwnerId" || !f.createable, "compoundFieldName": compound,
		"custom": f.custom(), "caseSensitive": false, "autoNumber": false, "aggregatable": f.aggregatable(),
		"calculatedFormula": nil, "cascadeDelete": false, "controllerName": nil, "defaultValue": def, "defaultValueFormula": nil,
		"dependentPicklist": false, "deprecatedAndHidden": false, "displayLocationInDecimal": false, "encrypted": false,
		"extraTypeInfo": extra, "filteredLookupInfo": nil, "formulaTreatNullNumberAsZero": false, "highScaleNumber": false,
		"htmlFormatted": false, "inlineHelpText": nil, "mask": nil, "maskType": nil, "nameField": f.name == "Name",
		"namePointing": len(f.refTo) > 1, "permissionable": !f.required && f.createable && f.name != "OwnerId", "polymorphicForeignKey": len(f.refTo) > 1,
		"queryByDistance": false, "referenceTargetField": nil, "relationshipOrder": nil, "restrictedDelete": false,
		"searchPrefilterable": false, "writeRequiresMasterRead": false,
	}
}
