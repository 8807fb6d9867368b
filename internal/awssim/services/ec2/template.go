package ec2

import (
	"slices"
	"strconv"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// LaunchTemplate is a named launch specification in versions.
type LaunchTemplate struct {
	LaunchTemplateId     string     `xml:"launchTemplateId"`
	LaunchTemplateName   string     `xml:"launchTemplateName"`
	CreateTime           *core.Time `xml:"createTime"`
	CreatedBy            string     `xml:"createdBy"`
	DefaultVersionNumber int        `xml:"defaultVersionNumber"`
	LatestVersionNumber  int        `xml:"latestVersionNumber"`
	Meta

	versions []*LaunchTemplateVersion
	last     int // numbers are never used again
}

// LaunchTemplateVersion is one version; it never changes.
type LaunchTemplateVersion struct {
	LaunchTemplateId   string     `xml:"launchTemplateId"`
	LaunchTemplateName string     `xml:"launchTemplateName"`
	VersionNumber      int        `xml:"versionNumber"`
	VersionDescription string     `xml:"versionDescription,omitempty"`
	CreateTime         *core.Time `xml:"createTime"`
	CreatedBy          string     `xml:"createdBy"`
	DefaultVersion     bool       `xml:"defaultVersion"`
	Data               LaunchSpec `xml:"launchTemplateData"`
}

var launchTemplateKind = &kind{
	name: "launch-template", prefix: "lt", noun: "launch template", minPage: 1,
	notFound: "InvalidLaunchTemplateId.NotFound", malformed: "InvalidLaunchTemplateId.Malformed", trail: "AWS::EC2::LaunchTemplate",
	filters: filters{"launch-template-name": "LaunchTemplateName", "create-time": "CreateTime"},
}

func (*LaunchTemplate) kind() *kind { return launchTemplateKind }

func (s *Service) templateOps() []core.Op {
	return []core.Op{
		op(s, "CreateLaunchTemplate", createTemplate, only(), creates((*LaunchTemplate)(nil))),
		op(s, "CreateLaunchTemplateVersion", createTemplateVersion, only("LaunchTemplateId")),
		op(s, "DescribeLaunchTemplates", describeTemplates, read),
		op(s, "DescribeLaunchTemplateVersions", describeTemplateVersions, read),
		op(s, "ModifyLaunchTemplate", modifyTemplate),
		op(s, "DeleteLaunchTemplateVersions", deleteTemplateVersions),
		op(s, "DeleteLaunchTemplate", deleteTemplate),
	}
}

type templateIn struct {
	Base
	Tagged
	ClientToken        string
	LaunchTemplateId   string
	LaunchTemplateName string
	VersionDescription string
	SourceVersion      string
	Data               LaunchSpec `q:"LaunchTemplateData" trail:"launchTemplateData"`
	DefaultVersion     string     `q:"SetDefaultVersion"`
}

type templateOut struct {
	LaunchTemplate *LaunchTemplate `xml:"launchTemplate"`
}

// templateBy finds a template by id or name.
func (st *state) templateBy(id, name string) (*LaunchTemplate, error) {
	if id != "" {
		return get[LaunchTemplate](st, id)
	}
	if name == "" {
		return nil, missingParameter("launchTemplateId")
	}
	if t := first(st, func(t *LaunchTemplate) bool { return t.LaunchTemplateName == name }); t != nil {
		return t, nil
	}
	return nil, core.Errorf(400, "InvalidLaunchTemplateName.NotFoundException", "The specified launch template, with template name %s, does not exist.", name)
}

// template finds a template and the version that a reference means.
func (st *state) template(ref TemplateRef) (*LaunchTemplate, *LaunchTemplateVersion, error) {
	t, err := st.templateBy(ref.LaunchTemplateId, ref.LaunchTemplateName)
	if err != nil {
		return nil, nil, err
	}
	v, err := t.version(ref.Version)
	return t, v, err
}

func (t *LaunchTemplate) version(want string) (*LaunchTemplateVersion, error) {
	n := t.DefaultVersionNumber
	switch want {
	case "", "$Default":
	case "$Latest":
		n = t.LatestVersionNumber
	default:
		var err error
		if n, err = strconv.Atoi(want); err != nil {
			return nil, core.Errorf(400, "InvalidLaunchTemplateId.VersionNotFound", "Could not find the specified version %s for the launch template with ID %s.", want, t.LaunchTemplateId)
		}
	}
	for _, v := range t.versions {
		if v.VersionNumber == n {
			v.DefaultVersion = n == t.DefaultVersionNumber
			return v, nil
		}
	}
	return nil, core.Errorf(400, "InvalidLaunchTemplateId.VersionNotFound", "Could not find the specified version %s for the launch template with ID %s.", want, t.LaunchTemplateId)
}

func createTemplate(c *call, in *templateIn) (*templateOut, error) {
	return once(c, in.ClientToken, in, func() (*templateOut, error) {
		if err := need("LaunchTemplateName", in.LaunchTemplateName); err != nil {
			return nil, err
		}
		if _, err := c.templateBy("", in.LaunchTemplateName); err == nil {
			return nil, core.Errorf(400, "InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
		}
		t := &LaunchTemplate{LaunchTemplateName: in.LaunchTemplateName, CreateTime: core.Ptr(c.now), CreatedBy: c.Principal.ARN, DefaultVersionNumber: 1}
		t.LaunchTemplateId = c.newID(t)
		c.add(t, t.LaunchTemplateId, in.tags(launchTemplateKind))
		t.put(c, in.Data, in.VersionDescription)
		return &templateOut{t}, nil
	})
}

func (t *LaunchTemplate) put(c *call, data LaunchSpec, description string) *LaunchTemplateVersion {
	t.last++
	t.LatestVersionNumber = t.last
	v := &LaunchTemplateVersion{
		LaunchTemplateId: t.LaunchTemplateId, LaunchTemplateName: t.LaunchTemplateName, VersionNumber: t.last,
		VersionDescription: description, CreateTime: core.Ptr(c.now), CreatedBy: c.Principal.ARN,
		DefaultVersion: t.last == t.DefaultVersionNumber, Data: data,
	}
	t.versions = append(t.versions, v)
	return v
}

type templateVersionOut struct {
	Version *LaunchTemplateVersion `xml:"launchTemplateVersion"`
}

func createTemplateVersion(c *call, in *templateIn) (*templateVersionOut, error) {
	return once(c, in.ClientToken, in, func() (*templateVersionOut, error) {
		t, err := c.templateBy(in.LaunchTemplateId, in.LaunchTemplateName)
		if err != nil {
			return nil, err
		}
		data := in.Data
		if in.SourceVersion != "" {
			from, err := t.version(in.SourceVersion)
			if err != nil {
				return nil, err
			}
			data = data.over(from.Data)
		}
		return &templateVersionOut{t.put(c, data, in.VersionDescription)}, nil
	})
}

type describeTemplatesIn struct {
	Search
	LaunchTemplateIds   []string `q:"LaunchTemplateId"`
	LaunchTemplateNames []string `q:"LaunchTemplateName"`
}

type describeTemplatesOut struct {
	LaunchTemplates List[*LaunchTemplate] `xml:"launchTemplates"`
	NextToken       string                `xml:"nextToken,omitempty"`
}

func describeTemplates(c *call, in *describeTemplatesIn) (*describeTemplatesOut, error) {
	ids := slices.Clone(in.LaunchTemplateIds)
	for _, n := range in.LaunchTemplateNames {
		t, err := c.templateBy("", n)
		if err != nil {
			return nil, err
		}
		ids = append(ids, t.LaunchTemplateId)
	}
	list, next, err := describe[LaunchTemplate](c, &in.Search, ids)
	return &describeTemplatesOut{listOf(list), next}, err
}

type describeVersionsIn struct {
	Search
	LaunchTemplateId   string
	LaunchTemplateName string
	Versions           []string `q:"LaunchTemplateVersion"`
}

type describeVersionsOut struct {
	Versions  List[*LaunchTemplateVersion] `xml:"launchTemplateVersionSet"`
	NextToken string                       `xml:"nextToken,omitempty"`
}

// describeTemplateVersions of one template, or the $Latest and $Default of all.
func describeTemplateVersions(c *call, in *describeVersionsIn) (*describeVersionsOut, error) {
	templates := all[LaunchTemplate](c.state)
	if in.LaunchTemplateId+in.LaunchTemplateName != "" {
		t, err := c.templateBy(in.LaunchTemplateId, in.LaunchTemplateName)
		if err != nil {
			return nil, err
		}
		templates = []*LaunchTemplate{t}
	} else if len(in.Versions) == 0 {
		return nil, missingParameter("launchTemplateId")
	}
	var found []*LaunchTemplateVersion
	for _, t := range templates {
		if len(in.Versions) == 0 {
			found = append(found, t.versions...)
		}
		for _, n := range in.Versions {
			v, err := t.version(n)
			if err != nil {
				return nil, err
			}
			found = append(found, v)
		}
	}
	key := func(v *LaunchTemplateVersion) string {
		return c.order(v.LaunchTemplateId) + "/" + pad(v.VersionNumber)
	}
	list, next, err := page(&in.Search, found, key, 1)
	return &describeVersionsOut{listOf(list), next}, err
}

func pad(n int) string {
	s := strconv.Itoa(n)
	return "00000000"[:max(0, 8-len(s))] + s
}

func modifyTemplate(c *call, in *templateIn) (*templateOut, error) {
	t, err := c.templateBy(in.LaunchTemplateId, in.LaunchTemplateName)
	if err != nil {
		return nil, err
	}
	if in.DefaultVersion != "" {
		v, err := t.version(in.DefaultVersion)
		if err != nil {
			return nil, err
		}
		t.DefaultVersionNumber = v.VersionNumber
	}
	return &templateOut{t}, nil
}

func deleteTemplate(c *call, in *templateIn) (*templateOut, error) {
	t, err := c.templateBy(in.LaunchTemplateId, in.LaunchTemplateName)
	if err != nil {
		return nil, err
	}
	c.remove(t)
	return &templateOut{t}, nil
}

type deleteVersionsIn struct {
	Base
	LaunchTemplateId   string
	LaunchTemplateName string
	Versions           []string `q:"LaunchTemplateVersion"`
}

// DeletedVersion is the result for one version.
type DeletedVersion struct {
	LaunchTemplateId   string        `xml:"launchTemplateId"`
	LaunchTemplateName string        `xml:"launchTemplateName"`
	VersionNumber      string        `xml:"versionNumber"`
	Error              *FailureCause `xml:"responseError"`
}

type deleteVersionsOut struct {
	Deleted List[DeletedVersion] `xml:"successfullyDeletedLaunchTemplateVersionSet"`
	Failed  List[DeletedVersion] `xml:"unsuccessfullyDeletedLaunchTemplateVersionSet"`
}

// deleteTemplateVersions fails per version; the default one stays.
func deleteTemplateVersions(c *call, in *deleteVersionsIn) (*deleteVersionsOut, error) {
	t, err := c.templateBy(in.LaunchTemplateId, in.LaunchTemplateName)
	if err != nil {
		return nil, err
	}
	out := &deleteVersionsOut{}
	for _, n := range in.Versions {
		d := DeletedVersion{LaunchTemplateId: t.LaunchTemplateId, LaunchTemplateName: t.LaunchTemplateName, VersionNumber: n}
		v, err := t.version(n)
		switch {
		case err != nil:
			d.Error = &FailureCause{"launchTemplateVersionDoesNotExist", "The specified launch template version does not exist."}
		case v.VersionNumber == t.DefaultVersionNumber:
			d.Error = &FailureCause{"unexpectedError", "The default version of a launch template cannot be deleted."}
		}
		if d.Error != nil {
			out.Failed.Items = append(out.Failed.Items, d)
			continue
		}
		t.versions = slices.DeleteFunc(t.versions, func(x *LaunchTemplateVersion) bool { return x == v })
		t.LatestVersionNumber = t.versions[len(t.versions)-1].VersionNumber
		out.Deleted.Items = append(out.Deleted.Items, d)
	}
	return out, nil
}
