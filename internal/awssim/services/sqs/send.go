package sqs

import (
	"crypto/md5" // #nosec: the protocol's digest
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Entry is a message as it is sent, alone or in a batch.
type Entry struct {
	MessageBody             string `trail:"-"`
	DelaySeconds            *int
	MessageAttributes       messageAttributes `q:"MessageAttribute" trail:"-"`
	MessageSystemAttributes messageAttributes `q:"MessageSystemAttribute" trail:"-"`
	MessageDeduplicationID  string            `q:"MessageDeduplicationId" json:"MessageDeduplicationId"`
	MessageGroupID          string            `q:"MessageGroupId" json:"MessageGroupId"`
}

// Receipt is what the sender gets.
type Receipt struct {
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string `json:",omitempty" xml:",omitempty"`
	MD5OfMessageSystemAttributes string `json:",omitempty" xml:",omitempty"`
	MessageID                    string `json:"MessageId" xml:"MessageId"`
	SequenceNumber               string `json:",omitempty" xml:",omitempty"`
}

type sendIn struct {
	QueueRef
	Entry
}

func (s *Service) send(c *core.Call, in *sendIn) (*Receipt, error) {
	q, err := s.open(c, in.QueueRef)
	if err != nil {
		return nil, err
	}
	return s.accept(c, q, in.Entry)
}

// accept checks a message and puts it into the queue.
func (s *Service) accept(c *core.Call, q *queue, e Entry) (*Receipt, error) {
	if err := q.check(e); err != nil {
		return nil, err
	}
	delay := q.seconds("DelaySeconds")
	if e.DelaySeconds != nil {
		if *e.DelaySeconds < 0 || *e.DelaySeconds > 900 || q.fifo && *e.DelaySeconds != 0 {
			return nil, invalidParameter("DelaySeconds", *e.DelaySeconds, "DelaySeconds must be >= 0 and <= 900, and is not for messages of a FIFO queue.")
		}
		delay = time.Duration(*e.DelaySeconds) * time.Second
	}
	m := &message{
		body: e.MessageBody, attributes: e.MessageAttributes, sender: c.Principal.UserID,
		traceID: e.MessageSystemAttributes["AWSTraceHeader"].StringValue,
		sent:    c.Now, visible: c.Now.Add(delay), group: e.MessageGroupID, dedup: e.MessageDeduplicationID,
	}
	s.enqueue(q, m)
	return &Receipt{
		MD5OfMessageBody: md5Hex(m.body), MD5OfMessageAttributes: attributesMD5(e.MessageAttributes),
		MD5OfMessageSystemAttributes: attributesMD5(e.MessageSystemAttributes), MessageID: m.id, SequenceNumber: m.sequence,
	}, nil
}

func (q *queue) check(e Entry) error {
	size := len(e.MessageBody)
	for name, a := range e.MessageAttributes {
		size += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
		base, _, _ := strings.Cut(a.DataType, ".")
		if !slices.Contains([]string{"String", "Number", "Binary"}, base) {
			return refuse("InvalidParameterValue", "", "The type of message (user) attribute '%s' is invalid. You must use only the following supported type prefixes: Binary, Number, String.", name)
		}
	}
	switch {
	case e.MessageBody == "":
		return missingParameter("MessageBody")
	case !utf8.ValidString(e.MessageBody) || strings.ContainsFunc(e.MessageBody, forbidden):
		return refuse("InvalidMessageContents", "", "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.")
	case size > q.number("MaximumMessageSize"):
		return refuse("InvalidParameterValue", "", "One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.number("MaximumMessageSize"))
	case len(e.MessageAttributes) > 10:
		return refuse("InvalidParameterValue", "", "Number of message attributes [%d] exceeds the allowed maximum [10].", len(e.MessageAttributes))
	case q.fifo && e.MessageGroupID == "":
		return missingParameter("MessageGroupId")
	case q.fifo && e.MessageDeduplicationID == "" && q.attributes["ContentBasedDeduplication"] != "true":
		return refuse("InvalidParameterValue", "", "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case !q.fifo && e.MessageDeduplicationID != "":
		return refuse("InvalidParameterValue", "", "The request include parameter MessageDeduplicationId which is not valid for this queue type")
	}
	return nil
}

// forbidden are the characters that XML 1.0 does not have.
func forbidden(r rune) bool {
	return r < 0x20 && r != 0x9 && r != 0xA && r != 0xD || r == 0xFFFE || r == 0xFFFF
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s)) // #nosec
	return hex.EncodeToString(sum[:])
}

func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func encode64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// attributesMD5 is the digest that SDKs compare. Source: "Calculating the MD5
// message digest for message attributes", SQS Developer Guide.
func attributesMD5(attrs messageAttributes) string {
	if len(attrs) == 0 {
		return ""
	}
	h := md5.New() // #nosec
	field := func(b []byte) {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		a := attrs[name]
		field([]byte(name))
		field([]byte(a.DataType))
		if strings.HasPrefix(a.DataType, "Binary") {
			h.Write([]byte{2})
			field(a.BinaryValue)
		} else {
			h.Write([]byte{1})
			field([]byte(a.StringValue))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
