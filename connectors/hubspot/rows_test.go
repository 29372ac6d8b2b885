package hubspot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/jarcoal/httpmock"
	"pgregory.net/rapid"
)

// liar is a HubSpot that makes tasks and says something else about it.
type liar struct {
	unique bool
	rows   []int // what becomes of each row, and what is said of it
	wholes []int // what becomes of each answer
	nRow   int
	nWhole int

	made map[string][]string // key -> ids
	next int
}

const (
	rowFates   = 10
	wholeFates = 12
)

func (l *liar) row() int {
	if l.nRow++; l.nRow <= len(l.rows) {
		return l.rows[l.nRow-1]
	}
	return 0
}

func (l *liar) whole() int {
	if l.nWhole++; l.nWhole <= len(l.wholes) {
		return l.wholes[l.nWhole-1]
	}
	return 0
}

// keyOf is the key that an input carries.
func keyOf(in writeInput) string {
	if key := in.Properties[keyProperty]; key != "" {
		return key
	}
	return markedKey(in.Properties[bodyProperty])
}

func (l *liar) create(r *http.Request) (*http.Response, error) {
	var in batchWrite
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	fate := l.whole()
	switch fate {
	case 1:
		return httpmock.NewStringResponse(504, `<html>`), nil
	case 2:
		return httpmock.NewStringResponse(400, `{"status":"error","category":"VALIDATION_ERROR","message":"no"}`), nil
	case 3:
		return httpmock.NewStringResponse(429, `{"status":"error","policyName":"TEN_SECONDLY_ROLLING","message":"You have reached your ten_secondly_rolling limit."}`), nil
	case 4:
		return httpmock.NewStringResponse(423, `{"status":"error","category":"LOCKED","message":"locked"}`), nil
	}
	var results, failed []string
	for i := len(in.Inputs) - 1; i >= 0; i-- { // in another order
		rows, errs := l.input(in.Inputs[i])
		results, failed = append(results, rows...), append(failed, errs...)
	}
	body := fmt.Sprintf(`{"status":"COMPLETE","results":[%s],"errors":[%s]}`, strings.Join(results, ","), strings.Join(failed, ","))
	switch fate {
	case 5, 6:
		return nil, errors.New("connection reset")
	case 7:
		return httpmock.NewStringResponse(500, `{"status":"error","message":"internal error"}`), nil
	case 8:
		return httpmock.NewStringResponse(207, body[:len(body)/2]), nil
	case 9:
		return httpmock.NewStringResponse(200, `<html>back soon</html>`), nil
	case 10:
		return httpmock.NewStringResponse(207, `{"results":null}`), nil
	case 11:
		return httpmock.NewStringResponse(524, `error code: 524`), nil
	}
	return httpmock.NewStringResponse(207, body), nil
}

// input makes the task of an input, or not, and is the rows and errors about it.
func (l *liar) input(in writeInput) (rows, failed []string) {
	key, fate := keyOf(in), l.row()
	says := func(category string) string {
		return fmt.Sprintf(`{"status":"error","category":%q,"message":"x","context":{"objectWriteTraceId":[%q]}}`, category, in.TraceID)
	}
	switch fate {
	case 3:
		return nil, []string{says("INTERNAL_ERROR")}
	case 4:
		return nil, nil
	case 5:
		return nil, []string{says("VALIDATION_ERROR")}
	case 7:
		return nil, []string{`{"status":"error","category":"VALIDATION_ERROR","message":"whose is this?"}`}
	}
	if l.unique && len(l.made[key]) > 0 {
		return nil, []string{fmt.Sprintf(`{"status":"error","category":"VALIDATION_ERROR","message":"x","errors":[{"code":"CONFLICTING_UNIQUE_VALUE","message":"x"}],"context":{"objectWriteTraceId":[%q]}}`, in.TraceID)}
	}
	l.next++
	id := fmt.Sprint(1000 + l.next)
	l.made[key] = append(l.made[key], id)
	row := fmt.Sprintf(`{"id":%q,"objectWriteTraceId":%q,"properties":{"handoff_key":%q,"hs_task_body":%q}}`, id, in.TraceID, in.Properties[keyProperty], in.Properties[bodyProperty])
	switch fate {
	case 1:
		return nil, nil
	case 2:
		return nil, []string{says("INTERNAL_ERROR")}
	case 6:
		return []string{row, `{"id":"77","properties":{}}`}, nil
	case 8:
		return []string{row}, []string{says("VALIDATION_ERROR")}
	case 9: // nothing in it leads back to the input
		return []string{fmt.Sprintf(`{"id":%q,"properties":{}}`, id)}, nil
	}
	return []string{row}, nil
}

func (l *liar) read(r *http.Request) (*http.Response, error) {
	var in batchRead
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	var rows []string
	for _, key := range slices.Sorted(maps.Keys(l.made)) {
		for _, id := range l.made[key] {
			if slices.Contains(in.Inputs, input{id}) || in.IDProperty == keyProperty && slices.Contains(in.Inputs, input{key}) {
				rows = append(rows, fmt.Sprintf(`{"id":%q,"properties":{"handoff_key":%q,"hs_task_body":"[handoff %s]"}}`, id, key, key))
			}
		}
	}
	return httpmock.NewStringResponse(200, `{"results":[`+strings.Join(rows, ",")+`]}`), nil
}

func (l *liar) tasks(*http.Request) (*http.Response, error) {
	var to []string
	for _, key := range slices.Sorted(maps.Keys(l.made)) {
		for _, id := range l.made[key] {
			to = append(to, fmt.Sprintf(`{"toObjectId":%s}`, id))
		}
	}
	return httpmock.NewStringResponse(200, `{"results":[{"from":{"id":"5"},"to":[`+strings.Join(to, ",")+`]}]}`), nil
}

// (C2, C3) Whatever HubSpot does and whatever it says: no write succeeds that
// was not confirmed, none that was made fails for good, and no task is made
// twice.
func TestRandomReplies(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := &liar{
			unique: rapid.Bool().Draw(rt, "unique"), made: make(map[string][]string),
			rows:   rapid.SliceOfN(rapid.IntRange(0, rowFates-1), 0, 40).Draw(rt, "rows"),
			wholes: rapid.SliceOfN(rapid.IntRange(0, wholeFates-1), 0, 8).Draw(rt, "wholes"),
		}
		n := rapid.IntRange(1, 6).Draw(rt, "writes")
		problem := ""
		synctest.Test(t, func(t *testing.T) { problem = l.deliver(t, n) })
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}

// deliver brings n tasks to rest as the outbox would.
func (l *liar) deliver(t *testing.T, n int) string {
	f := newFixture(t, l.unique)
	path := crm + "/crm/objects/" + APIVersion + "/tasks/batch/"
	f.transport.RegisterResponder("POST", path+"create", l.create)
	f.transport.RegisterResponder("POST", path+"read", l.read)
	f.transport.RegisterResponder("POST", crm+"/crm/associations/"+APIVersion+"/contacts/tasks/batch/read", l.tasks)
	var open []connectors.Write
	for i := range n {
		open = append(open, taskWrite(fmt.Sprint("k", i)))
	}
	for range 120 {
		if len(open) == 0 {
			break
		}
		results, err := f.Apply(t.Context(), open)
		if err != nil {
			return err.Error()
		}
		var rest []connectors.Write
		for i, r := range results {
			settled, problem := l.settle(t, f, open[i], r)
			if problem != "" {
				return problem
			}
			if !settled {
				rest = append(rest, open[i])
			}
		}
		open = rest
		time.Sleep(time.Minute)
	}
	for i := range n {
		if ids := l.made[fmt.Sprint("k", i)]; len(ids) != 1 {
			return fmt.Sprintf("k%d was made %d times: %v", i, len(ids), ids)
		}
	}
	return ""
}

// settle says whether a write is done with, and what is wrong with its result.
func (l *liar) settle(t *testing.T, f *fixture, w connectors.Write, r connectors.Result) (done bool, problem string) {
	ids := l.made[w.Key]
	switch {
	case r.Err == nil:
		if !slices.Contains(ids, r.Ref.ID) {
			return false, fmt.Sprintf("%s is said to be %s, made are %v", w.Key, r.Ref.ID, ids)
		}
		return true, ""
	case r.Err.Class != connectors.Ambiguous:
		// Where sending again is the look-up, "later" is an answer too.
		later := r.Err.Class == connectors.Throttled || r.Err.Class == connectors.Unavailable
		if len(ids) > 0 && (!l.unique || !later) {
			return false, fmt.Sprintf("%s was made as %v and failed with %v", w.Key, ids, r.Err)
		}
		return false, ""
	case l.unique:
		return false, "" // sending again is the look-up
	}
	found, err := f.Find(t.Context(), []connectors.Write{w})
	if err != nil {
		return false, err.Error()
	}
	if found[0].IsZero() != (len(ids) == 0) {
		return false, fmt.Sprintf("%s was found as %v, made are %v", w.Key, found[0], ids)
	}
	return !found[0].IsZero(), ""
}

// (C3) What an answer to updates says of each row, and what comes of it.
func TestRowsOfUpdates(t *testing.T) {
	t.Parallel()
	writes := []connectors.Write{update("a", "1"), update("b", "2"), update("c", "3")}
	tests := map[string]struct {
		reply string
		want  []string
	}{
		"a row and an error":        {`{"results":[{"id":"1"},{"id":"2"},{"id":"3"}],"errors":[{"category":"VALIDATION_ERROR","context":{"ids":["2"]}}]}`, []string{"a done 1", "b unavailable ", "c done 3"}},
		"rows twice":                {`{"results":[{"id":"1"},{"id":"1"},{"id":"2"},{"id":"3"}]}`, []string{"a done 1", "b done 2", "c done 3"}},
		"another's trace id":        {`{"results":[{"id":"1","objectWriteTraceId":"b"},{"id":"3"}]}`, []string{"a unavailable ", "b done 1", "c done 3"}},
		"merged away (C8)":          {`{"results":[{"id":"1","objectWriteTraceId":"a"},{"id":"99","objectWriteTraceId":"b"},{"id":"3","objectWriteTraceId":"c"}]}`, []string{"a done 1", "b done 99", "c done 3"}},
		"two records for one row":   {`{"results":[{"id":"1","objectWriteTraceId":"a"},{"id":"98","objectWriteTraceId":"b"},{"id":"99","objectWriteTraceId":"b"},{"id":"3"}]}`, []string{"a done 1", "b unavailable ", "c done 3"}},
		"one error for several":     {`{"results":[{"id":"1"}],"errors":[{"category":"OBJECT_NOT_FOUND","context":{"ids":["2","3"]}}]}`, []string{"a done 1", "b not_found ", "c not_found "}},
		"two errors of one sort":    {`{"results":[{"id":"1"}],"errors":[{"category":"OBJECT_NOT_FOUND","context":{"ids":["2"]}},{"category":"OBJECT_NOT_FOUND","context":{"ids":["3"]}}]}`, []string{"a done 1", "b not_found ", "c not_found "}},
		"the id of what is in way":  {`{"results":[{"id":"2"},{"id":"3"}],"errors":[{"category":"CONFLICT","message":"x","context":{"objectWriteTraceId":["a"],"id":["2"]}}]}`, []string{"a conflict ", "b done 2", "c done 3"}},
		"a stranger's error":        {`{"results":[{"id":"1"},{"id":"2"},{"id":"3"}],"errors":[{"category":"CONFLICT","context":{"ids":["77"]}}]}`, []string{"a done 1", "b done 2", "c done 3"}},
		"an unknown sort of error":  {`{"results":[{"id":"1"},{"id":"2"}],"errors":[{"category":"NEW_THING","context":{"ids":["3"]}}]}`, []string{"a done 1", "b done 2", "c unknown "}},
		"locked row (C1)":           {`{"results":[{"id":"1"},{"id":"2"}],"errors":[{"category":"LOCKED","context":{"ids":["3"]}}]}`, []string{"a done 1", "b done 2", "c unavailable "}},
		"nothing of any":            {`{"results":[],"errors":[]}`, []string{"a unavailable ", "b unavailable ", "c unavailable "}},
		"a row without id":          {`{"results":[{"properties":{}},{"id":"2"},{"id":"3"}]}`, []string{"a unavailable ", "b done 2", "c done 3"}},
		"an error inside a message": {`{"results":[{"id":"1"},{"id":"2"}],"errors":[{"status":"error","message":"{\"category\":\"VALIDATION_ERROR\",\"message\":\"no\"}","context":{"ids":["3"]}}]}`, []string{"a done 1", "b done 2", "c invalid "}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, false)
				f.answers("POST", "/crm/objects/"+APIVersion+"/contacts/batch/update", fixed(207, test.reply))
				results, err := f.Apply(t.Context(), writes)
				if err != nil {
					t.Fatal(err)
				}
				if got := outcomes(results); !slices.Equal(got, test.want) {
					t.Errorf("got %q, want %q", got, test.want)
				}
			})
		})
	}
}

// (C3) An error that names no row is found out by sending each open row alone,
// never blamed on its neighbours.
func TestNamelessErrorOfUpdates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, false)
		f.answers("POST", "/crm/objects/"+APIVersion+"/contacts/batch/update", func(body string) (int, string) {
			var in batchWrite
			if err := json.Unmarshal([]byte(body), &in); err != nil {
				return 400, `{}`
			}
			var rows []string
			failed := ""
			for _, one := range in.Inputs {
				switch {
				case one.ID == "2":
					failed = `{"category":"VALIDATION_ERROR","message":"no"}`
				case one.ID == "3" && len(in.Inputs) > 1: // left out for no reason
				default:
					rows = append(rows, fmt.Sprintf(`{"id":%q}`, one.ID))
				}
			}
			return 207, `{"results":[` + strings.Join(rows, ",") + `],"errors":[` + failed + `]}`
		})
		results, err := f.Apply(t.Context(), []connectors.Write{update("a", "1"), update("b", "2"), update("c", "3")})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := outcomes(results), []string{"a done 1", "b invalid ", "c done 3"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
