package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/normalize"
)

// explanation is why, line by line: what was decided about a record, by which
// rule, and how far its writes have gone.
type explanation struct {
	Schema   int              `json:"schema"`
	Record   string           `json:"record,omitempty"`
	Unseen   bool             `json:"unseen,omitempty"` // nothing is known of the record
	Handoffs []handoffReceipt `json:"handoffs"`
	Notes    []string         `json:"notes,omitempty"` // why nothing was started
}

// handoffReceipt is the receipt of one handoff.
type handoffReceipt struct {
	state.Handoff
	Decisions []decisionReceipt `json:"decisions"`
	Waiting   []state.Intent    `json:"waiting,omitempty"` // writes not confirmed yet
}

type decisionReceipt struct {
	ID    string         `json:"id"`
	At    time.Time      `json:"at"`
	Rules string         `json:"rules"`
	Why   []state.Reason `json:"why,omitempty"`
}

func newExplainCommand(s streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "explain RECORD|HANDOFF|EMAIL",
		Short: "Why a record went where it went, line by line",
		Long: "Why a record went where it went, line by line. RECORD is connection/kind/id, with\n" +
			"the CRM's own kind and id; HANDOFF is the handoff's id, as it stands on the record;\n" +
			"EMAIL is a person's address, for every record that has it.",
		Example: "  handoffd explain dana@acme.com\n" +
			"  handoffd explain eu-portal/contacts/51",
		Args: takesOne("a record, the id of a handoff or an e-mail address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var e explanation
			err := withState(cmd.Context(), "GET", "/explain?what="+url.QueryEscape(args[0]), &e, func(store *bolt.Store) (any, error) {
				return explain(cmd.Context(), store, args[0])
			})
			if err != nil {
				return err
			}
			if format == "table" {
				err = e.write(s)
			} else {
				err = show(s.out, format, e, e.tables())
			}
			if err == nil && e.Unseen {
				return &exitError{code: exitWrong, err: fmt.Errorf("%s has not been seen", e.Record), try: e.unseenTry()}
			}
			return err
		},
	}
	formatFlag(cmd, &format)
	return cmd
}

// explain gathers what the state knows of a handoff, by id, of a record, written
// connection/kind/id, or of everybody with an address.
func explain(ctx context.Context, store state.Store, what string) (explanation, error) {
	e := explanation{Schema: 1, Handoffs: []handoffReceipt{}}
	err := store.View(ctx, func(tx state.Tx) error {
		e.Handoffs, e.Notes, e.Unseen = []handoffReceipt{}, nil, false
		if h, ok := state.GetHandoff(tx, what); ok {
			e.Record = h.Record.String()
			e.Handoffs = append(e.Handoffs, receipt(tx, h))
			return tx.Err()
		}
		refs := recordsNamed(tx, what)
		if len(refs) == 0 {
			return noSuchHandoff(tx, what)
		}
		known := false
		var names []string
		for _, ref := range refs {
			names = append(names, ref.String())
			e.gather(tx, ref)
			_, seen := state.GetRecord(tx, ref)
			known = known || seen
		}
		e.Record = strings.Join(names, ", ")
		if len(e.Handoffs) == 0 && len(e.Notes) == 0 {
			e.Notes = []string{"No signal of this record has started a handoff."}
			if e.Unseen = !known; e.Unseen {
				e.Notes = nil
			}
		}
		return tx.Err()
	})
	slices.SortFunc(e.Handoffs, func(a, b handoffReceipt) int { return a.DetectedAt.Compare(b.DetectedAt) })
	return e, err
}

// recordsNamed are the record of that name, or those of the people with that
// address.
func recordsNamed(tx state.Tx, what string) (refs []connectors.Ref) {
	if ref, err := connectors.ParseRef(what); err == nil {
		return []connectors.Ref{ref}
	}
	email, ok := normalize.Email(what)
	if !ok {
		return nil
	}
	for _, c := range state.AllConns(tx) {
		for _, r := range state.RecordsOf(tx, c.Name) {
			if r.Fields["email"] == email {
				refs = append(refs, r.Ref)
			}
		}
	}
	return refs
}

// gather adds what is known of one record: its handoffs, the lists it stands in,
// and who it is elsewhere.
func (e *explanation) gather(tx state.Tx, ref connectors.Ref) {
	for h := range state.HandoffsOf(tx, ref) {
		if !e.tells(h.ID) {
			e.Handoffs = append(e.Handoffs, receipt(tx, h))
		}
	}
	for _, l := range state.AllListings(tx) {
		if l.Subject == ref.String() {
			e.Notes = append(e.Notes, l.List+": "+l.Text)
		}
	}
	same, _ := state.GetSame(tx, ref)
	for _, other := range same.Refs {
		for h := range state.HandoffsOf(tx, other) {
			if !e.tells(h.ID) {
				e.Notes = append(e.Notes, ref.String()+" is the same as "+other.String()+", which has handoff "+h.ID+" ("+h.Type+", "+string(h.Stage)+")")
			}
		}
	}
}

func (e *explanation) tells(id string) bool {
	return slices.ContainsFunc(e.Handoffs, func(h handoffReceipt) bool { return h.ID == id })
}

// noSuchHandoff says what could have been meant, with a record of this state
// as the example.
func noSuchHandoff(tx state.Tx, what string) error {
	example := "CONNECTION/KIND/ID"
	for _, c := range state.AllConns(tx) {
		for _, r := range state.RecordsOf(tx, c.Name) {
			example = r.Ref.String()
			break
		}
	}
	return &exitError{
		code: exitWrong, err: fmt.Errorf("%q is neither the id of a handoff nor a record, and nobody we have met has it as an address", what),
		try: "handoffd explain " + example,
	}
}

// unseenTry is what to do about a record nothing is known of.
func (e explanation) unseenTry() string {
	return "look at the connection, the kind and the id; a new record is seen by webhook at once, or by the next poll (`handoffd status` says when the last one was)"
}

func receipt(tx state.Tx, h state.Handoff) handoffReceipt {
	r := handoffReceipt{Handoff: h, Decisions: []decisionReceipt{}}
	for d := range state.DecisionsOf(tx, h.ID) {
		r.Decisions = append(r.Decisions, decisionReceipt{ID: d.ID, At: d.At, Rules: d.Rules, Why: d.Why})
	}
	for _, i := range state.AllIntents(tx) {
		if i.Handoff == h.ID {
			r.Waiting = append(r.Waiting, i)
		}
	}
	return r
}

// write is the explanation as a person reads it.
func (e explanation) write(s streams) error {
	var b strings.Builder
	for _, h := range e.Handoffs {
		fmt.Fprintf(&b, "%s for %s: %s\n", h.Type, h.Record, h.Stage)
		line := func(name, value string) {
			if value != "" {
				fmt.Fprintf(&b, "  %-18s %s\n", name, value)
			}
		}
		line("handoff", h.ID)
		if h.Target != h.Record {
			line("delivered to", target(h.Handoff))
		}
		line("owner", h.Owner)
		line("accountable", h.Accountable)
		line("backup", h.Backup)
		line("tier", h.Tier)
		line("signal", when(h.Signals[0].At))
		line("assigned", when(h.AssignedAt))
		line("accept by", when(h.AcceptBy))
		line("first touch by", when(h.TouchBy))
		line("in the CRM since", when(h.Written))
		line("accepted", when(h.AcceptedAt))
		line("first touch", when(h.TouchedAt))
		line("breached", when(h.BreachedAt))
		line("ended", when(h.ClosedAt))
		if h.Observed {
			line("mode", "observed only: nothing was written")
		}
		line("note", h.Note)
		b.WriteString("  why\n")
		for _, why := range h.Why {
			text := why.Text
			if why.Rule != "" {
				text += " (" + why.Rule + ")"
			}
			b.WriteString(hanging(text))
		}
		h.writes(&b)
		b.WriteString("\n")
	}
	for _, n := range e.Notes {
		b.WriteString(strings.ReplaceAll(wrapped(n, lineWidth-2), "\n", "\n  ") + "\n")
	}
	_, err := fmt.Fprint(s.out, b.String())
	return err
}

// writes is how far each write of the handoff has gone.
func (h handoffReceipt) writes(b *strings.Builder) {
	if len(h.Effects)+len(h.Waiting) == 0 {
		return
	}
	waiting := map[string]state.Intent{}
	for _, i := range h.Waiting {
		waiting[i.Step] = i
	}
	b.WriteString("  writes\n")
	for _, step := range slices.Sorted(maps.Keys(h.Effects)) {
		e := h.Effects[step]
		text, because := e.State, e.Error
		switch i, ok := waiting[step]; {
		case ok && i.State == state.Parked:
			text, because = "refused by "+i.Dest+", see `handoffd queue`", cmp.Or(because, i.Error)
		case ok:
			text, because = "waiting to write to "+i.Dest, cmp.Or(because, i.Error)
		case e.Ref.ID != "":
			text += ", " + e.Ref.String()
		}
		if because != "" {
			text += ": " + because
		}
		if len(e.Skipped) > 0 {
			text += "; left out, for the CRM does not have them or would not take them: " + strings.Join(e.Skipped, ", ")
		}
		b.WriteString(hanging(step + ": " + text))
	}
}

// hanging is one line of a list, broken where a terminal ends.
func hanging(text string) string {
	return "    " + strings.ReplaceAll(wrapped(text, lineWidth-6), "\n", "\n      ") + "\n"
}

// target is where a handoff lands, which in another CRM may be yet to be made.
func target(h state.Handoff) string {
	if h.Target.ID == "" {
		return h.Target.Conn + ", on a record that is yet to be made"
	}
	return h.Target.String()
}

// when is an instant for a person, in the zone of whoever asks.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("Mon 2 Jan 2006 15:04:05 MST")
}

func (e explanation) tables() []table {
	t := table{head: []string{"handoff", "type", "record", "stage", "owner", "rule", "why"}}
	for _, h := range e.Handoffs {
		for _, why := range h.Why {
			t.add(h.ID, h.Type, h.Record.String(), string(h.Stage), h.Owner, why.Rule, why.Text)
		}
	}
	notes := table{head: []string{"record", "note"}}
	for _, n := range e.Notes {
		notes.add(e.Record, n)
	}
	return []table{t, notes}
}
