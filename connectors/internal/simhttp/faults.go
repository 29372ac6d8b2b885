package simhttp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Faults says how hostile a simulator is. The zero value is calm: no fault, no lag, the documented
// daily quota.
type Faults struct {
	// Rate is the share of calls, 0 to 1, that meet a fault. At most one fault of this list hits a
	// call, so the shares add up:
	//
	//	429, 500, 502, 503, 504  refused with that status, nothing applied
	//	401                      a good token refused
	//	hang                     no answer for 60 s, then the connection breaks; half of them applied
	//	html                     a page of HTML with status 200, nothing applied
	//	truncated                applied, the JSON of the answer cut in half
	//	applied_500              applied, then answered 500
	//	423                      the record is locked, nothing applied
	//	477                      the account is being moved, with Retry-After, nothing applied
	//
	// Two more are drawn by the simulator itself, for batches only:
	//
	//	partial                  share of batches in which some rows fail
	//	shuffled                 share of batches whose rows are answered in another order, where the CRM
	//	                         promises none
	Rate map[string]float64
	// DropReply is the share of applied writes whose connection breaks before the answer.
	DropReply float64
	Webhooks  WebhookFaults
	// SearchLag is how late a search index, or a commit's visibility, is at most.
	SearchLag time.Duration
	// IndexMissing is the share of changes that the search index misses altogether, until the record
	// changes again.
	IndexMissing float64
	// PropertyLag is how late a property that was just made is there to be read, written and searched.
	PropertyLag time.Duration
	// Quota is how many calls a day are allowed; 0 is the CRM's documented default.
	Quota int
	// UniqueTasks says that tasks accept a property whose values are unique.
	UniqueTasks bool
	// Life is what people and automation do while all this goes on.
	Life Life
}

// WebhookFaults are shares of events, 0 to 1.
type WebhookFaults struct {
	Drop    float64 `json:"drop"`    // never sent
	Double  float64 `json:"double"`  // sent twice
	Shuffle float64 `json:"shuffle"` // sent out of order
	Late    float64 `json:"late"`    // sent up to a day late
	// WrongPortal is the share that names another tenant's portal.
	WrongPortal float64 `json:"wrong_portal"`
}

// rates lists the names Faults.Rate knows, in the order in which one draw is laid over them.
var rates = [...]string{
	"429", "500", "502", "503", "504", "401", "hang", "html", "truncated", "applied_500", "423", "477",
	"partial", "shuffled",
}

// drawn says that the gate draws the fault for a call; the others are the simulator's, for batches.
func drawn(name string) bool { return name != "partial" && name != "shuffled" }

// IsRate reports whether Faults.Rate knows a fault of that name.
func IsRate(name string) bool { return slices.Contains(rates[:], name) }

// PatchFaults returns f with what a body of POST /faults says; a name that is unknown is an error.
func PatchFaults(f Faults, raw []byte) (Faults, error) {
	p, err := parsePatch(raw)
	if err != nil {
		return f, err
	}
	return p.apply(f)
}

// faultsPatch is the body of POST /faults. Pointers tell "absent" from "zero".
type faultsPatch struct {
	CRM         string              `json:"crm"`
	Rate        map[string]float64  `json:"rate"`
	DropReply   *float64            `json:"drop_reply"`
	Webhooks    *map[string]float64 `json:"webhooks"`
	SearchLag   json.RawMessage     `json:"search_lag"`
	Missing     *float64            `json:"index_missing"`
	PropertyLag json.RawMessage     `json:"property_lag"`
	Quota       *int                `json:"quota"`
	Unique      *bool               `json:"unique_tasks"`
	Life        json.RawMessage     `json:"life"`
}

// parsePatch reads the body of POST /faults strictly: a misspelt fault would silently test nothing.
func parsePatch(raw []byte) (faultsPatch, error) {
	var p faultsPatch
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return p, fmt.Errorf("read faults: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Rate)) {
		if !IsRate(name) {
			return p, fmt.Errorf("unknown rate %q: one of %v", name, rates)
		}
		if err := checkShare("rate "+name, p.Rate[name]); err != nil {
			return p, err
		}
	}
	for _, s := range [...]struct {
		name  string
		value *float64
	}{{"drop_reply", p.DropReply}, {"index_missing", p.Missing}} {
		if s.value == nil {
			continue
		}
		if err := checkShare(s.name, *s.value); err != nil {
			return p, err
		}
	}
	return p, nil
}

func checkShare(name string, v float64) error {
	if v < 0 || v > 1 {
		return fmt.Errorf("%s is %v: a share between 0 and 1", name, v)
	}
	return nil
}

// calms says that the patch names no fault at all.
func (p faultsPatch) calms() bool {
	return p.Rate == nil && p.DropReply == nil && p.Webhooks == nil && p.SearchLag == nil && p.Missing == nil &&
		p.PropertyLag == nil && p.Quota == nil && p.Unique == nil && p.Life == nil
}

// apply returns f with what the patch names. Whether tasks can be unique is a trait of the portal, not
// a fault, so calming leaves it alone.
func (p faultsPatch) apply(f Faults) (Faults, error) {
	if p.calms() {
		return Faults{UniqueTasks: f.UniqueTasks}, nil
	}
	if p.Rate != nil {
		merged := maps.Clone(f.Rate)
		if merged == nil || len(p.Rate) == 0 {
			merged = map[string]float64{}
		}
		maps.Copy(merged, p.Rate)
		f.Rate = merged
	}
	if p.DropReply != nil {
		f.DropReply = *p.DropReply
	}
	if p.Webhooks != nil {
		var err error
		if f.Webhooks, err = patchWebhooks(f.Webhooks, *p.Webhooks); err != nil {
			return f, err
		}
	}
	for _, l := range [...]struct {
		name string
		set  json.RawMessage
		lag  *time.Duration
	}{{"search_lag", p.SearchLag, &f.SearchLag}, {"property_lag", p.PropertyLag, &f.PropertyLag}} {
		if l.set == nil {
			continue
		}
		var err error
		if *l.lag, err = parseLag(l.name, l.set); err != nil {
			return f, err
		}
	}
	if p.Missing != nil {
		f.IndexMissing = *p.Missing
	}
	if p.Life != nil {
		var err error
		if f.Life, err = patchLife(f.Life, p.Life); err != nil {
			return f, err
		}
	}
	if p.Quota != nil {
		f.Quota = *p.Quota
	}
	if p.Unique != nil {
		f.UniqueTasks = *p.Unique
	}
	return f, nil
}

func patchWebhooks(f WebhookFaults, set map[string]float64) (WebhookFaults, error) {
	if len(set) == 0 {
		return WebhookFaults{}, nil
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if err := checkShare("webhooks "+name, set[name]); err != nil {
			return f, err
		}
		switch name {
		case "drop":
			f.Drop = set[name]
		case "double":
			f.Double = set[name]
		case "shuffle":
			f.Shuffle = set[name]
		case "late":
			f.Late = set[name]
		case "wrong_portal":
			f.WrongPortal = set[name]
		default:
			return f, fmt.Errorf("unknown webhook fault %q: drop, double, shuffle, late or wrong_portal", name)
		}
	}
	return f, nil
}

// parseLag reads a number of seconds, or a text such as "1.5s".
func parseLag(name string, raw json.RawMessage) (time.Duration, error) {
	var seconds float64
	if err := json.Unmarshal(raw, &seconds); err == nil {
		return time.Duration(seconds * float64(time.Second)), nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return 0, fmt.Errorf("%s %s: seconds, or a text such as \"1.5s\"", name, raw)
	}
	lag, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return lag, nil
}
