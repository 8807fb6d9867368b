package events

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// bus is an event bus with its rules.
type bus struct {
	Name             string
	Arn              string
	Description      string            `json:",omitempty"`
	KmsKeyIdentifier string            `json:",omitempty"`
	DeadLetterConfig *DeadLetterConfig `json:",omitempty"`
	Policy           string            `json:",omitempty"`
	CreationTime     *core.Time        `json:",omitempty"`
	LastModifiedTime *core.Time        `json:",omitempty"`

	rules  map[string]*rule
	tags   map[string]string
	parsed *iameval.Policy
}

// DeadLetterConfig is where undelivered events go.
type DeadLetterConfig struct {
	Arn string `json:",omitempty"`
}

// Tag is one tag.
type Tag struct{ Key, Value string }

// BusInput makes, changes or names a bus, by name or ARN.
type BusInput struct {
	Name             string
	EventSourceName  string
	Description      string
	KmsKeyIdentifier string
	DeadLetterConfig *DeadLetterConfig
	Tags             []Tag
}

// CreateBusOutput is the new bus's ARN and settings.
type CreateBusOutput struct {
	EventBusArn      string
	Description      string            `json:",omitempty"`
	KmsKeyIdentifier string            `json:",omitempty"`
	DeadLetterConfig *DeadLetterConfig `json:",omitempty"`
}

// ListInput asks for one page.
type ListInput struct {
	NamePrefix   string
	EventBusName string
	NextToken    string
	Limit        *int
}

// ListBusesOutput is one page.
type ListBusesOutput struct {
	EventBuses []*bus
	NextToken  string `json:",omitempty"`
}

var busName = regexp.MustCompile(`^[/.\-_A-Za-z0-9]{1,256}$`)

const busesPerRegion = 100

// nameOf takes a bus's name out of a name or ARN; "" is the default bus.
func nameOf(nameOrARN string) string {
	if i := strings.Index(nameOrARN, ":event-bus/"); i >= 0 {
		return nameOrARN[i+len(":event-bus/"):]
	}
	if nameOrARN == "" {
		return defaultBus
	}
	return nameOrARN
}

// busARN is the bus's ARN; an ARN of another account stays what it is.
func busARN(c *core.Call, nameOrARN string) string {
	if strings.HasPrefix(nameOrARN, "arn:") {
		return nameOrARN
	}
	return c.ARN("events", "event-bus/"+nameOf(nameOrARN))
}

func (st *state) newBus(name string, now time.Time) *bus {
	return &bus{Name: name, Arn: fmt.Sprintf("arn:aws:events:%s:%s:event-bus/%s", st.region, st.account, name),
		CreationTime: core.Ptr(now), LastModifiedTime: core.Ptr(now), rules: map[string]*rule{}, tags: map[string]string{}}
}

func (s *Service) busOps() []core.Op {
	one := core.On(func(c *core.Call, in *BusInput) string { return busARN(c, in.Name) })
	return []core.Op{
		core.Handle("CreateEventBus", s.createBus, core.Needs(func(c *core.Call, in *BusInput) []core.Permission {
			return []core.Permission{{Resource: busARN(c, in.Name), Context: core.TagKeys(tagMap(in.Tags), nil)}}
		})),
		core.Handle("DescribeEventBus", s.describeBus, core.ReadOnly, one),
		core.Handle("UpdateEventBus", s.updateBus, one),
		core.Handle("DeleteEventBus", s.deleteBus, one),
		core.Handle("ListEventBuses", s.listBuses, core.ReadOnly),
	}
}

func (s *Service) bus(c *core.Call, name string) (*bus, error) {
	if b := s.at(c).buses[nameOf(name)]; b != nil {
		return b, nil
	}
	return nil, notFound("Event bus %s does not exist.", nameOf(name))
}

func (s *Service) createBus(c *core.Call, in *BusInput) (*CreateBusOutput, error) {
	st := s.at(c)
	switch {
	case !busName.MatchString(in.Name):
		return nil, validation("1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [/\\.\\-_A-Za-z0-9]+", in.Name)
	case in.EventSourceName != "":
		return nil, validation("The simulator has no partner event sources: EventSourceName %q", in.EventSourceName)
	case st.buses[in.Name] != nil:
		return nil, core.Errorf(400, "ResourceAlreadyExistsException", "Event bus %s already exists.", in.Name)
	case len(st.buses) >= busesPerRegion:
		return nil, core.Errorf(400, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
	}
	b := st.newBus(in.Name, c.Now)
	b.Description, b.KmsKeyIdentifier, b.DeadLetterConfig = in.Description, in.KmsKeyIdentifier, in.DeadLetterConfig
	if err := addTags(b.tags, in.Tags); err != nil {
		return nil, err
	}
	st.buses[b.Name] = b
	return &CreateBusOutput{b.Arn, b.Description, b.KmsKeyIdentifier, b.DeadLetterConfig}, nil
}

func (s *Service) describeBus(c *core.Call, in *BusInput) (*bus, error) { return s.bus(c, in.Name) }

func (s *Service) updateBus(c *core.Call, in *BusInput) (*bus, error) {
	b, err := s.bus(c, in.Name)
	if err != nil {
		return nil, err
	}
	b.Description, b.KmsKeyIdentifier, b.DeadLetterConfig = in.Description, in.KmsKeyIdentifier, in.DeadLetterConfig
	b.LastModifiedTime = core.Ptr(c.Now)
	return b, nil
}

func (s *Service) deleteBus(c *core.Call, in *BusInput) (core.None, error) {
	st := s.at(c)
	b := st.buses[nameOf(in.Name)]
	switch {
	case b == nil: // succeeds
	case b.Name == defaultBus:
		return core.None{}, validation("Cannot delete event bus default.")
	case len(b.rules) > 0:
		return core.None{}, validation("Event bus can't be deleted since it has rules.")
	default:
		delete(st.buses, b.Name)
	}
	return core.None{}, nil
}

func (s *Service) listBuses(c *core.Call, in *ListInput) (*ListBusesOutput, error) {
	var match []*bus
	for _, b := range sorted(s.at(c).buses) {
		if strings.HasPrefix(b.Name, in.NamePrefix) {
			match = append(match, b)
		}
	}
	out, next, err := page(match, func(b *bus) string { return b.Name }, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	return &ListBusesOutput{out, next}, nil
}

// PutPermissionInput adds a statement to a bus's policy, or replaces the policy.
type PutPermissionInput struct {
	EventBusName string
	Action       string
	Principal    string // an account, or "*"
	StatementId  string
	Condition    *struct{ Type, Key, Value string }
	Policy       string
}

// RemovePermissionInput takes one statement out, or all.
type RemovePermissionInput struct {
	EventBusName         string
	StatementId          string
	RemoveAllPermissions bool
}

func (s *Service) busPolicyOps() []core.Op {
	return []core.Op{
		core.Handle("PutPermission", s.putPermission, core.On(func(c *core.Call, in *PutPermissionInput) string { return busARN(c, in.EventBusName) })),
		core.Handle("RemovePermission", s.removePermission, core.On(func(c *core.Call, in *RemovePermissionInput) string { return busARN(c, in.EventBusName) })),
	}
}

type policyDoc struct {
	Version   string
	Statement []map[string]any
}

func (b *bus) document() (policyDoc, error) {
	doc := policyDoc{Version: "2012-10-17"}
	if b.Policy == "" {
		return doc, nil
	}
	if err := json.Unmarshal([]byte(b.Policy), &doc); err != nil {
		return doc, fmt.Errorf("policy of event bus %s: %w", b.Name, err)
	}
	return doc, nil
}

// without gives the statements but the one with this id; found tells if it was there.
func (d policyDoc) without(sid string) (rest []map[string]any, found bool) {
	for _, st := range d.Statement {
		if st["Sid"] == sid {
			found = true
			continue
		}
		rest = append(rest, st)
	}
	return rest, found
}

func (b *bus) setPolicy(text string, now time.Time) error {
	p, err := parsePolicy(text)
	if err != nil {
		return err
	}
	b.Policy, b.parsed, b.LastModifiedTime = text, p, core.Ptr(now)
	return nil
}

func (s *Service) putPermission(c *core.Call, in *PutPermissionInput) (core.None, error) {
	b, err := s.bus(c, in.EventBusName)
	if err != nil {
		return core.None{}, err
	}
	if in.Policy != "" {
		return core.None{}, b.setPolicy(in.Policy, c.Now)
	}
	if in.StatementId == "" || in.Principal == "" || in.Action == "" {
		return core.None{}, validation("PutPermission needs Policy, or Action, Principal and StatementId.")
	}
	var principal any = "*"
	if in.Principal != "*" {
		principal = map[string]string{"AWS": "arn:aws:iam::" + in.Principal + ":root"}
	}
	st := map[string]any{"Sid": in.StatementId, "Effect": "Allow", "Principal": principal, "Action": in.Action, "Resource": b.Arn}
	if in.Condition != nil {
		st["Condition"] = map[string]map[string]string{in.Condition.Type: {in.Condition.Key: in.Condition.Value}}
	}
	doc, err := b.document()
	if err != nil {
		return core.None{}, err
	}
	doc.Statement, _ = doc.without(in.StatementId)
	doc.Statement = append(doc.Statement, st)
	text, err := json.Marshal(doc)
	if err != nil {
		return core.None{}, err
	}
	return core.None{}, b.setPolicy(string(text), c.Now)
}

func (s *Service) removePermission(c *core.Call, in *RemovePermissionInput) (core.None, error) {
	b, err := s.bus(c, in.EventBusName)
	if err != nil {
		return core.None{}, err
	}
	doc, err := b.document()
	if err != nil {
		return core.None{}, err
	}
	rest, found := doc.without(in.StatementId)
	if in.RemoveAllPermissions {
		rest, found = nil, b.Policy != ""
	}
	if !found {
		return core.None{}, notFound("Statement with the provided id does not exist.")
	}
	if len(rest) == 0 {
		b.Policy, b.parsed = "", nil
		return core.None{}, nil
	}
	doc.Statement = rest
	text, err := json.Marshal(doc)
	if err != nil {
		return core.None{}, err
	}
	return core.None{}, b.setPolicy(string(text), c.Now)
}
