package salesforcesim

import (
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// bySystem is the ledger's actor for what the CRM derives itself: activities that go with their person,
// children of a merged record, last activity dates.
const bySystem = "system"

// unread is the field that says whether the owner has opened the record.
const unread = "IsUnreadByOwner"

// tx collects how to take one call's writes back, and what the ledger will say of them once they stand.
type tx struct {
	undo  []func()
	log   []happening
	outer *tx // the call that this is a part of
}

// happening is one line of the ledger that waits for its transaction.
type happening struct {
	change simhttp.Change
	row    *row
	tell   bool // worth an outbound message, as far as who did it goes
}

// savepoint is how far a transaction was.
type savepoint struct{ undo, log int }

func (t *tx) mark() savepoint { return savepoint{len(t.undo), len(t.log)} }

// back takes everything behind the savepoint back.
func (t *tx) back(m savepoint) {
	for i := len(t.undo) - 1; i >= m.undo; i-- {
		t.undo[i]()
	}
	t.undo, t.log = t.undo[:m.undo], t.log[:m.log]
}

func (t *tx) rollback() { t.back(savepoint{}) }

// handwork is what automation did to a row inside somebody's save: the state it found.
type handwork struct {
	who   string
	found values
}

// note writes what has become of a row into its transaction: the saver's part, then that of each
// automation that ran in the same save.
func (s *Sim) note(r *row, old, fields values, d deed) {
	who, from := d.who, old
	for _, st := range d.steps {
		s.noteOne(r, from, st.found, who, d)
		who, from = st.who, st.found
	}
	s.noteOne(r, from, fields, who, d)
}

func (s *Sim) noteOne(r *row, old, fields values, who string, d deed) {
	c := simhttp.Change{Time: d.now.UTC(), CRM: s.CRM(), Object: r.obj.name, ID: r.id, Op: opOf(old, fields), Actor: who}
	if s.cfg.History != nil {
		c.Fields = differences(r.obj, old, fields)
	}
	switch c.Op {
	case "merge":
		c.Into = text(fields, "MasterRecordId")
	case "convert":
		c.Into = text(fields, "ConvertedContactId")
	}
	tell := (c.Op == "create" || c.Op == "update" || c.Op == "convert") && who != bySystem && (d.actor != s.caller || s.set.echo)
	derived := c
	if read, ok := c.Fields[unread]; ok && c.Op == "update" && len(c.Fields) > 1 {
		delete(c.Fields, unread) // whoever sets the owner, this the CRM does
		derived.Actor, derived.Fields = bySystem, map[string]simhttp.FromTo{unread: read}
	}
	d.tx.log = append(d.tx.log, happening{c, r, tell})
	if derived.Actor == bySystem && who != bySystem {
		d.tx.log = append(d.tx.log, happening{derived, r, false})
	}
}

// opOf names the change from one state to the next.
func opOf(old, fields values) string {
	switch gone := fields["IsDeleted"] == true; {
	case old == nil:
		return "create"
	case gone && old["IsDeleted"] != true && fields["MasterRecordId"] != nil:
		return "merge"
	case gone && old["IsDeleted"] != true:
		return "delete"
	case !gone && old["IsDeleted"] == true:
		return "restore"
	case fields["IsConverted"] == true && old["IsConverted"] != true:
		return "convert"
	}
	return "update"
}

// differences are the values that changed, without the stamps of the change itself.
func differences(o *object, old, fields values) map[string]simhttp.FromTo {
	var out map[string]simhttp.FromTo
	for _, f := range o.fields {
		from, to := old[f.name], fields[f.name]
		if f.typ == "boolean" {
			from, to = from == true, to == true
			if old == nil {
				from = nil
			}
		}
		if isStamp(f.name) || from == to || from == nil && to == false {
			continue
		}
		if out == nil {
			out = map[string]simhttp.FromTo{}
		}
		out[f.name] = simhttp.FromTo{From: plainValue(from), To: plainValue(to)}
	}
	return out
}

func isStamp(name string) bool {
	switch name {
	case "Id", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp":
		return true
	}
	return false
}

// plainValue is a value as JSON on the wire would carry it.
func plainValue(v any) any {
	switch v := v.(type) {
	case time.Time:
		return v.UTC().Format(wireTime)
	case date:
		return string(v)
	}
	return v
}

// publish lets the world know of a transaction that stands: the ledger first, then outbound messages, one
// for each row whatever happened to it inside.
func (s *Sim) publish(t *tx) {
	var told []*row
	for _, h := range t.log {
		s.cfg.History.Changed(h.change)
		if h.tell && !slices.Contains(told, h.row) {
			told = append(told, h.row)
		}
	}
	if len(t.log) > 0 {
		s.notify(told, t.log[0].change.Time)
	}
	t.log = nil
}

// callerName is the ledger's actor for an API call.
func (s *Sim) callerName(client string) string {
	if client == "" {
		client = integrationUser
	}
	return "api:" + client
}

// author reads Edit.By: the user who is then seen as LastModifiedBy, and the ledger's actor.
func (s *Sim) author(by string) (user, who string, known bool) {
	kind, name, _ := strings.Cut(by, ":")
	switch kind {
	case "person":
		user = s.users[strings.ToLower(name)]
	case "automation", bySystem:
		user = s.users[autoprocUser]
	case "sync":
		user = s.users[hubspotUser]
	case "api":
		user = s.caller
	}
	return user, by, user != ""
}

// personName is the ledger's actor for a user.
func (s *Sim) personName(id string) string {
	r := s.byID(id)
	switch {
	case r == nil:
		return "person:" + id
	case id == s.caller:
		return s.callerName("")
	}
	mail := text(r.last(), "Email")
	if mail == "" {
		mail = text(r.last(), "Username")
	}
	return "person:" + mail
}
