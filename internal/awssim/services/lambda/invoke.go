package lambda

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// InvokeInput has the payload in the call's body.
type InvokeInput struct {
	Name           string `json:"-" path:"FunctionName"`
	Qualifier      string `json:"-" q:"Qualifier"`
	InvocationType string `json:"-" header:"X-Amz-Invocation-Type"` // RequestResponse, Event, DryRun
	LogType        string `json:"-" header:"X-Amz-Log-Type"`
}

func (in *InvokeInput) named() Named { return Named{in.Name, in.Qualifier} }

func (s *Service) invokeOps() []core.Op {
	needs := core.Needs(func(c *core.Call, in *InvokeInput) []core.Permission {
		p := s.permission(c, in.named())
		p.Action = "lambda:InvokeFunction" // IAM's name for Invoke
		if r, err := parseRef(c, in.Name, in.Qualifier); err == nil {
			p.Resource = r.qualified()
		}
		return []core.Permission{p}
	})
	return []core.Op{
		core.Handle("Invoke", s.invoke, core.REST("POST", "/2015-03-31/functions/{FunctionName}/invocations"), core.Data, needs),
		core.Handle("InvokeAsync", s.invokeAsync, core.REST("POST", "/2014-11-13/functions/{FunctionName}/invoke-async"), core.Data, needs),
		core.Handle("InvokeFunctionUrl", s.invokeURL, core.Data, core.Anonymous, core.Needs(s.urlNeeds)), // routeByQuery
	}
}

func (s *Service) invoke(c *core.Call, in *InvokeInput) (*core.Raw, error) {
	if len(c.Body) > 0 && !json.Valid(c.Body) {
		return nil, core.Errorf(400, "InvalidRequestContentException", "Could not parse request body into json: %.40q", c.Body)
	}
	f, r, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	v, err := f.at(r)
	if err != nil {
		return nil, err
	}
	if err := s.runnable(f, v, c.Now); err != nil {
		return nil, err
	}
	switch in.InvocationType {
	case "DryRun":
		return &core.Raw{Status: 204}, nil
	case "", "RequestResponse", "Event":
	default:
		return nil, constraint("invocationType", in.InvocationType, "Member must satisfy enum value set: [RequestResponse, Event, DryRun]")
	}
	lines := s.execute(r, f, v, c.RequestID, c.Now)
	if in.InvocationType == "Event" {
		return &core.Raw{Status: 202}, nil
	}
	out := &core.Raw{Status: 200, Body: c.Body, Header: http.Header{}}
	if len(out.Body) == 0 {
		out.Body = []byte("{}")
	}
	out.Header.Set("Content-Type", "application/json")
	out.Header.Set("X-Amz-Executed-Version", v.Config.Version)
	if in.LogType == "Tail" {
		out.Header.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString([]byte(strings.Join(lines, ""))))
	}
	return out, nil
}

func (s *Service) invokeAsync(c *core.Call, in *InvokeInput) (*core.Raw, error) {
	in.InvocationType = "Event"
	return s.invoke(c, in)
}

// runnable refuses what keeps a function from running.
func (s *Service) runnable(f *function, v *version, now time.Time) error {
	if now.Before(v.ready) {
		return conflict("The operation cannot be performed at this time. The function is currently in the following state: Pending")
	}
	if f.reserved != nil && *f.reserved == 0 {
		e := core.Errorf(429, "TooManyRequestsException", "Rate Exceeded.")
		e.Extra = map[string]any{"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"}
		return e
	}
	if s.deps.Roles != nil && !s.deps.Roles.Assumable(v.Config.Role, service, now) {
		return core.Errorf(403, "AccessDeniedException", "The role defined for the function cannot be assumed by Lambda.")
	}
	return nil
}

// InvokeFor runs a function for an AWS service such as "events.amazonaws.com",
// on behalf of source (a rule's ARN). The function's policy must let the service
// in. Errors are *core.Error. The world's lock is held.
func (s *Service) InvokeFor(principal, source, functionARN string, now time.Time) error {
	parts := strings.Split(functionARN, ":")
	if len(parts) < 7 || parts[2] != "lambda" || parts[5] != "function" {
		return invalid("%q is not the ARN of a function", functionARN)
	}
	r := ref{account: parts[4], region: parts[3], name: parts[6]}
	if len(parts) > 7 {
		r.qualifier = parts[7]
	}
	f := s.at(r)
	if f == nil {
		return notFound("Function not found: %s", functionARN)
	}
	v, err := f.at(r)
	if err != nil {
		return err
	}
	if !admits(f, r, principal, source, now) {
		return core.Errorf(403, "AccessDeniedException", "%s is not authorized to perform: lambda:InvokeFunction on resource: %s", principal, functionARN)
	}
	if err := s.runnable(f, v, now); err != nil {
		return err
	}
	s.execute(r, f, v, s.w.UUID(), now)
	return nil
}

func admits(f *function, r ref, principal, source string, now time.Time) bool {
	p := f.policies[r.qualifier]
	if p == nil {
		return false
	}
	return core.ServiceAllowed(principal, source, "lambda:InvokeFunction", iameval.Attached{ARN: r.qualified(), Policy: p.parsed}, r.account, now, nil)
}
