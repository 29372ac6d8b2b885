package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"
)

// signalSecret is what programs sign their signals with.
const signalSecret = "b7d0c1e29f4a4e0c"

// signal posts a signed body as a program would: until it is taken.
func (st *stage) signal(source, body string) {
	st.t.Helper()
	for range 40 {
		status := st.post(source, body)
		switch status {
		case http.StatusAccepted:
			return
		case 0, http.StatusServiceUnavailable:
			time.Sleep(restart)
			st.revive()
		default:
			st.t.Fatalf("%s: signal %s: %d", st.story.name, source, status)
		}
	}
	st.t.Fatalf("%s: signal %s was never taken", st.story.name, source)
}

// post sends one body; 0: nobody answered.
func (st *stage) post(source, body string) (status int) {
	req := httptest.NewRequest(http.MethodPost, "https://"+daemonHost+"/signals/"+source, strings.NewReader(body))
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(signalSecret))
	_, _ = mac.Write([]byte(stamp + "." + body))
	req.Header.Set("X-Handoffd-Signature", "t="+stamp+",v1="+hex.EncodeToString(mac.Sum(nil)))
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // a panic's value
			panic(p)
		}
	}()
	rec := httptest.NewRecorder()
	st.receive(rec, req)
	return rec.Code
}
