package connectors

import "time"

// Knocker is a receiver that can make a webhook as its CRM would send it, with
// nothing in it, so that the way from the public address through proxies to
// the daemon can be tried without waiting for a buyer.
type Knocker interface {
	// Knock returns a request that a daemon with the same credentials must
	// take, and one that it must refuse, both for one public address. ok is
	// false where the credentials are not enough to make one.
	Knock(url string, at time.Time) (genuine, forged Request, ok bool)
}
