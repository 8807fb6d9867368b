package api

import (
	"testing"

	"github.com/kodekloud/kml/internal/apitypes"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := get[apitypes.Version](t, b, viewer, "/v1/version")
	if v.Version != "test" || !v.Time.Equal(t0) || v.Endpoint != b.Endpoint {
		t.Errorf("version is %+v", v)
	}
}
