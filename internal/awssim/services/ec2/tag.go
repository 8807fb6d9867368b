package ec2

import (
	"slices"
	"sort"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Tag is a tag as a request gives it and as an answer shows it.
type Tag struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

// TagSpecification gives tags to the things of one type that a request makes.
type TagSpecification struct {
	ResourceType string `xml:"resourceType"`
	Tags         []Tag  `q:"Tag" xml:"tagSet>item"`
}

// Tagged is the part of requests that make something.
type Tagged struct {
	TagSpecifications []TagSpecification `q:"TagSpecification" xml:"tagSpecificationSet>item"`
}

func (t *Tagged) tagSpecs() []TagSpecification { return t.TagSpecifications }

// tags are those for a new object of the kind.
func (t *Tagged) tags(k *kind) []Tag { return tagsFor(t.TagSpecifications, k) }

func tagsFor(specs []TagSpecification, k *kind) []Tag {
	var out []Tag
	for _, s := range specs {
		if s.ResourceType == k.name {
			out = merge(out, s.Tags)
		}
	}
	return out
}

const maxTags = 50

func checkTags(tags []Tag) error {
	for _, t := range tags {
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return core.Errorf(400, "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
		}
		if t.Key == "" || len(t.Key) > 127*4 || len(t.Value) > 255*4 {
			return core.Errorf(400, "InvalidParameterValue", "Tag key %q must have 1 to 127 characters and its value at most 255.", t.Key)
		}
	}
	return nil
}

// merge sets tags, replacing those of the same key.
func merge(have, set []Tag) []Tag {
	out := slices.Clone(have)
	for _, t := range set {
		if i := slices.IndexFunc(out, func(x Tag) bool { return x.Key == t.Key }); i >= 0 {
			out[i] = t
		} else {
			out = append(out, t)
		}
	}
	return out
}

type tagsIn struct {
	Base
	Resources []string `q:"ResourceId"`
	Tags      []Tag    `q:"Tag"`
}

func (in *tagsIn) objects(c *call) ([]Object, error) {
	if len(in.Resources) == 0 {
		return nil, missingParameter("resourceIdSet")
	}
	var out []Object
	for _, id := range in.Resources {
		o, ok := c.state.objects[id]
		if !ok {
			if k := kindOf(id); k != nil {
				return nil, k.missing(id)
			}
			return nil, core.Errorf(400, "InvalidID", "The ID '%s' is not valid", id)
		}
		out = append(out, o)
	}
	return out, nil
}

func createTags(c *call, in *tagsIn) (*returned, error) {
	objs, err := in.objects(c)
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	for _, o := range objs {
		if len(merge(o.meta().Tags, in.Tags)) > maxTags {
			return nil, core.Errorf(400, "TagLimitExceeded", "The maximum number of tags for '%s' is %d.", o.meta().id, maxTags)
		}
	}
	for _, o := range objs {
		o.meta().Tags = merge(o.meta().Tags, in.Tags)
	}
	return done()
}

type deleteTagsIn struct {
	Base
	Resources []string `q:"ResourceId"`
	Tags      []struct {
		Key   string
		Value *string // given: delete only if it has this value
	} `q:"Tag"`
}

func deleteTags(c *call, in *deleteTagsIn) (*returned, error) {
	objs, err := (&tagsIn{Resources: in.Resources}).objects(c)
	if err != nil {
		return nil, err
	}
	for _, o := range objs {
		m := o.meta()
		m.Tags = slices.DeleteFunc(slices.Clone(m.Tags), func(t Tag) bool {
			for _, d := range in.Tags {
				if d.Key == t.Key && (d.Value == nil || *d.Value == t.Value) {
					return true
				}
			}
			return len(in.Tags) == 0 && !strings.HasPrefix(t.Key, "aws:")
		})
	}
	return done()
}

// TagDescription is one tag of one thing.
type TagDescription struct {
	Key          string `xml:"key"`
	ResourceId   string `xml:"resourceId"`
	ResourceType string `xml:"resourceType"`
	Value        string `xml:"value"`
}

type describeTagsOut struct {
	Tags      List[TagDescription] `xml:"tagSet"`
	NextToken string               `xml:"nextToken,omitempty"`
}

var tagFilters = filters{"key": "Key", "value": "Value", "resource-id": "ResourceId", "resource-type": "ResourceType"}

func describeTags(c *call, in *Search) (*describeTagsOut, error) {
	var found []TagDescription
	for id, o := range c.state.objects {
		for _, t := range o.meta().Tags {
			d := TagDescription{t.Key, id, o.kind().name, t.Value}
			ok, err := tagFilters.tagMatches(d, in.Filters)
			if err != nil {
				return nil, err
			}
			if ok {
				found = append(found, d)
			}
		}
	}
	key := func(d TagDescription) string { return d.ResourceId + "/" + d.Key }
	sort.Slice(found, func(i, j int) bool { return key(found[i]) < key(found[j]) })
	tags, next, err := page(in, found, key, 5)
	return &describeTagsOut{listOf(tags), next}, err
}

// tagMatches also knows DescribeTags' own filter tag:<key>.
func (f filters) tagMatches(d TagDescription, fs []Filter) (bool, error) {
	for _, one := range fs {
		if have, ok := tagValues([]Tag{{d.Key, d.Value}}, one.Name); ok {
			if !anyMatch(one.Values, have) {
				return false, nil
			}
			continue
		}
		if ok, err := f.matches(d, []Filter{one}); err != nil || !ok {
			return ok, err
		}
	}
	return true, nil
}
