package logs

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

type event struct {
	Timestamp     int64  `json:"timestamp"` // Unix milliseconds
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
}

// InputEvent is one line to be written.
type InputEvent struct {
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

// PutLogEventsInput is a batch in order of time. Sequence tokens are ignored,
// as AWS does since 2023.
type PutLogEventsInput struct {
	LogGroupName  string       `json:"logGroupName"`
	LogStreamName string       `json:"logStreamName"`
	LogEvents     []InputEvent `json:"logEvents" trail:"-"`
}

// PutLogEventsOutput tells which events were too old or too new.
type PutLogEventsOutput struct {
	NextSequenceToken     string    `json:"nextSequenceToken"`
	RejectedLogEventsInfo *rejected `json:"rejectedLogEventsInfo,omitempty"`
}

type rejected struct {
	TooNew  *int `json:"tooNewLogEventStartIndex,omitempty"`
	TooOld  *int `json:"tooOldLogEventEndIndex,omitempty"`
	Expired *int `json:"expiredLogEventEndIndex,omitempty"`
}

// GetLogEventsInput reads one stream; the last events first unless StartFromHead.
type GetLogEventsInput struct {
	LogGroupName       string `json:"logGroupName"`
	LogGroupIdentifier string `json:"logGroupIdentifier"`
	LogStreamName      string `json:"logStreamName"`
	StartTime          *int64 `json:"startTime"`
	EndTime            *int64 `json:"endTime"`
	NextToken          string `json:"nextToken"`
	Limit              *int   `json:"limit"`
	StartFromHead      bool   `json:"startFromHead"`
}

// GetLogEventsOutput ends when a token comes back unchanged.
type GetLogEventsOutput struct {
	Events            []event `json:"events"`
	NextForwardToken  string  `json:"nextForwardToken"`
	NextBackwardToken string  `json:"nextBackwardToken"`
}

// The bounds of PutLogEvents' timestamps.
const (
	tooNew = 2 * time.Hour
	tooOld = 14 * 24 * time.Hour
	day    = 24 * time.Hour
)

const eventsPerPage = 10_000

func (s *Service) eventOps() []core.Op {
	return []core.Op{
		core.Handle("PutLogEvents", s.putLogEvents, core.Data, onStream(func(in *PutLogEventsInput) (string, string) {
			return in.LogGroupName, in.LogStreamName
		})),
		core.Handle("GetLogEvents", s.getLogEvents, core.ReadOnly, core.Data, onStream(func(in *GetLogEventsInput) (string, string) {
			return in.LogGroupName + in.LogGroupIdentifier, in.LogStreamName
		})),
		core.Handle("FilterLogEvents", s.filterLogEvents, core.ReadOnly, core.Data, onGroup((*FilterLogEventsInput).group)),
	}
}

func (s *Service) putLogEvents(c *core.Call, in *PutLogEventsInput) (*PutLogEventsOutput, error) {
	st := s.at(c)
	g, stream, err := st.stream(in.LogGroupName, in.LogStreamName)
	if err != nil {
		return nil, err
	}
	if len(in.LogEvents) == 0 || len(in.LogEvents) > eventsPerPage {
		return nil, constraint("logEvents", fmt.Sprint(len(in.LogEvents)), "Member must have length between 1 and 10000")
	}
	sortedBatch := slices.IsSortedFunc(in.LogEvents, func(a, b InputEvent) int { return int(a.Timestamp - b.Timestamp) })
	if !sortedBatch {
		return nil, invalid("Log events in a single PutLogEvents request must be in chronological order.")
	}
	out := &PutLogEventsOutput{NextSequenceToken: c.World.Hex(56)}
	newest, oldest := c.Now.Add(tooNew).UnixMilli(), c.Now.Add(-tooOld).UnixMilli()
	expired := g.horizon(c.Now)
	var keep []event
	var info rejected
	for i, e := range in.LogEvents {
		next := i + 1
		switch {
		case e.Message == "":
			return nil, constraint(fmt.Sprintf("logEvents.%d.member.message", next), "", "Member must have length greater than or equal to 1")
		case e.Timestamp > newest:
			if info.TooNew == nil {
				info.TooNew = &i
			}
		case e.Timestamp < oldest:
			info.TooOld = &next
		case e.Timestamp < expired:
			info.Expired = &next
		default:
			keep = append(keep, event{Timestamp: e.Timestamp, Message: e.Message, IngestionTime: c.Now.UnixMilli()})
		}
	}
	if info != (rejected{}) {
		out.RejectedLogEventsInfo = &info
	}
	s.append(st, g, stream, c.Now, keep)
	stream.UploadSequenceToken = out.NextSequenceToken
	return out, nil
}

// perEvent is what AWS adds to the size of each event.
const perEvent = 26

// append puts events into a stream, in order of time, and through the metric filters.
func (s *Service) append(st *state, g *group, stream *stream, now time.Time, events []event) {
	if len(events) == 0 {
		return
	}
	inOrder := len(stream.events) == 0 || stream.events[len(stream.events)-1].Timestamp <= events[0].Timestamp
	stream.events = append(stream.events, events...)
	if !inOrder {
		sort.SliceStable(stream.events, func(i, j int) bool { return stream.events[i].Timestamp < stream.events[j].Timestamp })
	}
	for _, e := range events {
		size := int64(len(e.Message) + perEvent)
		g.StoredBytes += size
		s.count(st, g, e)
	}
	first, last, ingested := stream.events[0].Timestamp, stream.events[len(stream.events)-1].Timestamp, now.UnixMilli()
	stream.FirstEventTimestamp, stream.LastEventTimestamp, stream.LastIngestionTime = &first, &last, &ingested
}

// horizon is the time in Unix milliseconds before which events are gone.
func (g *group) horizon(now time.Time) int64 {
	if g.RetentionInDays == 0 {
		return 0
	}
	return now.Add(-time.Duration(g.RetentionInDays) * day).UnixMilli()
}

// between gives a stream's events from start (included) to end (excluded), in
// Unix milliseconds, without those past their retention.
func (g *group) between(st *stream, start, end *int64, now time.Time) []event {
	from := g.horizon(now)
	if start != nil {
		from = max(from, *start)
	}
	lo := sort.Search(len(st.events), func(i int) bool { return st.events[i].Timestamp >= from })
	hi := len(st.events)
	if end != nil {
		hi = sort.Search(len(st.events), func(i int) bool { return st.events[i].Timestamp >= *end })
	}
	return st.events[lo:max(lo, hi)]
}

func (s *Service) getLogEvents(c *core.Call, in *GetLogEventsInput) (*GetLogEventsOutput, error) {
	g, st, err := s.at(c).stream(in.LogGroupName+in.LogGroupIdentifier, in.LogStreamName)
	if err != nil {
		return nil, err
	}
	limit := eventsPerPage
	if in.Limit != nil {
		if limit = *in.Limit; limit < 1 || limit > eventsPerPage {
			return nil, constraint("limit", fmt.Sprint(limit), "Member must have value between 1 and 10000")
		}
	}
	events := g.between(st, in.StartTime, in.EndTime, c.Now)
	lo, hi, err := window(in.NextToken, in.StartFromHead, len(events), limit)
	if err != nil {
		return nil, err
	}
	return &GetLogEventsOutput{
		Events:           append([]event{}, events[lo:hi]...),
		NextForwardToken: fmt.Sprintf("f/%056d/s", hi), NextBackwardToken: fmt.Sprintf("b/%056d/s", lo),
	}, nil
}

// window says which of n events a page holds: forward tokens stand for the first
// event not yet given, backward tokens for the last one given.
func window(token string, head bool, n, limit int) (lo, hi int, err error) {
	if token == "" {
		if head {
			return 0, min(limit, n), nil
		}
		return max(0, n-limit), n, nil
	}
	parts := strings.Split(token, "/")
	if len(parts) != 3 {
		return 0, 0, invalid("The specified nextToken is invalid.")
	}
	at, convErr := strconv.Atoi(parts[1])
	if convErr != nil || at < 0 {
		return 0, 0, invalid("The specified nextToken is invalid.")
	}
	at = min(at, n)
	if parts[0] == "b" {
		return max(0, at-limit), at, nil
	}
	return at, min(n, at+limit), nil
}
