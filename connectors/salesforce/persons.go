package salesforce

import (
	"context"
	"maps"
	"slices"

	"github.com/handoffd/handoffd/connectors"
)

// A person account is an Account and a Contact that are one buyer. It is a
// person to us: as an Account it is never listed, polled or found, so it cannot
// be taken for a company, and the Contact belongs to none. Its owner is the
// Account's; the Contact only shows it.
const personAccount = "IsPersonAccount"

// companies is the condition that leaves person accounts out.
func (sel selection) companies() string {
	if sel.schema.object == string(Account) && sel.schema.has(personAccount) {
		return personAccount + " = false"
	}
	return ""
}

// both joins two conditions, either of which may be "".
func both(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return "(" + a + ") AND " + b
}

// withOwners adds, for each Contact that is a person account and is to get an
// owner, a write of that owner to its Account. pairs says which write each of
// the added ones comes from. Orgs without person accounts pay nothing for it.
func (o *org) withOwners(ctx context.Context, writes []connectors.Write) (all []connectors.Write, pairs map[int]int, err *connectors.Error) {
	var at []int
	var ids []string
	for i, w := range writes {
		id, ok := normalizeID(w.Ref.ID)
		if _, owns := w.Set["OwnerId"]; ok && owns && w.Ref.Kind == Contact {
			at, ids = append(at, i), append(ids, id)
		}
	}
	if len(at) == 0 {
		return writes, nil, nil
	}
	s, err := o.schema(ctx, string(Contact))
	if err != nil || !s.has(personAccount) {
		return writes, nil, nil //nolint:nilerr // what is wrong with it, compiling will say
	}
	slices.Sort(ids)
	var qs []query
	for chunk := range slices.Chunk(slices.Compact(ids), perQuery) {
		where := in("Id", chunk) + " AND " + personAccount + " = true"
		qs = append(qs, query{statement{columns: []string{"Id", "AccountId"}, object: s.object, where: where}, false})
	}
	found, errs, err := o.queries(ctx, purposeRead, opWrite, qs)
	if err != nil {
		return nil, nil, err
	}
	accounts := map[string]string{}
	for i := range qs {
		if errs[i] != nil {
			return nil, nil, errs[i]
		}
		for _, row := range found[i] {
			id, _ := row["Id"].(string)
			account, _ := row["AccountId"].(string)
			if id, ok := normalizeID(id); ok && account != "" {
				accounts[id] = account
			}
		}
	}
	all, pairs = slices.Clone(writes), map[int]int{}
	for _, i := range at {
		w := writes[i]
		id, _ := normalizeID(w.Ref.ID)
		account, person := accounts[id]
		if !person {
			continue
		}
		owner := connectors.Write{
			Ref: connectors.Ref{Conn: w.Ref.Conn, Kind: Account, ID: account},
			Set: map[string]any{"OwnerId": w.Set["OwnerId"]}, Key: w.Key + " owner", NotAfter: w.NotAfter,
		}
		w.Set = maps.Clone(w.Set)
		delete(w.Set, "OwnerId")
		all[i] = w
		pairs[len(all)] = i
		all = append(all, owner)
	}
	return all, pairs, nil
}

// gather gives every write one result: of a pair, what went wrong with either.
func gather(results []connectors.Result, pairs map[int]int) []connectors.Result {
	out := results[:len(results)-len(pairs)]
	for added := len(out); added < len(results); added++ {
		r := &out[pairs[added]]
		if r.Err == nil {
			r.Err = results[added].Err
		}
		r.Skipped = append(r.Skipped, results[added].Skipped...)
		if r.Version == "" && r.Err == nil {
			r.ModifiedAt = results[added].ModifiedAt
		}
	}
	return out
}
