package connectors

import (
	"log/slog"
	"net/http"
	"time"
)

// Secret is text that must never be shown. Its only reader is the adapter
// that sends it.
type Secret string

const redacted = "[redacted]"

// String hides the secret.
func (Secret) String() string { return redacted }

// GoString hides the secret.
func (Secret) GoString() string { return redacted }

// MarshalText hides the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// Settings is what a connection needs, from the environment. The
// first complete set of credentials wins: PrivateKey+Username+ClientID;
// RefreshToken+ClientID; Token; ClientID+ClientSecret.
type Settings struct {
	Name          string // the connection's name in the admin's file
	URL           string // base address of the CRM's API; "": the CRM's own
	Token         Secret
	ClientID      string
	ClientSecret  Secret
	RefreshToken  Secret
	PrivateKey    Secret // PEM
	Username      string
	WebhookSecret Secret // path secret, for senders that sign nothing

	Share      float64           // of the CRM's daily calls, 0 < Share ≤ 1; 0: 1
	Overlap    time.Duration     // how far each poll reads back; 0: the adapter's default
	Transport  http.RoundTripper // nil: the network
	Log        *slog.Logger      // nil: discard
	APIVersion string            // "": the adapter's default
	Vault      Vault             // nil: a replaced refresh token lives as long as the process
}

// Adapter is one row of the table of CRMs (package builtin).
type Adapter struct {
	// New checks the settings and makes a connector. It does no I/O.
	New func(Settings) (Connector, error)
	// OwnField is the CRM's name for one of handoffd's own fields
	// ("handoff_why"), for docs, check --writes and provisioning.
	OwnField func(name string) string
	// GateRule says how the CRM itself is made to refuse what a gate forbids;
	// nil: it cannot be. It does no I/O.
	GateRule func(Gate) GateRule
}
