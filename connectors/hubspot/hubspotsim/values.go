package hubspotsim

import (
	"encoding/json"
	"maps"
	"net/mail"
	"slices"
	"strings"
)

// check turns the properties of a write into stored values, or says all that is wrong with them. rec is
// nil for a create. A nil value (JSON null) is passed over; "" clears.
func (s *Sim) check(o *object, rec *record, in map[string]*string) (map[string]string, *apiError) {
	set := map[string]string{}
	var bad []badValue
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if in[name] == nil {
			continue
		}
		value, wrong := s.checkOne(o, rec, name, *in[name])
		if wrong != nil {
			bad = append(bad, *wrong)
			continue
		}
		set[name] = value
	}
	if len(bad) > 0 {
		return nil, badValues(bad)
	}
	if refused := s.checkWhole(o, rec, set); refused != nil {
		return nil, refused
	}
	if backward(o, rec, set) {
		delete(set, "lifecyclestage") // answered like a success, and nothing happens
	}
	return set, nil
}

func (s *Sim) checkOne(o *object, rec *record, name, value string) (string, *badValue) {
	p := o.defined(name)
	if p == nil {
		return "", &badValue{Message: `Property "` + name + `" does not exist`, Code: "PROPERTY_DOESNT_EXIST", Name: name}
	}
	if p.readOnly() {
		return "", &badValue{Message: `"` + name + `" is a read only property; its value cannot be set.`, Code: "READ_ONLY_VALUE", Name: name}
	}
	old := ""
	if rec != nil {
		old = rec.values[name]
	}
	value, wrong := s.store(p, value, old)
	if wrong == nil {
		wrong = s.checkSeat(o, name, value)
	}
	if wrong != nil {
		return "", wrong
	}
	switch {
	case name == "email" && o.name == "contacts" && value != "":
		value = strings.ToLower(strings.TrimSpace(value))
		if a, err := mail.ParseAddress(value); err != nil || a.Address != value || !inDomain(value) {
			return "", &badValue{Message: "Email address " + value + " is invalid", Code: "INVALID_EMAIL", Name: name}
		}
	case name == "domain" && o.name == "companies":
		value = strings.ToLower(strings.TrimSpace(value))
	}
	return value, nil
}

// inDomain says that an e-mail address is in a domain of the internet: of two words at least, and no number.
func inDomain(address string) bool {
	domain := address[strings.LastIndexByte(address, '@')+1:]
	dot := strings.LastIndexByte(domain, '.')
	return dot > 0 && len(domain)-dot > 2 && domain[0] != '['
}

// checkWhole checks what concerns more than one value: required ones, uniqueness, stage and pipeline.
func (s *Sim) checkWhole(o *object, rec *record, set map[string]string) *apiError {
	if rec == nil {
		s.inPipeline(o, set)
		if refused := missing(o, set); refused != nil {
			return refused
		}
	}
	if stages, has := s.pipelines[o.name]; has {
		if refused := checkStage(o, rec, set, stages); refused != nil {
			return refused
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.unique)) {
		value := set[name]
		holder := o.unique[name][value]
		if value == "" || holder == nil || holder == rec {
			continue
		}
		if name == "email" {
			return conflict("Contact already exists. Existing ID: " + holder.id)
		}
		return conflict("The value of the unique property " + name + " already belongs to another " + o.singular + ".")
	}
	return nil
}

// missing refuses a create without what the type requires; contacts and companies need one of theirs, the others all.
func missing(o *object, set map[string]string) *apiError {
	var lacking []string
	for _, name := range o.required {
		if set[name] == "" {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) == 0 || ((o.name == "companies" || o.name == "contacts") && len(lacking) < len(o.required)) {
		return nil
	}
	body := errorBody{
		Status: "error", Category: "VALIDATION_ERROR",
		Message: "Error creating " + strings.ToUpper(o.singular) + ". Some required properties were not set.",
		Context: map[string][]string{"properties": lacking},
	}
	for _, name := range lacking {
		body.Errors = append(body.Errors, errorDetail{
			Message: "Required property " + name + " is missing.", Code: "MISSING_REQUIRED_PROPERTY",
			Context: map[string][]string{"propertyName": {name}},
		})
	}
	return &apiError{400, body}
}

// checkStage refuses a stage that is not one of the pipeline the record will be in.
func checkStage(o *object, rec *record, set map[string]string, pipelines []pipeline) *apiError {
	pipelineName, stageName := stageProperties(o)
	_, movesPipeline := set[pipelineName]
	_, movesStage := set[stageName]
	if !movesPipeline && !movesStage {
		return nil
	}
	after := func(name string) string {
		if v, named := set[name]; named || rec == nil {
			return v
		}
		return rec.values[name]
	}
	id, to := after(pipelineName), after(stageName)
	at := slices.IndexFunc(pipelines, func(p pipeline) bool { return p.ID == id })
	if at < 0 {
		return badValues([]badValue{{Message: "Pipeline " + id + " does not exist", Code: "INVALID_OPTION", Name: pipelineName}})
	}
	if !slices.ContainsFunc(pipelines[at].Stages, func(st stage) bool { return st.ID == to }) {
		return badValues([]badValue{{Message: to + " is not a stage of pipeline " + id, Code: "INVALID_OPTION", Name: stageName}})
	}
	return nil
}

func stageProperties(o *object) (pipelineName, stageName string) {
	if o.name == "deals" {
		return "pipeline", "dealstage"
	}
	return "hs_pipeline", "hs_pipeline_stage"
}

// backward says that the write would move the lifecycle stage back. Clearing it is allowed.
func backward(o *object, rec *record, set map[string]string) bool {
	to, named := set["lifecyclestage"]
	p := o.props["lifecyclestage"]
	if !named || to == "" || p == nil || rec == nil || rec.values["lifecyclestage"] == "" {
		return false
	}
	at := func(value string) int {
		return slices.IndexFunc(p.Options, func(o option) bool { return o.Value == value })
	}
	return at(to) < at(rec.values["lifecyclestage"])
}

// written is the properties of a write: JSON scalars become text, null stays nil.
type written map[string]*string

// UnmarshalJSON implements json.Unmarshaler.
func (m *written) UnmarshalJSON(raw []byte) error {
	var rows map[string]json.RawMessage
	if err := json.Unmarshal(raw, &rows); err != nil {
		return err
	}
	*m = make(written, len(rows))
	for name, value := range rows {
		if string(value) == "null" {
			(*m)[name] = nil
			continue
		}
		var t text
		if err := json.Unmarshal(value, &t); err != nil {
			return err
		}
		plain := string(t)
		(*m)[name] = &plain
	}
	return nil
}
