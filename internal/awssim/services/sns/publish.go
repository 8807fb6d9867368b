package sns

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/sqs"
)

// maxMessage is the largest message with its attributes, in bytes.
const maxMessage = 256 << 10

// messageAttribute is one attribute of a message.
type messageAttribute struct {
	DataType    string
	StringValue string
	BinaryValue []byte
}

// Notice is what is published, alone or in a batch.
type Notice struct {
	Message                string `trail:"-"`
	Subject                string
	MessageStructure       string
	MessageAttributes      map[string]messageAttribute `trail:"-"`
	MessageDeduplicationID string                      `q:"MessageDeduplicationId"`
	MessageGroupID         string                      `q:"MessageGroupId"`
}

type publishIn struct {
	TopicArn, TargetArn, PhoneNumber string
	Notice
}

func (in *publishIn) target() string {
	if in.TopicArn != "" {
		return in.TopicArn
	}
	return in.TargetArn
}

type publishOut struct {
	MessageID      string `xml:"MessageId"`
	SequenceNumber string `xml:",omitempty"`
}

func (s *Service) publish(c *core.Call, in *publishIn) (*publishOut, error) {
	if in.PhoneNumber != "" {
		return &publishOut{MessageID: c.World.UUID()}, nil // a text message, to nobody here
	}
	t, err := s.find(c, in.target())
	if err != nil {
		return nil, err
	}
	return s.accept(t, in.Notice, c.Now)
}

// accept checks a notice and delivers it to the topic's subscriptions.
func (s *Service) accept(t *topic, n Notice, now time.Time) (*publishOut, error) {
	size := len(n.Message)
	for name, a := range n.MessageAttributes {
		size += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	bodies := map[string]string{"default": n.Message}
	if n.MessageStructure == "json" {
		bodies = map[string]string{}
		if err := json.Unmarshal([]byte(n.Message), &bodies); err != nil || bodies["default"] == "" {
			return nil, invalidParameter("Message Structure - No default entry in JSON message body")
		}
	}
	switch {
	case n.Message == "" || !utf8.ValidString(n.Message):
		return nil, invalidParameter("Empty message")
	case size > maxMessage:
		return nil, invalidParameter("Message too long")
	case len(n.Subject) > 100:
		return nil, invalidParameter("Subject")
	case t.fifo && n.MessageGroupID == "":
		return nil, invalidParameter("The MessageGroupId parameter is required for FIFO topics")
	case t.fifo && n.MessageDeduplicationID == "" && t.attributes["ContentBasedDeduplication"] != "true":
		return nil, invalidParameter("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	out := &publishOut{MessageID: s.w.UUID()}
	if t.fifo {
		t.sequence++
		out.SequenceNumber = fmt.Sprintf("1%019d", t.sequence)
		if n.MessageDeduplicationID == "" { // by content, which the envelope would hide from the queue
			sum := sha256.Sum256([]byte(n.Message))
			n.MessageDeduplicationID = hex.EncodeToString(sum[:])
		}
	}
	for _, sub := range s.living(t.subscriptions, now) {
		if !sub.pending && sub.protocol == "sqs" && sub.filter.lets(n.MessageAttributes) {
			body := bodies["default"]
			if own, ok := bodies["sqs"]; ok {
				body = own
			}
			s.deliver(t, sub, n, body, out, now)
		}
	}
	return out, nil
}

// envelope is the JSON that SNS wraps messages in.
type envelope struct {
	Type              string
	MessageID         string `json:"MessageId"`
	Token             string `json:",omitempty"`
	SequenceNumber    string `json:",omitempty"`
	TopicArn          string
	Subject           string `json:",omitempty"`
	Message           string
	SubscribeURL      string `json:",omitempty"`
	Timestamp         string
	UnsubscribeURL    string                   `json:",omitempty"`
	MessageAttributes map[string]envelopeValue `json:",omitempty"`
}

type envelopeValue struct{ Type, Value string }

func (s *Service) deliver(t *topic, sub *subscription, n Notice, body string, out *publishOut, now time.Time) {
	m := sqs.Message{Body: body, Group: n.MessageGroupID, Dedup: n.MessageDeduplicationID, Sender: "AIDASNS"}
	if sub.attributes["RawMessageDelivery"] == "true" {
		m.Attributes = map[string]sqs.Attribute{}
		for k, a := range n.MessageAttributes {
			m.Attributes[k] = sqs.Attribute{DataType: a.DataType, Text: a.StringValue, Blob: a.BinaryValue}
		}
	} else {
		e := envelope{Type: "Notification", MessageID: out.MessageID, SequenceNumber: out.SequenceNumber, TopicArn: t.arn,
			Subject: n.Subject, Message: body, Timestamp: stamp(now), MessageAttributes: map[string]envelopeValue{}}
		for k, a := range n.MessageAttributes {
			e.MessageAttributes[k] = envelopeValue{a.DataType, a.StringValue}
		}
		m.Body = e.text()
	}
	s.toQueue(t, sub.endpoint, m, now)
}

// askToConfirm sends the token to a queue of another account. Mail and web
// servers get nothing in the simulation.
func (s *Service) askToConfirm(t *topic, sub *subscription, now time.Time) {
	if sub.protocol != "sqs" {
		return
	}
	e := envelope{
		Type: "SubscriptionConfirmation", MessageID: s.w.UUID(), Token: sub.token, TopicArn: t.arn, Timestamp: stamp(now),
		Message: "You have chosen to subscribe to the topic " + t.arn + ".\nTo confirm the subscription, visit the SubscribeURL included in this message.",
	}
	s.toQueue(t, sub.endpoint, sqs.Message{Body: e.text(), Sender: "AIDASNS"}, now)
}

// toQueue delivers if the queue's policy lets SNS in for this topic. As with
// AWS, a message that may not be delivered is lost without a word.
func (s *Service) toQueue(t *topic, arn string, m sqs.Message, now time.Time) {
	if s.queues != nil {
		_ = s.queues.DeliverFor("sns.amazonaws.com", t.arn, arn, m, now)
	}
}

func (e envelope) text() string {
	b, err := json.Marshal(e)
	if err != nil {
		return "" // strings always marshal
	}
	return string(b)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

type publishBatchIn struct {
	TopicArn                   string
	PublishBatchRequestEntries []struct {
		ID string `q:"Id"`
		Notice
	}
}

type publishBatchOut struct {
	Successful []publishedEntry `xml:"Successful>member"`
	Failed     []failedEntry    `xml:"Failed>member"`
}

type publishedEntry struct {
	ID             string `xml:"Id"`
	MessageID      string `xml:"MessageId"`
	SequenceNumber string `xml:",omitempty"`
}

type failedEntry struct {
	ID          string `xml:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

func (s *Service) publishBatch(c *core.Call, in *publishBatchIn) (*publishBatchOut, error) {
	t, err := s.find(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	switch n := len(in.PublishBatchRequestEntries); {
	case n == 0:
		return nil, core.Errorf(400, "EmptyBatchRequest", "The batch request doesn't contain any entries.")
	case n > 10:
		return nil, core.Errorf(400, "TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
	}
	seen := map[string]bool{}
	out := &publishBatchOut{}
	for _, e := range in.PublishBatchRequestEntries {
		if seen[e.ID] {
			return nil, core.Errorf(400, "BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
		}
		seen[e.ID] = true
	}
	for _, e := range in.PublishBatchRequestEntries {
		p, err := s.accept(t, e.Notice, c.Now)
		var refused *core.Error
		switch {
		case errors.As(err, &refused):
			out.Failed = append(out.Failed, failedEntry{e.ID, refused.Code, refused.Message, true})
		case err != nil:
			return nil, err
		default:
			out.Successful = append(out.Successful, publishedEntry{e.ID, p.MessageID, p.SequenceNumber})
		}
	}
	return out, nil
}
