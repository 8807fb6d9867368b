package sqs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// limits of the attributes that are numbers: least, most, default.
var limits = map[string][3]int{
	"VisibilityTimeout":             {0, 43200, 30},
	"MaximumMessageSize":            {1024, 1 << 20, 1 << 20}, // 1 MiB since August 2025
	"MessageRetentionPeriod":        {60, 1209600, 345600},
	"DelaySeconds":                  {0, 900, 0},
	"ReceiveMessageWaitTimeSeconds": {0, 20, 0},
	"KmsDataKeyReusePeriodSeconds":  {60, 86400, 0},
}

// choices of the attributes that are one of a few words.
var choices = map[string][]string{
	"SqsManagedSseEnabled":      {"true", "false"},
	"FifoQueue":                 {"true"},
	"ContentBasedDeduplication": {"true", "false"},
	"DeduplicationScope":        {"queue", "messageGroup"},
	"FifoThroughputLimit":       {"perQueue", "perMessageGroupId"},
}

var documents = []string{"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"}

// defaults are what a new queue has.
func defaults(fifo bool) map[string]string {
	m := map[string]string{"SqsManagedSseEnabled": "true"}
	for name, l := range limits {
		if name != "KmsDataKeyReusePeriodSeconds" {
			m[name] = strconv.Itoa(l[2])
		}
	}
	if fifo {
		m["FifoQueue"], m["ContentBasedDeduplication"] = "true", "false"
		m["DeduplicationScope"], m["FifoThroughputLimit"] = "queue", "perQueue"
	}
	return m
}

// redrive is a queue's RedrivePolicy.
type redrive struct {
	Target   string      `json:"deadLetterTargetArn"`
	MaxCount json.Number `json:"maxReceiveCount"`
}

// checkAttribute validates a value and gives its stored form.
func (s *Service) checkAttribute(q *queue, name, value string) (string, error) {
	bad := refuse("InvalidAttributeValue", "", "Invalid value for the parameter %s.", name)
	if l, ok := limits[name]; ok {
		n, err := strconv.Atoi(value)
		if err != nil || n < l[0] || n > l[1] {
			return "", bad
		}
		return strconv.Itoa(n), nil
	}
	if words, ok := choices[name]; ok {
		if !slices.Contains(words, value) {
			return "", bad
		}
		if name != "SqsManagedSseEnabled" && !q.fifo {
			return "", refuse("InvalidAttributeName", "", "Unknown Attribute %s.", name)
		}
		return value, nil
	}
	switch {
	case !slices.Contains(documents, name):
		return "", refuse("InvalidAttributeName", "", "Unknown Attribute %s.", name)
	case value == "" || name == "KmsMasterKeyId":
		return value, nil
	case name == "Policy":
		if _, err := iameval.Parse(value, iameval.Resource); err != nil {
			return "", bad
		}
		return value, nil
	case name == "RedrivePolicy":
		return s.checkRedrive(q, value)
	}
	if !json.Valid([]byte(value)) {
		return "", bad
	}
	return value, nil
}

func (s *Service) checkRedrive(q *queue, value string) (string, error) {
	refused := func(reason string) *core.Error { return invalidParameter("RedrivePolicy", value, reason) }
	var r redrive
	if err := json.Unmarshal([]byte(value), &r); err != nil {
		return "", refused("Redrive policy is not a valid JSON map.")
	}
	n, err := r.MaxCount.Int64()
	if err != nil || n < 1 || n > 1000 {
		return "", refused("Invalid value for maxReceiveCount: " + r.MaxCount.String() + ", valid values are from 1 to 1000 both inclusive.")
	}
	target := s.byARN(r.Target)
	switch {
	case target == nil:
		return "", refused("Dead letter target does not exist.")
	case target.account != q.account || target.region != q.region || target.fifo != q.fifo:
		return "", refused("Dead letter target must be in same account, in same region and of the same type as the source.")
	}
	return fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, r.Target, n), nil
}

// set puts checked attributes on the queue.
func (q *queue) set(attrs map[string]string) {
	for name, value := range attrs {
		if value == "" && slices.Contains(documents, name) {
			delete(q.attributes, name)
		} else {
			q.attributes[name] = value
		}
	}
	q.policy, q.redrive = nil, nil
	if doc := q.attributes["Policy"]; doc != "" {
		q.policy, _ = iameval.Parse(doc, iameval.Resource) // parsed before
	}
	if doc := q.attributes["RedrivePolicy"]; doc != "" {
		r := &redrive{}
		if json.Unmarshal([]byte(doc), r) == nil { // made by checkRedrive
			q.redrive = r
		}
	}
}

// number is the value of an attribute that is a number.
func (q *queue) number(name string) int {
	n, _ := strconv.Atoi(q.attributes[name]) // checked when it was set
	return n
}

func (q *queue) seconds(name string) time.Duration {
	return time.Duration(q.number(name)) * time.Second
}

type getAttributesIn struct {
	QueueRef
	AttributeNames []string `q:"AttributeName"`
}

type getAttributesOut struct {
	Attributes nameValues `xml:"Attribute" json:",omitempty"`
}

func (s *Service) getAttributes(c *core.Call, in *getAttributesIn) (*getAttributesOut, error) {
	q, err := s.open(c, in.QueueRef)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(q.attributes)
	maps.Copy(all, q.counts(c.Now))
	out := nameValues{}
	for _, name := range in.AttributeNames {
		switch value, ok := all[name]; {
		case name == "All":
			return &getAttributesOut{all}, nil
		case ok:
			out[name] = value
		case !slices.Contains(documents, name) && choices[name] == nil && limits[name] == [3]int{}:
			return nil, refuse("InvalidAttributeName", "", "Unknown Attribute %s.", name)
		}
	}
	return &getAttributesOut{out}, nil
}

// counts are the attributes that nobody sets.
func (q *queue) counts(now time.Time) map[string]string {
	var visible, flying, delayed int
	for _, m := range q.messages {
		switch {
		case !m.visible.After(now):
			visible++
		case m.received == 0:
			delayed++
		default:
			flying++
		}
	}
	return map[string]string{
		"QueueArn": q.arn(), "CreatedTimestamp": strconv.FormatInt(q.created.Unix(), 10),
		"LastModifiedTimestamp":                 strconv.FormatInt(q.modified.Unix(), 10),
		"ApproximateNumberOfMessages":           strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(flying),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(delayed),
	}
}

type setAttributesIn struct {
	QueueRef
	Attributes map[string]string `q:"Attribute"`
}

func (s *Service) setAttributes(c *core.Call, in *setAttributesIn) (*core.None, error) {
	q, err := s.open(c, in.QueueRef)
	if err != nil {
		return nil, err
	}
	checked := map[string]string{}
	for name, value := range in.Attributes {
		if checked[name], err = s.checkAttribute(q, name, value); err != nil {
			return nil, err
		}
	}
	q.set(checked)
	q.modified = c.Now
	return nil, nil
}
