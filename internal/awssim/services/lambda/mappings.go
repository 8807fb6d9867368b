package lambda

import (
	"fmt"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// MappingSettings are what a mapping can be given; nil leaves things as they are.
type MappingSettings struct {
	BatchSize                      *int           `json:",omitempty"`
	MaximumBatchingWindowInSeconds *int           `json:",omitempty"`
	ParallelizationFactor          *int           `json:",omitempty"`
	MaximumRecordAgeInSeconds      *int           `json:",omitempty"`
	BisectBatchOnFunctionError     *bool          `json:",omitempty"`
	MaximumRetryAttempts           *int           `json:",omitempty"`
	TumblingWindowInSeconds        *int           `json:",omitempty"`
	DestinationConfig              *Destinations  `json:",omitempty"`
	FilterCriteria                 *Filters       `json:",omitempty"`
	FunctionResponseTypes          *[]string      `json:",omitempty"`
	ScalingConfig                  *ScalingConfig `json:",omitempty"`
	KMSKeyArn                      *string        `json:",omitempty"`
}

// Filters select records.
type Filters struct {
	Filters []Filter `json:",omitempty"`
}

// Filter is one pattern.
type Filter struct{ Pattern string }

// ScalingConfig bounds the mapping's concurrency.
type ScalingConfig struct{ MaximumConcurrency int }

// MappingInput makes or changes a mapping; FunctionName may be any form of name.
type MappingInput struct {
	ID               string `json:"-" path:"UUID"`
	EventSourceArn   string
	FunctionName     string
	Enabled          *bool
	StartingPosition string
	Tags             map[string]string
	MappingSettings
}

// mapping is AWS's EventSourceMappingConfiguration. The simulator keeps it and
// moves no records.
type mapping struct {
	UUID                  string
	EventSourceMappingArn string
	EventSourceArn        string
	FunctionArn           string
	StartingPosition      string `json:",omitempty"`
	LastModified          *core.Time
	LastProcessingResult  string
	State                 string
	StateTransitionReason string
	MappingSettings

	tags    map[string]string
	settled time.Time // when State becomes next
	next    string    // "" means: gone
}

// MappingID names a mapping.
type MappingID struct {
	ID string `json:"-" path:"UUID"`
}

// ListMappingsInput selects by function or source.
type ListMappingsInput struct {
	EventSourceArn string `json:"-" q:"EventSourceArn"`
	FunctionName   string `json:"-" q:"FunctionName"`
	Marker         string `json:"-" q:"Marker"`
	MaxItems       int    `json:"-" q:"MaxItems"`
}

// ListMappingsOutput is one page.
type ListMappingsOutput struct {
	EventSourceMappings []*mapping
	NextMarker          string `json:",omitempty"`
}

func (s *Service) mappingOps() []core.Op {
	const path = "/2015-03-31/event-source-mappings"
	byID := core.On(func(c *core.Call, in *MappingID) string { return mappingARN(c, in.ID) })
	return []core.Op{
		core.Handle("CreateEventSourceMapping", s.createMapping, core.REST("POST", path), core.Status(202), core.TrailName("CreateEventSourceMapping20150331"),
			core.Needs(func(c *core.Call, in *MappingInput) []core.Permission {
				fn := s.permission(c, Named{FunctionName: in.FunctionName}).Resource
				return []core.Permission{{Context: withKeys(core.TagKeys(in.Tags, nil), map[string]string{"lambda:FunctionArn": fn})}}
			})),
		core.Handle("GetEventSourceMapping", s.getMapping, core.REST("GET", path+"/{UUID}"), core.ReadOnly, core.TrailName("GetEventSourceMapping20150331"), byID),
		core.Handle("UpdateEventSourceMapping", s.updateMapping, core.REST("PUT", path+"/{UUID}"), core.Status(202), core.TrailName("UpdateEventSourceMapping20150331"),
			core.On(func(c *core.Call, in *MappingInput) string { return mappingARN(c, in.ID) })),
		core.Handle("DeleteEventSourceMapping", s.deleteMapping, core.REST("DELETE", path+"/{UUID}"), core.Status(202), core.TrailName("DeleteEventSourceMapping20150331"), byID),
		core.Handle("ListEventSourceMappings", s.listMappings, core.REST("GET", path), core.ReadOnly, core.TrailName("ListEventSourceMappings20150331")),
	}
}

func mappingARN(c *core.Call, id string) string { return c.ARN("lambda", "event-source-mapping:"+id) }

func (st *state) settleMappings(now time.Time) {
	for id, m := range st.mappings {
		if m.settled.IsZero() || now.Before(m.settled) {
			continue
		}
		if m.next == "" {
			delete(st.mappings, id)
			continue
		}
		m.State, m.settled = m.next, time.Time{}
	}
}

// begin starts a change of state.
func (m *mapping) begin(c *core.Call, state, next string) {
	m.State, m.next, m.settled, m.LastModified = state, next, c.After(1), core.Ptr(c.Now)
	m.StateTransitionReason = "USER_INITIATED"
}

// sourceActions are what the function's role must be allowed, by service.
var sourceActions = map[string]string{
	"sqs": "sqs:ReceiveMessage", "kinesis": "kinesis:GetRecords", "dynamodb": "dynamodb:GetRecords",
}

func (s *Service) createMapping(c *core.Call, in *MappingInput) (*mapping, error) {
	f, r, err := s.find(c, Named{FunctionName: in.FunctionName})
	if err != nil {
		return nil, err
	}
	st := s.shelf.At(c.Account.ID, c.Region)
	kind := sourceKind(in.EventSourceArn)
	if kind == "" {
		return nil, invalid("Unrecognized event source, must be Kinesis, DynamoDB stream, SQS or MSK. Simulated are ARNs of these: %q", in.EventSourceArn)
	}
	for _, m := range sorted(st.mappings) {
		if m.EventSourceArn == in.EventSourceArn && m.FunctionArn == r.qualified() {
			return nil, conflict("An event source mapping with %s arn (\" %s \") and function (\" %s \") already exists. Please update or delete the existing mapping with UUID %s", strings.ToUpper(kind), in.EventSourceArn, r.name, m.UUID)
		}
	}
	if kind != "sqs" && in.StartingPosition == "" {
		return nil, invalid("1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.")
	}
	role := f.latest.Config.Role
	if action := sourceActions[kind]; action != "" && s.deps.Roles != nil && !s.deps.Roles.Allows(role, action, in.EventSourceArn, c.Now) {
		return nil, invalid("The function execution role does not have permissions to call %s on %s", strings.SplitN(action, ":", 2)[1], strings.ToUpper(kind))
	}
	id := c.World.UUID()
	m := &mapping{
		UUID: id, EventSourceMappingArn: mappingARN(c, id), EventSourceArn: in.EventSourceArn, FunctionArn: r.qualified(),
		StartingPosition: in.StartingPosition, LastProcessingResult: "No records processed", tags: map[string]string{},
		MappingSettings: mappingDefaults(kind),
	}
	if err := addTags(m.tags, in.Tags); err != nil {
		return nil, err
	}
	if err := m.apply(in); err != nil {
		return nil, err
	}
	m.begin(c, "Creating", enabled(in.Enabled, "Enabled"))
	st.mappings[id] = m
	return m, nil
}

// sourceKind is the service of an event source's ARN, "" if it can be none.
func sourceKind(arn string) string {
	parts := strings.Split(arn, ":")
	if len(parts) < 6 || parts[0] != "arn" {
		return ""
	}
	switch parts[2] {
	case "sqs", "kinesis", "dynamodb", "kafka", "mq", "rds":
		return parts[2]
	}
	return ""
}

func mappingDefaults(kind string) MappingSettings {
	batch, window := 100, 0
	d := MappingSettings{BatchSize: &batch, MaximumBatchingWindowInSeconds: &window}
	if kind == "sqs" {
		batch = 10
		return d
	}
	factor, age, retries, tumbling, bisect := 1, -1, -1, 0, false
	d.ParallelizationFactor, d.MaximumRecordAgeInSeconds, d.MaximumRetryAttempts = &factor, &age, &retries
	d.TumblingWindowInSeconds, d.BisectBatchOnFunctionError = &tumbling, &bisect
	d.DestinationConfig = &Destinations{OnFailure: &Destination{}}
	return d
}

func enabled(flag *bool, otherwise string) string {
	switch {
	case flag == nil:
		return otherwise
	case *flag:
		return "Enabled"
	default:
		return "Disabled"
	}
}

func (m *mapping) apply(in *MappingInput) error {
	if n := in.BatchSize; n != nil && (*n < 1 || *n > 10000) {
		return constraint("batchSize", fmt.Sprint(*n), "Member must have value between 1 and 10000")
	}
	replace(&m.BatchSize, in.BatchSize)
	replace(&m.MaximumBatchingWindowInSeconds, in.MaximumBatchingWindowInSeconds)
	replace(&m.ParallelizationFactor, in.ParallelizationFactor)
	replace(&m.MaximumRecordAgeInSeconds, in.MaximumRecordAgeInSeconds)
	replace(&m.BisectBatchOnFunctionError, in.BisectBatchOnFunctionError)
	replace(&m.MaximumRetryAttempts, in.MaximumRetryAttempts)
	replace(&m.TumblingWindowInSeconds, in.TumblingWindowInSeconds)
	replace(&m.DestinationConfig, in.DestinationConfig)
	replace(&m.FilterCriteria, in.FilterCriteria)
	replace(&m.FunctionResponseTypes, in.FunctionResponseTypes)
	replace(&m.ScalingConfig, in.ScalingConfig)
	replace(&m.KMSKeyArn, in.KMSKeyArn)
	return nil
}

func (s *Service) mapping(c *core.Call, id string) (*mapping, error) {
	if m := s.shelf.At(c.Account.ID, c.Region).mappings[id]; m != nil {
		return m, nil
	}
	return nil, notFound("The resource you requested does not exist.")
}

func (s *Service) getMapping(c *core.Call, in *MappingID) (*mapping, error) {
	return s.mapping(c, in.ID)
}

// idle refuses what AWS refuses while a mapping changes.
func (m *mapping) idle() error {
	if m.settled.IsZero() {
		return nil
	}
	return core.Errorf(400, "ResourceInUseException", "Cannot change the event source mapping because it is in use: its state is %s.", m.State)
}

func (s *Service) updateMapping(c *core.Call, in *MappingInput) (*mapping, error) {
	m, err := s.mapping(c, in.ID)
	if err != nil {
		return nil, err
	}
	if err := m.idle(); err != nil {
		return nil, err
	}
	if in.FunctionName != "" {
		_, r, err := s.find(c, Named{FunctionName: in.FunctionName})
		if err != nil {
			return nil, err
		}
		m.FunctionArn = r.qualified()
	}
	if err := m.apply(in); err != nil {
		return nil, err
	}
	state, next := "Updating", enabled(in.Enabled, m.State)
	switch {
	case next == m.State:
	case next == "Enabled":
		state = "Enabling"
	default:
		state = "Disabling"
	}
	m.begin(c, state, next)
	return m, nil
}

func (s *Service) deleteMapping(c *core.Call, in *MappingID) (*mapping, error) {
	m, err := s.mapping(c, in.ID)
	if err != nil {
		return nil, err
	}
	if err := m.idle(); err != nil {
		return nil, err
	}
	m.begin(c, "Deleting", "")
	return m, nil
}

func (s *Service) listMappings(c *core.Call, in *ListMappingsInput) (*ListMappingsOutput, error) {
	arn := ""
	if in.FunctionName != "" {
		r, err := parseRef(c, in.FunctionName, "")
		if err != nil {
			return nil, err
		}
		arn = r.qualified()
	}
	var match []*mapping
	for _, m := range sorted(s.shelf.At(c.Account.ID, c.Region).mappings) {
		if (arn == "" || m.FunctionArn == arn) && (in.EventSourceArn == "" || m.EventSourceArn == in.EventSourceArn) {
			match = append(match, m)
		}
	}
	page, next, err := cut(match, func(m *mapping) string { return m.UUID }, Page{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	return &ListMappingsOutput{page, next}, nil
}
