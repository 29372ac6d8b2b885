package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/sethvargo/go-envconfig"

	"github.com/handoffd/handoffd/state/bolt"
)

// withState asks the running daemon, and without one opens the state itself.
// into receives the answer either way.
func withState[T any](ctx context.Context, method, path string, into *T, offline func(*bolt.Store) (any, error)) error {
	env, err := readEnvironment(ctx, envconfig.OsLookuper())
	if err != nil {
		return err
	}
	err = ask(ctx, env.State, method, path, into)
	if !errors.Is(err, errNoDaemon) {
		return err
	}
	if !fileExists(env.State) {
		return &exitError{code: exitUsage, err: fmt.Errorf("%w at %s, and no daemon beside it", errNoState, env.State), try: "set HANDOFFD_STATE to the daemon's state file"}
	}
	store, err := openState(env.State)
	if err != nil {
		return err
	}
	answer, err := offline(store)
	if closing := store.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	if v, ok := answer.(T); ok {
		*into = v
	}
	return nil
}

// errNoState says that there is no state file.
var errNoState = errors.New("there is no state")
