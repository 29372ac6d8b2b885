package salesforcesim

import (
	"maps"
	"slices"
	"strings"
)

const (
	maxMerges = 200
	// maxLosers is how many records go into another at once.
	maxLosers = 2
)

// mergeRequest asks for one merge.
type mergeRequest struct {
	obj    *object
	master string
	set    map[string]any // what the master gets of the others
	losers []string
}

// soapMerge merges records, each request by itself.
func (s *Sim) soapMerge(c *soapCall) *soapFault {
	list := make([]mergeRequest, len(c.op.kids))
	for i, e := range c.op.kids {
		if e.name.Local != "mergeRequests" {
			return misplaced(e)
		}
		var fault *soapFault
		if list[i], fault = s.readMerge(c, e); fault != nil {
			return fault
		}
	}
	switch {
	case len(list) == 0:
		return clientFault("merge without mergeRequests")
	case len(list) > maxMerges:
		return fewer(maxMerges)
	}
	locked := s.lockedRows(len(list))
	moved := make([][]string, len(list))
	outcomes, good := s.tryAll(c.deed, false, len(list), func(i int, d deed) outcome {
		if locked[i] {
			return failed(s.rowLocked())
		}
		before := len(d.tx.log)
		master, err := s.mergeByProgram(list[i], d)
		if err != nil {
			return failed(err)
		}
		for _, h := range d.tx.log[before:] { // what the CRM did to others than those named
			if h.change.Actor == bySystem && h.row != master && !slices.Contains(moved[i], h.row.id) {
				moved[i] = append(moved[i], h.row.id)
			}
		}
		return outcome{ID: master.id, Success: true}
	})
	c.applied = good > 0
	for i, o := range outcomes {
		c.out.WriteString("<result>")
		c.out.errors(o.Errors)
		c.out.value("id", o.ID)
		for _, id := range list[i].losers {
			if id, _ := normalizeID(id); o.Success {
				c.out.value("mergedRecordIds", id)
			}
		}
		c.out.truth("success", o.Success)
		for _, id := range moved[i] {
			c.out.value("updatedRelatedIds", id)
		}
		c.out.WriteString("</result>")
	}
	return nil
}

func (s *Sim) readMerge(c *soapCall, e *xmlElement) (mergeRequest, *soapFault) {
	var in mergeRequest
	for _, k := range e.kids {
		switch {
		case k.name.Local == "masterRecord" && e.child("", "masterRecord") == k:
			if fault := s.readMaster(c, k, &in); fault != nil {
				return in, fault
			}
		case k.name.Local == "recordToMergeIds" && len(k.kids) == 0:
			in.losers = append(in.losers, k.value())
		case k.name.Local == "additionalInformationMap":
			return in, notModelled("MergeRequest.additionalInformationMap")
		default:
			return in, misplaced(k)
		}
	}
	if in.obj == nil {
		return in, clientFault("MergeRequest without one masterRecord")
	}
	return in, nil
}

// readMaster reads an sObject: the partner's says its type in an element, the enterprise's in xsi:type.
func (s *Sim) readMaster(c *soapCall, e *xmlElement, in *mergeRequest) *soapFault {
	kind := e.schemaAttr("type")
	kind = kind[strings.LastIndexByte(kind, ':')+1:]
	partner, _ := wsdlOf("u")
	if c.wsdl == partner {
		kind = e.child("", "type").value()
	}
	if kind == "" {
		return &soapFault{"INVALID_TYPE", "Must send a concrete entity type."}
	}
	if in.obj = s.org[strings.ToLower(kind)]; in.obj == nil || in.obj.prefix == "" {
		return &soapFault{"INVALID_TYPE", noSuchType(kind).message}
	}
	in.set = map[string]any{}
	for _, k := range e.kids {
		if k.name.Local == "type" && c.wsdl == partner {
			continue
		}
		if strings.EqualFold(k.name.Local, "Id") { // some clients send it twice
			in.master = k.value()
			continue
		}
		if fault := s.readField(k, in); fault != nil {
			return fault
		}
	}
	return nil
}

// readField reads one value of a master. A nil or blank one says nothing: what is to be emptied stands in
// fieldsToNull.
func (s *Sim) readField(k *xmlElement, in *mergeRequest) *soapFault {
	name, value := k.name.Local, k.value()
	empty := name == "fieldsToNull"
	if empty {
		name = value
	}
	f := s.whole[strings.ToLower(in.obj.name)].field(name)
	switch {
	case f == nil:
		return &soapFault{"INVALID_FIELD", noSuchColumn(name, in.obj.name)}
	case len(k.kids) > 0:
		return misplaced(k)
	case empty && f.typ == "boolean":
		return clientFault("a boolean can't be null: %s", name)
	case empty:
		in.set[f.name] = nil
		return nil
	case value == "" || k.isNil():
		return nil
	}
	v, known := f.fromXML(value)
	if !known {
		return clientFault("'%s' is not a valid value for the type %s", value, soapType(f.typ))
	}
	in.set[f.name] = v
	return nil
}

// mergeByProgram merges records as a program asks for it, and returns the one that is left. Which codes the refusals
// before the first write have is a guess.
func (s *Sim) mergeByProgram(in mergeRequest, d deed) (*row, *apiError) {
	o := in.obj
	master, err := s.rowOf(o, in.master)
	switch {
	case err != nil:
		return nil, err
	case master.deleted():
		return nil, deletedEntity()
	case len(in.losers) == 0:
		return nil, &apiError{code: "MISSING_ARGUMENT", message: "recordToMergeIds not specified", fields: []string{}}
	case len(in.losers) > maxLosers:
		return nil, &apiError{code: "LIMIT_EXCEEDED", message: "at most two records can be merged into the master", fields: []string{}}
	}
	losers := make([]*row, len(in.losers))
	for i, id := range in.losers {
		if losers[i], err = s.loser(o, master, id, d); err != nil {
			return nil, err
		}
		if slices.Contains(losers[:i], losers[i]) {
			return nil, &apiError{code: "DUPLICATE_VALUE", message: "Duplicate id specified: " + id, fields: []string{}}
		}
	}
	for i, r := range losers {
		set := maps.Clone(in.set)
		set["into"] = master.id
		if _, err := s.mergeOne(o, r, set, d, i == len(losers)-1); err != nil {
			return nil, err
		}
	}
	return master, nil
}

// loser finds a record that may go into master. Person accounts and the contacts behind them stay apart here, though
// Salesforce merges them with one another.
func (s *Sim) loser(o *object, master *row, id string, d deed) (*row, *apiError) {
	r, err := s.rowOf(o, id)
	switch {
	case err != nil:
		return nil, err
	case r.deleted():
		return nil, deletedEntity()
	case r == master:
		return nil, &apiError{code: "INVALID_CROSS_REFERENCE_KEY", message: "a record can't be merged into itself", fields: []string{}}
	case r.last()["IsConverted"] == true:
		return nil, &apiError{code: "CANNOT_UPDATE_CONVERTED_LEAD", message: "cannot reference converted lead", fields: []string{}}
	case r.last()["IsPersonAccount"] == true || master.last()["IsPersonAccount"] == true:
		return nil, &apiError{code: "INVALID_OPERATION", message: "merging person accounts is not modelled", fields: []string{}}
	}
	if err := s.checkHierarchy(o, r, values{"ParentId": master.id}); err != nil {
		return nil, err
	}
	return r, s.contend(o, r, r.last(), d)
}
