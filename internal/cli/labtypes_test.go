package cli

import (
	"net/http"
	"strings"
	"testing"

	"github.com/kodekloud/kml/internal/apitypes"
)

// What stands is replaced, and a new name is made: the server refuses one that is
// asked for as the other.
func TestApplyMakesNewLabTypes(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.on("GET /v1/labtypes/s3-website", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, apitypes.Problem{Status: 404, Code: "not_found", Detail: "lab type s3-website: not found", Remedy: "list what there is"})
	}))
	var sent []string
	s.on("PUT /v1/labtypes/s3-website", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Header.Get("If-Match")+"|"+r.Header.Get("If-None-Match"))
		answer(w, apitypes.LabType{LabTypeSpec: apitypes.LabTypeSpec{Name: "s3-website"}, Revision: 1})
	}))
	r := s.kmlctl(t, outside{}, "labtypes", "apply", "-f", "../labtype/builtin/s3-website.yaml")
	if r.code != exitOK || !strings.Contains(r.out, "s3-website") || strings.Join(sent, " ") != "|*" {
		t.Errorf("code %d, sent %q, told %s%s", r.code, sent, r.out, r.err)
	}
}
