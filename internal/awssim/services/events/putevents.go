package events

import (
	"encoding/json"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Entry is one event put by a caller.
type Entry struct {
	Time         *core.Time
	Source       string
	Resources    []string
	DetailType   string
	Detail       string // a JSON object
	EventBusName string
}

// PutEventsInput is up to 10 events.
type PutEventsInput struct{ Entries []Entry }

// EntryResult is the event's id, or why it was not taken.
type EntryResult struct {
	EventId      string `json:",omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

// PutEventsOutput is in the order of the entries.
type PutEventsOutput struct {
	FailedEntryCount int
	Entries          []EntryResult
}

// TestPatternInput tries a pattern on an event.
type TestPatternInput struct{ EventPattern, Event string }

// TestPatternOutput tells whether it matches.
type TestPatternOutput struct{ Result bool }

const entriesPerCall = 10

func (s *Service) eventOps() []core.Op {
	return []core.Op{
		core.Handle("PutEvents", s.putEvents, core.Data, core.Needs(func(c *core.Call, in *PutEventsInput) []core.Permission {
			var need []core.Permission
			for _, e := range in.Entries {
				need = append(need, core.Permission{Resource: busARN(c, e.EventBusName),
					Context: map[string][]string{"events:source": {e.Source}, "events:detail-type": {e.DetailType}}})
			}
			return need
		})),
		core.Handle("TestEventPattern", testPattern, core.ReadOnly),
	}
}

func (s *Service) putEvents(c *core.Call, in *PutEventsInput) (*PutEventsOutput, error) {
	if n := len(in.Entries); n < 1 || n > entriesPerCall {
		return nil, validation("1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and %d", entriesPerCall)
	}
	out := &PutEventsOutput{}
	for _, e := range in.Entries {
		r := s.putEvent(c, e)
		if r.ErrorCode != "" {
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, r)
	}
	return out, nil
}

func (s *Service) putEvent(c *core.Call, e Entry) EntryResult {
	var detail map[string]any
	switch {
	case e.Source == "" || e.DetailType == "" || e.Detail == "":
		return EntryResult{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter Source, DetailType or Detail is not valid. Reason: it is a required argument."}
	case strings.HasPrefix(e.Source, "aws."):
		return EntryResult{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}
	case json.Unmarshal([]byte(e.Detail), &detail) != nil:
		return EntryResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	id := c.World.UUID()
	st := s.owner(c, e.EventBusName)
	if st == nil || st.buses[nameOf(e.EventBusName)] == nil {
		return EntryResult{EventId: id} // an event for a bus that is not there is taken and lost
	}
	at := c.Now
	if e.Time != nil {
		at = e.Time.Time
	}
	resources := make([]any, len(e.Resources))
	for i, r := range e.Resources {
		resources[i] = r
	}
	event := map[string]any{
		"version": "0", "id": id, "detail-type": e.DetailType, "source": e.Source, "account": c.Account.ID,
		"time": at.UTC().Format("2006-01-02T15:04:05Z"), "region": c.Region, "resources": resources, "detail": detail,
	}
	for _, r := range sorted(st.buses[nameOf(e.EventBusName)].rules) {
		if r.State != disabled && r.pattern != nil && r.pattern(event) {
			s.run(st, r, event, c.Now)
		}
	}
	return EntryResult{EventId: id}
}

// owner is the state that a bus belongs to: another account's if it is named by
// ARN; nil if there is none.
func (s *Service) owner(c *core.Call, nameOrARN string) *state {
	parts := strings.SplitN(nameOrARN, ":", 6)
	if len(parts) < 6 {
		return s.at(c)
	}
	return s.shelf.Peek(parts[4], parts[3])
}

func testPattern(_ *core.Call, in *TestPatternInput) (*TestPatternOutput, error) {
	p, err := parsePattern(in.EventPattern)
	if err != nil {
		return nil, core.Errorf(400, "InvalidEventPatternException", "Event pattern is not valid. Reason: %v", err)
	}
	var event map[string]any
	if err := json.Unmarshal([]byte(in.Event), &event); err != nil {
		return nil, validation("Parameter Event is not valid. Reason: %v", err)
	}
	return &TestPatternOutput{p(event)}, nil
}
