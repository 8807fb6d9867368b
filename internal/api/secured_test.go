package api

import (
	"net/http"
	"testing"
)

// A query of which a part cannot be read is not answered without that part.
func TestUnreadableQueries(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	f.request(t, academy, wants("ada"))
	for _, query := range []string{"student=%zz", "student=%", "student=eve%", "type=x;student=eve", "student=%ff;b", "student=a%00;b", "student=%ff", "student=%00"} {
		a := f.do(t, academy, http.MethodGet, "/v1/labs?"+query, nil)
		refused(t, a, http.StatusBadRequest, "malformed")
	}
	if a := f.do(t, academy, http.MethodGet, "/v1/labs?student=a%3Bb%25", nil); a.status != http.StatusOK {
		t.Errorf("what is escaped as it should be: %+v", a)
	}
}
