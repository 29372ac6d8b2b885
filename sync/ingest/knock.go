package ingest

import (
	"net/http"
	"slices"
	"sync"

	"github.com/handoffd/handoffd/connectors"
)

// knocks are forged webhooks that doctor is about to send through the public
// door. They are turned away like any other, and not counted: nobody is to look
// for a wrong secret because of them.
type knocks struct {
	mu     sync.Mutex
	coming []*knock
}

type knock struct{ header map[string][]string }

// Expect announces a knock of our own. It is known by its headers, once: their
// signature rests on the secret, so nobody else can make them up beforehand. The
// caller says when it is over.
func (h *Webhooks) Expect(r connectors.Request) (over func()) {
	one := &knock{header: r.Header}
	h.knocks.mu.Lock()
	defer h.knocks.mu.Unlock()
	h.knocks.coming = append(h.knocks.coming, one)
	return func() { h.knocks.take(func(k *knock) bool { return k == one }) }
}

// own reports whether a request is a knock that was announced.
func (k *knocks) own(header http.Header) bool {
	return k.take(func(one *knock) bool {
		for name, values := range one.header {
			if !slices.Equal(header[name], values) {
				return false
			}
		}
		return len(one.header) > 0
	})
}

// take forgets the first knock that fits, and reports whether one did.
func (k *knocks) take(fits func(*knock) bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := slices.IndexFunc(k.coming, fits)
	if i >= 0 {
		k.coming = slices.Delete(k.coming, i, i+1)
	}
	return i >= 0
}
