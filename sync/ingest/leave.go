package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/plan"
)

// Absences are read every quarter of an hour, over the time that counts for
// whom to give something next and for some weeks to look at.
const (
	leaveEvery  = 15 * time.Minute
	leaveBehind = 24 * time.Hour
	leaveAhead  = 60 * 24 * time.Hour
)

// leave reads who is away from a CRM that knows, where some team asks for it.
// What it said last stays while it cannot be read.
func (p *Poller) leave(ctx context.Context) error {
	absentee, ok := p.Connector.(connectors.Absentee)
	now := p.Wall().UTC()
	if age := now.Sub(p.leaveAt); !ok || !p.Book.Rules().LeaveFromCRM() || age >= 0 && age < leaveEvery {
		return nil
	}
	p.leaveAt = now
	var away []connectors.Absence
	err := engine.Safely("read leave", func() (err error) {
		away, err = absentee.Absences(ctx, now.Add(-leaveBehind), now.Add(leaveAhead))
		return err
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to stop: whatever failed, failed for that
	}
	if err != nil {
		p.note("read leave", err, p.every())
	}
	failed := p.Store.Update(ctx, func(tx state.Tx) error {
		source := state.GetLeaveSource(tx, p.Conn)
		state.PutLeaveSource(tx, readSource(source, now, err))
		if err == nil {
			state.ReplaceLeave(tx, p.Conn, away)
		}
		return tx.Err()
	})
	if failed != nil {
		return fmt.Errorf("keep leave: %w", failed)
	}
	return nil
}

// readSource is a source of absences after an attempt to read it.
func readSource(s state.LeaveSource, now time.Time, err error) state.LeaveSource {
	if err == nil {
		s.ReadAt, s.Failed, s.Error = now, time.Time{}, ""
		return s
	}
	s.Error = err.Error()
	if s.Failed.IsZero() {
		s.Failed = now
	}
	return s
}

// Feeds reads the calendars of absences that people.yaml names.
type Feeds struct {
	Store state.Store
	Book  *engine.Book
	// Lookup is the environment: it answers what a name there stands for.
	Lookup    func(name string) (string, bool)
	Transport http.RoundTripper // nil: the ordinary one
	Wall      func() time.Time
	Log       *slog.Logger

	tried map[string]time.Time // when a feed was read last, or not
}

const (
	feedLimit   = 2 << 20
	feedTimeout = 30 * time.Second
	feedFull    = 24 * time.Hour // how long "not changed" is an answer: time goes on behind the window
	feedsLook   = time.Minute    // how soon the feed of an edited folder is read
)

// Run reads until ctx ends. The error, if any, is the store's.
func (f *Feeds) Run(ctx context.Context) error {
	f.tried = map[string]time.Time{}
	for ctx.Err() == nil {
		if err := f.round(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("read calendar feeds: %w", err)
		}
		sleep(ctx, feedsLook)
	}
	return nil
}

// round reads the feeds whose turn it is, and forgets those that nobody names.
func (f *Feeds) round(ctx context.Context) error {
	feeds := f.Book.Rules().Feeds()
	if len(feeds) == 0 && len(f.tried) == 0 {
		f.tried[""] = f.Wall() // what is left of feeds that were named before is forgotten once
		return f.forget(ctx, feeds)
	}
	for _, feed := range feeds {
		key := feed.Who + " " + feed.At
		if age := f.Wall().Sub(f.tried[key]); age >= 0 && age < leaveEvery {
			continue
		}
		f.tried[key] = f.Wall()
		if err := f.read(ctx, feed); err != nil {
			return err
		}
	}
	return f.forget(ctx, feeds)
}

func (f *Feeds) forget(ctx context.Context, feeds []plan.Feed) error {
	var gone []string
	err := f.Store.View(ctx, func(tx state.Tx) error {
		gone = nil
		for _, s := range state.LeaveSources(tx) {
			who, isFeed := strings.CutPrefix(s.Name, state.FeedName(""))
			if isFeed && !slices.ContainsFunc(feeds, func(f plan.Feed) bool { return f.Who == who }) {
				gone = append(gone, who)
			}
		}
		return tx.Err()
	})
	if err != nil || len(gone) == 0 {
		return err
	}
	return f.Store.Update(ctx, func(tx state.Tx) error {
		for _, who := range gone {
			state.PutLeave(tx, state.Leave{Who: who, Source: state.FeedSource})
			state.DropLeaveSource(tx, state.FeedName(who))
		}
		return tx.Err()
	})
}

// read reads one feed and keeps what it says, or that it cannot be read.
func (f *Feeds) read(ctx context.Context, feed plan.Feed) error {
	now := f.Wall().UTC()
	var source state.LeaveSource
	err := f.Store.View(ctx, func(tx state.Tx) error {
		source = state.GetLeaveSource(tx, state.FeedName(feed.Who))
		return tx.Err()
	})
	if err != nil {
		return err
	}
	at, err := f.address(feed.At)
	// Another address is read anew, and so is a day that begins elsewhere.
	if sum := sha256.Sum256([]byte(at + " " + feed.Zone.String())); source.At != hex.EncodeToString(sum[:8]) || now.Sub(source.ReadAt) >= feedFull {
		source.At, source.ETag = hex.EncodeToString(sum[:8]), ""
	}
	var got fetched
	var away []connectors.Absence
	if err == nil {
		got, err = f.fetch(ctx, at, source.ETag)
	}
	if err == nil && !got.same {
		err = engine.Safely("read a calendar feed", func() (err error) {
			r := feedReader{who: feed.Who, zone: feed.Zone, from: now.Add(-leaveBehind), until: now.Add(leaveAhead), by: time.Now().Add(feedTimeout)}
			away, err = r.absences(got.body)
			return err
		})
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to stop: whatever failed, failed for that
	}
	read := source.ReadAt
	source = readSource(source, now, err)
	switch {
	case err != nil:
		f.Log.Warn("cannot read a calendar feed", "person", feed.Who, "error", err)
	case got.same:
		source.ReadAt = read // in full
	default:
		source.ETag = got.etag
	}
	return f.Store.Update(ctx, func(tx state.Tx) error {
		state.PutLeaveSource(tx, source)
		if err == nil && !got.same {
			state.PutLeave(tx, state.Leave{Who: feed.Who, Source: state.FeedSource, Away: away})
		}
		return tx.Err()
	})
}

// address is where a feed is: as written, or as the environment says.
func (f *Feeds) address(at string) (string, error) {
	if strings.Contains(at, ":") {
		return at, nil
	}
	if f.Lookup != nil {
		if v, ok := f.Lookup(at); ok && v != "" {
			return v, nil
		}
		if file, ok := f.Lookup(at + "_FILE"); ok && file != "" {
			raw, err := os.ReadFile(file)
			if err != nil {
				return "", fmt.Errorf("%s_FILE cannot be read", at)
			}
			return strings.TrimSpace(string(raw)), nil
		}
	}
	return "", fmt.Errorf("the environment variable %s is not set", at)
}

// fetched is what a feed answered; same: nothing has changed.
type fetched struct {
	body []byte
	etag string
	same bool
}

// fetch gets a feed. No error tells its address: who knows it can read it.
func (f *Feeds) fetch(ctx context.Context, at, etag string) (fetched, error) {
	u, err := url.Parse(at)
	if err != nil || !allowed(u) {
		return fetched{}, errors.New("its address is none that may be read: https, http on this machine, or file")
	}
	if u.Scheme == "file" {
		file, err := os.Open(u.Path)
		if err != nil {
			return fetched{}, errors.New("its file cannot be opened")
		}
		defer file.Close() //nolint:errcheck // it was only read
		body, err := capped(file)
		return fetched{body: body}, err
	}
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return fetched{}, errors.New("its address cannot be read")
	}
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	req.Header.Set("Accept", "text/calendar")
	client := &http.Client{Transport: f.Transport, CheckRedirect: stayOutside}
	resp, err := client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return fetched{}, fmt.Errorf("it cannot be reached: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it has been read
	switch resp.StatusCode {
	case http.StatusNotModified:
		return fetched{same: true}, nil
	case http.StatusOK:
		body, err := capped(resp.Body)
		return fetched{body: body, etag: resp.Header.Get("ETag")}, err
	}
	return fetched{}, fmt.Errorf("it answers %s", resp.Status)
}

// allowed says which addresses may be read at all.
func allowed(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	here := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Scheme == "https" && u.Host != "" || u.Scheme == "http" && here || u.Scheme == "file" && u.Path != ""
}

// stayOutside lets a feed move, but not onto this machine nor out of TLS.
func stayOutside(req *http.Request, via []*http.Request) error {
	if len(via) > 3 {
		return errors.New("it is moved too often")
	}
	if req.URL.Scheme != "https" && via[0].URL.Scheme == "https" || !allowed(req.URL) || req.URL.Scheme == "file" {
		return errors.New("it is moved to an address that may not be read")
	}
	return nil
}

func capped(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, feedLimit+1))
	switch {
	case err != nil:
		return nil, errors.New("it breaks off")
	case len(body) > feedLimit:
		return nil, fmt.Errorf("it is larger than %d MB", feedLimit>>20)
	}
	return body, nil
}
