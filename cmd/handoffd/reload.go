package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/handoffd/handoffd/state"
)

const (
	// lookEvery is how often the folder is looked at; a change has to stand
	// still for one look before it is read, so a half-saved file has no effect (F2).
	lookEvery = 500 * time.Millisecond
)

// watchFolder reloads the rules when the folder has changed and is still, or
// on SIGHUP. A folder that does not load leaves the running rules alone.
func watchFolder(ctx context.Context, d *daemon, env environment, log *slog.Logger) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	loaded := fingerprint(env.Config)
	seen := loaded
	for {
		forced := false
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			forced = true
		case <-tick.C:
		}
		now := fingerprint(env.Config)
		still := now == seen
		seen = now
		if !forced && (now == loaded || !still) {
			continue
		}
		loaded = now
		d.reloadFolder(ctx, env, log)
	}
}

// reloadFolder reads the folder and puts it in force, or says why not.
func (d *daemon) reloadFolder(ctx context.Context, env environment, log *slog.Logger) {
	folder, err := openFolder(env.Config)
	if err == nil {
		rules, problems, loadErr := loadRules(folder, env.Mode)
		err = loadErr
		if err == nil {
			err = d.tryReload(ctx, rules)
		}
		for _, p := range problems {
			log.Warn("configuration", "problem", p.String(), "stops", !p.Warn)
		}
	}
	d.reloads.note(d.config.Wall().UTC(), err)
	var waits *held
	if errors.As(err, &waits) {
		log.Warn("the edited configuration waits for approval; the running rules stay", "because", waits.Error())
		return
	}
	if err != nil {
		log.Error("the configuration was not reloaded; the running rules stay", "error", err)
		return
	}
	log.Info("configuration reloaded", "rules", d.book.Rules().Digest())
}

// fingerprint says whether anything in the folder has changed.
func fingerprint(path string) string {
	var parts []string
	_ = fs.WalkDir(os.DirFS(path), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil //nolint:nilerr // what cannot be read changes nothing here; loading it says why
		}
		if info, err := e.Info(); err == nil {
			parts = append(parts, name, info.ModTime().String(), info.Mode().String(), time.Duration(info.Size()).String())
		}
		return nil
	})
	return state.Digest(parts...)
}
