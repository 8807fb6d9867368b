// Package cloudtrail simulates the event history of AWS CloudTrail: a window
// of 90 days on the world's trail, per account and Region.
//
// Invariants:
//   - An event shows up only once its delay is over, so that a later look may
//     find an older event that an earlier one did not.
//   - A NextToken continues the very query that gave it.
package cloudtrail

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// New makes the service and registers it with the world.
func New(w *core.World) *core.Service {
	s := &core.Service{
		Name: "cloudtrail",
		TargetPrefixes: []string{
			"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
			"CloudTrail_20131101",
		},
		// "Quotas in AWS CloudTrail": two a second per account and Region.
		Rates: map[string]core.Rate{"LookupEvents": {PerSecond: 2, Burst: 2}, "DescribeTrails": {PerSecond: 10, Burst: 10}},
		Ops: []core.Op{
			core.Handle("LookupEvents", lookup, core.ReadOnly),
			core.Handle("DescribeTrails", func(*core.Call, *core.None) (map[string][]any, error) {
				return map[string][]any{"trailList": {}}, nil
			}, core.ReadOnly),
			core.Handle("ListTrails", func(*core.Call, *core.None) (map[string][]any, error) {
				return map[string][]any{"Trails": {}}, nil
			}, core.ReadOnly),
		},
	}
	w.Add(s)
	return s
}

type attribute struct{ AttributeKey, AttributeValue string }

type lookupIn struct {
	LookupAttributes   []attribute
	StartTime, EndTime *core.Time
	EventCategory      string
	MaxResults         *int
	NextToken          string
}

type resource struct{ ResourceType, ResourceName string }

type event struct {
	EventId, EventName, ReadOnly string
	AccessKeyId                  string `json:",omitempty"`
	EventTime                    core.Time
	EventSource                  string
	Username                     string `json:",omitempty"`
	Resources                    []resource
	CloudTrailEvent              string
}

type lookupOut struct {
	Events    []event
	NextToken string `json:",omitempty"`
}

const largestPage = 50

func lookup(c *core.Call, in *lookupIn) (*lookupOut, error) {
	limit, err := in.check()
	if err != nil {
		return nil, err
	}
	matches := in.matcher()
	after, err := in.resume(c)
	if err != nil {
		return nil, err
	}
	out := &lookupOut{Events: []event{}}
	if in.EventCategory != "" {
		return out, nil // insights: nobody switched them on
	}
	var last *core.Event
	for _, e := range c.World.Trail.Visible(c.Account.ID, c.Region, c.Now) {
		if !in.within(e.Time) || !matches(e) || after != nil && !after.before(e) {
			continue
		}
		if len(out.Events) == limit {
			out.NextToken = in.token(c, last)
			break
		}
		shown, err := show(e)
		if err != nil {
			return nil, err
		}
		out.Events, last = append(out.Events, shown), e
	}
	return out, nil
}

// check reports what AWS refuses, and gives the size of a page.
func (in *lookupIn) check() (int, error) {
	if len(in.LookupAttributes) > 1 {
		return 0, core.Errorf(400, "InvalidLookupAttributesException", "You can only specify one lookup attribute at a time.")
	}
	for _, a := range in.LookupAttributes {
		if !slices.Contains(keys, a.AttributeKey) || a.AttributeValue == "" {
			return 0, core.Errorf(400, "InvalidLookupAttributesException", "The lookup attribute %q is not one of %s, or has no value.", a.AttributeKey, strings.Join(keys, ", "))
		}
	}
	if in.StartTime != nil && in.EndTime != nil && in.StartTime.After(in.EndTime.Time) {
		return 0, core.Errorf(400, "InvalidTimeRangeException", "The start time occurs after the end time.")
	}
	if in.EventCategory != "" && in.EventCategory != "insight" {
		return 0, core.Errorf(400, "InvalidEventCategoryException", "The event category %q is not valid.", in.EventCategory)
	}
	if in.MaxResults == nil {
		return largestPage, nil
	}
	if n := *in.MaxResults; n < 1 || n > largestPage {
		return 0, core.Errorf(400, "InvalidMaxResultsException", "MaxResults must be between 1 and %d.", largestPage)
	}
	return *in.MaxResults, nil
}

var keys = []string{"EventId", "EventName", "ReadOnly", "Username", "ResourceType", "ResourceName", "EventSource", "AccessKeyId"}

func (in *lookupIn) matcher() func(*core.Event) bool {
	if len(in.LookupAttributes) == 0 {
		return func(*core.Event) bool { return true }
	}
	want := in.LookupAttributes[0].AttributeValue
	fields := map[string]func(*core.Event) string{
		"EventId":     func(e *core.Event) string { return e.EventID },
		"EventName":   func(e *core.Event) string { return e.EventName },
		"ReadOnly":    func(e *core.Event) string { return strconv.FormatBool(e.ReadOnly) },
		"Username":    func(e *core.Event) string { return e.User },
		"EventSource": func(e *core.Event) string { return e.EventSource },
		"AccessKeyId": func(e *core.Event) string { return e.KeyID },
	}
	switch key := in.LookupAttributes[0].AttributeKey; key {
	case "ResourceType", "ResourceName":
		return func(e *core.Event) bool {
			return slices.ContainsFunc(resources(e), func(r resource) bool {
				return key == "ResourceType" && r.ResourceType == want || key == "ResourceName" && r.ResourceName == want
			})
		}
	default:
		return func(e *core.Event) bool { return fields[key](e) == want }
	}
}

// within compares whole seconds, which is what events have.
func (in *lookupIn) within(t time.Time) bool {
	t = t.Truncate(time.Second)
	return (in.StartTime == nil || !t.Before(in.StartTime.Truncate(time.Second))) && (in.EndTime == nil || !t.After(in.EndTime.Time))
}

func resources(e *core.Event) []resource {
	out := []resource{}
	for _, r := range e.Resources {
		name := r.Name
		if name == "" {
			name = r.ARN
		}
		out = append(out, resource{r.Type, name})
	}
	return out
}

func show(e *core.Event) (event, error) {
	record, err := json.Marshal(e)
	if err != nil {
		return event{}, fmt.Errorf("event %s: %w", e.EventID, err)
	}
	return event{EventId: e.EventID, EventName: e.EventName, ReadOnly: strconv.FormatBool(e.ReadOnly), AccessKeyId: e.KeyID,
		EventTime: core.At(e.Time.Truncate(time.Second)), EventSource: e.EventSource, Username: e.User,
		Resources: resources(e), CloudTrailEvent: string(record)}, nil
}

// place is where a page ended: the last event it showed.
type place struct {
	time time.Time
	seq  uint64
}

// before reports whether an event comes after the place in the list, which runs
// from the newest to the oldest.
func (p *place) before(e *core.Event) bool {
	if !e.Time.Equal(p.time) {
		return e.Time.Before(p.time)
	}
	return e.Seq < p.seq
}

// query is a digest of all that a NextToken must be used with again.
func (in *lookupIn) query(c *core.Call) string {
	times := [2]string{}
	for n, t := range []*core.Time{in.StartTime, in.EndTime} {
		if t != nil {
			times[n] = t.UTC().Format(time.RFC3339Nano)
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q", c.Account.ID, c.Region, in.LookupAttributes, times, in.EventCategory))
	return hex.EncodeToString(sum[:8])
}

func (in *lookupIn) token(c *core.Call, last *core.Event) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s %d %d", in.query(c), last.Time.UnixNano(), last.Seq))
}

func (in *lookupIn) resume(c *core.Call) (*place, error) {
	if in.NextToken == "" {
		return nil, nil
	}
	bad := core.Errorf(400, "InvalidNextTokenException", "The token is not valid, or was used with other parameters than those it was given for.")
	b, err := base64.RawURLEncoding.DecodeString(in.NextToken)
	if err != nil {
		return nil, bad
	}
	var digest string
	var nanos int64
	var p place
	if _, err := fmt.Sscan(string(b), &digest, &nanos, &p.seq); err != nil || digest != in.query(c) {
		return nil, bad
	}
	p.time = time.Unix(0, nanos).UTC()
	return &p, nil
}
