package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync/atomic"
)

// givenPorts is how many addresses have been given out.
var givenPorts atomic.Uint32

// freeAddress is an address that nobody listens on: webhooks have to know it before the
// daemon runs. Its port is not one of those that the system hands to whoever asks for
// any, so nobody else gets it between now and then.
func freeAddress(t interface{ Fatalf(string, ...any) }) string {
	const from, ports = 10_000, 20_000
	for range 100 {
		port := from + (uint32(os.Getpid())*131+givenPorts.Add(1))%ports
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", fmt.Sprint("127.0.0.1:", port))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatalf("no address is free from port %d on", from)
	return ""
}
