package lambda

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// AccountSettings are the account's limits and what it uses of them, in bytes.
type AccountSettings struct {
	AccountLimit struct {
		TotalCodeSize                  int64
		CodeSizeUnzipped               int64
		CodeSizeZipped                 int64
		ConcurrentExecutions           int
		UnreservedConcurrentExecutions int
	}
	AccountUsage struct {
		TotalCodeSize int64
		FunctionCount int
	}
}

// CodeSigning names a function's code signing configuration, if it has one.
type CodeSigning struct {
	CodeSigningConfigArn string `json:",omitempty"`
	FunctionName         string
}

// PutCodeSigningInput sets it.
type PutCodeSigningInput struct {
	Name                 string `json:"-" path:"FunctionName"`
	CodeSigningConfigArn string
}

func (in *PutCodeSigningInput) named() Named { return Named{FunctionName: in.Name} }

// RuntimeManagement says when AWS moves a function to a new runtime version.
type RuntimeManagement struct {
	UpdateRuntimeOn   string
	FunctionArn       string
	RuntimeVersionArn string `json:",omitempty"`
}

// PutRuntimeInput sets it: Auto, FunctionUpdate or Manual.
type PutRuntimeInput struct {
	Name            string `json:"-" path:"FunctionName"`
	Qualifier       string `json:"-" q:"Qualifier"`
	UpdateRuntimeOn string
}

func (in *PutRuntimeInput) named() Named { return Named{in.Name, in.Qualifier} }

// Recursion is Terminate or Allow.
type Recursion struct{ RecursiveLoop string }

// PutRecursionInput sets it.
type PutRecursionInput struct {
	Name          string `json:"-" path:"FunctionName"`
	RecursiveLoop string
}

func (in *PutRecursionInput) named() Named { return Named{FunctionName: in.Name} }

func (s *Service) settingOps() []core.Op {
	const fn = "/functions/{FunctionName}"
	return []core.Op{
		core.Handle("GetAccountSettings", s.accountSettings, core.REST("GET", "/2016-08-19/account-settings"), core.ReadOnly, core.TrailName("GetAccountSettings20160819")),
		core.Handle("GetFunctionCodeSigningConfig", s.getSigning, core.REST("GET", "/2020-06-30"+fn+"/code-signing-config"), core.ReadOnly, on(s, itself)),
		core.Handle("PutFunctionCodeSigningConfig", s.putSigning, core.REST("PUT", "/2020-06-30"+fn+"/code-signing-config"), on(s, (*PutCodeSigningInput).named)),
		core.Handle("DeleteFunctionCodeSigningConfig", s.deleteSigning, core.REST("DELETE", "/2020-06-30"+fn+"/code-signing-config"), core.Status(204), on(s, itself)),
		core.Handle("GetRuntimeManagementConfig", s.getRuntime, core.REST("GET", "/2021-07-20"+fn+"/runtime-management-config"), core.ReadOnly, on(s, itself)),
		core.Handle("PutRuntimeManagementConfig", s.putRuntime, core.REST("PUT", "/2021-07-20"+fn+"/runtime-management-config"), on(s, (*PutRuntimeInput).named)),
		core.Handle("GetFunctionRecursionConfig", s.getRecursion, core.REST("GET", "/2024-08-31"+fn+"/recursion-config"), core.ReadOnly, on(s, itself)),
		core.Handle("PutFunctionRecursionConfig", s.putRecursion, core.REST("PUT", "/2024-08-31"+fn+"/recursion-config"), on(s, (*PutRecursionInput).named)),
	}
}

// routeByQuery is for what path templates cannot tell apart: function URLs by
// host, and two lists by a fixed query parameter.
func routeByQuery(r *http.Request) (string, map[string]string) {
	q := r.URL.Query()
	switch {
	case strings.Contains(r.Host, ".lambda-url."):
		return "InvokeFunctionUrl", map[string]string{}
	case r.Method == http.MethodGet && q.Get("find") == "LayerVersion":
		return "GetLayerVersionByArn", map[string]string{}
	case r.Method == http.MethodGet && q.Get("List") == "ALL" && strings.HasSuffix(r.URL.Path, "/provisioned-concurrency"):
		parts := strings.Split(r.URL.EscapedPath(), "/")
		name, err := url.PathUnescape(parts[len(parts)-2])
		if err != nil {
			return "", nil
		}
		return "ListProvisionedConcurrencyConfigs", map[string]string{"FunctionName": name}
	}
	return "", nil
}

func (s *Service) accountSettings(c *core.Call, _ *core.None) (*AccountSettings, error) {
	st := s.shelf.At(c.Account.ID, c.Region)
	var out AccountSettings
	l, u := &out.AccountLimit, &out.AccountUsage
	l.TotalCodeSize, l.CodeSizeUnzipped, l.CodeSizeZipped = 75<<30, 250<<20, maxZip
	l.ConcurrentExecutions, l.UnreservedConcurrentExecutions = accountConcurrency, st.unreserved()
	for _, f := range st.functions {
		u.FunctionCount++
		u.TotalCodeSize += f.latest.Config.CodeSize
		for _, v := range f.versions {
			u.TotalCodeSize += v.Config.CodeSize
		}
	}
	return &out, nil
}

func (s *Service) getSigning(c *core.Call, in *Named) (*CodeSigning, error) {
	f, _, err := s.find(c, *in)
	if err != nil {
		return nil, err
	}
	return &CodeSigning{f.signing, f.name}, nil
}

func (s *Service) putSigning(c *core.Call, in *PutCodeSigningInput) (*CodeSigning, error) {
	f, _, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	return nil, core.Errorf(404, "CodeSigningConfigNotFoundException", "The simulator keeps no code signing configurations; function %s asked for %s", f.name, in.CodeSigningConfigArn)
}

func (s *Service) deleteSigning(c *core.Call, in *Named) (core.None, error) {
	f, _, err := s.find(c, *in)
	if err == nil {
		f.signing = ""
	}
	return core.None{}, err
}

func (s *Service) getRuntime(c *core.Call, in *Named) (*RuntimeManagement, error) {
	f, r, err := s.find(c, *in)
	if err != nil {
		return nil, err
	}
	return &RuntimeManagement{UpdateRuntimeOn: f.runtimeMode, FunctionArn: r.arn() + ":" + orLatest(r.qualifier)}, nil
}

func (s *Service) putRuntime(c *core.Call, in *PutRuntimeInput) (*RuntimeManagement, error) {
	f, r, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	switch in.UpdateRuntimeOn {
	case "Auto", "FunctionUpdate", "Manual":
		f.runtimeMode = in.UpdateRuntimeOn
	default:
		return nil, constraint("updateRuntimeOn", in.UpdateRuntimeOn, "Member must satisfy enum value set: [Auto, Manual, FunctionUpdate]")
	}
	return &RuntimeManagement{UpdateRuntimeOn: f.runtimeMode, FunctionArn: r.arn() + ":" + orLatest(r.qualifier)}, nil
}

func (s *Service) getRecursion(c *core.Call, in *Named) (*Recursion, error) {
	f, _, err := s.find(c, *in)
	if err != nil {
		return nil, err
	}
	return &Recursion{f.recursion}, nil
}

func (s *Service) putRecursion(c *core.Call, in *PutRecursionInput) (*Recursion, error) {
	f, _, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	if in.RecursiveLoop != "Allow" && in.RecursiveLoop != "Terminate" {
		return nil, constraint("recursiveLoop", in.RecursiveLoop, "Member must satisfy enum value set: [Terminate, Allow]")
	}
	f.recursion = in.RecursiveLoop
	return &Recursion{f.recursion}, nil
}
