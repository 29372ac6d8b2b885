package hubspot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/handoffd/handoffd/connectors"
)

const (
	testSecret = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
	testURL    = "https://www.example.com/webhook_uri"
	testPortal = "62515"
)

// sign is HubSpot's rule, written again: base64(HMAC-SHA256(secret, method +
// address + body + time)).
func sign(secret, method, address, body, stamp string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(method + address + body + stamp))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func testConnector(t testing.TB, s connectors.Settings) *Connector {
	t.Helper()
	if s.Name == "" {
		s.Name = "hubspot"
	}
	if s.Token == "" && s.RefreshToken == "" {
		s.Token = "pat-test"
	}
	c, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return c.(*Connector)
}

// request is a webhook that is signed as it should be.
func request(body string, at time.Time) connectors.Request {
	stamp := strconv.FormatInt(at.UnixMilli(), 10)
	return connectors.Request{
		Method: "POST", URL: testURL, Body: []byte(body), At: at, Tenant: testPortal,
		Header: map[string][]string{
			"X-Hubspot-Signature-V3":      {sign(testSecret, "POST", testURL, body, stamp)},
			"X-Hubspot-Request-Timestamp": {stamp},
		},
	}
}

const vectorBody = `[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]`

// (I5) Each pitfall of the signature.
func TestSignature(t *testing.T) {
	t.Parallel()
	c := testConnector(t, connectors.Settings{ClientSecret: testSecret})
	now := time.UnixMilli(1700000000000)
	tests := map[string]struct {
		change func(*connectors.Request)
		reason string // "": accepted
	}{
		"right": {func(*connectors.Request) {}, ""},
		"the vector": {func(r *connectors.Request) {
			r.Header["X-Hubspot-Signature-V3"] = []string{"/pXDSgWeGksQpwCsgqd43P0eY6gBIse9UX0tfkudUrE="}
		}, ""},
		"names as HubSpot writes them": {func(r *connectors.Request) {
			r.Header = map[string][]string{
				"X-HubSpot-Signature-v3": r.Header["X-Hubspot-Signature-V3"], "x-hubspot-request-timestamp": r.Header["X-Hubspot-Request-Timestamp"],
			}
		}, ""},
		"other body":        {func(r *connectors.Request) { r.Body = append(r.Body, ' ') }, "signature"},
		"other address":     {func(r *connectors.Request) { r.URL += "?a=b" }, "signature"},
		"other method":      {func(r *connectors.Request) { r.Method = "PUT" }, "method"},
		"GET":               {func(r *connectors.Request) { r.Method = "GET" }, "method"},
		"signature missing": {func(r *connectors.Request) { delete(r.Header, "X-Hubspot-Signature-V3") }, "signature"},
		"no downgrade": {func(r *connectors.Request) { // v1 and v2 are right, v3 is gone
			delete(r.Header, "X-Hubspot-Signature-V3")
			sum := sha256.Sum256(append([]byte(testSecret), r.Body...))
			r.Header["X-Hubspot-Signature"] = []string{fmt.Sprintf("%x", sum)}
			r.Header["X-Hubspot-Signature-Version"] = []string{"v1"}
		}, "signature"},
		"time missing": {func(r *connectors.Request) { delete(r.Header, "X-Hubspot-Request-Timestamp") }, "signature"},
		"signature twice": {func(r *connectors.Request) {
			h := r.Header["X-Hubspot-Signature-V3"]
			r.Header["X-Hubspot-Signature-V3"] = append(h, h[0])
		}, "signature"},
		"time twice":    {func(r *connectors.Request) { r.Header["x-hubspot-request-timestamp"] = []string{"1700000000000"} }, "signature"},
		"5 min old":     {func(r *connectors.Request) { r.At = now.Add(5 * time.Minute) }, ""},
		"older":         {func(r *connectors.Request) { r.At = now.Add(5*time.Minute + time.Millisecond) }, "stale"},
		"60 s ahead":    {func(r *connectors.Request) { r.At = now.Add(-time.Minute) }, ""},
		"further ahead": {func(r *connectors.Request) { r.At = now.Add(-time.Minute - time.Millisecond) }, "stale"},
		"not base64":    {func(r *connectors.Request) { r.Header["X-Hubspot-Signature-V3"] = []string{"*"} }, "signature"},
		"cut short": {func(r *connectors.Request) {
			r.Header["X-Hubspot-Signature-V3"] = []string{base64.StdEncoding.EncodeToString([]byte("x"))}
		}, "signature"},
		"other secret": {func(r *connectors.Request) {
			r.Header["X-Hubspot-Signature-V3"] = []string{sign("other", "POST", testURL, string(r.Body), "1700000000000")}
		}, "signature"},
		"no tenant yet": {func(r *connectors.Request) { r.Tenant = "" }, "tenant"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request(vectorBody, now)
			test.change(&r)
			_, err := c.Receive(r)
			reason := ""
			var refusal *connectors.Refusal
			if errors.As(err, &refusal) {
				reason = refusal.Reason
			}
			if reason != test.reason {
				t.Errorf("got %v, want %q", err, test.reason)
			}
		})
	}
}

// A signed time that is not plain digits is refused although its signature is right.
func TestSignedTimeIsDigits(t *testing.T) {
	t.Parallel()
	c := testConnector(t, connectors.Settings{ClientSecret: testSecret})
	now := time.UnixMilli(1700000000000)
	for _, stamp := range []string{"", "-1700000000000", "+1700000000000", "1700000000000.0", " 1700000000000", "1.7e12", "99999999999999999999", "0x18bcfe56800", "1700000000"} {
		r := request(vectorBody, now)
		r.Header["X-Hubspot-Request-Timestamp"] = []string{stamp}
		r.Header["X-Hubspot-Signature-V3"] = []string{sign(testSecret, "POST", testURL, vectorBody, stamp)}
		if _, err := c.Receive(r); err == nil {
			t.Errorf("accepted the time %q", stamp)
		}
	}
}

// The listed escapes are decoded before signing, no other, and only once.
func TestSignedAddress(t *testing.T) {
	t.Parallel()
	c := testConnector(t, connectors.Settings{ClientSecret: testSecret})
	now := time.UnixMilli(1700000000000)
	tests := map[string]string{ // as configured -> as signed
		"https://a.example/h?x=%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B": "https://a.example/h?x=:/?@!$'()*,;",
		"https://a.example/h?x=%3a%2f%3f%2a%2c%3b":                   "https://a.example/h?x=:/?*,;",
		"https://a.example/h?x=a+b%2Bc%20d%26%3D%25":                 "https://a.example/h?x=a+b%2Bc%20d%26%3D%25",
		"https://a.example/h?x=%253A":                                "https://a.example/h?x=%253A",
		"https://a.example/h?b=2&a=1":                                "https://a.example/h?b=2&a=1",
	}
	for configured, signed := range tests {
		r := request(vectorBody, now)
		r.URL = configured
		r.Header["X-Hubspot-Signature-V3"] = []string{sign(testSecret, "POST", signed, vectorBody, "1700000000000")}
		if _, err := c.Receive(r); err != nil {
			t.Errorf("%s: %v", configured, err)
		}
	}
}

// Two secrets while one is replaced; none at all refuses everything.
func TestSecretRotation(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1700000000000)
	for secrets, ok := range map[connectors.Secret]bool{
		"new-secret, " + testSecret: true, testSecret + ",older": true, "a,b," + testSecret: false, "": false, ",": false,
	} {
		c := testConnector(t, connectors.Settings{ClientSecret: secrets})
		r := request(vectorBody, now)
		if secrets == "" { // an empty key would verify what anybody can sign
			r.Header["X-Hubspot-Signature-V3"] = []string{sign("", "POST", testURL, vectorBody, "1700000000000")}
		}
		if _, err := c.Receive(r); (err == nil) != ok {
			t.Errorf("with %d characters of secret: %v", len(secrets), err)
		}
	}
}

// (I0, I7, I8, C8) What becomes of each sort of event.
func TestEvents(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		event   string
		changes []string
		refused []string
	}{
		"creation":            {`{"portalId":62515,"subscriptionType":"contact.creation","objectId":51}`, []string{"contacts/51"}, nil},
		"generic":             {`{"portalId":62515,"subscriptionType":"object.propertyChange","objectTypeId":"0-1","objectId":51,"propertyName":"email","propertyValue":"x"}`, []string{"contacts/51"}, nil},
		"event type":          {`{"portalId":62515,"eventType":"company.deletion","objectId":7}`, []string{"companies/7"}, nil},
		"text ids":            {`{"portalId":"62515","subscriptionType":"deal.restore","objectId":"9"}`, []string{"deals/9"}, nil},
		"privacy":             {`{"portalId":62515,"subscriptionType":"contact.privacyDeletion","objectId":51}`, []string{"contacts/51"}, nil},
		"task":                {`{"portalId":62515,"subscriptionType":"object.creation","objectTypeId":"0-27","objectId":3}`, []string{"task/3"}, nil},
		"merge":               {`{"portalId":62515,"subscriptionType":"contact.merge","objectId":1,"primaryObjectId":1,"mergedObjectIds":[2,"3"],"newObjectId":4,"numberOfPropertiesMoved":8}`, []string{"contacts/1", "contacts/4", "contacts/2", "contacts/3"}, nil},
		"association":         {`{"portalId":62515,"subscriptionType":"contact.associationChange","associationType":"CONTACT_TO_COMPANY","fromObjectId":5,"toObjectId":6,"associationRemoved":false,"isPrimaryAssociation":true}`, []string{"contacts/5", "companies/6"}, nil},
		"association by type": {`{"portalId":62515,"subscriptionType":"object.associationChange","objectTypeId":"0-3","fromObjectTypeId":"0-3","toObjectTypeId":"2-99","fromObjectId":5,"toObjectId":6}`, []string{"deals/5"}, nil},
		"merge, id kept":      {`{"portalId":62515,"subscriptionType":"contact.merge","objectId":1,"primaryObjectId":1,"mergedObjectIds":[2],"newObjectId":1}`, []string{"contacts/1", "contacts/2"}, nil},
		"generic merge":       {`{"portalId":62515,"subscriptionType":"object.merge","objectTypeId":"0-2","objectId":4,"primaryObjectId":1,"mergedObjectIds":[2],"newObjectId":4}`, []string{"companies/4", "companies/1", "companies/2"}, nil},
		"merge without lists": {`{"portalId":62515,"subscriptionType":"deal.merge","primaryObjectId":1,"mergedObjectIds":2}`, []string{"deals/1", "deals/2"}, nil},
		"generic restore":     {`{"portalId":62515,"eventType":"object.restore","objectTypeId":"0-3","objectId":9}`, []string{"deals/9"}, nil},
		"both type fields":    {`{"portalId":62515,"eventType":"x.y","subscriptionType":"contact.creation","objectId":51}`, []string{"contacts/51"}, nil},
		"lead":                {`{"portalId":62515,"subscriptionType":"object.creation","objectTypeId":"0-136","objectId":3}`, []string{"leads/3"}, nil},
		"lead, by name":       {`{"portalId":62515,"subscriptionType":"lead.propertyChange","objectId":3,"propertyName":"hubspot_owner_id"}`, []string{"leads/3"}, nil},
		"association gone":    {`{"portalId":62515,"subscriptionType":"deal.associationChange","associationType":"DEAL_TO_CONTACT","fromObjectId":5,"toObjectId":6,"associationRemoved":true}`, []string{"deals/5", "contacts/6"}, nil},
		"association, custom": {`{"portalId":62515,"subscriptionType":"object.associationChange","objectTypeId":"2-1","fromObjectTypeId":"2-1","toObjectTypeId":"2-99","fromObjectId":5,"toObjectId":6}`, nil, []string{"unknown_kind"}},
		"generic, no type":    {`{"portalId":62515,"subscriptionType":"object.creation","objectId":3}`, nil, []string{"unknown_kind"}},
		"portal as a float":   {`{"portalId":62515.0,"subscriptionType":"contact.creation","objectId":3}`, nil, []string{"tenant"}},
		"id as a float":       {`{"portalId":62515,"subscriptionType":"contact.creation","objectId":5.1e1}`, nil, []string{"malformed"}},
		"ticket":              {`{"portalId":62515,"subscriptionType":"ticket.creation","objectId":1}`, nil, []string{"unknown_kind"}},
		"conversation":        {`{"portalId":62515,"subscriptionType":"conversation.newMessage","objectId":1}`, nil, []string{"unknown_kind"}},
		"new verb":            {`{"portalId":62515,"subscriptionType":"contact.somethingNew","objectId":1}`, nil, []string{"unknown_kind"}},
		"no type":             {`{"portalId":62515,"objectId":1}`, nil, []string{"unknown_kind"}},
		"other portal":        {`{"portalId":1,"subscriptionType":"contact.creation","objectId":1}`, nil, []string{"tenant"}},
		"no portal":           {`{"subscriptionType":"contact.creation","objectId":1}`, nil, []string{"tenant"}},
		"no record":           {`{"portalId":62515,"subscriptionType":"contact.creation"}`, nil, []string{"malformed"}},
		"hostile id":          {`{"portalId":62515,"subscriptionType":"contact.creation","objectId":"../../x"}`, nil, []string{"malformed"}},
		"not an object":       {`17`, nil, []string{"malformed"}},
		"odd members":         {`{"portalId":62515,"x":{"y":[1,{"z":null}]},"subscriptionType":"contact.creation","objectId":51,"propertyValue":{"a":1}}`, []string{"contacts/51"}, nil},
		"types turned":        {`{"portalId":62515,"subscriptionType":["contact.creation"],"objectId":{"id":51}}`, nil, []string{"unknown_kind"}},
		"sensitive value":     {`{"portalId":62515,"subscriptionType":"contact.propertyChange","objectId":51,"propertyName":"x","propertyValue":"REDACTED","isSensitive":true}`, []string{"contacts/51"}, nil},
	}
	c := testConnector(t, connectors.Settings{ClientSecret: testSecret})
	now := time.UnixMilli(1700000000000)
	good := `{"portalId":62515,"subscriptionType":"contact.creation","objectId":99,"occurredAt":1699999999000}`
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := c.Receive(request("["+test.event+","+good+"]", now))
			if err != nil {
				t.Fatal(err)
			}
			var changes, refused []string
			for _, ch := range got.Changes {
				changes = append(changes, string(ch.Ref.Kind)+"/"+ch.Ref.ID)
			}
			for _, r := range got.Refused {
				refused = append(refused, r.Reason)
			}
			if diff := cmp.Diff(append(test.changes, "contacts/99"), changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.refused, refused); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
			last := got.Changes[len(got.Changes)-1]
			if last.Ref.Conn != "hubspot" || !last.At.Equal(time.UnixMilli(1699999999000)) || last.Object != nil {
				t.Errorf("the last change is %+v", last)
			}
		})
	}
}

// (I0, C9) A privacy deletion comes beside the deletion, in any order and not
// in one request: each is a hint at the same record and an event of its own.
func TestPrivacyDeletion(t *testing.T) {
	t.Parallel()
	const privacy = `{"eventId":1,"portalId":62515,"subscriptionType":"contact.privacyDeletion","objectId":51,"occurredAt":1699999999000}`
	const deletion = `{"eventId":2,"portalId":62515,"subscriptionType":"contact.deletion","objectId":51,"occurredAt":1699999999000}`
	c := testConnector(t, connectors.Settings{ClientSecret: testSecret})
	for _, bodies := range [][]string{{"[" + privacy + "," + deletion + "]"}, {"[" + deletion + "," + privacy + "]"}, {"[" + deletion + "]", "[" + privacy + "]"}} {
		events := make(map[string]bool)
		for _, body := range bodies {
			got, err := c.Receive(request(body, time.UnixMilli(1700000000000)))
			if err != nil || len(got.Refused) > 0 {
				t.Fatal(got, err)
			}
			for _, ch := range got.Changes {
				if ch.Ref.ID != "51" || ch.Ref.Kind != contacts {
					t.Errorf("%+v", ch)
				}
				events[ch.EventID] = true
			}
		}
		if len(events) != 2 {
			t.Errorf("%q: %d events", bodies, len(events))
		}
	}
}

func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	c := testConnector(t, connectors.Settings{ClientSecret: testSecret})
	now := time.UnixMilli(1700000000000)
	for _, body := range []string{"", "[", "[{]", "{", "[]]", "[] []", "nope", `[{"portalId":62515,}]`, strings.Repeat("[", 20000), `[{"a":` + strings.Repeat("[", 20000)} {
		_, err := c.Receive(request(body, now))
		var refusal *connectors.Refusal
		if !errors.As(err, &refusal) || refusal.Reason != "malformed" || refusal.Status != 400 {
			t.Errorf("%.20q: %v", body, err)
		}
	}
	for _, body := range []string{"[]", " [ ] \n"} {
		if got, err := c.Receive(request(body, now)); err != nil || len(got.Changes)+len(got.Refused) != 0 {
			t.Errorf("%q: %v %v", body, got, err)
		}
	}
}

// (I1) The same event again has the same id; every other one has another.
func TestEventIDs(t *testing.T) {
	t.Parallel()
	base := map[string]string{
		"eventId": "1", "subscriptionId": "2", "portalId": "62515", "occurredAt": "1699999999000",
		"subscriptionType": `"contact.propertyChange"`, "objectId": "51", "propertyName": `"email"`, "propertyValue": `"a"`, "attemptNumber": "0",
	}
	c := testConnector(t, connectors.Settings{ClientSecret: testSecret})
	idOf := func(change, to string) string {
		var parts []string
		for _, name := range []string{"eventId", "subscriptionId", "portalId", "occurredAt", "subscriptionType", "objectId", "propertyName", "propertyValue", "attemptNumber"} {
			value := base[name]
			if name == change {
				value = to
			}
			parts = append(parts, fmt.Sprintf("%q:%s", name, value))
		}
		got, err := c.Receive(request("[{"+strings.Join(parts, ",")+"}]", time.UnixMilli(1700000000000)))
		if err != nil || len(got.Changes) != 1 {
			t.Fatalf("%v %v", got, err)
		}
		return got.Changes[0].EventID
	}
	first := idOf("", "")
	if again := idOf("attemptNumber", "7"); again != first {
		t.Errorf("another attempt is another event: %s and %s", first, again)
	}
	seen := map[string]string{first: "the first"}
	for name, value := range map[string]string{
		"eventId": "9", "subscriptionId": "9", "occurredAt": "1699999999001", "subscriptionType": `"company.propertyChange"`,
		"objectId": "52", "propertyName": `"phone"`, "propertyValue": `"b"`,
	} {
		id := idOf(name, value)
		if other, twice := seen[id]; twice {
			t.Errorf("a changed %s has the id of %s", name, other)
		}
		seen[id] = name
	}
}

func hundredEvents() string {
	var parts []string
	for i := range 100 {
		parts = append(parts, fmt.Sprintf(`{"eventId":%d,"subscriptionId":7662269,"portalId":62515,"appId":51879189,"occurredAt":17885970725%02d,"subscriptionType":"object.propertyChange","attemptNumber":0,"objectId":54650006%04d,"objectTypeId":"0-1","propertyName":"recent_conversion_date","propertyValue":"17885970725%02d","changeSource":"FORM","sourceId":"userId:98499705","isSensitive":false}`, 100000+i, i, i, i))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// More events than HubSpot documents are taken all the same.
func TestManyEvents(t *testing.T) {
	t.Parallel()
	c := testConnector(t, connectors.Settings{ClientSecret: testSecret})
	body := strings.TrimSuffix(hundredEvents(), "]") + "," + strings.TrimPrefix(hundredEvents(), "[")
	got, err := c.Receive(request(body, time.UnixMilli(1788597072520)))
	if err != nil || len(got.Changes) != 200 {
		t.Errorf("%d changes, %v", len(got.Changes), err)
	}
}

func BenchmarkReceive(b *testing.B) {
	c := testConnector(b, connectors.Settings{ClientSecret: testSecret})
	r := request(hundredEvents(), time.UnixMilli(1788597072520))
	b.SetBytes(int64(len(r.Body)))
	b.ReportAllocs()
	for b.Loop() {
		if got, err := c.Receive(r); err != nil || len(got.Changes) != 100 {
			b.Fatal(err)
		}
	}
}

// FuzzReceive: hostile bodies, addresses and signatures. Nothing unsigned is
// taken, nothing panics, and every hint names a record by digits.
func FuzzReceive(f *testing.F) {
	f.Add([]byte(vectorBody), testURL, "/pXDSgWeGksQpwCsgqd43P0eY6gBIse9UX0tfkudUrE=", "1700000000000", true)
	f.Add([]byte(`[`+vectorBody[1:len(vectorBody)-1]+`,{"portalId":62515,"eventType":"object.associationChange","objectTypeId":"0-3","fromObjectId":5,"toObjectId":6,"propertyValue":"x"}]`), testURL, "", "", false)
	f.Add([]byte(`[{"portalId":62515,"subscriptionType":"contact.merge","mergedObjectIds":[1,[2]],"newObjectId":null}]`), "https://x/%3A%", "AAAA", "-1", true)
	f.Add([]byte("[{\"portalId\":62515,\"subscriptionType\":\"contact.creation\",\"objectId\":1e3,\"x\":\"\xff\"}]"), "", "", "1700000000000", true)
	c := testConnector(f, connectors.Settings{ClientSecret: testSecret})
	at := time.UnixMilli(1700000000000)
	f.Fuzz(func(t *testing.T, body []byte, address, signature, stamp string, signIt bool) {
		r := connectors.Request{Method: "POST", URL: address, Body: body, At: at, Tenant: testPortal}
		if signIt {
			stamp = "1700000000000"
			signature = sign(testSecret, "POST", unescape.Replace(address), string(body), stamp)
		}
		r.Header = map[string][]string{signatureHeader: {signature}, timeHeader: {stamp}}
		got, err := c.Receive(r)
		right := sign(testSecret, "POST", unescape.Replace(address), string(body), stamp)
		if err == nil && signature != right {
			// Base64 has several spellings of the same bytes.
			given, derr := base64.StdEncoding.DecodeString(signature)
			want, _ := base64.StdEncoding.DecodeString(right)
			if derr != nil || string(given) != string(want) {
				t.Fatalf("accepted %q", signature)
			}
		}
		var refusal *connectors.Refusal
		if err != nil && !errors.As(err, &refusal) {
			t.Fatalf("not a refusal: %v", err)
		}
		for _, ch := range got.Changes {
			if !isNumber(ch.Ref.ID) || ch.EventID == "" || strings.ContainsAny(ch.EventID, "\x00\n") {
				t.Fatalf("a bad hint: %+v", ch)
			}
		}
	})
}
