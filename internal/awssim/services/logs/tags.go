package logs

import (
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// TagResourceInput and the like are the present generation of tag calls: by ARN
// without ":*".
type TagResourceInput struct {
	ResourceArn string            `json:"resourceArn"`
	Tags        map[string]string `json:"tags"`
}

// UntagResourceInput names keys.
type UntagResourceInput struct {
	ResourceArn string   `json:"resourceArn"`
	TagKeys     []string `json:"tagKeys"`
}

// ResourceInput names one resource.
type ResourceInput struct {
	ResourceArn string `json:"resourceArn"`
}

// TagLogGroupInput and the like are the older generation: by name.
type TagLogGroupInput struct {
	LogGroupName string            `json:"logGroupName"`
	Tags         map[string]string `json:"tags"`
}

// UntagLogGroupInput names keys.
type UntagLogGroupInput struct {
	LogGroupName string   `json:"logGroupName"`
	Tags         []string `json:"tags"`
}

// TagsOutput are the tags of a resource.
type TagsOutput struct {
	Tags map[string]string `json:"tags"`
}

const tagsPerResource = 50

func (s *Service) tagOps() []core.Op {
	return []core.Op{
		core.Handle("TagResource", s.tagResource, core.On(func(_ *core.Call, in *TagResourceInput) string { return in.ResourceArn })),
		core.Handle("UntagResource", s.untagResource, core.On(func(_ *core.Call, in *UntagResourceInput) string { return in.ResourceArn })),
		core.Handle("ListTagsForResource", s.listTags, core.ReadOnly, core.On(func(_ *core.Call, in *ResourceInput) string { return in.ResourceArn })),
		core.Handle("TagLogGroup", s.tagLogGroup, onGroup(func(in *TagLogGroupInput) string { return in.LogGroupName })),
		core.Handle("UntagLogGroup", s.untagLogGroup, onGroup(func(in *UntagLogGroupInput) string { return in.LogGroupName })),
		core.Handle("ListTagsLogGroup", s.listGroupTags, core.ReadOnly, onGroup(func(in *GroupInput) string { return in.LogGroupName })),
	}
}

// tagged finds the tags of what an ARN names: a log group or a destination.
func (st *state) tagged(arn string) (map[string]string, error) {
	parts := strings.SplitN(arn, ":", 7)
	if len(parts) < 7 || parts[2] != "logs" {
		return nil, invalid("The specified resource ARN %q is not valid.", arn)
	}
	if parts[3] != st.region || parts[4] != st.account {
		return nil, notFound("resource")
	}
	switch parts[5] {
	case "log-group":
		if g := st.groups[strings.TrimSuffix(parts[6], ":*")]; g != nil {
			return g.tags, nil
		}
	case "destination":
		if d := st.destinations[parts[6]]; d != nil {
			return d.tags, nil
		}
	}
	return nil, core.Errorf(400, "ResourceNotFoundException", "The specified resource does not exist.")
}

func addTags(to, tags map[string]string) error {
	count := len(to)
	for k := range tags {
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return invalid("Tag keys starting with 'aws:' are reserved for system use: %s", k)
		}
		if _, there := to[k]; !there {
			count++
		}
	}
	if count > tagsPerResource {
		return core.Errorf(400, "TooManyTagsException", "A resource can have no more than %d tags.", tagsPerResource)
	}
	for k, v := range tags {
		to[k] = v
	}
	return nil
}

func (s *Service) tagResource(c *core.Call, in *TagResourceInput) (core.None, error) {
	tags, err := s.at(c).tagged(in.ResourceArn)
	if err == nil {
		err = addTags(tags, in.Tags)
	}
	return core.None{}, err
}

func (s *Service) untagResource(c *core.Call, in *UntagResourceInput) (core.None, error) {
	tags, err := s.at(c).tagged(in.ResourceArn)
	for _, k := range in.TagKeys {
		delete(tags, k)
	}
	return core.None{}, err
}

func (s *Service) listTags(c *core.Call, in *ResourceInput) (*TagsOutput, error) {
	tags, err := s.at(c).tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &TagsOutput{tags}, nil
}

func (s *Service) tagLogGroup(c *core.Call, in *TagLogGroupInput) (core.None, error) {
	g, err := s.at(c).group(in.LogGroupName)
	if err == nil {
		err = addTags(g.tags, in.Tags)
	}
	return core.None{}, err
}

func (s *Service) untagLogGroup(c *core.Call, in *UntagLogGroupInput) (core.None, error) {
	g, err := s.at(c).group(in.LogGroupName)
	if err != nil {
		return core.None{}, err
	}
	for _, k := range in.Tags {
		delete(g.tags, k)
	}
	return core.None{}, nil
}

func (s *Service) listGroupTags(c *core.Call, in *GroupInput) (*TagsOutput, error) {
	g, err := s.at(c).group(in.LogGroupName)
	if err != nil {
		return nil, err
	}
	return &TagsOutput{g.tags}, nil
}
