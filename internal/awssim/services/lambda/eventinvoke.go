package lambda

import (
	"github.com/kodekloud/kml/internal/awssim/core"
)

// Destinations of asynchronous invocations.
type Destinations struct {
	OnSuccess *Destination `json:",omitempty"`
	OnFailure *Destination `json:",omitempty"`
}

// Destination is an ARN.
type Destination struct {
	Destination string `json:",omitempty"`
}

// EventInvokeConfig says how asynchronous invocations are retried.
type EventInvokeConfig struct {
	LastModified             *core.Time
	FunctionArn              string
	MaximumRetryAttempts     *int          `json:",omitempty"`
	MaximumEventAgeInSeconds *int          `json:",omitempty"`
	DestinationConfig        *Destinations `json:",omitempty"`
}

// EventInvokeInput sets it; Update keeps what is nil.
type EventInvokeInput struct {
	Name                     string `json:"-" path:"FunctionName"`
	Qualifier                string `json:"-" q:"Qualifier"`
	MaximumRetryAttempts     *int
	MaximumEventAgeInSeconds *int
	DestinationConfig        *Destinations
}

func (in *EventInvokeInput) named() Named { return Named{in.Name, in.Qualifier} }

// ListEventInvokeOutput is one page.
type ListEventInvokeOutput struct {
	FunctionEventInvokeConfigs []*EventInvokeConfig
	NextMarker                 string `json:",omitempty"`
}

func (s *Service) eventInvokeOps() []core.Op {
	const path = "/2019-09-25/functions/{FunctionName}/event-invoke-config"
	one := on(s, (*EventInvokeInput).named)
	return []core.Op{
		core.Handle("PutFunctionEventInvokeConfig", s.putEventInvoke, core.REST("PUT", path), one),
		core.Handle("UpdateFunctionEventInvokeConfig", s.updateEventInvoke, core.REST("POST", path), one),
		core.Handle("GetFunctionEventInvokeConfig", s.getEventInvoke, core.REST("GET", path), core.ReadOnly, one),
		core.Handle("DeleteFunctionEventInvokeConfig", s.deleteEventInvoke, core.REST("DELETE", path), core.Status(204), one),
		core.Handle("ListFunctionEventInvokeConfigs", s.listEventInvoke, core.REST("GET", path+"/list"), core.ReadOnly, on(s, (*ListNamed).named)),
	}
}

// put writes the settings over cfg.
func (in *EventInvokeInput) put(c *core.Call, f *function, r ref, cfg EventInvokeConfig) (*EventInvokeConfig, error) {
	if n := in.MaximumRetryAttempts; n != nil && (*n < 0 || *n > 2) {
		return nil, constraint("maximumRetryAttempts", *n, "Member must have value between 0 and 2")
	}
	if n := in.MaximumEventAgeInSeconds; n != nil && (*n < 60 || *n > 21600) {
		return nil, constraint("maximumEventAgeInSeconds", *n, "Member must have value between 60 and 21600")
	}
	replace(&cfg.MaximumRetryAttempts, in.MaximumRetryAttempts)
	replace(&cfg.MaximumEventAgeInSeconds, in.MaximumEventAgeInSeconds)
	replace(&cfg.DestinationConfig, in.DestinationConfig)
	if cfg.DestinationConfig == nil {
		cfg.DestinationConfig = &Destinations{OnSuccess: &Destination{}, OnFailure: &Destination{}}
	}
	cfg.FunctionArn, cfg.LastModified = r.arn()+":"+orLatest(r.qualifier), core.Ptr(c.Now)
	f.eventInvoke[r.qualifier] = &cfg
	return &cfg, nil
}

func orLatest(qualifier string) string {
	if qualifier == "" {
		return "$LATEST"
	}
	return qualifier
}

func (s *Service) putEventInvoke(c *core.Call, in *EventInvokeInput) (*EventInvokeConfig, error) {
	f, r, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	return in.put(c, f, r, EventInvokeConfig{})
}

func (s *Service) eventInvoke(c *core.Call, in *EventInvokeInput) (*function, ref, *EventInvokeConfig, error) {
	f, r, err := s.find(c, in.named())
	if err != nil {
		return nil, r, nil, err
	}
	cfg := f.eventInvoke[r.qualifier]
	if cfg == nil {
		return nil, r, nil, notFound("The function %s doesn't have an EventInvokeConfig", r.arn()+":"+orLatest(r.qualifier))
	}
	return f, r, cfg, nil
}

func (s *Service) updateEventInvoke(c *core.Call, in *EventInvokeInput) (*EventInvokeConfig, error) {
	f, r, cfg, err := s.eventInvoke(c, in)
	if err != nil {
		return nil, err
	}
	return in.put(c, f, r, *cfg)
}

func (s *Service) getEventInvoke(c *core.Call, in *EventInvokeInput) (*EventInvokeConfig, error) {
	_, _, cfg, err := s.eventInvoke(c, in)
	return cfg, err
}

func (s *Service) deleteEventInvoke(c *core.Call, in *EventInvokeInput) (core.None, error) {
	f, r, _, err := s.eventInvoke(c, in)
	if err == nil {
		delete(f.eventInvoke, r.qualifier)
	}
	return core.None{}, err
}

func (s *Service) listEventInvoke(c *core.Call, in *ListNamed) (*ListEventInvokeOutput, error) {
	f, _, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	page, next, err := cut(sorted(f.eventInvoke), func(e *EventInvokeConfig) string { return e.FunctionArn }, in.page())
	if err != nil {
		return nil, err
	}
	return &ListEventInvokeOutput{page, next}, nil
}
