package salesforce

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// act is an activity, and the object that told of it.
type act struct {
	connectors.Object
	of string // the object
	id string // of the row
}

// letter reports whether a task looks like an e-mail that went out or came in,
// of which only the e-mail itself says which. One with our key is a reminder to
// write one.
func (a act) letter() bool {
	return a.of == taskObject && !a.Deleted && a.Fields[connectors.ActType] == "email" &&
		a.Fields[connectors.ActState] == "done" && a.Fields[connectors.ActKey] == nil
}

// postbox remembers which e-mail a task has, by the task's version, so that the
// overlap of polls does not ask again.
type postbox struct {
	mu   sync.Mutex
	kept map[string]*connectors.Object // nil: it has none
}

// mostLetters bounds what a postbox keeps.
const mostLetters = 5000

func (b *postbox) get(a act) (mail *connectors.Object, known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	mail, known = b.kept[a.Ref.ID+a.Version]
	return mail, known
}

func (b *postbox) put(a act, mail *connectors.Object) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kept == nil || len(b.kept) >= mostLetters {
		b.kept = map[string]*connectors.Object{}
	}
	b.kept[a.Ref.ID+a.Version] = mail
}

// once gives an e-mail and its task as one: what the e-mail says, under the
// task's id. A task whose e-mail is not among the activities is looked up, five
// times 200 a call; one that has none stays as it is.
func (o *org) once(ctx context.Context, purpose, op string, acts []act) ([]connectors.Object, *connectors.Error) {
	mails := map[string]connectors.Object{}
	for _, a := range acts {
		if was, ok := mails[a.Ref.ID]; a.of == emailObject && (!ok || was.Version < a.Version) {
			mails[a.Ref.ID] = a.Object
		}
	}
	if err := o.fetchMails(ctx, purpose, op, acts, mails); err != nil {
		return nil, err
	}
	objs := make([]connectors.Object, 0, len(acts))
	told := map[string]bool{}
	for _, a := range acts {
		mail, has := mails[a.Ref.ID]
		if has && a.of == taskObject {
			objs, told[a.Ref.ID] = append(objs, joined(mail, a.Object)), true
		} else if !has {
			objs = append(objs, a.Object)
		}
	}
	for _, a := range acts {
		if a.of == emailObject && !told[a.Ref.ID] {
			objs, told[a.Ref.ID] = append(objs, mails[a.Ref.ID]), true
		}
	}
	return objs, nil
}

// joined is an e-mail with what its task knows beside it.
func joined(mail, task connectors.Object) connectors.Object {
	for _, l := range task.Links {
		if !slices.Contains(mail.Links, l) {
			mail.Links = append(slices.Clone(mail.Links), l)
		}
	}
	mail.Deleted = mail.Deleted || task.Deleted
	if task.Version > mail.Version {
		mail.Version, mail.ModifiedAt, mail.ModifiedBy = task.Version, task.ModifiedAt, task.ModifiedBy
	}
	return mail
}

// fetchMails adds the e-mails of the letters that are not there.
func (o *org) fetchMails(ctx context.Context, purpose, op string, acts []act, mails map[string]connectors.Object) *connectors.Error {
	var missing []act
	var ids []string
	for _, a := range acts {
		if _, ok := mails[a.Ref.ID]; ok || !a.letter() {
			continue
		}
		if mail, known := o.post.get(a); !known {
			missing, ids = append(missing, a), append(ids, a.Ref.ID)
		} else if mail != nil {
			mails[a.Ref.ID] = *mail
		}
	}
	if len(missing) == 0 {
		return nil
	}
	sel, ok, err := o.mailSelection(ctx)
	if err != nil || !ok {
		return err
	}
	slices.Sort(ids)
	var qs []query
	for chunk := range slices.Chunk(slices.Compact(ids), perQuery) {
		qs = append(qs, query{statement{columns: sel.names, object: emailObject, where: in("ActivityId", chunk)}, false})
	}
	found, errs, err := o.queries(ctx, purpose, op, qs)
	if err != nil {
		return err
	}
	for n := range qs {
		if errs[n] != nil {
			return errs[n]
		}
		for _, row := range found[n] {
			if mail, is := sel.activity(row, time.Time{}); is {
				mails[mail.Ref.ID] = mail
			}
		}
	}
	for _, a := range missing {
		var kept *connectors.Object
		if mail, ok := mails[a.Ref.ID]; ok {
			kept = &mail
		}
		o.post.put(a, kept)
	}
	return nil
}

// mailSelection is what to read of e-mails; false: the org shows none, or none
// that can be found by their task.
func (o *org) mailSelection(ctx context.Context) (selection, bool, *connectors.Error) {
	mails, err := o.shown(ctx, emailObject, pollSchemaLife)
	if err != nil && err.Class == connectors.Schema {
		return selection{}, false, nil
	}
	if err != nil {
		return selection{}, false, err
	}
	tasks, err := o.shown(ctx, taskObject, pollSchemaLife)
	if err != nil && err.Class != connectors.Schema {
		return selection{}, false, err
	}
	f, ok := mails.column("ActivityId")
	return o.chooseActs(mails, tasks), ok && f.filterable(), nil
}
