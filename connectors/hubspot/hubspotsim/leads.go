package hubspotsim

// leadPipeline is the id of the pipeline that every portal with leads has; it is no number.
const leadPipeline = "lead-pipeline-id"

// checkLead refuses a new lead without a contact. A lead needs a name and an existing contact.
func checkLead(o *object, links []newLink) *apiError {
	if o.name != "leads" {
		return nil
	}
	for _, l := range links {
		if l.to.of.name == "contacts" {
			return nil
		}
	}
	return invalid("A lead needs an association with an existing contact.")
}

// checkSeat refuses an owner of a lead who has no sales seat.
func (s *Sim) checkSeat(o *object, name, value string) *badValue {
	if o.name != "leads" || name != "hubspot_owner_id" || !s.traits.noSeat[value] {
		return nil
	}
	return &badValue{Message: "Owner with id " + value + " has no seat for leads.", Code: "INVALID_OWNER_ID", Name: name}
}

// inPipeline puts a new lead into the pipeline every portal has, and at its beginning, unless the write says where.
func (s *Sim) inPipeline(o *object, set map[string]string) {
	if o.name != "leads" {
		return
	}
	if set["hs_pipeline"] == "" {
		set["hs_pipeline"] = leadPipeline
	}
	for _, p := range s.pipelines[o.name] {
		if p.ID == set["hs_pipeline"] && set["hs_pipeline_stage"] == "" {
			set["hs_pipeline_stage"] = p.Stages[0].ID
		}
	}
}
