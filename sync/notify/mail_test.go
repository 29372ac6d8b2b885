package notify

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/handoffd/handoffd/state"
)

// TestTakenAndGone (1.71): a mail that the server has taken is not sent again because
// the server hangs up, or refuses what comes after it.
func TestTakenAndGone(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"QUIT", "RSET"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			r, data := bufio.NewReader(c), false
			fmt.Fprint(c, "220 x ESMTP\r\n")
			for {
				line, err := r.ReadString('\n')
				switch {
				case err != nil, strings.HasPrefix(line, at):
					return
				case data && line != ".\r\n":
				case strings.HasPrefix(line, "DATA"):
					data = true
					fmt.Fprint(c, "354 go on\r\n")
				default:
					data = false
					fmt.Fprint(c, "250 ok\r\n")
				}
			}
		}()
		m := &Mail{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Plain: true, From: "h@example.com"}
		if err := m.Send(t.Context(), Parcel{Key: "k", Message: state.Message{To: "ana@example.com", Subject: "s", Text: "t"}}); err != nil {
			t.Errorf("hung up at %s: it would be sent again: %v", at, err)
		}
	}
}
