package hubspotsim

import (
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// owner is a user of the portal. Records are owned by id; userID is another number on purpose.
type owner struct {
	id       string
	userID   string
	email    string
	first    string
	last     string
	team     string
	archived bool
	created  time.Time
	queue    bool // nobody: records wait with it, and it has neither user nor e-mail address
}

type ownerView struct {
	ID        string     `json:"id"`
	Email     string     `json:"email,omitempty"`
	Type      string     `json:"type"`
	First     string     `json:"firstName"`
	Last      string     `json:"lastName"`
	UserID    *int64     `json:"userId"`
	UserEver  int64      `json:"userIdIncludingInactive,omitempty"`
	CreatedAt string     `json:"createdAt"`
	UpdatedAt string     `json:"updatedAt"`
	Archived  bool       `json:"archived"`
	Teams     []teamView `json:"teams,omitempty"`
}

type teamView struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Primary bool   `json:"primary"`
}

// teamID is the id of the owner's team, of which the portal knows no more than the name.
func (o *owner) teamID() string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(o.team)) // never fails
	return strconv.Itoa(100 + int(h.Sum32()%1_000_000))
}

func (o *owner) show() ownerView {
	n, _ := strconv.ParseInt(o.userID, 10, 64) // our own numbers
	v := ownerView{
		ID: o.id, Email: o.email, Type: "PERSON", First: o.first, Last: o.last, UserEver: n,
		CreatedAt: moment(o.created), UpdatedAt: moment(o.created), Archived: o.archived,
	}
	switch {
	case o.queue:
		v.Type = "QUEUE"
	case !o.archived:
		v.UserID = &n
	}
	if o.team != "" {
		v.Teams = []teamView{{ID: o.teamID(), Name: o.team, Primary: true}}
	}
	return v
}

// mayOwn says that records can be given to an owner: to a user who is active, or to a queue.
func (s *Sim) mayOwn(id string) bool {
	return slices.ContainsFunc(s.everyOwner(), func(o *owner) bool { return o.id == id && !o.archived })
}

// everyOwner is who the owners' API tells of: users and queues.
func (s *Sim) everyOwner() []*owner { return slices.Concat(s.owners, s.queues) }

// setQueues makes the portal's queues, whose ids stay with their place in the list.
func (s *Sim) setQueues(names []string) {
	s.queues = nil
	for i, name := range names {
		s.queues = append(s.queues, &owner{
			id: strconv.Itoa(firstQueue + i), first: name, queue: true, created: time.Date(2024, 1, 8, 9, 0, 0, 0, time.UTC),
		})
	}
}

// firstQueue is the first queue's id, far from those of users.
const firstQueue = 60_000_001

func (s *Sim) ownerByID(id string) *owner {
	at := slices.IndexFunc(s.owners, func(o *owner) bool { return o.id == id })
	if at < 0 {
		return nil
	}
	return s.owners[at]
}

func (s *Sim) ownerByEmail(email string) *owner {
	at := slices.IndexFunc(s.owners, func(o *owner) bool { return strings.EqualFold(o.email, email) })
	if at < 0 {
		return nil
	}
	return s.owners[at]
}

// owners answers /crm/owners/{version}: a list by id, deactivated users only when archived is asked for.
func (c *call) owners() (*reply, *apiError) {
	if c.r.Method != http.MethodGet {
		return nil, c.methodNotAllowed()
	}
	switch len(c.rest) {
	case 0:
	case 1:
		return c.oneOwner(c.rest[0])
	default:
		return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
	}
	limit, after := 100, 0
	for _, n := range [...]struct {
		name string
		to   *int
		most int
	}{{"limit", &limit, 500}, {"after", &after, 1 << 30}} {
		if v := c.query.Get(n.name); v != "" {
			got, err := strconv.Atoi(v)
			if err != nil || got < 0 || got > n.most || got == 0 && n.name == "limit" {
				return nil, invalid(n.name + " is out of range")
			}
			*n.to = got
		}
	}
	results := []ownerView{}
	body := map[string]any{}
	for _, o := range byID(c.s.everyOwner()) {
		n, _ := strconv.Atoi(o.id) // our own numbers
		if o.archived != c.archived() || n < after {
			continue
		}
		if email := c.query.Get("email"); email != "" && !strings.EqualFold(email, o.email) {
			continue
		}
		if len(results) == limit {
			body["paging"] = pageNext{nextPage{After: o.id, Link: c.nextLink(o.id)}}
			break
		}
		results = append(results, o.show())
	}
	body["results"] = results
	return ok(body), nil
}

func (c *call) oneOwner(id string) (*reply, *apiError) {
	by := c.query.Get("idProperty")
	if by != "" && by != "id" && by != "userId" {
		return nil, invalid("idProperty is id or userId, not " + by + ".")
	}
	all := c.s.everyOwner()
	at := slices.IndexFunc(all, func(o *owner) bool {
		if by == "userId" {
			return o.userID == id
		}
		return o.id == id
	})
	if at < 0 || all[at].archived != c.archived() {
		return nil, notFound("No owner has id " + id + ".")
	}
	return ok(all[at].show()), nil
}

// byID returns the owners by id.
func byID(in []*owner) []*owner {
	return slices.SortedFunc(slices.Values(in), func(a, b *owner) int { return strings.Compare(a.id, b.id) })
}

// pipeline is a sequence of stages; both have ids that need not look like their labels.
type pipeline struct {
	ID        string  `json:"id"`
	Label     string  `json:"label"`
	Order     int     `json:"displayOrder"`
	Stages    []stage `json:"stages"`
	Archived  bool    `json:"archived"`
	CreatedAt string  `json:"createdAt"`
	UpdatedAt string  `json:"updatedAt"`
}

type stage struct {
	ID        string            `json:"id"`
	Label     string            `json:"label"`
	Order     int               `json:"displayOrder"`
	Metadata  map[string]string `json:"metadata"`
	Archived  bool              `json:"archived"`
	CreatedAt string            `json:"createdAt"`
	UpdatedAt string            `json:"updatedAt"`
}

// pipelines answers /crm/pipelines/{version}/{type}[/{id}[/stages]].
func (c *call) pipelines() (*reply, *apiError) {
	if c.r.Method != http.MethodGet {
		return nil, c.methodNotAllowed()
	}
	if len(c.rest) == 0 {
		return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
	}
	o := c.s.object(c.rest[0])
	if o == nil {
		return nil, invalid("Unable to infer object type from: " + c.rest[0])
	}
	list := c.s.pipelines[o.name]
	if len(c.rest) == 1 {
		if list == nil {
			list = []pipeline{}
		}
		return ok(map[string]any{"results": list}), nil
	}
	at := slices.IndexFunc(list, func(p pipeline) bool { return p.ID == c.rest[1] })
	switch {
	case len(c.rest) > 2 && c.rest[2] != "stages" || len(c.rest) > 4:
		return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
	case at < 0:
	case len(c.rest) == 2:
		return ok(list[at]), nil
	case len(c.rest) == 3 && c.rest[2] == "stages":
		return ok(map[string]any{"results": list[at].Stages}), nil
	case len(c.rest) == 4 && c.rest[2] == "stages":
		for _, s := range list[at].Stages {
			if s.ID == c.rest[3] {
				return ok(s), nil
			}
		}
		return nil, notFound("No stage has id " + c.rest[3] + ".")
	}
	return nil, notFound("No pipeline has id " + c.rest[1] + ".")
}
