package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/apitypes"
)

func TestPool(t *testing.T) {
	t.Parallel()
	f := setupClasses(t, 5)
	f.book(t, teacher, classRequest(2, time.Hour))
	f.at(t, 45*time.Minute)
	got := get[apitypes.Pool](t, f.bench, viewer, "/v1/pool")
	want := apitypes.PoolStatus{Org: "main", OU: "ou-1", Purpose: "production", Target: 3, Ready: 3, Held: 2, Total: 5}
	if len(got.OUs) != 2 || got.OUs[0] != want || got.OUs[1].OU != "ou-2" {
		t.Errorf("%+v", got.OUs)
	}
	if n, ok := got.Waiting["production"]; !ok || n != 0 {
		t.Errorf("waiting %v", got.Waiting)
	}
	if len(got.Forecast) == 0 || got.Forecast[0].Booked != 2 || got.Forecast[0].Free != 3 {
		t.Errorf("%+v", got.Forecast)
	}
	refused(t, f.do(t, teacher, http.MethodGet, "/v1/pool", nil), http.StatusForbidden, "forbidden")
}

func TestSetTarget(t *testing.T) {
	t.Parallel()
	f := setupClasses(t, 1)
	const path = "/v1/pool/main/ou-1/target"
	refused(t, f.do(t, operator, http.MethodPut, path, apitypes.Target{Warm: 9}), http.StatusPreconditionRequired, "if_match_required")
	refused(t, f.do(t, operator, http.MethodPut, path, apitypes.Target{Warm: 9}, "If-Match", `"3"`), http.StatusPreconditionFailed, "changed")
	a := f.do(t, operator, http.MethodPut, path, apitypes.Target{Warm: 9}, "If-Match", `"0"`)
	if got := decode[apitypes.Target](t, a, http.StatusOK); got.Warm != 9 || a.header.Get("ETag") != `"1"` {
		t.Errorf("%+v, %v", got, a.header)
	}
	refused(t, f.do(t, operator, http.MethodPut, path, apitypes.Target{Warm: 8}, "If-Match", `"0"`), http.StatusPreconditionFailed, "changed")
	refused(t, f.do(t, operator, http.MethodPut, "/v1/pool/main/ou-9/target", apitypes.Target{Warm: 1}, "If-Match", "*"), http.StatusNotFound, "not_found")
	refused(t, f.do(t, operator, http.MethodPut, path, `{"warm":-1}`, "If-Match", "*"), http.StatusUnprocessableEntity, "invalid")
	refused(t, f.do(t, viewer, http.MethodPut, path, apitypes.Target{Warm: 1}, "If-Match", "*"), http.StatusForbidden, "forbidden")
	if got := get[apitypes.Pool](t, f.bench, operator, "/v1/pool"); got.OUs[0].Target != 9 || got.OUs[0].Version != 1 {
		t.Errorf("%+v", got.OUs[0])
	}
}
