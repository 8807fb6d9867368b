package sns

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// topic is one topic.
type topic struct {
	name, arn, account, region string
	fifo                       bool
	attributes                 map[string]string // those that were set
	policy                     *iameval.Policy
	tags                       map[string]string
	sequence                   uint64
	subscriptions              map[string]*subscription // by ARN
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// settable are a topic's attributes that may be set. Source: SetTopicAttributes.
var settable = []string{
	"DeliveryPolicy", "DisplayName", "Policy", "TracingConfig", "KmsMasterKeyId", "SignatureVersion",
	"ArchivePolicy", "ContentBasedDeduplication", "FifoThroughputScope", "FifoTopic", "DataProtectionPolicy",
	"HTTPSuccessFeedbackRoleArn", "HTTPSuccessFeedbackSampleRate", "HTTPFailureFeedbackRoleArn",
	"FirehoseSuccessFeedbackRoleArn", "FirehoseSuccessFeedbackSampleRate", "FirehoseFailureFeedbackRoleArn",
	"LambdaSuccessFeedbackRoleArn", "LambdaSuccessFeedbackSampleRate", "LambdaFailureFeedbackRoleArn",
	"ApplicationSuccessFeedbackRoleArn", "ApplicationSuccessFeedbackSampleRate", "ApplicationFailureFeedbackRoleArn",
	"SQSSuccessFeedbackRoleArn", "SQSSuccessFeedbackSampleRate", "SQSFailureFeedbackRoleArn",
}

type tag struct{ Key, Value string }

func tagMap(tags []tag) map[string]string {
	m := map[string]string{}
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

// entries is a map as the query protocol writes it: entry, key, value.
type entries map[string]string

// MarshalXML writes the entries in order of their keys.
func (m entries) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		entry := struct {
			Key   string `xml:"key"`
			Value string `xml:"value"`
		}{k, m[k]}
		if err := e.EncodeElement(entry, xml.StartElement{Name: xml.Name{Local: "entry"}}); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}

type createTopicIn struct {
	Name       string
	Attributes map[string]string
	Tags       []tag
}

func (in *createTopicIn) tags() map[string]string { return tagMap(in.Tags) }

type topicOut struct {
	TopicArn string
}

func (s *Service) createTopic(c *core.Call, in *createTopicIn) (*topicOut, error) {
	base, suffixed := strings.CutSuffix(in.Name, ".fifo")
	fifo := in.Attributes["FifoTopic"] == "true"
	switch {
	case !topicName.MatchString(base):
		return nil, invalidParameter("Topic Name")
	case fifo && !suffixed:
		return nil, invalidParameter("Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.")
	case suffixed && !fifo:
		return nil, invalidParameter("Topic Name")
	}
	p := s.places.At(c.Account.ID, c.Region)
	if old := p.topics[in.Name]; old != nil {
		return old.again(in)
	}
	t := &topic{name: in.Name, arn: c.ARN("sns", in.Name), account: c.Account.ID, region: c.Region, fifo: fifo,
		attributes: map[string]string{}, tags: in.tags(), subscriptions: map[string]*subscription{}}
	if fifo {
		t.attributes["FifoTopic"], t.attributes["ContentBasedDeduplication"] = "true", "false"
		t.attributes["FifoThroughputScope"] = "Topic"
	}
	if err := t.setPolicy(defaultPolicy(t)); err != nil {
		return nil, err
	}
	for name, value := range in.Attributes {
		if err := t.set(name, value); err != nil {
			return nil, err
		}
	}
	if err := checkTags(t.tags); err != nil {
		return nil, err
	}
	p.topics[t.name] = t
	return &topicOut{t.arn}, nil
}

// again answers for a topic that exists: its ARN, unless something given differs.
func (t *topic) again(in *createTopicIn) (*topicOut, error) {
	for name, value := range in.Attributes {
		if t.attributes[name] != value {
			return nil, invalidParameter("Attributes Reason: Topic already exists with different attributes")
		}
	}
	if len(in.Tags) > 0 && !maps.Equal(in.tags(), t.tags) {
		return nil, invalidParameter("Tags Reason: Topic already exists with different tags")
	}
	return &topicOut{t.arn}, nil
}

// defaultPolicy lets the owner's account do everything with the topic.
func defaultPolicy(t *topic) string {
	return fmt.Sprintf(`{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":%q,"Condition":{"StringEquals":{"AWS:SourceOwner":%q}}}]}`,
		t.arn, t.account)
}

func (t *topic) setPolicy(doc string) error {
	p, err := iameval.Parse(doc, iameval.Resource)
	if err != nil {
		return invalidParameter("Policy Error: PrincipalNotFound or %v", err)
	}
	t.policy, t.attributes["Policy"] = p, doc
	return nil
}

func (t *topic) set(name, value string) error {
	switch {
	case !slices.Contains(settable, name):
		return invalidParameter("AttributeName")
	case name == "Policy" && value != "":
		return t.setPolicy(value)
	case name == "Policy":
		return t.setPolicy(defaultPolicy(t))
	case name == "DisplayName" && len(value) > 100:
		return invalidParameter("DisplayName")
	case name == "ContentBasedDeduplication" && !t.fifo:
		return invalidParameter("Attributes Reason: Content-based deduplication can only be set for FIFO topics")
	case name == "DeliveryPolicy" && value != "" && !json.Valid([]byte(value)):
		return invalidParameter("DeliveryPolicy: failed to parse JSON.")
	}
	if value == "" {
		delete(t.attributes, name)
	} else {
		t.attributes[name] = value
	}
	return nil
}

type topicIn struct {
	TopicArn string
}

// deleteTopic succeeds for a topic that is gone.
func (s *Service) deleteTopic(c *core.Call, in *topicIn) (*core.None, error) {
	t, err := s.find(c, in.TopicArn)
	if t == nil {
		if e := (*core.Error)(nil); asNotFound(err, &e) {
			return nil, nil
		}
		return nil, err
	}
	for _, sub := range t.subscriptions {
		s.unlink(sub)
	}
	delete(s.places.At(t.account, t.region).topics, t.name)
	return nil, nil
}

type listTopicsIn struct {
	NextToken string
}

type listTopicsOut struct {
	Topics    []topicOut `xml:"Topics>member"`
	NextToken string     `xml:",omitempty"`
}

func (s *Service) listTopics(c *core.Call, in *listTopicsIn) (*listTopicsOut, error) {
	page, next, ok := core.Page(s.places.At(c.Account.ID, c.Region).sortedTopics(), func(t *topic) string { return t.name }, in.NextToken, pageSize)
	if !ok {
		return nil, invalidParameter("NextToken")
	}
	out := &listTopicsOut{NextToken: next}
	for _, t := range page {
		out.Topics = append(out.Topics, topicOut{t.arn})
	}
	return out, nil
}

type attributesOut struct {
	Attributes entries
}

func (s *Service) getTopicAttributes(c *core.Call, in *topicIn) (*attributesOut, error) {
	t, err := s.find(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	confirmed, pending := 0, 0
	for _, sub := range s.living(t.subscriptions, c.Now) {
		if sub.pending {
			pending++
		} else {
			confirmed++
		}
	}
	a := entries{
		"TopicArn": t.arn, "Owner": t.account, "DisplayName": "",
		"SubscriptionsConfirmed": strconv.Itoa(confirmed), "SubscriptionsPending": strconv.Itoa(pending), "SubscriptionsDeleted": "0",
		"EffectiveDeliveryPolicy": `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`,
	}
	maps.Copy(a, t.attributes)
	return &attributesOut{a}, nil
}

type setTopicIn struct {
	TopicArn       string
	AttributeName  string
	AttributeValue string
}

func (s *Service) setTopicAttributes(c *core.Call, in *setTopicIn) (*core.None, error) {
	t, err := s.find(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	return nil, t.set(in.AttributeName, in.AttributeValue)
}
