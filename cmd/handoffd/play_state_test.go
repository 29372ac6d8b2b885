package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"
)

// doState does what an operator does to the state file: a backup, one put in
// place of the file, the file lost, what is held back let go.
func (st *stage) doState(l storyLine) {
	st.t.Helper()
	st.revive()
	path, backup := filepath.Join(st.dir, "handoffd.db"), filepath.Join(st.dir, "backup")
	switch l.verb {
	case "backup":
		f, err := os.Create(backup)
		if err == nil {
			err = errors.Join(st.store.Backup(st.t.Context(), f), f.Close())
		}
		if err != nil {
			st.t.Fatal(err)
		}
	case "restore": // beside what the newer state has left there, or on another machine
		st.stop()
		if l.file == "elsewhere" {
			st.forget()
		}
		raw, err := os.ReadFile(backup)
		if err == nil {
			err = os.WriteFile(path, raw, 0o600)
		}
		if err != nil {
			st.t.Fatal(err)
		}
		st.start()
	case "forget":
		st.stop()
		st.forget()
		st.start()
	case "approve":
		if _, err := approve(st.t.Context(), st.store, "operator kim", time.Now().UTC()); err != nil {
			st.t.Fatal(err)
		}
		for _, w := range st.daemon.writers {
			w.Bell.Ring()
		}
	}
}

// forget removes everything the state consists of.
func (st *stage) forget() {
	st.t.Helper()
	for _, pattern := range []string{"handoffd.db*", "history-*.db"} {
		files, err := filepath.Glob(filepath.Join(st.dir, pattern))
		if err != nil {
			st.t.Fatal(err)
		}
		for _, f := range files {
			if err := os.Remove(f); err != nil {
				st.t.Fatal(err)
			}
		}
	}
}
