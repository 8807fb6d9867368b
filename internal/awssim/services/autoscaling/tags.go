package autoscaling

import (
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Tag is a tag of a group; it may be handed on to its instances.
type Tag struct {
	Key               string
	Value             string
	PropagateAtLaunch bool
	ResourceId        string
	ResourceType      string
}

func (g *Group) hasTag(filter string, values []string) bool {
	return slices.ContainsFunc(g.Tags.Members, func(t Tag) bool {
		switch filter {
		case "tag-key":
			return slices.Contains(values, t.Key)
		case "tag-value":
			return slices.Contains(values, t.Value)
		}
		return filter == "tag:"+t.Key && slices.Contains(values, t.Value)
	})
}

func (s *Service) tagOps() []core.Op {
	on := func(c *call, in *tagsIn) core.Permission {
		asked := map[string]string{}
		name := ""
		for _, t := range in.Tags {
			asked[t.Key], name = t.Value, t.ResourceId
		}
		p := c.on(name)
		for k, v := range core.TagKeys(asked, nil) {
			p.Context[k] = v
		}
		return p
	}
	return []core.Op{
		op(s, "CreateOrUpdateTags", putTags, on),
		op(s, "DeleteTags", deleteTags, on),
		op(s, "DescribeTags", describeTags, nil, core.ReadOnly),
	}
}

type tagsIn struct{ Tags []Tag }

// each finds the group of every tag before anything is changed.
func (c *call) each(in *tagsIn, do func(*Group, Tag)) error {
	for _, t := range in.Tags {
		if _, err := c.group(t.ResourceId); err != nil {
			return err
		}
	}
	for _, t := range in.Tags {
		do(c.groups[t.ResourceId], t)
	}
	return nil
}

func without(tags []Tag, key string) []Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t Tag) bool { return t.Key == key })
}

func putTags(c *call, in *tagsIn) (*core.None, error) {
	return nil, c.each(in, func(g *Group, t Tag) {
		t.ResourceType = "auto-scaling-group"
		g.Tags.Members = append(without(g.Tags.Members, t.Key), t)
	})
}

func deleteTags(c *call, in *tagsIn) (*core.None, error) {
	return nil, c.each(in, func(g *Group, t Tag) { g.Tags.Members = without(g.Tags.Members, t.Key) })
}

type describeTagsIn struct {
	Paged
	Filters []struct {
		Name   string
		Values []string
	}
}

type describeTagsOut struct {
	Tags      List[Tag]
	NextToken string `xml:",omitempty"`
}

func describeTags(c *call, in *describeTagsIn) (*describeTagsOut, error) {
	var found []Tag
	for _, n := range names(c.groups) {
		for _, t := range c.groups[n].Tags.Members {
			keep := true
			for _, f := range in.Filters {
				have := map[string]string{"auto-scaling-group": n, "key": t.Key, "value": t.Value}
				keep = keep && slices.Contains(f.Values, have[f.Name])
			}
			if keep {
				found = append(found, t)
			}
		}
	}
	key := func(t Tag) string { return t.ResourceId + "/" + t.Key }
	slices.SortFunc(found, func(a, b Tag) int { return compare(key(a), key(b)) })
	list, next, err := page(in.Paged, found, key)
	return &describeTagsOut{List[Tag]{list}, next}, err
}
