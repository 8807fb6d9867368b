package lambda

import (
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// TagInput sets tags; Resource is the ARN of a function or mapping.
type TagInput struct {
	Resource string `json:"-" path:"ARN"`
	Tags     map[string]string
}

// UntagInput takes keys off.
type UntagInput struct {
	Resource string   `json:"-" path:"ARN"`
	TagKeys  []string `json:"-" q:"tagKeys"`
}

// TagsInput asks for tags.
type TagsInput struct {
	Resource string `json:"-" path:"ARN"`
}

// TagsOutput are the tags.
type TagsOutput struct{ Tags map[string]string }

const tagsPerResource = 50

func (s *Service) tagOps() []core.Op {
	const path = "/2017-03-31/tags/{ARN}"
	return []core.Op{
		core.Handle("TagResource", s.tagResource, core.REST("POST", path), core.Status(204), core.TrailName("TagResource20170331v2"),
			core.Needs(func(_ *core.Call, in *TagInput) []core.Permission {
				return []core.Permission{{Resource: in.Resource, Context: core.TagKeys(in.Tags, nil)}}
			})),
		core.Handle("UntagResource", s.untagResource, core.REST("DELETE", path), core.Status(204), core.TrailName("UntagResource20170331v2"),
			core.On(func(_ *core.Call, in *UntagInput) string { return in.Resource })),
		core.Handle("ListTags", s.listTags, core.REST("GET", path), core.ReadOnly, core.TrailName("ListTags20170331"),
			core.On(func(_ *core.Call, in *TagsInput) string { return in.Resource })),
	}
}

func addTags(to, tags map[string]string) error {
	count := len(to)
	for k := range tags {
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return invalid("Tag keys starting with 'aws:' are reserved for internal use: %s", k)
		}
		if _, there := to[k]; !there {
			count++
		}
	}
	if count > tagsPerResource {
		return invalid("A resource can have no more than %d tags.", tagsPerResource)
	}
	for k, v := range tags {
		to[k] = v
	}
	return nil
}

// tagged finds the tags of what an ARN names.
func (s *Service) tagged(c *core.Call, arn string) (map[string]string, error) {
	if i := strings.Index(arn, ":event-source-mapping:"); i >= 0 {
		m, err := s.mapping(c, arn[i+len(":event-source-mapping:"):])
		if err != nil {
			return nil, err
		}
		return m.tags, nil
	}
	f, r, err := s.find(c, Named{FunctionName: arn})
	if err != nil {
		return nil, err
	}
	if r.qualifier != "" {
		return nil, invalid("Tags on function aliases and versions are not supported. Please specify either a function ARN or an event source mapping ARN.")
	}
	return f.tags, nil
}

func (s *Service) tagResource(c *core.Call, in *TagInput) (core.None, error) {
	tags, err := s.tagged(c, in.Resource)
	if err == nil {
		err = addTags(tags, in.Tags)
	}
	return core.None{}, err
}

func (s *Service) untagResource(c *core.Call, in *UntagInput) (core.None, error) {
	tags, err := s.tagged(c, in.Resource)
	for _, k := range in.TagKeys {
		delete(tags, k)
	}
	return core.None{}, err
}

func (s *Service) listTags(c *core.Call, in *TagsInput) (*TagsOutput, error) {
	tags, err := s.tagged(c, in.Resource)
	if err != nil {
		return nil, err
	}
	return &TagsOutput{tags}, nil
}
