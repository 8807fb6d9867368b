package sqs

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// nameBlock is how long the name of a deleted queue cannot be used again.
const nameBlock = 60 * time.Second

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// queue is one queue.
type queue struct {
	name, account, region string
	fifo                  bool
	created, modified     time.Time
	attributes            map[string]string
	policy                *iameval.Policy
	redrive               *redrive
	tags                  map[string]string
	messages              []*message // in order of sending
	sequence              uint64
	recent                map[string]sent // FIFO: deduplication ids of the last five minutes
	purged                time.Time
}

func (q *queue) arn() string { return queueARN(q.region, q.account, q.name) }

// url is where a caller finds the queue: on the host it spoke to.
func (q *queue) url(c *core.Call) string {
	return "http://" + c.Request.Host + "/" + q.account + "/" + q.name
}

type createQueueIn struct {
	QueueName  string
	Attributes map[string]string `q:"Attribute"`
	Tags       map[string]string `q:"Tag"`
}

type queueURLOut struct {
	QueueURL string `json:"QueueUrl" xml:"QueueUrl" trail:"queueUrl"`
}

func (s *Service) createQueue(c *core.Call, in *createQueueIn) (*queueURLOut, error) {
	base, suffixed := strings.CutSuffix(in.QueueName, ".fifo")
	fifo := in.Attributes["FifoQueue"] == "true"
	switch {
	case in.QueueName == "":
		return nil, missingParameter("QueueName")
	case !queueName.MatchString(base) || len(in.QueueName) > 80:
		return nil, refuse("InvalidParameterValue", "", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	case fifo != suffixed:
		return nil, refuse("InvalidParameterValue", "", "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
	}
	p := s.places.At(c.Account.ID, c.Region)
	q := &queue{
		name: in.QueueName, account: c.Account.ID, region: c.Region, fifo: fifo, created: c.Now, modified: c.Now,
		attributes: defaults(fifo), tags: map[string]string{}, recent: map[string]sent{},
	}
	checked := map[string]string{}
	for name, value := range in.Attributes {
		var err error
		if checked[name], err = s.checkAttribute(q, name, value); err != nil {
			return nil, err
		}
	}
	if old := p.queues[in.QueueName]; old != nil {
		return old.again(c, checked)
	}
	if at, ok := p.deleted[in.QueueName]; ok && c.Now.Before(at.Add(nameBlock)) {
		return nil, refuse("QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	}
	q.set(checked)
	for k, v := range in.Tags {
		q.tags[k] = v
	}
	delete(p.deleted, q.name)
	p.queues[q.name] = q
	return &queueURLOut{q.url(c)}, nil
}

// again answers for a queue that exists: fine if every attribute given is what it has.
func (q *queue) again(c *core.Call, attrs map[string]string) (*queueURLOut, error) {
	for name, value := range attrs {
		if q.attributes[name] != value {
			return nil, refuse("QueueNameExists", "QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute %s", name)
		}
	}
	return &queueURLOut{q.url(c)}, nil
}

func (s *Service) deleteQueue(c *core.Call, in *QueueRef) (*core.None, error) {
	q, err := s.open(c, *in)
	if err != nil {
		return nil, err
	}
	p := s.places.At(q.account, q.region)
	delete(p.queues, q.name)
	p.deleted[q.name] = c.Now
	return nil, nil
}

type getQueueURLIn struct {
	QueueName string
	Owner     string `q:"QueueOwnerAWSAccountId" json:"QueueOwnerAWSAccountId" trail:"queueOwnerAWSAccountId"`
}

func (in *getQueueURLIn) account(c *core.Call) string {
	if in.Owner != "" {
		return in.Owner
	}
	return c.Account.ID
}

func (in *getQueueURLIn) arn(c *core.Call) string {
	return queueARN(c.Region, in.account(c), in.QueueName)
}

func (s *Service) getQueueURL(c *core.Call, in *getQueueURLIn) (*queueURLOut, error) {
	q := s.at(c.Region, in.account(c), in.QueueName)
	if q == nil {
		return nil, noQueue()
	}
	return &queueURLOut{q.url(c)}, nil
}

type listQueuesIn struct {
	QueueNamePrefix string
	NextToken       string
	MaxResults      *int
}

type listQueuesOut struct {
	QueueURLs []string `json:"QueueUrls,omitempty" xml:"QueueUrl" trail:"queueUrls"`
	NextToken string   `json:",omitempty" xml:",omitempty"`
}

// maxQueues is the most that one answer lists.
const maxQueues = 1000

// listQueues lists up to 1,000 queues. Source: ListQueues: without MaxResults
// there is no NextToken, whatever was left out.
func (s *Service) listQueues(c *core.Call, in *listQueuesIn) (*listQueuesOut, error) {
	var found []*queue
	for _, q := range s.places.At(c.Account.ID, c.Region).sorted() {
		if strings.HasPrefix(q.name, in.QueueNamePrefix) {
			found = append(found, q)
		}
	}
	page, next, err := pageOf(found, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return &listQueuesOut{urls(c, page), next}, nil
}

func pageOf(qs []*queue, token string, limit *int) ([]*queue, string, error) {
	n := maxQueues
	if limit != nil {
		if n = *limit; n < 1 || n > maxQueues {
			return nil, "", invalidParameter("MaxResults", n, "MaxResults must be an integer between 1 and 1000.")
		}
	}
	page, next, ok := core.Page(qs, func(q *queue) string { return q.name }, token, n)
	if !ok {
		return nil, "", refuse("InvalidParameterValue", "", "Invalid or expired next token.")
	}
	if limit == nil {
		next = ""
	}
	return page, next, nil
}

func urls(c *core.Call, qs []*queue) []string {
	out := make([]string, len(qs))
	for i, q := range qs {
		out[i] = q.url(c)
	}
	return out
}

type listSourcesIn struct {
	QueueRef
	NextToken  string
	MaxResults *int
}

type listSourcesOut struct {
	QueueURLs []string `json:"queueUrls" xml:"QueueUrl" trail:"queueUrls"`
	NextToken string   `json:",omitempty" xml:",omitempty"`
}

func (s *Service) listSources(c *core.Call, in *listSourcesIn) (*listSourcesOut, error) {
	dead, err := s.open(c, in.QueueRef)
	if err != nil {
		return nil, err
	}
	sources := slices.DeleteFunc(s.places.At(dead.account, dead.region).sorted(), func(q *queue) bool {
		return q.redrive == nil || q.redrive.Target != dead.arn()
	})
	page, next, err := pageOf(sources, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return &listSourcesOut{urls(c, page), next}, nil
}

func (s *Service) purge(c *core.Call, in *QueueRef) (*core.None, error) {
	q, err := s.open(c, *in)
	if err != nil {
		return nil, err
	}
	if c.Now.Before(q.purged.Add(nameBlock)) {
		return nil, refuse("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", "Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)
	}
	q.messages, q.purged = nil, c.Now
	return nil, nil
}

type tagIn struct {
	QueueRef
	Tags map[string]string `q:"Tag"`
}

func (s *Service) tag(c *core.Call, in *tagIn) (*core.None, error) {
	q, err := s.open(c, in.QueueRef)
	if err != nil {
		return nil, err
	}
	for k, v := range in.Tags {
		q.tags[k] = v
	}
	return nil, nil
}

type untagIn struct {
	QueueRef
	TagKeys []string `q:"TagKey"`
}

func (s *Service) untag(c *core.Call, in *untagIn) (*core.None, error) {
	q, err := s.open(c, in.QueueRef)
	if err != nil {
		return nil, err
	}
	for _, k := range in.TagKeys {
		delete(q.tags, k)
	}
	return nil, nil
}

type tagsOut struct {
	Tags keyValues `json:",omitempty" xml:"Tag"`
}

func (s *Service) listTags(c *core.Call, in *QueueRef) (*tagsOut, error) {
	q, err := s.open(c, *in)
	if err != nil {
		return nil, err
	}
	return &tagsOut{keyValues(q.tags)}, nil
}
