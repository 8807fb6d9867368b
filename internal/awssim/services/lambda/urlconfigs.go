package lambda

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Cors is what browsers of other sites may do.
type Cors struct {
	AllowCredentials bool     `json:",omitempty"`
	AllowHeaders     []string `json:",omitempty"`
	AllowMethods     []string `json:",omitempty"`
	AllowOrigins     []string `json:",omitempty"`
	ExposeHeaders    []string `json:",omitempty"`
	MaxAge           int      `json:",omitempty"`
}

// URLConfig is a function URL; AuthType is NONE or AWS_IAM.
type URLConfig struct {
	FunctionUrl      string
	FunctionArn      string
	AuthType         string
	Cors             *Cors `json:",omitempty"`
	CreationTime     string
	LastModifiedTime string
	InvokeMode       string

	id string
}

// URLInput makes or changes a function URL.
type URLInput struct {
	Name       string `json:"-" path:"FunctionName"`
	Qualifier  string `json:"-" q:"Qualifier"`
	AuthType   string
	Cors       *Cors
	InvokeMode string
}

func (in *URLInput) named() Named { return Named{in.Name, in.Qualifier} }

// ListURLsOutput is one page.
type ListURLsOutput struct {
	FunctionUrlConfigs []*URLConfig
	NextMarker         string `json:",omitempty"`
}

// urlOwner is whose URL a host name is.
type urlOwner struct {
	ref
	url *URLConfig
}

func (s *Service) urlOps() []core.Op {
	const path = "/2021-10-31/functions/{FunctionName}/url"
	needs := core.Needs(func(c *core.Call, in *URLInput) []core.Permission {
		p := s.permission(c, in.named())
		p.Context = withKeys(p.Context, map[string]string{"lambda:FunctionUrlAuthType": cmp.Or(in.AuthType, s.authType(c, in.named()))})
		return []core.Permission{p}
	})
	return []core.Op{
		core.Handle("CreateFunctionUrlConfig", s.createURL, core.REST("POST", path), core.Status(201), needs),
		core.Handle("GetFunctionUrlConfig", s.getURL, core.REST("GET", path), core.ReadOnly, needs),
		core.Handle("UpdateFunctionUrlConfig", s.updateURL, core.REST("PUT", path), needs),
		core.Handle("DeleteFunctionUrlConfig", s.deleteURL, core.REST("DELETE", path), core.Status(204), needs),
		core.Handle("ListFunctionUrlConfigs", s.listURLs, core.REST("GET", path+"s"), core.ReadOnly, on(s, (*ListNamed).named)),
	}
}

func (s *Service) authType(c *core.Call, n Named) string {
	f, r, err := s.find(c, n)
	if err != nil || f.urls[r.qualifier] == nil {
		return "" // the handler says what is wrong
	}
	return f.urls[r.qualifier].AuthType
}

func (in *URLInput) check() error {
	if in.AuthType != "" && !slices.Contains([]string{"NONE", "AWS_IAM"}, in.AuthType) {
		return constraint("authType", in.AuthType, "Member must satisfy enum value set: [NONE, AWS_IAM]")
	}
	if in.InvokeMode != "" && !slices.Contains([]string{"BUFFERED", "RESPONSE_STREAM"}, in.InvokeMode) {
		return constraint("invokeMode", in.InvokeMode, "Member must satisfy enum value set: [BUFFERED, RESPONSE_STREAM]")
	}
	return nil
}

func (s *Service) createURL(c *core.Call, in *URLInput) (*URLConfig, error) {
	f, r, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	switch {
	case in.AuthType == "":
		return nil, constraint("authType", "", "Member must not be null")
	case r.qualifier != "" && f.aliases[r.qualifier] == nil:
		return nil, invalid("A function URL can be attached to an alias or to the unqualified function, not to %q.", r.qualifier)
	case f.urls[r.qualifier] != nil:
		return nil, conflict("Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function", r.qualified())
	}
	id := strings.ToLower(c.World.Base32(32))
	u := &URLConfig{
		FunctionUrl: "https://" + id + ".lambda-url." + r.region + ".on.aws/", FunctionArn: r.qualified(), AuthType: in.AuthType,
		Cors: in.Cors, CreationTime: isoStamp(c), LastModifiedTime: isoStamp(c), InvokeMode: cmp.Or(in.InvokeMode, "BUFFERED"), id: id,
	}
	f.urls[r.qualifier] = u
	s.urls[id] = urlOwner{r, u}
	return u, nil
}

func isoStamp(c *core.Call) string { return c.Now.UTC().Format("2006-01-02T15:04:05.000000Z") }

func (s *Service) url(c *core.Call, in *URLInput) (*function, ref, *URLConfig, error) {
	f, r, err := s.find(c, in.named())
	if err != nil {
		return nil, r, nil, err
	}
	u := f.urls[r.qualifier]
	if u == nil {
		return nil, r, nil, notFound("The resource you requested does not exist.")
	}
	return f, r, u, nil
}

func (s *Service) getURL(c *core.Call, in *URLInput) (*URLConfig, error) {
	_, _, u, err := s.url(c, in)
	return u, err
}

func (s *Service) updateURL(c *core.Call, in *URLInput) (*URLConfig, error) {
	_, _, u, err := s.url(c, in)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	u.AuthType, u.InvokeMode = cmp.Or(in.AuthType, u.AuthType), cmp.Or(in.InvokeMode, u.InvokeMode)
	replace(&u.Cors, in.Cors)
	u.LastModifiedTime = isoStamp(c)
	return u, nil
}

func (s *Service) deleteURL(c *core.Call, in *URLInput) (core.None, error) {
	f, r, u, err := s.url(c, in)
	if err != nil {
		return core.None{}, err
	}
	delete(s.urls, u.id)
	delete(f.urls, r.qualifier)
	return core.None{}, nil
}

func (s *Service) listURLs(c *core.Call, in *ListNamed) (*ListURLsOutput, error) {
	f, _, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	page, next, err := cut(sorted(f.urls), func(u *URLConfig) string { return u.FunctionArn }, in.page())
	if err != nil {
		return nil, err
	}
	return &ListURLsOutput{page, next}, nil
}
