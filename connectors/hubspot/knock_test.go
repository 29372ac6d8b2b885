package hubspot

import (
	"errors"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// What Knock makes is taken and refused by Receive as it promises (I5).
func TestKnock(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 19, 14, 0, 0, 0, time.UTC)
	with, err := New(connectors.Settings{Name: "hubspot", Token: "pat", ClientSecret: "new,old"})
	if err != nil {
		t.Fatal(err)
	}
	const address = "https://handoffd.example.com/webhooks/hubspot?a=b%2Cc"
	genuine, forged, ok := with.(*Connector).Knock(address, at)
	if !ok {
		t.Fatal("no knock with a client secret")
	}
	genuine.Tenant, forged.Tenant = "1", "1"
	receiver := with.(connectors.Receiver)
	if got, err := receiver.Receive(genuine); err != nil || len(got.Changes)+len(got.Refused) > 0 {
		t.Errorf("genuine: %+v, %v", got, err)
	}
	var refusal *connectors.Refusal
	if _, err := receiver.Receive(forged); !errors.As(err, &refusal) || refusal.Reason != "signature" {
		t.Errorf("forged: %v", err)
	}
	without, err := New(connectors.Settings{Name: "hubspot", Token: "pat"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := without.(*Connector).Knock(address, at); ok {
		t.Error("a knock without a client secret")
	}
}
