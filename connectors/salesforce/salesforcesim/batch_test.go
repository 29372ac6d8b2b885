package salesforcesim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// codes are "ok" or the statusCode of each record of a collections answer.
func codes(t *testing.T, a answer) string {
	t.Helper()
	var list []struct {
		Success bool
		Errors  []struct{ StatusCode string }
	}
	if a.Status != http.StatusOK {
		return fmt.Sprint(a.Status, " ", a.code(t))
	}
	a.into(t, &list)
	var out []string
	for _, o := range list {
		if o.Success {
			out = append(out, "ok")
		} else {
			out = append(out, o.Errors[0].StatusCode)
		}
	}
	return strings.Join(out, " ")
}

func TestCollections(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	one := c.create("Lead", `{"LastName":"One","Company":"C"}`)
	two := c.create("Lead", `{"LastName":"Two","Company":"C"}`)
	lead := func(rest string) string { return `{"attributes":{"type":"Lead"},` + rest + `}` }
	many := func(n int, rec func(i int) string) string {
		var list []string
		for i := range n {
			list = append(list, rec(i))
		}
		return strings.Join(list, ",")
	}
	mixed := func(i int) string {
		if i%2 == 0 {
			return lead(`"LastName":"M","Company":"C"`)
		}
		return `{"attributes":{"type":"Contact"},"LastName":"M"}`
	}
	mixedIDs := make([]string, 0, 11)
	for i := range 11 {
		mixedIDs = append(mixedIDs, newID([]string{"00Q", "003"}[i%2], uint64(i)))
	}
	for _, tc := range []struct{ name, method, path, body, want string }{
		{"empty", "POST", "composite/sobjects", `{"records":[]}`, "400 REQUIRED_FIELD_MISSING"},
		{"201 records", "POST", "composite/sobjects", `{"records":[` + many(201, func(int) string { return lead(`"LastName":"x"`) }) + `]}`, "400 EXCEEDED_ID_LIMIT"},
		{"10 chunks", "POST", "composite/sobjects", `{"records":[` + many(10, mixed) + `]}`, strings.TrimSpace(strings.Repeat("ok ", 10))},
		{"11 chunks", "POST", "composite/sobjects", `{"records":[` + many(11, mixed) + `]}`, "400 INVALID_INPUT"},
		{"in order", "PATCH", "composite/sobjects", `{"records":[` + lead(`"id":"`+two+`","Title":"t"`) + `,` + lead(`"id":"00QdL0000zzzzzz","Title":"t"`) + `,` + lead(`"Id":"`+one[:15]+`","Title":"t"`) + `]}`, "ok INVALID_CROSS_REFERENCE_KEY ok"},
		{"unknown member", "POST", "composite/sobjects", `{"allornothing":true,"records":[` + lead(`"LastName":"x"`) + `]}`, "400 JSON_PARSER_ERROR"},
		{"no id", "PATCH", "composite/sobjects", `{"records":[` + lead(`"Title":"t"`) + `]}`, "MISSING_ARGUMENT"},
		{"same id twice", "PATCH", "composite/sobjects", `{"records":[` + lead(`"id":"`+one+`"`) + `,` + lead(`"id":"`+one[:15]+`"`) + `]}`, "DUPLICATE_VALUE DUPLICATE_VALUE"},
		{"no type", "POST", "composite/sobjects", `{"records":[{"LastName":"x"}]}`, "INVALID_TYPE"},
		{"all or none", "POST", "composite/sobjects", `{"allOrNone":true,"records":[` + lead(`"LastName":"Roll","Company":"Back"`) + `,` + lead(`"LastName":"Roll"`) + `]}`, "ALL_OR_NONE_OPERATION_ROLLED_BACK REQUIRED_FIELD_MISSING"},
		{"upsert", "PATCH", "composite/sobjects/Lead/Handoff_Id__c", `{"records":[` + lead(`"Handoff_Id__c":"u1","LastName":"U","Company":"C"`) + `,` + lead(`"Handoff_Id__c":"u2"`) + `]}`, "ok REQUIRED_FIELD_MISSING"},
		{"upsert again", "PATCH", "composite/sobjects/Lead/Handoff_Id__c", `{"records":[` + lead(`"Handoff_Id__c":"U1","Title":"x"`) + `,` + lead(`"Title":"x"`) + `]}`, "ok MISSING_ARGUMENT"},
		{"key twice", "PATCH", "composite/sobjects/Lead/Handoff_Id__c", `{"records":[` + lead(`"Handoff_Id__c":"d"`) + `,` + lead(`"Handoff_Id__c":"D"`) + `]}`, "DUPLICATE_VALUE DUPLICATE_VALUE"},
		{"delete", "DELETE", "composite/sobjects?ids=" + one + "," + two + ",nonsense", "", "ok ok MALFORMED_ID"},
		{"delete again", "DELETE", "composite/sobjects?allOrNone=true&ids=" + one, "", "ENTITY_IS_DELETED"},
		{"delete 11 chunks", "DELETE", "composite/sobjects?ids=" + strings.Join(mixedIDs, ","), "", "400 INVALID_INPUT"},
		{"delete none", "DELETE", "composite/sobjects", "", "400 REQUIRED_FIELD_MISSING"},
	} {
		if diff := cmp.Diff(tc.want, codes(t, c.do(tc.method, tc.path, tc.body, "Sforce-Auto-Assign", "FALSE"))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	if n := len(c.rows("SELECT Id FROM Lead WHERE LastName = 'Roll'")); n != 0 {
		t.Errorf("%d rows survived the rollback", n)
	}
	live := c.create("Contact", `{"LastName":"Live"}`)
	if a := c.do("GET", "composite/sobjects/Contact?ids=003dL0000zzzzzz,"+live+"&fields=LastName", ""); !strings.HasPrefix(a.Raw, `[null,{"attributes"`) {
		t.Errorf("read many: %s", a.Raw)
	}
}

// statuses are the httpStatusCodes of a composite answer.
func statuses(t *testing.T, a answer) []int {
	t.Helper()
	var out struct {
		CompositeResponse []struct{ HTTPStatusCode int }
	}
	a.into(t, &out)
	list := []int{}
	for _, r := range out.CompositeResponse {
		list = append(list, r.HTTPStatusCode)
	}
	return list
}

func sub(method, path, ref, body string, headers ...string) string {
	if body == "" {
		body = "null"
	}
	var h []string
	for i := 0; i+1 < len(headers); i += 2 {
		h = append(h, fmt.Sprintf("%q:%q", headers[i], headers[i+1]))
	}
	return fmt.Sprintf(`{"method":%q,"url":%q,"referenceId":%q,"body":%s,"httpHeaders":{%s}}`, method, "/services/data/v60.0/"+path, ref, body, strings.Join(h, ","))
}

func composite(allOrNone bool, subs ...string) string {
	return fmt.Sprintf(`{"allOrNone":%v,"compositeRequest":[%s]}`, allOrNone, strings.Join(subs, ","))
}

// TestCompositeResources: a composite holds rows, queries and collections, and nothing else.
func TestCompositeResources(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	tree := `{"records":[{"attributes":{"type":"Lead","referenceId":"x"},"LastName":"Tree","Company":"C"}]}`
	a := c.do("POST", "composite", composite(false,
		sub("GET", "sobjects/Lead/describe", "a", ""),
		sub("GET", "queryAll?q=SELECT+Id+FROM+Lead", "b", ""),
		sub("GET", "composite/sobjects/Lead?ids=00QdL0000zzzzzz&fields=Id", "c", ""),
		sub("POST", "composite/tree/Lead", "d", tree),
		sub("GET", "search?q=FIND+%7BAcme%7D", "e", ""),
		sub("GET", "recent", "f", ""),
		sub("GET", "tooling/query?q=SELECT+Id+FROM+ValidationRule", "g", ""),
		sub("GET", "limits", "h", "")))
	if diff := cmp.Diff([]int{200, 200, 200, 400, 400, 400, 400, 400}, statuses(t, a)); diff != "" {
		t.Errorf("-want +got\n%s\n%s", diff, a.Raw)
	}
	if n := len(c.rows("SELECT Id FROM Lead WHERE LastName = 'Tree'")); n != 0 {
		t.Errorf("%d leads from a tree", n)
	}
}

func TestCompositeReferences(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	a := c.do("POST", "composite", composite(false,
		sub("POST", "sobjects/Account", "acc", `{"Name":"Ref Co"}`),
		sub("POST", "sobjects/Contact", "con", `{"LastName":"Ref","AccountId":"@{acc.id}"}`),
		sub("GET", "query?q=SELECT+Id,Account.Name+FROM+Contact+WHERE+Id='@{con.id}'", "q", ""),
		sub("PATCH", "sobjects/Contact/@{q.records[0].Id}", "upd", `{"Department":"@{q.records[0].Account.Name}"}`),
		sub("GET", "sobjects/Contact/@{upd.id}", "bad", ""), // an update answers no id
		sub("GET", "sobjects/Contact/@{con.id}?fields=Department", "end", ""),
	))
	if diff := cmp.Diff([]int{201, 201, 200, 204, 400, 200}, statuses(t, a)); diff != "" {
		t.Fatalf("(-want +got):\n%s\n%s", diff, a.Raw)
	}
	if !strings.Contains(a.Raw, `"Department":"Ref Co"`) || !strings.Contains(a.Raw, "PROCESSING_HALTED") {
		t.Errorf("got %s", a.Raw)
	}
}

// TestCompositeLevels: no header is inherited from the outer call, and each subrequest's own count.
func TestCompositeHeaders(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	ana := c.user("ana")
	inherits, own := c.create("Lead", `{"LastName":"A","Company":"C","OwnerId":"`+ana+`"}`), c.create("Lead", `{"LastName":"B","Company":"C","OwnerId":"`+ana+`"}`)
	old := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	a := c.do("POST", "composite", composite(false,
		sub("PATCH", "sobjects/Lead/"+inherits, "a", `{"Title":"x"}`),
		sub("PATCH", "sobjects/Lead/"+own, "b", `{"Title":"x"}`, "Sforce-Auto-Assign", "FALSE", "Sforce-Call-Options", "client=inner"),
		sub("PATCH", "sobjects/Lead/"+own, "c", `{"Title":"y"}`, "If-Unmodified-Since", old),
		sub("PATCH", "sobjects/Lead/"+own, "d", `{"Title":"y"}`, "Content-Type", "application/json"),
	), "Sforce-Auto-Assign", "FALSE", "Sforce-Call-Options", "client=outer")
	if diff := cmp.Diff([]int{204, 204, 412, 400}, statuses(t, a)); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, a.Raw)
	}
	if got := c.sim.byID(inherits).last()["OwnerId"]; got != c.sim.rule {
		t.Errorf("outer Sforce-Auto-Assign was inherited: owner %v", got)
	}
	if got := c.sim.byID(own).last()["OwnerId"]; got != ana {
		t.Errorf("own Sforce-Auto-Assign was ignored: owner %v", got)
	}
	if got := c.sim.Clients(); got["outer"] != 1 || got["inner"] != 1 {
		t.Errorf("clients %v", got)
	}
}

// TestCompositeAllOrNone is the task protocol without a unique key: parent row as the key.
func TestCompositeAllOrNone(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	lead := c.create("Lead", `{"LastName":"A","Company":"C"}`)
	task := sub("POST", "sobjects/Task", "task", `{"Subject":"Once","WhoId":"`+lead+`"}`)
	patch := func(since time.Time) string {
		return sub("PATCH", "sobjects/Lead/"+lead, "lead", `{"Title":"x"}`, "If-Unmodified-Since", since.UTC().Format(http.TimeFormat), "Sforce-Auto-Assign", "FALSE")
	}
	tasks := func() int { return len(c.rows("SELECT Id FROM Task WHERE WhoId = '" + lead + "'")) }
	a := c.do("POST", "composite", composite(true, task, patch(time.Now().Add(-time.Hour))))
	if diff := cmp.Diff([]int{400, 412}, statuses(t, a)); diff != "" || tasks() != 0 {
		t.Errorf("refused (-want +got):\n%s%d tasks, want 0: %s", diff, tasks(), a.Raw)
	}
	a = c.do("POST", "composite", composite(true, patch(time.Now().Add(time.Hour)), task))
	if diff := cmp.Diff([]int{204, 201}, statuses(t, a)); diff != "" || tasks() != 1 {
		t.Errorf("done (-want +got):\n%s%d tasks, want 1", diff, tasks())
	}
	before := c.sim.byID(lead).last()["SystemModstamp"]
	c.do("POST", "composite", composite(true, sub("PATCH", "sobjects/Lead/"+lead, "l", `{"Title":"rolled"}`), sub("POST", "sobjects/Lead", "n", `{}`)))
	if row := c.sim.byID(lead).last(); row["Title"] != "x" || row["SystemModstamp"] != before {
		t.Errorf("after rollback: %v stamped %v", row["Title"], row["SystemModstamp"])
	}
}

func TestCompositeLimits(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	read := func(n int) []string {
		var subs []string
		for i := range n {
			subs = append(subs, sub("GET", "sobjects", fmt.Sprint("r", i), ""))
		}
		return subs
	}
	heavy := func(n int) []string {
		var subs []string
		for i := range n {
			subs = append(subs, sub("GET", "queryAll?q=SELECT+Id+FROM+Lead+LIMIT+1", fmt.Sprint("q", i), ""))
		}
		return subs
	}
	for _, tc := range []struct {
		name string
		subs []string
		want int
	}{
		{"none", nil, 400},
		{"25", read(25), 200},
		{"26", read(26), 400},
		{"5 queries", heavy(5), 200},
		{"6 queries", heavy(6), 400},
		{"same name", []string{sub("GET", "sobjects", "a", ""), sub("GET", "sobjects", "a", "")}, 400},
		{"no name", []string{sub("GET", "sobjects", "", "")}, 400},
	} {
		before := c.sim.usage.used
		if a := c.do("POST", "composite", composite(false, tc.subs...)); a.Status != tc.want {
			t.Errorf("%s: got %d %s, want %d", tc.name, a.Status, a.Raw, tc.want)
		}
		if got := c.sim.usage.used - before; got != 1 {
			t.Errorf("%s: counted as %d calls, want 1", tc.name, got)
		}
	}
	a := c.do("POST", "composite", composite(false, sub("GET", "limits", "a", ""), sub("POST", "composite", "b", `{}`)))
	if diff := cmp.Diff([]int{400, 404}, statuses(t, a)); diff != "" {
		t.Errorf("foreign resources (-want +got):\n%s", diff)
	}
}

// TestCompositeAllOrNoneOfCollections: the composite's wish overrules that of
// the collections in it, so one bad record takes everything back.
func TestCompositeAllOrNoneOfCollections(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	many := func(ref, company string) string {
		return sub("POST", "composite/sobjects", ref, `{"allOrNone":false,"records":[{"attributes":{"type":"Lead"},"LastName":"Whole","Company":`+company+`}]}`)
	}
	for _, all := range []bool{true, false} {
		a := c.do("POST", "composite", composite(all, many("good", `"Co"`), many("bad", "null")))
		want := 1
		if all {
			want = 0
		}
		if got := len(c.rows("SELECT Id FROM Lead WHERE LastName = 'Whole'")); got != want {
			t.Errorf("allOrNone %v: %d leads, want %d: %s", all, got, want, a.Raw)
		}
	}
}
