package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity"
	"github.com/kodekloud/kml/internal/labtype"
)

const validatePath = "/v1/labtypes/validate"

// validateRoute takes its body as it comes: what is wrong with it is the answer,
// not a refusal.
func (s *Server) validateRoute() {
	register(s, op{id: "validate-lab-type", method: http.MethodPost, path: validatePath, tag: "Lab types", summary: "Check a lab type without applying it", maxBody: specBody, needs: access.LabTypesRead,
		detail: "200 for whatever is JSON; errors says what is wrong with it. Nothing is changed."}, s.validateLabType)
	doc := s.api.OpenAPI()
	doc.Paths[validatePath].Post.RequestBody.Content = map[string]*huma.MediaType{"application/json": {Schema: doc.Components.Schemas.Schema(reflect.TypeFor[apitypes.LabTypeSpec](), true, "")}}
}

func (s *Server) validateLabType(_ context.Context, in *struct {
	RawBody []byte
}) (*body[apitypes.LabTypeCheck], error) {
	var given any
	if err := json.Unmarshal(in.RawBody, &given); err != nil {
		return nil, newProblem(http.StatusBadRequest, "malformed", "the body is not JSON", "send a lab type as JSON")
	}
	if wrong := s.shape(given); len(wrong) > 0 {
		return ok(apitypes.LabTypeCheck{Errors: wrong}), nil
	}
	var spec apitypes.LabTypeSpec
	if err := json.Unmarshal(in.RawBody, &spec); err != nil { // what a schema does not say: durations
		return ok(apitypes.LabTypeCheck{Errors: []apitypes.ProblemField{{Field: "max_duration", Remedy: shorten(err.Error())}}}), nil
	}
	return ok(check(fromSpec(spec))), nil
}

// shape holds JSON against the schema of a lab type.
func (s *Server) shape(given any) []apitypes.ProblemField {
	schemas, found := s.api.OpenAPI().Components.Schemas, &huma.ValidateResult{}
	schema := schemas.Schema(reflect.TypeFor[apitypes.LabTypeSpec](), true, "")
	huma.Validate(schemas, schema, huma.NewPathBuffer([]byte{}, 0), huma.ModeWriteToServer, given, found)
	var out []apitypes.ProblemField
	for _, err := range found.Errors[:min(len(found.Errors), mostErrors)] {
		if f, ok := field(err); ok {
			out = append(out, f)
		}
	}
	return out
}

// check looks at a lab type as an apply would.
func check(lt fleet.LabType) apitypes.LabTypeCheck {
	var out apitypes.LabTypeCheck
	for _, f := range labtype.Check(lt) {
		out.Errors = append(out.Errors, apitypes.ProblemField{Field: f.Field, Value: shorten(f.Value), Remedy: f.Remedy})
	}
	if out.Valid = len(out.Errors) == 0; !out.Valid {
		return out
	}
	policies, err := labtype.Documents(lt)
	if err != nil {
		return apitypes.LabTypeCheck{Errors: []apitypes.ProblemField{{Field: "statements", Remedy: err.Error()}}}
	}
	out.Policies = policies
	return out
}

func (s *Server) testLabType(ctx context.Context, in *struct {
	LabTypePath
	Body apitypes.AccessQuestion
}) (*body[apitypes.AccessAnswer], error) {
	lt, err := s.LabTypes.Get(ctx, in.Name)
	if err != nil {
		return nil, fmt.Errorf("lab type %s: %w", in.Name, err)
	}
	answer, err := s.Preview.Preview(ctx, lt, identity.Question{Action: in.Body.Action, Resource: in.Body.Resource, Context: in.Body.Context})
	if err != nil {
		return nil, inBody(err)
	}
	return ok(toAnswer(answer)), nil
}

// toAnswer is what IAM says as JSON.
func toAnswer(a identity.Answer) apitypes.AccessAnswer {
	out := apitypes.AccessAnswer{Allowed: a.Decision == "allowed", Decision: a.Decision, Statements: make([]apitypes.MatchedBy, len(a.Statements)), Missing: a.Missing, Boundary: a.Boundary}
	for i, m := range a.Statements {
		out.Statements[i] = apitypes.MatchedBy{Policy: m.Policy, Sid: m.Sid, Effect: m.Effect, Text: m.Text}
	}
	return out
}

// toLabType is a lab type as JSON.
func toLabType(lt fleet.LabType, st fleet.LabTypeStatus) apitypes.LabType {
	out := apitypes.LabType{Revision: lt.Revision, Active: !st.Off, Failures: st.Failures, Since: st.Since, LabTypeSpec: apitypes.LabTypeSpec{
		Name: lt.Name, Title: lt.Title, Description: lt.Description, Regions: append([]string{}, lt.Regions...), Services: append([]string{}, lt.Services...),
		MaxDuration: apitypes.Duration(lt.MaxDuration), Console: lt.Console, Keys: lt.Keys, InstanceTypes: lt.InstanceTypes, Probe: lt.Probe,
		Statements: make([]apitypes.Statement, len(lt.Statements)),
	}}
	if st.Off {
		out.Reason = st.Reason
	}
	for i, s := range lt.Statements {
		out.Statements[i] = apitypes.Statement{Sid: s.Sid, Effect: s.Effect, Actions: s.Actions, NotActions: s.NotActions, Resources: s.Resources, Conditions: s.Conditions}
	}
	return out
}

// fromSpec is a lab type as the fleet knows it.
func fromSpec(b apitypes.LabTypeSpec) fleet.LabType {
	lt := fleet.LabType{Name: b.Name, Title: b.Title, Description: b.Description, Regions: b.Regions, Services: b.Services, MaxDuration: time.Duration(b.MaxDuration),
		Console: b.Console, Keys: b.Keys, InstanceTypes: b.InstanceTypes, Probe: b.Probe, Statements: make([]fleet.Statement, len(b.Statements))}
	for i, s := range b.Statements {
		lt.Statements[i] = fleet.Statement{Sid: s.Sid, Effect: s.Effect, Actions: s.Actions, NotActions: s.NotActions, Resources: s.Resources, Conditions: s.Conditions}
	}
	return lt
}
