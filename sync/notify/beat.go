package notify

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Beat calls a URL every so often while all is well: a dead man's switch, so
// that somebody notices when we fall silent.
type Beat struct {
	URL     connectors.Secret
	Every   time.Duration
	Healthy func(ctx context.Context) error // nil: all is well
	Client  *http.Client                    // nil: as of [Hook]
	Log     *slog.Logger
}

// Run beats until ctx ends.
func (b *Beat) Run(ctx context.Context) error {
	tick := time.NewTicker(b.Every)
	defer tick.Stop()
	last := ""
	for {
		err := b.Healthy(ctx)
		if err == nil {
			err = b.call(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			last = ""
		case err.Error() != last:
			last = err.Error()
			b.Log.Warn("no heartbeat", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (b *Beat) call(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, string(b.URL), http.NoBody)
	if err != nil {
		return errors.New("the address of the heartbeat is none") // it is a secret
	}
	return call(b.Client, req)
}
