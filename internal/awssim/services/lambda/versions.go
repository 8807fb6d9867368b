package lambda

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// PublishVersionInput freezes $LATEST.
type PublishVersionInput struct {
	Name        string `json:"-" path:"FunctionName"`
	CodeSha256  string
	Description *string
	RevisionId  string
}

func (in *PublishVersionInput) named() Named { return Named{FunctionName: in.Name} }

// ListNamed is the input of lists below one function.
type ListNamed struct {
	Name     string `json:"-" path:"FunctionName"`
	Marker   string `json:"-" q:"Marker"`
	MaxItems int    `json:"-" q:"MaxItems"`
}

func (in *ListNamed) named() Named { return Named{FunctionName: in.Name} }
func (in *ListNamed) page() Page   { return Page{in.Marker, in.MaxItems} }

// ListVersionsOutput is one page, $LATEST first.
type ListVersionsOutput struct {
	Versions   []*Configuration
	NextMarker string `json:",omitempty"`
}

func (s *Service) versionOps() []core.Op {
	return []core.Op{
		core.Handle("PublishVersion", s.publishVersion, core.REST("POST", "/2015-03-31/functions/{FunctionName}/versions"), core.Status(201),
			core.TrailName("PublishVersion20150331"), on(s, (*PublishVersionInput).named)),
		core.Handle("ListVersionsByFunction", s.listVersions, core.REST("GET", "/2015-03-31/functions/{FunctionName}/versions"), core.ReadOnly,
			core.TrailName("ListVersionsByFunction20150331"), on(s, (*ListNamed).named)),
	}
}

// digest stands for a hash that AWS makes of something we do not have.
func digest(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

// versionKey sorts $LATEST before 1, 2, … 10.
func versionKey(v string) string {
	if v == "$LATEST" {
		return ""
	}
	return fmt.Sprintf("%020s", v)
}

// at gives the version that a reference's qualifier means.
func (f *function) at(r ref) (*version, error) {
	q := r.qualifier
	if a := f.aliases[q]; a != nil {
		q = a.FunctionVersion
	}
	if q == "" || q == "$LATEST" {
		return f.latest, nil
	}
	for _, v := range f.versions {
		if v.Config.Version == q {
			return v, nil
		}
	}
	return nil, notFound("Function not found: %s", r.qualified())
}

// publish makes a version out of $LATEST, or gives the last one if nothing changed.
func (f *function) publish(c *core.Call, r ref, description string) *version {
	if n := len(f.versions); n > 0 && f.versions[n-1].source == f.latest.Config.RevisionId {
		return f.versions[n-1]
	}
	v := *f.latest
	v.source = f.latest.Config.RevisionId
	f.published++
	v.Config.Version, v.stream = strconv.Itoa(f.published), ""
	v.Config.FunctionArn = r.arn() + ":" + v.Config.Version
	v.Config.RevisionId = c.World.UUID()
	if description != "" {
		v.Config.Description = description
	}
	v.ready, v.updated = c.After(1), time.Time{}
	f.versions = append(f.versions, &v)
	return &v
}

func (s *Service) publishVersion(c *core.Call, in *PublishVersionInput) (*Configuration, error) {
	f, r, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	if err := f.latest.settled(c.Now); err != nil {
		return nil, err
	}
	if err := f.latest.revised(in.RevisionId); err != nil {
		return nil, err
	}
	if in.CodeSha256 != "" && in.CodeSha256 != f.latest.Config.CodeSha256 {
		return nil, invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", in.CodeSha256, f.latest.Config.CodeSha256)
	}
	description := ""
	set(&description, in.Description)
	return f.publish(c, r, description).view(c.Now), nil
}

func (s *Service) listVersions(c *core.Call, in *ListNamed) (*ListVersionsOutput, error) {
	f, _, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	all := []*Configuration{listed(f.latest)}
	all[0].FunctionArn += ":$LATEST"
	for _, v := range f.versions {
		all = append(all, listed(v))
	}
	page, next, err := cut(all, func(cfg *Configuration) string { return versionKey(cfg.Version) }, in.page())
	if err != nil {
		return nil, err
	}
	return &ListVersionsOutput{page, next}, nil
}

func (f *function) deleteVersion(r ref) error {
	if r.qualifier == "$LATEST" {
		return invalid("$LATEST version cannot be deleted without deleting the function.")
	}
	for _, a := range sorted(f.aliases) {
		if a.FunctionVersion == r.qualifier {
			return conflict("Version %s is referenced by alias %s.", r.qualifier, a.Name)
		}
	}
	for i, v := range f.versions {
		if v.Config.Version == r.qualifier {
			f.versions = append(f.versions[:i:i], f.versions[i+1:]...)
			delete(f.provisioned, r.qualifier)
			delete(f.policies, r.qualifier)
			return nil
		}
	}
	if f.aliases[r.qualifier] != nil {
		return invalid("An alias cannot be deleted with DeleteFunction: %s", r.qualifier)
	}
	return nil // deleting a version that is not there succeeds
}
