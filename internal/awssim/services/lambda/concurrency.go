package lambda

import (
	"fmt"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Reserved is a function's share of the account's concurrency; nil: none.
type Reserved struct {
	ReservedConcurrentExecutions *int `json:",omitempty"`
}

// PutConcurrencyInput reserves; 0 stops all invocations.
type PutConcurrencyInput struct {
	Name                         string `json:"-" path:"FunctionName"`
	ReservedConcurrentExecutions *int
}

func (in *PutConcurrencyInput) named() Named { return Named{FunctionName: in.Name} }

// ProvisionedInput asks for environments that are kept warm.
type ProvisionedInput struct {
	Name                            string `json:"-" path:"FunctionName"`
	Qualifier                       string `json:"-" q:"Qualifier"`
	ProvisionedConcurrentExecutions int
}

func (in *ProvisionedInput) named() Named { return Named{in.Name, in.Qualifier} }

// ProvisionedConfig is IN_PROGRESS, then READY.
type ProvisionedConfig struct {
	FunctionArn                              string `json:",omitempty"`
	RequestedProvisionedConcurrentExecutions int
	AvailableProvisionedConcurrentExecutions int
	AllocatedProvisionedConcurrentExecutions int
	Status                                   string
	LastModified                             string

	ready int64 // Unix nanoseconds
}

// ListProvisionedOutput is one page.
type ListProvisionedOutput struct {
	ProvisionedConcurrencyConfigs []*ProvisionedConfig
	NextMarker                    string `json:",omitempty"`
}

// The account's concurrency, and how much of it must stay free.
const (
	accountConcurrency = 1000
	minUnreserved      = 100
)

func (s *Service) concurrencyOps() []core.Op {
	const reserved, provisioned = "/2017-10-31/functions/{FunctionName}/concurrency", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency"
	one := on(s, (*ProvisionedInput).named)
	return []core.Op{
		core.Handle("PutFunctionConcurrency", s.putConcurrency, core.REST("PUT", reserved), core.TrailName("PutFunctionConcurrency20171031"), on(s, (*PutConcurrencyInput).named)),
		core.Handle("DeleteFunctionConcurrency", s.deleteConcurrency, core.REST("DELETE", reserved), core.Status(204), core.TrailName("DeleteFunctionConcurrency20171031"), on(s, itself)),
		core.Handle("GetFunctionConcurrency", s.getConcurrency, core.REST("GET", "/2019-09-30/functions/{FunctionName}/concurrency"), core.ReadOnly, on(s, itself)),
		core.Handle("PutProvisionedConcurrencyConfig", s.putProvisioned, core.REST("PUT", provisioned), core.Status(202), one),
		core.Handle("GetProvisionedConcurrencyConfig", s.getProvisioned, core.REST("GET", provisioned), core.ReadOnly, one),
		core.Handle("DeleteProvisionedConcurrencyConfig", s.deleteProvisioned, core.REST("DELETE", provisioned), core.Status(204), one),
		core.Handle("ListProvisionedConcurrencyConfigs", s.listProvisioned, core.ReadOnly, on(s, (*ListNamed).named)), // routeByQuery
	}
}

func (st *state) unreserved() int {
	left := accountConcurrency
	for _, f := range st.functions {
		if f.reserved != nil {
			left -= *f.reserved
		}
	}
	return left
}

func (s *Service) putConcurrency(c *core.Call, in *PutConcurrencyInput) (*Reserved, error) {
	f, r, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	if in.ReservedConcurrentExecutions == nil || *in.ReservedConcurrentExecutions < 0 {
		return nil, constraint("reservedConcurrentExecutions", fmt.Sprint(in.ReservedConcurrentExecutions), "Member must have value greater than or equal to 0")
	}
	left := s.shelf.At(r.account, r.region).unreserved() - *in.ReservedConcurrentExecutions
	if f.reserved != nil {
		left += *f.reserved
	}
	if left < minUnreserved {
		return nil, invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", minUnreserved)
	}
	f.reserved = in.ReservedConcurrentExecutions
	return &Reserved{f.reserved}, nil
}

func (s *Service) deleteConcurrency(c *core.Call, in *Named) (core.None, error) {
	f, _, err := s.find(c, *in)
	if err == nil {
		f.reserved = nil
	}
	return core.None{}, err
}

func (s *Service) getConcurrency(c *core.Call, in *Named) (*Reserved, error) {
	f, _, err := s.find(c, *in)
	if err != nil {
		return nil, err
	}
	return &Reserved{f.reserved}, nil
}

func (s *Service) putProvisioned(c *core.Call, in *ProvisionedInput) (*ProvisionedConfig, error) {
	f, r, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	if r.qualifier == "" || r.qualifier == "$LATEST" {
		return nil, invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	}
	if _, err := f.at(r); err != nil {
		return nil, err
	}
	if in.ProvisionedConcurrentExecutions < 1 {
		return nil, constraint("provisionedConcurrentExecutions", in.ProvisionedConcurrentExecutions, "Member must have value greater than or equal to 1")
	}
	p := &ProvisionedConfig{RequestedProvisionedConcurrentExecutions: in.ProvisionedConcurrentExecutions,
		FunctionArn: r.qualified(), LastModified: stamp(c.Now), ready: c.After(1).UnixNano()}
	f.provisioned[r.qualifier] = p
	return p.view(c, false), nil
}

// view is the configuration at now; only lists name the function.
func (p *ProvisionedConfig) view(c *core.Call, named bool) *ProvisionedConfig {
	v := *p
	v.Status = "IN_PROGRESS"
	if c.Now.UnixNano() >= p.ready {
		v.Status = "READY"
		v.AvailableProvisionedConcurrentExecutions, v.AllocatedProvisionedConcurrentExecutions = p.RequestedProvisionedConcurrentExecutions, p.RequestedProvisionedConcurrentExecutions
	}
	if !named {
		v.FunctionArn = ""
	}
	return &v
}

func (s *Service) getProvisioned(c *core.Call, in *ProvisionedInput) (*ProvisionedConfig, error) {
	f, r, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	p := f.provisioned[r.qualifier]
	if p == nil {
		return nil, core.Errorf(404, "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function")
	}
	return p.view(c, false), nil
}

func (s *Service) deleteProvisioned(c *core.Call, in *ProvisionedInput) (core.None, error) {
	f, r, err := s.find(c, in.named())
	if err == nil {
		delete(f.provisioned, r.qualifier)
	}
	return core.None{}, err
}

func (s *Service) listProvisioned(c *core.Call, in *ListNamed) (*ListProvisionedOutput, error) {
	f, _, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	var all []*ProvisionedConfig
	for _, p := range sorted(f.provisioned) {
		all = append(all, p.view(c, true))
	}
	page, next, err := cut(all, func(p *ProvisionedConfig) string { return p.FunctionArn }, in.page())
	if err != nil {
		return nil, err
	}
	return &ListProvisionedOutput{page, next}, nil
}
