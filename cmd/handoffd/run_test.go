package main

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestWhereItCannotStart: who starts it where its file or its address cannot be is told what to do.
func TestWhereItCannotStart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "nowhere", "h.db")
	_, err := openState(path)
	if codeOf(err) != exitState || tryOf(err) != "make the folder "+filepath.Dir(path)+", or name another file with HANDOFFD_STATE" {
		t.Errorf("no folder: exit %d, %v; try %q", codeOf(err), err, tryOf(err))
	}
	for cause, want := range map[error]string{
		fs.ErrPermission: "let the user", syscall.EACCES: "let the user", syscall.EROFS: "let the user", syscall.ENOSPC: "make space", syscall.EIO: "",
	} {
		if got := placeTry(path, fmt.Errorf("open state: %w", cause)); !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("%v: %q, want %q…", cause, got, want)
		}
	}

	l, err := listen(t.Context(), "HANDOFFD_WEBHOOK_ADDR", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = listen(t.Context(), "HANDOFFD_WEBHOOK_ADDR", l.Addr().String())
	if err == nil || !strings.HasPrefix(err.Error(), "HANDOFFD_WEBHOOK_ADDR: ") || !strings.Contains(tryOf(err), "set HANDOFFD_WEBHOOK_ADDR to another address") {
		t.Errorf("an address that is taken: %v; try %q", err, tryOf(err))
	}
}
