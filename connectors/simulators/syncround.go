package simulators

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// person is a HubSpot contact, a Salesforce Lead or a Salesforce Contact.
type person struct {
	object   string
	id       string
	fields   map[string]any
	modified time.Time
}

func (p *person) text(name string) string {
	switch v := p.fields[name].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// round is one pass over everybody.
type round struct {
	sync     *nativeSync
	cfg      SyncConfig
	contacts []*person          // HubSpot's, by id
	people   []*person          // Salesforce's Leads, then Contacts
	byID     map[string]*person // Salesforce's, by id
	byEmail  map[string][]*person
	moved    map[string]string // converted and merged Salesforce records: where they live on
	known    map[string]bool   // Salesforce records that a contact stands for
	mails    [2]map[string]string
	ids      [2]map[string]string
	blocked  int
}

// Sides of owner ids.
const (
	hubspotSide = iota
	salesforceSide
)

type syncRow struct {
	ID         string         `json:"id"`
	Fields     map[string]any `json:"fields"`
	Archived   bool           `json:"archived"`
	MergedInto string         `json:"merged_into"`
}

func worldOf(s Sim) (map[string][]syncRow, error) {
	raw, err := json.Marshal(s.World())
	if err != nil {
		return nil, fmt.Errorf("write world of %s: %w", s.CRM(), err)
	}
	var world map[string][]syncRow
	if err := json.Unmarshal(raw, &world); err != nil {
		return nil, fmt.Errorf("read world of %s: %w", s.CRM(), err)
	}
	return world, nil
}

// read takes both sides as they are now. What changes while the round lasts is overwritten or found the next
// time, as with the real one.
func (y *nativeSync) read(cfg SyncConfig) (*round, error) {
	r := &round{
		sync: y, cfg: cfg, byID: map[string]*person{}, byEmail: map[string][]*person{}, moved: map[string]string{}, known: map[string]bool{},
	}
	left, err := worldOf(y.hubspot)
	if err != nil {
		return nil, err
	}
	right, err := worldOf(y.salesforce)
	if err != nil {
		return nil, err
	}
	for _, row := range left["contacts"] {
		if !row.Archived && row.MergedInto == "" {
			r.contacts = append(r.contacts, personOf("contacts", row, "lastmodifieddate"))
		}
	}
	for _, object := range [...]string{"Lead", "Contact"} {
		for _, row := range right[object] {
			into, _ := row.Fields["ConvertedContactId"].(string)
			if into = cmp.Or(row.MergedInto, into); into != "" {
				r.moved[row.ID] = into
			}
			if row.Archived || into != "" {
				continue
			}
			p := personOf(object, row, "LastModifiedDate")
			r.people = append(r.people, p)
			r.byID[p.id] = p
			if mail := strings.ToLower(p.text("Email")); mail != "" {
				r.byEmail[mail] = append(r.byEmail[mail], p)
			}
		}
	}
	for side, stage := range [...]simhttp.Stage{y.hubspot, y.salesforce} {
		r.mails[side], r.ids[side] = map[string]string{}, map[string]string{}
		for _, u := range stage.Users() {
			mail := strings.ToLower(u.Email)
			r.mails[side][u.ID] = mail
			if u.Active {
				r.ids[side][mail] = u.ID
			}
		}
	}
	return r, nil
}

func personOf(object string, row syncRow, stamp string) *person {
	p := &person{object: object, id: row.ID, fields: row.Fields}
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05.000-0700"} {
		if t, err := time.Parse(layout, p.text(stamp)); err == nil {
			p.modified = t
			break
		}
	}
	return p
}

// play joins everybody and levels what they have in common.
func (r *round) play() {
	for _, c := range r.contacts {
		p, gone := r.partner(c)
		switch {
		case p != nil:
			r.known[p.id] = true
			r.level(c, p)
		case gone || !r.cfg.CreateLeads || c.text("email") == "": // what was deleted on the other side is not made again
		default:
			r.createLead(c)
		}
	}
	if !r.cfg.CreateContacts {
		return
	}
	known := map[string]bool{}
	for _, c := range r.contacts {
		known[strings.ToLower(c.text("email"))] = true
	}
	for _, p := range r.people {
		mail := strings.ToLower(p.text("Email"))
		if mail == "" || known[mail] || r.known[p.id] {
			continue
		}
		known[mail] = true
		r.createContact(p)
	}
}

// partner finds the Salesforce record of a contact: the one whose id it carries, or one with its e-mail
// address. Of several the one that was modified last is taken, even if another's id is stored. gone: there was
// one, and it has been deleted.
func (r *round) partner(c *person) (found *person, gone bool) {
	var stored *person
	for _, name := range [...]string{"salesforcecontactid", "salesforceleadid"} {
		id := c.text(name)
		for hops := 0; r.moved[id] != "" && hops < 10; hops++ {
			id = r.moved[id]
		}
		if p := r.byID[id]; p != nil && stored == nil {
			stored = p
		}
		gone = gone || id != ""
	}
	found = stored
	for _, p := range r.byEmail[strings.ToLower(c.text("email"))] {
		if found == nil || p != stored && p.modified.After(found.modified) {
			found = p
		}
	}
	return found, found == nil && gone
}

// level makes one pair equal. A value that either side refuses keeps the whole record back.
func (r *round) level(c, p *person) {
	y := r.sync
	key, stamp := c.id+" "+p.id, c.modified.String()+p.modified.String()
	if a := y.tried[key]; a.n >= syncAttempts && a.stamp == stamp {
		r.blocked++
		return
	}
	left, right, now := r.differences(key, c, p)
	if name := storedID(p.object); c.text(name) != p.id {
		left[name] = p.id
	}
	if len(left)+len(right) > 0 {
		left["salesforcelastsynctime"] = time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	}
	if err := r.send(c, p, left, right); err != nil {
		a := y.tried[key]
		if a.stamp != stamp {
			a = attempt{stamp: stamp}
		}
		a.n++
		y.tried[key] = a
		r.blocked++
		y.refused(c.id, p.id, err)
		return
	}
	delete(y.tried, key)
	y.last[key] = now
}

func storedID(object string) string {
	if object == "Contact" {
		return "salesforcecontactid"
	}
	return "salesforceleadid"
}

// send writes both sides, Salesforce first, because it refuses more.
func (r *round) send(c, p *person, left, right map[string]any) error {
	y := r.sync
	if len(right) > 0 {
		if _, err := y.salesforce.Edit(Edit{CRM: "salesforce", Object: p.object, Op: "update", ID: p.id, Fields: right, By: "sync:hubspot"}); err != nil {
			return fmt.Errorf("write to Salesforce: %w", err)
		}
		y.stat(func(s *SyncStats) { s.ToSalesforce++ })
	}
	if len(left) > 0 {
		if _, err := y.hubspot.Edit(Edit{CRM: "hubspot", Object: "contacts", Op: "update", ID: c.id, Fields: left, By: "sync:salesforce"}); err != nil {
			return fmt.Errorf("write to HubSpot: %w", err)
		}
		y.stat(func(s *SyncStats) { s.ToHubSpot++ })
	}
	return nil
}

// differences are what either side has to be told, by its own field names, and what both hold afterwards.
func (r *round) differences(key string, c, p *person) (left, right map[string]any, now map[string]string) {
	left, right, now = map[string]any{}, map[string]any{}, map[string]string{}
	before := r.sync.last[key]
	for _, f := range r.cfg.fields() {
		there := f.on(p.object)
		if f.HubSpot == "" || there == "" {
			continue
		}
		h, s := c.text(f.HubSpot), p.text(there)
		if f.HubSpot == "email" && strings.EqualFold(h, s) {
			h, s = strings.ToLower(h), strings.ToLower(s)
		}
		base, known := before[f.HubSpot]
		value := r.winner(h, s, base, known, c.modified.After(p.modified))
		if now[f.HubSpot] = value; value != h {
			left[f.HubSpot] = value
		}
		if value != s {
			right[there] = textOrNull(value)
		}
	}
	if r.cfg.Owner {
		r.owner(before, c, p, left, right, now)
	}
	return left, right, now
}

// owner compares owners by e-mail address. An owner whom the other side has no active user for, a queue among
// them, stays where it is.
func (r *round) owner(before map[string]string, c, p *person, left, right map[string]any, now map[string]string) {
	h, s := r.mails[hubspotSide][c.text("hubspot_owner_id")], r.mails[salesforceSide][p.text("OwnerId")]
	if s == "" && h == "" {
		return
	}
	base, known := before["owner"]
	value := r.winner(h, s, base, known, c.modified.After(p.modified))
	if id := r.ids[hubspotSide][value]; value != h && id != "" {
		left["hubspot_owner_id"] = id
	}
	if id := r.ids[salesforceSide][value]; value != s && id != "" {
		right["OwnerId"] = id
	}
	now["owner"] = value
}

// winner decides between the two values of one field.
func (r *round) winner(h, s, base string, known, hubspotNewer bool) string {
	switch {
	case h == s, r.cfg.Prefer == PreferSalesforce && s != "":
		return s
	case r.cfg.Prefer == PreferSalesforce:
		return h
	case known && h == base:
		return s
	case known && s == base:
		return h
	case !known && (h == "" || s == ""): // the first time a blank takes what the other has
		return cmp.Or(h, s)
	case hubspotNewer:
		return h
	}
	return s
}

// textOrNull is how a text travels to Salesforce.
func textOrNull(value string) any {
	if value == "" {
		return nil
	}
	return value
}

// createLead makes a Lead of a contact.
func (r *round) createLead(c *person) {
	fields := map[string]any{"LeadSource": "HubSpot"}
	for _, f := range r.cfg.fields() {
		if v := c.text(f.HubSpot); v != "" && f.Lead != "" {
			fields[f.Lead] = v
		}
	}
	mail := c.text("email")
	_, domain, _ := strings.Cut(mail, "@")
	for name, otherwise := range map[string]string{"LastName": mail, "Company": domain} {
		if fields[name] == nil {
			fields[name] = otherwise
		}
	}
	if id := r.ids[salesforceSide][r.mails[hubspotSide][c.text("hubspot_owner_id")]]; r.cfg.Owner && id != "" {
		fields["OwnerId"] = id
	}
	y := r.sync
	if a := y.tried[c.id]; a.n >= syncAttempts && a.stamp == c.modified.String() {
		r.blocked++
		return
	}
	made, err := y.salesforce.Edit(Edit{CRM: "salesforce", Object: "Lead", Op: "create", Fields: fields, By: "sync:hubspot"})
	if err == nil {
		y.stat(func(s *SyncStats) { s.LeadsCreated++ })
		_, err = y.hubspot.Edit(Edit{
			CRM: "hubspot", Object: "contacts", Op: "update", ID: c.id, By: "sync:salesforce",
			Fields: map[string]any{"salesforceleadid": made["id"]},
		})
		r.known[made["id"]] = true
	}
	if err != nil {
		n := 0
		if a := y.tried[c.id]; a.stamp == c.modified.String() {
			n = a.n
		}
		y.tried[c.id] = attempt{c.modified.String(), n + 1}
		r.blocked++
		y.refused(c.id, "", fmt.Errorf("create Lead: %w", err))
	}
}

// createContact makes a contact of a Lead or Contact.
func (r *round) createContact(p *person) {
	fields := map[string]any{storedID(p.object): p.id}
	for _, f := range r.cfg.fields() {
		there := f.on(p.object)
		if there == "" {
			continue
		}
		if v := p.text(there); v != "" && f.HubSpot != "" {
			fields[f.HubSpot] = v
		}
	}
	if id := r.ids[hubspotSide][r.mails[salesforceSide][p.text("OwnerId")]]; r.cfg.Owner && id != "" {
		fields["hubspot_owner_id"] = id
	}
	y := r.sync
	if _, err := y.hubspot.Edit(Edit{CRM: "hubspot", Object: "contacts", Op: "create", Fields: fields, By: "sync:salesforce"}); err != nil {
		r.blocked++
		y.refused("", p.id, fmt.Errorf("create contact: %w", err))
		return
	}
	y.stat(func(s *SyncStats) { s.ContactsCreated++ })
}

// strictly decodes JSON and refuses what it does not know.
func strictly(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}
