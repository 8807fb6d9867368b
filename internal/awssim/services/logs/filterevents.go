package logs

import (
	"fmt"
	"sort"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// FilterLogEventsInput searches the streams of a group.
type FilterLogEventsInput struct {
	LogGroupName        string   `json:"logGroupName"`
	LogGroupIdentifier  string   `json:"logGroupIdentifier"`
	LogStreamNames      []string `json:"logStreamNames"`
	LogStreamNamePrefix string   `json:"logStreamNamePrefix"`
	StartTime           *int64   `json:"startTime"`
	EndTime             *int64   `json:"endTime"` // included, unlike GetLogEvents
	FilterPattern       string   `json:"filterPattern"`
	NextToken           string   `json:"nextToken"`
	Limit               *int     `json:"limit"`
}

func (in *FilterLogEventsInput) group() string {
	return in.LogGroupName + nameOf(in.LogGroupIdentifier)
}

// FilteredEvent is a hit.
type FilteredEvent struct {
	LogStreamName string `json:"logStreamName"`
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
	EventID       string `json:"eventId"` // unique in the group
}

// FilterLogEventsOutput is one page.
type FilterLogEventsOutput struct {
	Events             []FilteredEvent `json:"events"`
	SearchedLogStreams []struct{}      `json:"searchedLogStreams"` // always empty since 2019
	NextToken          string          `json:"nextToken,omitempty"`
}

func (s *Service) filterLogEvents(c *core.Call, in *FilterLogEventsInput) (*FilterLogEventsOutput, error) {
	g, err := s.at(c).group(in.group())
	if err != nil {
		return nil, err
	}
	if len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != "" {
		return nil, invalid("logStreamNames and logStreamNamePrefix are mutually exclusive.")
	}
	matches, err := parsePattern(in.FilterPattern)
	if err != nil {
		return nil, err
	}
	streams, err := g.selectStreams(in)
	if err != nil {
		return nil, err
	}
	end := in.EndTime
	if end != nil {
		after := *end + 1
		end = &after
	}
	var hits []FilteredEvent
	for _, st := range streams {
		for i, e := range g.between(st, in.StartTime, end, c.Now) {
			if matches(e.Message) {
				// Timestamp first: the id is also the key that pages are cut by.
				id := fmt.Sprintf("%020d%08d%x", e.Timestamp, i, st.Name)
				hits = append(hits, FilteredEvent{st.Name, e.Timestamp, e.Message, e.IngestionTime, id})
			}
		}
	}
	key := func(e FilteredEvent) string { return e.EventID }
	sort.Slice(hits, func(i, j int) bool { return key(hits[i]) < key(hits[j]) })
	out, next, err := page(hits, key, in.NextToken, in.Limit, eventsPerPage)
	if err != nil {
		return nil, err
	}
	return &FilterLogEventsOutput{Events: append([]FilteredEvent{}, out...), SearchedLogStreams: []struct{}{}, NextToken: next}, nil
}

func (g *group) selectStreams(in *FilterLogEventsInput) ([]*stream, error) {
	if len(in.LogStreamNames) == 0 {
		var out []*stream
		for _, st := range sorted(g.streams) {
			if strings.HasPrefix(st.Name, in.LogStreamNamePrefix) {
				out = append(out, st)
			}
		}
		return out, nil
	}
	out := make([]*stream, 0, len(in.LogStreamNames))
	for _, name := range in.LogStreamNames {
		st := g.streams[name]
		if st == nil {
			return nil, notFound("log stream")
		}
		out = append(out, st)
	}
	return out, nil
}
