package api

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

// queued gives a fleet with asynq's client and inspector.
func queued(t testing.TB) *fleetBench {
	t.Helper()
	f := &fleetBench{waited: func(string) {}}
	f.bench = setup(t, func(b *bench, c *Config) {
		f.wire(t, b, c)
		c.Queue, c.Inspector = asynq.NewClientFromRedisClient(b.redis), asynq.NewInspectorFromRedisClient(b.redis)
	})
	return f
}

func TestOrganizations(t *testing.T) {
	t.Parallel()
	f := queued(t)
	f.warm(t, 1)
	f.loaded(t, 2)
	o := get[apitypes.Organization](t, f.bench, viewer, "/v1/organizations/main")
	want := apitypes.Organization{Name: "main", ManagementAccount: "999999999999", MemberRole: "kml", Denied: []string{"888888888888"}, Accounts: map[string]int{"user_created": 1, "account_loaded": 1},
		OUs: []apitypes.OU{{ID: "ou-1", Purpose: "production", Warm: 3, WarmFor: []string{labName}, Accounts: map[string]int{"user_created": 1, "account_loaded": 1}}, {ID: "ou-2", Purpose: "testing", Accounts: map[string]int{}}}}
	if fmt.Sprint(o) != fmt.Sprint(want) {
		t.Errorf("organization is\n%+v, want\n%+v", o, want)
	}
	if p := get[apitypes.Page[apitypes.Organization]](t, f.bench, viewer, "/v1/organizations"); len(p.Items) != 1 || fmt.Sprint(p.Items[0]) != fmt.Sprint(want) {
		t.Errorf("organizations are %+v", p)
	}
	refused(t, f.do(t, viewer, http.MethodGet, "/v1/organizations/none", nil), http.StatusNotFound, "not_found")
}

func TestSyncOrganization(t *testing.T) {
	t.Parallel()
	f := queued(t)
	for range 2 { // the second finds it in the queue
		if got := decode[apitypes.Accepted](t, f.do(t, operator, http.MethodPost, "/v1/organizations/main/sync", nil), http.StatusAccepted); !got.Accepted {
			t.Errorf("answer is %+v", got)
		}
	}
	refused(t, f.do(t, operator, http.MethodPost, "/v1/organizations/none/sync", nil), http.StatusNotFound, "not_found")
	refused(t, f.do(t, viewer, http.MethodPost, "/v1/organizations/main/sync", nil), http.StatusForbidden, "forbidden")
	found, err := f.Inspector.ListPendingTasks(tasks.QueueFleet)
	must(t, err)
	if len(found) != 1 || found[0].Type != tasks.KindSync || string(found[0].Payload) != `{"org":"main"}` {
		t.Errorf("in the queue are %+v", found)
	}
}

func TestActivity(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	for i, l := range []fleet.Activity{
		{ID: "1", Kind: "transition", Account: "000000000001", Session: "s1", From: "in_use", To: "account_cleanup", Reason: "over"},
		{ID: "2", Kind: "labtype", LabType: labName, To: "off", Who: "failsafe"},
		{ID: "3", Kind: "call", Session: "s1", Who: "Linus (key)", Where: "10.0.0.1", What: "end-lab /v1/labs/s1/end", Outcome: "200"},
	} {
		l.At = t0.Add(time.Duration(i) * time.Minute)
		must(t, f.db.Activity().Append(f.ctx, l))
	}
	list := func(query string) (ids []string) {
		for cursor, more := "", true; more; {
			p := get[apitypes.Page[apitypes.Activity]](t, f.bench, viewer, "/v1/activity?limit=1&"+query+"&cursor="+cursor)
			for _, l := range p.Items {
				ids = append(ids, l.ID)
			}
			cursor, more = p.Next, p.Next != ""
		}
		return ids
	}
	minute := t0.Add(time.Minute).Format(time.RFC3339)
	for query, want := range map[string][]string{
		"": {"3", "2", "1"}, "account=000000000001": {"1"}, "lab=s1": {"3", "1"}, "lab_type=" + labName: {"2"}, "kind=call": {"3"}, "who=failsafe": {"2"}, "since=" + minute: {"3", "2"}, "until=" + minute: {"1"},
	} {
		if got := list(query); !slices.Equal(got, want) {
			t.Errorf("%q gives %v, want %v", query, got, want)
		}
	}
	names(t, refused(t, f.do(t, viewer, http.MethodGet, "/v1/activity?since="+minute+"&until="+minute, nil), http.StatusUnprocessableEntity, "invalid"), "query.until")
	names(t, refused(t, f.do(t, viewer, http.MethodGet, "/v1/activity?cursor=x", nil), http.StatusUnprocessableEntity, "invalid"), "query.cursor")
	refused(t, f.do(t, academy, http.MethodGet, "/v1/activity", nil), http.StatusForbidden, "forbidden")
}

// reported is a report of the same rows for every time.
type reported struct {
	rows     []fleet.Usage
	from, to time.Time
}

func (r *reported) Usage(_ context.Context, from, to time.Time) ([]fleet.Usage, error) {
	r.from, r.to = from, to
	return r.rows, nil
}

func TestUsage(t *testing.T) {
	t.Parallel()
	r := &reported{rows: []fleet.Usage{
		{Day: "2026-11-20", LabType: "ec2", Org: "main", Labs: 1, Minutes: 10, Failed: 1, Cleanings: 1, Cleaning: 90 * time.Second},
		{Day: "2026-11-20", LabType: "s3", Org: "main", Labs: 2, Minutes: 20, Expired: 1},
		{Day: "2026-11-21", LabType: "ec2", Org: "=HYPERLINK(\"x\")", Labs: 4, Minutes: 40, Cancelled: 1},
	}}
	b := setup(t, func(_ *bench, c *Config) { c.Reports = r })
	sums := func(query string) (out []string) {
		for _, u := range get[apitypes.Page[apitypes.Usage]](t, b, viewer, "/v1/usage?"+query).Items {
			out = append(out, fmt.Sprint(u.Day, "/", u.Type, "/", u.Org, " ", u.Labs, " ", u.Minutes))
		}
		return out
	}
	for query, want := range map[string][]string{
		"by=day": {"2026-11-20// 3 30", "2026-11-21// 4 40"}, "by=lab_type": {"/ec2/ 5 50", "/s3/ 2 20"}, "by=total": {"// 7 70"}, "by=lab_type,organization": {`/ec2/=HYPERLINK("x") 4 40`, "/ec2/main 1 10", "/s3/main 2 20"},
	} {
		if got := sums(query); !slices.Equal(got, want) {
			t.Errorf("%q gives %v, want %v", query, got, want)
		}
	}
	if got := sums(""); len(got) != 3 || !r.to.Equal(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)) || !r.from.Equal(time.Date(2026, 10, 22, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("unasked: %v from %v to %v", got, r.from, r.to)
	}
	sums("from=2026-11-01&to=2026-11-30")
	if !r.from.Equal(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) || !r.to.Equal(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("from %v to %v", r.from, r.to)
	}
	for query, field := range map[string]string{"from=2026-11-02&to=2026-11-01": "query.to", "from=2025-01-01": "query.from", "from=yesterday": "query.from", "by=student": "query.by[0]", "format=xml": "query.format"} {
		names(t, refused(t, b.do(t, viewer, http.MethodGet, "/v1/usage?"+query, nil), http.StatusUnprocessableEntity, "invalid"), field)
	}
	refused(t, b.do(t, academy, http.MethodGet, "/v1/usage", nil), http.StatusForbidden, "forbidden")
}

func TestUsageAsCSV(t *testing.T) {
	t.Parallel()
	r := &reported{rows: []fleet.Usage{{Day: "2026-11-21", LabType: "-1+1", Org: "=HYPERLINK(\"x\")", Labs: 4, Minutes: 40.5, Cleaning: 90 * time.Second}}}
	b := setup(t, func(_ *bench, c *Config) { c.Reports = r })
	want := [][]string{{"day", "lab_type", "organization", "labs", "minutes", "failed", "expired", "cancelled", "cleanings", "cleaning_minutes"},
		{"2026-11-21", "'-1+1", `'=HYPERLINK("x")`, "4", "40.50", "0", "0", "0", "0", "1.50"}}
	for _, a := range []answer{b.do(t, viewer, http.MethodGet, "/v1/usage?format=csv", nil), b.do(t, viewer, http.MethodGet, "/v1/usage", nil, "Accept", "text/csv")} {
		got, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
		if err != nil || a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%d %s: %v, %v", a.status, a.header.Get("Content-Type"), got, err)
		}
	}
	if a := b.do(t, viewer, http.MethodGet, "/v1/usage?format=json", nil, "Accept", "text/csv"); a.header.Get("Content-Type") != "application/json" {
		t.Errorf("format loses against Accept: %v", a.header)
	}
	names(t, refused(t, b.do(t, viewer, http.MethodGet, "/v1/usage?from=x", nil, "Accept", "text/csv"), http.StatusUnprocessableEntity, "invalid"), "query.from")
}
