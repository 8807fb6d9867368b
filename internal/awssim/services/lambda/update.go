package lambda

import (
	"cmp"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// UpdateCodeInput replaces a function's package.
type UpdateCodeInput struct {
	Name string `json:"-" path:"FunctionName"`
	Code
	Architectures []string
	Publish       bool
	DryRun        bool
	RevisionId    string
}

func (in *UpdateCodeInput) named() Named { return Named{FunctionName: in.Name} }

// UpdateConfigurationInput changes settings.
type UpdateConfigurationInput struct {
	Name string `json:"-" path:"FunctionName"`
	Settings
	RevisionId string
}

func (in *UpdateConfigurationInput) named() Named { return Named{FunctionName: in.Name} }

func (s *Service) updateOps() []core.Op {
	return []core.Op{
		core.Handle("UpdateFunctionCode", s.updateCode, core.REST("PUT", "/2015-03-31/functions/{FunctionName}/code"),
			core.TrailName("UpdateFunctionCode20150331v2"), on(s, (*UpdateCodeInput).named)),
		core.Handle("UpdateFunctionConfiguration", s.updateConfiguration, core.REST("PUT", "/2015-03-31/functions/{FunctionName}/configuration"),
			core.TrailName("UpdateFunctionConfiguration20150331v2"), core.Needs(func(c *core.Call, in *UpdateConfigurationInput) []core.Permission {
				need := []core.Permission{s.permission(c, in.named())}
				if in.Role != "" {
					need = append(need, passRole(in.Role))
				}
				return need
			})),
	}
}

// revised refuses a change that was made for another revision.
func (v *version) revised(id string) error {
	if id != "" && id != v.Config.RevisionId {
		return core.Errorf(412, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	}
	return nil
}

func (s *Service) updateCode(c *core.Call, in *UpdateCodeInput) (*Configuration, error) {
	f, r, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	v := f.latest
	if err := v.settled(c.Now); err != nil {
		return nil, err
	}
	if err := v.revised(in.RevisionId); err != nil {
		return nil, err
	}
	next := *v
	if len(in.Architectures) > 0 {
		next.Config.Architectures = in.Architectures
	}
	if err := s.install(c, &next, in.Code); err != nil {
		return nil, err
	}
	if in.DryRun {
		return next.view(c.Now), nil
	}
	*v = next
	s.changed(c, v)
	if in.Publish {
		return f.publish(c, r, "").view(c.Now), nil
	}
	return v.view(c.Now), nil
}

// changed starts the update that AWS then works on.
func (s *Service) changed(c *core.Call, v *version) {
	v.updated, v.stream = c.After(1), ""
	v.touch(c)
}

func (s *Service) updateConfiguration(c *core.Call, in *UpdateConfigurationInput) (*Configuration, error) {
	f, r, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	v := f.latest
	if err := v.settled(c.Now); err != nil {
		return nil, err
	}
	if err := v.revised(in.RevisionId); err != nil {
		return nil, err
	}
	next := *v
	if err := s.apply(c, r, &next, &in.Settings); err != nil {
		return nil, err
	}
	if err := s.attach(c, r, &next, in.VpcConfig); err != nil {
		return nil, err
	}
	*v = next
	s.changed(c, v)
	return v.view(c.Now), nil
}

// apply puts settings over a configuration and checks what comes out. The
// configuration's parts are replaced, never written into: published versions
// share them.
func (s *Service) apply(c *core.Call, r ref, v *version, in *Settings) error {
	cfg := &v.Config
	cfg.Role, cfg.Handler, cfg.Runtime = cmp.Or(in.Role, cfg.Role), cmp.Or(in.Handler, cfg.Handler), cmp.Or(in.Runtime, cfg.Runtime)
	set(&cfg.Description, in.Description)
	set(&cfg.Timeout, in.Timeout)
	set(&cfg.MemorySize, in.MemorySize)
	set(&cfg.KMSKeyArn, in.KMSKeyArn)
	set(&cfg.FileSystemConfigs, in.FileSystemConfigs)
	replace(&cfg.TracingConfig, in.TracingConfig)
	replace(&cfg.EphemeralStorage, in.EphemeralStorage)
	if in.Environment != nil {
		cfg.Environment = in.Environment
		if len(in.Environment.Variables) == 0 {
			cfg.Environment = nil
		}
	}
	if in.DeadLetterConfig != nil {
		cfg.DeadLetterConfig = in.DeadLetterConfig
		if in.DeadLetterConfig.TargetArn == "" {
			cfg.DeadLetterConfig = nil
		}
	}
	if in.VpcConfig != nil {
		vpc := *in.VpcConfig
		vpc.SubnetIds, vpc.SecurityGroupIds = append([]string{}, vpc.SubnetIds...), append([]string{}, vpc.SecurityGroupIds...)
		cfg.VpcConfig = &vpc
	}
	if in.ImageConfig != nil {
		cfg.ImageConfigResponse = &ImageConfigResponse{in.ImageConfig}
	}
	if in.SnapStart != nil {
		cfg.SnapStart = &SnapStart{ApplyOn: cmp.Or(in.SnapStart.ApplyOn, "None"), OptimizationStatus: "Off"}
	}
	if l := in.LoggingConfig; l != nil {
		next := *l
		next.LogFormat, next.LogGroup = cmp.Or(l.LogFormat, "Text"), cmp.Or(l.LogGroup, "/aws/lambda/"+r.name)
		if next.LogFormat == "JSON" {
			next.ApplicationLogLevel, next.SystemLogLevel = cmp.Or(l.ApplicationLogLevel, "INFO"), cmp.Or(l.SystemLogLevel, "INFO")
		}
		cfg.LoggingConfig = &next
	}
	if in.Layers != nil {
		layers, err := s.layerRefs(*in.Layers)
		if err != nil {
			return err
		}
		cfg.Layers = layers
	}
	if cfg.PackageType == "Zip" {
		cfg.RuntimeVersionConfig = &RuntimeVersion{"arn:aws:lambda:" + r.region + "::runtime:" + digest(cfg.Runtime)}
	}
	if err := cfg.check(); err != nil {
		return err
	}
	if in.Role != "" && s.deps.Roles != nil && !s.deps.Roles.Assumable(cfg.Role, service, c.Now) {
		return invalid("The role defined for the function cannot be assumed by Lambda.")
	}
	return nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func replace[T any](to **T, from *T) {
	if from != nil {
		*to = from
	}
}
