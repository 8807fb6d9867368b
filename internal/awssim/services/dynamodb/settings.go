package dynamodb

import (
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// TTLSpec names the attribute that holds an item's end (Unix seconds).
type TTLSpec struct {
	Enabled       bool
	AttributeName string
}

// UpdateTTLInput turns time to live on or off.
type UpdateTTLInput struct {
	TableName               string
	TimeToLiveSpecification TTLSpec
}

// UpdateTTLOutput gives it back.
type UpdateTTLOutput struct{ TimeToLiveSpecification TTLSpec }

// TTLDescription is ENABLING, ENABLED, DISABLING or DISABLED.
type TTLDescription struct {
	TimeToLiveStatus string
	AttributeName    string `json:",omitempty"`
}

// DescribeTTLOutput tells it.
type DescribeTTLOutput struct{ TimeToLiveDescription TTLDescription }

// TagInput sets tags of a table.
type TagInput struct {
	ResourceArn string
	Tags        []Tag
}

// UntagInput takes keys off.
type UntagInput struct {
	ResourceArn string
	TagKeys     []string
}

// ListTagsInput asks for them.
type ListTagsInput struct{ ResourceArn string }

// ListTagsOutput holds all of them.
type ListTagsOutput struct{ Tags []Tag }

// LimitsOutput are the account's quotas in capacity units.
type LimitsOutput struct {
	AccountMaxReadCapacityUnits, AccountMaxWriteCapacityUnits int64
	TableMaxReadCapacityUnits, TableMaxWriteCapacityUnits     int64
}

// EndpointsOutput is where to send requests.
type EndpointsOutput struct {
	Endpoints []struct {
		Address              string
		CachePeriodInMinutes int64
	}
}

const (
	tagsPerResource = 50
	ttlInterval     = time.Hour
	accountCapacity = 80000
	tableCapacity   = 40000
)

func (s *Service) settingOps() []core.Op {
	tagged := func(arn string) string { return arn }
	return []core.Op{
		core.Handle("UpdateTimeToLive", s.updateTTL, on(s, func(in *UpdateTTLInput) string { return in.TableName })),
		core.Handle("DescribeTimeToLive", s.describeTTL, core.ReadOnly, on(s, (*TableInput).name)),
		core.Handle("TagResource", s.tagResource, core.Needs(func(c *core.Call, in *TagInput) []core.Permission {
			p := s.permission(c, "", in.ResourceArn)
			for k, v := range core.TagKeys(tagMap(in.Tags), nil) {
				if p.Context == nil {
					p.Context = map[string][]string{}
				}
				p.Context[k] = v
			}
			return []core.Permission{p}
		})),
		core.Handle("UntagResource", s.untagResource, on(s, func(in *UntagInput) string { return tagged(in.ResourceArn) })),
		core.Handle("ListTagsOfResource", s.listTags, core.ReadOnly, on(s, func(in *ListTagsInput) string { return tagged(in.ResourceArn) })),
		core.Handle("DescribeLimits", func(*core.Call, *core.None) (*LimitsOutput, error) {
			return &LimitsOutput{accountCapacity, accountCapacity, tableCapacity, tableCapacity}, nil
		}, core.ReadOnly),
		core.Handle("DescribeEndpoints", func(c *core.Call, _ *core.None) (*EndpointsOutput, error) {
			out := &EndpointsOutput{}
			out.Endpoints = append(out.Endpoints, struct {
				Address              string
				CachePeriodInMinutes int64
			}{c.Request.Host, 1440})
			return out, nil
		}, core.ReadOnly),
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
			return validation("One or more parameter values were invalid: Tag keys starting with aws: are reserved: %s", t.Key)
		}
		if _, there := to[t.Key]; !there {
			count++
		}
	}
	if count > tagsPerResource {
		return core.Errorf(400, "LimitExceededException", "Too many tags: a resource can have %d", tagsPerResource)
	}
	for _, t := range tags {
		to[t.Key] = t.Value
	}
	return nil
}

func (s *Service) tagged(c *core.Call, arn string) (*table, error) {
	t := s.at(c).tables[tableName(arn)]
	if t == nil || t.arn != arn {
		return nil, notFound("Requested resource not found: ResourcArn: %s not found", arn)
	}
	return t, nil
}

func (s *Service) tagResource(c *core.Call, in *TagInput) (core.None, error) {
	t, err := s.tagged(c, in.ResourceArn)
	if err == nil {
		err = addTags(t.tags, in.Tags)
	}
	return core.None{}, err
}

func (s *Service) untagResource(c *core.Call, in *UntagInput) (core.None, error) {
	t, err := s.tagged(c, in.ResourceArn)
	if err != nil {
		return core.None{}, err
	}
	for _, k := range in.TagKeys {
		delete(t.tags, k)
	}
	return core.None{}, nil
}

func (s *Service) listTags(c *core.Call, in *ListTagsInput) (*ListTagsOutput, error) {
	t, err := s.tagged(c, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &ListTagsOutput{Tags: []Tag{}}
	keys := map[string]string{}
	for k := range t.tags {
		keys[k] = k
	}
	for _, k := range sorted(keys) {
		out.Tags = append(out.Tags, Tag{k, t.tags[k]})
	}
	return out, nil
}

func (s *Service) updateTTL(c *core.Call, in *UpdateTTLInput) (*UpdateTTLOutput, error) {
	t, err := s.table(c, in.TableName)
	if err != nil {
		return nil, err
	}
	spec := in.TimeToLiveSpecification
	switch {
	case t.status(c.Now) != "ACTIVE":
		return nil, t.free(c)
	case spec.AttributeName == "":
		return nil, validation("TimeToLiveSpecification.AttributeName must be given")
	case spec.Enabled == (t.ttl != ""):
		return nil, validation("TimeToLive is already %s", map[bool]string{true: "enabled", false: "disabled"}[spec.Enabled])
	case !t.ttlChanged.IsZero() && c.Now.Sub(t.ttlChanged) < ttlInterval:
		// "UpdateTimeToLive": it can take an hour, and further calls in it are refused.
		return nil, validation("Time to live has been modified multiple times within a fixed interval")
	}
	t.ttlChanged, t.ttl = c.Now, ""
	if spec.Enabled {
		t.ttl = spec.AttributeName
	}
	return &UpdateTTLOutput{spec}, nil
}

func (s *Service) describeTTL(c *core.Call, in *TableInput) (*DescribeTTLOutput, error) {
	t, err := s.table(c, in.TableName)
	if err != nil {
		return nil, err
	}
	d := TTLDescription{TimeToLiveStatus: "DISABLED", AttributeName: t.ttl}
	changing := !t.ttlChanged.IsZero() && c.Now.Before(t.ttlChanged.Add(c.World.Options.StateDelay))
	switch {
	case t.ttl != "" && changing:
		d.TimeToLiveStatus = "ENABLING"
	case t.ttl != "":
		d.TimeToLiveStatus = "ENABLED"
	case changing:
		d.TimeToLiveStatus = "DISABLING"
	}
	return &DescribeTTLOutput{d}, nil
}
