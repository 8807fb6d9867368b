package sqs

import (
	"errors"
	"regexp"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// maxBatch is how many entries a batch may have.
const maxBatch = 10

// maxBatchSize bounds the bodies of a batch together.
const maxBatchSize = 1 << 20

var entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// failure is an entry of a batch that was refused.
type failure struct {
	ID          string `json:"Id" xml:"Id"`
	SenderFault bool
	Code        string
	Message     string
}

// success is an entry of a batch that has nothing to tell but its id.
type success struct {
	ID string `json:"Id" xml:"Id"`
}

// checkBatch refuses a batch as a whole.
func checkBatch(ids []string) error {
	const pre = "AWS.SimpleQueueService."
	switch {
	case len(ids) == 0:
		return refuse("EmptyBatchRequest", pre+"EmptyBatchRequest", "There should be at least one entry in the request.")
	case len(ids) > maxBatch:
		return refuse("TooManyEntriesInBatchRequest", pre+"TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent %d.", len(ids))
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if !entryID.MatchString(id) {
			return refuse("InvalidBatchEntryId", pre+"InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id] {
			return refuse("BatchEntryIdsNotDistinct", pre+"BatchEntryIdsNotDistinct", "Id %s repeated.", id)
		}
		seen[id] = true
	}
	return nil
}

// each runs f for every entry and sorts out who failed.
func each(ids []string, f func(i int) error) (ok []int, failed []failure, err error) {
	if err := checkBatch(ids); err != nil {
		return nil, nil, err
	}
	for i, id := range ids {
		var e *core.Error
		switch err := f(i); {
		case errors.As(err, &e):
			failed = append(failed, failure{id, e.Status < 500, e.Code, e.Message})
		case err != nil:
			return nil, nil, err
		default:
			ok = append(ok, i)
		}
	}
	return ok, failed, nil
}

type sendBatchIn struct {
	QueueRef
	Entries []struct {
		ID string `q:"Id" json:"Id"`
		Entry
	} `q:"SendMessageBatchRequestEntry"`
}

type sendBatchOut struct {
	Successful []sentEntry `xml:"SendMessageBatchResultEntry"`
	Failed     []failure   `json:",omitempty" xml:"BatchResultErrorEntry"`
}

type sentEntry struct {
	ID string `json:"Id" xml:"Id"`
	Receipt
}

func (s *Service) sendBatch(c *core.Call, in *sendBatchIn) (*sendBatchOut, error) {
	q, err := s.open(c, in.QueueRef)
	if err != nil {
		return nil, err
	}
	ids, size := make([]string, len(in.Entries)), 0
	for i, e := range in.Entries {
		ids[i] = e.ID
		size += len(e.MessageBody)
	}
	if size > maxBatchSize {
		return nil, refuse("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxBatchSize, size)
	}
	out := &sendBatchOut{Successful: []sentEntry{}}
	_, out.Failed, err = each(ids, func(i int) error {
		r, err := s.accept(c, q, in.Entries[i].Entry)
		if err == nil {
			out.Successful = append(out.Successful, sentEntry{ids[i], *r})
		}
		return err
	})
	return out, err
}

type deleteBatchIn struct {
	QueueRef
	Entries []struct {
		ID            string `q:"Id" json:"Id"`
		ReceiptHandle string
	} `q:"DeleteMessageBatchRequestEntry"`
}

type deleteBatchOut struct {
	Successful []success `xml:"DeleteMessageBatchResultEntry"`
	Failed     []failure `json:",omitempty" xml:"BatchResultErrorEntry"`
}

func (s *Service) deleteBatch(c *core.Call, in *deleteBatchIn) (*deleteBatchOut, error) {
	q, err := s.open(c, in.QueueRef)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i] = e.ID
	}
	ok, failed, err := each(ids, func(i int) error { return q.delete(in.Entries[i].ReceiptHandle) })
	return &deleteBatchOut{successes(ids, ok), failed}, err
}

func successes(ids []string, ok []int) []success {
	out := make([]success, len(ok))
	for i, n := range ok {
		out[i] = success{ids[n]}
	}
	return out
}

type visibilityBatchIn struct {
	QueueRef
	Entries []struct {
		ID                string `q:"Id" json:"Id"`
		ReceiptHandle     string
		VisibilityTimeout *int
	} `q:"ChangeMessageVisibilityBatchRequestEntry"`
}

type visibilityBatchOut struct {
	Successful []success `xml:"ChangeMessageVisibilityBatchResultEntry"`
	Failed     []failure `json:",omitempty" xml:"BatchResultErrorEntry"`
}

func (s *Service) visibilityBatch(c *core.Call, in *visibilityBatchIn) (*visibilityBatchOut, error) {
	q, err := s.open(c, in.QueueRef)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i] = e.ID
	}
	ok, failed, err := each(ids, func(i int) error {
		e := in.Entries[i]
		return q.hide(e.ReceiptHandle, e.VisibilityTimeout, c.Now)
	})
	return &visibilityBatchOut{successes(ids, ok), failed}, err
}
