package lambda

import (
	"cmp"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Settings are what CreateFunction and UpdateFunctionConfiguration share; nil
// and "" leave things as they are.
type Settings struct {
	Role              string
	Handler           string
	Description       *string
	Timeout           *int
	MemorySize        *int
	VpcConfig         *VpcConfig
	Environment       *Environment `trail:"-"`
	Runtime           string
	DeadLetterConfig  *DeadLetterConfig
	KMSKeyArn         *string
	TracingConfig     *TracingConfig
	Layers            *[]string
	FileSystemConfigs *[]FileSystem
	ImageConfig       *ImageConfig
	EphemeralStorage  *EphemeralStorage
	SnapStart         *SnapStart
	LoggingConfig     *LoggingConfig
}

// CreateFunctionInput makes a function.
type CreateFunctionInput struct {
	FunctionName string
	Settings
	Code          Code
	PackageType   string
	Architectures []string
	Publish       bool
	Tags          map[string]string
}

// GetFunctionOutput is a function with what hangs on it.
type GetFunctionOutput struct {
	Configuration *Configuration
	Code          CodeLocation
	Tags          map[string]string `json:",omitempty"`
	Concurrency   *Reserved         `json:",omitempty"`
}

// ListFunctionsInput lists versions too if FunctionVersion is ALL.
type ListFunctionsInput struct {
	FunctionVersion string `json:"-" q:"FunctionVersion"`
	MaxItems        int    `json:"-" q:"MaxItems"`
	Marker          string `json:"-" q:"Marker"`
}

// ListFunctionsOutput is one page.
type ListFunctionsOutput struct {
	Functions  []*Configuration
	NextMarker string `json:",omitempty"`
}

func (s *Service) functionOps() []core.Op {
	return []core.Op{
		core.Handle("CreateFunction", s.createFunction, core.REST("POST", "/2015-03-31/functions"), core.Status(201),
			core.TrailName("CreateFunction20150331"), core.Needs(s.createNeeds)),
		core.Handle("GetFunction", s.getFunction, core.REST("GET", "/2015-03-31/functions/{FunctionName}"), core.ReadOnly,
			core.TrailName("GetFunction20150331v2"), on(s, itself)),
		core.Handle("GetFunctionConfiguration", s.getConfiguration, core.REST("GET", "/2015-03-31/functions/{FunctionName}/configuration"), core.ReadOnly,
			core.TrailName("GetFunctionConfiguration20150331v2"), on(s, itself)),
		core.Handle("ListFunctions", s.listFunctions, core.REST("GET", "/2015-03-31/functions"), core.ReadOnly, core.TrailName("ListFunctions20150331")),
		core.Handle("DeleteFunction", s.deleteFunction, core.REST("DELETE", "/2015-03-31/functions/{FunctionName}"), core.Status(204),
			core.TrailName("DeleteFunction20150331"), on(s, itself)),
	}
}

func passRole(role string) core.Permission {
	return core.Permission{Action: "iam:PassRole", Resource: role, Context: map[string][]string{"iam:PassedToService": {service}}}
}

func (s *Service) createNeeds(c *core.Call, in *CreateFunctionInput) []core.Permission {
	p := s.permission(c, Named{FunctionName: in.FunctionName})
	p.Context = core.TagKeys(in.Tags, nil)
	if in.VpcConfig != nil {
		p.Context["lambda:SubnetIds"] = in.VpcConfig.SubnetIds
		p.Context["lambda:SecurityGroupIds"] = in.VpcConfig.SecurityGroupIds
	}
	return []core.Permission{p, passRole(in.Role)}
}

func (s *Service) createFunction(c *core.Call, in *CreateFunctionInput) (*Configuration, error) {
	r, err := parseRef(c, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	st := s.shelf.At(r.account, r.region)
	v := &version{ready: c.After(1), Config: Configuration{
		FunctionName: r.name, FunctionArn: r.arn(), Version: "$LATEST", Timeout: 3, MemorySize: defaultMemory,
		PackageType: cmp.Or(in.PackageType, "Zip"), Architectures: []string{"x86_64"},
		TracingConfig: &TracingConfig{"PassThrough"}, EphemeralStorage: &EphemeralStorage{minStorage},
		SnapStart:     &SnapStart{ApplyOn: "None", OptimizationStatus: "Off"},
		LoggingConfig: &LoggingConfig{LogFormat: "Text", LogGroup: "/aws/lambda/" + r.name},
	}}
	if len(in.Architectures) > 0 {
		v.Config.Architectures = in.Architectures
	}
	if err := s.apply(c, r, v, &in.Settings); err != nil {
		return nil, err
	}
	if st.functions[r.name] != nil {
		return nil, conflict("Function already exist: %s", r.name)
	}
	if err := s.install(c, v, in.Code); err != nil {
		return nil, err
	}
	f := &function{
		name: r.name, latest: v, aliases: map[string]*Alias{}, tags: map[string]string{}, provisioned: map[string]*ProvisionedConfig{},
		policies: map[string]*policy{}, urls: map[string]*URLConfig{}, eventInvoke: map[string]*EventInvokeConfig{}, recursion: "Terminate", runtimeMode: "Auto",
	}
	if err := addTags(f.tags, in.Tags); err != nil {
		return nil, err
	}
	if err := s.attach(c, r, v, in.VpcConfig); err != nil {
		return nil, err
	}
	v.touch(c)
	st.functions[r.name] = f
	if in.Publish {
		return f.publish(c, r, "").view(c.Now), nil
	}
	out := v.view(c.Now)
	out.LastUpdateStatus = "" // there has been none, and CreateFunction says nothing
	return out, nil
}

// attach reserves the function's place in a VPC; an empty list of subnets takes it out.
func (s *Service) attach(c *core.Call, r ref, v *version, vpc *VpcConfig) error {
	if vpc == nil || s.deps.Network == nil {
		return nil
	}
	if len(vpc.SubnetIds) == 0 {
		s.deps.Network.ReleaseFunction(r.account, r.region, r.name, c.Now)
		return nil
	}
	if !s.may(v, "ec2:CreateNetworkInterface", "*", c.Now) {
		return invalid("The provided execution role does not have permissions to call CreateNetworkInterface on EC2")
	}
	id, err := s.deps.Network.AttachFunction(r.account, r.region, r.name, vpc.SubnetIds, vpc.SecurityGroupIds, c.Now)
	if err != nil {
		return elsewhere("EC2", describing(err), err)
	}
	v.Config.VpcConfig.VpcId = id
	return nil
}

func (s *Service) getFunction(c *core.Call, in *Named) (*GetFunctionOutput, error) {
	f, r, err := s.find(c, *in)
	if err != nil {
		return nil, err
	}
	v, err := f.at(r)
	if err != nil {
		return nil, err
	}
	out := &GetFunctionOutput{Configuration: f.shown(v, r, c), Code: v.location(c, r), Tags: f.tags}
	if f.reserved != nil {
		out.Concurrency = &Reserved{f.reserved}
	}
	return out, nil
}

func (s *Service) getConfiguration(c *core.Call, in *Named) (*Configuration, error) {
	f, r, err := s.find(c, *in)
	if err != nil {
		return nil, err
	}
	v, err := f.at(r)
	if err != nil {
		return nil, err
	}
	return f.shown(v, r, c), nil
}

// shown is a version as asked for: its ARN carries the qualifier of the question.
func (f *function) shown(v *version, r ref, c *core.Call) *Configuration {
	out := v.view(c.Now)
	out.FunctionArn = r.qualified()
	return out
}

func (s *Service) listFunctions(c *core.Call, in *ListFunctionsInput) (*ListFunctionsOutput, error) {
	var all []*Configuration
	for _, f := range sorted(s.shelf.At(c.Account.ID, c.Region).functions) {
		// Lists leave the state out ("ListFunctions").
		all = append(all, listed(f.latest))
		if in.FunctionVersion == "ALL" {
			all[len(all)-1].FunctionArn += ":$LATEST"
			for _, v := range f.versions {
				all = append(all, listed(v))
			}
		}
	}
	key := func(cfg *Configuration) string { return cfg.FunctionName + "\x00" + versionKey(cfg.Version) }
	page, next, err := cut(all, key, Page{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	return &ListFunctionsOutput{page, next}, nil
}

func listed(v *version) *Configuration {
	cfg := v.Config
	return &cfg
}

func (s *Service) deleteFunction(c *core.Call, in *Named) (core.None, error) {
	f, r, err := s.find(c, *in)
	if err != nil {
		return core.None{}, err
	}
	if r.qualifier != "" {
		return core.None{}, f.deleteVersion(r)
	}
	for _, u := range f.urls {
		delete(s.urls, u.id)
	}
	delete(s.shelf.At(r.account, r.region).functions, f.name)
	if f.latest.Config.VpcConfig != nil && s.deps.Network != nil {
		s.deps.Network.ReleaseFunction(r.account, r.region, f.name, c.Now)
	}
	return core.None{}, nil
}
