package hubspotsim

import "testing"

// TestSignature holds vectors made by the rules of HubSpot's manual.
func TestSignature(t *testing.T) {
	t.Parallel()
	const (
		secret = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
		uri    = "https://www.example.com/webhook_uri"
		body   = `[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]`
	)
	if got, want := signV1(secret, []byte(body)), "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"; got != want {
		t.Errorf("v1: got %s, want %s", got, want)
	}
	if got, want := signV3(secret, uri, []byte(body), "1700000000000"), "/pXDSgWeGksQpwCsgqd43P0eY6gBIse9UX0tfkudUrE="; got != want {
		t.Errorf("v3: got %s, want %s", got, want)
	}
	if signV3(secret, uri+"?a=x%40y%2Cz", nil, "1") != signV3(secret, uri+"?a=x@y,z", nil, "1") {
		t.Error("v3: %40 and %2C are not decoded")
	}
	if signV3(secret, uri+"?a=%20", nil, "1") == signV3(secret, uri+"?a= ", nil, "1") {
		t.Error("v3: %20 is decoded, which the manual does not name")
	}
}
