package sns

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// pendingDays: a subscription that nobody confirms goes after two days.
const pendingDays = 2

// subscription is one subscription to a topic.
type subscription struct {
	arn, topic, owner  string
	protocol, endpoint string
	attributes         map[string]string
	filter             filter
	pending            bool
	token              string // that confirms it
	made               time.Time
	authenticated      bool
}

func (sub *subscription) lapsed(now time.Time) bool {
	return sub.pending && now.After(sub.made.AddDate(0, 0, pendingDays))
}

// living lists subscriptions by ARN as they are at now: those that nobody
// confirmed in time go.
func (s *Service) living(subs map[string]*subscription, now time.Time) []*subscription {
	out := make([]*subscription, 0, len(subs))
	for _, sub := range subs {
		if sub.lapsed(now) {
			s.unlink(sub)
			continue
		}
		out = append(out, sub)
	}
	slices.SortFunc(out, func(a, b *subscription) int { return strings.Compare(a.arn, b.arn) })
	return out
}

// link puts a subscription where its topic and its owner find it.
func (s *Service) link(t *topic, sub *subscription) {
	t.subscriptions[sub.arn] = sub
	s.places.At(sub.owner, t.region).subscriptions[sub.arn] = sub
}

// unlink takes it away from both.
func (s *Service) unlink(sub *subscription) {
	t := s.topic(sub.topic) // is there: subscriptions go with their topic
	delete(t.subscriptions, sub.arn)
	delete(s.places.At(sub.owner, t.region).subscriptions, sub.arn)
}

type subscribeIn struct {
	TopicArn, Protocol, Endpoint string
	Attributes                   map[string]string
	ReturnSubscriptionArn        bool
}

type subscriptionOut struct {
	SubscriptionArn string
}

var protocols = []string{"http", "https", "email", "email-json", "sms", "sqs", "application", "lambda", "firehose"}

var subscriptionAttributes = []string{"DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy", "SubscriptionRoleArn", "ReplayPolicy"}

func (s *Service) subscribe(c *core.Call, in *subscribeIn) (*subscriptionOut, error) {
	t, err := s.find(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	if err := checkEndpoint(in, t); err != nil {
		return nil, err
	}
	sub := &subscription{
		topic: t.arn, owner: c.Account.ID, protocol: in.Protocol, endpoint: in.Endpoint,
		attributes: map[string]string{}, made: c.Now, pending: needsConfirming(in, c.Account.ID),
	}
	for name, value := range in.Attributes {
		if err := sub.set(name, value); err != nil {
			return nil, err
		}
	}
	for _, old := range s.living(t.subscriptions, c.Now) {
		if old.protocol == in.Protocol && old.endpoint == in.Endpoint {
			if !maps.Equal(old.attributes, sub.attributes) && len(sub.attributes) > 0 {
				return nil, invalidParameter("Attributes Reason: Subscription already exists with different attributes")
			}
			return &subscriptionOut{old.shown(in.ReturnSubscriptionArn)}, nil
		}
	}
	sub.arn = t.arn + ":" + c.World.UUID()
	if sub.pending {
		sub.token = c.World.Hex(64)
		s.askToConfirm(t, sub, c.Now)
	}
	s.link(t, sub)
	return &subscriptionOut{sub.shown(in.ReturnSubscriptionArn)}, nil
}

// needsConfirming: an endpoint of the caller's own account needs no
// confirmation; people, web servers and other accounts' endpoints do.
func needsConfirming(in *subscribeIn, account string) bool {
	switch in.Protocol {
	case "email", "email-json", "http", "https":
		return true
	case "sqs", "lambda", "firehose":
		p := strings.Split(in.Endpoint, ":")
		return len(p) > 4 && p[4] != account
	}
	return false
}

func checkEndpoint(in *subscribeIn, t *topic) error {
	arn := func(service string) bool { return strings.HasPrefix(in.Endpoint, "arn:aws:"+service+":") }
	ok := true
	switch in.Protocol {
	case "sqs", "lambda", "firehose":
		ok = arn(in.Protocol)
	case "application":
		ok = arn("sns")
	case "email", "email-json":
		ok = strings.Contains(in.Endpoint, "@")
	case "http", "https":
		ok = strings.HasPrefix(in.Endpoint, in.Protocol+"://")
	case "sms":
		ok = in.Endpoint != ""
	}
	switch {
	case !slices.Contains(protocols, in.Protocol):
		return invalidParameter("Amazon SNS does not support this protocol string: %s", in.Protocol)
	case !ok && in.Protocol == "sqs":
		return invalidParameter("SQS endpoint ARN")
	case !ok:
		return invalidParameter("Endpoint: %s is not one of protocol %s", in.Endpoint, in.Protocol)
	case t.fifo && in.Protocol != "sqs":
		return invalidParameter("Invalid protocol type: %s", in.Protocol)
	case !t.fifo && in.Protocol == "sqs" && strings.HasSuffix(in.Endpoint, ".fifo"):
		return invalidParameter("Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
	}
	return nil
}

// shown is the ARN as Subscribe tells it.
func (sub *subscription) shown(always bool) string {
	if sub.pending && !always {
		return "pending confirmation"
	}
	return sub.arn
}

func (sub *subscription) set(name, value string) error {
	if !slices.Contains(subscriptionAttributes, name) {
		return invalidParameter("AttributeName")
	}
	switch name {
	case "FilterPolicy":
		f, err := parseFilter(value)
		if err != nil {
			return err
		}
		sub.filter = f
	case "RawMessageDelivery":
		if value != "true" && value != "false" {
			return invalidParameter("Attributes Reason: RawMessageDelivery: Invalid value [%s]. Must be true or false.", value)
		}
	case "DeliveryPolicy", "RedrivePolicy":
		if value != "" && !json.Valid([]byte(value)) {
			return invalidParameter("%s: failed to parse JSON.", name)
		}
	}
	if value == "" {
		delete(sub.attributes, name)
	} else {
		sub.attributes[name] = value
	}
	return nil
}

type subscriptionIn struct {
	SubscriptionArn string
}

func (s *Service) subscription(c *core.Call, arn string) (*subscription, error) {
	if strings.Count(arn, ":") != 6 {
		return nil, invalidParameter("SubscriptionArn Reason: An ARN must have at least 7 elements, not %d", strings.Count(arn, ":")+1)
	}
	if t := s.topic(topicOf(arn)); t != nil && t.region == c.Region {
		if sub := t.subscriptions[arn]; sub != nil && !sub.lapsed(c.Now) {
			return sub, nil
		}
	}
	return nil, core.Errorf(404, "NotFound", "Subscription does not exist")
}

// unsubscribe succeeds for a subscription that is gone. One that was not
// confirmed cannot be removed: it lapses.
func (s *Service) unsubscribe(c *core.Call, in *subscriptionIn) (*core.None, error) {
	sub, err := s.subscription(c, in.SubscriptionArn)
	if sub == nil {
		if e := (*core.Error)(nil); asNotFound(err, &e) {
			return nil, nil
		}
		return nil, err
	}
	if sub.pending {
		return nil, invalidParameter("SubscriptionArn Reason: This subscription is pending confirmation and cannot be removed; it expires by itself.")
	}
	s.unlink(sub)
	return nil, nil
}

type confirmIn struct {
	TopicArn                  string
	Token                     string `trail:"-"`
	AuthenticateOnUnsubscribe string
}

func (s *Service) confirm(c *core.Call, in *confirmIn) (*subscriptionOut, error) {
	t, err := s.find(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	for _, sub := range s.living(t.subscriptions, c.Now) {
		if sub.token != "" && sub.token == in.Token {
			sub.pending, sub.authenticated = false, in.AuthenticateOnUnsubscribe == "true"
			return &subscriptionOut{sub.arn}, nil
		}
	}
	return nil, invalidParameter("Token")
}

func (s *Service) getSubscription(c *core.Call, in *subscriptionIn) (*attributesOut, error) {
	sub, err := s.subscription(c, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	a := entries{
		"SubscriptionArn": sub.arn, "TopicArn": sub.topic, "Owner": sub.owner, "Protocol": sub.protocol, "Endpoint": sub.endpoint,
		"PendingConfirmation":          fmt.Sprint(sub.pending),
		"ConfirmationWasAuthenticated": fmt.Sprint(!sub.pending && (sub.token == "" || sub.authenticated)),
		"RawMessageDelivery":           "false", "SubscriptionPrincipal": "arn:aws:iam::" + sub.owner + ":root",
	}
	if sub.attributes["FilterPolicy"] != "" {
		a["FilterPolicyScope"] = "MessageAttributes"
	}
	maps.Copy(a, sub.attributes)
	return &attributesOut{a}, nil
}

type setSubscriptionIn struct {
	SubscriptionArn, AttributeName, AttributeValue string
}

func (s *Service) setSubscription(c *core.Call, in *setSubscriptionIn) (*core.None, error) {
	sub, err := s.subscription(c, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	return nil, sub.set(in.AttributeName, in.AttributeValue)
}

type listSubscriptionsIn struct {
	NextToken string
}

type listByTopicIn struct {
	TopicArn, NextToken string
}

type listSubscriptionsOut struct {
	Subscriptions []subscriptionEntry `xml:"Subscriptions>member"`
	NextToken     string              `xml:",omitempty"`
}

type subscriptionEntry struct {
	SubscriptionArn, Owner, Protocol, Endpoint, TopicArn string
}

func (s *Service) listSubscriptions(c *core.Call, in *listSubscriptionsIn) (*listSubscriptionsOut, error) {
	return subscriptionPage(s.living(s.places.At(c.Account.ID, c.Region).subscriptions, c.Now), in.NextToken)
}

func (s *Service) listByTopic(c *core.Call, in *listByTopicIn) (*listSubscriptionsOut, error) {
	t, err := s.find(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	return subscriptionPage(s.living(t.subscriptions, c.Now), in.NextToken)
}

func subscriptionPage(subs []*subscription, token string) (*listSubscriptionsOut, error) {
	page, next, ok := core.Page(subs, func(s *subscription) string { return s.arn }, token, pageSize)
	if !ok {
		return nil, invalidParameter("NextToken")
	}
	out := &listSubscriptionsOut{NextToken: next}
	for _, sub := range page {
		e := subscriptionEntry{sub.arn, sub.owner, sub.protocol, sub.endpoint, sub.topic}
		if sub.pending {
			e.SubscriptionArn = "PendingConfirmation"
		}
		out.Subscriptions = append(out.Subscriptions, e)
	}
	return out, nil
}
