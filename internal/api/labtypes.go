package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity"
)

// LabTypes is the catalog of lab types: package labtype.
type LabTypes interface {
	Get(ctx context.Context, name string) (fleet.LabType, error)
	All(ctx context.Context) ([]fleet.LabType, error)
	// Apply puts a lab type in force; Replace only over the revision given, 0
	// being none at all: fleet.ErrConflict if another is in force.
	Apply(ctx context.Context, lt fleet.LabType, who string) (fleet.LabType, error)
	Replace(ctx context.Context, lt fleet.LabType, who string, seen int64) (fleet.LabType, error)
}

// Statuses knows whether lab types are switched on.
type Statuses interface {
	Status(ctx context.Context, name string) (fleet.LabTypeStatus, error)
	All(ctx context.Context) ([]fleet.LabTypeStatus, error)
}

// Preview asks IAM what a lab type allows: package identity.
type Preview interface {
	Preview(ctx context.Context, lt fleet.LabType, q identity.Question) (identity.Answer, error)
}

const specBody = 256 << 10 // bytes of a lab type

func (s *Server) labTypeRoutes() {
	register(s, op{id: "list-lab-types", method: http.MethodGet, path: "/v1/labtypes", tag: "Lab types", summary: "List the lab types", needs: access.LabTypesRead}, s.listLabTypes)
	register(s, op{id: "get-lab-type", method: http.MethodGet, path: "/v1/labtypes/{name}", tag: "Lab types", summary: "Get a lab type", needs: access.LabTypesRead}, s.getLabType)
	register(s, op{id: "apply-lab-type", method: http.MethodPut, path: "/v1/labtypes/{name}", tag: "Lab types", summary: "Apply a lab type", maxBody: specBody, needs: access.LabTypesWrite,
		also: map[int]string{http.StatusCreated: "The lab type, which is new."}, detail: "A new one without If-Match; one that exists with the ETag that it was read with. Labs that run keep what they were requested with."}, s.applyLabType)
	s.validateRoute()
	register(s, op{id: "activate-lab-type", method: http.MethodPost, path: "/v1/labtypes/{name}/activate", tag: "Lab types", summary: "Switch a lab type on", needs: access.LabTypesWrite},
		func(ctx context.Context, in *labTypeSwitch) (*tagged[apitypes.LabType], error) {
			return s.switchLabType(ctx, in, false)
		})
	register(s, op{id: "deactivate-lab-type", method: http.MethodPost, path: "/v1/labtypes/{name}/deactivate", tag: "Lab types", summary: "Switch a lab type off", needs: access.LabTypesWrite,
		detail: "New labs of it are refused with the reason; those that run go on."},
		func(ctx context.Context, in *labTypeSwitch) (*tagged[apitypes.LabType], error) {
			return s.switchLabType(ctx, in, true)
		})
	register(s, op{id: "test-lab-type", method: http.MethodPost, path: "/v1/labtypes/{name}/test", tag: "Lab types", summary: "Ask whether a lab type allows something", needs: access.LabTypesRead, limit: applyLimit,
		detail: "IAM's own SimulateCustomPolicy answers, with the policies and the boundary of the lab. Nothing is changed."}, s.testLabType)
}

type LabTypePath struct {
	Name string `path:"name" minLength:"1" maxLength:"64" doc:"name of the lab type" example:"ec2-basics"`
}

func (s *Server) labType(ctx context.Context, name string) (*tagged[apitypes.LabType], error) {
	lt, err := s.LabTypes.Get(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("lab type %s: %w", name, err)
	}
	status, err := s.Statuses.Status(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("status of lab type %s: %w", name, err)
	}
	return &tagged[apitypes.LabType]{ETag: etag(lt.Revision), Body: toLabType(lt, status)}, nil
}

func (s *Server) getLabType(ctx context.Context, in *struct{ LabTypePath }) (*tagged[apitypes.LabType], error) {
	return s.labType(ctx, in.Name)
}

func (s *Server) listLabTypes(ctx context.Context, _ *struct{}) (*body[apitypes.Page[apitypes.LabType]], error) {
	all, err := s.LabTypes.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list lab types: %w", err)
	}
	statuses, err := s.Statuses.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("status of lab types: %w", err)
	}
	known := map[string]fleet.LabTypeStatus{}
	for _, st := range statuses {
		known[st.Name] = st
	}
	return ok(pageOf(all, "", func(lt fleet.LabType) apitypes.LabType { return toLabType(lt, known[lt.Name]) })), nil
}

type labTypeApply struct {
	LabTypePath
	Versioned
	IfNoneMatch string `header:"If-None-Match" enum:"*" doc:"* applies it only if there is none of the name"`
	Body        apitypes.LabTypeSpec
}

// labTypeAnswer is a lab type that was applied.
type labTypeAnswer struct {
	Status int
	ETag   string `header:"ETag" doc:"version, for If-Match"`
	Body   apitypes.LabType
}

func (s *Server) applyLabType(ctx context.Context, in *labTypeApply) (*labTypeAnswer, error) {
	if in.Body.Name != in.Name {
		return nil, &fleet.FieldError{Field: "body.name", Value: in.Body.Name, Remedy: "give the name in the path: " + in.Name}
	}
	_, err := s.LabTypes.Get(ctx, in.Name)
	exists := err == nil
	if err != nil && !errors.Is(err, fleet.ErrNotFound) {
		return nil, fmt.Errorf("lab type %s: %w", in.Name, err)
	}
	lt, err := s.applyOver(ctx, in, exists)
	if err != nil {
		return nil, inBody(err)
	}
	now, err := s.labType(ctx, lt.Name)
	if err != nil {
		return nil, err
	}
	out := &labTypeAnswer{http.StatusOK, now.ETag, now.Body}
	if !exists {
		out.Status = http.StatusCreated
	}
	return out, nil
}

// applyOver applies a lab type over what the caller has seen. The catalog
// decides: another process may have applied one that is not seen here yet.
func (s *Server) applyOver(ctx context.Context, in *labTypeApply, exists bool) (fleet.LabType, error) {
	lt, who := fromSpec(in.Body), access.From(ctx).Who()
	seen, tagged := int64(0), in.IfMatch != ""
	switch {
	case exists && in.IfNoneMatch != "":
		return lt, newProblem(http.StatusPreconditionFailed, "exists", "there is a lab type "+in.Name, "read it, and give its ETag as If-Match")
	case exists && !tagged:
		return lt, in.match(0)
	case tagged && strings.TrimSpace(in.IfMatch) == "*" && exists:
		return s.LabTypes.Apply(ctx, lt, who)
	case tagged:
		n, err := strconv.ParseInt(strings.Trim(strings.TrimSpace(in.IfMatch), `"`), 10, 64)
		if err != nil || n == 0 && !exists {
			return lt, newProblem(http.StatusPreconditionFailed, "changed", "no such revision is in force", "read the lab type, and give its ETag as If-Match; leave it out for a new one")
		}
		seen = n
	}
	lt, err := s.LabTypes.Replace(ctx, lt, who, seen)
	if errors.Is(err, fleet.ErrConflict) {
		return lt, newProblem(http.StatusPreconditionFailed, "changed", "another revision is in force", "read the lab type again and repeat the edit")
	}
	return lt, err
}

type labTypeSwitch struct {
	LabTypePath
	Body apitypes.Reason
}

func (s *Server) switchLabType(ctx context.Context, in *labTypeSwitch, off bool) (*tagged[apitypes.LabType], error) {
	if _, err := s.labType(ctx, in.Name); err != nil {
		return nil, err
	}
	if err := s.Operate.SwitchLabType(ctx, in.Name, off, access.From(ctx).Who(), in.Body.Reason); err != nil {
		return nil, err
	}
	return s.labType(ctx, in.Name)
}
