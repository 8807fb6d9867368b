package cloudwatch

import (
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// TagInput sets, removes or asks for tags of an alarm or dashboard.
type TagInput struct {
	ResourceARN string
	Tags        []Tag
	TagKeys     []string
}

// TagsOutput are the tags.
type TagsOutput struct {
	Tags []Tag `xml:"Tags>member"`
}

const tagsPerResource = 50

func (s *Service) tagOps() []core.Op {
	one := core.Needs(func(_ *core.Call, in *TagInput) []core.Permission {
		return []core.Permission{{Resource: in.ResourceARN, Context: core.TagKeys(tagMap(in.Tags), nil)}}
	})
	return []core.Op{
		core.Handle("TagResource", s.tagResource, one),
		core.Handle("UntagResource", s.untagResource, one),
		core.Handle("ListTagsForResource", s.listTags, core.ReadOnly, one),
	}
}

func tagMap(tags []Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

func addTags(to map[string]string, tags []Tag) error {
	count := len(to)
	for _, t := range tags {
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return invalidValue("Tag keys starting with aws: are reserved: %s", t.Key)
		}
		if _, there := to[t.Key]; !there {
			count++
		}
	}
	if count > tagsPerResource {
		return invalidValue("A resource can have no more than %d tags.", tagsPerResource)
	}
	for _, t := range tags {
		to[t.Key] = t.Value
	}
	return nil
}

// tagged finds the tags of what an ARN names.
func (s *Service) tagged(c *core.Call, arn string) (map[string]string, error) {
	for _, a := range s.at(c).alarms {
		if a.AlarmArn == arn {
			return a.tags, nil
		}
	}
	for _, d := range s.boards.At(c.Account.ID, "").m {
		if d.arn == arn {
			return d.tags, nil
		}
	}
	return nil, core.Errorf(404, "ResourceNotFoundException", "The resource %s does not exist.", arn)
}

func (s *Service) tagResource(c *core.Call, in *TagInput) (core.None, error) {
	tags, err := s.tagged(c, in.ResourceARN)
	if err == nil {
		err = addTags(tags, in.Tags)
	}
	return core.None{}, err
}

func (s *Service) untagResource(c *core.Call, in *TagInput) (core.None, error) {
	tags, err := s.tagged(c, in.ResourceARN)
	for _, k := range in.TagKeys {
		delete(tags, k)
	}
	return core.None{}, err
}

func (s *Service) listTags(c *core.Call, in *TagInput) (*TagsOutput, error) {
	tags, err := s.tagged(c, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	out := &TagsOutput{Tags: []Tag{}}
	keys := map[string]string{}
	for k := range tags {
		keys[k] = k
	}
	for _, k := range sorted(keys) {
		out.Tags = append(out.Tags, Tag{k, tags[k]})
	}
	return out, nil
}
