package salesforce

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// inspect runs an inspection and returns its findings as "code level subject".
func (w *world) inspect(probe bool) []string {
	w.t.Helper()
	found, err := w.org.Inspect(w.t.Context(), connectors.Inspection{
		Kinds:  []connectors.Kind{Lead, Contact, Account, Opportunity, connectors.Activity},
		Writes: map[connectors.Kind][]string{Lead: {"OwnerId", "handoff_status", "Title", "handoff_nonsense"}, connectors.Task: {"subject"}},
		Probe:  probe,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, f := range found {
		out = append(out, fmt.Sprint(f.Code, " ", f.Level, " ", f.Subject))
		if f.Text == "" || (f.Level == connectors.Failure || f.Level == connectors.Warning) && f.Fix == "" {
			w.t.Errorf("a finding without words or fix: %+v", f)
		}
	}
	slices.Sort(out)
	return out
}

// TestInspect: what gets in the way is named, with its fix; what is fine is
// said to be fine; what cannot be seen is not guessed; that no call or e-mail
// has reached the org for a week is told (2.32; C6, C14, C15, C18).
func TestInspect(t *testing.T) {
	t.Parallel()
	calm := []string{
		"activity fine Event", "activity fine EmailMessage", "activity fine Task", "activity-capture unseen Einstein Activity Capture",
		"activity-seen warning calls and e-mails", "opened fine Lead.IsUnreadByOwner",
		"api-limit fine API calls", "assignment-rule notice Inbound lead routing", "duplicate-rule fine duplicate rules",
		"field-hidden warning Lead.Handoff_Nonsense__c", "flow fine flows", "native-sync warning HubSpot Integration",
		"outbound-message notice outbound messages",
		"owner-history warning Account", "owner-history warning Contact", "owner-history warning Lead", "owner-history warning Opportunity",
		"task-key fine Task.Handoff_Key__c", "validation-rule fine validation rules", "view-all unseen permissions",
	}
	for name, c := range map[string]struct {
		cfg       salesforcesim.Config
		setup     string
		probe     bool
		logged    bool // somebody has logged a call
		gone, now []string
	}{
		"calm":   {cfg: salesforcesim.Config{UniqueTasks: true}},
		"no key": {gone: []string{"task-key fine Task.Handoff_Key__c"}, now: []string{"task-key warning Task.Handoff_Key__c"}},
		"probe":  {cfg: salesforcesim.Config{UniqueTasks: true}, probe: true},
		"rules": {
			cfg: salesforcesim.Config{UniqueTasks: true},
			setup: `{"validation_rules":[{"object":"Lead","name":"No_CTO","when":{"Title":"CTO"},"message":"no"}],
				"duplicate_rules":[{"object":"Lead","name":"Mine","action":"alert"}],
				"flows":[{"name":"Set_Owner","object":"Lead","on":"create","set":{"Title":"x"}},{"name":"Elsewhere","object":"Event","on":"create"}],
				"assignment":{"active":false},"track_history":["Lead.OwnerId"],"read_only":["Lead.Title"]}`,
			gone: []string{
				"validation-rule fine validation rules", "duplicate-rule fine duplicate rules", "flow fine flows",
				"assignment-rule notice Inbound lead routing", "owner-history warning Lead",
			},
			now: []string{
				"validation-rule notice Lead.No_CTO", "duplicate-rule notice Mine", "flow notice Set_Owner",
				"assignment-rule fine assignment rules", "owner-history fine Lead", "field-read-only warning Lead.Title",
			},
		},
		"shapes": {
			cfg:   salesforcesim.Config{UniqueTasks: true},
			setup: `{"person_accounts":true,"multi_currency":true,"state_country_picklists":true}`,
			now:   []string{"person-accounts notice Account", "multi-currency notice currencies", "country-lists notice Lead"},
		},
		"work": {
			cfg: salesforcesim.Config{UniqueTasks: true}, setup: `{"no_access":["EmailMessage"],"hidden":["Lead.IsUnreadByOwner","Event.ShowAs"]}`, logged: true,
			gone: []string{"activity fine EmailMessage", "activity fine Event", "opened fine Lead.IsUnreadByOwner", "activity-seen warning calls and e-mails"},
			now: []string{
				"activity warning EmailMessage", "activity notice Event", "opened warning Lead.IsUnreadByOwner", "activity-seen fine calls and e-mails",
			},
		},
		"blind": {
			cfg: salesforcesim.Config{UniqueTasks: true}, setup: `{"view_setup":false,"no_access":["Opportunity"]}`,
			gone: []string{
				"validation-rule fine validation rules", "duplicate-rule fine duplicate rules", "flow fine flows", "assignment-rule notice Inbound lead routing",
			},
			now: []string{
				"validation-rule unseen validation rules", "duplicate-rule unseen duplicate rules", "flow unseen flows",
				"assignment-rule unseen assignment rules", "object failure Opportunity",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.cfg)
			if c.setup != "" {
				w.setup(c.setup)
			}
			if c.logged {
				w.edit(simhttp.Edit{Object: "Task", Op: "create", Fields: map[string]any{"Subject": "Call", "TaskSubtype": "Call", "Status": "Completed"}})
			}
			want := slices.DeleteFunc(append(slices.Clone(calm), c.now...), func(s string) bool { return slices.Contains(c.gone, s) })
			slices.Sort(want)
			if diff := cmp.Diff(want, w.inspect(c.probe)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if rows := w.soql("SELECT Id FROM Task WHERE Subject LIKE 'handoffd doctor%' AND IsDeleted = false"); len(rows) != 0 {
				t.Errorf("%d tasks are left over", len(rows))
			}
		})
	}
}

// TestInspectOutOfReach: an org that cannot be reached is an error, and what
// was found until then stands.
func TestInspectOutOfReach(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{})
	w.read(Lead, nil, w.lead(1))
	w.setup(`{"app_revoked":true}`)
	if _, err := w.org.Inspect(t.Context(), connectors.Inspection{Kinds: []connectors.Kind{Lead}}); connectors.ClassOf(err) != connectors.AuthBroken {
		t.Errorf("got %v", err)
	}
}

// TestProbeTells: the trial finds a key that is unique in name only.
func TestProbeTells(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{})
	s, err := w.org.schema(t.Context(), taskObject)
	if err != nil {
		t.Fatal(err)
	}
	// Subject stands in for a key field whose Unique was unticked a moment ago.
	claimed := *s
	subject := *s.fields["calldisposition"]
	subject.Unique, subject.ExternalID = true, true
	claimed.fields = map[string]*field{"handoff_key__c": &subject, "status": s.fields["status"]}
	w.org.schemas.put(&claimed)
	got := w.inspect(true)
	if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "task-key failure") }) {
		t.Errorf("got %v", got)
	}
}
