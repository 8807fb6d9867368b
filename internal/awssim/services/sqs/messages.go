package sqs

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// dedupWindow is how long a FIFO queue remembers a deduplication id.
const dedupWindow = 5 * time.Minute

// message is one message in a queue.
type message struct {
	id, body   string
	attributes messageAttributes
	sender     string // principal id
	traceID    string
	sent       time.Time
	visible    time.Time // from when on it can be received
	received   int       // how often it was
	first      time.Time // when it was received first
	group      string
	dedup      string
	sequence   string
	source     string // ARN of the queue that gave it up as dead
}

// sent is what a FIFO queue remembers of a message for deduplication.
type sent struct {
	at           time.Time
	id, sequence string
}

// Message is what another service puts into a queue.
type Message struct {
	Body         string
	Attributes   map[string]Attribute
	Group, Dedup string // FIFO queues
	Sender       string // principal id, such as AIDA… of SNS
}

// Attribute is a message attribute: a String or Number by Text, a Binary by Blob.
type Attribute struct {
	DataType, Text string
	Blob           []byte
}

// DeliverFor puts a message into a queue for an AWS service, such as
// "sns.amazonaws.com", on behalf of source (an ARN, of a topic or rule). The
// queue's policy must let the service in. Errors are *core.Error. Lock held.
func (s *Service) DeliverFor(principal, source, arn string, m Message, now time.Time) error {
	q := s.byARN(arn)
	if q == nil {
		return noQueue()
	}
	policy := iameval.Attached{ARN: arn, Policy: q.policy}
	if q.policy == nil || !core.ServiceAllowed(principal, source, "sqs:SendMessage", policy, q.account, now, nil) {
		return core.Errorf(403, "AccessDenied", "%s is not authorized to perform: sqs:SendMessage on resource: %s", principal, arn)
	}
	attrs := messageAttributes{}
	for k, a := range m.Attributes {
		attrs[k] = attributeValue{DataType: a.DataType, StringValue: a.Text, BinaryValue: a.Blob}
	}
	q.expire(now)
	s.enqueue(q, &message{body: m.Body, attributes: attrs, sender: m.Sender, sent: now, visible: now.Add(q.seconds("DelaySeconds")),
		group: m.Group, dedup: m.Dedup})
	return nil
}

// enqueue gives a message its id and puts it at the end, unless a FIFO queue
// has had it already: then id and sequence are those of the first.
func (s *Service) enqueue(q *queue, m *message) {
	if q.fifo {
		if m.dedup == "" {
			m.dedup = sha256Hex(m.body)
		}
		key := m.dedup
		if q.attributes["DeduplicationScope"] == "messageGroup" {
			key = m.group + "\x00" + key
		}
		if old, ok := q.recent[key]; ok && m.sent.Before(old.at.Add(dedupWindow)) {
			m.id, m.sequence = old.id, old.sequence
			return
		}
		q.sequence++
		m.sequence = fmt.Sprintf("%020d", q.sequence+18_000_000_000_000_000_000)
		m.id = s.w.UUID()
		q.recent[key] = sent{m.sent, m.id, m.sequence}
	} else {
		m.id = s.w.UUID()
	}
	q.messages = append(q.messages, m)
}

// expire drops what is older than the retention period, and forgets
// deduplication ids.
func (q *queue) expire(now time.Time) {
	oldest := now.Add(-q.seconds("MessageRetentionPeriod"))
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return m.sent.Before(oldest) })
	for k, d := range q.recent {
		if !now.Before(d.at.Add(dedupWindow)) {
			delete(q.recent, k)
		}
	}
}

// take receives up to n messages for a visibility timeout. Messages that were
// received too often go to the dead-letter queue instead.
func (s *Service) take(q *queue, n int, timeout time.Duration, now time.Time) []*message {
	busy := map[string]bool{} // groups with a message in flight
	if q.fifo {
		for _, m := range q.messages {
			if m.visible.After(now) {
				busy[m.group] = true
			}
		}
	}
	var out, dead []*message
	for _, m := range q.messages {
		if len(out) == n {
			break
		}
		if m.visible.After(now) || q.fifo && busy[m.group] {
			continue
		}
		if q.redrive != nil && m.received > 0 && q.exhausted(m) {
			dead = append(dead, m)
			continue
		}
		m.received++
		if m.first.IsZero() {
			m.first = now
		}
		m.visible = now.Add(timeout)
		out = append(out, m)
	}
	for _, m := range dead {
		s.bury(q, m, now)
	}
	return out
}

// exhausted reports whether a message was received as often as it may be.
func (q *queue) exhausted(m *message) bool {
	n, err := q.redrive.MaxCount.Int64()
	return err == nil && int64(m.received) >= n
}

// bury moves a message to the dead-letter queue. If that is gone it stays.
func (s *Service) bury(q *queue, m *message, now time.Time) {
	target := s.byARN(q.redrive.Target)
	if target == nil {
		return
	}
	q.drop(m)
	m.visible, m.source = now, q.arn()
	target.messages = append(target.messages, m)
}

func (q *queue) drop(m *message) {
	q.messages = slices.DeleteFunc(q.messages, func(x *message) bool { return x == m })
}

// handle is the receipt of the latest receiving.
func (m *message) handle() string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "AQEB:%s:%d", m.id, m.received))
}

// byHandle finds the message of a receipt. nil without an error: the message is
// gone, or was received again since, and the receipt is of no more use.
func (q *queue) byHandle(handle string) (*message, error) {
	raw, err := base64.StdEncoding.DecodeString(handle)
	parts := strings.Split(string(raw), ":")
	if err != nil || len(parts) != 3 || parts[0] != "AQEB" {
		return nil, refuse("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", "The input receipt handle %q is not a valid receipt handle.", handle)
	}
	for _, m := range q.messages {
		if m.id == parts[1] && m.handle() == handle {
			return m, nil
		}
	}
	return nil, nil
}

type deleteIn struct {
	QueueRef
	ReceiptHandle string
}

func (s *Service) deleteMessage(c *core.Call, in *deleteIn) (*core.None, error) {
	q, err := s.open(c, in.QueueRef)
	if err != nil {
		return nil, err
	}
	return nil, q.delete(in.ReceiptHandle)
}

func (q *queue) delete(handle string) error {
	m, err := q.byHandle(handle)
	if m != nil {
		q.drop(m)
	}
	return err
}

type visibilityIn struct {
	QueueRef
	ReceiptHandle     string
	VisibilityTimeout *int
}

func (s *Service) changeVisibility(c *core.Call, in *visibilityIn) (*core.None, error) {
	q, err := s.open(c, in.QueueRef)
	if err != nil {
		return nil, err
	}
	return nil, q.hide(in.ReceiptHandle, in.VisibilityTimeout, c.Now)
}

func (q *queue) hide(handle string, seconds *int, now time.Time) error {
	if seconds == nil {
		return missingParameter("VisibilityTimeout")
	}
	if *seconds < 0 || *seconds > 43200 {
		return invalidParameter("VisibilityTimeout", *seconds, "Must be between 0 and 43200, if provided.")
	}
	m, err := q.byHandle(handle)
	switch {
	case err != nil:
		return err
	case m == nil:
		return invalidParameter("ReceiptHandle", handle, "Message does not exist or is not available for visibility timeout change.")
	case !m.visible.After(now):
		return refuse("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", "The message referred to isn't in flight.")
	}
	m.visible = now.Add(time.Duration(*seconds) * time.Second)
	return nil
}
