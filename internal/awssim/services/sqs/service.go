package sqs

import (
	"fmt"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Service is the simulated SQS.
type Service struct {
	w      *core.World
	places core.Shelf[place]
	core   *core.Service
}

// place is the state of one account and Region.
type place struct {
	queues  map[string]*queue
	deleted map[string]time.Time // names, and when they were deleted
}

// New makes the service; the caller adds Core() to the world.
func New(w *core.World) *Service {
	s := &Service{w: w}
	s.places.New = func(string, string) *place {
		return &place{queues: map[string]*queue{}, deleted: map[string]time.Time{}}
	}
	s.core = &core.Service{
		Name: "sqs", TargetPrefixes: []string{"AmazonSQS"}, QueryCompatible: true,
		Namespace: "http://queue.amazonaws.com/doc/2012-11-05/",
		Ops:       s.ops(), Inventory: s.inventory, ResourcePolicy: s.resourcePolicy,
	}
	return s
}

// Core is the service as the pipeline knows it.
func (s *Service) Core() *core.Service { return s.core }

func (s *Service) ops() []core.Op {
	return []core.Op{
		core.Handle("CreateQueue", s.createQueue, core.Needs(func(c *core.Call, in *createQueueIn) []core.Permission {
			return []core.Permission{{Resource: c.ARN("sqs", in.QueueName), Context: core.TagKeys(in.Tags, nil)}}
		})),
		core.Handle("DeleteQueue", s.deleteQueue, on[QueueRef](s)),
		core.Handle("GetQueueUrl", s.getQueueURL, core.ReadOnly, core.On(func(c *core.Call, in *getQueueURLIn) string { return in.arn(c) })),
		core.Handle("ListQueues", s.listQueues, core.ReadOnly),
		core.Handle("ListDeadLetterSourceQueues", s.listSources, core.ReadOnly, on[listSourcesIn](s)),
		core.Handle("GetQueueAttributes", s.getAttributes, core.ReadOnly, on[getAttributesIn](s)),
		core.Handle("SetQueueAttributes", s.setAttributes, on[setAttributesIn](s)),
		core.Handle("PurgeQueue", s.purge, on[QueueRef](s)),
		core.Handle("TagQueue", s.tag, on[tagIn](s)),
		core.Handle("UntagQueue", s.untag, on[untagIn](s)),
		core.Handle("ListQueueTags", s.listTags, core.ReadOnly, on[QueueRef](s)),

		core.Handle("SendMessage", s.send, core.Data, on[sendIn](s)),
		core.Handle("SendMessageBatch", s.sendBatch, core.Data, onAs[sendBatchIn](s, "sqs:SendMessage")),
		core.Handle("ReceiveMessage", s.receive, core.Data, on[receiveIn](s)),
		core.Handle("DeleteMessage", s.deleteMessage, core.Data, on[deleteIn](s)),
		core.Handle("DeleteMessageBatch", s.deleteBatch, core.Data, onAs[deleteBatchIn](s, "sqs:DeleteMessage")),
		core.Handle("ChangeMessageVisibility", s.changeVisibility, core.Data, on[visibilityIn](s)),
		core.Handle("ChangeMessageVisibilityBatch", s.visibilityBatch, core.Data, onAs[visibilityBatchIn](s, "sqs:ChangeMessageVisibility")),
	}
}

// QueueRef is the input of operations on a queue; the others embed it.
type QueueRef struct {
	QueueURL string `q:"QueueUrl" json:"QueueUrl" trail:"queueUrl"`
}

func (in QueueRef) queueURL() string { return in.QueueURL }

type addressed interface{ queueURL() string }

// on makes an operation need its own action on the queue it names.
func on[In any](s *Service) core.Option { return onAs[In](s, "") }

// onAs is on with another action: batches need that of the single operation.
func onAs[In any](s *Service, action string) core.Option {
	return core.Needs(func(c *core.Call, in *In) []core.Permission {
		p := core.Permission{Action: action}
		a, ok := any(in).(addressed)
		if !ok {
			return []core.Permission{p}
		}
		account, name, err := parseURL(a.queueURL())
		if err != nil {
			return nil // the handler refuses the address
		}
		p.Resource = queueARN(c.Region, account, name)
		// Root of the owner can always read and replace a queue's policy.
		p.Unlocked = strings.HasSuffix(c.Op.Name, "QueueAttributes") && c.Principal.ARN == "arn:aws:iam::"+account+":root"
		if q := s.at(c.Region, account, name); q != nil {
			p.Context = core.TagKeys(nil, q.tags)
		}
		return []core.Permission{p}
	})
}

func queueARN(region, account, name string) string {
	return fmt.Sprintf("arn:aws:sqs:%s:%s:%s", region, account, name)
}

// parseURL gives account and name of a queue's URL, whatever host it names.
func parseURL(raw string) (account, name string, err error) {
	u, perr := url.Parse(raw)
	if perr == nil {
		parts := strings.Split(strings.Trim(u.Path, "/"), "/")
		if len(parts) == 2 && len(parts[0]) == 12 && parts[1] != "" {
			return parts[0], parts[1], nil
		}
	}
	return "", "", refuse("InvalidAddress", "", "The address %s is not valid for this endpoint.", raw)
}

// at finds a queue, or nil.
func (s *Service) at(region, account, name string) *queue {
	p := s.places.Peek(account, region)
	if p == nil {
		return nil
	}
	return p.queues[name]
}

// byARN finds a queue by its ARN, or nil.
func (s *Service) byARN(arn string) *queue {
	p := strings.Split(arn, ":")
	if len(p) != 6 || p[2] != "sqs" {
		return nil
	}
	return s.at(p[3], p[4], p[5])
}

// open finds the queue that a request names, its messages brought up to now.
func (s *Service) open(c *core.Call, in QueueRef) (*queue, error) {
	account, name, err := parseURL(in.QueueURL)
	if err != nil {
		return nil, err
	}
	q := s.at(c.Region, account, name)
	if q == nil {
		return nil, noQueue()
	}
	q.expire(c.Now)
	c.TrailResources = []core.TrailResource{{ARN: q.arn(), AccountID: account, Type: "AWS::SQS::Queue", Name: name}}
	return q, nil
}

func (s *Service) inventory(account string, now time.Time) []core.Resource {
	var out []core.Resource
	s.places.Each(account, func(_, region string, p *place) {
		for _, q := range p.sorted() {
			q.expire(now)
			out = append(out, core.Resource{Service: "sqs", Kind: "queue", Region: region, ID: q.name, ARN: q.arn(), Children: len(q.messages)})
		}
	})
	return out
}

func (s *Service) resourcePolicy(arn string) (*core.ResourcePolicy, string) {
	q := s.byARN(arn)
	switch {
	case q == nil:
		return nil, ""
	case q.policy == nil:
		return nil, q.account
	}
	return &core.ResourcePolicy{ARN: arn, Policy: q.policy}, q.account
}

// sorted lists the queues by name.
func (p *place) sorted() []*queue {
	out := make([]*queue, 0, len(p.queues))
	for _, q := range p.queues {
		out = append(out, q)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out
}
