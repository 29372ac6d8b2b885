package hubspot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Version 3 of HubSpot's signatures, and no other (request validation): the
// older ones, which HubSpot also sends, cover neither the time nor, in version
// 1, the address, so falling back on them would let a recorded request be
// played again for ever.
const (
	signatureHeader = "X-HubSpot-Signature-v3"
	timeHeader      = "X-HubSpot-Request-Timestamp"
	oldest          = 5 * time.Minute
	newest          = time.Minute // clocks differ
)

// unescape are the escapes that HubSpot decodes in an address before it signs:
// these and no others, so that "+" and "%2B" stay what they are.
var unescape = strings.NewReplacer(
	"%3A", ":", "%3a", ":", "%2F", "/", "%2f", "/", "%3F", "?", "%3f", "?", "%40", "@",
	"%21", "!", "%24", "$", "%27", "'", "%28", "(", "%29", ")", "%2A", "*", "%2a", "*",
	"%2C", ",", "%2c", ",", "%3B", ";", "%3b", ";",
)

func refused(reason string, status int, detail string) *connectors.Refusal {
	return &connectors.Refusal{Reason: reason, Status: status, Detail: detail}
}

// verify reports why a request may not be believed; nil: it may.
func (c *Connector) verify(r connectors.Request) *connectors.Refusal {
	if r.Method != http.MethodPost {
		return refused("method", http.StatusMethodNotAllowed, "HubSpot sends POST only")
	}
	if len(c.secrets) == 0 {
		return refused("no_secret", http.StatusUnauthorized, "no client secret is set, so no signature can be checked: a service key has no webhooks and polling finds every change; a project app needs CLIENT_SECRET")
	}
	given, ok := oneHeader(r.Header, signatureHeader)
	if !ok {
		return refused("signature", http.StatusUnauthorized, "the header "+signatureHeader+" is missing or there twice")
	}
	stampText, ok := oneHeader(r.Header, timeHeader)
	if !ok {
		return refused("signature", http.StatusUnauthorized, "the header "+timeHeader+" is missing or there twice")
	}
	sent, ok := millis(stampText)
	if !ok {
		return refused("signature", http.StatusUnauthorized, "the header "+timeHeader+" is not a whole number of milliseconds")
	}
	if age := r.At.Sub(sent); age > oldest || age < -newest {
		return refused("stale", http.StatusUnauthorized, "the request is older than 5 minutes or from the future")
	}
	mac, err := base64.StdEncoding.DecodeString(given)
	if err != nil || len(mac) != sha256.Size {
		return refused("signature", http.StatusUnauthorized, "the signature is not 32 bytes of base64")
	}
	address := unescape.Replace(r.URL)
	for _, secret := range c.secrets {
		if hmac.Equal(signature(secret, r.Method, address, r.Body, stampText), mac) {
			return nil
		}
	}
	return refused("signature", http.StatusUnauthorized, "the signature does not match: a wrong client secret, or another public address than the one HubSpot calls")
}

// signature is the signature of a request, before base64.
func signature(secret []byte, method, address string, body []byte, stamp string) []byte {
	h := hmac.New(sha256.New, secret)
	_, _ = io.WriteString(h, method) // a hash never fails to write
	_, _ = io.WriteString(h, address)
	_, _ = h.Write(body)
	_, _ = io.WriteString(h, stamp)
	return h.Sum(nil)
}

// oneHeader is the value of a header that must be there exactly once, however
// its name is written.
func oneHeader(header map[string][]string, name string) (string, bool) {
	var values []string
	for key, vs := range header {
		if strings.EqualFold(key, name) {
			values = append(values, vs...)
		}
	}
	if len(values) != 1 || values[0] == "" {
		return "", false
	}
	return values[0], true
}

// millis reads digits only: no sign, no space, no fraction.
func millis(text string) (time.Time, bool) {
	if len(text) > 15 || strings.Trim(text, "0123456789") != "" {
		return time.Time{}, false
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	return time.UnixMilli(ms), true
}
