package lambda

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// layer keeps its published versions; numbers are never used twice.
type layer struct {
	name     string
	arn      string
	last     int
	versions map[int]*LayerVersion
}

// LayerVersion is one published version.
type LayerVersion struct {
	Content                 *LayerContent `json:",omitempty"`
	LayerArn                string        `json:",omitempty"`
	LayerVersionArn         string
	Description             string
	CreatedDate             string
	Version                 int
	CompatibleRuntimes      []string `json:",omitempty"`
	LicenseInfo             string   `json:",omitempty"`
	CompatibleArchitectures []string `json:",omitempty"`

	policy policy
}

// LayerContent is where a layer can be downloaded.
type LayerContent struct {
	Location   string
	CodeSha256 string
	CodeSize   int64
}

// PublishLayerInput makes a version.
type PublishLayerInput struct {
	Layer                   string `json:"-" path:"LayerName"`
	Description             string
	Content                 Code
	CompatibleRuntimes      []string
	LicenseInfo             string
	CompatibleArchitectures []string
}

// LayerInput names a version, or all of a layer.
type LayerInput struct {
	Layer    string `json:"-" path:"LayerName"`
	Version  string `json:"-" path:"VersionNumber"`
	Arn      string `json:"-" q:"Arn"`
	Runtime  string `json:"-" q:"CompatibleRuntime"`
	Marker   string `json:"-" q:"Marker"`
	MaxItems int    `json:"-" q:"MaxItems"`
}

// ListLayersOutput is one page.
type ListLayersOutput struct {
	Layers     []LayerSummary
	NextMarker string `json:",omitempty"`
}

// LayerSummary is a layer with its newest version.
type LayerSummary struct {
	LayerName             string
	LayerArn              string
	LatestMatchingVersion *LayerVersion
}

// ListLayerVersionsOutput is one page, the newest first.
type ListLayerVersionsOutput struct {
	LayerVersions []*LayerVersion
	NextMarker    string `json:",omitempty"`
}

func (s *Service) layerOps() []core.Op {
	const path = "/2018-10-31/layers"
	one := core.On(func(c *core.Call, in *LayerInput) string {
		if in.Arn != "" {
			return in.Arn
		}
		arn := layerARN(c, in.Layer)
		if in.Version != "" {
			arn += ":" + in.Version
		}
		return arn
	})
	return []core.Op{
		core.Handle("PublishLayerVersion", s.publishLayer, core.REST("POST", path+"/{LayerName}/versions"), core.Status(201), core.TrailName("PublishLayerVersion20181031"),
			core.On(func(c *core.Call, in *PublishLayerInput) string { return layerARN(c, in.Layer) })),
		core.Handle("GetLayerVersion", s.getLayer, core.REST("GET", path+"/{LayerName}/versions/{VersionNumber}"), core.ReadOnly, core.TrailName("GetLayerVersion20181031"), one),
		// routeByQuery; IAM knows it as lambda:GetLayerVersion.
		core.Handle("GetLayerVersionByArn", s.getLayer, core.ReadOnly, core.TrailName("GetLayerVersionByArn20181031"),
			core.Needs(func(_ *core.Call, in *LayerInput) []core.Permission {
				return []core.Permission{{Action: "lambda:GetLayerVersion", Resource: in.Arn}}
			})),
		core.Handle("DeleteLayerVersion", s.deleteLayer, core.REST("DELETE", path+"/{LayerName}/versions/{VersionNumber}"), core.Status(204), core.TrailName("DeleteLayerVersion20181031"), one),
		core.Handle("ListLayers", s.listLayers, core.REST("GET", path), core.ReadOnly, core.TrailName("ListLayers20181031"),
			core.Needs(func(*core.Call, *LayerInput) []core.Permission { return []core.Permission{{}} })),
		core.Handle("ListLayerVersions", s.listLayerVersions, core.REST("GET", path+"/{LayerName}/versions"), core.ReadOnly, core.TrailName("ListLayerVersions20181031"), one),
		core.Handle("AddLayerVersionPermission", s.addLayerPermission, core.REST("POST", path+"/{LayerName}/versions/{VersionNumber}/policy"), core.Status(201),
			core.TrailName("AddLayerVersionPermission20181031"), core.On(func(c *core.Call, in *LayerPermissionInput) string { return layerARN(c, in.Layer) + ":" + in.Version })),
		core.Handle("GetLayerVersionPolicy", s.getLayerPolicy, core.REST("GET", path+"/{LayerName}/versions/{VersionNumber}/policy"), core.ReadOnly, core.TrailName("GetLayerVersionPolicy20181031"), one),
		core.Handle("RemoveLayerVersionPermission", s.removeLayerPermission, core.REST("DELETE", path+"/{LayerName}/versions/{VersionNumber}/policy/{StatementId}"), core.Status(204),
			core.TrailName("RemoveLayerVersionPermission20181031"), core.On(func(c *core.Call, in *LayerPermissionInput) string { return layerARN(c, in.Layer) + ":" + in.Version })),
	}
}

// layerName takes the name out of a name or ARN.
func layerName(name string) string {
	if i := strings.Index(name, ":layer:"); i >= 0 {
		name, _, _ = strings.Cut(name[i+len(":layer:"):], ":")
	}
	return name
}

func layerARN(c *core.Call, name string) string { return c.ARN("lambda", "layer:"+layerName(name)) }

func (l *layer) sorted() []*LayerVersion {
	out := make([]*LayerVersion, 0, len(l.versions))
	for _, v := range l.versions {
		out = append(out, v)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Version > out[j].Version })
	return out
}

func (s *Service) publishLayer(c *core.Call, in *PublishLayerInput) (*LayerVersion, error) {
	name := layerName(in.Layer)
	if !functionName.MatchString(name) {
		return nil, constraint("layerName", in.Layer, "Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+")
	}
	body, err := s.fetch(c, in.Content)
	if err != nil {
		return nil, err
	}
	st := s.shelf.At(c.Account.ID, c.Region)
	l := st.layers[name]
	if l == nil {
		l = &layer{name: name, arn: layerARN(c, name), versions: map[int]*LayerVersion{}}
		st.layers[name] = l
	}
	l.last++
	v := &LayerVersion{
		Content:  &LayerContent{CodeSha256: digest(string(body)), CodeSize: int64(len(body)), Location: fmt.Sprintf("https://prod-layers.s3.%s.amazonaws.com/%s/%s-%d", c.Region, c.Account.ID, name, l.last)},
		LayerArn: l.arn, LayerVersionArn: fmt.Sprintf("%s:%d", l.arn, l.last), Description: in.Description, CreatedDate: stamp(c.Now), Version: l.last,
		CompatibleRuntimes: in.CompatibleRuntimes, LicenseInfo: in.LicenseInfo, CompatibleArchitectures: in.CompatibleArchitectures,
	}
	l.versions[l.last] = v
	return v, nil
}

// layerVersion finds a version by name and number, or by ARN.
func (s *Service) layerVersion(c *core.Call, name, number, arn string) (*layer, *LayerVersion, error) {
	if arn != "" {
		name, number = arn, arn[strings.LastIndexByte(arn, ':')+1:]
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil, nil, constraint("versionNumber", number, "Member must be a number")
	}
	if l := s.shelf.At(c.Account.ID, c.Region).layers[layerName(name)]; l != nil {
		if v := l.versions[n]; v != nil {
			return l, v, nil
		}
	}
	return nil, nil, notFound("The resource you requested does not exist.")
}

func (s *Service) getLayer(c *core.Call, in *LayerInput) (*LayerVersion, error) {
	_, v, err := s.layerVersion(c, in.Layer, in.Version, in.Arn)
	return v, err
}

func (s *Service) deleteLayer(c *core.Call, in *LayerInput) (core.None, error) {
	l, v, err := s.layerVersion(c, in.Layer, in.Version, "")
	if err != nil {
		var e *core.Error
		if e = asError(err); e.Code == "ResourceNotFoundException" {
			return core.None{}, nil // deleting one that is not there succeeds
		}
		return core.None{}, err
	}
	delete(l.versions, v.Version)
	return core.None{}, nil
}

func (v *LayerVersion) runsOn(runtime string) bool {
	return runtime == "" || slices.Contains(v.CompatibleRuntimes, runtime)
}

// brief is a version in a list: without its content.
func (v *LayerVersion) brief() *LayerVersion {
	b := *v
	b.Content, b.LayerArn = nil, ""
	return &b
}

func (s *Service) listLayers(c *core.Call, in *LayerInput) (*ListLayersOutput, error) {
	var all []LayerSummary
	for _, l := range sorted(s.shelf.At(c.Account.ID, c.Region).layers) {
		for _, v := range l.sorted() {
			if v.runsOn(in.Runtime) {
				all = append(all, LayerSummary{l.name, l.arn, v.brief()})
				break
			}
		}
	}
	page, next, err := cut(all, func(l LayerSummary) string { return l.LayerName }, Page{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	return &ListLayersOutput{page, next}, nil
}

func (s *Service) listLayerVersions(c *core.Call, in *LayerInput) (*ListLayerVersionsOutput, error) {
	var all []*LayerVersion
	if l := s.shelf.At(c.Account.ID, c.Region).layers[layerName(in.Layer)]; l != nil {
		for _, v := range l.sorted() {
			if v.runsOn(in.Runtime) {
				all = append(all, v.brief())
			}
		}
	}
	newestFirst := func(v *LayerVersion) string { return fmt.Sprintf("%020d", int64(1)<<53-int64(v.Version)) }
	page, next, err := cut(all, newestFirst, Page{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	return &ListLayerVersionsOutput{page, next}, nil
}
