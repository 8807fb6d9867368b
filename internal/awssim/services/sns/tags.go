package sns

import (
	"errors"
	"maps"
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// maxTags is how many tags a topic may have.
const maxTags = 50

type resourceIn struct {
	ResourceArn string
}

type tagIn struct {
	ResourceArn string
	Tags        []tag
}

type untagIn struct {
	ResourceArn string
	TagKeys     []string
}

type tagsOut struct {
	Tags []tag `xml:"Tags>member"`
}

func (s *Service) tagsOf(arn string) map[string]string {
	if t := s.topic(arn); t != nil {
		return t.tags
	}
	return nil
}

// tagged finds the topic of a tagging call, whose code for "not there" is its own.
func (s *Service) tagged(arn string) (*topic, error) {
	t := s.topic(arn)
	if t == nil {
		return nil, core.Errorf(404, "ResourceNotFound", "Resource does not exist")
	}
	return t, nil
}

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return core.Errorf(400, "TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
	}
	for k, v := range tags {
		if k == "" || len(k) > 128 || len(v) > 256 {
			return invalidParameter("Tags Reason: a key has 1 to 128 characters, a value at most 256: %q", k)
		}
	}
	return nil
}

func (s *Service) tag(_ *core.Call, in *tagIn) (*core.None, error) {
	t, err := s.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	next := maps.Clone(t.tags)
	maps.Copy(next, tagMap(in.Tags))
	if err := checkTags(next); err != nil {
		return nil, err
	}
	t.tags = next
	return nil, nil
}

func (s *Service) untag(_ *core.Call, in *untagIn) (*core.None, error) {
	t, err := s.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	for _, k := range in.TagKeys {
		delete(t.tags, k)
	}
	return nil, nil
}

func (s *Service) listTags(_ *core.Call, in *resourceIn) (*tagsOut, error) {
	t, err := s.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &tagsOut{}
	for _, k := range slices.Sorted(maps.Keys(t.tags)) {
		out.Tags = append(out.Tags, tag{k, t.tags[k]})
	}
	return out, nil
}

// asNotFound reports whether err says that a topic does not exist.
func asNotFound(err error, e **core.Error) bool {
	return errors.As(err, e) && (*e).Code == "NotFound"
}
