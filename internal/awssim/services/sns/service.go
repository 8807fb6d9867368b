package sns

import (
	"sort"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/sqs"
)

// pageSize is how many entries every list answers with.
const pageSize = 100

// Service is the simulated SNS.
type Service struct {
	w      *core.World
	queues Queues
	places core.Shelf[place]
	core   *core.Service
}

// Queues is where subscriptions of protocol sqs are delivered: *sqs.Service.
type Queues interface {
	DeliverFor(principal, source, arn string, m sqs.Message, now time.Time) error
}

// place is the state of one account and Region.
type place struct {
	topics map[string]*topic // by name
	// subscriptions that principals of this account made, by ARN; the topics
	// they are to, of whichever account, have them too.
	subscriptions map[string]*subscription
}

// New makes the service; queues may be nil. The caller adds Core() to the world.
func New(w *core.World, queues Queues) *Service {
	s := &Service{w: w, queues: queues}
	s.places.New = func(string, string) *place {
		return &place{topics: map[string]*topic{}, subscriptions: map[string]*subscription{}}
	}
	s.core = &core.Service{
		Name: "sns", Namespace: "http://sns.amazonaws.com/doc/2010-03-31/",
		Ops: s.ops(), Inventory: s.inventory, ResourcePolicy: s.resourcePolicy,
		// "This action is throttled at … transactions per second": SNS API reference.
		Rates: map[string]core.Rate{
			"ListTopics": {PerSecond: 30, Burst: 30}, "ListSubscriptions": {PerSecond: 30, Burst: 30},
			"ListSubscriptionsByTopic": {PerSecond: 30, Burst: 30},
			"Subscribe":                {PerSecond: 100, Burst: 100}, "Unsubscribe": {PerSecond: 100, Burst: 100},
		},
	}
	return s
}

// Core is the service as the pipeline knows it.
func (s *Service) Core() *core.Service { return s.core }

func (s *Service) ops() []core.Op {
	topicARN := func(_ *core.Call, in *topicIn) string { return in.TopicArn }
	resourceARN := func(_ *core.Call, in *resourceIn) string { return in.ResourceArn }
	return []core.Op{
		core.Handle("CreateTopic", s.createTopic, core.Needs(func(c *core.Call, in *createTopicIn) []core.Permission {
			p := core.Permission{Resource: c.ARN("sns", in.Name), Context: core.TagKeys(in.tags(), nil)}
			if len(in.Tags) == 0 {
				return []core.Permission{p}
			}
			return []core.Permission{p, {Action: "sns:TagResource", Resource: p.Resource, Context: p.Context}}
		})),
		core.Handle("DeleteTopic", s.deleteTopic, core.On(topicARN)),
		core.Handle("ListTopics", s.listTopics, core.ReadOnly),
		core.Handle("GetTopicAttributes", s.getTopicAttributes, core.ReadOnly, core.On(topicARN)),
		core.Handle("SetTopicAttributes", s.setTopicAttributes, core.On(func(_ *core.Call, in *setTopicIn) string { return in.TopicArn })),
		core.Handle("TagResource", s.tag, core.Needs(func(c *core.Call, in *tagIn) []core.Permission {
			return []core.Permission{{Resource: in.ResourceArn, Context: core.TagKeys(tagMap(in.Tags), s.tagsOf(in.ResourceArn))}}
		})),
		core.Handle("UntagResource", s.untag, core.On(func(_ *core.Call, in *untagIn) string { return in.ResourceArn })),
		core.Handle("ListTagsForResource", s.listTags, core.ReadOnly, core.On(resourceARN)),

		core.Handle("Subscribe", s.subscribe, core.Needs(func(_ *core.Call, in *subscribeIn) []core.Permission {
			return []core.Permission{{Resource: in.TopicArn, Context: map[string][]string{"sns:Protocol": {in.Protocol}, "sns:Endpoint": {in.Endpoint}}}}
		})),
		core.Handle("ConfirmSubscription", s.confirm, core.On(func(_ *core.Call, in *confirmIn) string { return in.TopicArn })),
		core.Handle("Unsubscribe", s.unsubscribe, core.On(func(_ *core.Call, in *subscriptionIn) string { return topicOf(in.SubscriptionArn) })),
		core.Handle("ListSubscriptions", s.listSubscriptions, core.ReadOnly),
		core.Handle("ListSubscriptionsByTopic", s.listByTopic, core.ReadOnly, core.On(func(_ *core.Call, in *listByTopicIn) string { return in.TopicArn })),
		core.Handle("GetSubscriptionAttributes", s.getSubscription, core.ReadOnly, core.On(func(_ *core.Call, in *subscriptionIn) string { return topicOf(in.SubscriptionArn) })),
		core.Handle("SetSubscriptionAttributes", s.setSubscription, core.On(func(_ *core.Call, in *setSubscriptionIn) string { return topicOf(in.SubscriptionArn) })),

		core.Handle("Publish", s.publish, core.Data, core.On(func(_ *core.Call, in *publishIn) string { return in.target() })),
		core.Handle("PublishBatch", s.publishBatch, core.Data, core.Needs(func(_ *core.Call, in *publishBatchIn) []core.Permission {
			return []core.Permission{{Action: "sns:Publish", Resource: in.TopicArn}}
		})),
	}
}

// topicOf cuts the id off a subscription's ARN.
func topicOf(arn string) string {
	if strings.Count(arn, ":") < 6 {
		return arn
	}
	return arn[:strings.LastIndexByte(arn, ':')]
}

// find is the topic with an ARN, in the Region that is asked.
func (s *Service) find(c *core.Call, arn string) (*topic, error) {
	p := strings.Split(arn, ":")
	if len(p) != 6 || p[0] != "arn" || p[2] != "sns" || p[3] != c.Region {
		return nil, invalidParameter("TopicArn")
	}
	t := s.topic(arn)
	if t == nil {
		return nil, core.Errorf(404, "NotFound", "Topic does not exist")
	}
	return t, nil
}

func (s *Service) topic(arn string) *topic {
	p := strings.Split(arn, ":")
	if len(p) != 6 {
		return nil
	}
	pl := s.places.Peek(p[4], p[3])
	if pl == nil {
		return nil
	}
	return pl.topics[p[5]]
}

func invalidParameter(format string, args ...any) *core.Error {
	return core.Errorf(400, "InvalidParameter", "Invalid parameter: "+format, args...)
}

func (s *Service) inventory(account string, now time.Time) []core.Resource {
	var out []core.Resource
	s.places.Each(account, func(_, region string, p *place) {
		for _, t := range p.sortedTopics() {
			out = append(out, core.Resource{Service: "sns", Kind: "topic", Region: region, ID: t.name, ARN: t.arn, Children: len(s.living(t.subscriptions, now))})
		}
		for _, sub := range s.living(p.subscriptions, now) {
			r := core.Resource{Service: "sns", Kind: "subscription", Region: region, ID: sub.arn, ARN: sub.arn, State: "Confirmed"}
			if sub.pending {
				r.State = "PendingConfirmation"
			}
			out = append(out, r)
		}
	})
	return out
}

func (s *Service) resourcePolicy(arn string) (*core.ResourcePolicy, string) {
	t := s.topic(arn)
	switch {
	case t == nil:
		return nil, ""
	case t.policy == nil:
		return nil, t.account
	}
	return &core.ResourcePolicy{ARN: arn, Policy: t.policy}, t.account
}

func (p *place) sortedTopics() []*topic {
	out := make([]*topic, 0, len(p.topics))
	for _, t := range p.topics {
		out = append(out, t)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out
}
