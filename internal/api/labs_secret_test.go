package api

import (
	"net/http"
	"strings"
	"testing"
)

// No record, no secret.
func TestCredentialsAreNotToldUnrecorded(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	l := f.active(t, academy, 1)
	log := f.Activity
	for _, what := range []string{"/credentials", "/signin-link"} {
		f.Activity = noLog{log}
		a := f.do(t, academy, http.MethodPost, "/v1/labs/"+l.ID+what, nil)
		refused(t, a, http.StatusServiceUnavailable, "unavailable")
		if strings.Contains(a.body, secretKey) || strings.Contains(a.body, "signin.test") {
			t.Errorf("%s: told: %s", what, a.body)
		}
		f.Activity = log
		if a := f.do(t, academy, http.MethodPost, "/v1/labs/"+l.ID+what, nil); a.status != http.StatusOK {
			t.Errorf("%s: %+v", what, a)
		}
	}
}
