package state

import (
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Credential is what a connection's configured token has become. A CRM may
// replace a refresh token whenever it is used, and the old one is then worth
// nothing (C5). The tokens hide themselves wherever they are printed.
type Credential struct {
	Conn       string
	Configured string            // digest of the token the operator has set
	Token      connectors.Secret // the newest
	Before     connectors.Secret // the one before it, should the newest never have been given out
	At         time.Time
}

// storedCredential is a credential as it lies in the file, in plain: the file
// is its owner's alone.
type storedCredential struct {
	Configured string    `json:"configured"`
	Token      string    `json:"token"`
	Before     string    `json:"before,omitempty"`
	At         time.Time `json:"at"`
}

var credentials = Table[storedCredential]{Bucket: Meta}

// GetCredential returns what is kept for a connection. Key: "credential",
// connection.
func GetCredential(tx Tx, conn string) (Credential, bool) {
	c, ok := credentials.Get(tx, Key("credential", conn))
	return Credential{Conn: conn, Configured: c.Configured, Token: connectors.Secret(c.Token), Before: connectors.Secret(c.Before), At: c.At}, ok
}

// PutCredential stores it.
func PutCredential(tx Tx, c Credential) {
	credentials.Put(tx, Key("credential", c.Conn), storedCredential{
		Configured: c.Configured, Token: c.Token.Reveal(), Before: c.Before.Reveal(), At: c.At,
	})
}
