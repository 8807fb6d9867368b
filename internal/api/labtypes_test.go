package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity"
)

func typeSpec(name string) apitypes.LabTypeSpec {
	s := toLabType(ec2Basics, fleet.LabTypeStatus{}).LabTypeSpec
	s.Name = name
	return s
}

func TestReadLabTypes(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	a := f.do(t, teacher, http.MethodGet, "/v1/labtypes/"+labName, nil)
	if lt := decode[apitypes.LabType](t, a, http.StatusOK); !lt.Active || !reflect.DeepEqual(lt.LabTypeSpec, typeSpec(labName)) || a.header.Get("ETag") != `"0"` {
		t.Errorf("lab type is %+v, version %s", lt, a.header.Get("ETag"))
	}
	must(t, f.db.LabTypes().SetOff(f.ctx, labName, true, "broken", t0))
	p := get[apitypes.Page[apitypes.LabType]](t, f.bench, teacher, "/v1/labtypes")
	if len(p.Items) != 1 || p.Items[0].Name != labName || p.Items[0].Active || p.Items[0].Reason != "broken" {
		t.Errorf("lab types are %+v", p)
	}
	refused(t, f.do(t, teacher, http.MethodGet, "/v1/labtypes/none", nil), http.StatusNotFound, "not_found")
}

func TestApplyLabType(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	put := func(s apitypes.LabTypeSpec, headers ...string) answer {
		t.Helper()
		return f.do(t, operator, http.MethodPut, "/v1/labtypes/"+s.Name, s, headers...)
	}
	made := put(typeSpec("new"), "If-None-Match", "*")
	if lt := decode[apitypes.LabType](t, made, http.StatusCreated); lt.Revision != 1 || made.header.Get("ETag") != `"1"` || !lt.Active {
		t.Errorf("new lab type is %+v", lt)
	}
	refused(t, put(typeSpec("new"), "If-None-Match", "*"), http.StatusPreconditionFailed, "exists")
	s := typeSpec("new")
	s.Title = "Another"
	refused(t, put(s), http.StatusPreconditionRequired, "if_match_required")
	refused(t, put(s, "If-Match", `"0"`), http.StatusPreconditionFailed, "changed")
	refused(t, put(s, "If-Match", `odd`), http.StatusPreconditionFailed, "changed")
	if lt := get[apitypes.LabType](t, f.bench, operator, "/v1/labtypes/new"); lt.Revision != 1 || lt.Title != "EC2" {
		t.Errorf("a refused edit made %+v", lt)
	}
	if lt := decode[apitypes.LabType](t, put(s, "If-Match", `"1"`), http.StatusOK); lt.Revision != 2 || lt.Title != "Another" {
		t.Errorf("edited: %+v", lt)
	}
	s.Title = "A third"
	if lt := decode[apitypes.LabType](t, put(s, "If-Match", `*`), http.StatusOK); lt.Revision != 3 {
		t.Errorf("edited: %+v", lt)
	}
	refused(t, put(typeSpec("none"), "If-Match", `*`), http.StatusPreconditionFailed, "changed")
	refused(t, put(typeSpec("none"), "If-Match", `"3"`), http.StatusPreconditionFailed, "changed")
	// One that came with the fleet has revision 0.
	s = typeSpec(labName)
	s.Title = "Edited"
	if lt := decode[apitypes.LabType](t, put(s, "If-Match", `"0"`), http.StatusOK); lt.Revision != 1 {
		t.Errorf("edited: %+v", lt)
	}
	names(t, refused(t, f.do(t, operator, http.MethodPut, "/v1/labtypes/other", typeSpec("new")), http.StatusUnprocessableEntity, "invalid"), "body.name")
	s = typeSpec("bad")
	s.Regions, s.Probe = []string{"mars-1"}, "s3:ListAllMyBuckets"
	p := refused(t, put(s), http.StatusUnprocessableEntity, "invalid")
	names(t, p, "body.regions[0]")
	names(t, p, "body.probe")
	refused(t, f.do(t, teacher, http.MethodPut, "/v1/labtypes/x", typeSpec("x")), http.StatusForbidden, "forbidden")
}

// Another process applied one meanwhile, which the catalog here has not seen.
func TestApplyOverWhatIsNotSeenHere(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	get[apitypes.LabType](t, f.bench, operator, "/v1/labtypes/"+labName)
	other := ec2Basics
	other.Revision, other.Title = 1, "by another process"
	must(t, f.db.LabTypeFiles().Put(f.ctx, other, "somebody", t0))
	s := typeSpec(labName)
	s.Title = "mine"
	refused(t, f.do(t, operator, http.MethodPut, "/v1/labtypes/"+labName, s, "If-Match", `"0"`), http.StatusPreconditionFailed, "changed")
	if lt := decode[apitypes.LabType](t, f.do(t, operator, http.MethodPut, "/v1/labtypes/"+labName, s, "If-Match", `"1"`), http.StatusOK); lt.Revision != 2 {
		t.Errorf("lab type is %+v", lt)
	}
}

func TestValidateLabType(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	validate := func(body any) apitypes.LabTypeCheck {
		t.Helper()
		return decode[apitypes.LabTypeCheck](t, f.do(t, teacher, http.MethodPost, validatePath, body), http.StatusOK)
	}
	c := validate(typeSpec("new"))
	if !c.Valid || len(c.Errors) != 0 || len(c.Policies) < 2 {
		t.Errorf("check is %+v", c)
	}
	for _, p := range c.Policies {
		if !json.Valid([]byte(p)) || !strings.Contains(p, "Statement") {
			t.Errorf("policy is %s", p)
		}
	}
	if c.Policies[0] == "" || !strings.Contains(strings.Join(c.Policies, ""), "ec2:Describe*") {
		t.Errorf("the statement is in none of %v", c.Policies)
	}
	for body, field := range map[string]string{`{}`: "name", `{"name":"x","colour":"red"}`: "colour", `[]`: "body", `7`: "body"} {
		c := validate(body)
		found := false
		for _, e := range c.Errors {
			found = found || strings.Contains(e.Field+" "+e.Remedy, field)
		}
		if c.Valid || !found {
			t.Errorf("%s: %+v", body, c)
		}
	}
	s := typeSpec("new")
	s.Probe, s.MaxDuration = "s3:ListAllMyBuckets", apitypes.Duration(time.Hour*100)
	if c := validate(s); c.Valid || len(c.Errors) != 2 || len(c.Policies) != 0 {
		t.Errorf("check is %+v", c)
	}
	if c := validate(strings.Replace(string(encode(t, typeSpec("new"))), `"4h0m0s"`, `"soon"`, 1)); c.Valid || c.Errors[0].Field != "max_duration" {
		t.Errorf("check is %+v", c)
	}
	refused(t, f.do(t, teacher, http.MethodPost, validatePath, "{"), http.StatusBadRequest, "malformed")
	if p := get[apitypes.Page[apitypes.LabType]](t, f.bench, teacher, "/v1/labtypes"); len(p.Items) != 1 {
		t.Errorf("a validation applied %+v", p)
	}
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	must(t, err)
	return b
}

func TestSwitchLabType(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	path := "/v1/labtypes/" + labName
	off := decode[apitypes.LabType](t, f.do(t, operator, http.MethodPost, path+"/deactivate", apitypes.Reason{Reason: "AWS has a bad day"}), http.StatusOK)
	if off.Active || off.Reason != "AWS has a bad day" || !off.Since.Equal(t0) {
		t.Errorf("lab type is %+v", off)
	}
	refused(t, f.do(t, academy, http.MethodPost, "/v1/labs", wants("ada")), http.StatusConflict, "lab_type_off")
	on := decode[apitypes.LabType](t, f.do(t, operator, http.MethodPost, path+"/activate", apitypes.Reason{Reason: "over"}), http.StatusOK)
	if !on.Active || on.Reason != "" {
		t.Errorf("lab type is %+v", on)
	}
	f.request(t, academy, wants("ada"))
	lines, err := f.db.Activity().Find(f.ctx, fleet.ActivityQuery{LabType: labName, Kind: "labtype"})
	must(t, err)
	if len(lines) != 2 || lines[0].Who != operator.Who() {
		t.Errorf("the log says %+v", lines)
	}
	for _, what := range []string{"/activate", "/deactivate"} {
		refused(t, f.do(t, operator, http.MethodPost, "/v1/labtypes/none"+what, apitypes.Reason{Reason: "x"}), http.StatusNotFound, "not_found")
		names(t, refused(t, f.do(t, operator, http.MethodPost, path+what, apitypes.Reason{}), http.StatusUnprocessableEntity, "invalid"), "body.reason")
	}
}

func TestTestLabType(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	q := apitypes.AccessQuestion{Action: "ec2:RunInstances", Resource: "*", Context: map[string][]string{"aws:RequestedRegion": {"us-east-1"}}}
	a := decode[apitypes.AccessAnswer](t, f.do(t, teacher, http.MethodPost, "/v1/labtypes/"+labName+"/test", q), http.StatusOK)
	if !a.Allowed || a.Statements[0].Policy != labName || !reflect.DeepEqual(f.asked, identity.Question(q)) {
		t.Errorf("answer is %+v to %+v", a, f.asked)
	}
	refused(t, f.do(t, teacher, http.MethodPost, "/v1/labtypes/none/test", q), http.StatusNotFound, "not_found")
	names(t, refused(t, f.do(t, teacher, http.MethodPost, "/v1/labtypes/"+labName+"/test", apitypes.AccessQuestion{Action: "all"}), http.StatusUnprocessableEntity, "invalid"), "body.action")
}
