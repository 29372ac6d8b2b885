package salesforcesim

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// Delivery rules of outbound messages. The first wait and how many go out at once are guesses.
const (
	maxNotifications = 100
	maxInFlight      = 5
	ackWithin        = 60 * time.Second
	firstRetry       = 30 * time.Second // doubled each time
	longestRetry     = 2 * time.Hour
	giveUpAfter      = 24 * time.Hour
)

// notice is one Notification: it names a row, and what it says of it is looked up when it leaves.
type notice struct {
	id, object, row string
	attempt         int
	waited          time.Duration // by the schedule, even where Deliver brought the attempt forward
}

// messages sends outbound messages: what happens is given to the post, pump takes it from there.
type messages struct {
	*simhttp.Post[notice]
	sim    *Sim
	client *http.Client
	slots  chan struct{}

	url    string // under the post's lock
	serial uint64 // the same
}

func newMessages(s *Sim) *messages {
	return &messages{
		Post:   simhttp.NewPost[notice](simhttp.NewRand(s.cfg.Seed, "salesforce/messages")),
		sim:    s,
		client: &http.Client{Transport: s.cfg.Transport, Timeout: ackWithin, CheckRedirect: noRedirect},
		slots:  make(chan struct{}, maxInFlight),
		url:    s.cfg.MessagesURL,
	}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// SetMessagesURL says where outbound messages go from now on; empty: nowhere.
func (s *Sim) SetMessagesURL(u string) {
	s.messages.Lock()
	defer s.messages.Unlock()
	s.messages.url = u
}

// notify puts one notification for each row on the agenda, after the faults have had their say. The org has
// one outbound message on each of the four objects.
func (s *Sim) notify(rows []*row, now time.Time) {
	m := s.messages
	m.Lock()
	defer m.Unlock()
	if m.url == "" {
		return
	}
	f := s.Faults().Webhooks
	for _, r := range rows {
		if !slices.Contains(messageObjects(), r.obj.name) {
			continue
		}
		m.serial++
		n := notice{id: newID("04l", m.serial), object: r.obj.name, row: r.id}
		if !m.Lost(f) {
			m.Plan(n, now, s.cfg.Latency, f)
		}
	}
}

// pump sends what is due until ctx ends; it returns when its last message has.
func (m *messages) pump(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer m.Leave()
	for {
		batches := m.take()
		if len(batches) == 0 {
			if !m.Wait(ctx) {
				return
			}
			continue
		}
		for _, batch := range batches {
			m.slots <- struct{}{}
			wg.Go(func() {
				m.send(ctx, batch)
				<-m.slots
			})
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// take removes what is due, one batch an object (a message carries one action's notifications only), and
// counts it as on its way.
func (m *messages) take() [][]notice {
	all := m.Take(maxNotifications, m.sim.Faults().Webhooks)
	var batches [][]notice
	for _, object := range messageObjects() {
		var batch []notice
		for _, n := range all {
			if n.object == object {
				batch = append(batch, n)
			}
		}
		if batch != nil {
			batches = append(batches, batch)
		}
	}
	return batches
}

// send posts one message and settles its notifications: acknowledged, to be tried again, or given up.
func (m *messages) send(ctx context.Context, batch []notice) {
	acked := m.post(ctx, batch)
	m.Lock()
	defer m.Unlock()
	now := time.Now()
	for _, n := range batch {
		if acked {
			m.Done.Delivered++
			continue
		}
		if ctx.Err() != nil { // stopped, not refused: the next pump sends it
			m.Again(now, n)
			continue
		}
		wait := min(firstRetry<<min(n.attempt, 10), longestRetry)
		n.attempt, n.waited = n.attempt+1, n.waited+wait
		if n.waited > giveUpAfter {
			m.Done.Failed++
			continue
		}
		m.Again(now.Add(m.Hurried(wait)), n)
	}
	m.Landed(len(batch))
}

// post sends one message and says whether it was acknowledged.
func (m *messages) post(ctx context.Context, batch []notice) bool {
	body := m.sim.envelope(batch)
	m.Lock()
	url := m.url
	m.Unlock()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	req.Header.Set("SOAPAction", `""`)
	req.Header.Set("Accept", "text/xml")
	sent := simhttp.Sent{Time: time.Now().UTC(), CRM: m.sim.CRM(), URL: url}
	for _, n := range batch {
		sent.Events = append(sent.Events, n.id)
	}
	resp, err := m.client.Do(req)
	if err != nil {
		m.sim.cfg.History.Delivered(sent)
		return false
	}
	defer resp.Body.Close() //nolint:errcheck // nothing was written
	sent.Status = resp.StatusCode
	m.sim.cfg.History.Delivered(sent)
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	return err == nil && resp.StatusCode == http.StatusOK && acknowledges(answer)
}
