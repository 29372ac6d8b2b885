package hubspot

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/crmhttp"
	"github.com/jarcoal/httpmock"
)

// FuzzSignedAddress: the address that is signed differs from the public one by
// the listed escapes alone: everything else is the same
// byte for byte, and what was decoded is not decoded again.
func FuzzSignedAddress(f *testing.F) {
	for _, seed := range []string{
		testURL, "https://a.example/h?x=%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B", "https://a.example/h?x=a+b%2Bc%20d%26%3D%25",
		"https://a.example/h?x=%253A", "%3", "%", "%%3A", "%3A%", "https://a.example/%C3%A4?b=2&a=1",
	} {
		f.Add(seed)
	}
	listed := map[string]string{
		"3a": ":", "2f": "/", "3f": "?", "40": "@", "21": "!", "24": "$", "27": "'", "28": "(", "29": ")", "2a": "*", "2c": ",", "3b": ";",
	}
	f.Fuzz(func(t *testing.T, address string) {
		var want strings.Builder
		for i := 0; i < len(address); i++ {
			if address[i] == '%' && i+3 <= len(address) {
				if plain, ok := listed[strings.ToLower(address[i+1:i+3])]; ok {
					want.WriteString(plain)
					i += 2
					continue
				}
			}
			want.WriteByte(address[i])
		}
		if got := unescape.Replace(address); got != want.String() {
			t.Fatalf("%q is signed as %q, want %q", address, got, want.String())
		}
	})
}

// FuzzRateHeaders: whatever the limit headers and Retry-After say, our rate
// stays sane, a wait is between nothing and a day, and the day's numbers are
// never negative.
func FuzzRateHeaders(f *testing.F) {
	f.Add(200, "190", "10000", "625000", "624999", "", `{}`)
	f.Add(429, "100", "10000", "250000", "0", "10", `{"policyName":"DAILY","message":"You have reached your daily limit."}`)
	f.Add(429, "-1", "0", "-5", "9999999999999999999", "1e400", `{"policyName":"SECONDLY"}`)
	f.Add(477, "9223372036854775807", "1000", "x", "", "86400", ``)
	f.Add(503, "", "", "", "", "Fri, 20 Nov 2026 12:00:30 GMT", `<html>`)
	f.Fuzz(func(t *testing.T, status int, burstMax, interval, daily, left, retry, body string) {
		c := testConnector(t, connectors.Settings{})
		h := http.Header{
			"X-Hubspot-Ratelimit-Max": {burstMax}, "X-Hubspot-Ratelimit-Interval-Milliseconds": {interval},
			"X-Hubspot-Ratelimit-Daily": {daily}, "X-Hubspot-Ratelimit-Daily-Remaining": {left}, "Retry-After": {retry},
		}
		resp := &crmhttp.Response{Status: status, Header: h, Body: []byte(body)}
		c.observe(c.http, resp)
		u := c.Usage()
		if u.DailyLimit < 0 || u.DailyLeft < 0 || u.DailyLimit > 0 && u.DailyLeft > u.DailyLimit {
			t.Fatalf("%+v", u)
		}
		if e := c.classify(resp); e.RetryAfter < 0 || e.RetryAfter > 24*time.Hour {
			t.Fatalf("a wait of %v", e.RetryAfter)
		}
	})
}

// FuzzBatchReply: whatever answers a batch of creates, every write has one
// outcome, nothing succeeds without a row that names it, and nothing that
// might have been made fails for good.
func FuzzBatchReply(f *testing.F) {
	f.Add(207, `{"results":[{"id":"11","objectWriteTraceId":"a"},{"id":"12","objectWriteTraceId":"b"}]}`)
	f.Add(207, `{"results":[{"id":"11","objectWriteTraceId":"a"}],"errors":[{"category":"VALIDATION_ERROR","message":"no","context":{"objectWriteTraceId":["b"]}}]}`)
	f.Add(201, `{"results":[{"id":"11","objectWriteTraceId":"a"},{"id":"12","objectWriteTraceId":"a"}]}`)
	f.Add(207, `{"results":[{"id":7,"properties":{"hs_task_body":"[handoff a]"}}],"errors":[{"category":"INTERNAL_ERROR"}]}`)
	f.Add(200, `<html>`)
	f.Add(400, `{"category":"VALIDATION_ERROR","message":"no"}`)
	f.Add(500, ``)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			status = 207
		}
		synctest.Test(t, func(t *testing.T) {
			x := newFixture(t, false)
			x.transport.RegisterResponder("POST", crm+"/crm/objects/"+APIVersion+"/tasks/batch/create", httpmock.NewStringResponder(status, body))
			results, err := x.Apply(t.Context(), []connectors.Write{taskWrite("a"), taskWrite("b")})
			if err != nil || len(results) != 2 {
				t.Fatalf("%+v %v", results, err)
			}
			for i, key := range []string{"a", "b"} {
				r := results[i]
				switch {
				case r.Key != key:
					t.Fatalf("the results are out of order: %+v", results)
				case r.Err == nil && (r.Ref.ID == "" || !namedIn(body, key, r.Ref.ID)):
					t.Fatalf("%s is said to be %s by %q", key, r.Ref.ID, body)
				case r.Err != nil && status/100 == 2 && r.Err.Class == connectors.Unavailable:
					t.Fatalf("%s may have been made and is %v", key, r.Err)
				}
			}
		})
	})
}

// namedIn reports whether an answer has a row for the key with the id.
func namedIn(body, key, id string) bool {
	var b batch
	if unmarshal([]byte(body), &b) != nil {
		return false
	}
	return slices.ContainsFunc(b.Results, func(r row) bool {
		return string(r.ID) == id && (r.TraceID == key || r.TraceID == "" && markedKey(r.Properties[bodyProperty]) == key)
	})
}

// (I5) Ten thousand signatures that are nearly right: none is taken.
func TestMutatedSignatures(t *testing.T) {
	t.Parallel()
	c := testConnector(t, connectors.Settings{ClientSecret: testSecret})
	now := time.UnixMilli(1700000000000)
	taken := 0
	for i := range 10_000 {
		r := request(vectorBody, now)
		signature := []byte(r.Header["X-Hubspot-Signature-V3"][0])
		switch i % 4 {
		case 0: // one character of the signature; the last one before "=" has bits that do not count
			at := i / 4 % (len(signature) - 2)
			signature[at] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[(int(signature[at])+i/4)%64]
			if string(signature) == r.Header["X-Hubspot-Signature-V3"][0] {
				signature[at] = '_'
			}
			r.Header["X-Hubspot-Signature-V3"] = []string{string(signature)}
		case 1: // one byte of the body
			r.Body[i/4%len(r.Body)] ^= byte(1 + i/4%255)
		case 2: // the time
			r.Header["X-Hubspot-Request-Timestamp"] = []string{fmt.Sprint(1700000000000 - 1 - i)}
		case 3: // the address
			r.URL = fmt.Sprintf("%s?%d", testURL, i)
		}
		if _, err := c.Receive(r); err == nil {
			taken++
		}
	}
	if taken != 0 {
		t.Errorf("%d forgeries were taken", taken)
	}
}

// (C1) Headers that make no sense leave the day's numbers as they were.
func TestRatesFromHeaders(t *testing.T) {
	t.Parallel()
	c := testConnector(t, connectors.Settings{})
	var numbers []int
	for _, daily := range []string{"1000", "", "-1", "x", "0"} {
		c.observe(c.http, &crmhttp.Response{Status: 200, Header: http.Header{"X-Hubspot-Ratelimit-Daily": {daily}, "X-Hubspot-Ratelimit-Daily-Remaining": {"900"}}})
		numbers = append(numbers, c.Usage().DailyLimit)
	}
	raw, err := json.Marshal(numbers)
	if err != nil || string(raw) != "[1000,1000,1000,1000,1000]" {
		t.Errorf("%s %v", raw, err)
	}
}
