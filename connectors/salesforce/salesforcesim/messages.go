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
	rushRetry        = 300 * time.Millisecond // longest wait of a retry while Deliver is waiting
)

// notice is one Notification: it names a row, and what it says of it is looked up when it leaves.
type notice struct {
	id, object, row string
	attempt         int
	waited          time.Duration // by the schedule, even where Deliver brought the attempt forward
}

// messages sends outbound messages: what happens is put on an agenda, pump takes it from there.
type messages struct {
	sim    *Sim
	rand   *simhttp.Rand
	client *http.Client
	agenda *simhttp.Agenda[notice]
	slots  chan struct{}

	mu      sync.Mutex
	url     string
	serial  uint64
	flying  int // notifications on their way
	rushing int // callers of deliver
	last    time.Time
	done    simhttp.Delivery
	idle    chan struct{} // closed and renewed whenever a message has ended
}

func newMessages(s *Sim) *messages {
	return &messages{
		sim:    s,
		rand:   simhttp.NewRand(s.cfg.Seed, "salesforce/messages"),
		client: &http.Client{Transport: s.cfg.Transport, Timeout: ackWithin, CheckRedirect: noRedirect},
		agenda: simhttp.NewAgenda[notice](),
		slots:  make(chan struct{}, maxInFlight),
		url:    s.cfg.MessagesURL,
		idle:   make(chan struct{}),
	}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// SetMessagesURL says where outbound messages go from now on; empty: nowhere.
func (s *Sim) SetMessagesURL(u string) {
	s.messages.mu.Lock()
	defer s.messages.mu.Unlock()
	s.messages.url = u
}

// notify puts one notification for each row on the agenda, after the faults have had their say. The org has
// one outbound message on each of the four objects.
func (s *Sim) notify(rows []*row, now time.Time) {
	m := s.messages
	m.mu.Lock()
	defer m.mu.Unlock()
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
		if m.rand.Chance(f.Drop) {
			m.done.Dropped++
			continue
		}
		due := now.Add(m.rand.Between(s.cfg.Latency[0], s.cfg.Latency[1]))
		switch {
		case m.rand.Chance(f.Late):
			due = due.Add(m.rand.Between(time.Minute, giveUpAfter))
		case m.rand.Chance(f.Shuffle):
			due = due.Add(m.rand.Between(0, 2*time.Second))
		case due.Before(m.last):
			due = m.last
		default:
			m.last = due
		}
		if m.rushing > 0 {
			due = now
		}
		m.agenda.Put(due, n)
		if m.rand.Chance(f.Double) {
			m.agenda.Put(due.Add(m.rand.Between(0, time.Second)), n)
		}
	}
}

// pump sends what is due until ctx ends; it returns when its last message has.
func (m *messages) pump(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer m.agenda.Ring() // another pump may have slept through a wake-up that this one took
	for {
		batches := m.take()
		if len(batches) == 0 {
			if !m.agenda.Wait(ctx) {
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
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.agenda.Take(time.Now(), maxNotifications)
	m.flying += len(all)
	if m.sim.Faults().Webhooks.Shuffle > 0 {
		m.rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
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
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flying -= len(batch)
	now := time.Now()
	for _, n := range batch {
		if acked {
			m.done.Delivered++
			continue
		}
		if ctx.Err() != nil { // stopped, not refused: the next pump sends it
			m.agenda.Put(now, n)
			continue
		}
		wait := min(firstRetry<<min(n.attempt, 10), longestRetry)
		n.attempt, n.waited = n.attempt+1, n.waited+wait
		if n.waited > giveUpAfter {
			m.done.Failed++
			continue
		}
		if m.rushing > 0 {
			wait = min(wait, time.Duration(float64(rushRetry)*(0.5+m.rand.Float64()/2)))
		}
		m.agenda.Put(now.Add(wait), n)
	}
	close(m.idle)
	m.idle = make(chan struct{})
}

// post sends one message and says whether it was acknowledged.
func (m *messages) post(ctx context.Context, batch []notice) bool {
	body := m.sim.envelope(batch)
	m.mu.Lock()
	url := m.url
	m.mu.Unlock()
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

// deliver brings everything forward and waits until nothing is pending.
func (m *messages) deliver(ctx context.Context) (simhttp.Delivery, error) {
	m.mu.Lock()
	m.rushing++
	m.mu.Unlock()
	pumping, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { m.pump(pumping) })
	m.agenda.Hurry(time.Now())
	for ctx.Err() == nil {
		m.mu.Lock()
		pending, idle := m.flying+m.agenda.Len(), m.idle
		m.mu.Unlock()
		if pending == 0 {
			break
		}
		select {
		case <-idle:
		case <-ctx.Done():
		}
	}
	stop()
	wg.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rushing--
	out := m.done
	out.Pending = m.flying + m.agenda.Len()
	return out, ctx.Err()
}
