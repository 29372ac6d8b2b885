package bolt

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/handoffd/handoffd/state"
)

func TestSmoke(t *testing.T) {
	p := filepath.Join(t.TempDir(), "s.db")
	s, err := Open(p, Options{Check: Check})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(p, Options{Timeout: time.Millisecond})
	t.Log(err)
	if !errors.Is(err, state.ErrHeld) {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx state.Tx) error {
		state.PutConn(tx, state.Conn{Name: "a"})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = Open(p, Options{Check: Check})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.View(t.Context(), func(tx state.Tx) error {
		c, ok := state.GetConn(tx, "a")
		t.Log(c, ok)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	s.Close()
}
