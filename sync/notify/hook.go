package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Hook posts JSON to an address that is itself a secret: an incoming webhook.
type Hook struct {
	URL    connectors.Secret
	Key    connectors.Secret // signs the body; blank: nothing is signed
	Client *http.Client      // nil: one that follows no redirect and waits for ten seconds
	Body   func(Parcel) any  // [Slack], [Teams] or [Signed]
}

// Slack is the body an incoming webhook of Slack takes. What could be read as
// a link, a mention or a command is written out.
func Slack(p Parcel) any {
	plain := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	text := "*" + plain.Replace(strings.ReplaceAll(p.Subject, "*", "")) + "*\n" + plain.Replace(p.Text)
	if p.To != "" {
		text += "\n" + plain.Replace("For "+p.To)
	}
	if p.Link != "" {
		text += "\n" + plain.Replace(p.Link)
	}
	return map[string]string{"text": text}
}

// Teams is the body a Workflows webhook of Teams takes: an Adaptive Card. What a
// buyer wrote must not become a link with words of their own: such a link is taken
// apart, since not every client knows an escaped one.
func Teams(p Parcel) any {
	block := func(text string, more map[string]any) map[string]any {
		b := map[string]any{"type": "TextBlock", "text": strings.ReplaceAll(text, "](", "] ("), "wrap": true}
		for k, v := range more {
			b[k] = v
		}
		return b
	}
	body := []any{block(p.Subject, map[string]any{"weight": "Bolder", "size": "Medium"}), block(p.Text, nil)}
	if p.To != "" {
		body = append(body, block("For "+p.To, map[string]any{"isSubtle": true}))
	}
	card := map[string]any{
		"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": body,
	}
	if p.Link != "" {
		card["actions"] = []any{map[string]any{"type": "Action.OpenUrl", "title": "Open", "url": p.Link}}
	}
	return map[string]any{
		"type":        "message",
		"attachments": []any{map[string]any{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": card}},
	}
}

// Signed is the body of our own webhook.
func Signed(p Parcel) any {
	return map[string]any{
		"schema": 1, "key": p.Key, "at": p.At.Format(time.RFC3339), "to": p.To, "subject": p.Subject, "text": p.Text, "link": p.Link, "digest": p.Digest,
	}
}

// The headers of our own webhook. The signature is "sha256=" and the HMAC, in
// hex, over the timestamp (seconds since 1970), a full stop and the body.
const (
	HeaderTimestamp = "X-Handoffd-Timestamp"
	HeaderSignature = "X-Handoffd-Signature"
	HeaderKey       = "Idempotency-Key"
)

// Send implements [Channel].
func (h *Hook) Send(ctx context.Context, p Parcel) error {
	body, err := json.Marshal(h.Body(p))
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, string(h.URL), bytes.NewReader(body))
	if err != nil {
		return errors.New("the address of the channel is none") // it is a secret
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(HeaderKey, p.Key)
	if h.Key != "" {
		at := strconv.FormatInt(p.At.Unix(), 10)
		req.Header.Set(HeaderTimestamp, at)
		req.Header.Set(HeaderSignature, Sign(h.Key, at, body))
	}
	return call(h.Client, req)
}

// Sign is the signature of a body sent at a timestamp.
func Sign(key connectors.Secret, at string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(at + "."))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

const callTimeout = 10 * time.Second

// call makes a request whose address must not reach a log.
func call(client *http.Client, req *http.Request) error {
	if client == nil {
		client = &http.Client{Timeout: callTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	resp, err := client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return fmt.Errorf("post a message: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("post a message: status %d: %q", resp.StatusCode, said)
	}
	return nil
}
