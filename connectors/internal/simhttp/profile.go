package simhttp

import (
	"fmt"
	"time"
)

// Profile returns the named degree of hostility: "calm" (none), "default" (the shares that a bad day
// has) or "hell". Hell is ten times the default where a share can bear it. The faults of a call cannot,
// which are three times as frequent: at ten times there would be more of them than calls. A search index
// is five minutes late at most, because a poll that looks back ten finds what came within them; it is the
// daily listing that finds later ones. Shares of webhooks and batches stop below one, so that some come as
// they should. A new property is as late as it has been seen to be, and no later.
// README.md has the table.
func Profile(name string) (Faults, error) {
	switch name {
	case "calm":
		return Faults{}, nil
	case "default":
		return Faults{
			Rate: map[string]float64{
				"429": 0.05, "500": 0.0075, "502": 0.0075, "503": 0.0075, "504": 0.0075, "401": 0.05,
				"hang": 0.01, "html": 0.01, "truncated": 0.01, "applied_500": 0.02,
				"423": 0.005, "477": 0.001, "partial": 0.10, "shuffled": 0.50,
			},
			DropReply:    0.02,
			Webhooks:     WebhookFaults{Drop: 0.05, Double: 0.10, Shuffle: 0.10, Late: 0.01, WrongPortal: 0.001},
			SearchLag:    90 * time.Second,
			IndexMissing: 0.005,
			PropertyLag:  500 * time.Millisecond,
			Life: Life{
				Edits: 0.02, Owners: 0.002, Flips: 0.002, Merges: 0.005, Deletes: 0.005, Restores: 0.25,
				Deactivations: 0.005, Drift: 1,
				Reps: Reps{
					Ignore: 0.05, Slow: 0.10, Return: 0.10, Silent: 0.30, Tacit: 0.10, Call: 0.60, Email: 0.50, Meet: 0.20, Absent: 0.15,
					Next: 0.30, Finish: 0.50,
				},
			},
		}, nil
	case "hell":
		return Faults{
			Rate: map[string]float64{
				"429": 0.15, "500": 0.0225, "502": 0.0225, "503": 0.0225, "504": 0.0225, "401": 0.15,
				"hang": 0.03, "html": 0.03, "truncated": 0.03, "applied_500": 0.06,
				"423": 0.015, "477": 0.003, "partial": 0.50, "shuffled": 1,
			},
			DropReply:    0.20,
			Webhooks:     WebhookFaults{Drop: 0.50, Double: 0.90, Shuffle: 0.90, Late: 0.10, WrongPortal: 0.01},
			SearchLag:    5 * time.Minute,
			IndexMissing: 0.05,
			PropertyLag:  700 * time.Millisecond,
			Life: Life{
				Edits: 0.20, Owners: 0.02, Flips: 0.02, Merges: 0.05, Deletes: 0.05, Restores: 0.25,
				Deactivations: 0.05, Drift: 10,
				Reps: Reps{
					Ignore: 0.15, Slow: 0.30, Return: 0.30, Silent: 0.50, Tacit: 0.30, Call: 0.60, Email: 0.50, Meet: 0.30, Absent: 0.50,
					Next: 0.30, Finish: 0.30,
				},
			},
		}, nil
	}
	return Faults{}, fmt.Errorf("unknown profile %q: calm, default or hell", name)
}
