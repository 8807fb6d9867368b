package sqs

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

type receiveIn struct {
	QueueRef
	AttributeNames              []string `q:"AttributeName"` // the older name of the next
	MessageSystemAttributeNames []string `q:"MessageSystemAttributeName"`
	MessageAttributeNames       []string `q:"MessageAttributeName"`
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
}

type receiveOut struct {
	Messages []messageOut `json:",omitempty" xml:"Message"`
}

type messageOut struct {
	MessageID              string `json:"MessageId" xml:"MessageId"`
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             nameValues        `json:",omitempty" xml:"Attribute"`
	MD5OfMessageAttributes string            `json:",omitempty" xml:",omitempty"`
	MessageAttributes      messageAttributes `json:",omitempty" xml:"MessageAttribute"`
}

// receive hands messages out. It does not wait for one to come: what AWS answers
// after WaitTimeSeconds of silence it answers at once.
func (s *Service) receive(c *core.Call, in *receiveIn) (*receiveOut, error) {
	q, err := s.open(c, in.QueueRef)
	if err != nil {
		return nil, err
	}
	n, timeout := 1, q.seconds("VisibilityTimeout")
	if in.MaxNumberOfMessages != nil {
		if n = *in.MaxNumberOfMessages; n < 1 || n > 10 {
			return nil, invalidParameter("MaxNumberOfMessages", n, "Must be between 1 and 10, if provided.")
		}
	}
	if in.VisibilityTimeout != nil {
		if *in.VisibilityTimeout < 0 || *in.VisibilityTimeout > 43200 {
			return nil, invalidParameter("VisibilityTimeout", *in.VisibilityTimeout, "Must be between 0 and 43200, if provided.")
		}
		timeout = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	if w := in.WaitTimeSeconds; w != nil && (*w < 0 || *w > 20) {
		return nil, invalidParameter("WaitTimeSeconds", *w, "Must be >= 0 and <= 20, if provided.")
	}
	var out receiveOut
	for _, m := range s.take(q, n, timeout, c.Now) {
		o := messageOut{MessageID: m.id, ReceiptHandle: m.handle(), MD5OfBody: md5Hex(m.body), Body: m.body}
		o.Attributes = m.system(append(in.AttributeNames, in.MessageSystemAttributeNames...))
		o.MessageAttributes = m.wanted(in.MessageAttributeNames)
		o.MD5OfMessageAttributes = attributesMD5(o.MessageAttributes)
		out.Messages = append(out.Messages, o)
	}
	return &out, nil
}

// system gives the message system attributes that were asked for.
func (m *message) system(names []string) nameValues {
	all := map[string]string{
		"SenderId": m.sender, "SentTimestamp": strconv.FormatInt(m.sent.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.Itoa(m.received),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
		"MessageGroupId":                   m.group, "MessageDeduplicationId": m.dedup, "SequenceNumber": m.sequence,
		"AWSTraceHeader": m.traceID, "DeadLetterQueueSourceArn": m.source,
	}
	out := nameValues{}
	for name, value := range all {
		if value != "" && (slices.Contains(names, name) || slices.Contains(names, "All")) {
			out[name] = value
		}
	}
	return out
}

// wanted gives the message attributes that were asked for: by name, by a prefix
// with ".*", or all of them.
func (m *message) wanted(names []string) messageAttributes {
	out := messageAttributes{}
	for name, value := range m.attributes {
		if slices.ContainsFunc(names, func(n string) bool {
			prefix, star := strings.CutSuffix(n, ".*")
			return n == "All" || n == name || star && strings.HasPrefix(name, prefix)
		}) {
			out[name] = value
		}
	}
	return out
}
