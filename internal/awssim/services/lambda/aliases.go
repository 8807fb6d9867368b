package lambda

import (
	"cmp"
	"regexp"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Alias points at a version.
type Alias struct {
	AliasArn        string
	Name            string
	FunctionVersion string
	Description     string
	RoutingConfig   *Routing `json:",omitempty"`
	RevisionId      string
}

// Routing sends a share of the calls (0 to 1) to other versions.
type Routing struct {
	AdditionalVersionWeights map[string]float64
}

// orNone is nil for a routing that sends nothing anywhere, as AWS shows it.
func (r *Routing) orNone() *Routing {
	if r == nil || len(r.AdditionalVersionWeights) == 0 {
		return nil
	}
	return r
}

// AliasInput makes or changes an alias. Alias is its name when it is in the path.
type AliasInput struct {
	Function        string `json:"-" path:"FunctionName"`
	Alias           string `json:"-" path:"Name"`
	Name            string
	FunctionVersion string
	Description     *string
	RoutingConfig   *Routing
	RevisionId      string
}

func (in *AliasInput) named() Named { return Named{FunctionName: in.Function} }

// ListAliasesInput may select by version.
type ListAliasesInput struct {
	Function        string `json:"-" path:"FunctionName"`
	FunctionVersion string `json:"-" q:"FunctionVersion"`
	Marker          string `json:"-" q:"Marker"`
	MaxItems        int    `json:"-" q:"MaxItems"`
}

func (in *ListAliasesInput) named() Named { return Named{FunctionName: in.Function} }

// ListAliasesOutput is one page.
type ListAliasesOutput struct {
	Aliases    []*Alias
	NextMarker string `json:",omitempty"`
}

var aliasName = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,128}$`)
var allDigits = regexp.MustCompile(`^\d+$`)

func (s *Service) aliasOps() []core.Op {
	const path = "/2015-03-31/functions/{FunctionName}/aliases"
	one := on(s, (*AliasInput).named)
	return []core.Op{
		core.Handle("CreateAlias", s.createAlias, core.REST("POST", path), core.Status(201), core.TrailName("CreateAlias20150331"), one),
		core.Handle("GetAlias", s.getAlias, core.REST("GET", path+"/{Name}"), core.ReadOnly, core.TrailName("GetAlias20150331"), one),
		core.Handle("UpdateAlias", s.updateAlias, core.REST("PUT", path+"/{Name}"), core.TrailName("UpdateAlias20150331"), one),
		core.Handle("DeleteAlias", s.deleteAlias, core.REST("DELETE", path+"/{Name}"), core.Status(204), core.TrailName("DeleteAlias20150331"), one),
		core.Handle("ListAliases", s.listAliases, core.REST("GET", path), core.ReadOnly, core.TrailName("ListAliases20150331"), on(s, (*ListAliasesInput).named)),
	}
}

func (s *Service) createAlias(c *core.Call, in *AliasInput) (*Alias, error) {
	f, r, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	if !aliasName.MatchString(in.Name) || allDigits.MatchString(in.Name) {
		return nil, constraint("name", in.Name, "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)")
	}
	if f.aliases[in.Name] != nil {
		return nil, conflict("Alias already exists: %s:%s", r.arn(), in.Name)
	}
	if _, err := f.at(ref{r.account, r.region, r.name, in.FunctionVersion}); err != nil {
		return nil, err
	}
	a := &Alias{AliasArn: r.arn() + ":" + in.Name, Name: in.Name, FunctionVersion: in.FunctionVersion, RoutingConfig: in.RoutingConfig.orNone(), RevisionId: c.World.UUID()}
	set(&a.Description, in.Description)
	f.aliases[a.Name] = a
	return a, nil
}

func (s *Service) alias(c *core.Call, in *AliasInput) (*function, ref, *Alias, error) {
	f, r, err := s.find(c, in.named())
	if err != nil {
		return nil, r, nil, err
	}
	if a := f.aliases[in.Alias]; a != nil {
		return f, r, a, nil
	}
	return nil, r, nil, notFound("Cannot find alias arn: %s:%s", r.arn(), in.Alias)
}

func (s *Service) getAlias(c *core.Call, in *AliasInput) (*Alias, error) {
	_, _, a, err := s.alias(c, in)
	return a, err
}

func (s *Service) updateAlias(c *core.Call, in *AliasInput) (*Alias, error) {
	f, r, a, err := s.alias(c, in)
	if err != nil {
		return nil, err
	}
	next := *a
	next.FunctionVersion = cmp.Or(in.FunctionVersion, a.FunctionVersion)
	if _, err := f.at(ref{r.account, r.region, r.name, next.FunctionVersion}); err != nil {
		return nil, err
	}
	set(&next.Description, in.Description)
	if in.RoutingConfig != nil {
		next.RoutingConfig = in.RoutingConfig.orNone()
	}
	next.RevisionId = c.World.UUID()
	*a = next
	return a, nil
}

func (s *Service) deleteAlias(c *core.Call, in *AliasInput) (core.None, error) {
	f, _, err := s.find(c, in.named())
	if err != nil {
		return core.None{}, err
	}
	delete(f.aliases, in.Alias) // deleting one that is not there succeeds
	delete(f.policies, in.Alias)
	delete(f.provisioned, in.Alias)
	if u := f.urls[in.Alias]; u != nil {
		delete(s.urls, u.id)
		delete(f.urls, in.Alias)
	}
	return core.None{}, nil
}

func (s *Service) listAliases(c *core.Call, in *ListAliasesInput) (*ListAliasesOutput, error) {
	f, _, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	var match []*Alias
	for _, a := range sorted(f.aliases) {
		if in.FunctionVersion == "" || a.FunctionVersion == in.FunctionVersion {
			match = append(match, a)
		}
	}
	page, next, err := cut(match, func(a *Alias) string { return a.Name }, Page{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	return &ListAliasesOutput{page, next}, nil
}
