package hubspotsim

import (
	"net/http"
	"slices"
	"strings"
)

// maxUnique is how many unique properties an object type may have.
const maxUnique = 10

// fieldTypes are the form fields each value type may have.
var fieldTypes = map[string][]string{
	"string":       {"text", "textarea", "file", "html", "phonenumber"},
	"number":       {"number"},
	"date":         {"date"},
	"datetime":     {"date"},
	"enumeration":  {"select", "radio", "checkbox", "booleancheckbox"},
	"bool":         {"booleancheckbox"},
	"phone_number": {"phonenumber"},
}

// properties answers /crm/properties/{version}/{type}/...
func (c *call) properties() (*reply, *apiError) {
	if len(c.rest) == 0 {
		return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
	}
	o := c.s.object(c.rest[0])
	if o == nil {
		return nil, noSuchObject(c.rest[0])
	}
	post := c.r.Method == http.MethodPost
	switch path := strings.Join(c.rest[1:], "/"); {
	case path == "" && c.r.Method == http.MethodGet:
		plain, bad := isPlain(c.query.Get("dataSensitivity"))
		if bad != nil {
			return nil, bad
		}
		list := []*property{} // none is sensitive
		if plain {
			list = o.listed(c.archived())
		}
		return ok(map[string]any{"results": list}), nil
	case path == "" && post:
		return c.createProperty(o)
	case path == "batch/create" && post:
		return c.createProperties(o)
	case path == "batch/read" && post, path == "batch/archive" && post:
		return c.namedProperties(o, c.rest[2] == "archive")
	case path == "groups":
		return c.groups(o)
	case len(c.rest) == 3 && c.rest[1] == "groups":
		return c.oneGroup(o, c.rest[2])
	case len(c.rest) == 2:
		return c.oneProperty(o, c.rest[1])
	}
	return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
}

// isPlain says that a sensitivity is that of the properties that this portal has.
func isPlain(sensitivity string) (bool, *apiError) {
	switch sensitivity {
	case "", "non_sensitive":
		return true, nil
	case "sensitive", "highly_sensitive":
		return false, nil
	}
	return false, invalid("dataSensitivity is non_sensitive, sensitive or highly_sensitive, not " + sensitivity + ".")
}

// listed returns the definitions in order of name.
func (o *object) listed(archived bool) []*property {
	list := []*property{}
	for _, p := range o.props {
		if p.Archived == archived && !p.lags() {
			shown := *p
			shown.Options = slices.Clone(p.Options)
			list = append(list, &shown)
		}
	}
	slices.SortFunc(list, func(a, b *property) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (c *call) createProperty(o *object) (*reply, *apiError) {
	var in property
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	p, bad := c.defineProperty(o, in)
	if bad != nil {
		return nil, bad
	}
	return &reply{http.StatusCreated, p}, nil
}

func (c *call) createProperties(o *object) (*reply, *apiError) {
	var in struct {
		Inputs []property `json:"inputs"`
	}
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	if bad := count(len(in.Inputs), maxBatch); bad != nil {
		return nil, bad
	}
	results := []*property{}
	var errors []errorBody
	for _, row := range in.Inputs {
		p, bad := c.defineProperty(o, row)
		if bad != nil {
			e := bad.row()
			e.Context = map[string][]string{"name": {row.Name}}
			errors = append(errors, e)
			continue
		}
		results = append(results, &p)
	}
	status := http.StatusCreated
	body := map[string]any{"status": "COMPLETE", "results": results, "startedAt": moment(c.now), "completedAt": moment(stamp())}
	if len(errors) > 0 {
		status = http.StatusMultiStatus
		body["numErrors"], body["errors"] = len(errors), complete(errors)
	}
	return &reply{status, body}, nil
}

// defineProperty makes a property, or restores an archived one of that name.
func (c *call) defineProperty(o *object, in property) (property, *apiError) {
	old := o.props[in.Name]
	plain, bad := isPlain(in.Sensitivity)
	switch {
	case bad != nil:
		return in, bad
	case !plain:
		return in, lacks([]string{"crm.objects." + o.name + "." + in.Sensitivity + ".write"})
	case !rightName(in.Name):
		return in, invalid("A property's name has lower case letters, digits and underscores, 100 at most, and starts with a letter and not with hs_.")
	case old != nil && !old.Archived:
		bad := refuse(http.StatusConflict, "OBJECT_ALREADY_EXISTS", "A property named '"+in.Name+"' already exists.")
		if doc, isDoc := bad.body.(errorBody); isDoc {
			doc.SubCategory = "Properties.PROPERTY_WITH_NAME_EXISTS"
			bad.body = doc
		}
		return in, bad
	case in.Label == "" || !slices.Contains(fieldTypes[in.Type], in.FieldType):
		return in, invalid("A property needs a label, a type and a fieldType that goes with it.")
	case !slices.ContainsFunc(o.groups, func(g group) bool { return g.Name == in.Group }):
		return in, invalid("Property group '" + in.Group + "' does not exist.")
	case optionsRefused(in) != "":
		return in, invalid(optionsRefused(in))
	case in.Unique:
		if bad := c.mayBeUnique(o); bad != nil {
			return in, bad
		}
	}
	in.Calculated, in.HubSpot, in.Archived = false, false, false
	in.Modification = modification{Archivable: true}
	in.CreatedAt, in.UpdatedAt = moment(c.now), moment(c.now)
	if late := c.s.Faults().PropertyLag; late > 0 {
		in.visible = c.now.Add(late)
	}
	if old != nil { // of what was there it keeps its age alone
		in.CreatedAt = old.CreatedAt
	}
	if in.Options == nil {
		in.Options = []option{}
	}
	o.define(in)
	return in, nil
}

// optionsRefused says what is wrong with the options of a property; blank: nothing.
func optionsRefused(p property) string {
	yes, no := p.has("true"), p.has("false")
	switch {
	case p.External && p.Referenced == "":
		return "A property with externalOptions needs a referencedObjectType."
	case p.External && len(p.Options) > 0:
		return "A property with externalOptions takes no options."
	case p.Type == "bool" && (!yes || !no || len(p.Options) != 2):
		return "Boolean properties must have exactly two options; one with a value of 'true', the other with a value of 'false'."
	case p.Type == "enumeration" && len(p.Options) == 0 && !p.External:
		return "An enumeration needs options."
	case slices.ContainsFunc(p.Options, func(o option) bool { return o.Label == "" || o.Value == "" }):
		return "An option needs a label and a value."
	}
	return ""
}

// rightName says that a property may be called so.
func rightName(name string) bool {
	return name != "" && len(name) <= 100 && name[0] >= 'a' && name[0] <= 'z' && !strings.HasPrefix(name, "hs_") &&
		!strings.ContainsFunc(name, func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' })
}

// uniqueTypes are the types that HubSpot's pages say may have unique properties. Of tasks they say nothing.
var uniqueTypes = []string{"contacts", "companies", "deals", "tickets", "leads", "calls"}

// mayBeUnique refuses an eleventh unique property, and one on a type that takes none.
func (c *call) mayBeUnique(o *object) *apiError {
	if !slices.Contains(uniqueTypes, o.name) && (o.name != "tasks" || !c.s.Faults().UniqueTasks) {
		return invalid("hasUniqueValue is not supported for object type " + o.typeID + ".")
	}
	n := 0
	for _, p := range o.props {
		if p.Unique && !p.HubSpot {
			n++
		}
	}
	if n >= maxUnique {
		return invalid("The limit of 10 unique properties is reached.")
	}
	return nil
}

// define puts a property into the type and indexes it when it is unique.
func (o *object) define(p property) {
	o.props[p.Name] = &p
	o.reindex(&p)
}

// reindex makes the index of a unique property from the values that records have; another property has none.
func (o *object) reindex(p *property) {
	delete(o.unique, p.Name)
	if !p.Unique {
		return
	}
	index := map[string]*record{}
	for _, rec := range o.order {
		if v := rec.values[p.Name]; v != "" && !rec.archived && index[v] == nil {
			index[v] = rec
		}
	}
	o.unique[p.Name] = index
}

func (c *call) oneProperty(o *object, name string) (*reply, *apiError) {
	p := o.props[name]
	plain, bad := isPlain(c.query.Get("dataSensitivity"))
	if bad != nil {
		return nil, bad
	}
	if p == nil || p.lags() || !plain || p.Archived != (c.archived() && c.r.Method == http.MethodGet) {
		return nil, notFound("No property named '" + name + "' exists.")
	}
	switch c.r.Method {
	case http.MethodGet:
		return ok(*p), nil
	case http.MethodPatch:
		return c.patchProperty(o, p)
	case http.MethodDelete:
		if bad := c.s.mayArchive(o, p); bad != nil {
			return nil, bad
		}
		p.Archived = true
		return nil, nil
	}
	return nil, c.methodNotAllowed()
}

// mayArchive refuses to archive HubSpot's own property, and one that a workflow or a rule of the portal's uses.
func (s *Sim) mayArchive(o *object, p *property) *apiError {
	if !p.Modification.Archivable {
		return invalid("Property '" + p.Name + "' cannot be archived.")
	}
	used := slices.Contains(s.traits.createRequired[o.name], p.Name) || slices.ContainsFunc(s.traits.automation, func(w workflow) bool {
		return s.object(w.Object) == o && w.Sets == p.Name
	}) || slices.ContainsFunc(s.traits.required[o.name], func(r rule) bool {
		_, when := r.When[p.Name]
		return when || slices.Contains(r.Need, p.Name)
	})
	if !used {
		return nil
	}
	bad := invalid("Property '" + p.Name + "' is in use and cannot be deleted.")
	if doc, isDoc := bad.body.(errorBody); isDoc {
		doc.SubCategory = "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE"
		bad.body = doc
	}
	return bad
}

// patchProperty changes what may change; options replace the whole list.
func (c *call) patchProperty(o *object, p *property) (*reply, *apiError) {
	if p.Modification.ReadOnlyDefinition {
		return nil, invalid("The definition of '" + p.Name + "' is read only.")
	}
	var in struct {
		Label       *string  `json:"label"`
		Description *string  `json:"description"`
		Group       *string  `json:"groupName"`
		Type        *string  `json:"type"`
		FieldType   *string  `json:"fieldType"`
		Options     []option `json:"options"`
	}
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	kind, field := p.Type, p.FieldType
	if in.Type != nil {
		kind = *in.Type
	}
	if in.FieldType != nil {
		field = *in.FieldType
	}
	if !slices.Contains(fieldTypes[kind], field) {
		return nil, invalid("A property of type " + kind + " cannot have the fieldType " + field + ".")
	}
	if in.Group != nil && !slices.ContainsFunc(o.groups, func(g group) bool { return g.Name == *in.Group }) {
		return nil, invalid("Property group '" + *in.Group + "' does not exist.")
	}
	if in.Options != nil {
		after := *p
		after.Type, after.Options = kind, in.Options
		if wrong := optionsRefused(after); wrong != "" {
			return nil, invalid(wrong)
		}
	}
	p.Type, p.FieldType = kind, field
	for _, set := range [...]struct{ to, from *string }{{&p.Label, in.Label}, {&p.Description, in.Description}, {&p.Group, in.Group}} {
		if set.from != nil {
			*set.to = *set.from
		}
	}
	if in.Options != nil {
		p.Options = in.Options
	}
	p.UpdatedAt = moment(c.now)
	return ok(*p), nil
}

func (c *call) groups(o *object) (*reply, *apiError) {
	switch c.r.Method {
	case http.MethodGet:
		return ok(map[string]any{"results": slices.Clone(o.groups)}), nil
	case http.MethodPost:
		var in group
		if bad := c.read(&in); bad != nil {
			return nil, bad
		}
		if in.Name == "" || in.Label == "" {
			return nil, invalid("A group needs a name and a label.")
		}
		if slices.ContainsFunc(o.groups, func(g group) bool { return g.Name == in.Name }) {
			return nil, refuse(http.StatusConflict, "OBJECT_ALREADY_EXISTS", "A property group named '"+in.Name+"' already exists.")
		}
		o.groups = append(o.groups, in)
		return &reply{http.StatusCreated, in}, nil
	}
	return nil, c.methodNotAllowed()
}

// setUniqueTasks makes tasks' handoff_key unique or plain, as the portal allows.
func (s *Sim) setUniqueTasks(on bool) {
	o := s.objects["tasks"]
	p := o.props["handoff_key"]
	if p == nil || p.Unique == on {
		return
	}
	p.Unique = on
	o.reindex(p)
}
