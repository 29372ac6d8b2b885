package notify

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestOldMessage (1.71): what waited for a day, because nothing might be sent, is not
// given up at the first trouble of the channel.
func TestOldMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &box{fail: 1}
		s, put := sender(t, b)
		put(1)
		time.Sleep(25 * time.Hour) // paused over a weekend, say
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if len(b.got) != 1 {
			t.Error("given up after one try")
		}
	})
}
