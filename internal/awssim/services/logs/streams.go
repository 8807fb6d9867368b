package logs

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

type stream struct {
	Name                string `json:"logStreamName"`
	CreationTime        int64  `json:"creationTime"`
	FirstEventTimestamp *int64 `json:"firstEventTimestamp,omitempty"`
	LastEventTimestamp  *int64 `json:"lastEventTimestamp,omitempty"`
	LastIngestionTime   *int64 `json:"lastIngestionTime,omitempty"`
	UploadSequenceToken string `json:"uploadSequenceToken,omitempty"`
	Arn                 string `json:"arn"`
	StoredBytes         int64  `json:"storedBytes"`

	events []event
}

// StreamInput names one stream.
type StreamInput struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
}

// DescribeLogStreamsInput orders by LogStreamName or LastEventTime.
type DescribeLogStreamsInput struct {
	LogGroupName        string `json:"logGroupName"`
	LogGroupIdentifier  string `json:"logGroupIdentifier"`
	LogStreamNamePrefix string `json:"logStreamNamePrefix"`
	OrderBy             string `json:"orderBy"`
	Descending          bool   `json:"descending"`
	NextToken           string `json:"nextToken"`
	Limit               *int   `json:"limit"`
}

func (in *DescribeLogStreamsInput) group() string {
	return in.LogGroupName + nameOf(in.LogGroupIdentifier)
}

// DescribeLogStreamsOutput is one page.
type DescribeLogStreamsOutput struct {
	LogStreams []*stream `json:"logStreams"`
	NextToken  string    `json:"nextToken,omitempty"`
}

var streamName = regexp.MustCompile(`^[^:*]{1,512}$`)

// onStream is the resource of an operation on one stream.
func onStream[In any](name func(*In) (group, stream string)) core.Option {
	return core.On(func(c *core.Call, in *In) string {
		g, st := name(in)
		return groupARN(c.Region, c.Account.ID, nameOf(g)) + ":log-stream:" + st
	})
}

func (s *Service) streamOps() []core.Op {
	return []core.Op{
		// CreateLogStream is authorized on the group, DeleteLogStream on the stream.
		core.Handle("CreateLogStream", s.createLogStream, onGroup(func(in *StreamInput) string { return in.LogGroupName })),
		core.Handle("DeleteLogStream", s.deleteLogStream, onStream(func(in *StreamInput) (string, string) { return in.LogGroupName, in.LogStreamName })),
		core.Handle("DescribeLogStreams", s.describeLogStreams, core.ReadOnly, onGroup((*DescribeLogStreamsInput).group)),
	}
}

func (g *group) newStream(name string, createdMilli int64) *stream {
	st := &stream{Name: name, CreationTime: createdMilli, Arn: g.LogGroupArn + ":log-stream:" + name}
	g.streams[name] = st
	return st
}

func (st *state) stream(groupName, name string) (*group, *stream, error) {
	g, err := st.group(groupName)
	if err != nil {
		return nil, nil, err
	}
	if s := g.streams[name]; s != nil {
		return g, s, nil
	}
	return nil, nil, notFound("log stream")
}

func (s *Service) createLogStream(c *core.Call, in *StreamInput) (core.None, error) {
	g, err := s.at(c).group(in.LogGroupName)
	if err != nil {
		return core.None{}, err
	}
	if !streamName.MatchString(in.LogStreamName) {
		return core.None{}, constraint("logStreamName", in.LogStreamName, "Member must satisfy regular expression pattern: [^:*]*")
	}
	if g.streams[in.LogStreamName] != nil {
		return core.None{}, exists("log stream")
	}
	g.newStream(in.LogStreamName, c.Now.UnixMilli())
	return core.None{}, nil
}

func (s *Service) deleteLogStream(c *core.Call, in *StreamInput) (core.None, error) {
	g, st, err := s.at(c).stream(in.LogGroupName, in.LogStreamName)
	if err != nil {
		return core.None{}, err
	}
	if g.DeletionProtection {
		return core.None{}, core.Errorf(400, "ValidationException", "Cannot delete log stream of a log group with deletion protection enabled. Disable deletion protection first.")
	}
	delete(g.streams, st.Name)
	return core.None{}, nil
}

func (s *Service) describeLogStreams(c *core.Call, in *DescribeLogStreamsInput) (*DescribeLogStreamsOutput, error) {
	g, err := s.at(c).group(in.group())
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy == "LastEventTime"
	if byTime && in.LogStreamNamePrefix != "" {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	match := make([]*stream, 0, len(g.streams))
	for _, st := range sorted(g.streams) {
		if strings.HasPrefix(st.Name, in.LogStreamNamePrefix) {
			match = append(match, st)
		}
	}
	key := func(st *stream) string { return st.Name }
	if byTime {
		key = func(st *stream) string { return fmt.Sprintf("%020d %s", st.lastEvent(), st.Name) }
	}
	if in.Descending {
		ascending := key
		key = func(st *stream) string { return complement(ascending(st)) }
	}
	sort.Slice(match, func(i, j int) bool { return key(match[i]) < key(match[j]) })
	out, next, err := page(match, key, in.NextToken, in.Limit, 50)
	if err != nil {
		return nil, err
	}
	return &DescribeLogStreamsOutput{LogStreams: out, NextToken: next}, nil
}

func (st *stream) lastEvent() int64 {
	if st.LastEventTimestamp == nil {
		return 0
	}
	return *st.LastEventTimestamp
}

// complement gives a key that sorts the other way round: the end marker makes a
// prefix sort behind what it is a prefix of.
func complement(key string) string {
	b := []byte(key)
	for i := range b {
		b[i] = ^b[i]
	}
	return string(append(b, 0xff))
}
