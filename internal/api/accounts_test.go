package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
)

func TestListAccounts(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	f.loaded(t, 3) // rested longest, but ids are what counts
	f.clock.Advance(time.Minute)
	f.warm(t, 2)
	l := f.active(t, academy, 1)
	list := func(query string) (ids []string) {
		for cursor, more := "", true; more; {
			p := get[apitypes.Page[apitypes.Account]](t, f.bench, viewer, "/v1/accounts?limit=1&"+query+"&cursor="+cursor)
			for _, a := range p.Items {
				ids = append(ids, strings.TrimLeft(a.ID, "0"))
			}
			cursor, more = p.Next, p.Next != ""
		}
		return ids
	}
	busy := strings.TrimLeft(l.Account, "0")
	free := []string{"1", "2"}
	free = slices.DeleteFunc(free, func(id string) bool { return id == busy })
	for query, want := range map[string][]string{
		"": {"1", "2", "3"}, "state=in_use": {busy}, "state=in_use,account_loaded": {busy, "3"}, "state=user_created": free, "lab_type=" + labName: {busy},
		"organization=main": {"1", "2", "3"}, "organization=none": nil, "ou=ou-2": nil, "purpose=production&ou=ou-1": {"1", "2", "3"}, "purpose=testing": nil, "booking=b": nil,
	} {
		if got := list(query); !slices.Equal(got, want) {
			t.Errorf("%q gives %v, want %v", query, got, want)
		}
	}
	for query, field := range map[string]string{"state=odd": "query.state[0]", "purpose=odd": "query.purpose", "cursor=%25": "query.cursor"} {
		names(t, refused(t, f.do(t, viewer, http.MethodGet, "/v1/accounts?"+query, nil), http.StatusUnprocessableEntity, "invalid"), field)
	}
	refused(t, f.do(t, academy, http.MethodGet, "/v1/accounts", nil), http.StatusForbidden, "forbidden")
}

func TestGetAccount(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	l := f.active(t, academy, 1)
	a := f.do(t, viewer, http.MethodGet, "/v1/accounts/"+l.Account, nil)
	got := decode[apitypes.Account](t, a, http.StatusOK)
	if got.State != "in_use" || got.Lab != l.ID || got.Type != labName || a.header.Get("ETag") != etag(got.Version) {
		t.Errorf("account is %+v", got)
	}
	for _, secret := range []string{"AKIAEXAMPLE", "key_id", "nonce"} {
		if strings.Contains(a.body, secret) {
			t.Errorf("the answer holds %s: %s", secret, a.body)
		}
	}
	for _, what := range []string{"", "/history", "/cleanings", "/evidence"} {
		refused(t, f.do(t, viewer, http.MethodGet, "/v1/accounts/000000000009"+what, nil), http.StatusNotFound, "not_found")
	}
	names(t, refused(t, f.do(t, viewer, http.MethodGet, "/v1/accounts/9", nil), http.StatusUnprocessableEntity, "invalid"), "path.id")
}

// The document holds the last transitions, the log those before: together they
// are the whole story, each step once.
func TestAccountHistory(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	l := f.active(t, academy, 1)
	a, err := f.db.Accounts().Get(f.ctx, l.Account)
	must(t, err)
	for range 30 { // more than a document keeps
		f.clock.Advance(time.Second)
		for _, to := range []fleet.State{fleet.Cleanup, fleet.UserDeleted, fleet.Loaded} {
			if a, err = f.machine.Move(f.ctx, a, to, "round", func(n *fleet.Account) { n.User = nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	read := func(limit int) (steps []apitypes.Transition) {
		for cursor, more := "", true; more; {
			p := get[apitypes.Page[apitypes.Transition]](t, f.bench, viewer, fmt.Sprintf("/v1/accounts/%s/history?limit=%d&cursor=%s", l.Account, limit, cursor))
			steps = append(steps, p.Items...)
			cursor, more = p.Next, p.Next != ""
		}
		return steps
	}
	whole := read(500)
	if len(whole) < 90 || whole[0].To != "account_loaded" || whole[0].From != "user_deleted" {
		t.Fatalf("%d steps, the first %+v", len(whole), whole[0])
	}
	for i, step := range whole[:len(whole)-1] {
		if older := whole[i+1]; step.From != older.To || older.At.After(step.At) {
			t.Fatalf("step %d: %+v does not follow %+v", i, step, older)
		}
	}
	if pages := read(7); !slices.Equal(pages, whole) {
		t.Errorf("in pages there are %d steps, at once %d", len(pages), len(whole))
	}
}

func TestAccountCleanings(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	l := f.active(t, academy, 1)
	path := "/v1/accounts/" + l.Account
	refused(t, f.do(t, viewer, http.MethodGet, path+"/evidence", nil), http.StatusNotFound, "not_found")
	f.do(t, academy, http.MethodPost, "/v1/labs/"+l.ID+"/end", nil)
	run := f.cleaning(t, l.Account)
	p := get[apitypes.Page[apitypes.Cleaning]](t, f.bench, viewer, path+"/cleanings")
	if len(p.Items) != 1 || p.Items[0].ID != run.ID || p.Items[0].Lab != l.ID {
		t.Errorf("cleanings are %+v", p)
	}
	got := get[apitypes.CleaningEvidence](t, f.bench, viewer, path+"/evidence?cleaning="+run.ID)
	if got.ID != run.ID || len(got.Evidence) != 1 {
		t.Errorf("evidence is %+v", got)
	}
	f.loaded(t, 2)
	refused(t, f.do(t, viewer, http.MethodGet, "/v1/accounts/000000000002/evidence?cleaning="+run.ID, nil), http.StatusNotFound, "not_found")
}

func TestSteerAccounts(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	l := f.active(t, academy, 1)
	why := apitypes.Reason{Reason: "a bill that nobody can explain"}
	path := "/v1/accounts/" + l.Account
	do := func(what string, body any, headers ...string) answer {
		t.Helper()
		return f.do(t, operator, http.MethodPost, path+what, body, headers...)
	}
	refused(t, do("/clean", apitypes.CleanOrder{Reason: "now"}), http.StatusConflict, "wrong_state")
	refused(t, do("/quarantine", why, "If-Match", `"1"`), http.StatusPreconditionFailed, "changed")
	a := do("/quarantine", why, "If-Match", etag(get[apitypes.Account](t, f.bench, viewer, path).Version))
	got := decode[apitypes.Account](t, a, http.StatusOK)
	if got.State != "failed" || !strings.Contains(got.Reason, why.Reason) || !strings.Contains(got.Reason, operator.Who()) || a.header.Get("ETag") != etag(got.Version) {
		t.Errorf("quarantined: %+v", got)
	}
	if lab := get[apitypes.Lab](t, f.bench, academy, "/v1/labs/"+l.ID); lab.State != "ended" {
		t.Errorf("the lab in it is %s", lab.State)
	}
	if got = decode[apitypes.Account](t, do("/release", why), http.StatusOK); got.State != "account_cleanup" {
		t.Errorf("released: %+v", got)
	}
	refused(t, do("/release", why), http.StatusConflict, "wrong_state")
	if got = decode[apitypes.Account](t, do("/drain", why), http.StatusOK); !strings.Contains(got.Drain, why.Reason) {
		t.Errorf("drained: %+v", got)
	}
	f.loaded(t, 2)
	path = "/v1/accounts/000000000002"
	if got = decode[apitypes.Account](t, do("/clean", apitypes.CleanOrder{Reason: "look", Full: true}), http.StatusOK); got.State != "account_cleanup" || !got.SweptAt.IsZero() {
		t.Errorf("cleaned: %+v", got)
	}
	for _, what := range []string{"/quarantine", "/release", "/drain", "/clean"} {
		names(t, refused(t, do(what, apitypes.Reason{}), http.StatusUnprocessableEntity, "invalid"), "body.reason")
		refused(t, f.do(t, operator, http.MethodPost, "/v1/accounts/000000000009"+what, why), http.StatusNotFound, "not_found")
		refused(t, f.do(t, viewer, http.MethodPost, path+what, why), http.StatusForbidden, "forbidden")
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	f.loaded(t, 1)
	f.dryRun = []fleet.Evidence{{Action: "planned", Kind: "ec2.vpc", Resource: "vpc-1"}}
	got := decode[apitypes.DryRun](t, f.do(t, operator, http.MethodPost, "/v1/accounts/000000000001/dry-run", nil), http.StatusOK)
	if got.Account != "000000000001" || len(got.Evidence) != 1 || got.Evidence[0].Resource != "vpc-1" {
		t.Errorf("dry run is %+v", got)
	}
	refused(t, f.do(t, operator, http.MethodPost, "/v1/accounts/000000000002/dry-run", nil), http.StatusNotFound, "not_found")
}
