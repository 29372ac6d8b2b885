package hubspot

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Knock implements connectors.Knocker: a list of no events, signed as HubSpot
// signs, and the same with a signature that is one bit off. A service key has
// no client secret and cannot be knocked for.
func (c *Connector) Knock(url string, at time.Time) (genuine, forged connectors.Request, ok bool) {
	if len(c.secrets) == 0 {
		return genuine, forged, false
	}
	body, stamp := []byte("[]"), strconv.FormatInt(at.UnixMilli(), 10)
	mac := signature(c.secrets[0], http.MethodPost, unescape.Replace(url), body, stamp)
	request := func(mac []byte) connectors.Request {
		return connectors.Request{
			Method: http.MethodPost, URL: url, Body: body, At: at,
			Header: map[string][]string{
				"Content-Type":                           {"application/json"},
				http.CanonicalHeaderKey(signatureHeader): {base64.StdEncoding.EncodeToString(mac)},
				http.CanonicalHeaderKey(timeHeader):      {stamp},
			},
		}
	}
	off := slices.Clone(mac)
	off[0] ^= 1
	return request(mac), request(off), true
}
