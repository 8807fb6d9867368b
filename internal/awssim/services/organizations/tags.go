package organizations

import (
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// tag is one tag, on the wire and in the state.
type tag struct{ Key, Value string }

const maxTags = 50

type tagIn struct {
	ResourceId string
	Tags       []tag
	TagKeys    []string
}

type tagsIn struct{ ResourceId, NextToken string }

type tagsOut struct{ Tags []tag }

// tagged finds the tags of a root, unit, account or policy.
func (g *organization) tagged(id string) (*[]tag, error) {
	if t := g.target(id); t != nil {
		return &t.tags, nil
	}
	if p := g.scps[id]; p != nil && !p.aws {
		return &p.tags, nil
	}
	return nil, missing("TargetNotFoundException", "a root, OU, account, or policy")
}

func (o *Organizations) tagOps() []core.Op {
	return []core.Op{
		managing(o, "TagResource", func(_ *core.Call, g *organization, in *tagIn) (core.None, error) {
			tags, err := g.tagged(in.ResourceId)
			if err != nil {
				return core.None{}, err
			}
			out := slices.Clone(*tags)
			for _, x := range in.Tags {
				if strings.HasPrefix(strings.ToLower(x.Key), "aws:") {
					return core.None{}, invalid("INVALID_SYSTEM_TAGS_PARAMETER", "You specified a tag key that is a system tag.")
				}
				if n := slices.IndexFunc(out, func(y tag) bool { return y.Key == x.Key }); n >= 0 {
					out[n] = x
				} else {
					out = append(out, x)
				}
			}
			if len(out) > maxTags {
				return core.None{}, violation("MAX_TAG_LIMIT_EXCEEDED", "You have exceeded the number of tags allowed on this resource.")
			}
			*tags = out
			return core.None{}, nil
		}),
		managing(o, "UntagResource", func(_ *core.Call, g *organization, in *tagIn) (core.None, error) {
			tags, err := g.tagged(in.ResourceId)
			if err == nil {
				*tags = slices.DeleteFunc(slices.Clone(*tags), func(x tag) bool { return slices.Contains(in.TagKeys, x.Key) })
			}
			return core.None{}, err
		}),
		managing(o, "ListTagsForResource", func(_ *core.Call, g *organization, in *tagsIn) (*tagsOut, error) {
			tags, err := g.tagged(in.ResourceId)
			if err != nil {
				return nil, err
			}
			return &tagsOut{append([]tag{}, *tags...)}, nil
		}, core.ReadOnly),
	}
}
